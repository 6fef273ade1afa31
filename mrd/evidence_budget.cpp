#include "mrd/evidence_budget.h"

namespace mrd {

std::shared_ptr<EvidenceBudget> EvidenceBudget::make(Later later, const SharedBound &bound) {
    return std::shared_ptr<EvidenceBudget>(new EvidenceBudget(std::move(later), bound));
}

void EvidenceBudget::Share::shrink_to(std::size_t bytes) {
    if (bytes >= bytes_) return;
    const auto too_many = bytes_ - bytes;
    bytes_ = bytes;
    if (const auto budget = budget_.lock()) budget->give_back(client_, too_many);
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

void EvidenceBudget::give_back(const Client &client, std::size_t bytes) {
    queue_.give_back(client, bytes);
    look_later();
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
        ready(Share(weak_from_this(), turn->client, turn->amount));
    }
}

}  // namespace mrd
