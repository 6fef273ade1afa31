// mrd started by somebody who already has the socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/daemon.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

// In the child: the descriptor becomes 3, and the environment says so.
std::function<void()> pass(int fd, const char *name = "varlink") {
    return [fd, name] {
        ::dup2(fd, 3);
        ::setenv("LISTEN_FDS", "1", 1);                                 // NOLINT(concurrency-mt-unsafe)
        ::setenv("LISTEN_FDNAMES", name, 1);                            // NOLINT(concurrency-mt-unsafe)
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    };
}

// Bound and listening, out of the way of descriptor 3.
int listening_at(const std::string &path) {
    const int socket = ::fcntl(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), F_DUPFD_CLOEXEC, 20);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, std::begin(address.sun_path));
    EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(socket, 16), 0);
    return socket;
}

class ActivationTest : public DaemonTest {};

TEST_F(ActivationTest, AListeningSocketIsServedAndItsFileIsLeftToItsOwner) {
    const auto path = (folder() / "passed").native();
    const int socket = listening_at(path);
    // Asked before mrd is there: it waits in the socket's queue.
    auto early = mr::Client::connect({.socket = path});
    ASSERT_TRUE(early);
    auto daemon = started({.in_child = pass(socket)});
    ::close(socket);
    EXPECT_TRUE(early->read("rtmr3"));
    auto client = mr::Client::connect({.socket = path});
    ASSERT_TRUE(client);
    EXPECT_TRUE(client->read("rtmr3"));
    EXPECT_FALSE(std::filesystem::exists(daemon.socket())) << "no other socket is made";
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ActivationTest, AConnectedSocketIsServedAloneAndMrdEndsWithIt) {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    const int theirs = ::fcntl(pair[1], F_DUPFD_CLOEXEC, 20);
    ::close(pair[1]);
    auto daemon = started({.in_child = pass(theirs)});
    ::close(theirs);
    std::string call = R"({"method":"io.mrd.Registers.Read","parameters":{"name":"tdx/rtmr3"}})";
    call += '\0';
    ASSERT_EQ(::send(pair[0], call.data(), call.size(), MSG_NOSIGNAL), static_cast<ssize_t>(call.size()));
    std::string reply;
    std::array<char, 4096> buffer{};
    while (reply.empty() || reply.back() != '\0') {
        const auto size = ::recv(pair[0], buffer.data(), buffer.size(), 0);
        ASSERT_GT(size, 0);
        reply.append(buffer.data(), static_cast<std::size_t>(size));
    }
    EXPECT_THAT(reply, HasSubstr(R"("value":")" + mr::to_hex(zero()) + "\""));
    EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
    ::close(pair[0]);
    EXPECT_EQ(daemon.process().wait(), 0);
}

TEST_F(ActivationTest, OfSeveralListenersTheOneThatIsNamedIsPassedAndTheOthersAreMade) {
    const auto path = (folder() / "passed").native();
    const int socket = listening_at(path);
    const auto config = "[[listener]]\nname = \"all\"\npath = \"" + (folder() / "io.mrd").native() +
                        "\"\n[[listener]]\nname = \"log\"\npath = \"" + (folder() / "unused").native() +
                        "\"\ninterfaces = [\"io.mrd.EventLog\"]\n";
    auto daemon = started({.config = config, .in_child = pass(socket, "log")});
    EXPECT_TRUE(daemon.client().read("rtmr3"));
    auto log = mr::Client::connect({.socket = path});
    ASSERT_TRUE(log);
    EXPECT_TRUE(log->replay());
    EXPECT_FALSE(log->read("rtmr3")) << "it serves the log alone";
    EXPECT_FALSE(std::filesystem::exists(folder() / "unused"));
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_TRUE(std::filesystem::exists(path)) << "its owner's to remove";
    EXPECT_FALSE(std::filesystem::exists(daemon.socket())) << "mrd's own";
    EXPECT_THAT(
        refused({.config = config, .in_child = pass(socket, "lgo")}),
        HasSubstr("the passed socket \"lgo\" is for no listener: give it the name of one (FileDescriptorName=); there are: all, log"));
    ::close(socket);
}

TEST_F(ActivationTest, WhatIsNoSocketIsRefused) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const int passed = ::fcntl(null, F_DUPFD_CLOEXEC, 20);
    EXPECT_THAT(refused({.in_child = pass(passed)}), HasSubstr("file descriptor 3 is not a Unix stream socket"));
    ::close(null);
    ::close(passed);
}

}  // namespace
}  // namespace mrd
