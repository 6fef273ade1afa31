#include "mrd/registers/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mrd/providers/tdx/td_roles.h"
#include "tests/mrd/fake_provider.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<RegisterSpec> of_a_td() {
    std::vector<RegisterSpec> specs{fake_register("mrtd", "R"), fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL")};
    for (auto &spec : specs) spec.roles = td_roles(spec.name);
    return specs;
}

std::vector<std::vector<std::string>> roles_of(std::vector<RegisterSpec> specs, const Roles &roles) {
    auto applied = apply_roles("tdx", std::move(specs), roles);
    EXPECT_TRUE(applied) << applied.error();
    std::vector<std::vector<std::string>> all;
    for (auto &spec : applied.value_or(std::vector<RegisterSpec>())) all.push_back(std::move(spec.roles));
    return all;
}

TEST(RegisterRoles, OfATdAreTheWorkloadsAndTheBootsUnlessTheConfigurationSaysOtherwise) {
    EXPECT_THAT(roles_of(of_a_td(), {}), ElementsAre(IsEmpty(), ElementsAre("boot"), ElementsAre("app", "config")));
    EXPECT_THAT(roles_of(of_a_td(), {{"app", "tdx/rtmr2"}, {"tenants", "tdx/rtmr3:sha384"}}),
                ElementsAre(IsEmpty(), ElementsAre("app", "boot"), ElementsAre("config", "tenants")));
    EXPECT_THAT(roles_of(of_a_td(), {{"app", "tpm/pcr14"}, {"boot", "none"}}), ElementsAre(IsEmpty(), IsEmpty(), ElementsAre("config")))
        << "one that is another's, or nobody's, is no more by default";
}

TEST(RegisterRoles, AreOfNoRegisterInWhichWhatIsMeasuredDoesNotStay) {
    const auto refused = [](const std::function<void(RegisterSpec &)> &change) {
        auto specs = of_a_td();
        change(specs[2]);
        EXPECT_THAT(roles_of(specs, {})[2], IsEmpty()) << "by default it has none then";
        const auto applied = apply_roles("tdx", std::move(specs), {{"app", "tdx/rtmr3"}});
        return applied ? "" : applied.error();
    };
    EXPECT_THAT(refused([](RegisterSpec &spec) { spec.flags = mr::Flag::readable; }),
                AllOf(HasSubstr("roles.app = \"tdx/rtmr3\""), HasSubstr("takes no extend")));
    EXPECT_THAT(refused([](RegisterSpec &spec) { spec.owner = mr::Owner::observed; }), HasSubstr("only observes"));
    EXPECT_THAT(refused([](RegisterSpec &spec) { spec.resettable = true; }), HasSubstr("software may reset it"));
    EXPECT_THAT(roles_of(give_roles("tdx", of_a_td(), {{"app", "tdx/rtmr2"}}), {{"app", "tdx/rtmr2"}}),
                ElementsAre(IsEmpty(), ElementsAre("app", "boot"), ElementsAre("config")))
        << "it has each of them once, though it was given it before the rules were applied";
    auto specs = of_a_td();
    specs[2].owner = mr::Owner::shared;
    specs[2].flags = specs[2].flags.without(mr::Flag::writable);
    EXPECT_THAT(roles_of(specs, {{"app", "tdx/rtmr3"}})[2], ElementsAre("app", "config")) << "log-only, and shared with others, it stays";
}

TEST(RegisterRoles, AreRefusedForWhatTheyAreWhereOnlyTheFirstValueSaysOfWhichHashTheRegisterIs) {
    auto realm = fake_register("rim", "R");
    realm.hash.reset();
    realm.hash_by_value = true;
    for (const std::string reg : {"cca/rim", "cca/rim:sha256", "cca/rim:sha512"}) {
        const auto applied = apply_roles("cca", {realm}, {{"app", reg}});
        ASSERT_FALSE(applied) << reg;
        EXPECT_THAT(applied.error(), AllOf(HasSubstr("roles.app = \"" + reg + "\""), HasSubstr("takes no extend")));
    }
    EXPECT_TRUE(apply_roles("cca", {realm}, {{"app", "cca/rim:sha1"}})) << "it is none of its names";
}

TEST(RegisterRoles, HaveNamesThatAreNoNumbersAndNoWholeNamesOfRegisters) {
    for (const auto *good : {"app", "config", "boot", "a", "my-tenants_2"}) EXPECT_TRUE(is_role_name(good)) << good;
    for (const auto *bad : {"", "3", "3a", "-a", "App", "tdx/rtmr3", "a:b", "a b", "none", "a*", "ä"})
        EXPECT_FALSE(is_role_name(bad)) << bad;
    EXPECT_TRUE(is_role_name(std::string(max_role_name, 'a')));
    EXPECT_FALSE(is_role_name(std::string(max_role_name + 1, 'a')));
}

}  // namespace
}  // namespace mrd
