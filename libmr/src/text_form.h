// Quotes, certificates, CRLs and logs travel as text too: in mails, variables, replies of other programs.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

// The bytes, of a file that is nothing but hexadecimal (also with 0x before it, or blanks between) or base64 (also of the URL alphabet, or without padding). Nothing
// for any other file: none that is binary, JSON, PEM or a log in text is only that.
std::optional<Bytes> decode_text_form(ByteView file);

// As from_hex(), also with 0x before it.
std::expected<Bytes, Error> from_prefixed_hex(std::string_view text);

}  // namespace mr
