// The kernel's files: opened for each call, since a module that is loaded again has new ones, and what an old descriptor gives is ENODEV.
#pragma once

#include <filesystem>
#include <string>

#include "proto/varlink/file_descriptor.h"

namespace mrd::tsm {

// errno says why it is not open.
varlink::FileDescriptor open_kernel_file(const std::filesystem::path &path, int flags);

// "cannot extend /sys/...: Permission denied: run mrd as root, or give it the file": `what` is the verb; what to do is told where it is known.
std::string kernel_refusal(const char *what, const std::filesystem::path &path, int error);

}  // namespace mrd::tsm
