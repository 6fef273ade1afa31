// ECDSA over P-256 with SHA-256 and over P-384 with SHA-384 (FIPS 186-5): the kinds of signatures that quotes, reports and tokens have. A key's size says which.
#pragma once

#include <cstddef>
#include <memory>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mr::attestation {

inline constexpr std::size_t p256_key_size = 64;        // x || y, big-endian
inline constexpr std::size_t p256_signature_size = 64;  // r || s, big-endian
inline constexpr std::size_t p384_key_size = 96;        // likewise
inline constexpr std::size_t p384_signature_size = 96;

// x || y is a point of the curve of that size.
bool is_curve_point(ByteView key);

// Checks the signatures of one verification. The same keys come up again (a quote with its collateral has nine signatures of five keys), and loading one costs a
// tenth of a check: each is loaded once, and the last `max_kept_keys` are kept.
class SignatureChecker {
public:
    SignatureChecker();
    SignatureChecker(const SignatureChecker &) = delete;
    SignatureChecker &operator=(const SignatureChecker &) = delete;
    ~SignatureChecker();

    // Did the key sign the message? False too for a key that is no point of the curve, and for sizes other than above.
    bool verify(ByteView key, ByteView message, ByteView signature);
    // The same with another hash than the curve's own.
    bool verify(ByteView key, HashAlgorithm hash, ByteView message, ByteView signature);

private:
    struct Keys;
    std::unique_ptr<Keys> keys_;
};

}  // namespace mr::attestation
