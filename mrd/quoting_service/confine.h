// What the quoting service gives up before it answers anybody: its capabilities, files that are not the platform's, all system calls that it does not need.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "proto/varlink/file_descriptor.h"

namespace mrd::quoting_service {

// For the rest of its life, once all that listens is open and before there is a second thread. It reads what is in `state`; the sockets are removed for it at its end
// (mrd/opener/opener.h). What this kernel does not keep of it the log says. What the opener ends with, to be kept as long. Error: one sentence.
std::expected<std::vector<varlink::FileDescriptor>, std::string> confine(const std::filesystem::path &state,
                                                                         const std::vector<std::filesystem::path> &sockets);

}  // namespace mrd::quoting_service
