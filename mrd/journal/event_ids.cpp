#include "mrd/journal/event_ids.h"

namespace mrd::journal {

const EventIds::First *EventIds::find(std::int64_t uid, std::uint16_t reg, std::string_view id) const {
    const auto caller = callers_.find({uid, reg});
    if (caller == callers_.end()) return nullptr;
    const auto found = caller->second.first.find(id);
    return found == caller->second.first.end() ? nullptr : &found->second;
}

void EventIds::remember(std::int64_t uid, std::uint16_t reg, std::string id, First first) {
    const Caller caller{uid, reg};
    auto [place, is_new] = callers_.try_emplace(caller);
    auto &remembered = place->second;
    if (is_new) {
        remembered.use = uses_.insert(uses_.end(), caller);
        if (callers_.size() > remembered_callers) {
            callers_.erase(uses_.front());
            uses_.pop_front();
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
