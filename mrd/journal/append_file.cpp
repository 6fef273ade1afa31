#include "mrd/journal/append_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "mrd/journal/file_window.h"
#include "mrd/opener/opener.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::journal {

namespace {

std::unexpected<std::error_code> failure() { return std::unexpected(std::error_code(errno, std::generic_category())); }

// Calls until no signal interrupts it.
template <class Call>
auto uninterrupted(const Call &call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

class PosixAppendFile final : public AppendFile {
public:
    PosixAppendFile(varlink::FileDescriptor file, const struct stat &status)
        : file_(std::move(file)), device_(status.st_dev), inode_(status.st_ino), window_(FileWindow::over(file_.get())) {}

    Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes) override {
        // Bytes that allocate() gave need no further space, so that no write in the window can want for any. It goes forward only: a slot is no reason to move it.
        const bool is_allocated = allocated_from_ <= offset && offset + bytes.size() <= allocated_until_;
        if (window_ && is_allocated && offset >= window_->begin()) {
            switch (window_->write(offset, bytes, allocated_until_)) {
            case FileWindow::Outcome::written: return bytes.size();
            case FileWindow::Outcome::lost: return std::unexpected(std::make_error_code(std::errc::io_error));
            case FileWindow::Outcome::refused: break;
            }
        }
        // A write behind the end of a file that somebody has cut off makes it as long again, with a hole in the place of what was there. Afterwards too: it may happen in between.
        if (is_cut_off()) return std::unexpected(std::make_error_code(std::errc::io_error));
        const auto count = uninterrupted([&] { return ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        if (count < 0) return failure();
        if (is_cut_off()) return std::unexpected(std::make_error_code(std::errc::io_error));
        return static_cast<std::size_t>(count);
    }

    Result<void> allocate(std::uint64_t offset, std::uint64_t size) override {
        // Not posix_fallocate: where the file system cannot allocate it would write zeros over what it should leave alone.
        if (uninterrupted([&] { return ::fallocate(file_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(size)); }) == 0) {
            if (offset != allocated_until_) allocated_from_ = offset;
            allocated_until_ = offset + size;
            return {};
        }
        if (errno != EOPNOTSUPP) return failure();
        // Zeros in the place of the reservation.
        static constexpr std::size_t piece_size = 4096;
        static constexpr std::uint8_t zeros[piece_size] = {};
        for (std::uint64_t done = 0; done < size;) {
            const auto piece = std::min<std::uint64_t>(piece_size, size - done);
            const auto count = write(offset + done, {zeros, piece});
            if (!count) return std::unexpected(count.error());
            done += *count;
        }
        return {};
    }

    Result<void> sync() override {
        if (uninterrupted([&] { return ::fdatasync(file_.get()); }) != 0) return failure();
        return {};
    }

    Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
        const auto count = uninterrupted([&] { return ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset)); });
        if (count < 0) return failure();
        return static_cast<std::size_t>(count);
    }

    Result<std::uint64_t> size() override {
        struct stat status{};
        if (::fstat(file_.get(), &status) != 0) return failure();
        return static_cast<std::uint64_t>(status.st_size);
    }

    Result<bool> holds(const Mark &mark) override {
        if (window_) {
            if (const auto holds = window_->holds(mark)) return *holds;
        }
        std::array<std::uint8_t, Mark::size> found{};
        const auto count = read(mark.offset, found);
        if (!count) return std::unexpected(count.error());
        return *count == found.size() && found == mark.bytes;
    }

    Result<std::uint64_t> size_at(const std::filesystem::path &path) override {
        // Not lstat: who asks Linux (6.13 and later) for a file's times makes its next write change them, and the sync behind that write wait for the inode.
        struct statx status{};
        if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_SIZE, &status) != 0) return failure();
        if (::makedev(status.stx_dev_major, status.stx_dev_minor) != device_ || status.stx_ino != inode_)
            return std::unexpected(std::make_error_code(std::errc::no_such_file_or_directory));
        return status.stx_size;
    }

private:
    bool is_cut_off() {
        const auto now = size();
        return now && *now < allocated_until_;
    }

    varlink::FileDescriptor file_;
    dev_t device_;
    ino_t inode_;
    std::optional<FileWindow> window_;  // none: each write is a system call
    std::uint64_t allocated_from_ = 0;  // by the kernel, for this one
    std::uint64_t allocated_until_ = 0;
};

}  // namespace

std::expected<std::unique_ptr<AppendFile>, std::error_code> open_append_file(const std::filesystem::path &path, OpenMode mode) {
    constexpr mode_t owner_only = 0600;
    // Somebody else's file may be a link, and must not be waited for if it is a pipe.
    const int flags = O_CLOEXEC | O_RDWR | O_NOFOLLOW | (mode == OpenMode::new_file ? O_CREAT | O_EXCL : 0);
    auto file = mode == OpenMode::read_only ? opener::open(path, O_RDONLY | O_NONBLOCK)
                                            : varlink::FileDescriptor(::open(path.c_str(), flags, owner_only));
    if (!file) return failure();
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return failure();
    if (!S_ISREG(status.st_mode)) return std::unexpected(std::make_error_code(std::errc::not_supported));
    if (mode == OpenMode::read_only) return std::make_unique<PosixAppendFile>(std::move(file), status);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::unexpected(std::make_error_code(std::errc::device_or_resource_busy));
        return failure();
    }
    auto opened = std::make_unique<PosixAppendFile>(std::move(file), status);
    // Who had the lock may have put another file in its place meanwhile, and has the lock on that.
    if (!opened->size_at(path)) return std::unexpected(std::make_error_code(std::errc::device_or_resource_busy));
    return opened;
}

AppendFile::Result<void> sync_folder(const std::filesystem::path &folder) {
    const varlink::FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::fsync(opened.get()) != 0) return failure();
    return {};
}

}  // namespace mrd::journal
