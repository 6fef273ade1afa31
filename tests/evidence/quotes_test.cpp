#include "mrd/evidence/quotes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace mrd {
namespace {

using Cause = QuoteFailure::Cause;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Makes each quote when the test says so: its bytes are the number of the call and the first byte of the report data.
class HeldQuoter final : public Quoter {
public:
    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &, const std::stop_token &stop) override {
        std::unique_lock lock(mutex_);
        const auto number = ++calls_;
        changed_.notify_all();
        if (!changed_.wait(lock, stop, [&] { return let_go_ >= number; })) {
            ++stopped_;
            return std::unexpected(QuoteFailure{Cause::cancelled, {}});
        }
        return Quoted{{number, report_data.front()}, std::nullopt, std::nullopt, "kept", {{report_data.begin(), report_data.end()}, {}}};
    }

    // Returns when the call of that number runs.
    void wait_for_call(std::uint8_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return calls_ >= number; });
    }
    void let_go(std::uint8_t until) {
        const std::lock_guard lock(mutex_);
        let_go_ = until;
        changed_.notify_all();
    }
    [[nodiscard]] int calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    [[nodiscard]] int stopped() {
        const std::lock_guard lock(mutex_);
        return stopped_;
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint8_t calls_ = 0;
    std::uint8_t let_go_ = 0;
    int stopped_ = 0;
};

class QuotesTest : public ::testing::Test {
protected:
    Quotes::Ticket ask(std::uint8_t nonce, milliseconds deadline = std::chrono::minutes(10)) {
        const auto ticket = quotes_->new_ticket();
        const Quotes::Subject subject{.report_data = mr::Bytes(64, nonce)};
        quotes_->ask(ticket, {ticket}, subject, std::chrono::steady_clock::now() + deadline, [this, nonce](const Quotes::Result &result) {
            answers_.push_back(std::to_string(nonce) + (result ? "=" + mr::to_hex(result->quote) : ": " + name_of(result.error().cause)));
        });
        return ticket;
    }
    // Runs the loop until there are so many answers.
    void run_until_answered(std::size_t count) {
        loop_.restart();
        while (answers_.size() < count) ASSERT_GT(loop_.run_one(), 0U) << "nothing is left to wait for";
    }
    std::vector<std::string> take_answers() { return std::exchange(answers_, {}); }

    static std::string name_of(Cause cause) {
        return cause == Cause::timed_out ? "timed out" : cause == Cause::cancelled ? "cancelled" : "another failure";
    }

    boost::asio::io_context loop_;
    HeldQuoter quoter_;
    std::vector<std::string> answers_;
    std::unique_ptr<Quotes> quotes_ = std::make_unique<Quotes>(loop_, quoter_);
};

TEST_F(QuotesTest, EachGetsItsOwnAndWhoWaitsTogetherForTheSameShares) {
    ask(1);
    quoter_.wait_for_call(1);
    ask(1);
    ask(2);
    ask(1);
    quoter_.let_go(3);
    run_until_answered(4);
    EXPECT_THAT(take_answers(), ElementsAre("1=0101", "1=0201", "1=0201", "2=0302"));
    EXPECT_EQ(quotes_->waiting(), 0U);
    loop_.restart();
    loop_.run();  // returns: neither timer nor thread keeps the loop
}

TEST_F(QuotesTest, OneThatIsCancelledIsAnsweredAtOnceAndOnce) {
    const auto running = ask(1);
    const auto waiting = ask(2);
    quoter_.wait_for_call(1);
    quotes_->cancel(waiting);
    quotes_->cancel(running);
    quotes_->cancel(running);
    EXPECT_THAT(take_answers(), ElementsAre("2: cancelled", "1: cancelled"));
    ask(3);
    while (quoter_.stopped() == 0) loop_.run_one();
    quoter_.let_go(2);
    run_until_answered(1);
    EXPECT_THAT(take_answers(), ElementsAre("3=0203"));
    EXPECT_EQ(quoter_.stopped(), 1);
}

TEST_F(QuotesTest, AQuoteThatSomebodyStillWantsIsNotStopped) {
    ask(1);
    quoter_.wait_for_call(1);
    const auto one = ask(2);
    ask(2);
    quoter_.let_go(1);
    run_until_answered(1);
    quoter_.wait_for_call(2);
    quotes_->cancel(one);
    quoter_.let_go(2);
    run_until_answered(3);
    EXPECT_THAT(take_answers(), ElementsAre("1=0101", "2: cancelled", "2=0202"));
    EXPECT_EQ(quoter_.stopped(), 0);
}

TEST_F(QuotesTest, DeadlinesHoldForTheOneThatRunsAndThoseThatWait) {
    ask(1, milliseconds(30));
    ask(2, milliseconds(10));
    ask(3, milliseconds(20));
    const auto last = ask(4);
    run_until_answered(3);
    EXPECT_THAT(take_answers(), ::testing::UnorderedElementsAre("1: timed out", "2: timed out", "3: timed out"));
    quoter_.let_go(10);
    run_until_answered(1);
    EXPECT_EQ(take_answers().front().substr(0, 2), "4=");
    quotes_->cancel(last);
    EXPECT_THAT(answers_, IsEmpty());
}

// The last one was quick, whatever the machine does.
class QuickQuotesTest : public QuotesTest {
protected:
    QuickQuotesTest() {
        quotes_ = std::make_unique<Quotes>(loop_, quoter_, std::chrono::hours(1));
        ask(1);
        quoter_.let_go(1);
        run_until_answered(1);
        take_answers();
    }
};

TEST_F(QuickQuotesTest, SeveralThatWaitAreMadeInARoundAndAnsweredTogether) {
    ask(2);
    for (std::uint8_t nonce = 3; nonce <= 7; ++nonce) ask(nonce);
    quoter_.let_go(5);
    run_until_answered(1);
    quoter_.wait_for_call(6);
    loop_.poll();
    EXPECT_THAT(take_answers(), ElementsAre("2=0202")) << "the round's last one is still made";
    quoter_.let_go(6);
    run_until_answered(4);
    EXPECT_THAT(take_answers(), ElementsAre("3=0303", "7=0407", "4=0504", "6=0606"));
    quoter_.let_go(7);
    run_until_answered(1);
    EXPECT_THAT(take_answers(), ElementsAre("5=0705"));
}

TEST_F(QuickQuotesTest, WhatNobodyWaitsForAnyMoreIsNotBegun) {
    ask(2);
    ask(3);
    const auto gone = ask(4);
    ask(5);
    quoter_.let_go(2);
    run_until_answered(1);
    quoter_.wait_for_call(3);
    quotes_->cancel(gone);
    quoter_.let_go(10);
    run_until_answered(4);
    EXPECT_THAT(take_answers(), ElementsAre("2=0202", "4: cancelled", "3=0303", "5=0405"));
    EXPECT_EQ(quoter_.calls(), 4);
    EXPECT_EQ(quoter_.stopped(), 0);
}

TEST_F(QuickQuotesTest, AQuoteOfARoundThatNobodyWaitsForIsStoppedAndTheOthersGoOn) {
    ask(2);
    const auto gone = ask(3);
    ask(4);
    quoter_.let_go(2);
    run_until_answered(1);
    quoter_.wait_for_call(3);
    quotes_->cancel(gone);
    quoter_.wait_for_call(4);
    quoter_.let_go(4);
    run_until_answered(3);
    EXPECT_THAT(take_answers(), ElementsAre("2=0202", "3: cancelled", "4=0404"));
    EXPECT_EQ(quoter_.stopped(), 1);
}

TEST_F(QuickQuotesTest, ItsEndStopsTheRound) {
    ask(2);
    for (std::uint8_t nonce = 3; nonce <= 5; ++nonce) ask(nonce);
    quoter_.let_go(2);
    run_until_answered(1);
    quoter_.wait_for_call(3);
    quotes_.reset();
    EXPECT_EQ(quoter_.stopped(), 1);
    EXPECT_EQ(quoter_.calls(), 3);
}

TEST_F(QuotesTest, SlowOnesAreMadeOneAtATime) {
    quotes_ = std::make_unique<Quotes>(loop_, quoter_, std::chrono::nanoseconds(0));
    ask(1);
    ask(2);
    ask(3);
    for (std::uint8_t number = 1; number <= 3; ++number) {
        quoter_.wait_for_call(number);
        quoter_.let_go(number);
        run_until_answered(1);
        EXPECT_EQ(take_answers().size(), 1U);
    }
}

TEST_F(QuotesTest, AnAnswerMayAskAgain) {
    const auto ticket = quotes_->new_ticket();
    quotes_->ask(ticket, {ticket}, {.report_data = mr::Bytes(64)}, std::chrono::steady_clock::now() + std::chrono::minutes(1),
                 [this](const Quotes::Result &) { ask(5); });
    quoter_.let_go(2);
    run_until_answered(1);
    EXPECT_THAT(take_answers(), ElementsAre("5=0205"));
}

// A call beside the quotes.
struct OtherCall {
    std::vector<std::string> *answers;

    static bool begin() { return true; }
    static void work() {}
    bool end() {
        answers->emplace_back("another call");
        return true;
    }
};

TEST_F(QuotesTest, WhoElseWaitsForTheirThreadHasATurnBetweenTwoOfThem) {
    for (std::uint8_t nonce = 1; nonce <= 3; ++nonce) ask(nonce);
    quoter_.wait_for_call(1);
    quotes_->worker().run(1000, OtherCall{&answers_});
    quoter_.let_go(3);
    run_until_answered(4);
    EXPECT_THAT(take_answers(), ElementsAre("1=0101", "another call", "2=0202", "3=0303"));
    ask(4);
    quoter_.let_go(4);
    run_until_answered(1);
    EXPECT_THAT(take_answers(), ElementsAre("4=0404"));
}

TEST_F(QuotesTest, ItsEndStopsTheQuoteThatRunsAndAnswersNobody) {
    ask(1);
    ask(2);
    quoter_.wait_for_call(1);
    quotes_.reset();
    EXPECT_EQ(quoter_.stopped(), 1);
    loop_.restart();
    loop_.run();
    EXPECT_THAT(answers_, IsEmpty());
}

}  // namespace
}  // namespace mrd
