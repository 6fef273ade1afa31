// New access rules for an mrd that runs.
#pragma once

#include <filesystem>

#include "mrd/daemon/config.h"
#include "mrd/daemon/daemon.h"

namespace mrd {

// Tells in mrd's log which rules can never decide anything.
void warn_of_access(const AccessRules &rules, const std::vector<ListenerConfig> &listeners);

// Reads the configuration again and puts its access rules in the place of those that hold; nothing else of it. Whole or not at all: where the file is wrong, in
// whatever part, they stay, and a line in mrd's log says why. True: there are new ones.
bool reload_access(const std::filesystem::path &config_file, const std::vector<ListenerConfig> &listeners, Daemon &daemon);

}  // namespace mrd
