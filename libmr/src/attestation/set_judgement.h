// What the event rules of one rule set come to over a log: which required events are there, which forbidden ones are not, whether closed registers hold what is
// listed and nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmr/src/attestation/closed_register.h"
#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/logged_end.h"
#include "libmr/src/attestation/self_judgement.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// A rule set, with what is computed of it once for all logs. It must outlive it.
struct PreparedRuleSet {
    explicit PreparedRuleSet(const RuleSet &set)
        : required(set.required_events.begin(), set.required_events.end()),
          forbidden(set.forbidden_events.begin(), set.forbidden_events.end()),
          closed(set.closed_registers.begin(), set.closed_registers.end()),
          self(set.self_measurement ? &*set.self_measurement : nullptr) {}

    // Of each event.
    [[nodiscard]] std::size_t questions() const;

    std::vector<PreparedRule> required;
    std::vector<PreparedRule> forbidden;
    std::vector<PreparedClosedRegister> closed;
    const SelfMeasurementRule *self;  // null: none
};

// Nothing: the set has no such rules.
struct RuleFindings {
    std::optional<Finding> required = {};
    std::optional<Finding> forbidden = {};
    std::optional<Finding> closed = {};
    std::optional<Finding> self = {};
};

class SetJudgement {
public:
    // `registers`: those that are extended. All must outlive it.
    SetJudgement(const ReferenceValues &reference, const PreparedRuleSet &rules, std::span<const SignedRegister> registers);

    // An event of the register of that number, its `count`th; in the log's order.
    void note(const EventContent &content, const Event &event, std::size_t number, std::uint64_t count);

    // The log is read; `ends` has one for each register. `has_all`: every event was noted; otherwise no rule is judged.
    [[nodiscard]] RuleFindings findings(std::span<const LoggedEnd> ends, bool has_all) const;

private:
    // Of one register: for each domain the event that matched last and rests on it, counted from 1; 0: none.
    using Matched = std::array<std::uint64_t, domains>;
    // An event that a reason tells of.
    struct Told {
        std::size_t number = 0;   // of its register
        std::uint64_t count = 0;  // 0: none
        std::string text = {};
    };
    struct Required {
        std::vector<Matched> matched;
        Told near = {};     // the first event that meets some of what the rule asks for
        Told claimed = {};  // the first one that only says so
        Told untold = {};   // the first one whose hashed content is not in the log, so that it may be this one
    };
    struct Forbidden {
        std::string seen = {};
        std::uint64_t times = 0;
        std::string untold = {};
    };
    struct Closed {
        std::size_t rule = 0;
        std::size_t number = 0;  // of its register
        ClosedRegisterJudgement judgement;
    };

    void note_required(const EventContent &content, const Event &event, std::size_t number, std::uint64_t count);
    void note_forbidden(const EventContent &content, const Event &event, std::size_t number);
    // The parts that a required rule has to be met in, each of them; of a rule that names no register those of each kind, of which one will do.
    [[nodiscard]] std::vector<std::vector<std::string>> places_of(std::size_t rule) const;
    struct Met {
        std::size_t number = 0;  // of the register
        Domain domain = Domain::digest;
    };
    [[nodiscard]] std::optional<Met> meets(std::size_t rule, const std::string &part, std::span<const LoggedEnd> ends) const;
    [[nodiscard]] std::string why_missing(std::size_t rule, const std::string &part, std::span<const LoggedEnd> ends) const;
    [[nodiscard]] Finding judge_required(std::span<const LoggedEnd> ends) const;
    [[nodiscard]] Finding judge_forbidden(std::span<const LoggedEnd> ends, bool has_all) const;
    [[nodiscard]] Finding judge_closed(std::span<const LoggedEnd> ends) const;

    // For each rule the numbers of the registers that it is about.
    using Scopes = std::vector<std::vector<bool>>;
    [[nodiscard]] Scopes scopes_of(const std::vector<PreparedRule> &rules) const;

    const ReferenceValues &reference_;
    const PreparedRuleSet &rules_;
    std::span<const SignedRegister> registers_;
    Scopes required_scopes_;
    Scopes forbidden_scopes_;
    std::vector<Required> required_;
    std::vector<Forbidden> forbidden_;
    std::vector<Told> left_over_;  // of each register, the first event that no required rule means
    std::vector<Closed> closed_;
    std::optional<SelfJudgement> self_;
};

}  // namespace mr::attestation
