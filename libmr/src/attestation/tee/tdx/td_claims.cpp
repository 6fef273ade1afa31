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

// Of Intel's quoting enclaves for TDs, as each QE identity of "TD_QE" has it and each genuine quote: SHA-256 of the key that signs them.
constexpr std::string_view intel_qe_signer = "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5";
constexpr std::uint16_t td_qe_product = 2;
// What the simulator's signer is the SHA-256 of (mrd/providers/sim/platform.cpp).
constexpr std::string_view simulators_qe_signer = "mrd simulated quoting enclave's signer";
// Intel SDM, Volume 3D, ATTRIBUTES of an enclave: DEBUG is bit 1.
constexpr std::uint8_t sgx_attribute_debug = 0x02;

std::string format_of(const Quote &quote) {
    const auto version = std::string(tdx_kind) + "_v" + std::to_string(quote.header.version);
    if (quote.header.version < 5) return version;
    return version + (quote.body_type == QuoteBodyType::td15 ? "_td15" : "_td10");
}

}  // namespace

std::string quoting_enclave_defect(const QeReport &report, bool simulated) {
    const bool is_intels = to_hex(report.mr_signer) == intel_qe_signer;
    const auto simulators = hash(HashAlgorithm::sha256, as_bytes(simulators_qe_signer));
    const bool is_simulators = simulated && simulators && std::ranges::equal(report.mr_signer, simulators->bytes());
    if (!is_intels && !is_simulators) return "the QE's MRSIGNER is " + to_hex(report.mr_signer) + ", which is not Intel's";
    if (report.isv_prod_id != td_qe_product)
        return "the QE's ISVPRODID is " + std::to_string(report.isv_prod_id) + ", which is no TD quoting enclave's";
    if ((report.attributes[0] & sgx_attribute_debug) != 0) return "the QE is debugged (ATTRIBUTES): its keys are the host's";
    return {};
}

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
