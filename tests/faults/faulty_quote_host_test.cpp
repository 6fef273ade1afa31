#include "tests/faults/faulty_quote_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mr/tdreport.h"

namespace mrd::faults {
namespace {

using sim::collect_quote;
using ::testing::HasSubstr;
using Cause = QuoteFailure::Cause;

mr::Bytes some_report() { return mr::Bytes(mr::tdreport_size, 0x81); }

class FaultyHost : public ::testing::Test {
protected:
    // Asks, and waits for the answer.
    std::optional<std::expected<mr::Bytes, QuoteFailure>> ask(ChangingBuffer &buffer) {
        buffer.fill(some_report());
        auto seen = notification_.count();
        EXPECT_TRUE(host_->get_quote(buffer));
        looks_ = 0;
        for (;;) {
            ++looks_;
            if (auto collected = collect_quote(buffer)) return collected;
            if (!notification_.wait(seen, stop_.get_token())) return std::nullopt;
        }
    }
    void spoil(Action action) {
        FaultPlan::Call call;
        if (action == Action::spurious) {
            call.spurious = true;
        } else if (action != Action::no_report) {
            call.host = action;
        }
        next_->set(call);
    }
    QuoteFailure failure() { return collect_quote(buffer_).value().error(); }

    ChangingBuffer buffer_;
    sim::Notification notification_;
    std::stop_source stop_;
    int looks_ = 0;
    std::shared_ptr<NextQuote> next_ = std::make_shared<NextQuote>();
    std::unique_ptr<sim::QuoteHost> host_ =
        make_faulty_host([](mr::ByteView report) -> std::expected<mr::Bytes, std::uint64_t> { return mr::Bytes{report.front(), 2, 3}; },
                         notification_, next_,
                         [](mr::ByteView report) {
                             mr::Bytes other(report.begin(), report.end());
                             other.front() ^= 0xFF;
                             return other;
                         });
};

TEST_F(FaultyHost, ALengthThatChangesAfterTheFirstLookIsNeverCopied) {
    buffer_.change_out_len_after_a_look(~0U);
    buffer_.put(mr::Bytes{1, 2, 3, 4}, 3);
    buffer_.set_status(sim::quote_success);
    EXPECT_EQ(failure().cause, Cause::invalid);
    // The second time it stays what it is, and is too long.
    EXPECT_THAT(failure().reason, HasSubstr("4294967295 bytes"));
}

TEST_F(FaultyHost, ALengthThatChangedIsToldAsThat) {
    buffer_.change_out_len_after_a_look(4);
    buffer_.put(mr::Bytes{1, 2, 3, 4}, 3);
    buffer_.set_status(sim::quote_success);
    EXPECT_THAT(failure().reason, HasSubstr("changed the quote's length"));
}

TEST_F(FaultyHost, ASpuriousNotificationIsLookedAtAndWaitedOver) {
    spoil(Action::spurious);
    const auto collected = ask(buffer_);
    ASSERT_TRUE(collected && *collected);
    EXPECT_GT(looks_, 2) << "the notifications came";
}

TEST_F(FaultyHost, OneThatIsNeverAnsweredStaysInFlightAndHoldsUpNoOther) {
    spoil(Action::never);
    buffer_.fill(some_report());
    ASSERT_TRUE(host_->get_quote(buffer_));
    ChangingBuffer next;
    const auto collected = ask(next);
    ASSERT_TRUE(collected && *collected);
    EXPECT_FALSE(collect_quote(buffer_));
}

TEST_F(FaultyHost, EachFaultIsWhatItSays) {
    const auto reason = [this](Action action) -> std::string {
        spoil(action);
        const auto collected = ask(buffer_);
        if (!collected) return "nothing";
        return *collected ? mr::to_hex(**collected) : (*collected).error().reason;
    };
    EXPECT_EQ(reason(Action::error), "8000000000000000");
    EXPECT_THAT(reason(Action::unavailable), HasSubstr("not available"));
    EXPECT_THAT(reason(Action::empty), HasSubstr("no quote"));
    EXPECT_THAT(reason(Action::too_long), HasSubstr("bytes in a buffer of"));
    EXPECT_THAT(reason(Action::changing), HasSubstr("changed"));
    EXPECT_EQ(reason(Action::other_report), "7e0203");
    EXPECT_EQ(reason(Action::no_report), "810203") << "the next one is as it should be";
}

}  // namespace
}  // namespace mrd::faults
