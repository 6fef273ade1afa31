// Policies of reference values, from a running mrd to the last line of `mrctl verify`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "mr/bytes.h"
#include "tests/integration/mrctl.h"
#include "tests/log_texts.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class MrctlPolicies : public MrctlTest {
protected:
    [[nodiscard]] std::string at(const std::string &name) const { return folder() / name; }

    void take_evidence() {
        ASSERT_EQ(mrctl({"evidence", "--data", nonce, "-o", at("evidence.json")}).exit_code, 0);
        ASSERT_EQ(mrctl({"collateral", "-o", at("collateral.json"), "--root", at("root.pem")}).exit_code, 0);
    }
    // By reference values with these members.
    Finished verify(const Json &members) {
        Json file{{"format", "mrd-reference-values"}, {"version", 1}};
        file.update(members);
        std::ofstream(at("reference.json")) << file.dump();
        return mrctl({"verify", at("evidence.json"), "--roots", at("root.pem"), "--nonce", nonce, "--reference", at("reference.json")});
    }
    void expect_verified(const Json &members) {
        const auto done = verify(members);
        EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
        EXPECT_THAT(last_line(done.out), StartsWith("verified"));
    }
    // The statement that refuses, and a part of its reason.
    void expect_refused(const Json &members, const std::string &statement, const std::string &reason) {
        const auto done = verify(members);
        EXPECT_EQ(done.exit_code, 1) << done.out << done.err;
        EXPECT_EQ(last_line(done.out), "REFUSED: " + statement);
        EXPECT_THAT(done.out, HasSubstr(reason));
    }
    static std::string last_line(const std::string &output) {
        const auto end = output.rfind('\n');
        return output.substr(output.rfind('\n', end - 1) + 1, end - output.rfind('\n', end - 1) - 1);
    }

    std::string nonce = std::string(128, '7');
    Json loader = {{"name", "the loader"}, {"description", "loader"}, {"text", "loader 2"}};
    Json agent = {{"name", "the agent"}, {"description", "agent"}};
    Json cap = {{"name", "the cap"}, {"envelopeType", "cap"}};
};

TEST_F(MrctlPolicies, ARegisterHoldsWhatIsListedAndNothingBehindItsCap) {
    start({.config = "[[provider]]\ntype = \"sim\"\n[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n"});
    output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "loader"}, "loader 2");
    output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "agent"}, "agent 7");
    output({"cap", "tdx/rtmr3"});
    take_evidence();
    const auto closed = [](const Json &events, const std::string &order = "listed") {
        return Json{{"logOnlyRegisters", {"rtmr3"}}, {"closedRegisters", {{{"register", "rtmr3"}, {"order", order}, {"events", events}}}}};
    };
    expect_verified(closed({loader, agent, cap}));
    expect_verified(closed({cap, agent, loader}, "any"));
    expect_refused(closed({agent, loader, cap}), "closed_registers",
                   R"(event 1 of rtmr3 is an envelope "loader" with sha384:)" + hex_digest("loader 2") +
                       R"(, which is the loader out of its order; expected was the agent: )"
                       R"(description "agent")");
    expect_refused(closed({loader, cap}, "any"), "closed_registers",
                   R"(event 2 of rtmr3 is an envelope "agent" with sha384:)" + hex_digest("agent 7") +
                       R"(; expected was the cap: envelopeType "cap")");
    expect_refused(closed({loader, agent, cap, {{"name", "more"}, {"text", "more"}}}), "closed_registers",
                   "its last event is 3; expected was more: data \"more\"");
    auto other = loader;
    other["text"] = "loader 3";
    expect_refused({{"requiredEvents", {other, agent}}}, "required_events",
                   R"(the loader (event 1 of rtmr3 is an envelope "loader" with sha384:)" + hex_digest("loader 2") +
                       R"(; expected was description "loader" and data "loader 3"))");
    const Json after{{"closedRegisters", {{{"register", "rtmr3"}, {"after", cap}, {"events", Json::array()}}}},
                     {"requiredEvents", {agent, loader}}};
    expect_verified(after);
    expect_refused({{"forbiddenEvents", {{{"name", "the agent 7"}, {"register", "rtmr3"}, {"digest", hex_digest("agent 7")}}}},
                    {"requiredEvents", {loader, agent}}},
                   "forbidden_events",
                   R"(the agent 7 (event 2 of rtmr3 is an envelope "agent" with sha384:)" + hex_digest("agent 7") + ")");
}

// It extends a register before there is an mrd: what it leaves there is a gap, which the relying party knows by its value.
TEST_F(MrctlPolicies, AnInitrdThatExtendsBeforeAnyDaemonIsAcceptedByWhatItLeaves) {
    start();
    ASSERT_EQ(daemon().stop(), 0);
    std::filesystem::remove(folder() / "state" / "journal");
    extend_behind("tdx/rtmr2", hex_digest("initrd"));
    start();
    output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "agent"}, "agent 7");
    const auto found = mr::to_hex(extended(zero(), digest_of("initrd")));
    const auto with_gap = [&](const std::string &reg, const std::string &value, const Json &events) {
        return Json{{"acceptedGaps", {{{"register", reg}, {"found", value}}}},
                    {"requiredEvents", {agent}},
                    {"closedRegisters", {{{"register", "rtmr2"}, {"events", events}}}}};
    };
    const Json modules{{"name", "the modules"}, {"text", "modules"}};
    // Before mrd extends the register itself, and after.
    take_evidence();
    expect_verified(with_gap("rtmr2", found, Json::array()));
    expect_refused({{"requiredEvents", {agent}}}, "history_complete", "found " + found);
    output({"measure", "tdx/rtmr2", "-", "--envelope"}, "modules");
    take_evidence();
    expect_verified(with_gap("rtmr2", found, Json::array({modules})));
    expect_refused(with_gap("rtmr2", found, Json::array()), "closed_registers",
                   "is an envelope with sha384:" + hex_digest("modules") + R"(; expected was no further event)");
    expect_refused(with_gap("rtmr3", found, Json::array({modules})), "history_complete, closed_registers",
                   "a gap that acceptedGaps does not name");
    expect_refused(with_gap("rtmr2", mr::to_hex(extended(zero(), digest_of("another"))), Json::array({modules})),
                   "history_complete, closed_registers", found);
    expect_refused({{"requiredEvents", {agent}}}, "history_complete", "found " + found);
    // Once more behind mrd's back is another gap.
    extend_behind("tdx/rtmr2", hex_digest("intruder"));
    take_evidence();  // which rereads the registers, and shows the divergence
    output({"measure", "tdx/rtmr2", "-", "--envelope"}, "later");
    take_evidence();
    expect_refused({{"requiredEvents", {agent}}, {"acceptedGaps", {{{"register", "rtmr2"}, {"found", found}}}}}, "history_complete",
                   "rtmr2 at event");
}

TEST_F(MrctlPolicies, OneOfSeveralSetsHoldsAsAWholeOnAPlatformThatIsNamed) {
    start();
    output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "loader"}, "loader 2");
    output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "agent"}, "agent 7");
    take_evidence();
    const auto set = [&](const std::string &name, const std::string &loader_text, const std::string &agent_text) {
        return Json{{"name", name},
                    {"requiredEvents",
                     {{{"name", "loader"}, {"description", "loader"}, {"text", loader_text}},
                      {{"name", "agent"}, {"description", "agent"}, {"text", agent_text}}}}};
    };
    const auto either = [](const Json &one, const Json &other) {
        return Json{{"alternatives", {{{"name", "the release"}, {"sets", {one, other}}}}}};
    };
    expect_verified(either(set("1", "loader 1", "agent 6"), set("2", "loader 2", "agent 7")));
    expect_refused(either(set("1", "loader 1", "agent 7"), set("2", "loader 2", "agent 6")), "alternatives",
                   R"(the release (1 (not in the log: loader (event 1 of rtmr3 is an envelope "loader" with sha384:)" +
                       hex_digest("loader 2") +
                       R"(; expected was description "loader" )"
                       R"(and data "loader 1")), 2 (not in the log: agent ()");

    ASSERT_EQ(mrctl({"quote", "--data", nonce, "-o", at("quote.bin")}).exit_code, 0);
    const auto ppid = json({"inspect", at("quote.bin")})["platform"]["ppid"].get<std::string>();
    ASSERT_EQ(ppid.size(), 32U);
    const auto on = [&](const Json &ppids) { return Json{{"tdx", {{"ppids", ppids}}}, {"requiredEvents", {loader}}}; };
    expect_verified(on({std::string(32, '0'), ppid}));
    expect_refused(on(Json::array({std::string(32, '0')})), "platform_identity",
                   "the platform is " + ppid + ", expected was " + std::string(32, '0'));
}

TEST_F(MrctlPolicies, AVirtualRegisterIsWholeWhereNothingThatIsHiddenNamesIt) {
    start({.config = "[[provider]]\ntype = \"sim\"\n[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n"});
    EXPECT_EQ(output({"create", "build", "--hash", "sha256", "--on", "rtmr3"}), "virtual/build created on tdx/rtmr3\n");
    EXPECT_EQ(json({"create", "virtual/other", "--on", "tdx/rtmr3"})["register"]["flags"], "XR");
    output({"measure", "virtual/build", "-", "--description", "mine"}, "my file");
    // By a program of theirs, so that the log tells the callers apart.
    const auto their_program = folder() / "their-program";
    const auto crypto = std::filesystem::path(places::mrctl()).parent_path().parent_path() / "libexec" / "mrd" / "mrctl-crypto";
    std::filesystem::copy_file(crypto, their_program);  // what mrctl becomes for this
    const auto measured = run_program({their_program, "measure", "virtual/other", "-", "--description", "theirs", "--id", "their-id"},
                                      folder(), "their file", {{"MRD_SOCKET", (folder() / "io.mrd").native()}});
    ASSERT_EQ(measured.exit_code, 0) << measured.err;
    EXPECT_EQ(output({"close", "other"}), "virtual/other closed by event 5\n");
    const auto value = output({"read", "virtual/build"}).substr(std::string("virtual/build ").size());

    const auto whole = output({"log", "--format", "json"});
    const auto mine = output({"log", "--for", "virtual/build", "--format", "json"});
    const std::array<std::string, 4> of_others{"theirs", "their-id", "their-program", "virtual/other"};
    const auto expect_all = [&](const std::string &log) {
        EXPECT_THAT(all_said_in(log), HasSubstr("mine"));
        for (const auto &text : of_others) EXPECT_THAT(all_said_in(log), HasSubstr(text)) << "else nobody would see that it is shown";
    };
    const auto expect_mine = [&](const std::string &log) {
        EXPECT_THAT(all_said_in(log), HasSubstr("mine"));
        for (const auto &text : of_others) EXPECT_THAT(all_said_in(log), testing::Not(HasSubstr(text)));
    };
    expect_all(whole);
    expect_mine(mine);
    for (const auto &text : of_others) EXPECT_THAT(output({"log", "--for", "virtual/build"}), testing::Not(HasSubstr(text)));
    EXPECT_THAT(failure(1, {"log", "--for", "virtual/none"}), HasSubstr("register"));
    output({"replay"});

    ASSERT_EQ(mrctl({"evidence", "--data", nonce, "--for", "virtual/build", "-o", at("evidence.json")}).exit_code, 0);
    ASSERT_EQ(mrctl({"collateral", "-o", at("collateral.json"), "--root", at("root.pem")}).exit_code, 0);
    const auto log_in = [&](const std::string &name) {
        const auto log = mr::from_base64(Json::parse(contents(at(name)))["log"].get<std::string>()).value();
        return std::string(log.begin(), log.end());
    };
    ASSERT_EQ(mrctl({"evidence", "--data", nonce, "-o", at("whole.json")}).exit_code, 0);
    expect_all(log_in("whole.json"));
    expect_mine(log_in("evidence.json"));
    for (const auto &text : of_others) EXPECT_THAT(contents(at("evidence.json")), testing::Not(HasSubstr(text))) << "beside the log";
    const auto with = [mrtd = json({"read", "tdx/mrtd"})["reading"]["value"]](const std::string &name, bool is_log_only) {
        Json members{{"registers", {{"mrtd", Json::array({mrtd})}}}, {"virtualRegisters", Json::array({name})}};
        if (is_log_only) members["logOnlyRegisters"] = Json::array({"rtmr3"});
        return members;
    };
    const auto verified = verify(with("virtual/build", true));
    EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
    EXPECT_THAT(verified.out, HasSubstr("3 events of others are hidden since it was created, and none of them names it"));
    EXPECT_THAT(verified.out, HasSubstr("virtual/build on rtmr3 holds " + value.substr(0, 64)));
    expect_refused(with("virtual/other", true), "virtual_registers", "no event that can be read creates it");
    expect_refused(with("virtual/build", false), "virtual_registers", "logOnlyRegisters");
}

}  // namespace
}  // namespace mrd
