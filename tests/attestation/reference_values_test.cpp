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
            {"maximumAgeSeconds", 300},
            {"registers", {{"mr_td", {value_a, value_b}}, {"tdx/rtmr0", {value_b}}, {"mrowner", {value_a}}}},
            {"requiredEvents", {{{"name", "kernel"}, {"register", "rtmr1"}, {"digest", value_a}}}},
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
    EXPECT_EQ(values->maximum_age_seconds, 300);
    EXPECT_EQ(values->registers.at("mrtd").size(), 2U);
    EXPECT_EQ(values->registers.at("rtmr0").size(), 1U);
    EXPECT_EQ(values->required_events.front().name, "kernel");
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

// ---- Which events a rule means

class Rules : public testing::Test {
protected:
    // As mrd logs them: the digest is the hash of the data.
    Event measured(std::string_view name, const Bytes &data, std::uint32_t type = ev_ipl) {
        data_ = data;
        digest_ = *hash(HashAlgorithm::sha384, data_);
        return event(name, type);
    }
    // And in an envelope.
    Event enveloped(EnvelopeBody body) {
        const Envelope envelope{.header = {.type = "measure", .register_name = "tdx/rtmr3"}, .body = std::move(body)};
        data_ = encode_envelope(envelope);
        digest_ = *envelope_digest(envelope, HashAlgorithm::sha384);
        return event("tdx/rtmr3", ev_event_tag);
    }
    Event event(std::string_view name, std::uint32_t type) {
        Event event;
        event.index = *tcg_index(name);
        event.name = name;
        event.type = type;
        event.digests = {{tcg_id(HashAlgorithm::sha384), digest_.bytes()}};
        event.data = data_;
        return event;
    }

    static Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }
    static EventRule with_data(std::string_view text) {
        return {.name = "rule", .data = bytes(text), .hash_of_data = *hash(HashAlgorithm::sha384, as_bytes(text))};
    }

    Bytes data_;
    Digest digest_;
};

TEST_F(Rules, ADigestMeansTheEventThatExtendedByIt) {
    const auto shown = measured("tdx/rtmr3", bytes("one"));
    const EventRule rule{.name = "rule", .digest = digest_};
    EXPECT_TRUE(rule.matches(shown));
    EXPECT_FALSE(EventRule({.name = "rule", .digest = Digest(Bytes(48, 1))}).matches(shown));
}

TEST_F(Rules, ARegisterIsPartOfIt) {
    const auto shown = measured("tdx/rtmr3", bytes("one"));
    EXPECT_TRUE(EventRule({.name = "rule", .register_name = "rtmr3", .digest = digest_}).matches(shown));
    EXPECT_FALSE(EventRule({.name = "rule", .register_name = "rtmr2", .digest = digest_}).matches(shown));
}

TEST_F(Rules, DataCountsOnlyWhereTheDigestBindsIt) {
    auto shown = measured("tdx/rtmr3", bytes("one"));
    EXPECT_TRUE(with_data("one").matches(shown));
    // The log says "two", but "one" was extended.
    const auto lie = bytes("two");
    shown.data = lie;
    EXPECT_FALSE(with_data("two").matches(shown));
    // And leaving it out hides nothing.
    EXPECT_TRUE(with_data("one").matches(shown));
    shown.data.reset();
    EXPECT_TRUE(with_data("one").matches(shown));
}

TEST_F(Rules, WhatIsNotMeasuredMatchesNothing) {
    const auto shown = measured("tdx/rtmr3", bytes("one"), ev_no_action);
    EXPECT_FALSE(with_data("one").matches(shown));
}

TEST_F(Rules, AnEnvelopesWordsAreBound) {
    const auto shown = enveloped({.description = "kernel", .data = bytes("image")});
    EXPECT_TRUE(EventRule({.name = "rule", .description = "kernel"}).matches(shown));
    EXPECT_FALSE(EventRule({.name = "rule", .description = "initrd"}).matches(shown));
    EXPECT_TRUE(with_data("image").matches(shown));
    EXPECT_TRUE(EventRule({.name = "rule", .data_digest = *hash(HashAlgorithm::sha384, as_bytes("image"))}).matches(shown));
    EXPECT_FALSE(EventRule({.name = "rule", .data_digest = *hash(HashAlgorithm::sha384, as_bytes("other"))}).matches(shown));
    // All that a rule says has to match.
    auto both = with_data("image");
    both.description = "initrd";
    EXPECT_FALSE(both.matches(shown));
}

// Leaving the content out of the log, and its digest in, hides nothing.
TEST_F(Rules, ContentThatItsDigestStandsForInAnEnvelopeIsThatContent) {
    const auto shown =
        enveloped({.description = "kernel", .digest = ContentDigest{.value = *hash(HashAlgorithm::sha384, as_bytes("image"))}});
    EXPECT_TRUE(with_data("image").matches(shown));
    EXPECT_FALSE(with_data("other").matches(shown));
}

TEST_F(Rules, AnEnvelopeThatWasNotExtendedSaysNothing) {
    auto shown = enveloped({.description = "kernel"});
    const auto lie = encode_envelope({.header = {.type = "measure", .register_name = "tdx/rtmr3"}, .body = {.description = "initrd"}});
    shown.data = lie;
    EXPECT_FALSE(EventRule({.name = "rule", .description = "initrd"}).matches(shown));
    // A file whose content is an envelope.
    EXPECT_FALSE(EventRule({.name = "rule", .description = "initrd"}).matches(measured("tdx/rtmr3", lie, ev_event_tag)));
}

TEST_F(Rules, ADescriptionOutsideAnEnvelopeIsAClaim) {
    auto shown = measured("tdx/rtmr3", bytes("one"));
    shown.description = "kernel";
    EXPECT_FALSE(EventRule({.name = "rule", .description = "kernel"}).matches(shown));
}

}  // namespace
}  // namespace mr
