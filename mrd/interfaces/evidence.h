// Evidence of io.mrd.Attestation: a quote, and the log up to where it was taken.
#pragma once

#include "libmr/wire/attestation.h"
#include "mrd/daemon/daemon.h"
#include "mrd/interfaces/methods.h"

namespace mrd {

void answer_evidence(Daemon &daemon, const Caller &caller, const mr::wire::attestation::EvidenceParameters &parameters,
                     Answer<mr::wire::attestation::Evidence> answer);

}  // namespace mrd
