#include "mrd/evidence_budget.h"

#include <algorithm>
#include <utility>

namespace mrd {

std::shared_ptr<EvidenceBudget> EvidenceBudget::make(Later later, std::size_t limit) {
    return std::shared_ptr<EvidenceBudget>(new EvidenceBudget(std::move(later), limit));
}

EvidenceBudget::Ticket EvidenceBudget::take(std::size_t bytes, Ready ready) {
    waiting_.push_back({++last_ticket_, bytes, std::move(ready)});
    look_later();
    return last_ticket_;
}

void EvidenceBudget::cancel(Ticket ticket) {
    const auto found = std::ranges::find(waiting_, ticket, &Waiting::ticket);
    if (found == waiting_.end()) return;
    waiting_.erase(found);
    look_later();  // it may have been the one that the others waited behind
}

EvidenceBudget::Share EvidenceBudget::share(std::size_t bytes) {
    taken_ += bytes;
    return {this, [weak = weak_from_this(), bytes](void *) {
                const auto self = weak.lock();
                if (!self) return;
                self->taken_ -= bytes;
                self->look_later();
            }};
}

void EvidenceBudget::look_later() {
    if (waiting_.empty() || std::exchange(will_look_, true)) return;
    later_([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->look();
    });
}

void EvidenceBudget::look() {
    will_look_ = false;
    while (!waiting_.empty() && waiting_.front().bytes <= limit_ - taken_) {
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        next.ready(share(next.bytes));
    }
}

}  // namespace mrd
