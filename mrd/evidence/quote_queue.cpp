#include "mrd/evidence/quote_queue.h"

namespace mrd {

void QuoteQueue::add(Ticket ticket, const Client &client, const Subject &subject, TimePoint deadline) {
    const auto turn = turns_.wait(client, 1);
    by_turn_.emplace(turn, ticket);
    requests_.emplace(ticket, Request{subject, deadline, turn});
    deadlines_.emplace(deadline, ticket);
}

std::vector<QuoteQueue::Subject> QuoteQueue::begin(std::size_t most) {
    std::vector<Subject> subjects;
    while (subjects.size() < most) {
        const auto turn = turns_.next();
        if (!turn) break;
        subjects.push_back(requests_.at(by_turn_.at(turn->ticket)).subject);
        making_.push_back({.turn = *turn});
        // It is for all who wait for the same: none of them has a turn any more.
        for (auto &[ticket, request] : requests_) {
            if (request.subject != subjects.back()) continue;
            request.quote = making_.size() - 1;
            making_.back().tickets.insert(ticket);
            turns_.cancel(request.turn);
            by_turn_.erase(request.turn);
        }
    }
    return subjects;
}

std::vector<std::vector<QuoteQueue::Ticket>> QuoteQueue::end() {
    std::vector<std::vector<Ticket>> answered;
    for (const auto &[turn, tickets] : making_) {
        turns_.give_back(turn.client, turn.amount);
        answered.emplace_back(tickets.begin(), tickets.end());
    }
    for (const auto &tickets : answered) {
        for (const auto ticket : tickets) remove(ticket);
    }
    making_.clear();
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

void QuoteQueue::remove(Ticket ticket) {
    const auto found = requests_.find(ticket);
    const auto &request = found->second;
    deadlines_.erase({request.deadline, ticket});
    by_turn_.erase(request.turn);
    turns_.cancel(request.turn);
    if (request.quote) making_[*request.quote].tickets.erase(ticket);
    requests_.erase(found);
}

}  // namespace mrd
