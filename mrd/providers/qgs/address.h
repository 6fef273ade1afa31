// Where a quote generation service (QGS) listens: "vsock:CID:PORT" (the host has CID 2, the service port 4050), or the path of a Unix socket.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "mr/bytes.h"

namespace mrd::qgs {

struct Address {
    std::uint32_t cid = 0;
    std::uint32_t port = 0;
    std::string path = {};  // not empty: of a Unix socket

    // Error: one sentence that says how it is written.
    static std::expected<Address, std::string> parse(std::string_view text);
    // Of who listens: "vsock:PORT", too, on all CIDs that this machine has. Error: as above.
    static std::expected<Address, std::string> parse_listening(std::string_view text);

    // As it is written.
    [[nodiscard]] std::string text() const;
    // A sockaddr.
    [[nodiscard]] mr::Bytes bytes() const;
    friend bool operator==(const Address &, const Address &) = default;
};

}  // namespace mrd::qgs
