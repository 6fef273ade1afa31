// The double of AppendFile: a disk whose files are bytes in memory, and which fails when it is told to.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "mrd/journal/append_file.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::journal {

enum class Fault : std::uint8_t {
    none,
    io_error,
    no_space,
    short_write,  // half of the bytes are written, and the call says so
    torn_write,   // half of the bytes are written, and the call fails
    lost_write,   // all of the bytes are written, and the call fails
    kill,         // this call and all later ones fail and do nothing: what the disk holds is what a crash leaves
};

// Names are those of real, empty files, so that what is linked and renamed keeps its bytes; a file that is not the disk's own is opened as
// it is.
class FaultyDisk {
public:
    enum class Call : std::uint8_t { write, allocate, sync, read, size };

    OpenFile opener() {
        return [this](const std::filesystem::path &path, OpenMode mode) { return open(path, mode); };
    }

    // The Nth call from now on, counted from 1, does this. `until_healed`: and all after it.
    void fail_call(std::uint64_t number, Fault fault, bool until_healed = false) {
        const std::lock_guard lock(mutex_);
        fails_at_ = calls_ + number;
        fault_ = fault;
        until_healed_ = until_healed;
        only_.reset();
        has_failed_ = false;
    }
    // The same, where only calls of one sort count.
    void fail_call(Call sort, std::uint64_t number, Fault fault, bool until_healed = false) {
        fail_call(0, fault, until_healed);
        const std::lock_guard lock(mutex_);
        only_ = sort;
        fails_at_ = counts_[sort] + number;
    }
    void heal() {
        const std::lock_guard lock(mutex_);
        fault_ = Fault::none;
        is_killed_ = false;
    }

    [[nodiscard]] std::uint64_t calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    [[nodiscard]] std::uint64_t calls(Call sort) {
        const std::lock_guard lock(mutex_);
        return counts_[sort];
    }
    [[nodiscard]] bool has_failed() {
        const std::lock_guard lock(mutex_);
        return has_failed_;
    }

    // The bytes of a file. Nobody may be using it.
    mr::Bytes &bytes(const std::filesystem::path &path) {
        struct stat status{};
        if (::stat(path.c_str(), &status) != 0 || !files_.contains(status.st_ino)) return nowhere_;
        return files_.at(status.st_ino)->bytes;
    }

    // A sync that begins waits until release_syncs().
    void hold_syncs() {
        const std::lock_guard lock(mutex_);
        holds_syncs_ = true;
    }
    void release_syncs() {
        const std::lock_guard lock(mutex_);
        holds_syncs_ = false;
        changed_.notify_all();
    }
    // Waits until so many syncs have begun since the disk's first.
    void wait_for_sync(std::uint64_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return counts_[Call::sync] >= number; });
    }

private:
    struct Contents {
        varlink::FileDescriptor name;  // held open, so that its inode's number stays its own
        mr::Bytes bytes;
    };

    // Counts the call and says what it does.
    Fault next(Call sort) {
        const auto number = ++calls_;
        const auto of_sort = ++counts_[sort];
        if (is_killed_) return Fault::io_error;
        if (fault_ == Fault::none || (only_ && *only_ != sort)) return Fault::none;
        const auto count = only_ ? of_sort : number;
        if (count != fails_at_ && !(until_healed_ && count > fails_at_)) return Fault::none;
        has_failed_ = true;
        if (fault_ != Fault::kill) return fault_;
        is_killed_ = true;
        return Fault::io_error;
    }

    static std::unexpected<std::error_code> failure(Fault fault) {
        return std::unexpected(std::error_code(fault == Fault::no_space ? ENOSPC : EIO, std::generic_category()));
    }

    class File final : public AppendFile {
    public:
        File(FaultyDisk &disk, std::shared_ptr<Contents> contents) : disk_(disk), contents_(std::move(contents)) {}

        Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes) override {
            const std::lock_guard lock(disk_.mutex_);
            const auto fault = disk_.next(Call::write);
            if (fault == Fault::io_error || fault == Fault::no_space) return failure(fault);
            if (fault == Fault::short_write || fault == Fault::torn_write) bytes = bytes.first((bytes.size() + 1) / 2);
            auto &all = contents_->bytes;
            if (all.size() < offset + bytes.size()) all.resize(offset + bytes.size());
            std::ranges::copy(bytes, all.begin() + static_cast<std::ptrdiff_t>(offset));
            if (fault == Fault::torn_write || fault == Fault::lost_write) return failure(fault);
            return bytes.size();
        }
        Result<void> allocate(std::uint64_t offset, std::uint64_t size) override {
            const std::lock_guard lock(disk_.mutex_);
            if (const auto fault = disk_.next(Call::allocate); is_failure(fault)) return failure(fault);
            auto &all = contents_->bytes;
            all.resize(std::max<std::size_t>(all.size(), offset + size));
            return {};
        }
        Result<void> sync() override {
            std::unique_lock lock(disk_.mutex_);
            const auto fault = disk_.next(Call::sync);
            disk_.changed_.notify_all();
            disk_.changed_.wait(lock, [this] { return !disk_.holds_syncs_; });
            if (is_failure(fault)) return failure(fault);
            return {};
        }
        Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
            const std::lock_guard lock(disk_.mutex_);
            if (const auto fault = disk_.next(Call::read); is_failure(fault)) return failure(fault);
            const auto &all = contents_->bytes;
            const auto rest = mr::ByteView(all).subspan(std::min<std::size_t>(offset, all.size()));
            const auto found = rest.first(std::min(rest.size(), into.size()));
            std::ranges::copy(found, into.begin());
            return found.size();
        }
        Result<std::uint64_t> size() override {
            const std::lock_guard lock(disk_.mutex_);
            if (const auto fault = disk_.next(Call::size); is_failure(fault)) return failure(fault);
            return contents_->bytes.size();
        }

    private:
        // There is no short form of what is not a write.
        static bool is_failure(Fault fault) { return fault != Fault::none && fault != Fault::short_write; }

        FaultyDisk &disk_;
        std::shared_ptr<Contents> contents_;
    };

    std::expected<std::unique_ptr<AppendFile>, std::error_code> open(const std::filesystem::path &path, OpenMode mode) {
        const std::lock_guard lock(mutex_);
        varlink::FileDescriptor name(
            ::open(path.c_str(), O_CLOEXEC | (mode == OpenMode::new_file ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY), 0600));
        if (!name) return std::unexpected(std::error_code(errno, std::generic_category()));
        struct stat status{};
        if (::fstat(name.get(), &status) != 0) return std::unexpected(std::error_code(errno, std::generic_category()));
        if (mode == OpenMode::new_file) files_[status.st_ino] = std::make_shared<Contents>(Contents{std::move(name), {}});
        const auto found = files_.find(status.st_ino);
        if (found == files_.end()) return open_append_file(path, mode);
        return std::make_unique<File>(*this, found->second);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<ino_t, std::shared_ptr<Contents>> files_;
    mr::Bytes nowhere_;
    std::map<Call, std::uint64_t> counts_;
    std::uint64_t calls_ = 0;
    std::uint64_t fails_at_ = 0;
    std::optional<Call> only_;
    Fault fault_ = Fault::none;
    bool until_healed_ = false;
    bool is_killed_ = false;
    bool has_failed_ = false;
    bool holds_syncs_ = false;
};

}  // namespace mrd::journal
