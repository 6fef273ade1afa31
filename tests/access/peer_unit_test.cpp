#include "mrd/access/peer_unit.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

namespace fs = std::filesystem;

TEST(SystemService, IsToldOnlyByAPlaceThatNobodyElseCanHave) {
    EXPECT_EQ(system_service("0::/system.slice/agent.service\n"), "agent.service");
    EXPECT_EQ(system_service("9:name=systemd:/\n1:cpu:/\n0::/system.slice/agent.service\n"), "agent.service") << "with the old hierarchies";
    for (const auto *forged : {
             "0::/system.slice/agent.service/agent.service\n",               // below a service, which can be given its own part
             "0::/system.slice/other.service/system.slice/agent.service\n",  //
             "0::/system.slice/system-agent.slice/agent.service\n",          //
             "0::/user.slice/user-1000.slice/user@1000.service/app.slice/agent.service\n",     // a user's own manager
             "0::/user.slice/user-1000.slice/user@1000.service/system.slice/agent.service\n",  //
             "0::/../system.slice/agent.service\n",                                            // outside of mrd's root
             "0::/../../system.slice/agent.service\n",                                         //
             "0::/system.slice/../system.slice/agent.service\n",                               //
             "0::/system.slice/agent.service (deleted)\n",                                     //
             "0::/system.slice/agent.service/\n",
             "0::/system.slice/.service\n",
             "0::/system.slice/agent.scope\n",
             "0::system.slice/agent.service\n",
             "0::/agent.service\n",
             "0::/\n",
             "",                                                                  //
             "1:name=systemd:/system.slice/agent.service\n",                      // no unified hierarchy
             "1:cpu:/\n:0::/system.slice/agent.service\n",                        //
             "0::/system.slice/agent.service\n0::/system.slice/other.service\n",  //
         })
        EXPECT_EQ(system_service(forged), std::nullopt) << forged;
}

// A child that waits to be killed.
class Child {
public:
    Child() : pid_(::fork()) {
        if (pid_ == 0) {
            ::pause();
            ::_exit(0);
        }
    }
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;
    ~Child() { end(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] varlink::FileDescriptor open() const {
        return varlink::FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    }
    // As a zombie it keeps its number.
    void kill() const {
        ::kill(pid_, SIGKILL);
        siginfo_t ended{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT);
    }
    void end() {
        if (pid_ <= 0) return;
        kill();
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_;
};

std::optional<std::string> agents(pid_t) { return "0::/system.slice/agent.service\n"; }

TEST(UnitOfAProcess, IsThatOfTheProcessBehindTheDescriptor) {
    const Child child;
    const auto process = child.open();
    ASSERT_TRUE(process);
    pid_t asked = 0;
    EXPECT_EQ(unit_of(process,
                      [&asked](pid_t pid) {
                          asked = pid;
                          return agents(pid);
                      }),
              "agent.service");
    EXPECT_EQ(asked, child.pid());
    EXPECT_EQ(unit_of(process, [](pid_t) { return std::nullopt; }), std::nullopt) << "it cannot be read";
    EXPECT_EQ(unit_of(varlink::FileDescriptor(), agents), std::nullopt) << "the kernel does not say which process it is";
    EXPECT_EQ(unit_of(varlink::Peer{.uid = 0}), std::nullopt);
}

TEST(UnitOfAProcess, IsNoneOfOneThatEndsWhileItIsRead) {
    Child child;
    const auto process = child.open();
    ASSERT_TRUE(process);
    EXPECT_EQ(unit_of(process,
                      [&child](pid_t pid) {
                          child.kill();
                          return agents(pid);
                      }),
              std::nullopt)
        << "what was read may be that of another, which was given its number";
    EXPECT_EQ(unit_of(process, agents), std::nullopt) << "a zombie";
    child.end();
    EXPECT_EQ(unit_of(process, agents), std::nullopt) << "gone";
}

// A real unified hierarchy, where this test may mount one.
class RealCgroup : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root may move a process into a cgroup";
        if (::mount("none", root().c_str(), "cgroup2", 0, nullptr) != 0) GTEST_SKIP() << "no cgroup2 can be mounted here";
        mounted_ = true;
        std::ifstream own("/proc/self/cgroup");
        for (std::string line; std::getline(own, line);) is_at_root_ = is_at_root_ || line == "0::/";
        if (!is_at_root_) GTEST_SKIP() << "this test is not at the root of the hierarchy: paths from there are not ours to make";
        if (fs::exists(root() / "system.slice")) GTEST_SKIP() << "a service manager's hierarchy is not for tests";
    }
    void TearDown() override {
        for (auto made = made_.rbegin(); made != made_.rend(); ++made) ::rmdir(made->c_str());
        if (mounted_) ::umount(root().c_str());
    }
    [[nodiscard]] const fs::path &root() const { return folder_.path(); }
    void make(const std::string &path) {
        made_.push_back(root() / path);
        ASSERT_EQ(::mkdir(made_.back().c_str(), 0755), 0) << path;
    }
    void move(pid_t pid, const std::string &to) const { std::ofstream(root() / to / "cgroup.procs") << pid << std::flush; }

private:
    TemporaryFolder folder_;
    bool mounted_ = false;
    bool is_at_root_ = false;
    std::vector<fs::path> made_;
};

TEST_F(RealCgroup, IsReadAtEachCall) {
    for (const auto *path : {"system.slice", "system.slice/agent.service", "system.slice/agent.service/system.slice",
                             "system.slice/agent.service/system.slice/other.service", "user.slice", "user.slice/agent.service"})
        make(path);
    Child child;
    const varlink::Peer peer{.process = [&child] { return child.open(); }};
    EXPECT_EQ(unit_of(peer), std::nullopt) << "at the root";
    move(child.pid(), "system.slice/agent.service");
    EXPECT_EQ(unit_of(peer), "agent.service");
    move(child.pid(), "system.slice/agent.service/system.slice/other.service");
    EXPECT_EQ(unit_of(peer), std::nullopt);
    move(child.pid(), "user.slice/agent.service");
    EXPECT_EQ(unit_of(peer), std::nullopt);
    move(child.pid(), "system.slice/agent.service");
    EXPECT_EQ(unit_of(peer), "agent.service");
    child.end();
    EXPECT_EQ(unit_of(peer), std::nullopt);
}

}  // namespace
}  // namespace mrd
