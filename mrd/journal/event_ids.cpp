#include "mrd/journal/event_ids.h"

#include <algorithm>

namespace mrd::journal {

RegisterSet::RegisterSet(std::span<const Target> targets) : size_(targets.size()) {
    std::ranges::transform(targets, numbers_.begin(), &Target::reg);
    std::sort(numbers_.begin(), numbers_.begin() + static_cast<std::ptrdiff_t>(size_));
}

RegisterSet::RegisterSet(std::span<const RegisterNumber> numbers) : size_(numbers.size()) {
    std::ranges::copy(numbers, numbers_.begin());
    std::sort(numbers_.begin(), numbers_.begin() + static_cast<std::ptrdiff_t>(size_));
}

bool EventIds::First::has_digests_of(std::span<const Target> targets) const {
    return std::ranges::all_of(targets, [this](const Target &target) {
        return std::ranges::any_of(results,
                                   [&](const Result &result) { return result.reg == target.reg && result.digest == target.digest; });
    });
}

const EventIds::First *EventIds::find(std::int64_t uid, const RegisterSet &registers, std::string_view id) const {
    const auto caller = callers_.find({uid, registers});
    if (caller == callers_.end()) return nullptr;
    const auto found = caller->second.first.find(id);
    return found == caller->second.first.end() ? nullptr : &found->second;
}

std::vector<EventIds::Caller>::const_iterator EventIds::to_forget() const {
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

void EventIds::remember(std::int64_t uid, const RegisterSet &registers, std::string id, First first) {
    const Caller caller{uid, registers};
    auto [place, is_new] = callers_.try_emplace(caller);
    auto &remembered = place->second;
    if (is_new) {
        uses_.push_back(caller);
        if (callers_.size() > remembered_callers) {
            const auto forgotten = to_forget();
            callers_.erase(*forgotten);
            uses_.erase(forgotten);
        }
    } else if (uses_.back() != caller) {
        const auto use = std::ranges::find(uses_, caller);
        std::rotate(use, use + 1, uses_.end());
    }
    const auto [entry, is_new_id] = remembered.first.insert_or_assign(std::move(id), std::move(first));
    if (is_new_id) remembered.order.push_back(entry->first);
    if (remembered.order.size() > remembered_ids) {
        remembered.first.erase(remembered.order.front());
        remembered.order.pop_front();
    }
}

std::size_t EventIds::size() const {
    std::size_t size = 0;
    for (const auto &[caller, remembered] : callers_) size += remembered.order.size();
    return size;
}

}  // namespace mrd::journal
