// mrfs as it is shipped, on a folder of its own, over an mrd on the simulator. Skips, with the reason, where nothing can be mounted.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/daemon.h"
#include "tests/integration/readiness.h"

namespace mrfs {

// What a test expects of a system call: its result, or the error's number as a negative one.
template <class Number>
long result_of(Number result) {
    return result < 0 ? -errno : static_cast<long>(result);
}

class File {
public:
    File(const std::filesystem::path &path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0600)), error_(errno) {}
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    ~File() { close(); }

    [[nodiscard]] int get() const { return number_; }
    // 0, or the error's number as a negative one.
    [[nodiscard]] long opened() const { return number_ >= 0 ? 0 : -error_; }
    [[nodiscard]] long write(mr::ByteView bytes) const { return result_of(::write(number_, bytes.data(), bytes.size())); }
    [[nodiscard]] long write_at(mr::ByteView bytes, off_t offset) const {
        return result_of(::pwrite(number_, bytes.data(), bytes.size(), offset));
    }
    // To its end, in pieces of this size.
    [[nodiscard]] std::expected<mr::Bytes, int> read(std::size_t piece = 4096) const {
        mr::Bytes all;
        mr::Bytes part(piece);
        for (;;) {
            const auto size = ::read(number_, part.data(), part.size());
            if (size < 0) return std::unexpected(errno);
            if (size == 0) return all;
            all.insert(all.end(), part.begin(), part.begin() + size);
        }
    }
    int close() {
        if (number_ < 0) return 0;
        const int result = ::close(number_);
        number_ = -1;
        return result;
    }

private:
    int number_;
    int error_;
};

inline std::expected<mr::Bytes, int> read_file(const std::filesystem::path &path) {
    const File file(path, O_RDONLY);
    if (file.opened() != 0) return std::unexpected(static_cast<int>(-file.opened()));
    return file.read();
}
inline long write_file(const std::filesystem::path &path, mr::ByteView bytes, int flags = 0) {
    const File file(path, O_WRONLY | flags);
    return file.opened() != 0 ? file.opened() : file.write(bytes);
}
inline std::string read_text(const std::filesystem::path &path) {
    const auto bytes = read_file(path);
    return bytes ? std::string(bytes->begin(), bytes->end()) : "errno " + std::to_string(bytes.error());
}

class MountTest : public mrd::DaemonTest {
protected:
    void SetUp() override {
        if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/fuse cannot be opened here";
        if (::geteuid() != 0) GTEST_SKIP() << "mounting is root's here";
        std::filesystem::create_directory(mountpoint());
        daemon_.emplace(started(mrd_options()));
        if (!start_mrfs()) {
            const auto said = mrd::contents(log());
            if (said.contains("cannot mount")) GTEST_SKIP() << "nothing can be mounted here: " << said;
            FAIL() << said;
        }
    }

    [[nodiscard]] virtual mrd::Daemon::Options mrd_options() const { return {}; }
    [[nodiscard]] virtual std::vector<std::string> mrfs_options() const { return {}; }
    [[nodiscard]] virtual std::map<std::string, std::string> mrfs_environment() const { return {}; }

    // `as`: what it does before it is mrfs.
    bool start_mrfs(const std::function<void()> &as = {}) {
        const auto socket = folder() / ("mrfs-notify" + std::to_string(++count_));
        const mrd::Readiness readiness(socket);
        ::chmod(socket.c_str(), 0666);
        // Another user may not get where this was built: below /root, nobody else does.
        const auto reachable = folder() / "mrfs";
        if (as) std::filesystem::copy_file(places::mrfs(), reachable, std::filesystem::copy_options::overwrite_existing);
        std::vector<std::string> command{as ? reachable.native() : places::mrfs(), "--socket", (folder() / "io.mrd").native()};
        for (auto &option : mrfs_options()) command.push_back(std::move(option));
        command.push_back(mountpoint());
        auto environment = mrfs_environment();
        environment["NOTIFY_SOCKET"] = socket;
        mrfs_ = mrd::Process(command, {.environment = environment, .errors = log(), .in_child = as});
        return readiness.wait_for(mrfs_);
    }
    // Its exit code.
    std::optional<int> stop_mrfs() {
        mrfs_.signal(SIGTERM);
        return mrfs_.wait();
    }
    void TearDown() override {
        // So that the folder can be removed.
        if (mrfs_.pid() > 0) (void)stop_mrfs();
    }

    [[nodiscard]] std::filesystem::path mountpoint() const { return folder() / "mount"; }
    [[nodiscard]] std::filesystem::path log() const { return folder() / "mrfs-log"; }
    [[nodiscard]] std::filesystem::path measurement(const std::string &name) const { return mountpoint() / "measurements" / name; }
    [[nodiscard]] std::filesystem::path report(const std::string &name = "r") const { return mountpoint() / "config/tsm/report" / name; }
    // The process that serves, beside the one that mounts and unmounts.
    [[nodiscard]] pid_t serving() const {
        const auto pid = std::to_string(mrfs_.pid());
        return std::stoi("0" + mrd::contents("/proc/" + pid + "/task/" + pid + "/children"));
    }
    [[nodiscard]] bool is_mounted() const { return mrd::contents("/proc/self/mounts").contains(mountpoint().native()); }

    // Of the shell, in the mountpoint.
    mrd::Finished shell(const std::string &script) const {
        return mrd::run_program({"/bin/sh", "-c", "cd " + mountpoint().native() + "\n" + script}, folder());
    }

    mr::Bytes register_value(const std::string &name) { return daemon_->client().read(name)->value; }

    std::optional<mrd::Daemon> daemon_;
    mrd::Process mrfs_;

private:
    int count_ = 0;
};

inline mr::Bytes digest_bytes(std::string_view text) {
    const auto digest = mrd::digest_of(text);
    return {digest.bytes().begin(), digest.bytes().end()};
}
inline mr::Bytes filled(std::size_t size, std::uint8_t value) { return mr::Bytes(size, value); }

}  // namespace mrfs
