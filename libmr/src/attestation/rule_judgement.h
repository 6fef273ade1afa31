// What the event rules of reference values, their own and those of each set of their alternatives, come to over a log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libmr/src/attestation/logged_end.h"
#include "libmr/src/attestation/set_judgement.h"
#include "libmr/src/attestation/signed_register.h"
#include "libmr/src/attestation/virtual_judgement.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// Rules that are asked of events: one for each rule and event. Where a log has so many events that there would be more, no rule is judged over it.
inline constexpr std::uint64_t max_rule_questions = std::uint64_t{1} << 25;

// The rule sets of reference values: first their own, then those of their alternatives in their order.
std::vector<const RuleSet *> rule_sets_of(const ReferenceValues &reference);

// The virtual registers that rules of theirs are about.
VirtualNames virtual_registers_in_rules(const ReferenceValues &reference);

// With what is computed of them once for all logs. The reference values must outlive it.
struct PreparedRules {
    explicit PreparedRules(const ReferenceValues &reference);

    std::vector<PreparedRuleSet> sets;
    std::size_t questions = 0;  // of each event
    VirtualNames virtual_names;
};

class RuleJudgement {
public:
    // `registers`: those that are extended. All must outlive it.
    RuleJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers);

    // An event of the register, measured and with a digest in its algorithm; in the log's order.
    void note(const Event &event, std::size_t number);

    // The events of the virtual registers that rules name; once the log is read. `ends` has one for each register.
    void note(const VirtualJudgement &carried, std::span<const LoggedEnd> ends);

    // All is noted. Of each rule set.
    [[nodiscard]] std::vector<RuleFindings> findings(std::span<const LoggedEnd> ends) const;

private:
    void ask(const Event &event, std::size_t number, const EventRegister &extended);

    const PreparedRules &rules_;
    std::vector<SignedRegister> registers_;  // behind those that are signed the virtual ones that rules name, in each part
    std::vector<SetJudgement> sets_;
    std::vector<LoggedEnd> virtual_ends_;
    std::vector<std::uint64_t> events_;  // so far, of each register
    std::uint64_t questions_ = 0;
};

}  // namespace mr::attestation
