#include "proto/varlink/turn_queue.h"

namespace varlink {

void TurnQueue::enter(Member &member) {
    if (member.waits_) return;
    auto &of_user = waiting_[member.uid_];
    member.position_ = of_user.insert(of_user.end(), &member);
    member.waits_ = true;
    ++size_;
}

void TurnQueue::leave(Member &member) {
    if (!member.waits_) return;
    member.waits_ = false;
    --size_;
    const auto of_user = waiting_.find(member.uid_);
    of_user->second.erase(member.position_);
    if (of_user->second.empty()) waiting_.erase(of_user);
}

TurnQueue::Member *TurnQueue::next() {
    if (waiting_.empty()) return nullptr;
    auto of_user = waiting_.upper_bound(last_);
    if (of_user == waiting_.end()) of_user = waiting_.begin();
    last_ = of_user->first;
    auto *first = of_user->second.front();
    leave(*first);
    return first;
}

}  // namespace varlink
