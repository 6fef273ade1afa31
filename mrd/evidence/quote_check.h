// Is this the quote that was asked for? What a quote says is read by who knows its kind (QuoteStatement); the rule is the same for all.
#pragma once

#include <expected>
#include <string_view>

#include "mr/bytes.h"
#include "mrd/providers/provider.h"

namespace mrd {

// The quote, or `invalid` where it is over other report data: the data that was asked for, then nothing but zeros.
std::expected<Quoted, QuoteFailure> check_quote(std::expected<Quoted, QuoteFailure> quoted, mr::ByteView report_data);

// Does the quote prove nothing? By the root of its own certificates where that tells, as a verifier does: a kernel's driver does not say what is beneath it. Else
// what the provider, of that kind, says of itself.
bool is_simulated(std::string_view kind, mr::ByteView quote, bool provider_is);

}  // namespace mrd
