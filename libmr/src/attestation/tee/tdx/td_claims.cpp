#include "libmr/src/attestation/tee/tdx/td_claims.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "libmr/src/attestation/pki/x509.h"
#include "libmr/src/attestation/tee/tdx/td_statements.h"
#include "mr/verify_quote.h"

namespace mr::attestation {
namespace {

// Of the simulator's certificates (mrd/providers/sim/pki.h), so that nobody takes them for hardware's.
constexpr std::string_view simulators_organisation = "O=mrd simulation";

std::string format_of(const Quote &quote) {
    const auto version = std::string(tdx_kind) + "_v" + std::to_string(quote.header.version);
    if (quote.header.version < 5) return version;
    return version + (quote.body_type == QuoteBodyType::td15 ? "_td15" : "_td10");
}

}  // namespace

std::optional<bool> is_simulated_root(ByteView root) {
    const auto &intel = intel_trust_anchors().roots;
    if (std::ranges::any_of(intel, [&](const Bytes &anchor) { return std::ranges::equal(anchor, root); })) return false;
    const auto certificate = parse_certificate(root);
    if (certificate && name_text(certificate->subject).find(simulators_organisation) != std::string::npos) return true;
    return std::nullopt;
}

// mr_seam is the TDX module's; what the TD's owner only says of it does not say what runs. Intel TDX Module 1.5 ABI: an RTMR begins as zero.
Claims claims_of(const TdQuoteBody &body) {
    Claims claims{
        .kind = std::string(tdx_kind),
        .quote_format = {},
        .report_data = Bytes(body.report_data.begin(), body.report_data.end()),
        .registers = {
            {.name = "mrtd", .other_name = "mr_td", .value = Digest(body.mrtd)},
            {.name = "mrconfigid", .other_name = "mr_config_id", .value = Digest(body.mrconfigid), .says_what_runs = false},
            {.name = "mrowner", .other_name = "mr_owner", .value = Digest(body.mrowner), .says_what_runs = false},
            {.name = "mrownerconfig", .other_name = "mr_owner_config", .value = Digest(body.mrownerconfig), .says_what_runs = false},
            {.name = "mr_seam", .value = Digest(body.mr_seam), .says_what_runs = false}}};
    for (std::size_t i = 0; i < body.rtmr.size(); ++i) {
        claims.registers.push_back(
            {.name = "rtmr" + std::to_string(i), .value = Digest(body.rtmr.at(i)), .initial = Digest::zero(HashAlgorithm::sha384)});
    }
    claims.debug = debug_of(body.td_attributes);
    return claims;
}

Claims claims_of(const Quote &quote) {
    auto claims = claims_of(quote.body);
    claims.quote_format = format_of(quote);
    return claims;
}

}  // namespace mr::attestation
