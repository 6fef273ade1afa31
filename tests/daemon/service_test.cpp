// What the listeners of one mrd serve, over their sockets.
#include "mrd/daemon/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include "mr/bytes.h"
#include "mrd/interfaces/methods.h"
#include "mrd/interfaces/names.h"
#include "proto/varlink/client.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

namespace wire = mr::wire;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr auto patience = std::chrono::seconds(60);

// ---- A second interface, which wants to know of changes and events too

constexpr std::string_view second_file = R"(interface org.example.Second
method Follow() -> (changes: int, events: int)
)";

struct FollowReply {
    std::int64_t changes = 0;
    std::int64_t events = 0;
    static constexpr auto fields() {
        return std::tuple(varlink::field("changes", &FollowReply::changes), varlink::field("events", &FollowReply::events));
    }
};
struct Follow : wire::Method<varlink::NoParameters, FollowReply> {
    static constexpr wire::Description description{
        .name = "org.example.Second.Follow", .operation = Operation::watch, .replies = wire::Replies::many};
    static constexpr auto subject = wire::no_subject;
};

class Second {
public:
    explicit Second(Daemon &daemon) {
        daemon.registers().on_change([this](Registers::Place) { tell(&FollowReply::changes); });
        daemon.journal().on_event([this] { tell(&FollowReply::events); });
    }
    void operator()(Follow, const Caller &, const varlink::NoParameters &, Answer<Follow> answer) {
        answer_.emplace(std::move(answer));
        answer_->on_closed([this] { answer_.reset(); });
        answer_->stream(seen_);
    }

private:
    void tell(std::int64_t FollowReply::*what) {
        ++(seen_.*what);
        if (answer_) answer_->stream(seen_);
    }
    FollowReply seen_;
    std::optional<Answer<Follow>> answer_;
};

// ---- A daemon with one register, and its listeners

class Client {
public:
    explicit Client(const std::string &path)
        : connection_(varlink::ClientConnection::connect(varlink::Address::parse(path).value(), patience).value()) {}

    void send(std::string_view method, const std::string &parameters = "{}", bool more = false) {
        const auto frame =
            R"({"method":")" + std::string(method) + R"(","parameters":)" + parameters + (more ? R"(,"more":true})" : "}") + '\0';
        EXPECT_TRUE(connection_.send_frames(frame, patience));
    }
    // The parameters, behind the error's name if it is one.
    std::string reply() {
        const auto reply = connection_.receive(patience);
        if (!reply) return "no reply: " + reply.error().reason;
        return std::string(reply->error) + (reply->parameters ? reply->parameters->to_json() : "");
    }
    std::string call(std::string_view method, const std::string &parameters = "{}", bool more = false) {
        send(method, parameters, more);
        return reply();
    }

private:
    varlink::ClientConnection connection_;
};

class ServiceTest : public ::testing::Test {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.start_journal());
        interfaces_ = make_interfaces(daemon_, {.server = [this] { return server_.counters(); }, .limits = {}});
    }
    void TearDown() override {
        boost::asio::post(loop_, [this] {
            server_.on_empty([this] { loop_.stop(); });
            server_.stop();
            if (server_.connections() == 0) loop_.stop();
        });
        thread_.join();
    }

    // Before run().
    varlink::Service &listen(const std::string &name, std::vector<std::string> interfaces = {}) {
        auto &service = *services_.emplace_back(
            make_service(daemon_, interfaces_, {.name = name, .path = path(name), .interfaces = std::move(interfaces)}));
        auto socket = varlink::listen_on(varlink::Address::parse(path(name)).value(), {});
        EXPECT_TRUE(socket) << socket.error();
        server_.accept_on(std::move(*socket), service);
        return service;
    }
    void run() {
        thread_ = std::thread([this] { loop_.run(); });
    }
    [[nodiscard]] std::string path(const std::string &name) const { return (folder_.path() / name).native(); }

    TemporaryFolder folder_;
    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    Interfaces interfaces_;
    std::vector<std::unique_ptr<varlink::Service>> services_;
    varlink::Server server_{loop_, {}};
    std::thread thread_;
};

std::string extend_call(int byte) {
    return R"({"name":"rtmr3","digest":")" + mr::to_hex(mr::Bytes(48, static_cast<std::uint8_t>(byte))) + "\"}";
}

TEST_F(ServiceTest, TheInterfacesAreThoseThatCanBeNamed) {
    std::vector<std::string> names;
    for (const auto &interface : interfaces_) names.push_back(interface->name());
    EXPECT_THAT(names, ElementsAreArray(interface_names));
    run();
}

TEST_F(ServiceTest, AListenerServesWhatItIsToldToAndEverythingWhereItIsToldNothing) {
    listen("all");
    listen("log", {"io.mrd.EventLog"});
    run();
    Client all(path("all"));
    Client log(path("log"));
    EXPECT_THAT(
        all.call("org.varlink.service.GetInfo"),
        HasSubstr(
            R"("interfaces":["org.varlink.service","io.mrd.Registers","io.mrd.EventLog","io.mrd.Attestation","io.mrd.Devices","io.mrd.Service"])"));
    EXPECT_THAT(log.call("org.varlink.service.GetInfo"), HasSubstr(R"("interfaces":["org.varlink.service","io.mrd.EventLog"])"));
    EXPECT_THAT(all.call("io.mrd.Registers.Extend", extend_call(1)), HasSubstr(R"("sequence":1)"));
    EXPECT_EQ(log.call("io.mrd.Registers.Extend", extend_call(1)),
              R"(org.varlink.service.InterfaceNotFound{"interface":"io.mrd.Registers"})");
    EXPECT_THAT(log.call("io.mrd.EventLog.Replay"), HasSubstr(R"("equal":true)")) << "the same registers and the same log";
    EXPECT_THAT(all.call("io.mrd.Registers.Status"), HasSubstr(R"("connections":2)")) << "of both";
}

// The second one would have stolen them from the first.
TEST_F(ServiceTest, ASecondInterfaceOnASecondListenerHearsOfAllChangesAndEventsAndTheFirstOnesDoTo) {
    listen("all");
    auto &second = listen("second", {"org.example.Second"});
    second.add(make_interface<second_file>(wire::MethodList<Follow>(), daemon_.gate(), std::make_shared<Second>(daemon_)));
    run();
    Client follower(path("second"));
    Client watcher(path("all"));
    Client reader(path("all"));
    EXPECT_EQ(follower.call(Follow::description.name, "{}", true), R"({"changes":0,"events":0})");
    EXPECT_THAT(watcher.call("io.mrd.Registers.Watch", "{}", true), HasSubstr(R"("sequence":0)"));
    reader.send("io.mrd.EventLog.Records", R"({"follow":true})", true);

    constexpr int extends = 50;
    Client extender(path("all"));
    for (int i = 1; i <= extends; ++i)
        EXPECT_THAT(extender.call("io.mrd.Registers.Extend", extend_call(i)), HasSubstr("\"sequence\":" + std::to_string(i) + "}"));

    for (int i = 1; i <= extends; ++i) EXPECT_THAT(reader.reply(), HasSubstr("\"sequence\":" + std::to_string(i) + ",")) << "every event";
    const auto last = "\"sequence\":" + std::to_string(extends) + "}";
    std::string seen;
    do seen = watcher.reply();
    while (seen.find(last) == std::string::npos && seen.find("no reply") == std::string::npos);
    EXPECT_THAT(seen, HasSubstr(last)) << "the latest value";
    std::int64_t told = 0;
    do seen = follower.reply();
    while (++told < std::int64_t{2} * extends && seen.find("no reply") == std::string::npos);
    EXPECT_EQ(seen, R"({"changes":50,"events":50})") << "each of both";
}

TEST(ToldOfTheJournal, IsItsSizeInWholeUnitsSoThatNoEventsLengthShows) {
    EXPECT_EQ(told_journal_size(0), 0U);
    EXPECT_EQ(told_journal_size(1), told_journal_unit);
    EXPECT_EQ(told_journal_size(told_journal_unit), told_journal_unit);
    EXPECT_EQ(told_journal_size(told_journal_unit + 8), 2 * told_journal_unit);
    EXPECT_EQ(told_journal_checked(told_journal_unit + 8, told_journal_unit + 8), 2 * told_journal_unit) << "all of it";
    EXPECT_EQ(told_journal_checked(told_journal_unit + 8, told_journal_unit + 16), told_journal_unit);
    EXPECT_EQ(told_journal_checked(8, 16), 0U);
}

}  // namespace
}  // namespace mrd
