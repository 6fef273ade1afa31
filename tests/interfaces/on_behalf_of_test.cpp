// What a program may that asks for others (onBehalfOf): what both may, of whom its rule names, and the log has both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "mr/bytes.h"
#include "mrd/daemon/service.h"
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

constexpr uid_t program = 900;
constexpr uid_t user = 1000;
constexpr uid_t another = 1001;
constexpr uid_t unlisted = 1002;
constexpr gid_t group = 70;

class OnBehalfOf : public ::testing::Test {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL"),
                                              fake_register("reportdata", "WRF", 64), fake_register("carrier", "XRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.start_journal());
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
    }

    void allow(std::vector<AccessRule> rules) { daemon_.set_access(AccessRules(std::move(rules), 0)); }
    // The program may it for these and for itself, and they may it too.
    static std::vector<AccessRule> both(const Rights &rights) {
        return {{.name = "program", .users = {program}, .allow = rights, .on_behalf_of = {{user, another}}},
                {.name = "itself", .users = {program}, .allow = rights},
                {.name = "users", .users = {user, another, unlisted}, .allow = rights}};
    }

    static std::string other(std::int64_t uid, std::int64_t gid = 100, std::int64_t pid = 77) {
        return Json{{"uid", uid}, {"gid", gid}, {"pid", pid}}.dump();
    }
    // `parameters`: an object's members.
    static std::string with(const std::string &parameters, const std::string &on_behalf_of) {
        return "{" + parameters + (parameters.empty() ? "" : ",") + R"("onBehalfOf":)" + on_behalf_of + "}";
    }
    std::unique_ptr<SessionClient> client(uid_t uid = program) {
        return std::make_unique<SessionClient>(*service_, varlink::Peer{.uid = uid, .gid = uid, .connection = ++connections_});
    }
    std::string call(uid_t uid, std::string_view method, const std::string &parameters) {
        const auto caller = client(uid);
        caller->send(method, parameters, method.starts_with("io.mrd.EventLog"));
        loop_.restart();
        loop_.poll();
        return caller->reply();
    }
    static std::string extend_parameters(const std::string &name = "rtmr3", int byte = 1) {
        return R"("name":")" + name + R"(","digest":")" + mr::to_hex(mr::Bytes(48, static_cast<std::uint8_t>(byte))) + '"';
    }
    std::string extend_for(uid_t whom, const std::string &name = "rtmr3") {
        return call(program, "io.mrd.Registers.Extend", with(extend_parameters(name), other(whom)));
    }
    Json last_caller() {
        const auto reader = client(0);
        reader->send("io.mrd.EventLog.Records", "{}", true);
        loop_.restart();
        loop_.poll();
        Json found;
        for (auto reply = reader->reply(); !reply.empty(); reply = reader->reply())
            found = Json::parse(reply)["parameters"]["record"]["caller"];
        return found;
    }

    static constexpr const char *denied = "org.varlink.service.PermissionDenied";

    std::uint64_t connections_ = 0;
    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
};

TEST_F(OnBehalfOf, OfEachMethodThatTakesItTheRightsOfBothAreNeededAndTheProgramsRuleHasToNameWhom) {
    const auto digest = extend_parameters();
    const auto data = R"("reportData":")" + mr::to_hex(mr::Bytes(64, 9)) + '"';
    for (const auto &[method, right, parameters] : std::vector<std::tuple<std::string, Right, std::string>>{
             {"io.mrd.Registers.List", Right::list, ""},
             {"io.mrd.Registers.Read", Right::read, R"("name":"rtmr3")"},
             {"io.mrd.Registers.Extend", Right::extend, digest},
             {"io.mrd.Registers.Measure", Right::measure, R"("name":"rtmr3","data":"AA==")"},
             {"io.mrd.Registers.Write", Right::report, R"("name":"reportdata","value":")" + mr::to_hex(mr::Bytes(64, 1)) + '"'},
             {"io.mrd.EventLog.Records", Right::log, ""},
             {"io.mrd.EventLog.Export", Right::log, R"("format":"json")"},
             {"io.mrd.Attestation.Report", Right::report, data},
             {"io.mrd.Attestation.Quote", Right::quote, data}}) {
        const auto ask = [&, name = method, given = parameters](uid_t by, const std::string &whom) {
            return call(by, name, with(given, whom));
        };
        allow(both({right}));
        EXPECT_THAT(ask(program, other(user)), Not(HasSubstr(denied))) << method;
        EXPECT_THAT(ask(program, other(another)), Not(HasSubstr(denied))) << method;
        EXPECT_THAT(ask(program, other(unlisted)), HasSubstr(denied)) << method << ": whom the rule does not name";
        EXPECT_THAT(ask(program, other(0)), HasSubstr(denied)) << method << ": root least of all";
        EXPECT_THAT(ask(user, other(another)), HasSubstr(denied)) << method << ": whom no rule lets ask for others";
        EXPECT_THAT(ask(user, other(user)), HasSubstr(denied)) << method << ": not for himself either";
        EXPECT_THAT(ask(0, other(user)), HasSubstr(denied)) << method << ": root, by its own rule";
        auto rules = both({right});
        rules.pop_back();
        allow(rules);
        EXPECT_THAT(ask(program, other(user)), HasSubstr(denied)) << method << ": the user has no right of his own";
        rules = both({right});
        rules.front().allow = {right == Right::log ? Right::read : Right::log};
        rules.push_back({.name = "own", .users = {program}, .allow = {right}});
        allow(rules);
        EXPECT_THAT(ask(program, other(user)), HasSubstr(denied)) << method << ": what the program may for itself it may not for others";
        EXPECT_THAT(call(program, method, "{" + parameters + "}"), Not(HasSubstr(denied))) << method << ": for itself";
    }
}

TEST_F(OnBehalfOf, IdsThatThereCannotBeAreRefusedByTheNameOfTheField) {
    allow(both({Right::read}));
    const auto ask = [this](const std::string &whom) { return call(program, "io.mrd.Registers.Read", with(R"("name":"rtmr3")", whom)); };
    constexpr std::int64_t most_pid = 2147483647;
    constexpr std::int64_t nobody = 4294967295;
    EXPECT_THAT(ask(other(user, 0, 1)), HasSubstr("reading"));
    EXPECT_THAT(ask(other(user, nobody - 1, most_pid)), HasSubstr("reading"));
    const auto wrong = [](const std::string &field) {
        return HasSubstr(R"({"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"onBehalfOf.)" + field + R"("}})");
    };
    for (const auto id : {nobody, std::int64_t{-1}, nobody + 1, nobody + 1 + user}) {
        EXPECT_THAT(ask(other(id)), wrong("uid")) << id;
        EXPECT_THAT(ask(other(user, id)), wrong("gid")) << id;
    }
    for (const auto pid : {std::int64_t{0}, std::int64_t{-1}, most_pid + 1}) EXPECT_THAT(ask(other(user, 100, pid)), wrong("pid")) << pid;
    EXPECT_THAT(ask(R"({"uid":1000,"gid":100})"), HasSubstr("InvalidParameter")) << "a part of one is none";
    allow({{.name = "program", .users = {program}, .allow = {Right::read}, .on_behalf_of = {{1, nobody - 1}}},
           {.name = "everybody", .allow = {Right::read}}});
    EXPECT_THAT(ask(other(usual_overflow_uid)), HasSubstr(denied)) << "it is whoever has no uid here";
}

TEST_F(OnBehalfOf, ARuleByGroupHoldsForTheGidAloneAndOneByUnitOrForAnotherListenerNot) {
    allow({{.name = "program", .users = {program}, .allow = {Right::read}, .on_behalf_of = {{user, user}}},
           {.name = "group", .groups = {group}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}},
           {.name = "unit", .users = {user}, .units = {"x.service"}, .allow = {Right::read}},
           {.name = "elsewhere", .users = {user}, .listeners = {"elsewhere"}, .allow = {Right::read}}});
    EXPECT_THAT(call(program, "io.mrd.Registers.Read", with(R"("name":"rtmr3")", other(user, group))), HasSubstr("reading"));
    EXPECT_THAT(call(program, "io.mrd.Registers.Read", with(R"("name":"rtmr3")", other(user, 100))), HasSubstr(denied));
    EXPECT_THAT(call(program, "io.mrd.Registers.Read", with(R"("name":"rtmr2")", other(user, group))), HasSubstr(denied));
}

TEST_F(OnBehalfOf, AnEventHasBothAndTheRuleThatLetTheProgramAsk) {
    allow(both({Right::extend}));
    ASSERT_THAT(extend_for(user), HasSubstr("sequence"));
    const auto caller = last_caller();
    EXPECT_EQ(caller["uid"], program);
    EXPECT_EQ(caller["rule"], "program");
    EXPECT_EQ(caller["onBehalfOf"], (Json{{"uid", user}, {"gid", 100}, {"pid", 77}}));
    // On one connection each call has its own.
    const auto pooled = client();
    for (const auto whom : {user, another}) {
        ASSERT_THAT(pooled->call("io.mrd.Registers.Extend", with(extend_parameters(), other(whom))), HasSubstr("sequence"));
        EXPECT_EQ(last_caller()["onBehalfOf"]["uid"], whom);
    }
    ASSERT_THAT(pooled->call("io.mrd.Registers.Extend", "{" + extend_parameters() + "}"), HasSubstr("sequence"));
    EXPECT_FALSE(last_caller().contains("onBehalfOf")) << "its own";
}

TEST_F(OnBehalfOf, AnIdIsOneEventOfTheUserItIsAskedFor) {
    allow(both({Right::extend}));
    const auto extend = [this](uid_t whom) {
        const auto reply = call(program, "io.mrd.Registers.Extend", with(extend_parameters() + R"(,"id":"one")", other(whom)));
        return Json::parse(reply)["parameters"]["sequence"].get<int>();
    };
    EXPECT_EQ(extend(user), 1);
    EXPECT_EQ(extend(user), 1) << "sent again";
    EXPECT_EQ(extend(another), 2) << "another's id is another id";
    const auto by_himself = call(user, "io.mrd.Registers.Extend", "{" + extend_parameters() + R"(,"id":"one"})");
    EXPECT_EQ(Json::parse(by_himself)["parameters"]["sequence"], 1) << "whichever way he asks";
}

TEST_F(OnBehalfOf, NoReplyIsKeptOfACallForSomebodyElse) {
    allow(both({Right::read}));
    const auto pooled = client();
    const auto read = [&pooled](uid_t whom) { return pooled->call("io.mrd.Registers.Read", with(R"("name":"rtmr3")", other(whom))); };
    const auto read_for_itself = [&pooled] { return pooled->call("io.mrd.Registers.Read", R"({"name":"rtmr3"})"); };
    for (int i = 0; i < 4; ++i) {
        EXPECT_THAT(read(user), HasSubstr("reading"));
        EXPECT_THAT(read(unlisted), HasSubstr(denied));
        EXPECT_THAT(read_for_itself(), HasSubstr("reading"));
    }
    allow({{.name = "program", .users = {program}, .allow = {Right::read}, .on_behalf_of = {{user, another}}},
           {.name = "itself", .users = {program}, .allow = {Right::read}}});
    EXPECT_THAT(read_for_itself(), HasSubstr("reading"));
    EXPECT_THAT(read(user), HasSubstr(denied)) << "he may no more, though the program may";
}

TEST_F(OnBehalfOf, AListHasWhatBothKnowAndContentsAreForWhomBothMayShowThem) {
    allow({{.name = "program", .users = {program}, .allow = {Right::list, Right::log, Right::log_contents}, .on_behalf_of = {{user, user}}},
           {.name = "itself", .users = {program}, .allow = {Right::log, Right::log_contents}},
           {.name = "user", .users = {user}, .allow = {Right::list}, .registers = {"tdx/rtmr2"}},
           {.name = "log", .users = {user}, .allow = {Right::log}}});
    const auto listed = Json::parse(call(program, "io.mrd.Registers.List", with("", other(user))))["parameters"]["registers"];
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0]["name"], "tdx/rtmr2");
    ASSERT_THAT(call(0, "io.mrd.Registers.Extend", "{" + extend_parameters() + R"(,"description":"a secret"})"), HasSubstr("sequence"));
    EXPECT_THAT(call(program, "io.mrd.EventLog.Records", "{}"), HasSubstr("a secret"));
    EXPECT_THAT(call(program, "io.mrd.EventLog.Records", with("", other(user))), AllOf(HasSubstr("rtmr3"), Not(HasSubstr("a secret"))));
}

TEST_F(OnBehalfOf, AVirtualRegisterIsItsOwnersAndNeitherTheProgramsNorForThoseItAsksFor) {
    auto rules = both({Right::list, Right::measure});
    rules.push_back({.name = "create", .users = {program, user}, .allow = {Right::create}});
    allow(rules);
    for (const auto &[owner, name] : {std::pair(program, "virtual/programs"), std::pair(user, "virtual/users")}) {
        ASSERT_THAT(call(owner, "io.mrd.Registers.Create", R"({"name":")" + std::string(name) + R"(","hash":"sha384","on":"carrier"})"),
                    HasSubstr("register"));
    }
    const auto measure = [this](const std::string &name) {
        return call(program, "io.mrd.Registers.Measure", with(R"("name":")" + name + R"(","data":"AA==")", other(user)));
    };
    EXPECT_THAT(measure("virtual/programs"), HasSubstr(denied)) << "what it has made itself is not the user's";
    EXPECT_THAT(measure("virtual/users"), HasSubstr(denied)) << "the program has no rule that speaks of virtual ones";
    rules.front().registers = {"tdx/*", "virtual/*"};
    allow(rules);
    EXPECT_THAT(measure("virtual/users"), HasSubstr("sequence"));
    EXPECT_THAT(measure("virtual/programs"), HasSubstr(denied));
    EXPECT_EQ(last_caller()["onBehalfOf"]["uid"], user);
}

TEST_F(OnBehalfOf, NewRulesEndAFollowerThatOneOfBothMayNoMore) {
    allow(both({Right::log}));
    const auto follower = client();
    follower->send("io.mrd.EventLog.Records", with(R"("follow":true)", other(user)), true);
    auto rules = both({Right::log});
    rules.pop_back();
    allow(rules);
    loop_.restart();
    loop_.poll();
    EXPECT_THAT(follower->reply(), HasSubstr(denied));
}

}  // namespace
}  // namespace mrd
