// Serves a Service on Unix stream sockets, from one event loop.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"
#include "proto/varlink/limits.h"
#include "proto/varlink/service.h"

namespace boost::asio {
class io_context;
}

namespace varlink {

// Nothing else than a socket may be in the way. Error: a sentence that names the file.
std::expected<void, std::string> check_socket_file(const Address &address);

// Binds and listens. A socket that is there already is removed first: whoever calls this has made sure that nobody listens on it.
// Error: a sentence that names the socket.
std::expected<FileDescriptor, std::string> listen_on(const Address &address, mode_t mode);

class Server {
public:
    // Both must outlive the server, and the server's end must come before the loop's.
    Server(boost::asio::io_context &loop, Service &service, const Limits &limits);
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server();

    // Accepts connections on a listening socket until stop().
    void accept_on(FileDescriptor listening);

    // Serves one connected socket.
    void serve(FileDescriptor connected);

    // Accepts nothing further, lets the calls that run finish and their answers be sent, ends subscriptions, and closes each connection
    // as soon as that is done.
    void stop();

    // Called each time the last connection ends.
    void on_empty(std::function<void()> handler);

    [[nodiscard]] std::size_t connections() const;

    // Connections that were refused because max_connections were open.
    [[nodiscard]] std::size_t refused() const;

private:
    class Connection;
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace varlink
