#include "mrd/daemon/metrics_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

namespace mrd {

namespace {

using Failure = std::unexpected<std::string>;

constexpr int queue_of_connections = 64;  // that the kernel keeps until they are accepted

// An address of any family, as the kernel takes it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);

    [[nodiscard]] sockaddr *data() { return reinterpret_cast<sockaddr *>(&storage); }
    // Precondition: it is of that family.
    template <class Address>
    [[nodiscard]] Address as() const {
        Address address{};
        std::memcpy(&address, &storage, sizeof(address));
        return address;
    }
    template <class Address>
    static SocketAddress of(const Address &address) {
        SocketAddress whole;
        std::memcpy(&whole.storage, &address, sizeof(address));
        whole.size = sizeof(address);
        return whole;
    }
};

std::optional<SocketAddress> address_from(const std::string &text, std::uint16_t port) {
    sockaddr_in ipv4{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    if (::inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) return SocketAddress::of(ipv4);
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr) == 1) return SocketAddress::of(ipv6);
    return std::nullopt;
}

// Of IPv4 in IPv6, too.
std::optional<in_addr> ipv4_of(const SocketAddress &address) {
    if (address.storage.ss_family == AF_INET) return address.as<sockaddr_in>().sin_addr;
    const auto ipv6 = address.as<sockaddr_in6>().sin6_addr;
    if (address.storage.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&ipv6)) return std::nullopt;
    in_addr ipv4{};
    constexpr std::size_t prefix = sizeof(ipv6) - sizeof(ipv4);
    std::memcpy(&ipv4, &ipv6.s6_addr[prefix], sizeof(ipv4));
    return ipv4;
}

bool is_loopback(const SocketAddress &address) {
    constexpr std::uint32_t network = 0xFF00'0000;
    constexpr std::uint32_t loopback = 0x7F00'0000;
    if (const auto ipv4 = ipv4_of(address)) return (ntohl(ipv4->s_addr) & network) == loopback;
    const auto ipv6 = address.as<sockaddr_in6>().sin6_addr;
    return address.storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ipv6);
}

template <class Value>
std::string bytes_of(const Value &value, std::size_t count = sizeof(Value)) {
    std::string bytes(count, '\0');
    std::memcpy(bytes.data(), &value, count);
    return bytes;
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

std::string name_of_socket(const varlink::FileDescriptor &socket) {
    SocketAddress address;
    if (::getsockname(socket.get(), address.data(), &address.size) != 0) return "?";
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.storage.ss_family == AF_INET) {
        const auto ipv4 = address.as<sockaddr_in>();
        ::inet_ntop(AF_INET, &ipv4.sin_addr, text.data(), text.size());
        return text.data() + std::string(":") + std::to_string(ntohs(ipv4.sin_port));
    }
    if (address.storage.ss_family == AF_INET6) {
        const auto ipv6 = address.as<sockaddr_in6>();
        ::inet_ntop(AF_INET6, &ipv6.sin6_addr, text.data(), text.size());
        return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(ipv6.sin6_port));
    }
    const auto unix_socket = address.as<sockaddr_un>();
    return {unix_socket.sun_path, std::ranges::find(unix_socket.sun_path, '\0')};
}

std::string client_of(int connected) {
    SocketAddress address;
    if (::getpeername(connected, address.data(), &address.size) != 0) return {};
    if (address.storage.ss_family == AF_UNIX) {
        ucred credentials{};
        socklen_t size = sizeof(credentials);
        if (::getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
        return "uid" + bytes_of(credentials.uid);
    }
    if (is_loopback(address)) return "loopback";
    if (const auto ipv4 = ipv4_of(address)) return bytes_of(*ipv4);
    constexpr std::size_t network = 8;  // bytes
    return bytes_of(address.as<sockaddr_in6>().sin6_addr, network);
}

}  // namespace mrd
