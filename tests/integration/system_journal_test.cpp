// What mrd tells the system's journal, which the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "mrd/access/audit.h"
#include "mrd/log.h"
#include "tests/integration/daemon.h"
#include "tests/mrd/datagram_socket.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// In the child: standard error is what the service manager says that it has connected to the journal.
void connect_to_journal() {
    struct stat stream{};
    ::fstat(STDERR_FILENO, &stream);
    const auto text = std::to_string(stream.st_dev) + ":" + std::to_string(stream.st_ino);
    ::setenv("JOURNAL_STREAM", text.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
}

class SystemJournalTest : public DaemonTest {
protected:
    using Entry = std::map<std::string, std::string>;

    // Its entry after those that it has told already.
    Entry next() {
        const auto text = journald_.next();
        Entry entry;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            const auto equals = line.find('=');
            EXPECT_NE(equals, std::string::npos) << text;
            entry.emplace(line.substr(0, equals), line.substr(std::min(line.size(), equals + 1)));
        }
        return entry;
    }
    Entry next_of(log::Kind kind) {
        for (;;) {
            auto entry = next();
            if (entry.empty() || entry["MESSAGE_ID"] == log::message_id(kind)) return entry;
        }
    }

    Daemon start(std::string config = {}) {
        return started({.environment = {{"MRD_SYSTEM_JOURNAL", journald_.path()}},
                        .faults = "extend:delay=0",
                        .config = std::move(config),
                        .in_child = &connect_to_journal});
    }

    DatagramSocket journald_{(folder() / "journald").native()};
};

TEST_F(SystemJournalTest, HasTheStartTheEndAndEachChangeWithItsValuesAsFields) {
    auto daemon = start();
    auto ready = next_of(log::Kind::ready);
    EXPECT_EQ(ready["SYSLOG_IDENTIFIER"], "mrd");
    EXPECT_EQ(ready["MRD_SOCKETS"], daemon.socket());
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("rtmr3", digest_of("x"), {.id = "an id"}));
    auto extended = next();
    EXPECT_EQ(extended["MESSAGE_ID"], log::message_id(log::Kind::extend));
    EXPECT_EQ(extended["PRIORITY"], "6");
    EXPECT_EQ(extended["MRD_METHOD"], "Extend");
    EXPECT_EQ(extended["MRD_REGISTER"], "tdx/rtmr3");
    EXPECT_EQ(extended["MRD_SEQUENCE"], "1");
    EXPECT_EQ(extended["MRD_ID"], "an id");
    EXPECT_EQ(extended["MRD_UID"], std::to_string(::getuid()));
    EXPECT_EQ(extended["MRD_RULE"], "root");
    EXPECT_EQ(extended["MRD_PID"], std::to_string(::getpid()));
    EXPECT_THAT(extended["MRD_EXECUTABLE"], HasSubstr("integration_tests"));
    EXPECT_THAT(extended["MESSAGE"], HasSubstr("a register was extended method=Extend register=tdx/rtmr3 sequence=1"));

    ASSERT_TRUE(client.measure("rtmr2", mr::as_bytes("data")));
    EXPECT_EQ(next()["MRD_METHOD"], "Measure");
    ASSERT_TRUE(client.write("reportdata", mr::Bytes(64)));
    auto written = next();
    EXPECT_EQ(written["MESSAGE_ID"], log::message_id(log::Kind::write));
    EXPECT_EQ(written["MRD_REGISTER"], "tdx/reportdata");
    ASSERT_TRUE(client.cap("rtmr3"));
    EXPECT_EQ(next()["MESSAGE_ID"], log::message_id(log::Kind::cap));
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_EQ(next()["MESSAGE_ID"], log::message_id(log::Kind::stopping));
    EXPECT_EQ(daemon.log(), "") << "nothing is told twice";
}

TEST_F(SystemJournalTest, HasADivergenceAndTheGapThatFollows) {
    auto daemon = start();
    auto client = daemon.client();
    extend_behind("rtmr3", std::string(96, 'a'));
    ASSERT_TRUE(client.read("rtmr3", {.fresh = true}));
    EXPECT_EQ(next_of(log::Kind::divergence)["MRD_REGISTER"], "tdx/rtmr3");
    ASSERT_TRUE(client.extend("rtmr3", digest_of("x")));
    auto gap = next();
    EXPECT_EQ(gap["MESSAGE_ID"], log::message_id(log::Kind::gap));
    EXPECT_EQ(gap["MRD_SEQUENCE"], "1");
    EXPECT_EQ(next()["MRD_SEQUENCE"], "2");
}

TEST_F(SystemJournalTest, NoClientFillsItWithHisChanges) {
    auto daemon = start();
    constexpr int extends = 300;
    const std::jthread client([&daemon] {
        auto connected = daemon.client();
        for (int i = 0; i < extends; ++i) EXPECT_TRUE(connected.extend("rtmr3", digest_of("x")));
        EXPECT_EQ(daemon.stop(), 0);
    });
    int told = 0;
    for (auto entry = next(); !entry.empty() && entry["MESSAGE_ID"] != log::message_id(log::Kind::stopping); entry = next())
        told += entry["MESSAGE_ID"] == log::message_id(log::Kind::extend) ? 1 : 0;
    EXPECT_GE(told, AuditShares::records_at_once);
    EXPECT_LT(told, extends / 2);
}

TEST_F(SystemJournalTest, HasOnlyTheChangesThatTheConfigurationNames) {
    auto daemon = start("[log]\naudit = [\"cap\"]\n");
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("rtmr3", digest_of("x")));
    ASSERT_TRUE(client.cap("rtmr3"));
    next_of(log::Kind::ready);
    EXPECT_EQ(next()["MESSAGE_ID"], log::message_id(log::Kind::cap));
}

TEST_F(SystemJournalTest, WithoutAReaderTheLinesGoToStandardError) {
    journald_.close();
    auto daemon = start();
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x")));
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_THAT(daemon.log(), HasSubstr("<6>ready sockets="));
    EXPECT_THAT(daemon.log(), HasSubstr("<6>a register was extended method=Extend"));
}

// By standard error's stream the journal knows the unit, also of who has ended meanwhile.
TEST_F(SystemJournalTest, HasByStandardErrorWhyMrdDoesNotStart) {
    const auto log = refused({.environment = {{"MRD_SYSTEM_JOURNAL", journald_.path()}},
                              .faults = "extend:delay=0",
                              .state = "/dev/null",
                              .in_child = &connect_to_journal});
    EXPECT_THAT(log, AllOf(HasSubstr("<3>"), HasSubstr("/dev/null")));
}

TEST_F(SystemJournalTest, IsFoundAgainByAnOpenerAfterItWasStartedAnew) {
    auto daemon = start();
    EXPECT_EQ(next_of(log::Kind::ready)["SYSLOG_IDENTIFIER"], "mrd");
    auto client = daemon.client();
    journald_.close();
    ASSERT_TRUE(client.cap("rtmr1"));
    const DatagramSocket again(journald_.path());
    ASSERT_TRUE(client.cap("rtmr2"));
    EXPECT_THAT(again.next(), HasSubstr("MRD_REGISTER=tdx/rtmr2"));
    EXPECT_THAT(daemon.log(), HasSubstr("tdx/rtmr1"));
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(SystemJournalTest, OnATerminalNoChangeIsToldOfUnlessTheConfigurationNamesIt) {
    auto daemon = started();
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x")));
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_THAT(daemon.log(), AllOf(HasSubstr("ready"), Not(HasSubstr("a register was extended"))));
}

TEST_F(SystemJournalTest, OnATerminalAChangeIsOneLine) {
    auto daemon = started({.config = "[log]\naudit = [\"extend\"]\n"});
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x"), {.id = "a\nb"}));
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_THAT(daemon.log(), HasSubstr(R"(info a register was extended method=Extend register=tdx/rtmr3 sequence=1 id="a\nb" uid=)"));
    EXPECT_THAT(daemon.log(), Not(HasSubstr("<6>")));
}

TEST_F(SystemJournalTest, WhatIsSentAgainUnderItsIdIsToldOfOnce) {
    auto daemon = started({.config = "[log]\naudit = [\"extend\"]\n"});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("x"), {.id = "one"}));
    EXPECT_EQ(daemon.stop(), 0);
    const auto log = daemon.log();
    const auto first = log.find("a register was extended");
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(log.find("a register was extended", first + 1), std::string::npos) << log;
}

}  // namespace
}  // namespace mrd
