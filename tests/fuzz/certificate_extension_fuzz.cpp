// Any bytes as the SGX extension of a PCK certificate, as a certificate, as a CRL and as PEM. DER has one encoding for each value: what is read from the
// extension is written to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libmr/src/attestation/pki/amd_extensions.h"
#include "libmr/src/attestation/pki/x509.h"
#include "mr/certificate.h"
#include "mr/verify_quote.h"
#include "tests/attestation/pki/der_writer.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_within(mr::ByteView part, mr::ByteView whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_certificate(mr::ByteView bytes) {
    const auto certificate = mr::attestation::parse_certificate(bytes);
    if (!certificate) {
        require(!certificate.error().empty());
        return;
    }
    require(!certificate->key.empty() && !certificate->signature.empty() && certificate->extensions <= mr::attestation::max_extensions);
    for (const auto part : {certificate->der, certificate->signed_part, certificate->serial, certificate->issuer, certificate->subject}) {
        require(!part.empty() && is_within(part, bytes));
    }
    require(mr::is_text(certificate->common_name));
    require(!mr::attestation::name_text(certificate->subject).empty());
    // What a certificate is for is read only where devices' are judged, and where one is described: what is no list of purposes is passed over elsewhere.
    const bool has_good_purposes = mr::attestation::parse_certificate(bytes, mr::attestation::CriticalPurposes::read).has_value();
    const auto described = mr::describe_certificate(bytes);
    require(described || !has_good_purposes || certificate->pck_extension || mr::attestation::is_snp_key(*certificate));
    require(!described || has_good_purposes);
    require(mr::parse_trust_anchors(bytes).has_value());
}

void check_crl(mr::ByteView bytes) {
    const auto crl = mr::attestation::parse_crl(bytes);
    if (!crl) return;
    require(!crl->signature.empty() && is_within(crl->entries, bytes) && is_within(crl->signed_part, bytes));
    require(!crl->revokes({}));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    if (const auto extension = mr::decode_pck_extension(bytes)) {
        require(std::ranges::equal(mr::der::pck_extension(*extension), bytes));
    }
    check_certificate(bytes);
    check_crl(bytes);
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    if (const auto certificates = mr::decode_pem_certificates(text)) {
        require(!certificates->empty() && certificates->size() <= mr::max_pem_certificates);
        for (const auto &certificate : *certificates) {
            require(!certificate.empty());
        }
    }
    return 0;
}
