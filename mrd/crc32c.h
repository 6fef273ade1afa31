// CRC-32C (Castagnoli; RFC 3720, appendix B.4), the checksum of mrd's own files. It finds accidents, not forgers.
#pragma once

#include <cstdint>

#include "mr/bytes.h"

namespace mrd {

// crc32c(b, crc32c(a)) is the checksum of a followed by b.
std::uint32_t crc32c(mr::ByteView bytes, std::uint32_t so_far = 0);

// The two ways to compute it, for their test: crc32c() takes the processor's instruction where there is one.
namespace crc32c_ways {
bool hardware_available();
std::uint32_t hardware(mr::ByteView bytes, std::uint32_t so_far = 0);  // precondition: hardware_available()
std::uint32_t portable(mr::ByteView bytes, std::uint32_t so_far = 0);
}  // namespace crc32c_ways

}  // namespace mrd
