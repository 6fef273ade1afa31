// Evidence of io.mrd.Attestation: a quote, and the log up to where it was taken.
#pragma once

#include "mrd/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

void add_evidence_method(varlink::Interface &interface, Registers &registers);

}  // namespace mrd
