#include "libmr/src/attestation/signed_register.h"

#include <algorithm>
#include <set>

#include "libmr/src/attestation/event_text.h"

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

std::vector<std::string> parts_that_carry(std::span<const SignedRegister> registers, const ReferenceValues &reference) {
    auto parts = parts_with(registers, [&](const SignedRegister &reg) { return is_log_only(reg, reference); });
    if (parts.empty()) parts.emplace_back();
    return parts;
}

std::string not_signed(std::string_view name, std::span<const SignedRegister> registers, const ReferenceValues &reference) {
    if (name.starts_with(virtual_prefix)) return std::string(name) + " is carried by no register that a quote signs";
    std::vector<std::string> known;
    for (const auto &reg : registers) {
        if (!reg.is_virtual()) known.push_back(reg.shown);
    }
    const auto there_are = known.empty() ? std::string("no register is") : "there are " + listed(known);
    if (name.empty()) return "no register is in a quote";
    if (const auto role = reference.roles.find(std::string(name)); role != reference.roles.end())
        return "the role " + std::string(name) + " is " + listed(role->second) + ", of which none is in a quote; " + there_are;
    return std::string(name) + " is in no quote, and no role (roles has those that there are); " + there_are;
}

void give_roles(const ReferenceValues &reference, std::span<SignedRegister> registers) {
    const auto is_expected = [&](const SignedRegister &reg) {
        return std::ranges::any_of(reference.parts,
                                   [&](const ExpectedPart &part) { return part.name == reg.part && part.kind == reg.kind; });
    };
    for (const auto &[role, names] : reference.roles) {
        std::set<std::string> given;  // to registers of these parts
        bool is_found = false;
        for (auto name = names.begin(); name != names.end() && !is_found; ++name) {
            std::set<std::string> by_name;
            for (auto &reg : registers) {
                if (given.contains(reg.part) || !is_meant(*name, reg, reference)) continue;
                reg.roles.push_back(role);
                by_name.insert(reg.part);
                is_found = is_found || is_expected(reg);
            }
            given.merge(by_name);
        }
    }
}

}  // namespace mr::attestation
