#include "mrd/daemon/metrics_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mrd/daemon/metrics_http.h"
#include "mrd/daemon/metrics_socket.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::StartsWith;

constexpr std::string_view get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

// On a port of loopback and on a Unix socket.
class MetricsListenerTest : public ::testing::Test {
protected:
    // No time is over in a test that does not wait for it.
    void listen(MetricsListener::Limits limits = {.time = 1h, .age = 1h}, std::size_t text_size = 0) {
        auto port = listen_for_metrics("127.0.0.1", 0);
        ASSERT_TRUE(port) << port.error();
        socklen_t size = sizeof(port_);
        ASSERT_EQ(::getsockname(port->get(), reinterpret_cast<sockaddr *>(&port_), &size), 0);
        varlink::FileDescriptor file(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        std::ranges::copy((folder_.path() / "metrics").native(), std::begin(file_.sun_path));
        ASSERT_EQ(::bind(file.get(), reinterpret_cast<const sockaddr *>(&file_), sizeof(file_)), 0);
        ASSERT_EQ(::listen(file.get(), 8), 0);
        std::vector<varlink::FileDescriptor> sockets;
        sockets.push_back(std::move(*port));
        sockets.push_back(std::move(file));
        const auto text = [this, text_size] {
            if (const int leaving = leaves_when_asked_) ::shutdown(leaving, SHUT_RDWR);
            return "asked " + std::to_string(++made_) + std::string(text_size, '\n') + "\n";
        };
        listener_.emplace(loop_, std::move(sockets), text, limits);
        thread_ = std::thread([this] { loop_.run(); });
    }
    void TearDown() override {
        loop_.stop();
        if (thread_.joinable()) thread_.join();
    }

    template <class Address>
    static varlink::FileDescriptor connect_to(const Address &address, int family) {
        varlink::FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
        return socket;
    }
    [[nodiscard]] varlink::FileDescriptor connect() const { return connect_to(port_, AF_INET); }
    [[nodiscard]] varlink::FileDescriptor connect_to_file() const { return connect_to(file_, AF_UNIX); }
    static bool send(const varlink::FileDescriptor &socket, std::string_view bytes) {
        return ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    // All until the end.
    static std::string rest(const varlink::FileDescriptor &socket) {
        std::string text;
        std::array<char, 4096> buffer{};
        for (ssize_t size = 0; (size = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;)
            text.append(buffer.data(), static_cast<std::size_t>(size));
        return text;
    }
    [[nodiscard]] std::string answer_to(std::string_view request) const {
        const auto socket = connect();
        EXPECT_TRUE(send(socket, request));
        return rest(socket);
    }

    boost::asio::io_context loop_;
    int made_ = 0;  // the loop's
    std::atomic<int> leaves_when_asked_ = 0;
    TemporaryFolder folder_;
    sockaddr_in port_{};
    sockaddr_un file_{.sun_family = AF_UNIX, .sun_path = {}};
    std::optional<MetricsListener> listener_;
    std::thread thread_;
};

TEST_F(MetricsListenerTest, WhoAsksIsTold) {
    listen({.time = 1h, .age = 0ms});
    EXPECT_THAT(answer_to(get), EndsWith("\r\n\r\nasked 1\n"));
    EXPECT_THAT(answer_to(get), EndsWith("\r\n\r\nasked 2\n"));
}

TEST_F(MetricsListenerTest, HoweverManyAskTheTextIsMadeNoMoreOftenThanItGrowsOld) {
    listen();
    for (int i = 0; i < 100; ++i) EXPECT_THAT(answer_to(get), EndsWith("\r\n\r\nasked 1\n"));
}

TEST_F(MetricsListenerTest, ARequestMayComeByteByByte) {
    listen();
    const auto socket = connect();
    for (const char c : get) EXPECT_TRUE(send(socket, std::string_view(&c, 1)));
    EXPECT_THAT(rest(socket), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(MetricsListenerTest, WhoIsSlowTakesNobodysPlaceForLong) {
    listen();
    std::vector<varlink::FileDescriptor> idle;
    for (std::size_t i = 0; i < 4 * MetricsListener::usual().connections; ++i) {
        idle.push_back(connect());
        send(idle.back(), "GET /metr");
    }
    EXPECT_THAT(answer_to(get), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(rest(idle.front()), "") << "it was ended, as the one that was made first";
    EXPECT_TRUE(send(idle.back(), "ics HTTP/1.1\r\n\r\n"));
    EXPECT_THAT(rest(idle.back()), StartsWith("HTTP/1.1 200 OK\r\n")) << "the last ones are still there";
}

TEST_F(MetricsListenerTest, OfSeveralClientsTheOneWithTheMostLosesAConnection) {
    listen();
    const auto seldom = connect_to_file();
    ASSERT_TRUE(send(seldom, "GET /metrics "));
    std::vector<varlink::FileDescriptor> many;
    for (std::size_t i = 0; i < 4 * MetricsListener::usual().connections; ++i) many.push_back(connect());
    EXPECT_EQ(rest(many.front()), "");
    EXPECT_THAT(answer_to(get), StartsWith("HTTP/1.1 200 OK\r\n"));
    ASSERT_TRUE(send(seldom, "HTTP/1.1\r\n\r\n"));
    EXPECT_THAT(rest(seldom), EndsWith("\r\n\r\nasked 1\n")) << "it was there before all of them";
}

// The process of a test does not ignore SIGPIPE: what serves must not raise it.
TEST_F(MetricsListenerTest, WhoIsGoneBeforeItsAnswerEndsNobodyElse) {
    listen({.time = 1h, .age = 0ms});
    const auto gone = connect_to_file();
    leaves_when_asked_ = gone.get();
    ASSERT_TRUE(send(gone, get));
    EXPECT_EQ(rest(gone), "");
    leaves_when_asked_ = 0;
    EXPECT_THAT(answer_to(get), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(MetricsListenerTest, WhoDoesNotFinishARequestInItsTimeIsClosed) {
    listen({.time = 20ms});
    const auto socket = connect();
    EXPECT_TRUE(send(socket, "GET /metrics HTTP/1.1\r\n"));
    EXPECT_EQ(rest(socket), "");
}

TEST_F(MetricsListenerTest, WhoDoesNotReadIsClosed) {
    constexpr auto more_than_a_socket_takes = std::size_t{8} << 20U;
    listen({.time = 20ms}, more_than_a_socket_takes);
    const auto socket = connect_to_file();
    EXPECT_TRUE(send(socket, get));
    pollfd closed{socket.get(), POLLRDHUP, 0};
    ASSERT_EQ(::poll(&closed, 1, 60'000), 1);
    EXPECT_LT(rest(socket).size(), more_than_a_socket_takes);
}

TEST_F(MetricsListenerTest, WhoSaysMoreThanItAsksForGetsItsAnswerAllTheSame) {
    listen();
    const auto half = MetricsListener::usual().unasked / 2;
    const auto socket = connect();
    ASSERT_TRUE(send(socket, "GET /metrics HTTP/1.1\r\nX: " + std::string(max_http_request + half, 'a')));
    EXPECT_THAT(rest(socket), StartsWith("HTTP/1.1 431 "));
    // Nothing of what still comes resets the connection, which would take back an answer that is on its way.
    for (std::size_t i = 0; i < half / 64; ++i) ASSERT_TRUE(send(socket, std::string(32, 'a'))) << i;
}

TEST_F(MetricsListenerTest, ButIsNotListenedToWithoutEnd) {
    listen();
    const auto socket = connect();
    const std::string more(4096, 'a');
    while (send(socket, more)) {
    }
    EXPECT_FALSE(send(socket, more)) << "nobody is there any more";
}

TEST_F(MetricsListenerTest, WhoHangsUpLeavesNothingBehind) {
    listen();
    for (int i = 0; i < 100; ++i) send(connect(), "GET /met");
    for (int i = 0; i < 100; ++i) send(connect(), get);
    EXPECT_THAT(answer_to(get), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(MetricsListenerTest, AtItsEndItEndsAll) {
    listen();
    const auto socket = connect();
    send(socket, "GET");
    EXPECT_THAT(answer_to(get), StartsWith("HTTP/1.1 200 OK\r\n"));
    loop_.stop();
    thread_.join();
    listener_.reset();
    EXPECT_EQ(rest(socket), "");
}

}  // namespace
}  // namespace mrd
