// Any bytes as evidence in the forms of other tools, as a CMW and as an attestation result: what is read comes back the same, no verifier accepts it without a nonce, and
// nobody signed it.
#include "mr/wrapped_evidence.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/ear.h"
#include "mr/verify.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void require_reason(const mr::Error &error) {
    require(!error.message.empty() && (error.code == mr::ErrorCode::malformed || error.code == mr::ErrorCode::not_supported));
}

void check_cmw(const mr::Cmw &message) {
    const auto cbor = mr::write_cmw_cbor(message);
    const auto again = mr::parse_cmw(cbor);
    require(again && mr::write_cmw_cbor(*again) == cbor && mr::begins_cmw(cbor));
    const auto json = mr::write_cmw_json(message);
    if (!json) return require_reason(json.error());
    const auto from_json = mr::parse_cmw(mr::as_bytes(*json));
    require(from_json && mr::write_cmw_json(*from_json) == *json);
}

void check_wrapped(mr::ByteView bytes) {
    const auto wrapped = mr::unwrap_evidence(bytes);
    if (!wrapped) return require_reason(wrapped.error());
    require(mr::wrapped_form(bytes) == wrapped->form && (wrapped->evidence.has_value() != !wrapped->quote.empty()));
    mr::VerifyOptions options;
    options.time = 1'800'000'000;
    mr::TeeEvidence quote{.quote = wrapped->quote};
    if (wrapped->auxiliary) quote.auxiliary = *wrapped->auxiliary;
    const std::vector<mr::ByteView> logs(wrapped->logs.begin(), wrapped->logs.end());
    const auto verdict = wrapped->evidence ? mr::verify(*wrapped->evidence, options) : mr::verify(quote, logs, options);
    require(!verdict.verified());
    const auto ear = mr::ear_of(verdict, {});
    require(ear.appraisals.at("cpu0").status == mr::EarTier::contraindicated && ear.nonces.empty());
}

void check_ear(mr::ByteView bytes) {
    const auto result = mr::parse_ear(bytes);
    if (!result) return require_reason(result.error());
    require(!result->ear.appraisals.empty() && result->ear.appraisals.size() <= mr::max_ear_appraisals);
    // The base point of P-256: its private key, 1, signed nothing here.
    static constexpr std::array<std::uint8_t, 64> key{
        0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB,
        0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96, 0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A,
        0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5};
    require(!mr::is_signed_by(*result, key));
    for (const auto &[name, appraisal] : result->ear.appraisals) {
        for (const auto &[claim, value] : appraisal.vector) require(!mr::ear_value_text(claim, value).empty());
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    if (const auto message = mr::parse_cmw(bytes)) {
        check_cmw(*message);
    } else {
        require_reason(message.error());
    }
    if (const auto message = mr::cmw_in_certificate(bytes); message && *message) check_cmw(**message);
    check_wrapped(bytes);
    check_ear(bytes);
    return 0;
}
