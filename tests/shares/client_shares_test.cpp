#include "mrd/shares/client_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mrd {
namespace {

using Limit = ClientShares::Limit;

constexpr SharedBound places_bound{.what = "places", .all = 100, .others = 70, .uid = 40, .connection = 20};

TEST(ClientShares, WhatFitsExactlyFitsAndOneMoreExceedsTheConnection) {
    ClientShares shares(places_bound);
    const Client client{1, 7};
    EXPECT_FALSE(shares.exceeded(client, 20));
    EXPECT_EQ(shares.exceeded(client, 21), Limit::connection);
    shares.take(client, 19);
    EXPECT_FALSE(shares.exceeded(client, 1));
    EXPECT_EQ(shares.exceeded(client, 2), Limit::connection);
    EXPECT_EQ(shares.exceeded(client, static_cast<std::size_t>(-1)), Limit::connection) << "no sum overflows";
    EXPECT_EQ(shares.name_of(Limit::connection, client), "20 places of one connection");
}

TEST(ClientShares, WhoHoldsMoreThanItsShareExceedsItWithAnything) {
    ClientShares shares(places_bound);
    shares.take({1, 7}, 21);
    EXPECT_EQ(shares.exceeded({1, 7}, 1), Limit::connection);
}

TEST(ClientShares, AUidIsCountedOverItsConnectionsAndRootIsNot) {
    ClientShares shares(places_bound);
    shares.take({1, 7}, 20);
    shares.take({2, 7}, 20);
    EXPECT_EQ(shares.exceeded({3, 7}, 1), Limit::uid);
    EXPECT_EQ(shares.name_of(Limit::uid, {3, 7}), "40 places of uid 7");
    EXPECT_FALSE(shares.exceeded({3, 8}, 20));
    for (std::uint64_t connection = 10; connection < 13; ++connection) {
        EXPECT_FALSE(shares.exceeded({connection, 0}, 20));
        shares.take({connection, 0}, 20);
    }
    EXPECT_EQ(shares.exceeded({13, 0}, 1), Limit::all);
    EXPECT_EQ(shares.name_of(Limit::all, {13, 0}), "100 places in all");
}

TEST(ClientShares, AThousandUidsLeaveRootItsReserve) {
    ClientShares shares(places_bound);
    uid_t uid = 1;
    for (; uid <= 1000 && !shares.exceeded({uid, uid}, 1); ++uid) shares.take({uid, uid}, 1);
    EXPECT_EQ(shares.taken(), 70U);
    EXPECT_EQ(shares.exceeded({2000, 2000}, 1), Limit::others);
    EXPECT_EQ(shares.name_of(Limit::others, {2000, 2000}), "70 places of all uids but root");
    EXPECT_FALSE(shares.exceeded({3000, 0}, 20));
}

TEST(ClientShares, WhatIsGivenBackIsFreeForEachLimit) {
    ClientShares shares(places_bound);
    shares.take({1, 7}, 20);
    shares.take({2, 7}, 20);
    shares.take({3, 8}, 20);
    shares.take({4, 9}, 10);
    EXPECT_EQ(shares.exceeded({4, 9}, 1), Limit::others);
    shares.give_back({2, 7}, 5);
    EXPECT_FALSE(shares.exceeded({5, 7}, 5));
    EXPECT_EQ(shares.exceeded({5, 7}, 6), Limit::uid);
    EXPECT_EQ(shares.taken(), 65U);
}

}  // namespace
}  // namespace mrd
