#include "mr/verify_cca.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/tee/cca/cca.h"
#include "libmr/src/event_log/printable.h"
#include "mr/cca_token.h"
#include "mr/event_content.h"

namespace mr {
namespace attestation {
namespace {

constexpr std::string_view cca_format = "cca_token";

// Of a value that is followed by zeros up to 64 bytes: without them.
ByteView without_padding(ByteView value, std::size_t size) {
    if (value.size() <= size) return value;
    const bool is_padded = std::ranges::all_of(value.subspan(size), [](std::uint8_t byte) { return byte == 0; });
    return is_padded ? value.first(size) : value;
}

// The personalization value is the host's; the platform's identity is no realm's.
Claims claims_of(const CcaToken &token, HashAlgorithm algorithm, std::optional<ExtendRule> rule) {
    const auto &realm = token.realm;
    const auto measured = [&](ByteView value) { return Digest(without_padding(value, digest_size(algorithm))); };
    Claims claims{.kind = std::string(cca_kind),
                  .quote_format = std::string(cca_format),
                  .report_data = Bytes(realm.challenge.begin(), realm.challenge.end()),
                  .registers = {{.name = "rim", .algorithm = algorithm, .value = measured(realm.rim)}}};
    // RMM specification, section A7.1: a REM begins as zero.
    for (std::size_t i = 0; i < realm.rem.size(); ++i) {
        claims.registers.push_back({.name = "rem" + std::to_string(i),
                                    .algorithm = algorithm,
                                    .value = measured(realm.rem.at(i)),
                                    .initial = Digest::zero(algorithm),
                                    .extend_rule = rule});
    }
    claims.registers.push_back(
        {.name = "rpv", .other_name = "personalization_value", .value = Digest(realm.personalization), .says_what_runs = false});
    claims.registers.push_back({.name = "implementation_id", .value = Digest(token.platform.implementation_id), .says_what_runs = false});
    claims.registers.push_back({.name = "instance_id", .value = Digest(token.platform.instance_id), .says_what_runs = false});
    return claims;
}

Finding check_format(const std::expected<CcaToken, Error> &token) {
    if (!token) return fails(token.error().message);
    for (const auto &[whose, algorithm] :
         {std::pair("platform", token->platform_token.algorithm), std::pair("realm", token->realm_token.algorithm)}) {
        if (algorithm != cose_es256 && algorithm != cose_es384)
            return fails("the COSE algorithm " + std::to_string(algorithm) + " of the " + whose + " token is neither ES256 nor ES384");
    }
    if (!cca_hash_algorithm(token->realm.hash_algorithm))
        return fails("the realm's hash algorithm \"" + printable_text(token->realm.hash_algorithm) + "\" is not known");
    return holds("a CCA token of the tag " + std::to_string(token->outer_tag) + " with a platform of " +
                 std::to_string(token->platform.components.size()) + " components");
}

Finding check_profiles(const CcaToken &token) {
    const auto &platform = token.platform.profile;
    const bool is_second = platform == cca_platform_profile_2;
    if (platform != cca_early_profile && platform != cca_platform_profile && !is_second)
        return fails("the platform's profile \"" + printable_text(platform) + "\" is not known");
    const auto &realm = token.realm;
    if (realm.profile && realm.profile != cca_realm_profile && realm.profile != cca_realm_profile_2)
        return fails("the realm's profile \"" + printable_text(*realm.profile) + "\" is not known");
    if (realm.profile == cca_realm_profile_2 && (!realm.mec_policy || *realm.mec_policy > 1))
        return fails("the realm's profile has a MEC policy of 0 or 1, which is not there");
    // Whom the platform signs for, it says itself: of another client than the RMM the nonce could be the hash of any key.
    if ((is_second || token.platform.client_id) && token.platform.client_id != cca_client_rmsd)
        return fails("the platform's profile has the client id 1, and this token " +
                     (token.platform.client_id ? "was asked for by the client " + std::to_string(*token.platform.client_id) : "has none"));
    // Early realms have another form of key than the platform's profile knows.
    if (is_second && !realm.profile) return fails("the platform's profile goes with a realm that has a profile, and this one has none");
    return holds("the platform's is " + std::string(platform) + ", the realm's " + std::string(realm.profile.value_or("the early one")));
}

// ES256 is of P-256, ES384 of P-384: no other pair.
bool is_signed(SignatureChecker &signatures, ByteView key, const CoseSign1 &token) {
    const auto size = token.algorithm == cose_es256 ? p256_key_size : p384_key_size;
    return key.size() == size && signatures.verify(key, signed_bytes(token), token.signature);
}

Finding check_binding(const CcaToken &token) {
    const auto algorithm = cca_hash_algorithm(token.realm.key_hash_algorithm);
    if (!algorithm)
        return fails("the hash algorithm \"" + printable_text(token.realm.key_hash_algorithm) + "\" of the realm's key is not known");
    const auto digest = hash(*algorithm, token.realm.key);
    return judge(
        digest && std::ranges::equal(digest->bytes(), token.platform.nonce), "the platform names the realm's key",
        "the platform's nonce " + to_hex(token.platform.nonce) + " is not the hash of the realm's key: another realm was named to it");
}

bool is_debug(CcaLifecycle lifecycle) {
    return lifecycle == CcaLifecycle::platform_debug || lifecycle == CcaLifecycle::recoverable_platform_debug;
}

Finding check_lifecycle(std::uint64_t claim, bool accepts_debug) {
    const auto lifecycle = cca_lifecycle(claim);
    const auto text = "the platform's lifecycle is " + event_log::hexadecimal(claim) + ", " + std::string(to_string(lifecycle));
    return judge(lifecycle == CcaLifecycle::secured || (accepts_debug && is_debug(lifecycle)), text, text);
}

Finding check_sizes(const CcaRealmClaims &realm, HashAlgorithm algorithm) {
    const auto size = digest_size(algorithm);
    const auto has_it = [&](ByteView value) { return without_padding(value, size).size() == size; };
    return judge(has_it(realm.rim) && std::ranges::all_of(realm.rem, has_it),
                 "RIM and REMs have the " + std::to_string(size) + " bytes of " + std::string(realm.hash_algorithm),
                 "the realm says " + std::string(realm.hash_algorithm) + ", which has " + std::to_string(size) +
                     " bytes, and its RIM or a REM has another number: no log leads to such a REM");
}

std::string text_of(const CcaComponent &component) {
    auto text = component.type ? printable_text(*component.type) : std::string("a component without a type");
    if (component.version) text += " " + printable_text(*component.version);
    return text + " with the measurement " + to_hex(component.measurement) + ", signed by " + to_hex(component.signer_id);
}

bool is_component(const CcaComponentRule &rule, const CcaComponent &component) {
    return std::ranges::equal(rule.measurement, component.measurement) && (!rule.type || rule.type == component.type) &&
           (!rule.signer_id || std::ranges::equal(*rule.signer_id, component.signer_id)) &&
           (!rule.version || rule.version == component.version);
}

// What is wrong with the platform's firmware. Nothing: all of it is as named.
std::optional<std::string> wrong_component(const std::vector<CcaComponentRule> &rules, const CcaPlatformClaims &platform) {
    const auto &components = platform.components;
    // No rule is about these, and the components do not speak for them.
    if (!platform.devices.empty())
        return "the platform has devices that were added at run time (" + std::to_string(platform.devices.size()) +
               ", claim 2404), which reference values cannot name";
    if (platform.peer_signers) return "the platform has other roots of trust beside it (claim 2406), which reference values cannot name";
    for (const auto &component : components) {
        if (std::ranges::none_of(rules, [&](const auto &rule) { return is_component(rule, component); }))
            return text_of(component) + " is not among the components that the reference values name";
    }
    for (const auto &rule : rules) {
        if (rule.type && std::ranges::find(components, rule.type, &CcaComponent::type) == components.end())
            return "the platform has no " + printable_text(*rule.type) + ", which the reference values name";
    }
    if (components.empty()) return "the platform has no components";
    return std::nullopt;
}

class CcaJudge final : public TeeJudge {
public:
    CcaJudge(const TrustAnchors *anchors, const PlatformPolicy &platform, CcaPolicy policy)
        : accepts_debug_(platform.accept_debug), tcb_required_(platform.tcb_required), policy_(std::move(policy)) {
        if (anchors != nullptr) keys_ = anchors->platform_keys;
    }

    std::optional<Claims> judge(const TeeEvidence &evidence, UnixTime /*nothing of a token has a date*/, Verdict &verdict) override {
        const auto token = decode_cca_token(evidence.quote);
        auto format = check_format(token);
        const bool is_read = format.good();
        const auto add = [&](std::string_view name, Finding found, bool required = true) {
            verdict.add({.name = std::string(name), .result = found.result, .required = required, .reason = std::move(found.reason)});
        };
        add(statement::quote_format, std::move(format));
        using namespace statement;  // NOLINT(google-build-using-namespace): names
        if (!is_read) {
            for (const auto name :
                 {token_profiles, realm_key, quote_signature, platform_signature, certificate_chain, realm_binding, platform_lifecycle})
                add(name, not_judged("the token cannot be read"));
            return std::nullopt;
        }
        auto profiles = check_profiles(*token);
        const auto key = cca_realm_key(token->realm);
        auto key_found = !key                   ? fails(key.error().message)
                         : is_curve_point(*key) ? holds("a key of P-384, in the form of the realm's profile")
                                                : fails("the realm's key is no point of P-384");
        auto realm = !key_found.good()
                         ? not_judged("the realm's key cannot be read")
                         : attestation::judge(is_signed(signatures_, *key, token->realm_token), "the realm's key signed its claims",
                                              "the signature is not one of the realm's key over its claims");
        auto chain = not_judged("");
        auto platform = check_platform(*token, chain);
        auto binding = check_binding(*token);
        const bool platform_holds = platform.good() && profiles.good();
        const bool realm_holds = platform_holds && realm.good() && binding.good();
        add(token_profiles, std::move(profiles));
        add(realm_key, std::move(key_found));
        add(quote_signature, std::move(realm));
        add(platform_signature, std::move(platform));
        add(certificate_chain, std::move(chain));
        add(realm_binding, std::move(binding));
        constexpr auto no_platform = "nothing vouches for the platform's claims";
        add(platform_lifecycle, platform_holds ? check_lifecycle(token->platform.lifecycle, accepts_debug_) : not_judged(no_platform));
        if (!policy_.instance_ids.empty() || !policy_.implementation_ids.empty())
            add(platform_identity, platform_holds ? check_identity(token->platform) : not_judged(no_platform));
        const auto algorithm = *cca_hash_algorithm(token->realm.hash_algorithm);
        add(measurement_sizes, realm_holds ? check_sizes(token->realm, algorithm) : not_judged("nothing vouches for the realm's claims"),
            false);

        auto claims = claims_of(*token, algorithm, policy_.rem_extend);
        claims.leaf_key = std::move(platform_key_);
        claims.hardware_ids.emplace_back(token->platform.instance_id.begin(), token->platform.instance_id.end());
        claims.hardware = {.is = {}, .reason = "no root of hardware is known for CCA: whoever names the platform's key says whose it is"};
        const auto lifecycle = cca_lifecycle(token->platform.lifecycle);
        claims.debug = {.is = {}, .reason = no_platform};
        if (platform_holds) {
            claims.debug = {.is = is_debug(lifecycle),
                            .reason = is_debug(lifecycle) ? "the platform is under debug: its lifecycle is " +
                                                                event_log::hexadecimal(token->platform.lifecycle)
                                                          : "the platform is not under debug"};
        }
        claims.tcb = tcb_of(token->platform, platform_holds);
        return claims;
    }

private:
    // The platform's signature, and in `chain` whether the trust anchors have its key.
    Finding check_platform(const CcaToken &token, Finding &chain) {
        platform_key_.clear();
        const auto &claims = token.platform;
        const auto instance = "the instance " + to_hex(claims.instance_id);
        std::vector<const PlatformKey *> named;
        std::vector<const PlatformKey *> of_any;
        for (const auto &each : keys_) {
            if (each.implementation_id && !std::ranges::equal(*each.implementation_id, claims.implementation_id)) continue;
            if (!each.instance_id) {
                of_any.push_back(&each);
            } else if (std::ranges::equal(*each.instance_id, claims.instance_id)) {
                named.push_back(&each);
            }
        }
        const auto &candidates = named.empty() ? of_any : named;
        if (candidates.empty()) {
            chain = fails("no trust anchor is the key of " + instance);
            return not_judged("the key of " + instance + " is not known");
        }
        chain = holds(named.empty() ? "a trust anchor is a key of any instance" : "a trust anchor is the key of " + instance);
        for (const auto *each : candidates) {
            if (!is_signed(signatures_, each->key, token.platform_token)) continue;
            platform_key_ = each->key;
            return holds("the key of " + instance + " signed the platform's claims");
        }
        return fails("the signature is not one of the key of " + instance + " over the platform's claims");
    }

    [[nodiscard]] Finding check_identity(const CcaPlatformClaims &claims) const {
        const auto is_among = [](const std::vector<Bytes> &ids, ByteView id) {
            return ids.empty() || std::ranges::any_of(ids, [&](const Bytes &each) { return std::ranges::equal(each, id); });
        };
        if (!is_among(policy_.implementation_ids, claims.implementation_id))
            return fails("the platform's implementation " + to_hex(claims.implementation_id) + " is none that the reference values name");
        return attestation::judge(is_among(policy_.instance_ids, claims.instance_id),
                                  "the platform " + to_hex(claims.instance_id) + " is one that the reference values name",
                                  "the platform " + to_hex(claims.instance_id) + " is none that the reference values name");
    }

    [[nodiscard]] ClaimedTcb tcb_of(const CcaPlatformClaims &claims, bool platform_holds) const {
        ClaimedTcb tcb{.is_asked_for = !policy_.components.empty()};
        if (policy_.components.empty()) {
            tcb.failed = tcb_required_;
            tcb.reason = "no reference values say which components a platform may have (cca.components)";
        } else if (!platform_holds) {
            tcb.reason = "nothing vouches for the platform's claims";
        } else if (const auto wrong = wrong_component(policy_.components, claims)) {
            tcb.failed = true;
            tcb.reason = *wrong;
        } else {
            tcb.status = tcb.reported = cca_tcb_endorsed;
            tcb.is_up_to_date = true;
            tcb.reason = "all " + std::to_string(claims.components.size()) + " components are among those that the reference values name";
        }
        return tcb;
    }

    std::span<const PlatformKey> keys_;
    bool accepts_debug_;
    bool tcb_required_;
    CcaPolicy policy_;
    SignatureChecker signatures_;
    Bytes platform_key_;  // that signed the last token; empty: none did
};

class Cca final : public Tee {
public:
    [[nodiscard]] std::string_view kind() const override { return cca_kind; }

    [[nodiscard]] bool begins_quote(ByteView quote) const override { return begins_cca_token(quote); }

    [[nodiscard]] std::expected<Claims, Error> read(ByteView quote) const override {
        const auto token = decode_cca_token(quote);
        if (!token) return std::unexpected(token.error());
        const auto algorithm = cca_hash_algorithm(token->realm.hash_algorithm);
        if (!algorithm) return std::unexpected(Error{ErrorCode::not_supported, "the realm's hash algorithm is not known"});
        return claims_of(*token, *algorithm, std::nullopt);
    }

    [[nodiscard]] bool names_register(std::string_view name) const override {
        return claims_of(CcaToken(), HashAlgorithm::sha256, std::nullopt).find(name) != nullptr;
    }

    [[nodiscard]] std::expected<void, Error> check_policy(std::string_view json) const override {
        const auto policy = parse_cca_policy(json);
        if (!policy) return std::unexpected(policy.error());
        return {};
    }

    [[nodiscard]] std::vector<std::string_view> tcb_statuses() const override { return {cca_tcb_endorsed}; }

    [[nodiscard]] std::vector<std::string_view> links() const override {
        return {statement::token_profiles, statement::realm_key, statement::platform_signature, statement::realm_binding};
    }

    // There is no key of Arm's: each platform has its own.
    [[nodiscard]] std::unique_ptr<TeeJudge> open_judge(const TrustAnchors *anchors, const PlatformPolicy &policy) const override {
        const auto own = policy.of_kind.find(cca_kind);
        return std::make_unique<CcaJudge>(anchors, policy,
                                          own == policy.of_kind.end() ? CcaPolicy() : parse_cca_policy(own->second).value_or(CcaPolicy()));
    }
};

}  // namespace
}  // namespace attestation

const Tee &cca::tee() {
    static const attestation::Cca known;
    return known;
}

}  // namespace mr
