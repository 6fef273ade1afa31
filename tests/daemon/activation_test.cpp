// What is passed is taken in a child process of its own: it is about file descriptor 3, the process id and the environment.
#include "mrd/daemon/activation.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>

#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

// What the child says of each: "listening 3 as varlink", "connected 4 as ", "nothing", or the error.
std::string taken_in_child(const std::function<void()> &prepare) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    // Out of the way of the passed ones.
    const int out = ::fcntl(pipe[1], F_DUPFD, 100);
    const pid_t child = ::fork();
    if (child == 0) {
        prepare();
        const auto taken = take_passed_sockets();
        std::string said = taken ? "" : taken.error();
        if (taken) {
            for (const auto &[socket, name, listening] : *taken) {
                const int fd = socket.get();
                said +=
                    (said.empty() ? "" : ", ") + std::string(listening ? "listening " : "connected ") + std::to_string(fd) + " as " + name;
                if ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) said += " not close-on-exec";
                if ((::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0) said += " blocking";
            }
        }
        if (said.empty()) said = "nothing";
        for (const char *name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) {
            if (std::getenv(name) != nullptr) said += std::string(" left ") + name;  // NOLINT(concurrency-mt-unsafe)
        }
        [[maybe_unused]] const auto written = ::write(out, said.data(), said.size());
        ::_exit(0);
    }
    ::close(pipe[1]);
    ::close(out);
    std::string said;
    std::array<char, 256> buffer{};
    for (ssize_t size = 0; (size = ::read(pipe[0], buffer.data(), buffer.size())) > 0;)
        said.append(buffer.data(), static_cast<std::size_t>(size));
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return said;
}

void set(const char *name, const std::string &value) { ::setenv(name, value.c_str(), 1); }  // NOLINT(concurrency-mt-unsafe)

void pass(int count, const std::string &names = "varlink") {
    set("LISTEN_PID", std::to_string(::getpid()));
    set("LISTEN_FDS", std::to_string(count));
    if (!names.empty()) set("LISTEN_FDNAMES", names);
}

void put_at(int fd, int wanted) {
    ::dup2(fd, wanted);
    if (fd != wanted) ::close(fd);
}

void put_listening_at(int wanted) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Autobind: an abstract address that the kernel chooses.
    ::bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(sa_family_t));
    ::listen(fd, 1);
    put_at(fd, wanted);
}

void put_connected_at(int wanted) {
    std::array<int, 2> pair{};
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data());
    put_at(::fcntl(pair[1], F_DUPFD, 50), 49);
    put_at(::fcntl(pair[0], F_DUPFD, 50), wanted);
}

TEST(Activation, AListeningSocketAndAConnectedOneAreToldApart) {
    EXPECT_EQ(taken_in_child([] {
                  put_listening_at(3);
                  pass(1);
              }),
              "listening 3 as varlink");
    EXPECT_EQ(taken_in_child([] {
                  put_connected_at(3);
                  pass(1);
              }),
              "connected 3 as varlink");
}

TEST(Activation, OneThatIsBoundAndOnWhichNobodyListensIsNoConnectedOne) {
    const auto bound = [](int domain, const std::string &name) {
        return taken_in_child([&] {
            const int fd = ::socket(domain, SOCK_STREAM, 0);
            sockaddr_un address{};
            address.sun_family = static_cast<sa_family_t>(domain);
            ::bind(fd, reinterpret_cast<const sockaddr *>(&address), domain == AF_UNIX ? sizeof(sa_family_t) : sizeof(sockaddr_in));
            put_at(fd, 3);
            pass(1, name);
        });
    };
    EXPECT_THAT(bound(AF_UNIX, "varlink"), HasSubstr("file descriptor 3 is a socket on which nobody listens"));
    EXPECT_THAT(bound(AF_INET, "metrics"), HasSubstr("file descriptor 3 is a socket on which nobody listens"));
}

// As Accept=yes passes it, when the client did not wait.
TEST(Activation, OneWhoseClientHasGoneIsAConnectedOne) {
    EXPECT_EQ(taken_in_child([] {
                  put_connected_at(3);
                  ::close(49);
                  pass(1);
              }),
              "connected 3 as varlink");
}

TEST(Activation, SeveralAreTakenEachWithItsName) {
    const auto two = [](const std::string &names) {
        return taken_in_child([&] {
            put_listening_at(3);
            put_listening_at(4);
            pass(2, names);
        });
    };
    EXPECT_EQ(two("a:b"), "listening 3 as a, listening 4 as b");
    EXPECT_EQ(two("a"), "listening 3 as a, listening 4 as ");
    EXPECT_EQ(two(":b:c"), "listening 3 as , listening 4 as b");
    EXPECT_EQ(two(""), "listening 3 as , listening 4 as ");
}

TEST(Activation, OneOfTcpIsForMetricsAlone) {
    const auto taken_as = [](const std::string &name) {
        return taken_in_child([&] {
            const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
            ::listen(fd, 1);
            put_at(fd, 3);
            pass(1, name);
        });
    };
    EXPECT_EQ(taken_as("metrics"), "listening 3 as metrics");
    EXPECT_EQ(taken_as("varlink"), "the passed file descriptor 3 is not a Unix stream socket");
}

TEST(Activation, NothingIsTakenThatIsNotForThisProcess) {
    EXPECT_EQ(taken_in_child([] {}), "nothing");
    EXPECT_EQ(taken_in_child([] {
                  put_listening_at(3);
                  pass(1);
                  set("LISTEN_PID", std::to_string(::getppid()));
              }),
              "nothing");
    EXPECT_EQ(taken_in_child([] { pass(0); }), "nothing");
    EXPECT_EQ(taken_in_child([] {
                  pass(1);
                  set("LISTEN_FDS", "1x");
              }),
              "nothing");
}

TEST(Activation, WhatIsNoUnixStreamSocketIsAnErrorThatNamesTheDescriptor) {
    EXPECT_THAT(taken_in_child([] {
                    put_at(::open("/dev/null", O_RDWR), 3);
                    pass(1);
                }),
                HasSubstr("file descriptor 3 is not a Unix stream socket"));
    EXPECT_THAT(taken_in_child([] {
                    put_at(::socket(AF_UNIX, SOCK_DGRAM, 0), 3);
                    pass(1);
                }),
                HasSubstr("file descriptor 3 is not a Unix stream socket"));
    EXPECT_THAT(taken_in_child([] {
                    put_at(::socket(AF_INET, SOCK_STREAM, 0), 3);
                    ::listen(3, 1);
                    pass(1);
                }),
                HasSubstr("file descriptor 3 is not a Unix stream socket"));
    EXPECT_THAT(taken_in_child([] {
                    ::close(3);
                    pass(1);
                }),
                HasSubstr("file descriptor 3 is not a Unix stream socket"));
    EXPECT_THAT(taken_in_child([] {
                    put_listening_at(3);
                    put_at(::open("/dev/null", O_RDWR), 4);
                    pass(2, "varlink:other");
                }),
                HasSubstr("file descriptor 4 is not a Unix stream socket"));
    EXPECT_THAT(taken_in_child([] { pass(1000); }), HasSubstr("at most 64"));
}

TEST(Activation, TheServiceManagerIsToldOnItsSocketAlsoOnAnAbstractOne) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "notify").native();
    for (const auto &name : {path, "@" + path}) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(name, std::begin(address.sun_path));
        if (name.front() == '@') address.sun_path[0] = '\0';
        const varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr *>(&address), size), 0);
        set("NOTIFY_SOCKET", name);
        ServiceManager::from_environment().tell("READY=1");
        ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
        std::array<char, 64> got{};
        const auto length = ::recv(socket.get(), got.data(), got.size(), 0);
        ASSERT_GT(length, 0) << name;
        EXPECT_EQ(std::string_view(got.data(), static_cast<std::size_t>(length)), "READY=1");
    }
}

TEST(Activation, WithoutAServiceManagerTellingItDoesNothing) {
    ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    ServiceManager::from_environment().tell("READY=1");
    for (const std::string name : {"", "relative", "/nonexistent/notify", "vsock:1:2"}) {
        set("NOTIFY_SOCKET", name);
        ServiceManager::from_environment().tell("READY=1");
    }
    set("NOTIFY_SOCKET", "/" + std::string(200, 'x'));
    ServiceManager::from_environment().tell("READY=1");
    ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace mrd
