// What reference values say for CCA alone.
#include <array>
#include <tuple>
#include <utility>

#include "mr/cca_token.h"
#include "mr/verify_cca.h"
#include "proto/varlink/fields.h"

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
    std::optional<std::vector<std::string_view>> implementation_ids;
    std::optional<std::vector<std::string_view>> instance_ids;
    std::optional<ExtendRule> rem_extend;
    static constexpr auto fields() {
        return std::tuple(field("implementationIds", &PolicyFields::implementation_ids), field("instanceIds", &PolicyFields::instance_ids),
                          field("remExtend", &PolicyFields::rem_extend));
    }
};

constexpr std::string_view components_member = "components";

std::unexpected<Error> malformed(std::string message) { return std::unexpected(Error{ErrorCode::malformed, std::move(message)}); }

std::string what_is_wanted(std::string_view member) {
    if (member == "remExtend")
        return "\"tf-rmm\" or \"specification\"; a register that keeps nothing of its old value binds only its last event, and is none";
    return "an array of values in hex";
}

std::expected<std::vector<Bytes>, Error> ids_from(std::string_view member, const std::optional<std::vector<std::string_view>> &values,
                                                  std::size_t size) {
    std::vector<Bytes> ids;
    if (values && values->empty())
        return malformed("the member " + std::string(member) + " is empty: name those that are accepted, or leave it out");
    for (const auto hex : values.value_or(std::vector<std::string_view>())) {
        auto value = from_hex(hex);
        if (!value || value->size() != size)
            return malformed("a value of " + std::string(member) + " is not " + std::to_string(size) + " bytes in hex");
        ids.push_back(std::move(*value));
    }
    return ids;
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
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object)
        return malformed("what is said for CCA is not one JSON object");
    CcaPolicy policy;
    for (auto member = document.root().first(); member; member = member->next()) {
        // What is null says nothing, where its writer meant something: an unset variable of a template.
        if (member->kind() == varlink::Kind::null) return malformed("the member " + std::string(member->key()) + " is null: leave it out");
        if (member->key() == components_member) {
            if (!policy.components.empty()) return malformed("the member components is given twice");
            auto components = components_from(*member);
            if (!components) return std::unexpected(std::move(components.error()));
            policy.components = std::move(*components);
            continue;
        }
        const bool known = std::apply([&](const auto &...each) { return ((each.name == member->key()) || ...); }, PolicyFields::fields());
        if (!known) return malformed("the member " + std::string(member->key()) + " is unknown");
    }
    const auto fields = varlink::decode<PolicyFields>(document.root(), true);
    if (!fields)
        return malformed("the member " + fields.error().name + " is given twice, or is not " + what_is_wanted(fields.error().name));
    auto implementations = ids_from("implementationIds", fields->implementation_ids, cca_implementation_id_size);
    if (!implementations) return std::unexpected(std::move(implementations.error()));
    auto instances = ids_from("instanceIds", fields->instance_ids, cca_instance_id_size);
    if (!instances) return std::unexpected(std::move(instances.error()));
    policy.implementation_ids = std::move(*implementations);
    policy.instance_ids = std::move(*instances);
    policy.rem_extend = fields->rem_extend;
    return policy;
}

}  // namespace mr
