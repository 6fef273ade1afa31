// A process that finds a folder of the test's own at /etc.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace mrd {

// Why not: only root can mount it, and in a chroot no mount can be kept to oneself. Empty: it can be had.
inline const char *why_no_other_etc() {
    if (::geteuid() != 0) return "only root can have another /etc";
    struct statx root{};
    if (::statx(AT_FDCWD, "/", 0, STATX_MODE, &root) != 0 || (root.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
        return "in a chroot no mount can be kept to oneself";
    return "";
}

// In the child: from here on, and for who is run next.
inline void have_at_etc(const std::filesystem::path &folder) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(folder.c_str(), "/etc", nullptr, MS_BIND, nullptr) != 0)
        ::_exit(126);
}

}  // namespace mrd
