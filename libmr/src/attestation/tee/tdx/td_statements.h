// What a quote's body says of the TD itself, against the caller's policy.
#pragma once

#include <cstdint>

#include "mr/claims.h"
#include "mr/quote.h"
#include "mr/verdict.h"
#include "mr/verify_quote.h"

namespace mr::attestation {

// Adds sept_ve_disable, td_attributes and service_td. `body_is_signed`: what the body says can be believed; otherwise they are not judged.
void add_td_statements(const Quote *quote, bool body_is_signed, const TdPolicy &policy, Verdict &verdict);

// The host can read the TD's memory.
ClaimedFact debug_of(std::uint64_t td_attributes);

}  // namespace mr::attestation
