// What one or several logs come to against the registers that are signed: the replay, its gaps, and the rules of the reference values over it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/rule_judgement.h"
#include "libmr/src/attestation/signed_register.h"
#include "libmr/src/attestation/virtual_judgement.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/reference_values.h"
#include "mr/verdict.h"

namespace mr::attestation {

class LogJudgement {
public:
    // Of a log that comes by itself and has registers of several providers under the names that are signed: whose count alone.
    struct OneOf {
        std::string provider;
        std::vector<std::string> others;
    };

    // `registers`: those that are extended. `evidence`: null for logs that come by themselves. All must outlive it.
    LogJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers,
                 const Evidence *evidence, OneOf one_of = {});

    // One log, after those before it. Error: it cannot be read.
    std::expected<void, Error> read(ByteView file);

    // All are read. How they lead to what is signed: not to registers that may be uncovered; to all, over gaps; to all.
    enum class Leads : std::uint8_t { not_there, where_it_has_to, over_gaps, wholly };
    [[nodiscard]] Leads leads() const;
    // Of logs that come by themselves, whose events are of registers that would be signed: in the order of their first, max_log_providers at most.
    [[nodiscard]] const std::vector<std::string> &providers() const { return providers_; }

    // All are read. Adds log_well_formed, log_replay, history_complete and registers_covered, and gives what the event rules of each rule set come to, as
    // rule_sets_of() has them.
    std::vector<RuleFindings> judge(Verdict &verdict);

    [[nodiscard]] std::uint64_t last_event() const { return last_event_; }
    // What the log leads to, of a register's number. Null: the log does not know it.
    [[nodiscard]] const ReplayedRegister *replayed(std::size_t number) const;

private:
    // Of an event or a declared register, the first of its banks. Nothing: none that is signed.
    [[nodiscard]] std::optional<std::size_t> number_of(std::string_view name) const;
    // It counts for the replay: another provider's registers may have the same names, what is extended into them is nothing of these quotes'.
    [[nodiscard]] bool may_be_signed(std::string_view name) const;
    [[nodiscard]] bool is_signed(const Event &event) const;
    void note_not_signed(const Event &event);
    [[nodiscard]] bool is_accepted(const SignedRegister &reg, const LogGap &gap) const;
    [[nodiscard]] bool may_be_uncovered(const SignedRegister &reg) const;
    void see_provider(const Event &event);
    // An event of mrd's where the reference values say that nothing but envelopes is taken.
    void see_in_log_only(const Event &event, std::size_t number);
    const std::vector<Digest> &named_digests(std::size_t number);
    void judge_form(Verdict &verdict) const;
    // True if the log leads to every register that it covers.
    bool judge_replay(Verdict &verdict);
    void judge_history(Verdict &verdict) const;

    const ReferenceValues &reference_;
    std::span<const SignedRegister> registers_;
    const Evidence *evidence_;
    const OneOf one_of_;
    std::vector<std::string> providers_;
    Replay replay_{ReplayNames::as_logged};
    RuleJudgement rules_;
    VirtualJudgement virtual_;
    std::vector<LoggedEnd> ends_;
    std::uint64_t events_without_content_ = 0;
    std::uint64_t events_after_quote_ = 0;
    std::uint64_t stray_events_ = 0;                 // of registers that are not signed, in logs that come by themselves
    std::string stray_log_;                          // the first one that has no others, as a sentence; empty: none
    std::set<std::string, std::less<>> not_signed_;  // names of registers of which only the log tells
    bool has_more_not_signed_ = false;
    std::uint64_t last_event_ = 0;
    std::vector<bool> log_only_;                                     // by the register's number
    std::vector<std::optional<std::vector<Digest>>> named_digests_;  // likewise; nothing: nobody has asked
    std::string contradiction_;  // of a log in itself, or to what the reference values say of mrd; empty: none
};

// Of all logs. Where they come by themselves, and only one provider's events lead to what is signed, as that provider's: the others' count as those of registers that are
// not signed. Error: one cannot be read.
std::expected<std::unique_ptr<LogJudgement>, Error> read_logs(std::span<const ByteView> logs, const ReferenceValues &reference,
                                                              const PreparedRules &rules, std::span<const SignedRegister> registers,
                                                              const Evidence *evidence);
// Each is tried by reading the logs again.
inline constexpr std::size_t max_log_providers = 8;

// What the event rules of each rule set come to where there is no log that leads to the registers.
std::vector<RuleFindings> findings_without_log(const ReferenceValues &reference, const Finding &finding);

}  // namespace mr::attestation
