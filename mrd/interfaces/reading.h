// A register's value as replies have it.
#pragma once

#include <optional>
#include <string_view>

#include "libmr/wire/registers.h"
#include "mrd/registers/registers.h"
#include "mrd/registers/virtual_registers.h"

namespace mrd {

// As an answer says it: true, or nothing at all, so that what hardware vouches for costs no byte.
inline std::optional<bool> true_if_unbound(const ProviderRegisters &provider) {
    return provider.unbound() ? std::optional(true) : std::nullopt;
}

// Views into the table, and valid as long as it is not written.
inline mr::wire::Reading reading_of(const Registers::Place &place, bool refreshed) {
    const auto &table = place.table();
    return {place.name(), table.hex(place.index), table.generation(place.index), refreshed, true_if_unbound(*place.provider)};
}

// Of a value that is not the table's yet.
inline mr::wire::Reading reading_after(const Registers::Place &place, std::string_view value) {
    return {place.name(), value, std::nullopt, false, true_if_unbound(*place.provider)};
}

// Of a virtual register. A carrier that is not there vouches for nothing.
inline mr::wire::Reading reading_of(const VirtualRegisters &all, VirtualRegisters::Number number, std::string_view value, bool refreshed) {
    const auto carrier = all.carrier(number);
    return {all.state(number).name, value, std::nullopt, refreshed, carrier ? true_if_unbound(*carrier->provider) : std::optional(true)};
}

}  // namespace mrd
