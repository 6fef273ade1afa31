// RSASSA-PSS with SHA-384, MGF1 of SHA-384 and a salt of 48 bytes (RFC 8017): how AMD's certificates and CRLs are signed.
#pragma once

#include <cstddef>
#include <optional>

#include "mr/bytes.h"

namespace mr::attestation {

// Bytes of a modulus, and of a signature. AMD's have 512; what more would cost to check, nobody asked for.
inline constexpr std::size_t min_rsa_size = 256;
inline constexpr std::size_t max_rsa_size = 512;

struct RsaKey {
    ByteView modulus;  // both big-endian, without leading zeros
    ByteView exponent;
};
// RSAPublicKey (RFC 8017, A.1.1), DER: an odd modulus of a size as above, an odd exponent from 3 to 32 bits. Nothing: it is none.
std::optional<RsaKey> read_rsa_key(ByteView key);

// False too for a key that read_rsa_key() does not take.
bool is_rsa_pss_signed(ByteView key, ByteView message, ByteView signature);

}  // namespace mr::attestation
