// What mrd says of itself over one log (docs/verification.md, "What mrd is"): every self-measurement since its register's last gap is one that is allowed, and there is
// one in each part that the rule means.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/logged_end.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

class SelfJudgement {
public:
    // `registers`: those that are extended. All must outlive it.
    SelfJudgement(const ReferenceValues &reference, const SelfMeasurementRule &rule, std::span<const SignedRegister> registers);

    // An event of the register of that number, its `count`th; in the log's order.
    void note(const EventContent &content, const Event &event, std::size_t number, std::uint64_t count);

    [[nodiscard]] Finding finding(std::span<const LoggedEnd> ends) const;

private:
    // Of one register the last of each; 0: none. What is wrong since a gap is so with the last that is.
    struct Seen {
        std::uint64_t good = 0;
        std::string good_event = {};
        std::uint64_t wrong = 0;
        std::string why = {};
        std::uint64_t untold = 0;  // an event that the log says nothing of, so that it may be one
        std::string untold_event = {};
    };

    // What of it is not allowed; empty: nothing.
    [[nodiscard]] std::string what_is_wrong(const EventContent &content) const;

    const ReferenceValues &reference_;
    const SelfMeasurementRule &rule_;
    std::span<const SignedRegister> registers_;
    std::vector<Seen> seen_;
};

}  // namespace mr::attestation
