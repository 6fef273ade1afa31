// The host's side of the simulator's quotes: what takes a request in a shared buffer, lets the quoting service answer it on a thread of its own, and
// notifies the TD.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "mr/bytes.h"
#include "mrd/providers/sim/faults.h"
#include "mrd/providers/sim/quote_buffer.h"

namespace mrd::sim {

// The interrupt that says that something may have changed. It is not lost while nobody waits, and may come without a reason.
class Notification {
public:
    using Count = std::uint64_t;

    void notify();
    // Of notifications so far: what to give to wait().
    [[nodiscard]] Count count() const;
    // Returns when there has been one after `seen`, which then holds the count; or, false, when a stop is requested.
    bool wait(Count &seen, const std::stop_token &stop);

private:
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    Count count_ = 0;
};

class QuoteHost {
public:
    // A quote over a TDREPORT, or the status that the TD gets instead. Called on the host's thread.
    using Service = std::move_only_function<std::expected<mr::Bytes, std::uint64_t>(mr::ByteView report)>;

    // `notification` outlives the host, and so does every buffer it was given.
    QuoteHost(Service service, Notification &notification);
    QuoteHost(const QuoteHost &) = delete;
    QuoteHost &operator=(const QuoteHost &) = delete;
    // Leaves what is in flight in flight.
    ~QuoteHost();

    // The hypercall: the buffer is now in flight. False: the host does not take it.
    bool get_quote(QuoteBuffer &buffer);

#ifdef MRD_TEST_HOOKS
    // What the host does to the next request. `other_report` makes a report that differs from the one it is given.
    void spoil_next(FaultPlan::Call faults, const std::function<mr::Bytes(mr::ByteView)> &other_report);
#endif

private:
    using Clock = std::chrono::steady_clock;
    struct Request {
        QuoteBuffer *buffer = nullptr;
        Clock::time_point due;  // not to be answered before
#ifdef MRD_TEST_HOOKS
        FaultPlan::Call faults = {};
        int spurious_left = 0;
#endif
    };

    void work(const std::stop_token &stop);
    void answer(Request &request);
#ifdef MRD_TEST_HOOKS
    bool spoil(Request &request);
#endif

    Service service_;
    Notification &notification_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<Request> requests_;
#ifdef MRD_TEST_HOOKS
    FaultPlan::Call next_faults_;
    std::function<mr::Bytes(mr::ByteView)> other_report_;
#endif
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace mrd::sim
