// What a TD's firmware has measured before mrd starts, taken from a real machine's log (CCEL).
#pragma once

#include <array>
#include <expected>
#include <filesystem>
#include <string>

#include "mrd/providers/sim/state.h"

namespace mrd::sim {

// The RTMRs that the log replays to. Error: one sentence that names the file.
std::expected<std::array<Value, rtmr_count>, std::string> replay_firmware_log(const std::filesystem::path &file);

}  // namespace mrd::sim
