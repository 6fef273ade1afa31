// Which sequences of events a closed register takes, against what its rules say in other words.
#include "libmr/src/attestation/closed_register.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/event_log/built_log.h"

namespace mr::attestation {
namespace {

SignedRegister rtmr3() {
    SignedRegister reg;
    reg.kind = "tdx";
    reg.claimed.name = "rtmr3";
    reg.shown = "rtmr3";
    return reg;
}

Finding finding_of(const ClosedRegister &closed, const std::vector<OwnedEvent> &log, const LoggedEnd &end) {
    const PreparedClosedRegister prepared(closed);
    const auto reg = rtmr3();
    ClosedRegisterJudgement judgement(prepared, reg);
    for (const auto &owned : log) {
        const auto event = owned.view();
        judgement.note(EventContent(event, {.kind = "tdx", .name = "rtmr3"}), event);
    }
    return judgement.finding(end);
}

// Numbers are the log's to say, and may be the same for all.
Judgement judge_closed(const ClosedRegister &closed, const std::vector<std::string> &log, std::uint64_t first = 1, std::uint64_t step = 1) {
    std::vector<OwnedEvent> events;
    for (const auto &text : log) {
        events.push_back(measured("tdx/rtmr3", text));
        events.back().sequence = std::exchange(first, first + step);
    }
    const auto finding = finding_of(closed, events, {.leads = true, .gaps_are_named = true});
    EXPECT_FALSE(finding.reason.empty());
    return finding.result;
}

// Every sequence of at most `length` of the letters.
std::vector<std::vector<std::string>> all_sequences(const std::vector<std::string> &letters, std::size_t length) {
    std::vector<std::vector<std::string>> all{{}};
    for (std::size_t begin = 0; length > 0; --length) {
        const auto end = all.size();
        for (; begin < end; ++begin) {
            for (const auto &letter : letters) {
                auto longer = all[begin];
                longer.push_back(letter);
                all.push_back(std::move(longer));
            }
        }
    }
    return all;
}

// Of rules no two of which mean the same event.
TEST(ClosedRegister, TakesTheListedEventsEachOnceAndNoOthersInEverySequence) {
    const std::vector<std::string> texts{"a", "b", "c"};
    for (const auto order : {EventOrder::listed, EventOrder::any}) {
        for (unsigned optional = 0; optional < 8; ++optional) {
            ClosedRegister closed{.register_name = "rtmr3", .order = order};
            for (std::size_t i = 0; i < texts.size(); ++i)
                closed.events.push_back({.name = texts[i], .data = bytes_of(texts[i]), .optional = (optional >> i & 1) != 0});
            for (const auto &log : all_sequences({"a", "b", "c", "d"}, 4)) {
                auto sorted = log;
                std::ranges::sort(sorted);
                const bool each_once = std::ranges::adjacent_find(sorted) == sorted.end() && std::ranges::find(log, "d") == log.end();
                const bool in_order = order == EventOrder::any || std::ranges::is_sorted(log);
                bool all_there = true;
                for (std::size_t i = 0; i < texts.size(); ++i)
                    all_there = all_there && ((optional >> i & 1) != 0 || std::ranges::find(log, texts[i]) != log.end());
                EXPECT_EQ(judge_closed(closed, log, 0, 0), judge_closed(closed, log)) << testing::PrintToString(log);
                EXPECT_EQ(judge_closed(closed, log) == Judgement::holds, each_once && in_order && all_there)
                    << testing::PrintToString(log) << " with the optional ones " << optional;
            }
        }
    }
}

TEST(ClosedRegister, TakesBehindTheFirstOfWhatItIsClosedAfterWhatIsListed) {
    for (const auto order : {EventOrder::listed, EventOrder::any}) {
        ClosedRegister closed{.register_name = "rtmr3", .after = EventRule{.name = "b", .data = bytes_of("b")}, .order = order};
        for (const auto *text : {"a", "c"}) closed.events.push_back({.name = text, .data = bytes_of(text)});
        for (const auto &log : all_sequences({"a", "b", "c"}, 5)) {
            const auto first = std::ranges::find(log, "b");
            bool good = first != log.end();
            if (good) {
                const std::vector<std::string> rest(first + 1, log.end());
                good =
                    rest == std::vector<std::string>{"a", "c"} || (order == EventOrder::any && rest == std::vector<std::string>{"c", "a"});
            }
            EXPECT_EQ(judge_closed(closed, log) == Judgement::holds, good) << testing::PrintToString(log);
        }
    }
}

// Whether it is one of a gap, the replay says.
TEST(ClosedRegister, PassesOverTheResyncOfANamedGapAndOverNoOther) {
    const ClosedRegister unused{.register_name = "rtmr3"};
    for (const std::uint64_t number : {0U, 1U, 7U}) {
        auto event = resync("tdx/rtmr3", Bytes(48), Bytes(48, 1));
        event.sequence = number;
        const ReplayedRegister with_gap{
            .name = "rtmr3", .value = Digest(), .events = 1, .gaps = {{.sequence = number, .expected = {}, .found = {}, .joins = true}}};
        EXPECT_EQ(finding_of(unused, {event}, {.leads = true, .replayed = &with_gap, .gaps_are_named = true}).result, Judgement::holds);
        EXPECT_EQ(finding_of(unused, {event}, {.leads = true, .replayed = &with_gap}).result, Judgement::not_judged);
        EXPECT_EQ(finding_of(unused, {event, event}, {.leads = true, .replayed = &with_gap, .gaps_are_named = true}).result,
                  Judgement::fails);
        EXPECT_EQ(finding_of(unused, {event}, {.leads = true, .gaps_are_named = true}).result, Judgement::fails) << "of no gap";
        auto another = with_gap;
        another.gaps.front().sequence = 3;
        EXPECT_EQ(finding_of(unused, {event}, {.leads = true, .replayed = &another, .gaps_are_named = true}).result, Judgement::fails);
    }
}

// A rule that is listed twice is one for two events.
TEST(ClosedRegister, TakesAsManyOfOneKindAsAreListed) {
    ClosedRegister closed{.register_name = "rtmr3"};
    for (int i = 0; i < 2; ++i) closed.events.push_back({.name = "a", .data = bytes_of("a")});
    for (const auto order : {EventOrder::listed, EventOrder::any}) {
        closed.order = order;
        EXPECT_EQ(judge_closed(closed, {"a"}), Judgement::fails);
        EXPECT_EQ(judge_closed(closed, {"a", "a"}), Judgement::holds);
        EXPECT_EQ(judge_closed(closed, {"a", "a", "a"}), Judgement::fails);
    }
}

// An event that two rules mean is the first one's: whoever lists both has the narrower one first.
TEST(ClosedRegister, GivesAnEventToTheFirstRuleThatMeansIt) {
    const EventRule narrow{.name = "a", .data = bytes_of("a")};
    const EventRule wide{.name = "whatever begins with it",
                         .event_digest = ContentDigest{.value = hash(HashAlgorithm::sha384, bytes_of("a")).value()},
                         .optional = true};
    EXPECT_EQ(judge_closed({.register_name = "rtmr3", .order = EventOrder::any, .events = {narrow, wide}}, {"a"}), Judgement::holds);
    EXPECT_EQ(judge_closed({.register_name = "rtmr3", .order = EventOrder::any, .events = {wide, narrow}}, {"a"}), Judgement::fails);
    EXPECT_EQ(judge_closed({.register_name = "rtmr3", .order = EventOrder::any, .events = {wide, narrow}}, {"a", "a"}), Judgement::holds);
}

}  // namespace
}  // namespace mr::attestation
