// A file that is bytes, or the text that stands for them.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

// read_file() of what is at most `limit` bytes, or the text of so many.
std::expected<mr::Bytes, mr::Error> read_undecoded(const std::string &path, std::size_t limit);

// What the text says if the file is nothing but hexadecimal or base64. Error: more than `limit` bytes.
std::expected<mr::Bytes, mr::Error> decode_binary_file(const std::string &path, mr::Bytes file, std::size_t limit);

// The one behind the other.
std::expected<mr::Bytes, mr::Error> read_binary_file(const std::string &path, std::size_t limit);

}  // namespace mrctl
