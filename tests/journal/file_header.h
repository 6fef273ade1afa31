// The first bytes of a journal of any format, right in themselves.
#pragma once

#include "mr/bytes.h"
#include "mrd/crc32c.h"
#include "mrd/journal/format.h"

namespace mrd::journal {

inline mr::Bytes file_header_of(std::uint32_t version) {
    mr::Bytes header(magic.begin(), magic.end());
    const auto put = [&header](std::uint32_t value) {
        for (unsigned shift = 0; shift < 32; shift += 8) header.push_back(static_cast<std::uint8_t>(value >> shift));
    };
    put(version);
    put(crc32c(header));
    return header;
}

}  // namespace mrd::journal
