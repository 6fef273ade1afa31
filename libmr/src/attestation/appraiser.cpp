// What the evidence of any kind comes to: its parts one by one, then what they say together, the log, and the reference values.
#include "mr/appraiser.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "libmr/src/attestation/event_text.h"
#include "libmr/src/attestation/evidence_claims.h"
#include "libmr/src/attestation/facts.h"
#include "libmr/src/attestation/log_judgement.h"
#include "libmr/src/attestation/measured_roles.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/verify.h"
#include "mr/verify_spdm.h"

namespace mr {

namespace attestation {
namespace {

constexpr std::int64_t microseconds = 1'000'000;
// How far the guest's clock may be ahead of the verifier's.
constexpr std::int64_t clock_skew_seconds = 300;

// Of times that anybody may have given: what is more than a number holds is as much as one holds, and can be negated.
std::int64_t seconds_from(std::int64_t begin, std::int64_t end) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    if (begin > 0 && end < begin - most) return -most;
    if (begin <= 0 && end > begin + most) return most;
    return std::max(end - begin, -most);
}

constexpr auto nothing_signed = "nothing signed can be read";

// One part, or the quote that comes by itself.
struct Part {
    std::string name;  // empty: by itself
    std::string kind;
    TeeEvidence evidence;
    std::optional<std::int64_t> sequence = {};  // the log's last event that the quote shows
};

// Kept from one verification to the next.
class Judges {
public:
    Judges(const AppraiserOptions &options, PlatformPolicy policy) : options_(options), policy_(std::move(policy)) {}

    // Null: the kind is not known.
    TeeJudge *of_kind(std::string_view kind) {
        if (const auto known = judges_.find(kind); known != judges_.end()) return known->second.get();
        const auto *tee = find_tee(kind, options_.tees);
        if (tee == nullptr) return nullptr;
        auto judge = tee->open_judge(options_.anchors ? &*options_.anchors : nullptr, policy_);
        return judges_.emplace(kind, std::move(judge)).first->second.get();
    }

    [[nodiscard]] const PlatformPolicy &policy() const { return policy_; }

private:
    const AppraiserOptions &options_;
    PlatformPolicy policy_;
    std::map<std::string, std::unique_ptr<TeeJudge>, std::less<>> judges_;
};

class Appraisal {
public:
    // `evidence`: null for a quote and logs that come by themselves.
    Appraisal(const AppraiserOptions &options, Judges &judges, const PreparedRules &rules, const Question &question,
              const Evidence *evidence)
        : options_(options), reference_(options.reference), judges_(judges), rules_(rules), question_(question), evidence_(evidence) {}

    void judge_parts(std::vector<Part> parts) {
        parts_ = std::move(parts);
        for (const auto &[kind, given] : options_.collateral) {
            if (find_tee(kind, options_.tees) == nullptr)
                state(statement::tcb, Judgement::fails, true, "collateral was given of the kind " + kind + ", which cannot be read here");
        }
        for (auto &part : parts_) {
            if (const auto given = options_.collateral.find(part.kind); given != options_.collateral.end())
                part.evidence.collateral = given->second, part.evidence.is_own_collateral = true;
            Verdict of_part;
            claims_.push_back(judge_part(part, of_part));
            for (auto statement : of_part.statements()) {
                if (parts_.size() > 1) statement.reason.insert(0, part.name + ": ");
                verdict_.add(std::move(statement));
            }
            take_claims(part, claims_.back(), is_bound_to_hardware(claims_.back(), find_tee(part.kind, options_.tees), of_part));
        }
        give_roles(reference_, signed_);
        std::ranges::copy_if(signed_, std::back_inserter(extended_), &SignedRegister::is_extended);
        for (const auto &claims : claims_) everything_is_read_ = everything_is_read_ && claims;
        judge_parts_together();
        tell_roles();
    }

    void judge_report_data() {
        using statement::report_data;
        if (question_.bound) return judge_bound(*question_.bound);
        if (!question_.report_data)
            return state(report_data, Judgement::not_judged, !options_.waived.nonce, "no nonce was given: the quote may be an old one");
        const auto expected = report_data_from(*question_.report_data);
        if (!expected) return state(report_data, Judgement::fails, true, expected.error().message);
        if (const auto other = other_report_data(*expected)) {
            const auto bound = is_bound_report_data(other->found) ? "; what is signed binds a key, which has to be expected by itself" : "";
            return state(report_data, Judgement::fails, true,
                         in_part(other->part) + "not as expected: signed is " + to_hex(other->found) + ", expected was " +
                             to_hex(other->wanted) + bound);
        }
        if (!everything_is_read_) return state(report_data, Judgement::not_judged, true, nothing_signed);
        state(report_data, Judgement::holds, true, "as expected");
    }

    // One hash has nonce and key in it: what was made of another one of either is neither fresh nor bound.
    void judge_bound(const BoundTo &bound) {
        const auto both = [this](Judgement result, const std::string &reason) {
            for (const auto name : {statement::report_data, statement::bound_key}) state(name, result, true, reason);
        };
        if (question_.report_data) return both(Judgement::fails, "a nonce is expected alone and another in a binding: expect one of them");
        const auto expected = bound_report_data(bound);
        if (!expected) return both(Judgement::fails, expected.error().message);
        if (const auto other = other_report_data(*expected))
            return both(Judgement::fails, in_part(other->part) + why_not(bound, other->found));
        if (!everything_is_read_) return both(Judgement::not_judged, nothing_signed);
        both(Judgement::holds, "made by mrd of this nonce and this " + std::string(bound.binding.key ? "key" : "TLS connection") +
                                   ", asked for by uid " + std::to_string(bound.uid));
    }

    // What the signed bytes can still tell of what they were made of.
    [[nodiscard]] std::string why_not(const BoundTo &bound, ByteView found) const {
        if (found.size() == report_data_size && !is_bound_report_data(found))
            return "whoever asked for the quote chose what it is over: it binds nothing";
        for (const auto role : {std::optional<AttesterRole>(), std::optional(AttesterRole::client), std::optional(AttesterRole::server)}) {
            auto reflected = bound;
            reflected.binding.role = role;
            const auto report_data = bound_report_data(reflected);
            if (role != bound.binding.role && report_data && std::ranges::equal(*report_data, found))
                return "it was made for the attester as " + std::string(role ? to_string(*role) : "neither client nor server");
        }
        return "it was made of another key or connection, nonce or role than expected, or not for uid " + std::to_string(bound.uid);
    }

    struct OtherReportData {
        std::size_t part = 0;
        Bytes found;
        Bytes wanted;
    };
    // Of the first part whose quote is not over what is expected.
    [[nodiscard]] std::optional<OtherReportData> other_report_data(const ReportData &expected) const {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (!claims_[i]) continue;
            const auto &found = claims_[i]->report_data;
            const auto wanted = part_report_data(parts_[i].kind, parts_[i].name, expected, found.size());
            if (!wanted || *wanted != found)
                return OtherReportData{i, {found.begin(), found.end()}, wanted ? *wanted : Bytes(expected.begin(), expected.end())};
        }
        return std::nullopt;
    }

    void judge_logs(std::span<const ByteView> logs) {
        using namespace statement;  // NOLINT(google-build-using-namespace): names
        const bool is_given = !logs.empty() || evidence_ != nullptr;
        // A kind without registers that are extended has none.
        const bool wanted = is_given || (reference_.log_required && !extended_.empty());
        // Of evidence mrd made the log, which may be that of other parts.
        const bool leads_nowhere = evidence_ == nullptr && extended_.empty();
        if (!is_given || !everything_is_read_ || leads_nowhere) {
            const std::string reason =
                !everything_is_read_ ? nothing_signed
                : is_given           ? "nothing that is signed is extended: no log leads to it"
                : wanted             ? "no log was given, and gaps, acceptedGaps or uncoveredRegisters of the reference values ask for one"
                                     : "no log was given";
            for (const auto name : {log_well_formed, log_replay, history_complete, registers_covered})
                state(name, Judgement::not_judged, wanted, reason);
            state_without_log(verdict_, reference_, rules_.virtual_names, fails(reason));
            // Lacking what is asked for is a failure of its own; that nothing can be read is one already.
            return take_rules(findings_without_log(reference_, everything_is_read_ ? fails(reason) : not_judged(reason)));
        }
        auto read = read_logs(logs, reference_, rules_, extended_, evidence_);
        if (!read) {
            state(log_well_formed, Judgement::fails, true, read.error().message);
            const std::string reason = "the log cannot be read";
            for (const auto name : {log_replay, history_complete, registers_covered}) state(name, Judgement::not_judged, true, reason);
            state_without_log(verdict_, reference_, rules_.virtual_names, not_judged(reason));
            return take_rules(findings_without_log(reference_, not_judged(reason)));
        }
        log_ = std::move(*read);
        take_rules(log_->judge(verdict_));
    }

    // What evidence says beside its quotes is what a reader sees first.
    void judge_claims() {
        using statement::evidence_claims;
        if (!everything_is_read_) return state(evidence_claims, Judgement::not_judged, true, "the quote cannot be read");
        ReplayedLog replayed;
        if (log_) {
            replayed = {.last_event = log_->last_event(), .value = [this](std::size_t number) -> std::optional<Digest> {
                            const auto *const found = log_->replayed(number);
                            return found == nullptr ? std::nullopt : std::optional(found->value);
                        }};
        }
        const auto wrong = contradictions(*evidence_, claims_, extended_, log_ ? &replayed : nullptr);
        if (!wrong.empty()) return state(evidence_claims, Judgement::fails, true, listed(wrong));
        state(evidence_claims, log_ ? Judgement::holds : Judgement::not_judged, true,
              log_ ? "quote and log show nothing else" : "the log cannot be read");
    }

    void judge_reference() {
        // Of each part, for whoever carries the evidence may have added one. Of alternatives every set must say it, for any of them may be the one that holds.
        const auto is_said_of = [&](std::size_t i) {
            return (claims_[i] && claims_[i]->reference_says_what_runs) || says_what_runs(reference_, i) ||
                   std::ranges::any_of(reference_.alternatives, [&](const Alternatives &each) {
                       return std::ranges::all_of(each.sets, [&](const RuleSet &set) { return says_what_runs(set, i); });
                   });
        };
        std::size_t said = 0;
        while (said < parts_.size() && is_said_of(said)) ++said;
        if (said > 0 && said == parts_.size()) return state(statement::reference_values, Judgement::holds, true, "they say what must run");
        // What they say of a device was compared with nothing then.
        const auto *const chain = verdict_.find(statement::certificate_chain);
        const bool is_of_device =
            reference_.platform.of_kind.contains(spdm_kind) && std::ranges::find(parts_, spdm_kind, &Part::kind) != parts_.end();
        const bool is_vouched_for = chain != nullptr && chain->result == Judgement::holds;
        state(statement::reference_values, Judgement::not_judged, !options_.waived.reference,
              is_of_device && !is_vouched_for ? "nothing vouches for what the device says"
                                              : in_part(said) +
                                                    "no reference values say what must run, by registers, requiredEvents, the events of "
                                                    "closedRegisters or, of a device, spdm.blocks: what they only forbid or accept "
                                                    "leaves the rest open");
    }

    void judge_registers() { add(statement::register_values, values_of(reference_), "no register values were asked for"); }

    // One set of each must hold as a whole.
    void judge_alternatives() {
        std::vector<std::string> good;
        std::vector<Explained> bad;
        bool may_hold = true;
        auto findings = findings_.begin();
        for (const auto &each : reference_.alternatives) {
            std::optional<std::string> held;
            std::vector<Explained> refused;
            bool all_fail = true;
            for (const auto &set : each.sets) {
                const auto wrong = first_wrong(values_of(set), *++findings);
                if (!wrong && !held) held = set.name;
                if (!wrong) continue;
                refused.emplace_back(set.name, wrong->reason);
                all_fail = all_fail && wrong->result == Judgement::fails;
            }
            if (held) {
                good.push_back(each.name + ": " + *held);
            } else {
                bad.emplace_back(each.name, listed(refused, max_explained / 2));
                may_hold = may_hold && !all_fail;
            }
        }
        std::optional<Finding> finding;
        if (!bad.empty()) finding = {may_hold ? Judgement::not_judged : Judgement::fails, "of these no set holds: " + listed(bad)};
        if (bad.empty() && !good.empty()) finding = holds(listed(good));
        add(statement::alternatives, std::move(finding), "no alternatives were given");
    }

    // `time` in microseconds; none for what says none.
    void judge_age(std::optional<std::int64_t> time) {
        using statement::evidence_age;
        const auto limit = reference_.maximum_age_seconds;
        if (!limit) return state(evidence_age, Judgement::not_judged, false, "no maximum age was asked for");
        if (!time) return state(evidence_age, Judgement::fails, true, "a quote does not say when it was made, only evidence does");
        const auto age = seconds_from(*time / microseconds, question_.time);
        const std::string claim = " by the guest's clock, which nothing binds: freshness comes from the report data";
        if (age > *limit)
            return state(evidence_age, Judgement::fails, true,
                         std::to_string(age) + " s old" + claim + "; allowed are " + std::to_string(*limit));
        if (age < -clock_skew_seconds)
            return state(evidence_age, Judgement::fails, true, "made " + std::to_string(-age) + " s in the future" + claim);
        state(evidence_age, Judgement::holds, true, std::to_string(age) + " s old" + claim);
    }

    Verdict take() { return std::move(verdict_); }

private:
    // Of what was asked for; nothing: it was not.
    void add(std::string_view name, std::optional<Finding> finding, std::string_view not_asked) {
        const bool is_asked_for = finding.has_value();
        if (!finding) finding = not_judged(std::string(not_asked));
        state(name, finding->result, is_asked_for, std::move(finding->reason));
    }

    // Those of the reference values' own rules are statements.
    void take_rules(std::vector<RuleFindings> findings) {
        findings_ = std::move(findings);
        const auto &own = findings_.front();
        add(statement::required_events, own.required, "no events were asked for");
        add(statement::forbidden_events, own.forbidden, "no events were forbidden");
        add(statement::closed_registers, own.closed, "no registers were closed");
        if (own.self) add(statement::self_measurement, own.self, "");
    }

    // Of that part.
    [[nodiscard]] bool says_what_runs(const RuleSet &set, std::size_t part) const {
        const auto has = [&](const std::vector<SignedRegister> &registers, auto is_one) {
            return std::ranges::any_of(registers, [&](const SignedRegister &reg) { return reg.part == parts_[part].name && is_one(reg); });
        };
        // A rule that names no register may be met by another kind's; a virtual one is in each part that may carry it. Of a quote that cannot be read nobody knows what
        // registers it has, and it is refused as it is.
        const auto has_events_of = [&](const std::string &name) {
            if (!claims_[part]) return true;
            if (name.starts_with(virtual_prefix))
                return has(extended_, [&](const SignedRegister &reg) { return is_log_only(reg, reference_); });
            if (name.empty())
                return !extended_.empty() &&
                       std::ranges::all_of(extended_, [&](const SignedRegister &reg) { return reg.kind == parts_[part].kind; });
            return has(extended_, [&](const SignedRegister &reg) { return is_meant(name, reg, reference_); });
        };
        return std::ranges::any_of(set.required_events, [&](const EventRule &rule) { return has_events_of(rule.register_name); }) ||
               std::ranges::any_of(set.closed_registers,
                                   [&](const ClosedRegister &each) {
                                       return !std::ranges::all_of(each.events, [](const EventRule &rule) { return rule.optional; }) &&
                                              has_events_of(each.register_name);
                                   }) ||
               std::ranges::any_of(set.registers, [&](const auto &entry) {
                   return has(signed_, [&](const SignedRegister &reg) {
                       return reg.claimed.says_what_runs && is_meant(entry.first, reg, reference_);
                   });
               });
    }

    // Nothing: the set asks for none.
    [[nodiscard]] std::optional<Finding> values_of(const RuleSet &set) const {
        if (set.registers.empty()) return std::nullopt;
        if (!everything_is_read_) return not_judged(nothing_signed);
        std::vector<Explained> wrong;
        for (const auto &[name, allowed] : set.registers) {
            bool is_there = false;
            for (const auto &reg : signed_) {
                if (!is_meant(name, reg, reference_)) continue;
                is_there = true;
                const auto value = reg.claimed.value.bytes();
                const bool good = std::ranges::any_of(allowed, [&](const Bytes &each) { return is_value(each, value); });
                if (good) continue;
                wrong.emplace_back(reg.shown + " is " + to_hex(value),
                                   allowed.empty()
                                       ? "none is allowed"
                                       : "expected was " + to_hex(allowed.front()) +
                                             (allowed.size() == 1 ? "" : " or one of " + std::to_string(allowed.size() - 1) + " more"));
            }
            if (!is_there) wrong.emplace_back(not_signed(name, signed_, reference_), "");
        }
        if (!wrong.empty()) return fails(listed(wrong) + ": not among the reference values");
        return holds(std::to_string(set.registers.size()) + " registers have values that are allowed");
    }

    // Lists for CCA have measurements of each hash followed by zeros up to 64 bytes.
    static bool is_value(ByteView allowed, ByteView value) {
        return allowed.size() >= value.size() && std::ranges::equal(allowed.first(value.size()), value) &&
               (allowed.size() == value.size() ||
                (allowed.size() == max_digest_size &&
                 std::ranges::all_of(allowed.subspan(value.size()), [](auto byte) { return byte == 0; })));
    }

    // Of a set the first that does not hold: a failure before what is not judged. Nothing: it holds as a whole.
    static std::optional<Finding> first_wrong(const std::optional<Finding> &values, const RuleFindings &rules) {
        for (const auto result : {Judgement::fails, Judgement::not_judged}) {
            for (const auto *each : {&values, &rules.required, &rules.forbidden, &rules.closed, &rules.self}) {
                if (*each && (*each)->result == result) return *each;
            }
        }
        return std::nullopt;
    }

    void state(std::string_view name, Judgement result, bool required, std::string reason) {
        verdict_.add({.name = std::string(name), .result = result, .required = required, .reason = std::move(reason)});
    }

    [[nodiscard]] std::string in_part(std::size_t i) const { return parts_.size() > 1 ? parts_[i].name + ": " : ""; }

    std::optional<Claims> judge_part(const Part &part, Verdict &of_part) {
        std::optional<Claims> claims;
        if (auto *judge = judges_.of_kind(part.kind)) {
            claims = judge->judge(part.evidence, question_.time, of_part);
        } else {
            of_part.add({.name = std::string(statement::quote_format),
                         .result = Judgement::fails,
                         .required = true,
                         .reason = "a quote of the kind " + part.kind + " cannot be read here"});
        }
        judge_facts(claims, judges_.policy(), part.evidence.collateral.has_value(), of_part);
        if (claims && claims->tcb.reported)
            verdict_.add(JudgedPlatform{part.name, part.kind, *claims->tcb.reported, claims->tcb.advisories});
        return claims;
    }

    void take_claims(const Part &part, const std::optional<Claims> &claims, bool is_bound) {
        if (!claims) return;
        for (const auto &reg : claims->registers) {
            SignedRegister known{
                .part = part.name, .kind = part.kind, .claimed = reg, .shown = reg.name, .logged = reg.name, .unbound = !is_bound};
            verdict_.add(JudgedRegister{.part = part.name, .name = reg.name, .unbound = known.unbound});
            if (!part.name.empty()) known.logged.insert(0, part.name + "/");
            if (parts_.size() > 1) known.shown = known.logged;
            if (part.sequence) known.last_event = static_cast<std::uint64_t>(*part.sequence);
            signed_.push_back(std::move(known));
        }
    }

    // Which registers were judged by names that the evidence does not have. A role of none fails the rules that name it.
    void tell_roles() {
        if (reference_.roles.empty()) return;
        std::vector<std::string> told;
        bool has_each = true;
        for (const auto &[role, names] : reference_.roles) {
            std::string registers;
            for (const auto &reg : signed_) {
                if (is_meant(role, reg, reference_)) registers += (registers.empty() ? "" : " and ") + reg.shown;
            }
            has_each = has_each && !registers.empty();
            told.push_back(role + " is " + (registers.empty() ? "no register that a quote signs" : registers));
        }
        state(statement::roles, has_each ? Judgement::holds : Judgement::not_judged, false, listed(told));
    }

    void judge_parts_together() {
        if (!reference_.parts.empty()) {
            std::vector<std::string> missing;
            for (const auto &expected : reference_.parts) {
                const bool found =
                    std::ranges::any_of(parts_, [&](const Part &part) { return part.name == expected.name && part.kind == expected.kind; });
                if (!found) missing.push_back(expected.name + " of the kind " + expected.kind);
            }
            state(statement::parts_present, missing.empty() ? Judgement::holds : Judgement::fails, true,
                  missing.empty() ? "every part that is asked for is there" : "not in the evidence: " + listed(missing));
        }
        if (parts_.size() < 2) return;
        std::set<Bytes> keys;
        std::set<std::pair<std::string, Bytes>> ids;  // with the kind of hardware
        bool all_known = true;
        bool distinct = true;
        for (const auto &claims : claims_) {
            const bool known = claims && !claims->leaf_key.empty();
            all_known = all_known && known;
            if (known) distinct = keys.insert(claims->leaf_key).second && distinct;
            if (!claims) continue;
            for (const auto &id : claims->hardware_ids) {
                // Zeros are what says none.
                if (std::ranges::any_of(id, [](auto byte) { return byte != 0; }))
                    distinct = ids.emplace(claims->kind, id).second && distinct;
            }
        }
        state(statement::parts_distinct,
              !distinct   ? Judgement::fails
              : all_known ? Judgement::holds
                          : Judgement::not_judged,
              true,
              !distinct   ? "two parts are vouched for by one key, or are of one platform or chip: one piece of hardware stands for two"
              : all_known ? "each part is vouched for by a key of its own, and none is of another's hardware"
                          : "which key vouches for a part cannot be read");
        state(statement::parts_bound, Judgement::fails, false,
              "each part is as fresh as its report data, but no part vouches for the others: they may be of several machines");
    }

    const AppraiserOptions &options_;
    const ReferenceValues &reference_;
    Judges &judges_;
    const PreparedRules &rules_;
    const Question &question_;
    const Evidence *evidence_;
    Verdict verdict_;
    std::vector<Part> parts_;
    std::vector<std::optional<Claims>> claims_;  // of each part
    bool everything_is_read_ = true;
    std::vector<SignedRegister> signed_;
    std::vector<SignedRegister> extended_;  // those of them that logs lead to
    std::vector<RuleFindings> findings_;    // of each rule set, as rule_sets_of() has them
    std::unique_ptr<LogJudgement> log_;     // null: it cannot be read, or there is none
};

PlatformPolicy policy_of(const AppraiserOptions &options) {
    auto policy = options.reference.platform;
    policy.tcb_required = options.reference.tcb_required || !options.waived.tcb;
    return policy;
}

// By its bytes, where nothing says of which kind it is.
std::string kind_of(ByteView quote, Tees tees) {
    const auto found = std::ranges::find_if(tees, [&](const Tee *tee) { return tee->begins_quote(quote); });
    // One of them says what is wrong with it.
    return std::string(found != tees.end() ? (*found)->kind() : tees.empty() ? "" : tees.front()->kind());
}

// What one verification needs of the options, prepared.
struct Prepared {
    explicit Prepared(const AppraiserOptions &given) : options(given), rules(given.reference), judges(given, policy_of(given)) {}

    Verdict appraise(const Evidence &evidence, const Question &question) {
        const std::array<ByteView, 1> logs{evidence.log};
        if (options.reference.accept_measured_roles) {
            std::vector<Claims> claims;
            for (const auto &part : evidence.parts) add_claims(part.kind, part.quote, claims);
            const auto resolved = with_roles_of(logs, claims);
            return Prepared(resolved).appraise(evidence, question);
        }
        Appraisal appraisal(options, judges, rules, question, &evidence);
        std::vector<Part> parts;
        for (const auto &part : evidence.parts) {
            parts.push_back({.name = part.name, .kind = part.kind, .evidence = {.quote = part.quote}, .sequence = part.sequence});
            if (part.auxiliary) parts.back().evidence.auxiliary = *part.auxiliary;
            if (part.collateral) parts.back().evidence.collateral = *part.collateral;
        }
        appraisal.judge_parts(std::move(parts));
        appraisal.judge_report_data();
        appraisal.judge_logs(logs);
        appraisal.judge_claims();
        appraisal.judge_reference();
        appraisal.judge_registers();
        appraisal.judge_alternatives();
        appraisal.judge_age(evidence.time);
        return appraisal.take();
    }

    Verdict appraise(const TeeEvidence &quote, std::span<const ByteView> logs, const Question &question) {
        if (options.reference.accept_measured_roles) {
            std::vector<Claims> claims;
            add_claims(kind_of(quote.quote, options.tees), quote.quote, claims);
            const auto resolved = with_roles_of(logs, claims);
            return Prepared(resolved).appraise(quote, logs, question);
        }
        Appraisal appraisal(options, judges, rules, question, nullptr);
        appraisal.judge_parts({{.name = {}, .kind = kind_of(quote.quote, options.tees), .evidence = quote}});
        appraisal.judge_report_data();
        appraisal.judge_logs(logs);
        appraisal.judge_reference();
        appraisal.judge_registers();
        appraisal.judge_alternatives();
        appraisal.judge_age(std::nullopt);
        return appraisal.take();
    }

    void add_claims(std::string_view kind, ByteView quote, std::vector<Claims> &claims) const {
        const auto *const tee = find_tee(kind, options.tees);
        if (tee == nullptr) return;
        if (auto read = tee->read(quote)) claims.push_back(std::move(*read));
    }
    [[nodiscard]] AppraiserOptions with_roles_of(std::span<const ByteView> logs, std::span<const Claims> claims) const {
        auto resolved = options;
        resolved.reference = with_measured_roles(std::move(resolved.reference), logs, claims);
        return resolved;
    }

    const AppraiserOptions &options;
    PreparedRules rules;
    Judges judges;
};

}  // namespace
}  // namespace attestation

class Appraiser::State {
public:
    explicit State(AppraiserOptions options) : options_(std::move(options)) {}

    AppraiserOptions options_;
    attestation::Prepared prepared{options_};
};

Appraiser::Appraiser(AppraiserOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Appraiser::Appraiser(Appraiser &&) noexcept = default;
Appraiser &Appraiser::operator=(Appraiser &&) noexcept = default;
Appraiser::~Appraiser() = default;

Verdict Appraiser::appraise(const Evidence &evidence, const Question &question) { return state_->prepared.appraise(evidence, question); }

Verdict Appraiser::appraise(ByteView quote, std::span<const ByteView> logs, const Question &question) {
    return appraise(TeeEvidence{.quote = quote}, logs, question);
}

Verdict Appraiser::appraise(const TeeEvidence &quote, std::span<const ByteView> logs, const Question &question) {
    return state_->prepared.appraise(quote, logs, question);
}

Verdict verify(const Evidence &evidence, const VerifyOptions &options) {
    return attestation::Prepared(options).appraise(evidence, options);
}

Verdict verify(ByteView quote, std::span<const ByteView> logs, const VerifyOptions &options) {
    return verify(TeeEvidence{.quote = quote}, logs, options);
}

Verdict verify(const TeeEvidence &quote, std::span<const ByteView> logs, const VerifyOptions &options) {
    return attestation::Prepared(options).appraise(quote, logs, options);
}

}  // namespace mr
