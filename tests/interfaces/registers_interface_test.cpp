// io.mrd.Registers and io.mrd.Attestation as a client sees them, on registers in memory.
#include "libmr/wire/registers.h"
#include "mr/envelope.h"
#include "mrd/interfaces/registers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "mrd/daemon/service.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RegistersInterfaceTest : public ::testing::Test {
protected:
    enum : RegisterIndex { mrtd, rtmr2, rtmr3, rtmr1, log, secret, reportdata, report0, other_set };

    void SetUp() override {
        std::vector<RegisterSpec> specs{fake_register("mrtd", "R"),
                                        fake_register("rtmr2", "XWRL"),
                                        fake_register("rtmr3", "XWRL"),
                                        fake_register("rtmr1", "XWRL"),
                                        fake_register("log", "XRL"),
                                        fake_register("secret", "XW"),
                                        fake_register("reportdata", "WRF", 64),
                                        fake_register("report0", "RLF", 1024),
                                        fake_register("other_set", "XWRL")};
        specs[rtmr2].owner = mr::Owner::shared;
        specs[rtmr1].owner = mr::Owner::observed;
        specs[rtmr3].roles = {"app", "config"};
        specs[reportdata].roles = {"store"};  // a register that is written, so that Write has one
        specs[other_set].refresh_set = 1;
        daemon_.registers().set_roles({{"store", "tdx/reportdata"}});
        const auto added = daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs);
        ASSERT_TRUE(added) << added.error();
        ASSERT_TRUE(daemon_.registers().start_journal({}));
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        client_ = std::make_unique<SessionClient>(*service_);
        hardware_.take_calls();
    }

    std::string call(const std::string &method, const std::string &parameters = "{}") {
        return client_->call("io.mrd." + method, parameters);
    }
    // Of a method that goes on in later turns of the loop.
    std::string call_and_wait(const std::string &method, const std::string &parameters = "{}", bool more = false) {
        client_->send("io.mrd." + method, parameters, more);
        loop_.restart();
        loop_.poll();
        return client_->reply();
    }
    static std::string hex(std::uint8_t byte, std::size_t size = 48) { return mr::to_hex(mr::Bytes(size, byte)); }
    static std::string digest(std::uint8_t byte) { return R"("digest":")" + hex(byte) + "\""; }
    // By which an envelope that holds this extends the register.
    static std::string digest_in_envelope(mr::EnvelopeBody body, const std::string &name = "fake/rtmr3") {
        const mr::Envelope envelope{.header = {.type = "measure", .register_name = name}, .body = std::move(body)};
        return mr::to_hex(mr::envelope_digest(envelope, mr::HashAlgorithm::sha384)->bytes());
    }
    std::string value(RegisterIndex index) { return mr::to_hex(hardware_.value(index).bytes()); }
    static auto IsError(const std::string &name) { return HasSubstr(R"("error":"io.mrd.)" + name + "\""); }
    static auto IsInvalid(const std::string &parameter) {
        return AllOf(HasSubstr("org.varlink.service.InvalidParameter"), HasSubstr(R"({"parameter":")" + parameter + "\"}"));
    }

    FakeHardware hardware_;
    FakeHardware files_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
    std::unique_ptr<SessionClient> client_;
};

// Of each method that names registers: its parameters, with NAME where the register's name stands, and whose role is tried.
struct Naming {
    std::string_view parameters;
    std::string_view reg = "rtmr3";
    std::string_view role = "app";
    bool more = false;
};
const std::map<std::string_view, Naming> namings{
    {"Read", {R"({"name":NAME})"}},
    {"Snapshot", {R"({"names":["rtmr2",NAME]})"}},
    {"Extend", {R"({"name":NAME,"digest":"DIGEST"})"}},
    {"Measure", {R"({"name":NAME,"data":"bXJk"})"}},
    {"Write", {R"({"name":NAME,"value":"REPORT_DATA"})", "reportdata", "store"}},
    {"Watch", {.parameters = R"({"names":[NAME]})", .more = true}},
    {"Cap", {R"({"name":NAME})"}},
};

template <class... Methods>
std::vector<std::string_view> methods_about_registers(mr::wire::MethodList<Methods...>) {
    std::vector<std::string_view> all;
    const auto add = [&all]<class Method>() {
        const auto name = Method::description.method();
        // List's is a provider, Create's a register that there is not yet, Close's a virtual one, which has no role.
        if constexpr (!std::same_as<decltype(Method::subject), const mr::wire::NoSubject>) {
            if (name != "List" && name != "Create" && name != "Close") all.push_back(name);
        }
    };
    (add.template operator()<Methods>(), ...);
    return all;
}

TEST_F(RegistersInterfaceTest, WhereverARegisterIsNamedARoleIsItsName) {
    const auto methods = methods_about_registers(mr::wire::RegistersMethods());
    EXPECT_EQ(methods.size(), namings.size()) << "each has its line in the table";
    for (const auto method : methods) {
        ASSERT_TRUE(namings.contains(method)) << method;
        const auto &naming = namings.at(method);
        const auto asked = [&](std::string_view name) {
            std::string parameters(naming.parameters);
            for (const auto &[from, to] :
                 {std::pair<std::string, std::string>("NAME", "\"" + std::string(name) + "\""),
                  std::pair<std::string, std::string>("DIGEST", hex(7)), std::pair<std::string, std::string>("REPORT_DATA", hex(8, 64))}) {
                if (const auto at = parameters.find(from); at != std::string::npos) parameters.replace(at, from.size(), to);
            }
            if (!naming.more) return call("Registers." + std::string(method), parameters);
            SessionClient watcher(*service_);
            watcher.send("io.mrd.Registers." + std::string(method), parameters, true);
            return watcher.reply();
        };
        EXPECT_THAT(asked("boot"), AllOf(IsError("Registers.NoRegisterForRole"), HasSubstr(R"({"role":"boot"})"))) << method;
        EXPECT_THAT(asked("nobody"), IsError("Registers.NoSuchRegister")) << method;
        const auto by_role = asked(naming.role);
        EXPECT_THAT(by_role, Not(HasSubstr("error"))) << method;
        EXPECT_THAT(by_role, Not(HasSubstr("\"" + std::string(naming.role) + "\""))) << method << ": an answer has the register's own name";
        if (by_role.contains("\"name\"")) {
            EXPECT_THAT(by_role, HasSubstr("\"tdx/" + std::string(naming.reg) + "\"")) << method;
        }
        if (method != "Cap") {
            EXPECT_THAT(asked(naming.reg), Not(HasSubstr("error"))) << method;
        }
    }
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr3"})"), HasSubstr(value(rtmr3)));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"), IsError("Registers.Capped"))
        << "it was this one that was capped";
}

TEST_F(RegistersInterfaceTest, ListSaysWhichRolesARegisterHasAndWhatNothingBindsToHardware) {
    EXPECT_THAT(
        call("Registers.List"),
        AllOf(HasSubstr(R"("name":"tdx/rtmr3","hash":"sha384","size":48,"flags":"XWRL","owner":"owned","capped":false,"simulated":true,)"
                        R"("unbound":true,"roles":["app","config"]})"),
              HasSubstr(R"("unbound":true,"roles":[]})")));
}

TEST_F(RegistersInterfaceTest, EachAnswerWithAValueSaysWhereNothingBindsItToHardware) {
    const auto says = HasSubstr(R"(,"unbound":true})");
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr3"})"), says);
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["rtmr3"]})"), says);
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"), says);
    EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","data":"AA=="})"), says);
    EXPECT_THAT(call_and_wait("EventLog.Replay"), says);
    EXPECT_THAT(call_and_wait("Registers.Watch", R"({"names":["rtmr3"]})", true), HasSubstr(R"(,"unbound":true)"));
}

class RegistersOfHardware : public RegistersInterfaceTest {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL")};
        hardware_.is_bound = true;
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.registers().start_journal({}));
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        client_ = std::make_unique<SessionClient>(*service_);
    }
};

// A client reads the value so often that each byte counts.
TEST_F(RegistersOfHardware, HaveNoWordOfItInTheirAnswers) {
    const auto silent = Not(HasSubstr("unbound"));
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr3"})"), AllOf(HasSubstr(R"("refreshed":false}})"), silent));
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["rtmr3"]})"), AllOf(HasSubstr("tdx/rtmr3"), silent));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"), AllOf(HasSubstr("tdx/rtmr3"), silent));
    EXPECT_THAT(call_and_wait("EventLog.Replay"), AllOf(HasSubstr("tdx/rtmr3"), silent));
    EXPECT_THAT(call("Registers.List"), HasSubstr(R"("unbound":false)"));
}

TEST_F(RegistersInterfaceTest, ASnapshotOfAnOwnedAndASharedRegisterRefreshesForTheSharedOne) {
    hardware_.extend(rtmr2, mr::Digest(mr::Bytes(48, 66)));
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["rtmr3","rtmr2"]})"), HasSubstr(value(rtmr2)));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0"));
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["rtmr3"]})"), HasSubstr(value(rtmr3)));
    EXPECT_THAT(hardware_.take_calls(), IsEmpty()) << "owned ones are in sync";
    call("Registers.Snapshot", R"({"names":["rtmr3","report0"]})");
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0")) << "a report over a shared one is not";
}

TEST_F(RegistersInterfaceTest, ASnapshotRefreshesEachSetAtMostOnce) {
    call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}");
    hardware_.take_calls();
    EXPECT_THAT(call("Registers.Snapshot"), AllOf(HasSubstr(value(rtmr3)), HasSubstr("\"sequence\":1"), Not(HasSubstr("tdx/secret"))));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 1"));
}

// app and config are both rtmr3's: who pairs readings with the names that he gave must not take another register's value for one of theirs.
TEST_F(RegistersInterfaceTest, ASnapshotHasAReadingForEachNameInTheirOrder) {
    hardware_.extend(rtmr2, mr::Digest(mr::Bytes(48, 66)));
    const auto reply = nlohmann::json::parse(call("Registers.Snapshot", R"({"names":["app","config","rtmr2","tdx/rtmr3"],"fresh":true})"));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0")) << "it is read once";
    const auto &readings = reply["parameters"]["readings"];
    ASSERT_EQ(readings.size(), 4U) << reply;
    EXPECT_EQ(readings[0]["name"], "tdx/rtmr3") << "the register's own name";
    EXPECT_EQ(readings[0]["value"], value(rtmr3));
    EXPECT_EQ(readings[1], readings[0]);
    EXPECT_EQ(readings[2]["name"], "tdx/rtmr2");
    EXPECT_EQ(readings[2]["value"], value(rtmr2));
    EXPECT_EQ(readings[3], readings[0]);
}

TEST_F(RegistersInterfaceTest, ASnapshotOfNothingIsEmpty) {
    EXPECT_EQ(call("Registers.Snapshot", R"({"names":[]})"), R"({"parameters":{"readings":[],"sequence":0}})");
}

TEST_F(RegistersInterfaceTest, AFailedRefreshFailsTheSnapshot) {
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["rtmr3"],"fresh":true})"), IsError("Registers.ProviderFailed"));
}

TEST_F(RegistersInterfaceTest, AReadingSaysWhetherItWasReread) {
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr3"})"), HasSubstr("\"refreshed\":false"));
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr3","fresh":true})"), HasSubstr("\"refreshed\":true"));
}

TEST_F(RegistersInterfaceTest, EachRefusalHasItsError) {
    EXPECT_THAT(call("Registers.Read", R"({"name":"secret"})"), IsError("Registers.NotReadable"));
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["secret"]})"), IsError("Registers.NotReadable"));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"log",)" + digest(1) + "}"), IsError("Registers.LogOnly"));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr1",)" + digest(1) + "}"), IsError("Registers.NotExtensible"));
    EXPECT_THAT(call("Registers.Measure", R"({"name":"mrtd","data":""})"), IsError("Registers.NotExtensible"));
    EXPECT_THAT(call("Registers.Write", R"({"name":"rtmr3","value":")" + hex(1) + "\"}"), IsError("Registers.NotWritable"));
    EXPECT_THAT(call("Registers.Write", R"({"name":"mrtd","value":")" + hex(1) + "\"}"), IsError("Registers.NotWritable"));
    EXPECT_THAT(call("Registers.Write", R"({"name":"reportdata","value":"00"})"),
                AllOf(IsError("Registers.WrongLength"), HasSubstr(R"("expected":64,"actual":1)")));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3","digest":""})"), IsError("Registers.WrongLength"));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3","digest":")" + hex(1, 4000) + "\"}"), IsError("Registers.WrongLength"));
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr9"})"), IsError("Registers.NoSuchRegister"));
    EXPECT_THAT(call("Registers.List", R"({"provider":"tpm"})"),
                AllOf(IsError("Registers.NoSuchRegister"), HasSubstr(R"("candidates":["tdx"])")));
    EXPECT_THAT(call("Attestation.Report", R"({"reportData":"00"})"), IsError("Attestation.WrongLength"));
    EXPECT_THAT(call("Attestation.Report", R"({"provider":"tpm","reportData":")" + hex(1, 64) + "\"}"),
                IsError("Attestation.NoSuchProvider"));
    EXPECT_THAT(call("Attestation.VerifyReport", R"({"report":""})"), IsError("Attestation.NotSupported"));
    EXPECT_THAT(hardware_.take_calls(), IsEmpty()) << "none of them reached the provider";
}

TEST_F(RegistersInterfaceTest, AParameterThatIsNotAcceptableIsNamed) {
    const auto extend = [&](const std::string &rest) { return call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + rest + "}"); };
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3","digest":"0"})"), IsInvalid("digest"));
    EXPECT_THAT(call("Registers.Extend", R"({"name":3,)" + digest(1) + "}"), IsInvalid("name"));
    EXPECT_THAT(extend(R"(,"eventType":-1)"), IsInvalid("eventType"));
    EXPECT_THAT(extend(R"(,"eventType":4294967296)"), IsInvalid("eventType"));
    EXPECT_THAT(extend(R"(,"eventType":3)"), IsInvalid("eventType"));
    EXPECT_THAT(extend(R"(,"data":"a")"), IsInvalid("data"));
    EXPECT_THAT(extend(R"(,"data":")" + mr::to_base64(mr::Bytes(max_event_data + 1)) + "\""), IsInvalid("data"));
    EXPECT_THAT(extend(R"(,"description":")" + std::string(mr::max_event_description + 1, 'x') + "\""), IsInvalid("description"));
    EXPECT_THAT(extend(R"(,"id":"")"), IsInvalid("id"));
    EXPECT_THAT(extend(R"(,"id":")" + std::string(max_event_id + 1, 'x') + "\""), IsInvalid("id"));
    EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","data":"","envelope":true,"eventType":13})"), IsInvalid("eventType"));
    EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","envelope":true,"data":")" + mr::to_base64(mr::Bytes(max_event_data)) + "\"}"),
                IsInvalid("data"))
        << "with the envelope it is too long";
    EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","data":"!"})"), IsInvalid("data"));
    EXPECT_THAT(call("Registers.Read", R"({"name":"rtmr3","generation":1})"), IsInvalid("generation"));
    EXPECT_THAT(call("Registers.Write", R"({"name":"reportdata","value":"xy"})"), IsInvalid("value"));
    EXPECT_THAT(call("Attestation.Report", R"({"reportData":"xy"})"), IsInvalid("reportData"));
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
    EXPECT_THAT(extend(R"(,"eventType":4294967295,"data":")" + mr::to_base64(mr::Bytes(max_event_data)) + R"(","description":")" +
                       std::string(mr::max_event_description, 'x') + "\""),
                HasSubstr("\"sequence\":1"));
}

TEST_F(RegistersInterfaceTest, MeasureExtendsByTheHashOfTheData) {
    const auto data = mr::to_base64(mr::as_bytes("hello"));
    const auto hash = mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes("hello"))->bytes());
    const auto reply = call("Registers.Measure", R"({"name":"rtmr3","data":")" + data + "\"}");
    EXPECT_THAT(reply, AllOf(HasSubstr(R"("digest":")" + hash + "\""), HasSubstr(value(rtmr3))));
}

TEST_F(RegistersInterfaceTest, ALogCentricRegisterTakesNothingButEnvelopesWhateverWasAskedFor) {
    const auto hello = mr::as_bytes("hello");
    const auto data = R"("data":")" + mr::to_base64(hello) + "\"";
    const auto expected = digest_in_envelope({.data = mr::Bytes(hello.begin(), hello.end())}, "fake/log");
    for (const std::string asked : {"", R"("envelope":true,)", R"("envelope":false,)", R"("eventType":6,)"}) {
        const auto reply = call("Registers.Measure", R"({"name":"log",)" + asked + data + "}");
        EXPECT_THAT(reply, AllOf(HasSubstr(R"("digest":")" + expected + "\""), HasSubstr(value(log)))) << asked;
    }
    hardware_.take_calls();
    EXPECT_THAT(call("Registers.Measure", R"({"name":"log","eventType":13,)" + data + "}"), IsInvalid("eventType"));
    EXPECT_THAT(call("Registers.Extend", R"({"name":"log",)" + digest(1) + "}"), IsError("Registers.LogOnly"));
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
    const mr::ContentDigest digest{mr::HashAlgorithm::sha256, mr::Digest(mr::Bytes(32, 7))};
    EXPECT_THAT(call("Registers.Measure", R"({"name":"log","contentDigest":")" + mr::to_string(digest) + "\"}"),
                HasSubstr(digest_in_envelope({.digest = digest}, "fake/log")));
}

TEST_F(RegistersInterfaceTest, AProviderFailureSaysWhetherTheExtendTookEffect) {
    hardware_.fail_next("extend", FakeHardware::Failure::before);
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"),
                AllOf(IsError("Registers.ProviderFailed"), HasSubstr(R"("provider":"tdx")"), HasSubstr(R"("applied":"no")")));
    hardware_.fail_next("extend", FakeHardware::Failure::before);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"), HasSubstr(R"("applied":"unknown")"));
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"), IsError("Registers.Indeterminate"));
}

TEST_F(RegistersInterfaceTest, ACappedRegisterTakesOneLastEventAndThenNone) {
    EXPECT_EQ(call("Registers.Cap", R"({"name":"app"})"), R"({"parameters":{"name":"tdx/rtmr3","sequence":1}})");
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2"));
    const auto before = value(rtmr3);
    EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + "}"),
                AllOf(IsError("Registers.Capped"), HasSubstr(R"({"name":"tdx/rtmr3","sequence":)")));
    EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","data":""})"), IsError("Registers.Capped"));
    EXPECT_THAT(call("Registers.Cap", R"({"name":"rtmr3"})"), IsError("Registers.Capped"));
    EXPECT_EQ(value(rtmr3), before);
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
    EXPECT_THAT(call("Registers.List"), HasSubstr(R"("owner":"owned","capped":true)"));
    EXPECT_THAT(call("Registers.Cap", R"({"name":"mrtd"})"), IsError("Registers.NotExtensible"));
}

TEST_F(RegistersInterfaceTest, AnIdThatWasUsedAnswersWithTheFirstResultAndExtendsNothing) {
    const auto extend = [&](std::uint8_t by, const std::string &id) {
        return call("Registers.Extend", R"({"name":"rtmr3",)" + digest(by) + R"(,"id":")" + id + "\"}");
    };
    const auto first = extend(1, "a");
    const auto first_value = value(rtmr3);
    extend(2, "b");
    hardware_.take_calls();
    EXPECT_EQ(extend(1, "a"), first);
    EXPECT_THAT(first, HasSubstr(first_value));
    EXPECT_THAT(extend(3, "a"), AllOf(IsError("Registers.DuplicateEvent"), HasSubstr(R"("id":"a")")));
    for (const std::string claim :
         {R"("eventType":6)", R"("description":"other")", R"("description":"")", R"("data":"")", R"("data":"AA==")"})
        EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3",)" + digest(1) + R"(,"id":"a",)" + claim + "}"),
                    IsError("Registers.DuplicateEvent"))
            << claim << ": the first one's answer would say that this is in the log";
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
    EXPECT_THAT(call("Registers.Extend", R"({"name":"other_set",)" + digest(3) + R"(,"id":"a"})"), HasSubstr("\"sequence\":3"))
        << "another register's ids are its own";
    call("Registers.Cap", R"({"name":"rtmr3"})");
    EXPECT_EQ(extend(1, "a"), first) << "also when a new one would be refused";
}

TEST_F(RegistersInterfaceTest, AnEnvelopeBindsDescriptionAndData) {
    const auto reply = call("Registers.Measure", R"({"name":"rtmr3","envelope":true,"description":"what","data":")" +
                                                     mr::to_base64(mr::as_bytes("hello")) + "\"}");
    const auto hello = mr::as_bytes("hello");
    EXPECT_THAT(reply, HasSubstr(digest_in_envelope({.description = "what", .data = mr::Bytes(hello.begin(), hello.end())})));
}

TEST_F(RegistersInterfaceTest, AnEnvelopeHoldsTheDigestOfContentThatTheClientHasHashed) {
    const auto measure = [this](const std::string &more) { return call("Registers.Measure", R"({"name":"rtmr3",)" + more + "}"); };
    const mr::ContentDigest digest{mr::HashAlgorithm::sha256, mr::Digest(mr::Bytes(32, 7))};
    const auto text = R"("contentDigest":")" + mr::to_string(digest) + "\"";
    EXPECT_THAT(measure(R"("envelope":true,)" + text), HasSubstr(digest_in_envelope({.digest = digest})));
    hardware_.take_calls();
    EXPECT_THAT(measure(text), IsInvalid("contentDigest")) << "only in an envelope";
    EXPECT_THAT(measure(R"("envelope":false,)" + text), IsInvalid("contentDigest"));
    EXPECT_THAT(measure(R"("envelope":true,"data":"",)" + text), IsInvalid("contentDigest")) << "not both";
    EXPECT_THAT(measure(R"("envelope":true)"), IsInvalid("data")) << "one of them";
    for (const std::string wrong : {"", "sha384", "sha256:00", "md5:00000000000000000000000000000000", "sha256"}) {
        EXPECT_THAT(measure(R"("envelope":true,"contentDigest":")" + wrong + "\""), IsInvalid("contentDigest")) << wrong;
    }
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
}

TEST_F(RegistersInterfaceTest, NobodyButMrdBuildsEnvelopes) {
    const mr::Envelope envelope{.header = {.type = "measure", .register_name = "fake/rtmr3"}};
    const auto whole = mr::encode_envelope(envelope);
    const auto redacted = mr::redact_envelope(whole, std::array{mr::HashAlgorithm::sha384}).value();
    auto version_1 = whole;
    version_1[0] = 1;
    // The tag alone will do, whatever follows it.
    for (const auto &forged : {whole, redacted, version_1, mr::Bytes(whole.begin(), whole.begin() + 4)}) {
        const auto data = R"("data":")" + mr::to_base64(forged) + "\"";
        for (const std::string type : {"4", "6", "13"}) {
            EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","eventType":)" + type + "," + data + "}"), IsInvalid("data"));
            EXPECT_THAT(call("Registers.Extend", R"({"name":"rtmr3","eventType":)" + type + "," + digest(1) + "," + data + "}"),
                        IsInvalid("data"));
        }
        EXPECT_THAT(hardware_.take_calls(), IsEmpty());
        EXPECT_THAT(call("Registers.Measure", R"({"name":"rtmr3","envelope":true,)" + data + "}"),
                    HasSubstr(digest_in_envelope({.data = forged})))
            << "in an envelope it is content like any other";
        hardware_.take_calls();
    }
}

TEST_F(RegistersInterfaceTest, ProvidersTellsHowEachOfThemFares) {
    EXPECT_EQ(call("Registers.Providers"),
              R"({"parameters":{"providers":[{"name":"tdx","type":"fake","state":"running","simulated":true,"unbound":true}]}})");
}

TEST_F(RegistersInterfaceTest, StatusShowsWhatDiverged) {
    const auto expected = value(rtmr3);
    hardware_.extend(rtmr3, mr::Digest(mr::Bytes(48, 66)));
    EXPECT_THAT(call("Registers.Status"), Not(HasSubstr("\"diverged\":true")));
    call("Registers.Read", R"({"name":"rtmr3","fresh":true})");
    EXPECT_THAT(call("Registers.Status"), AllOf(HasSubstr("\"diverged\":true"), HasSubstr(R"("logged":")" + expected + "\""),
                                                HasSubstr(R"("observed":")" + value(rtmr3) + "\""), HasSubstr("\"divergences\":1")));
}

TEST_F(RegistersInterfaceTest, AFreshReadOrSnapshotThatWouldNotShowWhatOthersExtendedIsNotSupportedAndSaysWhy) {
    std::vector<RegisterSpec> specs{fake_register("unseen", "XWRL"), fake_register("fixed", "R")};
    for (auto &spec : specs) spec.others_unseen = "nobody looks";
    ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(files_, "files", specs, false), specs));
    const auto is_refused = AllOf(IsError("Registers.NotSupported"), HasSubstr(R"("provider":"files")"),
                                  HasSubstr("a fresh read of files/unseen: nobody looks"));
    EXPECT_THAT(call("Registers.Read", R"({"name":"unseen","fresh":true})"), is_refused);
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["rtmr3","unseen"],"fresh":true})"), is_refused);
    EXPECT_THAT(call("Registers.Read", R"({"name":"unseen"})"), HasSubstr("\"reading\""));
    EXPECT_THAT(call("Registers.Read", R"({"name":"unseen","fresh":false})"), HasSubstr("\"reading\""));
    EXPECT_THAT(call("Registers.Snapshot", R"({"names":["fixed","rtmr3"],"fresh":true})"), HasSubstr("\"readings\""));
}

TEST_F(RegistersInterfaceTest, AFreshReadOfAnotherSetDoesNotRefreshThisOne) {
    call("Registers.Read", R"({"name":"other_set","fresh":true})");
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 1"));
}

}  // namespace
}  // namespace mrd
