// What a TD quote, or a TDREPORT, claims.
#pragma once

#include <optional>
#include <string>

#include "mr/claims.h"
#include "mr/quote.h"

namespace mr::attestation {

// As it stands there: nothing is checked, hardware and TCB are not judged.
Claims claims_of(const TdQuoteBody &body);
Claims claims_of(const Quote &quote);

// Why this cannot be Intel's TD quoting enclave, whatever a QE identity says: its MRSIGNER, its ISVPRODID, or that it is debugged, so that the host has its keys. Empty: it may
// be. `simulated`: the root is the simulator's (is_simulated_root()), whose own one then may sign too.
std::string quoting_enclave_defect(const QeReport &report, bool simulated);

// The root of a quote's certificates, DER, is Intel's, or the simulator's. Nothing: neither.
std::optional<bool> is_simulated_root(ByteView root);

}  // namespace mr::attestation
