// Any bytes as a manifest of a device's maker: what is read keeps its limits, each reference says something, and nobody's key has signed it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/corim.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    const auto corim = mr::decode_corim(bytes);
    if (!corim) {
        require(!corim.error().message.empty());
        return 0;
    }
    require(mr::begins_corim(bytes));
    require(!corim->sets.empty() && corim->sets.size() <= mr::max_corim_sets);
    std::size_t measurements = 0;
    for (const auto &set : corim->sets) {
        for (const auto &block : set.blocks) {
            ++measurements;
            require(block.index >= 1 && block.index <= 0xFE);
            require(!block.digests.empty() || !block.raw.empty() || !block.versions.empty() || block.svn || block.minimum_svn);
            for (const auto &raw : block.raw) require(raw.mask.empty() || raw.mask.size() == raw.value.size());
            // No block has no value, so that it is as no reference means it but one with an empty value.
            const mr::SpdmBlock nothing{.index = block.index, .type = 0x7F, .is_raw = true, .value = {}};
            require(!block.raw.empty() || !mr::block_defect(nothing, block, mr::HashAlgorithm::sha384, true).empty());
        }
    }
    require(measurements <= mr::max_corim_measurements);
    for (const std::size_t key : {64U, 96U}) require(!mr::check_corim_signature(*corim, mr::Bytes(key, 1)));
    // One byte fewer is no manifest.
    require(!mr::decode_corim(bytes.first(bytes.size() - 1)));
    return 0;
}
