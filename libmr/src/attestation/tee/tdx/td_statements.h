// What a quote's body says of the TD itself, against the caller's policy.
#pragma once

#include "mr/quote.h"
#include "mr/verdict.h"
#include "mr/verify_quote.h"

namespace mr::attestation {

// Adds not_debug, sept_ve_disable, td_attributes and service_td. `body_is_signed`: what the body says can be believed; otherwise they are not judged.
void add_td_statements(const Quote *quote, bool body_is_signed, const QuotePolicy &policy, Verdict &verdict);

}  // namespace mr::attestation
