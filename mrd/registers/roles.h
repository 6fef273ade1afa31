// Roles: names by which scripts and access rules mean a register on any machine. A role is one more name of the register that has it, and never what the log calls that
// register.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/providers/provider.h"

namespace mrd {

// Those that every mrd knows, whether a register has them or not. Which registers have them by default, their provider says (RegisterSpec::roles).
inline constexpr std::array<std::string_view, 3> usual_roles{"app", "boot", "config"};
inline constexpr std::size_t max_roles = 64;      // that are configured
inline constexpr std::size_t max_role_name = 32;  // bytes

// What the configuration says: of each role the register that has it, by its whole name, with or without the hash; `no_register`: none has.
using Roles = std::map<std::string, std::string, std::less<>>;
inline constexpr std::string_view no_register = "none";

bool is_role_name(std::string_view name);
std::string role_name_rule();

// What is measured under a role has to stay: no register that takes no extend, that mrd only observes, or that software may reset. What is wrong with it; empty: nothing.
std::string why_no_role(const RegisterSpec &spec);

// By which a rule or a role means a register: without the hash, and with it; with each that it may be, where only its first value says which.
std::vector<std::string> whole_names(std::string_view provider, const RegisterSpec &spec);

// The provider's registers with the roles that they are given: in the place of the defaults, where the configuration says something else. Whether they can have them is
// seen when the rules of the configuration have said what they are: apply_roles().
std::vector<RegisterSpec> give_roles(std::string_view provider, std::vector<RegisterSpec> registers, const Roles &roles);

// With those that they have. Error: a sentence; a register cannot have the role that it is given.
std::expected<std::vector<RegisterSpec>, std::string> apply_roles(std::string_view provider, std::vector<RegisterSpec> registers,
                                                                  const Roles &roles);

}  // namespace mrd
