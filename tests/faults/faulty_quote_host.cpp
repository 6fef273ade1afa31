#include "tests/faults/faulty_quote_host.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <thread>
#include <vector>

#include "mr/tdreport.h"

namespace mrd::faults {

namespace {

// Time enough for the TD to look and to find nothing.
constexpr int spurious_notifications = 3;
constexpr std::chrono::milliseconds between_spurious_notifications{5};

class FaultyHost final : public sim::QuoteHost {
public:
    FaultyHost(Service service, sim::Notification &notification, std::shared_ptr<NextQuote> next, OtherReport other_report)
        : service_(std::move(service)),
          notification_(notification),
          next_(std::move(next)),
          other_report_(std::move(other_report)),
          honest_(sim::make_quote_host(service_, notification)),
          thread_([this](const std::stop_token &stop) { work(stop); }) {}

    bool get_quote(sim::QuoteBuffer &buffer) override {
        auto &changing = dynamic_cast<ChangingBuffer &>(buffer);
        changing.change_out_len_after_a_look(std::nullopt);
        auto call = next_->take();
        if (!call.host && !call.spurious && call.delay.count() == 0) return honest_->get_quote(buffer);
        buffer.set_status(sim::quote_in_flight);
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back({&changing, Clock::now() + call.delay, call.host, call.spurious ? spurious_notifications : 0});
        }
        changed_.notify_one();
        return true;
    }

private:
    using Clock = std::chrono::steady_clock;
    struct Request {
        ChangingBuffer *buffer;
        Clock::time_point due;  // nothing is done before
        std::optional<Action> host;
        int spurious_left;
    };

    void work(const std::stop_token &stop) {
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
            auto request = *next;
            requests_.erase(next);
            lock.unlock();
            const bool is_over = answer(request);
            lock.lock();
            if (!is_over) requests_.push_back(request);
        }
    }

    // False: it comes again.
    bool answer(Request &request) {
        auto &buffer = *request.buffer;
        if (request.spurious_left > 0) {
            --request.spurious_left;
            request.due = Clock::now() + between_spurious_notifications;
            notification_.notify();
            return false;
        }
        if (!request.host) {
            (void)honest_->get_quote(buffer);
            return true;
        }
        switch (*request.host) {
        case Action::never: return true;
        case Action::error: return finish(buffer, sim::quote_error);
        case Action::unavailable: return finish(buffer, sim::quote_unavailable);
        default: break;
        }
        const auto given = buffer.data().first(mr::tdreport_size);
        const auto quote = service_(request.host == Action::other_report ? mr::ByteView(other_report_(given)) : given);
        if (!quote) return finish(buffer, quote.error());
        constexpr auto beyond = static_cast<std::uint32_t>(sim::quote_buffer_capacity + 1);
        auto size = static_cast<std::uint32_t>(quote->size());
        if (request.host == Action::empty) size = 0;
        if (request.host == Action::too_long) size = beyond;
        buffer.put(*quote, size);
        // More than there is: a TD that used what it sees at a second look would copy what is not its own.
        if (request.host == Action::changing) buffer.change_out_len_after_a_look(beyond);
        return finish(buffer, sim::quote_success);
    }
    bool finish(sim::QuoteBuffer &buffer, std::uint64_t status) {
        buffer.set_status(status);
        notification_.notify();
        return true;
    }

    Service service_;
    sim::Notification &notification_;
    std::shared_ptr<NextQuote> next_;
    OtherReport other_report_;
    std::unique_ptr<sim::QuoteHost> honest_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<Request> requests_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<sim::QuoteHost> make_faulty_host(sim::QuoteHost::Service service, sim::Notification &notification,
                                                 std::shared_ptr<NextQuote> next, OtherReport other_report) {
    return std::make_unique<FaultyHost>(std::move(service), notification, std::move(next), std::move(other_report));
}

sim::HostSide faulty_host_side(std::shared_ptr<NextQuote> next, OtherReport other_report) {
    return {.make_buffer = [] { return std::make_unique<ChangingBuffer>(); },
            .make_host =
                [next = std::move(next), other_report = std::move(other_report)](sim::QuoteHost::Service service,
                                                                                 sim::Notification &notification) {
                    return make_faulty_host(std::move(service), notification, next, other_report);
                }};
}

}  // namespace mrd::faults
