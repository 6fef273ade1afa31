// mr::Client against servers that do not do what they should; against mrd itself it is tested in tests/integration.
#include "mr/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libmr/wire/registers.h"
#include "mr/digest.h"
#include "mr/limits.h"
#include "proto/varlink/message.h"
#include "proto/varlink/plain_call.h"

namespace mr {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// A socket that takes connections and answers each as its test says.
class Server {
public:
    Server() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        // Autobind: an abstract address that the kernel chooses.
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr *>(&address), sizeof(sa_family_t)), 0);
        socklen_t size = sizeof(address);
        EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr *>(&address), &size), 0);
        name_ = "unix:@" + std::string(&address.sun_path[1], size - offsetof(sockaddr_un, sun_path) - 1);
        EXPECT_EQ(::listen(socket_, 8), 0);
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server() { ::close(socket_); }

    // Takes the next connection, reads one call and sends that; the connection ends with it. Returns the call.
    std::string answer(const std::string &reply) {
        const int connected = ::accept(socket_, nullptr, nullptr);
        std::string call;
        for (char last = 1; ::read(connected, &last, 1) == 1 && last != '\0';) call += last;
        EXPECT_EQ(::send(connected, reply.data(), reply.size(), MSG_NOSIGNAL), static_cast<ssize_t>(reply.size()));
        ::close(connected);
        return call;
    }

    [[nodiscard]] ClientOptions options(milliseconds call_timeout = std::chrono::seconds(30)) const {
        return {.socket = name_, .call_timeout = call_timeout};
    }

private:
    int socket_;
    std::string name_;
};

std::string frame(std::string text) { return std::move(text) + '\0'; }

std::string reading_frame() { return frame(R"({"parameters":{"reading":{"name":"tdx/rtmr3","value":"0011","refreshed":false}}})"); }

TEST(Client, ACallThatASilentServerNeverAnswersTimesOutAndEndsTheConnection) {
    Server server;
    auto client = Client::connect(server.options(milliseconds(20)));
    ASSERT_TRUE(client) << client.error().message;
    const auto reading = client->read("tdx/rtmr3");
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ErrorCode::timed_out);
    // A late answer to the first call must never be taken for one to the next.
    EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::connection_lost);
    EXPECT_EQ(client->statistics().error().code, ErrorCode::connection_lost);
}

TEST(Client, ThatACallMayHaveTakenEffectIsSaidOfThoseThatChangeSomething) {
    const auto timed_out = [](const auto &call) {
        const Server silent;
        auto client = Client::connect(silent.options(milliseconds(20)));
        EXPECT_TRUE(client);
        const auto result = client->call(call);
        EXPECT_FALSE(result);
        return result ? std::string() : result.error().message;
    };
    const auto may = HasSubstr("may still take effect");
    EXPECT_THAT(timed_out(calls::extend("tdx/rtmr3", Digest(Bytes(48)))), may);
    EXPECT_THAT(timed_out(calls::cap("tdx/rtmr3")), may);
    EXPECT_THAT(timed_out(calls::repair()), may);
    EXPECT_THAT(timed_out(calls::any("io.mrd.Registers.Close", R"({"name":"virtual/x"})")), may);
    EXPECT_THAT(timed_out(calls::any("com.example.Unknown", "{}")), may) << "nobody here knows what it does";
    EXPECT_THAT(timed_out(calls::read("tdx/rtmr3")), ::testing::Not(may));
    EXPECT_THAT(timed_out(calls::list()), ::testing::Not(may));
    EXPECT_THAT(timed_out(calls::any("io.mrd.Devices.Describe", "{}")), ::testing::Not(may));
    // Where the connection ends before the answer, likewise.
    const auto lost = [](const auto &call) {
        Server server;
        auto client = Client::connect(server.options());
        EXPECT_TRUE(client);
        const std::jthread serving([&server] { server.answer(""); });
        const auto result = client->call(call);
        EXPECT_FALSE(result);
        return result ? std::string() : result.error().message;
    };
    EXPECT_THAT(lost(calls::cap("tdx/rtmr3")), HasSubstr("may have taken effect"));
    EXPECT_THAT(lost(calls::read("tdx/rtmr3")),
                ::testing::AllOf(HasSubstr("has ended the connection"), ::testing::Not(HasSubstr("may have"))));
}

TEST(Client, AfterATimeOutReconnectMakesItUsableAgain) {
    Server server;
    auto client = Client::connect(server.options(milliseconds(20)));
    ASSERT_TRUE(client);
    EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::timed_out);
    ASSERT_TRUE(client->reconnect());
    EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::timed_out) << "connected, and still no answer";
}

TEST(Client, AConnectionThatEndsBeforeTheAnswerIsLostAndReconnectMakesANewOne) {
    Server server;
    auto client = Client::connect(server.options());
    ASSERT_TRUE(client);
    const std::jthread serving([&] {
        server.answer("");
        server.answer(reading_frame());
    });
    EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::connection_lost);
    EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::connection_lost) << "no hidden retry";
    ASSERT_TRUE(client->reconnect());
    const auto reading = client->read("tdx/rtmr3");
    ASSERT_TRUE(reading) << reading.error().message;
    EXPECT_EQ(reading->value, (Bytes{0x00, 0x11}));
}

TEST(Client, HalfAnAnswerIsALostConnection) {
    Server server;
    auto client = Client::connect(server.options());
    ASSERT_TRUE(client);
    const std::jthread serving([&] { server.answer(reading_frame().substr(0, 40)); });
    EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::connection_lost);
}

TEST(Client, WhatIsNoVarlinkIsAProtocolErrorAndEndsTheConnection) {
    for (const auto &nonsense : {frame("HTTP/1.1 400 Bad Request"), frame("[]"), frame(R"({"parameters":5})"), frame("")}) {
        Server server;
        auto client = Client::connect(server.options());
        ASSERT_TRUE(client);
        const std::jthread serving([&] { server.answer(nonsense); });
        EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::protocol) << nonsense;
        EXPECT_EQ(client->read("tdx/rtmr3").error().code, ErrorCode::connection_lost);
    }
}

TEST(Client, AnAnswerThatItsInterfaceDoesNotAllowIsAProtocolErrorThatNamesTheFieldAndEndsTheConnection) {
    const auto answered = [](const std::string &text) {
        Server server;
        auto client = Client::connect(server.options());
        EXPECT_TRUE(client);
        const std::jthread serving([&] { server.answer(frame(text)); });
        const auto reading = client->read("tdx/rtmr3");
        EXPECT_FALSE(reading);
        EXPECT_EQ(reading.error().code, ErrorCode::protocol);
        const auto next = client->read("tdx/rtmr3");
        EXPECT_THAT(next.error().message, HasSubstr("nothing was sent")) << "the connection is closed";
        EXPECT_EQ(next.error().code, ErrorCode::connection_lost);
        return reading.error().message;
    };
    EXPECT_THAT(answered(R"({"parameters":{}})"), HasSubstr("reading"));
    EXPECT_THAT(answered(R"({"parameters":{"reading":{"name":"a","value":"xy","refreshed":false}}})"), HasSubstr("value"));
    EXPECT_THAT(answered(R"({"parameters":{"reading":{"name":"a","value":5,"refreshed":false}}})"), HasSubstr("reading"));
}

TEST(Client, AProviderThatDoesNotRunSaysWhy) {
    Server server;
    auto client = Client::connect(server.options());
    ASSERT_TRUE(client);
    const std::jthread answering([&] {
        server.answer(frame(R"({"parameters":{"providers":[{"name":"tdx","type":"tdx","state":"running","simulated":true,"unbound":false},)"
                            R"({"name":"tpm","type":"tpm","state":"failed","reason":"no /dev/tpm0","simulated":false,"unbound":true}]}})"));
    });
    const auto providers = client->providers();
    ASSERT_TRUE(providers) << providers.error().message;
    ASSERT_EQ(providers->size(), 2U);
    EXPECT_EQ(providers->front().phase, ProviderState::Phase::running);
    EXPECT_TRUE(providers->front().simulated);
    EXPECT_EQ(providers->front().reason, std::nullopt);
    EXPECT_EQ(to_string(providers->back().phase), "failed");
    EXPECT_EQ(providers->back().reason, "no /dev/tpm0");
    EXPECT_TRUE(providers->back().unbound);
}

TEST(Client, AnErrorItDoesNotKnowIsRemoteAndKeepsItsName) {
    Server server;
    auto client = Client::connect(server.options());
    ASSERT_TRUE(client);
    const std::jthread serving([&] { server.answer(frame(R"({"error":"io.mrd.Registers.FromTheFuture","parameters":{"why":"x"}})")); });
    const auto reading = client->read("tdx/rtmr3");
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ErrorCode::remote);
    EXPECT_EQ(reading.error().name, "io.mrd.Registers.FromTheFuture");
    EXPECT_EQ(reading.error().parameters, R"({"why":"x"})");
    EXPECT_THAT(reading.error().message, HasSubstr("why x"));
}

TEST(Client, WithoutAServiceTheErrorNamesTheSocketAndSaysWhatToDo) {
    const auto client = Client::connect({.socket = "/nonexistent/io.mrd"});
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::no_service);
    EXPECT_THAT(client.error().message, HasSubstr("/nonexistent/io.mrd"));
    EXPECT_THAT(client.error().message, HasSubstr("MRD_SOCKET"));
}

TEST(Client, ASocketThatIsNoAddressIsAnInvalidArgument) {
    for (const auto &name : {std::string("unix:relative"), std::string("unix:"), "/" + std::string(200, 'x')}) {
        const auto client = Client::connect({.socket = name});
        ASSERT_FALSE(client) << name;
        EXPECT_EQ(client.error().code, ErrorCode::invalid_argument) << name;
    }
}

TEST(Client, TheSocketIsTheOptionsElseTheEnvironmentsElseTheDefault) {
    ::setenv("MRD_SOCKET", "/from/environment", 1);  // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(socket_of({.socket = "/from/options"}), "/from/options");
    EXPECT_EQ(socket_of({}), "/from/environment");
    ::setenv("MRD_SOCKET", "", 1);  // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(socket_of({}), default_socket);
    ::unsetenv("MRD_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(socket_of({}), default_socket);
}

TEST(Client, ARefusalNamesTheRightAndTheRegister) {
    Server server;
    const std::vector<std::pair<std::function<Error(Client &)>, std::string>> refusals{
        {[](Client &client) { return client.extend("tdx/rtmr3", Digest::zero(HashAlgorithm::sha384)).error(); }, "right extend, tdx/rtmr3"},
        {[](Client &client) { return client.read("tdx/reportdata").error(); },
         "right read, or report where a report is over it, tdx/reportdata"},
        {[](Client &client) { return client.call("io.mrd.Registers.Cap", R"({"name":"rtmr2"})").error(); }, "right cap, rtmr2"},
        {[](Client &client) { return client.access(7).error(); }, "right repair)"},
        {[](Client &client) { return client.call("io.mrd.Registers.FromTheFuture", "{}").error(); }, "PermissionDenied: no access rule"}};
    for (const auto &[refused, words] : refusals) {
        auto client = Client::connect(server.options());
        ASSERT_TRUE(client);
        const std::jthread serving([&] { server.answer(frame(R"({"error":"org.varlink.service.PermissionDenied"})")); });
        const auto error = refused(*client);
        EXPECT_EQ(error.code, ErrorCode::permission_denied);
        EXPECT_THAT(error.message, HasSubstr(words));
    }
}

TEST(Client, AnErrorSaysWhatIsWrongHereAndNothingElse) {
    Server server;
    const auto message = [&server](const std::string &reply, const auto &ask) {
        auto client = Client::connect(server.options());
        const std::jthread serving([&] { server.answer(frame(reply)); });
        return ask(*client).error().message;
    };
    const auto extend = [](Client &client) { return client.extend("rtmr3", Digest::zero(HashAlgorithm::sha256)); };
    const auto list = [](Client &client) { return client.list("x"); };
    EXPECT_EQ(message(R"({"error":"io.mrd.EventLog.JournalFailed","parameters":{"reason":"the disk is full"}})", extend),
              "JournalFailed: the disk is full");
    EXPECT_THAT(message(R"({"error":"io.mrd.Registers.WrongLength","parameters":{"name":"tdx/rtmr3","expected":48,"actual":32}})", extend),
                HasSubstr("a digest of 48 bytes, of sha384"));
    EXPECT_THAT(
        message(R"({"error":"io.mrd.Registers.NoSuchRegister","parameters":{"name":"rtmr3","candidates":["a/rtmr3","b/rtmr3"]}})", extend),
        HasSubstr("give the whole one"));
    EXPECT_THAT(message(R"({"error":"io.mrd.Registers.NoSuchRegister","parameters":{"name":"rtmr3","candidates":[]}})", extend),
                HasSubstr("no register has that name"));
    EXPECT_THAT(message(R"({"error":"io.mrd.Registers.NoSuchRegister","parameters":{"name":"x","candidates":["tdx"]}})", list),
                HasSubstr("no provider has that name"));
}

TEST(Client, WhatNoCallCanCarryIsRefusedHereByItsField) {
    const Server server;
    auto client = Client::connect(server.options(milliseconds(20)));
    ASSERT_TRUE(client);
    const auto why = [](const auto &answer) {
        EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
        return answer.error().message;
    };
    const Digest digest = Digest::zero(HashAlgorithm::sha384);
    constexpr std::size_t too_much = max_event_data + 1;
    const std::string data = "data has 65537 bytes: an event takes at most 65536";
    EXPECT_EQ(why(client->extend("rtmr3", digest, {.data = Bytes(too_much)})), data);
    EXPECT_EQ(why(client->measure("rtmr3", Bytes(too_much))), data);
    EXPECT_THAT(why(client->extend("rtmr3", digest, {.description = std::string(2'000'000, 'd')})),
                HasSubstr("description is 2000000 bytes"));
    EXPECT_THAT(why(client->read(std::string(2'000'000, 'n'))), HasSubstr("name is 2000000 bytes"));
    EXPECT_THAT(why(client->verify_report(Bytes(2'000'000))), HasSubstr("report is "));
    EXPECT_THAT(why(client->extend("rtmr3", digest, {.envelope = true})), HasSubstr("envelope is measure()'s"));
    EXPECT_THAT(why(client->measure("rtmr3", Bytes(1), {.data = Bytes(1)})), HasSubstr("data in the options is extend()'s"));
    EXPECT_EQ(client->read("rtmr3").error().code, ErrorCode::timed_out) << "none of them was sent, nor closed the connection";
}

// What libmr writes when `ask` is done with a client.
template <class Ask>
std::string written_by(const Ask &ask) {
    Server server;
    std::string call;
    {
        const std::jthread serving([&] { call = server.answer(""); });
        auto client = Client::connect(server.options());
        EXPECT_TRUE(client);
        if (client) ask(*client);
    }
    return call;
}

// Whether the fast path takes the method's call (proto/varlink/plain_call.h), and understands what the parser does.
template <class Method>
bool is_taken_plain(const std::string &message) {
    using Parameters = typename Method::Parameters;
    const auto call = varlink::begin_plain_call(message);
    if (!call || call->method != Method::description.name) return false;
    const auto plain = varlink::end_plain_call<Parameters>(call->rest);
    if (!plain) return false;
    varlink::Document document;
    const auto parsed = varlink::parse_call(message, document);
    EXPECT_TRUE(parsed && parsed->parameters) << message;
    const auto full = varlink::decode<Parameters>(*parsed->parameters);
    EXPECT_TRUE(full) << message;
    const auto as_json = [](const Parameters &parameters) {
        std::string json;
        varlink::write_json(json, parameters);
        return json;
    };
    EXPECT_EQ(as_json(*plain), as_json(*full));
    return true;
}

TEST(Client, WritesItsReadsExtendsAndMeasuresAsTheFastPathTakesThem) {
    const Digest digest = Digest::zero(HashAlgorithm::sha384);
    const EventOptions said{.type = 13, .description = "a loader", .id = "once"};
    auto with_data = said;
    with_data.data = Bytes{1, 2, 3, 4};
    auto in_envelope = said;
    in_envelope.envelope = true;
    const auto read = [](const ReadOptions &options) {
        return written_by([&](Client &client) { (void)client.read("tdx/rtmr3", options); });
    };
    const auto extend = [&](const EventOptions &options) {
        return written_by([&](Client &client) { (void)client.extend("tdx/rtmr3", digest, options); });
    };
    const auto measure = [](const EventOptions &options) {
        return written_by([&](Client &client) { (void)client.measure("tdx/rtmr3", Bytes{0xFB, 0xEF, 0xFF}, options); });
    };
    EXPECT_TRUE(is_taken_plain<wire::Read>(read({})));
    EXPECT_TRUE(is_taken_plain<wire::Read>(read({.fresh = true, .generation = 7})));
    EXPECT_TRUE(is_taken_plain<wire::Extend>(extend({})));
    EXPECT_TRUE(is_taken_plain<wire::Extend>(extend(with_data)));
    EXPECT_TRUE(is_taken_plain<wire::Measure>(measure({})));
    EXPECT_TRUE(is_taken_plain<wire::Measure>(measure(in_envelope)));

    const OnBehalfOf somebody{.uid = 1000, .gid = 1000, .pid = 1};
    EXPECT_FALSE(is_taken_plain<wire::Read>(read({.on_behalf_of = somebody})));
    EXPECT_FALSE(is_taken_plain<wire::Extend>(extend({.on_behalf_of = somebody})));
    EXPECT_FALSE(is_taken_plain<wire::Measure>(measure({.on_behalf_of = somebody})));
}

TEST(Client, ACallWithoutAConnectionSaysThatNothingWasSent) {
    Server server;
    auto client = Client::connect(server.options());
    ASSERT_TRUE(client);
    {
        const std::jthread serving([&] { server.answer(""); });
        EXPECT_THAT(client->read("rtmr3").error().message, HasSubstr("has ended the connection"));
    }
    const auto error = client->read("rtmr3").error();
    EXPECT_EQ(error.code, ErrorCode::connection_lost);
    EXPECT_THAT(error.message, HasSubstr("nothing was sent"));
}

TEST(Client, ParametersThatAreNoJsonObjectAreNotSent) {
    const Server server;
    auto client = Client::connect(server.options(milliseconds(20)));
    ASSERT_TRUE(client);
    for (const auto *text : {"", "[]", "{", "5", "{} {}"}) {
        EXPECT_EQ(client->call("io.mrd.Registers.List", text).error().code, ErrorCode::invalid_argument) << text;
    }
}

}  // namespace
}  // namespace mr
