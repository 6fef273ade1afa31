#include "libmr/src/attestation/closed_register.h"

#include "libmr/src/attestation/event_text.h"

namespace mr::attestation {
namespace {

using enum EventRule::Match;

std::string expected(const EventRule &rule) { return "expected was " + rule.name + ": " + told(rule); }

}  // namespace

PreparedClosedRegister::PreparedClosedRegister(const ClosedRegister &given)
    : closed(given), events(given.events.begin(), given.events.end()) {
    if (given.after) after.emplace(*given.after);
}

ClosedRegisterJudgement::ClosedRegisterJudgement(const PreparedClosedRegister &prepared, const SignedRegister &reg)
    : prepared_(prepared), register_(reg), has_begun_(!prepared.after), taken_by_(prepared.events.size()) {}

void ClosedRegisterJudgement::note(const EventContent &content, const Event &event) {
    ++count_;
    if (difference_) return;
    last_event_ = event.sequence;
    // That of a gap before the first event, which acceptedGaps names or not: the replay tells.
    if (count_ == 1 && content.header() != nullptr && content.header()->type == "resync") {
        resync_ = event.sequence;
        return;
    }
    if (has_begun_) return note_listed(content, event);
    note_begin(content, event);
}

void ClosedRegisterJudgement::note_begin(const EventContent &content, const Event &event) {
    const auto &rule = prepared_.after->rule();
    const auto match = content.match(*prepared_.after);
    if (match == yes) {
        has_begun_ = true;
        found_.push_back({content.domain(rule), &rule});
    }
    // What is allowed behind the one would not be allowed behind an earlier one.
    if (match == cannot_tell && may_be_begin_.empty())
        may_be_begin_ = event_name(event, register_.shown) + " is " + told(content) + ", so that it may be " + rule.name + " already";
}

void ClosedRegisterJudgement::note_listed(const EventContent &content, const Event &event) {
    const auto &rules = prepared_.events;
    const bool in_any_order = prepared_.closed.order == EventOrder::any;
    bool may_be_one = false;
    for (std::size_t i = in_any_order ? 0 : next_; i < rules.size(); ++i) {
        if (taken_by_[i]) continue;
        const auto match = content.match(rules[i]);
        if (match == yes) {
            taken_by_[i] = event.sequence;
            next_ = i + 1;
            found_.push_back({content.domain(rules[i].rule()), &rules[i].rule()});
            return;
        }
        may_be_one = may_be_one || match == cannot_tell;
        if (!in_any_order && !rules[i].rule().optional) break;
    }
    const auto reason = event_name(event, register_.shown) + " is " + told(content);
    if (may_be_one) {
        difference_ = not_judged(reason + ", so that nobody can tell whether it is listed; " + first_expected());
        return;
    }
    std::string known;
    for (std::size_t i = 0; i < rules.size() && known.empty(); ++i) {
        if (content.match(rules[i]) != yes) continue;
        known = ", which is " + rules[i].rule().name +
                (taken_by_[i] ? " a second time: event " + std::to_string(*taken_by_[i]) + " is the first" : " out of its order");
    }
    difference_ = fails(reason + known + "; " + first_expected());
}

std::string ClosedRegisterJudgement::first_expected() const {
    const EventRule *first = nullptr;
    std::size_t more = 0;
    const bool in_any_order = prepared_.closed.order == EventOrder::any;
    for (std::size_t i = in_any_order ? 0 : next_; i < prepared_.events.size(); ++i) {
        if (taken_by_[i]) continue;
        const auto &rule = prepared_.events[i].rule();
        if (first == nullptr) {
            first = &rule;
        } else {
            ++more;
        }
        if (!in_any_order && !rule.optional) break;
    }
    if (first == nullptr) return "expected was no further event";
    return expected(*first) + (more == 0 ? "" : ", or one of " + std::to_string(more) + " more");
}

Finding ClosedRegisterJudgement::finding(const LoggedEnd &end) const {
    if (!end.unknown.empty()) return not_judged(end.unknown);
    if (!end.leads) return not_judged("the log does not lead to it");
    if (!end.gaps_are_named) return not_judged("there is a gap that acceptedGaps does not name, before which it may hold anything");
    const bool has_gap_there = end.has_gap() && end.replayed->gaps.back().sequence == resync_;
    if (resync_ && !has_gap_there)
        return fails("event " + std::to_string(*resync_) + " of " + register_.shown + " is a resync of no gap, which is not listed");
    if (difference_) return *difference_;
    if (!has_begun_)
        return fails("no event is what it is closed after: " + expected(prepared_.after->rule()) +
                     (may_be_begin_.empty() ? "" : "; " + may_be_begin_));
    if (!may_be_begin_.empty()) return not_judged(may_be_begin_);
    for (std::size_t i = 0; i < prepared_.events.size(); ++i) {
        const auto &rule = prepared_.events[i].rule();
        if (taken_by_[i] || rule.optional) continue;
        return fails((last_event_ ? "its last event is " + std::to_string(*last_event_) + "; " : "it has no event; ") + expected(rule));
    }
    return holds(std::to_string(count_) + " events");
}

}  // namespace mr::attestation
