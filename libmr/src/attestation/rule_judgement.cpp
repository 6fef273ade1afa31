#include "libmr/src/attestation/rule_judgement.h"

namespace mr::attestation {

std::vector<const RuleSet *> rule_sets_of(const ReferenceValues &reference) {
    std::vector<const RuleSet *> sets{&reference};
    for (const auto &alternatives : reference.alternatives) {
        for (const auto &set : alternatives.sets) sets.push_back(&set);
    }
    return sets;
}

PreparedRules::PreparedRules(const ReferenceValues &reference) {
    for (const auto *set : rule_sets_of(reference)) questions += sets.emplace_back(*set).questions();
}

RuleJudgement::RuleJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers)
    : rules_(rules), registers_(registers), events_(registers.size()) {
    for (const auto &set : rules.sets) sets_.emplace_back(reference, set, registers);
}

void RuleJudgement::note(const Event &event, std::size_t number) {
    ++events_[number];
    questions_ += rules_.questions;
    if (questions_ > max_rule_questions || rules_.questions == 0) return;
    const auto &reg = registers_[number];
    const EventRegister extended{.kind = reg.kind, .name = reg.claimed.name, .algorithm = reg.claimed.algorithm};
    const EventContent content(event, extended);
    for (auto &set : sets_) set.note(content, event, number, events_[number]);
}

std::vector<RuleFindings> RuleJudgement::findings(std::span<const LoggedEnd> ends) const {
    std::vector<RuleFindings> all;
    for (const auto &set : sets_) all.push_back(set.findings(ends, questions_ <= max_rule_questions));
    return all;
}

}  // namespace mr::attestation
