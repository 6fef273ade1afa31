// What a verifier says: a list of statements, each true, false or not judged, with the reason; and the verdict over those that are required. In mr::verify.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mr {

enum class Judgement : std::uint8_t { holds, fails, not_judged };
std::string_view to_string(Judgement judgement);  // "true", "false", "not_judged": as `mrctl verify --json` prints it

// The names of the statements that every verdict has. What each rests on: docs/verification.md. One kind of hardware has more of its own: mr/verify_quote.h.
namespace statement {

// Of a quote, in this order before what else its kind states.
inline constexpr std::string_view quote_format = "quote_format";  // a quote of a kind this library knows
inline constexpr std::string_view quote_signature = "quote_signature";
inline constexpr std::string_view certificate_chain = "certificate_chain";    // leads to a trust anchor
inline constexpr std::string_view certificates_valid = "certificates_valid";  // every certificate used, at the time of verification
inline constexpr std::string_view root_is_hardware = "root_is_hardware";      // the anchor is the hardware maker's own root
inline constexpr std::string_view tcb = "tcb";                                // the platform is up to date enough
inline constexpr std::string_view not_debug = "not_debug";
// Of kinds that know such a thing.
inline constexpr std::string_view crl_signatures = "crl_signatures";
inline constexpr std::string_view crls_current = "crls_current";  // issued before the time of verification, next update after it
inline constexpr std::string_view not_revoked = "not_revoked";
inline constexpr std::string_view platform_identity = "platform_identity";  // one of those that the reference values name, where they do
// Of the parts together.
inline constexpr std::string_view parts_present = "parts_present";    // those that the reference values name
inline constexpr std::string_view parts_distinct = "parts_distinct";  // no two are of one piece of hardware
inline constexpr std::string_view parts_bound = "parts_bound";        // one part vouches for the others
inline constexpr std::string_view roles = "roles";                    // which registers the reference values mean by them
// What the evidence says.
inline constexpr std::string_view report_data = "report_data";  // is what was expected
inline constexpr std::string_view bound_key =
    "bound_key";  // only there if asked for: binds the key or the TLS connection that was expected
inline constexpr std::string_view evidence_claims = "evidence_claims";  // what nothing signs is as quote and log show it
inline constexpr std::string_view log_well_formed = "log_well_formed";
inline constexpr std::string_view log_replay = "log_replay";                // the log leads to every register it covers
inline constexpr std::string_view history_complete = "history_complete";    // without a gap
inline constexpr std::string_view registers_covered = "registers_covered";  // no register is left out of the log's account
inline constexpr std::string_view reference_values = "reference_values";    // say what must run
inline constexpr std::string_view register_values = "register_values";      // are among the reference values
inline constexpr std::string_view required_events = "required_events";
inline constexpr std::string_view forbidden_events = "forbidden_events";
inline constexpr std::string_view closed_registers = "closed_registers";    // hold what is listed and nothing else
inline constexpr std::string_view virtual_registers = "virtual_registers";  // that are asked for: all of them is there. Only where one is
inline constexpr std::string_view self_measurement = "self_measurement";    // mrd is what is expected, by its own word
inline constexpr std::string_view alternatives = "alternatives";            // of each one set holds
inline constexpr std::string_view evidence_age = "evidence_age";            // no older than asked for

}  // namespace statement

struct Statement {
    std::string name;
    Judgement result = Judgement::not_judged;
    bool required = false;  // the verdict needs it to hold
    std::string reason;     // one sentence, for people: what was found, also where it holds
};

// How up to date the platform behind one part is, where that is judged.
struct JudgedPlatform {
    std::string part;                     // its name; empty for a quote that comes by itself
    std::string kind;                     // "tdx"
    std::string tcb_status;               // as its maker names it: "UpToDate"
    std::vector<std::string> advisories;  // "INTEL-SA-00837"
};

// A register that was judged: one that a quote has, a virtual one that the reference values name, or one that only the log tells of.
struct JudgedRegister {
    std::string part;  // whose quote has it, or has what carries it; empty: a quote that comes by itself, or only the log tells of it
    std::string name;  // "rtmr3", "virtual/build"; of the log alone as it is called there: "cca/rem0"
    // Nothing that the verifier has checked binds its value to hardware: no signature under the root of the hardware's maker leads to it. Never what evidence says.
    bool unbound = true;
    friend bool operator==(const JudgedRegister &, const JudgedRegister &) = default;
};
// Of those that only logs tell of, so many are named; a verdict says whether there are more.
inline constexpr std::size_t max_logged_registers = 256;

class Verdict {
public:
    // Each name at most once: a second statement of a name, that of another part, is added to the first one's reason. Of two judgements the worse stays; where
    // only one of them is required and does not hold, that one. Where it holds and the other does not, the statement does not hold and is not required.
    void add(Statement statement);

    void add(JudgedPlatform platform) { platforms_.push_back(std::move(platform)); }
    void add(JudgedRegister reg) { registers_.push_back(std::move(reg)); }
    // There are more registers that are unbound than were added.
    void leave_registers_out() { leaves_registers_out_ = true; }

    // In the order in which they were first added.
    [[nodiscard]] const std::vector<Statement> &statements() const { return statements_; }
    [[nodiscard]] const Statement *find(std::string_view name) const;
    [[nodiscard]] const std::vector<JudgedPlatform> &platforms() const { return platforms_; }
    [[nodiscard]] const std::vector<JudgedRegister> &registers() const { return registers_; }
    [[nodiscard]] bool leaves_registers_out() const { return leaves_registers_out_; }
    // There is a required statement, and every one holds.
    [[nodiscard]] bool verified() const;

private:
    std::vector<Statement> statements_;
    std::vector<JudgedPlatform> platforms_;
    std::vector<JudgedRegister> registers_;
    bool leaves_registers_out_ = false;
};

// One JSON object in UTF-8: verified, time (of the verification, seconds since the epoch), platforms (part, kind, tcb with status and advisories), registers
// (part, name, unbound), registersLeftOut where there are more that are unbound, statements (name, result, required, reason). What could trick a terminal is escaped in texts, as printable_text() does. Never fails.
std::string write_verdict(const Verdict &verdict, std::int64_t time);

}  // namespace mr
