// Users and groups by what the configuration calls them: a name of the system's tables, or a number.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace mrd {

// Nothing: this machine has none of that name.
std::optional<uid_t> user_from(const std::string &text);
std::optional<gid_t> group_from(const std::string &text);

// By its name in /etc/group, and nowhere else: where a name is not there, the C library loads what asks a directory for it, and that takes as long as a third of the start.
std::optional<gid_t> group_in_file(const std::string &name);

}  // namespace mrd
