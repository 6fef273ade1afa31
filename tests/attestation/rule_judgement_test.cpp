#include "libmr/src/attestation/rule_judgement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mr::attestation {
namespace {

using ::testing::HasSubstr;

SignedRegister signed_register(const std::string &name) {
    SignedRegister reg;
    reg.kind = "tdx";
    reg.claimed.name = name;
    reg.claimed.value = Digest(Bytes(48, 1));
    reg.claimed.initial = Digest(Bytes(48));
    reg.shown = name;
    reg.logged = name;
    return reg;
}

// Of register rtmr2. The digest outlives it.
Event event_of(ByteView digest) {
    Event event;
    event.sequence = 1;
    event.name = "rtmr2";
    event.type = ev_ipl;
    event.digests.push_back({.algorithm_id = 0x000C, .value = digest});
    return event;
}

// One question for each rule and event, and no rule is judged where there would be more: neither found missing nor ruled out by what was not looked at.
TEST(RuleJudgement, OverALogOfTooManyEventsForItsRulesNoRuleIsJudged) {
    constexpr std::size_t rules = max_event_rules;
    constexpr std::uint64_t events = max_rule_questions / rules;
    static_assert(events * rules == max_rule_questions);
    const std::vector registers{signed_register("rtmr2"), signed_register("rtmr3")};
    const Bytes digest(48, 7);
    ReferenceValues reference;
    reference.required_events.push_back(
        {.name = "kernel", .register_name = "rtmr2", .event_digest = ContentDigest{.value = Digest(digest)}});
    // Of a register that nothing is noted of, so that this takes no time.
    for (std::size_t i = 1; i < rules; ++i)
        reference.forbidden_events.push_back(
            {.name = "shell", .register_name = "rtmr3", .event_digest = ContentDigest{.value = Digest(Bytes(48, 8))}});
    const PreparedRules prepared(reference);
    RuleJudgement judgement(reference, prepared, registers);
    const auto event = event_of(digest);
    for (std::uint64_t i = 0; i < events; ++i) judgement.note(event, 0);
    const std::vector<LoggedEnd> ends{{.leads = true}, {.leads = true}};
    EXPECT_EQ(judgement.findings(ends).front().required->result, Judgement::holds) << judgement.findings(ends).front().required->reason;
    EXPECT_EQ(judgement.findings(ends).front().forbidden->result, Judgement::holds) << judgement.findings(ends).front().forbidden->reason;

    judgement.note(event, 0);
    EXPECT_EQ(judgement.findings(ends).front().required->result, Judgement::fails);
    EXPECT_THAT(judgement.findings(ends).front().required->reason, HasSubstr("too many events for so many rules"));
    EXPECT_EQ(judgement.findings(ends).front().forbidden->result, Judgement::not_judged);
    EXPECT_THAT(judgement.findings(ends).front().forbidden->reason, HasSubstr("too many events for so many rules"));
}

// Those of alternatives are asked as well.
TEST(RuleJudgement, TheRulesOfAllSetsAreCountedTogether) {
    const std::vector registers{signed_register("rtmr2")};
    const EventRule other{.name = "other", .register_name = "rtmr3", .event_digest = ContentDigest{.value = Digest(Bytes(48, 8))}};
    ReferenceValues reference;
    reference.closed_registers.push_back({.register_name = "rtmr3", .after = other, .events = {other}});
    Alternatives::Set set;
    set.required_events = std::vector(max_event_rules - 3, other);
    reference.alternatives.push_back({.name = "alternatives", .sets = {set}});
    const PreparedRules prepared(reference);
    EXPECT_EQ(prepared.questions, max_event_rules);
    RuleJudgement judgement(reference, prepared, registers);
    const Bytes digest(48, 7);
    const std::vector<LoggedEnd> ends{{.leads = true, .gaps_are_named = true}};
    for (std::uint64_t i = 0; i < max_rule_questions / max_event_rules; ++i) judgement.note(event_of(digest), 0);
    EXPECT_THAT(judgement.findings(ends).front().closed->reason, HasSubstr("in no quote"));
    judgement.note(event_of(digest), 0);
    EXPECT_EQ(judgement.findings(ends).front().closed->result, Judgement::not_judged);
    EXPECT_THAT(judgement.findings(ends).front().closed->reason, HasSubstr("too many events for so many rules"));
    EXPECT_THAT(judgement.findings(ends).back().required->reason, HasSubstr("too many events for so many rules"));
}

// What was found before does not become unseen.
TEST(RuleJudgement, AForbiddenEventThatWasSeenStaysSeenOverALogOfTooManyEvents) {
    const std::vector registers{signed_register("rtmr2")};
    const Bytes digest(48, 7);
    ReferenceValues reference;
    for (std::size_t i = 0; i < max_event_rules; ++i)
        reference.forbidden_events.push_back(
            {.name = "shell", .register_name = i == 0 ? "rtmr2" : "rtmr3", .event_digest = ContentDigest{.value = Digest(digest)}});
    const PreparedRules prepared(reference);
    RuleJudgement judgement(reference, prepared, registers);
    const auto event = event_of(digest);
    for (std::uint64_t i = 0; i <= max_rule_questions / max_event_rules; ++i) judgement.note(event, 0);
    EXPECT_EQ(judgement.findings(std::vector<LoggedEnd>{{.leads = true}}).front().forbidden->result, Judgement::fails);
}

}  // namespace
}  // namespace mr::attestation
