// The certificates behind a quote: what is in them. Whether they are trusted verify_quote() says. In mr::verify.
//
// Sources: RFC 5280; Intel SGX PCK Certificate and Certificate Revocation List Profile Specification; AMD 57230, "Versioned Chip Endorsement Key Certificate and KDS
// Interface Specification".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"

namespace mr {

// Seconds since the epoch.
using UnixTime = std::int64_t;

inline constexpr std::size_t max_pem_size = std::size_t{64} * 1024;  // bytes of text; a quote's chain has 4 thousand
inline constexpr std::size_t max_pem_certificates = 8;               // in one text; a quote's chain has three

inline constexpr std::size_t tcb_component_count = 16;

struct PckConfiguration {
    bool dynamic_platform = false;
    bool cached_keys = false;
    bool smt_enabled = false;
    friend bool operator==(const PckConfiguration &, const PckConfiguration &) = default;
};

// The extension 1.2.840.113741.1.13.1 of a PCK certificate: which platform it is, and the security versions that Intel certified it with. Byte strings are as
// they stand there.
struct PckExtension {
    std::array<std::uint8_t, 16> ppid{};
    std::array<std::uint8_t, tcb_component_count> tcb_components{};
    std::uint16_t pce_svn = 0;
    std::array<std::uint8_t, 16> cpu_svn{};
    std::array<std::uint8_t, 2> pce_id{};
    std::array<std::uint8_t, 6> fmspc{};  // family, model, stepping, platform type, custom SKU: what a TCB info is published for
    std::uint8_t sgx_type = 0;            // 0 standard, 1 scalable, 2 scalable with integrity
    // Of certificates that the Platform CA issued; those of the Processor CA end before.
    std::optional<std::array<std::uint8_t, 16>> platform_instance_id;
    std::optional<PckConfiguration> configuration;
    friend bool operator==(const PckExtension &, const PckExtension &) = default;
};

// The extension's value, DER. Strict: every member, in the order of the specification, in the one form that DER has. Error: malformed.
std::expected<PckExtension, Error> decode_pck_extension(ByteView extension);

// The extensions 1.3.6.1.4.1.3704.1 of AMD's VCEK and VLEK certificates: which chip, or which cloud provider, signs with the key, and for which TCB it is made.
struct SnpKeyExtensions {
    std::uint32_t struct_version = 0;
    std::string product_name;              // "Milan-B0", "Genoa"
    std::optional<std::uint8_t> fmc = {};  // the security versions of the TCB; this one of Turin alone
    std::uint8_t bootloader = 0;
    std::uint8_t tee = 0;
    std::uint8_t snp = 0;
    std::uint8_t microcode = 0;
    Bytes hardware_id = {};   // of a VCEK: 64 bytes, on Turin 8
    std::string csp_id = {};  // of a VLEK
    friend bool operator==(const SnpKeyExtensions &, const SnpKeyExtensions &) = default;
};

struct CertificateDescription {
    std::string subject;  // "CN=Intel SGX Root CA, O=Intel Corporation, ..."
    std::string issuer;
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    Bytes serial;        // big-endian, without leading zeros
    Digest fingerprint;  // SHA-256 of the certificate
    bool is_authority = false;
    std::optional<PckExtension> pck;
    std::optional<SnpKeyExtensions> snp;
};

// Of one certificate, DER. Error: malformed, also for a certificate of another kind than those behind quotes and of devices: X.509 version 3, signed by ECDSA P-256 with SHA-256,
// ECDSA P-384 with SHA-384 or RSASSA-PSS with SHA-384.
std::expected<CertificateDescription, Error> describe_certificate(ByteView der);

// The certificates of a PEM text as DER, in its order; there is at least one. Strict, for what a peer sent: nothing but certificates, line ends and spaces
// between them. Error: malformed. Looks at the armour, not into the certificates.
std::expected<std::vector<Bytes>, Error> decode_pem_certificates(std::string_view text);

// The same for a file that a person keeps (RFC 7468, sections 2 and 5.2): text before, between and behind the certificates is passed over, and so are
// blocks of other kinds, blanks at the lines' ends, empty lines and a byte-order mark. Also DER, one certificate or several one after the other, with
// blanks behind. A certificate begins where a line does: one that is commented out is text. Error: malformed, also for a certificate without an end.
std::expected<std::vector<Bytes>, Error> find_certificates(ByteView file);
inline constexpr std::size_t max_certificate_file_size = std::size_t{1} << 20;  // bytes
inline constexpr std::size_t max_certificates_in_file = 256;

// A list of revoked certificates.
struct CrlDescription {
    std::string issuer;
    UnixTime this_update = 0;
    UnixTime next_update = 0;
    std::vector<Bytes> revoked;  // serial numbers, big-endian
};

// Of one list, DER. Error: malformed, also for one of another kind than those of the makers of hardware: X.509 version 2, signed by ECDSA P-256 with SHA-256 or RSASSA-PSS with
// SHA-384.
std::expected<CrlDescription, Error> describe_crl(ByteView der);

// The lists in a file that a person keeps: PEM with any text around, or one as DER. None: it has none. Error: malformed. Looks at the armour, not into the lists.
std::expected<std::vector<Bytes>, Error> find_crls(ByteView file);

// A key that signs what platforms say of themselves where no certificate vouches for it: of an Arm CCA platform the key of its instance (CPAK).
struct PlatformKey {
    Bytes key;                                    // x || y, big-endian, of P-256 (64 bytes) or P-384 (96)
    std::optional<Bytes> instance_id = {};        // whose it is; nothing: of any that it has signed for
    std::optional<Bytes> implementation_id = {};  // of what make that instance is; nothing: of any
    friend bool operator==(const PlatformKey &, const PlatformKey &) = default;
};

// What a caller trusts. Root certificates, DER: whatever they are called, a chain must end at one of them byte for byte. Platform keys.
struct TrustAnchors {
    std::vector<Bytes> roots;
    std::vector<PlatformKey> platform_keys = {};
};

// A file of them, in one of these forms:
//
//   PEM or DER   certificates, as find_certificates() reads them, each a root; a PEM text may have public keys (SubjectPublicKeyInfo) beside them, each a
//                platform key
//   JSON         platform keys: an array of objects with "pkey", a JWK (RFC 7517; kty "EC", crv "P-256" or "P-384", x, y; other members are passed over),
//                and, in hex, "instance-id" and "implementation-id", which may be absent; or one JWK by itself
//
// Error: malformed, also for a key that is no point of its curve.
std::expected<TrustAnchors, Error> parse_trust_anchors(ByteView file);
inline constexpr std::size_t max_platform_keys = 4096;  // in one file

}  // namespace mr
