#include "mrfs/call_shares.h"

namespace mrfs {

bool CallShares::begin(uid_t uid) {
    if (all_ >= (uid == 0 ? max_calls : max_calls - calls_for_root)) return false;
    const auto own = calls_.find(uid);
    if (own != calls_.end() && own->second >= max_calls_of_a_user) return false;
    ++calls_[uid];
    ++all_;
    return true;
}

void CallShares::end(uid_t uid) {
    const auto own = calls_.find(uid);
    if (--own->second == 0) calls_.erase(own);
    --all_;
}

}  // namespace mrfs
