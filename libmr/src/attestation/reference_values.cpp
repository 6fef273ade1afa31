#include "mr/reference_values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/choice.h"
#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/event_log/json_common.h"
#include "proto/varlink/fields.h"

namespace mr {

namespace {

using varlink::field;

constexpr std::string_view format_name = "mrd-reference-values";

struct RuleFields {
    std::string name;
    std::optional<std::string_view> register_name;
    std::optional<std::string_view> digest;
    std::optional<std::string_view> event_digest;
    std::optional<std::string_view> data;
    std::optional<std::string_view> text;
    std::optional<std::string> description;
    std::optional<std::string_view> data_digest;
    static constexpr auto fields() {
        return std::tuple(field("name", &RuleFields::name), field("register", &RuleFields::register_name),
                          field("digest", &RuleFields::digest), field("eventDigest", &RuleFields::event_digest),
                          field("data", &RuleFields::data), field("text", &RuleFields::text),
                          field("description", &RuleFields::description), field("dataDigest", &RuleFields::data_digest));
    }
};

struct GapFields {
    std::string_view register_name;
    std::string_view found;
    static constexpr auto fields() { return std::tuple(field("register", &GapFields::register_name), field("found", &GapFields::found)); }
};

struct PartFields {
    std::string name;
    std::string kind;
    static constexpr auto fields() { return std::tuple(field("name", &PartFields::name), field("kind", &PartFields::kind)); }
};

struct FileFields {
    std::string_view format;
    std::int64_t version = 0;
    std::optional<std::string_view> description;
    std::optional<std::vector<PartFields>> parts;
    std::optional<std::vector<std::string>> tcb;
    std::optional<Choice> debug;
    std::optional<Choice> simulated_roots;
    std::optional<Choice> gaps;
    std::optional<std::vector<std::string>> uncovered_registers;
    std::optional<std::vector<std::string>> log_only_registers;
    std::optional<std::vector<GapFields>> accepted_gaps;
    std::optional<std::int64_t> maximum_age;
    std::optional<std::map<std::string, std::vector<std::string_view>>> registers;
    static constexpr auto fields() {
        return std::tuple(field("format", &FileFields::format), field("version", &FileFields::version),
                          field("description", &FileFields::description), field("parts", &FileFields::parts),
                          field("tcb", &FileFields::tcb), field("debug", &FileFields::debug),
                          field("simulatedRoots", &FileFields::simulated_roots), field("gaps", &FileFields::gaps),
                          field("uncoveredRegisters", &FileFields::uncovered_registers),
                          field("logOnlyRegisters", &FileFields::log_only_registers), field("acceptedGaps", &FileFields::accepted_gaps),
                          field("maximumAgeSeconds", &FileFields::maximum_age), field("registers", &FileFields::registers));
    }
};

std::unexpected<Error> malformed(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "reference values: " + std::move(message)});
}

// Of a register, with a part before it or without. Which registers there are the evidence's quotes tell.
bool is_register_name(std::string_view name) {
    const auto slash = name.find('/');
    return !name.empty() && slash != 0 && slash != name.size() - 1 && std::ranges::count(name, '/') <= 1;
}

std::string known_tcb_statuses(Tees tees) {
    std::string all;
    for (const auto *tee : tees) {
        for (const auto status : tee->tcb_statuses()) all.append(all.empty() ? "" : ", ").append(status);
    }
    return all;
}

// What each member is, for who wrote another thing.
std::string what_is_wanted(std::string_view member) {
    if (member == "format") return "\"mrd-reference-values\"";
    if (member == "version") return "1";
    if (member == "tcb") return "an array of TCB statuses, as [\"UpToDate\"]";
    if (member == "parts") return "an array of objects with name and kind";
    if (member == "acceptedGaps")
        return "an array of objects with register and found, as [{\"register\": \"rtmr2\", \"found\": \"ebed...\"}]";
    if (member == "uncoveredRegisters" || member == "logOnlyRegisters") return "an array of names, as [\"rtmr2\"]";
    if (member == "maximumAgeSeconds") return "a number of seconds";
    if (member == "registers") return "an object of arrays, as {\"mrtd\": [\"ebed...\"]}";
    if (member == "description") return "text";
    return "\"accept\" or \"refuse\"";
}

std::expected<Bytes, Error> value_from(const std::string &member, std::string_view hex) {
    auto bytes = from_hex(hex);
    if (!bytes || bytes->empty() || bytes->size() > max_digest_size)
        return malformed("a value of " + member + " is not 1 to " + std::to_string(max_digest_size) + " bytes in hex");
    return std::move(*bytes);
}

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

// What is null says nothing, where its writer meant something: an unset variable of a template.
std::optional<std::string> null_member(varlink::Value object) {
    for (auto member = object.first(); member; member = member->next()) {
        if (member->kind() == varlink::Kind::null) return std::string(member->key());
    }
    return std::nullopt;
}

std::expected<EventRule, Error> rule_from(const std::string &member, varlink::Value value) {
    if (value.kind() == varlink::Kind::object) {
        if (const auto null = null_member(value)) return malformed(member + ": the member " + *null + " of a rule is null: leave it out");
    }
    const auto fields = varlink::decode<RuleFields>(value);
    if (!fields) {
        const auto &name = fields.error().name;
        const bool is_known = std::apply([&](const auto &...entry) { return ((entry.name == name) || ...); }, RuleFields::fields());
        const auto what = value.kind() != varlink::Kind::object ? " has a rule that is not an object"
                          : !is_known                           ? ": a rule has no member " + name
                          : !value.find(name)                   ? ": a rule has no " + name + ", which says what it is"
                                                                : ": the member " + name + " of a rule is given twice or is not text";
        return malformed(member + what);
    }
    const auto in_rule = [&](std::string_view what) { return malformed(member + " \"" + fields->name + "\": " + std::string(what)); };
    EventRule rule{.name = fields->name, .description = fields->description};
    if (fields->register_name) {
        rule.register_name = *fields->register_name;
        if (!is_register_name(rule.register_name)) return in_rule("the register is no name of one, as \"rtmr3\" or \"tdx/rtmr3\"");
    }
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
    if (rule.data && rule.data->empty()) return in_rule("data and text must not be empty: the digest of nothing says nothing");
    if (!rule.digest && !rule.event_digest && !rule.data && !rule.description && !rule.data_digest)
        return in_rule("one of digest, eventDigest, data, text, description, dataDigest must say which event is meant");
    return rule;
}

std::expected<void, Error> read_rules(varlink::Value root, std::string_view member, std::size_t others, std::vector<EventRule> &rules) {
    const auto array = root.find(member);
    if (!array) return {};
    if (array->kind() != varlink::Kind::array) return malformed("the member " + std::string(member) + " is not an array");
    if (array->size() + others > max_event_rules)
        return malformed("more than " + std::to_string(max_event_rules) + " rules in requiredEvents and forbiddenEvents together");
    for (auto element = array->first(); element; element = element->next()) {
        auto rule = rule_from(std::string(member), *element);
        if (!rule) return std::unexpected(std::move(rule.error()));
        rules.push_back(std::move(*rule));
    }
    return {};
}

}  // namespace

std::expected<ReferenceValues, Error> parse_reference_values(std::string_view json, Tees tees) {
    if (json.size() > max_reference_values_size) return malformed("more than " + std::to_string(max_reference_values_size) + " bytes");
    varlink::Document document;
    // People write these files, and their editors put the mark there.
    if (!document.parse(event_log::without_byte_order_mark(json)) || document.root().kind() != varlink::Kind::object)
        return malformed("the file is not one JSON object in UTF-8");
    const auto root = document.root();
    // The rules are read one by one, so that what is wrong in one is told with its name.
    const auto fields = varlink::decode<FileFields>(root, true);
    if (!fields) {
        const auto &name = fields.error().name;
        return malformed("the member " + name + (root.find(name) ? " is given twice, or is not " : " is missing: it is ") +
                         what_is_wanted(name));
    }
    ReferenceValues values;
    unsigned required_members = 0;
    unsigned forbidden_members = 0;
    for (auto member = root.first(); member; member = member->next()) {
        const bool known = std::apply([&](const auto &...entry) { return ((entry.name == member->key()) || ...); }, FileFields::fields());
        if (member->kind() == varlink::Kind::null) return malformed("the member " + std::string(member->key()) + " is null: leave it out");
        const bool is_rules = member->key() == "requiredEvents" || member->key() == "forbiddenEvents";
        if (const auto *tee = known ? nullptr : find_tee(member->key(), tees)) {
            const auto [own, is_new] = values.platform.of_kind.emplace(member->key(), member->to_json());
            if (!is_new) return malformed("the member " + own->first + " is given twice");
            if (auto good = tee->check_policy(own->second); !good)
                return malformed("the member " + own->first + ": " + good.error().message);
            continue;
        }
        if (!known && !is_rules) return malformed("the member " + std::string(member->key()) + " is unknown");
        (member->key() == "requiredEvents" ? required_members : forbidden_members) += is_rules ? 1U : 0U;
    }
    if (required_members > 1 || forbidden_members > 1)
        return malformed(std::string("the member ") + (required_members > 1 ? "requiredEvents" : "forbiddenEvents") + " is given twice");
    if (fields->format != format_name) return malformed("the member format is not " + std::string(format_name));
    if (fields->version != 1) return malformed("the member version: only version 1 is known");

    const auto accepts = [](const std::optional<Choice> &choice) { return choice == Choice::accept; };
    if (fields->tcb && fields->tcb->empty())
        return malformed("the member tcb is empty: name the statuses that are accepted, or leave it out");
    if (fields->tcb) {
        values.platform.accepted_tcb = *fields->tcb;
        values.tcb_required = true;
        for (const auto &name : *fields->tcb) {
            const bool is_known = std::ranges::any_of(tees, [&](const Tee *tee) {
                const auto statuses = tee->tcb_statuses();
                return std::ranges::find(statuses, name) != statuses.end();
            });
            if (!is_known) return malformed("the member tcb: " + name + " is no TCB status; there are " + known_tcb_statuses(tees));
        }
    }
    for (auto &part : fields->parts.value_or(std::vector<PartFields>())) {
        if (find_tee(part.kind, tees) == nullptr) return malformed("the member parts: " + part.kind + " is no kind that is known");
        if (std::ranges::find(values.parts, part.name, &ExpectedPart::name) != values.parts.end())
            return malformed("the member parts: " + part.name + " is given twice");
        values.parts.push_back({std::move(part.name), std::move(part.kind)});
    }
    values.platform.accept_debug = accepts(fields->debug);
    if (fields->simulated_roots) values.platform.accept_simulated_roots = accepts(fields->simulated_roots);
    values.accept_gaps = accepts(fields->gaps);
    if (const auto parts = root.find("parts")) {
        for (auto part = parts->first(); part; part = part->next()) {
            if (!varlink::decode<PartFields>(*part))
                return malformed("the member parts: a part has name and kind, each once, and nothing else");
        }
    }
    if (const auto gaps = root.find("acceptedGaps")) {
        // Decoded again, each by itself: with what is unknown refused.
        for (auto gap = gaps->first(); gap; gap = gap->next()) {
            if (!varlink::decode<GapFields>(*gap))
                return malformed("the member acceptedGaps: a gap has register and found, each once, and nothing else");
        }
    }
    for (const auto &gap : fields->accepted_gaps.value_or(std::vector<GapFields>())) {
        if (!is_register_name(gap.register_name))
            return malformed("the member acceptedGaps: \"" + std::string(gap.register_name) + "\" is no name of a register");
        const auto found = value_from("acceptedGaps", gap.found);
        if (!found) return std::unexpected(found.error());
        values.accepted_gaps.push_back({std::string(gap.register_name), Digest(*found)});
    }
    for (const auto &[member, names, to] : {std::tuple{"uncoveredRegisters", &fields->uncovered_registers, &values.uncovered_registers},
                                            std::tuple{"logOnlyRegisters", &fields->log_only_registers, &values.log_only_registers}}) {
        for (const auto &name : names->value_or(std::vector<std::string>())) {
            if (!is_register_name(name))
                return malformed("the member " + std::string(member) + ": \"" + name + "\" is no name of a register");
            to->push_back(name);
        }
    }
    if (fields->maximum_age && *fields->maximum_age < 0) return malformed("the member maximumAgeSeconds is negative");
    values.maximum_age_seconds = fields->maximum_age;
    if (fields->registers) {
        for (const auto &[name, allowed] : *fields->registers) {
            if (!is_register_name(name)) return malformed("the member registers: \"" + name + "\" is no name of a register");
            auto &known = values.registers[name];
            for (const auto hex : allowed) {
                auto value = value_from(name, hex);
                if (!value) return std::unexpected(std::move(value.error()));
                known.push_back(std::move(*value));
            }
        }
    }
    if (auto done = read_rules(root, "requiredEvents", 0, values.required_events); !done) return std::unexpected(std::move(done.error()));
    if (auto done = read_rules(root, "forbiddenEvents", values.required_events.size(), values.forbidden_events); !done)
        return std::unexpected(std::move(done.error()));
    return values;
}

}  // namespace mr
