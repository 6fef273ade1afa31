// Serves services on Unix stream sockets, from one event loop. All limits are of all of them together.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
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

// Who may connect to a socket: whom its file lets write.
struct SocketAccess {
    mode_t mode = 0600;
    std::optional<uid_t> owner = {};  // as it comes, if not given
    std::optional<gid_t> group = {};
};

// Binds; before anybody can connect, the file has its mode, owner and group. A socket that is there already is removed first: whoever calls this has
// made sure that nobody listens on it, and that nobody else can change the folder. Error: a sentence that names the socket.
std::expected<FileDescriptor, std::string> bind_to(const Address &address, const SocketAccess &access);
// Listens, too.
std::expected<FileDescriptor, std::string> listen_on(const Address &address, const SocketAccess &access);

// Can this kernel say which process made a connection (SO_PEERPIDFD, Linux 6.5)? Where it cannot, no peer has one. To be asked where a socket may be made.
bool knows_processes_of_peers();

// Since the server's start.
struct ServerCounters {
    std::size_t connections = 0;  // open now
    std::size_t buffered = 0;     // bytes that they hold now, of Limits::max_buffered
    std::size_t left_behind = 0;  // bytes, of Limits::max_left_behind, of clients that have gone, whose calls are still made

    // Connections that were closed as soon as they were made.
    std::size_t refused_full = 0;         // max_connections were open, or the server was stopping
    std::size_t refused_share = 0;        // their uid had its share of them
    std::size_t refused_descriptors = 0;  // the process had no descriptor left

    // And later.
    std::size_t closed_buffered = 0;  // held too much of max_buffered
    std::size_t closed_frame = 0;     // did not finish a message in max_frame_time
    std::size_t closed_unread = 0;    // took nothing of their answers in max_unread_time
    [[nodiscard]] std::size_t refused() const { return refused_full + refused_share + refused_descriptors; }
};

// Whose share a uid takes: its own, or unnamed_uids, which all that have none of their own take together.
using ShareOf = std::function<uid_t(uid_t)>;

class Server {
public:
    // The loop, and each service that is given below, must outlive the server, and the server's end must come before the loop's. `share_of` is asked when a
    // connection is made; not given: each uid has its own share.
    Server(boost::asio::io_context &loop, const Limits &limits, ShareOf share_of = {});
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server();

    // Listens on a bound socket, and accepts connections until stop().
    void accept_on(FileDescriptor listening, Service &service);

    // Serves one connected socket.
    void serve(FileDescriptor connected, Service &service);

    // Accepts nothing further, lets the calls that run finish and their answers be sent, ends subscriptions, and closes each connection
    // as soon as that is done. Whoever takes nothing of its answers for Limits::max_unread_time_at_end is taken for gone.
    void stop();

    // Called each time the last connection ends.
    void on_empty(std::function<void()> handler);

    // Called with each connection that is closed although its client has not ended it, with whose it is and why.
    using OnClosed = std::function<void(const Peer &, std::string_view why)>;
    void on_closed(OnClosed handler);
    // And with each that is not taken, but not while the server stops: it has no number and no listener.
    void on_refused(OnClosed handler);

    // Open now, and those that have gone and whose calls are still made.
    [[nodiscard]] std::size_t connections() const;

    [[nodiscard]] ServerCounters counters() const;

private:
    class Connection;
    struct Listener;
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace varlink
