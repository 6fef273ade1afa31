// What reference values say for CCA alone.
#include <array>
#include <tuple>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/policy_object.h"
#include "libmr/src/attestation/tee/cca/cca.h"
#include "mr/cca_token.h"
#include "mr/verify_cca.h"

template <>
struct varlink::EnumNames<mr::ExtendRule> {
    static constexpr std::array values{std::pair{mr::ExtendRule::digest, "tf-rmm"},
                                       std::pair{mr::ExtendRule::padded_digest, "specification"}};
};

namespace mr {
namespace {

using varlink::field;

struct ComponentFields {
    std::optional<std::string> type;
    std::string_view measurement;
    std::optional<std::string_view> signer_id;
    std::optional<std::string> version;
    static constexpr auto fields() {
        return std::tuple(field("type", &ComponentFields::type), field("measurement", &ComponentFields::measurement),
                          field("signerId", &ComponentFields::signer_id), field("version", &ComponentFields::version));
    }
};

struct PolicyFields {
    policy::Values implementation_ids;
    policy::Values instance_ids;
    std::optional<ExtendRule> rem_extend;
    static constexpr auto fields() {
        return std::tuple(field("implementationIds", &PolicyFields::implementation_ids), field("instanceIds", &PolicyFields::instance_ids),
                          field("remExtend", &PolicyFields::rem_extend));
    }
};

constexpr std::string_view components_member = "components";

using attestation::malformed;

std::string what_is_wanted(std::string_view member) {
    if (member == "remExtend")
        return "\"tf-rmm\" or \"specification\"; a register that keeps nothing of its old value binds only its last event, and is none";
    return "an array of values in hex";
}

std::expected<std::vector<CcaComponentRule>, Error> components_from(varlink::Value array) {
    if (array.kind() != varlink::Kind::array || array.size() == 0)
        return malformed("the member components is an array of objects, and not empty");
    if (array.size() > max_cca_component_rules) return malformed("more than " + std::to_string(max_cca_component_rules) + " components");
    std::vector<CcaComponentRule> rules;
    for (auto element = array.first(); element; element = element->next()) {
        auto fields = varlink::decode<ComponentFields>(*element);
        if (!fields)
            return malformed(
                "the member components: each has measurement, and may have type, signerId and version, each once, and nothing else");
        auto &rule = rules.emplace_back();
        for (const auto &[hex, to] : {std::pair(std::optional(fields->measurement), &rule.measurement),
                                      std::pair(fields->signer_id, fields->signer_id ? &rule.signer_id.emplace() : nullptr)}) {
            if (!hex) continue;
            auto value = from_hex(*hex);
            if (!value || (value->size() != 32 && value->size() != 48 && value->size() != 64))
                return malformed("the member components: \"" + std::string(*hex) + "\" is not 32, 48 or 64 bytes in hex");
            *to = std::move(*value);
        }
        rule.type = std::move(fields->type);
        rule.version = std::move(fields->version);
    }
    return rules;
}

}  // namespace

std::expected<CcaPolicy, Error> parse_cca_policy(std::string_view json) {
    varlink::Document document;
    const auto fields = policy::read_object<PolicyFields>(document, json, "CCA", what_is_wanted, components_member);
    if (!fields) return std::unexpected(fields.error());
    CcaPolicy made{.rem_extend = fields->rem_extend};
    for (auto member = document.root().first(); member; member = member->next()) {
        if (member->key() != components_member) continue;
        if (!made.components.empty()) return malformed("the member components is given twice");
        auto components = components_from(*member);
        if (!components) return std::unexpected(std::move(components.error()));
        made.components = std::move(*components);
    }
    auto implementations = policy::read_values("implementationIds", fields->implementation_ids, cca_implementation_id_size);
    if (!implementations) return std::unexpected(std::move(implementations.error()));
    auto instances = policy::read_values("instanceIds", fields->instance_ids, cca_instance_id_size);
    if (!instances) return std::unexpected(std::move(instances.error()));
    made.implementation_ids = std::move(*implementations);
    made.instance_ids = std::move(*instances);
    return made;
}

std::vector<std::string> cca::policy_members() {
    std::vector<std::string> names;
    policy::list_members<PolicyFields>(names);
    const std::string components(components_member);
    names.push_back(components);
    policy::list_members<ComponentFields>(names, components + ".");
    return names;
}

}  // namespace mr
