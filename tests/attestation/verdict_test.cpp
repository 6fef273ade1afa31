#include "mr/verdict.h"

#include <gmock/gmock.h>

#include <set>

namespace mr {
namespace {

using enum StatementName;

TEST(Verdict, IsVerifiedIfSomethingIsRequiredAndAllOfThatHolds) {
    Verdict verdict;
    EXPECT_FALSE(verdict.verified());
    verdict.add({tcb, Judgement::holds, false, "fine"});
    EXPECT_FALSE(verdict.verified());
    verdict.add({quote_format, Judgement::holds, true, "fine"});
    EXPECT_TRUE(verdict.verified());
    verdict.add({not_debug, Judgement::fails, false, "accepted"});
    verdict.add({report_data, Judgement::not_judged, false, "not asked for"});
    EXPECT_TRUE(verdict.verified());
    verdict.add({log_replay, Judgement::not_judged, true, "there is no log"});
    EXPECT_FALSE(verdict.verified());
}

TEST(Verdict, IsNotVerifiedIfARequiredStatementFails) {
    Verdict verdict;
    verdict.add({quote_format, Judgement::holds, true, "fine"});
    verdict.add({tcb, Judgement::fails, true, "OutOfDate"});
    EXPECT_FALSE(verdict.verified());
}

TEST(Verdict, KeepsStatementsInTheirOrder) {
    Verdict verdict;
    for (const auto name : {evidence_age, tcb, quote_format, log_replay, not_debug}) verdict.add({name, Judgement::holds, true, ""});
    std::vector<StatementName> names;
    for (const auto &each : verdict.statements()) names.push_back(each.name);
    EXPECT_THAT(names, testing::ElementsAre(quote_format, tcb, not_debug, log_replay, evidence_age));
    EXPECT_EQ(verdict.find(tcb)->name, tcb);
    EXPECT_EQ(verdict.find(report_data), nullptr);
}

TEST(Verdict, KeepsTheWorseOfTwoJudgementsAndBothReasons) {
    using enum Judgement;
    struct Case {
        Judgement first;
        Judgement second;
        Judgement kept;
    };
    for (const auto &[first, second, kept] :
         {Case{holds, holds, holds}, Case{holds, not_judged, not_judged}, Case{not_judged, holds, not_judged}, Case{holds, fails, fails},
          Case{fails, holds, fails}, Case{not_judged, fails, fails}, Case{fails, not_judged, fails}}) {
        Verdict verdict;
        verdict.add({log_replay, first, false, "one"});
        verdict.add({log_replay, second, true, "two"});
        ASSERT_EQ(verdict.statements().size(), 1U);
        EXPECT_EQ(verdict.find(log_replay)->result, kept);
        EXPECT_EQ(verdict.find(log_replay)->reason, "one; two");
        EXPECT_TRUE(verdict.find(log_replay)->required);
    }
}

TEST(Verdict, NamesEveryStatementAndJudgementDifferently) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(evidence_age); ++i) names.insert(to_string(static_cast<StatementName>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(evidence_age) + 1);
    EXPECT_FALSE(names.contains(""));
    EXPECT_EQ(to_string(sept_ve_disable), "sept_ve_disable");
    EXPECT_EQ(to_string(Judgement::holds), "true");
    EXPECT_EQ(to_string(Judgement::fails), "false");
    EXPECT_EQ(to_string(Judgement::not_judged), "not_judged");
}

}  // namespace
}  // namespace mr
