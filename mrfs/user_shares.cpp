#include "mrfs/user_shares.h"

namespace mrfs {

std::expected<void, UserShares::Full> UserShares::take(uid_t uid, bool may_quote) {
    const auto own = held_.find(share_of(uid));
    if (uid != 0 && own != held_.end() && own->second >= limits_.of_a_user) return std::unexpected(Full::of_the_user);
    if (all_ >= (uid == 0 ? limits_.of_all : limits_.of_all - limits_.for_root)) return std::unexpected(Full::of_all);
    if (uid != 0 && !may_quote && all_ >= limits_.of_all - limits_.for_root - limits_.for_who_may_quote) return std::unexpected(Full::kept);
    ++held_[share_of(uid)];
    ++all_;
    return {};
}

void UserShares::give_back(uid_t uid) {
    const auto own = held_.find(share_of(uid));
    if (--own->second == 0) held_.erase(own);
    --all_;
}

}  // namespace mrfs
