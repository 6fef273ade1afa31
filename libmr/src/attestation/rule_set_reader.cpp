#include "libmr/src/attestation/rule_set_reader.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "libmr/src/attestation/nested_members.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/envelope.h"
#include "mr/limits.h"
#include "mr/reference_values.h"
#include "proto/varlink/fields.h"

template <>
struct varlink::EnumNames<mr::EventOrder> {
    static constexpr std::array values{std::pair{mr::EventOrder::listed, "listed"}, std::pair{mr::EventOrder::any, "any"}};
};

namespace mr::attestation {
namespace {

using varlink::field;

constexpr std::string_view registers_member = "registers";
constexpr std::string_view required_member = "requiredEvents";
constexpr std::string_view forbidden_member = "forbiddenEvents";
constexpr std::string_view closed_member = "closedRegisters";
constexpr std::string_view self_member = "selfMeasurement";
constexpr std::array set_members{registers_member, required_member, forbidden_member, closed_member, self_member};

struct RuleFields {
    std::string name;
    std::optional<std::string_view> register_name;
    std::optional<std::string_view> digest;
    std::optional<std::string_view> event_digest;
    std::optional<std::string_view> data;
    std::optional<std::string_view> text;
    std::optional<std::string> description;
    std::optional<std::string_view> data_digest;
    std::optional<std::string> envelope_type;
    std::optional<bool> optional;
    static constexpr auto fields() {
        return std::tuple(field("name", &RuleFields::name), field("register", &RuleFields::register_name),
                          field("digest", &RuleFields::digest), field("eventDigest", &RuleFields::event_digest),
                          field("data", &RuleFields::data), field("text", &RuleFields::text),
                          field("description", &RuleFields::description), field("dataDigest", &RuleFields::data_digest),
                          field("envelopeType", &RuleFields::envelope_type), field("optional", &RuleFields::optional));
    }
};

// Rules are read one by one, so that what is wrong in one is told with its name.
struct ClosedRegisterFields {
    std::string register_name;
    std::optional<varlink::RawJson> after;
    std::optional<EventOrder> order;
    std::vector<varlink::RawJson> events;
    static constexpr auto fields() {
        return std::tuple(field("register", &ClosedRegisterFields::register_name), field("after", &ClosedRegisterFields::after),
                          field("order", &ClosedRegisterFields::order), field("events", &ClosedRegisterFields::events));
    }
};

struct SelfRuleFields {
    std::string register_name;
    std::vector<std::string_view> binary;
    std::vector<std::string_view> configuration;
    std::optional<std::vector<std::string_view>> access;
    std::optional<std::vector<std::vector<std::string>>> options;
    std::optional<std::map<std::string, std::string>> roles;
    static constexpr auto fields() {
        return std::tuple(field("register", &SelfRuleFields::register_name), field("binary", &SelfRuleFields::binary),
                          field("configuration", &SelfRuleFields::configuration), field("access", &SelfRuleFields::access),
                          field("options", &SelfRuleFields::options), field("roles", &SelfRuleFields::roles));
    }
};

struct RegisterValuesFields {
    std::optional<std::map<std::string, std::vector<std::string_view>>> registers;
    static constexpr auto fields() { return std::tuple(field(registers_member, &RegisterValuesFields::registers)); }
};

// As content_digest_from() has it; without a name the length says which. SHA-1 proves nothing.
std::optional<ContentDigest> digest_from(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        auto named = content_digest_from(text);
        return named && named->algorithm != HashAlgorithm::sha1 ? named : std::nullopt;
    }
    const auto value = from_hex(text);
    if (!value) return std::nullopt;
    for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
        if (value->size() == digest_size(algorithm)) return ContentDigest{.algorithm = algorithm, .value = Digest(*value)};
    }
    return std::nullopt;
}

bool is_name_in_rule(std::string_view name) { return is_virtual_register_name(name) || wrong_signed_name(name).empty(); }

std::expected<EventRule, Error> rule_from(const std::string &member, bool of_closed_register, varlink::Value value) {
    if (value.kind() == varlink::Kind::object) {
        if (const auto null = null_member(value))
            return malformed_values(member + ": the member " + *null + " of a rule is null: leave it out");
    }
    const auto fields = varlink::decode<RuleFields>(value);
    if (!fields) {
        const auto &name = fields.error().name;
        const bool is_known = std::apply([&](const auto &...entry) { return ((entry.name == name) || ...); }, RuleFields::fields());
        const auto what = value.kind() != varlink::Kind::object ? " has a rule that is not an object"
                          : !is_known                           ? ": a rule has no member " + name
                          : !value.find(name)                   ? ": a rule has no " + name + ", which says what it is"
                                                                : ": the member " + name + " of a rule is given twice or is not " +
                                                    (name == "optional" ? "true or false" : "text");
        return malformed_values(member + what);
    }
    const auto in_rule = [&](std::string_view what) {
        return malformed_values(member + " \"" + fields->name + "\": " + std::string(what));
    };
    EventRule rule{.name = fields->name,
                   .description = fields->description,
                   .envelope_type = fields->envelope_type,
                   .optional = fields->optional.value_or(false)};
    if (fields->register_name) {
        if (of_closed_register) return in_rule("the register is that of the closed register: leave it out");
        rule.register_name = *fields->register_name;
        if (!is_name_in_rule(rule.register_name))
            return in_rule("the register is no name of one, as \"rtmr3\", \"tdx/rtmr3\" or \"virtual/build\"");
    }
    if (fields->optional && !of_closed_register) return in_rule("only the events of closedRegisters can be optional");
    constexpr auto wanted = " is not a digest in hex of 32, 48 or 64 bytes, or ALGORITHM:HEX; SHA-1 proves nothing";
    for (const auto &[name, text, to] :
         {std::tuple{"digest", fields->digest, &rule.digest}, std::tuple{"eventDigest", fields->event_digest, &rule.event_digest},
          std::tuple{"dataDigest", fields->data_digest, &rule.data_digest}}) {
        if (!text) continue;
        *to = digest_from(*text);
        if (!*to) return in_rule(std::string(name) + wanted);
    }
    if (fields->data && fields->text) return in_rule("data and text exclude each other");
    if (fields->data) {
        auto data = from_base64(*fields->data);
        if (!data) return in_rule("the data is not base64");
        rule.data = std::move(*data);
    }
    if (fields->text) {
        const auto bytes = as_bytes(*fields->text);
        rule.data = Bytes(bytes.begin(), bytes.end());
    }
    if (rule.description && rule.description->empty()) return in_rule("the description is empty: leave it out");
    if (rule.envelope_type && rule.envelope_type->empty()) return in_rule("the envelopeType is empty: leave it out");
    // One that no envelope has would forbid nothing.
    if (rule.envelope_type && std::ranges::find(envelope_types, *rule.envelope_type) == envelope_types.end()) {
        std::string known;
        for (const auto type : envelope_types) known.append(known.empty() ? "" : ", ").append(type);
        return in_rule("the envelopeType " + *rule.envelope_type + " is none that this library knows: there are " + known);
    }
    if (rule.data && rule.data->empty()) return in_rule("data and text must not be empty: the digest of nothing says nothing");
    if (!rule.digest && !rule.event_digest && !rule.data && !rule.description && !rule.data_digest && !rule.envelope_type)
        return in_rule("one of digest, eventDigest, data, text, description, dataDigest, envelopeType must say which event is meant");
    return rule;
}

// The only member of that name. Error: malformed, where there are two.
std::expected<std::optional<varlink::Value>, Error> find_array(varlink::Value object, std::string_view member, const std::string &where) {
    std::optional<varlink::Value> found;
    const auto shown = where + "the member " + std::string(member);
    for (auto each = object.first(); each; each = each->next()) {
        if (each->key() != member) continue;
        if (found) return malformed_values(shown + " is given twice");
        if (each->kind() != varlink::Kind::array) return malformed_values(shown + " is not an array");
        found = each;
    }
    return found;
}

}  // namespace

std::unexpected<Error> malformed_values(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "reference values: " + std::move(message)});
}

bool is_register_name(std::string_view name) {
    const auto slash = name.find('/');
    return !name.empty() && slash != 0 && slash != name.size() - 1 && std::ranges::count(name, '/') <= 1;
}

std::string wrong_signed_name(std::string_view name) {
    if (!is_register_name(name)) return "is no name of a register";
    return name.starts_with(virtual_prefix) ? "is a virtual register's name: no quote signs it" : "";
}

bool is_virtual_register_name(std::string_view name) {
    if (!name.starts_with(virtual_prefix)) return false;
    name.remove_prefix(virtual_prefix.size());
    return !name.empty() && name.size() <= max_virtual_register_name && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

std::optional<std::string> null_member(varlink::Value object) {
    for (auto member = object.first(); member; member = member->next()) {
        if (member->kind() == varlink::Kind::null) return std::string(member->key());
    }
    return std::nullopt;
}

std::expected<Bytes, Error> value_from(std::string_view member, std::string_view hex) {
    auto bytes = from_hex(hex);
    if (!bytes || bytes->empty() || bytes->size() > max_digest_size)
        return malformed_values("a value of " + std::string(member) + " is not 1 to " + std::to_string(max_digest_size) + " bytes in hex");
    return std::move(*bytes);
}

bool RuleSetReader::is_member(std::string_view name) { return std::ranges::find(set_members, name) != set_members.end(); }

std::vector<std::string> RuleSetReader::members() {
    std::vector<std::string> names(set_members.begin(), set_members.end());
    policy::list_members<ClosedRegisterFields>(names, std::string(closed_member) + ".");
    policy::list_members<SelfRuleFields>(names, std::string(self_member) + ".");
    policy::list_members<RuleFields>(names, "rule.");
    return names;
}

std::expected<void, Error> RuleSetReader::read(varlink::Value object, const std::string &where, RuleSet &set) {
    if (auto done = read_registers(object, where, set); !done) return done;
    for (const auto &[member, rules] :
         {std::pair{required_member, &set.required_events}, std::pair{forbidden_member, &set.forbidden_events}}) {
        const auto array = find_array(object, member, where);
        if (!array) return std::unexpected(array.error());
        if (!*array) continue;
        if (auto done = read_rules(**array, where + std::string(member), false, *rules); !done) return done;
    }
    if (auto done = read_self(object, where, set); !done) return done;
    const auto array = find_array(object, closed_member, where);
    if (!array) return std::unexpected(array.error());
    if (!*array) return {};
    for (auto element = (*array)->first(); element; element = element->next()) {
        auto closed = read_closed_register(*element, where + std::string(closed_member));
        if (!closed) return std::unexpected(std::move(closed.error()));
        set.closed_registers.push_back(std::move(*closed));
    }
    return {};
}

std::expected<void, Error> RuleSetReader::count(std::size_t more) {
    rules_ += more;
    if (rules_ <= max_event_rules) return {};
    return malformed_values("more than " + std::to_string(max_event_rules) +
                            " rules in requiredEvents, forbiddenEvents, closedRegisters and alternatives together");
}

std::expected<void, Error> RuleSetReader::read_registers(varlink::Value object, const std::string &where, RuleSet &set) {
    const auto fields = varlink::decode<RegisterValuesFields>(object, true);
    if (!fields)
        return malformed_values(where + "the member registers is given twice, or is not an object of arrays, as {\"mrtd\": [\"ebed...\"]}");
    if (!fields->registers) return {};
    for (const auto &[name, allowed] : *fields->registers) {
        if (const auto wrong = wrong_signed_name(name); !wrong.empty())
            return malformed_values(std::string(where).append("the member registers: \"").append(name).append("\" ").append(wrong));
        auto &known = set.registers[name];
        for (const auto hex : allowed) {
            auto value = value_from(where + name, hex);
            if (!value) return std::unexpected(std::move(value.error()));
            known.push_back(std::move(*value));
        }
    }
    return {};
}

std::expected<void, Error> RuleSetReader::read_rules(varlink::Value array, const std::string &member, bool of_closed_register,
                                                     std::vector<EventRule> &rules) {
    if (auto counted = count(array.size()); !counted) return counted;
    for (auto element = array.first(); element; element = element->next()) {
        auto rule = rule_from(member, of_closed_register, *element);
        if (!rule) return std::unexpected(std::move(rule.error()));
        rules.push_back(std::move(*rule));
    }
    return {};
}

std::expected<void, Error> RuleSetReader::read_self(varlink::Value object, const std::string &where, RuleSet &set) {
    const auto member = where + "the member " + std::string(self_member);
    for (auto each = object.first(); each; each = each->next()) {
        if (each->key() != self_member) continue;
        if (set.self_measurement) return malformed_values(member + " is given twice");
        if (each->kind() != varlink::Kind::object) return malformed_values(member + " is not an object");
        if (const auto null = null_member(*each)) return malformed_values(member + ": its member " + *null + " is null: leave it out");
        const auto fields = varlink::decode<SelfRuleFields>(*each);
        if (!fields)
            return malformed_values(
                member +
                " has register, binary and configuration, and may have access, options and roles, each once and nothing "
                "else; " +
                fields.error().name + " is not so");
        if (const auto wrong = wrong_signed_name(fields->register_name); !wrong.empty())
            return malformed_values(std::string(member).append(": \"").append(fields->register_name).append("\" ").append(wrong));
        auto &rule = set.self_measurement.emplace(SelfMeasurementRule{.register_name = fields->register_name});
        if (fields->binary.empty() || fields->configuration.empty() || (fields->access && fields->access->empty()))
            return malformed_values(member + ": a list of digests is empty, so that no mrd is allowed");
        const std::vector<std::string_view> any;
        for (const auto &[name, digests, to] : {std::tuple{"binary", &fields->binary, &rule.binaries},
                                                std::tuple{"configuration", &fields->configuration, &rule.configurations},
                                                std::tuple{"access", fields->access ? &*fields->access : &any, &rule.access}}) {
            for (const auto text : *digests) {
                const auto digest = digest_from(text);
                const bool is_none = to == &rule.configurations && text == "none";
                if (!is_none && (!digest || digest->algorithm != HashAlgorithm::sha384))
                    return malformed_values(member + ": " + name + " has something else than a SHA-384 digest: " + std::string(text));
                to->push_back(is_none ? "none" : to_string(*digest));
            }
        }
        if (fields->options) rule.options = *fields->options;
        if (fields->roles && fields->roles->size() > max_reference_roles)
            return malformed_values(member + ": roles has more than " + std::to_string(max_reference_roles));
        rule.roles = fields->roles;
    }
    return {};
}

std::expected<ClosedRegister, Error> RuleSetReader::read_closed_register(varlink::Value value, const std::string &member) {
    if (value.kind() != varlink::Kind::object) return malformed_values(member + " has an element that is not an object");
    if (const auto null = null_member(value)) return malformed_values(member + ": the member " + *null + " is null: leave it out");
    const auto fields = varlink::decode<ClosedRegisterFields>(value);
    if (!fields) {
        const auto &name = fields.error().name;
        const bool is_known =
            std::apply([&](const auto &...entry) { return ((entry.name == name) || ...); }, ClosedRegisterFields::fields());
        return malformed_values(member + (!is_known           ? ": a closed register has no member " + name
                                          : !value.find(name) ? ": a closed register has no " + name
                                                              : ": the member " + name + " is given twice, or is not " +
                                                                    (name == "register" ? "text"
                                                                     : name == "after"  ? "a rule"
                                                                     : name == "order"  ? "\"listed\" or \"any\""
                                                                                        : "an array of rules")));
    }
    if (!is_name_in_rule(fields->register_name))
        return malformed_values(member + ": \"" + fields->register_name + "\" is no name of a register");
    ClosedRegister closed{.register_name = fields->register_name, .order = fields->order.value_or(EventOrder::listed)};
    const auto in_register = member + " \"" + closed.register_name + "\"";
    if (auto counted = count(fields->after ? 2 : 1); !counted) return std::unexpected(std::move(counted.error()));
    if (fields->after) {
        auto after = rule_from(in_register + " after", true, *value.find("after"));
        if (!after) return std::unexpected(std::move(after.error()));
        if (after->optional) return malformed_values(in_register + " after: it cannot be optional");
        closed.after = std::move(*after);
    }
    if (auto done = read_rules(*value.find("events"), in_register, true, closed.events); !done)
        return std::unexpected(std::move(done.error()));
    return closed;
}

}  // namespace mr::attestation
