#include "mrd/daemon/socket_address.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "mrd/providers/qgs/address.h"

namespace mrd {

namespace {

template <class Value>
std::string bytes_of(const Value &value, std::size_t count = sizeof(Value)) {
    std::string bytes(count, '\0');
    std::memcpy(bytes.data(), &value, count);
    return bytes;
}

}  // namespace

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
    if (address.storage.ss_family == AF_VSOCK) {
        const auto vsock = address.as<sockaddr_vm>();
        return qgs::Address{.cid = vsock.svm_cid, .port = vsock.svm_port}.text();
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
    if (address.storage.ss_family == AF_VSOCK) return "cid" + bytes_of(address.as<sockaddr_vm>().svm_cid);
    if (is_loopback(address)) return "loopback";
    if (const auto ipv4 = ipv4_of(address)) return bytes_of(*ipv4);
    constexpr std::size_t network = 8;  // bytes
    return bytes_of(address.as<sockaddr_in6>().sin6_addr, network);
}

}  // namespace mrd
