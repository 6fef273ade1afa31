// Evidence of a device, checked: signature, nonce and chain.
#include <algorithm>
#include <string>
#include <utility>

#include "libmr/src/attestation/tee/spdm/signature.h"
#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm_evidence.h"

namespace mr {

using spdm::fault;

std::expected<void, SpdmError> check_spdm_signature(const SpdmEvidence &evidence, const SpdmSigned &read) {
    const auto base_hash = spdm_base_hash(read.algorithms.base_hash);
    if (evidence.kind == SpdmEvidenceKind::challenge && base_hash) {
        const auto digest = hash(*base_hash, evidence.chain);
        if (!digest || !std::ranges::equal(digest->bytes(), read.chain_digest))
            return fault(SpdmFault::wrong_chain_digest, "CHALLENGE_AUTH names another certificate chain than the one that is there");
    }
    return spdm::check_signature(evidence, read.version, read.algorithms);
}

std::expected<void, SpdmError> require_own_nonce(const SpdmEvidence &evidence, const SpdmNonce &own) {
    const auto read = read_spdm_transcript(evidence);
    if (!read) return std::unexpected(read.error());
    if (read->nonce != own)
        return fault(SpdmFault::wrong_nonce, "the transcript is over nonce " + to_hex(read->nonce) +
                                                 ": it was kept from another request, or is somebody else's; ask anew");
    return {};
}

std::expected<SpdmVerified, SpdmError> verify_spdm(const SpdmEvidence &evidence, const SpdmNonce &expected_nonce,
                                                   const TrustAnchors &anchors, std::optional<UnixTime> time) {
    auto read = read_spdm_transcript(evidence);
    if (!read) return std::unexpected(std::move(read.error()));
    if (auto done = check_spdm_signature(evidence, *read); !done) return std::unexpected(std::move(done.error()));
    if (auto done = require_own_nonce(evidence, expected_nonce); !done) return std::unexpected(std::move(done.error()));
    // Known, for the signature was checked with it.
    const auto base_hash = spdm_base_hash(read->algorithms.base_hash).value_or(HashAlgorithm::sha256);
    auto identity = check_spdm_chain(evidence.chain, base_hash, anchors, time);
    if (!identity) return std::unexpected(std::move(identity.error()));
    return SpdmVerified{std::move(*read), std::move(*identity)};
}

}  // namespace mr
