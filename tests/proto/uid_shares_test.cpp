#include "proto/varlink/uid_shares.h"

#include <gtest/gtest.h>

#include "tests/proto/uids.h"

namespace varlink {
namespace {

using test::alice;
using test::root_uid;
using Outcome = UidShares::Outcome;

// How many more places the uid gets.
std::size_t fill(UidShares &places, uid_t uid) {
    std::size_t taken = 0;
    while (places.take(uid) == Outcome::taken) ++taken;
    return taken;
}

TEST(UidShares, RootMayHaveThemAll) {
    UidShares places(4096);
    EXPECT_EQ(fill(places, root_uid), 4096U);
    EXPECT_EQ(places.take(root_uid), Outcome::none_left);
    EXPECT_EQ(places.take(alice), Outcome::none_left);
    EXPECT_EQ(places.taken(), 4096U);
}

TEST(UidShares, AUidAloneGetsNearlyAll) {
    UidShares places(4096);
    EXPECT_EQ(fill(places, alice), 3528U);
    EXPECT_EQ(places.take(alice), Outcome::over_share);
}

TEST(UidShares, EveryFurtherUidGetsItsShareOfTheRestAndRootItsReserve) {
    UidShares places(4096);
    fill(places, alice);
    EXPECT_EQ(fill(places, alice + 1), 441U);
    EXPECT_EQ(fill(places, alice + 2), 56U);
    EXPECT_EQ(fill(places, alice + 3), 7U);
    EXPECT_EQ(fill(places, root_uid), 64U);
    EXPECT_EQ(places.taken(), 4096U);
    EXPECT_EQ(places.take(alice + 4), Outcome::none_left);
}

TEST(UidShares, WhatRootHasIsNotFreeForTheShares) {
    UidShares places(4096);
    for (int i = 0; i < 2048; ++i) ASSERT_EQ(places.take(root_uid), Outcome::taken);
    EXPECT_EQ(fill(places, alice), 1792U);
    EXPECT_EQ(places.take(alice), Outcome::over_share);
}

TEST(UidShares, WhoHasNoneGetsOneAsLongAsThereIsOneThatIsNotKeptForRoot) {
    UidShares places(640);
    for (uid_t uid = 1; uid <= 630; ++uid) ASSERT_EQ(places.take(uid), Outcome::taken) << uid;
    EXPECT_EQ(places.take(631), Outcome::none_left);
    EXPECT_EQ(fill(places, root_uid), 10U);
}

TEST(UidShares, WhatIsGivenBackIsFreeForAll) {
    UidShares places(100);
    const auto taken = fill(places, alice);
    places.give_back(alice);
    EXPECT_EQ(places.take(alice), Outcome::taken);
    EXPECT_EQ(places.take(alice), Outcome::over_share);
    for (std::size_t i = 0; i < taken; ++i) places.give_back(alice);
    EXPECT_EQ(places.taken(), 0U);
    EXPECT_EQ(fill(places, alice), taken) << "for who had it before, too";
    for (std::size_t i = 0; i < taken; ++i) places.give_back(alice);
    EXPECT_EQ(fill(places, alice + 1), taken);
}

TEST(UidShares, FewPlacesAreAllForWhoeverComes) {
    for (std::size_t count = 1; count <= 7; ++count) {
        UidShares places(count);
        EXPECT_EQ(fill(places, alice), count);
    }
}

TEST(UidShares, WhatComesInPiecesIsSharedAsWhatIsCountedOneByOne) {
    constexpr std::size_t piece = 1000;
    UidShares bytes(std::size_t{4096} * piece);
    const auto fill_by_pieces = [&bytes](uid_t uid) {
        std::size_t pieces = 0;
        while (bytes.take(uid, piece) == Outcome::taken) ++pieces;
        return pieces;
    };
    EXPECT_EQ(bytes.take(alice, std::size_t{4096} * piece), Outcome::none_left);
    EXPECT_EQ(fill_by_pieces(alice), 3528U);
    EXPECT_EQ(bytes.take(alice, piece), Outcome::over_share);
    EXPECT_EQ(fill_by_pieces(alice + 1), 441U);
    while (bytes.take(alice + 2, 1) == Outcome::taken) {
    }
    EXPECT_GE(fill_by_pieces(root_uid), 64U) << "its reserve";
    bytes.give_back(alice, 3528 * piece);
    EXPECT_EQ(bytes.take(alice, piece), Outcome::taken);
}

}  // namespace
}  // namespace varlink
