#include "mrd/evidence/quote_queue.h"

#include <algorithm>

namespace mrd {

std::optional<std::string> QuoteQueue::refuses(const Client &client) const {
    const auto exceeded = shares_.exceeded(client, 1);
    return exceeded ? std::optional(shares_.name_of(*exceeded, client) + " are waited for") : std::nullopt;
}

void QuoteQueue::add(Ticket ticket, const Client &client, const Subject &subject, TimePoint deadline) {
    requests_.push_back({ticket, client, subject, deadline});
    shares_.take(client, 1);
}

std::optional<QuoteQueue::Subject> QuoteQueue::begin() {
    if (requests_.empty()) return std::nullopt;
    const auto subject = requests_.front().subject;
    for (auto &request : requests_) request.begun = request.subject == subject;
    making_ = true;
    return subject;
}

std::vector<QuoteQueue::Ticket> QuoteQueue::end() {
    making_ = false;
    return take([](const Request &request) { return request.begun; });
}

bool QuoteQueue::cancel(Ticket ticket) {
    return !take([ticket](const Request &request) { return request.ticket == ticket; }).empty();
}

std::vector<QuoteQueue::Ticket> QuoteQueue::expire(TimePoint now) {
    return take([now](const Request &request) { return request.deadline <= now; });
}

std::optional<QuoteQueue::TimePoint> QuoteQueue::next_deadline() const {
    const auto next = std::ranges::min_element(requests_, {}, &Request::deadline);
    return next == requests_.end() ? std::nullopt : std::optional(next->deadline);
}

bool QuoteQueue::unwanted() const { return making_ && std::ranges::none_of(requests_, &Request::begun); }

template <class Predicate>
std::vector<QuoteQueue::Ticket> QuoteQueue::take(const Predicate &predicate) {
    std::vector<Ticket> taken;
    std::erase_if(requests_, [&](const Request &request) {
        if (!predicate(request)) return false;
        taken.push_back(request.ticket);
        shares_.give_back(request.client, 1);
        return true;
    });
    return taken;
}

}  // namespace mrd
