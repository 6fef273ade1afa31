#include "mrd/providers/discovery.h"

#include <algorithm>

#include <gmock/gmock.h>

namespace mrd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const ProviderConfig automatic{.type = std::string(automatic_type), .name = std::string(automatic_type)};

Looked found(std::string type) { return {std::move(type), {.found = true, .clauses = {"/one is there", "/other is not there: load it"}}}; }
Looked missing(std::string type) { return {std::move(type), {.found = false, .clauses = {"/it is not there: mount it"}}}; }

std::vector<std::string> described(const std::vector<ProviderConfig> &providers) {
    std::vector<std::string> texts;
    for (const auto &provider : providers) texts.push_back(provider.type + " " + provider.name);
    return texts;
}

TEST(Discovery, OfAMachineIsEveryTypeThatItHasUnderItsUsualName) {
    const std::vector<Looked> looked{found("tsm"), missing("tpm")};
    const auto discovered = discover({automatic}, looked).value();
    EXPECT_THAT(described(discovered.providers), ElementsAre("tsm tdx"));
    EXPECT_EQ(discovered.told,
              "found a provider of the type tsm: /one is there; /other is not there: load it. nothing of the type tpm: /it is not there: "
              "mount it");
}

TEST(Discovery, WithNothingFoundIsAnErrorThatSaysWhatWasLookedForAndWhatToDo) {
    const std::vector<Looked> looked{missing("tsm"), missing("tpm")};
    EXPECT_EQ(
        discover({automatic}, looked).error(),
        "no usable back end: nothing of the type tsm: /it is not there: mount it. nothing of the type tpm: /it is not there: mount it. "
        "For a TDX module in software, whose values prove nothing, give --sim");
}

TEST(Discovery, TakesNoTypeThatIsConfiguredByItself) {
    const std::vector<Looked> looked{found("tsm"), found("other")};
    const ProviderConfig own{.type = "tsm", .name = "mine"};
    EXPECT_THAT(described(discover({automatic, own}, looked).value().providers), ElementsAre("other ", "tsm mine"));
    EXPECT_THAT(discover({automatic, own}, std::vector{found("tsm")}).error(), HasSubstr("every type is configured by itself"));
}

TEST(Discovery, CallsAProviderAsWhatWasFoundIsCalled) {
    auto looked = found("tsm");
    looked.sighting.name = "snp";
    EXPECT_THAT(described(discover({automatic}, std::vector{looked}).value().providers), ElementsAre("tsm snp"));
}

TEST(Discovery, LeavesWhatIsConfiguredAloneAndTellsNothingOfIt) {
    const auto discovered = discover({{.type = "sim", .name = "tdx"}}, std::vector{found("tsm")}).value();
    EXPECT_THAT(described(discovered.providers), ElementsAre("sim tdx"));
    EXPECT_THAT(discovered.told, IsEmpty());
}

TEST(Discovery, HandsOnWhatIsConfiguredOfIt) {
    auto provider = automatic;
    provider.firmware_log = "/log";
    provider.qgs = qgs::Address{.cid = 2, .port = 4050, .path = {}};
    const auto taken = discover({provider}, std::vector{found("tsm")}).value().providers.front();
    EXPECT_EQ(taken.firmware_log, "/log");
    EXPECT_EQ(taken.qgs, provider.qgs);
    EXPECT_TRUE(taken.required);
}

TEST(Discovery, LooksForNothingSimulated) {
    const auto looked = look_for_hardware();
    EXPECT_THAT(looked, Not(IsEmpty()));
    for (const auto &hardware : looked) {
        EXPECT_FALSE(is_simulated({.type = hardware.type, .name = {}})) << hardware.type;
        EXPECT_THAT(hardware.sighting.clauses, Not(IsEmpty())) << hardware.type;
    }
}

}  // namespace
}  // namespace mrd
