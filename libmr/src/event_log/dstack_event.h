// What dstack hashes of an event of its own (type 0x08000001). It has had two rules: the event's member "version" says which.
#pragma once

#include <optional>
#include <string_view>

#include "mr/bytes.h"

namespace mr::event_log {

inline constexpr std::string_view dstack_rule_1 = "type, name and payload";
inline constexpr std::string_view dstack_rule_2 = "canonical JSON of name, payload and type";

// Type u32 little-endian, ':', name, ':', payload.
Bytes dstack_preimage_1(std::string_view name, ByteView payload);

// {"name":NAME,"payload":HEX,"type":134217729}, as RFC 8785 writes it. Precondition: the name is UTF-8.
Bytes dstack_preimage_2(std::string_view name, ByteView payload);

// The payload of an event with that name, if these bytes are what is hashed of it, by either rule. Where names have colons, bytes of the first rule can be
// read as several names.
std::optional<Bytes> dstack_payload(ByteView hashed, std::string_view name);

// Are these bytes what is hashed of some event with that payload?
bool is_of_dstack_payload(ByteView hashed, ByteView payload);

}  // namespace mr::event_log
