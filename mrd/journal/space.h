// How much of the journal a client may fill, so that none keeps others' events out of it. Decisions only: what is taken, the state counts.
//
// All of the size limit is root's, but for a reserve for what mrd itself logs: caps and resyncs. Uids that are not root's have half of it together, and one has at most
// half of what the others of them leave: the first one a half of that half, the next one half of the rest, and so on, so that nobody takes the last of it. Those
// that have no share of their own count as one. They have a number of events, shared in the same way: the digest of every event is in every evidence, which does not
// grow with the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "mrd/journal/errors.h"
#include "mrd/journal/state.h"

namespace mrd::journal {

// Events of all uids but root. Cut to what an evidence never leaves out they take at most half of its log.
inline constexpr std::uint64_t max_events_of_others = 14'000;

class Space {
public:
    // `named`: the uids that have a share of their own, in order. Not given: each has one.
    explicit constexpr Space(std::uint64_t size_limit, std::optional<std::span<const std::int64_t>> named = {})
        : size_limit_(size_limit), named_(named) {}

    [[nodiscard]] bool has_own_share(std::int64_t uid) const;

    [[nodiscard]] constexpr std::uint64_t reserve() const { return size_limit_ / 64; }  // for mrd's own events
    [[nodiscard]] constexpr std::uint64_t others() const { return size_limit_ / 2; }    // of all uids but root

    // The share that one more event of the uid, which takes so many bytes, would exceed. Nothing: none.
    [[nodiscard]] std::optional<Full> refuses(const State &state, std::int64_t uid, std::uint64_t size) const;

private:
    [[nodiscard]] Usage usage_of_share(const State &state, std::int64_t uid) const;

    std::uint64_t size_limit_;
    std::optional<std::span<const std::int64_t>> named_;
};

}  // namespace mrd::journal
