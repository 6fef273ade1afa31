#include "mrd/shares/share_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

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

TEST_F(ShareQueueTest, EveryOtherTurnIsForTheOneWhoHasWaitedLongestAndForTheOneWhoCameLast) {
    for (const char name : std::string("abcdef")) wait(name, root(static_cast<std::uint64_t>(name)), 10);
    EXPECT_EQ(turns(), "afbecd");
    EXPECT_EQ(queue_.taken(), 60U);
    EXPECT_EQ(queue_.waiting(), 0U);
}

TEST_F(ShareQueueTest, ManyRequestsOfOneConnectionDoNotStandBeforeAnothersFirst) {
    for (int i = 0; i < 40; ++i) wait('m', root(1), 30);
    wait('b', root(2), 30);
    wait('B', root(2), 30);
    wait('c', root(3), 30);
    EXPECT_EQ(turns(), "mcb");
    give_back('m');
    EXPECT_EQ(turns(), "m");
    give_back('b');
    EXPECT_EQ(turns(), "B");
    wait('d', root(4), 30);
    give_back('m');
    EXPECT_EQ(turns(), "d") << "who comes new does not stand behind 38 others";
}

TEST_F(ShareQueueTest, UidsHaveTheirTurnsOneAfterTheOtherHoweverManyOfOneWait) {
    for (std::uint64_t i = 1; i <= 1000; ++i) wait('m', user(i, 7), 10);
    wait('x', user(2000, 8), 10);
    wait('y', user(2001, 9), 10);
    wait('r', root(2002), 10);
    wait('s', root(2003), 10);
    EXPECT_EQ(turns(), "rmsxymmm");
}

TEST_F(ShareQueueTest, RootHasEveryOtherTurnHoweverManyUidsWait) {
    ShareQueue one_at_a_time({.what = "places", .all = 1, .others = 1, .uid = 1, .connection = 1});
    const auto serve = [&] {
        const auto turn = one_at_a_time.next();
        one_at_a_time.give_back(turn->client, turn->amount);
        return turn->client.uid;
    };
    for (uid_t uid = 1; uid <= 1000; ++uid) one_at_a_time.wait(user(uid, uid), 1);
    EXPECT_EQ(serve(), 1U);
    for (std::uint64_t i = 0; i < 3; ++i) one_at_a_time.wait(root(2000 + i), 1);
    std::vector<uid_t> served;
    for (int i = 0; i < 8; ++i) served.push_back(serve());
    EXPECT_EQ(served, (std::vector<uid_t>{0, 2, 0, 3, 0, 4, 5, 6})) << "and takes nobody's turn from him";
}

TEST_F(ShareQueueTest, AConnectionThatHadNoTurnLatelyHasTheNextButOneHoweverManyAskAgainAndAgain) {
    ShareQueue one_at_a_time({.what = "places", .all = 1, .others = 1, .uid = 1, .connection = 1});
    for (std::uint64_t i = 1; i <= 600; ++i) one_at_a_time.wait(user(i, 7), 1);
    const auto serve = [&] {
        const auto turn = one_at_a_time.next();
        one_at_a_time.give_back(turn->client, turn->amount);
        one_at_a_time.wait(turn->client, 1);
        return turn->client.connection;
    };
    for (int i = 0; i < 2000; ++i) serve();
    one_at_a_time.wait(user(1000, 7), 1);
    const auto first = serve();
    const auto second = serve();
    EXPECT_TRUE(first == 1000 || second == 1000) << first << ", " << second;
    // Its second comes in the order of arrival, as all who ask again and again have theirs.
    std::set<std::uint64_t> served;
    for (int i = 0; i < 2 * 601; ++i) served.insert(serve());
    EXPECT_EQ(served.size(), 601U) << "nobody waits for ever";
}

TEST_F(ShareQueueTest, ATurnIsForgottenAfterSoManyOthers) {
    ShareQueue one_at_a_time({.what = "places", .all = 1, .others = 1, .uid = 1, .connection = 1});
    const auto serve = [&](std::uint64_t connection) {
        one_at_a_time.wait(user(connection, 7), 1);
        const auto turn = one_at_a_time.next();
        one_at_a_time.give_back(turn->client, turn->amount);
    };
    // Is connection 1, which comes last, passed by the others?
    const auto seldom = [&] {
        for (const std::uint64_t connection : {2U, 2U, 1U}) one_at_a_time.wait(user(connection, 7), 1);
        std::vector<std::uint64_t> order;
        while (const auto turn = one_at_a_time.next()) {
            order.push_back(turn->client.connection);
            one_at_a_time.give_back(turn->client, turn->amount);
        }
        return order[1] == 1;
    };
    serve(1);
    serve(2);
    EXPECT_FALSE(seldom());
    for (std::size_t i = 0; i < turns_remembered; ++i) serve(2);
    EXPECT_TRUE(seldom());
}

TEST_F(ShareQueueTest, ASmallOneThatCameLaterDoesNotPassALargeOneThatWaitsForTheWhole) {
    wait('a', root(1), 30);
    wait('b', root(2), 30);
    wait('c', root(3), 30);
    EXPECT_EQ(turns(), "acb");
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
    EXPECT_EQ(turns(), "sb");
}

TEST_F(ShareQueueTest, WhatIsLeftToRootIsNotTakenByOthersHoweverManyWait) {
    for (uid_t uid = 1; uid <= 1000; ++uid) wait('o', user(uid, uid), 10);
    wait('r', root(2000), 30);
    EXPECT_EQ(turns(), "rooooooo");
    EXPECT_EQ(queue_.taken(), 100U);
    wait('R', root(2001), 10);
    EXPECT_EQ(turns(), "");
    give_back('o');
    EXPECT_EQ(turns(), "R") << "it has every other turn";
    give_back('r');
    EXPECT_EQ(turns(), "o") << "and what it gives back is the others' again, up to their part";
}

TEST_F(ShareQueueTest, RootTakesItsReserveHoweverManyWaitForTheOthersPart) {
    for (uid_t uid = 1; uid <= 8; ++uid) wait('o', user(uid, uid), 10);
    EXPECT_EQ(turns(), "ooooooo");
    for (const char name : std::string("RST")) wait(name, root(static_cast<std::uint64_t>(name)), 10);
    EXPECT_EQ(turns(), "RTS") << "one after the other, though root had the last turn";
}

TEST_F(ShareQueueTest, RootDoesNotPassWhoeverWaitsForTheWholeTwiceInARow) {
    for (const char name : std::string("abc")) wait(name, root(static_cast<std::uint64_t>(name)), 30);
    EXPECT_EQ(turns(), "acb");
    wait('u', user(1, 7), 20);
    wait('s', root(2), 10);
    EXPECT_EQ(turns(), "") << "however small it is";
    give_back('a');
    EXPECT_EQ(turns(), "us");
}

TEST_F(ShareQueueTest, RootHasNoTurnAmongTheUidsToo) {
    ShareQueue one_at_a_time({.what = "places", .all = 1, .others = 1, .uid = 1, .connection = 1});
    for (std::uint64_t i = 0; i < 6; ++i) {
        one_at_a_time.wait(root(10 + i), 1);
        one_at_a_time.wait(user(20 + i, 1), 1);
        one_at_a_time.wait(user(30 + i, 2), 1);
    }
    std::vector<uid_t> served;
    for (int i = 0; i < 8; ++i) {
        const auto turn = one_at_a_time.next();
        one_at_a_time.give_back(turn->client, turn->amount);
        served.push_back(turn->client.uid);
    }
    EXPECT_EQ(served, (std::vector<uid_t>{0, 1, 0, 2, 0, 1, 0, 2}));
}

TEST_F(ShareQueueTest, AConnectionThatCameWithTwoPassesTheOthersWithOne) {
    for (const char name : std::string("abcd")) wait(name, root(static_cast<std::uint64_t>(name)), 5);
    wait('x', root(1), 5);
    wait('y', root(1), 5);
    EXPECT_EQ(turns(), "aybdcx");
}

TEST_F(ShareQueueTest, WhoCameLastAndDoesNotFitLeavesItsTurnToTheLongestWaiting) {
    wait('u', user(1, 7), 30);
    wait('v', user(2, 7), 10);
    wait('w', user(3, 8), 30);
    EXPECT_EQ(turns().size(), 3U);
    wait('l', root(4), 10);
    wait('m', root(5), 10);
    wait('n', root(6), 30);
    EXPECT_EQ(turns(), "lm");
    EXPECT_EQ(queue_.taken(), 90U);
}

TEST_F(ShareQueueTest, OneThatIsCancelledIsNotServedAndHoldsNobodyUp) {
    wait('a', root(1), 30);
    wait('b', root(2), 30);
    wait('c', root(3), 30);
    EXPECT_EQ(turns(), "acb");
    const auto large = wait('l', root(4), 30);
    wait('s', root(5), 10);
    EXPECT_EQ(turns(), "");
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

// A deadline that passes before its turn comes is no limit's doing.
TEST_F(ShareQueueTest, WhoIsAboutToBeServedWaitsForNoLimit) {
    const auto first = wait('a', user(1, 7), 30);
    EXPECT_EQ(queue_.waits_for(first), std::nullopt);
    EXPECT_EQ(turns(), "a");
}

}  // namespace
}  // namespace mrd
