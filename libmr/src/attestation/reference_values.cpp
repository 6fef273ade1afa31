#include "mr/reference_values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "libmr/src/attestation/choice.h"
#include "libmr/src/attestation/nested_members.h"
#include "libmr/src/attestation/reference_members.h"
#include "libmr/src/attestation/rule_judgement.h"
#include "libmr/src/attestation/rule_set_reader.h"
#include "libmr/src/event_log/json_common.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/json_fault.h"

namespace mr {

namespace {

using attestation::is_register_name;
using attestation::malformed_values;
using attestation::value_from;
using attestation::wrong_signed_name;
using varlink::field;

constexpr std::string_view values_format_name = "mrd-reference-values";

struct GapFields {
    std::string_view register_name;
    std::string_view found;
    static constexpr auto fields() { return std::tuple(field("register", &GapFields::register_name), field("found", &GapFields::found)); }
};

struct VirtualRegisterFields {
    std::string name;
    std::optional<std::int64_t> owner;
    std::optional<std::vector<std::string_view>> values;
    static constexpr auto fields() {
        return std::tuple(field("name", &VirtualRegisterFields::name), field("owner", &VirtualRegisterFields::owner),
                          field("values", &VirtualRegisterFields::values));
    }
};

struct SetFields {
    std::string name;
    static constexpr auto fields() { return std::tuple(field("name", &SetFields::name)); }
};

struct AlternativesFields {
    std::string name;
    std::vector<varlink::RawJson> sets;
    static constexpr auto fields() {
        return std::tuple(field("name", &AlternativesFields::name), field("sets", &AlternativesFields::sets));
    }
};

struct KnownPartFields {
    std::string name;
    std::string kind;
    static constexpr auto fields() { return std::tuple(field("name", &KnownPartFields::name), field("kind", &KnownPartFields::kind)); }
};

struct FileFields {
    std::string_view format;
    std::int64_t version = 0;
    std::optional<std::string_view> description;
    std::optional<std::vector<KnownPartFields>> parts;
    std::optional<std::map<std::string, std::vector<std::string>>> roles;
    std::optional<Choice> measured_roles;
    std::optional<std::vector<std::string>> tcb;
    std::optional<Choice> debug;
    std::optional<Choice> simulated_roots;
    std::optional<Choice> gaps;
    std::optional<std::vector<std::string>> uncovered_registers;
    std::optional<std::vector<std::string>> log_only_registers;
    std::optional<std::vector<GapFields>> accepted_gaps;
    std::optional<std::int64_t> maximum_age;
    static constexpr auto fields() {
        return std::tuple(
            field("format", &FileFields::format), field("version", &FileFields::version), field("description", &FileFields::description),
            field("parts", &FileFields::parts), field("roles", &FileFields::roles), field("measuredRoles", &FileFields::measured_roles),
            field("tcb", &FileFields::tcb), field("debug", &FileFields::debug), field("simulatedRoots", &FileFields::simulated_roots),
            field("gaps", &FileFields::gaps), field("uncoveredRegisters", &FileFields::uncovered_registers),
            field("logOnlyRegisters", &FileFields::log_only_registers), field("acceptedGaps", &FileFields::accepted_gaps),
            field("maximumAgeSeconds", &FileFields::maximum_age));
    }
};

std::string known_tcb_statuses(Tees tees) {
    std::string all;
    std::set<std::string_view> told;
    for (const auto *tee : tees) {
        for (const auto status : tee->tcb_statuses()) {
            if (told.insert(status).second) all.append(all.empty() ? "" : ", ").append(status);
        }
    }
    return all;
}

// What each member is, for who wrote another thing.
std::string what_is_wanted(std::string_view member) {
    if (member == "format") return "\"mrd-reference-values\"";
    if (member == "version") return "1";
    if (member == "tcb") return "an array of TCB statuses, as [\"UpToDate\"]";
    if (member == "parts") return "an array of objects with name and kind";
    if (member == "roles") return "an object of arrays of names, as {\"app\": [\"rtmr3\"]}";
    if (member == "acceptedGaps")
        return "an array of objects with register and found, as [{\"register\": \"rtmr2\", \"found\": \"ebed...\"}]";
    if (member == "uncoveredRegisters" || member == "logOnlyRegisters") return "an array of names, as [\"rtmr2\"]";
    if (member == "maximumAgeSeconds") return "a number of seconds";
    if (member == "description") return "text";
    return "\"accept\" or \"refuse\"";
}

// Where a register of a kind that is not among `tees` has a role's name too, the role is meant (is_meant()).
std::expected<void, Error> read_roles(std::map<std::string, std::vector<std::string>> roles, Tees tees, ReferenceValues &values) {
    if (roles.size() > max_reference_roles) return malformed_values("the member roles: more than " + std::to_string(max_reference_roles));
    for (auto &[role, names] : roles) {
        const auto in_role = "the member roles: \"" + role + "\"";
        if (!attestation::is_register_name(role) || role.contains('/'))
            return malformed_values(in_role + " is no name of a role, as \"app\"");
        if (const auto of = std::ranges::find_if(tees, [&](const Tee *tee) { return tee->names_register(role); }); of != tees.end())
            return malformed_values(in_role + " is a register of the kind " + std::string((*of)->kind()) + ": a role has another name");
        if (names.empty() || names.size() > max_registers_of_role)
            return malformed_values(in_role + " is of 1 to " + std::to_string(max_registers_of_role) + " registers");
        for (const auto &name : names) {
            if (const auto wrong = wrong_signed_name(name); !wrong.empty())
                return malformed_values(in_role + ": \"" + name + "\" " + wrong);
            if (roles.contains(name)) return malformed_values(in_role + ": \"" + name + "\" is a role too: name the register");
        }
        values.roles.emplace(role, names);
    }
    return {};
}

constexpr std::string_view virtual_registers_member = "virtualRegisters";

// Of one element: a name alone, or with what is asked for besides.
std::expected<VirtualRegisterRule, Error> virtual_register_from(varlink::Value value) {
    const auto member = "the member " + std::string(virtual_registers_member);
    VirtualRegisterFields fields;
    if (value.kind() == varlink::Kind::object) {
        if (const auto null = attestation::null_member(value)) return malformed_values(member + ": " + *null + " is null: leave it out");
    }
    if (const auto name = value.as_string()) {
        fields.name = *name;
    } else if (auto decoded = varlink::decode<VirtualRegisterFields>(value)) {
        fields = std::move(*decoded);
    } else {
        return malformed_values(
            member +
            ": each is a name, or an object with name, and perhaps owner, a uid, and values, an array of text, each once "
            "and nothing else");
    }
    VirtualRegisterRule rule{.name = std::move(fields.name)};
    if (!attestation::is_virtual_register_name(rule.name))
        return malformed_values(member + ": \"" + rule.name + "\" is no name of a virtual register, as \"virtual/build\"");
    const auto in_rule = member + ": \"" + rule.name + "\": ";
    if (fields.owner) {
        if (*fields.owner < 0 || *fields.owner > std::numeric_limits<std::uint32_t>::max())
            return malformed_values(in_rule + "the owner is no uid");
        rule.owner = static_cast<std::uint32_t>(*fields.owner);
    }
    if (fields.values && fields.values->empty())
        return malformed_values(in_rule + "values is empty, so that it may hold nothing: leave it out");
    for (const auto hex : fields.values.value_or(std::vector<std::string_view>())) {
        auto allowed = value_from(rule.name, hex);
        if (!allowed) return std::unexpected(std::move(allowed.error()));
        rule.values.push_back(std::move(*allowed));
    }
    return rule;
}

std::expected<void, Error> read_virtual_registers(varlink::Value root, ReferenceValues &values) {
    const auto array = root.find(virtual_registers_member);
    if (!array) return {};
    if (array->kind() != varlink::Kind::array)
        return malformed_values(
            "the member virtualRegisters is not an array of names, as [\"virtual/build\"], or of objects with name, owner and values");
    if (array->size() > max_reference_virtual_registers)
        return malformed_values("the member virtualRegisters: more than " + std::to_string(max_reference_virtual_registers));
    for (auto element = array->first(); element; element = element->next()) {
        auto rule = virtual_register_from(*element);
        if (!rule) return std::unexpected(std::move(rule.error()));
        if (std::ranges::find(values.virtual_registers, rule->name, &VirtualRegisterRule::name) != values.virtual_registers.end())
            return malformed_values("the member virtualRegisters: " + rule->name + " is given twice");
        values.virtual_registers.push_back(std::move(*rule));
    }
    return {};
}

constexpr std::string_view alternatives_member = "alternatives";

// Each name and sets; a set has a name, and rules that it is read for.
std::expected<Alternatives, Error> alternatives_from(varlink::Value value, attestation::RuleSetReader &reader) {
    const std::string member(alternatives_member);
    if (value.kind() != varlink::Kind::object) return malformed_values(member + " has an element that is not an object");
    if (const auto null = attestation::null_member(value))
        return malformed_values(member + ": the member " + *null + " is null: leave it out");
    const auto fields = varlink::decode<AlternativesFields>(value);
    if (!fields)
        return malformed_values(member +
                                ": each has name, which says what it is, and sets, an array of objects, each once, and nothing else");
    Alternatives made{.name = fields->name, .sets = {}};
    const auto in_these = member + " \"" + made.name + "\": ";
    for (auto set = value.find("sets")->first(); set; set = set->next()) {
        if (const auto null = attestation::null_member(*set))
            return malformed_values(in_these + "the member " + *null + " of a set is null: leave it out");
        for (auto each = set->first(); each; each = each->next()) {
            if (each->key() != "name" && !attestation::RuleSetReader::is_member(each->key()))
                return malformed_values(in_these + "a set has no member " + std::string(each->key()));
        }
        const auto name = varlink::decode<SetFields>(*set, true);
        if (!name) return malformed_values(in_these + "a set has one name, which is text");
        auto &into = made.sets.emplace_back();
        into.name = name->name;
        if (auto done = reader.read(*set, in_these + "\"" + into.name + "\": ", into); !done)
            return std::unexpected(std::move(done.error()));
        if (static_cast<const RuleSet &>(into) == RuleSet())
            return malformed_values(in_these + "\"" + into.name + "\" asks for nothing, so that any machine has it");
    }
    if (made.sets.empty()) return malformed_values(in_these + "sets is empty, so that no machine has one of them");
    return made;
}

std::expected<void, Error> read_alternatives(varlink::Value root, attestation::RuleSetReader &reader, std::vector<Alternatives> &all) {
    const auto array = root.find(alternatives_member);
    if (!array) return {};
    if (array->kind() != varlink::Kind::array) return malformed_values("the member alternatives is not an array");
    std::size_t sets = 0;
    for (auto element = array->first(); element; element = element->next()) {
        auto made = alternatives_from(*element, reader);
        if (!made) return std::unexpected(std::move(made.error()));
        sets += made->sets.size();
        if (sets > max_rule_sets) return malformed_values("more than " + std::to_string(max_rule_sets) + " sets in alternatives together");
        all.push_back(std::move(*made));
    }
    return {};
}

// Element by element, so that what is wrong in one is told with its name.
constexpr std::array read_apart{virtual_registers_member, alternatives_member};

}  // namespace

std::vector<std::string> attestation::reference_members() {
    std::vector<std::string> names;
    policy::list_members<FileFields>(names);
    names.insert(names.end(), read_apart.begin(), read_apart.end());
    policy::list_members<VirtualRegisterFields>(names, std::string(virtual_registers_member) + ".");
    policy::list_members<AlternativesFields>(names, std::string(alternatives_member) + ".");
    for (auto &name : RuleSetReader::members()) names.push_back(std::move(name));
    for (const auto *tee : known_tees()) {
        const std::string kind(tee->kind());
        names.push_back(kind);
        for (const auto &member : known_policy_members(*tee)) names.push_back(kind + "." + member);
    }
    return names;
}

std::expected<ReferenceValues, Error> parse_reference_values(std::string_view json, Tees tees) {
    if (json.size() > max_reference_values_size)
        return malformed_values("more than " + std::to_string(max_reference_values_size) + " bytes");
    varlink::Document document;
    // People write these files, and their editors put the mark there.
    const auto text = event_log::without_byte_order_mark(json);
    if (!document.parse(text)) {
        const auto line = varlink::json_fault_line(text);
        return malformed_values("the file is not one JSON object in UTF-8" +
                                (line == 0 ? std::string() : ": see line " + std::to_string(line)));
    }
    if (document.root().kind() != varlink::Kind::object) return malformed_values("the file is not one JSON object in UTF-8");
    const auto root = document.root();
    // First, for who gave another file: which of its members are unknown is no help then.
    if (const auto format = root.find("format"); !format || format->as_string() != values_format_name)
        return malformed_values("the member format is " + std::string(format ? "not " : "missing: it is ") + what_is_wanted("format"));
    const auto fields = varlink::decode<FileFields>(root, true);
    if (!fields) {
        const auto &name = fields.error().name;
        return malformed_values("the member " + name + (root.find(name) ? " is given twice, or is not " : " is missing: it is ") +
                                what_is_wanted(name));
    }
    ReferenceValues values;
    std::set<std::string_view> read_later;
    for (auto member = root.first(); member; member = member->next()) {
        const bool known = std::apply([&](const auto &...entry) { return ((entry.name == member->key()) || ...); }, FileFields::fields());
        if (member->kind() == varlink::Kind::null)
            return malformed_values("the member " + std::string(member->key()) + " is null: leave it out");
        if (const auto *tee = known ? nullptr : find_tee(member->key(), tees)) {
            const auto [own, is_new] = values.platform.of_kind.emplace(member->key(), member->to_json());
            if (!is_new) return malformed_values("the member " + own->first + " is given twice");
            if (auto good = tee->check_policy(own->second); !good)
                return malformed_values("the member " + own->first + ": " + good.error().message);
            continue;
        }
        if (known || attestation::RuleSetReader::is_member(member->key())) continue;
        if (std::ranges::find(read_apart, member->key()) == read_apart.end())
            return malformed_values("the member " + std::string(member->key()) + " is unknown");
        if (!read_later.emplace(member->key()).second)
            return malformed_values("the member " + std::string(member->key()) + " is given twice");
    }
    if (fields->version != 1) return malformed_values("the member version: only version 1 is known");

    const auto accepts = [](const std::optional<Choice> &choice) { return choice == Choice::accept; };
    if (fields->tcb && fields->tcb->empty())
        return malformed_values("the member tcb is empty: name the statuses that are accepted, or leave it out");
    if (fields->tcb) {
        values.platform.accepted_tcb = *fields->tcb;
        values.tcb_required = true;
        for (const auto &name : *fields->tcb) {
            const bool is_known = std::ranges::any_of(tees, [&](const Tee *tee) {
                const auto statuses = tee->tcb_statuses();
                return std::ranges::find(statuses, name) != statuses.end();
            });
            if (!is_known) return malformed_values("the member tcb: " + name + " is no TCB status; there are " + known_tcb_statuses(tees));
        }
    }
    if (auto done = read_roles(fields->roles.value_or(std::map<std::string, std::vector<std::string>>()), tees, values); !done)
        return std::unexpected(std::move(done.error()));
    for (auto &part : fields->parts.value_or(std::vector<KnownPartFields>())) {
        if (part.name == attestation::virtual_kind)
            return malformed_values("the member parts: virtual registers are called so: no part is");
        if (find_tee(part.kind, tees) == nullptr) return malformed_values("the member parts: " + part.kind + " is no kind that is known");
        if (std::ranges::find(values.parts, part.name, &ExpectedPart::name) != values.parts.end())
            return malformed_values("the member parts: " + part.name + " is given twice");
        values.parts.push_back({std::move(part.name), std::move(part.kind)});
    }
    values.platform.accept_debug = accepts(fields->debug);
    if (fields->simulated_roots) values.platform.accept_simulated_roots = accepts(fields->simulated_roots);
    values.accept_gaps = accepts(fields->gaps);
    const auto says_some = [](const auto &array) { return array && !array->empty(); };
    values.log_required =
        (fields->gaps && !values.accept_gaps) || says_some(fields->accepted_gaps) || says_some(fields->uncovered_registers);
    if (const auto parts = root.find("parts")) {
        for (auto part = parts->first(); part; part = part->next()) {
            if (!varlink::decode<KnownPartFields>(*part))
                return malformed_values("the member parts: a part has name and kind, each once, and nothing else");
        }
    }
    if (const auto gaps = root.find("acceptedGaps")) {
        // Decoded again, each by itself: with what is unknown refused.
        for (auto gap = gaps->first(); gap; gap = gap->next()) {
            if (!varlink::decode<GapFields>(*gap))
                return malformed_values("the member acceptedGaps: a gap has register and found, each once, and nothing else");
        }
    }
    for (const auto &gap : fields->accepted_gaps.value_or(std::vector<GapFields>())) {
        if (const auto wrong = wrong_signed_name(gap.register_name); !wrong.empty())
            return malformed_values("the member acceptedGaps: \"" + std::string(gap.register_name) + "\" " + wrong);
        const auto found = value_from("acceptedGaps", gap.found);
        if (!found) return std::unexpected(found.error());
        values.accepted_gaps.push_back({std::string(gap.register_name), Digest(*found)});
    }
    for (const auto &[member, names, to] : {std::tuple{"uncoveredRegisters", &fields->uncovered_registers, &values.uncovered_registers},
                                            std::tuple{"logOnlyRegisters", &fields->log_only_registers, &values.log_only_registers}}) {
        for (const auto &name : names->value_or(std::vector<std::string>())) {
            if (const auto wrong = wrong_signed_name(name); !wrong.empty())
                return malformed_values("the member " + std::string(member) + ": \"" + name + "\" " + wrong);
            to->push_back(name);
        }
    }
    if (auto done = read_virtual_registers(root, values); !done) return std::unexpected(std::move(done.error()));
    if (fields->maximum_age && *fields->maximum_age < 0) return malformed_values("the member maximumAgeSeconds is negative");
    values.maximum_age_seconds = fields->maximum_age;
    attestation::RuleSetReader reader;
    if (auto done = reader.read(root, "", values); !done) return std::unexpected(std::move(done.error()));
    values.accept_measured_roles = accepts(fields->measured_roles);
    if (values.accept_measured_roles && !values.self_measurement)
        return malformed_values("the member measuredRoles: selfMeasurement has to say whose word they are");
    if (auto done = read_alternatives(root, reader, values.alternatives); !done) return std::unexpected(std::move(done.error()));
    if (attestation::virtual_registers_in_rules(values).size() > max_reference_virtual_registers)
        return malformed_values("rules name more than " + std::to_string(max_reference_virtual_registers) + " virtual registers");
    return values;
}

}  // namespace mr
