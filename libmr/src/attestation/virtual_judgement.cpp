#include "libmr/src/attestation/virtual_judgement.h"

#include <algorithm>

#include "mr/event_content.h"

namespace mr::attestation {
namespace {

VirtualNames all_names(const ReferenceValues &reference, const VirtualNames &in_rules) {
    auto names = in_rules;
    for (const auto &rule : reference.virtual_registers) names.insert(rule.name);
    return names;
}

}  // namespace

Event KeptEvent::view(const SignedRegister &carrier) const {
    Event event;
    event.sequence = sequence;
    event.name = carrier.logged;
    event.type = ev_event_tag;
    event.digests = {{tcg_id(carrier.claimed.algorithm), digest}};
    event.data = data;
    event.origin = EventOrigin::service;
    return event;
}

void VirtualJudgement::note(const Event &event, std::size_t number) {
    if (reference_.virtual_registers.empty() && in_rules_.empty()) return;
    const auto &reg = registers_[number];
    auto &carrier = carriers_.try_emplace(number, Carrier{CarriedRegisters(reg.logged, reg.claimed.algorithm)}).first->second;
    if (!carrier.contradiction.empty()) return;
    if (auto applied = carrier.carried.apply(event); !applied) {
        carrier.contradiction = applied.error().message;
    } else if (!in_rules_.empty()) {
        keep(carrier, reg, event);
    }
}

// By its id, which its create gives it: a name may be that of another one later.
void VirtualJudgement::keep(Carrier &carrier, const SignedRegister &reg, const Event &event) const {
    const auto digest = std::ranges::find(event.digests, tcg_id(reg.claimed.algorithm), &EventDigest::algorithm_id);
    if (digest == event.digests.end()) return;
    const auto envelope = carried_envelope(event, *digest);
    if (!envelope) return;
    const auto &id = *envelope->header.id;
    if (envelope->header.type == create_envelope_type) {
        if (envelope->body && in_rules_.contains(envelope->body->created->name)) carrier.kept.try_emplace(id);
        return;
    }
    const auto kept = carrier.kept.find(id);
    if (kept == carrier.kept.end()) return;
    if (envelope->header.type == close_envelope_type) {
        carrier.kept.erase(kept);
        return;
    }
    kept->second.push_back({.sequence = event.sequence,
                            .digest = Bytes(digest->value.begin(), digest->value.end()),
                            .data = Bytes(event.data->begin(), event.data->end())});
}

// Nothing that is hidden names the register only if nothing else can have been extended since it was made: each record is there, and says whose it is.
std::string VirtualJudgement::why_not_proved(const SignedRegister &reg, const Carrier &carrier, const CarriedRegister &found,
                                             const LoggedEnd &end) const {
    const auto &carried = carrier.carried;
    const auto created = found.created_by.count;
    const auto after = [](CarriedEvent event) { return std::to_string(event.sequence) + ", which came after it was created"; };
    if (!carrier.contradiction.empty()) return reg.shown + ": " + carrier.contradiction;
    const bool is_shared = evidence_ != nullptr && std::ranges::any_of(evidence_->registers, [&](const EvidenceRegister &each) {
                               return is_called(each.name, reg) && each.owner != Owner::owned;
                           });
    if (is_shared) return "others extend " + reg.shown + ", which carries it";
    if (!end.leads) return "the log does not lead to " + reg.shown + ", which carries it";
    if (carried.last_gap().count > created) return reg.shown + " has a gap at event " + after(carried.last_gap());
    if (carried.last_unread().count > created) return reg.shown + " has no envelope at event " + after(carried.last_unread());
    return {};
}

// mrd gives a name to one register at a time, which lives on one carrier, and may give it again once that one is closed: to another, which may be hidden.
VirtualJudgement::Found VirtualJudgement::find(const std::string &name, std::string_view part, std::span<const LoggedEnd> ends) const {
    Found found;
    CarriedEvent closed_by;
    bool is_carried_elsewhere = false;
    for (const auto &[number, carrier] : carriers_) {
        for (const auto &reg : carrier.carried.all()) {
            if (!reg.created || reg.created->name != name) continue;
            // Of a register that takes bare digests anybody can say so.
            if (!is_log_only(registers_[number], reference_)) {
                is_carried_elsewhere = true;
                continue;
            }
            if (registers_[number].part != part) continue;
            if (reg.closed_by.count > 0) {
                closed_by = reg.closed_by;
                continue;
            }
            if (found.reg != nullptr) return {.unknown = "two registers that are not closed have that name"};
            found = {.reg = &reg, .carrier = number};
        }
    }
    if (found.reg != nullptr) {
        found.unknown = why_not_proved(registers_[found.carrier], carriers_.at(found.carrier), *found.reg, ends[found.carrier]);
        return found;
    }
    for (const auto &[number, carrier] : carriers_) {
        if (!carrier.contradiction.empty()) return {.unknown = registers_[number].shown + ": " + carrier.contradiction};
    }
    if (closed_by.count > 0)
        return {.unknown = "it was closed by event " + std::to_string(closed_by.sequence) + ", and another may have its name since"};
    if (is_carried_elsewhere)
        return {.unknown = "the reference values do not say that what carries it takes nothing but envelopes (logOnlyRegisters)"};
    return {.unknown = "no event that can be read creates it"};
}

VirtualJudgement::Followed VirtualJudgement::follow(const std::string &name, std::string_view part, std::span<const LoggedEnd> ends) const {
    const auto found = find(name, part, ends);
    if (!found.unknown.empty()) return {.unknown = found.unknown};
    return {.carrier = &registers_[found.carrier], .events = carriers_.at(found.carrier).kept.at(found.reg->id)};
}

Finding VirtualJudgement::judge(const VirtualRegisterRule &rule, std::string_view part, std::span<const LoggedEnd> ends) const {
    const auto fail = [&](const std::string &why) {
        return fails(rule.name +
                     (std::ranges::all_of(registers_, [&](const SignedRegister &reg) { return reg.part == part; })
                          ? ""
                          : " of " + std::string(part)) +
                     ": " + why);
    };
    const auto [unknown, reg, number] = find(rule.name, part, ends);
    if (!unknown.empty()) return fail(unknown);
    if (reg->hidden != 0) return fail(std::to_string(reg->hidden) + " of its events are hidden");
    if (!reg->value) return fail("its hash cannot be computed here");
    const auto owner = reg->created->owner;
    if (rule.owner && owner != *rule.owner)
        return fail("it is one of uid " + std::to_string(owner) + ", expected was one of uid " + std::to_string(*rule.owner));
    const auto is_value = [&](const Bytes &allowed) { return std::ranges::equal(allowed, reg->value->bytes()); };
    if (!rule.values.empty() && std::ranges::none_of(rule.values, is_value))
        return fail("it holds " + to_hex(reg->value->bytes()) + ", expected was " + to_hex(rule.values.front()) +
                    (rule.values.size() > 1 ? " or one of " + std::to_string(rule.values.size() - 1) + " more" : ""));
    return holds(rule.name + " on " + registers_[number].shown + " holds " + to_hex(reg->value->bytes()) + " by " +
                 std::to_string(reg->events) + " events of uid " + std::to_string(owner) + "; " +
                 std::to_string(carriers_.at(number).carried.hidden_after(reg->created_by)) +
                 " events of others are hidden since it was created, and none of them names it");
}

void VirtualJudgement::judge(Verdict &verdict, std::span<const LoggedEnd> ends) const {
    const auto parts = parts_that_carry(registers_, reference_);
    // What carries it binds it, and only where the log shows that it does.
    for (const auto &name : all_names(reference_, in_rules_)) {
        for (const auto &part : parts) {
            const auto found = find(name, part, ends);
            verdict.add(JudgedRegister{.part = part, .name = name, .unbound = !found.unknown.empty() || registers_[found.carrier].unbound});
        }
    }
    for (const auto &rule : reference_.virtual_registers) {
        for (const auto &part : parts) {
            auto finding = judge(rule, part, ends);
            verdict.add({.name = std::string(statement::virtual_registers),
                         .result = finding.result,
                         .required = true,
                         .reason = std::move(finding.reason)});
        }
    }
}

void state_without_log(Verdict &verdict, const ReferenceValues &reference, const VirtualNames &in_rules, const Finding &finding) {
    for (const auto &name : all_names(reference, in_rules)) verdict.add(JudgedRegister{.part = {}, .name = name, .unbound = true});
    if (reference.virtual_registers.empty()) return;
    verdict.add({.name = std::string(statement::virtual_registers), .result = finding.result, .required = true, .reason = finding.reason});
}

}  // namespace mr::attestation
