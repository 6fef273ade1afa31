// What another user of the machine gets from mrd: a child with that user's rights and groups asks, and says what came of it.
#pragma once

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace mrd {

struct OtherUser {
    uid_t uid = 0;
    std::vector<gid_t> groups = {};     // supplementary; its own is the uid's number
    std::function<void()> before = {};  // what it does while it is still root
};

inline void become(const OtherUser &user) {
    if (user.before) user.before();
    if (::setgroups(user.groups.size(), user.groups.data()) != 0 || ::setgid(user.uid) != 0 || ::setuid(user.uid) != 0) ::_exit(126);
}

// Keeps the uid, and from the next exec on has root's files only as their modes let their owner.
inline void obey_modes() {
    if (::geteuid() != 0) return;
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
        if (::prctl(PR_CAPBSET_DROP, static_cast<unsigned long>(capability)) != 0) ::_exit(126);
    }
}

// What `ask` returns there. Only root can do that.
inline std::string as_user(const OtherUser &user, const std::function<std::string()> &ask) {
    std::array<int, 2> said{};
    if (::pipe(said.data()) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        become(user);
        const auto text = ask();
        (void)!::write(said[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(said[1]);
    std::string text;
    std::array<char, 4096> piece{};
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): nobody is kept out of anything meanwhile
    for (ssize_t size = 0; (size = ::read(said[0], piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(size));
    ::close(said[0]);
    ::waitpid(child, nullptr, 0);
    return text;
}

}  // namespace mrd
