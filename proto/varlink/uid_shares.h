// Who may have how much of what all uids share (places for connections, bytes): each uid has a share that depends on how much is free, and some is kept for root.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>

namespace varlink {

// A uid holds at most so many times as much as it leaves free for the others. One alone gets seven eighths of all, the next seven eighths of the rest, and so
// on: nobody can take the last of it, and nothing is lost to uids that are not there. Of what is counted one by one, each may hold this many and the first one in
// any case.
inline constexpr std::size_t held_for_a_free_one = 7;
inline constexpr std::size_t shares_part_of_root = 64;  // others than root leave root the whole divided by this

// Whose share it is that all uids have together which have none of their own. No user has this uid.
inline constexpr uid_t unnamed_uids = static_cast<uid_t>(-1);

class UidShares {
public:
    enum class Outcome : std::uint8_t { taken, none_left, over_share };

    explicit UidShares(std::size_t whole) : whole_(whole) {}

    Outcome take(uid_t uid, std::size_t amount = 1);

    // Precondition: it was taken.
    void give_back(uid_t uid, std::size_t amount = 1);

    [[nodiscard]] std::size_t taken() const { return taken_; }

private:
    std::size_t whole_;
    std::size_t taken_ = 0;
    std::map<uid_t, std::size_t> taken_by_;
};

}  // namespace varlink
