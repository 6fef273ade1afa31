// EV_EVENT_TAG: TCG_PCClientTaggedEvent (PC Client Platform Firmware Profile, section 10.4.2.1): tag u32, size u32, content; some logs hold several
// one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "libmr/src/event_log/byte_reader.h"

namespace mr::event_log {

inline constexpr std::uint32_t tag_linux_load_options = 0x8F3B22ED;
inline constexpr std::uint32_t tag_linux_initrd = 0x8F3B22EC;
inline constexpr std::uint32_t tag_attestation_agent = 0x4141454C;  // AAEL, of Confidential Containers

inline constexpr std::size_t tagged_event_header_size = 8;  // tag and size

struct TaggedEvent {
    std::uint32_t tag = 0;
    ByteView content;
};

// Nothing where the bytes end before the content does.
inline std::optional<TaggedEvent> read_tagged_event(ByteReader &reader) {
    const std::uint32_t tag = reader.u32();
    const ByteView content = reader.take(reader.u32());
    if (!reader.ok()) return std::nullopt;
    return TaggedEvent{.tag = tag, .content = content};
}

}  // namespace mr::event_log
