// What a verifier says: a list of statements, each true, false or not judged, with the reason; and the verdict over those that are required.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mr {

enum class Judgement : std::uint8_t { holds, fails, not_judged };
std::string_view to_string(Judgement judgement);  // "true", "false", "not_judged": as `mrctl verify --json` prints it

// The closed list, in the order of a verdict. What each rests on: docs/verification.md.
enum class StatementName : std::uint8_t {
    // The quote and who signed it.
    quote_format,         // a TD quote of a kind this library knows
    quote_signature,      // the attestation key signed header and body
    qe_report_signature,  // the PCK key signed the QE's report, and that report names the attestation key
    certificate_chain,    // the PCK certificate leads to a trust anchor, by Intel's certificate profile
    certificates_valid,   // every certificate used, at the time of verification
    root_is_hardware,     // the anchor is Intel's own root
    // What the collateral says of the platform.
    tcb_info_signature,
    tcb_info_current,  // issued before the time of verification, next update after it
    qe_identity_signature,
    qe_identity_current,
    crl_signatures,
    crls_current,
    not_revoked,
    qe_identity,  // the QE is the one that the identity describes
    qe_tcb,       // its security version is good enough
    tdx_module,   // the TDX module is one that the TCB info knows
    tcb,          // the platform's security versions are good enough
    // What the TD is.
    not_debug,
    sept_ve_disable,
    td_attributes,  // no reserved bit
    service_td,     // no service TD, or one that the reference values name
    report_hashes,  // of a TDREPORT instead of a quote: both hashes hold
    // What the evidence says.
    report_data,      // is what was expected
    evidence_claims,  // what nothing signs is as quote and log show it
    log_well_formed,
    log_replay,         // the log leads to every register it covers
    history_complete,   // without a gap
    registers_covered,  // no register is left out of the log's account
    reference_values,   // say what must run
    register_values,    // are among the reference values
    required_events,
    forbidden_events,
    evidence_age,  // no older than asked for
};
std::string_view to_string(StatementName name);  // "quote_format"

struct Statement {
    StatementName name = StatementName::quote_format;
    Judgement result = Judgement::not_judged;
    bool required = false;  // the verdict needs it to hold
    std::string reason;     // one sentence, for people: what was found, also where it holds
};

class Verdict {
public:
    // Each name at most once: a second statement of a name is added to the first one's reason, and the worse judgement stays.
    void add(Statement statement);

    // In the order of StatementName.
    [[nodiscard]] const std::vector<Statement> &statements() const { return statements_; }
    [[nodiscard]] const Statement *find(StatementName name) const;
    // There is a required statement, and every one holds.
    [[nodiscard]] bool verified() const;

private:
    std::vector<Statement> statements_;
};

}  // namespace mr
