// A configuration that is read again while mrd runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/daemon.h"
#include "tests/integration/other_etc.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view reloaded = "access rules and log.audit are reloaded";
constexpr std::string_view stay = "access rules and log.audit stay as they were";

class ReloadTest : public DaemonTest {
protected:
    // Returns when mrd has said that it is done, with what it has said then.
    std::string reload(Daemon &daemon, const std::string &config) {
        const auto before = daemon.log().size();
        std::ofstream(folder() / "mrd.toml") << config;
        daemon.process().signal(SIGHUP);
        const auto end = std::chrono::steady_clock::now() + patience;
        // A reload has one line or two: what comes behind an answer is behind both.
        for (;;) {
            const auto said = daemon.log().substr(before);
            if (said.contains(reloaded) || said.contains(stay) || std::chrono::steady_clock::now() > end) break;
            std::this_thread::yield();
        }
        EXPECT_TRUE(daemon.client().list());
        return daemon.log().substr(before);
    }
    // What mrd says of it.
    static std::string extend(Daemon &daemon) {
        const auto before = daemon.log().size();
        EXPECT_TRUE(daemon.client().extend("rtmr3", digest_of("x")));
        return daemon.log().substr(before);
    }
};

TEST_F(ReloadTest, TheChangesThatAreToldOfAreReloadedWithTheRulesOrNotAtAll) {
    auto daemon = started({.config = "[log]\naudit = [\"cap\"]\n"});
    EXPECT_EQ(extend(daemon), "");
    EXPECT_THAT(reload(daemon, "[log]\naudit = [\"extend\"]\n"), HasSubstr(reloaded));
    EXPECT_THAT(extend(daemon), HasSubstr("a register was extended"));
    EXPECT_THAT(reload(daemon, "[log]\naudit = []\n[[access]]\nname = \"a\"\nallow = [\"raed\"]\n"), HasSubstr(stay));
    EXPECT_THAT(reload(daemon, "[log]\naudit = []\n[service]\nmax_connections = 0\n"), HasSubstr(stay));
    EXPECT_THAT(reload(daemon, "[log]\naudit = []\n[[access]]\nname = \"a\"\nusers = [\"no-such-user-here\"]\nallow = [\"read\"]\n"),
                HasSubstr(stay));
    EXPECT_THAT(extend(daemon), HasSubstr("a register was extended")) << "not at all";
    EXPECT_THAT(reload(daemon, ""), HasSubstr(reloaded));
    EXPECT_EQ(extend(daemon), "") << "as by default";
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(ReloadTest, WhatAStartAloneReadsIsNamedWhereItHasChanged) {
    const std::string config = "[service]\nmax_connections = 7\n[journal]\nsync = \"none\"\n";
    auto daemon = started({.config = config});
    EXPECT_THAT(reload(daemon, config + "[log]\naudit = []\n[[access]]\nname = \"a\"\nallow = [\"read\"]\n"), Not(HasSubstr("next start")))
        << "all of it is reloaded; and --sim, --socket and --state are none of the file's";
    EXPECT_THAT(reload(daemon, "[service]\nmax_connections = 8\n[metrics]\nport = 9469\n"),
                HasSubstr("what else has changed in the configuration waits for mrd's next start sections=\"journal, service, metrics\""));
    EXPECT_THAT(reload(daemon, "# The same.\n" + config), Not(HasSubstr("next start")));
    EXPECT_EQ(daemon.stop(), 0);
}

// mrd sees a table of users of the test's own, which is replaced as useradd(8) does it.
TEST_F(ReloadTest, AUserWhoCameSinceTheStartIsToBeNamedByNumberAndThoseOfTheStartAreStillKnown) {
    if (const std::string why = why_no_other_etc(); !why.empty()) GTEST_SKIP() << why;
    const auto etc = folder() / "etc";
    std::filesystem::create_directory(etc);
    std::ofstream(etc / "nsswitch.conf") << "passwd: files\ngroup: files\n";
    std::ofstream(etc / "group") << "root:x:0:\nmrd:x:42000:\n";
    std::ofstream(etc / "passwd") << "root:x:0:0::/root:/bin/sh\nagent:x:41000:41000::/:/bin/sh\n";
    const auto rule = [](const std::string &users) { return "[[access]]\nname = \"a\"\nusers = [" + users + "]\nallow = [\"read\"]\n"; };
    auto daemon = started({.config = rule("\"agent\""), .in_child = [&etc] { have_at_etc(etc); }});
    if (!daemon.log().contains("Landlock")) GTEST_SKIP() << "this kernel keeps nobody from reading it";
    std::ofstream(etc / "new") << contents(etc / "passwd") << "second:x:41001:41001::/:/bin/sh\n";
    std::filesystem::rename(etc / "new", etc / "passwd");
    EXPECT_THAT(reload(daemon, rule("\"agent\", \"second\"")),
                HasSubstr("there was no user \\\"second\\\" when mrd started, and whoever came since it may not look up: give the number, "
                          "or start mrd again"));
    EXPECT_THAT(reload(daemon, rule("\"agent\", 41001")), HasSubstr(reloaded));
    std::filesystem::copy_file(etc / "group", etc / "new");
    std::filesystem::rename(etc / "new", etc / "group");
    EXPECT_THAT(reload(daemon, ""), HasSubstr("rules=3")) << "the default ones, among them that of the group mrd";
    EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
}  // namespace mrd
