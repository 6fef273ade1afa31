#include "proto/varlink/client.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/proto/served.h"

namespace varlink {
namespace {

using test::count_call;
using test::frame;
using test::Number;
using test::patience;
using test::RawClient;
using test::Served;

// A service of which the test is in command: it hears what the client says and answers what it likes.
class Puppet {
public:
    Puppet()
        : address_(*Address::parse("unix:@mrd-client-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count()))),
          listening_(*listen_on(address_, {})) {}

    ClientConnection connect() {
        auto connection = ClientConnection::connect(address_, patience);
        EXPECT_TRUE(connection) << connection.error().reason;
        return std::move(*connection);
    }

    // The service's end of the connection.
    RawClient accept() {
        pollfd entry{listening_.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&entry, 1, test::patience_ms), 1);
        return RawClient(FileDescriptor(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    }

private:
    static int &count() {
        static int made = 0;
        return made;
    }
    Address address_;
    FileDescriptor listening_;
};

TEST(Client, ACallGetsItsReply) {
    Served served;
    auto connection = ClientConnection::connect(served.listen(), patience);
    ASSERT_TRUE(connection) << connection.error().reason;
    const auto reply = connection->call("org.example.test.Count", Number{7}, patience);
    ASSERT_TRUE(reply) << reply.error().reason;
    EXPECT_EQ(reply->error, "");
    EXPECT_EQ(reply->parameters->find("number")->as_int(), 7);
}

TEST(Client, AnErrorOfTheServiceIsAReply) {
    Served served;
    auto connection = ClientConnection::connect(served.listen(), patience);
    const auto reply = connection->call("org.example.test.Fail", test::Reason{"why"}, patience);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, "org.example.test.Sorry");
    EXPECT_EQ(reply->parameters->find("reason")->as_string(), "why");
    EXPECT_TRUE(connection->is_open());
}

TEST(Client, ManyCallsMayBeSentBeforeTheirRepliesAreReceived) {
    Served served;
    auto connection = ClientConnection::connect(served.listen(), patience);
    constexpr std::int64_t calls = 5000;
    std::string frames;
    for (std::int64_t i = 0; i < calls; ++i) write_call(frames, "org.example.test.Count", Number{i});
    ASSERT_TRUE(connection->send_frames(frames, patience));
    for (std::int64_t i = 0; i < calls; ++i) {
        const auto reply = connection->receive(patience);
        ASSERT_TRUE(reply) << reply.error().reason;
        ASSERT_EQ(reply->parameters->find("number")->as_int(), i);
    }
}

TEST(Client, AStreamIsReceivedReplyByReply) {
    Served served;
    auto connection = ClientConnection::connect(served.listen(), patience);
    ASSERT_TRUE(connection->send("org.example.test.Stream", Number{3}, patience, CallMode::more));
    for (std::int64_t i = 1; i <= 3; ++i) {
        const auto reply = connection->receive(patience);
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->parameters->find("number")->as_int(), i);
        EXPECT_EQ(reply->continues, i < 3);
    }
}

TEST(Client, NobodyThereIsNoService) {
    const auto connection = ClientConnection::connect(*Address::parse("unix:/nonexistent/socket"), patience);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ClientErrorCode::no_service);
    EXPECT_FALSE(connection.error().reason.empty());
}

TEST(Client, ATimeOutClosesTheConnection) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    const auto reply = connection.call("a.b.C", NoParameters{}, Milliseconds(0));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ClientErrorCode::timed_out);
    EXPECT_FALSE(connection.is_open());
    // A late answer cannot be taken for that of the next call.
    service.send(frame("{}"));
    const auto next = connection.call("a.b.C", NoParameters{}, patience);
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, ClientErrorCode::not_connected);
    EXPECT_EQ(service.receive_to_end().size(), 1U) << "the service sees the call, then the end";
}

TEST(Client, AServiceThatTakesNothingTimesOut) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    const auto sent = connection.send_frames(std::string(std::size_t{64} << 20, 'x'), Milliseconds(0));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ClientErrorCode::timed_out);
    EXPECT_FALSE(connection.is_open());
}

TEST(Client, AReplyThatIsThereAlreadyIsTakenWithoutTime) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    ASSERT_TRUE(service.send(frame("{}") + frame(R"({"parameters":{"number":1}})")));
    ASSERT_TRUE(connection.receive(Milliseconds(0)));
    const auto second = connection.receive(Milliseconds(0));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->parameters->find("number")->as_int(), 1);
}

TEST(Client, AConnectionThatEndsIsLostAndOneThatEndsUnreadWasRefused) {
    for (const bool is_asked : {false, true}) {
        Puppet puppet;
        auto connection = puppet.connect();
        auto service = puppet.accept();
        ASSERT_TRUE(connection.send("a.b.C", NoParameters{}, patience));
        // Closing with the call unread is a reset, after it was read an end.
        if (is_asked) service.receive_one();
        service.close();
        const auto reply = connection.receive(patience);
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().code, is_asked ? ClientErrorCode::connection_lost : ClientErrorCode::refused);
        EXPECT_FALSE(connection.is_open());
        const auto sent = connection.send("a.b.C", NoParameters{}, patience);
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().code, ClientErrorCode::not_connected);
    }
}

// Of several calls the first may have been read, and taken effect.
TEST(Client, AConnectionThatEndsWithTheSecondCallUnreadIsLost) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    ASSERT_TRUE(connection.send("a.b.C", NoParameters{}, patience));
    service.receive_one();
    ASSERT_TRUE(connection.send("a.b.C", NoParameters{}, patience));
    service.close();
    EXPECT_EQ(connection.receive(patience).error().code, ClientErrorCode::connection_lost);
}

TEST(Client, AConnectionThatEndsInTheMiddleOfAReplyIsLost) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    service.send(frame("{}") + "{}");
    service.close();
    ASSERT_TRUE(connection.receive(patience));
    const auto reply = connection.receive(patience);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ClientErrorCode::connection_lost);
}

TEST(Client, WhatIsNoReplyClosesTheConnection) {
    for (const std::string_view garbage :
         {"", "{", "[]", "HTTP/1.1 400 Bad Request", R"({"error":null})", R"({"parameters":[]})", R"({"id":1})", "{}{}"}) {
        Puppet puppet;
        auto connection = puppet.connect();
        auto service = puppet.accept();
        service.send(frame(garbage) + frame("{}"));
        const auto reply = connection.receive(patience);
        ASSERT_FALSE(reply) << garbage;
        EXPECT_EQ(reply.error().code, ClientErrorCode::protocol) << garbage;
        EXPECT_FALSE(connection.is_open()) << garbage;
    }
}

TEST(Client, AReplyWithoutEndClosesTheConnection) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    std::thread sender([&] {
        const std::string piece(std::size_t{1} << 20, ' ');
        while (service.send(piece)) {
        }
    });
    const auto reply = connection.receive(patience);
    EXPECT_FALSE(connection.is_open());
    sender.join();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ClientErrorCode::protocol);
}

TEST(Client, AReplyMayComeByteByByte) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    std::thread sender([&] {
        for (const char byte : frame(R"({"parameters":{"number":1}})") + frame("{}")) service.send({&byte, 1});
    });
    const auto reply = connection.receive(patience);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->parameters->find("number")->as_int(), 1);
    EXPECT_TRUE(connection.receive(patience));
    sender.join();
}

TEST(Client, AConnectionMayBeMovedWithWhatItHasReceived) {
    Puppet puppet;
    auto connection = puppet.connect();
    auto service = puppet.accept();
    service.send(frame("{}") + frame(R"({"parameters":{"number":2}})") + "{");
    ASSERT_TRUE(connection.receive(patience));
    auto moved = std::move(connection);
    const auto reply = moved.receive(patience);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->parameters->find("number")->as_int(), 2);
    service.send(frame("}"));
    EXPECT_TRUE(moved.receive(patience));
}

}  // namespace
}  // namespace varlink
