#include "mrfs/call_shares.h"

#include <gtest/gtest.h>

namespace mrfs {
namespace {

std::size_t begin_all(CallShares &shares, uid_t uid) {
    std::size_t begun = 0;
    while (shares.begin(uid)) ++begun;
    return begun;
}

TEST(CallShares, OneUserLeavesThreadsForOthersAndAllUsersLeaveSomeForRoot) {
    CallShares shares;
    EXPECT_EQ(begin_all(shares, 1000), max_calls_of_a_user);
    EXPECT_EQ(begin_all(shares, 1001), max_calls - calls_for_root - max_calls_of_a_user);
    EXPECT_FALSE(shares.begin(1002));
    EXPECT_EQ(begin_all(shares, 0), calls_for_root) << "and as many threads as it may have leave some for what asks nobody";
    EXPECT_LT(max_calls, max_threads);
}

TEST(CallShares, WhatHasEndedIsFree) {
    CallShares shares;
    begin_all(shares, 1000);
    shares.end(1000);
    EXPECT_TRUE(shares.begin(1000));
    EXPECT_FALSE(shares.begin(1000));
    for (std::size_t i = 0; i < max_calls_of_a_user; ++i) shares.end(1000);
    EXPECT_EQ(begin_all(shares, 1001), max_calls_of_a_user);
}

}  // namespace
}  // namespace mrfs
