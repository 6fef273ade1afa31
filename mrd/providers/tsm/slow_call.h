// A call of the kernel that cannot be interrupted, and by whom it is said where it takes long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace mrd::tsm {

// What `call` returns. Where it has not returned after `patience`, `tell` is called, once, on another thread, which has ended when this returns.
template <typename Call>
auto tell_if_slow(std::chrono::milliseconds patience, const std::function<void()> &tell, const Call &call) {
    const std::jthread watch([&](const std::stop_token &stop) {
        std::mutex mutex;
        std::condition_variable_any nothing;
        std::unique_lock lock(mutex);
        (void)nothing.wait_for(lock, stop, patience, [] { return false; });
        if (!stop.stop_requested()) tell();
    });
    return call();
}

}  // namespace mrd::tsm
