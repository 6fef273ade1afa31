// mrd on several sockets that it makes itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/integration/daemon.h"

namespace mrd {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ListenersTest : public DaemonTest {
protected:
    // The first one is where the command line says.
    [[nodiscard]] std::string two(const std::string &more = {}) const {
        return "[[listener]]\nname = \"all\"\npath = \"/nowhere/at/all\"\n[[listener]]\nname = \"log\"\npath = \"" + log() +
               "\"\ninterfaces = [\"io.mrd.EventLog\"]\n" + more;
    }
    [[nodiscard]] std::string log() const { return (folder() / "log" / "socket").native(); }
};

TEST_F(ListenersTest, EachServesItsInterfacesHasItsModeAndGoesAtTheEnd) {
    auto daemon = started({.config = two("mode = \"0622\"\n"), .in_child = [] { ::umask(0); }});
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("a")));
    auto client = mr::Client::connect({.socket = log()});
    ASSERT_TRUE(client);
    const auto replayed = client->replay();
    ASSERT_TRUE(replayed) << replayed.error().message;
    EXPECT_TRUE(std::ranges::all_of(*replayed, &mr::ReplayResult::equal));
    EXPECT_FALSE(client->extend("rtmr3", digest_of("a")));
    EXPECT_EQ(daemon.client().read("rtmr3")->value, extended(zero(), digest_of("a"))) << "nothing came in that way";
    struct stat file{};
    ASSERT_EQ(::lstat(daemon.socket().c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777U, 0666U) << "everybody may read";
    ASSERT_EQ(::lstat(log().c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777U, 0622U);
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_FALSE(fs::exists(daemon.socket()));
    EXPECT_FALSE(fs::exists(log()));
}

TEST_F(ListenersTest, WhatAKillLeavesOfEachIsReplacedAndASecondMrdIsKeptFromEach) {
    auto killed = started({.config = two()});
    killed.process().signal(SIGKILL);
    EXPECT_EQ(killed.process().wait(), 1000 + SIGKILL);
    ASSERT_TRUE(fs::exists(log()));
    const auto daemon = started({.config = two()});
    EXPECT_THAT(refused({.config = two(), .socket = folder() / "other", .state = folder() / "other-state"}),
                HasSubstr("another mrd uses the socket " + log()));
    EXPECT_FALSE(fs::exists(folder() / "other"));
    EXPECT_TRUE(daemon.client().read("rtmr3"));
    EXPECT_TRUE(mr::Client::connect({.socket = log()})->replay());
}

TEST_F(ListenersTest, AnOwnerThatThereIsNotIsOneErrorThatNamesTheKey) {
    EXPECT_THAT(refused({.config = two("owner = \"nobdoy\"\n")}, 2), AllOf(HasSubstr("listener.owner"), HasSubstr("nobdoy")));
    EXPECT_FALSE(fs::exists(folder() / "io.mrd"));
}

}  // namespace
}  // namespace mrd
