#include "mrd/journal/space.h"

#include <algorithm>
#include <string>

namespace mrd::journal {

bool Space::has_own_share(std::int64_t uid) const { return !named_ || std::ranges::binary_search(*named_, uid); }

// What those without a share of their own have taken is what is left of all: no sum over thousands of them.
Usage Space::usage_of_share(const State &state, std::int64_t uid) const {
    if (has_own_share(uid)) return state.usage_of(uid);
    auto usage = state.usage_of_others();
    for (const auto named : *named_) {
        if (named == 0) continue;
        const auto own = state.usage_of(named);
        usage.bytes -= own.bytes;
        usage.events -= own.events;
    }
    return usage;
}

std::optional<Full> Space::refuses(const State &state, std::int64_t uid, std::uint64_t size) const {
    if (uid == 0) return std::nullopt;
    const auto exceeded = [](std::uint64_t limit, std::string_view what, const std::string &whose) {
        return Full{limit, std::string(what) + " of " + whose};
    };
    const auto one = has_own_share(uid) ? "uid " + std::to_string(uid) : "all uids that no rule names";
    const std::string all = "all uids but root";
    const auto used = usage_of_share(state, uid);
    const auto by_all = state.usage_of_others();
    const auto judge = [&](std::string_view what, std::uint64_t own, std::uint64_t taken, std::uint64_t more, std::uint64_t limit) {
        const auto of_the_others = taken - own;
        const auto share = (limit - std::min(limit, of_the_others)) / 2;
        if (own + more <= share) return std::optional<Full>();
        // Who has nothing is kept out by the others.
        return std::optional(own > 0 ? exceeded(share, what, one) : exceeded(limit, what, all));
    };
    if (auto full = judge("bytes", used.bytes, by_all.bytes, size, others())) return full;
    if (auto full = judge("events", used.events, by_all.events, 1, max_events_of_others)) return full;
    return std::nullopt;
}

}  // namespace mrd::journal
