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
    if (used.bytes + size > this->uid()) return exceeded(this->uid(), "bytes", one);
    if (used.events >= max_events_of_uid) return exceeded(max_events_of_uid, "events", one);
    const auto others = state.usage_of_others();
    if (others.bytes + size > this->others()) return exceeded(this->others(), "bytes", all);
    if (others.events >= max_events_of_others) return exceeded(max_events_of_others, "events", all);
    return std::nullopt;
}

}  // namespace mrd::journal
