// Where a device answers: "ADDRESS:PORT" in numbers ("127.0.0.1:2323", "[::1]:2323"), or the path of a Unix socket.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "mr/bytes.h"

namespace mrd::spdm {

struct Address {
    std::string text;
    mr::Bytes bytes;  // a sockaddr

    // Error: one sentence that says how it is written.
    static std::expected<Address, std::string> parse(std::string_view text);
    friend bool operator==(const Address &, const Address &) = default;
};

}  // namespace mrd::spdm
