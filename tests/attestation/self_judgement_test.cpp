// What mrd says of itself, held against reference values: what is allowed, and each change that is not.
#include <gmock/gmock.h>

#include "mr/self_measurement.h"
#include "tests/attestation/machine.h"

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
