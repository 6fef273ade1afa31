// The virtual registers that reference values ask for: what is shown of them is all that there is of them. What a log hides of others is counted, and none of it
// names one of these.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/logged_end.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/evidence.h"
#include "mr/reference_values.h"
#include "mr/verdict.h"
#include "mr/virtual_registers.h"

namespace mr::attestation {

class VirtualJudgement {
public:
    // `registers`: those that are extended. `evidence`: null for logs that come by themselves. All must outlive it.
    VirtualJudgement(const ReferenceValues &reference, std::span<const SignedRegister> registers, const Evidence *evidence)
        : reference_(reference), registers_(registers), evidence_(evidence) {}

    // An event of the register, measured and with a digest in its algorithm; in the log's order.
    void note(const Event &event, std::size_t number);

    // The log is read; `ends` has one for each register. Nothing is stated where none is asked for.
    void judge(Verdict &verdict, std::span<const LoggedEnd> ends) const;

private:
    struct Carrier {
        CarriedRegisters carried;
        std::string contradiction = {};  // what is wrong with its events; empty: nothing
    };

    [[nodiscard]] bool is_log_only(const SignedRegister &reg) const;
    [[nodiscard]] Finding find(const std::string &name, std::span<const LoggedEnd> ends) const;
    [[nodiscard]] std::string why_not_proved(const SignedRegister &reg, const Carrier &carrier, const CarriedRegister &found,
                                             const LoggedEnd &end) const;

    const ReferenceValues &reference_;
    std::span<const SignedRegister> registers_;
    const Evidence *evidence_;
    std::map<std::size_t, Carrier> carriers_;  // by the register's number
};

// Where there is no log that could show them.
void state_without_log(Verdict &verdict, const ReferenceValues &reference, const Finding &finding);

}  // namespace mr::attestation
