// Metrics, and the log's level while mrd runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <thread>

#include "tests/integration/daemon.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class MetricsTest : public DaemonTest {
protected:
    Finished mrctl(const Daemon &daemon, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {places::mrctl(), "--socket", daemon.socket()});
        return run_program(arguments, folder());
    }
    // Signals come when they come.
    static void wait_for_level(mr::Client &client, std::string_view level) {
        for (;;) {
            const auto now = client.log_level();
            ASSERT_TRUE(now) << now.error().message;
            if (*now == level) return;
            std::this_thread::yield();
        }
    }
};

TEST_F(MetricsTest, MrctlPrintsThem) {
    auto daemon = started();
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x")));
    extend_behind("rtmr3", std::string(96, 'a'));
    ASSERT_TRUE(daemon.client().read("rtmr3", {.fresh = true}));
    const auto printed = mrctl(daemon, {"metrics"});
    EXPECT_EQ(printed.exit_code, 0) << printed.err;
    EXPECT_THAT(printed.out, HasSubstr("\n# TYPE mrd_calls_total counter\n"));
    EXPECT_THAT(printed.out, HasSubstr("\nmrd_calls_total{method=\"io.mrd.Registers.Extend\"} 1\n"));
    EXPECT_THAT(printed.out, HasSubstr("\nmrd_register_diverged{register=\"tdx/rtmr3\"} 1\n"));
    EXPECT_THAT(printed.out, HasSubstr("\nmrd_registers_diverged 1\n"));
    EXPECT_THAT(printed.out, HasSubstr("\nmrd_connections 1\n"));
    EXPECT_THAT(mrctl(daemon, {"metrics", "--json"}).out, HasSubstr("{\"text\":\"# HELP"));
}

// The inodes of the sockets that this process has open and that are in this table of the kernel's.
std::size_t sockets_of(pid_t pid, const std::filesystem::path &table) {
    const auto sockets = contents(table);
    std::size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        const auto target = std::filesystem::read_symlink(entry).native();
        constexpr std::string_view begin = "socket:[";
        if (target.starts_with(begin) && sockets.contains(" " + target.substr(begin.size(), target.size() - begin.size() - 1) + " "))
            ++count;
    }
    return count;
}

// Of loopback, and listening out of the way of descriptor 3.
struct Port {
    int socket = -1;
    std::uint16_t number = 0;

    Port() {
        const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socket = ::fcntl(made, F_DUPFD_CLOEXEC, 20);
        ::close(made);
        sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
        socklen_t size = sizeof(address);
        EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr *>(&address), size), 0);
        EXPECT_EQ(::listen(socket, 8), 0);
        EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size), 0);
        number = ntohs(address.sin_port);
    }
    Port(const Port &) = delete;
    Port &operator=(const Port &) = delete;
    ~Port() { close(); }
    void close() {
        if (socket >= 0) ::close(std::exchange(socket, -1));
    }

    // What is answered to these bytes, until the end.
    [[nodiscard]] std::string answer_to(std::string_view request) const {
        const int asking = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(number), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
        EXPECT_EQ(::connect(asking, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
        EXPECT_EQ(::send(asking, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
        std::string text;
        std::array<char, 4096> buffer{};
        for (ssize_t size = 0; (size = ::recv(asking, buffer.data(), buffer.size(), 0)) > 0;)
            text.append(buffer.data(), static_cast<std::size_t>(size));
        ::close(asking);
        return text;
    }
};

constexpr std::string_view http_request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(MetricsTest, AreToldOverHttpOnThePortThatIsConfigured) {
    Port port;
    port.close();
    auto daemon = started({.config = "[metrics]\nport = " + std::to_string(port.number) + "\n"});
    EXPECT_EQ(sockets_of(daemon.process().pid(), "/proc/net/tcp"), 1U);
    EXPECT_THAT(daemon.log(), HasSubstr("metrics are told over HTTP at=127.0.0.1:" + std::to_string(port.number) + "\n"));
    EXPECT_THAT(daemon.log(), Not(HasSubstr("loopback")));
    const auto answer = port.answer_to(http_request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("\nmrd_provider_up{provider=\"tdx\"} 1\n"));
    EXPECT_THAT(port.answer_to("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
    EXPECT_TRUE(daemon.client().read("rtmr3"));
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(MetricsTest, AreToldOverHttpOnASocketThatIsPassed) {
    const Port port;
    // The port of the configuration is not opened then: nobody may have an address of TEST-NET-1.
    auto daemon = started({.config = "[metrics]\nport = 1\naddress = \"192.0.2.1\"\n", .in_child = [&port] {
                               ::dup2(port.socket, 3);
                               ::setenv("LISTEN_FDS", "1", 1);                                 // NOLINT(concurrency-mt-unsafe)
                               ::setenv("LISTEN_FDNAMES", "metrics", 1);                       // NOLINT(concurrency-mt-unsafe)
                               ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
                           }});
    EXPECT_THAT(port.answer_to(http_request), HasSubstr("\nmrd_provider_up{provider=\"tdx\"} 1\n"));
    EXPECT_TRUE(daemon.client().read("rtmr3")) << "its own socket is made beside it";
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(MetricsTest, NoPortIsOpenUnlessOneIsConfigured) {
    auto daemon = started();
    for (const auto *table : {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"})
        EXPECT_EQ(sockets_of(daemon.process().pid(), table), 0U) << table;
    EXPECT_GT(sockets_of(daemon.process().pid(), "/proc/net/unix"), 0U) << "this is how they are found";
}

TEST_F(MetricsTest, APortThatIsTakenAndAnAddressThatOthersReachAreTold) {
    const Port port;
    EXPECT_THAT(refused({.config = "[metrics]\nport = " + std::to_string(port.number) + "\n"}),
                HasSubstr("cannot listen on port " + std::to_string(port.number) + " of 127.0.0.1 for metrics: Address already in use"));
    std::ofstream(folder() / "open.toml") << "[metrics]\nport = 9469\naddress = \"0.0.0.0\"\n";
    const auto checked = run_program({places::mrd(), "--config", folder() / "open.toml", "--check"}, folder());
    EXPECT_EQ(checked.exit_code, 0);
    EXPECT_THAT(checked.err, HasSubstr("metrics.address = \"0.0.0.0\" is none of loopback's"));
}

TEST_F(MetricsTest, TheLogsLevelIsChangedByACallAndTold) {
    auto daemon = started({.config = "[log]\naudit = [\"extend\"]\n"});
    EXPECT_EQ(mrctl(daemon, {"log-level"}).out, "info\n");
    EXPECT_EQ(mrctl(daemon, {"log-level", "error"}).out, "error\n");
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x")));
    EXPECT_THAT(mrctl(daemon, {"metrics"}).out, HasSubstr("\nmrd_audit_unwritten_total 1\n")) << "the log does not have it";
    EXPECT_EQ(mrctl(daemon, {"log-level", "debug"}).out, "debug\n");
    EXPECT_EQ(mrctl(daemon, {"log-level", "loud"}).exit_code, 2);
    const auto wrong = daemon.client().log_level("loud");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, mr::ErrorCode::invalid_parameter);
    EXPECT_EQ(daemon.stop(), 0);
    const auto by = "by=\"uid " + std::to_string(::getuid()) + "\"";
    EXPECT_THAT(daemon.log(), HasSubstr("the log's level is changed level=error before=info " + by + " changes=\"not told\""));
    EXPECT_THAT(daemon.log(), HasSubstr("the log's level is changed level=debug before=error " + by + " changes=told"));
    EXPECT_THAT(daemon.log(), Not(HasSubstr("a register was extended"))) << "while it told of errors alone";
}

TEST_F(MetricsTest, TheLogsLevelIsChangedBySignalsAsSystemdsServicesTakeThem) {
    auto daemon = started({.arguments = {"--sim", "--log-level", "warning"}});
    auto client = daemon.client();
    daemon.process().signal(SIGRTMIN + 22);
    wait_for_level(client, "debug");
    daemon.process().signal(SIGRTMIN + 23);
    wait_for_level(client, "warning");
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_THAT(daemon.log(), HasSubstr("level=debug before=warning by=\"a signal\""));
}

}  // namespace
}  // namespace mrd
