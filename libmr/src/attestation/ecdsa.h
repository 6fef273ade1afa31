// ECDSA over P-256 with SHA-256: the one kind of signature that quotes and Intel's certificates use.
#pragma once

#include <cstddef>

#include "mr/bytes.h"

namespace mr::attestation {

inline constexpr std::size_t p256_key_size = 64;        // x || y, big-endian
inline constexpr std::size_t p256_signature_size = 64;  // r || s, big-endian

// Did the key sign the message? False too for a key that is no point of the curve, and for sizes other than above.
bool verify_p256(ByteView key, ByteView message, ByteView signature);

}  // namespace mr::attestation
