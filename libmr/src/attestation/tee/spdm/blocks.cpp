// Measurement blocks (DSP0274, "Measurement block").
#include <algorithm>
#include <array>
#include <bitset>

#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm.h"

namespace mr {
namespace {

using spdm::append_little_endian;
using spdm::ByteReader;
using spdm::raw_bit;

constexpr std::uint8_t dmtf_specification = 1;
constexpr std::size_t value_header_size = 3;  // type, value size

constexpr std::array<std::string_view, 11> type_names = {
    "immutable_rom",    "mutable_firmware", "hardware_configuration", "firmware_configuration", "manifest", "device_mode", "version",
    "security_version", "hash_extend",      "informational",          "structured_manifest"};
constexpr std::array<std::string_view, 11> short_type_names = {"rom",     "fw",  "hwconfig",   "fwconfig", "manifest",  "mode",
                                                               "version", "svn", "hashextend", "info",     "structured"};

std::unexpected<SpdmError> malformed_blocks(const std::string &what) { return spdm::malformed(spdm::Code::measurements, what); }

bool is_raw_of(const SpdmBlock &block, SpdmBlockType type, std::size_t size) {
    return block.is_raw && block.type == static_cast<std::uint8_t>(type) && block.value.size() == size;
}

}  // namespace

std::string spdm_block_type_text(std::uint8_t type) {
    return type < type_names.size() ? std::string(type_names.at(type)) : "type " + std::to_string(type);
}

std::string spdm_block_type_name(std::uint8_t type) {
    return type < short_type_names.size() ? std::string(short_type_names.at(type)) : std::to_string(type);
}

std::optional<std::uint8_t> spdm_block_type_from(std::string_view text) {
    for (unsigned number = 0; number < raw_bit; ++number) {
        const auto type = static_cast<std::uint8_t>(number);
        if (spdm_block_type_text(type) == text || spdm_block_type_name(type) == text) return type;
    }
    return std::nullopt;
}

std::string spdm_register_name(std::string_view type, std::uint8_t index) {
    const bool is_number = !type.empty() && type.front() >= '0' && type.front() <= '9';
    return (is_number ? "type" + std::string(type) + "-" : std::string(type)) + std::to_string(index);
}

std::expected<std::vector<SpdmBlock>, SpdmError> parse_spdm_blocks(ByteView record) {
    if (record.size() > max_spdm_message)
        return spdm::fault(SpdmFault::too_large, "the measurement record has " + std::to_string(record.size()) + " bytes, above " +
                                                     std::to_string(max_spdm_message));
    std::vector<SpdmBlock> blocks;
    std::bitset<256> seen;
    ByteReader from(record);
    while (from.ok() && !from.rest().empty()) {
        SpdmBlock block;
        block.index = from.u8();
        const auto specification = from.u8();
        const auto size = from.u16();
        const auto type = from.u8();
        const auto value_size = from.u16();
        block.type = type & static_cast<std::uint8_t>(~raw_bit);
        block.is_raw = (type & raw_bit) != 0;
        block.value = spdm::owned(from.take(value_size));
        const auto name = "the block of index " + std::to_string(block.index);
        if (!from.ok()) return malformed_blocks("the record ends inside " + name);
        if (specification != dmtf_specification)
            return malformed_blocks(name + " is of specification " + std::to_string(specification) + ", not DMTF's");
        if (size != value_size + value_header_size) return malformed_blocks(name + " has two sizes that do not agree");
        // 0 asks for their number, and 0xFF for all of them.
        if (block.index == 0 || block.index == 0xFF) return malformed_blocks("a block has the index " + std::to_string(block.index));
        if (seen[block.index]) return malformed_blocks(name + " is there twice");
        seen[block.index] = true;
        blocks.push_back(std::move(block));
    }
    return blocks;
}

void append_spdm_block(Bytes &record, const SpdmBlock &block) {
    record.push_back(block.index);
    record.push_back(dmtf_specification);
    append_little_endian(record, static_cast<std::uint16_t>(block.value.size() + value_header_size));
    record.push_back(static_cast<std::uint8_t>(block.type | (block.is_raw ? raw_bit : 0)));
    append_little_endian(record, static_cast<std::uint16_t>(block.value.size()));
    spdm::append(record, block.value);
}

std::optional<SpdmDeviceMode> spdm_device_mode(const SpdmBlock &block) {
    if (!is_raw_of(block, SpdmBlockType::device_mode, 16)) return std::nullopt;
    ByteReader from(block.value);
    return SpdmDeviceMode{.modes_possible = from.u32(), .mode = from.u32(), .debug_possible = from.u32(), .debug = from.u32()};
}

std::optional<std::uint64_t> spdm_security_version(const SpdmBlock &block) {
    if (!is_raw_of(block, SpdmBlockType::security_version, 8)) return std::nullopt;
    return spdm::little_endian<std::uint64_t>(block.value);
}

}  // namespace mr
