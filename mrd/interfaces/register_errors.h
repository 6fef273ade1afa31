// What mrd's own errors are on the wire: the one place where io.mrd.Registers says them.
#pragma once

#include <string_view>
#include <variant>

#include "libmr/wire/registers.h"
#include "mrd/registers/errors.h"
#include "mrd/registers/measurement.h"
#include "proto/varlink/service.h"

namespace mrd {

using RegisterErrorOnWire =
    std::variant<mr::wire::NoSuchRegister, mr::wire::RegisterGone, mr::wire::NoRegisterForRole, mr::wire::NotReadable,
                 mr::wire::NotWritable, mr::wire::NotExtensible, mr::wire::LogOnly, mr::wire::Capped, mr::wire::Indeterminate,
                 mr::wire::WrongLength, mr::wire::GenerationMismatch, mr::wire::DuplicateEvent, mr::wire::ProviderFailed,
                 mr::wire::JournalFull, mr::wire::JournalFailed>;
RegisterErrorOnWire on_wire(const RegisterError &error);

// `provider`: whose register it was to be measured into.
std::variant<varlink::InvalidParameter, mr::wire::ProviderFailed> on_wire(const MeasurementError &error, std::string_view provider);

}  // namespace mrd
