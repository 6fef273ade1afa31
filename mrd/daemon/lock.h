// Makes sure that one mrd alone uses a socket or a state directory.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd {

// Held until the descriptor is closed, also by the process's end. The file is made if it is not there and never removed: removing it would let two
// processes each hold a lock of that name. Error: one line that says who is in the way and what to do.
std::expected<varlink::FileDescriptor, std::string> lock_file(const std::filesystem::path &file, const std::string &what);

// A socket file on which somebody listens is not left over, whatever became of the lock beside it. Error: as above.
std::expected<void, std::string> check_nobody_listens(const varlink::Address &address);

}  // namespace mrd
