// The file that keeps the quoting service's keys and certificates: a simulated machine stays the same machine over restarts.
//
// Text, mode 0600: one line, "mrd simulated quoting keys 1 CHECKSUM" (the format's version; CRC-32C of all that follows the line, eight hexadecimal
// digits), then in PEM, each certificate before its key: root, platform CA, PCK, TCB signing; at last the attestation key. openssl reads it as it is.
//
// The file appears whole: it is written under another name and then given its own, unless another process was faster. It never changes.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>

#include "mrd/providers/sim/pki.h"

namespace mrd::sim {

inline constexpr std::size_t max_quoting_keys_size = std::size_t{64} << 10;  // bytes; the file has five thousand

// What the file holds; makes it where it is not there. Two who do so at once get the same. Error: one sentence that names the file and says what to do.
std::expected<Pki, std::string> open_quoting_keys(const std::filesystem::path &file);

}  // namespace mrd::sim
