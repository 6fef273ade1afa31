// The token of Arm's Confidential Compute Architecture (CCA): what a platform and a realm on it say of themselves, each signed. In mr::verify.
//
// Sources: draft-ffm-rats-cca-token-00 and -03; Realm Management Monitor (RMM) specification, section A7.2; RFC 9052 (COSE), RFC 8392 (CWT); as TF-RMM makes it
// now, draft-ietf-rats-msg-wrap (CMW).
//
//   tag 399   {44234: platform token, 44241: realm token}, each a byte string
//   tag 907   {44234: [263, platform token], 44241: [263, realm token]}: CMW records, 263 is application/eat+cwt
//
// Each token is a COSE_Sign1 (tag 18) with the algorithm (1) in its protected header; a content type (3) and a key's id (4) are passed over in either header, and
// any other number there is refused. What is signed is ["Signature1", protected header, h'', payload]; the signature is r || s, big-endian. The payload is a map of
// claims, in any order. All of it has the shortest heads and definite lengths of deterministic CBOR, each key once; claims that are not named here are passed over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::size_t max_cca_token_size = std::size_t{64} * 1024;  // bytes; real ones have 1 to 3 thousand
inline constexpr std::size_t max_cca_claims = 64;                          // keys of one map
inline constexpr std::size_t max_cca_components = 128;                     // real platforms have 4 to 16; as many devices and boot keys

inline constexpr std::uint64_t cca_token_tag = 399;
inline constexpr std::uint64_t cca_records_tag = 907;

inline constexpr std::size_t cca_challenge_size = 64;
inline constexpr std::size_t cca_instance_id_size = 33;  // the first byte is 0x01
inline constexpr std::size_t cca_implementation_id_size = 32;

// COSE algorithms (IANA).
inline constexpr std::int64_t cose_es256 = -7;   // ECDSA P-256, SHA-256
inline constexpr std::int64_t cose_es384 = -35;  // ECDSA P-384, SHA-384

inline constexpr std::string_view cca_early_profile = "http://arm.com/CCA-SSD/1.0.0";  // of a platform; its realm has none
inline constexpr std::string_view cca_platform_profile = "tag:arm.com,2023:cca_platform#1.0.0";
inline constexpr std::string_view cca_platform_profile_2 = "tag:arm.com,2024:cca_platform#2.0.0";
inline constexpr std::string_view cca_realm_profile = "tag:arm.com,2023:realm#1.0.0";
inline constexpr std::string_view cca_realm_profile_2 = "tag:arm.com,2024:realm#2.0.0";

// Claim 2394 of the second platform profile: the RMM asked for the token (Realm Management Security Domain).
inline constexpr std::int64_t cca_client_rmsd = 1;

// Claim 2395: by its second byte. What stands in the first is the implementation's.
enum class CcaLifecycle : std::uint8_t {
    unknown,
    assembly_and_test,
    provisioning,
    secured,
    platform_debug,              // not of the CCA platform's own trusted part
    recoverable_platform_debug,  // of that part
    decommissioned,
};
std::string_view to_string(CcaLifecycle lifecycle);  // "secured"
// A number that the specification does not have is `unknown`.
CcaLifecycle cca_lifecycle(std::uint64_t claim);

// Views point into the token's bytes, which must outlive all of this.
struct CoseSign1 {
    std::int64_t algorithm = 0;  // whatever it is
    ByteView protected_header;
    ByteView payload;
    ByteView signature;
};
// What the signature is over: Sig_structure (RFC 9052, section 4.4).
Bytes signed_bytes(const CoseSign1 &token);

// A part of the platform's firmware.
struct CcaComponent {
    std::optional<std::string_view> type = {};     // "RSE_BL2"
    ByteView measurement = {};                     // 32, 48 or 64 bytes
    std::optional<std::string_view> version = {};  // "3.4.2"
    ByteView signer_id = {};                       // hash of the key that signed it, 32, 48 or 64 bytes
    std::optional<std::string_view> hash_algorithm = {};
};

// What was added to the platform at run time, as coherent memory; digests have 32, 48 or 64 bytes.
struct CcaDevice {
    std::optional<std::string_view> hash_algorithm = {};  // of the digests; without it the platform's
    ByteView measurements = {};                           // digest of its measurements, request and response
    ByteView certificate_chain = {};                      // digest
    bool uses_ide = false;
    std::string_view protocol = {};                // "spdm-1.2.0"
    std::optional<ByteView> vca = {};              // digest of version, capabilities and algorithms (SPDM)
    std::optional<std::string_view> type = {};     // "cxl-type-3"
    std::optional<std::uint64_t> encryption = {};  // 0 by the host, 1 by the device, 2 none
};

// A key that the platform's trusted boot begins with (ROTPK).
struct CcaBootKey {
    std::string_view name = {};  // "CM", "DM"
    std::int64_t array = 0;      // the active one
    std::int64_t index = 0;      // in it
    ByteView hash = {};          // 32, 48 or 64 bytes
};

struct CcaPlatformClaims {
    std::string_view profile;                      // 265, whatever it is
    ByteView nonce;                                // 10: hash of the realm's key, 32, 48 or 64 bytes
    ByteView implementation_id;                    // 2396
    ByteView instance_id;                          // 256
    ByteView config;                               // 2401
    std::uint64_t lifecycle = 0;                   // 2395
    std::string_view hash_algorithm;               // 2402
    std::vector<CcaComponent> components;          // 2399
    std::optional<std::string_view> service = {};  // 2400: where to verify

    // Of the second profile.
    std::optional<std::int64_t> client_id = {};         // 2394: who asked for the token
    std::optional<ByteView> manufacturing_config = {};  // 2403
    std::vector<CcaDevice> devices = {};                // 2404
    std::vector<CcaBootKey> boot_keys = {};             // 2405
    std::optional<ByteView> peer_signers = {};          // 2406: of other roots of trust, which this one does not speak for
};

struct CcaRealmClaims {
    std::optional<std::string_view> profile = {};  // 265; the early form has none
    ByteView challenge;                            // 10
    ByteView personalization;                      // 44235: 64 bytes, chosen by who started the realm
    std::string_view hash_algorithm;               // 44236: of rim and rem, "sha-256"
    ByteView key;                                  // 44237: the realm's attestation key (RAK), whatever is in it
    std::string_view key_hash_algorithm;           // 44240: of the platform's nonce
    ByteView rim;                                  // 44238: initial measurement, 32, 48 or 64 bytes
    std::array<ByteView, 4> rem;                   // 44239: those that are extended, likewise
    std::optional<ByteView> instance_id = {};      // 256, of the second realm profile as RMM 2.0 has it; the draft has none
    std::optional<std::uint64_t> mec_policy =
        {};  // 44243, likewise: memory encryption context, 0 shared, 1 private (in the draft as words)
};

struct CcaToken {
    std::uint64_t outer_tag = cca_token_tag;
    CoseSign1 platform_token;
    CcaPlatformClaims platform;
    CoseSign1 realm_token;
    CcaRealmClaims realm;

    [[nodiscard]] bool has_records() const { return outer_tag == cca_records_tag; }
};

// Takes the token apart. Error: malformed, naming the byte or the claim. Checks no signature, no profile and no key: an Appraiser does.
std::expected<CcaToken, Error> decode_cca_token(ByteView token);
// Claims without a signature. Error: likewise.
std::expected<CcaRealmClaims, Error> decode_cca_realm_claims(ByteView claims);
std::expected<CcaPlatformClaims, Error> decode_cca_platform_claims(ByteView claims);
// By the outer tag alone.
bool begins_cca_token(ByteView file);

// x || y of the realm's key, P-384: 96 bytes. The claims' profile says in which form it is: without one an uncompressed point
// (04 || x || y), else a COSE_Key (RFC 9053). Error: malformed. Whether it is a point of the curve is not looked at.
std::expected<Bytes, Error> cca_realm_key(const CcaRealmClaims &claims);

// "sha-256", "sha-384" or "sha-512", as tokens name them.
std::optional<HashAlgorithm> cca_hash_algorithm(std::string_view name);

}  // namespace mr
