#include "libmr/src/attestation/rule_judgement.h"

namespace mr::attestation {

std::vector<const RuleSet *> rule_sets_of(const ReferenceValues &reference) {
    std::vector<const RuleSet *> sets{&reference};
    for (const auto &alternatives : reference.alternatives) {
        for (const auto &set : alternatives.sets) sets.push_back(&set);
    }
    return sets;
}

VirtualNames virtual_registers_in_rules(const ReferenceValues &reference) {
    VirtualNames names;
    const auto add = [&names](const std::string &name) {
        if (name.starts_with(virtual_prefix)) names.insert(name);
    };
    for (const auto *set : rule_sets_of(reference)) {
        for (const auto &rule : set->required_events) add(rule.register_name);
        for (const auto &rule : set->forbidden_events) add(rule.register_name);
        for (const auto &closed : set->closed_registers) add(closed.register_name);
    }
    return names;
}

PreparedRules::PreparedRules(const ReferenceValues &reference) : virtual_names(virtual_registers_in_rules(reference)) {
    for (const auto *set : rule_sets_of(reference)) questions += sets.emplace_back(*set).questions();
}

RuleJudgement::RuleJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers)
    : rules_(rules), registers_(registers.begin(), registers.end()) {
    const auto parts = rules.virtual_names.empty() ? std::vector<std::string>() : parts_that_carry(registers, reference);
    for (const auto &name : rules.virtual_names) {
        for (const auto &part : parts) {
            auto &reg = registers_.emplace_back();
            reg.part = part;
            reg.kind = virtual_kind;
            reg.claimed.name = name;
            reg.shown = parts.size() > 1 ? name + " of " + part : name;
        }
    }
    events_.resize(registers_.size());
    for (const auto &set : rules.sets) sets_.emplace_back(reference, set, registers_);
}

void RuleJudgement::note(const Event &event, std::size_t number) {
    const auto &reg = registers_[number];
    ask(event, number, {.kind = reg.kind, .name = reg.claimed.name, .algorithm = reg.claimed.algorithm});
}

void RuleJudgement::ask(const Event &event, std::size_t number, const EventRegister &extended) {
    ++events_[number];
    questions_ += rules_.questions;
    if (questions_ > max_rule_questions || rules_.questions == 0) return;
    const EventContent content(event, extended);
    for (auto &set : sets_) set.note(content, event, number, events_[number]);
}

void RuleJudgement::note(const VirtualJudgement &carried, std::span<const LoggedEnd> ends) {
    for (auto number = ends.size(); number < registers_.size(); ++number) {
        const auto &name = registers_[number].claimed.name;
        const auto followed = carried.follow(name, registers_[number].part, ends);
        virtual_ends_.push_back({.leads = followed.unknown.empty(), .gaps_are_named = true, .unknown = followed.unknown});
        for (const auto &kept : followed.events)
            ask(kept.view(*followed.carrier), number,
                {.kind = virtual_kind, .name = name, .algorithm = followed.carrier->claimed.algorithm, .is_virtual = true});
    }
}

std::vector<RuleFindings> RuleJudgement::findings(std::span<const LoggedEnd> ends) const {
    std::vector<LoggedEnd> all_ends(ends.begin(), ends.end());
    all_ends.insert(all_ends.end(), virtual_ends_.begin(), virtual_ends_.end());
    std::vector<RuleFindings> all;
    for (const auto &set : sets_) all.push_back(set.findings(all_ends, questions_ <= max_rule_questions));
    return all;
}

}  // namespace mr::attestation
