// The ids that clients gave their extends, so that one sent again is answered with the first result instead of extending twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "mr/digest.h"

namespace mrd::journal {

// How many of the last ids are remembered for each (uid, register), and for how many of these pairs; the pair whose last use is longest ago goes first. A uid
// that has more pairs than its share loses one of its own to a new one, and no other uid takes one of root's share.
inline constexpr std::size_t remembered_ids = 256;
inline constexpr std::size_t remembered_callers = 256;
inline constexpr std::size_t remembered_callers_of_uid = 64;

class EventIds {
public:
    struct First {
        mr::Digest digest;
        mr::Digest value;  // of the register after it
        std::uint64_t sequence = 0;
    };

    // Null: not remembered.
    [[nodiscard]] const First *find(std::int64_t uid, std::uint16_t reg, std::string_view id) const;
    void remember(std::int64_t uid, std::uint16_t reg, std::string id, First first);

private:
    using Caller = std::pair<std::int64_t, std::uint16_t>;
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    struct Remembered {
        std::unordered_map<std::string, First, Hash, std::equal_to<>> first;
        std::deque<std::string> order;
        std::list<Caller>::iterator use;
    };

    // Which of the pairs goes for the one that was used last.
    [[nodiscard]] std::list<Caller>::const_iterator to_forget() const;

    std::map<Caller, Remembered> callers_;
    std::list<Caller> uses_;  // the latest at the end
};

}  // namespace mrd::journal
