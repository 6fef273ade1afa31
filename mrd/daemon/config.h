// What mrd is told: a TOML file, then the command line, which wins. The commented sample of every key is packaging/mrd.toml.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/error.h"
#include "mr/registers.h"
#include "mrd/access/audit.h"
#include "mrd/daemon/access_config.h"
#include "mrd/daemon/metrics_socket.h"
#include "mrd/journal/journal.h"
#include "mrd/providers/open.h"
#include "mrd/registers/roles.h"
#include "proto/varlink/limits.h"

namespace mrd {

// Changes registers whose whole name matches, or that have the role.
struct RegisterRule {
    std::string pattern;  // as a shell's: "tdx/rtmr*"; or a role
    std::optional<mr::Owner> owner;
    std::optional<bool> log_only;  // true: takes no bare digest (no W flag)
};

struct JournalConfig {
    std::uint64_t size_limit = journal::default_size_limit;
    journal::Sync sync = journal::Sync::none;
    std::optional<std::filesystem::path> firmware_log;  // as ProviderConfig's, of the only provider; "none" of several
};

// A socket on which mrd listens, and what it serves there.
struct ListenerConfig {
    std::string name = "varlink";  // by which the service manager can pass its socket
    std::string path = "/run/mrd/io.mrd";
    std::vector<std::string> interfaces = {};  // none: all
    bool bound_only = false;                   // reports and quotes are over bindings alone, never over bytes that a caller chose
    // Of the socket's file, where mrd makes it.
    std::optional<mode_t> mode = {};        // not given: as the access rules need it
    std::optional<std::string> owner = {};  // a name or a number; not given: mrd's
    std::optional<std::string> group = {};
};
inline constexpr std::size_t max_listeners = 16;

// What becomes of an mrd that this kernel cannot confine (docs/security.md, "Confinement").
enum class Confined : std::uint8_t { required, best_effort, off };

// Each section as it is written, but for comments and the order of its keys: for comparing.
using Sections = std::map<std::string, std::string>;

struct Config {
    std::vector<ListenerConfig> listeners{ListenerConfig{}};  // at least one; the first is the one of --socket
    std::filesystem::path state = "/run/mrd/state";
    std::optional<std::string> user = {};  // whom to become where mrd is started as root; a name or a number
    Confined confined = Confined::best_effort;
    std::filesystem::path boot_id_file = "/proc/sys/kernel/random/boot_id";
    varlink::Limits limits;
    JournalConfig journal;
    MetricsConfig metrics;
    std::optional<Audit::Kinds> audit;      // which changes mrd's log tells of; none: as mrd/daemon/reload.h has it
    std::vector<ProviderConfig> providers;  // none: as the command line has it
    std::vector<RegisterRule> rules;
    Roles roles;
    std::vector<AccessRuleConfig> access;       // none: the defaults
    std::optional<std::string> measure_itself;  // into which register, by its name or a role, or no_register; nothing: as where_itself says
    Sections sections;                          // of the file
    std::optional<std::string> digest;          // of the file's bytes: "sha384:HEX"
};

// Error: one line that names the file, the line, the key and what to write instead.
std::expected<Config, std::string> parse_config(std::string_view text, std::string_view file_name);
// Error: io, where there is a file that cannot be read or is longer than max_config_size; invalid_argument, where there is none, others may write to it
// (check_trusted_file), or what is in it is wrong.
std::expected<Config, mr::Error> load_config(const std::filesystem::path &file);
inline constexpr std::size_t max_config_size = std::size_t{1} << 20;  // bytes

// Are roles and register rules of providers that there are, no role called as one, and the rules for a register to which the configuration gives roles no contradiction? Who
// they are, `providers` says; where one of them is of the type auto, there are others.
// Error: one line that names the key.
std::expected<void, std::string> check_provider_names(const Config &config, const std::vector<ProviderConfig> &providers);

// By its name with or without the hash, or by one of its roles.
bool matches(const RegisterRule &rule, std::string_view provider, const RegisterSpec &spec);
// As long as nobody knew which hash the register has it was for this one, too.
bool was_for_another_bank(const RegisterRule &rule, std::string_view provider, const RegisterSpec &spec);

// The registers of a provider, which have been given their roles, as the rules leave them. Error: a rule makes a register impossible, or two are for one register and it is
// not said which of them counts.
std::expected<std::vector<RegisterSpec>, std::string> apply_rules(std::string_view provider, std::vector<RegisterSpec> registers,
                                                                  const std::vector<RegisterRule> &rules);

}  // namespace mrd
