// In mr::verify. What a token of Arm's CCA states beside what every verdict has (mr/verdict.h), and what reference values say for such tokens alone. docs/verification.md has
// every rule.
//
// Which key signs for a platform nothing in a token says: it is among the trust anchors (TrustAnchors::platform_keys), by the platform's instance. Of what every
// verdict has, quote_signature is the realm's, by the key that its claims name; certificate_chain is that the trust anchors have the platform's key.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"
#include "mr/extend_rule.h"

namespace mr {

inline constexpr std::string_view cca_kind = "cca";
// The one status that a platform's TCB can have: each part of its firmware is one that the reference values name, and none that they name is missing.
inline constexpr std::string_view cca_tcb_endorsed = "Endorsed";

namespace statement {

inline constexpr std::string_view token_profiles = "token_profiles";          // of platform and realm: ones that are known
inline constexpr std::string_view realm_key = "realm_key";                    // a key of P-384, in the form that the realm's profile has
inline constexpr std::string_view platform_signature = "platform_signature";  // by the key of its instance
inline constexpr std::string_view realm_binding = "realm_binding";  // the platform names the realm's key, by the hash of its exact bytes
inline constexpr std::string_view platform_lifecycle = "platform_lifecycle";  // secured
inline constexpr std::string_view measurement_sizes =
    "measurement_sizes";  // RIM and REMs are of the hash that the realm names; never required

}  // namespace statement

// A part of the platform's firmware that is accepted. What is absent may be anything.
struct CcaComponentRule {
    std::optional<std::string> type = {};
    Bytes measurement;
    std::optional<Bytes> signer_id = {};
    std::optional<std::string> version = {};
    friend bool operator==(const CcaComponentRule &, const CcaComponentRule &) = default;
};

// What reference values say for CCA alone, in their member "cca":
//
//   components           array of { measurement (hex), type, signerId (hex), version }, not empty: each part of the platform's firmware is one of these, and of
//                        each type that is named here there is one. Naming it makes the TCB required; without it the platform has no TCB
//   implementationIds    array of 32 bytes, hex, not empty: makes of platforms that are accepted, and no others [any]
//   instanceIds          array of 33 bytes, hex, not empty: platforms that are accepted, and no others [any]
//   remExtend            "tf-rmm" or "specification": how the platform's RMM extends a REM. Where a log has events of one and this is absent, the log's replay is
//                        not judged
struct CcaPolicy {
    std::vector<CcaComponentRule> components = {};
    std::vector<Bytes> implementation_ids = {};
    std::vector<Bytes> instance_ids = {};
    std::optional<ExtendRule> rem_extend = {};
};
inline constexpr std::size_t max_cca_component_rules = 1024;
// Error: malformed, naming the member. Unknown members are refused.
std::expected<CcaPolicy, Error> parse_cca_policy(std::string_view json);

}  // namespace mr
