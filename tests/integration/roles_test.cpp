// Roles on a running mrd: one name, on any machine, for what is measured for one purpose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto simulator = "[[provider]]\ntype = \"sim\"\n";

class RolesTest : public MrctlTest {
protected:
    static std::string with(const std::string &roles) { return std::string(simulator) + "[roles]\n" + roles; }
};

TEST_F(RolesTest, NameARegisterForEveryCommandAndTheLogHasItsOwnName) {
    start();
    EXPECT_EQ(output({"read", "app"}), "tdx/rtmr3 " + hex(0) + "\n");
    EXPECT_THAT(output({"extend", "app", "--digest", hex(1)}), HasSubstr("tdx/rtmr3"));
    EXPECT_THAT(output({"measure", "boot", "-", "--description", "loader"}, "loader 2"), HasSubstr("tdx/rtmr2"));
    EXPECT_THAT(output({"measure", "config", "-", "--envelope"}, "a = 1"), HasSubstr("tdx/rtmr3"));
    output({"cap", "boot"});
    EXPECT_THAT(failure(1, {"extend", "rtmr2", "--digest", hex(1)}), HasSubstr("Capped"));
    const auto log = output({"log", "--format", "json"});
    for (const auto *role : {"app", "boot", "config"}) EXPECT_THAT(log, Not(HasSubstr("\"" + std::string(role) + "\""))) << role;
    EXPECT_THAT(output({"replay"}), AllOf(HasSubstr("tdx/rtmr2 equal"), HasSubstr("tdx/rtmr3 equal")));
}

TEST_F(RolesTest, AreTheAdministratorsToGiveAndToTakeAway) {
    start({.arguments = {}, .config = with("app = \"tdx/rtmr1\"\nboot = \"none\"\ntenants = \"tdx/rtmr3:sha384\"\n")});
    EXPECT_THAT(output({"list"}), AllOf(HasSubstr("tdx/rtmr1 XWRL sha384 48 owned app simulated\n"),
                                        HasSubstr("tdx/rtmr2 XWRL sha384 48 owned - simulated\n"),
                                        HasSubstr("tdx/rtmr3 XWRL sha384 48 owned config,tenants simulated\n")));
    output({"extend", "tenants", "--digest", hex(1)});
    EXPECT_THAT(failure(1, {"extend", "boot", "--digest", hex(1)}),
                AllOf(HasSubstr("NoRegisterForRole (role boot)"), HasSubstr("[roles]")));
    EXPECT_THAT(failure(1, {"extend", "tenant", "--digest", hex(1)}), HasSubstr("NoSuchRegister"));
}

TEST_F(RolesTest, OfWhatTakesNoExtendOrIsCalledSoAlreadyAreAMistakeThatIsNamed) {
    constexpr int misconfigured = 2;
    const auto said = [this](const std::string &roles) { return refused({.arguments = {}, .config = with(roles)}, misconfigured); };
    EXPECT_THAT(said("app = \"tdx/mrtd\"\n"), AllOf(HasSubstr("roles.app = \"tdx/mrtd\""), HasSubstr("takes no extend")));
    EXPECT_THAT(said("app = \"tdx/rtmr9\"\n"), AllOf(HasSubstr("roles.app = \"tdx/rtmr9\""), HasSubstr("no such register")));
    EXPECT_THAT(said("rtmr3 = \"tdx/rtmr2\"\n"), HasSubstr("roles.rtmr3: the register tdx/rtmr3 is called so"));
    EXPECT_THAT(said("tdx = \"tdx/rtmr2\"\n"), HasSubstr("roles.tdx: a provider is called so"));
    EXPECT_THAT(said("app = \"rtmr3\"\n"), HasSubstr("whole name"));
}

TEST_F(RolesTest, NameARegisterInTheConfigurationsRulesToo) {
    const std::string log_only = "[[register]]\nname = \"app\"\nlog_only = true\n";
    start({.arguments = {}, .config = log_only + with("app = \"tdx/rtmr1\"\n")});
    EXPECT_THAT(output({"list"}), AllOf(HasSubstr("tdx/rtmr1 XRL sha384 48 owned app simulated\n"), HasSubstr("tdx/rtmr3 XWRL")));
    ASSERT_EQ(daemon().stop(), 0);
    start({.arguments = {}, .config = simulator + log_only});
    EXPECT_THAT(output({"list"}), HasSubstr("tdx/rtmr3 XRL sha384 48 owned app,config simulated\n"));
    EXPECT_THAT(failure(1, {"extend", "app", "--digest", hex(1)}), HasSubstr("LogOnly"));
}

TEST_F(RolesTest, AreNamesOfARegisterWhoseOwnNameIsInTheAnswer) {
    start({.arguments = {}, .config = std::string(simulator) + "[[register]]\nname = \"app\"\nlog_only = true\n"});
    EXPECT_EQ(output({"create", "build", "--on", "app"}), "virtual/build created on tdx/rtmr3\n");
    EXPECT_EQ(json({"create", "other", "--on", "app"})["on"], "tdx/rtmr3");
    EXPECT_EQ(output({"cap", "boot"}), "tdx/rtmr2 capped by event 3\n");
    EXPECT_EQ(json({"cap", "app"}).dump(), R"({"name":"tdx/rtmr3","sequence":4})");
}

TEST_F(RolesTest, AndNamesInTwoRulesOfOneRegisterAreAMistakeThatNamesBoth) {
    constexpr int misconfigured = 2;
    EXPECT_THAT(refused({.arguments = {},
                         .config = std::string(simulator) + "[[register]]\nname = \"app\"\nlog_only = true\n" +
                                   "[[register]]\nname = \"tdx/rtmr*\"\nowner = \"shared\"\n"},
                        misconfigured),
                AllOf(HasSubstr("register.name = \"app\""), HasSubstr("register.name = \"tdx/rtmr*\""), HasSubstr("tdx/rtmr3")));
}

TEST_F(RolesTest, MayBeOfARegisterThatComesLater) {
    start(
        {.arguments = {}, .config = with("app = \"late/rtmr3\"\n") + "[[provider]]\ntype = \"tsm\"\nname = \"late\"\nrequired = false\n"});
    EXPECT_THAT(daemon().log(), HasSubstr("roles.app = \"late/rtmr3\": there is no such register"));
    EXPECT_THAT(failure(1, {"extend", "app", "--digest", hex(1)}), HasSubstr("NoRegisterForRole"));
    output({"extend", "config", "--digest", hex(1)});
}

}  // namespace
}  // namespace mrd
