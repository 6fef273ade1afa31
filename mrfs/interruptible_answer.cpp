#include "mrfs/interruptible_answer.h"

#include <cerrno>

namespace mrfs {

InterruptibleAnswer::InterruptibleAnswer(fuse_req_t request) : request_(request) {
    ::fuse_req_interrupt_func(request_, &interrupt, this);
    is_registered_ = true;
    // libfuse goes on using a request whose interrupt came first, so it is not answered in there.
    if (is_interrupted_early_) {
        give([](fuse_req_t answered) { ::fuse_reply_err(answered, EINTR); });
    }
}

InterruptibleAnswer::~InterruptibleAnswer() {
    give([](fuse_req_t answered) { ::fuse_reply_err(answered, EIO); });
}

void InterruptibleAnswer::interrupt(fuse_req_t request, void *self) {
    auto &answer = *static_cast<InterruptibleAnswer *>(self);
    if (!answer.is_registered_ && answer.registering_ == std::this_thread::get_id()) {
        answer.is_interrupted_early_ = true;
        return;
    }
    // From here on whoever gives the answer may be gone with this object.
    if (!answer.is_answered_.exchange(true)) ::fuse_reply_err(request, EINTR);
}

void InterruptibleAnswer::give(const std::function<void(fuse_req_t)> &answer) {
    if (is_answered_.exchange(true)) return;
    // Waits for an interrupt() that is under way.
    ::fuse_req_interrupt_func(request_, nullptr, nullptr);
    answer(request_);
}

}  // namespace mrfs
