#include "proto/varlink/uid_shares.h"

#include <algorithm>

namespace varlink {

UidShares::Outcome UidShares::take(uid_t uid, std::size_t amount) {
    constexpr uid_t root = 0;
    const auto held_by = [this](uid_t whose) {
        const auto found = taken_by_.find(whose);
        return found == taken_by_.end() ? 0 : found->second;
    };
    if (amount > whole_ - taken_) return Outcome::none_left;
    if (uid != root) {
        const auto for_others = whole_ - whole_ / shares_part_of_root;
        const auto taken_by_others = taken_ - held_by(root);
        if (taken_by_others > for_others || amount > for_others - taken_by_others) return Outcome::none_left;
        const auto free_after = std::min(whole_ - taken_, for_others - taken_by_others) - amount;
        if ((held_by(uid) + amount - 1) / held_for_a_free_one > free_after) return Outcome::over_share;
    }
    taken_ += amount;
    taken_by_[uid] += amount;
    return Outcome::taken;
}

void UidShares::give_back(uid_t uid, std::size_t amount) {
    taken_ -= amount;
    const auto found = taken_by_.find(uid);
    found->second -= amount;
    if (found->second == 0) taken_by_.erase(found);
}

}  // namespace varlink
