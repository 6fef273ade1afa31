#include "mrd/providers/sim/quote_host.h"

#include <algorithm>
#include <utility>

#include "mr/tdreport.h"

namespace mrd::sim {

void Notification::notify() {
    {
        const std::lock_guard lock(mutex_);
        ++count_;
    }
    changed_.notify_all();
}

Notification::Count Notification::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

bool Notification::wait(Count &seen, const std::stop_token &stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return count_ != seen; })) return false;
    seen = count_;
    return true;
}

QuoteHost::QuoteHost(Service service, Notification &notification)
    : service_(std::move(service)), notification_(notification), thread_([this](const std::stop_token &stop) { work(stop); }) {}

QuoteHost::~QuoteHost() = default;

#ifdef MRD_TEST_HOOKS
namespace {
// Time enough for the TD to look and to find nothing.
constexpr int spurious_notifications = 3;
constexpr std::chrono::milliseconds between_spurious_notifications{5};
}  // namespace

void QuoteHost::spoil_next(FaultPlan::Call faults, const std::function<mr::Bytes(mr::ByteView)> &other_report) {
    const std::lock_guard lock(mutex_);
    next_faults_ = std::move(faults);
    other_report_ = other_report;
}
#endif

bool QuoteHost::get_quote(QuoteBuffer &buffer) {
    if (buffer.version() != quote_buffer_version || buffer.in_len() != mr::tdreport_size) return false;
    Request request{.buffer = &buffer, .due = Clock::now()};
    {
        const std::lock_guard lock(mutex_);
#ifdef MRD_TEST_HOOKS
        request.faults = std::exchange(next_faults_, {});
        request.spurious_left = request.faults.spurious ? spurious_notifications : 0;
        request.due += request.faults.delay;
#endif
        buffer.set_status(quote_in_flight);
        requests_.push_back(std::move(request));
    }
    changed_.notify_one();
    return true;
}

void QuoteHost::work(const std::stop_token &stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto next = std::ranges::min_element(requests_, {}, &Request::due);
        if (next == requests_.end()) {
            changed_.wait(lock, stop, [this] { return !requests_.empty(); });
            continue;
        }
        if (const auto due = next->due; due > Clock::now()) {
            // One that is due earlier may come meanwhile.
            changed_.wait_until(lock, stop, due,
                                [&] { return std::ranges::any_of(requests_, [&](const auto &one) { return one.due < due; }); });
            continue;
        }
        auto request = std::move(*next);
        requests_.erase(next);
        lock.unlock();
        answer(request);
        lock.lock();
        if (request.buffer != nullptr) requests_.push_back(std::move(request));
    }
}

void QuoteHost::answer(Request &request) {
#ifdef MRD_TEST_HOOKS
    if (spoil(request)) return;
#endif
    auto &buffer = *std::exchange(request.buffer, nullptr);
    const auto quote = service_(buffer.data().first(mr::tdreport_size));
    if (quote) buffer.put(*quote, static_cast<std::uint32_t>(quote->size()));
    buffer.set_status(quote ? quote_success : quote.error());
    notification_.notify();
}

#ifdef MRD_TEST_HOOKS

// Does what the faults of the request say, in the place of an answer. False: there are none. A request that still has a buffer comes again.
bool QuoteHost::spoil(Request &request) {
    if (request.spurious_left > 0) {
        --request.spurious_left;
        request.due = Clock::now() + between_spurious_notifications;
        notification_.notify();
        return true;
    }
    if (!request.faults.host) return false;
    const auto host = *request.faults.host;
    auto &buffer = *std::exchange(request.buffer, nullptr);
    if (host == Action::never) return true;
    const auto finish = [&](std::uint64_t status) {
        buffer.set_status(status);
        notification_.notify();
        return true;
    };
    if (host == Action::error) return finish(quote_error);
    if (host == Action::unavailable) return finish(quote_unavailable);
    const auto given = buffer.data().first(mr::tdreport_size);
    const auto quote = service_(host == Action::other_report ? mr::ByteView(other_report_(given)) : given);
    if (!quote) return finish(quote.error());
    auto size = static_cast<std::uint32_t>(quote->size());
    if (host == Action::empty) size = 0;
    if (host == Action::too_long) size = static_cast<std::uint32_t>(quote_buffer_capacity + 1);
    buffer.put(*quote, size);
    // More than there is: a TD that used what it sees at a second look would copy what is not its own.
    if (host == Action::changing) buffer.change_out_len_after_a_look(static_cast<std::uint32_t>(quote_buffer_capacity + 1));
    return finish(quote_success);
}

#endif

}  // namespace mrd::sim
