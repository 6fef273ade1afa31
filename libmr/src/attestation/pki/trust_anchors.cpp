// The roots that a caller gives.
#include <string>
#include <utility>

#include "libmr/src/attestation/pki/x509.h"
#include "mr/certificate.h"

namespace mr {

std::expected<TrustAnchors, Error> parse_trust_anchors(ByteView file) {
    auto certificates = find_certificates(file);
    if (!certificates) return std::unexpected(std::move(certificates.error()));
    for (std::size_t i = 0; i < certificates->size(); ++i) {
        if (const auto certificate = attestation::parse_certificate((*certificates)[i]); !certificate) {
            return std::unexpected(
                Error{ErrorCode::malformed, "root certificate " + std::to_string(i + 1) + " of the file " + certificate.error()});
        }
    }
    return TrustAnchors{std::move(*certificates)};
}

}  // namespace mr
