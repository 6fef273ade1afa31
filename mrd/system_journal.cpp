#include "mrd/system_journal.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace mrd {

std::optional<SystemJournal> SystemJournal::open(std::string_view path) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof(address.sun_path)) return std::nullopt;
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, std::begin(address.sun_path));
    varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval time{.tv_sec = 0, .tv_usec = std::chrono::microseconds(patience).count()};
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) != 0) return std::nullopt;
    return SystemJournal(std::move(socket), address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()));
}

// Not connected: the journal may be started again, with another socket under the same name.
SystemJournal::Sent SystemJournal::send(std::string_view entry) {
    const auto sent = ::sendto(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL | (reads_ ? 0 : MSG_DONTWAIT),
                               reinterpret_cast<const sockaddr *>(&address_), size_);
    reads_ = sent >= 0 || (errno != EAGAIN && errno != ENOBUFS);
    if (sent >= 0) return Sent::sent;
    if (reads_) return Sent::nobody_there;
    ++lost_;
    return Sent::lost;
}

}  // namespace mrd
