// Signs by ECDSA P-256 with SHA-256 (FIPS 186-5), with a key that somebody keeps in a file.
#pragma once

#include <expected>
#include <memory>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr::attestation {

class P256Signer {
public:
    // PEM (PKCS #8 or SEC 1) or DER, not encrypted: nobody is asked for a password. Error: malformed.
    static std::expected<P256Signer, Error> open(ByteView private_key);
    P256Signer(P256Signer &&) noexcept;
    P256Signer &operator=(P256Signer &&) noexcept;
    ~P256Signer();

    // r || s, big-endian. Error: not_supported, where this OpenSSL does not sign.
    [[nodiscard]] std::expected<Bytes, Error> sign(ByteView message) const;

private:
    struct Key;
    explicit P256Signer(std::unique_ptr<Key> key);
    std::unique_ptr<Key> key_;
};

}  // namespace mr::attestation
