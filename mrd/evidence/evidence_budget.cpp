#include "mrd/evidence/evidence_budget.h"

namespace mrd {

std::shared_ptr<EvidenceBudget> EvidenceBudget::make(Later later, const SharedBound &bound) {
    return std::shared_ptr<EvidenceBudget>(new EvidenceBudget(std::move(later), bound));
}

EvidenceBudget::Ticket EvidenceBudget::take(const Client &client, std::size_t bytes, Ready ready) {
    const auto ticket = queue_.wait(client, bytes);
    ready_.emplace(ticket, std::move(ready));
    look_later();
    return ticket;
}

void EvidenceBudget::cancel(Ticket ticket) {
    if (!queue_.cancel(ticket)) return;
    ready_.erase(ticket);
    look_later();  // it may have been the one that the others waited behind
}

EvidenceBudget::Share EvidenceBudget::share(const Client &client, std::size_t bytes) {
    return {this, [weak = weak_from_this(), client, bytes](void *) {
                const auto self = weak.lock();
                if (!self) return;
                self->queue_.give_back(client, bytes);
                self->look_later();
            }};
}

void EvidenceBudget::look_later() {
    if (queue_.waiting() == 0 || std::exchange(will_look_, true)) return;
    later_([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->look();
    });
}

void EvidenceBudget::look() {
    will_look_ = false;
    while (const auto turn = queue_.next()) {
        auto ready = std::move(ready_.extract(turn->ticket).mapped());
        ready(share(turn->client, turn->amount));
    }
}

}  // namespace mrd
