// Who waits for a share of a bound, and whose turn it is. Decisions only.
//
// Connections take turns: the second request of one stands behind the first of every other that waits. Whoever cannot be served is passed only by those
// who take nothing of what it waits for: one whose own connection or uid holds its share by other clients, one that is left to root's reserve by root.
// So no small request passes a large one for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "mrd/shares/client_shares.h"

namespace mrd {

class ShareQueue {
public:
    using Ticket = std::uint64_t;  // names a request

    explicit ShareQueue(const SharedBound &bound) : shares_(bound) {}

    // Precondition: the amount fits into each of the bound's limits.
    Ticket wait(const Client &client, std::size_t amount);

    struct Turn {
        Ticket ticket = 0;
        Client client;
        std::size_t amount = 0;  // which the client holds from now on
    };
    // Nothing: nobody waits, or nobody can be served.
    std::optional<Turn> next();

    // It does not wait any more. False: it did not.
    bool cancel(Ticket ticket);
    // What it waits for: the limit's name. Nothing: it does not wait.
    [[nodiscard]] std::optional<std::string> waits_for(Ticket ticket) const;

    // Precondition: the client holds at least that much.
    void give_back(const Client &client, std::size_t amount) { shares_.give_back(client, amount); }

    [[nodiscard]] std::size_t taken() const { return shares_.taken(); }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    struct Waiting {
        Ticket ticket;
        Client client;
        std::size_t amount;
        std::uint64_t round;
    };

    ClientShares shares_;
    std::deque<Waiting> waiting_;  // by round, then by arrival
    std::uint64_t round_ = 0;      // of the last one that was served
    Ticket last_ticket_ = 0;
};

}  // namespace mrd
