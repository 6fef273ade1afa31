// Certificates and CRLs taken apart: X.509 version 3 and CRL version 2, signed by ECDSA P-256 with SHA-256 (Intel's), RSASSA-PSS with SHA-384 (AMD's) or, of
// certificates, ECDSA P-384 with SHA-384 (devices'), nothing that is critical and unknown. OpenSSL's own reader takes several times as long as checking an ECDSA signature does, and accepts more than one encoding.
//
// Everything is a view into the DER, which must outlive it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "mr/bytes.h"
#include "mr/certificate.h"

namespace mr::attestation {

inline constexpr std::size_t max_extensions = 16;  // of one certificate; Intel's have five and six, AMD's up to eleven
inline constexpr std::size_t max_purposes = 16;    // of an extended key usage

enum class SignatureAlgorithm : std::uint8_t {
    ecdsa_p256_sha256,
    ecdsa_p384_sha384,
    rsa_pss_sha384
};  // of the last with MGF1 of SHA-384 and a salt of 48 bytes
enum class KeyKind : std::uint8_t { p256, p384, rsa };

// Bits of the key usage extension, by their number in RFC 5280.
inline constexpr unsigned usage_digital_signature = 0;
inline constexpr unsigned usage_certificate_sign = 5;
inline constexpr unsigned usage_crl_sign = 6;

struct CertificateExtension {
    ByteView identifier;  // DER, without tag and length
    ByteView value;
};

struct Certificate {
    ByteView der;
    SignatureAlgorithm algorithm = SignatureAlgorithm::ecdsa_p256_sha256;
    ByteView signed_part;
    ByteView serial;  // without a leading zero
    ByteView issuer;  // the name as it stands there, to be compared byte for byte
    ByteView subject;
    std::string_view common_name;  // of the subject
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    KeyKind key_kind = KeyKind::p256;
    ByteView key;     // x || y, or RSAPublicKey in DER
    Bytes signature;  // r || s, or RSA's as it stands there

    std::size_t extensions = 0;
    std::vector<CertificateExtension> other_extensions;  // that are not named here
    std::optional<ByteView> authority_key_id;
    std::optional<ByteView> subject_key_id;
    bool has_crl_distribution_points = false;
    std::optional<std::uint16_t> key_usage;  // bit n is RFC 5280's bit n
    std::optional<bool> is_authority;        // of basic constraints
    std::optional<std::uint64_t>
        path_length;  // likewise: how many authorities may follow at most; for who checks chains of no fixed length
    std::optional<ByteView> pck_extension;
    std::optional<std::vector<std::string>> purposes;  // of the extended key usage, as "1.3.6.1.5.5.7.3.1"

    [[nodiscard]] bool may(unsigned usage) const { return key_usage && ((*key_usage >> usage) & 1U) != 0; }
};

// Devices' certificates have a critical extended key usage, and whoever checks their chains looks at it; elsewhere it would be a restriction that nobody looks at.
enum class CriticalPurposes : std::uint8_t { refused, read };

// What was wrong, without the certificate: for a message.
std::expected<Certificate, std::string> parse_certificate(ByteView der, CriticalPurposes purposes = CriticalPurposes::refused);

// Of ECDSA (Intel's) it has a number and its issuer's key identifier.
struct Crl {
    ByteView signed_part;
    ByteView issuer;
    UnixTime this_update = 0;
    UnixTime next_update = 0;
    ByteView entries;
    std::optional<ByteView> authority_key_id;
    bool has_number = false;
    SignatureAlgorithm algorithm = SignatureAlgorithm::ecdsa_p256_sha256;
    Bytes signature;

    [[nodiscard]] bool revokes(ByteView serial) const;
};
std::expected<Crl, std::string> parse_crl(ByteView der);

// "CN=Intel SGX Root CA, O=Intel Corporation"
std::string name_text(ByteView name);

}  // namespace mr::attestation
