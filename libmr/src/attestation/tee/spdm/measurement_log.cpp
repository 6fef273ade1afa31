// The measurement extension log (DSP0274 1.3, "Measurement extension log").
#include <algorithm>
#include <set>
#include <string>

#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm.h"

namespace mr {
namespace {

using spdm::ByteReader;
using spdm::raw_bit;

constexpr std::size_t entry_header_size = 11;

std::unexpected<SpdmError> malformed_log(const std::string &what) {
    return spdm::fault(SpdmFault::malformed, "measurement extension log: " + what);
}

}  // namespace

std::expected<std::vector<SpdmLogEntry>, SpdmError> parse_spdm_measurement_log(ByteView log) {
    if (log.size() > max_spdm_measurement_log)
        return spdm::fault(SpdmFault::too_large, "the measurement extension log has " + std::to_string(log.size()) + " bytes, above " +
                                                     std::to_string(max_spdm_measurement_log));
    ByteReader from(log);
    const auto count = from.u32();
    const auto length = from.u32();
    (void)from.u64();  // reserved
    if (!from.ok()) return malformed_log("it ends inside its header");
    if (count > max_spdm_log_entries)
        return spdm::fault(SpdmFault::too_large, "the measurement extension log has " + std::to_string(count) + " entries, above " +
                                                     std::to_string(max_spdm_log_entries));
    if (length != from.rest().size())
        return malformed_log("its entries have " + std::to_string(from.rest().size()) + " bytes where its header says " +
                             std::to_string(length));
    std::vector<SpdmLogEntry> entries;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto begin = from.rest();
        SpdmLogEntry entry;
        entry.number = from.u32();
        entry.index = from.u8();
        (void)from.take(3);  // reserved
        const auto type = from.u8();
        entry.type = type & static_cast<std::uint8_t>(~raw_bit);
        entry.is_raw = (type & raw_bit) != 0;
        const auto size = from.u16();
        entry.value = from.take(size);
        if (!from.ok()) return malformed_log("it ends inside entry " + std::to_string(i + 1));
        entry.whole = begin.first(entry_header_size + size);
        entries.push_back(entry);
    }
    if (!from.rest().empty()) return malformed_log("there are bytes behind its last entry");
    return entries;
}

Digest replay_spdm_measurement_log(const std::vector<SpdmLogEntry> &entries, std::uint8_t index, HashAlgorithm measurement_hash) {
    auto value = Digest::zero(measurement_hash);
    auto hasher = Hasher::open(measurement_hash);
    if (!hasher) return value;
    for (const auto &entry : entries) {
        if (entry.index == index) value = hasher->extend(value.bytes(), entry.whole);
    }
    return value;
}

std::expected<void, SpdmError> check_spdm_measurement_log(ByteView log, const std::vector<SpdmBlock> &blocks,
                                                          HashAlgorithm measurement_hash) {
    const auto entries = parse_spdm_measurement_log(log);
    if (!entries) return std::unexpected(entries.error());
    std::set<std::uint8_t> extended;
    for (const auto &entry : *entries) extended.insert(entry.index);
    for (const auto &block : blocks) {
        if (block.type == static_cast<std::uint8_t>(SpdmBlockType::hash_extend)) extended.insert(block.index);
    }
    for (const auto index : extended) {
        const auto block = std::ranges::find(blocks, index, &SpdmBlock::index);
        const auto name = "block " + std::to_string(index);
        if (block == blocks.end() || block->type != static_cast<std::uint8_t>(SpdmBlockType::hash_extend))
            return spdm::fault(SpdmFault::log_mismatch, "the log extends " + name + ", which is no hash-extend block that was measured");
        const auto value = replay_spdm_measurement_log(*entries, index, measurement_hash);
        if (!std::ranges::equal(value.bytes(), block->value))
            return spdm::fault(SpdmFault::log_mismatch, name + " holds another value than the log leads to");
    }
    return {};
}

}  // namespace mr
