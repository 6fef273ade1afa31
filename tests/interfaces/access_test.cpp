// What the access rules do to each method, with a register for everything that they tell apart.
#include "mrd/access/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "mr/bytes.h"
#include "mrd/daemon/service.h"
#include "mrd/shares/rounds.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uid_t agent_uid = 1000;
constexpr uid_t other_uid = 1001;

class AccessTest : public ::testing::Test {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL"),
                                              fake_register("reportdata", "WRF", 64), fake_register("report0", "RLF", 1024)};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        add_others();
        ASSERT_TRUE(daemon_.start_journal());
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
    }

    virtual void add_others() {}

    void allow(std::vector<AccessRule> rules) { daemon_.set_access(AccessRules(std::move(rules), 0)); }
    [[nodiscard]] std::unique_ptr<SessionClient> client(uid_t uid) const {
        return std::make_unique<SessionClient>(*service_, varlink::Peer{.uid = uid, .gid = uid});
    }
    std::string call(uid_t uid, std::string_view method, const std::string &parameters = "{}", bool more = false) {
        const auto caller = client(uid);
        caller->send(method, parameters, more);
        loop_.restart();
        loop_.poll();
        return caller->reply();
    }
    std::string extend(uid_t uid, const std::string &name) {
        return call(uid, "io.mrd.Registers.Extend",
                    R"({"name":")" + name + R"(","digest":")" + mr::to_hex(mr::Bytes(48, 1)) +
                        R"(","description":"a secret","data":"c2VjcmV0","id":"secret-)" + std::to_string(++extends_) + "\"}");
    }
    // Of the registers in a reply's list.
    static std::vector<std::string> names(const std::string &reply, const char *list) {
        std::vector<std::string> found;
        const auto parsed = Json::parse(reply);
        for (const auto &each : parsed["parameters"][list]) found.push_back(each["name"]);
        return found;
    }
    void run() {
        loop_.restart();
        loop_.poll();
    }

    static constexpr const char *denied = "org.varlink.service.PermissionDenied";

    int extends_ = 0;
    FakeHardware hardware_;
    FakeHardware others_hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
};

TEST_F(AccessTest, WhoMaySomeRegistersIsRefusedTheOthersAndShownNoMore) {
    allow({{.name = "own", .users = {agent_uid}, .allow = {Right::list, Right::read, Right::extend}, .registers = {"tdx/rtmr3"}}});
    EXPECT_THAT(extend(agent_uid, "rtmr3"), HasSubstr(R"("sequence":1)"));
    for (const auto *name : {"rtmr2", "tdx/rtmr2", "tdx/rtmr2:sha384", "reportdata"})
        EXPECT_THAT(extend(agent_uid, name), HasSubstr(denied)) << name;
    EXPECT_THAT(extend(agent_uid, "rtmr9"), HasSubstr("NoSuchRegister"));
    EXPECT_THAT(extend(other_uid, "rtmr3"), HasSubstr(denied));
    EXPECT_THAT(extend(other_uid, "rtmr9"), HasSubstr(denied)) << "not even what there is";

    EXPECT_THAT(names(call(agent_uid, "io.mrd.Registers.List"), "registers"), ElementsAre("tdx/rtmr3"));
    EXPECT_THAT(names(call(agent_uid, "io.mrd.Registers.Snapshot"), "readings"), ElementsAre("tdx/rtmr3"));
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Snapshot", R"({"names":["rtmr3","rtmr2"]})"), HasSubstr(denied));
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Watch", R"({"names":["rtmr3","rtmr2"]})", true), HasSubstr(denied));
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Status"), HasSubstr(denied)) << "it is about all";
    EXPECT_THAT(call(other_uid, "io.mrd.Registers.List"), HasSubstr(denied));

    const auto watcher = client(agent_uid);
    watcher->send("io.mrd.Registers.Watch", "{}", true);
    EXPECT_THAT(watcher->reply(), HasSubstr("tdx/rtmr3"));
    EXPECT_THAT(extend(0, "rtmr2"), HasSubstr("sequence"));
    run();
    EXPECT_EQ(watcher->reply(), "") << "it is not told of the others";
}

class AccessToOneOfTwoProviders : public AccessTest {
    void add_others() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(others_hardware_, "secret", specs, false), specs));
    }
};

TEST_F(AccessToOneOfTwoProviders, TellsOfNoOtherByErrorsListsOrWhatOneMay) {
    allow({{.name = "own",
            .users = {agent_uid},
            .allow = {Right::list, Right::read, Right::extend, Right::measure, Right::write, Right::cap},
            .registers = {"tdx/rtmr3"}}});
    const auto no_other = Not(::testing::AnyOf(HasSubstr("secret"), HasSubstr("rtmr2"), HasSubstr("reportdata")));
    const auto the_own_alone = AllOf(HasSubstr("NoSuchRegister"), HasSubstr("tdx/rtmr3"), no_other);
    const std::string name = R"({"name":"rtmr3"})";
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Extend", R"({"name":"rtmr3","digest":""})"), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Read", name), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Measure", name), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Cap", name), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Write", R"({"name":"rtmr3","value":""})"), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Snapshot", R"({"names":["rtmr3"]})"), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Watch", R"({"names":["rtmr3"]})", true), the_own_alone);
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.List"), AllOf(HasSubstr("tdx/rtmr3"), no_other));
    for (const auto *provider : {"nope", "secret"})
        EXPECT_THAT(call(agent_uid, "io.mrd.Registers.List", R"({"provider":")" + std::string(provider) + "\"}"),
                    AllOf(HasSubstr("NoSuchRegister"), HasSubstr(R"("candidates":["tdx"])")))
            << "one that is not his is as one that there is not";
    EXPECT_THAT(names(call(agent_uid, "io.mrd.Registers.Providers"), "providers"), ElementsAre("tdx"));
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Access"), no_other);
    EXPECT_THAT(call(other_uid, "io.mrd.Registers.Access"), AllOf(no_other, Not(HasSubstr("tdx"))));

    EXPECT_THAT(call(0, "io.mrd.Registers.Read", name), AllOf(HasSubstr("tdx/rtmr3"), HasSubstr("secret/rtmr3")));
    EXPECT_THAT(names(call(0, "io.mrd.Registers.Providers"), "providers"), ElementsAre("tdx", "secret"));
    EXPECT_THAT(call(agent_uid, "io.mrd.Registers.Access", R"({"uid":1000})"), no_other) << "of himself by his number";
    EXPECT_THAT(call(0, "io.mrd.Registers.Access", R"({"uid":1000})"), HasSubstr("secret/rtmr3"));
}

class AccessByRole : public AccessTest {
    void add_others() override {
        std::vector<RegisterSpec> specs{fake_register("pcr8", "XWRL")};
        specs.front().roles = {"app"};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(others_hardware_, "tpm", specs, false), specs));
    }
};

TEST_F(AccessByRole, AllowsTheSameWhoeverReadTheLogBefore) {
    constexpr uid_t reader = 1002;
    const auto records = [this](uid_t uid) {
        const auto caller = client(uid);
        caller->send("io.mrd.EventLog.Records", "{}", true);
        run();
        return caller->reply();
    };
    EXPECT_THAT(extend(0, "pcr8"), HasSubstr("sequence"));
    const std::vector<AccessRule> rules{
        {.name = "app", .users = {agent_uid}, .allow = {Right::extend}, .registers = {"app"}},
        {.name = "others", .users = {other_uid}, .allow = {Right::log}},
        {.name = "no contents of it", .users = {other_uid}, .allow = {Right::log_contents}, .registers = {"tdx/rtmr2"}},
        {.name = "logs", .users = {reader}, .allow = {Right::log}},
        {.name = "contents of it", .users = {reader}, .allow = {Right::log_contents}, .registers = {"app"}}};
    allow(rules);
    EXPECT_THAT(records(reader), HasSubstr("a secret")) << "by the role, and whoever asks first";
    allow(rules);
    EXPECT_THAT(records(other_uid), AllOf(HasSubstr("tpm/pcr8"), Not(HasSubstr("a secret"))));
    EXPECT_THAT(extend(agent_uid, "pcr8"), HasSubstr("sequence"));
    EXPECT_THAT(records(reader), HasSubstr("a secret")) << "by the role";
    EXPECT_THAT(records(0), HasSubstr("a secret"));
    EXPECT_THAT(extend(agent_uid, "pcr8"), HasSubstr("sequence"));
}

TEST_F(AccessTest, ByDefaultEverybodyReadsAndNeitherExtendsNorTouchesReports) {
    daemon_.set_access(AccessRules(AccessRules::defaults({}), 0));
    EXPECT_THAT(names(call(other_uid, "io.mrd.Registers.List"), "registers"),
                ElementsAre("tdx/rtmr2", "tdx/rtmr3", "tdx/reportdata", "tdx/report0"));
    EXPECT_THAT(names(call(other_uid, "io.mrd.Registers.Snapshot"), "readings"), ElementsAre("tdx/rtmr2", "tdx/rtmr3"));
    EXPECT_THAT(call(other_uid, "io.mrd.Registers.Status"), HasSubstr("\"status\""));
    EXPECT_THAT(extend(other_uid, "rtmr3"), HasSubstr(denied));
    for (const auto *name : {"reportdata", "report0"}) {
        EXPECT_THAT(call(other_uid, "io.mrd.Registers.Read", R"({"name":")" + std::string(name) + "\"}"), HasSubstr(denied)) << name;
        EXPECT_THAT(call(other_uid, "io.mrd.Registers.Write", R"({"name":")" + std::string(name) + R"(","value":""})"), HasSubstr(denied))
            << name;
        EXPECT_THAT(call(other_uid, "io.mrd.Registers.Watch", R"({"names":[")" + std::string(name) + "\"]}", true), HasSubstr(denied))
            << name;
    }
    for (const auto *method : {"Report", "Quote", "Evidence"})
        EXPECT_THAT(call(other_uid, "io.mrd.Attestation." + std::string(method), R"({"reportData":""})"), HasSubstr(denied)) << method;
    EXPECT_THAT(call(other_uid, "io.mrd.EventLog.Repair"), HasSubstr(denied));
}

TEST_F(AccessTest, RecordsAndExportsHaveWhatOthersSaidOnlyForWhoMaySeeIt) {
    allow({{.name = "everybody", .allow = {Right::log}},
           {.name = "auditor", .users = {agent_uid}, .allow = {Right::log_contents}, .registers = {"tdx/rtmr2"}}});
    for (const auto *name : {"rtmr3", "rtmr2"}) ASSERT_THAT(extend(0, name), HasSubstr("sequence"));
    const std::vector<std::string> told{"description", "data", "caller", "id"};
    const auto records = [this](uid_t uid) {
        const auto reader = client(uid);
        reader->send("io.mrd.EventLog.Records", "{}", true);
        run();
        std::vector<Json> found;
        for (auto reply = reader->reply(); !reply.empty(); reply = reader->reply())
            found.push_back(Json::parse(reply)["parameters"]["record"]);
        return found;
    };
    const auto of_root = records(0);
    ASSERT_EQ(of_root.size(), 2U);
    for (const auto &record : of_root) {
        for (const auto &member : told) EXPECT_TRUE(record.contains(member)) << member;
        EXPECT_EQ(record["caller"]["rule"], "root") << "by which rule it was allowed";
    }
    const auto of_other = records(other_uid);
    ASSERT_EQ(of_other.size(), 2U);
    for (std::size_t i = 0; i < of_other.size(); ++i) {
        for (const auto &member : told) EXPECT_FALSE(of_other[i].contains(member)) << member;
        for (const auto *member : {"sequence", "name", "digest", "eventType", "binding", "time", "origin"})
            EXPECT_EQ(of_other[i][member], of_root[i][member]) << member;
    }
    const auto of_agent = records(agent_uid);
    ASSERT_EQ(of_agent.size(), 2U);
    EXPECT_FALSE(of_agent[0].contains("data")) << "another register's";
    EXPECT_EQ(of_agent[1], of_root[1]);

    for (const auto *format : {"json", "cel_json", "tcg"}) {
        const auto exported = [&](uid_t uid) {
            const auto reply = Json::parse(call(uid, "io.mrd.EventLog.Export", R"({"format":")" + std::string(format) + "\"}", true));
            const auto bytes = mr::from_base64(reply["parameters"]["chunk"].get<std::string>()).value();
            return std::string(bytes.begin(), bytes.end());
        };
        // "secret", as text, in hexadecimal and in base64.
        const auto secret = ::testing::AnyOf(HasSubstr("secret"), HasSubstr("736563726574"), HasSubstr("c2VjcmV0"));
        EXPECT_THAT(exported(0), secret) << format;
        EXPECT_THAT(exported(other_uid), Not(secret)) << format;
    }
}

TEST_F(AccessTest, AResyncKeepsWhatAReplayNeedsAndNotWhoMadeIt) {
    allow({{.name = "everybody", .allow = {Right::log}}});
    ASSERT_THAT(extend(0, "rtmr3"), HasSubstr("sequence"));
    hardware_.extend(1, mr::Digest(mr::Bytes(48, 9)));
    ASSERT_THAT(call(0, "io.mrd.Registers.Read", R"({"name":"rtmr3","fresh":true})"), HasSubstr("reading"));
    ASSERT_THAT(extend(0, "rtmr3"), HasSubstr("sequence"));
    const auto reader = client(other_uid);
    reader->send("io.mrd.EventLog.Records", R"({"from":2})", true);
    run();
    const auto resync = Json::parse(reader->reply())["parameters"]["record"];
    ASSERT_EQ(resync["origin"], "resync");
    EXPECT_TRUE(resync.contains("data"));
    EXPECT_FALSE(resync.contains("caller"));
    EXPECT_FALSE(resync.contains("description"));
}

TEST_F(AccessTest, NewRulesEndTheWatchesAndFollowersThatTheyNoLongerAllowAndNoOthers) {
    const AccessRule keeps{.name = "keeps", .users = {agent_uid}, .allow = {Right::read, Right::log}};
    allow({keeps, {.name = "loses", .users = {other_uid}, .allow = {Right::read, Right::log}}});
    struct Open {
        std::unique_ptr<SessionClient> watch;
        std::unique_ptr<SessionClient> follow;
    };
    const auto open = [this](uid_t uid) {
        Open opened{client(uid), client(uid)};
        opened.watch->send("io.mrd.Registers.Watch", R"({"names":["rtmr3"]})", true);
        opened.follow->send("io.mrd.EventLog.Records", R"({"follow":true})", true);
        run();
        EXPECT_THAT(opened.watch->reply(), HasSubstr("continues"));
        return opened;
    };
    const auto stays = open(agent_uid);
    const auto ends = open(other_uid);
    allow({keeps});
    run();
    EXPECT_THAT(ends.watch->reply(), HasSubstr(denied));
    EXPECT_THAT(ends.follow->reply(), HasSubstr(denied));
    ASSERT_THAT(extend(0, "rtmr3"), HasSubstr("sequence"));
    run();
    EXPECT_THAT(stays.watch->reply(), HasSubstr("continues"));
    EXPECT_THAT(stays.follow->reply(), HasSubstr("\"sequence\":1"));
    EXPECT_EQ(ends.watch->reply(), "");
    EXPECT_EQ(ends.follow->reply(), "");
}

TEST_F(AccessTest, WhoWatchesAllThatItMayIsEndedByOneFewerAndTakesInOneMore) {
    allow({{.name = "a", .users = {agent_uid}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}}});
    const auto watcher = client(agent_uid);
    watcher->send("io.mrd.Registers.Watch", "{}", true);
    EXPECT_THAT(watcher->reply(), HasSubstr("tdx/rtmr3"));
    allow({{.name = "a", .users = {agent_uid}, .allow = {Right::read}, .registers = {"tdx/rtmr*"}}});
    run();
    EXPECT_THAT(watcher->reply(), HasSubstr("tdx/rtmr2"));
    allow({{.name = "a", .users = {agent_uid}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}}});
    EXPECT_THAT(extend(0, "rtmr2"), HasSubstr("sequence"));
    EXPECT_THAT(watcher->reply(), HasSubstr(denied)) << "it is told nothing before it is judged";
}

TEST_F(AccessTest, WhatNewRulesLetOneWatchIsReadBeforeItIsTold) {
    allow({{.name = "a", .users = {agent_uid}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}}});
    const auto watcher = client(agent_uid);
    watcher->send("io.mrd.Registers.Watch", "{}", true);
    EXPECT_THAT(watcher->reply(), HasSubstr("tdx/rtmr3"));
    EXPECT_THAT(extend(0, "rtmr2"), HasSubstr("sequence"));
    hardware_.set(3, 7);  // report0, which holds the extend
    allow({{.name = "a", .users = {agent_uid}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}},
           {.name = "b", .users = {agent_uid}, .allow = {Right::report}, .registers = {"tdx/report0"}}});
    run();
    EXPECT_THAT(watcher->reply(), AllOf(HasSubstr("tdx/report0"), HasSubstr(mr::to_hex(mr::Bytes(1024, 7)))));
    EXPECT_EQ(watcher->reply(), "");
}

// To read a unit takes a turn of another process.
TEST_F(AccessTest, NewRulesAreJudgedOnceForEachWhoWatchesOrFollowsAndForABoundedNumberInATurn) {
    const AccessRule reads{.name = "reads", .allow = {Right::read, Right::log}};
    constexpr std::size_t many = 2 * told_in_a_turn + 1;
    const struct {
        const char *method;
        const char *parameters;
    } lasting[] = {{"io.mrd.Registers.Watch", "{}"}, {"io.mrd.EventLog.Records", R"({"follow":true})"}};
    for (const auto &call : lasting) {
        allow({reads});
        std::size_t units_read = 0;
        const varlink::Peer peer{.uid = other_uid, .gid = other_uid, .process = [&units_read] {
                                     ++units_read;
                                     return varlink::FileDescriptor();
                                 }};
        std::vector<std::unique_ptr<SessionClient>> open;
        for (std::size_t i = 0; i < many; ++i) {
            open.push_back(std::make_unique<SessionClient>(*service_, peer));
            open.back()->send(call.method, call.parameters, true);
        }
        run();
        EXPECT_EQ(units_read, 0U);
        allow({{.name = "unit", .units = {"a.service"}, .allow = {Right::read, Right::log}}, reads});
        EXPECT_EQ(units_read, 0U) << call.method;
        loop_.restart();
        loop_.poll_one();
        EXPECT_GT(units_read, 0U) << call.method;
        EXPECT_LE(units_read, told_in_a_turn) << call.method;
        run();
        EXPECT_EQ(units_read, many) << call.method;
        for (const auto &client : open) client->close();
    }
}

TEST_F(AccessTest, WhatIsRefusedIsCountedInTheStatus) {
    allow({});
    for (int i = 0; i < 3; ++i) EXPECT_THAT(extend(other_uid, "rtmr3"), HasSubstr(denied));
    EXPECT_THAT(call(other_uid, "io.mrd.Registers.List"), HasSubstr(denied));
    const auto status = Json::parse(call(0, "io.mrd.Registers.Status"))["parameters"]["status"]["access"];
    EXPECT_EQ(status, Json::parse(R"({"rules":1,"refused":[{"operation":"list","calls":1},{"operation":"extend","calls":3}]})"));
}

TEST_F(AccessTest, TheRuleThatAllowedAnEventIsThatOfTheTimeOfIt) {
    allow({{.name = "first", .users = {agent_uid}, .allow = {Right::extend}}});
    const auto caller = client(agent_uid);
    const auto extend_by = [&caller](int byte) {
        return caller->call("io.mrd.Registers.Extend",
                            R"({"name":"rtmr3","digest":")" + mr::to_hex(mr::Bytes(48, static_cast<std::uint8_t>(byte))) + "\"}");
    };
    EXPECT_THAT(extend_by(1), HasSubstr("sequence"));
    allow({{.name = "second", .users = {agent_uid}, .allow = {Right::extend}}});
    EXPECT_THAT(extend_by(2), HasSubstr("sequence"));
    const auto reader = client(0);
    reader->send("io.mrd.EventLog.Records", "{}", true);
    run();
    for (const auto *rule : {"first", "second"}) EXPECT_EQ(Json::parse(reader->reply())["parameters"]["record"]["caller"]["rule"], rule);
}

}  // namespace
}  // namespace mrd
