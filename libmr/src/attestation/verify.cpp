// What evidence says beside its quote: report data, log, reference values. The quote itself is verify_quote()'s.
#include "mr/verify.h"

#include "libmr/src/attestation/claims.h"
#include "libmr/src/attestation/rule_judgement.h"
#include "libmr/src/event_log/json_common.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

namespace mr {

namespace {

using enum StatementName;
using attestation::listed;
using attestation::rtmr_count;

constexpr std::int64_t microseconds = 1'000'000;
// How far the guest's clock may be ahead of the verifier's.
constexpr std::int64_t clock_skew_seconds = 300;

// What a quote or a TDREPORT says of its TD.
struct Signed {
    ReportData report_data{};
    std::vector<std::pair<std::string, ByteView>> registers;

    [[nodiscard]] ByteView find(std::string_view name) const {
        const auto found = std::ranges::find(registers, name, &std::pair<std::string, ByteView>::first);
        return found == registers.end() ? ByteView() : found->second;
    }
};

Signed signed_by(const TdQuoteBody &body) {
    Signed result{.report_data = body.report_data,
                  .registers = {{"mrtd", body.mrtd},
                                {"mrconfigid", body.mrconfigid},
                                {"mrowner", body.mrowner},
                                {"mrownerconfig", body.mrownerconfig},
                                {"mr_seam", body.mr_seam}}};
    for (std::size_t i = 0; i < rtmr_count; ++i) result.registers.emplace_back("rtmr" + std::to_string(i), body.rtmr.at(i));
    return result;
}

class Verifier {
public:
    // `evidence`: null for a quote and logs that come by themselves.
    explicit Verifier(const VerifyOptions &options, const Evidence *evidence = nullptr)
        : options_(options), reference_(options.reference), evidence_(evidence) {}

    // What is signed, if it can be read at all; body_ keeps it.
    void judge_quote(ByteView bytes, const Collateral *collateral) {
        if (const auto report = decode_tdreport(bytes)) return judge_report(bytes, *report);
        auto policy = reference_.quote;
        policy.tcb_required = reference_.tcb_required || !options_.waived.tcb;
        platform_ = verify_quote(bytes, collateral, options_.anchors, options_.time, policy, verdict_);
        if (const auto quote = decode_quote(bytes)) {
            body_ = quote->body;
            signed_ = signed_by(*body_);
        }
    }

    void judge_report_data() {
        if (!options_.report_data)
            return state(report_data, Judgement::not_judged, !options_.waived.nonce, "no nonce was given: the quote may be an old one");
        const auto expected = report_data_from(*options_.report_data);
        if (!expected) return state(report_data, Judgement::fails, true, expected.error().message);
        if (!signed_) return state(report_data, Judgement::not_judged, true, "nothing signed can be read");
        if (signed_->report_data != *expected)
            return state(report_data, Judgement::fails, true,
                         "not as expected: signed is " + to_hex(signed_->report_data) + ", expected was " + to_hex(*expected));
        state(report_data, Judgement::holds, true, "as expected");
    }

    void judge_logs(std::span<const ByteView> logs) {
        const bool wanted = !logs.empty() || evidence_ != nullptr;
        const bool rules = !reference_.required_events.empty() || !reference_.forbidden_events.empty();
        if (!wanted || !signed_) {
            const std::string reason = signed_ ? "no log was given" : "nothing signed can be read";
            for (const auto name : {log_well_formed, log_replay, history_complete, registers_covered})
                state(name, Judgement::not_judged, wanted, reason);
            if (!rules) return;
            // Lacking what is asked for is a failure of its own; that nothing can be read is one already.
            return judge_rules(signed_ ? Judgement::fails : Judgement::not_judged, reason);
        }
        for (const auto log : logs) {
            if (auto read = read_log(log); !read) {
                state(log_well_formed, Judgement::fails, true, read.error().message);
                const std::string reason = "the log cannot be read";
                for (const auto name : {log_replay, history_complete, registers_covered}) state(name, Judgement::not_judged, true, reason);
                return judge_rules(Judgement::not_judged, reason);
            }
        }
        judge_log();
        const bool replays = judge_replay();
        judge_history();
        judge_rules(replays ? std::nullopt : std::optional(Judgement::not_judged), "the log does not lead to what is signed");
    }

    // It can be read.
    void judge_log() {
        log_is_read_ = true;
        if (!log_contradiction_.empty()) return state(log_well_formed, Judgement::fails, true, log_contradiction_);
        const auto events = std::to_string(replay_.events()) + " events";
        const auto cut = evidence_ == nullptr ? std::nullopt : evidence_->cut;
        if (!cut) return state(log_well_formed, Judgement::holds, true, events);
        if (static_cast<std::uint64_t>(cut->events) > events_without_content_)
            return state(log_well_formed, Judgement::fails, true,
                         events + ": the evidence says that " + std::to_string(cut->events) + " are cut, but only " +
                             std::to_string(events_without_content_) + " lack what a cut one lacks");
        state(log_well_formed, Judgement::holds, true,
              events + ", " + std::to_string(cut->events) + " of them cut: " + std::to_string(cut->bytes) +
                  " bytes of what they say did not fit into the evidence");
    }

    // What evidence says beside its quote is what a reader sees first.
    void judge_claims() {
        const auto quote = decode_quote(evidence_->quote);
        if (!quote) return state(evidence_claims, Judgement::not_judged, true, "the quote cannot be read");
        const attestation::ReplayedLog log{.last_event = last_event_, .value = [this](std::size_t number) -> std::optional<Digest> {
                                               const auto *const found = replayed(number);
                                               return found == nullptr ? std::nullopt : std::optional(found->value);
                                           }};
        const auto wrong = attestation::contradictions(*evidence_, *quote, log_is_read_ ? &log : nullptr);
        if (!wrong.empty()) return state(evidence_claims, Judgement::fails, true, listed(wrong));
        state(evidence_claims, log_is_read_ ? Judgement::holds : Judgement::not_judged, true,
              log_is_read_ ? "quote and log show nothing else" : "the log cannot be read");
    }

    void judge_reference() {
        if (reference_.say_what_runs()) return state(reference_values, Judgement::holds, true, "they say what must run");
        state(
            reference_values, Judgement::not_judged, !options_.waived.reference,
            "no reference values say what must run, by registers or requiredEvents: what they only forbid or accept leaves the rest open");
    }

    void judge_registers() {
        if (reference_.registers.empty()) return state(register_values, Judgement::not_judged, false, "no register values were asked for");
        if (!signed_) return state(register_values, Judgement::not_judged, true, "nothing signed can be read");
        std::vector<std::string> wrong;
        for (const auto &[name, allowed] : reference_.registers) {
            const auto value = signed_->find(name);
            const bool found = std::ranges::any_of(allowed, [&](const Bytes &each) { return std::ranges::equal(each, value); });
            if (!found) wrong.push_back(name + " is " + to_hex(value));
        }
        if (!wrong.empty()) return state(register_values, Judgement::fails, true, listed(wrong) + ": not among the reference values");
        state(register_values, Judgement::holds, true,
              std::to_string(reference_.registers.size()) + " registers have values that are allowed");
    }

    // `time` in microseconds; none for what says none.
    void judge_age(std::optional<std::int64_t> time) {
        const auto limit = reference_.maximum_age_seconds;
        if (!limit) return state(evidence_age, Judgement::not_judged, false, "no maximum age was asked for");
        if (!time) return state(evidence_age, Judgement::fails, true, "a quote does not say when it was made, only evidence does");
        const auto age = options_.time - *time / microseconds;
        const std::string claim = " by the guest's clock, which nothing binds: freshness comes from the report data";
        if (age > *limit)
            return state(evidence_age, Judgement::fails, true,
                         std::to_string(age) + " s old" + claim + "; allowed are " + std::to_string(*limit));
        if (age < -clock_skew_seconds)
            return state(evidence_age, Judgement::fails, true, "made " + std::to_string(-age) + " s in the future" + claim);
        state(evidence_age, Judgement::holds, true, std::to_string(age) + " s old" + claim);
    }

    Verdict take(QuoteJudgement *platform) {
        if (platform != nullptr) *platform = std::move(platform_);
        return std::move(verdict_);
    }

private:
    void state(StatementName name, Judgement result, bool required, std::string reason) {
        verdict_.add({.name = name, .result = result, .required = required, .reason = std::move(reason)});
    }

    void judge_report(ByteView bytes, const TdReport &report) {
        state(quote_format, Judgement::fails, true,
              "a TDREPORT is no quote: only the machine that made it can tell whether it is genuine (io.mrd.Attestation.VerifyReport)");
        const auto hashes = check_tdreport_hashes(bytes);
        const bool hold = hashes && hashes->tcb_info_matches && hashes->td_info_matches;
        state(report_hashes, hold ? Judgement::holds : Judgement::fails, true,
              hold                                 ? "both hashes hold over what they cover"
              : hashes && hashes->tcb_info_matches ? "the hash over TDINFO does not hold"
              : hashes && hashes->td_info_matches  ? "the hash over TEE_TCB_INFO does not hold"
                                                   : "neither hash holds");
        body_ = quote_body_of(report);
        signed_ = signed_by(*body_);
    }

    std::expected<void, Error> read_log(ByteView file) {
        auto reader = EventLogReader::open(file);
        if (!reader) return std::unexpected(reader.error());
        // A file that a person keeps may begin with it, what a program writes never does.
        if (evidence_ != nullptr && event_log::as_text(file).starts_with(event_log::byte_order_mark))
            return std::unexpected(Error{ErrorCode::malformed, "the log in evidence begins with a byte-order mark"});
        const bool has_claims = reader->format() == LogFormat::json;
        if (evidence_ != nullptr && !has_claims)
            return std::unexpected(
                Error{ErrorCode::malformed, "the log in evidence is mrd's JSON, this is " + std::string(to_string(reader->format()))});
        attestation::LogClaims claims(evidence_ == nullptr ? "" : evidence_->provider);
        for (auto known : reader->registers()) {
            claims.declare(known);
            if (!may_be_signed(known.name)) continue;
            // The hardware's initial value is not the log's to say.
            if (is_signed_name(known.name)) known.initial = Digest::zero(HashAlgorithm::sha384);
            replay_.declare(known);
        }
        Event event;
        for (;;) {
            const auto more = reader->next(event);
            if (!more) return std::unexpected(more.error());
            if (!*more) break;
            const bool counts = may_be_signed(event.name);
            if (counts) {
                if (auto applied = replay_.apply(event); !applied) return applied;
            }
            if (!event.description && !event.id && !event.caller) ++events_without_content_;
            if (has_claims) claims.see(event);
            // Only what the quote's registers vouch for counts.
            if (counts && is_measured(event) && is_signed_name(event.name)) note_rules(event);
        }
        last_event_ = claims.last();
        if (log_contradiction_.empty()) log_contradiction_ = claims.contradiction();
        return {};
    }

    // Another provider's registers may have the same names: what is extended into them is nothing of this quote's.
    [[nodiscard]] bool may_be_signed(std::string_view name) const {
        const auto slash = name.find('/');
        return evidence_ == nullptr || slash == std::string_view::npos || name.substr(0, slash) == evidence_->provider;
    }

    static bool is_signed_name(std::string_view name) { return attestation::rtmr_number(name).has_value(); }

    void note_rules(const Event &event) {
        if (std::ranges::find(event.digests, tcg_id(HashAlgorithm::sha384), &EventDigest::algorithm_id) == event.digests.end()) return;
        rules_.note(event, static_cast<std::size_t>(common_name(event.name).back() - '0'));
    }

    [[nodiscard]] const ReplayedRegister *replayed(std::size_t number) const {
        return replay_.find("rtmr" + std::to_string(number) + ":sha384");
    }

    // True if the log leads to every register that it covers.
    bool judge_replay() {
        std::vector<std::string> wrong;
        std::vector<std::string> uncovered;
        bool all_allowed = true;
        for (std::size_t i = 0; i < rtmr_count; ++i) {
            const auto name = "rtmr" + std::to_string(i);
            const auto *found = replayed(i);
            const auto value = found == nullptr ? Digest::zero(HashAlgorithm::sha384) : found->value;
            const bool leads = std::ranges::equal(value.bytes(), signed_->find(name)) && (found == nullptr || found->consistent());
            leads_.at(i) = leads;
            if (leads) continue;
            const bool allowed = std::ranges::find(reference_.uncovered_registers, name) != reference_.uncovered_registers.end();
            const bool claimed_shared = evidence_ != nullptr && std::ranges::any_of(evidence_->registers, [&](const EvidenceRegister &reg) {
                                            return may_be_signed(reg.name) && common_name(reg.name) == name && reg.owner != Owner::owned;
                                        });
            if (allowed || claimed_shared) {
                uncovered.push_back(name);
                all_allowed = all_allowed && allowed;
            } else {
                wrong.push_back(name + ": the log leads to " + to_hex(value.bytes()) + ", signed is " + to_hex(signed_->find(name)));
            }
        }
        if (wrong.empty()) {
            state(log_replay, Judgement::holds, true,
                  uncovered.empty() ? "the log leads to every register that is signed"
                                    : "the log leads to every register but " + listed(uncovered));
        } else {
            state(log_replay, Judgement::fails, true, listed(wrong));
        }
        if (uncovered.empty()) {
            state(registers_covered, Judgement::holds, true, "every register is in the log's account");
        } else {
            state(registers_covered, all_allowed ? Judgement::holds : Judgement::fails, true,
                  listed(uncovered) + ": others extend it, so that the log does not cover it" + (all_allowed ? ", which is accepted" : ""));
        }
        return wrong.empty();
    }

    // Of a gap, the register and the value found say which it is. Only where nothing of the log stands before it does it say what the log begins after.
    [[nodiscard]] bool is_accepted(std::size_t number, const LogGap &gap) const {
        return gap.events == 0 && std::ranges::any_of(reference_.accepted_gaps, [&](const AcceptedGap &accepted) {
                   return accepted.register_name == "rtmr" + std::to_string(number) && accepted.found == gap.found;
               });
    }

    void judge_history() {
        std::vector<std::string> gaps;
        std::vector<std::string> accepted;
        for (std::size_t i = 0; i < rtmr_count; ++i) {
            const auto *found = replayed(i);
            if (found == nullptr) continue;
            for (const auto &gap : found->gaps) {
                auto &list = is_accepted(i, gap) ? accepted : gaps;
                list.push_back(found->name + " at event " + std::to_string(gap.sequence) + ": expected " + to_hex(gap.expected.bytes()) +
                               ", found " + to_hex(gap.found.bytes()));
            }
        }
        if (gaps.empty())
            return state(history_complete, Judgement::holds, !reference_.accept_gaps,
                         accepted.empty() ? "no gap" : "no gap but those that the reference values name: " + listed(accepted));
        state(history_complete, Judgement::fails, !reference_.accept_gaps,
              (reference_.accept_gaps ? "gaps, which are accepted: " : "somebody else extended a register, or events are missing: ") +
                  listed(gaps));
    }

    // `instead`: what rules come to, by that reason, where there is no log that leads to the registers.
    void judge_rules(std::optional<Judgement> instead, const std::string &reason) {
        std::array<attestation::LoggedRtmr, rtmr_count> rtmrs;
        for (std::size_t i = 0; i < rtmr_count; ++i) rtmrs.at(i) = {leads_.at(i), replayed(i)};
        if (reference_.required_events.empty()) {
            state(required_events, Judgement::not_judged, false, "no events were asked for");
        } else {
            auto finding = instead ? attestation::Finding{*instead, reason} : rules_.required(rtmrs);
            state(required_events, finding.result, true, std::move(finding.reason));
        }
        if (reference_.forbidden_events.empty()) {
            state(forbidden_events, Judgement::not_judged, false, "no events were forbidden");
        } else {
            auto finding = instead ? attestation::Finding{*instead, reason} : rules_.forbidden(rtmrs);
            state(forbidden_events, finding.result, true, std::move(finding.reason));
        }
    }

    const VerifyOptions &options_;
    const ReferenceValues &reference_;
    const Evidence *evidence_;
    Verdict verdict_;
    QuoteJudgement platform_;
    std::optional<TdQuoteBody> body_;
    std::optional<Signed> signed_;
    Replay replay_;
    attestation::RuleJudgement rules_{reference_};
    std::uint64_t events_without_content_ = 0;
    bool log_is_read_ = false;
    std::uint64_t last_event_ = 0;          // of the log
    std::string log_contradiction_;         // in itself; empty: none
    std::array<bool, rtmr_count> leads_{};  // the log leads to the register
};

}  // namespace

Verdict verify(const Evidence &evidence, const VerifyOptions &options, QuoteJudgement *platform) {
    const Collateral *collateral = options.collateral;
    if (collateral == nullptr && evidence.collateral) collateral = &*evidence.collateral;
    Verifier verifier(options, &evidence);
    verifier.judge_quote(evidence.quote, collateral);
    verifier.judge_report_data();
    const std::array<ByteView, 1> logs{evidence.log};
    verifier.judge_logs(logs);
    verifier.judge_claims();
    verifier.judge_reference();
    verifier.judge_registers();
    verifier.judge_age(evidence.time);
    return verifier.take(platform);
}

Verdict verify(ByteView quote, std::span<const ByteView> logs, const VerifyOptions &options, QuoteJudgement *platform) {
    Verifier verifier(options);
    verifier.judge_quote(quote, options.collateral);
    verifier.judge_report_data();
    verifier.judge_logs(logs);
    verifier.judge_reference();
    verifier.judge_registers();
    verifier.judge_age(std::nullopt);
    return verifier.take(platform);
}

}  // namespace mr
