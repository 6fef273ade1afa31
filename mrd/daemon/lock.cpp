#include "mrd/daemon/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "mrd/own_files.h"

namespace mrd {

namespace {

// An opener that an mrd had just forked when it was killed keeps what that had open until it runs, and closes it: nobody tells when.
constexpr auto left_behind = std::chrono::seconds(1);

// Calls is_free() until it is true, or the time is over.
template <class IsFree>
bool becomes_free(const IsFree &is_free) {
    for (const auto end = std::chrono::steady_clock::now() + left_behind; !is_free();) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace

std::expected<varlink::FileDescriptor, std::string> lock_file(const std::filesystem::path &file, const std::string &what) {
    constexpr mode_t owner_only = 0600;
    if (auto own = check_own_file(file, Content::open); !own) return std::unexpected(own.error());
    varlink::FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, owner_only));
    if (!lock) {
        const int error = errno;
        const std::string todo = error == EROFS ? ": give it a place that can be written (--state, --socket)" : "";
        return std::unexpected("cannot open the lock " + file.string() + ": " + std::generic_category().message(error) + todo);
    }
    int error = 0;
    const bool is_free = becomes_free([&] {
        error = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
        return error != EWOULDBLOCK;
    });
    if (!is_free || error != 0) {
        if (!is_free) return std::unexpected("another mrd uses " + what + ": stop it first, or give this one another");
        return std::unexpected("cannot lock " + file.string() + ": " + std::generic_category().message(error));
    }
    return lock;
}

std::expected<void, std::string> check_nobody_listens(const varlink::Address &address) {
    // EAGAIN: more clients wait than its listener lets wait. What nobody listens on refuses, or is no socket for streams at all.
    const bool is_free = becomes_free([&] {
        const varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        return socket && ::connect(socket.get(), address.data(), address.size()) != 0 && errno != EAGAIN;
    });
    if (is_free) return {};
    return std::unexpected("another process listens on the socket " + address.path() + ": stop it first, or give mrd another");
}

}  // namespace mrd
