// One connection to a Varlink service, blocking. It owns no thread and keeps no state beyond what was received and not yet looked at.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"
#include "proto/varlink/framing.h"
#include "proto/varlink/limits.h"
#include "proto/varlink/message.h"

namespace varlink {

enum class ClientErrorCode : std::uint8_t {
    no_service,       // nobody listens there
    not_permitted,    // somebody listens there, but this user may not connect
    not_trusted,      // somebody listens there whom the address does not trust
    refused,          // the service closed the connection before it read the first call
    timed_out,        // the connection is out of step after that: it has been closed
    connection_lost,  // closed by the peer
    not_connected,    // there is none yet, or an earlier error has closed it: nothing was sent
    protocol,         // the peer sent what is no reply: the connection has been closed
};

struct ClientError {
    ClientErrorCode code;
    std::string reason;
};

using Milliseconds = std::chrono::milliseconds;
inline constexpr Milliseconds no_timeout = Milliseconds::max();
// When it is over. The clock's end: never, as where it is farther away than the clock goes.
std::chrono::steady_clock::time_point deadline_after(Milliseconds timeout);

class ClientConnection {
public:
    static std::expected<ClientConnection, ClientError> connect(const Address &address, Milliseconds timeout);

    // Several calls may be sent before their replies are received (pipelining).
    template <WritableParameters Parameters>
    std::expected<void, ClientError> send(std::string_view method, const Parameters &parameters, Milliseconds timeout,
                                          CallMode mode = CallMode::plain) {
        to_send_.clear();
        write_call(to_send_, method, parameters, mode);
        return send_frames(to_send_, timeout);
    }

    // Whole frames, made with write_call().
    std::expected<void, ClientError> send_frames(std::string_view frames, Milliseconds timeout);

    // The next reply. What it points to is valid until the next receive().
    std::expected<Reply, ClientError> receive(Milliseconds timeout);

    template <WritableParameters Parameters>
    std::expected<Reply, ClientError> call(std::string_view method, const Parameters &parameters, Milliseconds timeout) {
        if (auto sent = send(method, parameters, timeout); !sent) return std::unexpected(sent.error());
        return receive(timeout);
    }

    [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }
    void close() { socket_.reset(); }

    // For poll(2): readable when a reply may have arrived.
    [[nodiscard]] int native_handle() const { return socket_.get(); }

private:
    explicit ClientConnection(FileDescriptor socket) : socket_(std::move(socket)) {}

    std::unexpected<ClientError> fail(ClientErrorCode code, std::string reason);
    std::unexpected<ClientError> fail_by_system();

    FileDescriptor socket_;
    MessageSplitter splitter_{max_reply};
    std::string received_;
    std::string to_send_;
    Document document_;
    std::size_t sent_ = 0;  // calls
};

}  // namespace varlink
