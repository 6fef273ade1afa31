// The virtual registers that reference values ask for or have rules about, each in every part that may carry it (parts_that_carry()): what is shown of them is all
// that there is of them. What a log hides of others is counted, and none of it names one of these.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/logged_end.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/bytes.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/reference_values.h"
#include "mr/verdict.h"
#include "mr/virtual_registers.h"

namespace mr::attestation {

using VirtualNames = std::set<std::string, std::less<>>;  // "virtual/build"

// What a rule is asked about later: of which register of a name, only the log's end says.
struct KeptEvent {
    std::uint64_t sequence = 0;
    Bytes digest = {};  // in the carrier's algorithm
    Bytes data = {};

    // Valid as long as both are.
    [[nodiscard]] Event view(const SignedRegister &carrier) const;
};

class VirtualJudgement {
public:
    // `in_rules`: whose events are asked for. `registers`: those that are extended. `evidence`: null for logs that come by themselves. All must outlive it.
    VirtualJudgement(const ReferenceValues &reference, const VirtualNames &in_rules, std::span<const SignedRegister> registers,
                     const Evidence *evidence)
        : reference_(reference), in_rules_(in_rules), registers_(registers), evidence_(evidence) {}

    // An event of the register, measured and with a digest in its algorithm; in the log's order.
    void note(const Event &event, std::size_t number);

    // The log is read; `ends` has one for each register. Nothing is stated where none is asked for; of those that only rules name it is told what is unbound.
    void judge(Verdict &verdict, std::span<const LoggedEnd> ends) const;

    // The register that a name of `in_rules` means in a part, behind its create: each of its events, the hidden ones too.
    struct Followed {
        std::string unknown = {};  // why nobody can tell; empty: the others are given
        const SignedRegister *carrier = nullptr;
        std::span<const KeptEvent> events = {};
    };
    [[nodiscard]] Followed follow(const std::string &name, std::string_view part, std::span<const LoggedEnd> ends) const;

private:
    struct Carrier {
        CarriedRegisters carried;
        std::map<VirtualRegisterId, std::vector<KeptEvent>> kept = {};  // of those with a name of the rules that are not closed
        std::string contradiction = {};                                 // what is wrong with its events; empty: nothing
    };
    struct Found {
        std::string unknown = {};  // why nobody can tell; empty: the others are given
        const CarriedRegister *reg = nullptr;
        std::size_t carrier = 0;  // its number
    };

    void keep(Carrier &carrier, const SignedRegister &reg, const Event &event) const;
    [[nodiscard]] Found find(const std::string &name, std::string_view part, std::span<const LoggedEnd> ends) const;
    [[nodiscard]] std::string why_not_proved(const SignedRegister &reg, const Carrier &carrier, const CarriedRegister &found,
                                             const LoggedEnd &end) const;
    [[nodiscard]] Finding judge(const VirtualRegisterRule &rule, std::string_view part, std::span<const LoggedEnd> ends) const;

    const ReferenceValues &reference_;
    const VirtualNames &in_rules_;
    std::span<const SignedRegister> registers_;
    const Evidence *evidence_;
    std::map<std::size_t, Carrier> carriers_;  // by the register's number
};

// Where there is no log that could show them.
void state_without_log(Verdict &verdict, const ReferenceValues &reference, const VirtualNames &in_rules, const Finding &finding);

}  // namespace mr::attestation
