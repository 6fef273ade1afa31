// What mrd measures when somebody accepts a device (io.mrd.Devices.Accept): an envelope (mr/envelope.h) whose data is one JSON object without blanks. Who accepted it is the
// event's caller.
//
//   device      the name that mrd's configuration gives it
//   leaf        digest of the leaf certificate of the slot that signs, base hash, "sha384:HEX"
//   slot        its number
//   generation  of the device when it was accepted: of that one alone the verdict is
//   policy      digest of the policy that it was judged by, as who accepted it gave it, "sha384:HEX"
#pragma once

#include <string_view>

namespace mr {

// The envelope's type. mrd alone builds envelopes, and gives nobody else's this type.
inline constexpr std::string_view device_envelope_type = "device";

}  // namespace mr
