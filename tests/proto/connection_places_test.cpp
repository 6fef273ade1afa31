#include "proto/varlink/connection_places.h"

#include <gtest/gtest.h>

namespace varlink {
namespace {

using Outcome = ConnectionPlaces::Outcome;

constexpr uid_t root = 0;
constexpr uid_t alice = 1000;

// How many more places the uid gets.
std::size_t fill(ConnectionPlaces &places, uid_t uid) {
    std::size_t taken = 0;
    while (places.take(uid) == Outcome::taken) ++taken;
    return taken;
}

TEST(ConnectionPlaces, RootMayHaveThemAll) {
    ConnectionPlaces places(4096);
    EXPECT_EQ(fill(places, root), 4096U);
    EXPECT_EQ(places.take(root), Outcome::no_place);
    EXPECT_EQ(places.take(alice), Outcome::no_place);
    EXPECT_EQ(places.taken(), 4096U);
}

TEST(ConnectionPlaces, AUidAloneGetsNearlyAll) {
    ConnectionPlaces places(4096);
    EXPECT_EQ(fill(places, alice), 3528U);
    EXPECT_EQ(places.take(alice), Outcome::over_share);
}

TEST(ConnectionPlaces, EveryFurtherUidGetsItsShareOfTheRestAndRootItsReserve) {
    ConnectionPlaces places(4096);
    fill(places, alice);
    EXPECT_EQ(fill(places, alice + 1), 441U);
    EXPECT_EQ(fill(places, alice + 2), 56U);
    EXPECT_EQ(fill(places, alice + 3), 7U);
    EXPECT_EQ(fill(places, root), 64U);
    EXPECT_EQ(places.taken(), 4096U);
    EXPECT_EQ(places.take(alice + 4), Outcome::no_place);
}

TEST(ConnectionPlaces, WhatRootHasIsNotFreeForTheShares) {
    ConnectionPlaces places(4096);
    for (int i = 0; i < 2048; ++i) ASSERT_EQ(places.take(root), Outcome::taken);
    EXPECT_EQ(fill(places, alice), 1792U);
    EXPECT_EQ(places.take(alice), Outcome::over_share);
}

TEST(ConnectionPlaces, WhoHasNoneGetsOneAsLongAsThereIsOneThatIsNotKeptForRoot) {
    ConnectionPlaces places(640);
    for (uid_t uid = 1; uid <= 630; ++uid) ASSERT_EQ(places.take(uid), Outcome::taken) << uid;
    EXPECT_EQ(places.take(631), Outcome::no_place);
    EXPECT_EQ(fill(places, root), 10U);
}

TEST(ConnectionPlaces, WhatIsGivenBackIsFreeForAll) {
    ConnectionPlaces places(100);
    const auto taken = fill(places, alice);
    places.give_back(alice);
    EXPECT_EQ(places.take(alice), Outcome::taken);
    EXPECT_EQ(places.take(alice), Outcome::over_share);
    for (std::size_t i = 0; i < taken; ++i) places.give_back(alice);
    EXPECT_EQ(places.taken(), 0U);
    EXPECT_EQ(fill(places, alice + 1), taken);
}

TEST(ConnectionPlaces, FewPlacesAreAllForWhoeverComes) {
    for (std::size_t count = 1; count <= 7; ++count) {
        ConnectionPlaces places(count);
        EXPECT_EQ(fill(places, alice), count);
    }
}

}  // namespace
}  // namespace varlink
