#include "libmr/src/attestation/signed_register.h"

#include <algorithm>

namespace mr::attestation {

std::string_view provider_of(std::string_view name) {
    const auto slash = name.find('/');
    return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

std::string_view without_provider_and_bank(std::string_view name) {
    if (const auto slash = name.find('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
    const auto colon = name.rfind(':');
    return colon != std::string_view::npos && hash_algorithm_from(name.substr(colon + 1)) ? name.substr(0, colon) : name;
}

bool is_called(std::string_view name, const SignedRegister &reg) {
    if (!name.starts_with(reg.logged)) return false;
    name.remove_prefix(reg.logged.size());
    return name.empty() || (name.front() == ':' && name.substr(1) == to_string(reg.claimed.algorithm));
}

bool is_meant(std::string_view name, const SignedRegister &reg, const ReferenceValues &reference) {
    if (reg.is_virtual() || name.starts_with(virtual_prefix)) return reg.is_virtual() && name == reg.claimed.name;
    if (reference.roles.contains(name)) return std::ranges::find(reg.roles, name) != reg.roles.end();
    if (const auto slash = name.find('/'); slash != std::string_view::npos) {
        const auto part = name.substr(0, slash);
        const auto expected = std::ranges::find(reference.parts, part, &ExpectedPart::name);
        const bool is_here =
            expected == reference.parts.end() ? part == reg.kind : expected->name == reg.part && expected->kind == reg.kind;
        if (!is_here) return false;
        name.remove_prefix(slash + 1);
    }
    return !name.empty() && (name == reg.claimed.name || name == reg.claimed.other_name);
}

bool is_log_only(const SignedRegister &reg, const ReferenceValues &reference) {
    return std::ranges::any_of(reference.log_only_registers, [&](const auto &name) { return is_meant(name, reg, reference); });
}

void give_roles(const ReferenceValues &reference, std::span<SignedRegister> registers) {
    for (const auto &[role, names] : reference.roles) {
        for (const auto &name : names) {
            bool is_given = false;
            for (auto &reg : registers) {
                if (!is_meant(name, reg, reference)) continue;
                reg.roles.push_back(role);
                is_given = true;
            }
            if (is_given) break;
        }
    }
}

}  // namespace mr::attestation
