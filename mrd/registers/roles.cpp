#include "mrd/registers/roles.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

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

std::vector<std::string> whole_names(std::string_view provider, const RegisterSpec &spec) {
    constexpr std::array by_value{mr::HashAlgorithm::sha256, mr::HashAlgorithm::sha384, mr::HashAlgorithm::sha512};
    const auto name = std::string(provider) + "/" + spec.name;
    const auto bank = [&name](mr::HashAlgorithm hash) { return name + ":" + std::string(mr::to_string(hash)); };
    std::vector<std::string> names{name};
    if (spec.hash) {
        names.push_back(bank(*spec.hash));
    } else if (spec.hash_by_value) {
        std::ranges::transform(by_value, std::back_inserter(names), bank);
    }
    return names;
}

std::vector<RegisterSpec> give_roles(std::string_view provider, std::vector<RegisterSpec> registers, const Roles &roles) {
    for (auto &spec : registers) {
        const auto names = whole_names(provider, spec);
        std::erase_if(spec.roles, [&roles](const std::string &role) { return roles.contains(role); });
        for (const auto &[role, reg] : roles) {
            if (std::ranges::find(names, reg) != names.end()) spec.roles.push_back(role);
        }
        std::ranges::sort(spec.roles);
    }
    return registers;
}

std::expected<std::vector<RegisterSpec>, std::string> apply_roles(std::string_view provider, std::vector<RegisterSpec> registers,
                                                                  const Roles &roles) {
    registers = give_roles(provider, std::move(registers), roles);
    for (auto &spec : registers) {
        const auto why_not = why_no_role(spec);
        if (why_not.empty()) continue;
        for (const auto &role : spec.roles) {
            if (const auto given = roles.find(role); given != roles.end())
                return std::unexpected("roles." + role + " = \"" + given->second + "\": " + why_not +
                                       "; name a register that is measured into");
        }
        spec.roles.clear();
    }
    return registers;
}

}  // namespace mrd
