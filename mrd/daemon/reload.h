// A new configuration for an mrd that runs.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>

#include "mrd/daemon/config.h"
#include "mrd/daemon/daemon.h"
#include "mrd/daemon/self_measurement.h"

namespace mrd {

// What the rules are held against. To be asked before mrd is confined; what the configuration names is there (check_listeners()). `user`: who mrd is going to be, where
// [service] says so.
RuleSurroundings surroundings_of(const Config &config, std::optional<uid_t> user);

// Tells in mrd's log which rules can never decide anything.
// `surroundings`: of the start, whose listeners and roles hold.
void warn_of_access(const AccessRules &rules, const RuleSurroundings &surroundings);

// And which of their patterns fit no register, as soon as all registers are known.
void warn_of_registers(Daemon &daemon);

// Which changes are told of: what the configuration says; where it says nothing, all, if the log goes to the system's journal, and none on a terminal.
void set_audit(const Config &config, Daemon &daemon);

// Reads the configuration again and puts its access rules and log.audit in the place of those that hold. Whole or not at all: where the file is wrong, in
// whatever part, they stay, and a line in mrd's log says why. Another line names the sections that have changed since the start and that a start alone reads.
// Where mrd measures itself (`self`; null: it does not) they stay until the event is there that says so, too. `done`: true: there are new ones.
void reload(const std::filesystem::path &config_file, const Config &at_start, const RuleSurroundings &surroundings, Daemon &daemon,
            SelfMeasurement *self, std::move_only_function<void(bool)> done);

}  // namespace mrd
