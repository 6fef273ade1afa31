// A register as access rules see it.
#pragma once

#include <string>

#include "mr/digest.h"
#include "mrd/access/access.h"
#include "mrd/registers/registers.h"

namespace mrd {

inline KnownRegister known_register(const Registers::Place &place) {
    const auto &spec = place.table().spec(place.index);
    const auto name = std::string(place.provider->name()) + "/" + spec.name;
    const auto with_bank = spec.hash ? name + ":" + std::string(mr::to_string(*spec.hash)) : std::string();
    return {.name = {name, with_bank, spec.roles}, .is_for_reports = spec.carries_generation};
}

}  // namespace mrd
