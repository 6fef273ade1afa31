#include "mrd/providers/provider_queue.h"

#include <boost/asio/post.hpp>

namespace mrd {

ProviderQueue::ProviderQueue(boost::asio::io_context &loop, bool own_thread) : loop_(loop) {
    if (own_thread) thread_ = std::thread([this] { work_on_thread(); });
}

ProviderQueue::~ProviderQueue() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void ProviderQueue::run_waiting() {
    while (!running_) {
        const auto next = waiting_.next();
        if (!next) return;
        running_ = true;
        perform(**next);
        running_ = false;
    }
}

void ProviderQueue::start_next() {
    while (!running_) {
        auto next = waiting_.next();
        if (!next) return;
        running_ = true;
        if (!begin_on_thread(std::move(*next))) running_ = false;
    }
}

bool ProviderQueue::begin_on_thread(std::unique_ptr<Held> call) {
    if (!call->begin()) return false;
    at_work_.emplace(loop_.get_executor());
    {
        const std::lock_guard lock(mutex_);
        current_ = std::move(call);
    }
    changed_.notify_one();
    return true;
}

void ProviderQueue::work_on_thread() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || current_ != nullptr; });
        if (current_ == nullptr) return;
        auto done = std::move(current_);
        lock.unlock();
        done->work();
        boost::asio::post(loop_, [this, done = std::move(done), alive = std::weak_ptr(alive_)]() mutable {
            if (alive.expired()) return;
            if (!done->end() && begin_on_thread(std::move(done))) return;
            running_ = false;
            at_work_.reset();
            start_next();
        });
        lock.lock();
    }
}

}  // namespace mrd
