// Users and groups by what the configuration calls them: a name of the system's tables, or a number.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace mrd {

// Nothing: this machine has none of that name; or mrd is confined, and may not look: then it still knows those that it has found before. `accounts_are_readable()` says which.
std::optional<uid_t> user_from(const std::string &text);
std::optional<gid_t> group_from(const std::string &text);

// By its name in /etc/group, and nowhere else: where a name is not there, the C library loads what asks a directory for it, and that takes as long as a third of the start.
std::optional<gid_t> group_in_file(const std::string &name);
// The same of /etc/passwd.
std::optional<uid_t> user_in_file(const std::string &name);

// A confined mrd may read the tables of users and groups as they were at its start. Whoever adds a user since puts others in their place (docs/security.md, "Confinement").
bool accounts_are_readable();

}  // namespace mrd
