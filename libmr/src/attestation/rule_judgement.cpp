#include "libmr/src/attestation/rule_judgement.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <utility>

namespace mr::attestation {

namespace {

constexpr auto too_many = "the log has too many events for so many rules: ask for less, or give the log of one register after the other";

// What a register vouches for is what was extended since its last gap, accepted or not: before it the log is what whoever extended behind it says.
bool is_proven(const LoggedEnd &end, std::uint64_t event) {
    const auto before_gap = end.replayed == nullptr || end.replayed->gaps.empty() ? 0 : end.replayed->gaps.back().events;
    return end.leads && event > before_gap;
}

}  // namespace

std::string listed(const std::vector<std::string> &texts) {
    std::string all;
    for (const auto &text : std::span(texts).first(std::min(texts.size(), max_listed))) {
        if (!all.empty()) all += ", ";
        all += text;
    }
    if (texts.size() > max_listed) all += " and " + std::to_string(texts.size() - max_listed) + " more";
    return all;
}

RuleJudgement::RuleJudgement(const ReferenceValues &reference, const PreparedRules &rules, std::span<const SignedRegister> registers)
    : reference_(reference),
      rules_(rules),
      registers_(registers),
      required_scopes_(scopes_of(rules.required)),
      forbidden_scopes_(scopes_of(rules.forbidden)),
      events_(registers.size()),
      required_(rules.required.size(), Required{.matched = std::vector<Matched>(registers.size())}) {}

RuleJudgement::Scopes RuleJudgement::scopes_of(const std::vector<PreparedRule> &rules) const {
    Scopes scopes;
    for (const auto &prepared : rules) {
        const auto &name = prepared.rule().register_name;
        auto &scope = scopes.emplace_back();
        for (const auto &reg : registers_) scope.push_back(name.empty() || is_meant(name, reg, reference_));
    }
    return scopes;
}

void RuleJudgement::note(const Event &event, std::size_t number) {
    ++events_[number];
    questions_ += rules_.required.size() + rules_.forbidden.size();
    if (questions_ > max_rule_questions || rules_.required.size() + rules_.forbidden.size() == 0) return;
    const auto &reg = registers_[number];
    const EventRegister extended{.kind = reg.kind, .name = reg.claimed.name, .algorithm = reg.claimed.algorithm};
    const EventContent content(event, extended);
    for (std::size_t i = 0; i < required_.size(); ++i) {
        if (!required_scopes_[i][number]) continue;
        const auto &prepared = rules_.required[i];
        const auto &rule = prepared.rule();
        const auto match = content.match(prepared);
        if (match == EventRule::Match::yes) {
            required_[i].matched[number].at(static_cast<std::size_t>(content.domain(rule))) = events_[number];
        } else if (!content.is_envelope() && rule.description && rule.description == event.description) {
            required_[i].claimed = event.sequence;
        } else if (match == EventRule::Match::cannot_tell) {
            required_[i].untold = event.sequence;
        }
    }
    for (std::size_t i = 0; i < rules_.forbidden.size(); ++i) {
        if (!forbidden_scopes_[i][number]) continue;
        const auto &prepared = rules_.forbidden[i];
        const auto match = content.match(prepared);
        auto &noted = match == EventRule::Match::yes ? seen_ : untold_;
        // One beyond what is told shows that there are more.
        if (match != EventRule::Match::no && noted.size() <= max_listed)
            noted.push_back(prepared.rule().name + " (event " + std::to_string(event.sequence) + ")");
    }
}

std::string RuleJudgement::why_missing(const Required &rule) const {
    if (std::ranges::any_of(rule.matched,
                            [](const Matched &each) { return std::ranges::any_of(each, [](auto event) { return event > 0; }); }))
        return " (only before a gap, where nothing binds it)";
    const auto event = [](std::uint64_t number) { return " (event " + std::to_string(number); };
    if (rule.claimed > 0)
        return event(rule.claimed) + " has that description, but nothing binds it: measure in an envelope, or ask for the digest)";
    if (rule.untold > 0) return event(rule.untold) + " may be it, but the log does not have what was hashed, or not in this algorithm)";
    return "";
}

Finding RuleJudgement::required(std::span<const LoggedEnd> ends) const {
    if (questions_ > max_rule_questions) return fails(too_many);
    std::vector<std::string> missing;
    std::map<std::string, std::vector<std::string>> rests_on;  // names of rules
    for (std::size_t i = 0; i < required_.size(); ++i) {
        const auto &rule = rules_.required[i].rule();
        std::optional<std::pair<std::size_t, Domain>> found;
        for (std::size_t domain = 0; domain < domains && !found; ++domain) {
            for (std::size_t number = 0; number < registers_.size() && !found; ++number) {
                if (is_proven(ends[number], required_[i].matched[number].at(domain))) found = {number, static_cast<Domain>(domain)};
            }
        }
        if (!found) {
            const bool is_about_none = std::ranges::none_of(required_scopes_[i], std::identity());
            missing.push_back(rule.name + (is_about_none ? " (" + rule.register_name + " is in no quote)" : why_missing(required_[i])));
            continue;
        }
        const auto &reg = registers_[found->first];
        const bool is_log_only =
            std::ranges::any_of(reference_.log_only_registers, [&](const auto &name) { return is_meant(name, reg, reference_); });
        switch (found->second) {
        case Domain::digest:
        case Domain::content: break;
        case Domain::envelope:
            rests_on["an envelope in " + reg.shown +
                     (is_log_only ? ", which takes nothing else" : ", which whoever may extend it by digest can state too")]
                .push_back(rule.name);
            break;
        case Domain::dstack: rests_on["dstack's form, which any content that is measured there can have"].push_back(rule.name); break;
        }
    }
    if (!missing.empty()) return fails("not in the log: " + listed(missing));
    auto reason = "all " + std::to_string(required_.size()) + " are in the log";
    for (const auto &[what, names] : rests_on) reason.append("; on ").append(what).append(": ").append(listed(names));
    return holds(std::move(reason));
}

Finding RuleJudgement::forbidden(std::span<const LoggedEnd> ends) const {
    if (!seen_.empty()) return fails("in the log: " + listed(seen_));
    if (questions_ > max_rule_questions) return not_judged(too_many);
    // A register that no quote signs has no log that could tell.
    std::vector<std::string> unknown;
    for (std::size_t i = 0; i < rules_.forbidden.size(); ++i) {
        const auto &rule = rules_.forbidden[i].rule();
        if (std::ranges::none_of(forbidden_scopes_[i], std::identity())) unknown.push_back(rule.name + " (" + rule.register_name + ")");
    }
    if (!unknown.empty()) return not_judged("no quote signs the register of " + listed(unknown));
    // Those that one may hide in: the log does not lead there, or only over a gap.
    std::vector<std::string> dark;
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        const bool in_scope = std::ranges::any_of(forbidden_scopes_, [i](const auto &scope) { return scope[i]; });
        const auto &end = ends[i];
        if (in_scope && (!end.leads || (end.replayed != nullptr && !end.replayed->gaps.empty()))) dark.push_back(registers_[i].shown);
    }
    if (!dark.empty()) return not_judged(listed(dark) + ": the log does not tell all that was extended");
    if (!untold_.empty())
        return not_judged("the log does not have what was hashed, or not in the rule's algorithm, so that it may be: " + listed(untold_) +
                          "; forbid by eventDigest, or in a register whose events are all bound");
    return holds("none is in the log");
}

}  // namespace mr::attestation
