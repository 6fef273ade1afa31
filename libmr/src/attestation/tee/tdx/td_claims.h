// What a TD quote, or a TDREPORT, claims.
#pragma once

#include "mr/claims.h"
#include "mr/quote.h"

namespace mr::attestation {

// As it stands there: nothing is checked, hardware and TCB are not judged.
Claims claims_of(const TdQuoteBody &body);
Claims claims_of(const Quote &quote);

// The root of a quote's certificates, DER, is Intel's, or the simulator's. Nothing: neither.
std::optional<bool> is_simulated_root(ByteView root);

}  // namespace mr::attestation
