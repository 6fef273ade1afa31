#include "mr/verdict.h"

#include <gmock/gmock.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mr {
namespace {

using namespace statement;  // NOLINT(google-build-using-namespace): names

TEST(Verdict, IsVerifiedIfSomethingIsRequiredAndAllOfThatHolds) {
    Verdict verdict;
    EXPECT_FALSE(verdict.verified());
    verdict.add({.name = std::string(tcb), .result = Judgement::holds, .reason = "fine"});
    EXPECT_FALSE(verdict.verified());
    verdict.add({.name = std::string(quote_format), .result = Judgement::holds, .required = true, .reason = "fine"});
    EXPECT_TRUE(verdict.verified());
    verdict.add({.name = std::string(not_debug), .result = Judgement::fails, .required = false, .reason = "accepted"});
    verdict.add({.name = std::string(report_data), .result = Judgement::not_judged, .required = false, .reason = "not asked for"});
    EXPECT_TRUE(verdict.verified());
    verdict.add({.name = std::string(log_replay), .result = Judgement::not_judged, .required = true, .reason = "there is no log"});
    EXPECT_FALSE(verdict.verified());
}

TEST(Verdict, IsNotVerifiedIfARequiredStatementFails) {
    Verdict verdict;
    verdict.add({.name = std::string(quote_format), .result = Judgement::holds, .required = true, .reason = "fine"});
    verdict.add({.name = std::string(tcb), .result = Judgement::fails, .required = true, .reason = "OutOfDate"});
    EXPECT_FALSE(verdict.verified());
}

TEST(Verdict, KeepsStatementsInTheOrderInWhichTheyCame) {
    Verdict verdict;
    for (const auto name : {quote_format, tcb, log_replay, tcb})
        verdict.add({.name = std::string(name), .result = Judgement::holds, .reason = ""});
    std::vector<std::string> names;
    for (const auto &each : verdict.statements()) names.push_back(each.name);
    EXPECT_THAT(names, testing::ElementsAre("quote_format", "tcb", "log_replay"));
    EXPECT_EQ(verdict.find(tcb)->name, tcb);
    EXPECT_EQ(verdict.find(report_data), nullptr);
}

TEST(Verdict, KeepsTheWorseOfTwoJudgementsThatCountAlikeAndBothReasons) {
    using enum Judgement;
    struct Case {
        Judgement first;
        Judgement second;
        Judgement kept;
    };
    const auto merged = [](Judgement first, Judgement second, bool required) {
        Verdict verdict;
        verdict.add({.name = std::string(log_replay), .result = first, .required = required, .reason = "one"});
        verdict.add({.name = std::string(log_replay), .result = second, .required = required, .reason = "two"});
        EXPECT_EQ(verdict.statements().size(), 1U);
        EXPECT_EQ(verdict.find(log_replay)->reason, "one; two");
        EXPECT_EQ(verdict.find(log_replay)->required, required);
        return verdict.find(log_replay)->result;
    };
    for (const auto &[first, second, kept] :
         {Case{holds, holds, holds}, Case{holds, not_judged, not_judged}, Case{not_judged, holds, not_judged}, Case{holds, fails, fails},
          Case{fails, holds, fails}, Case{not_judged, fails, fails}, Case{fails, not_judged, fails}}) {
        EXPECT_EQ(merged(first, second, true), kept);
        EXPECT_EQ(merged(first, second, false), kept);
    }
}

// Of three parts in every order: the verdict is what the required ones make it, and nothing that does not hold of one part is said to hold.
TEST(Verdict, SaysOfNoPartWhatHoldsOfAnotherAndIsMadeByWhatIsRequired) {
    using enum Judgement;
    constexpr std::array judgements{holds, fails, not_judged};
    constexpr std::size_t kinds = 2 * judgements.size();  // a judgement, required or not
    for (std::size_t number = 0; number < kinds * kinds * kinds; ++number) {
        Verdict verdict;
        verdict.add({.name = std::string(quote_format), .result = holds, .required = true, .reason = "fine"});
        bool all_required_hold = true;
        bool all_hold = true;
        auto rest = number;
        std::string how;
        for (int part = 0; part < 3; ++part, rest /= kinds) {
            const bool required = rest % 2 == 1;
            const auto result = judgements.at(rest % kinds / 2);
            how.append(to_string(result)).append(required ? " required, " : ", ");
            verdict.add({.name = std::string(tcb), .result = result, .required = required, .reason = "one"});
            all_required_hold = all_required_hold && (!required || result == holds);
            all_hold = all_hold && result == holds;
        }
        EXPECT_EQ(verdict.verified(), all_required_hold) << how;
        EXPECT_EQ(verdict.find(tcb)->result == holds, all_hold) << how;
    }
}

TEST(Verdict, AsJsonHasWhatItSaysAndNothingThatTricksATerminal) {
    Verdict verdict;
    verdict.add({.name = std::string(tcb), .result = Judgement::fails, .required = true, .reason = "OutOf\x1b[31mDate"});
    verdict.add({.name = std::string(report_data), .result = Judgement::not_judged, .reason = "\"none\""});
    verdict.add(JudgedPlatform{.part = "cpu", .kind = "tdx", .tcb_status = "OutOfDate", .advisories = {"INTEL-SA-1"}});
    verdict.add(JudgedRegister{.part = "cpu", .name = "rtmr3", .unbound = false});
    verdict.add(JudgedRegister{.part = "", .name = "gpu0/fw\x1b[31m1", .unbound = true});
    const auto text = write_verdict(verdict, 42);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    const auto said = nlohmann::json::parse(text);
    EXPECT_EQ(said["verified"], false);
    EXPECT_EQ(said["time"], 42);
    EXPECT_EQ(said["platforms"],
              nlohmann::json::parse(R"([{"part":"cpu","kind":"tdx","tcb":{"status":"OutOfDate","advisories":["INTEL-SA-1"]}}])"));
    EXPECT_EQ(said["registers"], nlohmann::json::parse(R"([{"part":"cpu","name":"rtmr3","unbound":false},)"
                                                       R"({"part":"","name":"gpu0/fw\\x1b[31m1","unbound":true}])"));
    EXPECT_EQ(said["statements"][0]["name"], "tcb");
    EXPECT_EQ(said["statements"][0]["result"], "false");
    EXPECT_EQ(said["statements"][0]["required"], true);
    EXPECT_EQ(said["statements"][1],
              nlohmann::json::parse(R"({"name":"report_data","result":"not_judged","required":false,"reason":"\"none\""})"));
}

}  // namespace
}  // namespace mr
