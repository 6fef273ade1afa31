// Every method has one description, which is what its file says, and no call passes but through the gate.
#include "mrd/interfaces/methods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "libmr/wire/attestation.h"
#include "libmr/wire/devices.h"
#include "libmr/wire/event_log.h"
#include "libmr/wire/registers.h"
#include "libmr/wire/service.h"
#include "mrd/interfaces/attestation.h"
#include "mrd/interfaces/devices.h"
#include "mrd/interfaces/event_log.h"
#include "mrd/interfaces/registers.h"
#include "mrd/interfaces/service.h"
#include "proto/interfaces.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

namespace wire = mr::wire;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- The gate

class GateTest : public ::testing::Test {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.registers().start_journal({}));
    }

    // A service that refuses one user what needs this right.
    std::unique_ptr<varlink::Service> service(Right refused) {
        AccessRule rule{.name = "all but one", .users = {user}};
        for (std::size_t i = 0; i < rights; ++i) {
            if (static_cast<Right>(i) != refused) rule.allow.add(static_cast<Right>(i));
        }
        daemon_.set_access(AccessRules({rule}, 0));
        auto made = std::make_unique<varlink::Service>(varlink::ServiceInfo{});
        made->add(registers_interface(daemon_, [this](const Caller &) {
            ++asked_for_status_;
            return std::string("{}");
        }));
        made->add(event_log_interface(daemon_));
        made->add(attestation_interface(daemon_));
        made->add(devices_interface(daemon_));
        made->add(service_interface(daemon_, [] { return std::string(); }));
        return made;
    }

    // Calls it, with parameters of the right form.
    template <class Method>
    void call_where_refused(Right refused) {
        const auto refusing = service(refused);
        SessionClient client(*refusing, {.uid = user, .gid = user});
        std::string parameters;
        varlink::write_json(parameters, typename Method::Parameters{});
        const auto reply = client.call(Method::description.name, parameters, Method::description.replies == wire::Replies::many);
        if (right_for(Method::description.operation) == refused) {
            EXPECT_THAT(reply, HasSubstr("org.varlink.service.PermissionDenied")) << Method::description.name;
        } else {
            EXPECT_THAT(reply, Not(HasSubstr("PermissionDenied"))) << Method::description.name;
        }
        client.close();
    }
    template <class... Methods>
    void call_all(Right refused, wire::MethodList<Methods...>) {
        (call_where_refused<Methods>(refused), ...);
    }

    static constexpr uid_t user = 1000;
    int asked_for_status_ = 0;
    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
};

TEST_F(GateTest, EveryMethodIsRefusedWhereItsRightIsAndNoOther) {
    for (std::size_t right = 0; right < rights; ++right) {
        const auto refused = static_cast<Right>(right);
        call_all(refused, wire::RegistersMethods());
        call_all(refused, wire::EventLogMethods());
        call_all(refused, wire::attestation::AttestationMethods());
        call_all(refused, wire::devices::DevicesMethods());
        call_all(refused, wire::service::ServiceMethods());
    }
}

TEST_F(GateTest, ARefusedCallReachesNoHandler) {
    call_where_refused<wire::Status>(Right::read);
    EXPECT_EQ(asked_for_status_, 0);
    call_where_refused<wire::Status>(Right::list);
    EXPECT_EQ(asked_for_status_, 1);
}

// Each costs a look at the rules.
TEST_F(GateTest, MoreNamesThanACallMayHaveAreRefusedBeforeOneOfThemIsJudged) {
    const auto made = service(Right::repair);
    std::size_t judged = 0;
    daemon_.gate()->access.set_lookup([&judged](std::string_view) {
        ++judged;
        return std::optional<KnownRegister>();
    });
    const auto names = [](std::size_t count) {
        std::string all;
        for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "\"x" : ",\"x") + std::to_string(i) + "\"";
        return "[" + all + "]";
    };
    SessionClient client(*made, {.uid = user, .gid = user});
    EXPECT_THAT(client.call("io.mrd.Registers.Snapshot", "{\"names\":" + names(max_names + 1) + "}"),
                AllOf(HasSubstr("InvalidParameter"), HasSubstr("\"names\"")));
    EXPECT_THAT(client.call("io.mrd.Registers.Watch", "{\"names\":" + names(max_names + 1) + "}", true),
                AllOf(HasSubstr("InvalidParameter"), HasSubstr("\"names\"")));
    EXPECT_THAT(client.call("io.mrd.Attestation.Evidence", R"({"reportData":"","providers":)" + names(max_names + 1) + "}"),
                AllOf(HasSubstr("InvalidParameter"), HasSubstr("\"providers\"")));
    EXPECT_EQ(judged, 0U);
    EXPECT_THAT(client.call("io.mrd.Registers.Snapshot", "{\"names\":" + names(max_names) + "}"), HasSubstr("NoSuchRegister"));
    EXPECT_EQ(judged, max_names);
}

template <class Method>
std::vector<std::string> subjects(const typename Method::Parameters &parameters) {
    std::vector<std::string> asked;
    EXPECT_TRUE(for_each_subject<Method>(parameters, [&asked](std::string_view name) {
        asked.emplace_back(name);
        return true;
    }));
    return asked;
}

TEST(Gate, IsAskedAboutEachRegisterThatACallNames) {
    EXPECT_THAT(subjects<wire::Write>({.name = "reportdata", .value = "", .on_behalf_of = {}}), ElementsAre("reportdata"));
    EXPECT_THAT(subjects<wire::Snapshot>({.names = {{"a", "b"}}, .fresh = {}}), ElementsAre("a", "b"));
    EXPECT_THAT(subjects<wire::Snapshot>({}), ElementsAre("")) << "all";
    EXPECT_THAT(subjects<wire::Snapshot>({.names = std::vector<std::string_view>(), .fresh = {}}), ElementsAre("")) << "none";
    EXPECT_THAT(subjects<wire::attestation::Evidence>(
                    {.report_data = "", .bind = {}, .providers = {{"tdx", "gpu0"}}, .deadline_milliseconds = {}, .registers = {}}),
                ElementsAre("tdx", "gpu0"));
    EXPECT_THAT(subjects<wire::attestation::Report>({.report_data = "", .provider = "tdx", .on_behalf_of = {}}), ElementsAre("tdx"));
    EXPECT_THAT(subjects<wire::Repair>({}), ElementsAre(""));
    const auto b_is_refused = [](std::string_view name) { return name != "b"; };
    EXPECT_FALSE(for_each_subject<wire::Snapshot>({.names = {{"a", "b"}}, .fresh = {}}, b_is_refused)) << "one is enough";
}

// ---- Calls for somebody else, and where they are made

constexpr std::string_view for_others_file = R"(interface org.example.ForOthers
type OnBehalfOf (uid: int, gid: int, pid: int)
method Ask(onBehalfOf: ?OnBehalfOf) -> (listener: string)
)";

struct AskParameters {
    std::optional<wire::OnBehalfOf> on_behalf_of;
    static constexpr auto fields() { return std::tuple(varlink::field("onBehalfOf", &AskParameters::on_behalf_of)); }
};
struct AskReply {
    std::string_view listener;
    static constexpr auto fields() { return std::tuple(varlink::field("listener", &AskReply::listener)); }
};
// It takes no right: nothing but for whom it is asked can be refused.
struct Ask : wire::Method<AskParameters, AskReply> {
    static constexpr wire::Description description{.name = "org.example.ForOthers.Ask", .operation = Operation::access};
    static constexpr auto subject = wire::no_subject;
};
struct AnswersWithTheListener {
    void operator()(Ask, const Caller &caller, const AskParameters &, Answer<Ask> answer) { answer.reply({caller.listener()}); }
};

TEST(Gate, SeesForWhomACallIsAndRefusesItWhereNoRuleTrustsTheCallerWithThat) {
    varlink::Service service(varlink::ServiceInfo{}, "elsewhere");
    service.add(
        make_interface<for_others_file>(wire::MethodList<Ask>(), std::make_shared<Gate>(), std::make_shared<AnswersWithTheListener>()));
    SessionClient client(service);
    EXPECT_EQ(client.call(Ask::description.name), R"({"parameters":{"listener":"elsewhere"}})") << "in the caller's own name";
    const auto refused = client.call(Ask::description.name, R"({"onBehalfOf":{"uid":1000,"gid":1000,"pid":7}})");
    EXPECT_THAT(refused, HasSubstr("org.varlink.service.PermissionDenied"));
    EXPECT_THAT(client.call(Ask::description.name, R"({"onBehalfOf":{"uid":1000}})"), HasSubstr("InvalidParameter"))
        << "half of one is none";
}

// ---- Descriptions and files

// The interface file with one text in place of another.
std::string changed(std::string_view from, std::string_view to) {
    std::string file(interfaces::io_mrd_Registers);
    const auto at = file.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return file.replace(at, from.size(), to);
}

TEST(Descriptions, AreNotWhatAChangedFileSays) {
    EXPECT_TRUE(wire::is_in_file<wire::Cap>(interfaces::io_mrd_Registers));
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("method Cap(name: string)", "method Cap(name: ?string)"))) << "another type";
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("method Cap(name: string)", "method Cap(register: string)"))) << "another name";
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("method Cap(name: string)", "method Cap(name: string, id: ?string)"))) << "one more";
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("-> (name: string, sequence: int)\n\n# A virtual", "-> ()\n\n# A virtual")))
        << "another reply";
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("error Capped (name: string, sequence: int)", "error Capped (name: string)")));
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("error Capped", "error Closed"))) << "an error is missing";
    EXPECT_FALSE(wire::is_in_file<wire::Providers>(changed("starting, running, failed", "starting, running, gone"))) << "another value";
    EXPECT_FALSE(
        wire::is_in_file<wire::Read>(changed("type Reading (name: string, value: string", "type Reading (name: string, value: []string")));
    EXPECT_FALSE(wire::is_in_file<wire::Cap>(changed("interface io.mrd.Registers", "interface io.mrd.Others")));
}

TEST(Descriptions, LeaveNothingOfTheFileOut) {
    EXPECT_TRUE(wire::has_no_other_method(interfaces::io_mrd_Registers, wire::RegistersMethods()));
    EXPECT_FALSE(
        wire::has_no_other_method(changed("method Statistics", "method New() -> ()\n\nmethod Statistics"), wire::RegistersMethods()));
    EXPECT_TRUE(wire::has_no_other_error(interfaces::io_mrd_Registers, wire::RegistersMethods()));
    EXPECT_FALSE(wire::has_no_other_error(changed("error Busy (", "error New ()\nerror Busy ("), wire::RegistersMethods()));
}

struct HandlesAll {
    void operator()(auto, const Caller &, const auto &, auto) {}
};

TEST(Descriptions, AMethodThatIsThereIsNotAddedBesideTheGate) {
    const auto nothing = [](const varlink::Request &, const varlink::Responder &) {};
    auto interface =
        make_interface<interfaces::io_mrd_Registers>(wire::RegistersMethods(), std::make_shared<Gate>(), std::make_shared<HandlesAll>());
    EXPECT_THROW(interface.add("Read", varlink::Effect::reads, nothing), std::logic_error);
    EXPECT_THROW(interface.add("Undescribed", varlink::Effect::reads, nothing), std::logic_error);
}

}  // namespace
}  // namespace mrd
