#include "mrd/providers/spdm/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <optional>

#include "proto/varlink/address.h"

namespace mrd::spdm {
namespace {

template <class Socket>
mr::Bytes bytes_of(const Socket &address) {
    mr::Bytes bytes(sizeof(address));
    std::memcpy(bytes.data(), &address, sizeof(address));
    return bytes;
}

std::optional<mr::Bytes> internet_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto number = text.substr(colon + 1);
    auto host = std::string(text.substr(0, colon));
    std::uint16_t port = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), port);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size() || port == 0) return std::nullopt;
    if (host.starts_with('[') && host.ends_with(']')) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        host = host.substr(1, host.size() - 2);
        if (::inet_pton(AF_INET6, host.c_str(), &address.sin6_addr) != 1) return std::nullopt;
        return bytes_of(address);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
    return bytes_of(address);
}

}  // namespace

std::expected<Address, std::string> Address::parse(std::string_view text) {
    if (text.starts_with('/')) {
        const auto socket = varlink::Address::parse(text);
        if (!socket) return std::unexpected(socket.error());
        const auto *const begin = reinterpret_cast<const std::uint8_t *>(socket->data());
        return Address{std::string(text), {begin, begin + socket->size()}};
    }
    if (auto bytes = internet_address(text)) return Address{std::string(text), std::move(*bytes)};
    return std::unexpected(
        "\"" + std::string(text) +
        "\" is no address of a device: give numbers, as \"127.0.0.1:2323\" or \"[::1]:2323\", or the path of a Unix socket");
}

}  // namespace mrd::spdm
