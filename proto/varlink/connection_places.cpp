#include "proto/varlink/connection_places.h"

#include <algorithm>

namespace varlink {

ConnectionPlaces::Outcome ConnectionPlaces::take(uid_t uid) {
    constexpr uid_t root = 0;
    const auto count_of = [this](uid_t whose) {
        const auto found = taken_by_.find(whose);
        return found == taken_by_.end() ? 0 : found->second;
    };
    if (taken_ >= places_) return Outcome::no_place;
    if (uid != root) {
        const auto for_others = places_ - places_ / places_part_of_root;
        const auto taken_by_others = taken_ - count_of(root);
        if (taken_by_others >= for_others) return Outcome::no_place;
        const auto free_after = std::min(places_ - taken_, for_others - taken_by_others) - 1;
        if (count_of(uid) / places_for_a_free_one > free_after) return Outcome::over_share;
    }
    ++taken_;
    ++taken_by_[uid];
    return Outcome::taken;
}

void ConnectionPlaces::give_back(uid_t uid) {
    --taken_;
    const auto found = taken_by_.find(uid);
    if (--found->second == 0) taken_by_.erase(found);
}

}  // namespace varlink
