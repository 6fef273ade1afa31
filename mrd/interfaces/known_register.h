// A register as access rules see it, and which providers a caller is told of.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "mr/digest.h"
#include "mrd/access/access.h"
#include "mrd/access/caller.h"
#include "mrd/registers/registers.h"

namespace mrd {

inline KnownRegister known_register(const Registers::Place &place) {
    const auto &spec = place.table().spec(place.index);
    std::string name(place.provider->name());
    name.append("/").append(spec.name);
    std::string with_bank;
    if (spec.hash) {
        const std::string_view bank = mr::to_string(*spec.hash);
        with_bank.reserve(name.size() + 1 + bank.size());
        with_bank.append(name).append(":").append(bank);
    }
    return {.name = {std::move(name), std::move(with_bank), spec.roles}, .is_for_reports = spec.carries_generation};
}

// A virtual one, closed or not.
inline KnownRegister known_register(const journal::RegisterState &reg) {
    return {.name = {reg.name, reg.name + ":" + std::string(mr::to_string(reg.algorithm))}, .owner = static_cast<uid_t>(reg.owner)};
}

// Of a provider: who may list all, or knows of one of its registers.
inline bool knows_of_provider(const Registers &registers, const Caller &caller, std::string_view name) {
    if (caller.lists_all()) return true;
    for (auto *provider : registers.providers()) {
        if (provider->name() != name) continue;
        for (RegisterIndex index = 0; index < provider->table().size(); ++index) {
            if (caller.knows_of(known_register({provider, index}))) return true;
        }
    }
    return false;
}

}  // namespace mrd
