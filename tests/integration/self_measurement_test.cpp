// What mrd says of itself: on real processes, by the log and by what is served meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "mr/envelope.h"
#include "mr/file.h"
#include "mr/self_measurement.h"
#include "tests/integration/mrctl.h"
#include "tests/integration/readiness.h"
#include "tests/integration/reload.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string sha384_of(const std::filesystem::path &file) {
    return "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, mr::read_file(file.native(), std::size_t{1} << 30).value())->bytes());
}

class SelfMeasurementTest : public MrctlTest {
protected:
    static std::string config(const std::string &more = "", const std::string &into = "config") {
        return "[service]\nmeasure_itself = \"" + into + "\"\n" + more;
    }
    // What the log has of mrd itself, each as JSON, in the log's order.
    std::vector<Json> said() {
        std::vector<Json> all;
        const auto read = client().records(1, false, [&](const mr::LogRecord &record) {
            if (!record.data) return true;
            const auto envelope = mr::decode_envelope(*record.data);
            if (envelope && envelope->header.type == mr::self_envelope_type)
                all.push_back(Json::parse(std::string(envelope->body.data->begin(), envelope->body.data->end())));
            return true;
        });
        EXPECT_TRUE(read);
        return all;
    }
    mr::Client client() { return daemon().client(); }
};

TEST_F(SelfMeasurementTest, IsTheFirstEventAndSaysWhichProgramRunsByWhichConfiguration) {
    start({.config = config()});
    ASSERT_THAT(said(), SizeIs(1));
    const auto first = said().front();
    EXPECT_EQ(first["binary"], sha384_of(places::mrd()));
    EXPECT_EQ(first["configuration"], sha384_of(folder() / "mrd.toml"));
    EXPECT_FALSE(first.contains("reloaded"));
    EXPECT_FALSE(first.contains("roles"));
    EXPECT_THAT(first["options"].dump(), HasSubstr("--sim"));
    EXPECT_THAT(std::string(first["access"]), HasSubstr("sha384:"));
    EXPECT_EQ(client().extend("rtmr2", digest_of("x"))->sequence, 2);
    EXPECT_THAT(output({"replay"}), HasSubstr("tdx/rtmr3 equal"));
}

TEST_F(SelfMeasurementTest, SaysWhichRolesTheConfigurationGives) {
    start({.config = config("[roles]\napp = \"tdx/rtmr2\"\nboot = \"none\"\n")});
    ASSERT_THAT(said(), SizeIs(1));
    EXPECT_EQ(said().front()["roles"], (Json{{"app", "tdx/rtmr2"}, {"boot", "none"}}));
}

TEST_F(SelfMeasurementTest, ComesAgainAfterARestartIfSomethingHasChangedAlsoBack) {
    const auto events_after = [this](const std::string &text) {
        start({.config = text});
        const auto count = said().size();
        EXPECT_EQ(daemon().stop(), 0);
        return count;
    };
    EXPECT_EQ(events_after(config()), 1U);
    EXPECT_EQ(events_after(config()), 1U) << "nothing has changed";
    EXPECT_EQ(events_after(config() + "# another\n"), 2U);
    EXPECT_EQ(events_after(config()), 3U) << "what it was once is not what it was last";
    start({.arguments = {"--sim", "--log-level", "debug"}, .config = config()});
    EXPECT_EQ(said().size(), 4U) << "an option";
}

TEST_F(SelfMeasurementTest, ComesBeforeNewAccessRulesHold) {
    const auto rules = [](const std::string &allow) { return config("[[access]]\nname = \"a\"\nallow = [" + allow + "]\n"); };
    start({.config = rules("\"list\"")});
    reload(daemon(), folder(), rules("\"list\", \"read\""), "are reloaded");
    const auto all = said();
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_NE(all[0]["access"], all[1]["access"]);
    EXPECT_EQ(all[0]["configuration"], all[1]["configuration"]) << "what else it says waits for the next start";
    EXPECT_EQ(all[1]["reloaded"], sha384_of(folder() / "mrd.toml"));
    const auto log = daemon().log();
    EXPECT_LT(log.rfind("mrd has measured itself"), log.rfind("are reloaded"));
}

TEST_F(SelfMeasurementTest, ThatFailsLetsNoNewRulesHold) {
    start({.config = config()});
    output({"cap", "config"});
    reload(daemon(), folder(), config("[[access]]\nname = \"a\"\nallow = [\"list\"]\n"), "stay as they were");
    EXPECT_THAT(daemon().log(), HasSubstr("is capped until the next boot"));
    EXPECT_THAT(said(), SizeIs(1));
    EXPECT_EQ(Json::parse(client().status()->json)["access"]["rules"], 2) << "those of the start, and what they are for goes on";
    EXPECT_TRUE(client().extend("rtmr2", digest_of("x")));
}

TEST_F(SelfMeasurementTest, ThatFailsLetsMrdNotStart) {
    start({.config = config()});
    output({"cap", "config"});
    EXPECT_EQ(daemon().stop(), 0);
    EXPECT_THAT(refused({.config = config("# another\n")}),
                HasSubstr("mrd cannot measure itself into config: the register tdx/rtmr3 is capped until the next boot"));
    start({.config = config()});
    EXPECT_THAT(said(), SizeIs(1)) << "what it says stands there already";
    EXPECT_TRUE(client().extend("rtmr2", digest_of("x")));
}

TEST_F(SelfMeasurementTest, ThatTheHardwareRefusesLetsMrdNotStartAndTheNextStartTriesAgain) {
    EXPECT_THAT(refused({.faults = "extend:fail-before@1", .config = config()}), HasSubstr("mrd cannot measure itself into config: tdx: "));
    start({.config = config()});
    EXPECT_THAT(said(), SizeIs(1));
    EXPECT_EQ(client().extend("rtmr2", digest_of("x"))->sequence, 2);
}

TEST_F(SelfMeasurementTest, IntoNoRegisterIsSaidAndLetsMrdNotStart) {
    constexpr int misconfigured = 2;
    EXPECT_THAT(refused({.config = config("[roles]\nconfig = \"none\"\n")}, misconfigured),
                HasSubstr("no register of this machine has the role config"));
    EXPECT_THAT(refused({.config = config("", "rtmr9")}, misconfigured), HasSubstr("there is no register rtmr9"));
    EXPECT_THAT(refused({.config = config("", "mrtd")}, misconfigured), HasSubstr("the register tdx/mrtd takes no such event"));
}

TEST_F(SelfMeasurementTest, NobodyElseCanStateIt) {
    start({.config = config()});
    const auto text = said().front().dump();
    const mr::Envelope forged{.header = {.type = std::string(mr::self_envelope_type), .register_name = "tdx/rtmr3"},
                              .body = {.description = "mrd", .data = mr::Bytes(text.begin(), text.end())}};
    EXPECT_EQ(client().measure("config", mr::encode_envelope(forged)).error().code, mr::ErrorCode::invalid_parameter);
    EXPECT_THAT(said(), SizeIs(1));
}

TEST_F(SelfMeasurementTest, IsNotThereUnlessItIsAskedFor) {
    start();
    EXPECT_THAT(said(), IsEmpty());
    EXPECT_EQ(client().extend("rtmr3", digest_of("x"))->sequence, 1);
    EXPECT_EQ(daemon().stop(), 0);
    start({.config = config("", "none")});
    EXPECT_THAT(said(), IsEmpty());
}

// On hardware mrd measures itself by default: there the register is missing, and its own program may not be read.
TEST_F(SelfMeasurementTest, WhatNobodyAskedForKeepsMrdFromNothingAndIsSaid) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can start mrd as a user who may not read it";
    const auto program = folder() / "mrd";
    std::filesystem::copy_file(places::mrd(), program);
    constexpr uid_t user = 65533;
    ASSERT_EQ(::chown(folder().c_str(), user, user), 0);
    const auto start_as_user = [&](const std::string &service) {
        std::ofstream(folder() / "mrd.toml") << service + "[[provider]]\ntype = \"tsm\"\nrequired = false\n";
        const auto notify = (folder() / "notify").native();
        std::filesystem::remove(notify);
        std::filesystem::remove(folder() / "errors");
        const Readiness readiness(notify);
        EXPECT_EQ(::chmod(notify.c_str(), 0666), 0);
        Process mrd({program, "--config", folder() / "mrd.toml", "--socket", folder() / "socket", "--state", folder() / "own"},
                    {.environment = {{"NOTIFY_SOCKET", notify}}, .errors = folder() / "errors", .in_child = [] { (void)::setuid(user); }});
        const bool ready = readiness.wait_for(mrd);
        mrd.signal(SIGTERM);
        EXPECT_EQ(mrd.wait(), ready ? 0 : 1);
        return ready;
    };
    EXPECT_TRUE(start_as_user("")) << contents(folder() / "errors");
    EXPECT_THAT(contents(folder() / "errors"),
                AllOf(HasSubstr("mrd cannot measure itself into config"), HasSubstr("the log does not say which mrd this is")));
    ASSERT_EQ(::chmod(program.c_str(), 0111), 0);
    EXPECT_TRUE(start_as_user("")) << contents(folder() / "errors");
    EXPECT_THAT(contents(folder() / "errors"),
                AllOf(HasSubstr("mrd's own program cannot be read"), HasSubstr("does not say which mrd this is")));
    EXPECT_FALSE(start_as_user("[service]\nmeasure_itself = \"config\"\n"));
    EXPECT_THAT(contents(folder() / "errors"), HasSubstr("mrd's own program cannot be read"));
}

TEST_F(SelfMeasurementTest, AGapBehindItIsNoMeasurementAnyMore) {
    start({.config = config()});
    extend_behind("rtmr3", hex(66));
    output({"read", "rtmr3", "--fresh"});
    output({"extend", "rtmr3", "--digest", hex(1)});
    EXPECT_EQ(daemon().stop(), 0);
    start({.config = config()});
    EXPECT_THAT(said(), SizeIs(2)) << "the register says nothing any more of what came before the gap";
    EXPECT_EQ(daemon().stop(), 0);
    extend_behind("rtmr3", hex(67));
    start({.config = config()});
    EXPECT_THAT(said(), SizeIs(3)) << "nor before one that the start has found";
    extend_behind("rtmr3", hex(68));
    output({"read", "rtmr3", "--fresh"});
    output({"extend", "rtmr3", "--digest", hex(1)});
    reload(daemon(), folder(), config(), "are reloaded");
    EXPECT_THAT(said(), SizeIs(4)) << "nor before one that came while it ran";
    EXPECT_THAT(output({"replay", "--accept-gaps"}), HasSubstr("tdx/rtmr3"));
}

TEST_F(SelfMeasurementTest, IsJudgedByTheReferenceValues) {
    start({.config = config("[[provider]]\ntype = \"sim\"\n[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n")});
    const std::string nonce(128, '7');
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    ASSERT_EQ(mrctl({"evidence", "--data", nonce, "-o", at("evidence.json")}).exit_code, 0);
    ASSERT_EQ(mrctl({"collateral", "-o", at("collateral.json"), "--root", at("root.pem")}).exit_code, 0);
    const auto options = said().front()["options"];
    const auto mrtd = json({"read", "mrtd"})["reading"]["value"];
    const auto verify = [&](const Json &rule) {
        const Json file{{"format", "mrd-reference-values"},     {"version", 1},
                        {"roles", {{"config", {"tdx/rtmr3"}}}}, {"logOnlyRegisters", {"config"}},
                        {"registers", {{"mrtd", {mrtd}}}},      {"selfMeasurement", rule}};
        std::ofstream(at("reference.json")) << file.dump();
        return mrctl({"verify", at("evidence.json"), "--roots", at("root.pem"), "--nonce", nonce, "--reference", at("reference.json")}).out;
    };
    const Json good{{"register", "config"},
                    {"binary", {hex(1), sha384_of(places::mrd())}},
                    {"configuration", {sha384_of(folder() / "mrd.toml")}},
                    {"options", {options}}};
    EXPECT_THAT(verify(good), HasSubstr("mrd is one that is allowed, by its own word: event 1 of rtmr3"));
    const auto refused = [&](const std::string &member, const Json &value, const std::string &why) {
        auto rule = good;
        rule[member] = value;
        EXPECT_THAT(verify(rule), AllOf(HasSubstr("self_measurement"), HasSubstr(why))) << member;
    };
    refused("binary", {hex(1)}, "the binary is " + sha384_of(places::mrd()));
    refused("configuration", {"none"}, "the configuration is sha384:");
    refused("access", {hex(1)}, "the access rules are sha384:");
    refused("options", Json::array({Json::array()}), "the options are --socket");
    auto with_roles = good;
    with_roles["roles"] = Json::object();
    EXPECT_THAT(verify(with_roles), HasSubstr("mrd is one that is allowed"));
    refused("roles", {{"app", "tdx/rtmr2"}}, "the configuration gives no roles");
    refused("register", "rtmr2", "mrd has not measured itself into rtmr2");
}

TEST_F(SelfMeasurementTest, IsJudgedByARuleForItsEnvelope) {
    start({.config = config("[[provider]]\ntype = \"sim\"\n[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n")});
    const std::string nonce(128, '7');
    const auto at = [this](const std::string &name) { return (folder() / name).native(); };
    ASSERT_EQ(mrctl({"evidence", "--data", nonce, "-o", at("evidence.json")}).exit_code, 0);
    ASSERT_EQ(mrctl({"collateral", "-o", at("collateral.json"), "--root", at("root.pem")}).exit_code, 0);
    const auto verify = [&](const std::string &text) {
        const Json rule{{"name", "mrd"}, {"register", "config"}, {"envelopeType", "self"}, {"text", text}};
        const Json file{{"format", "mrd-reference-values"},
                        {"version", 1},
                        {"roles", {{"config", {"tdx/rtmr3"}}}},
                        {"logOnlyRegisters", {"config"}},
                        {"requiredEvents", {rule}}};
        std::ofstream(at("reference.json")) << file.dump();
        return mrctl({"verify", at("evidence.json"), "--roots", at("root.pem"), "--nonce", nonce, "--reference", at("reference.json")});
    };
    auto expected = said().front();
    const auto good = verify(expected.dump());
    EXPECT_EQ(good.exit_code, 0) << good.out;
    EXPECT_THAT(good.out, HasSubstr("an envelope in rtmr3, which takes nothing else: mrd"));
    expected["binary"] = "sha384:" + hex(1);
    const auto other = verify(expected.dump());
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.out, HasSubstr("REFUSED: required_events"));
}

}  // namespace
}  // namespace mrd
