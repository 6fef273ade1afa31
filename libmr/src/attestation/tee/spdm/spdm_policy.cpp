// What reference values say for devices alone, and the manifests beside it.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "libmr/src/attestation/choice.h"
#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/nested_members.h"
#include "libmr/src/attestation/tee/spdm/spdm.h"
#include "mr/certificate.h"
#include "mr/verify_spdm.h"
#include "proto/varlink/fields.h"

namespace mr {
namespace {

using attestation::malformed;
using varlink::field;
using Texts = std::optional<std::vector<std::string>>;

constexpr std::array mode_bits = {NamedBit{0, "manufacturing"}, NamedBit{1, "validation"}, NamedBit{2, "normal"},
                                  NamedBit{3, "recovery"},      NamedBit{4, "rma"},        NamedBit{5, "decommissioned"}};
constexpr std::array debug_bits = {NamedBit{0, "noninvasive"}, NamedBit{1, "invasive"}, NamedBit{2, "noninvasive_since_reset"},
                                   NamedBit{3, "invasive_since_reset"}, NamedBit{4, "since_manufacture"}};

struct BlockRuleFields {
    std::int64_t index = 0;
    std::string type;
    Texts digests;
    Texts raw;
    Texts versions;
    std::optional<std::int64_t> minimum_svn;
    static constexpr auto fields() {
        return std::tuple(field("index", &BlockRuleFields::index), field("type", &BlockRuleFields::type),
                          field("digests", &BlockRuleFields::digests), field("raw", &BlockRuleFields::raw),
                          field("versions", &BlockRuleFields::versions), field("minimumSvn", &BlockRuleFields::minimum_svn));
    }
};

struct SetFields {
    std::string name;
    std::vector<BlockRuleFields> blocks;
    static constexpr auto fields() { return std::tuple(field("name", &SetFields::name), field("blocks", &SetFields::blocks)); }
};

struct PolicyFields {
    std::optional<Choice> any_device;
    std::optional<std::vector<BlockRuleFields>> blocks;
    std::optional<std::vector<SetFields>> sets;
    std::optional<std::vector<std::int64_t>> accepted_blocks;
    std::optional<Choice> unlisted_blocks;
    Texts modes;
    std::optional<Choice> no_mode;
    Texts debug;
    std::optional<Choice> values_since_reset;
    std::optional<Choice> unsigned_algorithms;
    Texts manifest_keys;
    std::optional<Choice> unsigned_manifests;
    static constexpr auto fields() {
        return std::tuple(
            field("anyDevice", &PolicyFields::any_device), field("blocks", &PolicyFields::blocks), field("sets", &PolicyFields::sets),
            field("acceptedBlocks", &PolicyFields::accepted_blocks), field("unlistedBlocks", &PolicyFields::unlisted_blocks),
            field("modes", &PolicyFields::modes), field("noMode", &PolicyFields::no_mode), field("debug", &PolicyFields::debug),
            field("valuesSinceReset", &PolicyFields::values_since_reset), field("unsignedAlgorithms", &PolicyFields::unsigned_algorithms),
            field("manifestKeys", &PolicyFields::manifest_keys), field("unsignedManifests", &PolicyFields::unsigned_manifests));
    }
};

std::string what_is_wanted(std::string_view member) {
    if (member == "blocks") return "an array of objects with index and type, and of digests, raw, versions and minimumSvn at least one";
    if (member == "sets") return "an array of objects with name and blocks";
    if (member == "acceptedBlocks") return "an array of numbers";
    if (member == "modes") return "an array of names of modes, as [\"normal\"]";
    if (member == "debug") return "an array of names of bits, as [\"since_manufacture\"]";
    if (member == "manifestKeys") return "an array of public keys in PEM";
    return "\"accept\" or \"refuse\"";
}

constexpr std::size_t max_blocks = 0xFE;  // of one set: as many as there are indices

std::expected<BlockReference, Error> reference_from(const BlockRuleFields &fields) {
    const auto in_block = "the member blocks: " + std::to_string(fields.index) + ": ";
    if (fields.index < 1 || fields.index > 0xFE) return malformed(in_block + "an index is 1 to 254");
    BlockReference reference{.index = static_cast<std::uint8_t>(fields.index), .type = spdm_block_type_from(fields.type)};
    if (!reference.type) return malformed(in_block + "\"" + fields.type + "\" is no type, as \"mutable_firmware\", or \"fw\"");
    for (const auto &[member, values] :
         {std::pair{"digests", &fields.digests}, std::pair{"raw", &fields.raw}, std::pair{"versions", &fields.versions}}) {
        if (*values && (*values)->empty()) return malformed(in_block + member + " is empty, so that nothing is good: leave it out");
    }
    for (const auto &text : fields.digests.value_or(std::vector<std::string>())) {
        const auto digest = content_digest_from(text);
        if (!digest) return malformed(std::string(in_block).append("\"").append(text).append("\" is no digest, as \"sha384:HEX\""));
        if (digest->algorithm == HashAlgorithm::sha1) return malformed(in_block + "nothing rests on SHA-1");
        reference.digests.push_back(*digest);
    }
    for (const auto &text : fields.raw.value_or(std::vector<std::string>())) {
        auto value = from_hex(text);
        if (!value) return malformed(in_block + "a value of raw is not hexadecimal");
        reference.raw.push_back({.value = std::move(*value)});
    }
    if (fields.versions) reference.versions = *fields.versions;
    if (fields.minimum_svn) {
        if (*fields.minimum_svn < 0) return malformed(in_block + "minimumSvn is negative");
        reference.minimum_svn = static_cast<std::uint64_t>(*fields.minimum_svn);
    }
    if (!fields.digests && !fields.raw && !fields.versions && !fields.minimum_svn)
        return malformed(in_block + "it has none of digests, raw, versions and minimumSvn, so that any value would do");
    return reference;
}

std::expected<DeviceReferenceSet, Error> set_from(std::string name, const std::vector<BlockRuleFields> &blocks) {
    if (blocks.empty()) return malformed("the member blocks is empty: name the blocks that are expected, or leave it out");
    if (blocks.size() > max_blocks) return malformed("the member blocks: more than " + std::to_string(max_blocks));
    DeviceReferenceSet set{.name = std::move(name)};
    for (const auto &fields : blocks) {
        auto reference = reference_from(fields);
        if (!reference) return std::unexpected(std::move(reference.error()));
        if (std::ranges::find(set.blocks, reference->index, &BlockReference::index) != set.blocks.end())
            return malformed("the member blocks: " + std::to_string(reference->index) + " is given twice");
        set.blocks.push_back(std::move(*reference));
    }
    return set;
}

// The members that are a text, or an array of them.
constexpr std::array names_members{std::pair{std::string_view("pci"), &SpdmPolicy::pci},
                                   std::pair{std::string_view("dmtf"), &SpdmPolicy::dmtf}};

// A text, or an array of them.
std::expected<std::vector<std::string>, Error> names_from(varlink::Value value) {
    std::vector<std::string> names;
    const auto wrong = malformed("the member " + std::string(value.key()) + " is not a text, or an array of texts");
    if (const auto text = value.as_string()) {
        names.emplace_back(*text);
    } else if (value.kind() == varlink::Kind::array) {
        for (auto each = value.first(); each; each = each->next()) {
            const auto name = each->as_string();
            if (!name) return wrong;
            names.emplace_back(*name);
        }
    }
    if (names.empty() || std::ranges::any_of(names, [](const std::string &name) { return name.empty(); })) return wrong;
    return names;
}

std::expected<void, Error> read_rest(const PolicyFields &fields, SpdmPolicy &policy) {
    if (fields.blocks && fields.sets) return malformed("blocks and sets are given: make the blocks one of the sets");
    if (fields.sets && fields.sets->empty()) return malformed("the member sets is empty, so that no device has one of them");
    if (fields.blocks) {
        auto set = set_from("the reference values", *fields.blocks);
        if (!set) return std::unexpected(std::move(set.error()));
        policy.sets.push_back(std::move(*set));
    }
    for (const auto &each : fields.sets.value_or(std::vector<SetFields>())) {
        auto set = set_from(each.name, each.blocks);
        if (!set) return std::unexpected(std::move(set.error()));
        policy.sets.push_back(std::move(*set));
    }
    for (const auto index : fields.accepted_blocks.value_or(std::vector<std::int64_t>())) {
        if (index < 1 || index > 0xFE) return malformed("the member acceptedBlocks: an index is 1 to 254");
        policy.accepted_blocks.push_back(static_cast<std::uint8_t>(index));
    }
    if (fields.modes) policy.modes = 0;
    for (const auto &[member, names, known, to] : {std::tuple{"modes", &fields.modes, spdm_mode_bits(), &policy.modes},
                                                   std::tuple{"debug", &fields.debug, spdm_debug_bits(), &policy.accepted_debug}}) {
        for (const auto &name : names->value_or(std::vector<std::string>())) {
            const auto bit = std::ranges::find(known, name, &NamedBit::name);
            if (bit == known.end())
                return malformed(std::string("the member ") + member + ": " + name + " is not known; there are " +
                                 bits_text(known_bits(known), known));
            *to |= 1U << bit->number;
        }
    }
    if (policy.modes == 0) return malformed("the member modes is empty: name the modes that are accepted, or leave it out");
    for (const auto &pem : fields.manifest_keys.value_or(std::vector<std::string>())) {
        const auto anchors = parse_trust_anchors(as_bytes(pem));
        if (!anchors || anchors->platform_keys.size() != 1 || !anchors->roots.empty())
            return malformed("the member manifestKeys: each is one public key of P-256 or P-384 in PEM");
        policy.manifest_keys.push_back(anchors->platform_keys.front().key);
    }
    if (fields.manifest_keys && policy.manifest_keys.empty())
        return malformed("the member manifestKeys is empty: name the keys that sign, or leave it out");
    return {};
}

struct CollateralFields {
    std::vector<std::string> manifests;
    static constexpr auto fields() { return std::tuple(field("manifests", &CollateralFields::manifests)); }
};

}  // namespace

std::span<const NamedBit> spdm_mode_bits() { return mode_bits; }
std::span<const NamedBit> spdm_debug_bits() { return debug_bits; }

std::expected<SpdmPolicy, Error> parse_spdm_policy(std::string_view json) {
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object)
        return malformed("what is said for devices is not one JSON object");
    SpdmPolicy policy;
    std::set<std::string_view> seen;
    for (auto member = document.root().first(); member; member = member->next()) {
        const std::string name(member->key());
        // What is null says nothing, where its writer meant something: an unset variable of a template.
        if (member->kind() == varlink::Kind::null) return malformed("the member " + name + " is null: leave it out");
        const auto *const names = std::ranges::find(names_members, member->key(), [](const auto &each) { return each.first; });
        const bool is_of_names = names != names_members.end();
        const bool known = std::apply([&](const auto &...each) { return ((each.name == name) || ...); }, PolicyFields::fields());
        if (!is_of_names && !known) return malformed("the member " + name + " is unknown");
        if (!seen.insert(member->key()).second) return malformed("the member " + name + " is given twice");
        if (!is_of_names) continue;
        auto read = names_from(*member);
        if (!read) return std::unexpected(std::move(read.error()));
        policy.*(names->second) = std::move(*read);
    }
    if (const auto fault = policy::nested_fault<PolicyFields>(document.root()); !fault.empty()) return malformed("the member " + fault);
    const auto fields = varlink::decode<PolicyFields>(document.root(), true);
    if (!fields) return malformed("the member " + fields.error().name + " is not " + what_is_wanted(fields.error().name));
    const auto accepts = [](const std::optional<Choice> &choice) { return choice == Choice::accept; };
    policy.accept_any_device = accepts(fields->any_device);
    policy.accept_unlisted = accepts(fields->unlisted_blocks);
    policy.accept_no_mode = accepts(fields->no_mode);
    policy.accept_values_since_reset = accepts(fields->values_since_reset);
    policy.accept_unsigned_algorithms = accepts(fields->unsigned_algorithms);
    policy.accept_unsigned_manifests = accepts(fields->unsigned_manifests);
    if (auto read = read_rest(*fields, policy); !read) return std::unexpected(std::move(read.error()));
    return policy;
}

std::string write_spdm_collateral(std::span<const Bytes> manifests) {
    CollateralFields fields;
    for (const auto &each : manifests) fields.manifests.push_back(to_base64(each));
    std::string text;
    varlink::write_json(text, fields);
    return text;
}

std::expected<std::vector<Bytes>, Error> parse_spdm_collateral(std::string_view json) {
    varlink::Document document;
    const auto fields = document.parse(json) ? varlink::decode<CollateralFields>(document.root()) : std::unexpected(varlink::BadField{});
    if (!fields) return malformed("the collateral is not an object with manifests, an array of base64");
    if (fields->manifests.size() > max_spdm_manifests)
        return malformed("the collateral has more than " + std::to_string(max_spdm_manifests) + " manifests");
    std::vector<Bytes> manifests;
    for (const auto &text : fields->manifests) {
        auto manifest = from_base64(text);
        if (!manifest) return malformed("a manifest of the collateral is not base64");
        manifests.push_back(std::move(*manifest));
    }
    return manifests;
}

std::vector<std::string> spdm::policy_members() {
    std::vector<std::string> names;
    for (const auto &[name, to] : names_members) names.emplace_back(name);
    policy::list_members<PolicyFields>(names);
    return names;
}

}  // namespace mr
