// What the rules of the reference values come to over a log: which required events are there, which forbidden ones are not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/attestation/finding.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

inline constexpr std::size_t rtmr_count = 4;

// A reason is one sentence, whatever a hostile log makes of it: at most so many things are listed in it.
inline constexpr std::size_t max_listed = 16;
std::string listed(const std::vector<std::string> &texts);

// How an RTMR's log ended.
struct LoggedRtmr {
    bool leads = false;                          // to what is signed
    const ReplayedRegister *replayed = nullptr;  // null: without an event
};

class RuleJudgement {
public:
    // The reference values must outlive it.
    explicit RuleJudgement(const ReferenceValues &reference);

    // An event of RTMR `number`, measured and with a SHA-384 digest; in the log's order.
    void note(const Event &event, std::size_t number);

    // The log is read. Preconditions: there are required (forbidden) events.
    [[nodiscard]] Finding required(const std::array<LoggedRtmr, rtmr_count> &rtmrs) const;
    [[nodiscard]] Finding forbidden(const std::array<LoggedRtmr, rtmr_count> &rtmrs) const;

private:
    // Of one RTMR: for each domain the event that matched last and rests on it, counted from 1; 0: none.
    using Matched = std::array<std::uint64_t, domains>;
    struct Required {
        std::array<Matched, rtmr_count> matched;
        std::uint64_t claimed = 0;  // an event that only says so; 0: none
        std::uint64_t untold = 0;   // one whose hashed content is not in the log, so that it may be this one; 0: none
    };

    [[nodiscard]] std::string why_missing(const Required &rule) const;

    const ReferenceValues &reference_;
    std::array<std::uint64_t, rtmr_count> events_{};  // so far
    std::vector<PreparedRule> required_rules_;
    std::vector<PreparedRule> forbidden_rules_;
    std::vector<Required> required_;
    std::vector<std::string> seen_;
    std::vector<std::string> untold_;
};

}  // namespace mr::attestation
