#include "libmr/src/attestation/log_judgement.h"

#include <algorithm>
#include <utility>

#include "libmr/src/attestation/event_rules.h"
#include "libmr/src/attestation/event_text.h"
#include "libmr/src/attestation/evidence_claims.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/event_content.h"

namespace mr::attestation {
namespace {

void state(Verdict &verdict, std::string_view name, Judgement result, bool required, std::string reason) {
    verdict.add({.name = std::string(name), .result = result, .required = required, .reason = std::move(reason)});
}

// What a file that somebody gives as the log of this boot says of registers that no quote of it signs.
class StrayEvents {
public:
    void see(const Event &event, bool is_signed) {
        ++events_;
        if (is_signed) return;
        ++count_;
        if (names_.size() == most_named) return;
        const auto name = printable_text(logged_name(event.name));
        if (std::ranges::find(names_, name) == names_.end()) names_.push_back(name);
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    // It has no other events: a sentence. Empty: it has, or none at all.
    [[nodiscard]] std::string whole_log() const {
        if (count_ == 0 || count_ < events_) return {};
        return "a log's " + std::to_string(count_) + " events (of " + listed(names_) +
               ") are of no register that is signed, in a bank that is signed: it is the log of something else";
    }

private:
    static constexpr std::size_t most_named = 4;
    std::uint64_t events_ = 0;
    std::uint64_t count_ = 0;
    std::vector<std::string> names_;
};

std::string printable_list(const std::vector<std::string> &names) {
    std::vector<std::string> printable;
    for (const auto &name : names) printable.push_back(printable_text(name));
    return listed(printable);
}

}  // namespace

LogJudgement::LogJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers,
                           const Evidence *evidence, OneOf one_of)
    : reference_(reference),
      registers_(registers),
      evidence_(evidence),
      one_of_(std::move(one_of)),
      rules_(reference, rules, registers),
      virtual_(reference, rules.virtual_names, registers, evidence),
      ends_(registers.size()),
      named_digests_(registers.size()) {
    for (const auto &reg : registers_) log_only_.push_back(is_log_only(reg, reference_));
    // The hardware's initial values are not the log's to say.
    for (const auto &reg : registers_)
        replay_.begin_at(reg.logged, reg.claimed.algorithm, *reg.claimed.initial, reg.claimed.extend_rule.value_or(ExtendRule::digest));
}

std::optional<std::size_t> LogJudgement::number_of(std::string_view name) const {
    const auto bare = without_provider_and_bank(name);
    const auto provider = provider_of(name);
    if (!one_of_.provider.empty() && !provider.empty() && provider != one_of_.provider) return std::nullopt;
    const auto found = std::ranges::find_if(registers_, [&](const SignedRegister &reg) {
        return reg.claimed.name == bare && (reg.part.empty() || provider.empty() || reg.part == provider);
    });
    if (found == registers_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - registers_.begin());
}

bool LogJudgement::may_be_signed(std::string_view name) const {
    const auto provider = provider_of(name);
    return evidence_ == nullptr || provider.empty() ||
           std::ranges::find(evidence_->parts, provider, &EvidencePart::name) != evidence_->parts.end();
}

std::expected<void, Error> LogJudgement::read(ByteView file) {
    auto reader = EventLogReader::open(file);
    if (!reader) return std::unexpected(reader.error());
    // A file that a person keeps may begin with it, what a program writes never does.
    if (evidence_ != nullptr && event_log::as_text(file).starts_with(event_log::byte_order_mark))
        return std::unexpected(Error{ErrorCode::malformed, "the log in evidence begins with a byte-order mark"});
    const bool has_claims = reader->format() == LogFormat::json;
    if (evidence_ != nullptr && !has_claims)
        return std::unexpected(
            Error{ErrorCode::malformed, "the log in evidence is mrd's JSON, this is " + std::string(to_string(reader->format()))});
    LogClaims claims(evidence_, registers_);
    for (auto known : reader->registers()) {
        claims.declare(known);
        if (!may_be_signed(known.name)) continue;
        if (const auto number = number_of(known.name)) known.name = registers_[*number].logged;
        replay_.declare(known);
    }
    Event event;
    StrayEvents stray;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        if (evidence_ == nullptr && is_measured(event)) {
            const bool counts = is_signed(event);
            stray.see(event, counts);
            if (counts) {
                see_provider(event);
            } else {
                note_not_signed(event);
            }
        }
        if (has_claims) claims.see(event);
        if (!event.description && !event.id && !event.caller) ++events_without_content_;
        const auto number = may_be_signed(event.name) ? number_of(event.name) : std::nullopt;
        if (evidence_ != nullptr && !number) note_not_signed(event);
        if (!may_be_signed(event.name)) continue;
        if (number) event.name = registers_[*number].logged;
        // Of what came after the quote it says nothing.
        if (number && event.sequence > registers_[*number].last_event) {
            ++events_after_quote_;
            continue;
        }
        if (auto applied = replay_.apply(event); !applied) return applied;
        // Only what the signed registers vouch for counts.
        if (!number || !is_measured(event)) continue;
        for (auto bank = *number; bank < registers_.size(); ++bank) {
            if (registers_[bank].logged != registers_[*number].logged) continue;
            const auto algorithm = tcg_id(registers_[bank].claimed.algorithm);
            if (std::ranges::find(event.digests, algorithm, &EventDigest::algorithm_id) != event.digests.end()) {
                rules_.note(event, bank);
                virtual_.note(event, bank);
                see_in_log_only(event, bank);
            }
        }
    }
    stray_events_ += stray.count();
    if (stray_log_.empty()) stray_log_ = stray.whole_log();
    last_event_ = claims.last();
    if (contradiction_.empty()) contradiction_ = claims.contradiction();
    return {};
}

// One that is signed in another bank is none of them.
void LogJudgement::note_not_signed(const Event &event) {
    if (!is_measured(event) || event.name.empty() || number_of(event.name)) return;
    auto name = logged_name(event.name);
    if (not_signed_.size() < max_logged_registers) {
        not_signed_.insert(std::move(name));
    } else if (!has_more_not_signed_) {
        has_more_not_signed_ = !not_signed_.contains(name);
    }
}

// Of a signed register, in a bank of it.
bool LogJudgement::is_signed(const Event &event) const {
    const auto number = number_of(event.name);
    if (!number) return false;
    for (auto bank = *number; bank < registers_.size(); ++bank) {
        if (registers_[bank].logged == registers_[*number].logged &&
            std::ranges::find(event.digests, tcg_id(registers_[bank].claimed.algorithm), &EventDigest::algorithm_id) != event.digests.end())
            return true;
    }
    return false;
}

void LogJudgement::see_provider(const Event &event) {
    const auto provider = provider_of(event.name);
    if (provider.empty() || provider.size() > max_logged_name || providers_.size() == max_log_providers ||
        std::ranges::find(providers_, provider) != providers_.end())
        return;
    providers_.emplace_back(provider);
}

static ByteView bytes_of(const Digest &digest) { return digest.bytes(); }

// Shown whole, or redacted as mrd cuts it: who carries the log could make a plain event of it, of which nobody knows what it was. Who measured it, the firmware or
// another, is the log's word alone: what was there before mrd the reference values name.
void LogJudgement::see_in_log_only(const Event &event, std::size_t number) {
    if (!log_only_[number] || !contradiction_.empty()) return;
    const auto digest = std::ranges::find(event.digests, tcg_id(registers_[number].claimed.algorithm), &EventDigest::algorithm_id);
    if (bound_envelope(event, *digest) || carried_envelope(event, *digest)) return;
    const auto &named = named_digests(number);
    const auto found = std::ranges::lower_bound(named, digest->value, std::ranges::lexicographical_compare, bytes_of);
    if (found != named.end() && std::ranges::equal(found->bytes(), digest->value)) return;
    contradiction_ = event_name(event, registers_[number].shown) +
                     " is no envelope, and the reference values say that the register takes nothing "
                     "else (logOnlyRegisters)";
}

// What rules of events that must or may be in the register name by digest or content, in order.
const std::vector<Digest> &LogJudgement::named_digests(std::size_t number) {
    auto &named = named_digests_[number];
    if (named) return *named;
    named.emplace();
    const auto &reg = registers_[number];
    const auto take = [&](const EventRule &rule) {
        for (const auto &digest : {rule.digest, rule.event_digest}) {
            if (digest && digest->algorithm == reg.claimed.algorithm) named->push_back(digest->value);
        }
        if (!rule.data) return;
        const PreparedRule prepared(rule);
        for (const auto &form : prepared.forms()) {
            if (const auto digest = hash(reg.claimed.algorithm, form)) named->push_back(*digest);
        }
    };
    for (const auto *set : rule_sets_of(reference_)) {
        for (const auto &rule : set->required_events) {
            if (rule.register_name.empty() || is_meant(rule.register_name, reg, reference_)) take(rule);
        }
        for (const auto &closed : set->closed_registers) {
            if (!is_meant(closed.register_name, reg, reference_)) continue;
            if (closed.after) take(*closed.after);
            std::ranges::for_each(closed.events, take);
        }
    }
    std::ranges::sort(*named, std::ranges::lexicographical_compare, bytes_of);
    return *named;
}

const ReplayedRegister *LogJudgement::replayed(std::size_t number) const {
    const auto &reg = registers_[number];
    return replay_.find(reg.logged, reg.claimed.algorithm);
}

std::vector<RuleFindings> LogJudgement::judge(Verdict &verdict) {
    judge_form(verdict);
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        auto &end = ends_[i];
        end.replayed = replayed(i);
        end.gaps_are_named =
            !end.has_gap() || std::ranges::all_of(end.replayed->gaps, [&](const LogGap &gap) { return is_accepted(registers_[i], gap); });
    }
    const bool replays = judge_replay(verdict);
    judge_history(verdict);
    virtual_.judge(verdict, ends_);
    for (const auto &name : not_signed_) verdict.add(JudgedRegister{.part = {}, .name = name, .unbound = true});
    if (has_more_not_signed_) verdict.leave_registers_out();
    if (!replays) return findings_without_log(reference_, not_judged("the log does not lead to what is signed"));
    rules_.note(virtual_, ends_);
    return rules_.findings(ends_);
}

void LogJudgement::judge_form(Verdict &verdict) const {
    using statement::log_well_formed;
    if (!contradiction_.empty()) return state(verdict, log_well_formed, Judgement::fails, true, contradiction_);
    for (const auto &name : reference_.log_only_registers) {
        const bool is_known = std::ranges::any_of(registers_, [&](const SignedRegister &reg) { return is_meant(name, reg, reference_); });
        if (!is_known)
            return state(verdict, log_well_formed, Judgement::not_judged, true,
                         "logOnlyRegisters: " + not_signed(name, registers_, reference_));
    }
    const auto events =
        std::to_string(replay_.events()) + " events" +
        (stray_events_ == 0 ? "" : ", " + std::to_string(stray_events_) + " of them of no register that is signed") +
        (events_after_quote_ == 0 ? "" : " and " + std::to_string(events_after_quote_) + " that came after their part's quote");
    const auto cut = evidence_ == nullptr ? std::nullopt : evidence_->cut;
    if (!cut) return state(verdict, log_well_formed, Judgement::holds, true, events);
    if (static_cast<std::uint64_t>(cut->events) > events_without_content_)
        return state(verdict, log_well_formed, Judgement::fails, true,
                     events + ": the evidence says that " + std::to_string(cut->events) + " are cut, but only " +
                         std::to_string(events_without_content_) + " lack what a cut one lacks");
    state(verdict, log_well_formed, Judgement::holds, true,
          events + ", " + std::to_string(cut->events) + " of them cut: " + std::to_string(cut->bytes) +
              " bytes of what they say did not fit into the evidence");
}

bool LogJudgement::judge_replay(Verdict &verdict) {
    std::vector<std::string> wrong;
    std::vector<std::string> uncovered;
    std::vector<std::string> unknown;
    bool all_allowed = true;
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        const auto &reg = registers_[i];
        auto &end = ends_[i];
        if (!reg.claimed.extend_rule && end.replayed != nullptr && end.replayed->events > 0) {
            unknown.push_back(reg.shown);
            continue;
        }
        const auto &value = end.replayed == nullptr ? *reg.claimed.initial : end.replayed->value;
        end.leads = value == reg.claimed.value && (end.replayed == nullptr || end.replayed->consistent());
        if (end.leads) continue;
        const bool allowed = may_be_uncovered(reg);
        const bool claimed_shared = evidence_ != nullptr && std::ranges::any_of(evidence_->registers, [&](const EvidenceRegister &each) {
                                        return is_called(each.name, reg) && each.owner != Owner::owned;
                                    });
        if (allowed || claimed_shared) {
            uncovered.push_back(reg.shown);
            all_allowed = all_allowed && allowed;
        } else {
            wrong.push_back(reg.shown + ": the log leads to " + to_hex(value.bytes()) + ", signed is " + to_hex(reg.claimed.value.bytes()));
        }
    }
    if (!wrong.empty() && providers_.size() > 1)
        wrong.push_back("the log has such registers of " + printable_list(providers_) + ", and those of none of them alone lead there");
    // It would count as a log, and say that nothing happened.
    if (!stray_log_.empty()) wrong.push_back(stray_log_);
    if (wrong.empty() && !unknown.empty()) {
        state(verdict, statement::log_replay, Judgement::not_judged, true,
              "by which rule its platform extends " + listed(unknown) + " the reference values do not say");
    } else if (wrong.empty()) {
        state(
            verdict, statement::log_replay, Judgement::holds, true,
            (uncovered.empty() ? "the log leads to every register that is signed"
                               : "the log leads to every register but " + listed(uncovered)) +
                (one_of_.provider.empty() ? ""
                                          : ", by the events of " + printable_text(one_of_.provider) + "; nothing signs the registers of " +
                                                printable_list(one_of_.others) + ", which are called the same"));
    } else {
        state(verdict, statement::log_replay, Judgement::fails, true, listed(wrong));
    }
    if (uncovered.empty()) {
        state(verdict, statement::registers_covered, Judgement::holds, true, "every register is in the log's account");
    } else {
        state(verdict, statement::registers_covered, all_allowed ? Judgement::holds : Judgement::fails, true,
              listed(uncovered) + ": others extend it, so that the log does not cover it" + (all_allowed ? ", which is accepted" : ""));
    }
    return wrong.empty() && unknown.empty();
}

bool LogJudgement::may_be_uncovered(const SignedRegister &reg) const {
    return std::ranges::any_of(reference_.uncovered_registers, [&](const auto &name) { return is_meant(name, reg, reference_); });
}

LogJudgement::Leads LogJudgement::leads() const {
    auto leads = Leads::wholly;
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        const auto *const end = replayed(i);
        const auto &value = end == nullptr ? *registers_[i].claimed.initial : end->value;
        if (value != registers_[i].claimed.value || (end != nullptr && !end->consistent())) {
            if (!may_be_uncovered(registers_[i])) return Leads::not_there;
            leads = std::min(leads, Leads::where_it_has_to);
        } else if (end != nullptr && !end->gaps.empty()) {
            leads = std::min(leads, Leads::over_gaps);
        }
    }
    return leads;
}

std::expected<std::unique_ptr<LogJudgement>, Error> read_logs(std::span<const ByteView> logs, const ReferenceValues &reference,
                                                              const PreparedRules &rules, std::span<const SignedRegister> registers,
                                                              const Evidence *evidence) {
    const auto read = [&](LogJudgement::OneOf one_of) -> std::expected<std::unique_ptr<LogJudgement>, Error> {
        auto judgement = std::make_unique<LogJudgement>(reference, rules, registers, evidence, std::move(one_of));
        for (const auto log : logs) {
            if (auto done = judgement->read(log); !done) return std::unexpected(std::move(done.error()));
        }
        return judgement;
    };
    auto best = read({});
    if (!best || (*best)->providers().size() < 2) return best;
    const auto providers = (*best)->providers();
    // Logs of one machine may call it by several names: only where they do not lead there together.
    for (const auto &provider : providers) {
        if ((*best)->leads() == LogJudgement::Leads::wholly) break;
        auto others = providers;
        std::erase(others, provider);
        auto alone = read({.provider = provider, .others = std::move(others)});
        if (alone && (*alone)->leads() > (*best)->leads()) best = std::move(alone);
    }
    return best;
}

// Of a gap, the register and the value found say which it is. Only where nothing of the log stands before it does it say what the log begins after.
bool LogJudgement::is_accepted(const SignedRegister &reg, const LogGap &gap) const {
    return gap.events == 0 && std::ranges::any_of(reference_.accepted_gaps, [&](const AcceptedGap &accepted) {
               return accepted.found == gap.found && is_meant(accepted.register_name, reg, reference_);
           });
}

void LogJudgement::judge_history(Verdict &verdict) const {
    std::vector<std::string> gaps;
    std::vector<std::string> accepted;
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        if (ends_[i].replayed == nullptr) continue;
        for (const auto &gap : ends_[i].replayed->gaps) {
            auto &list = is_accepted(registers_[i], gap) ? accepted : gaps;
            list.push_back(registers_[i].shown + " at event " + std::to_string(gap.sequence) + ": expected " +
                           to_hex(gap.expected.bytes()) + ", found " + to_hex(gap.found.bytes()));
        }
    }
    if (gaps.empty())
        return state(verdict, statement::history_complete, Judgement::holds, !reference_.accept_gaps,
                     accepted.empty() ? "no gap" : "no gap but those that the reference values name: " + listed(accepted));
    state(verdict, statement::history_complete, Judgement::fails, !reference_.accept_gaps,
          (reference_.accept_gaps ? "gaps, which are accepted: " : "somebody else extended a register, or events are missing: ") +
              listed(gaps));
}

std::vector<RuleFindings> findings_without_log(const ReferenceValues &reference, const Finding &finding) {
    std::vector<RuleFindings> all;
    const auto if_any = [&](const auto &rules) { return rules.empty() ? std::nullopt : std::optional(finding); };
    for (const auto *set : rule_sets_of(reference))
        all.push_back({.required = if_any(set->required_events),
                       .forbidden = if_any(set->forbidden_events),
                       .closed = if_any(set->closed_registers),
                       .self = set->self_measurement ? std::optional(finding) : std::nullopt});
    return all;
}

}  // namespace mr::attestation
