// Evidence of io.mrd.Attestation: a quote, and the log up to where it was taken.
#pragma once

#include <memory>

#include "mrd/evidence/evidence_budget.h"
#include "mrd/interfaces/log_reading.h"
#include "proto/varlink/service.h"

namespace mrd {

void add_evidence_method(varlink::Interface &interface, const std::shared_ptr<LogReadings> &readings,
                         const std::shared_ptr<EvidenceBudget> &budget);

}  // namespace mrd
