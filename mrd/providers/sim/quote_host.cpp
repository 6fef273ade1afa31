#include "mrd/providers/sim/quote_host.h"

#include <deque>
#include <thread>
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

namespace {

class HonestHost final : public QuoteHost {
public:
    HonestHost(Service service, Notification &notification)
        : service_(std::move(service)), notification_(notification), thread_([this](const std::stop_token &stop) { work(stop); }) {}

    bool get_quote(QuoteBuffer &buffer) override {
        if (buffer.version() != quote_buffer_version || buffer.in_len() != mr::tdreport_size) return false;
        {
            const std::lock_guard lock(mutex_);
            buffer.set_status(quote_in_flight);
            requests_.push_back(&buffer);
        }
        changed_.notify_one();
        return true;
    }

private:
    void work(const std::stop_token &stop) {
        std::unique_lock lock(mutex_);
        while (changed_.wait(lock, stop, [this] { return !requests_.empty(); }) && !stop.stop_requested()) {
            auto &buffer = *requests_.front();
            requests_.pop_front();
            lock.unlock();
            const auto quote = service_(buffer.data().first(mr::tdreport_size));
            if (quote) buffer.put(*quote, static_cast<std::uint32_t>(quote->size()));
            buffer.set_status(quote ? quote_success : quote.error());
            notification_.notify();
            lock.lock();
        }
    }

    Service service_;
    Notification &notification_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<QuoteBuffer *> requests_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<QuoteHost> make_quote_host(QuoteHost::Service service, Notification &notification) {
    return std::make_unique<HonestHost>(std::move(service), notification);
}

}  // namespace mrd::sim
