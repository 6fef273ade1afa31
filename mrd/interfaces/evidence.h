// Evidence of io.mrd.Attestation: a quote, and the log up to where it was taken.
#pragma once

#include "libmr/wire/attestation.h"
#include "mrd/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

void answer_evidence(Registers &registers, const mr::wire::attestation::EvidenceParameters &parameters, varlink::Responder responder);

}  // namespace mrd
