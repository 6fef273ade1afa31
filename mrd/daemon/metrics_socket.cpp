#include "mrd/daemon/metrics_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mrd/daemon/socket_address.h"

namespace mrd {

namespace {

using Failure = std::unexpected<std::string>;

constexpr int queue_of_connections = 64;  // that the kernel keeps until they are accepted

std::optional<SocketAddress> address_from(const std::string &text, std::uint16_t port) {
    sockaddr_in ipv4{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    if (::inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) return SocketAddress::of(ipv4);
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr) == 1) return SocketAddress::of(ipv6);
    return std::nullopt;
}

}  // namespace

bool is_numeric_address(const std::string &address) { return address_from(address, 0).has_value(); }

std::optional<std::string> warning_of(const MetricsConfig &config) {
    const auto address = address_from(config.address, 0);
    if (!config.port || !address || is_loopback(*address)) return std::nullopt;
    return "metrics.address = \"" + config.address +
           "\" is none of loopback's: whoever reaches it is told what mrd counts, without access rules and without encryption";
}

std::expected<std::vector<varlink::FileDescriptor>, std::string> take_metrics_sockets(std::vector<PassedSocket> &passed) {
    std::vector<varlink::FileDescriptor> taken;
    for (auto &socket : passed) {
        if (socket.name != metrics_socket_name) continue;
        if (!socket.listening) return Failure("the passed socket \"" + socket.name + "\" is connected: it has to listen (Accept=no)");
        taken.push_back(std::move(socket.socket));
    }
    std::erase_if(passed, [](const auto &socket) { return socket.name == metrics_socket_name; });
    return taken;
}

std::expected<varlink::FileDescriptor, std::string> listen_for_metrics(const std::string &address, std::uint16_t port) {
    const auto failed = [&] {
        return Failure("cannot listen on port " + std::to_string(port) + " of " + address +
                       " for metrics: " + std::generic_category().message(errno));
    };
    auto bound = address_from(address, port);
    if (!bound) {
        errno = EAFNOSUPPORT;
        return failed();
    }
    varlink::FileDescriptor socket(::socket(bound->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    constexpr int yes = 1;
    // Connections of an mrd that has ended keep the port for a minute otherwise.
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0) return failed();
    if (::bind(socket.get(), bound->data(), bound->size) != 0 || ::listen(socket.get(), queue_of_connections) != 0) return failed();
    return socket;
}

}  // namespace mrd
