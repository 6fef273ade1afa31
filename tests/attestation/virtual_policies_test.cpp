// Policies about virtual registers: logs that satisfy them, and logs that nearly do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/attestation/policy_test.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char *build = "virtual/build";

json image() { return {{"name", "the image"}, {"description", "image"}, {"text", "image 7"}}; }
json described_settings() { return {{"name", "the settings"}, {"description", "settings"}, {"optional", true}}; }
json of_build(json rule) {
    rule["register"] = build;
    return rule;
}
json on_log_only(const std::string &member, const json &value) { return {{"logOnlyRegisters", {"rtmr3"}}, {member, value}}; }

// What it holds by its create and that event.
std::string value_of_build() {
    auto value = Digest::zero(HashAlgorithm::sha256);
    for (const auto &envelope : {creating(1, build), extending(1, "image", "image 7")})
        value = extend(HashAlgorithm::sha256, value.bytes(), envelope_digest(envelope, HashAlgorithm::sha256)->bytes()).value();
    return to_hex(value.bytes());
}

std::vector<Policy> virtual_policies() {
    const auto required = on_log_only("requiredEvents", json::array({of_build(image())}));
    const auto forbidden = on_log_only("forbiddenEvents", json::array({of_build({{"name", "a shell"}, {"text", "shell"}})}));
    const auto closed = on_log_only("closedRegisters", {{{"register", build}, {"events", {image(), described_settings()}}}});
    const auto behind = on_log_only("closedRegisters", {{{"register", build},
                                                         {"order", "any"},
                                                         {"after", {{"name", "the loader"}, {"text", "loader"}}},
                                                         {"events", {described_settings(), image()}}}});
    const auto held =
        on_log_only("virtualRegisters", {{{"name", build}, {"owner", 1000}, {"values", {std::string(64, '1'), value_of_build()}}}});
    const auto either = on_log_only(
        "alternatives", {{{"name", "the build"},
                          {"sets",
                           {{{"name", "six"}, {"requiredEvents", json::array({of_build({{"name", "image 6"}, {"text", "image 6"}})})}},
                            {{"name", "seven"}, {"closedRegisters", {{{"register", build}, {"events", json::array({image()})}}}}}}}}});
    return {
        {"an event of a virtual register",
         required,
         "required_events",
         {{"it", [](auto &log) { log.create(1, build).carried(1, "image", "image 7"); }},
          {"among others'",
           [](auto &log) {
               log.envelope("rtmr3", "any", "any").create(2, "virtual/other").hide().create(1, build).carried(2, "any", "any").hide();
               log.carried(1, "image", "image 7").envelope("rtmr3", "any", "any").carried(1, "more", "more").close(2);
           }},
          {"beside one that is hidden",
           [](auto &log) { log.create(1, build).carried(1, "any", "any").hide().carried(1, "image", "image 7"); }},
          {"in the one that has the name now",
           [](auto &log) { log.create(1, build).close(1).create(2, build).carried(2, "image", "image 7"); }}},
         {{"one of what carries it", [](auto &log) { log.create(1, build).envelope("rtmr3", "image", "image 7"); },
           "expected was description \"image\" and data \"image 7\""},
          {"another's", [](auto &log) { log.create(1, build).create(2, "virtual/other").carried(2, "image", "image 7"); }, "expected was"},
          {"another content", [](auto &log) { log.create(1, build).carried(1, "image", "image 8"); },
           "event 2 of virtual/build is an envelope \"image\" with \"image 8\"; expected was"},
          {"hidden", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").hide(); }, "event 2 of virtual/build may be it"},
          {"in the one that had the name before",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").close(1).create(2, build).carried(2, "any", "any"); },
           "event 5 of virtual/build is an envelope \"any\" with \"any\", the first that no rule asks for"},
          {"in one that was closed", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").close(1); },
           "it was closed by event 3"},
          {"in one whose close is hidden", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").close(1).hide(); },
           "it was closed by event 3"},
          {"in one whose create is hidden", [](auto &log) { log.create(1, build).hide().carried(1, "image", "image 7"); },
           "no event that can be read creates it"},
          {"in one of another name", [](auto &log) { log.create(1, "virtual/Build").carried(1, "image", "image 7"); },
           "no event that can be read creates it"},
          {"in one of two", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").create(2, build); },
           "two registers that are not closed have that name"},
          {"on a register that may take bare digests", [](auto &log) { log.create(1, build, 1000, "rtmr2"); }, "logOnlyRegisters"},
          {"a bare digest behind its create",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").text("rtmr3", "any"); },
           "rtmr3 has no envelope at event 3",
           {"log_well_formed"}},
          {"a gap behind its create",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").gap("rtmr3", filled(0x5A)); },
           "rtmr3 has a gap at event 3",
           {"history_complete"}},
          {"behind its close", [](auto &log) { log.create(1, build).close(1).carried(1, "image", "image 7"); },
           "event 3 is of a virtual register that is closed"}}},

        {"no such event of a virtual register",
         forbidden,
         "forbidden_events",
         {{"another event", [](auto &log) { log.create(1, build).carried(1, "image", "image 7"); }},
          {"none", [](auto &log) { log.create(1, build); }},
          {"one of what carries it", [](auto &log) { log.create(1, build).envelope("rtmr3", "any", "shell").text("rtmr2", "shell"); }},
          {"another's, hidden or not",
           [](auto &log) {
               log.create(1, build).create(2, "virtual/other").carried(2, "any", "shell").create(3, "virtual/third").hide();
               log.carried(3, "any", "shell").hide();
           }},
          {"in the one that had the name before",
           [](auto &log) { log.create(1, build).carried(1, "any", "shell").close(1).create(2, build).carried(2, "any", "any"); }}},
         {{"it", [](auto &log) { log.create(1, build).carried(1, "any", "shell"); },
           "a shell (event 2 of virtual/build is an envelope \"any\" with \"shell\")"},
          {"hidden",
           [](auto &log) { log.create(1, build).carried(1, "any", "shell").hide(); },
           "may be: a shell (event 2 of virtual/build is a redacted envelope)",
           {},
           Judgement::not_judged},
          {"one whose create is hidden",
           [](auto &log) { log.create(1, build).hide().carried(1, "any", "any"); },
           "virtual/build (no event that can be read creates it): the log does not tell",
           {},
           Judgement::not_judged},
          {"one that was closed",
           [](auto &log) { log.create(1, build).carried(1, "any", "any").close(1); },
           "another may have its name since",
           {},
           Judgement::not_judged},
          {"a bare digest",
           [](auto &log) { log.create(1, build).text("rtmr3", "any"); },
           "no envelope",
           {"log_well_formed"},
           Judgement::not_judged},
          {"a gap",
           [](auto &log) { log.create(1, build).gap("rtmr3", filled(0x5A)); },
           "a gap",
           {"history_complete"},
           Judgement::not_judged},
          {"none", [](auto &log) { log.text("rtmr2", "any"); }, "no event that can be read creates it", {}, Judgement::not_judged}}},

        {"a closed virtual register",
         closed,
         "closed_registers",
         {{"what is listed", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").carried(1, "settings", "any"); }},
          {"among others'",
           [](auto &log) {
               log.envelope("rtmr3", "any", "any")
                   .create(2, "virtual/other")
                   .create(1, build)
                   .carried(2, "any", "any")
                   .carried(1, "image", "image 7");
               log.envelope("rtmr3", "any", "any").close(2).hide();
           }},
          {"made anew",
           [](auto &log) { log.create(1, build).carried(1, "any", "any").close(1).create(2, build).carried(2, "image", "image 7"); }}},
         {{"one more", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").carried(1, "any", "shell"); },
           "event 3 of virtual/build is an envelope \"any\" with \"shell\"; expected was the settings"},
          {"in another order", [](auto &log) { log.create(1, build).carried(1, "settings", "any").carried(1, "image", "image 7"); },
           "out of its order"},
          {"one too few", [](auto &log) { log.create(1, build).envelope("rtmr3", "image", "image 7"); },
           "it has no event; expected was the image"},
          {"one that is hidden",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").carried(1, "settings", "any").hide(); },
           "event 3 of virtual/build is a redacted envelope, so that nobody can tell",
           {},
           Judgement::not_judged},
          {"those of the one that had the name before",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").close(1).create(2, build); },
           "it has no event; expected was the image"},
          {"a bare digest",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").text("rtmr3", "any"); },
           "rtmr3 has no envelope at event 3",
           {"log_well_formed"},
           Judgement::not_judged},
          {"one that was closed",
           [](auto &log) { log.create(1, build).carried(1, "image", "image 7").close(1); },
           "another may have its name since",
           {},
           Judgement::not_judged}}},

        {"a virtual register that is closed behind an event",
         behind,
         "closed_registers",
         {{"in any order",
           [](auto &log) {
               log.create(1, build)
                   .carried(1, "any", "any")
                   .carried(1, "any", "loader")
                   .carried(1, "image", "image 7")
                   .carried(1, "settings", "x");
           }}},
         {{"one more",
           [](auto &log) { log.create(1, build).carried(1, "any", "loader").carried(1, "image", "image 7").carried(1, "any", "any"); },
           "event 4 of virtual/build"},
          {"no such event", [](auto &log) { log.create(1, build).envelope("rtmr3", "any", "loader").carried(1, "image", "image 7"); },
           "no event is what it is closed after"},
          {"a hidden one before",
           [](auto &log) {
               log.create(1, build).carried(1, "any", "any").hide().carried(1, "any", "loader").carried(1, "image", "image 7");
           },
           "may be the loader already",
           {},
           Judgement::not_judged}}},

        {"whose a virtual register is and what it holds",
         held,
         "virtual_registers",
         {{"that", [](auto &log) { log.create(1, build).carried(1, "image", "image 7"); }},
          {"among others'",
           [](auto &log) {
               log.create(1, build).carried(1, "image", "image 7").create(2, "virtual/other").hide().carried(2, "any", "any").hide();
           }}},
         {{"another uid's", [](auto &log) { log.create(1, build, 1001).carried(1, "image", "image 7"); },
           "virtual/build: it is one of uid 1001, expected was one of uid 1000"},
          {"one more", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").carried(1, "any", "any"); }, "it holds "},
          {"another content", [](auto &log) { log.create(1, build).carried(1, "image", "image 8"); },
           ", expected was " + std::string(64, '1') + " or one of 1 more"},
          {"one that is hidden", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").hide(); },
           "1 of its events are hidden"},
          {"another name's", [](auto &log) { log.create(1, "virtual/other").carried(1, "image", "image 7"); },
           "no event that can be read"}}},

        {"one of several sets about a virtual register",
         either,
         "alternatives",
         {{"the first", [](auto &log) { log.create(1, build).carried(1, "image", "image 6").carried(1, "any", "any"); }},
          {"the second", [](auto &log) { log.create(1, build).carried(1, "image", "image 7"); }}},
         {{"more than the second", [](auto &log) { log.create(1, build).carried(1, "image", "image 7").carried(1, "any", "any"); },
           "seven (not what is listed: virtual/build"},
          {"the first's on what carries it", [](auto &log) { log.create(1, build).envelope("rtmr3", "image", "image 6"); }, "no set holds"},
          {"none", [](auto &log) { log.text("rtmr3", "image 6"); }, "no set holds", {"log_well_formed"}, Judgement::not_judged}}},
    };
}

using VirtualPolicyTest = PolicyTest;

TEST_F(VirtualPolicyTest, HoldsOfLogsThatSatisfyItAndOfNoneThatNearlyDoes) { expect_to_part(virtual_policies()); }

TEST_F(VirtualPolicyTest, RestsOnNoNumberThatALogGivesItsEvents) {
    for (const auto &policy : virtual_policies()) {
        for (const auto &log : policy.good) {
            (void)judge(policy.members, log.make);
            EXPECT_EQ(result_of(judge_unnumbered(), policy.statement), Judgement::holds) << policy.name << ", " << log.what;
        }
        for (const auto &log : policy.nearly) {
            (void)judge(policy.members, log.make);
            EXPECT_NE(result_of(judge_unnumbered(), policy.statement), Judgement::holds) << policy.name << ", " << log.what;
        }
    }
}

// Whatever data stands with a digest, and whatever type: what does not hold does not come to hold.
TEST_F(VirtualPolicyTest, RestsOnNothingThatALogCallsItsEvents) {
    for (const auto &policy : virtual_policies()) {
        for (const auto &log : policy.nearly) {
            (void)judge(policy.members, log.make);
            const auto honest = events;
            for (std::size_t i = 0; i < honest.size(); ++i) {
                std::vector<std::optional<Bytes>> shown{std::nullopt, Bytes{}};
                for (const auto &other : honest) shown.push_back(other.data);
                for (const auto &data : shown) {
                    events = honest;
                    events[i].data = data;
                    events[i].description = "image";
                    EXPECT_NE(result_of(verify(evidence(), options), policy.statement), Judgement::holds)
                        << policy.name << ", " << log.what << i;
                }
                events = honest;
                events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
                for (std::size_t number = 0; number < events.size(); ++number) events[number].sequence = number + 1;
                EXPECT_FALSE(verify(evidence(), options).verified()) << policy.name << ", " << log.what << " without " << i;
            }
        }
    }
}

TEST_F(VirtualPolicyTest, ARegisterOfNoNameInARuleIsOneThatAQuoteSigns) {
    const auto log = [](auto &made) { made.create(1, build).carried(1, "image", "image 7"); };
    EXPECT_EQ(result_of(judge(on_log_only("requiredEvents", json::array({image()})), log), required_events), Judgement::fails);
    const auto verdict = judge(on_log_only("requiredEvents", json::array({of_build(image())})), log);
    EXPECT_THAT(reason_of(verdict, required_events), HasSubstr("on an envelope in virtual/build, which takes nothing else: the image"));
    auto short_name = image();
    short_name["register"] = "build";
    EXPECT_THAT(reason_of(judge(on_log_only("requiredEvents", json::array({short_name})), log), required_events),
                HasSubstr("build is in no quote"));
}

TEST(ReferenceVirtualRegisters, ThatMeanNothingAreRefusedByName) {
    const auto error_of = [](const std::string &members) {
        const auto parsed = parse_reference_values(R"({"format":"mrd-reference-values","version":1,)" + members + "}");
        return parsed ? "" : parsed.error().message;
    };
    const auto of = [&](const std::string &element) { return error_of("\"virtualRegisters\":[" + element + "]"); };
    EXPECT_THAT(of(R"("virtual/build",{"name":"virtual/other"},{"name":"virtual/t-1._Z","owner":4294967295,"values":["00"]})"), IsEmpty());
    EXPECT_THAT(of("\"rtmr3\""), HasSubstr("\"rtmr3\" is no name of a virtual register, as \"virtual/build\""));
    EXPECT_THAT(of("\"virtual/\""), HasSubstr("no name of a virtual register"));
    EXPECT_THAT(of("\"virtual/" + std::string(65, 'a') + "\""), HasSubstr("no name of a virtual register"));
    EXPECT_THAT(of("\"virtual/a b\""), HasSubstr("no name of a virtual register"));
    EXPECT_THAT(of("7"), HasSubstr("each is a name, or an object"));
    EXPECT_THAT(of("{}"), HasSubstr("each is a name, or an object"));
    EXPECT_THAT(of(R"({"name":"virtual/a","more":1})"), HasSubstr("each is a name, or an object"));
    EXPECT_THAT(of(R"({"name":"virtual/a","owner":null})"), HasSubstr("owner is null"));
    EXPECT_THAT(of(R"({"name":"virtual/a","owner":-1})"), HasSubstr("\"virtual/a\": the owner is no uid"));
    EXPECT_THAT(of(R"({"name":"virtual/a","owner":4294967296})"), HasSubstr("the owner is no uid"));
    EXPECT_THAT(of(R"({"name":"virtual/a","values":[]})"), HasSubstr("\"virtual/a\": values is empty"));
    EXPECT_THAT(of(R"({"name":"virtual/a","values":["x"]})"), HasSubstr("a value of virtual/a is not"));
    EXPECT_THAT(of(R"("virtual/a",{"name":"virtual/a"})"), HasSubstr("virtual/a is given twice"));
    EXPECT_THAT(error_of(R"("virtualRegisters":"virtual/a")"), HasSubstr("an array of names"));
    EXPECT_THAT(error_of(R"("virtualRegisters":[],"virtualRegisters":[])"), HasSubstr("virtualRegisters is given twice"));
    std::string many;
    for (std::size_t i = 0; i <= max_reference_virtual_registers; ++i)
        many += (i == 0 ? "\"virtual/" : ",\"virtual/") + std::to_string(i) + "\"";
    EXPECT_THAT(of(many), HasSubstr("more than 256"));

    // What only a register can be that a quote signs.
    const std::string digest(96, '0');
    for (const auto &members : {std::string(R"("registers":{"virtual/a":["00"]})"), std::string(R"("logOnlyRegisters":["virtual/a"])"),
                                std::string(R"("uncoveredRegisters":["virtual/a"])"), std::string(R"("roles":{"app":["virtual/a"]})"),
                                std::string(R"("acceptedGaps":[{"register":"virtual/a","found":"00"}])"),
                                R"("selfMeasurement":{"register":"virtual/a","binary":[")" + digest + R"("],"configuration":["none"]})"})
        EXPECT_THAT(error_of(members), HasSubstr("\"virtual/a\" is a virtual register's name: no quote signs it")) << members;
    EXPECT_THAT(error_of(R"("parts":[{"name":"virtual","kind":"tdx"}])"), HasSubstr("virtual registers are called so"));
    EXPECT_THAT(error_of(R"("requiredEvents":[{"name":"it","register":"virtual/a b","text":"x"}])"),
                HasSubstr("the register is no name of one"));
    std::string rules;
    for (std::size_t i = 0; i <= max_reference_virtual_registers; ++i)
        rules += (i == 0 ? "" : ",") + std::string(R"({"name":"it","text":"x","register":"virtual/)") + std::to_string(i) + "\"}";
    EXPECT_THAT(error_of("\"requiredEvents\":[" + rules + "]"), HasSubstr("rules name more than 256 virtual registers"));
}

}  // namespace

std::vector<nlohmann::json> members_of_virtual_policies() { return members_of(virtual_policies()); }

}  // namespace mr
