#include "mrd/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>

namespace mrd {

std::expected<varlink::FileDescriptor, std::string> lock_file(const std::filesystem::path &file, const std::string &what) {
    constexpr mode_t owner_only = 0600;
    varlink::FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, owner_only));
    if (!lock) return std::unexpected("cannot open the lock " + file.string() + ": " + std::generic_category().message(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::unexpected("another mrd uses " + what + ": stop it first, or give this one another");
        return std::unexpected("cannot lock " + file.string() + ": " + std::generic_category().message(errno));
    }
    return lock;
}

}  // namespace mrd
