// The ids that clients gave their extends, so that one sent again is answered with the first result instead of extending twice.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mr/digest.h"
#include "mrd/journal/format.h"
#include "mrd/journal/one_or_more.h"

namespace mrd::journal {

// How many of the last ids are remembered for each (uid, registers), and for how many of these pairs; the pair whose last use is longest ago goes first. A uid
// that has more pairs than its share loses one of its own to a new one, and no other uid takes one of root's share.
inline constexpr std::size_t remembered_ids = 256;
inline constexpr std::size_t remembered_callers = 256;
inline constexpr std::size_t remembered_callers_of_uid = 64;

// The registers that one event extends, in whatever order it names them.
class RegisterSet {
public:
    explicit RegisterSet(std::span<const Target> targets);
    explicit RegisterSet(std::span<const RegisterNumber> numbers);
    explicit RegisterSet(RegisterNumber reg) : numbers_{reg}, size_(1) {}

    [[nodiscard]] std::span<const RegisterNumber> numbers() const { return std::span(numbers_).first(size_); }

    friend auto operator<=>(const RegisterSet &, const RegisterSet &) = default;

private:
    std::array<RegisterNumber, max_targets> numbers_{};  // ascending; zero behind them
    std::size_t size_ = 0;
};

class EventIds {
public:
    // What the first one did to one register.
    struct Result {
        RegisterNumber reg = 0;
        mr::Digest digest;  // that extended it
        mr::Digest value;   // of the register after it
        friend bool operator==(const Result &, const Result &) = default;
    };
    struct First {
        OneOrMore<Result> results = {};
        std::uint64_t sequence = 0;
        std::optional<mr::Digest> asked = {};  // what the event is compared by, where that is not its digests (asked_digest)

        // The same digest for every register. Precondition: the same registers.
        [[nodiscard]] bool has_digests_of(std::span<const Target> targets) const;
        friend bool operator==(const First &, const First &) = default;
    };

    // Null: not remembered.
    [[nodiscard]] const First *find(std::int64_t uid, const RegisterSet &registers, std::string_view id) const;
    void remember(std::int64_t uid, const RegisterSet &registers, std::string id, First first);

    // visit(uid, registers, id, first) for all: remembered in this order, they are the same again.
    template <class Visit>
    void for_each(const Visit &visit) const {
        for (const auto &caller : uses_) {
            const auto &remembered = callers_.at(caller);
            for (const auto &id : remembered.order) visit(caller.first, caller.second, id, remembered.first.find(id)->second);
        }
    }
    [[nodiscard]] std::size_t size() const;

    friend bool operator==(const EventIds &, const EventIds &) = default;

private:
    using Caller = std::pair<std::int64_t, RegisterSet>;
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    struct Remembered {
        std::unordered_map<std::string, First, Hash, std::equal_to<>> first;
        std::deque<std::string> order;
        friend bool operator==(const Remembered &, const Remembered &) = default;
    };

    // Which of the pairs goes for the one that was used last.
    [[nodiscard]] std::vector<Caller>::const_iterator to_forget() const;

    std::map<Caller, Remembered> callers_;
    std::vector<Caller> uses_;  // the latest at the end
};

}  // namespace mrd::journal
