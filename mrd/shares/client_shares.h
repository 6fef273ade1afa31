// What each client holds of a bound that all clients share, so that none keeps the others from it. Decisions only.
//
// A client is a connection of a uid. Its connection has a share, and so has its uid, unless that is root's: root reaches all of the bound, of which the
// other uids together leave it a reserve.
//
// A connection's calls run one after the other (varlink::Session). So it has at most one of whatever lasts as long as a call, and the shares of connections
// are the shares of these too: calls in a provider's queue, readers that wait for a refresh, watchers, followers of the log, calls for collateral. Those of clients that have gone without a place
// (varlink::Limits::max_left_behind) have shares of their own, and only change something.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/varlink/service.h"

namespace mrd {

struct Client {
    std::uint64_t connection = 0;
    uid_t uid = 0;  // whose share it takes (varlink::Peer::share)

    static Client of(const varlink::Peer &peer) { return {peer.connection, peer.share}; }
    [[nodiscard]] bool is_root() const { return uid == 0; }
};

// What all hold together, and who may hold how much of it.
struct SharedBound {
    std::string_view what;       // is counted, in the plural: "quotes"
    std::size_t all = 0;         // of all clients
    std::size_t others = 0;      // of all uids but root, together: the rest is root's reserve
    std::size_t uid = 0;         // of one uid that is not root
    std::size_t connection = 0;  // of one connection
};

class ClientShares {
public:
    explicit ClientShares(const SharedBound &bound) : bound_(bound) {}

    enum class Limit : std::uint8_t { connection, uid, others, all };
    // The limit that so much more would exceed: the client's own first. Nothing: it fits.
    [[nodiscard]] std::optional<Limit> exceeded(const Client &client, std::size_t amount) const;
    // What a refused client is told: "48 quotes of uid 1000".
    [[nodiscard]] std::string name_of(Limit limit, const Client &client) const;

    void take(const Client &client, std::size_t amount);
    // Precondition: the client holds at least that much.
    void give_back(const Client &client, std::size_t amount);

    [[nodiscard]] std::size_t taken() const { return all_; }

private:
    SharedBound bound_;
    std::size_t all_ = 0;
    std::size_t others_ = 0;
    // Of those who hold something.
    std::unordered_map<std::uint64_t, std::size_t> connections_;
    std::unordered_map<uid_t, std::size_t> uids_;
};

}  // namespace mrd
