// What mrd measures of itself (docs/event-log.md, "mrd measures itself"): an envelope (mr/envelope.h) whose data is one JSON object without blanks.
//
//   binary          SHA-384 of the program as it runs, "sha384:HEX"; so is each digest below
//   configuration   of the configuration file's bytes that were parsed at the start; absent: there was no file
//   reloaded        of those that were parsed at the last reload since; absent: none was
//   access          of the access rules as they are judged
//   options         array of texts: the command line's
//   roles           object: of each role that the configuration gives a register, or takes away, the register's name or "none"; absent: it says nothing of roles
#pragma once

#include <string_view>

namespace mr {

// The envelope's type. mrd alone builds envelopes, and gives nobody else's this type.
inline constexpr std::string_view self_envelope_type = "self";

}  // namespace mr
