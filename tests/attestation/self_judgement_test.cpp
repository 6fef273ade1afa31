// What mrd says of itself, held against reference values: what is allowed, and each change that is not.
#include <gmock/gmock.h>

#include "mr/self_measurement.h"
#include "tests/attestation/policy_test.h"

namespace mr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Json = nlohmann::ordered_json;

std::string digest_text(std::uint8_t byte) { return "sha384:" + to_hex(Bytes(48, byte)); }

class SelfJudgementTest : public MachineTest {
protected:
    void say(const std::string &text, const std::string &reg = "tdx/rtmr3") {
        add(enveloped(reg, Envelope{.header = {.type = std::string(self_envelope_type), .register_name = reg},
                                    .body = {.description = "mrd", .data = bytes_of(text)}}));
    }
    void say_object(const Json &said) { say(said.dump()); }
    Verdict judged(const Json &rule) {
        const Json file{{"format", "mrd-reference-values"}, {"version", 1}, {"selfMeasurement", rule}};
        auto parsed = parse_reference_values(file.dump());
        EXPECT_TRUE(parsed) << parsed.error().message;
        options.reference = std::move(*parsed);
        return verify(evidence(), options);
    }
    void expect_fails(const std::string &why, const Json &rule) {
        const auto verdict = judged(rule);
        EXPECT_EQ(result_of(verdict, self_measurement), Judgement::fails) << why;
        EXPECT_THAT(reason_of(verdict, self_measurement), HasSubstr(why));
    }
    void expect_fails(const std::string &why) { expect_fails(why, rule_); }

    Json said_ = {{"binary", digest_text(1)}, {"configuration", digest_text(2)}, {"access", digest_text(3)}, {"options", Json::array()}};
    Json rule_ = {
        {"register", "rtmr3"}, {"binary", {digest_text(9), to_hex(Bytes(48, 1))}}, {"configuration", {digest_text(2), digest_text(4)}}};
};

TEST_F(SelfJudgementTest, WhatIsAllowedHoldsAndSaysWhatItIsWorth) {
    expect_fails("mrd has not measured itself into rtmr3");
    say_object(said_);
    const auto verdict = judged(rule_);
    EXPECT_EQ(result_of(verdict, self_measurement), Judgement::holds) << reason_of(verdict, self_measurement);
    EXPECT_THAT(reason_of(verdict, self_measurement), AllOf(HasSubstr("event 4 of rtmr3"), HasSubstr("can state it too")));
    said_["reloaded"] = digest_text(4);
    say_object(said_);
    EXPECT_EQ(result_of(judged(rule_), self_measurement), Judgement::holds) << "and each that comes later";
    expect_fails("rtmr9 is in no quote", [this] {
        auto rule = rule_;
        rule["register"] = "rtmr9";
        return rule;
    }());
}

TEST_F(SelfJudgementTest, EachMemberThatIsNotAllowedFailsThoughAnotherEventIs) {
    const auto kept = std::pair(events, platform.body.rtmr);
    for (const auto &[member, value, why] : std::vector<std::tuple<std::string, Json, std::string>>{
             {"binary", digest_text(7), "the binary is " + digest_text(7)},
             {"configuration", digest_text(7), "the configuration is " + digest_text(7)},
             {"configuration", nullptr, "the configuration is none"},
             {"reloaded", digest_text(7), "the configuration that was reloaded is " + digest_text(7)},
             {"options", {"--sim"}, "the options are --sim"},
             {"more", "x", "cannot be read"}}) {
        std::tie(events, platform.body.rtmr) = kept;
        say_object(said_);
        auto changed = said_;
        changed[member] = value;
        if (value.is_null()) changed.erase(member);
        say_object(changed);
        expect_fails(why);
    }
    std::tie(events, platform.body.rtmr) = kept;
    say("no JSON");
    expect_fails("is no JSON");
    std::tie(events, platform.body.rtmr) = kept;
    say_object(said_);
    auto rule = rule_;
    rule["access"] = {digest_text(7)};
    expect_fails("the access rules are " + digest_text(3), rule);
    rule["access"] = {digest_text(3)};
    rule["options"] = {{"--sim"}};
    expect_fails("there are no options", rule);
}

TEST_F(SelfJudgementTest, NothingElseIsOne) {
    add(enveloped("tdx/rtmr3", {.description = "mrd", .data = bytes_of(said_.dump())}));
    expect_fails("mrd has not measured itself");
    add(measured("tdx/rtmr3", said_.dump()));
    expect_fails("mrd has not measured itself");
    say(said_.dump(), "tdx/rtmr2");
    expect_fails("mrd has not measured itself");
    say_object(said_);
    EXPECT_EQ(result_of(judged(rule_), self_measurement), Judgement::holds);
}

// Whoever carries the log may leave out what it has of an event, for its digest alone is what the register holds.
TEST_F(SelfJudgementTest, AnEventThatTheLogSaysNothingOfMayBeOne) {
    const auto expect_not_judged = [this](const std::string &why) {
        const auto verdict = judged(rule_);
        EXPECT_EQ(result_of(verdict, self_measurement), Judgement::not_judged) << reason_of(verdict, self_measurement);
        EXPECT_THAT(reason_of(verdict, self_measurement), HasSubstr(why));
        EXPECT_THAT(refusing(verdict), ::testing::Contains(std::string(self_measurement)));
    };
    say_object(said_);
    auto other = said_;
    other["binary"] = digest_text(7);
    say_object(other);
    const auto whole = events;
    const auto left_out = [&whole](std::size_t event) {
        auto changed = whole;
        changed[event].data.reset();
        return changed;
    };
    events = left_out(4);
    expect_not_judged("event 5 of rtmr3");
    events[4].origin = EventOrigin::firmware;
    EXPECT_THAT(refusing(judged(rule_)), ::testing::Contains(std::string(self_measurement))) << "whatever it is called";
    events = whole;
    events[4].data = bytes_of("another");
    expect_not_judged("event 5 of rtmr3");
    events = left_out(4);
    events[4].data = redact_envelope(*whole[4].data, std::array{HashAlgorithm::sha384}).value();
    expect_fails("the log does not have what it says");

    // Of a plain event and of another envelope too; where it is told that they are none, they matter to nobody.
    events = {whole.begin(), whole.end()};
    events.pop_back();
    platform.body.rtmr = {};
    const auto kept = std::exchange(events, {});
    for (auto event : kept) add(std::move(event));
    EXPECT_EQ(result_of(judged(rule_), self_measurement), Judgement::holds);
    for (const std::size_t event : {1U, 2U}) {
        const auto data = std::exchange(events[event].data, std::nullopt);
        expect_not_judged("event " + std::to_string(event + 1) + " of rtmr3");
        events[event].data = data;
    }
    events[1].data = redact_envelope(*events[1].data, std::array{HashAlgorithm::sha384}).value();
    EXPECT_EQ(result_of(judged(rule_), self_measurement), Judgement::holds) << "its header says whose it is";
    add(enveloped("tdx/rtmr3", extending(1, "of a virtual register", "any")));
    EXPECT_EQ(result_of(judged(rule_), self_measurement), Judgement::holds);
    // In another register.
    events[0].data.reset();
    EXPECT_EQ(result_of(judged(rule_), self_measurement), Judgement::holds);
}

TEST_F(SelfJudgementTest, NothingButAnEnvelopeIsTakenWhereTheReferenceValuesSaySo) {
    const auto refused = [this](std::string_view name) {
        const auto parsed = parse_reference_values(R"({"format":"mrd-reference-values","version":1,"logOnlyRegisters":["rtmr3"]})");
        options.reference = parsed.value();
        const auto verdict = verify(evidence(), options);
        EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr(name)) << refusing(verdict).size();
        return refusing(verdict);
    };
    const std::vector<std::string> contradicted{std::string(log_well_formed)};
    EXPECT_EQ(refused("event 3 of rtmr3 is no envelope"), contradicted);
    platform.body.rtmr = {};
    auto kept = std::exchange(events, {});
    kept.pop_back();
    for (auto event : kept) add(std::move(event));
    say_object(said_);
    add(enveloped("tdx/rtmr3", creating(1, "virtual/build")));
    EXPECT_THAT(refused("4 events"), ::testing::IsEmpty());
    const auto whole = events;
    for (const std::size_t event : {1U, 2U, 3U}) {
        events = whole;
        events[event].data = redact_envelope(*events[event].data, std::array{HashAlgorithm::sha384}).value();
        EXPECT_THAT(refused("4 events"), ::testing::IsEmpty());
        events[event].data.reset();
        EXPECT_EQ(refused("event " + std::to_string(event + 1) + " of rtmr3 is no envelope"), contradicted);
    }
}

TEST(ReferenceSelfMeasurement, ThatAllowsNothingOrMeansNothingIsRefused) {
    const auto error_of = [](const std::string &rule) {
        const auto parsed = parse_reference_values(R"({"format":"mrd-reference-values","version":1,"selfMeasurement":)" + rule + "}");
        return parsed ? "" : parsed.error().message;
    };
    const auto digest = "\"" + digest_text(1) + "\"";
    EXPECT_EQ(error_of(R"({"register":"config","binary":[)" + digest + R"(],"configuration":["none"]})"), "");
    EXPECT_THAT(error_of("[]"), HasSubstr("is not an object"));
    EXPECT_THAT(error_of(R"({"register":"config","binary":[)" + digest + "]}"), HasSubstr("configuration is not so"));
    EXPECT_THAT(error_of(R"({"register":"config","binary":[],"configuration":["none"]})"), HasSubstr("is empty"));
    EXPECT_THAT(error_of(R"({"register":"config","binary":["none"],"configuration":["none"]})"), HasSubstr("SHA-384"));
    EXPECT_THAT(error_of(R"({"register":"config","binary":["sha256:)" + std::string(64, '0') + R"("],"configuration":["none"]})"),
                HasSubstr("SHA-384"));
    EXPECT_THAT(error_of(R"({"register":"a/b/c","binary":[)" + digest + R"(],"configuration":["none"]})"),
                HasSubstr("no name of a register"));
    EXPECT_THAT(error_of(R"({"register":"config","binary":[)" + digest + R"(],"configuration":["none"],"more":1})"),
                HasSubstr("more is not so"));
}

}  // namespace
}  // namespace mr
