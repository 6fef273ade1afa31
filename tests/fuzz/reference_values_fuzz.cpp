// Any bytes as reference values: what is read is within its bounds, and judging a log by it ends with a reason for everything. A closed register that holds what is
// listed has no more events than are listed.
#include "mr/reference_values.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "libmr/src/attestation/rule_judgement.h"
#include "mr/envelope.h"
#include "mr/event_log.h"

namespace {

using mr::attestation::RuleJudgement;

void require(bool holds) {
    if (!holds) std::abort();
}

struct LoggedEvent {
    std::optional<mr::Bytes> data;
    mr::Digest digest;
};

LoggedEvent plain(const std::string &text, bool is_shown) {
    const auto bytes = mr::as_bytes(text);
    return {is_shown ? std::optional(mr::Bytes(bytes.begin(), bytes.end())) : std::nullopt,
            mr::hash(mr::HashAlgorithm::sha384, bytes).value()};
}

LoggedEvent enveloped(const mr::Envelope &envelope, bool is_whole = true) {
    auto data = mr::encode_envelope(envelope);
    const auto digest = mr::envelope_digest(envelope, mr::HashAlgorithm::sha384).value();
    if (!is_whole) data = mr::redact_envelope(data, std::array{mr::HashAlgorithm::sha384}).value();
    return {std::move(data), digest};
}

std::vector<LoggedEvent> events_of_rtmr3() {
    const mr::Envelope kernel{.header = {.type = "measure", .register_name = "tdx/rtmr3"},
                              .body = {.description = "kernel", .data = mr::Bytes{'i', 'm', 'a', 'g', 'e'}}};
    return {plain("loader", true), plain("hidden", false), enveloped(kernel), enveloped(kernel, false),
            enveloped({.header = {.type = "cap", .register_name = "tdx/rtmr3"}})};
}

std::size_t rules_of(const mr::RuleSet &set) {
    auto rules = set.required_events.size() + set.forbidden_events.size();
    for (const auto &closed : set.closed_registers) rules += closed.events.size();
    return rules;
}

// With the first so many of the events in rtmr3, and none in rtmr2.
void judge(const mr::ReferenceValues &values, const mr::attestation::PreparedRules &prepared, std::size_t count) {
    static const auto events = events_of_rtmr3();
    std::vector<mr::attestation::SignedRegister> registers(2);
    for (std::size_t i = 0; i < registers.size(); ++i) {
        registers[i].kind = "tdx";
        registers[i].claimed.name = i == 0 ? "rtmr2" : "rtmr3";
        registers[i].shown = registers[i].claimed.name;
    }
    RuleJudgement judgement(values, prepared, registers);
    for (std::size_t i = 0; i < count; ++i) {
        mr::Event event;
        event.sequence = i + 1;
        event.name = "tdx/rtmr3";
        event.type = mr::ev_event_tag;
        event.index = *mr::tcg_index(event.name);
        event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), events[i].digest.bytes()}};
        if (events[i].data) event.data = *events[i].data;
        judgement.note(event, 1);
    }
    const std::vector<mr::attestation::LoggedEnd> ends(2, {.leads = true, .gaps_are_named = true});
    const auto sets = mr::attestation::rule_sets_of(values);
    const auto findings = judgement.findings(ends);
    require(findings.size() == sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto &[required, forbidden, closed, self] = findings[i];
        require(required.has_value() == !sets[i]->required_events.empty() && forbidden.has_value() == !sets[i]->forbidden_events.empty() &&
                closed.has_value() == !sets[i]->closed_registers.empty() && self.has_value() == sets[i]->self_measurement.has_value());
        for (const auto *finding : {&required, &forbidden, &closed, &self}) require(!*finding || !(*finding)->reason.empty());
        if (!closed || !closed->good()) continue;
        for (const auto &each : sets[i]->closed_registers)
            require(each.after || each.events.size() >= count || !each.register_name.ends_with("rtmr3"));
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const auto values = mr::parse_reference_values({reinterpret_cast<const char *>(data), size});
    if (!values) {
        require(values.error().code == mr::ErrorCode::malformed && values.error().message.starts_with("reference values: "));
        return 0;
    }
    std::size_t rules = 0;
    const auto sets = mr::attestation::rule_sets_of(*values);
    require(sets.size() <= 1 + mr::max_rule_sets);
    for (const auto *set : sets) rules += rules_of(*set);
    const mr::attestation::PreparedRules prepared(*values);
    require(rules <= prepared.questions && prepared.questions <= mr::max_event_rules);
    for (std::size_t count = 0; count <= events_of_rtmr3().size(); ++count) judge(*values, prepared, count);
    return 0;
}
