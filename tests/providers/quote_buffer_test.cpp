#include "mrd/providers/sim/quote_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "mr/quote.h"
#include "mrd/providers/sim/quote_host.h"
#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/report.h"

namespace mrd::sim {
namespace {

using Cause = QuoteFailure::Cause;
using ::testing::HasSubstr;
using ::testing::SizeIs;

mr::Bytes some_report() { return mr::Bytes(mr::tdreport_size, 0x81); }

// ---- What the TD makes of what the host wrote

class CollectQuote : public ::testing::Test {
protected:
    void SetUp() override {
        buffer_.fill(some_report());
        buffer_.set_status(quote_in_flight);
    }
    void answer(std::uint64_t status, std::uint32_t out_len, const mr::Bytes &data = {1, 2, 3, 4}) {
        buffer_.put(data, out_len);
        buffer_.set_status(status);
    }
    QuoteFailure failure() {
        const auto collected = collect_quote(buffer_);
        if (!collected || *collected) {
            ADD_FAILURE() << "no failure";
            return {};
        }
        return collected->error();
    }

    QuoteBuffer buffer_;
};

TEST_F(CollectQuote, ARequestHasTheLayoutOfTheInterface) {
    QuoteBuffer buffer;
    buffer.fill(some_report());
    EXPECT_EQ(buffer.version(), 1U);
    EXPECT_EQ(buffer.in_len(), 1024U);
    EXPECT_EQ(buffer.status(), quote_success);
    EXPECT_EQ(buffer.out_len(), 0U);
    const auto *start = buffer.data().data() - quote_buffer_header_size;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(start) % 4096, 0U);
    EXPECT_EQ(mr::to_hex(mr::ByteView(start, 25)),
              "0100000000000000"
              "0000000000000000"
              "00040000"
              "00000000"
              "81");
    buffer.put(mr::Bytes{9}, 0x01020304);
    buffer.set_status(quote_unavailable);
    EXPECT_EQ(mr::to_hex(mr::ByteView(start + 8, 18)),
              "0100000000000080"
              "00040000"
              "04030201"
              "0981");
}

TEST_F(CollectQuote, ANotificationWhileItIsInFlightIsNoCompletion) {
    buffer_.put(mr::Bytes{1, 2, 3}, 3);
    EXPECT_FALSE(collect_quote(buffer_));
    answer(quote_success, 4);
    EXPECT_TRUE(collect_quote(buffer_));
}

TEST_F(CollectQuote, SuccessGivesAsManyBytesAsTheHostSays) {
    answer(quote_success, 3);
    const auto collected = collect_quote(buffer_);
    ASSERT_TRUE(collected && *collected);
    EXPECT_EQ(**collected, (mr::Bytes{1, 2, 3}));
}

TEST_F(CollectQuote, AnyOtherStatusIsAFailureWhateverTheLength) {
    answer(quote_error, 4);
    EXPECT_EQ(failure().cause, Cause::failed);
    EXPECT_EQ(failure().reason, "8000000000000000");
    answer(quote_unavailable, 4);
    EXPECT_EQ(failure().cause, Cause::unavailable);
    answer(1, 4);
    EXPECT_EQ(failure().reason, "0000000000000001");
    answer(quote_in_flight - 1, 4);
    EXPECT_EQ(failure().reason, "fffffffffffffffe");
}

TEST_F(CollectQuote, ASuccessWithoutBytesIsNoQuote) {
    answer(quote_success, 0);
    EXPECT_EQ(failure().cause, Cause::invalid);
    EXPECT_THAT(failure().reason, HasSubstr("no quote"));
}

TEST_F(CollectQuote, ALengthBeyondTheBufferIsRefusedAndTheWholeBufferIsNot) {
    answer(quote_success, quote_buffer_capacity);
    const auto collected = collect_quote(buffer_);
    ASSERT_TRUE(collected && *collected);
    EXPECT_THAT(**collected, SizeIs(quote_buffer_capacity));
    for (const std::uint32_t size : {static_cast<std::uint32_t>(quote_buffer_capacity + 1), ~0U}) {
        answer(quote_success, size);
        EXPECT_EQ(failure().cause, Cause::invalid);
        EXPECT_THAT(failure().reason, HasSubstr(std::to_string(size) + " bytes in a buffer of"));
    }
}

// ---- Buffers that the host keeps

TEST(QuoteBuffers, ABufferThatIsTheTdsIsUsedAgain) {
    QuoteBuffers buffers([] { return std::make_unique<QuoteBuffer>(); });
    auto *first = buffers.take();
    first->set_status(quote_in_flight);
    first->set_status(quote_error);
    EXPECT_EQ(buffers.take(), first);
}

TEST(QuoteBuffers, OneInFlightIsNotUsedUntilItsStatusChangesAndTheirNumberIsBounded) {
    QuoteBuffers buffers([] { return std::make_unique<QuoteBuffer>(); });
    std::vector<QuoteBuffer *> taken;
    for (std::size_t i = 0; i < max_abandoned_buffers + 1; ++i) {
        auto *buffer = buffers.take();
        ASSERT_NE(buffer, nullptr);
        EXPECT_THAT(taken, ::testing::Not(::testing::Contains(buffer)));
        buffer->set_status(quote_in_flight);
        taken.push_back(buffer);
    }
    EXPECT_EQ(buffers.take(), nullptr);
    taken[2]->set_status(quote_success);
    EXPECT_EQ(buffers.take(), taken[2]);
    taken[2]->set_status(quote_in_flight);
    EXPECT_EQ(buffers.take(), nullptr);
}

// ---- Notifications

TEST(Notification, OneThatCameBeforeTheWaitIsNotLost) {
    Notification notification;
    auto seen = notification.count();
    notification.notify();
    EXPECT_TRUE(notification.wait(seen, {}));
    EXPECT_EQ(seen, 1U);
}

TEST(Notification, AStopEndsTheWait) {
    Notification notification;
    std::stop_source stop;
    auto waiting = std::async(std::launch::async, [&] {
        auto seen = notification.count();
        return notification.wait(seen, stop.get_token());
    });
    stop.request_stop();
    EXPECT_FALSE(waiting.get());
}

// ---- The host

class QuoteHostTest : public ::testing::Test {
protected:
    static constexpr std::uint8_t refused = 0xEE;

    // Asks, and waits for the answer.
    std::optional<std::expected<mr::Bytes, QuoteFailure>> ask(QuoteBuffer &buffer, const mr::Bytes &report = some_report()) {
        buffer.fill(report);
        auto seen = notification_.count();
        EXPECT_TRUE(host_->get_quote(buffer));
        for (;;) {
            if (auto collected = collect_quote(buffer)) return collected;
            if (!notification_.wait(seen, stop_.get_token())) return std::nullopt;
        }
    }
    QuoteBuffer buffer_;
    Notification notification_;
    std::stop_source stop_;
    std::unique_ptr<QuoteHost> host_ = make_quote_host(
        [](mr::ByteView report) -> std::expected<mr::Bytes, std::uint64_t> {
            if (report.front() == refused) return std::unexpected(quote_error);
            return mr::Bytes{report.front(), 2, 3};
        },
        notification_);
};

TEST_F(QuoteHostTest, AnswersWithWhatTheServiceMakes) {
    const auto collected = ask(buffer_);
    ASSERT_TRUE(collected && *collected);
    EXPECT_EQ(**collected, (mr::Bytes{0x81, 2, 3}));
}

TEST_F(QuoteHostTest, GivesTheServicesRefusalAsAStatus) {
    const auto collected = ask(buffer_, mr::Bytes(mr::tdreport_size, refused));
    ASSERT_TRUE(collected && !*collected);
    EXPECT_EQ((*collected).error().cause, Cause::failed);
}

TEST_F(QuoteHostTest, TakesNoRequestOfAnotherLengthOrWithoutAVersion) {
    EXPECT_FALSE(host_->get_quote(buffer_));
    buffer_.fill(mr::Bytes(1023));
    EXPECT_FALSE(host_->get_quote(buffer_));
    EXPECT_NE(buffer_.status(), quote_in_flight);
}

}  // namespace
}  // namespace mrd::sim
