// Virtual registers as their owners, others and root see them, on registers in memory.
#include "mrd/registers/virtual_registers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "mr/bytes.h"
#include "mr/envelope.h"
#include "mrd/daemon/service.h"
#include "mrd/interfaces/watch.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr uid_t tenant = 1000;
constexpr uid_t other_tenant = 1001;

class VirtualRegistersTest : public ::testing::Test {
protected:
    enum : RegisterIndex { rtmr2, rtmr3, shared, mrtd };

    void SetUp() override {
        std::vector<RegisterSpec> specs{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XRL"), fake_register("shared", "XRL"),
                                        fake_register("mrtd", "R")};
        specs[shared].owner = mr::Owner::shared;
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.start_journal());
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        allow({.name = {}, .create_at_most = 3});
    }

    // Everybody lists and reads; the tenant may create by the rule.
    void allow(AccessRule creating) {
        creating.name = "tenants";
        if (creating.users.empty()) creating.users = {tenant, other_tenant};
        creating.allow.add(Right::create);
        if (creating.registers.empty()) creating.registers = {"virtual/*"};
        daemon_.set_access(
            AccessRules({std::move(creating), {.name = "everybody", .allow = {Right::list, Right::read, Right::measure}}}, 0));
    }

    Json call(uid_t uid, const std::string &method, const Json &parameters = Json::object()) {
        SessionClient client(*service_, varlink::Peer{.uid = uid, .gid = uid});
        client.send("io.mrd." + method, parameters.dump());
        loop_.restart();
        loop_.poll();
        const auto reply = client.reply();
        EXPECT_THAT(reply, Not(IsEmpty()));
        return Json::parse(reply);
    }
    // "" or the error's name without the interface.
    std::string error(uid_t uid, const std::string &method, const Json &parameters) {
        const auto reply = call(uid, method, parameters);
        if (!reply.contains("error")) return "";
        const auto name = reply["error"].get<std::string>();
        return name.substr(name.rfind('.') + 1);
    }
    std::string create(uid_t uid, const std::string &name, const std::string &on = "tdx/rtmr3", const std::string &hash = "sha384") {
        return error(uid, "Registers.Create", {{"name", name}, {"hash", hash}, {"on", on}});
    }
    std::string close(uid_t uid, const std::string &name) { return error(uid, "Registers.Close", {{"name", name}}); }
    Json measure(uid_t uid, const std::string &name, const std::string &text, const std::string &id = {}) {
        Json parameters{{"name", name}, {"data", mr::to_base64(mr::as_bytes(text))}};
        if (!id.empty()) parameters["id"] = id;
        return call(uid, "Registers.Measure", parameters);
    }
    std::string read(uid_t uid, const std::string &name) {
        const auto reply = call(uid, "Registers.Read", {{"name", name}});
        return reply.contains("error") ? reply["error"].get<std::string>() : reply["parameters"]["reading"]["value"].get<std::string>();
    }
    std::vector<std::string> listed(uid_t uid) {
        std::vector<std::string> names;
        const auto reply = call(uid, "Registers.List");
        for (const auto &each : reply["parameters"]["registers"]) {
            if (each["name"].get<std::string>().starts_with("virtual/")) names.push_back(each["name"]);
        }
        return names;
    }
    std::uint64_t events() { return journal_->state().sequence(); }

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
};

TEST_F(VirtualRegistersTest, ReplayStatusAndAccessTellOfThemAsOfOthersToWhoMayReadThem) {
    daemon_.set_access(
        AccessRules({{.name = "tenants", .users = {tenant, other_tenant}, .allow = {Right::create}, .registers = {"virtual/*"}},
                     {.name = "everybody", .allow = {Right::list, Right::read, Right::log}}},
                    0));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    ASSERT_EQ(create(other_tenant, "virtual/other"), "");
    measure(tenant, "virtual/build", "a");
    const auto entry_of = [](const Json &all, const std::string &name) {
        const auto found = std::ranges::find_if(all, [&](const Json &each) { return each["name"] == name; });
        return found == all.end() ? Json() : *found;
    };
    const auto replayed = [&](uid_t uid, const std::string &name) {
        return entry_of(call(uid, "EventLog.Replay")["parameters"]["registers"], name);
    };
    const auto status = [&](uid_t uid, const std::string &name) {
        return entry_of(call(uid, "Registers.Status")["parameters"]["status"]["virtualRegisters"], name);
    };
    const auto own = replayed(tenant, "virtual/build");
    EXPECT_EQ(own["equal"], true) << own;
    EXPECT_EQ(own["unbound"], true) << "as its carrier is";
    EXPECT_EQ(own["replayed"], read(tenant, "virtual/build"));
    EXPECT_EQ(status(tenant, "virtual/build")["logged"], read(tenant, "virtual/build"));
    EXPECT_EQ(status(tenant, "virtual/build")["events"], 2);
    EXPECT_TRUE(replayed(tenant, "virtual/other").is_null()) << "they are their owners'";
    EXPECT_TRUE(status(tenant, "virtual/other").is_null());
    EXPECT_FALSE(replayed(0, "virtual/other").is_null());
    EXPECT_FALSE(status(0, "virtual/other").is_null());
    const auto told = call(tenant, "Registers.Access").dump();
    EXPECT_THAT(told, HasSubstr(R"-({"registers":["virtual/build"],"right":"measure","rule":"(owner)"})-"));
    EXPECT_THAT(told, Not(HasSubstr("virtual/other")));

    // A gap of the carrier is one of what it carried before.
    hardware_.extend(rtmr3, mr::Digest(mr::Bytes(48, 0xEE)));
    call(tenant, "Registers.Read", {{"name", "tdx/rtmr3"}, {"fresh", true}});
    EXPECT_EQ(status(tenant, "virtual/build")["diverged"], true);
    measure(tenant, "virtual/build", "b");
    EXPECT_EQ(replayed(tenant, "virtual/build")["equal"], false);
    EXPECT_EQ(replayed(tenant, "virtual/build")["endsAtRegister"], true);
    EXPECT_THAT(replayed(tenant, "virtual/build")["gaps"], SizeIs(1));
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    EXPECT_TRUE(replayed(tenant, "virtual/build").is_null());
}

TEST_F(VirtualRegistersTest, EvidenceOfOnesOwnTakesTheRightsQuoteAndLogOrEvidenceAndNoOther) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    const auto evidence = [&](Rights rights, const Json &registers) {
        daemon_.set_access(AccessRules({{.name = "tenant", .users = {tenant}, .allow = rights}}, 0));
        Json parameters{{"reportData", std::string(128, '1')}};
        if (!registers.is_null()) parameters["registers"] = registers;
        return error(tenant, "Attestation.Evidence", parameters);
    };
    const Json own{"virtual/build"};
    const std::string passes = "NoSuchProvider";  // there is nobody to make a quote here
    EXPECT_EQ(evidence({Right::quote, Right::log}, own), passes);
    EXPECT_EQ(evidence({Right::evidence}, own), passes);
    EXPECT_EQ(evidence({Right::quote, Right::log}, Json()), "PermissionDenied") << "all of the log";
    EXPECT_EQ(evidence({Right::quote}, own), "PermissionDenied");
    EXPECT_EQ(evidence({Right::log}, own), "PermissionDenied");
}

TEST_F(VirtualRegistersTest, AShortNameIsNoneOfThemAndTheErrorSaysTheWholeOneToWhoKnowsOfIt) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    for (const char *method : {"Registers.Read", "Registers.Snapshot"}) {
        const auto parameters = std::string_view(method).ends_with("Read") ? Json{{"name", "build"}} : Json{{"names", {"build"}}};
        const auto candidates_for = [&](uid_t uid) { return call(uid, method, parameters)["parameters"].value("candidates", Json()); };
        EXPECT_EQ(error(tenant, method, parameters), "NoSuchRegister");
        EXPECT_EQ(candidates_for(tenant), Json({"virtual/build"}));
        EXPECT_EQ(candidates_for(0), Json({"virtual/build"}));
        EXPECT_THAT(candidates_for(other_tenant), IsEmpty());
    }
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    EXPECT_THAT(call(tenant, "Registers.Read", {{"name", "build"}})["parameters"].value("candidates", Json()), IsEmpty());
}

TEST_F(VirtualRegistersTest, OneIsMadeMeasuredReadAndClosedEachByAnEventOfItsCarrier) {
    const auto made = call(tenant, "Registers.Create", {{"name", "virtual/build"}, {"hash", "sha256"}, {"on", "rtmr3"}});
    const auto &reg = made["parameters"]["register"];
    EXPECT_EQ(made["parameters"]["on"], "tdx/rtmr3");
    EXPECT_EQ(reg["name"], "virtual/build");
    EXPECT_EQ(reg["flags"], "XR");
    EXPECT_EQ(reg["hash"], "sha256");
    EXPECT_EQ(reg["size"], 32);
    EXPECT_EQ(reg["owner"], "owned");
    EXPECT_EQ(reg["capped"], false);
    EXPECT_EQ(events(), 1U);
    const auto before = mr::from_hex(read(tenant, "virtual/build")).value();
    EXPECT_THAT(before, SizeIs(32));
    const auto carrier_before = hardware_.value(rtmr3);

    const auto measured = measure(tenant, "virtual/build", "a");
    EXPECT_EQ(measured["parameters"]["sequence"], 2);
    EXPECT_EQ(measured["parameters"]["reading"]["unbound"], true) << "as its carrier is";
    EXPECT_EQ(call(tenant, "Registers.Read", {{"name", "virtual/build"}})["parameters"]["reading"]["unbound"], true);
    const auto digest = mr::from_hex(measured["parameters"]["digest"].get<std::string>()).value();
    const auto after = mr::extend(mr::HashAlgorithm::sha256, before, digest).value();
    EXPECT_EQ(measured["parameters"]["reading"]["value"], mr::to_hex(after.bytes()));
    EXPECT_EQ(read(tenant, "virtual/build"), mr::to_hex(after.bytes()));
    EXPECT_NE(hardware_.value(rtmr3), carrier_before) << "the carrier took it too";

    EXPECT_EQ(close(tenant, "virtual/build"), "");
    EXPECT_EQ(events(), 3U);
    EXPECT_THAT(read(tenant, "virtual/build"), HasSubstr("RegisterGone"));
    EXPECT_EQ(close(tenant, "virtual/build"), "RegisterGone");
    EXPECT_TRUE(measure(tenant, "virtual/build", "a").contains("error"));
    EXPECT_EQ(events(), 3U);
}

TEST_F(VirtualRegistersTest, OneIsItsOwnersAndRootsAndOthersDoNotKnowOfIt) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    EXPECT_THAT(listed(tenant), ElementsAre("virtual/build"));
    EXPECT_THAT(listed(0), ElementsAre("virtual/build"));
    EXPECT_THAT(listed(other_tenant), IsEmpty());
    EXPECT_THAT(read(other_tenant, "virtual/build"), HasSubstr("PermissionDenied"));
    EXPECT_THAT(measure(other_tenant, "virtual/build", "a").dump(), HasSubstr("PermissionDenied"))
        << "what is said of all registers is not of it";
    EXPECT_EQ(close(other_tenant, "virtual/build"), "PermissionDenied");
    EXPECT_EQ(create(other_tenant, "virtual/build"), "RegisterExists");
    EXPECT_EQ(create(0, "virtual/build"), "RegisterExists");
    EXPECT_FALSE(measure(0, "virtual/build", "a").contains("error"));
    EXPECT_EQ(close(0, "virtual/build"), "");
    EXPECT_THAT(read(other_tenant, "virtual/build"), HasSubstr("PermissionDenied")) << "nor that there was one";
    EXPECT_EQ(create(other_tenant, "virtual/build"), "RegisterExists") << "the name stays its first owner's until the next boot";
    EXPECT_EQ(create(0, "virtual/build"), "RegisterExists");
    EXPECT_EQ(create(tenant, "virtual/build"), "");
}

TEST_F(VirtualRegistersTest, ARuleThatSpeaksOfVirtualRegistersLetsOthersDoWhatItSays) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    ASSERT_EQ(create(tenant, "virtual/own"), "");
    daemon_.set_access(
        AccessRules({{.name = "both", .users = {other_tenant}, .allow = {Right::read, Right::measure}, .registers = {"virtual/b*"}},
                     {.name = "all", .users = {other_tenant}, .allow = {Right::read, Right::cap}, .registers = {"*/build"}}},
                    0));
    EXPECT_FALSE(measure(other_tenant, "virtual/build", "a").contains("error"));
    EXPECT_THAT(measure(other_tenant, "virtual/own", "a").dump(), HasSubstr("PermissionDenied"));
    EXPECT_EQ(close(other_tenant, "virtual/build"), "PermissionDenied")
        << "a pattern that is not of virtual registers by its first letters";
}

TEST_F(VirtualRegistersTest, ARuleSaysByWhomHowManyOnWhatAndByWhichNames) {
    allow({.name = {}, .users = {tenant}, .registers = {"virtual/web-*"}, .create_on = {"tdx/rtmr3"}, .create_at_most = 2});
    EXPECT_EQ(create(tenant, "virtual/build"), "PermissionDenied");
    EXPECT_EQ(create(other_tenant, "virtual/web-1"), "PermissionDenied");
    EXPECT_EQ(create(tenant, "virtual/web-1", "tdx/rtmr2"), "PermissionDenied");
    EXPECT_EQ(create(tenant, "virtual/web-1"), "");
    EXPECT_EQ(create(tenant, "virtual/web-2"), "");
    EXPECT_EQ(close(tenant, "virtual/web-1"), "");
    EXPECT_EQ(create(tenant, "virtual/web-3"), "TooManyRegisters") << "those that were closed count too";
    EXPECT_EQ(create(tenant, "virtual/build"), "PermissionDenied");
    EXPECT_EQ(create(0, "virtual/anything"), "") << "root's rule has no bounds";
}

TEST_F(VirtualRegistersTest, WhatIsNotMrdsAloneOrTakesBareDigestsCarriesNone) {
    EXPECT_EQ(create(tenant, "virtual/build", "tdx/rtmr2"), "NotSupported");
    EXPECT_EQ(create(tenant, "virtual/build", "tdx/shared"), "NotSupported");
    EXPECT_EQ(create(tenant, "virtual/build", "tdx/mrtd"), "NotSupported");
    EXPECT_EQ(create(tenant, "virtual/build", "tdx/none"), "NoSuchRegister");
    const auto told = call(tenant, "Registers.Create", {{"name", "virtual/build"}, {"hash", "sha384"}, {"on", "rtmr2"}});
    EXPECT_THAT(told.dump(), HasSubstr("log_only"));
    ASSERT_EQ(create(tenant, "virtual/first"), "");
    const auto refused = call(tenant, "Registers.Create", {{"name", "virtual/second"}, {"hash", "sha384"}, {"on", "virtual/first"}});
    EXPECT_THAT(refused.dump(), ::testing::AllOf(HasSubstr("NotSupported"),
                                                 HasSubstr("virtual registers on virtual/first: a virtual register carries none")));
    EXPECT_EQ(create(0, "virtual/second", "virtual/first"), "NotSupported") << "who may list it knows of it";
    EXPECT_EQ(create(other_tenant, "virtual/second", "virtual/first"), "NoSuchRegister") << "who may not is told nothing";
    EXPECT_EQ(create(tenant, "virtual/second", "virtual/none"), "NoSuchRegister");
    EXPECT_EQ(events(), 1U);
}

TEST_F(VirtualRegistersTest, ANameOrHashThatNoneCanHaveIsRefused) {
    const auto refused = [this](const std::string &name, const std::string &hash = "sha384") {
        return call(0, "Registers.Create", {{"name", name}, {"hash", hash}, {"on", "rtmr3"}}).dump();
    };
    const auto is_of = [](const char *field) { return HasSubstr(R"("parameter":")" + std::string(field) + "\""); };
    for (const auto *name : {"build", "virtual/", "virtual/a/b", "virtual/a:sha384", "virtual/a b", "tdx/build", "virtual/\xC3\xA4",
                             "virtual/.", "virtual/.."})
        EXPECT_THAT(refused(name), is_of("name")) << name;
    EXPECT_THAT(refused("virtual/" + std::string(mr::max_virtual_register_name + 1, 'a')), is_of("name"));
    EXPECT_THAT(refused("virtual/a", "sha1"), is_of("hash"));
    EXPECT_THAT(refused("virtual/a", "md5"), is_of("hash"));
    EXPECT_EQ(create(0, "virtual/" + std::string(mr::max_virtual_register_name, 'a')), "");
}

TEST_F(VirtualRegistersTest, ItTakesNoBareDigestNoWriteAndNoCapAndNorDoesItsCarrierTakeADigest) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    const Json digest{{"name", "virtual/build"}, {"digest", std::string(96, '1')}};
    EXPECT_EQ(error(0, "Registers.Extend", digest), "LogOnly");
    EXPECT_EQ(error(0, "Registers.Write", {{"name", "virtual/build"}, {"value", "00"}}), "NotWritable");
    EXPECT_EQ(error(0, "Registers.Cap", {{"name", "virtual/build"}}), "NotSupported");
    EXPECT_EQ(error(0, "Registers.Extend", {{"name", "virtual/none"}, {"digest", "11"}}), "NoSuchRegister");
    EXPECT_EQ(error(0, "Registers.Extend", {{"name", "tdx/rtmr3"}, {"digest", std::string(96, '1')}}), "LogOnly");
}

TEST_F(VirtualRegistersTest, AnIdIsOneEventByWhatWasAskedThoughEachEnvelopeHasRandomBytes) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    const auto first = measure(tenant, "virtual/build", "a", "once");
    const auto again = measure(tenant, "virtual/build", "a", "once");
    EXPECT_EQ(first["parameters"]["sequence"], again["parameters"]["sequence"]);
    EXPECT_EQ(first["parameters"]["reading"], again["parameters"]["reading"]);
    EXPECT_EQ(first["parameters"]["digest"], again["parameters"]["digest"]) << "the log has this one, and no other";
    EXPECT_THAT(measure(tenant, "virtual/build", "b", "once").dump(), HasSubstr("DuplicateEvent"));
    EXPECT_EQ(events(), 2U);
    const auto other_one = measure(tenant, "virtual/build", "a", "twice");
    EXPECT_NE(first["parameters"]["digest"], other_one["parameters"]["digest"]) << "nobody who guesses the content can tell";
}

TEST_F(VirtualRegistersTest, AnExtendThatFailsHasMadeNoneAndItsNameIsFree) {
    hardware_.fail_next("extend", FakeHardware::Failure::before);
    EXPECT_EQ(create(tenant, "virtual/build"), "ProviderFailed");
    EXPECT_THAT(listed(0), IsEmpty());
    EXPECT_THAT(read(tenant, "virtual/build"), HasSubstr("NoSuchRegister"));
    const auto declared = journal_->state().all_virtual_registers();
    EXPECT_EQ(create(tenant, "virtual/build"), "");
    EXPECT_EQ(journal_->state().all_virtual_registers(), declared) << "what failed takes nothing more";
    EXPECT_EQ(events(), 1U);
}

TEST_F(VirtualRegistersTest, TheNameOfOneThatWasClosedStaysItsOwnersThoughTheNextCannotBeMade) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    hardware_.fail_next("extend", FakeHardware::Failure::before);
    ASSERT_EQ(create(tenant, "virtual/build"), "ProviderFailed");
    EXPECT_EQ(create(other_tenant, "virtual/build"), "RegisterExists");
    EXPECT_EQ(create(tenant, "virtual/build"), "");
}

TEST_F(VirtualRegistersTest, ACreateThatWasSettledLaterIsNotMadeAgain) {
    hardware_.fail_next("extend", FakeHardware::Failure::after);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_EQ(create(tenant, "virtual/build"), "ProviderFailed") << "nobody can tell";
    EXPECT_EQ(create(tenant, "virtual/build"), "RegisterExists") << "the register tells that the first one came through";
    EXPECT_EQ(events(), 1U);
    EXPECT_THAT(listed(tenant), ElementsAre("virtual/build"));
}

TEST_F(VirtualRegistersTest, WhatOthersDoToTheCarrierShowsAndTheVirtualRegisterGoesOn) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    const auto before = read(tenant, "virtual/build");
    hardware_.extend(rtmr3, mr::Digest(mr::Bytes(48, 66)));
    const auto fresh = call(tenant, "Registers.Read", {{"name", "virtual/build"}, {"fresh", true}});
    EXPECT_EQ(fresh["parameters"]["reading"]["refreshed"], true);
    EXPECT_EQ(fresh["parameters"]["reading"]["value"], before);
    EXPECT_FALSE(measure(tenant, "virtual/build", "a").contains("error"));
    EXPECT_EQ(events(), 3U) << "a resync of the carrier came first";
}

TEST_F(VirtualRegistersTest, AfterACapOfItsCarrierItTakesNothing) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    ASSERT_EQ(error(0, "Registers.Cap", {{"name", "tdx/rtmr3"}}), "");
    const auto refused = measure(tenant, "virtual/build", "a");
    EXPECT_THAT(refused["error"].get<std::string>(), HasSubstr("Capped"));
    EXPECT_EQ(refused["parameters"]["name"], "virtual/build");
    EXPECT_EQ(create(tenant, "virtual/more"), "Capped");
}

TEST_F(VirtualRegistersTest, ASnapshotHasThemInTheOrderThatWasAskedFor) {
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    const auto reply = call(tenant, "Registers.Snapshot", {{"names", {"virtual/build", "tdx/rtmr3", "virtual/build"}}});
    const auto &readings = reply["parameters"]["readings"];
    ASSERT_THAT(readings, SizeIs(3));
    EXPECT_EQ(readings[0]["name"], "virtual/build");
    EXPECT_EQ(readings[0]["value"], read(tenant, "virtual/build"));
    EXPECT_EQ(readings[1]["name"], "tdx/rtmr3");
    EXPECT_EQ(readings[2], readings[0]);
    EXPECT_THAT(call(other_tenant, "Registers.Snapshot").dump(), Not(HasSubstr("virtual/")));
    EXPECT_THAT(call(tenant, "Registers.Snapshot").dump(), HasSubstr("virtual/build"));
}

// As deep as they are many it would end the stack, and mrd.
TEST_F(VirtualRegistersTest, WatchOfThousandsOfThemTakesNoStackForEach) {
    constexpr int many = 4000;
    for (int i = 0; i < many; ++i) ASSERT_EQ(create(0, "virtual/" + std::to_string(i)), "");
    std::string last;
    const auto watch = [&] {
        SessionClient client(*service_, varlink::Peer{.uid = 0, .gid = 0});
        client.send("io.mrd.Registers.Watch", "{}", true);
        loop_.restart();
        loop_.poll();
        for (auto reply = client.reply(); !reply.empty(); reply = client.reply()) last = std::move(reply);
    };
    pthread_attr_t attributes;
    ASSERT_EQ(::pthread_attr_init(&attributes), 0);
    ASSERT_EQ(::pthread_attr_setstacksize(&attributes, std::size_t{1} << 20), 0);
    pthread_t thread{};
    const auto run = [](void *function) -> void * {
        (*static_cast<decltype(watch) *>(function))();
        return nullptr;
    };
    ASSERT_EQ(::pthread_create(&thread, &attributes, run, const_cast<void *>(static_cast<const void *>(&watch))), 0);
    ASSERT_EQ(::pthread_join(thread, nullptr), 0);
    ::pthread_attr_destroy(&attributes);
    EXPECT_THAT(last, HasSubstr("virtual/"));
}

TEST_F(VirtualRegistersTest, WhoWatchesMoreThanHisShareIsToldAndOthersAreNot) {
    constexpr std::size_t many = 4000;
    for (std::size_t i = 0; i < many; ++i) ASSERT_EQ(create(0, "virtual/" + std::to_string(i)), "");
    daemon_.set_access(AccessRules(
        {{.name = "watchers", .users = {tenant, other_tenant}, .allow = {Right::list, Right::read}, .registers = {"virtual/*"}}}, 0));
    std::vector<std::unique_ptr<SessionClient>> clients;
    const auto watch = [&](uid_t uid) {
        auto &client = clients.emplace_back(
            std::make_unique<SessionClient>(*service_, varlink::Peer{.uid = uid, .gid = uid, .connection = clients.size() + 1}));
        client->send("io.mrd.Registers.Watch", "{}", true);
        loop_.restart();
        loop_.poll();
        return client->reply();
    };
    for (std::size_t i = 0; i < watched_registers.uid / many; ++i) ASSERT_THAT(watch(tenant), HasSubstr("\"reading\"")) << i;
    EXPECT_THAT(watch(tenant), ::testing::AllOf(HasSubstr("Busy"), HasSubstr("watched registers of uid 1000")));
    EXPECT_THAT(watch(other_tenant), HasSubstr("\"reading\""));
    clients.erase(clients.begin());
    EXPECT_THAT(watch(tenant), HasSubstr("\"reading\"")) << "it is given back";
}

TEST_F(VirtualRegistersTest, HisOwnThatIsThereIsThereHoweverManyHeMayMake) {
    for (const auto *name : {"virtual/a", "virtual/b", "virtual/c"}) ASSERT_EQ(create(tenant, name), "");
    EXPECT_EQ(create(tenant, "virtual/d"), "TooManyRegisters");
    EXPECT_EQ(create(tenant, "virtual/a"), "RegisterExists");
}

TEST_F(VirtualRegistersTest, WhoWatchesAllThatHeMayTakesInThoseThatNewRulesLetHimWatch) {
    constexpr uid_t agent = 2000;
    const AccessRule creating{.name = "tenants", .users = {tenant}, .allow = {Right::create}, .registers = {"virtual/*"}};
    const AccessRule reading{.name = "a", .users = {agent}, .allow = {Right::read}, .registers = {"tdx/rtmr2"}};
    daemon_.set_access(AccessRules({creating, reading}, 0));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    SessionClient watcher(*service_, varlink::Peer{.uid = agent, .gid = agent});
    watcher.send("io.mrd.Registers.Watch", "{}", true);
    loop_.restart();
    loop_.poll();
    EXPECT_THAT(watcher.reply(), HasSubstr("tdx/rtmr2"));
    auto more = reading;
    more.registers.emplace_back("virtual/*");
    daemon_.set_access(AccessRules({creating, more}, 0));
    loop_.restart();
    loop_.poll();
    EXPECT_THAT(watcher.reply(), HasSubstr("virtual/build"));
    EXPECT_EQ(watcher.reply(), "") << "once";
}

TEST_F(VirtualRegistersTest, ARuleNamesOneWithItsBankToo) {
    constexpr uid_t agent = 2000;
    daemon_.set_access(
        AccessRules({{.name = "tenants", .users = {tenant}, .allow = {Right::create}, .registers = {"virtual/*"}},
                     {.name = "a", .users = {agent}, .allow = {Right::list, Right::read}, .registers = {"virtual/build:sha384"}},
                     {.name = "others", .users = {other_tenant}, .allow = {Right::read}, .registers = {"virtual/build:sha256"}}},
                    0));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    EXPECT_THAT(listed(agent), ::testing::ElementsAre("virtual/build"));
    EXPECT_EQ(read(agent, "virtual/build"), read(tenant, "virtual/build"));
    SessionClient watcher(*service_, varlink::Peer{.uid = agent, .gid = agent});
    watcher.send("io.mrd.Registers.Watch", R"({"names":["virtual/build"]})", true);
    EXPECT_THAT(watcher.reply(), HasSubstr("\"name\":\"virtual/build\""));
    EXPECT_THAT(read(other_tenant, "virtual/build"), HasSubstr("PermissionDenied"));
    // Another of its name may be one of another bank.
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    EXPECT_THAT(watcher.reply(), HasSubstr("\"gone\":\"virtual/build\""));
    ASSERT_EQ(create(tenant, "virtual/build", "tdx/rtmr3", "sha256"), "");
    EXPECT_THAT(read(agent, "virtual/build"), HasSubstr("PermissionDenied"));
    EXPECT_THAT(watcher.reply(), HasSubstr("PermissionDenied"));
}

TEST_F(VirtualRegistersTest, WhoFollowsTheLogOfOneIsToldNothingMoreOnceItsContentsAreNotHisToSee) {
    constexpr uid_t agent = 2000;
    const AccessRule creating{.name = "tenants", .users = {tenant}, .allow = {Right::create}, .registers = {"virtual/*"}};
    const AccessRule reading{.name = "log", .users = {agent}, .allow = {Right::log}};
    const AccessRule seeing{.name = "contents", .users = {agent}, .allow = {Right::log_contents}, .registers = {"virtual/*"}};
    daemon_.set_access(AccessRules({creating, reading, seeing}, 0));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    SessionClient follower(*service_, varlink::Peer{.uid = agent, .gid = agent});
    follower.send("io.mrd.EventLog.Records", R"({"register":"virtual/build","follow":true})", true);
    const auto told = [&] {
        loop_.restart();
        loop_.poll();
        std::string all;
        for (auto reply = follower.reply(); !reply.empty(); reply = follower.reply()) all += reply;
        return all;
    };
    measure(tenant, "virtual/build", "a");
    EXPECT_THAT(told(), HasSubstr("\"uid\":1000")) << "the caller";
    daemon_.set_access(AccessRules({creating, reading}, 0));
    measure(tenant, "virtual/build", "b");
    EXPECT_THAT(told(), ::testing::AllOf(HasSubstr("PermissionDenied"), Not(HasSubstr("\"caller\""))));
}

TEST_F(VirtualRegistersTest, NewRulesJudgeABoundedNumberOfThemInATurnHoweverManyWatch) {
    constexpr std::size_t many = looked_at_in_a_turn / 2 + 1;
    for (std::size_t i = 0; i < many; ++i) ASSERT_EQ(create(0, "virtual/" + std::to_string(i)), "");
    const auto reads = [](const char *registers) {
        return AccessRules({{.name = "a", .users = {other_tenant}, .allow = {Right::read}, .registers = {registers}}}, 0);
    };
    daemon_.set_access(reads("tdx/rtmr2"));
    std::vector<std::unique_ptr<SessionClient>> watchers;
    for (std::size_t i = 0; i < 6; ++i) {
        watchers.push_back(
            std::make_unique<SessionClient>(*service_, varlink::Peer{.uid = other_tenant, .gid = other_tenant, .connection = i + 1}));
        watchers.back()->send("io.mrd.Registers.Watch", "{}", true);
        ASSERT_THAT(watchers.back()->reply(), HasSubstr("tdx/rtmr2"));
    }
    daemon_.set_access(reads("tdx/*"));
    std::size_t all = 0;
    for (std::size_t turns = 0; turns < 10 && all < watchers.size(); ++turns) {
        loop_.restart();
        loop_.poll_one();
        std::size_t told = 0;
        for (const auto &watcher : watchers) {
            told += watcher->reply().empty() ? 0U : 1U;
            while (!watcher->reply().empty()) {
            }
        }
        EXPECT_LE(told, 2U);
        all += told;
    }
    EXPECT_EQ(all, watchers.size());
}

TEST_F(VirtualRegistersTest, WatchTellsOfThoseThatAreMadeExtendedAndClosed) {
    const auto is_told = [](const std::string &name) {
        return ::testing::AllOf(HasSubstr("\"name\":\"" + name + "\""), HasSubstr("\"continues\":true"));
    };
    const auto watch = [this](SessionClient &client, const std::string &parameters) {
        client.send("io.mrd.Registers.Watch", parameters, true);
        loop_.restart();
        loop_.poll();
    };
    const auto all_of = [](SessionClient &client) {
        std::string all;
        for (auto reply = client.reply(); !reply.empty(); reply = client.reply()) all += reply;
        return all;
    };
    SessionClient all(*service_, varlink::Peer{.uid = tenant, .gid = tenant});
    watch(all, "{}");
    all_of(all);
    SessionClient others(*service_, varlink::Peer{.uid = other_tenant, .gid = other_tenant});
    watch(others, "{}");
    all_of(others);
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    EXPECT_THAT(all_of(all), is_told("virtual/build")) << "who watches all";
    EXPECT_THAT(all_of(others), Not(HasSubstr("virtual/build")));
    SessionClient one(*service_, varlink::Peer{.uid = tenant, .gid = tenant});
    watch(one, R"({"names":["virtual/build"]})");
    EXPECT_THAT(one.reply(), is_told("virtual/build"));
    EXPECT_EQ(one.reply(), "");
    const auto value = measure(tenant, "virtual/build", "a", "id")["parameters"]["reading"]["value"].get<std::string>();
    EXPECT_THAT(one.reply(), ::testing::AllOf(is_told("virtual/build"), HasSubstr(value), HasSubstr("\"sequence\":2")));
    EXPECT_EQ(measure(tenant, "virtual/build", "a", "id")["parameters"]["reading"]["value"], value);
    EXPECT_EQ(one.reply(), "") << "what is sent again under its id changes nothing";
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    EXPECT_THAT(one.reply(), HasSubstr(R"("gone":"virtual/build")"));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    EXPECT_THAT(one.reply(), is_told("virtual/build")) << "another of its name";
    SessionClient stranger(*service_, varlink::Peer{.uid = other_tenant, .gid = other_tenant});
    watch(stranger, R"({"names":["virtual/build"]})");
    EXPECT_THAT(stranger.reply(), HasSubstr("PermissionDenied"));
}

TEST_F(VirtualRegistersTest, WhoHasNoRightButAnOwnersHasHisOwnWhereHeAsksForAll) {
    constexpr uid_t stranger = 1002;
    const AccessRule creating{.name = "tenants", .users = {tenant, other_tenant}, .allow = {Right::create}, .registers = {"virtual/*"}};
    daemon_.set_access(AccessRules({creating}, 0));
    EXPECT_EQ(error(tenant, "Registers.List", Json::object()), "PermissionDenied") << "he has none yet";
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    ASSERT_EQ(create(other_tenant, "virtual/other"), "");
    const auto list = call(tenant, "Registers.List")["parameters"]["registers"];
    ASSERT_THAT(list, SizeIs(1)) << list;
    EXPECT_EQ(list[0]["name"], "virtual/build");
    const auto readings = call(tenant, "Registers.Snapshot")["parameters"]["readings"];
    ASSERT_THAT(readings, SizeIs(1)) << readings;
    EXPECT_EQ(readings[0]["name"], "virtual/build");
    EXPECT_EQ(call(tenant, "Registers.Providers")["parameters"]["providers"], Json::array());
    EXPECT_THAT(read(tenant, "virtual/biuld"), HasSubstr("NoSuchRegister"));
    EXPECT_EQ(error(tenant, "EventLog.Replay", Json::object()), "PermissionDenied") << "that is about the whole machine";
    EXPECT_EQ(error(tenant, "Registers.Status", Json::object()), "PermissionDenied");
    for (const auto *method : {"Registers.List", "Registers.Snapshot"})
        EXPECT_EQ(error(stranger, method, Json::object()), "PermissionDenied") << method;
    EXPECT_THAT(read(stranger, "virtual/biuld"), HasSubstr("PermissionDenied"));

    SessionClient watcher(*service_, varlink::Peer{.uid = tenant, .gid = tenant});
    watcher.send("io.mrd.Registers.Watch", "{}", true);
    const auto told = [&] {
        loop_.restart();
        loop_.poll();
        std::string all;
        for (auto reply = watcher.reply(); !reply.empty(); reply = watcher.reply()) all += reply;
        EXPECT_THAT(all, ::testing::AllOf(Not(HasSubstr("tdx/")), Not(HasSubstr("virtual/other"))));
        return all;
    };
    EXPECT_THAT(told(), HasSubstr("virtual/build"));
    daemon_.set_access(AccessRules({creating, {.name = "agents", .users = {stranger}, .allow = {Right::read}}}, 0));
    EXPECT_EQ(told(), "") << "new rules take nothing from him";
    measure(other_tenant, "virtual/other", "a");
    measure(tenant, "virtual/build", "a");
    EXPECT_THAT(told(), HasSubstr("virtual/build"));
    ASSERT_EQ(create(tenant, "virtual/later"), "");
    EXPECT_THAT(told(), HasSubstr("virtual/later"));

    ASSERT_EQ(close(tenant, "virtual/build"), "");
    ASSERT_EQ(close(tenant, "virtual/later"), "");
    EXPECT_EQ(error(tenant, "Registers.List", Json::object()), "PermissionDenied") << "he has none any more";
    EXPECT_THAT(told(), ::testing::AllOf(HasSubstr("gone"), Not(HasSubstr("error"))));
}

TEST_F(VirtualRegistersTest, AProgramIsShownThoseOfItsUserAndNoneOfItsOwn) {
    constexpr uid_t program = 2000;
    const AccessRule creating{.name = "tenants", .users = {tenant, program}, .allow = {Right::create}, .registers = {"virtual/*"}};
    const AccessRule asking{.name = "program",
                            .users = {program},
                            .allow = {Right::list},
                            .registers = {"virtual/*"},
                            .on_behalf_of = {{tenant, other_tenant}}};
    daemon_.set_access(AccessRules({creating, asking}, 0));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    ASSERT_EQ(create(program, "virtual/program"), "");
    const auto list = [&](uid_t user) {
        return call(program, "Registers.List", {{"onBehalfOf", {{"uid", user}, {"gid", user}, {"pid", 77}}}}).dump();
    };
    EXPECT_THAT(list(tenant), ::testing::AllOf(HasSubstr("virtual/build"), Not(HasSubstr("virtual/program"))));
    EXPECT_THAT(list(other_tenant), HasSubstr("PermissionDenied")) << "who has made none";
    daemon_.set_access(AccessRules({creating}, 0));
    EXPECT_THAT(list(tenant), HasSubstr("PermissionDenied"));
    EXPECT_THAT(listed(program), ElementsAre("virtual/program"));
}

TEST_F(VirtualRegistersTest, ANameThatIsTakenIsToldAsThatToWhoCouldHaveItAndToNobodyElse) {
    allow({.name = {}, .users = {tenant, other_tenant}, .registers = {"virtual/build*"}, .create_on = {"tdx/rtmr3"}, .create_at_most = 1});
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    const auto reply = call(other_tenant, "Registers.Create", {{"name", "virtual/build"}, {"hash", "sha384"}, {"on", "tdx/rtmr3"}});
    EXPECT_EQ(reply["error"], "io.mrd.Registers.RegisterExists");
    EXPECT_EQ(reply["parameters"], (Json{{"name", "virtual/build"}})) << "not whose it is";
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    EXPECT_EQ(create(0, "virtual/build"), "RegisterExists") << "the name stays his";
    EXPECT_EQ(create(other_tenant, "virtual/build"), "RegisterExists");
    const auto refused = [this] { return daemon_.gate()->access.refusals().of(Operation::create); };
    EXPECT_EQ(refused(), 0U) << "no rule is missing";
    EXPECT_EQ(create(other_tenant, "virtual/build", "tdx/rtmr2"), "PermissionDenied") << "whoever has the name";
    EXPECT_EQ(create(1002, "virtual/build"), "PermissionDenied");
    EXPECT_EQ(create(other_tenant, "virtual/build", "tdx/none"), "NoSuchRegister");
    EXPECT_EQ(refused(), 2U);
    ASSERT_EQ(create(other_tenant, "virtual/build-2"), "");
    EXPECT_EQ(create(other_tenant, "virtual/build"), "TooManyRegisters");
}

TEST_F(VirtualRegistersTest, WhoFollowsTheLogOfOneFollowsTheNextOfItsName) {
    constexpr uid_t agent = 2000;
    const AccessRule creating{
        .name = "tenants", .users = {tenant, other_tenant}, .allow = {Right::create, Right::log}, .registers = {"virtual/*"}};
    const AccessRule reading{.name = "log", .allow = {Right::log}};
    const AccessRule seeing{.name = "contents", .users = {agent}, .allow = {Right::log_contents}, .registers = {"virtual/build:sha384"}};
    daemon_.set_access(AccessRules({creating, reading, seeing}, 0));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    SessionClient own(*service_, varlink::Peer{.uid = tenant, .gid = tenant});
    SessionClient others(*service_, varlink::Peer{.uid = agent, .gid = agent});
    for (auto *client : {&own, &others}) client->send("io.mrd.EventLog.Records", R"({"register":"virtual/build","follow":true})", true);
    const auto told = [&](SessionClient &client) {
        loop_.restart();
        loop_.poll();
        std::string all;
        for (auto reply = client.reply(); !reply.empty(); reply = client.reply()) all += reply;
        return all;
    };
    const auto is_whole = HasSubstr("\"uid\":1000");  // the caller
    EXPECT_THAT(told(own), is_whole);
    EXPECT_THAT(told(others), is_whole);
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    told(own);
    told(others);
    ASSERT_EQ(create(other_tenant, "virtual/other"), "");
    EXPECT_THAT(told(own), Not(HasSubstr("\"caller\"")));
    ASSERT_EQ(create(tenant, "virtual/build"), "");
    EXPECT_THAT(told(own), is_whole) << "from its first event on";
    EXPECT_THAT(told(others), ::testing::AllOf(Not(HasSubstr("uid\":1001")), is_whole));
    measure(tenant, "virtual/build", "a");
    EXPECT_THAT(told(own), is_whole);
    EXPECT_THAT(told(others), is_whole);

    // A rule may let somebody see the contents of the one and not of the other, as of one with another hash.
    ASSERT_EQ(close(tenant, "virtual/build"), "");
    told(others);
    ASSERT_EQ(create(tenant, "virtual/build", "tdx/rtmr3", "sha256"), "");
    EXPECT_THAT(told(own), is_whole);
    EXPECT_THAT(told(others), Not(HasSubstr("\"caller\"")));
    measure(tenant, "virtual/build", "b");
    EXPECT_THAT(told(own), is_whole);
    EXPECT_THAT(told(others), ::testing::AllOf(HasSubstr("PermissionDenied"), Not(HasSubstr("\"caller\""))));
}

}  // namespace
}  // namespace mrd
