#include "mr/reference_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mr/envelope.h"
#include "mr/verify_quote.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string value_a(96, 'a');
const std::string value_b(96, 'b');

json example_values() {
    return {{"format", "mrd-reference-values"},
            {"version", 1},
            {"description", "what the build of today measures"},
            {"tcb", {"UpToDate", "SWHardeningNeeded"}},
            {"debug", "accept"},
            {"simulatedRoots", "refuse"},
            {"gaps", "accept"},
            {"parts", {{{"name", "tdx"}, {"kind", "tdx"}}}},
            {"tdx", {{"minimumTcbEvaluationDataNumber", 17}, {"septVeDisableUnset", "accept"}, {"serviceTds", {value_a}}}},
            {"uncoveredRegisters", {"tdx/rtmr2"}},
            {"logOnlyRegisters", {"tdx/rtmr3"}},
            {"acceptedGaps", {{{"register", "tdx/rtmr1"}, {"found", value_b}}}},
            {"maximumAgeSeconds", 300},
            {"registers", {{"mrtd", {value_a, value_b}}, {"tdx/rtmr0", {value_b}}, {"mrowner", {value_a}}}},
            {"requiredEvents", {{{"name", "kernel"}, {"register", "rtmr1"}, {"digest", value_a}, {"eventDigest", value_b}}}},
            {"forbiddenEvents", {{{"name", "shell"}, {"text", "init=/bin/sh"}}}},
            {"closedRegisters",
             {{{"register", "rtmr3"},
               {"after", {{"name", "cap"}, {"envelopeType", "cap"}}},
               {"order", "any"},
               {"events", {{{"name", "agent"}, {"description", "agent"}, {"optional", true}}}}}}},
            {"alternatives",
             {{{"name", "image"},
               {"sets",
                {{{"name", "old"}, {"registers", {{"rtmr2", {value_a}}}}},
                 {{"name", "new"},
                  {"requiredEvents", {{{"name", "kernel"}, {"digest", value_b}}}},
                  {"closedRegisters", {{{"register", "tdx/rtmr2"}, {"events", json::array()}}}}}}}}}}};
}

std::string values_error(const json &file) {
    const auto values = parse_reference_values(file.dump());
    return values ? "" : values.error().message;
}

TEST(ReferenceValues, SayWhatIsExpectedAndWhatIsAccepted) {
    const auto values = parse_reference_values(example_values().dump());
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->platform.accepted_tcb, ElementsAre("UpToDate", "SWHardeningNeeded"));
    EXPECT_TRUE(values->tcb_required);
    EXPECT_THAT(values->parts, ElementsAre(ExpectedPart{.name = "tdx", .kind = "tdx"}));
    const auto of_tds = parse_td_policy(values->platform.of_kind.at("tdx"));
    ASSERT_TRUE(of_tds);
    EXPECT_EQ(of_tds->minimum_tcb_evaluation, 17);
    EXPECT_TRUE(of_tds->accept_no_sept_ve_disable);
    EXPECT_EQ(of_tds->accepted_service_tds.size(), 1U);
    EXPECT_TRUE(values->platform.accept_debug);
    EXPECT_EQ(values->platform.accept_simulated_roots, false);
    EXPECT_TRUE(values->accept_gaps);
    EXPECT_THAT(values->uncovered_registers, ElementsAre("tdx/rtmr2"));
    EXPECT_THAT(values->log_only_registers, ElementsAre("tdx/rtmr3"));
    EXPECT_THAT(values->accepted_gaps, ElementsAre(AcceptedGap{.register_name = "tdx/rtmr1", .found = Digest(Bytes(48, 0xBB))}));
    EXPECT_EQ(values->maximum_age_seconds, 300);
    EXPECT_EQ(values->registers.at("mrtd").size(), 2U);
    EXPECT_EQ(values->registers.at("tdx/rtmr0").size(), 1U);
    EXPECT_EQ(values->required_events.front().name, "kernel");
    EXPECT_EQ(values->required_events.front().digest, (ContentDigest{.value = Digest(Bytes(48, 0xAA))}));
    EXPECT_EQ(values->required_events.front().event_digest, (ContentDigest{.value = Digest(Bytes(48, 0xBB))}));
    EXPECT_THAT(values->closed_registers,
                ElementsAre(ClosedRegister{.register_name = "rtmr3",
                                           .after = EventRule{.name = "cap", .envelope_type = "cap"},
                                           .order = EventOrder::any,
                                           .events = {{.name = "agent", .description = "agent", .optional = true}}}));
    ASSERT_EQ(values->alternatives.size(), 1U);
    EXPECT_EQ(values->alternatives.front().name, "image");
    const auto &sets = values->alternatives.front().sets;
    ASSERT_EQ(sets.size(), 2U);
    EXPECT_EQ(sets[0].name, "old");
    EXPECT_EQ(sets[0].registers.at("rtmr2").front(), Bytes(48, 0xAA));
    EXPECT_THAT(sets[0].required_events, IsEmpty());
    EXPECT_EQ(sets[1].required_events.front().digest, (ContentDigest{.value = Digest(Bytes(48, 0xBB))}));
    EXPECT_EQ(sets[1].closed_registers.front(), (ClosedRegister{.register_name = "tdx/rtmr2"}));
    EXPECT_EQ(values->forbidden_events.front().data, Bytes({'i', 'n', 'i', 't', '=', '/', 'b', 'i', 'n', '/', 's', 'h'}));
}

TEST(ReferenceValues, AreStrictWhereTheySayNothing) {
    const auto values = parse_reference_values(R"({"format":"mrd-reference-values","version":1})");
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_THAT(values->platform.accepted_tcb, IsEmpty());
    EXPECT_THAT(values->platform.of_kind, IsEmpty());
    EXPECT_THAT(values->parts, IsEmpty());
    EXPECT_FALSE(values->tcb_required || values->platform.accept_debug || values->accept_gaps);
    EXPECT_FALSE(values->platform.accept_simulated_roots);
    EXPECT_FALSE(values->maximum_age_seconds);
}

TEST(ReferenceValues, AFileThatIsNoneIsToldSoFirst) {
    const auto error = [](std::string_view text) { return parse_reference_values(text).error().message; };
    EXPECT_THAT(error(R"({"format":"mrd-evidence","version":1,"parts":7})"),
                HasSubstr("the member format is not \"mrd-reference-values\""));
    EXPECT_THAT(error(R"({"parts":7})"), HasSubstr("the member format is missing"));
    EXPECT_THAT(error("{\n\"format\": \"mrd-reference-values\",\n\"version\": 1,\n}\n"), HasSubstr("see line 4"));
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
        {json::json_pointer("/tdx/serviceTds/0"), "00", "the member tdx: a value of serviceTds"},
        {json::json_pointer("/tdx/serviceTDs"), json::array(), "the member tdx: the member serviceTDs is unknown"},
        {json::json_pointer("/tdx/septVeDisableUnset"), nullptr, "the member septVeDisableUnset is null"},
        {json::json_pointer("/tdx/septVeDisableUnset"), "yes", "septVeDisableUnset"},
        {json::json_pointer("/gpu"), json::object(), "the member gpu is unknown"},
        {json::json_pointer("/parts/0/kind"), "sev", "parts: sev"},
        {json::json_pointer("/parts/0/more"), 1, "parts"},
        {json::json_pointer("/uncoveredRegisters/0"), "", "uncoveredRegisters"},
        {json::json_pointer("/logOnlyRegisters/0"), "tdx/", "logOnlyRegisters: \"tdx/\""},
        {json::json_pointer("/acceptedGaps/0/register"), "a/b/c", "acceptedGaps: \"a/b/c\""},
        {json::json_pointer("/acceptedGaps/0/found"), "", "acceptedGaps"},
        {json::json_pointer("/acceptedGaps/0"), value_a, "acceptedGaps is given twice, or is not an array of objects"},
        {json::json_pointer("/acceptedGaps/0/sequence"), 4, "acceptedGaps: a gap has register and found"},
        {json::json_pointer("/requiredEvents/0/register"), nullptr, "register of a rule is null"},
        {json::json_pointer("/requiredEvents/0/dataDigest"), nullptr, "dataDigest of a rule is null"},
        {json::json_pointer("/requiredEvents/0/description"), "", "description is empty"},
        {json::json_pointer("/tcb"), json::array(), "tcb is empty"},
        {json::json_pointer("/requiredEvents/0/eventDigest"), "00", "kernel"},
        {json::json_pointer("/forbiddenEvents/0/text"), "", "shell"},
        {json::json_pointer("/tcb"), nullptr, "tcb is null"},
        {json::json_pointer("/tdx/minimumTcbEvaluationDataNumber"), "17",
         "minimumTcbEvaluationDataNumber is given twice, or is not a number"},
        {json::json_pointer("/tdx/minimumTcbEvaluationDataNumber"), -1, "minimumTcbEvaluationDataNumber is negative"},
        {json::json_pointer("/maximumAgeSeconds"), -1, "maximumAgeSeconds"},
        {json::json_pointer("/registers/~1rtmr4"), json::array({value_a}), "\"/rtmr4\""},
        {json::json_pointer("/registers/mrowner/0"), "zz", "mrowner"},
        {json::json_pointer("/registers/mrowner"), value_a, "registers is given twice, or is not an object of arrays"},
        {json::json_pointer("/tcb"), "UpToDate", "tcb is given twice, or is not an array"},
        {json::json_pointer("/requiredEvents/0"), {{"digest", value_a}}, "a rule has no name"},
        {json::json_pointer("/requiredEvents/0/register"), "", "kernel"},
        {json::json_pointer("/requiredEvents/0/digest"), "00", "kernel"},
        {json::json_pointer("/requiredEvents/0/digests"), value_a, "digests"},
        {json::json_pointer("/forbiddenEvents/0/data"), "AA==", "shell"},
        {json::json_pointer("/forbiddenEvents/0"), {{"name", "nothing"}}, "nothing"},
        {json::json_pointer("/requiredEvents"), 7, "requiredEvents"},
        {json::json_pointer("/requiredEvents/0/envelopeType"), "", "envelopeType is empty"},
        {json::json_pointer("/forbiddenEvents/0/envelopeType"), "Measure",
         "the envelopeType Measure is none that this library knows: there are measure"},
        {json::json_pointer("/requiredEvents/0/optional"), true, "\"kernel\": only the events of closedRegisters can be optional"},
        {json::json_pointer("/requiredEvents/0/optional"), "yes", "optional of a rule is given twice or is not true or false"},
        {json::json_pointer("/tdx/ppids"), json::array(), "the member tdx: the member ppids is empty"},
        {json::json_pointer("/tdx/ppids"), json::array({value_a}), "the member tdx: a value of ppids is not 16 bytes in hex"},
        {json::json_pointer("/tdx/ppids"), value_a, "ppids is given twice, or is not an array of values in hex"},
        {json::json_pointer("/closedRegisters"), json::object(), "the member closedRegisters is not an array"},
        {json::json_pointer("/closedRegisters"), nullptr, "closedRegisters is null"},
        {json::json_pointer("/closedRegisters/0"), "rtmr3", "closedRegisters has an element that is not an object"},
        {json::json_pointer("/closedRegisters/0"), {{"register", "rtmr3"}}, "a closed register has no events"},
        {json::json_pointer("/closedRegisters/0"), {{"events", json::array()}}, "a closed register has no register"},
        {json::json_pointer("/closedRegisters/0/register"), "a/b/c", "closedRegisters: \"a/b/c\" is no name of a register"},
        {json::json_pointer("/closedRegisters/0/order"), "some", "order is given twice, or is not \"listed\" or \"any\""},
        {json::json_pointer("/closedRegisters/0/order"), nullptr, "closedRegisters: the member order is null"},
        {json::json_pointer("/closedRegisters/0/before"), 1, "a closed register has no member before"},
        {json::json_pointer("/closedRegisters/0/events"), 1, "events is given twice, or is not an array of rules"},
        {json::json_pointer("/closedRegisters/0/events/0"), 1, "events is given twice, or is not an array of rules"},
        {json::json_pointer("/closedRegisters/0/events/0/register"), "rtmr3",
         "closedRegisters \"rtmr3\" \"agent\": the register is that of the closed register"},
        {json::json_pointer("/closedRegisters/0/events/0/digets"), "", "closedRegisters \"rtmr3\": a rule has no member digets"},
        {json::json_pointer("/closedRegisters/0/after"), "cap", "after is given twice, or is not a rule"},
        {json::json_pointer("/closedRegisters/0/after/optional"), true, "closedRegisters \"rtmr3\" after: it cannot be optional"},
        {json::json_pointer("/closedRegisters/0/after"), {{"name", "cap"}}, "closedRegisters \"rtmr3\" after \"cap\": one of digest"},
        {json::json_pointer("/alternatives"), json::object(), "the member alternatives is not an array"},
        {json::json_pointer("/alternatives/0"), 1, "alternatives has an element that is not an object"},
        {json::json_pointer("/alternatives/0/set"), 1, "alternatives: each has name, which says what it is, and sets"},
        {json::json_pointer("/alternatives/0/name"), nullptr, "alternatives: the member name is null"},
        {json::json_pointer("/alternatives/0/sets"), json::array(), "alternatives \"image\": sets is empty"},
        {json::json_pointer("/alternatives/0/sets/0"), 1, "alternatives: each has name, which says what it is, and sets"},
        {json::json_pointer("/alternatives/0/sets/0/name"), 1, "alternatives \"image\": a set has one name"},
        {json::json_pointer("/alternatives/0/sets/0/registers"), nullptr, "alternatives \"image\": the member registers of a set is null"},
        {json::json_pointer("/alternatives/0/sets/0/gaps"), "accept", "alternatives \"image\": a set has no member gaps"},
        {json::json_pointer("/alternatives/0/sets/0/registers/rtmr2/0"), "zz", "a value of alternatives \"image\": \"old\": rtmr2 is not"},
        {json::json_pointer("/alternatives/0/sets/1/requiredEvents/0/digest"), "00",
         "alternatives \"image\": \"new\": requiredEvents \"kernel\": digest is not"},
        {json::json_pointer("/alternatives/0/sets/0"), {{"name", "empty"}}, "\"empty\" asks for nothing"},
    };
    for (const auto &[at, value, named] : cases) {
        auto file = example_values();
        file[at] = value;
        EXPECT_THAT(values_error(file), HasSubstr(named)) << at.to_string();
    }
    EXPECT_EQ(values_error(example_values()), "");
}

// People write these files, and some editors begin them with one.
TEST(ReferenceValues, MayBeginWithOneByteOrderMark) {
    const std::string mark = "\xEF\xBB\xBF";
    const auto with = parse_reference_values(mark + example_values().dump());
    ASSERT_TRUE(with) << with.error().message;
    EXPECT_EQ(with->required_events, parse_reference_values(example_values().dump())->required_events);
    EXPECT_FALSE(parse_reference_values(mark + mark + example_values().dump())) << "one";
    EXPECT_FALSE(parse_reference_values(example_values().dump() + mark)) << "at the beginning";
}

TEST(ReferenceValues, RulesHaveOneLimitTogetherAndAreThereOnce) {
    auto file = example_values();
    const auto rule = file["requiredEvents"][0];
    file["requiredEvents"] = json::array();
    for (std::size_t i = 0; i < max_event_rules; ++i) file["requiredEvents"].push_back(rule);
    for (const auto *other : {"forbiddenEvents", "closedRegisters", "alternatives"}) file.erase(other);
    EXPECT_EQ(values_error(file), "");
    for (const auto *other : {"forbiddenEvents", "closedRegisters", "alternatives"}) {
        file[other] = example_values()[other];
        EXPECT_THAT(values_error(file), HasSubstr("together")) << other;
        file.erase(other);
    }
    auto text = example_values().dump();
    text.insert(1, R"("forbiddenEvents":)" + example_values()["forbiddenEvents"].dump() + ",");
    const auto twice = parse_reference_values(text);
    ASSERT_FALSE(twice);
    EXPECT_THAT(twice.error().message, HasSubstr("forbiddenEvents is given twice"));
}

// What is asked of each event: whether it is the register's, the one that it is closed after, and each of those listed.
TEST(ReferenceValues, AClosedRegisterCountsAsARuleBesideThoseInIt) {
    auto file = example_values();
    const auto rule = file["requiredEvents"][0];
    for (const auto *other : {"forbiddenEvents", "alternatives"}) file.erase(other);
    ASSERT_EQ(file["closedRegisters"][0]["events"].size(), 1U);
    file["requiredEvents"] = std::vector<json>(max_event_rules - 2, rule);
    EXPECT_THAT(values_error(file), HasSubstr("together"));
    auto without_after = file;
    without_after["closedRegisters"][0].erase("after");
    EXPECT_EQ(values_error(without_after), "");
    file["requiredEvents"].erase(0);
    EXPECT_EQ(values_error(file), "");
    without_after["requiredEvents"].push_back(rule);
    EXPECT_THAT(values_error(without_after), HasSubstr("together"));
}

TEST(ReferenceValues, WhatIsReadRuleByRuleIsThereOnce) {
    for (const auto *member : {"requiredEvents", "closedRegisters", "alternatives", "registers"}) {
        auto text = example_values().dump();
        text.insert(1, '"' + std::string(member) + "\":" + example_values()[member].dump() + ",");
        const auto twice = parse_reference_values(text);
        ASSERT_FALSE(twice) << member;
        EXPECT_THAT(twice.error().message, HasSubstr(std::string(member) + " is given twice"));
    }
    // Within a set as well.
    auto text = example_values().dump();
    text.insert(text.find(R"("name":"new")"), R"("requiredEvents":[],)");
    const auto twice = parse_reference_values(text);
    ASSERT_FALSE(twice);
    EXPECT_THAT(twice.error().message, HasSubstr("alternatives \"image\": \"new\": the member requiredEvents is given twice"));
}

TEST(ReferenceValues, AlternativesHaveOneLimitOfSetsTogether) {
    auto file = example_values();
    auto &sets = file["alternatives"][0]["sets"];
    const auto set = sets[0];
    while (sets.size() < max_rule_sets) sets.push_back(set);
    EXPECT_EQ(values_error(file), "");
    auto more = file["alternatives"][0];
    more["sets"] = json::array({set});
    file["alternatives"].push_back(more);
    EXPECT_THAT(values_error(file), HasSubstr("more than 256 sets in alternatives together"));
}

TEST(ReferenceValues, ADataDigestNamesItsAlgorithmOrHasItsLength) {
    const auto parsed = [](const std::string &text) {
        auto file = example_values();
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
