// Roles in reference values: which register is judged, by whatever name, is the relying party's word.
#include <gmock/gmock.h>

#include "mr/self_measurement.h"
#include "tests/attestation/machine.h"

namespace mr {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Json = nlohmann::ordered_json;

class RolesTest : public MachineTest {
protected:
    void refer_to(Json members) {
        Json file{{"format", "mrd-reference-values"}, {"version", 1}};
        file.update(members);
        auto parsed = parse_reference_values(file.dump());
        ASSERT_TRUE(parsed) << parsed.error().message << file;
        options.reference = std::move(*parsed);
    }
    Verdict judged(const Json &members) {
        refer_to(members);
        return verify(evidence(), options);
    }
    static Json configuration(const std::string &reg) {
        return {{"name", "the configuration"}, {"register", reg}, {"text", "configuration"}};
    }
};

// Members of reference values that name a register, with NAME in its place. Some hold, some do not.
std::vector<Json> that_name(const std::string &name, const TestPlatform &platform) {
    const auto value = to_hex(platform.body.rtmr.at(3));
    const Json kernel{{"name", "the kernel"}, {"description", "kernel"}};
    const Json settings{{"name", "the configuration"}, {"text", "configuration"}};
    const auto rule = [&name](Json of) {
        of["register"] = name;
        return of;
    };
    return {
        {{"registers", {{name, {value}}}}},
        {{"registers", {{name, {to_hex(Bytes(48, 1))}}}}},
        {{"requiredEvents", {rule(kernel), rule(settings)}}},
        {{"requiredEvents", {rule({{"name", "the firmware"}, {"text", "firmware"}})}}},
        {{"forbiddenEvents", {rule(settings)}}},
        {{"forbiddenEvents", {rule({{"name", "the firmware"}, {"text", "firmware"}})}}},
        {{"closedRegisters", {{{"register", name}, {"events", {kernel, settings}}}}}},
        {{"closedRegisters", {{{"register", name}, {"after", kernel}, {"events", {settings}}}}}},
        {{"closedRegisters", {{{"register", name}, {"events", {settings}}}}}},
        {{"logOnlyRegisters", {name}}, {"requiredEvents", {rule(kernel)}}},
        {{"uncoveredRegisters", {name}}},
        {{"acceptedGaps", {{{"register", name}, {"found", value}}}}},
        {{"alternatives", {{{"name", "one"}, {"sets", {{{"name", "a"}, {"requiredEvents", {rule(kernel)}}}}}}}}},
    };
}

TEST_F(RolesTest, WhereverARegisterIsNamedARoleIsItsName) {
    shared.insert("tdx/rtmr3");
    const auto by_name = that_name("rtmr3", platform);
    const auto by_role = that_name("app", platform);
    for (std::size_t i = 0; i < by_name.size(); ++i) {
        const auto expected = judged(by_name[i]);
        auto members = by_role[i];
        members["roles"] = {{"app", {"tdx/rtmr3"}}, {"boot", {"rtmr2"}}};
        const auto found = judged(members);
        for (const auto &statement : expected.statements()) {
            const auto *same = found.find(statement.name);
            ASSERT_NE(same, nullptr) << statement.name;
            EXPECT_EQ(same->result, statement.result) << statement.name << ": " << statement.reason << "\n"
                                                      << same->reason << "\n"
                                                      << members;
            EXPECT_EQ(same->required, statement.required) << statement.name << members;
        }
        EXPECT_EQ(reason_of(found, roles), "app is rtmr3, boot is rtmr2");
        EXPECT_EQ(found.statements().size(), expected.statements().size() + 1);
    }
}

TEST_F(RolesTest, MeanTheFirstOfTheirRegistersThatIsInTheEvidence) {
    const auto with = [this](const Json &names) {
        return judged({{"roles", {{"config", names}}}, {"requiredEvents", {configuration("config")}}});
    };
    EXPECT_EQ(result_of(with({"tpm/pcr14", "tdx/rtmr3", "rtmr0"}), required_events), Judgement::holds);
    const auto other = with({"rtmr0", "rtmr3"});
    EXPECT_EQ(result_of(other, required_events), Judgement::fails) << "not whichever of them has it";
    EXPECT_EQ(reason_of(other, roles), "config is rtmr0");
    const auto none = with({"tpm/pcr14"});
    EXPECT_EQ(result_of(none, required_events), Judgement::fails);
    EXPECT_THAT(reason_of(none, required_events), HasSubstr("the role config is tpm/pcr14, of which none is in a quote"));
    EXPECT_EQ(result_of(none, roles), Judgement::not_judged);
    EXPECT_EQ(reason_of(none, roles), "config is no register that a quote signs");
}

TEST_F(RolesTest, AreNeverWhatTheEvidenceCallsSo) {
    refer_to({{"requiredEvents", {configuration("config")}}});
    EXPECT_EQ(result_of(verify(evidence(), options), required_events), Judgement::fails);
    // As a machine would have to write it to be believed: the register itself is called by the role.
    for (auto &event : events) {
        if (event.name == "tdx/rtmr3") event.name = "tdx/config";
    }
    auto claimed = evidence();
    for (auto &reg : claimed.registers) {
        if (reg.name == "tdx/rtmr3") reg.name = "tdx/config";
    }
    refer_to({{"requiredEvents", {configuration("config")}}});
    EXPECT_NE(result_of(verify(claimed, options), required_events), Judgement::holds);
    refer_to({{"roles", {{"config", {"rtmr0"}}}}, {"requiredEvents", {configuration("config")}}});
    EXPECT_NE(result_of(verify(claimed, options), required_events), Judgement::holds);
}

TEST_F(RolesTest, ThatMrdHasMeasuredGoBeforeTheReferenceValuesOwnAndTakeNoRegistersName) {
    const auto digest = [](char digit) { return "sha384:" + std::string(96, digit); };
    const Json said{{"binary", digest('1')},
                    {"configuration", digest('2')},
                    {"access", digest('3')},
                    {"options", Json::array()},
                    {"roles", {{"rtmr0", "tdx/rtmr3"}, {"app", "tdx/rtmr2"}, {"config", "none"}}}};
    add(enveloped("tdx/rtmr3", Envelope{.header = {.type = std::string(self_envelope_type), .register_name = "tdx/rtmr3"},
                                        .body = {.description = "mrd", .data = bytes_of(said.dump())}}));
    Json members{{"roles", {{"app", {"rtmr3"}}, {"boot", {"rtmr3"}}, {"config", {"rtmr3"}}}},
                 {"selfMeasurement", {{"register", "rtmr3"}, {"binary", {digest('1')}}, {"configuration", {digest('2')}}}},
                 {"requiredEvents", {{{"name", "the firmware"}, {"register", "rtmr0"}, {"text", "firmware"}}, configuration("boot")}}};
    EXPECT_EQ(reason_of(judged(members), roles), "app is rtmr3, boot is rtmr3, config is rtmr3") << "nobody has accepted them";
    members["measuredRoles"] = "accept";
    const auto found = judged(members);
    EXPECT_EQ(reason_of(found, roles), "app is rtmr2, boot is rtmr3");
    EXPECT_EQ(result_of(found, self_measurement), Judgement::holds) << reason_of(found, self_measurement);
    EXPECT_EQ(result_of(found, required_events), Judgement::holds) << reason_of(found, required_events);
    // A quote and a log by themselves are judged alike.
    const auto made = evidence();
    const std::vector<ByteView> logs{made.log};
    EXPECT_EQ(reason_of(verify(made.parts.front().quote, logs, options), roles), "app is rtmr2, boot is rtmr3");
}

TEST(ReferenceRoles, ThatAreMeasuredNeedARuleForWhoMeasuredThem) {
    const auto parsed = parse_reference_values(R"({"format":"mrd-reference-values","version":1,"measuredRoles":"accept"})");
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error().message, HasSubstr("measuredRoles: selfMeasurement has to say whose word they are"));
    EXPECT_TRUE(parse_reference_values(R"({"format":"mrd-reference-values","version":1,"measuredRoles":"refuse"})"));
}

TEST(ReferenceRoles, ThatMeanNothingAreRefusedByName) {
    const auto error_of = [](const std::string &roles) {
        const auto parsed = parse_reference_values(R"({"format":"mrd-reference-values","version":1,"roles":)" + roles + "}");
        return parsed ? "" : parsed.error().message;
    };
    EXPECT_THAT(error_of(R"({"app":["tdx/rtmr3","tpm/pcr14"],"boot":["rtmr2"]})"), IsEmpty());
    EXPECT_THAT(error_of("[]"), HasSubstr("an object of arrays of names"));
    EXPECT_THAT(error_of(R"({"app":"rtmr3"})"), HasSubstr("an object of arrays of names"));
    EXPECT_THAT(error_of(R"({"app":[]})"), AllOf(HasSubstr("\"app\""), HasSubstr("1 to 16 registers")));
    EXPECT_THAT(error_of(R"({"app":["a/b/c"]})"), HasSubstr("\"a/b/c\" is no name of a register"));
    EXPECT_THAT(error_of(R"({"tdx/app":["rtmr3"]})"), HasSubstr("no name of a role"));
    EXPECT_THAT(error_of(R"({"":["rtmr3"]})"), HasSubstr("no name of a role"));
    EXPECT_THAT(error_of(R"({"app":["config"],"config":["rtmr3"]})"), HasSubstr("\"config\" is a role too"));
    EXPECT_THAT(error_of(R"({"app":["rtmr3"],"app":["rtmr2"]})"), HasSubstr("roles"));
    // A rule for rtmr2 would be one for rtmr3.
    for (const auto *name : {"rtmr2", "mrtd", "mr_td", "rem0", "rpv", "measurement", "host_data", "fw2", "svn16", "type11-254"})
        EXPECT_THAT(error_of(R"({")" + std::string(name) + R"(":["tdx/rtmr3"]})"), HasSubstr("is a register of the kind")) << name;
    for (const auto *name : {"rtmr", "rtmr4", "fw", "fw0", "fw256", "fw02", "7", "measurements"})
        EXPECT_THAT(error_of(R"({")" + std::string(name) + R"(":["tdx/rtmr3"]})"), IsEmpty()) << name;
    Json many;
    for (std::size_t i = 0; i <= max_reference_roles; ++i) many["a" + std::to_string(i)] = {"rtmr3"};
    EXPECT_THAT(error_of(many.dump()), HasSubstr("more than 64"));
}

}  // namespace
}  // namespace mr
