// What read_file() and programs that stream a file share: opening it without being kept waiting, and the one form of the errors.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"
#include "proto/varlink/file_descriptor.h"

namespace mr {

// For reading; reads then block. Error: io. Of what is there but cannot be read, such as a folder, the first read tells.
std::expected<varlink::FileDescriptor, Error> open_input(const std::string &path);

// The same of what was opened with O_NONBLOCK already.
std::expected<varlink::FileDescriptor, Error> take_input(varlink::FileDescriptor file, const std::string &path);

// Up to `piece.size()` bytes; 0 at the end. Error: io. `path` is for the message.
std::expected<std::size_t, Error> read_input(int descriptor, std::span<std::uint8_t> piece, const std::string &path);

// All of it. Error: io, wrong_length over the limit.
std::expected<Bytes, Error> read_all_input(int descriptor, std::size_t limit, const std::string &path);

// "cannot open FILE: No such file or directory"
std::unexpected<Error> cannot(std::string_view what, const std::string &path, int error);

}  // namespace mr
