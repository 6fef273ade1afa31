#include "mrd/evidence/quote_check.h"

#include <algorithm>

#include "mr/tee.h"

namespace mrd {

std::expected<Quoted, QuoteFailure> check_quote(std::expected<Quoted, QuoteFailure> quoted, mr::ByteView report_data) {
    if (!quoted) return quoted;
    const mr::ByteView said = quoted->says.report_data;
    const bool is_same = said.size() >= report_data.size() && std::ranges::equal(said.first(report_data.size()), report_data) &&
                         std::ranges::all_of(said.subspan(report_data.size()), [](auto byte) { return byte == 0; });
    if (!is_same)
        return std::unexpected(QuoteFailure{QuoteFailure::Cause::invalid, "the quote is over other report data than was asked for"});
    return quoted;
}

bool is_simulated(std::string_view kind, mr::ByteView quote, bool provider_is) {
    const auto *const tee = mr::find_tee(kind);
    if (tee == nullptr) return provider_is;
    const auto claims = tee->read(quote);
    return claims ? claims->simulated.value_or(provider_is) : provider_is;
}

}  // namespace mrd
