// EAT Attestation Results (EAR): a verdict as other tools take it, a token that the verifier signs. In mr::verify.
//
// Sources: draft-ietf-rats-ear-04; draft-ietf-rats-ar4si (the trustworthiness vector and its values); RFC 7515 (JWS, compact), RFC 7518, section 3.4 (ES256). What
// each statement becomes: docs/verification.md, "As EAR".
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/error.h"
#include "mr/verdict.h"

namespace mr {

inline constexpr std::size_t max_ear_size = std::size_t{256} << 10;  // bytes of a token
inline constexpr std::size_t max_ear_appraisals = 64;
inline constexpr std::size_t max_signing_key_file = std::size_t{16} << 10;  // bytes

inline constexpr std::string_view ear_profile = "tag:ietf.org,2026:rats/ear#04";
// Read, too, of Veraison and of CoCo's Trustee: the names have dots and hyphens then ("ear.trustworthiness-vector").
inline constexpr std::string_view early_ear_profile = "tag:github.com,2023:veraison/ear";
inline constexpr std::string_view trustee_ear_profile = "tag:github.com,2024:confidential-containers/Trustee";

// From good to bad.
enum class EarTier : std::uint8_t { none, affirming, warning, contraindicated };
std::string_view to_string(EarTier tier);  // "affirming"
EarTier ear_tier_of(std::int64_t value);   // of a claim of the vector, -128 to 127; none beyond
// "affirming: approved executables, at boot time" of "executables", 3; of what AR4SI does not name the tier alone.
std::string ear_value_text(std::string_view claim, std::int64_t value);

namespace ear_claim {

inline constexpr std::string_view instance_identity = "instance-identity";
inline constexpr std::string_view configuration = "configuration";
inline constexpr std::string_view executables = "executables";
inline constexpr std::string_view hardware = "hardware";

}  // namespace ear_claim

inline constexpr std::size_t max_unbound_registers_size = std::size_t{64} << 10;  // bytes of the names together
inline constexpr std::string_view more_unbound_registers = "*";

struct EarAppraisal {
    EarTier status = EarTier::none;
    std::map<std::string, std::int64_t, std::less<>> vector = {};  // by the claim's name; what was not judged is left out
    std::vector<std::string> policy_ids = {};
    // mrd's own claim: the judged registers that no signature under a root of the hardware's maker leads to, "PART/NAME", or "NAME" of no part; at the end
    // more_unbound_registers, where there are more than fit.
    std::vector<std::string> unbound_registers = {};
};

struct Ear {
    std::string profile = std::string(ear_profile);
    UnixTime issued_at = 0;  // cut to the second, as the next
    std::optional<UnixTime> expires = {};
    std::string developer = {};  // who made the verifier, and which it is
    std::string build = {};
    std::vector<std::string> nonces = {};                              // as they stand there, base64url
    std::map<std::string, EarAppraisal, std::less<>> appraisals = {};  // "submods", by the attester's name
};

struct EarOptions {
    UnixTime time = 0;  // of the verification
    std::string build = {};
    // The relying party's nonce, 8 to 64 bytes, which sign_ear() checks: in the result where report_data holds, since the evidence is over it.
    std::optional<Bytes> nonce = {};
    // The reference values as they were given: their SHA-256 is the policy's name (RFC 6920, "ni:///sha-256;...").
    std::optional<Bytes> reference = {};
};
// The one attester is called "cpu0": a verdict's statements are about all parts. Its status is the worst of its vector; none instead of affirming, where nonce,
// hardware, configuration or executables were not judged; and contraindicated where the verdict is negative, whatever the vector says.
Ear ear_of(const Verdict &verdict, const EarOptions &options);

// Compact JWS, ES256. `private_key`: of P-256, PEM or DER, not encrypted. Error: malformed, another key, or a nonce of another length; not_supported, where this OpenSSL does not sign.
std::expected<std::string, Error> sign_ear(const Ear &ear, ByteView private_key);

struct SignedEar {
    Ear ear;
    std::string algorithm;    // of the header: "ES256"
    std::string signed_text;  // header and claims, as they are in the token
    Bytes signature;
};
// Checks no signature. Error: malformed, naming the claim; not_supported, of another profile.
std::expected<SignedEar, Error> parse_ear(ByteView file);
// Does it begin as a token in compact form does? Cheap.
bool begins_ear(ByteView file);
// By a key of P-256, x || y. False, too, where the algorithm is not ES256.
bool is_signed_by(const SignedEar &result, ByteView key);

}  // namespace mr
