// What is kept of an exchange over SPDM, and checked anywhere: the transcript that a device signed, the signature, the chain of the slot that signed, the nonce. In mr::verify.
//
// Sources: DMTF DSP0274, "L1/L2" and "M1/M2", "Signature generation"; versions 1.2 on sign
// H("dmtf-spdm-v1.2.*" four times, zeros, context; 100 bytes together, || H(transcript)), version 1.1 H(transcript).
//
//   L1/L2   VCA, then the pairs GET_MEASUREMENTS, MEASUREMENTS; the last without its signature. In 1.1 without VCA: then nothing signs the algorithms
//   M1/M2   VCA, then pairs GET_DIGESTS, DIGESTS and GET_CERTIFICATE, CERTIFICATE, as far as they were exchanged, then CHALLENGE, CHALLENGE_AUTH without signature
//   VCA     GET_VERSION, VERSION, GET_CAPABILITIES, CAPABILITIES, NEGOTIATE_ALGORITHMS, ALGORITHMS
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/digest.h"
#include "mr/spdm.h"

namespace mr {

inline constexpr std::size_t max_spdm_transcript = std::size_t{1} << 20;  // bytes; those of devices have some thousands
inline constexpr std::size_t max_spdm_pairs = 1024;                       // of requests and responses in a transcript

enum class SpdmEvidenceKind : std::uint8_t { measurements, challenge };  // L1/L2, M1/M2

struct SpdmEvidence {
    SpdmEvidenceKind kind = SpdmEvidenceKind::measurements;
    Bytes transcript = {};  // exact bytes, the last message without its signature
    Bytes signature = {};   // r || s
    std::uint8_t slot = 0;
    Bytes chain = {};  // of that slot, as parse_spdm_chain() takes it
    SpdmNonce nonce{};
    // As negotiated. Of versions from 1.2 on the transcript says it again, and that counts; of measurements over 1.1 nothing vouches for it.
    SpdmVersion version = SpdmVersion::v1_2;
    SpdmCapabilities capabilities = {};
    SpdmAlgorithms algorithms = {};
    friend bool operator==(const SpdmEvidence &, const SpdmEvidence &) = default;
};

// What a transcript says. Nobody vouches for it before check_spdm_signature() does.
struct SpdmSigned {
    SpdmVersion version = SpdmVersion::v1_2;
    SpdmCapabilities capabilities = {};
    SpdmAlgorithms algorithms = {};
    bool algorithms_are_signed = true;
    std::uint8_t slot = 0;
    SpdmNonce nonce{};  // the requester's, of the last request
    SpdmNonce responder_nonce{};
    Bytes opaque = {};  // of the last response
    // Of measurements:
    std::vector<SpdmBlock> blocks = {};                // of all pairs, by index; one that is there twice is what the last pair said
    bool has_all = false;                              // one request was for all blocks
    bool blocks_are_of_nonce = false;                  // all of them stand in the last pair: they were said after the nonce was known
    bool blocks_changed = false;                       // one is there twice, and not the same
    bool asked_anew = false;                           // the last request had "new measurement requested" (1.3)
    std::optional<std::uint8_t> block_count = {};      // where it was asked for, the last answer
    std::optional<std::uint8_t> content_changed = {};  // 0 unknown, 1 changed, 2 unchanged (1.2); only the first counts for anything
    // Of a challenge:
    Bytes chain_digest = {};
    std::uint8_t summary_type = 0;
    Bytes summary = {};
    // What was shown is no longer so, by the transcript's own words.
    [[nodiscard]] bool has_changed() const { return blocks_changed || content_changed == 1; }
    // The blocks are all that the device has, as far as it says.
    [[nodiscard]] bool is_complete() const { return (has_all || block_count) && (!block_count || *block_count == blocks.size()); }
    // The device measured them after it was given the nonce. Otherwise they are of its last reset, or of an earlier question, whatever signs them.
    [[nodiscard]] bool values_are_fresh() const {
        return algorithms_are_signed && capabilities.has(spdm_cap_meas_fresh) && blocks_are_of_nonce && !has_changed();
    }
};
// Error: malformed, unexpected_response, too_large, illegal_capabilities, no_common_algorithm, wrong_measurements, wrong_context, misuse (slot).
std::expected<SpdmSigned, SpdmError> read_spdm_transcript(const SpdmEvidence &evidence);

// The leaf of the chain signed the transcript; of a challenge, the chain is the one that it names. Error: bad_signature, wrong_chain_digest, malformed_chain.
std::expected<void, SpdmError> check_spdm_signature(const SpdmEvidence &evidence, const SpdmSigned &read);

// Whose the chain is, once it was checked.
struct SpdmIdentity {
    Digest leaf_digest;                                     // of the leaf certificate, base hash: what a device's registers are keyed by
    Digest chain_digest;                                    // of the whole chain, as DIGESTS has it
    Bytes leaf = {};                                        // DER
    Bytes root = {};                                        // DER, the given one that it ends at
    std::vector<CertificateDescription> certificates = {};  // of the chain, root first
};
// Each certificate was issued by the one before it, the first is or was issued by one of the roots, and is what RootHash says. At `time` (nothing: whenever) all of
// them are valid. Error: malformed_chain, wrong_root_hash, broken_chain, untrusted_root, not_in_validity, too_large.
std::expected<SpdmIdentity, SpdmError> check_spdm_chain(ByteView chain, HashAlgorithm base_hash, const TrustAnchors &anchors,
                                                        std::optional<UnixTime> time = {});

struct SpdmVerified {
    SpdmSigned content;
    SpdmIdentity identity;
};
// All of it: what the transcript says, the signature, that it is over the expected nonce, the chain. Error: the first that does not hold, wrong_nonce among them.
std::expected<SpdmVerified, SpdmError> verify_spdm(const SpdmEvidence &evidence, const SpdmNonce &expected_nonce,
                                                   const TrustAnchors &anchors, std::optional<UnixTime> time = {});

// The seam for the kernel's own way: what a kernel that holds the connection (or the TSM behind it) gives of a device, as objects with a generation. Nothing in this
// library asks a kernel for them; docs/devices.md says what each kernel gives.
struct SpdmObjects {
    std::uint8_t slot = 0;
    Bytes chain = {};         // the slot's
    Bytes vca = {};           // may be empty where `measurements` begins with it
    Bytes measurements = {};  // pairs GET_MEASUREMENTS, MEASUREMENTS, the last with its signature
    std::uint32_t generation = 0;
};
// As evidence; its nonce is the one in the objects. Error: as read_spdm_transcript(). Who gave a nonce to the kernel compares: a family that does not look at nonces
// gives what it kept, and says nothing (wrong_nonce, by require_own_nonce()).
std::expected<SpdmEvidence, SpdmError> spdm_evidence_of(const SpdmObjects &objects);
std::expected<void, SpdmError> require_own_nonce(const SpdmEvidence &evidence, const SpdmNonce &own);

}  // namespace mr
