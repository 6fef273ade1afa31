#include "proto/varlink/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/varlink/interfaces.h"
#include "tests/proto/example_service.h"

namespace varlink {
namespace {

using test::count_call;
using test::ExampleService;
using test::frame;
using test::messages;
using test::Number;
using test::number_reply;
using test::watch_call;

using Messages = std::vector<std::string>;

std::string method_call(std::string_view method, std::string_view rest = "") {
    return frame(R"({"method":"org.example.test.)" + std::string(method) + "\"" + std::string(rest) + "}");
}

std::string later_call(std::int64_t number) { return method_call("Later", R"(,"parameters":{"number":)" + std::to_string(number) + "}"); }

std::string mark_call(std::int64_t number) { return method_call("Mark", R"(,"parameters":{"number":)" + std::to_string(number) + "}"); }

const auto subscribe_call = frame(R"({"method":"a.b.Subscribe","more":true})");

std::string service_call(std::string_view method, std::string_view rest = "") {
    return frame(R"({"method":"org.varlink.service.)" + std::string(method) + "\"" + std::string(rest) + "}");
}

std::string error(std::string_view name, std::string_view parameters) {
    return R"({"error":")" + std::string(name) + R"(","parameters":)" + std::string(parameters) + "}";
}

std::string standard_error(std::string_view name, std::string_view parameters) {
    return error("org.varlink.service." + std::string(name), parameters);
}

// A connection without a socket.
class InMemory : public testing::Test {
protected:
    // What is answered to these bytes at once, in as many turns as that takes.
    Messages receive(std::string_view bytes) {
        std::string out;
        session_->receive(bytes, out);
        return messages(go_on(std::move(out)));
    }

    Messages resume() {
        std::string out;
        session_->resume(out);
        return messages(go_on(std::move(out)));
    }

    std::string go_on(std::string out) {
        while (session_->turn_is_over()) session_->resume(out);
        return out;
    }

    std::shared_ptr<Session> new_session() {
        return Session::create(example_.service, Peer{.uid = 1, .gid = 2, .pid = 3}, Limits{.max_message = 1000, .max_connections = 1},
                               [this] { ++wakes_; });
    }

    // A method that changes something and then waits for the connection's end.
    void add_subscribing_change() {
        Interface interface("interface a.b\nmethod Subscribe() -> (number: int)\n");
        interface.add<NoParameters>("Subscribe", Effect::changes, [this](const Request &, const NoParameters &, Responder responder) {
            example_.watch.emplace(std::move(responder));
            example_.watch->on_closed([this] {
                ++told_;
                example_.watch.reset();
            });
        });
        example_.service.add(std::move(interface));
    }

    ExampleService example_;
    int wakes_ = 0;
    int told_ = 0;  // how often a method heard of the end
    std::shared_ptr<Session> session_ = new_session();
};

class Calls : public InMemory {};

TEST_F(Calls, WhatIsKeptHasItsTurnLaterAndAPartOfAMessageWaitsForItsRest) {
    const auto both = count_call(1) + count_call(2);
    session_->keep(std::string_view(both).substr(0, 10));
    EXPECT_FALSE(session_->busy()) << "there is no message yet: receive the rest";
    EXPECT_TRUE(session_->awaits_rest());
    session_->keep(std::string_view(both).substr(10));
    EXPECT_TRUE(session_->turn_is_over());
    EXPECT_EQ(example_.calls, 0U);
    EXPECT_EQ(resume(), (Messages{number_reply(1), number_reply(2)}));
    session_->keep(std::string(1001, ' '));
    EXPECT_TRUE(session_->turn_is_over()) << "it is too long already";
    EXPECT_EQ(resume(), Messages{});
    EXPECT_TRUE(session_->broken());
}

TEST_F(Calls, RepliesComeInTheOrderOfTheCalls) {
    std::string stream;
    Messages expected;
    for (int i = 0; i < 500; ++i) {
        stream += count_call(i);
        expected.push_back(number_reply(i));
    }
    EXPECT_EQ(receive(stream), expected);
    EXPECT_FALSE(session_->broken());
    EXPECT_FALSE(session_->busy());
}

TEST_F(Calls, ACallThatIsAnsweredLaterHoldsBackThoseAfterIt) {
    EXPECT_EQ(receive(count_call(1) + later_call(2) + count_call(3) + later_call(4) + count_call(5)), (Messages{number_reply(1)}));
    EXPECT_TRUE(session_->busy());
    ASSERT_EQ(example_.later.size(), 1U);
    EXPECT_EQ(resume(), Messages{}) << "nothing was answered meanwhile";
    example_.answer_later();
    EXPECT_EQ(wakes_, 1);
    EXPECT_EQ(resume(), (Messages{number_reply(2), number_reply(3)}));
    ASSERT_EQ(example_.later.size(), 1U);
    example_.answer_later();
    EXPECT_EQ(resume(), (Messages{number_reply(4), number_reply(5)}));
    EXPECT_FALSE(session_->busy());
}

TEST_F(Calls, BytesThatComeWhileACallRunsWaitForTheirTurn) {
    EXPECT_EQ(receive(later_call(1)), Messages{});
    for (const char byte : count_call(2) + count_call(3)) EXPECT_EQ(receive({&byte, 1}), Messages{});
    example_.answer_later();
    EXPECT_EQ(resume(), (Messages{number_reply(1), number_reply(2), number_reply(3)}));
}

TEST_F(Calls, ACallMayComeByteByByte) {
    Messages found;
    for (const char byte : count_call(1) + count_call(2)) {
        for (auto &message : receive({&byte, 1})) found.push_back(message);
    }
    EXPECT_EQ(found, (Messages{number_reply(1), number_reply(2)}));
}

TEST_F(Calls, ParametersMayBeAbsentNullOrEmpty) {
    const auto info = receive(service_call("GetInfo"));
    ASSERT_EQ(info.size(), 1U);
    EXPECT_EQ(receive(service_call("GetInfo", R"(,"parameters":null)")), info);
    EXPECT_EQ(receive(service_call("GetInfo", R"(,"parameters":{})")), info);
}

TEST_F(Calls, AReplyAlwaysHasAnObjectAsParameters) {
    EXPECT_EQ(receive(method_call("Mark", R"(,"parameters":{"number":1})")), (Messages{R"({"parameters":{}})"}));
}

TEST_F(Calls, TextComesBackAsItWasSent) {
    const std::string parameters = R"({"text":"\u0001\"\\\n é😀","note":"n"})";
    EXPECT_EQ(receive(method_call("Echo", R"(,"parameters":)" + parameters)), (Messages{R"({"parameters":)" + parameters + "}"}));
}

TEST_F(Calls, AMethodLearnsWhoCalls) {
    receive(count_call(1));
    EXPECT_EQ(example_.last_peer.uid, 1U);
    EXPECT_EQ(example_.last_peer.gid, 2U);
    EXPECT_EQ(example_.last_peer.pid, 3);
}

// ---- oneway

TEST_F(Calls, AOnewayCallGetsNoReplyNotEvenAnError) {
    const auto stream = method_call("Mark", R"(,"parameters":{"number":7},"oneway":true)") +
                        method_call("Fail", R"(,"parameters":{"reason":"no"},"oneway":true)") + method_call("Mark", R"(,"oneway":true)") +
                        method_call("Missing", R"(,"oneway":true)") + method_call("Undone", R"(,"oneway":true)") +
                        frame(R"({"method":"no.such.Interface","oneway":true})") +
                        method_call("Stream", R"(,"parameters":{"number":3},"oneway":true)") + count_call(1);
    EXPECT_EQ(receive(stream), (Messages{number_reply(1)}));
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{7});
    EXPECT_FALSE(session_->broken());
}

TEST_F(Calls, AOnewayCallAnsweredLaterGetsNoReplyAndKeepsTheOrder) {
    Interface interface("interface a.b\nmethod Change(number: int) -> (number: int)\n");
    interface.add<Number>("Change", Effect::changes, [this](const Request &, const Number &parameters, Responder responder) {
        example_.later.push_back({parameters.number, std::move(responder)});
    });
    example_.service.add(std::move(interface));
    EXPECT_EQ(receive(frame(R"({"method":"a.b.Change","parameters":{"number":1},"oneway":true})") + count_call(2)), Messages{});
    ASSERT_EQ(example_.later.size(), 1U);
    example_.answer_later();
    EXPECT_EQ(wakes_, 1);
    EXPECT_EQ(resume(), (Messages{number_reply(2)}));
}

TEST_F(Calls, AOnewayCallThatOnlyReadsIsNotRun) {
    const auto stream = method_call("Count", R"(,"parameters":{"number":1},"oneway":true)") +
                        method_call("Later", R"(,"parameters":{"number":1},"oneway":true)") +
                        method_call("Mark", R"(,"parameters":{"number":7},"oneway":true)") + count_call(2);
    EXPECT_EQ(receive(stream), (Messages{number_reply(2)}));
    EXPECT_EQ(example_.calls, 1U);
    EXPECT_TRUE(example_.later.empty());
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{7});
}

// ---- Turns

TEST_F(Calls, OneTurnServesABoundedNumberAndTheNextOneGoesOn) {
    const auto count = static_cast<int>(3 * calls_in_a_turn);
    std::string stream;
    for (int i = 0; i < count; ++i) stream += count_call(i);
    std::string out;
    session_->receive(stream, out);
    EXPECT_EQ(example_.calls, calls_in_a_turn);
    EXPECT_TRUE(session_->turn_is_over());
    EXPECT_TRUE(session_->busy()) << "nothing further is received";
    session_->resume(out);
    EXPECT_EQ(example_.calls, 2 * calls_in_a_turn);
    session_->resume(out);
    EXPECT_EQ(example_.calls, 3 * calls_in_a_turn);
    EXPECT_FALSE(session_->busy()) << "nothing is left";
    EXPECT_EQ(messages(out).size(), 3 * calls_in_a_turn);
}

TEST_F(Calls, OnewayCallsTakeTheirTurnToo) {
    const auto change = method_call("Mark", R"(,"parameters":{"number":7},"oneway":true)");
    const auto reading = method_call("Count", R"(,"parameters":{"number":1},"oneway":true)");
    std::string stream;
    for (std::size_t i = 0; i < calls_in_a_turn; ++i) stream += change + reading;
    std::string out;
    session_->receive(stream, out);
    EXPECT_EQ(example_.marks.size(), calls_in_a_turn / 2);
    EXPECT_TRUE(session_->turn_is_over());
    session_->resume(out);
    EXPECT_EQ(example_.marks.size(), calls_in_a_turn);
    EXPECT_FALSE(session_->busy());
}

TEST_F(Calls, ALongMessageOrAnswerTakesMoreOfATurn) {
    const auto answer = method_call("Blob", R"(,"parameters":{"size":)" + std::to_string(calls_in_a_turn * bytes_of_a_call) + "}");
    std::string out;
    session_->receive(answer + answer + count_call(1), out);
    EXPECT_EQ(example_.calls, 1U);
    EXPECT_TRUE(session_->turn_is_over());
    go_on(std::move(out));
    EXPECT_EQ(example_.calls, 3U);

    auto long_call = count_call(1);
    long_call.insert(1, std::string(bytes_of_a_call, ' '));
    std::string stream;
    for (std::size_t i = 0; i < calls_in_a_turn; ++i) stream += long_call;
    out.clear();
    session_->receive(stream, out);
    EXPECT_EQ(example_.calls, 3 + calls_in_a_turn / 2);
}

TEST_F(Calls, OfThoseThatWaitForTheirTurnAtTheHangUpOnlyTheChangesAreRun) {
    std::string stream;
    for (std::size_t i = 0; i < calls_in_a_turn; ++i) stream += count_call(1);
    for (std::size_t i = 0; i < 2 * calls_in_a_turn; ++i) stream += count_call(1) + mark_call(1);
    std::string out;
    session_->receive(stream, out);
    session_->hang_up();
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(example_.calls, calls_in_a_turn);
    EXPECT_EQ(example_.marks.size(), 2 * calls_in_a_turn);
    EXPECT_FALSE(session_->busy());
}

// ---- more

TEST_F(Calls, TheLastReplyOfAStreamHasNoContinues) {
    EXPECT_EQ(receive(method_call("Stream", R"(,"parameters":{"number":3},"more":true)") + count_call(9)),
              (Messages{R"({"parameters":{"number":1},"continues":true})", R"({"parameters":{"number":2},"continues":true})",
                        number_reply(3), number_reply(9)}));
}

TEST_F(Calls, MoreIsPermissionAndNoDuty) {
    EXPECT_EQ(receive(frame(R"({"method":"org.example.test.Count","parameters":{"number":1},"more":true})")), (Messages{number_reply(1)}));
}

TEST_F(Calls, StreamingThatWasNotAskedForIsAnsweredWithExpectedMore) {
    EXPECT_EQ(receive(method_call("Stream", R"(,"parameters":{"number":3})") + count_call(1)),
              (Messages{standard_error("ExpectedMore", "{}"), number_reply(1)}));
}

TEST_F(Calls, AnErrorIsAlwaysFinal) {
    receive(method_call("Watch", R"(,"more":true)") + count_call(2));
    ASSERT_TRUE(example_.watch);
    example_.watch->stream(Number{1});
    example_.watch->fail(test::Sorry{"enough"});
    example_.watch->stream(Number{2});
    example_.watch->reply(Number{3});
    EXPECT_EQ(resume(), (Messages{R"({"parameters":{"number":1},"continues":true})",
                                  error("org.example.test.Sorry", R"({"reason":"enough"})"), number_reply(2)}));
    EXPECT_FALSE(session_->broken());
}

TEST_F(Calls, AClientCancelsByClosing) {
    receive(method_call("Watch", R"(,"more":true)"));
    ASSERT_TRUE(example_.watch);
    session_->close();
    EXPECT_EQ(example_.watches_closed, 1);
    EXPECT_FALSE(example_.watch);
    session_->close();
    EXPECT_EQ(example_.watches_closed, 1);
}

TEST_F(Calls, AStreamIsCongestedWhileItsOutputWaitsAndDrainsWhenItIsSent) {
    receive(method_call("Watch", R"(,"more":true)"));
    ASSERT_TRUE(example_.watch);
    int drained = 0;
    example_.watch->on_drained([&] { ++drained; });
    EXPECT_FALSE(example_.watch->congested());
    std::size_t streamed = 0;
    for (; !example_.watch->congested() && streamed < max_unsent; ++streamed) example_.watch->stream(Number{1});
    EXPECT_LT(streamed, max_unsent / 20);
    std::string out;
    session_->resume(out);
    EXPECT_FALSE(example_.watch->congested());
    session_->set_unsent(out.size());
    EXPECT_TRUE(example_.watch->congested());
    session_->set_unsent(1);
    EXPECT_EQ(drained, 0);
    session_->set_unsent(0);
    EXPECT_EQ(drained, 1);
    session_->set_unsent(0);
    EXPECT_EQ(drained, 2) << "each time";
    example_.watch->reply(Number{2});
    session_->set_unsent(0);
    EXPECT_EQ(drained, 2) << "until the call is answered";
}

// ---- The standard errors

TEST_F(Calls, AnUnknownInterfaceIsNamed) {
    EXPECT_EQ(receive(frame(R"({"method":"no.such.Method"})")),
              (Messages{standard_error("InterfaceNotFound", R"({"interface":"no.such"})")}));
    EXPECT_EQ(receive(service_call("GetInterfaceDescription", R"(,"parameters":{"interface":"no.such"})")),
              (Messages{standard_error("InterfaceNotFound", R"({"interface":"no.such"})")}));
}

TEST_F(Calls, AnUnknownMethodIsNamed) {
    EXPECT_EQ(receive(method_call("Missing")), (Messages{standard_error("MethodNotFound", R"({"method":"org.example.test.Missing"})")}));
    EXPECT_EQ(receive(method_call("count")), (Messages{standard_error("MethodNotFound", R"({"method":"org.example.test.count"})")}));
    EXPECT_EQ(receive(frame(R"({"method":"Count"})")), (Messages{standard_error("MethodNotFound", R"({"method":"Count"})")}));
    EXPECT_EQ(receive(frame(R"({"method":"."})")), (Messages{standard_error("InterfaceNotFound", R"({"interface":""})")}));
}

TEST_F(Calls, AMethodThatIsOnlyDescribedIsNotImplemented) {
    EXPECT_EQ(receive(method_call("Undone")),
              (Messages{standard_error("MethodNotImplemented", R"({"method":"org.example.test.Undone"})")}));
}

TEST_F(Calls, AnUpgradeIsNotImplemented) {
    EXPECT_EQ(receive(method_call("Count", R"(,"parameters":{"number":1},"upgrade":true)") + count_call(1)),
              (Messages{standard_error("MethodNotImplemented", R"({"method":"org.example.test.Count"})"), number_reply(1)}));
}

TEST_F(Calls, AnUnknownDuplicateMissingOrMistypedParameterIsNamedAndTheConnectionLives) {
    const auto refused = [this](std::string_view parameters) {
        return receive(method_call("Count", R"(,"parameters":)" + std::string(parameters)));
    };
    const auto naming = [](std::string_view name) {
        return Messages{standard_error("InvalidParameter", R"({"parameter":")" + std::string(name) + "\"}")};
    };
    EXPECT_EQ(refused(R"({"number":1,"nmber":2})"), naming("nmber"));
    EXPECT_EQ(refused(R"({"number":1,"number":1})"), naming("number"));
    EXPECT_EQ(refused("{}"), naming("number"));
    EXPECT_EQ(refused(R"({"number":"1"})"), naming("number"));
    EXPECT_EQ(refused(R"({"number":9223372036854775808})"), naming("number"));
    EXPECT_EQ(receive(service_call("GetInfo", R"(,"parameters":{"verbose":true})")), naming("verbose"));
    EXPECT_EQ(receive(service_call("GetInterfaceDescription")), naming("interface"));
    EXPECT_EQ(receive(count_call(1)), (Messages{number_reply(1)}));
    EXPECT_FALSE(session_->broken());
}

TEST_F(Calls, AnErrorOfTheInterfaceHasItsParameters) {
    EXPECT_EQ(receive(method_call("Fail", R"(,"parameters":{"reason":"\"why\""})")),
              (Messages{error("org.example.test.Sorry", R"({"reason":"\"why\""})")}));
}

// ---- Broken messages

TEST_F(Calls, ABrokenMessageClosesWithoutAReplyAfterThoseBeforeIt) {
    const std::vector<std::string> broken = {
        frame(""),
        frame("{"),
        frame("[]"),
        frame("null"),
        frame(R"({"method":"org.example.test.Count","parameters":{"number":1})"),
        frame(R"({"method":"org.example.test.Count","parameters":[1]})"),
        frame("{\"method\":\"org.example.test.Echo\",\"parameters\":{\"text\":\"\xff\"}}"),
        frame(R"({"method":"org.example.test.Echo","parameters":{"text":"\u0000"}})"),
        frame(R"({"method":"org.example.test.Echo","parameters":{"text":)" + std::string(40, '[') + std::string(40, ']') + "}}"),
        frame(R"({"method":"org.example.test.Count","more":true,"oneway":true})"),
        std::string(1001, ' ')};
    for (const auto &bytes : broken) {
        session_ = Session::create(example_.service, Peer{}, Limits{.max_message = 1000, .max_connections = 1}, [] {});
        example_.calls = 0;
        EXPECT_EQ(receive(count_call(1) + bytes + count_call(2)), (Messages{number_reply(1)})) << bytes;
        EXPECT_TRUE(session_->broken()) << bytes;
        EXPECT_FALSE(session_->busy()) << bytes;
        EXPECT_EQ(receive(count_call(3)), Messages{}) << bytes;
        EXPECT_EQ(example_.calls, 1U) << "nothing runs after " << bytes;
    }
}

TEST_F(Calls, AMessageOfExactlyTheLimitIsServed) {
    auto message = count_call(1);
    message.insert(1, std::string(1001 - message.size(), ' '));
    EXPECT_EQ(receive(message), (Messages{number_reply(1)}));
    message.insert(1, " ");
    EXPECT_EQ(receive(message), Messages{});
    EXPECT_TRUE(session_->broken());
}

TEST_F(Calls, ABrokenMessageWaitsForTheAnswerBeforeIt) {
    receive(later_call(1) + frame("{"));
    EXPECT_FALSE(session_->broken());
    example_.answer_later();
    EXPECT_EQ(resume(), (Messages{number_reply(1)}));
    EXPECT_TRUE(session_->broken());
}

// ---- Answers that cannot come, and that come too late

TEST_F(Calls, ACallThatIsForgottenCloses) {
    EXPECT_EQ(receive(count_call(1) + method_call("Forget") + count_call(2)), (Messages{number_reply(1)}));
    EXPECT_TRUE(session_->broken());
    EXPECT_FALSE(session_->busy());
}

TEST_F(Calls, ACallThatIsForgottenLaterCloses) {
    receive(later_call(1) + count_call(2));
    example_.later.clear();
    EXPECT_EQ(wakes_, 1);
    EXPECT_EQ(resume(), Messages{});
    EXPECT_TRUE(session_->broken());
}

TEST_F(Calls, AResponderThatIsReplacedClosesItsCall) {
    receive(later_call(1));
    auto other = Session::create(example_.service, Peer{}, Limits{}, [] {});
    std::string out;
    other->receive(later_call(2), out);
    example_.later[0].responder = std::move(example_.later[1].responder);
    EXPECT_TRUE(session_->broken());
    EXPECT_FALSE(other->broken());
    example_.later[0].responder.reply(Number{2});
    other->resume(out);
    EXPECT_EQ(messages(out), (Messages{number_reply(2)}));
}

TEST_F(Calls, OnlyTheFirstAnswerCounts) {
    receive(later_call(1) + later_call(2));
    auto first = std::move(example_.later.front().responder);
    example_.later.pop_front();
    first.reply(Number{1});
    EXPECT_EQ(resume(), (Messages{number_reply(1)}));
    first.reply(Number{100});
    first.fail(ExpectedMore{});
    first.stream(Number{100});
    EXPECT_EQ(resume(), Messages{}) << "it must not answer the next call";
    example_.answer_later();
    EXPECT_EQ(resume(), (Messages{number_reply(2)}));
}

TEST_F(Calls, AnAnswerAfterTheEndGoesNowhere) {
    receive(later_call(1) + method_call("Mark", R"(,"parameters":{"number":1})"));
    session_->close();
    example_.answer_later();
    EXPECT_EQ(resume(), Messages{});
    EXPECT_TRUE(example_.marks.empty()) << "no call runs after the end";
    std::weak_ptr<Session> session = session_;
    session_.reset();
    EXPECT_TRUE(session.expired());
}

TEST_F(Calls, AnAnswerAfterTheSessionIsGoneGoesNowhere) {
    receive(later_call(1));
    session_.reset();
    example_.answer_later();
    EXPECT_EQ(wakes_, 0);
}

TEST_F(Calls, AHandlerMayDropItsResponderWhenTheConnectionEnds) {
    // Both handlers own the responder, as a subscription's do.
    receive(later_call(1));
    auto responder = std::make_shared<Responder>(std::move(example_.later.front().responder));
    example_.later.clear();
    responder->on_closed([responder] { responder->reply(Number{1}); });
    responder->on_drained([responder] { responder->reply(Number{2}); });
    std::weak_ptr<Responder> weak = responder;
    responder.reset();
    EXPECT_FALSE(weak.expired());
    session_->close();
    EXPECT_TRUE(weak.expired());
}

TEST_F(Calls, ADrainHandlerMayAnswer) {
    receive(later_call(1) + count_call(2));
    auto responder = std::make_shared<Responder>(std::move(example_.later.front().responder));
    example_.later.clear();
    responder->on_drained([responder] { responder->reply(Number{1}); });
    responder.reset();
    session_->set_unsent(0);
    EXPECT_EQ(wakes_, 1);
    EXPECT_EQ(resume(), (Messages{number_reply(1), number_reply(2)}));
}

// ---- Output that nobody reads

TEST_F(Calls, CallsAreHeldBackWhileTooMuchOutputWaits) {
    const auto blob = method_call("Blob", R"(,"parameters":{"size":100000})");
    std::string stream;
    for (int i = 0; i < 10; ++i) stream += blob;
    std::string out;
    session_->receive(stream, out);
    while (session_->turn_is_over()) {
        session_->set_unsent(out.size());
        session_->resume(out);
    }
    EXPECT_EQ(example_.calls, 3U) << "the third went over the limit";
    EXPECT_TRUE(session_->busy());
    EXPECT_TRUE(session_->held_back());
    session_->set_unsent(out.size());
    session_->resume(out);
    EXPECT_EQ(example_.calls, 3U);
    session_->set_unsent(0);
    while (session_->held_back()) session_->resume(out);
    EXPECT_EQ(example_.calls, 10U);
    EXPECT_EQ(messages(out).size(), 10U);
    EXPECT_FALSE(session_->busy());
}

TEST_F(Calls, AMethodThatStreamsUntilItIsCongestedEnds) {
    Interface interface("interface a.b\nmethod Flood() -> (number: int)\n");
    std::size_t streamed = 0;
    interface.add<NoParameters>("Flood", Effect::reads, [&](const Request &, const NoParameters &, Responder responder) {
        for (; !responder.congested() && streamed < max_unsent; ++streamed) responder.stream(Number{1});
        responder.reply(Number{2});
    });
    example_.service.add(std::move(interface));
    std::string out;
    session_->receive(frame(R"({"method":"a.b.Flood","more":true})"), out);
    EXPECT_LT(streamed, max_unsent / 20);
    EXPECT_GT(out.size(), max_unsent);
    EXPECT_LT(out.size(), max_unsent + 200);
}

TEST_F(Calls, AHangUpEndsASubscriptionAndLetsTheOtherCallsRun) {
    receive(later_call(1) + method_call("Mark", R"(,"parameters":{"number":2})"));
    session_->hang_up();
    EXPECT_TRUE(session_->busy()) << "the call that runs goes on";
    example_.answer_later();
    resume();
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{2});

    session_ = new_session();
    receive(watch_call + mark_call(3));
    session_->hang_up();
    EXPECT_EQ(example_.watches_closed, 1);
    resume();
    EXPECT_EQ(example_.marks, (std::vector<std::int64_t>{2, 3}));
    EXPECT_FALSE(session_->busy());
}

TEST_F(Calls, ASubscriptionThatBeginsAfterTheHangUpEndsAtOnce) {
    receive(later_call(1) + watch_call + mark_call(2) + watch_call + mark_call(3));
    session_->hang_up();
    resume();
    EXPECT_TRUE(session_->busy());
    example_.answer_later();
    resume();
    EXPECT_FALSE(session_->busy());
    EXPECT_FALSE(example_.watch);
    EXPECT_EQ(example_.marks, (std::vector<std::int64_t>{2, 3}));
}

TEST_F(Calls, AChangeThatBecomesASubscriptionAfterTheHangUpEndsAtOnce) {
    add_subscribing_change();
    receive(later_call(1) + subscribe_call + mark_call(2));
    session_->hang_up();
    example_.answer_later();
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(told_, 1) << "it asked to be told after the hang-up";
    EXPECT_FALSE(session_->busy());
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{2});
}

TEST_F(Calls, AMethodThatAsksToBeToldLongAfterTheHangUpIsToldInATurnOfItsOwn) {
    receive(later_call(1) + mark_call(2));
    session_->hang_up();
    auto responder = std::move(example_.later.front().responder);
    example_.later.clear();
    const auto wakes = wakes_;
    responder.on_closed([&] {
        ++told_;
        responder.fail(ExpectedMore{});
    });
    EXPECT_EQ(told_, 0) << "not from within on_closed";
    EXPECT_EQ(wakes_, wakes + 1);
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(told_, 1);
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{2});
}

TEST_F(Calls, AMethodThatAsksToBeToldAfterTheConnectionHasEndedIsToldAtOnceUnlessItHasAnswered) {
    receive(later_call(1));
    auto responder = std::move(example_.later.front().responder);
    example_.later.clear();
    session_->close();
    responder.on_closed([&] { ++told_; });
    EXPECT_EQ(told_, 1);
    session_.reset();
    responder.on_closed([&] { ++told_; });
    EXPECT_EQ(told_, 2);
    responder.reply(Number{1});
    session_ = new_session();
    receive(later_call(1));
    responder = std::move(example_.later.front().responder);
    responder.reply(Number{1});
    responder.on_closed([&] { ++told_; });
    session_->close();
    EXPECT_EQ(told_, 2);
}

TEST_F(Calls, ASubscriptionThatBeginsAfterTheStopEndsAtOnce) {
    receive(later_call(1) + watch_call);
    session_->stop();
    EXPECT_TRUE(session_->busy());
    example_.answer_later();
    EXPECT_EQ(resume(), (Messages{number_reply(1)}));
    EXPECT_EQ(example_.watches_closed, 1);
    EXPECT_FALSE(session_->busy());
    EXPECT_TRUE(session_->broken()) << "the client waits for the end";
}

TEST_F(Calls, AMethodThatAsksToBeToldLongAfterTheStopIsTold) {
    receive(later_call(1));
    session_->stop();
    example_.later.front().responder.on_closed([&] {
        ++told_;
        example_.answer_later();
    });
    EXPECT_EQ(told_, 0);
    EXPECT_EQ(resume(), (Messages{number_reply(1)}));
    EXPECT_EQ(told_, 1);
}

TEST_F(Calls, CallsThatOnlyReadAreDroppedAfterTheHangUpAndThoseThatChangeSomethingAreRun) {
    receive(later_call(1) + count_call(2) + mark_call(3) + later_call(4) + method_call("Missing") + method_call("Undone") + frame("{}") +
            mark_call(5) + frame(R"({"method":"org.example.test.Mark")") + mark_call(6));
    session_->hang_up();
    example_.answer_later();
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(example_.calls, 0U) << "Count was run for nobody";
    EXPECT_TRUE(example_.later.empty()) << "Later was run for nobody";
    EXPECT_EQ(example_.marks, (std::vector<std::int64_t>{3, 5})) << "what names no change is not looked at";
    EXPECT_TRUE(session_->broken()) << "what names one, and is not a call, is the end, as ever";
}

TEST_F(Calls, NothingIsWrittenForAPeerThatHasGone) {
    receive(method_call("Stream", R"(,"parameters":{"number":3},"more":true)") + later_call(1));
    session_->hang_up();
    auto responder = std::move(example_.later.front().responder);
    example_.later.clear();
    responder.stream(Number{1});
    responder.reply(Number{2});
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(receive(mark_call(1)), Messages{});
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{1});
}

TEST_F(Calls, AllThatNamesNoChangeIsDroppedInOneTurnAfterTheHangUp) {
    const auto mark = [](std::string_view method, int number) {
        return frame(R"({"method":"org.example.test.)" + std::string(method) + R"(","parameters":{"number":)" + std::to_string(number) +
                     "}}");
    };
    std::string stream;
    for (std::size_t i = 0; i < 10 * calls_in_a_turn; ++i) stream += count_call(1);
    receive(later_call(1) + stream + mark("Mark", 1) + stream + mark(R"(M\u0061rk)", 2) + stream + mark("Mark", 3));
    session_->hang_up();
    example_.answer_later();
    std::string out;
    session_->resume(out);
    EXPECT_EQ(out, "");
    EXPECT_FALSE(session_->busy()) << "it needs no further turn";
    EXPECT_EQ(example_.marks, (std::vector<std::int64_t>{1, 2, 3})) << "however their names are written";
    EXPECT_EQ(example_.calls, 0U);
}

TEST_F(Calls, AReadingThatWaitsForRoomEndsAtTheHangUpAndOneThatBeginsToWaitAfterItToo) {
    // A reading as the event log's: whoever waits for room holds it.
    const auto read_on = [](const std::shared_ptr<Responder> &reading) {
        reading->on_drained([reading] {});
        return std::weak_ptr(reading);
    };
    receive(later_call(1) + mark_call(2));
    auto reading = std::make_shared<Responder>(std::move(example_.later.front().responder));
    example_.later.clear();
    const auto waiting = read_on(reading);
    reading.reset();
    EXPECT_FALSE(waiting.expired());
    session_->hang_up();
    EXPECT_TRUE(waiting.expired());
    resume();
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{2});

    session_ = new_session();
    receive(later_call(1) + mark_call(3));
    session_->hang_up();
    reading = std::make_shared<Responder>(std::move(example_.later.front().responder));
    example_.later.clear();
    EXPECT_TRUE(reading->congested()) << "it is to send nothing further";
    const auto late = read_on(reading);
    reading.reset();
    EXPECT_TRUE(late.expired());
    resume();
    EXPECT_EQ(example_.marks, (std::vector<std::int64_t>{2, 3}));
}

TEST_F(Calls, StoppingLeavesOtherCallsAlone) {
    receive(later_call(1));
    session_->stop();
    EXPECT_TRUE(session_->busy());
    example_.answer_later();
    EXPECT_EQ(resume(), (Messages{number_reply(1)}));
    receive(watch_call);
    EXPECT_EQ(example_.watches_closed, 1);
    EXPECT_FALSE(session_->busy());
    EXPECT_TRUE(session_->broken());
}

TEST_F(Calls, OneThatIsAnsweredAtTheHangUpLetsTheCallsBehindItRun) {
    receive(method_call("UntilClosed", R"(,"parameters":{"number":1})") + method_call("Mark", R"(,"parameters":{"number":2})"));
    EXPECT_TRUE(session_->busy());
    session_->hang_up();
    EXPECT_FALSE(session_->broken());
    resume();
    EXPECT_EQ(example_.marks, std::vector<std::int64_t>{2});
}

TEST_F(Calls, OneThatIsAnsweredAtTheEndOfSubscriptionsSendsThatAnswer) {
    receive(method_call("UntilClosed", R"(,"parameters":{"number":1})"));
    session_->stop();
    EXPECT_FALSE(session_->broken());
    EXPECT_EQ(resume(), (Messages{number_reply(1)}));
}

TEST_F(Calls, MoreAloneMakesNoSubscriptionSoTheAnswerStillComes) {
    receive(method_call("Later", R"(,"parameters":{"number":1},"more":true)"));
    session_->stop();
    EXPECT_TRUE(session_->busy());
    EXPECT_FALSE(session_->broken());
    example_.answer_later();
    EXPECT_EQ(resume(), Messages{R"({"parameters":{"number":1}})"});
}

// ---- org.varlink.service

TEST_F(Calls, GetInfoSaysWhoTheServiceIsAndWhichInterfacesItHas) {
    EXPECT_EQ(receive(service_call("GetInfo")),
              (Messages{R"({"parameters":{"vendor":"Example","product":"Tests","version":"7","url":"https://example.org",)"
                        R"("interfaces":["org.varlink.service","org.example.test"]}})"}));
}

TEST_F(Calls, EveryInterfaceIsDescribedVerbatimCommentsIncluded) {
    const auto described = [this](std::string_view interface) {
        const auto replies =
            receive(service_call("GetInterfaceDescription", R"(,"parameters":{"interface":")" + std::string(interface) + "\"}"));
        Document document;
        const auto reply = replies.size() == 1 ? parse_reply(replies[0], document) : std::nullopt;
        if (!reply || !reply->parameters || !reply->error.empty()) return std::string("no reply");
        return std::string(reply->parameters->find("description")->as_string().value_or("no description"));
    };
    EXPECT_EQ(described("org.varlink.service"), interfaces::org_varlink_service);
    EXPECT_EQ(described("org.example.test"), test::example_description);
}

TEST(Interface, ADescriptionWithoutAnInterfaceIsABrokenInvariant) {
    EXPECT_THROW(Interface("# interface a.b\nmethod A() -> ()\n"), std::logic_error);
    EXPECT_EQ(Interface("# interface x.y\ninterface a.b # c\nmethod A() -> (interface: string)\n").name(), "a.b");
}

TEST(Interface, AMethodThatIsNotDescribedCannotBeAdded) {
    Interface interface("interface a.b\nmethod One()->()\n# method Two() -> ()\nmethod\tThree ( ) -> ()\n");
    const auto nothing = [](const Request &, const Responder &) {};
    EXPECT_NO_THROW(interface.add("One", Effect::reads, nothing).add("Three", Effect::reads, nothing));
    EXPECT_THROW(interface.add("Two", Effect::reads, nothing), std::logic_error);
}

}  // namespace
}  // namespace varlink
