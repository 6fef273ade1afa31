// The answer to a request whose process may be interrupted while mrd is asked: it is answered at once then (EINTR), and what comes later is dropped. Whoever waited
// for the open file goes on with that.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "mrfs/fuse_api.h"

namespace mrfs {

class InterruptibleAnswer {
public:
    explicit InterruptibleAnswer(fuse_req_t request);
    InterruptibleAnswer(const InterruptibleAnswer &) = delete;
    InterruptibleAnswer &operator=(const InterruptibleAnswer &) = delete;
    ~InterruptibleAnswer();

    // Was it interrupted before anything was asked? It is answered then.
    [[nodiscard]] bool is_answered() const { return is_answered_; }
    // Answers by this function, unless it has been answered.
    void give(const std::function<void(fuse_req_t)> &answer);

private:
    static void interrupt(fuse_req_t request, void *self);

    fuse_req_t request_;
    std::thread::id registering_ = std::this_thread::get_id();
    std::atomic<bool> is_registered_ = false;
    std::atomic<bool> is_interrupted_early_ = false;
    std::atomic<bool> is_answered_ = false;
};

}  // namespace mrfs
