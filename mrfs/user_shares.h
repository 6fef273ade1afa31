// How much of what all users share one of them may have, and what is kept for those whom mrd lets quote, and for root, who has no limit of his own.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>

namespace mrfs {

// One rootless user has 65 536 uids of his own, and more; with what each of them may have he would have all there is. They begin here, above the uids of those who log in and of
// services (login.defs: UID_MAX, SUB_UID_MIN; systemd: UIDs and GIDs), and have what one user has, together.
inline constexpr uid_t first_of_the_pool = 65536;
constexpr uid_t share_of(uid_t uid) { return uid < first_of_the_pool ? uid : first_of_the_pool; }

class UserShares {
public:
    struct Limits {
        std::size_t of_a_user;  // but root
        std::size_t of_all;
        std::size_t for_root;  // of these: nobody else has them
        // Of these, too: nobody has them but who may quote, and root, for whoever has many uids has as many users' shares.
        std::size_t for_who_may_quote = 0;
    };
    // kept: who may quote would have it.
    enum class Full : std::uint8_t { of_the_user, of_all, kept };

    explicit UserShares(const Limits &limits) : limits_(limits) {}

    std::expected<void, Full> take(uid_t uid, bool may_quote = false);
    // One that was taken.
    void give_back(uid_t uid);

private:
    Limits limits_;
    std::map<uid_t, std::size_t> held_;  // by the share of who has any
    std::size_t all_ = 0;
};

}  // namespace mrfs
