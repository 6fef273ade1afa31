// Is this the quote that was asked for? What a quote says is read by who knows its kind (QuoteStatement); the rule is the same for all.
#pragma once

#include <expected>

#include "mr/bytes.h"
#include "mrd/providers/provider.h"

namespace mrd {

// The quote, or `invalid` where it is over other report data: the data that was asked for, then nothing but zeros.
std::expected<Quoted, QuoteFailure> check_quote(std::expected<Quoted, QuoteFailure> quoted, mr::ByteView report_data);

}  // namespace mrd
