// Byte strings and their two text forms: lower-case hex (register values, digests) and standard base64 (reports, event data).
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/error.h"

namespace mr {

using Bytes = std::vector<std::uint8_t>;

// Never owns: whoever made it keeps the bytes alive.
using ByteView = std::span<const std::uint8_t>;

// Two lower-case digits a byte, no separator.
std::string to_hex(ByteView bytes);
void append_hex(std::string &out, ByteView bytes);

// Accepts both cases. Error: invalid_argument for an odd number of digits or any other character.
std::expected<Bytes, Error> from_hex(std::string_view text);

// RFC 4648, section 4: the standard alphabet with padding.
std::string to_base64(ByteView bytes);
void append_base64(std::string &out, ByteView bytes);

// Strict: padding required, no white space, unused bits zero. Error: invalid_argument.
std::expected<Bytes, Error> from_base64(std::string_view text);

// Well-formed UTF-8 (RFC 3629: no surrogates, no longer form than needed) without NUL bytes: what may stand in a name or a description.
bool is_text(std::string_view bytes);

inline ByteView as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()}; }

}  // namespace mr
