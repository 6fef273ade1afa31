#include "confinement/system_calls.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <latch>
#include <thread>

#include "confinement/landlock.h"
#include "confinement/rights.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/sanitized.h"

namespace confinement {
namespace {

// The exit code of a process that does this, or 1000 + the signal's number.
int in_a_process(const std::function<int()> &work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

constexpr int killed = 1000 + SIGSYS;

TEST(SystemCalls, OneThatIsNotOnTheListEndsTheProcessAndOneThatIsRefusedIsAnError) {
    EXPECT_EQ(system_calls_are_reduced() ? 0 : in_a_process([] {
                  if (!SystemCalls().allow({"write"}).refuse({"getppid"}, EXDEV).enforce()) return 1;
                  return ::syscall(SYS_getppid) == -1 && errno == EXDEV ? 0 : 2;
              }),
              0);
    EXPECT_EQ(in_a_process([] {
                  if (!SystemCalls().enforce()) return 1;
                  ::syscall(SYS_chroot, "/");
                  return 0;
              }),
              killed);
}

TEST(SystemCalls, AreKeptByTheValuesOfTheirArguments) {
    if (system_calls_are_reduced()) GTEST_SKIP() << "a build with a sanitizer is held to less";
    const auto flags = [](int flag) {
        return in_a_process([flag] {
            SystemCalls calls;
            calls.allow_where("fcntl", {{.argument = 1, .value = F_GETFD}});
            calls.refuse_where("fcntl", {{.argument = 1, .value = F_GETFL}}, EXDEV);
            if (!calls.enforce()) return 1;
            return ::fcntl(0, flag) == -1 && errno == EXDEV ? 2 : 0;
        });
    };
    EXPECT_EQ(flags(F_GETFD), 0);
    EXPECT_EQ(flags(F_GETFL), 2);
    EXPECT_EQ(flags(F_GETLK), killed);
}

// A build with a sanitizer, too, whose list is the reduced one.
TEST(SystemCalls, ASocketIsOfAFamilyThatIsAllowed) {
    const auto opens = [](int family) {
        return in_a_process([family] {
            if (!SystemCalls().allow_where("socket", {{.argument = 0, .value = AF_INET}}).enforce()) return 1;
            return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 2;
        });
    };
    EXPECT_EQ(opens(AF_INET), 0);
    EXPECT_EQ(opens(AF_INET6), killed);
}

TEST(SystemCalls, AreKeptForThreadsThatAreThereAlready) {
    EXPECT_EQ(in_a_process([] {
                  std::latch confined(1);
                  std::thread other([&confined] {
                      confined.wait();
                      ::syscall(SYS_chroot, "/");
                  });
                  if (!SystemCalls().enforce()) ::_exit(1);
                  confined.count_down();
                  other.join();
                  return 0;
              }),
              killed);
}

#ifdef __x86_64__
// One thread that is missing would leave a program that holds locks and answers nobody.
TEST(SystemCalls, OfAProgramOfAnotherKindEndTheWholeProcess) {
    const auto called_by_a_thread = [](void (*call)()) {
        return in_a_process([call] {
            if (!SystemCalls().allow({"clone", "clone3", "set_robust_list", "rseq"}).enforce()) return 1;
            std::thread(call).join();
            return 0;
        });
    };
    EXPECT_EQ(called_by_a_thread([] { ::syscall(0x40000000 | SYS_getpid); }), killed);  // x32
    const auto as_i386 = [] { asm volatile("int $0x80" : : "a"(20) : "memory", "r8", "r9", "r10", "r11"); };
    if (in_a_process([as_i386] { return as_i386(), 0; }) != 0) GTEST_SKIP() << "this kernel runs no i386 programs";
    EXPECT_EQ(called_by_a_thread(as_i386), killed);
}
#endif

TEST(FilesAllowed, WhatIsNotBelowANamedPathIsNotOpenedAndWhatIsIsAsFarAsItIsAllowed) {
    const mrd::TemporaryFolder folder;
    for (const char *name : {"own", "read", "listed", "other"}) std::filesystem::create_directory(folder.path() / name);
    for (const char *name : {"own", "read", "listed", "other"})
        ::close(::open((folder.path() / name / "file").c_str(), O_CREAT | O_WRONLY, 0600));
    const auto open = [&folder](const char *name, int flags) { return ::open((folder.path() / name).c_str(), flags, 0600) >= 0; };
    const auto check = [&] {
        if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < 0) return 77;
        FilesAllowed files;
        files.allow(folder.path() / "own", Access::manage)
            .allow(folder.path() / "read", Access::read)
            .allow(folder.path() / "listed", Access::list);
        files.allow(folder.path() / "missing", Access::manage);
        if (!files.enforce()) return 1;
        if (!open("own/file", O_RDWR) || !open("own/new", O_WRONLY | O_CREAT)) return 2;
        if (::rename((folder.path() / "own/new").c_str(), (folder.path() / "own/newer").c_str()) != 0) return 3;
        if (!open("read/file", O_RDONLY) || open("read/file", O_WRONLY) || open("read/new", O_WRONLY | O_CREAT)) return 4;
        if (!open("listed", O_RDONLY | O_DIRECTORY) || open("listed/file", O_RDONLY)) return 5;
        if (open("other/file", O_RDONLY) || errno != EACCES || open("own/../other/file", O_RDONLY)) return 6;
        return 0;
    };
    const int result = in_a_process(check);
    if (result == 77) GTEST_SKIP() << "this kernel has no Landlock";
    EXPECT_EQ(result, 0);
}

TEST(FilesAllowed, OfTcpOnlyThePortsThatAreNamedAreConnectedTo) {
    const auto listening = [](sockaddr_in &address) {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
        socklen_t size = sizeof(address);
        return ::bind(socket, reinterpret_cast<sockaddr *>(&address), size) == 0 && ::listen(socket, 1) == 0 &&
               ::getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size) == 0;
    };
    const auto connects = [](const sockaddr_in &address) {
        return ::connect(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) ==
               0;
    };
    sockaddr_in named{};
    sockaddr_in other{};
    ASSERT_TRUE(listening(named) && listening(other));
    const int result = in_a_process([&] {
        constexpr int first_with_network = 4;
        if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < first_with_network) return 77;
        FilesAllowed files;
        if (!files.allow_connecting_to(ntohs(named.sin_port)).enforce()) return 1;
        if (!connects(named)) return 2;
        return connects(other) || errno != EACCES ? 3 : 0;
    });
    if (result == 77) GTEST_SKIP() << "this kernel's Landlock knows no network";
    EXPECT_EQ(result, 0);
}

TEST(Rights, WhoGivesThemUpIsRootOfNothingAnyMore) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const mrd::TemporaryFolder folder;
    const auto secret = folder.path() / "secret";
    ::close(::open(secret.c_str(), O_CREAT | O_WRONLY, 0000));
    EXPECT_EQ(in_a_process([&] {
                  if (!reduce_rights(std::nullopt, 0)) return 1;
                  if (::open(secret.c_str(), O_RDONLY) >= 0) return 2;
                  // Not glibc's, which do it for every thread and end the process where one has the right yet: a sanitizer's own thread does.
                  if (::syscall(SYS_setgid, 1) == 0 || ::syscall(SYS_setuid, 1) == 0) return 3;
                  // Nor by a program that has rights of its own.
                  return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
              }),
              0);
}

TEST(Rights, WhoBecomesAnotherUserLeavesItsGroupsAndKeepsWhatIsNamed) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const mrd::TemporaryFolder folder;
    const auto secret = folder.path() / "secret";
    ::close(::open(secret.c_str(), O_CREAT | O_WRONLY, 0000));
    constexpr int dac_override = 1;
    EXPECT_EQ(in_a_process([&] {
                  const gid_t group = 4;
                  if (::setgroups(1, &group) != 0) return 1;
                  if (!reduce_rights(Identity{65534, 65534}, capability(dac_override))) return 1;
                  if (::getuid() != 65534 || ::getegid() != 65534 || ::getgroups(0, nullptr) != 0) return 2;
                  if (::open(secret.c_str(), O_RDONLY) < 0) return 3;  // by the capability
                  return ::setuid(0) == 0 || ::chown(secret.c_str(), 1, 1) == 0 ? 4 : 0;
              }),
              0);
    EXPECT_EQ(in_a_process([&] {
                  if (!reduce_rights(Identity{65534, 65534}, 0)) return 1;
                  return ::open(secret.c_str(), O_RDONLY) >= 0 ? 2 : 0;
              }),
              0);
}

}  // namespace
}  // namespace confinement
