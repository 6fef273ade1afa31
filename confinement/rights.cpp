#include "confinement/rights.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace confinement {

namespace {

std::unexpected<std::string> cannot(std::string_view what) {
    return std::unexpected("cannot " + std::string(what) + ": " + std::generic_category().message(errno));
}

struct Sets {
    Capabilities effective = 0;
    Capabilities permitted = 0;
    Capabilities inheritable = 0;
};

// The C library has none of these two.
bool get(Sets &sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
    constexpr unsigned half = 32;
    sets = {.effective = Capabilities{data[1].effective} << half | data[0].effective,
            .permitted = Capabilities{data[1].permitted} << half | data[0].permitted,
            .inheritable = 0};
    return true;
}

bool set(const Sets &sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    constexpr unsigned half = 32;
    const auto low = [](Capabilities of) { return static_cast<std::uint32_t>(of); };
    const auto high = [](Capabilities of) { return static_cast<std::uint32_t>(of >> half); };
    data[0] = {.effective = low(sets.effective), .permitted = low(sets.permitted), .inheritable = low(sets.inheritable)};
    data[1] = {.effective = high(sets.effective), .permitted = high(sets.permitted), .inheritable = high(sets.inheritable)};
    return ::syscall(SYS_capset, &header, data.data()) == 0;
}

}  // namespace

std::expected<void, std::string> reduce_rights(const std::optional<Identity> &identity, Capabilities kept) {
    // Who has no right to lower them has none to gain by them either: no_new_privs holds without.
    for (int number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number) (void)::prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
    (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (identity) {
        if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return cannot("keep capabilities over a change of the user");
        if (::setgroups(0, nullptr) != 0) return cannot("leave its groups");
        if (::setresgid(identity->gid, identity->gid, identity->gid) != 0)
            return cannot("become the group " + std::to_string(identity->gid));
        if (::setresuid(identity->uid, identity->uid, identity->uid) != 0)
            return cannot("become the user " + std::to_string(identity->uid));
    }
    Sets sets;
    if (!get(sets)) return cannot("ask for its capabilities");
    sets.effective = sets.permitted;  // a change of the user takes away the effective ones
    if (!set(sets)) return cannot("use its capabilities");
    // A user who is root gains nothing by it, and nothing of this is undone.
    constexpr unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                   SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    (void)::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0);
    sets.permitted &= kept;
    sets.effective = sets.permitted;
    if (!set(sets)) return cannot("give up its capabilities");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cannot("set no_new_privs");
    return {};
}

void hide_memory() { (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace confinement
