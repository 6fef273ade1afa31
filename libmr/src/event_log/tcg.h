// What the readers and writers of TCG logs have in common (TCG PC Client Platform Firmware Profile 1.06, section 10). All integers are little-endian.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/bytes.h"
#include "mr/event_log.h"

namespace mr::event_log {

// TCG_PCR_EVENT, the form of TCG 1.2, which the first record of a crypto-agile log has too: index u32, type u32, SHA-1 digest, size u32; then the data.
inline constexpr std::size_t sha1_digest_size = 20;
inline constexpr std::size_t sha1_record_size = 4 + 4 + sha1_digest_size + 4;

// TCG_EfiSpecIDEvent begins with it: "Spec ID Event03" and a NUL.
inline constexpr std::array<std::uint8_t, 16> spec_id_signature = {'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ',
                                                                   'E', 'v', 'e', 'n', 't', '0', '3', 0};

// Does the file begin as a crypto-agile log does? Says nothing of the rest of its header.
inline bool has_spec_id(ByteView file) {
    return file.size() >= sha1_record_size + spec_id_signature.size() && little_endian<std::uint32_t>(file.subspan(4)) == ev_no_action &&
           std::ranges::equal(file.subspan(sha1_record_size, spec_id_signature.size()), spec_id_signature);
}

}  // namespace mr::event_log
