#include "proto/varlink/server.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/varlink/client.h"
#include "proto/varlink/uid_shares.h"
#include "tests/proto/served.h"

namespace varlink {
namespace {

using test::call;
using test::count_call;
using test::frame;
using test::number_reply;
using test::patience;
using test::patience_ms;
using test::RawClient;
using test::Served;
using test::watch_call;

using Messages = std::vector<std::string>;

std::string blob_call(std::size_t size) {
    return frame(R"({"method":"org.example.test.Blob","parameters":{"size":)" + std::to_string(size) + "}}");
}

#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define MRD_TEST_UNDEFINED_BEHAVIOR_SANITIZER
#endif
#endif
#ifdef MRD_TEST_UNDEFINED_BEHAVIOR_SANITIZER
constexpr bool sanitizer_needs_file_descriptors = true;
#else
constexpr bool sanitizer_needs_file_descriptors = false;
#endif

RawClient connect_to(const Address &address) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), address.data(), address.size()), 0);
    return RawClient(std::move(socket));
}

// Whether it could be sent: an error number.
int send_descriptor(const RawClient &client, int descriptor) {
    char byte = ' ';
    iovec data{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
    return ::sendmsg(client.native_handle(), &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

TEST(Server, AConnectedSocketIsServed) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(count_call(1)));
    EXPECT_EQ(client.receive_one(), number_reply(1));
}

TEST(Server, AListeningSocketIsServed) {
    Served served;
    const auto address = served.listen();
    auto first = connect_to(address);
    auto second = connect_to(address);
    ASSERT_TRUE(second.send(count_call(2)));
    EXPECT_EQ(second.receive_one(), number_reply(2));
    ASSERT_TRUE(first.send(count_call(1)));
    EXPECT_EQ(first.receive_one(), number_reply(1));
}

// ---- Several listeners

// A second one, on a socket of its own, that has nothing but org.varlink.service.
struct SecondListener {
    explicit SecondListener(Served &served) : service({"Second", "Tests", "7", "https://example.org"}, "second") {
        auto listening = listen_on(address, {});
        EXPECT_TRUE(listening) << listening.error();
        served.on_loop([&] { served.server->accept_on(std::move(*listening), service); });
    }
    Service service;
    Address address = *Address::parse("unix:@mrd-proto-second-" + std::to_string(::getpid()));
};

TEST(Server, WhatAListenerDoesNotServeIsNotFoundThereAndNotToldOf) {
    std::optional<SecondListener> second;
    Served served;
    second.emplace(served);
    const auto first = served.listen();
    const auto asked = [](const Address &address, std::string_view message) {
        auto client = connect_to(address);
        EXPECT_TRUE(client.send(frame(message)));
        return client.receive_one();
    };
    constexpr std::string_view count = R"({"method":"org.example.test.Count","parameters":{"number":1}})";
    constexpr std::string_view not_found =
        R"({"error":"org.varlink.service.InterfaceNotFound","parameters":{"interface":"org.example.test"}})";
    constexpr std::string_view description =
        R"({"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.example.test"}})";
    constexpr std::string_view info = R"({"method":"org.varlink.service.GetInfo"})";
    EXPECT_EQ(asked(first, count), number_reply(1));
    EXPECT_EQ(asked(second->address, count), not_found);
    EXPECT_EQ(asked(first, description).substr(0, 28), R"({"parameters":{"description")");
    EXPECT_EQ(asked(second->address, description), not_found);
    EXPECT_NE(asked(first, info).find(R"("interfaces":["org.varlink.service","org.example.test"])"), std::string::npos);
    EXPECT_NE(asked(second->address, info).find(R"("interfaces":["org.varlink.service"])"), std::string::npos);
    EXPECT_EQ(served.on_loop([&] { return served.example.last_peer.listener; }), "") << "the name of the first one";
}

TEST(Server, PlacesAreOfAllListenersTogether) {
    std::optional<SecondListener> second;
    Served served(Limits{.max_connections = 2});
    second.emplace(served);
    auto one = served.connect();
    ASSERT_TRUE(one.send(count_call(1)));
    ASSERT_EQ(one.receive_one(), number_reply(1));
    const auto info = frame(R"({"method":"org.varlink.service.GetInfo"})");
    auto two = connect_to(second->address);
    ASSERT_TRUE(two.send(info));
    ASSERT_NE(two.receive_one().find("Second"), std::string::npos);
    auto three = connect_to(second->address);
    three.send(info);
    EXPECT_EQ(three.receive_to_end(), Messages{});
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().refused(); }), 1U);
}

TEST(Server, ADescriptorIsRefusedAndTheConnectionLives) {
    const auto [known, unused] = Served::pair();
    constexpr int no = 0;
    constexpr int passrights = 83;
    if (::setsockopt(known.get(), SOL_SOCKET, passrights, &no, sizeof(no)) != 0)
        GTEST_SKIP() << "Linux before 6.16 cannot refuse descriptors";
    Served served;
    const auto refused = [](RawClient client) {
        EXPECT_EQ(send_descriptor(client, STDIN_FILENO), EPERM);
        EXPECT_TRUE(client.send(count_call(1)));
        EXPECT_EQ(client.receive_one(), number_reply(1));
    };
    refused(served.connect());
    const auto address = served.listen();
    refused(connect_to(address));

    // From the service manager, with a connection that was made before mrd ran; and one that is not accepted yet.
    const auto handed = Address::parse("unix:@mrd-proto-handed-" + std::to_string(::getpid()));
    FileDescriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listening.get(), handed->data(), handed->size()), 0);
    ASSERT_EQ(::listen(listening.get(), 10), 0);
    auto early = connect_to(*handed);
    served.on_loop([&] { served.server->accept_on(std::move(listening), served.example.service); });
    EXPECT_TRUE(early.send(count_call(1)));
    EXPECT_EQ(early.receive_one(), number_reply(1));
    refused(std::move(early));
    refused(connect_to(*handed));
}

TEST(Server, AnUrgentByteIsNoHangUp) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    for (int i = 0; i < 3; ++i) {
        if (::send(client.native_handle(), "!", 1, MSG_OOB | MSG_NOSIGNAL) != 1)
            GTEST_SKIP() << "this kernel has no MSG_OOB for Unix sockets";
        // The server's thread looks at its sockets meanwhile.
        auto other = served.connect();
        ASSERT_TRUE(other.send(count_call(2)));
        EXPECT_EQ(other.receive_one(), number_reply(2));
    }
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive_one(), number_reply(1));
    ASSERT_TRUE(client.send(watch_call));
    ASSERT_TRUE(served.example.watch_called.wait());
    client.close();
    EXPECT_TRUE(served.example.watch_ended.wait()) << "a hang-up is seen after it too";
}

TEST(Server, PipelinedCallsAreAnsweredInTheirOrderBatchAfterBatch) {
    Served served;
    auto client = served.connect();
    for (int batch = 0; batch < 3; ++batch) {
        std::string stream;
        Messages expected;
        for (int i = 0; i < 1000; ++i) {
            stream += count_call(batch * 1000 + i);
            expected.push_back(number_reply(batch * 1000 + i));
        }
        ASSERT_TRUE(client.send(stream));
        EXPECT_EQ(client.receive(expected.size()), expected);
    }
}

TEST(Server, AnAnswerThatComesLaterWakesTheConnection) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + count_call(2)));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive(2), (Messages{number_reply(1), number_reply(2)}));
}

TEST(Server, ACallThatRunsDoesNotHoldBackOtherConnections) {
    Served served;
    auto waiting = served.connect();
    ASSERT_TRUE(waiting.send(call("Later", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    auto other = served.connect();
    ASSERT_TRUE(other.send(count_call(2)));
    EXPECT_EQ(other.receive_one(), number_reply(2));
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(waiting.receive_one(), number_reply(1));
}

// As that user, which only this thread becomes: it is the kernel's call and not the library's. Nothing: we may not.
std::optional<RawClient> connect_as(const Address &address, uid_t uid) {
    std::optional<RawClient> client;
    std::jthread([&] {
        if (::syscall(SYS_setresuid, uid, uid, uid) != 0) return;
        FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(socket.get(), address.data(), address.size()), 0);
        client.emplace(std::move(socket));
    }).join();
    return client;
}

TEST(Server, AUserWithManyConnectionsHasNoMoreFirstTurnsThanOneWithASingleOne) {
    Served served;
    const auto address = served.listen();
    std::vector<RawClient> clients;
    for (int i = 0; i <= 100; ++i) {
        auto client = connect_as(address, i < 100 ? 7 : 8);
        if (!client) GTEST_SKIP() << "we may not connect as others";
        clients.push_back(std::move(*client));
        ASSERT_TRUE(clients.back().send(count_call(1)));
        ASSERT_EQ(clients.back().receive_one(), number_reply(1));
    }
    served.on_loop([&] {
        for (auto &client : clients) EXPECT_TRUE(client.send(call("Mark", &client == &clients.back() ? 8 : 7)));
    });
    ASSERT_TRUE(served.example.marked.wait(clients.size()));
    const auto marks = served.on_loop([&] { return served.example.marks; });
    EXPECT_LE(std::ranges::find(marks, 8) - marks.begin(), 2 * 16 + 2);
}

TEST(Server, AMethodLearnsThePeersCredentialsFromTheKernel) {
    Served served;
    auto client = connect_to(served.listen());
    ASSERT_TRUE(client.send(count_call(1)));
    EXPECT_EQ(client.receive_one(), number_reply(1));
    const auto peer = served.on_loop([&] { return served.example.last_peer; });
    EXPECT_EQ(peer.uid, ::getuid());
    EXPECT_EQ(peer.gid, ::getgid());
    EXPECT_EQ(peer.pid, ::getpid());
}

TEST(Server, ABrokenMessageClosesWithoutAReply) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(count_call(1) + frame("{") + count_call(2)));
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(1)}));
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, AMessageOverTheLimitClosesWithoutAReply) {
    Served served(Limits{.max_message = 100, .max_connections = 10});
    auto client = served.connect();
    ASSERT_TRUE(client.send(count_call(1) + std::string(101, ' ')));
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(1)}));
}

TEST(Server, AMessageLargerThanOneReceiveIsServed) {
    Served served;
    auto client = served.connect();
    const std::string text(3 * receive_size + 17, 'x');
    const auto sent = std::async(std::launch::async, [&] {
        return client.send(frame(R"({"method":"org.example.test.Echo","parameters":{"text":")" + text + "\"}}"));
    });
    EXPECT_EQ(client.receive_one(), R"({"parameters":{"text":")" + text + "\"}}");
}

TEST(Server, ACallThatIsForgottenCloses) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(count_call(1) + frame(R"({"method":"org.example.test.Forget"})") + count_call(2)));
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(1)}));
}

// ---- Ways to hang up

TEST(Server, AHalfCloseStillGetsItsReplies) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + count_call(2) + R"({"method":"unfinished)"));
    client.half_close();
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(1), number_reply(2)}));
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, AHalfCloseStillGetsAReplyThatDoesNotFitTheSocket) {
    Served served;
    auto [ours, theirs] = Served::pair();
    // More than the socket takes, and less than would keep the server from reading on.
    const int room = 32 * 1024;
    ASSERT_EQ(::setsockopt(theirs.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    constexpr std::size_t size = max_unsent - 10'000;
    RawClient client(std::move(ours));
    served.on_loop([&] { served.server->serve(std::move(theirs), served.example.service); });
    auto other = served.connect();
    ASSERT_TRUE(client.send(blob_call(size)));
    client.half_close();
    pollfd entry{client.native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, patience_ms), 1);
    // The server has had its turn and seen the end of the input.
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(other.send(count_call(i)));
        ASSERT_EQ(other.receive_one(), number_reply(i));
    }
    const auto replies = client.receive_to_end();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].size(), size + std::string_view(R"({"parameters":{"text":""}})").size());
}

// What is kept of a call, what is taken straight from its text and what the parser reads: before an answer that is owed, behind it, and behind one that holds up
// the rest until the input has ended.
TEST(Server, AHalfCloseGetsTheSameRepliesByTheFastPathsAsByThePlainOnes) {
    const auto kept_answers = [](bool fast_paths) {
        Served served;
        served.on_loop([&] { served.example.service.set_fast_paths(fast_paths); });
        auto client = served.connect();
        std::string calls;
        for (int times = 0; times < 4; ++times) calls += count_call(7);
        calls += call("Mark", 1) + call("ChangeSoon", 2) + count_call(7) + call("Mark", 3) + call("Later", 4) + count_call(7);
        calls += call("Mark", 5) + call("Mark", 6, R"(,"oneway":true)") + R"({"method":"unfinished)";
        EXPECT_TRUE(client.send(calls));
        client.half_close();
        EXPECT_TRUE(served.example.later_called.wait(2));
        for (int answers = 0; answers < 2; ++answers) served.on_loop([&] { served.example.answer_later(); });
        const std::string done = R"({"parameters":{}})";
        const auto seven = number_reply(7);
        EXPECT_EQ(client.receive_to_end(),
                  (Messages{seven, seven, seven, seven, done, number_reply(2), seven, done, number_reply(4), seven, done}));
        EXPECT_TRUE(served.empty.wait());
        return served.on_loop([&] {
            EXPECT_EQ(served.example.marks, (std::vector<std::int64_t>{1, 3, 5, 6}));
            EXPECT_EQ(served.example.calls, 6U);
            return served.example.kept_answers;
        });
    };
    EXPECT_EQ(kept_answers(true), 4U);
    EXPECT_EQ(kept_answers(false), 0U);
}

TEST(Server, AHalfCloseDoesNotEndASubscription) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(watch_call));
    client.half_close();
    ASSERT_TRUE(served.example.watch_called.wait());
    served.on_loop([&] { served.example.watch->stream(test::Number{1}); });
    EXPECT_EQ(client.receive_one(), R"({"parameters":{"number":1},"continues":true})");
    served.on_loop([&] { served.example.watch->reply(test::Number{2}); });
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(2)}));
}

TEST(Server, AFullCloseEndsASubscription) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(watch_call));
    ASSERT_TRUE(served.example.watch_called.wait());
    client.close();
    EXPECT_TRUE(served.example.watch_ended.wait());
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.watches_closed; }), 1);
}

TEST(Server, OnewayCallsFollowedByACloseStillTakeEffect) {
    Served served;
    constexpr std::int64_t calls = 2000;
    auto client = served.connect();
    std::string stream;
    for (std::int64_t i = 0; i < calls; ++i) stream += call("Mark", i, R"(,"oneway":true)");
    ASSERT_TRUE(client.send(stream));
    client.close();
    ASSERT_TRUE(served.empty.wait());
    const auto marks = served.on_loop([&] { return served.example.marks; });
    ASSERT_EQ(marks.size(), static_cast<std::size_t>(calls));
    EXPECT_TRUE(std::ranges::is_sorted(marks));
}

TEST(Server, CallsBehindOneThatRunsTakeEffectAfterTheirClientHasGone) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    ASSERT_TRUE(client.send(call("Mark", 2) + call("Mark", 3)));
    client.close();
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), (std::vector<std::int64_t>{2, 3}));
}

TEST(Server, CallsHeldBackForAClientThatHasGoneRunAndTheConnectionEnds) {
    // Nobody will ever read this output: the room to send that would let the calls go on never comes.
    Served served;
    auto [ours, theirs] = Served::pair();
    RawClient client(std::move(ours));
    std::string stream;
    for (int i = 0; i < 20; ++i) stream += blob_call(100'000);
    ASSERT_TRUE(client.send(stream + call("Mark", 1)));
    client.close();
    served.on_loop([&] { served.server->serve(std::move(theirs), served.example.service); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), std::vector<std::int64_t>{1});
}

TEST(Server, WhatCameBeforeItsFirstTurnTakesEffectAfterItsClientHasGone) {
    // More than have their turn at once, and more than are so near to theirs that nobody waits for their hang-up.
    constexpr std::size_t count = 100;
    Served served;
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(served.connect());
    served.on_loop([&] {
        for (auto &client : clients) {
            EXPECT_TRUE(client.send(call("Mark", 1) + count_call(2) + call("ChangeLater", 3) + call("Mark", 4)));
            client.close();
        }
    });
    ASSERT_TRUE(served.example.later_called.wait(count));
    served.on_loop([&] {
        while (!served.example.later.empty()) served.example.answer_later();
    });
    EXPECT_TRUE(served.empty.wait());
    const auto marks = served.on_loop([&] { return served.example.marks; });
    EXPECT_EQ(std::ranges::count(marks, 1), count);
    EXPECT_EQ(std::ranges::count(marks, 4), count);
}

// ---- What a client that has gone leaves behind

// Until the server has noticed it. Each look is a turn of its loop.
template <class Condition>
bool comes_true(Served &served, const Condition &condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!served.on_loop([&] { return condition(served.server->counters()); })) {
        if (std::chrono::steady_clock::now() > end) return false;
    }
    return true;
}

TEST(Server, AClientThatHasGoneGivesItsPlaceBackWhileWhatItWantsChangedIsDone) {
    Served served(Limits{.max_connections = 1});
    const auto address = served.listen();
    auto gone = connect_to(address);
    ASSERT_TRUE(gone.send(call("ChangeLater", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    std::string stream;
    for (int i = 2; i < 5000; ++i) stream += i % 2 == 0 ? call("Mark", i) : count_call(i);
    // More than is read at once, and half a message.
    const auto whole = gone.send_now(stream + call("Mark", 5000).substr(0, 20));
    gone.close();
    ASSERT_TRUE(comes_true(served, [](const ServerCounters &now) { return now.connections == 0; }));
    EXPECT_GE(served.on_loop([&] { return served.server->counters().left_behind; }), whole);
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().buffered; }), 0U) << "it is bounded by itself";
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 1U) << "its calls are still to be made";

    auto other = connect_to(address);
    ASSERT_TRUE(other.send(count_call(7)));
    EXPECT_EQ(other.receive_one(), number_reply(7)) << "in the only place";
    other.close();

    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    std::vector<std::int64_t> expected;
    std::size_t at = 0;
    for (int i = 2; i < 5000; ++i) {
        at += (i % 2 == 0 ? call("Mark", i) : count_call(i)).size();
        if (i % 2 == 0 && at <= whole) expected.push_back(i);
    }
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), expected) << "all that was received whole, in its order";
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().left_behind; }), 0U);
}

TEST(Server, WhatDoesNotFitAmongWhatIsLeftBehindKeepsItsPlaceAndIsDoneToo) {
    Served served(Limits{.max_connections = 2, .max_left_behind = std::size_t{32} << 10U});
    const auto address = served.listen();
    auto large = connect_to(address);
    ASSERT_TRUE(large.send(call("ChangeLater", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    std::string stream;
    int marks = 0;
    while (stream.size() < (std::size_t{64} << 10U)) stream += call("Mark", ++marks);
    ASSERT_TRUE(large.send(stream));
    auto small = connect_to(address);
    ASSERT_TRUE(small.send(call("ChangeLater", 2)));
    ASSERT_TRUE(served.example.later_called.wait(2));
    large.close();
    small.close();
    ASSERT_TRUE(comes_true(served, [](const ServerCounters &now) { return now.left_behind > 0; }));
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().connections; }), 1U) << "the large one's";
    served.on_loop([&] { served.example.answer_later(); });
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks.size(); }), static_cast<std::size_t>(marks));
}

TEST(Server, UidsThatHaveNoShareOfTheirOwnShareOne) {
    constexpr std::size_t places = 64;  // of which a uid that is not root's has at most seven eighths
    Served shared(Limits{.max_connections = places}, [](uid_t) { return unnamed_uids; });
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < places; ++i) clients.push_back(shared.connect());
    const auto counters = shared.on_loop([&] { return shared.server->counters(); });
    EXPECT_EQ(counters.connections, places / 8 * 7);
    EXPECT_EQ(counters.refused_share, places / 8) << "whoever this test runs as";
    // What is given back goes to the share that it was taken from.
    clients.clear();
    ASSERT_TRUE(shared.empty.wait());
    EXPECT_EQ(shared.on_loop([&] { return shared.server->counters().connections; }), 0U);
    EXPECT_TRUE(shared.connect().send("{}"));
}

TEST(Server, OfAConnectionThatIsNotTakenItIsToldWhoseItIsAndWhy) {
    constexpr std::size_t places = 64;
    std::vector<std::string> refused;
    Served shared(Limits{.max_connections = places}, [](uid_t) { return unnamed_uids; });
    shared.on_loop([&] {
        shared.server->on_refused([&refused](const Peer &peer, std::string_view why) {
            EXPECT_EQ(peer.uid, ::getuid());
            EXPECT_EQ(peer.pid, ::getpid());
            EXPECT_EQ(peer.share, unnamed_uids);
            refused.emplace_back(why);
        });
    });
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < places; ++i) clients.push_back(shared.connect());
    const auto told = shared.on_loop([&refused] { return refused; });
    EXPECT_EQ(told.size(), places / 8);
    for (const auto &why : told) EXPECT_NE(why.find("has its share of the connections"), std::string::npos) << why;
    EXPECT_EQ(shared.on_loop([&] { return shared.server->counters().refused_share; }), told.size());
}

TEST(Server, WhatIsLeftBehindIsDoneWhenTheServerStops) {
    Served served;
    auto gone = served.connect();
    ASSERT_TRUE(gone.send(call("ChangeLater", 1) + call("Mark", 2)));
    ASSERT_TRUE(served.example.later_called.wait());
    gone.close();
    ASSERT_TRUE(comes_true(served, [](const ServerCounters &now) { return now.left_behind > 0; }));
    served.on_loop([&] { served.server->stop(); });
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), std::vector<std::int64_t>{2});
}

TEST(Server, CallsHeldBackGoOnWhenAllOutputWentOutAtOnce) {
    Served served;
    auto [ours, theirs] = Served::pair();
    // Room for more than max_unsent, if the system's limit allows it; otherwise this is one more test of a slow reader.
    const int room = 8 << 20;
    ::setsockopt(theirs.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    RawClient client(std::move(ours));
    std::string stream;
    for (int i = 0; i < 9; ++i) stream += blob_call(max_unsent / 4);
    ASSERT_TRUE(client.send(stream + count_call(1)));
    served.on_loop([&] { served.server->serve(std::move(theirs), served.example.service); });
    const auto replies = client.receive(10);
    ASSERT_EQ(replies.size(), 10U);
    EXPECT_EQ(replies.back(), number_reply(1));
}

// A call that runs, a subscription queued behind it, and the hang-up: before, while and after the call is answered.

TEST(Server, ASubscriptionBehindACallThatRunsEndsWithItsClientThatHungUpMeanwhile) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + watch_call));
    ASSERT_TRUE(served.example.later_called.wait());
    client.close();
    // The server has had its turn and seen the hang-up.
    auto other = served.connect();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(other.send(count_call(i)));
        ASSERT_EQ(other.receive_one(), number_reply(i));
    }
    other.close();
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_FALSE(served.on_loop([&] { return served.example.watch.has_value(); }));
}

TEST(Server, ASubscriptionBehindACallThatIsAnsweredRightAfterTheHangUpEnds) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + watch_call));
    ASSERT_TRUE(served.example.later_called.wait());
    // In one turn of the loop: the server has not seen the hang-up yet when the call is answered.
    served.on_loop([&] {
        client.close();
        served.example.answer_later();
    });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_FALSE(served.on_loop([&] { return served.example.watch.has_value(); }));
}

TEST(Server, ASubscriptionThatBeganBeforeItsClientHungUpEndsAndSoDoesTheOneBehindIt) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + watch_call + call("Later", 2) + watch_call + call("Mark", 3)));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.example.answer_later(); });
    ASSERT_TRUE(served.example.watch_called.wait());
    client.close();
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), std::vector<std::int64_t>{3});
}

TEST(Server, ASubscriptionThatIsStillInTheSocketWhenItsClientHangsUpEnds) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    ASSERT_TRUE(client.send(watch_call + call("Mark", 2) + watch_call));
    client.close();
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), std::vector<std::int64_t>{2});
}

TEST(Server, ASubscriptionWhoseHangUpASentAnswerMetFirstEnds) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(watch_call + call("Mark", 1)));
    ASSERT_TRUE(served.example.watch_called.wait());
    served.on_loop([&] {
        client.close();
        served.example.watch->stream(test::Number{1});
    });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.watches_closed; }), 1);
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), std::vector<std::int64_t>{1});
}

TEST(Server, CallsThatOnlyReadAreNotRunForAClientThatHasGone) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + count_call(1) + call("Mark", 2) + blob_call(100'000)));
    ASSERT_TRUE(served.example.later_called.wait());
    ASSERT_TRUE(client.send(count_call(1) + call("Mark", 3)));
    client.close();
    auto other = served.connect();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(other.send(frame(R"({"method":"org.varlink.service.GetInfo"})")));
        ASSERT_FALSE(other.receive_one().empty());
    }
    other.close();
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.calls; }), 0U);
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), (std::vector<std::int64_t>{2, 3}));
}

// ---- A client that never reads

TEST(Server, AClientThatNeverReadsIsBoundedAndDisturbsNobody) {
    Served served;
    constexpr std::size_t reply_size = 64 * 1024;
    auto hostile = served.connect();
    auto other = served.connect();
    std::string stream;
    for (int i = 0; i < 1000; ++i) stream += blob_call(reply_size);
    // It sends until the server takes no more. Between two attempts another client is served: then the server has had its turn.
    std::size_t sent = 0;
    for (int refusals = 0; refusals < 3;) {
        ASSERT_LT(sent, std::size_t{64} << 20) << "the server takes calls without end";
        const auto now = hostile.send_now(std::string_view(stream).substr(sent % stream.size()));
        sent += now;
        refusals = now == 0 ? refusals + 1 : 0;
        ASSERT_TRUE(other.send(count_call(1)));
        ASSERT_EQ(other.receive_one(), number_reply(1));
    }
    const auto others = served.on_loop([&] { return std::exchange(served.example.calls, 0); });
    // What waits in the server, and as much again in the socket.
    int room = 0;
    socklen_t size = sizeof(room);
    ::getsockopt(hostile.native_handle(), SOL_SOCKET, SO_SNDBUF, &room, &size);
    const auto whole_calls = sent / blob_call(reply_size).size();
    EXPECT_GT(whole_calls, 500U);
    EXPECT_LT(others, 100U + (2 * max_unsent + static_cast<std::size_t>(room)) / reply_size) << "answers are made that nobody takes";
    // It was held back, not forgotten.
    std::size_t answered = 0;
    for (; answered < whole_calls; ++answered) {
        const auto reply = hostile.receive_one();
        ASSERT_EQ(reply.size(), reply_size + std::string_view(R"({"parameters":{"text":""}})").size()) << "reply " << answered;
    }
    EXPECT_EQ(answered, whole_calls);
}

TEST(Server, ASubscriberThatNeverReadsIsToldToTheMethod) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(watch_call));
    ASSERT_TRUE(served.example.watch_called.wait());
    const std::string text(10'000, 'x');
    test::Event drained;
    std::size_t streamed = 0;
    served.on_loop([&] {
        served.example.watch->on_drained([&] { drained.happen(); });
        for (; !served.example.watch->congested() && streamed < 1000; ++streamed) served.example.watch->stream(test::Text{text});
    });
    EXPECT_LT(streamed, 100U);
    EXPECT_EQ(client.receive(streamed).size(), streamed);
    EXPECT_TRUE(drained.wait());
    served.on_loop([&] { served.example.watch->reply(test::Number{1}); });
    EXPECT_EQ(client.receive_one(), number_reply(1));
}

// ---- Limits

TEST(Server, AConnectionTooManyEndsAtOnceAndMakesRoomForNobody) {
    Served served(Limits{.max_message = 1000, .max_connections = 2});
    auto first = served.connect();
    auto second = served.connect();
    auto third = served.connect();
    EXPECT_EQ(third.receive_to_end(), Messages{});
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 2U);
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().refused_full; }), 1U);
    ASSERT_TRUE(first.send(count_call(1)));
    EXPECT_EQ(first.receive_one(), number_reply(1));
    first.half_close();
    EXPECT_EQ(first.receive_to_end(), Messages{});
    auto fourth = served.connect();
    ASSERT_TRUE(fourth.send(count_call(4)));
    EXPECT_EQ(fourth.receive_one(), number_reply(4));
}

TEST(Server, TheDefaultLimitsAreThoseOfSdVarlinkButForTheSizeOfACall) {
    EXPECT_EQ(Limits{}.max_message, std::size_t{1} << 20);
    EXPECT_EQ(max_reply, std::size_t{16} << 20);
    EXPECT_EQ(Limits{}.max_connections, 4096U);
}

TEST(Server, WhoDoesNotFinishAMessageIsClosedAndWhoIsIdleOrWaitsForAnAnswerIsNot) {
    Served served(Limits{.max_frame_time = std::chrono::milliseconds(10)});
    auto idle = served.connect();
    auto waiting = served.connect();
    ASSERT_TRUE(waiting.send(call("Later", 1) + "{\"method\""));
    ASSERT_TRUE(served.example.later_called.wait());
    auto watching = served.connect();
    ASSERT_TRUE(watching.send(watch_call));
    ASSERT_TRUE(served.example.watch_called.wait());
    auto half = served.connect();
    ASSERT_TRUE(half.send(count_call(1) + "{"));
    EXPECT_EQ(half.receive_to_end(), (Messages{number_reply(1)}));
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_frame; }), 1U);
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 3U);
    ASSERT_TRUE(idle.send(count_call(2)));
    EXPECT_EQ(idle.receive_one(), number_reply(2));
    // The half message behind the call counts from the answer on.
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(waiting.receive_to_end(), (Messages{number_reply(1)}));
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_frame; }), 2U);
}

TEST(Server, WhoTakesNothingOfItsAnswersIsClosed) {
    Served served(Limits{.max_unread_time = std::chrono::milliseconds(10)});
    auto client = served.connect();
    ASSERT_TRUE(client.send(blob_call(1'000'000)));
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_unread; }), 1U);
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().buffered; }), 0U);
}

TEST(Server, HalfMessagesTogetherTakeNoMoreThanIsBufferedAndOneThatIsFinishedIsServed) {
    Served served(Limits{.max_buffered = std::size_t{4} << 20});
    std::vector<RawClient> hostile;
    for (int i = 0; i < 8; ++i) {
        hostile.push_back(served.connect());
        ASSERT_TRUE(hostile.back().send(std::string(900'000, ' ')));
        // Those before it have held theirs for longer.
        ASSERT_LE(served.on_loop([&] { return served.server->counters().buffered; }), std::size_t{4} << 20);
    }
    auto honest = served.connect();
    const std::string text(500'000, 'x');
    ASSERT_TRUE(honest.send(frame(R"({"method":"org.example.test.Echo","parameters":{"text":")" + text + "\"}}")));
    EXPECT_EQ(honest.receive_one(), R"({"parameters":{"text":")" + text + "\"}}");
    const auto counters = served.on_loop([&] { return served.server->counters(); });
    EXPECT_GT(counters.closed_buffered, 3U);
    EXPECT_EQ(counters.closed_buffered + counters.connections, 9U);
}

TEST(Server, UnreadAnswersTogetherTakeNoMoreThanIsBuffered) {
    Served served(Limits{.max_buffered = std::size_t{4} << 20});
    std::vector<RawClient> hostile;
    for (int i = 0; i < 40; ++i) {
        hostile.push_back(served.connect());
        hostile.back().send_now(blob_call(400'000) + blob_call(400'000));
        ASSERT_LE(served.on_loop([&] { return served.server->counters().buffered; }), std::size_t{4} << 20);
    }
    // Holds less than each of them, however little time has passed.
    auto honest = served.connect();
    ASSERT_TRUE(honest.send(blob_call(300'000) + count_call(1)));
    const auto replies = honest.receive(2);
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies.back(), number_reply(1));
    EXPECT_GT(served.on_loop([&] { return served.server->counters().closed_buffered; }), 10U);
}

TEST(Server, WhoHasTakenWhatWasSentStaysThoughTheLoopWasTooBusyToSeeIt) {
    Served served(Limits{.max_buffered = std::size_t{4} << 20});
    const auto buffered = [&] { return served.on_loop([&] { return served.server->counters().buffered; }); };
    auto reader = served.connect();
    ASSERT_TRUE(reader.send(blob_call(2'000'000)));
    while (buffered() < 1'000'000) {
    }
    auto unread = served.connect();
    ASSERT_TRUE(unread.send(blob_call(1'500'000)));
    while (buffered() < 2'500'000) {
    }
    auto next = served.connect();
    std::string taken;
    served.on_loop([&] {
        // The answer to it is too much. Whoever is looked at for that has read all that it could, of which the loop hears behind it.
        ASSERT_TRUE(next.send(blob_call(1'900'000)));
        std::array<char, 4096> bytes{};
        for (ssize_t size = 0; (size = ::recv(reader.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;)
            taken.append(bytes.data(), static_cast<std::size_t>(size));
    });
    // Not read before: what it takes while the server still writes would count for nobody.
    while (served.on_loop([&] { return served.server->counters().closed_buffered; }) == 0) {
    }
    EXPECT_GT(next.receive_one().size(), 1'900'000U);
    EXPECT_GT(taken.size() + reader.receive_one().size(), 2'000'000U) << "it was closed";
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_buffered; }), 1U);
    EXPECT_LT(unread.receive_one().size(), 1'000'000U);
}

TEST(Server, OneConnectionHoldsNoMoreThanItsPart) {
    Served served(Limits{.max_buffered = std::size_t{4} << 20});
    auto other = served.connect();
    ASSERT_TRUE(other.send("{"));
    auto client = served.connect();
    ASSERT_TRUE(client.send(blob_call(3'000'000)));
    client.receive_to_end();
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_buffered; }), 1U);
    ASSERT_TRUE(other.send(count_call(1).substr(1)));
    EXPECT_EQ(other.receive_one(), number_reply(1));
}

TEST(Server, ALongNameIsNotRepeatedInFull) {
    Served served;
    auto client = served.connect();
    const std::string name(500'000, 'x');
    ASSERT_TRUE(
        client.send(frame("{\"method\":\"" + name + ".a\"}") + frame(R"({"method":"org.varlink.service.)" + name + "\"}") +
                    frame(R"({"method":"org.example.test.Count","parameters":{")" + name + "\":1}}") +
                    frame(R"({"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":")" + name + "\"}}")));
    for (const auto &reply : client.receive(4)) {
        EXPECT_LT(reply.size(), max_echoed + 200) << reply;
        EXPECT_NE(reply.find("xxx...\""), std::string::npos) << reply;
    }
}

TEST(Echoed, ATextIsCutBetweenCharacters) {
    EXPECT_EQ(echoed("name"), "name");
    const std::string ascii(max_echoed, 'a');
    EXPECT_EQ(echoed(ascii), ascii);
    EXPECT_EQ(echoed(ascii + "b"), ascii + "...");
    for (std::size_t before = 0; before < 4; ++before) {
        const auto start = std::string(max_echoed - before, 'a');
        const auto cut = echoed(start + "😀😀");
        EXPECT_EQ(cut, start + "...") << before;
    }
    EXPECT_EQ(echoed(std::string(max_echoed - 4, 'a') + "😀😀"), std::string(max_echoed - 4, 'a') + "😀...");
}

TEST(Server, WithoutADescriptorForItAConnectionEndsAtOnce) {
    if (sanitizer_needs_file_descriptors) GTEST_SKIP() << "the sanitizer opens a pipe to look at an object's type";
    Served served;
    const auto address = served.listen();
    auto before = connect_to(address);
    ASSERT_TRUE(before.send(count_call(1)));
    EXPECT_EQ(before.receive_one(), number_reply(1));
    std::vector<FileDescriptor> sockets;
    for (int i = 0; i < 3; ++i) sockets.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    // No number is free below the one that would be next.
    const FileDescriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit full{.rlim_cur = static_cast<rlim_t>(next.get()), .rlim_max = limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
    std::vector<RawClient> refused;  // a socket that is closed would be a free number
    for (auto &socket : sockets) {
        EXPECT_EQ(::connect(socket.get(), address.data(), address.size()), 0);
        EXPECT_EQ(refused.emplace_back(std::move(socket)).receive_to_end(), Messages{});
        ASSERT_TRUE(before.send(count_call(2)));
        EXPECT_EQ(before.receive_one(), number_reply(2));
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().refused_descriptors; }), 3U);
    auto after = connect_to(address);
    ASSERT_TRUE(after.send(count_call(3)));
    EXPECT_EQ(after.receive_one(), number_reply(3));
}

TEST(Server, RunningOutOfFileDescriptorsStopsNoListeningSocketForGood) {
    if (sanitizer_needs_file_descriptors) GTEST_SKIP() << "the sanitizer opens a pipe to look at an object's type";
    Served served;
    const auto first = served.listen();
    const auto second = served.listen();
    // Each turn of the loop that comes after both connects may have seen both.
    const auto turns_of_the_loop = [&served] {
        for (int i = 0; i < 10; ++i) served.on_loop([] {});
    };
    // Both sockets of the clients are there before the process runs out; then neither can be accepted.
    FileDescriptor sockets[2] = {FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                                 FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(::connect(sockets[0].get(), first.data(), first.size()), 0);
    EXPECT_EQ(::connect(sockets[1].get(), second.data(), second.size()), 0);
    turns_of_the_loop();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    for (auto &socket : sockets) {
        RawClient client(std::move(socket));
        ASSERT_TRUE(client.send(count_call(1)));
        EXPECT_EQ(client.receive_one(), number_reply(1));
    }
}

// ---- The end

TEST(Server, StopLetsARunningCallFinishAndSendsItsAnswer) {
    Served served;
    auto running = served.connect();
    auto idle = served.connect();
    ASSERT_TRUE(running.send(call("Later", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.server->stop(); });
    EXPECT_EQ(idle.receive_to_end(), Messages{});
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 1U);
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(running.receive_to_end(), (Messages{number_reply(1)}));
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, StopSendsWhatASlowReaderHasNotReadYet) {
    Served served;
    auto client = served.connect();
    constexpr std::size_t size = 2'000'000;
    ASSERT_TRUE(client.send(blob_call(size)));
    pollfd entry{client.native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, patience_ms), 1);
    served.on_loop([&] { served.server->stop(); });
    const auto replies = client.receive_to_end();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].size(), size + std::string_view(R"({"parameters":{"text":""}})").size());
}

TEST(Server, StopWaitsForNobodyWhoTakesNothingOfItsAnswersButFinishesWhatItSent) {
    Served served(Limits{.max_unread_time = std::chrono::hours(1), .max_unread_time_at_end = std::chrono::milliseconds(10)});
    auto client = served.connect();
    ASSERT_TRUE(client.send(blob_call(1'000'000) + call("Count", 1) + call("Mark", 2) + call("Mark", 3)));
    pollfd entry{client.native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, patience_ms), 1);
    EXPECT_EQ(served.on_loop([&] { return served.example.marks.size(); }), 0U) << "they wait behind what is not read";
    served.on_loop([&] { served.server->stop(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.example.marks; }), (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_unread; }), 1U);
}

TEST(Server, StopWaitsForACallThatChangesSomethingOfAClientThatTakesNothing) {
    Served served(Limits{.max_unread_time = std::chrono::hours(1), .max_unread_time_at_end = std::chrono::milliseconds(10)});
    auto client = served.connect();
    ASSERT_TRUE(client.send(blob_call(200'000) + blob_call(200'000) + call("Later", 1)));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.server->stop(); });
    while (served.on_loop([&] { return served.server->counters().closed_unread; }) == 0) {
    }
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 1U);
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, StopEndsSubscriptions) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(watch_call));
    ASSERT_TRUE(served.example.watch_called.wait());
    served.on_loop([&] { served.server->stop(); });
    EXPECT_EQ(client.receive_to_end(), Messages{});
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, ASubscriptionBehindACallThatRunsAtTheStopEnds) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("Later", 1) + watch_call));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.server->stop(); });
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(1)}));
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, StopSendsWhatACallAnswersToItAndThenEndsThoseBehindIt) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(call("UntilClosed", 1) + call("UntilClosed", 2) + call("Count", 3)));
    ASSERT_TRUE(served.example.until_closed_called.wait());
    served.on_loop([&] { served.server->stop(); });
    EXPECT_EQ(client.receive_to_end(), (Messages{number_reply(1), number_reply(2), number_reply(3)}));
    EXPECT_TRUE(served.empty.wait());
}

TEST(Server, NothingIsAcceptedAfterStop) {
    Served served;
    const auto address = served.listen();
    served.on_loop([&] { served.server->stop(); });
    const auto refused = ClientConnection::connect(address, patience);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ClientErrorCode::no_service);
    auto late = served.connect();
    EXPECT_EQ(late.receive_to_end(), Messages{});
}

TEST(Server, ItsEndClosesEachConnectionAndAnswersAfterItGoNowhere) {
    Served served;
    auto running = served.connect();
    auto watching = served.connect();
    ASSERT_TRUE(running.send(call("Later", 1)));
    ASSERT_TRUE(watching.send(watch_call));
    ASSERT_TRUE(served.example.later_called.wait());
    ASSERT_TRUE(served.example.watch_called.wait());
    served.on_loop([&] { served.server.reset(); });
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(running.receive_to_end(), Messages{});
    EXPECT_EQ(watching.receive_to_end(), Messages{});
}

// ---- listen_on

class ListenOn : public testing::Test {
protected:
    ListenOn() : folder_(::mkdtemp(name_.data()) != nullptr ? name_ : "/nonexistent") {}
    ~ListenOn() override {
        ::unlink((folder_ + "/socket").c_str());
        ::rmdir(folder_.c_str());
    }
    std::string name_ = "/tmp/mrd-proto-test-XXXXXX";
    std::string folder_;
    Address address_ = *Address::parse("unix:" + folder_ + "/socket");
};

TEST_F(ListenOn, TheFileHasItsModeAndAnOldOneIsReplaced) {
    for (const mode_t mode : {0600U, 0666U}) {
        const auto listening = listen_on(address_, {.mode = mode});
        ASSERT_TRUE(listening) << listening.error();
        struct stat file{};
        ASSERT_EQ(::stat(address_.path().c_str(), &file), 0);
        EXPECT_TRUE(S_ISSOCK(file.st_mode));
        EXPECT_EQ(file.st_mode & 0777U, mode);
    }
}

TEST_F(ListenOn, TheFileHasItsOwnerAndGroupAndIsGoneWhereItCannotHaveThem) {
    constexpr uid_t owner = 65534;
    constexpr gid_t group = 7;
    const auto listening = listen_on(address_, {.mode = 0660, .owner = owner, .group = group});
    struct stat file{};
    if (!listening) {
        EXPECT_NE(::geteuid(), 0U) << listening.error();
        EXPECT_NE(listening.error().find("set owner and group of the socket " + address_.path()), std::string::npos);
        EXPECT_NE(::stat(address_.path().c_str(), &file), 0);
        return;
    }
    ASSERT_EQ(::stat(address_.path().c_str(), &file), 0);
    EXPECT_EQ(file.st_uid, owner);
    EXPECT_EQ(file.st_gid, group);
    EXPECT_EQ(file.st_mode & 0777U, 0660U);
    const auto group_alone = listen_on(address_, {.group = group});
    ASSERT_TRUE(group_alone);
    ASSERT_EQ(::stat(address_.path().c_str(), &file), 0);
    EXPECT_EQ(file.st_uid, ::geteuid());
    EXPECT_EQ(file.st_gid, group);
    // A thread's own capabilities: root, who may not give away what is his.
    std::thread([&] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> capabilities{};
        ASSERT_EQ(::syscall(SYS_capget, &header, capabilities.data()), 0);
        capabilities[0].effective &= ~(1U << static_cast<unsigned>(CAP_CHOWN));
        ASSERT_EQ(::syscall(SYS_capset, &header, capabilities.data()), 0);
        EXPECT_FALSE(listen_on(address_, {.owner = owner}));
        EXPECT_NE(::stat(address_.path().c_str(), &file), 0);
    }).join();
}

// The mask holds for sockets, as it does for no other file there.
TEST_F(ListenOn, AFolderThatGivesItsFilesAnAccessListMakesTheModeNoWider) {
    struct Entry {
        std::uint16_t tag;
        std::uint16_t permissions;
        std::uint32_t id;
    };
    constexpr std::uint32_t none = 0xFFFFFFFF;
    const struct {
        std::uint32_t version = 2;
        std::array<Entry, 3> entries = {{{0x01, 7, none}, {0x04, 7, none}, {0x20, 7, none}}};  // user, group, others: all
    } all;
    if (::setxattr(folder_.c_str(), "system.posix_acl_default", &all, sizeof(all), 0) != 0) GTEST_SKIP() << "no access lists here";
    const auto listening = listen_on(address_, {.mode = 0620});
    ASSERT_TRUE(listening) << listening.error();
    struct stat file{};
    ASSERT_EQ(::stat(address_.path().c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0620U);
}

TEST_F(ListenOn, AFailureNamesTheSocket) {
    const auto nowhere = listen_on(*Address::parse("unix:" + folder_ + "/missing/socket"), {});
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().find(folder_ + "/missing/socket"), std::string::npos) << nowhere.error();
}

}  // namespace
}  // namespace varlink
