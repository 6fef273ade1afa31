// Evidence of io.mrd.Attestation: a quote, and the log up to where it was taken.
#pragma once

#include <cstddef>

#include "mrd/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

// Bytes that all evidence together may take, from the reading of its log until its client has taken the answer. Beyond it: Busy.
inline constexpr std::size_t max_evidence_bytes = std::size_t{64} << 20U;

void add_evidence_method(varlink::Interface &interface, Registers &registers);

}  // namespace mrd
