#include "mr/reference_values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/event_log/json_common.h"
#include "proto/varlink/fields.h"

namespace mr {

namespace {

using varlink::field;

constexpr std::string_view format_name = "mrd-reference-values";
constexpr std::size_t mr_size = 48;  // of every register in a quote
constexpr std::array<std::string_view, 9> register_names{"mrtd",  "mrconfigid", "mrowner", "mrownerconfig", "mr_seam",
                                                         "rtmr0", "rtmr1",      "rtmr2",   "rtmr3"};

enum class Choice : std::uint8_t { accept, refuse };

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

}  // namespace

}  // namespace mr

template <>
struct varlink::EnumNames<mr::Choice> {
    static constexpr std::array values{std::pair{mr::Choice::accept, "accept"}, std::pair{mr::Choice::refuse, "refuse"}};
};

namespace mr {

namespace {

struct GapFields {
    std::string_view register_name;
    std::string_view found;
    static constexpr auto fields() { return std::tuple(field("register", &GapFields::register_name), field("found", &GapFields::found)); }
};

struct FileFields {
    std::string_view format;
    std::int64_t version = 0;
    std::optional<std::string_view> description;
    std::optional<std::vector<std::string_view>> tcb;
    std::optional<std::int64_t> minimum_tcb_evaluation;
    std::optional<Choice> debug;
    std::optional<Choice> sept_ve_disable_unset;
    std::optional<Choice> simulated_roots;
    std::optional<Choice> gaps;
    std::optional<std::vector<std::string_view>> service_tds;
    std::optional<std::vector<std::string>> uncovered_registers;
    std::optional<std::vector<std::string>> log_only_registers;
    std::optional<std::vector<GapFields>> accepted_gaps;
    std::optional<std::int64_t> maximum_age;
    std::optional<std::map<std::string, std::vector<std::string_view>>> registers;
    static constexpr auto fields() {
        return std::tuple(field("format", &FileFields::format), field("version", &FileFields::version),
                          field("description", &FileFields::description), field("tcb", &FileFields::tcb),
                          field("minimumTcbEvaluationDataNumber", &FileFields::minimum_tcb_evaluation), field("debug", &FileFields::debug),
                          field("septVeDisableUnset", &FileFields::sept_ve_disable_unset),
                          field("simulatedRoots", &FileFields::simulated_roots), field("gaps", &FileFields::gaps),
                          field("serviceTds", &FileFields::service_tds), field("uncoveredRegisters", &FileFields::uncovered_registers),
                          field("logOnlyRegisters", &FileFields::log_only_registers), field("acceptedGaps", &FileFields::accepted_gaps),
                          field("maximumAgeSeconds", &FileFields::maximum_age), field("registers", &FileFields::registers));
    }
};

std::unexpected<Error> malformed(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "reference values: " + std::move(message)});
}

// Of what stands in a quote: "mrtd" of "tdx/mrtd" and of "mr_td", as quote tools call it.
std::string register_name_from(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> other_names{
        {{"mr_td", "mrtd"}, {"mr_config_id", "mrconfigid"}, {"mr_owner", "mrowner"}, {"mr_owner_config", "mrownerconfig"}}};
    if (const auto slash = name.find('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
    for (const auto &[other, ours] : other_names) {
        if (name == other) return std::string(ours);
    }
    return std::string(name);
}

bool is_rtmr(std::string_view name) { return name.starts_with("rtmr") && std::ranges::find(register_names, name) != register_names.end(); }

template <class Names>
std::string listed(const Names &names) {
    std::string all;
    for (const auto &name : names) all.append(all.empty() ? "" : ", ").append(name);
    return all;
}

std::string known_tcb_statuses() {
    std::string all;
    for (auto status = TcbStatus::up_to_date; status < TcbStatus::not_supported;
         status = static_cast<TcbStatus>(static_cast<int>(status) + 1))
        all.append(all.empty() ? "" : ", ").append(to_string(status));
    return all;
}

// What each member is, for who wrote another thing.
std::string what_is_wanted(std::string_view member) {
    if (member == "format") return "\"mrd-reference-values\"";
    if (member == "version") return "1";
    if (member == "tcb") return "an array of TCB statuses, as [\"UpToDate\"]";
    if (member == "serviceTds") return "an array of values in hex";
    if (member == "acceptedGaps")
        return "an array of objects with register and found, as [{\"register\": \"rtmr2\", \"found\": \"ebed...\"}]";
    if (member == "uncoveredRegisters" || member == "logOnlyRegisters") return "an array of names, as [\"rtmr2\"]";
    if (member == "minimumTcbEvaluationDataNumber") return "a number";
    if (member == "maximumAgeSeconds") return "a number of seconds";
    if (member == "registers") return "an object of arrays, as {\"mrtd\": [\"ebed...\"]}";
    if (member == "description") return "text";
    return "\"accept\" or \"refuse\"";
}

std::expected<Bytes, Error> value_from(const std::string &member, std::string_view hex) {
    auto bytes = from_hex(hex);
    if (!bytes || bytes->size() != mr_size)
        return malformed("a value of " + member + " is not " + std::to_string(mr_size) + " bytes in hex");
    return std::move(*bytes);
}

// As content_digest_from() has it; without a name the length says which. SHA-1 proves nothing.
std::optional<ContentDigest> data_digest_from(std::string_view text) {
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
        rule.register_name = common_name(*fields->register_name);
        if (!is_rtmr(rule.register_name)) return in_rule("the register is none of rtmr0 to rtmr3");
    }
    for (const auto &[text, to] : {std::pair{fields->digest, &rule.digest}, std::pair{fields->event_digest, &rule.event_digest}}) {
        if (!text) continue;
        const auto digest = from_hex(*text);
        if (!digest || digest->size() != mr_size) return in_rule("the digest is not one of SHA-384 in hex");
        *to = Digest(*digest);
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
    if (fields->data_digest) {
        rule.data_digest = data_digest_from(*fields->data_digest);
        if (!rule.data_digest)
            return in_rule("dataDigest is not a digest in hex of 32, 48 or 64 bytes, or ALGORITHM:HEX; SHA-1 proves nothing");
    }
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

bool ReferenceValues::say_what_runs() const {
    return !required_events.empty() ||
           std::ranges::any_of(registers, [](const auto &entry) { return entry.first == "mrtd" || is_rtmr(entry.first); });
}

EventRule::Match EventRule::match(const Event &event) const {
    return attestation::EventContent(event).match(attestation::PreparedRule(*this));
}

std::expected<ReferenceValues, Error> parse_reference_values(std::string_view json) {
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
    unsigned required_members = 0;
    unsigned forbidden_members = 0;
    for (auto member = root.first(); member; member = member->next()) {
        const bool known = std::apply([&](const auto &...entry) { return ((entry.name == member->key()) || ...); }, FileFields::fields());
        if (member->kind() == varlink::Kind::null) return malformed("the member " + std::string(member->key()) + " is null: leave it out");
        const bool is_rules = member->key() == "requiredEvents" || member->key() == "forbiddenEvents";
        if (!known && !is_rules) return malformed("the member " + std::string(member->key()) + " is unknown");
        (member->key() == "requiredEvents" ? required_members : forbidden_members) += is_rules ? 1U : 0U;
    }
    if (required_members > 1 || forbidden_members > 1)
        return malformed(std::string("the member ") + (required_members > 1 ? "requiredEvents" : "forbiddenEvents") + " is given twice");
    if (fields->format != format_name) return malformed("the member format is not " + std::string(format_name));
    if (fields->version != 1) return malformed("the member version: only version 1 is known");

    ReferenceValues values;
    const auto accepts = [](const std::optional<Choice> &choice) { return choice == Choice::accept; };
    if (fields->tcb && fields->tcb->empty())
        return malformed("the member tcb is empty: name the statuses that are accepted, or leave it out");
    if (fields->tcb) {
        values.quote.accepted_tcb.clear();
        values.tcb_required = true;
        for (const auto name : *fields->tcb) {
            const auto status = tcb_status_from(name);
            if (!status) return malformed("the member tcb: " + std::string(name) + " is no TCB status; there are " + known_tcb_statuses());
            values.quote.accepted_tcb.push_back(*status);
        }
    }
    if (fields->minimum_tcb_evaluation) {
        if (*fields->minimum_tcb_evaluation < 0) return malformed("the member minimumTcbEvaluationDataNumber is negative");
        values.quote.minimum_tcb_evaluation = fields->minimum_tcb_evaluation;
        values.tcb_required = true;
    }
    values.quote.accept_debug = accepts(fields->debug);
    values.quote.accept_no_sept_ve_disable = accepts(fields->sept_ve_disable_unset);
    if (fields->simulated_roots) values.quote.accept_simulated_roots = accepts(fields->simulated_roots);
    for (const auto hex : fields->service_tds.value_or(std::vector<std::string_view>())) {
        const auto value = value_from("serviceTds", hex);
        if (!value) return std::unexpected(value.error());
        std::ranges::copy(*value, values.quote.accepted_service_tds.emplace_back().begin());
    }
    values.accept_gaps = accepts(fields->gaps);
    if (const auto gaps = root.find("acceptedGaps")) {
        // Decoded again, each by itself: with what is unknown refused.
        for (auto gap = gaps->first(); gap; gap = gap->next()) {
            if (!varlink::decode<GapFields>(*gap))
                return malformed("the member acceptedGaps: a gap has register and found, each once, and nothing else");
        }
    }
    for (const auto &gap : fields->accepted_gaps.value_or(std::vector<GapFields>())) {
        const auto reg = common_name(gap.register_name);
        if (!is_rtmr(reg)) return malformed("the member acceptedGaps: " + std::string(gap.register_name) + " is none of rtmr0 to rtmr3");
        const auto found = value_from("acceptedGaps", gap.found);
        if (!found) return std::unexpected(found.error());
        values.accepted_gaps.push_back({std::string(reg), Digest(*found)});
    }
    for (const auto &[member, names, to] : {std::tuple{"uncoveredRegisters", &fields->uncovered_registers, &values.uncovered_registers},
                                            std::tuple{"logOnlyRegisters", &fields->log_only_registers, &values.log_only_registers}}) {
        for (const auto &name : names->value_or(std::vector<std::string>())) {
            if (!is_rtmr(common_name(name)))
                return malformed("the member " + std::string(member) + ": " + name + " is none of rtmr0 to rtmr3");
            to->emplace_back(common_name(name));
        }
    }
    if (fields->maximum_age && *fields->maximum_age < 0) return malformed("the member maximumAgeSeconds is negative");
    values.maximum_age_seconds = fields->maximum_age;
    if (fields->registers) {
        for (const auto &[name, allowed] : *fields->registers) {
            const auto common = register_name_from(name);
            if (std::ranges::find(register_names, common) == register_names.end())
                return malformed("the member registers: a quote has no register " + name + "; it has " + listed(register_names));
            if (values.registers.contains(common)) return malformed("the member registers: " + common + " is given twice");
            auto &known = values.registers[common];
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
