// Sockets of any family: what they are called, and whose the other end of a connection is.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <string>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

// An address as the kernel takes it.
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

// Of IPv4 in IPv6, too.
std::optional<in_addr> ipv4_of(const SocketAddress &address);
bool is_loopback(const SocketAddress &address);

// "127.0.0.1:9469", "[::1]:9469", a Unix socket's path, "vsock:4050", "vsock:1:4050".
std::string name_of_socket(const varlink::FileDescriptor &socket);

// Whose connection it is, so that no client takes the places of others: an IPv4 address, or the 64 bits of an IPv6 address that one host has for itself; all of this machine's
// loopback are one, as any of its users has all those addresses. Of a Unix socket the uid, of a vsock the CID.
std::string client_of(int connected);

}  // namespace mrd
