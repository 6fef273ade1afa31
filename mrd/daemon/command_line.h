// The command line of mrd, on top of the configuration file.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "mrd/daemon/config.h"
#include "mrd/providers/sim/simulator.h"

namespace mrd {

struct CommandLine {
    Config config;
    // What --sim-* and --reset ask of the simulated TD; name, state file and boot id are not set.
    sim::Options simulated_td;
    bool check = false;
    std::vector<std::string> given;     // as it was given, for what mrd says of itself
    std::filesystem::path config_file;  // empty: none was read
};

// To end with this code. What there is to say has been printed.
struct EndNow {
    int exit_code;
};

inline constexpr int exit_refused = 1;
inline constexpr int exit_usage = 2;

// Also sets the log's level.
std::expected<CommandLine, EndNow> parse_command_line(int argc, char **argv);

}  // namespace mrd
