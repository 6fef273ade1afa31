#include "mrd/system_journal.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace mrd {

std::optional<SystemJournal> SystemJournal::open(std::string_view path, Connect connect) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof(address.sun_path)) return std::nullopt;
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, std::begin(address.sun_path));
    SystemJournal journal(address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()), std::move(connect));
    journal.connect();
    return journal;
}

void SystemJournal::connect() {
    socket_ = connect_(address());
    const timeval time{.tv_sec = 0, .tv_usec = std::chrono::microseconds(patience).count()};
    if (socket_ && ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) != 0) socket_.reset();
}

bool SystemJournal::send_once(std::string_view entry) {
    if (!socket_) {
        errno = ENOTCONN;
        return false;
    }
    // Without an address, which a confined mrd may not give (mrd/daemon/confine.cpp).
    return ::send(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL | (reads_ ? 0 : MSG_DONTWAIT)) >= 0;
}

SystemJournal::Sent SystemJournal::send(std::string_view entry) {
    bool sent = send_once(entry);
    if (!sent && (errno == ECONNREFUSED || errno == ENOTCONN)) {
        connect();
        sent = send_once(entry);
    }
    reads_ = sent || (errno != EAGAIN && errno != ENOBUFS);
    if (sent) return Sent::sent;
    if (reads_) return Sent::nobody_there;
    ++lost_;
    return Sent::lost;
}

}  // namespace mrd
