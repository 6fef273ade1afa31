#include "tests/faults/faults.h"

#include <gtest/gtest.h>

namespace mrd::faults {
namespace {

using std::chrono::milliseconds;

TEST(Faults, EachFormIsUnderstood) {
    const auto faults = parse_faults("extend:fail-before@2,extend:fail-after@3,refresh:fail@2-4,report:delay=50,write:fail");
    ASSERT_TRUE(faults) << faults.error();
    const std::vector<Fault> expected = {
        {.operation = Operation::extend, .action = Action::fail_before, .first = 2, .last = 2},
        {.operation = Operation::extend, .action = Action::fail_after, .first = 3, .last = 3},
        {.operation = Operation::refresh, .action = Action::fail, .first = 2, .last = 4},
        {.operation = Operation::report, .action = Action::delay, .delay = milliseconds(50)},
        {.operation = Operation::write, .action = Action::fail},
    };
    EXPECT_EQ(*faults, expected);
}

TEST(Faults, AQuoteHasFaultsOfItsOwn) {
    const auto faults = parse_faults(
        "quote:error@1,quote:unavailable,quote:never,quote:empty,quote:too-long,quote:changing,quote:other-report,quote:spurious,"
        "quote:no-report,quote:delay=7");
    ASSERT_TRUE(faults) << faults.error();
    const auto all = {Action::error,    Action::unavailable,  Action::never,    Action::empty,     Action::too_long,
                      Action::changing, Action::other_report, Action::spurious, Action::no_report, Action::delay};
    ASSERT_EQ(faults->size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ((*faults)[i].operation, Operation::quote);
        EXPECT_EQ((*faults)[i].action, all.begin()[i]);
    }
    EXPECT_EQ(faults->front().last, 1U);
    EXPECT_EQ(faults->back().delay, milliseconds(7));
}

TEST(Faults, NoTextIsNoFaults) {
    const auto faults = parse_faults("");
    ASSERT_TRUE(faults);
    EXPECT_TRUE(faults->empty());
}

TEST(Faults, WhatIsNotUnderstoodIsNamed) {
    for (const std::string text : {"extend",
                                   "extend:",
                                   ":fail",
                                   "read:fail",
                                   "extend:explode",
                                   "extend:fail@",
                                   "extend:fail@0",
                                   "extend:fail@3-2",
                                   "extend:fail@1-",
                                   "extend:fail@-2",
                                   "extend:fail@+1",
                                   "extend:fail@1x",
                                   "extend:delay",
                                   "extend:delay=",
                                   "extend:delay=-1",
                                   "extend:delay=600001",
                                   "extend:delay=99999999999999999999",
                                   "quote:fail",
                                   "quote:fail-before",
                                   "extend:never",
                                   "report:spurious",
                                   "Extend:fail",
                                   " extend:fail",
                                   "extend:fail@1@2"}) {
        for (const std::string &whole : {text, "report:fail," + text, text + ",report:fail"}) {
            const auto faults = parse_faults(whole);
            ASSERT_FALSE(faults) << whole;
            EXPECT_NE(faults.error().find('"' + text + '"'), std::string::npos) << faults.error();
        }
    }
    for (const std::string_view text : {",", "extend:fail,", ",extend:fail", "extend:fail,,extend:fail"}) {
        EXPECT_FALSE(parse_faults(text)) << text;
    }
}

TEST(FaultPlan, CountsTheCallsOfEachOperationFromOne) {
    FaultPlan plan(parse_faults("extend:fail-before@2,extend:fail-after@3,refresh:fail@2-3").value());
    std::string seen;
    const auto call = [&](Operation operation) {
        const auto effects = plan.next(operation);
        seen += !effects.fail_before.empty() ? 'b' : !effects.fail_after.empty() ? 'a' : '.';
    };
    for (int i = 0; i < 5; ++i) {
        call(Operation::extend);
        call(Operation::refresh);
        call(Operation::report);
    }
    EXPECT_EQ(seen,
              "..."
              "bb."
              "ab."
              "..."
              "...");
}

TEST(FaultPlan, AFaultBeforeAndOneAfterHaveReasonsOfTheirOwn) {
    FaultPlan plan(parse_faults("extend:fail-before@1,extend:fail-after@2").value());
    const std::string before = plan.next(Operation::extend).fail_before;
    const std::string after = plan.next(Operation::extend).fail_after;
    EXPECT_EQ(before, "simulated failure before extend 1 took effect");
    EXPECT_EQ(after, "simulated failure after extend 2 took effect");
}

TEST(FaultPlan, DelaysOfOneCallAddUp) {
    FaultPlan plan(parse_faults("extend:delay=20,extend:delay=5@2").value());
    EXPECT_TRUE(plan.delays());
    EXPECT_EQ(plan.next(Operation::extend).delay, milliseconds(20));
    EXPECT_EQ(plan.next(Operation::extend).delay, milliseconds(25));
    EXPECT_EQ(plan.next(Operation::report).delay, milliseconds(0));
    EXPECT_FALSE(FaultPlan(parse_faults("extend:fail").value()).delays());
}

TEST(FaultPlan, AQuoteMayBeLateNotifiedTooEarlyAndWrongAtOnce) {
    FaultPlan plan(parse_faults("quote:spurious,quote:delay=5,quote:error@2").value());
    EXPECT_FALSE(plan.delays()) << "a quote that is late delays no register operation";
    const auto first = plan.next(Operation::quote);
    EXPECT_TRUE(first.spurious);
    EXPECT_EQ(first.delay, milliseconds(5));
    EXPECT_FALSE(first.host);
    EXPECT_EQ(plan.next(Operation::quote).host, Action::error);
    EXPECT_FALSE(plan.next(Operation::quote).host);
}

}  // namespace
}  // namespace mrd::faults
