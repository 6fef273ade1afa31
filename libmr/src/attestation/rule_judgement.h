// What the rules of the reference values come to over a log: which required events are there, which forbidden ones are not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// A reason is one sentence, whatever a hostile log makes of it: at most so many things are listed in it.
inline constexpr std::size_t max_listed = 16;
std::string listed(const std::vector<std::string> &texts);

// Rules that are asked of events: one for each rule and event. Where a log has so many events that there would be more, no rule is judged over it.
inline constexpr std::uint64_t max_rule_questions = std::uint64_t{1} << 25;

// The rules of reference values, with what is computed of them once for all logs.
struct PreparedRules {
    // The reference values must outlive it.
    explicit PreparedRules(const ReferenceValues &reference)
        : required(reference.required_events.begin(), reference.required_events.end()),
          forbidden(reference.forbidden_events.begin(), reference.forbidden_events.end()) {}

    std::vector<PreparedRule> required;
    std::vector<PreparedRule> forbidden;
};

// How a register's log ended.
struct LoggedEnd {
    bool leads = false;                          // to what is signed
    const ReplayedRegister *replayed = nullptr;  // null: without an event
};

class RuleJudgement {
public:
    // `registers`: those that are extended. All must outlive it.
    RuleJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers);

    // An event of the register, measured and with a digest in its algorithm; in the log's order.
    void note(const Event &event, std::size_t number);

    // The log is read; `ends` has one for each register. Preconditions: there are required (forbidden) events.
    [[nodiscard]] Finding required(std::span<const LoggedEnd> ends) const;
    [[nodiscard]] Finding forbidden(std::span<const LoggedEnd> ends) const;

private:
    // Of one register: for each domain the event that matched last and rests on it, counted from 1; 0: none.
    using Matched = std::array<std::uint64_t, domains>;
    struct Required {
        std::vector<Matched> matched;
        std::uint64_t claimed = 0;  // an event that only says so; 0: none
        std::uint64_t untold = 0;   // one whose hashed content is not in the log, so that it may be this one; 0: none
    };

    [[nodiscard]] std::string why_missing(const Required &rule) const;

    // For each rule the numbers of the registers that it is about.
    using Scopes = std::vector<std::vector<bool>>;
    [[nodiscard]] Scopes scopes_of(const std::vector<PreparedRule> &rules) const;

    const ReferenceValues &reference_;
    const PreparedRules &rules_;
    std::span<const SignedRegister> registers_;
    Scopes required_scopes_;
    Scopes forbidden_scopes_;
    std::vector<std::uint64_t> events_;  // so far, of each register
    std::uint64_t questions_ = 0;
    std::vector<Required> required_;
    std::vector<std::string> seen_;
    std::vector<std::string> untold_;
};

}  // namespace mr::attestation
