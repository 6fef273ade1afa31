// What doubles of the journal write where mrd/registers/provider_registers.cpp has the journal begin an event.
#pragma once

#include <cstdint>

#include "mrd/journal/format.h"
#include "mrd/registers/extension.h"
#include "mrd/registers/register_table.h"

namespace mrd {

// Of extension.event(), which it shows.
inline journal::Intent intent_of(const RegisterTable &table, const Extension &extension, std::uint64_t number) {
    const auto event = extension.event();
    journal::Intent intent;
    intent.number = number;
    intent.targets = in_journal(table, event);
    intent.origin = event.details.origin;
    intent.type = event.details.type;
    intent.uid = event.details.caller->uid;
    if (event.details.id) intent.id = *event.details.id;
    if (event.details.description) intent.description = *event.details.description;
    if (event.details.data) intent.data = *event.details.data;
    return intent;
}

}  // namespace mrd
