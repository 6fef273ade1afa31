// Files by the names that people give them.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

// How long a FIFO's writer may take to open it.
inline constexpr auto fifo_patience = std::chrono::seconds(2);

// The whole file. Error: io, with the file's name and the reason (a folder, no right to read it, a FIFO that nobody writes to); wrong_length: it has
// more than `limit` bytes, or no end. Reads at most one byte more than `limit`.
std::expected<Bytes, Error> read_file(const std::string &path, std::size_t limit);

}  // namespace mr
