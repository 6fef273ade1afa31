#include "proto/varlink/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <system_error>

namespace varlink {

namespace {

using Clock = std::chrono::steady_clock;

class Deadline {
public:
    explicit Deadline(Milliseconds timeout) : at_(deadline_after(timeout)) {}

    // As poll(2) takes it: -1 without end; rounded up, so that a wait of zero means that the time is over.
    [[nodiscard]] int left() const {
        if (at_ == Clock::time_point::max()) return -1;
        const auto left = std::chrono::ceil<Milliseconds>(at_ - Clock::now()).count();
        return static_cast<int>(std::clamp<decltype(left)>(left, 0, INT_MAX));
    }

private:
    Clock::time_point at_;
};

// False: the time is over.
bool wait_for(int fd, short events, const Deadline &deadline) {
    for (;;) {
        pollfd entry{fd, events, 0};
        const auto left = deadline.left();
        const auto ready = ::poll(&entry, 1, left);
        if (ready > 0) return true;
        if (ready == 0 && left >= 0) return false;
        if (ready < 0 && errno != EINTR) return true;  // the call that follows reports it
    }
}

std::string system_reason() { return std::generic_category().message(errno); }

}  // namespace

Clock::time_point deadline_after(Milliseconds timeout) {
    const auto now = Clock::now();
    if (timeout > std::chrono::duration_cast<Milliseconds>(Clock::time_point::max() - now)) return Clock::time_point::max();
    return now + std::max(timeout, Milliseconds(0));
}

std::expected<ClientConnection, ClientError> ClientConnection::connect(const Address &address, Milliseconds timeout) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return std::unexpected(ClientError{ClientErrorCode::no_service, system_reason()});
    const Deadline deadline(timeout);
    while (::connect(socket.get(), address.data(), address.size()) != 0) {
        // EAGAIN: the listener's queue is full, and poll(2) cannot wait for that.
        if (errno == EINTR) continue;
        if (errno == EACCES || errno == EPERM) return std::unexpected(ClientError{ClientErrorCode::not_permitted, system_reason()});
        if (errno != EAGAIN) return std::unexpected(ClientError{ClientErrorCode::no_service, system_reason()});
        if (deadline.left() == 0) return std::unexpected(ClientError{ClientErrorCode::timed_out, "the service accepts no connection"});
        ::poll(nullptr, 0, 1);
    }
    if (auto why = address.distrusts_peer_of(socket.get()))
        return std::unexpected(ClientError{ClientErrorCode::not_trusted, std::move(*why)});
    return ClientConnection(std::move(socket));
}

std::unexpected<ClientError> ClientConnection::fail(ClientErrorCode code, std::string reason) {
    close();
    return std::unexpected(ClientError{code, std::move(reason)});
}

// A service that has too many connections closes one as soon as it has accepted it: then nothing can be sent (EPIPE), or what was sent is dropped unread
// (ECONNRESET). Of several calls it may have read some; one that ends after it has read all only closes.
std::unexpected<ClientError> ClientConnection::fail_by_system() {
    const bool refused = sent_ <= 1 && (errno == EPIPE || errno == ECONNRESET);
    return fail(refused ? ClientErrorCode::refused : ClientErrorCode::connection_lost, system_reason());
}

std::expected<void, ClientError> ClientConnection::send_frames(std::string_view frames, Milliseconds timeout) {
    if (!is_open()) return fail(ClientErrorCode::not_connected, "the connection is closed");
    const Deadline deadline(timeout);
    sent_ += static_cast<std::size_t>(std::ranges::count(frames, '\0'));
    while (!frames.empty()) {
        const auto sent = ::send(socket_.get(), frames.data(), frames.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            frames.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (!wait_for(socket_.get(), POLLOUT, deadline)) return fail(ClientErrorCode::timed_out, "the service takes no call");
        } else if (errno != EINTR) {
            return fail_by_system();
        }
    }
    return {};
}

std::expected<Reply, ClientError> ClientConnection::receive(Milliseconds timeout) {
    if (!is_open()) return fail(ClientErrorCode::not_connected, "the connection is closed");
    const Deadline deadline(timeout);
    // Most answers are short: to fill a buffer for the longest with zeros would be a good part of what a program does that asks once.
    std::size_t room = std::max(received_.size(), connection_receive_size);
    for (;;) {
        if (const auto message = splitter_.next()) {
            const auto reply = parse_reply(*message, document_);
            if (!reply) return fail(ClientErrorCode::protocol, "the answer is not a Varlink reply");
            return *reply;
        }
        if (splitter_.overflowed()) return fail(ClientErrorCode::protocol, "the answer is too long");
        splitter_.keep_rest();
        received_.resize(room);
        const auto size = ::recv(socket_.get(), received_.data(), received_.size(), 0);
        if (size > 0) {
            if (static_cast<std::size_t>(size) == room) room = receive_size;
            splitter_.feed(std::string_view(received_).substr(0, static_cast<std::size_t>(size)));
        } else if (size == 0) {
            return fail(ClientErrorCode::connection_lost, "the service closed the connection");
        } else if (errno == EAGAIN) {
            if (!wait_for(socket_.get(), POLLIN, deadline)) return fail(ClientErrorCode::timed_out, "no answer in time");
        } else if (errno != EINTR) {
            return fail_by_system();
        }
    }
}

}  // namespace varlink
