// A register's value as replies have it.
#pragma once

#include "libmr/wire/registers.h"
#include "mrd/registers/registers.h"

namespace mrd {

// Views into the table, and valid as long as it is not written.
inline mr::wire::Reading reading_of(const Registers::Place &place, bool refreshed) {
    const auto &table = place.table();
    return {place.name(), table.hex(place.index), table.generation(place.index), refreshed};
}

}  // namespace mrd
