#include "libmr/src/attestation/tee/spdm/requests.h"

#include <array>
#include <string>

namespace mr::spdm {
namespace {

constexpr std::size_t negotiate_algorithms_fixed_size = 32;  // of NEGOTIATE_ALGORITHMS, without algorithm structures
constexpr std::uint8_t two_bytes = 0x20;                     // of an algorithm structure: its bits, and no extended algorithms
constexpr std::uint8_t slot_mask = 0x0F;

struct StructureType {
    std::uint8_t type;
    std::uint16_t AlgorithmStructures::*bits;
};
constexpr std::array structure_types = {StructureType{2, &AlgorithmStructures::dhe}, StructureType{3, &AlgorithmStructures::aead},
                                        StructureType{4, &AlgorithmStructures::requester_asym},
                                        StructureType{5, &AlgorithmStructures::key_schedule}};

void append_zeros(Bytes &to, std::size_t count) { to.resize(to.size() + count); }

bool has_context(SpdmVersion version) { return version >= SpdmVersion::v1_3; }

}  // namespace

Bytes write_get_version() { return write_header(version_1_0, Code::get_version); }

Bytes write_get_capabilities(SpdmVersion version, const SpdmCapabilities &own) {
    auto message = write_header(byte_of(version), Code::get_capabilities);
    message.push_back(0);
    message.push_back(own.crypto_time_exponent);
    append_zeros(message, 2);
    append_little_endian(message, own.flags);
    if (version >= SpdmVersion::v1_2) {
        append_little_endian(message, own.data_transfer_size);
        append_little_endian(message, own.max_message_size);
    }
    return message;
}

Bytes write(SpdmVersion version, const AlgorithmsRequest &request) {
    const AlgorithmStructures offered{request.dhe, request.aead, request.requester_asym, request.key_schedule};
    Bytes structures;
    std::uint8_t count = 0;
    for (const auto &[type, bits] : structure_types) {
        if (offered.*bits == 0) continue;
        ++count;
        structures.push_back(type);
        structures.push_back(two_bytes);
        append_little_endian(structures, offered.*bits);
    }
    auto message = write_header(byte_of(version), Code::negotiate_algorithms, count);
    append_little_endian(message, static_cast<std::uint16_t>(negotiate_algorithms_fixed_size + structures.size()));
    message.push_back(request.measurement_specification);
    message.push_back(version >= SpdmVersion::v1_2 ? request.other_parameters : 0);
    append_little_endian(message, request.base_asym);
    append_little_endian(message, request.base_hash);
    append_zeros(message, 12);
    append_zeros(message, 3);  // no extended algorithms, reserved
    message.push_back(version >= SpdmVersion::v1_3 ? request.log_specification : 0);
    append(message, structures);
    return message;
}

Bytes write_get_digests(SpdmVersion version) { return write_header(byte_of(version), Code::get_digests); }

Bytes write(SpdmVersion version, const CertificateRequest &request) {
    auto message = write_header(byte_of(version), Code::get_certificate, request.slot);
    append_little_endian(message, request.offset);
    append_little_endian(message, request.length);
    return message;
}

Bytes write(SpdmVersion version, const ChallengeRequest &request) {
    auto message = write_header(byte_of(version), Code::challenge, request.slot, request.summary);
    append(message, request.nonce);
    if (has_context(version)) append(message, request.context);
    return message;
}

Bytes write(SpdmVersion version, const MeasurementsRequest &request) {
    auto message = write_header(byte_of(version), Code::get_measurements, request.attributes, request.operation);
    if (request.is_signed()) {
        append(message, request.nonce);
        message.push_back(request.slot);
    }
    if (has_context(version)) append(message, request.context);
    return message;
}

Bytes write(SpdmVersion version, const LogRequest &request) {
    auto message = write_header(byte_of(version), Code::get_measurement_log);
    append_little_endian(message, request.offset);
    append_little_endian(message, request.length);
    return message;
}

Bytes write_respond_if_ready(SpdmVersion version, std::uint8_t request_code, std::uint8_t token) {
    return write_header(byte_of(version), Code::respond_if_ready, request_code, token);
}

Bytes write_chunk_get(SpdmVersion version, std::uint8_t handle, std::uint32_t number) {
    auto message = write_header(byte_of(version), Code::chunk_get, 0, handle);
    if (version >= SpdmVersion::v1_4) {
        append_little_endian(message, number);
    } else {
        append_little_endian(message, static_cast<std::uint16_t>(number));
    }
    return message;
}

std::expected<SpdmCapabilities, SpdmError> take_capabilities(ByteReader &from, SpdmVersion version, Code code) {
    if (auto header = expect_header(from, byte_of(version), code); !header) return std::unexpected(std::move(header.error()));
    SpdmCapabilities capabilities;
    (void)from.u8();  // reserved
    capabilities.crypto_time_exponent = from.u8();
    (void)from.u16();  // reserved
    capabilities.flags = from.u32();
    if (version >= SpdmVersion::v1_2) {
        capabilities.data_transfer_size = from.u32();
        capabilities.max_message_size = from.u32();
    }
    if (!from.ok()) return malformed(code, "it ends before its last field");
    return capabilities;
}

bool take_structures(ByteReader &from, std::size_t count, AlgorithmStructures &into) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto type = from.u8();
        const auto form = from.u8();
        const auto bits = from.u16();
        if (!from.ok() || form != two_bytes) return false;
        for (const auto &known : structure_types) {
            if (known.type == type) into.*known.bits = bits;
        }
    }
    return true;
}

std::expected<void, SpdmError> take_get_version(ByteReader &from) {
    if (auto header = expect_header(from, version_1_0, Code::get_version); !header) return std::unexpected(std::move(header.error()));
    return {};
}

std::expected<SpdmCapabilities, SpdmError> take_get_capabilities(ByteReader &from, SpdmVersion version) {
    return take_capabilities(from, version, Code::get_capabilities);
}

std::expected<AlgorithmsRequest, SpdmError> take_negotiate_algorithms(ByteReader &from, SpdmVersion version) {
    constexpr auto code = Code::negotiate_algorithms;
    const auto header = expect_header(from, byte_of(version), code);
    if (!header) return std::unexpected(header.error());
    AlgorithmsRequest request;
    const auto length = from.u16();
    request.measurement_specification = from.u8();
    request.other_parameters = from.u8();
    request.base_asym = from.u32();
    request.base_hash = from.u32();
    (void)from.take(12);
    const auto extended = from.u16();
    (void)from.u8();
    request.log_specification = from.u8();
    AlgorithmStructures structures;
    if (!from.ok() || !take_structures(from, header->param1, structures) || extended != 0 ||
        length != negotiate_algorithms_fixed_size + std::size_t{4} * header->param1)
        return malformed(code, "its length, or its algorithm structures, are not what this library asks for");
    request.dhe = structures.dhe;
    request.aead = structures.aead;
    request.requester_asym = structures.requester_asym;
    request.key_schedule = structures.key_schedule;
    return request;
}

std::expected<void, SpdmError> take_get_digests(ByteReader &from, SpdmVersion version) {
    if (auto header = expect_header(from, byte_of(version), Code::get_digests); !header) return std::unexpected(std::move(header.error()));
    return {};
}

std::expected<CertificateRequest, SpdmError> take_get_certificate(ByteReader &from, SpdmVersion version) {
    const auto header = expect_header(from, byte_of(version), Code::get_certificate);
    if (!header) return std::unexpected(header.error());
    const CertificateRequest request{
        .slot = static_cast<std::uint8_t>(header->param1 & slot_mask), .offset = from.u16(), .length = from.u16()};
    if (!from.ok()) return malformed(Code::get_certificate, "it ends before its last field");
    return request;
}

std::expected<ChallengeRequest, SpdmError> take_challenge(ByteReader &from, SpdmVersion version) {
    const auto header = expect_header(from, byte_of(version), Code::challenge);
    if (!header) return std::unexpected(header.error());
    ChallengeRequest request{.slot = header->param1, .summary = header->param2};
    request.nonce = array_of<SpdmNonce>(from.take(spdm_nonce_size));
    if (has_context(version)) request.context = array_of<SpdmContext>(from.take(spdm_context_size));
    if (!from.ok()) return malformed(Code::challenge, "it ends before its last field");
    return request;
}

std::expected<MeasurementsRequest, SpdmError> take_get_measurements(ByteReader &from, SpdmVersion version) {
    const auto header = expect_header(from, byte_of(version), Code::get_measurements);
    if (!header) return std::unexpected(header.error());
    MeasurementsRequest request{.attributes = header->param1, .operation = header->param2};
    if (request.is_signed()) {
        request.nonce = array_of<SpdmNonce>(from.take(spdm_nonce_size));
        request.slot = from.u8() & slot_mask;
    }
    if (has_context(version)) request.context = array_of<SpdmContext>(from.take(spdm_context_size));
    if (!from.ok()) return malformed(Code::get_measurements, "it ends before its last field");
    return request;
}

std::expected<LogRequest, SpdmError> take_get_measurement_log(ByteReader &from, SpdmVersion version) {
    const auto header = expect_header(from, byte_of(version), Code::get_measurement_log);
    if (!header) return std::unexpected(header.error());
    const LogRequest request{.offset = from.u32(), .length = from.u32()};
    if (!from.ok()) return malformed(Code::get_measurement_log, "it ends before its last field");
    return request;
}

}  // namespace mr::spdm
