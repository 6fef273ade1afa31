// A provider that is not there when mrd starts, and comes later: what others see of it meanwhile and then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/daemon.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

class LateProvider : public DaemonTest {
protected:
    // Where the simulator's state is to be there is a folder, which it takes for somebody else's: as long as it is there, it does not open.
    [[nodiscard]] std::filesystem::path obstacle() const { return folder() / "state" / "sim-late.state"; }
    Daemon with_an_obstacle() {
        const auto state = folder() / "state";
        std::filesystem::create_directories(obstacle());
        std::filesystem::permissions(state, std::filesystem::perms::owner_all);
        return started({.config = "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\n"
                                  "[[provider]]\ntype = \"sim\"\nname = \"late\"\nrequired = false\n"
                                  "[[register]]\nname = \"late/rtmr2\"\nlog_only = true\n"});
    }
    static nlohmann::json provider(mr::Client &client, std::size_t index) {
        return nlohmann::json::parse(client.status()->json)["providers"][index];
    }
};

TEST_F(LateProvider, IsShownAndTriedAgainAndJoinsWhileTheOthersGoOn) {
    auto daemon = with_an_obstacle();
    auto client = daemon.client();
    EXPECT_EQ(provider(client, 0)["state"], "running");
    EXPECT_NE(provider(client, 1)["state"], "running");
    EXPECT_THAT(std::string(provider(client, 1)["reason"]), HasSubstr("sim-late.state"));
    EXPECT_THAT(daemon.log(), HasSubstr("\"late/rtmr2\" matches no register"));
    EXPECT_TRUE(client.extend("tdx/rtmr3", digest_of("before")));
    EXPECT_FALSE(client.read("late/rtmr3"));

    std::filesystem::remove(obstacle());
    // Its coming is an event for nobody outside: who waits for it asks.
    while (provider(client, 1)["state"] != "running") std::this_thread::yield();
    EXPECT_FALSE(provider(client, 1).contains("reason"));
    EXPECT_EQ(client.extend("late/rtmr3", digest_of("after"))->sequence, 2);
    const auto log_only = client.extend("late/rtmr2", digest_of("bare"));
    ASSERT_FALSE(log_only);
    EXPECT_EQ(log_only.error().code, mr::ErrorCode::log_only) << "the rules hold for it too";
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(LateProvider, GoesOnWhereItsLogEndedWhenItComesAfterARestart) {
    {
        auto daemon = with_an_obstacle();
        auto client = daemon.client();
        std::filesystem::remove(obstacle());
        while (provider(client, 1)["state"] != "running") std::this_thread::yield();
        ASSERT_TRUE(client.extend("late/rtmr3", digest_of("one")));
        ASSERT_EQ(daemon.stop(), 0);
    }
    const auto kept = folder() / "kept";
    std::filesystem::rename(obstacle(), kept);
    auto daemon = with_an_obstacle();
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("two")));
    std::filesystem::remove(obstacle());
    std::filesystem::rename(kept, obstacle());
    while (provider(client, 1)["state"] != "running") std::this_thread::yield();
    EXPECT_EQ(client.extend("late/rtmr3", digest_of("three"))->sequence, 3);
    for (const auto &reg : provider(client, 1)["registers"]) EXPECT_FALSE(reg["diverged"]) << reg;
}

TEST_F(LateProvider, ThatIsRequiredKeepsMrdFromStarting) {
    std::filesystem::create_directories(obstacle());
    std::filesystem::permissions(folder() / "state", std::filesystem::perms::owner_all);
    EXPECT_THAT(refused({.config = "[[provider]]\ntype = \"sim\"\nname = \"late\"\n"}), HasSubstr("sim-late.state"));
}

}  // namespace
}  // namespace mrd
