#include "libmr/src/attestation/virtual_judgement.h"

#include <algorithm>

namespace mr::attestation {

void VirtualJudgement::note(const Event &event, std::size_t number) {
    if (reference_.virtual_registers.empty()) return;
    const auto &reg = registers_[number];
    auto &carrier = carriers_.try_emplace(number, Carrier{CarriedRegisters(reg.logged, reg.claimed.algorithm)}).first->second;
    if (!carrier.contradiction.empty()) return;
    if (auto applied = carrier.carried.apply(event); !applied) carrier.contradiction = applied.error().message;
}

// Nothing that is hidden names the register only if nothing else can have been extended since it was made: each record is there, and says whose it is.
std::string VirtualJudgement::why_not_proved(const SignedRegister &reg, const Carrier &carrier, const CarriedRegister &found,
                                             const LoggedEnd &end) const {
    const auto &carried = carrier.carried;
    const auto after = [](std::uint64_t event) { return std::to_string(event) + ", which came after it was created"; };
    if (!carrier.contradiction.empty()) return reg.shown + ": " + carrier.contradiction;
    const bool is_shared = evidence_ != nullptr && std::ranges::any_of(evidence_->registers, [&](const EvidenceRegister &each) {
                               return is_called(each.name, reg) && each.owner != Owner::owned;
                           });
    if (is_shared) return "others extend " + reg.shown + ", which carries it";
    if (!end.leads) return "the log does not lead to " + reg.shown + ", which carries it";
    if (carried.last_gap() > found.created_by) return reg.shown + " has a gap at event " + after(carried.last_gap());
    if (carried.last_unread() > found.created_by) return reg.shown + " has no envelope at event " + after(carried.last_unread());
    if (found.hidden != 0) return std::to_string(found.hidden) + " of its events are hidden";
    if (!found.value) return "its hash cannot be computed here";
    return {};
}

bool VirtualJudgement::is_log_only(const SignedRegister &reg) const {
    return std::ranges::any_of(reference_.log_only_registers, [&](const auto &name) { return is_meant(name, reg, reference_); });
}

// mrd gives a name to one register at a time, which lives on one carrier, and may give it again once that one is closed: to another, which may be hidden.
Finding VirtualJudgement::find(const std::string &name, std::span<const LoggedEnd> ends) const {
    const CarriedRegister *found = nullptr;
    std::size_t carried_by = 0;
    std::uint64_t closed_by = 0;
    bool is_carried_elsewhere = false;
    for (const auto &[number, carrier] : carriers_) {
        for (const auto &reg : carrier.carried.all()) {
            if (!reg.created || reg.created->name != name) continue;
            // Of a register that takes bare digests anybody can say so.
            if (!is_log_only(registers_[number])) {
                is_carried_elsewhere = true;
                continue;
            }
            if (reg.closed_by != 0) {
                closed_by = std::max(closed_by, reg.closed_by);
                continue;
            }
            if (found != nullptr) return fails(name + ": two registers that are not closed have that name");
            found = &reg;
            carried_by = number;
        }
    }
    if (found != nullptr) {
        const auto &carrier = carriers_.at(carried_by);
        const auto &reg = registers_[carried_by];
        if (auto why = why_not_proved(reg, carrier, *found, ends[carried_by]); !why.empty()) return fails(name + ": " + why);
        return holds(name + " on " + reg.shown + " holds " + to_hex(found->value->bytes()) + " by " + std::to_string(found->events) +
                     " events of uid " + std::to_string(found->created->owner) + "; " +
                     std::to_string(carrier.carried.hidden_after(found->created_by)) +
                     " events of others are hidden since it was created, and none of them names it");
    }
    for (const auto &[number, carrier] : carriers_) {
        if (!carrier.contradiction.empty()) return fails(name + ": " + registers_[number].shown + ": " + carrier.contradiction);
    }
    if (closed_by != 0)
        return fails(name + ": it was closed by event " + std::to_string(closed_by) + ", and another may have its name since");
    if (is_carried_elsewhere)
        return fails(name + ": the reference values do not say that what carries it takes nothing but envelopes (logOnlyRegisters)");
    return fails(name + ": no event that can be read creates it");
}

void VirtualJudgement::judge(Verdict &verdict, std::span<const LoggedEnd> ends) const {
    for (const auto &name : reference_.virtual_registers) {
        auto finding = find(name, ends);
        verdict.add({.name = std::string(statement::virtual_registers),
                     .result = finding.result,
                     .required = true,
                     .reason = std::move(finding.reason)});
    }
}

void state_without_log(Verdict &verdict, const ReferenceValues &reference, const Finding &finding) {
    if (reference.virtual_registers.empty()) return;
    verdict.add({.name = std::string(statement::virtual_registers), .result = finding.result, .required = true, .reason = finding.reason});
}

}  // namespace mr::attestation
