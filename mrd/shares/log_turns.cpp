#include "mrd/shares/log_turns.h"

#include <algorithm>

namespace mrd {

void LogTurns::leave(Ticket ticket) {
    if (queue_.cancel(ticket)) return;
    const auto found = std::ranges::find(working_, ticket, &ShareQueue::Turn::ticket);
    if (found == working_.end()) return;
    queue_.give_back(found->client, found->amount);
    working_.erase(found);
}

std::optional<LogTurns::Ticket> LogTurns::next() {
    while (const auto turn = queue_.next()) working_.push_back(*turn);
    if (working_.empty()) return std::nullopt;
    const auto next = working_.front();
    working_.pop_front();
    working_.push_back(next);
    return next.ticket;
}

}  // namespace mrd
