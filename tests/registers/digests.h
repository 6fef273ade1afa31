// Digests that are easily told apart, and what a register holds that was extended by one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mrd {

inline mr::Digest digest(std::uint8_t byte, std::size_t size = 48) { return mr::Digest(mr::Bytes(size, byte)); }
inline mr::Digest extended(const mr::Digest &old, const mr::Digest &by) {
    return mr::extend(mr::HashAlgorithm::sha384, old.bytes(), by.bytes()).value();
}

}  // namespace mrd
