// ECDSA over P-256 with SHA-256: the one kind of signature that quotes and Intel's certificates use.
#pragma once

#include <cstddef>
#include <memory>

#include "mr/bytes.h"

namespace mr::attestation {

inline constexpr std::size_t p256_key_size = 64;        // x || y, big-endian
inline constexpr std::size_t p256_signature_size = 64;  // r || s, big-endian

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

private:
    struct Keys;
    std::unique_ptr<Keys> keys_;
};

}  // namespace mr::attestation
