#include "mrd/shares/client_shares.h"

#include "proto/varlink/uid_shares.h"

namespace mrd {

namespace {

template <class Key>
std::size_t held_by(const std::unordered_map<Key, std::size_t> &held, Key key) {
    const auto found = held.find(key);
    return found == held.end() ? 0 : found->second;
}

template <class Key>
void subtract(std::unordered_map<Key, std::size_t> &held, Key key, std::size_t amount) {
    const auto found = held.find(key);
    found->second -= amount;
    if (found->second == 0) held.erase(found);
}

}  // namespace

std::optional<ClientShares::Limit> ClientShares::exceeded(const Client &client, std::size_t amount) const {
    const auto exceeds = [amount](std::size_t held, std::size_t limit) { return held > limit || amount > limit - held; };
    if (exceeds(held_by(connections_, client.connection), bound_.connection)) return Limit::connection;
    if (!client.is_root() && exceeds(held_by(uids_, client.uid), bound_.uid)) return Limit::uid;
    if (!client.is_root() && exceeds(others_, bound_.others)) return Limit::others;
    if (exceeds(all_, bound_.all)) return Limit::all;
    return std::nullopt;
}

std::string ClientShares::name_of(Limit limit, const Client &client) const {
    const auto counted = [this](std::size_t count) { return std::to_string(count) + " " + std::string(bound_.what); };
    switch (limit) {
    case Limit::connection: return counted(bound_.connection) + " of one connection";
    case Limit::uid:
        return counted(bound_.uid) +
               (client.uid == varlink::unnamed_uids ? " of all uids that no rule names" : " of uid " + std::to_string(client.uid));
    case Limit::others: return counted(bound_.others) + " of all uids but root";
    case Limit::all: return counted(bound_.all) + " in all";
    }
    return {};
}

void ClientShares::take(const Client &client, std::size_t amount) {
    if (amount == 0) return;
    all_ += amount;
    connections_[client.connection] += amount;
    uids_[client.uid] += amount;
    if (!client.is_root()) others_ += amount;
}

void ClientShares::give_back(const Client &client, std::size_t amount) {
    if (amount == 0) return;
    all_ -= amount;
    subtract(connections_, client.connection, amount);
    subtract(uids_, client.uid, amount);
    if (!client.is_root()) others_ -= amount;
}

}  // namespace mrd
