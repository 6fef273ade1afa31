#include "mrd/evidence/quote_queue.h"

namespace mrd {

void QuoteQueue::add(Ticket ticket, const Client &client, const Subject &subject, TimePoint deadline) {
    const auto turn = turns_.wait(client, 1);
    by_turn_.emplace(turn, ticket);
    requests_.emplace(ticket, Request{subject, deadline, turn});
    deadlines_.emplace(deadline, ticket);
}

std::optional<QuoteQueue::Subject> QuoteQueue::begin() {
    making_ = turns_.next();
    if (!making_) return std::nullopt;
    const auto subject = requests_.at(by_turn_.at(making_->ticket)).subject;
    for (const auto &[ticket, request] : requests_) {
        if (request.subject == subject) begun_.insert(ticket);
    }
    return subject;
}

std::vector<QuoteQueue::Ticket> QuoteQueue::end() {
    turns_.give_back(making_->client, making_->amount);
    making_.reset();
    const std::vector<Ticket> answered(begun_.begin(), begun_.end());
    for (const auto ticket : answered) remove(ticket);
    return answered;
}

bool QuoteQueue::cancel(Ticket ticket) {
    if (!requests_.contains(ticket)) return false;
    remove(ticket);
    return true;
}

std::vector<QuoteQueue::Ticket> QuoteQueue::expire(TimePoint now) {
    std::vector<Ticket> late;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        late.push_back(deadlines_.begin()->second);
        remove(late.back());
    }
    return late;
}

std::optional<QuoteQueue::TimePoint> QuoteQueue::next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

bool QuoteQueue::unwanted() const { return making_ && begun_.empty(); }

void QuoteQueue::remove(Ticket ticket) {
    const auto found = requests_.find(ticket);
    const auto &request = found->second;
    deadlines_.erase({request.deadline, ticket});
    by_turn_.erase(request.turn);
    turns_.cancel(request.turn);
    begun_.erase(ticket);
    requests_.erase(found);
}

}  // namespace mrd
