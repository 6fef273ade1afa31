#include "mrd/evidence/quote_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mrd {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QuoteQueueTest : public ::testing::Test {
protected:
    static QuoteQueue::Subject subject(std::uint8_t nonce, std::optional<std::int64_t> level = {}) {
        QuoteQueue::Subject made{.privilege_level = level};
        made.report_data.fill(nonce);
        return made;
    }
    QuoteQueue::TimePoint at(int ms) const { return start_ + milliseconds(ms); }
    // Each on a connection of its own.
    void add(QuoteQueue::Ticket ticket, std::uint8_t nonce, int deadline_ms = 1000, uid_t uid = 0) {
        queue_.add(ticket, {ticket, uid}, subject(nonce), at(deadline_ms));
    }

    QuoteQueue queue_;

private:
    QuoteQueue::TimePoint start_ = QuoteQueue::TimePoint(std::chrono::hours(1));
};

TEST_F(QuoteQueueTest, NobodyWaitsSoNothingIsMade) {
    EXPECT_FALSE(queue_.begin());
    EXPECT_FALSE(queue_.next_deadline());
    EXPECT_FALSE(queue_.unwanted());
}

TEST_F(QuoteQueueTest, QuotesAreMadeInTheOrderOfArrival) {
    for (std::uint8_t i = 1; i <= 3; ++i) add(i, i);
    for (std::uint8_t i = 1; i <= 3; ++i) {
        EXPECT_EQ(queue_.begin(), subject(i));
        EXPECT_THAT(queue_.end(), ElementsAre(i));
    }
    EXPECT_FALSE(queue_.begin());
}

TEST_F(QuoteQueueTest, EqualRequestsThatWaitTogetherShareOneQuoteAndOthersKeepTheirTurn) {
    add(1, 7);
    add(2, 8);
    add(3, 7);
    EXPECT_EQ(queue_.begin(), subject(7));
    EXPECT_THAT(queue_.end(), ElementsAre(1, 3));
    EXPECT_EQ(queue_.begin(), subject(8));
    EXPECT_THAT(queue_.end(), ElementsAre(2));
}

TEST_F(QuoteQueueTest, OneThatArrivesWhileItsQuoteIsMadeGetsALaterOne) {
    add(1, 7);
    EXPECT_TRUE(queue_.begin());
    add(2, 7);
    EXPECT_THAT(queue_.end(), ElementsAre(1));
    EXPECT_EQ(queue_.begin(), subject(7));
    EXPECT_THAT(queue_.end(), ElementsAre(2));
}

TEST_F(QuoteQueueTest, AnotherPrivilegeLevelIsAnotherQuote) {
    queue_.add(1, {1, 0}, subject(7), at(1000));
    queue_.add(2, {2, 0}, subject(7, 0), at(1000));
    queue_.add(3, {3, 0}, subject(7, 1), at(1000));
    for (QuoteQueue::Ticket i = 1; i <= 3; ++i) {
        EXPECT_TRUE(queue_.begin());
        EXPECT_THAT(queue_.end(), ElementsAre(i));
    }
}

TEST_F(QuoteQueueTest, ItIsFullWithThoseThatAreBeingMade) {
    const Client next{1000, 0};
    for (std::size_t i = 0; i < max_waiting_quotes; ++i) {
        EXPECT_FALSE(queue_.refuses(next));
        add(i + 1, static_cast<std::uint8_t>(i));
    }
    EXPECT_EQ(queue_.refuses(next), "128 quotes in all are waited for");
    EXPECT_TRUE(queue_.begin());
    EXPECT_TRUE(queue_.refuses(next));
    EXPECT_EQ(queue_.end().size(), 1U);
    EXPECT_FALSE(queue_.refuses(next));
}

TEST_F(QuoteQueueTest, NoConnectionAndNoUidTakesTheOthersPlaces) {
    add(1, 1, 1000, 7);
    EXPECT_EQ(queue_.refuses({1, 7}), "1 quotes of one connection are waited for");
    QuoteQueue::Ticket next = 2;
    for (; !queue_.refuses({next, 7}); ++next) add(next, 1, 1000, 7);
    EXPECT_EQ(queue_.waiting(), quote_bound.uid);
    EXPECT_EQ(queue_.refuses({next, 7}), "48 quotes of uid 7 are waited for");
    for (uid_t uid = 8; !queue_.refuses({next, uid}); ++uid, ++next) add(next, 1, 1000, uid);
    EXPECT_EQ(queue_.waiting(), quote_bound.others);
    EXPECT_EQ(queue_.refuses({next, 9999}), "96 quotes of all uids but root are waited for");
    EXPECT_FALSE(queue_.refuses({next, 0})) << "root has the rest";
}

TEST_F(QuoteQueueTest, APlaceIsFreeAgainHoweverItsRequestEnds) {
    const Client client{1, 7};
    const auto fill = [&](QuoteQueue::Ticket ticket, int deadline_ms) {
        ASSERT_FALSE(queue_.refuses(client));
        queue_.add(ticket, client, subject(1), at(deadline_ms));
        ASSERT_TRUE(queue_.refuses(client));
    };
    fill(1, 1000);
    EXPECT_TRUE(queue_.cancel(1));
    fill(2, 100);
    EXPECT_EQ(queue_.expire(at(100)).size(), 1U);
    fill(3, 1000);
    EXPECT_TRUE(queue_.begin());
    EXPECT_EQ(queue_.end().size(), 1U);
    EXPECT_FALSE(queue_.refuses(client));
}

TEST_F(QuoteQueueTest, ACancelledRequestIsMadeForNobody) {
    add(1, 1);
    add(2, 2);
    EXPECT_TRUE(queue_.cancel(1));
    EXPECT_FALSE(queue_.cancel(1)) << "it has been answered";
    EXPECT_FALSE(queue_.cancel(3));
    EXPECT_EQ(queue_.begin(), subject(2));
    EXPECT_THAT(queue_.end(), ElementsAre(2));
}

TEST_F(QuoteQueueTest, AQuoteIsUnwantedOnlyWhenAllWhoShareItHaveGone) {
    add(1, 7);
    add(2, 7, 500);
    add(3, 8);
    EXPECT_TRUE(queue_.begin());
    EXPECT_TRUE(queue_.cancel(1));
    EXPECT_FALSE(queue_.unwanted());
    EXPECT_THAT(queue_.expire(at(500)), ElementsAre(2));
    EXPECT_TRUE(queue_.unwanted());
    add(4, 7);
    EXPECT_TRUE(queue_.unwanted()) << "who comes later does not take it over";
    EXPECT_THAT(queue_.end(), IsEmpty());
    EXPECT_FALSE(queue_.unwanted());
    EXPECT_EQ(queue_.begin(), subject(8));
}

TEST_F(QuoteQueueTest, ADeadlineHoldsForOneThatWaitsAndForOneThatIsBeingMade) {
    add(1, 1, 300);
    add(2, 2, 100);
    add(3, 3, 200);
    EXPECT_TRUE(queue_.begin());
    EXPECT_EQ(queue_.next_deadline(), at(100));
    EXPECT_THAT(queue_.expire(at(99)), IsEmpty());
    EXPECT_THAT(queue_.expire(at(200)), ElementsAre(2, 3));
    EXPECT_EQ(queue_.next_deadline(), at(300));
    EXPECT_THAT(queue_.expire(at(300)), ElementsAre(1));
    EXPECT_FALSE(queue_.next_deadline());
    EXPECT_THAT(queue_.end(), IsEmpty()) << "it was answered";
    EXPECT_EQ(queue_.waiting(), 0U);
}

}  // namespace
}  // namespace mrd
