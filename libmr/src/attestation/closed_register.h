// One register that is closed: it holds the events that are listed, each once, and no others, over one log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/logged_end.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// What is computed of it once for all logs. The closed register must outlive it.
struct PreparedClosedRegister {
    explicit PreparedClosedRegister(const ClosedRegister &given);

    const ClosedRegister &closed;
    std::optional<PreparedRule> after;
    std::vector<PreparedRule> events;
};

class ClosedRegisterJudgement {
public:
    // Both must outlive it.
    ClosedRegisterJudgement(const PreparedClosedRegister &prepared, const SignedRegister &reg);

    // An event of the register, in the log's order.
    void note(const EventContent &content, const Event &event);

    [[nodiscard]] Finding finding(const LoggedEnd &end) const;

    // The listed events that were found, each with what it rests on.
    struct Found {
        Domain domain;
        const EventRule *rule;
    };
    [[nodiscard]] const std::vector<Found> &found() const { return found_; }

private:
    void note_begin(const EventContent &content, const Event &event);
    void note_listed(const EventContent &content, const Event &event);
    [[nodiscard]] std::string first_expected() const;

    const PreparedClosedRegister &prepared_;
    const SignedRegister &register_;
    bool has_begun_;
    // Of each rule the number of the event that it means; nothing: none yet. Numbers are the log's to say, and may be zero.
    std::vector<std::optional<std::uint64_t>> taken_by_;
    std::size_t next_ = 0;     // of the rules, in their order
    std::uint64_t count_ = 0;  // events of the register
    std::optional<std::uint64_t> last_event_;
    std::optional<std::uint64_t> resync_;  // the first event, if it is one
    std::string may_be_begin_;             // an event of which nobody can tell whether it is what `after` means
    std::optional<Finding> difference_;
    std::vector<Found> found_;
};

}  // namespace mr::attestation
