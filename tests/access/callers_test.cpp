#include "mrd/access/callers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds boot_time() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

varlink::Peer peer_of(std::uint64_t connection, const std::shared_ptr<const void> &open, std::chrono::nanoseconds connected = boot_time()) {
    return {.uid = ::getuid(), .gid = ::getgid(), .pid = ::getpid(), .connection = connection, .open = open, .connected = connected};
}

TEST(Callers, AreKnownByTheirProcess) {
    Callers callers;
    const auto open = std::make_shared<int>();
    const auto caller = callers.find(peer_of(1, open), "root");
    EXPECT_EQ(caller->uid, static_cast<std::int64_t>(::getuid()));
    EXPECT_EQ(caller->pid, ::getpid());
    ASSERT_TRUE(caller->executable);
    EXPECT_TRUE(caller->executable->ends_with("access_tests"));
    EXPECT_EQ(callers.find(peer_of(1, open), "root"), caller);
    EXPECT_EQ(caller->rule, "root");
    const auto by_another = callers.find(peer_of(1, open), "agents");
    EXPECT_EQ(by_another->rule, "agents");
    EXPECT_EQ(by_another->executable, caller->executable);
    EXPECT_EQ(caller->rule, "root") << "what was allowed before was by that rule";
    EXPECT_EQ(callers.find(peer_of(1, open), "")->rule, std::nullopt);
}

TEST(Callers, OfOneConnectionAskForOneAndThenForAnotherAndThenForThemselves) {
    Callers callers;
    const auto open = std::make_shared<int>();
    const mr::OnBehalfOf first{.uid = 1000, .gid = 100, .pid = 7};
    const mr::OnBehalfOf second{.uid = 1000, .gid = 100, .pid = 8};
    const auto caller = callers.find(peer_of(1, open), "files", first);
    EXPECT_EQ(caller->on_behalf_of, first);
    EXPECT_EQ(caller->counts_for(), 1000);
    EXPECT_EQ(callers.find(peer_of(1, open), "files", first), caller);
    EXPECT_EQ(callers.find(peer_of(1, open), "files", second)->on_behalf_of, second) << "the process is another one";
    const auto itself = callers.find(peer_of(1, open), "files");
    EXPECT_EQ(itself->on_behalf_of, std::nullopt);
    EXPECT_EQ(itself->counts_for(), static_cast<std::int64_t>(::getuid()));
    EXPECT_EQ(itself->executable, caller->executable);
}

TEST(Callers, AProcessThatIsYoungerThanTheConnectionIsNotItsCaller) {
    Callers callers;
    const auto open = std::make_shared<int>();
    const auto caller = callers.find(peer_of(1, open, 1ns), "root");
    EXPECT_EQ(caller->pid, ::getpid());
    EXPECT_EQ(caller->executable, std::nullopt);
    EXPECT_EQ(caller->unit, std::nullopt);
}

// Its start says that to ten milliseconds.
TEST(Callers, ByADescriptorOfTheProcessItIsCertainWhetherItsNumberWasItsOwn) {
    const auto descriptor_of = [](pid_t process) {
        return varlink::FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    };
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const auto of_child = descriptor_of(child);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto own = descriptor_of(::getpid());
    ASSERT_TRUE(of_child && own);
    const auto copy_of = [](const varlink::FileDescriptor &process) {
        return [number = process.get()] { return varlink::FileDescriptor(::fcntl(number, F_DUPFD_CLOEXEC, 0)); };
    };
    Callers callers;
    const auto open = std::make_shared<int>();
    // That one has ended, and this one has its number.
    auto peer = peer_of(1, open);
    peer.process = copy_of(of_child);
    EXPECT_EQ(callers.find(peer, "root")->executable, std::nullopt);
    peer = peer_of(2, open);
    peer.process = copy_of(own);
    EXPECT_TRUE(callers.find(peer, "root")->executable);
    // Its start is not asked for then.
    peer = peer_of(3, open, 1ns);
    peer.process = copy_of(own);
    EXPECT_TRUE(callers.find(peer, "root")->executable);
}

TEST(Callers, AnExecutableWhosePathIsNoTextHasNone) {
    const TemporaryFolder folder;
    Callers callers;
    const auto open = std::make_shared<int>();
    std::uint64_t connection = 0;
    for (const auto &[name, is_text] : {std::pair("caf\xc3\xa9", true), std::pair("caf\xe9", false)}) {
        const auto program = folder.path() / name;
        std::filesystem::copy_file("/bin/sleep", program);
        std::array<const char *, 3> arguments{program.c_str(), "60", nullptr};
        pid_t child = 0;
        // It runs the program when posix_spawn() returns.
        ASSERT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, const_cast<char **>(arguments.data()), environ), 0);
        auto peer = peer_of(++connection, open);
        peer.pid = child;
        const auto caller = callers.find(peer, "root");
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        EXPECT_EQ(caller->executable, is_text ? std::optional(program.native()) : std::nullopt);
    }
}

// As many as there may be, and none twice: what was found once is what the log tells.
TEST(Callers, AreRememberedAsLongAsTheirConnectionsAndNoLonger) {
    Callers callers;
    constexpr std::uint64_t connections = 4096;
    std::vector<std::shared_ptr<int>> open;
    std::vector<std::shared_ptr<const mr::EventCaller>> found;
    for (std::uint64_t i = 0; i < connections; ++i) {
        open.push_back(std::make_shared<int>());
        found.push_back(callers.find(peer_of(i, open.back()), "root"));
    }
    for (std::uint64_t i = 0; i < connections; ++i) EXPECT_EQ(callers.find(peer_of(i, open[i]), "root"), found[i]);
    open.resize(10);
    for (std::uint64_t i = 0; i < 3 * connections; ++i) (void)callers.find(peer_of(connections + i, std::make_shared<int>()), "root");
    EXPECT_LE(callers.remembered(), 2 * connections + 1);
    for (std::uint64_t i = 0; i < open.size(); ++i) EXPECT_EQ(callers.find(peer_of(i, open[i]), "root"), found[i]);
}

TEST(Callers, TheUnitIsThePlaceBelowSystemSlice) {
    EXPECT_EQ(unit_from_cgroup("0::/system.slice/foo.service\n"), "foo.service");
    EXPECT_EQ(unit_from_cgroup("12:cpu:/x\n0::/system.slice/foo.service\n"), "foo.service");
    EXPECT_EQ(unit_from_cgroup("0::/system.slice/system-getty.slice/getty@tty1.service"), "system-getty.slice/getty@tty1.service");
    EXPECT_EQ(unit_from_cgroup("0::/init.scope"), "init.scope");
}

// Whoever owns a group can make others in it, of any name.
TEST(Callers, AGroupWithinAUnitOrAUsersSliceIsNotTakenForAUnitOfTheSystem) {
    EXPECT_EQ(unit_from_cgroup("0::/system.slice/mine.service/foo.service"), "mine.service/foo.service");
    EXPECT_EQ(unit_from_cgroup("0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service"),
              "user.slice/user-1000.slice/user@1000.service/app.slice/foo.service");
    EXPECT_EQ(unit_from_cgroup("0::/user.slice/user-1000.slice/user@1000.service/system.slice/foo.service"),
              "user.slice/user-1000.slice/user@1000.service/system.slice/foo.service");
}

TEST(Callers, APlaceThatIsNoUnitHasNone) {
    for (const auto *cgroup : {"", "0::/", "0::/docker/0123456789abcdef", "1:name=systemd:/system.slice/foo.service",
                               "0::/../system.slice/foo.service", "0::/system.slice/\xFF.service"})
        EXPECT_EQ(unit_from_cgroup(cgroup), std::nullopt) << cgroup;
    EXPECT_EQ(unit_from_cgroup("0::/system.slice/" + std::string(max_unit, 'a') + ".service"), std::nullopt);
}

TEST(Callers, AProcessHasStartedWhenItsTwentySecondFieldSays) {
    std::string fields = "S";
    for (int i = 4; i < 22; ++i) fields += " 7";
    const auto ticks = ::sysconf(_SC_CLK_TCK);
    EXPECT_EQ(start_from_stat("42 (a) b (c) " + fields + " " + std::to_string(3 * ticks) + " 9 9\n"), 3s);
    EXPECT_EQ(start_from_stat("42 (a) " + fields), std::nullopt);
    EXPECT_EQ(start_from_stat(""), std::nullopt);
}

}  // namespace
}  // namespace mrd
