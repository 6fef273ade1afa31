#include "mrd/providers/spdm/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mrd/opener/opener.h"

namespace mrd::spdm {
namespace {

std::unexpected<LinkFailure> link_failure(LinkFailure::Cause cause, std::string reason) {
    return std::unexpected(LinkFailure{cause, std::move(reason)});
}

std::unexpected<LinkFailure> lost(int error) {
    return link_failure(LinkFailure::Cause::disconnected, std::generic_category().message(error));
}

int milliseconds_until(TimePoint deadline) {
    constexpr std::int64_t most = 3'600'000;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, most));
}

}  // namespace

Link::Link(Address address, mr::SpdmTransport transport)
    : address_(std::move(address)),
      transport_(transport),
      interrupted_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Link::interrupt() { ::eventfd_write(interrupted_.get(), 1); }
void Link::wake() { ::eventfd_write(woken_.get(), 1); }

bool Link::is_interrupted() const {
    pollfd waited{interrupted_.get(), POLLIN, 0};
    return ::poll(&waited, 1, 0) > 0;
}

std::expected<void, LinkFailure> Link::wait(short events, TimePoint deadline) const {
    std::array<pollfd, 2> waited{pollfd{socket_.get(), events, 0}, pollfd{interrupted_.get(), POLLIN, 0}};
    for (;;) {
        const int ready = ::poll(waited.data(), waited.size(), milliseconds_until(deadline));
        if (ready < 0 && errno != EINTR) return lost(errno);
        if (ready > 0 && waited[1].revents != 0) return link_failure(LinkFailure::Cause::interrupted, "mrd is stopping");
        if (ready > 0) return {};
        if (std::chrono::steady_clock::now() >= deadline) return link_failure(LinkFailure::Cause::timed_out, "it does not answer in time");
    }
}

void Link::wait_for_end() const {
    std::array<pollfd, 3> waited{pollfd{socket_.get(), POLLRDHUP, 0}, pollfd{interrupted_.get(), POLLIN, 0},
                                 pollfd{woken_.get(), POLLIN, 0}};
    while (::poll(waited.data(), waited.size(), -1) <= 0) {
    }
    drain_wakes();
}

void Link::sleep_until(TimePoint time) const {
    std::array<pollfd, 2> waited{pollfd{interrupted_.get(), POLLIN, 0}, pollfd{woken_.get(), POLLIN, 0}};
    while (::poll(waited.data(), waited.size(), milliseconds_until(time)) <= 0 && std::chrono::steady_clock::now() < time) {
    }
    drain_wakes();
}

void Link::drain_wakes() const {
    eventfd_t ignored = 0;
    ::eventfd_read(woken_.get(), &ignored);
}

void Link::close() {
    socket_.reset();
    drain_wakes();
}

std::expected<void, LinkFailure> Link::connect(TimePoint deadline) {
    auto connecting = opener::connect(address_.text, address_.bytes);
    socket_ = std::move(connecting.socket);
    int error = connecting.error;
    if (error == EINPROGRESS) {
        if (auto ready = wait(POLLOUT, deadline); !ready) return ready;
        socklen_t size = sizeof error;
        if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
    if (error == 0) return {};
    close();
    return lost(error);
}

std::expected<void, LinkFailure> Link::send(mr::ByteView bytes, TimePoint deadline) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (auto ready = wait(POLLOUT, deadline); !ready) return ready;
        } else if (errno != EINTR) {
            return lost(errno);
        }
    }
    return {};
}

std::expected<mr::Bytes, LinkFailure> Link::exchange(mr::ByteView message, TimePoint deadline) {
    if (!socket_) return link_failure(LinkFailure::Cause::disconnected, "it is not connected");
    const auto frame = mr::write_spdm_frame(mr::SpdmCommand::normal, transport_, mr::wrap_spdm(transport_, message));
    if (auto sent = send(frame, deadline); !sent) return std::unexpected(std::move(sent.error()));
    mr::SpdmFrameReader reader;
    std::array<std::uint8_t, 4096> bytes{};
    for (;;) {
        auto answer = reader.next();
        if (!answer) return link_failure(LinkFailure::Cause::wrong_form, std::move(answer.error().message));
        if (*answer) {
            if (!reader.is_empty() || (*answer)->command != static_cast<std::uint32_t>(mr::SpdmCommand::normal) ||
                (*answer)->transport != transport_)
                return link_failure(LinkFailure::Cause::wrong_form,
                                    "its frame is not of one answer, or of another transport than is configured");
            const auto payload = mr::unwrap_spdm(transport_, (*answer)->payload);
            if (!payload) return link_failure(LinkFailure::Cause::wrong_form, payload.error().message);
            return mr::Bytes(payload->begin(), payload->end());
        }
        // The emulator writes a frame's head in four small pieces, each of which waits for its acknowledgement. Not of a Unix socket; and no matter if it may not be.
        const int now = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &now, sizeof now);
        const auto received = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (received > 0) {
            reader.add({bytes.data(), static_cast<std::size_t>(received)});
        } else if (received == 0) {
            return link_failure(LinkFailure::Cause::disconnected,
                                reader.is_empty() ? "it has ended the connection" : "it has ended the connection inside of an answer");
        } else if (errno == EAGAIN) {
            if (auto ready = wait(POLLIN, deadline); !ready) return std::unexpected(std::move(ready.error()));
        } else if (errno != EINTR) {
            return lost(errno);
        }
    }
}

}  // namespace mrd::spdm
