#include "mrd/daemon/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "mrd/own_files.h"

namespace mrd {

std::expected<varlink::FileDescriptor, std::string> lock_file(const std::filesystem::path &file, const std::string &what) {
    constexpr mode_t owner_only = 0600;
    if (auto own = check_own_file(file, Content::open); !own) return std::unexpected(own.error());
    varlink::FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, owner_only));
    if (!lock) return std::unexpected("cannot open the lock " + file.string() + ": " + std::generic_category().message(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::unexpected("another mrd uses " + what + ": stop it first, or give this one another");
        return std::unexpected("cannot lock " + file.string() + ": " + std::generic_category().message(errno));
    }
    return lock;
}

std::expected<void, std::string> check_nobody_listens(const varlink::Address &address) {
    const varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return std::unexpected("cannot create a socket: " + std::generic_category().message(errno));
    // EAGAIN: more clients wait than its listener lets wait. What nobody listens on refuses, or is no socket for streams at all.
    if (::connect(socket.get(), address.data(), address.size()) != 0 && errno != EAGAIN) return {};
    return std::unexpected("another process listens on the socket " + address.path() + ": stop it first, or give mrd another");
}

}  // namespace mrd
