// The commands of mrctl, in one list.
#include "mrctl/command_line.h"

#include <array>

#include "mrctl/command_line_parts.h"

namespace mrctl {

namespace {

constexpr std::array<NamedCommand, 27> all_commands{{
    {"list", &add_list},
    {"read", &add_read},
    {"extend", &add_extend},
    {"measure", &add_measure},
    {"exec", &add_exec},
    {"gate", &add_gate},
    {"cap", &add_cap},
    {"create", &add_create},
    {"close", &add_close},
    {"log", &add_log},
    {"replay", &add_replay},
    {"repair", &add_repair},
    {"write", &add_write},
    {"report", &add_report},
    {"quote", &add_quote},
    {"collateral", &add_collateral},
    {"device", &add_device},
    {"watch", &add_watch},
    {"stats", &add_stats},
    {"status", &add_status},
    {"access", &add_access},
    {"metrics", &add_metrics},
    {"log-level", &add_log_level},
    {"evidence", &add_evidence},
    {"verify", &add_verify},
    {"inspect", &add_inspect},
    {"realm-measurement", &add_realm_measurement},
}};

}  // namespace

std::span<const NamedCommand> commands() { return all_commands; }

}  // namespace mrctl
