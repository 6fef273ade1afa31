// EAR as JSON, and its token.
#include "mr/ear.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/p256_signer.h"
#include "libmr/src/base64url.h"
#include "libmr/src/event_log/json_common.h"
#include "proto/varlink/fields.h"

namespace mr {
namespace {

using varlink::field;

std::unexpected<Error> malformed(std::string message) { return std::unexpected(Error{ErrorCode::malformed, "EAR: " + std::move(message)}); }

constexpr std::array tiers{std::tuple{EarTier::none, std::string_view("none"), 0},
                           std::tuple{EarTier::affirming, std::string_view("affirming"), 2},
                           std::tuple{EarTier::warning, std::string_view("warning"), 32},
                           std::tuple{EarTier::contraindicated, std::string_view("contraindicated"), 96}};

struct NamedValue {
    std::string_view claim;  // empty: of each
    std::int64_t value;
    std::string_view meaning;
};
constexpr std::array values{
    NamedValue{"", -1, "the verifier failed"},
    NamedValue{"", 0, "nothing is claimed"},
    NamedValue{"", 1, "the verifier failed"},
    NamedValue{"", 99, "a signature does not hold"},
    NamedValue{"instance-identity", 2, "a known instance"},
    NamedValue{"instance-identity", 96, "a known instance that is compromised"},
    NamedValue{"instance-identity", 97, "an instance that is not recognised"},
    NamedValue{"configuration", 2, "an approved configuration"},
    NamedValue{"configuration", 3, "a known configuration, with nothing exposed"},
    NamedValue{"configuration", 32, "a configuration with a weakness that is accepted"},
    NamedValue{"configuration", 36, "a configuration of unknown risk"},
    NamedValue{"configuration", 96, "a configuration that is not accepted"},
    NamedValue{"executables", 2, "approved executables, at boot time and at run time"},
    NamedValue{"executables", 3, "approved executables, at boot time"},
    NamedValue{"executables", 4, "known executables, without vulnerabilities"},
    NamedValue{"executables", 32, "known executables, with something open"},
    NamedValue{"executables", 33, "executables that are not recognised"},
    NamedValue{"executables", 96, "executables that are not accepted"},
    NamedValue{"hardware", 2, "genuine hardware and firmware"},
    NamedValue{"hardware", 32, "genuine hardware, with known weaknesses"},
    NamedValue{"hardware", 96, "genuine hardware that is compromised, or too old"},
    NamedValue{"hardware", 97, "hardware that is not recognised"},
};

// ---- Writing

struct VerifierFields {
    std::string_view developer;
    std::string_view build;
    static constexpr auto fields() {
        return std::tuple(field("developer", &VerifierFields::developer), field("build", &VerifierFields::build));
    }
};

struct AppraisalFields {
    std::string_view status;
    std::optional<std::map<std::string, std::int64_t>> vector;
    std::optional<std::vector<std::string>> policy_ids;
    std::optional<std::vector<std::string>> unbound_registers;
    static constexpr auto fields() {
        return std::tuple(field("ear_status", &AppraisalFields::status), field("ear_trustworthiness_vector", &AppraisalFields::vector),
                          field("ear_appraisal_policy_ids", &AppraisalFields::policy_ids),
                          field("mrd_unbound_registers", &AppraisalFields::unbound_registers));
    }
};

struct ClaimFields {
    std::string_view profile;
    std::int64_t issued_at = 0;
    std::optional<std::int64_t> expires;
    VerifierFields verifier;
    std::optional<std::string_view> nonce;
    std::map<std::string, AppraisalFields> appraisals;
    static constexpr auto fields() {
        return std::tuple(field("eat_profile", &ClaimFields::profile), field("iat", &ClaimFields::issued_at),
                          field("exp", &ClaimFields::expires), field("ear_verifier_id", &ClaimFields::verifier),
                          field("eat_nonce", &ClaimFields::nonce), field("submods", &ClaimFields::appraisals));
    }
};

std::string claims_of(const Ear &ear) {
    ClaimFields fields{.profile = ear.profile,
                       .issued_at = ear.issued_at,
                       .expires = ear.expires,
                       .verifier = {ear.developer, ear.build},
                       .nonce = ear.nonces.empty() ? std::nullopt : std::optional<std::string_view>(ear.nonces.front()),
                       .appraisals = {}};
    for (const auto &[name, appraisal] : ear.appraisals) {
        AppraisalFields entry{.status = to_string(appraisal.status), .vector = {}, .policy_ids = {}, .unbound_registers = {}};
        if (!appraisal.vector.empty()) entry.vector.emplace(appraisal.vector.begin(), appraisal.vector.end());
        if (!appraisal.policy_ids.empty()) entry.policy_ids = appraisal.policy_ids;
        if (!appraisal.unbound_registers.empty()) entry.unbound_registers = appraisal.unbound_registers;
        fields.appraisals.emplace(name, std::move(entry));
    }
    std::string json;
    varlink::write_json(json, fields);
    return json;
}

// ---- Reading

// The member by its name, or by the name that the early profile has.
std::optional<varlink::Value> claim(varlink::Value object, std::string_view name, std::string_view early_name) {
    const auto value = object.find(name);
    return value ? value : object.find(early_name);
}

std::optional<EarTier> tier_from(varlink::Value value) {
    const auto *const found = std::ranges::find_if(tiers, [&](const auto &each) {
        return value.as_string() == std::get<1>(each) || value.as_int() == std::int64_t{std::get<2>(each)};
    });
    return found == tiers.end() ? std::nullopt : std::optional(std::get<0>(*found));
}

class ClaimsReader {
public:
    std::expected<Ear, Error> read(std::string_view text) {
        varlink::Document document;
        if (!document.parse(text) || document.root().kind() != varlink::Kind::object)
            return malformed("its claims are not one JSON object");
        const auto root = document.root();
        const auto profile = root.find("eat_profile");
        if (!profile || !profile->as_string()) return malformed("eat_profile is missing");
        ear_.profile = *profile->as_string();
        if (ear_.profile != ear_profile && !ear_.profile.starts_with(early_ear_profile) && ear_.profile != trustee_ear_profile)
            return std::unexpected(Error{ErrorCode::not_supported, "EAR: the profile " + ear_.profile + " is none that is known here"});
        ear_.issued_at = date(root, "iat").value_or(0);
        if (!root.find("iat")) fail("iat is missing");
        ear_.expires = date(root, "exp");
        read_verifier(root);
        read_nonces(root);
        read_appraisals(root);
        if (!wrong_.empty()) return malformed(std::move(wrong_));
        return std::move(ear_);
    }

private:
    // A NumericDate (RFC 7519, section 2) may be any number; what it has beyond the second is cut off.
    std::optional<UnixTime> date(varlink::Value root, const std::string &name) {
        constexpr double exact = 1LL << 53;  // up to here a double tells seconds apart
        const auto value = root.find(name);
        if (!value) return std::nullopt;
        if (const auto whole = value->as_int()) return whole;
        const auto number = value->as_number();
        if (!number || !(std::abs(*number) <= exact)) return fail(name + " is no number of seconds"), std::nullopt;
        return static_cast<UnixTime>(std::floor(*number));
    }

    void read_verifier(varlink::Value root) {
        const auto verifier = claim(root, "ear_verifier_id", "ear.verifier-id");
        const auto developer = verifier ? verifier->find("developer") : std::nullopt;
        const auto build = verifier ? verifier->find("build") : std::nullopt;
        if (!developer || !developer->as_string() || !build || !build->as_string())
            return fail("ear_verifier_id is no object of developer and build");
        ear_.developer = *developer->as_string();
        ear_.build = *build->as_string();
    }

    void read_nonces(varlink::Value root) {
        const auto nonce = root.find("eat_nonce");
        if (!nonce) return;
        if (const auto text = nonce->as_string()) return ear_.nonces.emplace_back(*text), void();
        for (auto each = nonce->first(); each; each = each->next()) {
            if (!each->as_string()) return fail("eat_nonce is neither a text nor an array of texts");
            ear_.nonces.emplace_back(*each->as_string());
        }
        if (ear_.nonces.empty()) fail("eat_nonce is neither a text nor an array of texts");
    }

    void read_appraisals(varlink::Value root) {
        const auto submods = root.find("submods");
        if (!submods || submods->kind() != varlink::Kind::object || submods->size() == 0 || submods->size() > max_ear_appraisals)
            return fail("submods is no object of 1 to " + std::to_string(max_ear_appraisals) + " appraisals");
        for (auto each = submods->first(); each; each = each->next()) {
            const std::string name(each->key());
            const auto [place, is_new] = ear_.appraisals.emplace(name, EarAppraisal{});
            if (!is_new) return fail("submods has " + name + " twice");
            read_appraisal(*each, "the appraisal " + name, place->second);
        }
    }

    void read_appraisal(varlink::Value value, const std::string &which, EarAppraisal &appraisal) {
        const auto status = claim(value, "ear_status", "ear.status");
        const auto tier = status ? tier_from(*status) : std::nullopt;
        if (!tier) return fail(which + ": ear_status is none, affirming, warning or contraindicated");
        appraisal.status = *tier;
        if (const auto vector = claim(value, "ear_trustworthiness_vector", "ear.trustworthiness-vector")) {
            for (auto each = vector->first(); each; each = each->next()) {
                const auto number = each->as_int();
                if (!number || *number < INT8_MIN || *number > INT8_MAX)
                    return fail(which + ": a value of its vector is no number from -128 to 127");
                if (!appraisal.vector.emplace(each->key(), *number).second) return fail(which + ": its vector has a claim twice");
            }
        }
        const auto policies = claim(value, "ear_appraisal_policy_ids", "ear.appraisal-policy-id");
        if (policies && policies->as_string()) appraisal.policy_ids.emplace_back(*policies->as_string());
        for (auto each = policies ? policies->first() : std::nullopt; each; each = each->next())
            appraisal.policy_ids.emplace_back(each->as_string().value_or(std::string_view()));
        const auto unbound = value.find("mrd_unbound_registers");
        for (auto each = unbound ? unbound->first() : std::nullopt; each; each = each->next())
            appraisal.unbound_registers.emplace_back(each->as_string().value_or(std::string_view()));
    }

    void fail(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
    }

    Ear ear_;
    std::string wrong_;
};

constexpr std::string_view algorithm = "ES256";

std::string_view without_blanks(ByteView file) {
    const auto text = event_log::as_text(file);
    const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

std::string_view to_string(EarTier tier) { return std::get<1>(tiers.at(static_cast<std::size_t>(tier))); }

EarTier ear_tier_of(std::int64_t value) {
    // AR4SI, section 2.3.2: positive values are those of the specification, negative ones a verifier's own, each tier from a bound on.
    constexpr std::int64_t first_affirming = 2;
    constexpr std::int64_t first_warning = 32;
    constexpr std::int64_t first_contraindicated = 96;
    if (value < INT8_MIN || value > INT8_MAX) return EarTier::none;
    const auto distance = value < 0 ? -value - 1 : value;  // -2 to -32 are affirming, and so on
    if (value < 0 ? distance == 0 : distance < first_affirming) return EarTier::none;
    if (distance < first_warning) return EarTier::affirming;
    return distance < first_contraindicated ? EarTier::warning : EarTier::contraindicated;
}

std::string ear_value_text(std::string_view claim, std::int64_t value) {
    const auto *const known = std::ranges::find_if(
        values, [&](const NamedValue &each) { return each.value == value && (each.claim.empty() || each.claim == claim); });
    const std::string tier(to_string(ear_tier_of(value)));
    return known == values.end() ? tier : tier + ": " + std::string(known->meaning);
}

std::expected<std::string, Error> sign_ear(const Ear &ear, ByteView private_key) {
    if (ear.nonces.size() > 1) return malformed("there are " + std::to_string(ear.nonces.size()) + " nonces: a result has one");
    // RFC 9711, section 4.1: 8 to 64 bytes.
    constexpr std::size_t shortest_nonce = 11;
    constexpr std::size_t longest_nonce = 86;
    for (const auto &nonce : ear.nonces) {
        if (nonce.size() < shortest_nonce || nonce.size() > longest_nonce)
            return malformed("eat_nonce has " + std::to_string(nonce.size()) + " characters: a nonce is base64url of 8 to 64 bytes");
    }
    const auto signer = attestation::P256Signer::open(private_key);
    if (!signer) return std::unexpected(signer.error());
    std::string token;
    append_base64url(token, as_bytes(R"({"alg":"ES256","typ":"JWT"})"));
    token += '.';
    append_base64url(token, as_bytes(claims_of(ear)));
    const auto signature = signer->sign(as_bytes(token));
    if (!signature) return std::unexpected(signature.error());
    token += '.';
    append_base64url(token, *signature);
    // What nobody could read is not signed.
    if (const auto again = parse_ear(as_bytes(token)); !again) return std::unexpected(again.error());
    return token;
}

bool begins_ear(ByteView file) {
    if (file.size() > max_ear_size) return false;
    const auto text = without_blanks(file);
    // Base64url of {" and of what JSON may have between them is told apart no further.
    return text.starts_with("ey") && std::ranges::count(text, '.') == 2;
}

std::expected<SignedEar, Error> parse_ear(ByteView file) {
    if (file.size() > max_ear_size) return malformed("more than " + std::to_string(max_ear_size) + " bytes");
    const auto text = without_blanks(file);
    const auto first = text.find('.');
    const auto last = text.rfind('.');
    if (first == std::string_view::npos || first == last || text.substr(first + 1, last - first - 1).find('.') != std::string_view::npos)
        return malformed("a token in compact form has a header, claims and a signature, with dots between");
    const auto header = from_base64url(text.substr(0, first));
    const auto claims = from_base64url(text.substr(first + 1, last - first - 1));
    auto signature = from_base64url(text.substr(last + 1));
    if (!header || !claims || !signature) return malformed("a part of the token is not base64url without padding");
    varlink::Document document;
    if (!document.parse(event_log::as_text(*header)) || document.root().kind() != varlink::Kind::object)
        return malformed("its header is not one JSON object");
    const auto alg = document.root().find("alg");
    if (!alg || !alg->as_string()) return malformed("its header has no alg");
    // RFC 7515, section 4.1.11: whoever does not know what is critical refuses it.
    if (document.root().find("crit"))
        return malformed("its header has crit, which names what has to be understood, and nothing of that is known here");
    auto ear = ClaimsReader().read(event_log::as_text(*claims));
    if (!ear) return std::unexpected(std::move(ear.error()));
    return SignedEar{.ear = std::move(*ear),
                     .algorithm = std::string(*alg->as_string()),
                     .signed_text = std::string(text.substr(0, last)),
                     .signature = std::move(*signature)};
}

bool is_signed_by(const SignedEar &result, ByteView key) {
    return result.algorithm == algorithm && key.size() == attestation::p256_key_size &&
           attestation::SignatureChecker().verify(key, as_bytes(result.signed_text), result.signature);
}

}  // namespace mr
