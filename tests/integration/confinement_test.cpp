// What somebody can do who runs code of his own in the programs as they are shipped: tests/exploit/exploit.cpp is preloaded into them.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/exploit/orders.h"
#include "tests/integration/mrctl.h"
#include "tests/integration/other_etc.h"
#include "tests/integration/reload.h"
#include "tests/mrd/datagram_socket.h"
#include "tests/places.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int ended_by_seccomp = 1000 + SIGSYS;

class MrctlConfinement : public MrctlTest {
protected:
    // The command, in which `order` is carried out when the first of the file's bytes are hashed.
    Finished exploited(std::vector<std::string> command, const std::string &order) {
        command.insert(command.begin(), places::mrctl());
        return run_program(command, folder(), {},
                           {{"LD_PRELOAD", places::exploit()}, {"MRD_EXPLOIT", order}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}});
    }

    // Each command that reads a stranger's file, on one in which something is hashed.
    std::vector<std::vector<std::string>> commands() {
        start();
        const auto evidence = (folder() / "evidence.json").native();
        const auto log = (folder() / "log.json").native();
        for (const auto &made : std::vector<std::vector<std::string>>{{"extend", "rtmr3", "--digest", hex(7)},
                                                                      {"evidence", "--data", hex(7), "-o", evidence},
                                                                      {"log", "--format", "json", "-o", log}}) {
            const auto done = mrctl(made);
            EXPECT_EQ(done.exit_code, 0) << done.err;
        }
        return {{"verify", evidence}, {"inspect", evidence}, {"inspect", log}, {"replay", "--log", log}};
    }
};

TEST_F(MrctlConfinement, WhoTakesOverVerifyInspectOrReplayOfAFileRunsNothingAndMakesNoSocket) {
    auto orders = ends_any_build;
    if (!is_sanitized) orders.insert(orders.end(), ends_it.begin(), ends_it.end());
    if (!is_sanitized) orders.insert(orders.end(), {"unix", "write-input"});
    for (const auto &command : commands()) {
        for (const auto &order : orders) {
            const auto done = exploited(command, order);
            EXPECT_EQ(done.exit_code, ended_by_seccomp) << command.front() << ' ' << order << ": " << done.err;
        }
    }
}

TEST_F(MrctlConfinement, NorChangesWhatLandlockDoesNotLookAtNorReachesOthersByANumber) {
    if (is_sanitized) GTEST_SKIP() << "a build with a sanitizer is held to less";
    const auto command = commands().front();
    auto orders = has_forbidden_arguments;
    for (const auto *names : {&changes_what_landlock_leaves, &reaches_others}) {
        for (const auto &name : *names) orders.push_back("call " + name);
    }
    for (const auto &order : orders) EXPECT_EQ(exploited(command, order).exit_code, ended_by_seccomp) << order;
}

TEST_F(MrctlConfinement, NorOpensAnyFile) {
    const auto file = (folder() / "file").native();
    std::ofstream(file) << "secret";
    for (const auto &command : commands()) {
        for (const auto &order : {"read " + file, "write " + file, "write " + file + ".new", std::string("read /etc/passwd")}) {
            const auto done = exploited(command, order);
            EXPECT_THAT(done.err, HasSubstr("exploit: " + order + ": " + std::to_string(EACCES) + "\n")) << command.front();
        }
        // (A sanitized build is kept from it by Landlock alone.)
        const auto removing = exploited(command, "remove " + file);
        EXPECT_TRUE(is_sanitized || removing.exit_code == ended_by_seccomp) << removing.err;
        EXPECT_TRUE(std::filesystem::exists(file));
    }
}

// mrd with what the provider tsm needs beside what the simulator does: rules are those of all providers that are configured.
constexpr const char *sim_and_tsm = R"(
[[provider]]
type = "sim"
name = "tdx"
[[provider]]
type = "tsm"
name = "kernel"
required = false
qgs = "vsock:2:4050"
)";

class MrdConfinement : public DaemonTest {
protected:
    Daemon exploitable(const std::string &config = sim_and_tsm) {
        return started({.arguments = {},
                        .environment = {{"LD_PRELOAD", places::exploit()}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}},
                        .config = config});
    }

    // Has mrd hash the order, in the thread that serves everybody. What it tells in its log, or nothing: it has ended by it.
    static std::string give(Daemon &daemon, const std::string &order) {
        auto client = daemon.client();
        const auto extended = client.measure("tdx/rtmr3", mr::as_bytes("exploit: " + order), {});
        if (!extended) return {};
        const auto log = daemon.log();
        const auto at = log.rfind("exploit: " + order + ": ");
        return at == std::string::npos ? "not carried out" : log.substr(at, log.find('\n', at) - at);
    }
    // A kernel that runs no 32-bit programs (ia32_emulation=off) ends who calls like one by SIGSEGV, whatever mrd keeps of it.
    static bool runs_i386() {
#ifdef __x86_64__
        const pid_t child = ::fork();
        if (child == 0) {
            asm volatile("int $0x80" : : "a"(20) : "memory", "r8", "r9", "r10", "r11");
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status);
#else
        return true;
#endif
    }
    // An mrd that is given this order ends by it.
    void ends(const std::string &order) {
        auto daemon = exploitable();
        const auto done = give(daemon, order);
        EXPECT_EQ(done, "") << order;
        if (done.empty()) {
            EXPECT_EQ(daemon.process().wait(), ended_by_seccomp) << order << ": " << daemon.log();
        }
    }
    static std::string told(const std::string &order, int result) { return "exploit: " + order + ": " + std::to_string(result); }
};

TEST_F(MrdConfinement, WhoTakesItOverRunsNothingMakesNoSocketAndReachesNoOtherProcess) {
    auto orders = ends_any_build;
    if (!is_sanitized) orders.insert(orders.end(), ends_it.begin(), ends_it.end());
    for (const auto &order : orders) ends(order);
    auto daemon = exploitable();
    if (!is_sanitized) {
        EXPECT_EQ(give(daemon, "unix"), told("unix", EAFNOSUPPORT));
    }
    EXPECT_EQ(daemon.stop(), 0);
}

// As root without a right every file of root's is his own: he must not be able to make one a program that runs as root.
TEST_F(MrdConfinement, NorChangesModesOwnersTimesOrAttributesOfAnyFile) {
    if (is_sanitized) GTEST_SKIP() << "a build with a sanitizer is held to less";
    std::vector<std::string> orders{"setuid-file " + (folder() / "state/program").native(), "file-flags"};
    for (const auto &name : changes_what_landlock_leaves) orders.push_back("call " + name);
    for (const auto &order : orders) ends(order);
    EXPECT_FALSE(std::filesystem::exists(folder() / "state/program"));
}

TEST_F(MrdConfinement, NorReachesOthersByTheirNumbersOrByANameOfTheirs) {
    if (is_sanitized) GTEST_SKIP() << "a build with a sanitizer is held to less";
    auto orders = has_forbidden_arguments;
    for (const auto &name : reaches_others) orders.push_back("call " + name);
    for (const auto &order : orders) ends(order);
}

// mrd's own ends of datagrams are connected; an address would be stronger than that.
TEST_F(MrdConfinement, NorWritesToADatagramSocketOfAnothers) {
    if (is_sanitized) GTEST_SKIP() << "a build with a sanitizer is held to less";
    const DatagramSocket another((folder() / "another").native());
    for (const char *order : {"send-to ", "send-message-to "}) ends(order + another.path());
    EXPECT_EQ(another.next(std::chrono::milliseconds(0)), "");
}

TEST_F(MrdConfinement, NorCallsAsA32BitProgramWhichEndsMoreThanOneThread) {
    if (is_sanitized) GTEST_SKIP() << "a build with a sanitizer is held to less";
    ends("call x32");
    if (!runs_i386()) GTEST_SKIP() << "this kernel runs no i386 programs";
    ends("i386");
}

TEST_F(MrdConfinement, ASocketHasTheModeThatNewRulesNeedByAnOpener) {
    const std::string for_root = "[[access]]\nname = \"mine\"\nusers = [0]\nallow = [\"list\"]\n";
    const std::string for_all = "[[access]]\nname = \"all\"\nallow = [\"read\"]\n";
    auto daemon = exploitable(sim_and_tsm + for_root);
    const auto mode = [&daemon] {
        (void)daemon.client().call("io.mrd.Registers.List", "{}");  // it has done all that the signal asked for
        struct stat file{};
        EXPECT_EQ(::stat(daemon.socket().c_str(), &file), 0);
        return file.st_mode & 07777U;
    };
    EXPECT_EQ(mode(), 0600U);
    reload(daemon, folder(), sim_and_tsm + for_root + for_all, "rules=3");
    EXPECT_EQ(mode(), 0666U);
    reload(daemon, folder(), sim_and_tsm + for_root, "rules=2");
    EXPECT_EQ(mode(), 0600U);
    EXPECT_EQ(daemon.stop(), 0);
}

// Found out behind the confinement, too.
TEST_F(MrdConfinement, AConfigurationThatOthersMayWriteByNowIsNotLoadedAgain) {
    auto daemon = exploitable();
    const auto file = folder() / "mrd.toml";
    std::filesystem::permissions(file, std::filesystem::perms(0666));
    reload(daemon, folder(), sim_and_tsm, "stay as they were reason=\"the configuration: " + file.native() + " may be written by others");
    std::filesystem::permissions(file, std::filesystem::perms(0644));
    reload(daemon, folder(), sim_and_tsm, "access rules and log.audit are reloaded");
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(MrdConfinement, NorOpensAFileThatIsNotItsOwn) {
    const TemporaryFolder elsewhere;
    const auto file = (elsewhere.path() / "file").native();
    std::ofstream(file) << "secret";
    std::filesystem::create_symlink(file, folder() / "link");
    std::ofstream(folder() / "beside") << "";
    auto daemon = exploitable();
    for (const auto &order : {"read " + file, "write " + file, "write " + file + ".new", "remove " + file,
                              "read " + (folder() / "link").native(), "write " + (folder() / "state/../beside").native(),
                              "remove " + (folder() / "beside").native(), "remove " + (folder() / "io.mrd").native(),
                              std::string("read /etc/hostname"), std::string("write /dev/tdx_guest.not"), std::string("read /usr/bin/env")})
        EXPECT_EQ(give(daemon, order), told(order, EACCES));
    EXPECT_TRUE(std::filesystem::exists(file));
    // Nor is one his own by a second name.
    const auto link = "link " + file + " " + (folder() / "state/stolen").native();
    EXPECT_EQ(give(daemon, link), told(link, EXDEV));
    // Its own it does: the test can tell the one from the other.
    const auto own = (folder() / "state/new").native();
    for (const auto &order : {"write " + own, "link " + own + " " + own + ".1"}) EXPECT_EQ(give(daemon, order), told(order, 0));
    EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(MrdConfinement, WithoutItEverythingIsOpenWhichIsSaid) {
    auto daemon = exploitable(std::string("[service]\nconfinement = \"off\"\n") + sim_and_tsm);
    EXPECT_THAT(daemon.log(), HasSubstr("mrd is not confined"));
    EXPECT_EQ(give(daemon, "inet"), told("inet", 0));
    EXPECT_EQ(give(daemon, "read /etc/passwd"), told("read /etc/passwd", 0));
    EXPECT_EQ(daemon.stop(), 0);
}

// As on a kernel that does not have the call: from here on, and for who is run next. Nor can prctl() make a filter then.
void take_call_away(std::uint32_t number) {
    std::array filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 3, 0),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number == SYS_seccomp ? std::uint32_t{PR_SET_SECCOMP} : ~0U, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(99);
}

TEST_F(MrdConfinement, WithoutLandlockOrSeccompMrdGoesOnAndSaysSoOrWhereItIsRequiredDoesNotStart) {
    const std::string required = "[service]\nconfinement = \"required\"\n";
    for (const auto &[call, told] :
         {std::pair<std::uint32_t, std::string>(SYS_landlock_create_ruleset, "mrd may open files that are not its own"),
          std::pair<std::uint32_t, std::string>(SYS_seccomp, "the kernel does not keep the list of system calls")}) {
        const auto without = [missing = call] { take_call_away(missing); };
        Daemon going_on(folder(), {.in_child = without});
        EXPECT_TRUE(going_on.ready()) << going_on.log();
        EXPECT_THAT(going_on.log(), HasSubstr(told));
        EXPECT_TRUE(going_on.client().extend("tdx/rtmr3", digest_of("one"), {}));
        EXPECT_EQ(going_on.stop(), 0);

        Daemon refusing(folder(), {.config = required, .in_child = without});
        EXPECT_FALSE(refusing.ready());
        EXPECT_EQ(refusing.process().wait(), 1) << refusing.log();
        EXPECT_THAT(refusing.log(), HasSubstr("service.confinement = \"best-effort\" goes on without"));
    }

    auto confined = started({.config = required});
    EXPECT_THAT(confined.log(), HasSubstr("confined"));
    EXPECT_EQ(confined.stop(), 0);
}

TEST_F(MrdConfinement, AnotherUserIsBecomeAndTheStateIsGivenToHimOnce) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    // Whoever is nobody has to get there.
    std::filesystem::permissions(folder(), std::filesystem::perms(0755));
    {
        EXPECT_EQ(started().stop(), 0);
    }  // as root: the state is root's
    for (int start = 0; start < 2; ++start) {
        const auto with_a_group = [] {
            const gid_t group = 4;
            (void)!::setgroups(1, &group);
        };
        auto daemon = started({.arguments = {"--sim"}, .config = "[service]\nuser = \"nobody\"\n", .in_child = with_a_group});
        const auto status = contents("/proc/" + std::to_string(daemon.process().pid()) + "/status");
        EXPECT_THAT(status, HasSubstr("\nUid:\t65534\t65534\t65534\t65534\n"));
        EXPECT_THAT(status, HasSubstr("\nGid:\t65534\t65534\t65534\t65534\n"));
        EXPECT_THAT(status, HasSubstr("\nGroups:\t \n"));
        for (const char *set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
            EXPECT_THAT(status, HasSubstr("\n" + std::string(set) + ":\t0000000000000000\n"));
        EXPECT_THAT(status, HasSubstr("\nNoNewPrivs:\t1\n"));
        EXPECT_THAT(status, HasSubstr("\nSeccomp:\t2\n"));
        for (const auto &entry : std::filesystem::directory_iterator(folder() / "state")) {
            struct stat owner{};
            ASSERT_EQ(::lstat(entry.path().c_str(), &owner), 0);
            EXPECT_EQ(owner.st_uid, 65534U) << entry.path();
        }
        auto client = daemon.client();
        EXPECT_TRUE(client.extend("tdx/rtmr3", digest_of("one"), {}));
        EXPECT_EQ(daemon.stop(), 0);
    }
}

TEST_F(MrdConfinement, AnMrdThatStaysRootWhereThereIsAUserForItSaysSo) {
    if (const std::string why = why_no_other_etc(); !why.empty()) GTEST_SKIP() << why;
    const auto etc = folder() / "etc";
    std::filesystem::create_directory(etc);
    const std::string root = "root:x:0:0::/root:/bin/sh\n";
    const auto with_user = root + "mrd:x:42000:42000::/:/bin/sh\n";
    const auto told_of = [&](const std::string &users, const std::string &config) {
        std::ofstream(etc / "passwd") << users;
        auto daemon = started({.arguments = {}, .config = config, .in_child = [&etc] { have_at_etc(etc); }});
        EXPECT_EQ(daemon.stop(), 0);
        return daemon.log();
    };
    const std::string hardware = "[[provider]]\ntype = \"tsm\"\nname = \"kernel\"\nrequired = false\n";
    const auto warning = HasSubstr("mrd stays root, without its capabilities, though this machine has the user mrd for it");
    EXPECT_THAT(told_of(with_user, hardware), warning);
    EXPECT_THAT(told_of(root + "amrd:x:42000:42000::/:/bin/sh\n", hardware), Not(warning)) << "there is none";
    EXPECT_THAT(told_of(with_user, "[service]\nuser = \"root\"\n" + hardware), Not(warning)) << "it is meant so";
    EXPECT_THAT(told_of(with_user, "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\n"), Not(warning)) << "somebody tries it out";
}

TEST_F(MrdConfinement, AFileInTheStateThatIsNotMrdsAloneIsNotGivenAway) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::filesystem::permissions(folder(), std::filesystem::perms(0755));
    {
        EXPECT_EQ(started().stop(), 0);
    }
    std::ofstream(folder() / "shadow") << "secret";
    std::filesystem::create_hard_link(folder() / "shadow", folder() / "state/journal.1");
    const auto log = refused({.arguments = {"--sim"}, .config = "[service]\nuser = \"nobody\"\n"});
    EXPECT_THAT(log, HasSubstr("journal.1 is no file of mrd's alone"));
    struct stat owner{};
    ASSERT_EQ(::lstat((folder() / "shadow").c_str(), &owner), 0);
    EXPECT_EQ(owner.st_uid, 0U);
}

TEST_F(MrdConfinement, MrdEndsWithAnErrorWhenAnOpenerHasAndNoOpenerOutlivesIt) {
    auto daemon = started();
    const auto children = [&daemon] {
        const auto pid = std::to_string(daemon.process().pid());
        std::istringstream text(contents("/proc/" + pid + "/task/" + pid + "/children"));
        std::vector<pid_t> pids;
        for (pid_t child = 0; text >> child;) pids.push_back(child);
        return pids;
    };
    const auto openers = children();
    ASSERT_FALSE(openers.empty());
    std::vector<int> ends;
    for (const pid_t opener : openers) ends.push_back(static_cast<int>(::syscall(SYS_pidfd_open, opener, 0)));
    ::kill(openers.front(), SIGKILL);
    EXPECT_EQ(daemon.process().wait(), 1);
    EXPECT_THAT(daemon.log(), HasSubstr("an opener has ended"));
    for (const int end : ends) {
        pollfd ended{end, POLLIN, 0};
        EXPECT_EQ(::poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(patience).count())), 1);
        ::close(end);
    }
}

TEST_F(MrdConfinement, AnOpenerThatHangsEndsWithMrdToo) {
    auto daemon = started();
    const auto pid = std::to_string(daemon.process().pid());
    std::istringstream children(contents("/proc/" + pid + "/task/" + pid + "/children"));
    pid_t opener = 0;
    ASSERT_TRUE(children >> opener);
    pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, opener, 0)), POLLIN, 0};
    ::kill(opener, SIGSTOP);
    daemon.process().signal(SIGKILL);
    EXPECT_EQ(daemon.process().wait(), 1000 + SIGKILL);
    EXPECT_EQ(::poll(&ended, 1, 5000), 1);
    ::kill(opener, SIGKILL);
    ::close(ended.fd);
}

TEST_F(MrdConfinement, WhoACallerIsIsFoundByAnOpener) {
    auto daemon = started();
    {
        auto client = daemon.client();
        ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("one"), {}));
        std::optional<std::string> executable;
        ASSERT_TRUE(client.records(1, false, [&executable](const mr::LogRecord &record) {
            executable = record.caller ? record.caller->executable : std::nullopt;
            return true;
        }));
        EXPECT_THAT(executable.value_or(""), HasSubstr("integration_tests"));
    }
    EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
}  // namespace mrd
