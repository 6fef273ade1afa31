#include "mrd/shares/share_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace mrd {
namespace {

using ::testing::IsEmpty;

class ShareQueueTest : public ::testing::Test {
protected:
    ShareQueue::Ticket wait(char name, const Client &client, std::size_t amount) {
        const auto ticket = queue_.wait(client, amount);
        names_[ticket] = name;
        return ticket;
    }
    // The names of all whose turn it is now.
    std::string turns() {
        std::string served;
        while (const auto turn = queue_.next()) {
            served += names_.at(turn->ticket);
            held_[served.back()] = *turn;
        }
        return served;
    }
    void give_back(char name) { queue_.give_back(held_.at(name).client, held_.at(name).amount); }

    static Client root(std::uint64_t connection) { return {connection, 0}; }
    static Client user(std::uint64_t connection, uid_t uid) { return {connection, uid}; }

    ShareQueue queue_{{.what = "places", .all = 100, .others = 70, .uid = 40, .connection = 30}};
    std::map<ShareQueue::Ticket, char> names_;
    std::map<char, ShareQueue::Turn> held_;
};

TEST_F(ShareQueueTest, WhoeverFitsIsServedInTheOrderOfArrival) {
    wait('a', root(1), 30);
    wait('b', root(2), 30);
    wait('c', root(3), 30);
    EXPECT_EQ(turns(), "abc");
    EXPECT_EQ(queue_.taken(), 90U);
    EXPECT_EQ(queue_.waiting(), 0U);
}

TEST_F(ShareQueueTest, ManyRequestsOfOneConnectionDoNotStandBeforeAnothersFirst) {
    for (int i = 0; i < 40; ++i) wait('m', root(1), 30);
    wait('b', root(2), 30);
    wait('B', root(2), 30);
    wait('c', root(3), 30);
    EXPECT_EQ(turns(), "mbc");
    give_back('m');
    EXPECT_EQ(turns(), "m") << "the second of each in the order in which they came";
    give_back('b');
    EXPECT_EQ(turns(), "B");
    wait('d', root(4), 30);
    give_back('m');
    EXPECT_EQ(turns(), "d") << "who comes new does not stand behind 38 others";
}

TEST_F(ShareQueueTest, ASmallOneThatCameLaterDoesNotPassALargeOneThatWaitsForTheWhole) {
    wait('a', root(1), 30);
    wait('b', root(2), 30);
    wait('c', root(3), 30);
    EXPECT_EQ(turns(), "abc");
    wait('l', root(4), 30);
    wait('s', root(5), 1);
    EXPECT_EQ(turns(), "");
    give_back('b');
    EXPECT_EQ(turns(), "ls");
}

TEST_F(ShareQueueTest, WhoeverWaitsForItsOwnShareHoldsUpNobodyElseAndIsNotPassedByItsOwn) {
    wait('a', user(1, 7), 30);
    wait('b', user(2, 7), 30);
    wait('s', user(3, 7), 1);
    wait('c', user(4, 8), 30);
    EXPECT_EQ(turns(), "ac");
    give_back('a');
    EXPECT_EQ(turns(), "bs");
}

TEST_F(ShareQueueTest, WhatIsLeftToRootIsNotTakenByOthersHoweverManyWait) {
    for (uid_t uid = 1; uid <= 1000; ++uid) wait('o', user(uid, uid), 10);
    wait('r', root(2000), 30);
    EXPECT_EQ(turns(), "ooooooor");
    EXPECT_EQ(queue_.taken(), 100U);
    wait('R', root(2001), 10);
    EXPECT_EQ(turns(), "");
    give_back('o');
    EXPECT_EQ(turns(), "o") << "the others' part stays theirs";
    give_back('r');
    EXPECT_EQ(turns(), "R");
}

TEST_F(ShareQueueTest, OneThatIsCancelledIsNotServedAndHoldsNobodyUp) {
    wait('a', root(1), 30);
    wait('b', root(2), 30);
    wait('c', root(3), 30);
    const auto large = wait('l', root(4), 30);
    wait('s', root(5), 10);
    EXPECT_EQ(turns(), "abc");
    EXPECT_TRUE(queue_.cancel(large));
    EXPECT_FALSE(queue_.cancel(large));
    EXPECT_EQ(turns(), "s");
}

TEST_F(ShareQueueTest, WhoWaitsIsToldForWhat) {
    wait('a', user(1, 7), 30);
    const auto first = wait('b', user(2, 7), 30);
    const auto behind = wait('s', user(3, 7), 1);
    EXPECT_EQ(turns(), "a");
    EXPECT_EQ(queue_.waits_for(first), "40 places of uid 7");
    EXPECT_EQ(queue_.waits_for(behind), "100 places in all");
    EXPECT_EQ(queue_.waits_for(4711), std::nullopt);
}

}  // namespace
}  // namespace mrd
