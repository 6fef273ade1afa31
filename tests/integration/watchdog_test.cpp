// systemd, played by the test: a start that takes long says that it goes on, and mrd is alive as long as its event loop goes round.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "mrd/daemon/start_progress.h"
#include "tests/integration/daemon.h"
#include "tests/mrd/datagram_socket.h"

namespace mrd {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 200ms;

class WatchdogTest : public DaemonTest {
protected:
    // mrd on the simulator, as systemd starts it with WatchdogSec=.
    Process start(const DatagramSocket &manager, std::map<std::string, std::string> environment) {
        environment["NOTIFY_SOCKET"] = manager.path();
        const auto program = environment.contains("MRD_SIM_FAULTS") ? places::mrd_with_faults() : places::mrd();
        Process process({program, "--sim", "--socket", socket(), "--state", folder() / "state"},
                        {.environment = environment, .errors = log()});
        EXPECT_EQ(manager.next(), "READY=1") << contents(log());
        return process;
    }
    [[nodiscard]] std::string socket() const { return folder() / "io.mrd"; }
    [[nodiscard]] std::filesystem::path log() const { return folder() / "log"; }
    static std::string microseconds() { return std::to_string(std::chrono::microseconds(interval).count()); }
};

TEST_F(WatchdogTest, AStartThatReadsALongJournalAsksForMoreTimeAsItGoesOn) {
    {
        const DatagramSocket manager(folder() / "notify");
        auto mrd = start(manager, {});
        mrd.signal(SIGTERM);
        EXPECT_EQ(mrd.wait(), 0);
    }
    const DatagramSocket manager(folder() / "notify");
    const auto takes = std::chrono::milliseconds(StartProgress::interval).count();
    const Process process(
        {places::mrd_with_faults(), "--sim", "--socket", socket(), "--state", folder() / "state"},
        {.environment = {{"NOTIFY_SOCKET", manager.path()}, {"MRD_JOURNAL_READ_TAKES", std::to_string(takes)}}, .errors = log()});
    EXPECT_EQ(manager.next(), "EXTEND_TIMEOUT_USEC=30000000") << contents(log());
    auto next = manager.next();
    while (next.starts_with("EXTEND_TIMEOUT_USEC=")) next = manager.next();
    EXPECT_EQ(next, "READY=1") << contents(log());
}

TEST_F(WatchdogTest, IsFedAsLongAsTheEventLoopGoesRound) {
    const DatagramSocket manager(folder() / "notify");
    const auto mrd = start(manager, {{"WATCHDOG_USEC", microseconds()}});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(manager.next(), "WATCHDOG=1");
}

TEST_F(WatchdogTest, IsNotFedByALoopThatHangsInACall) {
    const DatagramSocket manager(folder() / "notify");
    auto mrd = start(manager, {{"WATCHDOG_USEC", microseconds()}, {"MRD_SIM_FAULTS", "extend:hang@2"}});
    EXPECT_EQ(manager.next(), "WATCHDOG=1");
    auto client = mr::Client::connect({.socket = socket(), .call_timeout = 1s});
    ASSERT_TRUE(client);
    const auto measured = client->extend("rtmr3", digest_of("before"));
    ASSERT_TRUE(measured) << measured.error().message;
    EXPECT_FALSE(client->extend("rtmr3", digest_of("hangs")));
    while (!contents(log()).contains("simulated hang")) std::this_thread::yield();
    // What was said before it hung.
    while (!manager.next(1ms).empty()) {
    }
    EXPECT_EQ(manager.next(5 * interval), "") << "who would have fed it?";

    // What systemd does then; and what was measured before is there.
    mrd.signal(SIGABRT);
    EXPECT_EQ(mrd.wait(), 1000 + SIGABRT);
    const DatagramSocket again(folder() / "again");
    const auto restarted = start(again, {});
    auto after = mr::Client::connect({.socket = socket()});
    ASSERT_TRUE(after);
    const auto reading = after->read("rtmr3");
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value, measured->reading.value);
}

TEST_F(WatchdogTest, IsNotFedWhereNobodyAskedOrWhereItIsAnotherProcess) {
    for (const auto &environment : std::vector<std::map<std::string, std::string>>{
             {}, {{"WATCHDOG_USEC", microseconds()}, {"WATCHDOG_PID", "1"}}, {{"WATCHDOG_USEC", "0"}}, {{"WATCHDOG_USEC", "soon"}}}) {
        const DatagramSocket manager(folder() / "notify");
        auto mrd = start(manager, environment);
        mrd.signal(SIGTERM);
        EXPECT_EQ(manager.next(), "STOPPING=1");
        EXPECT_EQ(mrd.wait(), 0);
    }
}

}  // namespace
}  // namespace mrd
