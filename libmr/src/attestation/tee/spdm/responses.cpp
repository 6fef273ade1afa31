#include "libmr/src/attestation/tee/spdm/responses.h"

#include <algorithm>
#include <bit>
#include <string>

namespace mr::spdm {
namespace {

constexpr std::uint8_t slot_bits = 0x0F;
constexpr std::uint8_t content_changed_bits = 0x30;
constexpr std::size_t algorithms_fixed_size = 36;  // of ALGORITHMS, without algorithm structures

std::expected<ByteView, SpdmError> take_opaque(ByteReader &from, Code code) {
    const auto size = from.u16();
    if (size > max_spdm_opaque)
        return fault(SpdmFault::too_large, code_text(byte_of(code)) + ": opaque data of " + std::to_string(size) + " bytes, above " +
                                               std::to_string(max_spdm_opaque));
    const auto opaque = from.take(size);
    if (!from.ok()) return malformed(code, "it ends inside its opaque data");
    return opaque;
}

std::expected<void, SpdmError> take_context(ByteReader &from, SpdmVersion version, Code code, const SpdmContext &expected) {
    if (version < SpdmVersion::v1_3) return {};
    const auto context = from.take(spdm_context_size);
    if (!from.ok()) return malformed(code, "it ends inside its requester context");
    if (!std::ranges::equal(context, expected))
        return fault(SpdmFault::wrong_context, code_text(byte_of(code)) + ": the requester context is another than the request's");
    return {};
}

template <typename Bits>
bool is_one_of(Bits selected, Bits offered) {
    return std::has_single_bit(selected) && (selected & offered) != 0;
}
template <typename Bits>
bool is_none_or_one_of(Bits selected, Bits offered) {
    return selected == 0 || is_one_of(selected, offered);
}

std::expected<void, SpdmError> check_blocks(const MeasurementsResponse &response, const MeasurementsRequest &request) {
    const auto &blocks = response.blocks;
    if (request.operation == spdm_measurement_count) {
        if (!blocks.empty()) return fault(SpdmFault::wrong_measurements, "MEASUREMENTS has blocks, and only their number was asked for");
    } else if (request.operation != spdm_measurement_all) {
        if (blocks.size() != 1 || blocks.front().index != request.operation)
            return fault(SpdmFault::wrong_measurements,
                         "MEASUREMENTS does not have the one block of index " + std::to_string(request.operation) + " that was asked for");
    } else if (blocks.empty()) {
        return fault(SpdmFault::wrong_measurements, "MEASUREMENTS has no block, and all were asked for");
    }
    return {};
}

}  // namespace

std::optional<Agreed> agreed_of(SpdmVersion version, const SpdmAlgorithms &algorithms) {
    const auto hash = spdm_base_hash(algorithms.base_hash);
    if (!hash) return std::nullopt;
    return Agreed{.version = version,
                  .hash_size = digest_size(*hash),
                  .signature_size = spdm_signature_size(algorithms.base_asym),
                  .is_multi_key = version >= SpdmVersion::v1_3 && algorithms.is_multi_key()};
}

std::expected<std::vector<std::uint16_t>, SpdmError> take_version(ByteReader &from) {
    if (auto header = expect_header(from, version_1_0, Code::version); !header) return std::unexpected(std::move(header.error()));
    (void)from.u8();  // reserved
    const auto count = from.u8();
    std::vector<std::uint16_t> entries;
    entries.reserve(count);
    for (unsigned i = 0; i < count; ++i) entries.push_back(from.u16());
    if (!from.ok()) return malformed(Code::version, "it ends before the last of its " + std::to_string(count) + " entries");
    return entries;
}

std::expected<SpdmCapabilities, SpdmError> take_capabilities_response(ByteReader &from, SpdmVersion version) {
    auto capabilities = take_capabilities(from, version, Code::capabilities);
    if (!capabilities) return capabilities;
    if (auto defect = spdm_capabilities_defect(*capabilities, version))
        return fault(SpdmFault::illegal_capabilities, "the device's capabilities are illegal: " + *defect);
    return capabilities;
}

std::expected<SpdmAlgorithms, SpdmError> take_algorithms(ByteReader &from, SpdmVersion version) {
    const auto header = expect_header(from, byte_of(version), Code::algorithms);
    if (!header) return std::unexpected(header.error());
    SpdmAlgorithms selected;
    const auto length = from.u16();
    selected.measurement_specification = from.u8();
    selected.other_parameters = from.u8();
    selected.measurement_hash = from.u32();
    selected.base_asym = from.u32();
    selected.base_hash = from.u32();
    (void)from.take(11);
    selected.log_specification = from.u8();
    const auto extended = from.u16();
    (void)from.u16();
    AlgorithmStructures structures;
    if (!from.ok()) return malformed(Code::algorithms, "it ends before its last field");
    if (!take_structures(from, header->param1, structures))
        return malformed(Code::algorithms, "an algorithm structure is not of two bytes, or not there");
    if (extended != 0) return malformed(Code::algorithms, "it selects extended algorithms, which were not offered");
    if (length != algorithms_fixed_size + std::size_t{4} * header->param1)
        return malformed(Code::algorithms, "its length is not that of its fields");
    selected.dhe = structures.dhe;
    selected.aead = structures.aead;
    selected.requester_asym = structures.requester_asym;
    selected.key_schedule = structures.key_schedule;
    return selected;
}

std::expected<void, SpdmError> check_algorithms(const SpdmAlgorithms &selected, const AlgorithmsRequest &offered,
                                                const SpdmCapabilities &capabilities) {
    const auto none = [](const char *what) {
        return fault(SpdmFault::no_common_algorithm, std::string("ALGORITHMS: ") + what + " is none of those that were offered");
    };
    const bool measures = capabilities.has(spdm_cap_meas);
    const bool has_identity = capabilities.has(spdm_cap_cert | spdm_cap_public_key_id);
    if (has_identity && (!is_one_of(selected.base_asym, offered.base_asym) || spdm_signature_size(selected.base_asym) == 0))
        return none("the asymmetric algorithm");
    if (!is_one_of(selected.base_hash, offered.base_hash) || !spdm_base_hash(selected.base_hash)) return none("the hash");
    if (measures && !is_one_of(selected.measurement_specification, offered.measurement_specification))
        return none("the measurement specification");
    if (measures && !std::has_single_bit(selected.measurement_hash)) return none("the measurement hash");
    if (!is_none_or_one_of(selected.log_specification, offered.log_specification)) return none("the log's specification");
    if ((selected.other_parameters & ~offered.other_parameters) != 0) return none("the opaque data's format, or the multi-key connection,");
    if (selected.is_multi_key() && !capabilities.has(spdm_cap_multi_key))
        return none("a multi-key connection, of a device without MULTI_KEY,");
    if (!is_none_or_one_of(selected.dhe, offered.dhe) || !is_none_or_one_of(selected.aead, offered.aead) ||
        !is_none_or_one_of(selected.requester_asym, offered.requester_asym) ||
        !is_none_or_one_of(selected.key_schedule, offered.key_schedule))
        return none("an algorithm for sessions");
    return {};
}

std::expected<SpdmDigests, SpdmError> take_digests(ByteReader &from, const Agreed &agreed) {
    const auto header = expect_header(from, byte_of(agreed.version), Code::digests);
    if (!header) return std::unexpected(header.error());
    SpdmDigests digests;
    digests.mask = header->param2;
    digests.supported_mask = agreed.version >= SpdmVersion::v1_3 ? header->param1 : digests.mask;
    if ((digests.mask & ~digests.supported_mask) != 0)
        return malformed(Code::digests, "a slot has certificates that is none of the supported ones");
    for (std::uint8_t number = 0; number < spdm_slots; ++number) {
        if ((digests.mask >> number & 1U) == 0) continue;
        digests.slots.push_back({.number = number, .digest = Digest(from.take(agreed.hash_size))});
    }
    if (agreed.is_multi_key) {
        for (auto &slot : digests.slots) slot.key.emplace().key_pair = from.u8();
        for (auto &slot : digests.slots) slot.key->certificate_info = from.u8();
        for (auto &slot : digests.slots) slot.key->usage = from.u16();
    }
    if (!from.ok()) return malformed(Code::digests, "it ends before what it has for its last slot");
    return digests;
}

std::expected<CertificatePortion, SpdmError> take_certificate(ByteReader &from, const Agreed &agreed) {
    const auto header = expect_header(from, byte_of(agreed.version), Code::certificate);
    if (!header) return std::unexpected(header.error());
    CertificatePortion read;
    read.slot = header->param1 & slot_bits;
    const auto size = from.u16();
    read.remainder = from.u16();
    read.portion = from.take(size);
    if (!from.ok()) return malformed(Code::certificate, "it ends inside its portion");
    return read;
}

std::expected<ChallengeAuth, SpdmError> take_challenge_auth(ByteReader &from, const Agreed &agreed, const ChallengeRequest &request,
                                                            Signature signature) {
    constexpr auto code = Code::challenge_auth;
    const auto header = expect_header(from, byte_of(agreed.version), code);
    if (!header) return std::unexpected(header.error());
    ChallengeAuth read;
    read.slot = header->param1 & slot_bits;
    read.slot_mask = header->param2;
    read.chain_digest = from.take(agreed.hash_size);
    read.nonce = array_of<SpdmNonce>(from.take(spdm_nonce_size));
    if (request.summary != static_cast<std::uint8_t>(SpdmSummary::none)) read.summary = from.take(agreed.hash_size);
    if (!from.ok()) return malformed(code, "it ends before its opaque data");
    if (read.slot != request.slot)
        return fault(SpdmFault::unexpected_response, "CHALLENGE_AUTH is of slot " + std::to_string(read.slot) + " where slot " +
                                                         std::to_string(request.slot) + " was asked");
    const auto opaque = take_opaque(from, code);
    if (!opaque) return std::unexpected(opaque.error());
    read.opaque = *opaque;
    if (auto done = take_context(from, agreed.version, code, request.context); !done) return std::unexpected(std::move(done.error()));
    if (signature == Signature::present) read.signature = from.take(agreed.signature_size);
    if (!from.ok()) return malformed(code, "it ends inside its signature");
    return read;
}

std::expected<MeasurementsResponse, SpdmError> take_measurements(ByteReader &from, const Agreed &agreed, const MeasurementsRequest &request,
                                                                 Signature signature) {
    constexpr auto code = Code::measurements;
    const auto header = expect_header(from, byte_of(agreed.version), code);
    if (!header) return std::unexpected(header.error());
    MeasurementsResponse read;
    if (request.operation == spdm_measurement_count) read.count = header->param1;
    if (agreed.version >= SpdmVersion::v1_2) read.content_changed = static_cast<std::uint8_t>((header->param2 & content_changed_bits) >> 4);
    const auto number = from.u8();
    const std::uint32_t low = from.u16();
    const std::uint32_t record_size = low | std::uint32_t{from.u8()} << 16;
    if (record_size > max_spdm_message)
        return fault(SpdmFault::too_large,
                     "MEASUREMENTS: a record of " + std::to_string(record_size) + " bytes, above " + std::to_string(max_spdm_message));
    const auto record = from.take(record_size);
    read.nonce = array_of<SpdmNonce>(from.take(spdm_nonce_size));
    if (!from.ok()) return malformed(code, "it ends before its opaque data");
    auto blocks = parse_spdm_blocks(record);
    if (!blocks) return std::unexpected(std::move(blocks.error()));
    if (blocks->size() != number)
        return malformed(code,
                         "its record has " + std::to_string(blocks->size()) + " blocks where " + std::to_string(number) + " are said");
    read.blocks = std::move(*blocks);
    if (request.is_signed() && (header->param2 & slot_bits) != request.slot)
        return fault(SpdmFault::unexpected_response, "MEASUREMENTS is of slot " + std::to_string(header->param2 & slot_bits) +
                                                         " where slot " + std::to_string(request.slot) + " was asked");
    if (auto done = check_blocks(read, request); !done) return std::unexpected(std::move(done.error()));
    const auto opaque = take_opaque(from, code);
    if (!opaque) return std::unexpected(opaque.error());
    read.opaque = *opaque;
    if (auto done = take_context(from, agreed.version, code, request.context); !done) return std::unexpected(std::move(done.error()));
    if (request.is_signed() && signature == Signature::present) read.signature = from.take(agreed.signature_size);
    if (!from.ok()) return malformed(code, "it ends inside its signature");
    return read;
}

std::expected<LogPortion, SpdmError> take_measurement_log(ByteReader &from, const Agreed &agreed) {
    if (auto header = expect_header(from, byte_of(agreed.version), Code::measurement_log); !header)
        return std::unexpected(std::move(header.error()));
    const auto size = from.u32();
    LogPortion read;
    read.remainder = from.u32();
    read.portion = from.take(size);
    if (!from.ok()) return malformed(Code::measurement_log, "it ends inside its portion");
    return read;
}

std::expected<Chunk, SpdmError> take_chunk(ByteReader &from, SpdmVersion version) {
    const auto header = expect_header(from, byte_of(version), Code::chunk_response);
    if (!header) return std::unexpected(header.error());
    Chunk read;
    read.is_last = (header->param1 & 1U) != 0;
    read.handle = header->param2;
    if (version >= SpdmVersion::v1_4) {
        read.number = from.u32();
    } else {
        read.number = from.u16();
        (void)from.u16();  // reserved
    }
    const auto size = from.u32();
    if (read.number == 0) read.total = from.u32();
    read.bytes = from.take(size);
    if (!from.ok()) return malformed(Code::chunk_response, "it ends inside its bytes");
    return read;
}

}  // namespace mr::spdm
