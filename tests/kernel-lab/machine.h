// What the tests have in common that run in the kernel lab's virtual machine: the kernel's files, system calls whose outcome can be compared, and the
// parameters of the module beneath.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <expected>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mrd::lab {

inline const std::filesystem::path measurements = "/sys/class/misc/tdx_guest/measurements";
inline const std::filesystem::path reports = "/sys/kernel/config/tsm/report";
inline const std::filesystem::path parameters = "/sys/module/mrd_lab/parameters";
inline constexpr std::size_t register_size = 48;

// What a system call gave: "48", or "EINVAL".
inline std::string outcome(long result) { return result < 0 ? ::strerrorname_np(errno) : std::to_string(result); }

// An open file; one that could not be opened has a negative descriptor, and errno says why.
class File {
public:
    File(const std::filesystem::path &path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    ~File() { close(); }

    [[nodiscard]] int get() const { return descriptor_; }
    // "0", or what close() gives.
    std::string close() { return descriptor_ < 0 ? "0" : outcome(::close(std::exchange(descriptor_, -1))); }

private:
    int descriptor_;
};

// "opened", or why not.
inline std::string opens(const std::filesystem::path &path, int flags) {
    const File file(path, flags);
    return file.get() < 0 ? outcome(-1) : "opened";
}

// All that a file gives from its beginning, or the error.
inline std::expected<mr::Bytes, std::string> read_all(int descriptor) {
    mr::Bytes bytes(65536);
    std::size_t size = 0;
    for (;;) {
        const auto got = ::pread(descriptor, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
        if (got < 0) return std::unexpected(outcome(got));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return bytes;
}
inline std::expected<mr::Bytes, std::string> read_all(const std::filesystem::path &path) {
    const File file(path, O_RDONLY);
    if (file.get() < 0) return std::unexpected(outcome(-1));
    return read_all(file.get());
}

// As text, or the error's name.
inline std::string text_of(const std::filesystem::path &path) {
    const auto bytes = read_all(path);
    return bytes ? std::string(bytes->begin(), bytes->end()) : bytes.error();
}

// One open, one write at offset 0, one close.
inline std::string write_once(const std::filesystem::path &path, mr::ByteView bytes) {
    File file(path, O_WRONLY);
    if (file.get() < 0) return outcome(-1);
    return outcome(::pwrite(file.get(), bytes.data(), bytes.size(), 0));
}
inline std::string write_once(const std::filesystem::path &path, std::string_view text) { return write_once(path, mr::as_bytes(text)); }

// ---- The module

inline void set_parameter(std::string_view name, std::string_view value) {
    const auto wrote = write_once(parameters / name, value);
    if (wrote != std::to_string(value.size())) throw std::runtime_error("parameter " + std::string(name) + ": " + wrote);
}
inline int parameter(std::string_view name) { return std::stoi(text_of(parameters / name)); }

// Set while it lives, zero afterwards.
class Parameter {
public:
    Parameter(std::string name, int value) : name_(std::move(name)) { set_parameter(name_, std::to_string(value)); }
    Parameter(const Parameter &) = delete;
    Parameter &operator=(const Parameter &) = delete;
    ~Parameter() { set_parameter(name_, "0"); }

private:
    std::string name_;
};

// Waits until so many calls of a kind are held.
inline void wait_until_held(const std::string &kind, int calls) {
    while (parameter(kind + "_held") != calls) std::this_thread::yield();
}

// ---- Registers and TDREPORTs

inline mr::Bytes value_of(std::string_view file) { return read_all(measurements / file).value(); }

inline mr::Bytes extended(mr::ByteView value, mr::ByteView digest) {
    auto hasher = mr::Hasher::open(mr::HashAlgorithm::sha384).value();
    const auto result = hasher.extend(value, digest);
    return {result.bytes().begin(), result.bytes().end()};
}

inline mr::Bytes some_digest(std::uint8_t fill) { return mr::Bytes(register_size, fill); }

// As <linux/tdx-guest.h> has it, which came with Linux 6.2.
struct ReportRequest {
    std::array<std::uint8_t, 64> report_data{};
    std::array<std::uint8_t, 1024> report{};
};
inline constexpr unsigned long get_report0 = _IOWR('T', 1, ReportRequest);

inline std::expected<mr::Bytes, std::string> tdreport(std::uint8_t fill = 0) {
    const File device("/dev/tdx_guest", O_RDWR);
    ReportRequest request;
    request.report_data.fill(fill);
    if (device.get() < 0 || ::ioctl(device.get(), get_report0, &request) != 0) return std::unexpected(outcome(-1));
    return mr::Bytes(request.report.begin(), request.report.end());
}

inline mr::Bytes part(const mr::Bytes &report, std::size_t offset, std::size_t size = register_size) {
    const auto begin = report.begin() + static_cast<std::ptrdiff_t>(offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}
inline mr::Bytes rtmr_in(const mr::Bytes &report, std::size_t index) { return part(report, 720 + index * register_size); }

// ---- Others

// What `work` says as another user, in a process of its own.
inline std::string as_user(uid_t uid, const std::function<std::string()> &work) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "no pipe";
    const auto child = ::fork();
    if (child == 0) {
        std::string said = ::setgid(uid) != 0 || ::setuid(uid) != 0 ? "no such user" : work();
        said.resize(said.size() < 64 ? said.size() : 64);
        if (::write(ends[1], said.data(), said.size()) < 0) ::_exit(1);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::array<char, 64> said{};
    const auto size = ::read(ends[0], said.data(), said.size());
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return {said.data(), static_cast<std::size_t>(size < 0 ? 0 : size)};
}

// A system call on a thread of its own, to be looked at while it waits.
class Waiting {
public:
    // `number`: of the system call that `call` makes at last.
    Waiting(long number, std::function<long()> call) : number_(std::to_string(number) + " ") {
        struct sigaction nothing{};
        nothing.sa_handler = [](int) {};
        ::sigaction(SIGUSR1, &nothing, nullptr);
        thread_ = std::jthread([this, call = std::move(call)] {
            thread_id_ = ::gettid();
            outcome_ = lab::outcome(call());
            returned_ = true;
        });
    }
    Waiting(const Waiting &) = delete;
    Waiting &operator=(const Waiting &) = delete;
    // Lets go whatever is held: a test that fails must end.
    ~Waiting() {
        for (const auto *kind : {"extend", "refresh", "ioctl", "quote"}) set_parameter(std::string(kind) + "_hold", "0");
    }

    // Returns when the call sleeps in the kernel; false: it has returned instead.
    bool sleeps() {
        while (!returned_) {
            std::ifstream now("/proc/self/task/" + std::to_string(thread_id_) + "/syscall");
            std::string text;
            std::getline(now, text);
            if (text.starts_with(number_)) return true;
            std::this_thread::yield();
        }
        return false;
    }
    [[nodiscard]] bool returned() const { return returned_; }
    void interrupt() { ::pthread_kill(thread_.native_handle(), SIGUSR1); }
    std::string outcome() {
        thread_.join();
        return outcome_;
    }

private:
    std::string number_;
    std::string outcome_;
    std::atomic<pid_t> thread_id_ = 0;
    std::atomic<bool> returned_ = false;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace mrd::lab
