// A child process: started, waited for, ended. It ends with the object.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mrd {

// A failed test instead of one that hangs; under a sanitizer on a busy machine things take long.
inline constexpr auto patience = std::chrono::seconds(60);

// The exit code of what a SIGKILL has ended.
inline constexpr int ended_by_kill = 1000 + SIGKILL;

inline std::string contents(const std::filesystem::path &file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

class Process {
public:
    struct Options {
        std::map<std::string, std::string> environment = {};
        int input = -1;  // -1: /dev/null
        int output = -1;
        std::filesystem::path errors = "/dev/null";
        std::function<void()> in_child = {};  // just before exec
    };

    Process() = default;
    Process(const std::vector<std::string> &command, const Options &options) {
        std::vector<char *> arguments;
        for (const auto &argument : command) arguments.push_back(const_cast<char *>(argument.c_str()));
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork failed");
        if (pid_ == 0) {
            const int null = ::open("/dev/null", O_RDWR);
            ::dup2(options.input >= 0 ? options.input : null, STDIN_FILENO);
            ::dup2(options.output >= 0 ? options.output : null, STDOUT_FILENO);
            ::dup2(::open(options.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
            ::unsetenv("MRD_SOCKET");  // NOLINT(concurrency-mt-unsafe)
            for (const auto &[name, value] : options.environment)
                ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
            if (options.in_child) options.in_child();
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    }
    Process(Process &&other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}
    Process &operator=(Process &&other) noexcept {
        if (this != &other) {
            end();
            pid_ = std::exchange(other.pid_, -1);
            pidfd_ = std::exchange(other.pidfd_, -1);
        }
        return *this;
    }
    ~Process() { end(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    // Readable when the process has ended.
    [[nodiscard]] int pidfd() const { return pidfd_; }

    // Nothing where it has ended: of -1 the kernel takes that every process is meant.
    void signal(int number) const {
        if (pid_ > 0) ::kill(pid_, number);
    }

    // The exit code, or 1000 + the signal's number. Nothing: it does not end.
    std::optional<int> wait() {
        if (pid_ <= 0) return std::nullopt;
        pollfd ended{pidfd_, POLLIN, 0};
        const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
        if (::poll(&ended, 1, static_cast<int>(timeout)) != 1) return std::nullopt;
        int status = 0;
        ::waitpid(pid_, &status, 0);
        ::close(pidfd_);
        pid_ = -1;
        pidfd_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

private:
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        (void)wait();
    }

    pid_t pid_ = -1;
    int pidfd_ = -1;
};

struct Finished {
    std::optional<int> exit_code;
    std::string out;
    std::string err;
};

// Runs a program to its end. What one that ends at once leaks is no fault, and to look for it takes a sanitizer half of its time.
inline Finished run_program(const std::vector<std::string> &command, const std::filesystem::path &folder, const std::string &input = {},
                            std::map<std::string, std::string> environment = {}, const std::function<void()> &in_child = {}) {
    environment.try_emplace("LSAN_OPTIONS", "detect_leaks=0");
    const auto in = folder / "run.in";
    const auto out = folder / "run.out";
    const auto err = folder / "run.err";
    std::ofstream(in, std::ios::binary) << input;
    std::filesystem::remove(err);
    const int in_fd = ::open(in.c_str(), O_RDONLY | O_CLOEXEC);
    const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    Process process(command, {.environment = environment, .input = in_fd, .output = out_fd, .errors = err, .in_child = in_child});
    ::close(in_fd);
    ::close(out_fd);
    const auto exit_code = process.wait();
    return {exit_code, contents(out), contents(err)};
}

}  // namespace mrd
