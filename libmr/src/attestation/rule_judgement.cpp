#include "libmr/src/attestation/rule_judgement.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace mr::attestation {

namespace {

std::string name_of(std::size_t rtmr) { return "rtmr" + std::to_string(rtmr); }

// What a register vouches for is what was extended since its last gap, accepted or not: before it the log is what whoever extended behind it says.
bool is_proven(const LoggedRtmr &rtmr, std::uint64_t event) {
    const auto before_gap = rtmr.replayed == nullptr || rtmr.replayed->gaps.empty() ? 0 : rtmr.replayed->gaps.back().events;
    return rtmr.leads && event > before_gap;
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

RuleJudgement::RuleJudgement(const ReferenceValues &reference)
    : reference_(reference),
      required_rules_(reference.required_events.begin(), reference.required_events.end()),
      forbidden_rules_(reference.forbidden_events.begin(), reference.forbidden_events.end()),
      required_(reference.required_events.size()) {}

void RuleJudgement::note(const Event &event, std::size_t number) {
    ++events_.at(number);
    if (reference_.required_events.empty() && reference_.forbidden_events.empty()) return;
    const EventContent content(event);
    for (std::size_t i = 0; i < required_.size(); ++i) {
        const auto &rule = reference_.required_events[i];
        const auto match = content.match(required_rules_[i]);
        if (match == EventRule::Match::yes) {
            required_[i].matched.at(number).at(static_cast<std::size_t>(content.domain(rule))) = events_.at(number);
        } else if (!content.is_envelope() && rule.description && rule.description == event.description) {
            required_[i].claimed = event.sequence;
        } else if (match == EventRule::Match::cannot_tell) {
            required_[i].untold = event.sequence;
        }
    }
    for (const auto &prepared : forbidden_rules_) {
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

Finding RuleJudgement::required(const std::array<LoggedRtmr, rtmr_count> &rtmrs) const {
    std::vector<std::string> missing;
    std::map<std::string, std::vector<std::string>> rests_on;  // names of rules
    for (std::size_t i = 0; i < required_.size(); ++i) {
        const auto &rule = reference_.required_events[i];
        std::optional<std::pair<std::size_t, Domain>> found;
        for (std::size_t domain = 0; domain < domains && !found; ++domain) {
            for (std::size_t number = 0; number < rtmr_count && !found; ++number) {
                if (is_proven(rtmrs.at(number), required_[i].matched.at(number).at(domain))) found = {number, static_cast<Domain>(domain)};
            }
        }
        if (!found) {
            missing.push_back(rule.name + why_missing(required_[i]));
            continue;
        }
        const auto reg = name_of(found->first);
        const bool is_log_only = std::ranges::find(reference_.log_only_registers, reg) != reference_.log_only_registers.end();
        switch (found->second) {
        case Domain::digest:
        case Domain::content: break;
        case Domain::envelope:
            rests_on["an envelope in " + reg +
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

Finding RuleJudgement::forbidden(const std::array<LoggedRtmr, rtmr_count> &rtmrs) const {
    if (!seen_.empty()) return fails("in the log: " + listed(seen_));
    // Those that one may hide in: the log does not lead there, or only over a gap.
    std::vector<std::string> dark;
    for (std::size_t i = 0; i < rtmr_count; ++i) {
        const auto &rtmr = rtmrs.at(i);
        const bool in_scope = std::ranges::any_of(reference_.forbidden_events, [&](const EventRule &rule) {
            return rule.register_name.empty() || rule.register_name == name_of(i);
        });
        if (in_scope && (!rtmr.leads || (rtmr.replayed != nullptr && !rtmr.replayed->gaps.empty()))) dark.push_back(name_of(i));
    }
    if (!dark.empty()) return not_judged(listed(dark) + ": the log does not tell all that was extended");
    if (!untold_.empty())
        return not_judged("the log does not have what was hashed, or not in the rule's algorithm, so that it may be: " + listed(untold_) +
                          "; forbid by eventDigest, or in a register whose events are all bound");
    return holds("none is in the log");
}

}  // namespace mr::attestation
