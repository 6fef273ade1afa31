// A program that is stopped at each of its system calls from where it first names a file until it becomes another program: so that a test can change the file
// at every point at which that can make a difference, without a seam in the program and without waiting.
#pragma once

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/process.h"

namespace mrd {

struct Stepped {
    Finished finished;
    int points = 0;  // how many there were
};

namespace detail {

// The text that the stopped process has there, as far as it matters.
inline std::string text_at(pid_t process, std::uint64_t address, std::size_t most) {
    std::string text(most, '\0');
    iovec here{.iov_base = text.data(), .iov_len = text.size()};
    iovec there{.iov_base = reinterpret_cast<void *>(address), .iov_len = text.size()};
    const auto size = ::process_vm_readv(process, &here, 1, &there, 1, 0);
    return text.substr(0, size < 0 ? 0 : std::string_view(text.data(), static_cast<std::size_t>(size)).find('\0'));
}

inline __ptrace_syscall_info call_of(pid_t process) {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof(info), &info);
    return info;
}

}  // namespace detail

// Runs the command; at its point number `at` (0: the first; none: nowhere) it calls `change`.
inline Stepped run_stepped(std::vector<std::string> command, const std::filesystem::path &folder, const std::filesystem::path &file,
                           const std::map<std::string, std::string> &environment, int at, const std::function<void()> &change) {
    const auto out = folder / "stepped.out";
    const auto err = folder / "stepped.err";
    std::filesystem::remove(err);
    std::filesystem::remove(out);
    std::vector<char *> arguments;
    for (auto &argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error("fork failed");
    if (process == 0) {
        ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
        ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
        ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
        for (const auto &[name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
        ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // NOLINT(concurrency-mt-unsafe): which needs ptrace itself
        if (::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) ::_exit(126);
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    Stepped stepped;
    bool begun = false;
    bool ended = false;
    int status = 0;
    if (::waitpid(process, &status, 0) != process || !WIFSTOPPED(status)) throw std::runtime_error("the program cannot be traced");
    ::ptrace(PTRACE_SETOPTIONS, process, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC);
    for (int signal = 0;;) {
        ::ptrace(PTRACE_SYSCALL, process, 0, signal);
        if (::waitpid(process, &status, 0) != process) throw std::runtime_error("the program is lost");
        if (!WIFSTOPPED(status)) break;
        signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
        signal = 0;
        if (ended) continue;
        const auto call = detail::call_of(process);
        const bool is_entry = call.op == PTRACE_SYSCALL_INFO_ENTRY;
        if (!begun && is_entry) {
            const bool names_file = call.entry.nr == SYS_openat || call.entry.nr == SYS_newfstatat;
            begun = names_file && detail::text_at(process, call.entry.args[1], file.native().size() + 1) == file.native();
        }
        if (!begun) continue;
        if (stepped.points++ == at) change();
        ended = is_entry && (call.entry.nr == SYS_execveat || call.entry.nr == SYS_execve);
    }
    stepped.finished = {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), contents(out), contents(err)};
    return stepped;
}

}  // namespace mrd
