#include "mrd/evidence/quote_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mrd {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QuoteQueueTest : public ::testing::Test {
protected:
    static QuoteQueue::Subject subject(std::uint8_t nonce, std::optional<std::int64_t> level = {}) {
        return {.report_data = mr::Bytes(64, nonce), .options = {.privilege_level = level}};
    }
    QuoteQueue::TimePoint at(int ms) const { return start_ + milliseconds(ms); }
    // Each on a connection of its own.
    void add(QuoteQueue::Ticket ticket, std::uint8_t nonce, int deadline_ms = 1000, uid_t uid = 0) {
        queue_.add(ticket, {ticket, uid}, subject(nonce), at(deadline_ms));
    }

    // One at a time.
    std::optional<QuoteQueue::Subject> begin() {
        auto subjects = queue_.begin(1);
        return subjects.empty() ? std::nullopt : std::optional(std::move(subjects.front()));
    }
    std::vector<QuoteQueue::Ticket> end() { return queue_.end().at(0); }

    QuoteQueue queue_;

private:
    QuoteQueue::TimePoint start_ = QuoteQueue::TimePoint(std::chrono::hours(1));
};

TEST_F(QuoteQueueTest, NobodyWaitsSoNothingIsMade) {
    EXPECT_FALSE(begin());
    EXPECT_FALSE(queue_.next_deadline());
    EXPECT_THAT(queue_.begin(max_quotes_in_a_round), IsEmpty());
    EXPECT_EQ(queue_.making(), 0U);
}

TEST_F(QuoteQueueTest, EveryOtherQuoteIsForWhoHasWaitedLongestAndForWhoCameLast) {
    for (std::uint8_t i = 1; i <= 5; ++i) add(i, i);
    for (const int next : {1, 5, 2, 4, 3}) {
        EXPECT_EQ(begin(), subject(static_cast<std::uint8_t>(next)));
        EXPECT_THAT(end(), ElementsAre(next));
    }
    EXPECT_FALSE(begin());
}

TEST_F(QuoteQueueTest, EqualRequestsThatWaitTogetherShareOneQuoteAndOthersKeepTheirTurn) {
    add(1, 7);
    add(2, 8);
    add(3, 7);
    EXPECT_EQ(begin(), subject(7));
    EXPECT_THAT(end(), ElementsAre(1, 3));
    EXPECT_EQ(begin(), subject(8));
    EXPECT_THAT(end(), ElementsAre(2));
}

TEST_F(QuoteQueueTest, OneThatArrivesWhileItsQuoteIsMadeGetsALaterOne) {
    add(1, 7);
    EXPECT_TRUE(begin());
    add(2, 7);
    EXPECT_THAT(end(), ElementsAre(1));
    EXPECT_EQ(begin(), subject(7));
    EXPECT_THAT(end(), ElementsAre(2));
}

TEST_F(QuoteQueueTest, AnotherPrivilegeLevelIsAnotherQuote) {
    queue_.add(1, {1, 0}, subject(7), at(1000));
    queue_.add(2, {2, 0}, subject(7, 0), at(1000));
    queue_.add(3, {3, 0}, subject(7, 1), at(1000));
    for (const QuoteQueue::Ticket i : {1U, 3U, 2U}) {
        EXPECT_TRUE(begin());
        EXPECT_THAT(end(), ElementsAre(i));
    }
}

TEST_F(QuoteQueueTest, HoweverManyOfAUidWaitOneOfAnotherUidHasTheNextQuote) {
    for (QuoteQueue::Ticket i = 1; i <= 200; ++i) add(i, static_cast<std::uint8_t>(i), 1000, 7);
    EXPECT_TRUE(begin());
    EXPECT_THAT(end(), ElementsAre(1));
    add(1001, 201, 1000, 8);
    add(1002, 202, 1000, 0);
    EXPECT_EQ(begin(), subject(202)) << "root's";
    EXPECT_THAT(end(), ElementsAre(1002));
    EXPECT_EQ(begin(), subject(201));
    EXPECT_THAT(end(), ElementsAre(1001));
    EXPECT_EQ(queue_.waiting(), 199U);
}

TEST_F(QuoteQueueTest, RootHasEveryOtherQuoteHoweverManyUidsWait) {
    constexpr QuoteQueue::Ticket uids = 200;
    for (QuoteQueue::Ticket i = 1; i <= uids; ++i) add(i, static_cast<std::uint8_t>(i), 1000, static_cast<uid_t>(i));
    EXPECT_TRUE(begin());
    add(1001, 201);
    add(1002, 202);
    EXPECT_THAT(end(), ElementsAre(1)) << "what is being made is made";
    for (const QuoteQueue::Ticket next : {1001U, 2U, 1002U, 3U, 4U}) {
        EXPECT_TRUE(begin());
        EXPECT_THAT(end(), ElementsAre(next));
    }
}

TEST_F(QuoteQueueTest, AConnectionThatHadNoneLatelyHasOneSoonHoweverManyOfItsUidAskAgainAndAgain) {
    QuoteQueue::Ticket ticket = 0;
    const auto ask = [&](std::uint64_t connection) {
        ++ticket;
        queue_.add(ticket, {connection, 0}, subject(static_cast<std::uint8_t>(ticket)), at(1000));
        return ticket;
    };
    std::map<QuoteQueue::Ticket, std::uint64_t> connections;
    for (std::uint64_t connection = 1; connection <= 100; ++connection) connections[ask(connection)] = connection;
    const auto make_one = [&] {
        begin();
        const auto made = end();
        for (const auto each : made) connections[ask(connections.at(each))] = connections.at(each);
        return made;
    };
    for (int i = 0; i < 300; ++i) make_one();
    connections[ask(1000)] = 1000;
    const auto honest = ticket;
    std::size_t quotes = 1;
    while (std::ranges::count(make_one(), honest) == 0) ASSERT_LE(++quotes, 2U);
}

TEST_F(QuoteQueueTest, ACancelledRequestIsMadeForNobody) {
    add(1, 1);
    add(2, 2);
    EXPECT_TRUE(queue_.cancel(1));
    EXPECT_FALSE(queue_.cancel(1)) << "it has been answered";
    EXPECT_FALSE(queue_.cancel(3));
    EXPECT_EQ(begin(), subject(2));
    EXPECT_THAT(end(), ElementsAre(2));
}

TEST_F(QuoteQueueTest, AQuoteIsUnwantedOnlyWhenAllWhoShareItHaveGone) {
    add(1, 7);
    add(2, 7, 500);
    add(3, 8);
    EXPECT_TRUE(begin());
    EXPECT_TRUE(queue_.cancel(1));
    EXPECT_FALSE(queue_.unwanted(0));
    EXPECT_THAT(queue_.expire(at(500)), ElementsAre(2));
    EXPECT_TRUE(queue_.unwanted(0));
    add(4, 7);
    EXPECT_TRUE(queue_.unwanted(0)) << "who comes later does not take it over";
    EXPECT_THAT(end(), IsEmpty());
    EXPECT_EQ(queue_.making(), 0U);
    EXPECT_EQ(begin(), subject(7));
    EXPECT_THAT(end(), ElementsAre(4));
    EXPECT_EQ(begin(), subject(8));
}

TEST_F(QuoteQueueTest, ADeadlineHoldsForOneThatWaitsAndForOneThatIsBeingMade) {
    add(1, 1, 300);
    add(2, 2, 100);
    add(3, 3, 200);
    EXPECT_TRUE(begin());
    EXPECT_EQ(queue_.next_deadline(), at(100));
    EXPECT_THAT(queue_.expire(at(99)), IsEmpty());
    EXPECT_THAT(queue_.expire(at(200)), ElementsAre(2, 3));
    EXPECT_EQ(queue_.next_deadline(), at(300));
    EXPECT_THAT(queue_.expire(at(300)), ElementsAre(1));
    EXPECT_FALSE(queue_.next_deadline());
    EXPECT_THAT(end(), IsEmpty()) << "it was answered";
    EXPECT_EQ(queue_.waiting(), 0U);
}

TEST_F(QuoteQueueTest, SeveralInARoundHaveTheTurnsThatTheyWouldHaveOneAfterTheOther) {
    QuoteQueue in_rounds;
    for (QuoteQueue::Ticket i = 1; i <= 60; ++i) {
        const Client client{i % 20, static_cast<uid_t>(i % 5)};  // a connection asks again here
        queue_.add(i, client, subject(static_cast<std::uint8_t>(i)), at(1000));
        in_rounds.add(i, client, subject(static_cast<std::uint8_t>(i)), at(1000));
    }
    // A connection has one of a round, as it has one at a time: this many of others are there in each of these.
    for (int round = 0; round < 10; ++round) {
        std::vector<QuoteQueue::Subject> one_by_one;
        std::vector<std::vector<QuoteQueue::Ticket>> answered;
        for (std::size_t i = 0; i < max_quotes_in_a_round; ++i) {
            one_by_one.push_back(begin().value());
            answered.push_back(end());
        }
        EXPECT_EQ(in_rounds.begin(max_quotes_in_a_round), one_by_one) << round;
        EXPECT_EQ(in_rounds.end(), answered) << round;
    }
}

TEST_F(QuoteQueueTest, ARoundIsOfSeveralQuotesEachForAllWhoWaitForIt) {
    add(1, 7);
    add(2, 8);
    add(3, 7);
    add(4, 9);
    add(5, 8);
    EXPECT_THAT(queue_.begin(2), ElementsAre(subject(7), subject(8)));
    add(6, 7);
    EXPECT_THAT(queue_.end(), ElementsAre(ElementsAre(1, 3), ElementsAre(2, 5)));
    EXPECT_THAT(queue_.begin(max_quotes_in_a_round), ElementsAre(subject(9), subject(7)));
    EXPECT_THAT(queue_.end(), ElementsAre(ElementsAre(4), ElementsAre(6)));
    EXPECT_EQ(queue_.waiting(), 0U);
}

TEST_F(QuoteQueueTest, OfARoundThatIsUnwantedWhichNobodyWaitsForAnyMore) {
    for (std::uint8_t i = 1; i <= 4; ++i) add(i, i);
    EXPECT_THAT(queue_.begin(max_quotes_in_a_round), ElementsAre(subject(1), subject(4), subject(2), subject(3)));
    EXPECT_TRUE(queue_.cancel(4));
    const auto unwanted = [this] {
        std::vector<bool> all;
        for (std::size_t i = 0; i < queue_.making(); ++i) all.push_back(queue_.unwanted(i));
        return all;
    };
    EXPECT_THAT(unwanted(), ElementsAre(false, true, false, false));
    EXPECT_TRUE(queue_.cancel(3));
    EXPECT_THAT(unwanted(), ElementsAre(false, true, false, true));
    EXPECT_THAT(queue_.end(), ElementsAre(ElementsAre(1), IsEmpty(), ElementsAre(2), IsEmpty()));
}

TEST_F(QuoteQueueTest, HoweverManyOfAUidAreInARoundOthersAreTheFirstOfTheNext) {
    for (QuoteQueue::Ticket i = 1; i <= 200; ++i) add(i, static_cast<std::uint8_t>(i), 1000, 7);
    EXPECT_EQ(queue_.begin(max_quotes_in_a_round).size(), max_quotes_in_a_round);
    add(1001, 201, 1000, 8);
    add(1002, 202, 1000, 0);
    queue_.end();
    const auto next = queue_.begin(max_quotes_in_a_round);
    ASSERT_EQ(next.size(), max_quotes_in_a_round);
    EXPECT_EQ(next[0], subject(202)) << "root's";
    EXPECT_EQ(next[1], subject(201));
}

}  // namespace
}  // namespace mrd
