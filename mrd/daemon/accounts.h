// Users and groups by what the configuration calls them: a name of the system's tables, or a number.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace mrd {

// Nothing: this machine has none of that name.
std::optional<uid_t> user_from(const std::string &text);
std::optional<gid_t> group_from(const std::string &text);

}  // namespace mrd
