// Quotes, certificates and logs travel as text too: in mails, variables, replies of other programs.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

// The bytes, of a file that is nothing but hexadecimal (also with 0x before it, or blanks between) or base64 (also of the URL alphabet, or without padding). Nothing
// for any other file: none that is binary, JSON, PEM or a log in text is only that.
std::optional<mr::Bytes> decode_text_form(mr::ByteView file);

// read_file(), and what the text says if it is such a text; `limit` is of the bytes.
std::expected<mr::Bytes, mr::Error> read_binary_file(const std::string &path, std::size_t limit);

}  // namespace mrctl
