#include "mrd/shares/share_queue.h"

#include <algorithm>

namespace mrd {

using Limit = ClientShares::Limit;

ShareQueue::Ticket ShareQueue::wait(const Client &client, std::size_t amount) {
    const auto ticket = ++last_ticket_;
    auto &of_uid = of_uids_[client.uid];
    of_uid.waiting.emplace(ticket, Waiting{client, amount});
    if (!had_turn_lately(client)) of_uid.seldom.insert(ticket);
    uid_of_.emplace(ticket, client.uid);
    return ticket;
}

std::optional<ShareQueue::Turn> ShareQueue::next() {
    constexpr uid_t root = 0;
    const bool root_is_first = !root_had_the_last_;
    std::optional<Limit> blocked;
    std::optional<Turn> turn;
    if (root_is_first) turn = next_of(of_uids_.find(root), blocked);
    auto at = of_uids_.upper_bound(last_uid_);
    for (auto left = of_uids_.size(); left > 0 && !turn && !blocked; --left) {
        if (at == of_uids_.end()) at = of_uids_.begin();
        const auto of_uid = at++;  // it goes with its last request
        if (of_uid->first != root) turn = next_of(of_uid, blocked);
    }
    // Where others wait for what all of them may have, root's reserve is left.
    if (!root_is_first && !turn && blocked != Limit::all) turn = next_of(of_uids_.find(root), blocked);
    return turn;
}

std::optional<ShareQueue::Turn> ShareQueue::next_of(OfUids::iterator of_uid, std::optional<Limit> &blocked) {
    if (of_uid == of_uids_.end()) return std::nullopt;
    auto &[uid, requests] = *of_uid;
    std::optional<Limit> exceeded;
    // One whose own connection has its share is passed by the uid's others.
    const auto longest = std::ranges::find_if(requests.waiting, [&](const auto &each) {
        exceeded = shares_.exceeded(each.second.client, each.second.amount);
        return exceeded != Limit::connection;
    });
    if (longest == requests.waiting.end()) return std::nullopt;
    if (!exceeded) return serve(uid, choose(requests, longest)->first);
    if (exceeded == Limit::others || exceeded == Limit::all) blocked = exceeded;
    return std::nullopt;
}

ShareQueue::InOrder::const_iterator ShareQueue::choose(OfUid &of_uid, InOrder::const_iterator longest) {
    of_uid.last_is_next = !of_uid.last_is_next;
    if (of_uid.last_is_next) return longest;
    while (!of_uid.seldom.empty()) {
        const auto last = of_uid.waiting.find(*of_uid.seldom.rbegin());
        const auto &[client, amount] = last->second;
        if (!had_turn_lately(client)) return shares_.exceeded(client, amount) ? longest : last;
        of_uid.seldom.erase(last->first);  // it has had one while it waited for another
    }
    return longest;
}

ShareQueue::Turn ShareQueue::serve(uid_t uid, Ticket ticket) {
    const auto [client, amount] = of_uids_.at(uid).waiting.at(ticket);
    root_had_the_last_ = client.is_root();
    if (!client.is_root()) last_uid_ = uid;
    remove(uid, ticket);
    remember(client);
    shares_.take(client, amount);
    return {ticket, client, amount};
}

void ShareQueue::remember(const Client &client) {
    turns_.push_back(client.connection);
    ++lately_[client.connection];
    if (turns_.size() <= turns_remembered) return;
    const auto first = lately_.find(turns_.front());
    if (--first->second == 0) lately_.erase(first);
    turns_.pop_front();
}

void ShareQueue::remove(uid_t uid, Ticket ticket) {
    const auto found = of_uids_.find(uid);
    found->second.waiting.erase(ticket);
    found->second.seldom.erase(ticket);
    uid_of_.erase(ticket);
    if (found->second.waiting.empty()) of_uids_.erase(found);
}

bool ShareQueue::cancel(Ticket ticket) {
    const auto found = uid_of_.find(ticket);
    if (found == uid_of_.end()) return false;
    remove(found->second, ticket);
    return true;
}

std::optional<std::string> ShareQueue::waits_for(Ticket ticket) const {
    const auto found = uid_of_.find(ticket);
    if (found == uid_of_.end()) return std::nullopt;
    const auto &[client, amount] = of_uids_.at(found->second).waiting.at(ticket);
    if (const auto exceeded = shares_.exceeded(client, amount)) return shares_.name_of(*exceeded, client);
    // Nothing stands against it but others who wait. Where a limit stands against one of them, they all wait for the whole; else it is about to be served.
    for (const auto &[uid, of_uid] : of_uids_) {
        for (const auto &[other, waits] : of_uid.waiting) {
            if (shares_.exceeded(waits.client, waits.amount)) return shares_.name_of(Limit::all, client);
        }
    }
    return std::nullopt;
}

}  // namespace mrd
