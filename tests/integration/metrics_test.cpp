// Metrics, and the log's level while mrd runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/daemon.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

TEST_F(MetricsTest, TheLogsLevelIsChangedByACallAndTold) {
    auto daemon = started();
    EXPECT_EQ(mrctl(daemon, {"log-level"}).out, "info\n");
    EXPECT_EQ(mrctl(daemon, {"log-level", "error"}).out, "error\n");
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x")));
    EXPECT_EQ(mrctl(daemon, {"log-level", "debug"}).out, "debug\n");
    EXPECT_EQ(mrctl(daemon, {"log-level", "loud"}).exit_code, 2);
    const auto wrong = daemon.client().log_level("loud");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, mr::ErrorCode::invalid_parameter);
    EXPECT_EQ(daemon.stop(), 0);
    const auto by = "by=\"uid " + std::to_string(::getuid()) + "\"";
    EXPECT_THAT(daemon.log(), HasSubstr("the log's level is changed level=error before=info " + by));
    EXPECT_THAT(daemon.log(), HasSubstr("the log's level is changed level=debug before=error " + by));
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
