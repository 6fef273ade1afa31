// A file that is bytes, or the text that stands for them.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

// read_file(), and what the text says if the file is nothing but hexadecimal or base64; `limit` is of the bytes.
std::expected<mr::Bytes, mr::Error> read_binary_file(const std::string &path, std::size_t limit);

}  // namespace mrctl
