// What dstack hashes of an event of its own (type 0x08000001). It has had two rules: the event's member "version" says which.
#pragma once

#include <string_view>

#include "mr/bytes.h"

namespace mr::event_log {

inline constexpr std::string_view dstack_rule_1 = "type, name and payload";
inline constexpr std::string_view dstack_rule_2 = "canonical JSON of name, payload and type";

// Type u32 little-endian, ':', name, ':', payload.
Bytes dstack_preimage_1(std::string_view name, ByteView payload);

// {"name":NAME,"payload":HEX,"type":134217729}, as RFC 8785 writes it. Precondition: the name is UTF-8.
Bytes dstack_preimage_2(std::string_view name, ByteView payload);

}  // namespace mr::event_log
