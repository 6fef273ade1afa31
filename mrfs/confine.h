// What the serving process gives up before it answers the first request: its user, its capabilities, every file that is not open, and all system calls but those by
// which it reads requests, asks mrd and answers. docs/mrfs.md, "Confinement".
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "confinement/rights.h"

namespace mrfs {

// Before there is a second thread. Error: one sentence.
std::expected<void, std::string> confine(const std::optional<confinement::Identity> &identity);

}  // namespace mrfs
