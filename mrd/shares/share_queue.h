// Who waits for a share of a bound, and whose turn it is. Decisions only.
//
// Uids have their turns one after the other; root, while it waits, has every other one, which is its reserve of them however many uids there are. Of one uid every other turn is for whoever has waited longest, so that nobody waits for ever, and every other for
// whoever came last of those whose connection has had none lately: however many of a uid wait, and ask again, a connection that seldom asks is served at once.
//
// Whoever cannot be served is passed only by those who take nothing of what it waits for: one whose own connection or uid holds its share by other clients, one
// that is left to root's reserve by root. So no small request passes a large one for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "mrd/shares/client_shares.h"

namespace mrd {

// Turns that count as lately. As many as there may be connections: were it fewer, all of those who ask again and again could be taken for ones who seldom do.
inline constexpr std::size_t turns_remembered = 4096;

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
    // What it waits for: the limit's name. Nothing: it does not wait, or only for its turn, which comes.
    [[nodiscard]] std::optional<std::string> waits_for(Ticket ticket) const;

    // Precondition: the client holds at least that much.
    void give_back(const Client &client, std::size_t amount) { shares_.give_back(client, amount); }

    [[nodiscard]] std::size_t taken() const { return shares_.taken(); }
    [[nodiscard]] std::size_t waiting() const { return uid_of_.size(); }

private:
    struct Waiting {
        Client client;
        std::size_t amount = 0;
    };
    using InOrder = std::map<Ticket, Waiting>;  // of arrival
    struct OfUid {
        InOrder waiting;
        std::set<Ticket> seldom;  // those of them whose connection had had no turn lately when it came
        bool last_is_next = false;
    };

    using OfUids = std::map<uid_t, OfUid>;
    // A uid's turn, if one can be served now. Where others must not pass it, `blocked` is the limit that it waits for.
    std::optional<Turn> next_of(OfUids::iterator of_uid, std::optional<ClientShares::Limit> &blocked);
    // Of a uid's requests the one whose turn it is, where the longest waiting one can be served.
    InOrder::const_iterator choose(OfUid &of_uid, InOrder::const_iterator longest);
    Turn serve(uid_t uid, Ticket ticket);
    [[nodiscard]] bool had_turn_lately(const Client &client) const { return lately_.contains(client.connection); }
    void remember(const Client &client);
    void remove(uid_t uid, Ticket ticket);

    ClientShares shares_;
    OfUids of_uids_;  // only of whom one waits
    std::unordered_map<Ticket, uid_t> uid_of_;
    uid_t last_uid_ = 0;  // whose turn it was last but for root's
    bool root_had_the_last_ = false;
    std::deque<std::uint64_t> turns_;                        // the connections that had the last ones
    std::unordered_map<std::uint64_t, std::size_t> lately_;  // how many of these each had
    Ticket last_ticket_ = 0;
};

}  // namespace mrd
