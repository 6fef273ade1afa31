#include "libmr/src/attestation/tee/spdm/signature.h"

#include <string>
#include <string_view>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/x509.h"
#include "libmr/src/attestation/tee/spdm/wire.h"

namespace mr::spdm {
namespace {

constexpr std::size_t prefix_size = 100;  // with the context at its end
constexpr std::size_t prefix_repeats = 4;

std::string_view context_of(SpdmEvidenceKind kind) {
    switch (kind) {
    case SpdmEvidenceKind::measurements: return "responder-measurements signing";
    case SpdmEvidenceKind::challenge: return "responder-challenge_auth signing";
    }
    return "";
}

}  // namespace

Bytes signed_message(SpdmVersion version, SpdmEvidenceKind kind, HashAlgorithm base_hash, ByteView transcript) {
    if (version < SpdmVersion::v1_2) return owned(transcript);
    const auto prefix = "dmtf-spdm-v" + std::string(to_string(version)) + ".*";
    const auto context = context_of(kind);
    Bytes message;
    for (std::size_t i = 0; i < prefix_repeats; ++i) append(message, as_bytes(prefix));
    message.resize(prefix_size - context.size());
    append(message, as_bytes(context));
    append(message, hash(base_hash, transcript).value_or(Digest{}).bytes());
    return message;
}

std::expected<void, SpdmError> check_signature(const SpdmEvidence &evidence, SpdmVersion version, const SpdmAlgorithms &algorithms) {
    const auto base_hash = spdm_base_hash(algorithms.base_hash);
    if (!base_hash) return fault(SpdmFault::no_common_algorithm, "the base hash is none that this library knows");
    const auto chain = parse_spdm_chain(evidence.chain, *base_hash);
    if (!chain) return std::unexpected(chain.error());
    const auto leaf = attestation::parse_certificate(chain->certificates.back(), attestation::CriticalPurposes::read);
    if (!leaf) return fault(SpdmFault::malformed_chain, "the chain's leaf " + leaf.error());
    if (leaf->key_kind == attestation::KeyKind::rsa || leaf->key.size() != spdm_signature_size(algorithms.base_asym))
        return fault(SpdmFault::bad_signature, "the leaf's key is not of the algorithm that was agreed on");
    attestation::SignatureChecker checker;
    const auto message = signed_message(version, evidence.kind, *base_hash, evidence.transcript);
    if (!checker.verify(leaf->key, *base_hash, message, evidence.signature))
        return fault(SpdmFault::bad_signature, "the leaf of slot " + std::to_string(evidence.slot) +
                                                   " did not sign this transcript: do not trust what the device says");
    return {};
}

}  // namespace mr::spdm
