// io.mrd.Attestation. The interface file is proto/interfaces/io.mrd.Attestation.varlink.
#pragma once

#include <memory>

#include "mrd/evidence/evidence_budget.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/methods.h"
#include "proto/varlink/service.h"

namespace mrd {

// The registers of `readings` must outlive the interface.
varlink::Interface attestation_interface(const std::shared_ptr<Gate> &gate, const std::shared_ptr<LogReadings> &readings,
                                         const std::shared_ptr<EvidenceBudget> &budget);

}  // namespace mrd
