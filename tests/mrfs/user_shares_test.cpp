#include "mrfs/user_shares.h"

#include <gtest/gtest.h>

namespace mrfs {
namespace {

using Full = UserShares::Full;

constexpr UserShares::Limits limits{.of_a_user = 6, .of_all = 12, .for_root = 2};

// How many he gets, and why not more.
std::pair<std::size_t, Full> take_all(UserShares &shares, uid_t uid, bool may_quote = false) {
    for (std::size_t taken = 0;; ++taken) {
        if (const auto more = shares.take(uid, may_quote); !more) return {taken, more.error()};
    }
}

TEST(UserShares, OneUserLeavesSomeForOthersAndAllUsersForRoot) {
    UserShares shares(limits);
    EXPECT_EQ(take_all(shares, 1000), std::pair(std::size_t{6}, Full::of_the_user));
    EXPECT_EQ(take_all(shares, 1001), std::pair(std::size_t{4}, Full::of_all));
    EXPECT_EQ(take_all(shares, 1002), std::pair(std::size_t{0}, Full::of_all));
    EXPECT_EQ(take_all(shares, 0), std::pair(std::size_t{2}, Full::of_all));
}

TEST(UserShares, HoweverManyUidsHaveNoRightSomeIsLeftForWhoMayQuote) {
    constexpr UserShares::Limits with_rights{.of_a_user = 6, .of_all = 18, .for_root = 2, .for_who_may_quote = 8};
    UserShares shares(with_rights);
    EXPECT_EQ(take_all(shares, 1000), std::pair(std::size_t{6}, Full::of_the_user));
    EXPECT_EQ(take_all(shares, 1001), std::pair(std::size_t{2}, Full::kept));
    EXPECT_EQ(take_all(shares, 1002), std::pair(std::size_t{0}, Full::kept));
    EXPECT_EQ(take_all(shares, 1003, true), std::pair(std::size_t{6}, Full::of_the_user));
    EXPECT_EQ(take_all(shares, 1004, true), std::pair(std::size_t{2}, Full::of_all));
    EXPECT_EQ(take_all(shares, 0), std::pair(std::size_t{2}, Full::of_all));
}

TEST(UserShares, WhatWasGivenBackIsFree) {
    UserShares shares(limits);
    take_all(shares, 1000);
    shares.give_back(1000);
    EXPECT_EQ(take_all(shares, 1000), std::pair(std::size_t{1}, Full::of_the_user));
    for (std::size_t i = 0; i < limits.of_a_user; ++i) shares.give_back(1000);
    EXPECT_EQ(take_all(shares, 1001).first, limits.of_a_user);
}

TEST(UserShares, WhoHasManyUidsHasOneShare) {
    UserShares shares(limits);
    EXPECT_EQ(take_all(shares, first_of_the_pool), std::pair(std::size_t{6}, Full::of_the_user));
    EXPECT_EQ(take_all(shares, 100'000), std::pair(std::size_t{0}, Full::of_the_user));
    EXPECT_EQ(take_all(shares, first_of_the_pool - 1), std::pair(std::size_t{4}, Full::of_all));
    shares.give_back(first_of_the_pool);
    EXPECT_EQ(take_all(shares, 100'000).first, 1U);
}

}  // namespace
}  // namespace mrfs
