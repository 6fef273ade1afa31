// The requests of SPDM, to be written, and to be read out of a transcript.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/bytes.h"
#include "mr/spdm.h"
#include "mr/spdm_requester.h"

namespace mr::spdm {

// GET_MEASUREMENTS, param1.
inline constexpr std::uint8_t attribute_signed = 0x1;
inline constexpr std::uint8_t attribute_raw = 0x2;   // 1.2
inline constexpr std::uint8_t attribute_anew = 0x4;  // 1.3

struct MeasurementsRequest {
    std::uint8_t attributes = 0;
    std::uint8_t operation = 0;
    SpdmNonce nonce{};  // of signed ones, and so is the slot
    std::uint8_t slot = 0;
    SpdmContext context{};  // 1.3

    [[nodiscard]] bool is_signed() const { return (attributes & attribute_signed) != 0; }
};
struct ChallengeRequest {
    std::uint8_t slot = 0;
    std::uint8_t summary = 0;
    SpdmNonce nonce{};
    SpdmContext context{};  // 1.3
};
struct CertificateRequest {
    std::uint8_t slot = 0;
    std::uint16_t offset = 0;
    std::uint16_t length = 0;
};
struct LogRequest {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
};
// What is offered; at most one bit of each is selected.
struct AlgorithmsRequest {
    std::uint8_t measurement_specification = 1;
    std::uint8_t other_parameters = 0;
    std::uint32_t base_asym = 0;
    std::uint32_t base_hash = 0;
    std::uint8_t log_specification = 0;
    std::uint16_t dhe = 0;
    std::uint16_t aead = 0;
    std::uint16_t requester_asym = 0;
    std::uint16_t key_schedule = 0;
};

Bytes write_get_version();
Bytes write_get_capabilities(SpdmVersion version, const SpdmCapabilities &own);
Bytes write(SpdmVersion version, const AlgorithmsRequest &request);
Bytes write_get_digests(SpdmVersion version);
Bytes write(SpdmVersion version, const CertificateRequest &request);
Bytes write(SpdmVersion version, const ChallengeRequest &request);
Bytes write(SpdmVersion version, const MeasurementsRequest &request);
Bytes write(SpdmVersion version, const LogRequest &request);
Bytes write_respond_if_ready(SpdmVersion version, std::uint8_t request_code, std::uint8_t token);
Bytes write_chunk_get(SpdmVersion version, std::uint8_t handle, std::uint32_t number);

// What `bytes` begin with, which is taken from them. Error: malformed, unexpected_response.
std::expected<void, SpdmError> take_get_version(ByteReader &from);
std::expected<SpdmCapabilities, SpdmError> take_get_capabilities(ByteReader &from, SpdmVersion version);
std::expected<AlgorithmsRequest, SpdmError> take_negotiate_algorithms(ByteReader &from, SpdmVersion version);
std::expected<void, SpdmError> take_get_digests(ByteReader &from, SpdmVersion version);
std::expected<CertificateRequest, SpdmError> take_get_certificate(ByteReader &from, SpdmVersion version);
std::expected<ChallengeRequest, SpdmError> take_challenge(ByteReader &from, SpdmVersion version);
std::expected<MeasurementsRequest, SpdmError> take_get_measurements(ByteReader &from, SpdmVersion version);
std::expected<LogRequest, SpdmError> take_get_measurement_log(ByteReader &from, SpdmVersion version);

// The parts that requests and responses have alike.
std::expected<SpdmCapabilities, SpdmError> take_capabilities(ByteReader &from, SpdmVersion version, Code code);
// Algorithm structures of ALGORITHMS and NEGOTIATE_ALGORITHMS: type u8, count u8 (0x20: two bytes, no extended ones), bits u16. False: of another form.
struct AlgorithmStructures {
    std::uint16_t dhe = 0;
    std::uint16_t aead = 0;
    std::uint16_t requester_asym = 0;
    std::uint16_t key_schedule = 0;
};
bool take_structures(ByteReader &from, std::size_t count, AlgorithmStructures &into);

}  // namespace mr::spdm
