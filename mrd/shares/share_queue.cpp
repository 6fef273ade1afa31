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
    bool others_wait = false;  // one of them, for what is not root's reserve
    auto at = last_uid_ ? of_uids_.upper_bound(*last_uid_) : of_uids_.begin();
    for (auto left = of_uids_.size(); left > 0; --left, ++at) {
        if (at == of_uids_.end()) at = of_uids_.begin();
        auto &[uid, of_uid] = *at;
        if (others_wait && uid != 0) continue;
        std::optional<Limit> exceeded;
        // One whose own connection has its share is passed by the uid's others.
        const auto longest = std::ranges::find_if(of_uid.waiting, [&](const auto &each) {
            exceeded = shares_.exceeded(each.second.client, each.second.amount);
            return exceeded != Limit::connection;
        });
        if (longest == of_uid.waiting.end()) continue;
        if (!exceeded) {
            const auto chosen = choose(of_uid, longest)->first;
            // Where one of the others waits, it stays the one whose turn is next.
            if (!others_wait) last_uid_ = uid;
            return serve(uid, chosen);
        }
        if (exceeded == Limit::all) return std::nullopt;
        others_wait = others_wait || exceeded == Limit::others;
    }
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
    // Where nothing stands against it but others who wait, they wait for the whole.
    return shares_.name_of(shares_.exceeded(client, amount).value_or(Limit::all), client);
}

}  // namespace mrd
