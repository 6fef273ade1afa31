// What mrd gives up before it serves anybody, or looks into a file: its user, its capabilities, files that are not its own, all system calls that it does not need.
// What it needs late in spite of that is opened for it (mrd/opener/opener.h). docs/security.md, "Confinement".
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "confinement/rights.h"
#include "mrd/daemon/command_line.h"
#include "mrd/daemon/listeners.h"
#include "mrd/providers/open.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd {

// How mrd's log reaches the system's journal (log::open), confined or not.
varlink::FileDescriptor connect_to_journal(std::span<const std::uint8_t> address);

// Of this machine, as [service] names it. Error: one sentence that names the key.
std::expected<std::optional<confinement::Identity>, std::string> configured_user(const Config &config);

// Whom to become, as [service] has it. Nothing: mrd stays who it is. Error: one sentence that names the key.
std::expected<std::optional<confinement::Identity>, std::string> wanted_identity(const Config &config);

// What to tell of an mrd that root has started, and that stays root though this machine has the user mrd for it; nothing: it does not, [service] says so, or its
// registers are simulated, as where somebody tries it out.
std::optional<std::string> warning_of_root(const Config &config, const std::vector<ProviderConfig> &providers);

// For the rest of mrd's life. Before there is a second thread; the state directory and the sockets' files are there. `providers` are those that there are going to
// be. One line of the log says what is kept.
//
// Descriptors that become readable when an opener has ended. Error: one sentence.
std::expected<std::vector<varlink::FileDescriptor>, std::string> confine(const CommandLine &command_line,
                                                                         const std::vector<ProviderConfig> &providers,
                                                                         const std::vector<Listener> &listeners,
                                                                         const std::optional<confinement::Identity> &identity);

}  // namespace mrd
