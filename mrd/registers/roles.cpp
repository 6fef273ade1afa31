#include "mrd/registers/roles.h"

#include <algorithm>

namespace mrd {

bool is_role_name(std::string_view name) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
    constexpr std::string_view others = "0123456789_-";
    return !name.empty() && name.size() <= max_role_name && letters.contains(name.front()) && name != no_register &&
           std::ranges::all_of(name, [=](char c) { return letters.contains(c) || others.contains(c); });
}

std::string role_name_rule() {
    return "is no name of a role: 1 to " + std::to_string(max_role_name) +
           " of the characters a to z, 0 to 9, _ and -, the first a letter, but not \"" + std::string(no_register) + "\"";
}

std::string why_no_role(const RegisterSpec &spec) {
    if (!spec.flags.has(mr::Flag::extensible)) return "it takes no extend";
    if (spec.owner == mr::Owner::observed) return "mrd only observes it";
    if (spec.resettable) return "software may reset it";
    return {};
}

std::expected<std::vector<RegisterSpec>, std::string> apply_roles(std::string_view provider, std::vector<RegisterSpec> registers,
                                                                  const Roles &roles) {
    for (auto &spec : registers) {
        const auto name = std::string(provider) + "/" + spec.name;
        const auto bank = spec.hash ? name + ":" + std::string(mr::to_string(*spec.hash)) : name;
        const auto why_not = why_no_role(spec);
        std::erase_if(spec.roles, [&](const std::string &role) { return !why_not.empty() || roles.contains(role); });
        for (const auto &[role, reg] : roles) {
            if (reg != name && reg != bank) continue;
            if (!why_not.empty())
                return std::unexpected("roles." + role + " = \"" + reg + "\": " + why_not + "; name a register that is measured into");
            spec.roles.push_back(role);
        }
        std::ranges::sort(spec.roles);
    }
    return registers;
}

}  // namespace mrd
