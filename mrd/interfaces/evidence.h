// Evidence of io.mrd.Attestation: a quote, and the log up to where it was taken.
#pragma once

#include <memory>

#include "libmr/wire/attestation.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/methods.h"

namespace mrd {

void answer_evidence(const std::shared_ptr<LogReadings> &readings, const std::shared_ptr<EvidenceBudget> &budget, const Client &client,
                     const mr::wire::attestation::EvidenceParameters &parameters, Answer<mr::wire::attestation::Evidence> answer);

}  // namespace mrd
