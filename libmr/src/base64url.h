// RFC 4648, section 5: base64 with '-' and '_', here without padding.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

void append_base64url(std::string &out, ByteView bytes);

// Strict: no padding, no white space, unused bits zero. Error: invalid_argument.
std::expected<Bytes, Error> from_base64url(std::string_view text);

}  // namespace mr
