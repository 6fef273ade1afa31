#include <algorithm>
#include <string>
#include <utility>

#include "mr/device_reference.h"

namespace mr {
namespace {

std::string type_text(std::uint8_t type, bool is_raw) { return spdm_block_type_text(type) + (is_raw ? ", raw" : ", as a digest"); }

bool is_like(ByteView value, const MaskedValue &wanted) {
    if (value.size() != wanted.value.size()) return false;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const unsigned mask = wanted.mask.empty() ? 0xFFU : wanted.mask[i];
        if (((value[i] ^ wanted.value[i]) & mask) != 0) return false;
    }
    return true;
}

bool is_of(const SpdmBlock &block, SpdmBlockType type) { return block.is_raw && block.type == std::to_underlying(type); }

}  // namespace

std::string block_defect(const SpdmBlock &block, const BlockReference &reference, std::optional<HashAlgorithm> hash, bool with_svn) {
    const auto is = "block " + std::to_string(block.index) + " is " + type_text(block.type, block.is_raw);
    if (reference.type && *reference.type != block.type) return is + ", expected was " + spdm_block_type_text(*reference.type);
    const auto other_value = [&](const std::string &expected, std::size_t others) {
        return "block " + std::to_string(block.index) + " (" + type_text(block.type, block.is_raw) + ") is " + to_hex(block.value) +
               ", expected was " + expected + (others == 0 ? "" : " or one of " + std::to_string(others) + " more");
    };
    if (!reference.digests.empty()) {
        if (block.is_raw) return is + ", expected was a digest";
        const auto is_same = [&](const ContentDigest &each) {
            return hash == each.algorithm && std::ranges::equal(each.value.bytes(), block.value);
        };
        if (!std::ranges::any_of(reference.digests, is_same))
            return other_value(to_string(reference.digests.front()), reference.digests.size() - 1);
    }
    if (!reference.raw.empty()) {
        if (!block.is_raw) return is + ", expected was the value itself";
        if (!std::ranges::any_of(reference.raw, [&](const MaskedValue &each) { return is_like(block.value, each); }))
            return other_value(to_hex(reference.raw.front().value), reference.raw.size() - 1);
    }
    if (!reference.versions.empty()) {
        if (!is_of(block, SpdmBlockType::version)) return is + ", expected was a version";
        if (!std::ranges::any_of(reference.versions,
                                 [&](const std::string &each) { return std::ranges::equal(as_bytes(each), block.value); }))
            return other_value("the version " + reference.versions.front(), reference.versions.size() - 1);
    }
    if (reference.svn || reference.minimum_svn) {
        const auto svn = spdm_security_version(block);
        if (!is_of(block, SpdmBlockType::security_version) || !svn) return is + ", expected was a security version";
        if (reference.svn && *svn != *reference.svn)
            return "block " + std::to_string(block.index) + " has the security version " + std::to_string(*svn) + ", expected was " +
                   std::to_string(*reference.svn);
        if (reference.minimum_svn && with_svn && *svn < *reference.minimum_svn)
            return "block " + std::to_string(block.index) + " has the security version " + std::to_string(*svn) + ", at least " +
                   std::to_string(*reference.minimum_svn) + " is asked for";
    }
    return {};
}

}  // namespace mr
