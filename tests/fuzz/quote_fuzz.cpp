// Any bytes as a quote: what decodes is put together to the same bytes, and without anybody who vouches for it none is accepted.
#include "mr/quote.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/verify_quote.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_verdict(mr::ByteView bytes, bool is_quote) {
    mr::Verdict verdict;
    // The seeds' root is nobody's anchor here.
    const auto judgement = mr::verify_quote(bytes, nullptr, mr::intel_trust_anchors(), 1'800'000'000, {.tcb_required = false}, verdict);
    require(!verdict.verified() && !judgement.tcb_judged && verdict.statements().size() == 21);
    const auto holds = [&](std::string_view name) { return verdict.find(name)->result == mr::Judgement::holds; };
    require(is_quote || !holds(mr::statement::quote_format));
    // What rests on others holds only with them.
    const bool vouched =
        holds(mr::statement::quote_signature) && holds(mr::statement::qe_report_signature) && holds(mr::statement::certificate_chain);
    require(!vouched);
    require(!holds(mr::statement::not_debug) && !holds(mr::statement::tcb) && !holds(mr::statement::root_is_hardware));
    for (const auto &statement : verdict.statements()) {
        require(!statement.reason.empty());
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    const auto quote = mr::decode_quote(bytes);
    check_verdict(bytes, quote.has_value());
    if (!quote) {
        require(!quote.error().message.empty());
        require(quote.error().code == mr::ErrorCode::malformed || quote.error().code == mr::ErrorCode::not_supported);
        return 0;
    }
    const auto again = mr::encode_quote(*quote);
    require(again.size() + quote->trailing == size && std::equal(again.begin(), again.end(), bytes.begin()));
    const auto signed_part = mr::encode_quote_signed_part(quote->header, quote->body_type, quote->body);
    require(std::ranges::equal(signed_part, quote->signed_part));
    // The QE report has reserved bytes, which are signed but not taken apart.
    require(mr::encode_qe_report(quote->qe_report).size() == quote->qe_report_bytes.size());
    return 0;
}
