// What the measurement blocks of a device must be: reference values by index and type, as a relying party writes them (mr/verify_spdm.h) or a maker publishes
// them (mr/corim.h). Never a set of digests, of which any block may have any: a device with two blocks swapped is another device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/spdm.h"

namespace mr {

struct MaskedValue {
    Bytes value;
    Bytes mask = {};  // bits that must be as in the value; empty: all of them. Else of the value's size
    friend bool operator==(const MaskedValue &, const MaskedValue &) = default;
};

// One block. Of each kind of value that is named, one of those listed; at least one is named.
struct BlockReference {
    std::uint8_t index = 0;                 // 1 to 254
    std::optional<std::uint8_t> type = {};  // SpdmBlockType; nothing: any that has such a value
    std::vector<ContentDigest> digests = {};
    std::vector<MaskedValue> raw = {};
    std::vector<std::string> versions = {};         // of a block of the type version, raw
    std::optional<std::uint64_t> svn = {};          // of a block of the type security_version, raw: this one
    std::optional<std::uint64_t> minimum_svn = {};  // of such a block: this or a higher one
    friend bool operator==(const BlockReference &, const BlockReference &) = default;
};

// What one device is made of, all of which must be so. Of references to one index any may be the one.
struct DeviceReferenceSet {
    std::string name;
    std::vector<BlockReference> blocks = {};
    friend bool operator==(const DeviceReferenceSet &, const DeviceReferenceSet &) = default;
};

// What makes the block another one than the reference means; empty: nothing. `hash`: that of digests, as negotiated. A minimum SVN is compared only if asked for:
// a block with a lower one is the right block, of a device that is out of date.
std::string block_defect(const SpdmBlock &block, const BlockReference &reference, std::optional<HashAlgorithm> hash, bool with_svn);

}  // namespace mr
