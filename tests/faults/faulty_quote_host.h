// The host's side of the simulator's quotes as a host may be that does what it should not: with faults for one request after the other.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "mrd/providers/sim/quote_host.h"
#include "tests/faults/faults.h"

namespace mrd::faults {

// What the host does to the next request; told by whoever asks for the quote, on a thread of his own.
class NextQuote {
public:
    void set(FaultPlan::Call call) {
        const std::lock_guard lock(mutex_);
        call_ = std::move(call);
    }
    FaultPlan::Call take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(call_, {});
    }

private:
    std::mutex mutex_;
    FaultPlan::Call call_;
};

// Its length is another one after the TD has looked at it.
class ChangingBuffer final : public sim::QuoteBuffer {
public:
    void change_out_len_after_a_look(std::optional<std::uint32_t> to) { changed_ = to; }

    [[nodiscard]] std::uint32_t out_len() const override {
        const auto value = QuoteBuffer::out_len();
        if (changed_) set_out_len(*changed_);
        return value;
    }

private:
    std::optional<std::uint32_t> changed_;
};

// Makes a report that differs from the one it is given.
using OtherReport = std::function<mr::Bytes(mr::ByteView report)>;

// Buffers must be ChangingBuffers; they and `notification` outlive it.
std::unique_ptr<sim::QuoteHost> make_faulty_host(sim::QuoteHost::Service service, sim::Notification &notification,
                                                 std::shared_ptr<NextQuote> next, OtherReport other_report);

sim::HostSide faulty_host_side(std::shared_ptr<NextQuote> next, OtherReport other_report);

}  // namespace mrd::faults
