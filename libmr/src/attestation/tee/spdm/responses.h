// The responses of SPDM, to be read: out of what came, which may have padding behind it, or out of a transcript, where the next message follows.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "libmr/src/attestation/tee/spdm/requests.h"
#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/bytes.h"
#include "mr/spdm.h"
#include "mr/spdm_requester.h"

namespace mr::spdm {

// What was agreed on, as far as a message's form depends on it.
struct Agreed {
    SpdmVersion version = SpdmVersion::v1_2;
    std::size_t hash_size = 0;
    std::size_t signature_size = 0;  // 0: of a device that signs nothing
    bool is_multi_key = false;
};
std::optional<Agreed> agreed_of(SpdmVersion version, const SpdmAlgorithms &algorithms);  // nothing: a hash that is not known

// All: what `bytes` begin with, which is taken from them. Views are into the bytes. Error: malformed, unexpected_response, too_large.

std::expected<std::vector<std::uint16_t>, SpdmError> take_version(ByteReader &from);
std::expected<SpdmCapabilities, SpdmError> take_capabilities_response(ByteReader &from, SpdmVersion version);
std::expected<SpdmAlgorithms, SpdmError> take_algorithms(ByteReader &from, SpdmVersion version);
// Each selection is one of those that were offered, and one that this library knows, or its field is none. Error: no_common_algorithm.
std::expected<void, SpdmError> check_algorithms(const SpdmAlgorithms &selected, const AlgorithmsRequest &offered,
                                                const SpdmCapabilities &capabilities);
std::expected<SpdmDigests, SpdmError> take_digests(ByteReader &from, const Agreed &agreed);

struct CertificatePortion {
    std::uint8_t slot = 0;
    ByteView portion;
    std::uint16_t remainder = 0;
};
std::expected<CertificatePortion, SpdmError> take_certificate(ByteReader &from, const Agreed &agreed);

// In a transcript the last message is without its signature.
enum class Signature : std::uint8_t { absent, present };

struct ChallengeAuth {
    std::uint8_t slot = 0;
    std::uint8_t slot_mask = 0;
    ByteView chain_digest;
    SpdmNonce nonce{};  // the responder's
    ByteView summary;
    ByteView opaque;
    ByteView signature;
};
// The context is the request's, or wrong_context.
std::expected<ChallengeAuth, SpdmError> take_challenge_auth(ByteReader &from, const Agreed &agreed, const ChallengeRequest &request,
                                                            Signature signature);

struct MeasurementsResponse {
    std::uint8_t count = 0;
    std::vector<SpdmBlock> blocks;
    std::optional<std::uint8_t> content_changed;
    SpdmNonce nonce{};  // the responder's
    ByteView opaque;
    ByteView signature;
};
// It answers that request: the blocks that it asked for, its slot if it is signed, its context. Error: wrong_measurements, wrong_context too.
std::expected<MeasurementsResponse, SpdmError> take_measurements(ByteReader &from, const Agreed &agreed, const MeasurementsRequest &request,
                                                                 Signature signature);

struct LogPortion {
    ByteView portion;
    std::uint32_t remainder = 0;
};
std::expected<LogPortion, SpdmError> take_measurement_log(ByteReader &from, const Agreed &agreed);

struct Chunk {
    bool is_last = false;
    std::uint8_t handle = 0;
    std::uint32_t number = 0;
    std::uint32_t total = 0;  // of the first
    ByteView bytes;
};
std::expected<Chunk, SpdmError> take_chunk(ByteReader &from, SpdmVersion version);

}  // namespace mr::spdm
