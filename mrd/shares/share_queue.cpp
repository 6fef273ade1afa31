#include "mrd/shares/share_queue.h"

#include <algorithm>
#include <unordered_set>

namespace mrd {

ShareQueue::Ticket ShareQueue::wait(const Client &client, std::size_t amount) {
    auto round = round_;
    for (const auto &before : waiting_) {
        if (before.client.connection == client.connection) round = std::max(round, before.round + 1);
    }
    const auto place = std::ranges::upper_bound(waiting_, round, {}, &Waiting::round);
    waiting_.insert(place, {++last_ticket_, client, amount, round});
    return last_ticket_;
}

std::optional<ShareQueue::Turn> ShareQueue::next() {
    using Limit = ClientShares::Limit;
    // Who must not pass one that was found waiting.
    std::unordered_set<std::uint64_t> connections;
    std::unordered_set<uid_t> uids;
    bool others = false;
    for (auto each = waiting_.begin(); each != waiting_.end(); ++each) {
        const auto &client = each->client;
        if (connections.contains(client.connection) || uids.contains(client.uid) || (others && !client.is_root())) continue;
        const auto exceeded = shares_.exceeded(client, each->amount);
        if (!exceeded) {
            const Turn turn{each->ticket, client, each->amount};
            round_ = std::max(round_, each->round);
            waiting_.erase(each);
            shares_.take(turn.client, turn.amount);
            return turn;
        }
        switch (*exceeded) {
        case Limit::connection: connections.insert(client.connection); break;
        case Limit::uid: uids.insert(client.uid); break;
        case Limit::others: others = true; break;
        case Limit::all: return std::nullopt;
        }
    }
    return std::nullopt;
}

bool ShareQueue::cancel(Ticket ticket) {
    return std::erase_if(waiting_, [ticket](const Waiting &each) { return each.ticket == ticket; }) > 0;
}

std::optional<std::string> ShareQueue::waits_for(Ticket ticket) const {
    const auto found = std::ranges::find(waiting_, ticket, &Waiting::ticket);
    if (found == waiting_.end()) return std::nullopt;
    // Where nothing stands against it but others who wait, they wait for the whole.
    return shares_.name_of(shares_.exceeded(found->client, found->amount).value_or(ClientShares::Limit::all), found->client);
}

}  // namespace mrd
