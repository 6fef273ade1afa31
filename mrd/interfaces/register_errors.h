// What mrd's own errors are on the wire: the one place where io.mrd.Registers says them.
#pragma once

#include "mrd/registers/errors.h"
#include "mrd/registers/measurement.h"
#include "proto/varlink/service.h"

namespace mrd {

void fail(varlink::Responder &responder, const RegisterError &error);

// `provider`: whose register it was to be measured into.
void fail(varlink::Responder &responder, const MeasurementError &error, std::string_view provider);

}  // namespace mrd
