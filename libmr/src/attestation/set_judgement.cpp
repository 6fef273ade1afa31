#include "libmr/src/attestation/set_judgement.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "libmr/src/attestation/event_text.h"

namespace mr::attestation {

namespace {

constexpr auto too_many = "the log has too many events for so many rules: ask for less, or give the log of one register after the other";

// What those events that satisfy rules rest on beside the register, and for which rules.
class Basis {
public:
    explicit Basis(const ReferenceValues &reference) : reference_(reference) {}

    void add(Domain domain, const SignedRegister &reg, const std::string &rule) {
        switch (domain) {
        case Domain::digest:
        case Domain::content: return;
        case Domain::envelope: {
            const bool takes_nothing_else = reg.is_virtual() || is_log_only(reg, reference_);
            rules_["an envelope in " + reg.shown +
                   (takes_nothing_else ? ", which takes nothing else" : ", which whoever may extend it by digest can state too")]
                .push_back(rule);
            return;
        }
        case Domain::dstack: rules_["dstack's form, which any content that is measured there can have"].push_back(rule); return;
        }
    }

    [[nodiscard]] std::string text() const {
        std::string all;
        for (const auto &[what, names] : rules_) all.append("; on ").append(what).append(": ").append(listed(names));
        return all;
    }

private:
    const ReferenceValues &reference_;
    std::map<std::string, std::vector<std::string>> rules_;
};

}  // namespace

std::size_t PreparedRuleSet::questions() const {
    std::size_t all = required.size() + forbidden.size();
    if (self != nullptr) ++all;
    for (const auto &each : closed) all += 1 + (each.after ? 1 : 0) + each.events.size();
    return all;
}

SetJudgement::SetJudgement(const ReferenceValues &reference, const PreparedRuleSet &rules, std::span<const SignedRegister> registers)
    : reference_(reference),
      rules_(rules),
      registers_(registers),
      required_scopes_(scopes_of(rules.required)),
      forbidden_scopes_(scopes_of(rules.forbidden)),
      required_(rules.required.size(), Required{.matched = std::vector<Matched>(registers.size())}),
      forbidden_(rules.forbidden.size()),
      left_over_(registers.size()) {
    if (rules.self != nullptr) self_.emplace(reference, *rules.self, registers);
    for (std::size_t rule = 0; rule < rules.closed.size(); ++rule) {
        for (std::size_t number = 0; number < registers.size(); ++number) {
            if (is_meant(rules.closed[rule].closed.register_name, registers[number], reference))
                closed_.push_back({.rule = rule, .number = number, .judgement{rules.closed[rule], registers[number]}});
        }
    }
}

SetJudgement::Scopes SetJudgement::scopes_of(const std::vector<PreparedRule> &rules) const {
    Scopes scopes;
    for (const auto &prepared : rules) {
        const auto &name = prepared.rule().register_name;
        auto &scope = scopes.emplace_back();
        for (const auto &reg : registers_) scope.push_back(name.empty() ? !reg.is_virtual() : is_meant(name, reg, reference_));
    }
    return scopes;
}

void SetJudgement::note(const EventContent &content, const Event &event, std::size_t number, std::uint64_t count) {
    note_required(content, event, number, count);
    note_forbidden(content, event, number);
    for (auto &each : closed_) {
        if (each.number == number) each.judgement.note(content, event);
    }
    if (self_) self_->note(content, event, number, count);
}

void SetJudgement::note_required(const EventContent &content, const Event &event, std::size_t number, std::uint64_t count) {
    const auto tell = [&](Told &first, std::string_view what) {
        if (first.count > 0) return;
        first = {.number = number, .count = count, .text = event_name(event, registers_[number].shown).append(what)};
    };
    bool is_asked_for = false;
    for (std::size_t i = 0; i < required_.size(); ++i) {
        if (!required_scopes_[i][number]) continue;
        const auto &prepared = rules_.required[i];
        const auto &rule = prepared.rule();
        auto &noted = required_[i];
        const auto match = content.match(prepared);
        if (match == EventRule::Match::yes) {
            noted.matched[number].at(static_cast<std::size_t>(content.domain(rule))) = count;
            is_asked_for = true;
        } else if (!content.is_envelope() && rule.description && rule.description == event.description) {
            tell(noted.claimed, "");
        } else if (match == EventRule::Match::cannot_tell) {
            tell(noted.untold, "");
        } else if (noted.near.count == 0 && content.meets_part(prepared)) {
            tell(noted.near, " is " + told(content));
        }
    }
    if (!required_.empty() && !is_asked_for && left_over_[number].count == 0) tell(left_over_[number], " is " + told(content));
}

void SetJudgement::note_forbidden(const EventContent &content, const Event &event, std::size_t number) {
    for (std::size_t i = 0; i < forbidden_.size(); ++i) {
        if (!forbidden_scopes_[i][number]) continue;
        const auto match = content.match(rules_.forbidden[i]);
        if (match == EventRule::Match::no) continue;
        auto &noted = forbidden_[i];
        auto &text = match == EventRule::Match::yes ? noted.seen : noted.untold;
        if (text.empty()) text = event_name(event, registers_[number].shown) + " is " + told(content);
        if (match == EventRule::Match::yes) ++noted.times;
    }
}

std::vector<std::vector<std::string>> SetJudgement::places_of(std::size_t rule) const {
    const auto &scope = required_scopes_[rule];
    const auto parts_of = [&](auto is_one) {
        return parts_with(registers_, [&](const SignedRegister &reg) {
            return scope[static_cast<std::size_t>(&reg - registers_.data())] && is_one(reg);
        });
    };
    std::vector<std::vector<std::string>> places;
    if (!rules_.required[rule].rule().register_name.empty()) {
        if (auto all = parts_of([](const SignedRegister &) { return true; }); !all.empty()) places.push_back(std::move(all));
        return places;
    }
    std::set<std::string> kinds;
    for (const auto &reg : registers_) {
        if (!reg.is_virtual() && kinds.insert(reg.kind).second)
            places.push_back(parts_of([&](const SignedRegister &one) { return one.kind == reg.kind; }));
    }
    return places;
}

std::optional<SetJudgement::Met> SetJudgement::meets(std::size_t rule, const std::string &part, std::span<const LoggedEnd> ends) const {
    for (std::size_t domain = 0; domain < domains; ++domain) {
        for (std::size_t number = 0; number < registers_.size(); ++number) {
            const auto count = required_[rule].matched[number].at(domain);
            if (registers_[number].part == part && count > 0 && ends[number].proves(count)) return Met{number, static_cast<Domain>(domain)};
        }
    }
    return std::nullopt;
}

std::string SetJudgement::why_missing(std::size_t rule, const std::string &part, std::span<const LoggedEnd> ends) const {
    const auto &noted = required_[rule];
    const bool is_one_part = std::ranges::all_of(registers_, [&](const SignedRegister &reg) { return reg.part == part; });
    const auto &wanted = rules_.required[rule].rule();
    const auto expected = (is_one_part ? "" : "in " + part + " ") + "expected was " + told(wanted) +
                          (wanted.register_name.empty() ? "" : " in " + wanted.register_name);
    const auto is_in_scope = [&](std::size_t number) { return required_scopes_[rule][number] && registers_[number].part == part; };
    for (std::size_t number = 0; number < registers_.size(); ++number) {
        if (is_in_scope(number) && !ends[number].unknown.empty()) return ends[number].unknown;
    }
    for (std::size_t number = 0; number < registers_.size(); ++number) {
        if (is_in_scope(number) && std::ranges::any_of(noted.matched[number], [](auto event) { return event > 0; }))
            return (is_one_part ? "" : "in " + part + " ") + "only before a gap, where nothing binds it";
    }
    const auto is_told = [&](const Told &one) {
        return one.count > 0 && registers_[one.number].part == part && ends[one.number].proves(one.count);
    };
    if (is_told(noted.near)) return noted.near.text + "; " + expected;
    if (is_told(noted.claimed))
        return noted.claimed.text + " has that description, but nothing binds it: measure in an envelope, or ask for the digest";
    if (is_told(noted.untold)) return noted.untold.text + " may be it, but the log does not have what was hashed, or not in this algorithm";
    for (std::size_t number = 0; number < registers_.size(); ++number) {
        if (is_in_scope(number) && is_told(left_over_[number]))
            return left_over_[number].text + ", the first that no rule asks for; " + expected;
    }
    return expected;
}

Finding SetJudgement::judge_required(std::span<const LoggedEnd> ends) const {
    std::vector<Explained> missing;
    Basis basis(reference_);
    for (std::size_t i = 0; i < required_.size(); ++i) {
        const auto &rule = rules_.required[i].rule();
        const auto places = places_of(i);
        std::optional<std::string> lacking;  // the first part that does not have it
        const auto place = std::ranges::find_if(places, [&](const std::vector<std::string> &parts) {
            const auto without = std::ranges::find_if(parts, [&](const std::string &part) { return !meets(i, part, ends); });
            if (without != parts.end() && !lacking) lacking = *without;
            return without == parts.end();
        });
        if (place == places.end()) {
            missing.emplace_back(rule.name,
                                 lacking ? why_missing(i, *lacking, ends) : not_signed(rule.register_name, registers_, reference_));
            continue;
        }
        for (const auto &part : *place) {
            if (const auto met = meets(i, part, ends)) basis.add(met->domain, registers_[met->number], rule.name);
        }
    }
    if (!missing.empty()) return fails("not in the log: " + listed(missing));
    return holds("all " + std::to_string(required_.size()) + " are in the log" + basis.text());
}

Finding SetJudgement::judge_forbidden(std::span<const LoggedEnd> ends, bool has_all) const {
    // What was found does not become unseen.
    std::vector<Explained> seen;
    std::vector<Explained> untold;
    for (std::size_t i = 0; i < forbidden_.size(); ++i) {
        const auto &[first, times, unclear] = forbidden_[i];
        const auto &name = rules_.forbidden[i].rule().name;
        if (!first.empty()) seen.emplace_back(name, first + (times > 1 ? ", the first of " + std::to_string(times) : ""));
        if (!unclear.empty()) untold.emplace_back(name, unclear);
    }
    if (!seen.empty()) return fails("in the log: " + listed(seen));
    if (!has_all) return not_judged(too_many);
    // A register that no quote signs has no log that could tell.
    std::vector<std::string> unknown;
    for (std::size_t i = 0; i < rules_.forbidden.size(); ++i) {
        const auto &rule = rules_.forbidden[i].rule();
        if (std::ranges::none_of(forbidden_scopes_[i], std::identity()))
            unknown.push_back(rule.name + " (" +
                              (rule.register_name.empty() ? "any register" : not_signed(rule.register_name, registers_, reference_)) + ")");
    }
    if (!unknown.empty()) return not_judged("no quote signs the register of " + listed(unknown));
    // Those that one may hide in: the log does not lead there, or only over a gap.
    std::vector<std::string> dark;
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        const bool in_scope = std::ranges::any_of(forbidden_scopes_, [i](const auto &scope) { return scope[i]; });
        if (in_scope && (!ends[i].leads || ends[i].has_gap()))
            dark.push_back(registers_[i].shown + (ends[i].unknown.empty() ? "" : " (" + ends[i].unknown + ")"));
    }
    if (!dark.empty()) return not_judged(listed(dark) + ": the log does not tell all that was extended");
    if (!untold.empty())
        return not_judged("the log does not have what was hashed, or not in the rule's algorithm, so that it may be: " + listed(untold) +
                          "; forbid by eventDigest, or in a register whose events are all bound");
    return holds("none is in the log");
}

Finding SetJudgement::judge_closed(std::span<const LoggedEnd> ends) const {
    std::vector<Explained> good;
    std::vector<Explained> wrong;
    std::vector<Explained> unclear;
    Basis basis(reference_);
    for (std::size_t rule = 0; rule < rules_.closed.size(); ++rule) {
        if (std::ranges::find(closed_, rule, &Closed::rule) == closed_.end())
            wrong.emplace_back(rules_.closed[rule].closed.register_name,
                               not_signed(rules_.closed[rule].closed.register_name, registers_, reference_));
    }
    for (const auto &[rule, number, judgement] : closed_) {
        const auto &reg = registers_[number];
        auto finding = judgement.finding(ends[number]);
        auto &list = finding.good() ? good : finding.result == Judgement::fails ? wrong : unclear;
        list.emplace_back(reg.shown, std::move(finding.reason));
        for (const auto &[domain, event] : judgement.found()) basis.add(domain, reg, event->name);
    }
    if (!wrong.empty()) return fails("not what is listed: " + listed(wrong));
    if (!unclear.empty()) return not_judged("what they hold is not known: " + listed(unclear));
    return holds("they hold what is listed and nothing else: " + listed(good) + basis.text());
}

RuleFindings SetJudgement::findings(std::span<const LoggedEnd> ends, bool has_all) const {
    RuleFindings findings;
    if (!rules_.required.empty()) findings.required = has_all ? judge_required(ends) : fails(too_many);
    if (!rules_.forbidden.empty()) findings.forbidden = judge_forbidden(ends, has_all);
    if (!rules_.closed.empty()) findings.closed = has_all ? judge_closed(ends) : not_judged(too_many);
    if (self_) findings.self = has_all ? self_->finding(ends) : not_judged(too_many);
    return findings;
}

}  // namespace mr::attestation
