#include "mrd/journal/space.h"

#include <string>

namespace mrd::journal {

std::optional<Full> Space::refuses(const State &state, std::int64_t uid, std::uint64_t size) const {
    if (uid == 0) return std::nullopt;
    const auto exceeded = [](std::uint64_t limit, std::string_view what, const std::string &whose) {
        return Full{limit, std::string(what) + " of " + whose};
    };
    const auto one = "uid " + std::to_string(uid);
    const std::string all = "all uids but root";
    const auto used = state.usage_of(uid);
    if (used.bytes + size > this->uid()) return exceeded(this->uid(), "bytes", one);
    if (used.events >= max_events_of_uid) return exceeded(max_events_of_uid, "events", one);
    const auto others = state.usage_of_others();
    if (others.bytes + size > this->others()) return exceeded(this->others(), "bytes", all);
    if (others.events >= max_events_of_others) return exceeded(max_events_of_others, "events", all);
    return std::nullopt;
}

}  // namespace mrd::journal
