#include "mrd/journal/event_ids.h"

#include <algorithm>

namespace mrd::journal {

const EventIds::First *EventIds::find(std::int64_t uid, std::uint16_t reg, std::string_view id) const {
    const auto caller = callers_.find({uid, reg});
    if (caller == callers_.end()) return nullptr;
    const auto found = caller->second.first.find(id);
    return found == caller->second.first.end() ? nullptr : &found->second;
}

std::list<EventIds::Caller>::const_iterator EventIds::to_forget() const {
    constexpr std::int64_t root = 0;
    const auto exceeds_share = [this](std::int64_t uid) {
        const auto held = std::ranges::count(uses_, uid, &Caller::first);
        return held > static_cast<std::ptrdiff_t>(remembered_callers_of_uid);
    };
    const auto newcomer = uses_.back().first;
    if (exceeds_share(newcomer)) return std::ranges::find(uses_, newcomer, &Caller::first);
    if (exceeds_share(root)) return uses_.begin();
    return std::ranges::find_if(uses_, [](const Caller &caller) { return caller.first != root; });
}

void EventIds::remember(std::int64_t uid, std::uint16_t reg, std::string id, First first) {
    const Caller caller{uid, reg};
    auto [place, is_new] = callers_.try_emplace(caller);
    auto &remembered = place->second;
    if (is_new) {
        remembered.use = uses_.insert(uses_.end(), caller);
        if (callers_.size() > remembered_callers) {
            const auto forgotten = to_forget();
            callers_.erase(*forgotten);
            uses_.erase(forgotten);
        }
    } else {
        uses_.splice(uses_.end(), uses_, remembered.use);
    }
    const auto [entry, is_new_id] = remembered.first.insert_or_assign(std::move(id), first);
    if (is_new_id) remembered.order.push_back(entry->first);
    if (remembered.order.size() > remembered_ids) {
        remembered.first.erase(remembered.order.front());
        remembered.order.pop_front();
    }
}

}  // namespace mrd::journal
