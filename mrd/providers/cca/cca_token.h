// What a token of Arm's Confidential Compute Architecture says, as far as who asked for it has to know.
//
// Source: draft-ffm-rats-cca-token: a map with the platform's token and the realm's (CBOR tag 399), or the same as records with a media type (907); each is a COSE_Sign1, and the
// realm's claim 10 is the challenge.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>

#include "mr/bytes.h"

namespace mrd {

// Claim 10 of the realm. Error: why it is no token, one sentence.
std::expected<std::array<std::uint8_t, 64>, std::string> read_cca_challenge(mr::ByteView token);

}  // namespace mrd
