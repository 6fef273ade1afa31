#include "mr/reference_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mr/envelope.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string value_a(96, 'a');
const std::string value_b(96, 'b');

json example() {
    return {{"format", "mrd-reference-values"},
            {"version", 1},
            {"description", "what the build of today measures"},
            {"tcb", {"UpToDate", "SWHardeningNeeded"}},
            {"minimumTcbEvaluationDataNumber", 17},
            {"debug", "accept"},
            {"septVeDisableUnset", "accept"},
            {"simulatedRoots", "refuse"},
            {"gaps", "accept"},
            {"serviceTds", {value_a}},
            {"uncoveredRegisters", {"tdx/rtmr2"}},
            {"logOnlyRegisters", {"tdx/rtmr3"}},
            {"acceptedGaps", {{{"register", "tdx/rtmr1"}, {"found", value_b}}}},
            {"maximumAgeSeconds", 300},
            {"registers", {{"mr_td", {value_a, value_b}}, {"tdx/rtmr0", {value_b}}, {"mrowner", {value_a}}}},
            {"requiredEvents", {{{"name", "kernel"}, {"register", "rtmr1"}, {"digest", value_a}, {"eventDigest", value_b}}}},
            {"forbiddenEvents", {{{"name", "shell"}, {"text", "init=/bin/sh"}}}}};
}

std::string error_of(const json &file) {
    const auto values = parse_reference_values(file.dump());
    return values ? "" : values.error().message;
}

TEST(ReferenceValues, SayWhatIsExpectedAndWhatIsAccepted) {
    const auto values = parse_reference_values(example().dump());
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->quote.accepted_tcb, ElementsAre(TcbStatus::up_to_date, TcbStatus::sw_hardening_needed));
    EXPECT_TRUE(values->tcb_required);
    EXPECT_EQ(values->quote.minimum_tcb_evaluation, 17);
    EXPECT_TRUE(values->quote.accept_debug);
    EXPECT_TRUE(values->quote.accept_no_sept_ve_disable);
    EXPECT_EQ(values->quote.accept_simulated_roots, false);
    EXPECT_TRUE(values->accept_gaps);
    EXPECT_EQ(values->quote.accepted_service_tds.size(), 1U);
    EXPECT_THAT(values->uncovered_registers, ElementsAre("rtmr2"));
    EXPECT_THAT(values->log_only_registers, ElementsAre("rtmr3"));
    EXPECT_THAT(values->accepted_gaps, ElementsAre(AcceptedGap{.register_name = "rtmr1", .found = Digest(Bytes(48, 0xBB))}));
    EXPECT_EQ(values->maximum_age_seconds, 300);
    EXPECT_EQ(values->registers.at("mrtd").size(), 2U);
    EXPECT_EQ(values->registers.at("rtmr0").size(), 1U);
    EXPECT_EQ(values->required_events.front().name, "kernel");
    EXPECT_EQ(values->required_events.front().digest, Digest(Bytes(48, 0xAA)));
    EXPECT_EQ(values->required_events.front().event_digest, Digest(Bytes(48, 0xBB)));
    EXPECT_EQ(values->forbidden_events.front().data, Bytes({'i', 'n', 'i', 't', '=', '/', 'b', 'i', 'n', '/', 's', 'h'}));
}

TEST(ReferenceValues, AreStrictWhereTheySayNothing) {
    const auto values = parse_reference_values(R"({"format":"mrd-reference-values","version":1})");
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->quote.accepted_tcb, ElementsAre(TcbStatus::up_to_date));
    EXPECT_FALSE(values->tcb_required || values->quote.accept_debug || values->quote.accept_no_sept_ve_disable || values->accept_gaps);
    EXPECT_FALSE(values->quote.accept_simulated_roots);
    EXPECT_FALSE(values->maximum_age_seconds);
    EXPECT_FALSE(values->quote.minimum_tcb_evaluation);
}

TEST(ReferenceValues, ThatAskForATcbRecoveryAskForTheTcb) {
    const auto values = parse_reference_values(R"({"format":"mrd-reference-values","version":1,"minimumTcbEvaluationDataNumber":0})");
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_TRUE(values->tcb_required);
    EXPECT_THAT(values->quote.accepted_tcb, ElementsAre(TcbStatus::up_to_date));
}

TEST(ReferenceValues, AMisspeltOrMalformedDemandIsRefusedByName) {
    struct Case {
        json::json_pointer at;
        json value;
        std::string named;
    };
    const std::vector<Case> cases{
        {json::json_pointer("/format"), "other", "format"},
        {json::json_pointer("/version"), 2, "version"},
        {json::json_pointer("/forbidenEvents"), json::array(), "forbidenEvents"},
        {json::json_pointer("/debug"), "yes", "debug"},
        {json::json_pointer("/gaps"), true, "gaps"},
        {json::json_pointer("/tcb/0"), "Uptodate", "Uptodate"},
        {json::json_pointer("/serviceTds/0"), "00", "serviceTds"},
        {json::json_pointer("/uncoveredRegisters/0"), "pcr7", "pcr7"},
        {json::json_pointer("/uncoveredRegisters/0"), "rtmr9", "rtmr9"},
        {json::json_pointer("/logOnlyRegisters/0"), "rtmr9", "logOnlyRegisters: rtmr9"},
        {json::json_pointer("/acceptedGaps/0/register"), "mrtd", "acceptedGaps: mrtd"},
        {json::json_pointer("/acceptedGaps/0/found"), "00", "acceptedGaps"},
        {json::json_pointer("/acceptedGaps/0"), value_a, "acceptedGaps is given twice, or is not an array of objects"},
        {json::json_pointer("/acceptedGaps/0/sequence"), 4, "acceptedGaps: a gap has register and found"},
        {json::json_pointer("/requiredEvents/0/register"), nullptr, "register of a rule is null"},
        {json::json_pointer("/requiredEvents/0/dataDigest"), nullptr, "dataDigest of a rule is null"},
        {json::json_pointer("/requiredEvents/0/description"), "", "description is empty"},
        {json::json_pointer("/tcb"), json::array(), "tcb is empty"},
        {json::json_pointer("/requiredEvents/0/eventDigest"), "00", "kernel"},
        {json::json_pointer("/forbiddenEvents/0/text"), "", "shell"},
        {json::json_pointer("/registers/rtmr0"), json::array({value_a}), "rtmr0 is given twice"},
        {json::json_pointer("/tcb"), nullptr, "tcb is null"},
        {json::json_pointer("/minimumTcbEvaluationDataNumber"), "17", "minimumTcbEvaluationDataNumber is given twice, or is not a number"},
        {json::json_pointer("/minimumTcbEvaluationDataNumber"), -1, "minimumTcbEvaluationDataNumber is negative"},
        {json::json_pointer("/maximumAgeSeconds"), -1, "maximumAgeSeconds"},
        {json::json_pointer("/registers/rtmr4"), json::array({value_a}), "rtmr4"},
        {json::json_pointer("/registers/mrowner/0"), "zz", "mrowner"},
        {json::json_pointer("/registers/mrowner"), value_a, "registers is given twice, or is not an object of arrays"},
        {json::json_pointer("/tcb"), "UpToDate", "tcb is given twice, or is not an array"},
        {json::json_pointer("/requiredEvents/0"), {{"digest", value_a}}, "a rule has no name"},
        {json::json_pointer("/requiredEvents/0/register"), "rtmr7", "kernel"},
        {json::json_pointer("/requiredEvents/0/digest"), "00", "kernel"},
        {json::json_pointer("/requiredEvents/0/digests"), value_a, "digests"},
        {json::json_pointer("/forbiddenEvents/0/data"), "AA==", "shell"},
        {json::json_pointer("/forbiddenEvents/0"), {{"name", "nothing"}}, "nothing"},
        {json::json_pointer("/requiredEvents"), 7, "requiredEvents"},
    };
    for (const auto &[at, value, named] : cases) {
        auto file = example();
        file[at] = value;
        EXPECT_THAT(error_of(file), HasSubstr(named)) << at.to_string();
    }
    EXPECT_EQ(error_of(example()), "");
}

TEST(ReferenceValues, RulesHaveOneLimitTogetherAndAreThereOnce) {
    auto file = example();
    const auto rule = file["requiredEvents"][0];
    file["requiredEvents"] = json::array();
    for (std::size_t i = 0; i < max_event_rules; ++i) file["requiredEvents"].push_back(rule);
    file.erase("forbiddenEvents");
    EXPECT_EQ(error_of(file), "");
    file["forbiddenEvents"] = json::array({rule});
    EXPECT_THAT(error_of(file), HasSubstr("together"));
    auto text = example().dump();
    text.insert(1, R"("forbiddenEvents":)" + example()["forbiddenEvents"].dump() + ",");
    const auto twice = parse_reference_values(text);
    ASSERT_FALSE(twice);
    EXPECT_THAT(twice.error().message, HasSubstr("forbiddenEvents is given twice"));
}

TEST(ReferenceValues, OnlyMrtdAnRtmrOrAnEventSaysWhatRuns) {
    const auto says = [](const json &registers) {
        json file{{"format", "mrd-reference-values"}, {"version", 1}, {"registers", registers}};
        return parse_reference_values(file.dump())->say_what_runs();
    };
    EXPECT_TRUE(says({{"mrtd", {value_a}}}));
    EXPECT_TRUE(says({{"rtmr3", {value_a}}}));
    EXPECT_FALSE(says({{"mrowner", {value_a}}, {"mrconfigid", {value_a}}}));
}

TEST(ReferenceValues, ADataDigestNamesItsAlgorithmOrHasItsLength) {
    const auto parsed = [](const std::string &text) {
        auto file = example();
        file["requiredEvents"][0]["dataDigest"] = text;
        const auto values = parse_reference_values(file.dump());
        return values ? values->required_events.front().data_digest : std::nullopt;
    };
    const ContentDigest sha256{.algorithm = HashAlgorithm::sha256, .value = Digest(Bytes(32, 0xAA))};
    EXPECT_EQ(parsed(std::string(64, 'a')), sha256);
    EXPECT_EQ(parsed("sha256:" + std::string(64, 'a')), sha256);
    EXPECT_EQ(parsed(value_a), (ContentDigest{.algorithm = HashAlgorithm::sha384, .value = Digest(Bytes(48, 0xAA))}));
    EXPECT_EQ(parsed("sm3_256:" + std::string(64, 'a')),
              (ContentDigest{.algorithm = HashAlgorithm::sm3_256, .value = Digest(Bytes(32, 0xAA))}));
    for (const auto *wrong : {"", "aa", "sha256:aa", "sha384:", "md5:aa", "sha1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
        EXPECT_FALSE(parsed(wrong)) << wrong;
}

}  // namespace
}  // namespace mr
