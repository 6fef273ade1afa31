#include "mrd/journal/sync_thread.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace mrd::journal {

SyncThread::SyncThread(boost::asio::io_context &loop, AppendFile &file, Synced synced)
    : loop_(loop), file_(file), synced_(std::move(synced)), thread_([this] { work(); }) {}

SyncThread::~SyncThread() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void SyncThread::ask(std::uint64_t position) {
    if (!waiting_) waiting_.emplace(loop_.get_executor());
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        wake = asked_ == taken_;  // otherwise it looks again by itself
        position_ = position;
        ++asked_;
    }
    if (wake) changed_.notify_one();
}

void SyncThread::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || asked_ != taken_; });
        if (asked_ == taken_) return;  // stopping, and nothing left to do
        const auto position = position_;
        const auto taken = taken_ = asked_;
        lock.unlock();
        auto result = file_.sync();
        boost::asio::post(loop_, [this, position, taken, result, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            {
                const std::lock_guard still(mutex_);
                if (asked_ == taken) waiting_.reset();
            }
            synced_(position, result);
        });
        lock.lock();
    }
}

}  // namespace mrd::journal
