#include "mrctl/output_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/limits.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <iostream>
#include <thread>
#include <utility>

#include "libmr/src/input_file.h"
#include "mr/file.h"
#include "mrctl/nonce.h"

namespace mrctl {

namespace {

constexpr mode_t new_file_mode = 0666;

std::string own_descriptor(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::string folder_of(const std::string &path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

std::expected<std::string, mr::Error> new_name_beside(const std::string &path) {
    const auto random = new_nonce<std::array<std::uint8_t, 8>>();
    if (!random) return std::unexpected(random.error());
    return folder_of(path) + ".mrctl-" + mr::to_hex(*random);
}

// By /dev/stdout or /dev/fd/N: others write to what is open there, too.
bool is_named_by_descriptor(const std::string &path) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_MAGICLINKS;
    const varlink::FileDescriptor opened(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
    return !opened && errno == ELOOP;
}

// Where the file lies that `path` led to, through all links. Empty: nowhere any more, or its name cannot be known.
std::string place_of(int fd) {
    std::array<char, PATH_MAX> text{};
    const auto size = ::readlink(own_descriptor(fd).c_str(), text.data(), text.size());
    if (size <= 0 || static_cast<std::size_t>(size) == text.size()) return {};
    std::string path(text.data(), static_cast<std::size_t>(size));
    struct stat there{};
    struct stat opened{};
    const bool is_same =
        ::lstat(path.c_str(), &there) == 0 && ::fstat(fd, &opened) == 0 && there.st_dev == opened.st_dev && there.st_ino == opened.st_ino;
    return is_same ? path : std::string();
}

bool is_mounted_by_itself(int fd) {
    struct statx status{};
    return ::statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool is_regular(int fd) {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// Names, with a NUL byte behind each; nothing: they cannot be known. A file system without attributes has none.
std::optional<std::vector<std::string>> attributes_of(int fd) {
    std::string names(XATTR_LIST_MAX, '\0');
    const auto size = ::flistxattr(fd, names.data(), names.size());
    if (size < 0) return errno == ENOTSUP ? std::optional(std::vector<std::string>()) : std::nullopt;
    std::vector<std::string> list;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size); at += list.back().size() + 1) list.emplace_back(names.c_str() + at);
    return list;
}

std::optional<std::string> attribute(int fd, const std::string &name) {
    std::string value(XATTR_SIZE_MAX, '\0');
    const auto size = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (size < 0) return std::nullopt;
    value.resize(static_cast<std::size_t>(size));
    return value;
}

// These are of the content that was.
bool is_of_content(std::string_view attribute) {
    return attribute == "security.ima" || attribute == "security.evm" || attribute == "security.capability";
}

// Access lists and labels among them: who could not read the old file cannot read the new one, though a folder gives new files a list of its own.
bool make_attributes_alike(int fd, int old) {
    const auto wanted = attributes_of(old);
    const auto present = attributes_of(fd);
    if (!wanted || !present) return false;
    for (const auto &name : *wanted) {
        if (is_of_content(name)) continue;
        const auto value = attribute(old, name);
        if (!value) return false;
        if (attribute(fd, name) != value && ::fsetxattr(fd, name.c_str(), value->data(), value->size(), 0) != 0) return false;
    }
    return std::ranges::all_of(*present, [&](const std::string &name) {
        return std::ranges::find(*wanted, name) != wanted->end() || ::fremovexattr(fd, name.c_str()) == 0;
    });
}

// Owner and group first, and the mode last: until then nobody else may open it.
bool make_alike(int fd, int old) {
    struct stat before{};
    struct stat now{};
    if (::fstat(old, &before) != 0 || ::fstat(fd, &now) != 0) return false;
    const bool is_owned_alike = before.st_uid == now.st_uid && before.st_gid == now.st_gid;
    if (!is_owned_alike && ::fchown(fd, before.st_uid, before.st_gid) != 0) return false;
    return make_attributes_alike(fd, old) && ::fchmod(fd, before.st_mode & 0777) == 0;
}

}  // namespace

std::expected<varlink::FileDescriptor, mr::Error> OutputFile::open_in_place(const std::string &path, int flags) {
    constexpr auto pause = std::chrono::milliseconds(10);
    const auto deadline = std::chrono::steady_clock::now() + mr::fifo_patience;
    for (;;) {
        // Without O_NONBLOCK a FIFO without a reader would be waited for without end; with it there is no event to wait for.
        varlink::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, new_file_mode));
        if (!file && errno == ENXIO && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(pause);
            continue;
        }
        if (!file && errno == ENXIO)
            return std::unexpected(mr::Error{mr::ErrorCode::io, "cannot write " + path + ": it is a FIFO that nobody reads, or a socket"});
        if (!file && errno == ENOENT && (flags & O_CREAT) == 0) return file;  // for who looks whether it is there
        const int set = file ? ::fcntl(file.get(), F_GETFL) : -1;
        if (set < 0 || ::fcntl(file.get(), F_SETFL, set & ~O_NONBLOCK) != 0) return mr::cannot("write", path, errno);
        return file;
    }
}

std::expected<std::optional<OutputFile>, mr::Error> OutputFile::begin_replacement(const std::string &path, int old) {
    std::string target = path;
    if (old >= 0) {
        if (!is_regular(old) || is_named_by_descriptor(path) || is_mounted_by_itself(old)) return std::nullopt;
        target = place_of(old);
    } else if (struct stat link{}; path.ends_with('/') || ::lstat(path.c_str(), &link) == 0) {
        return std::nullopt;  // a folder's name, or a link to nothing
    }
    if (target.empty()) return std::nullopt;
    const mode_t mode = old >= 0 ? 0600 : new_file_mode;
    std::string name;
    // What has no name until it is whole leaves nothing behind, whatever ends this process. Its name comes by way of /proc.
    varlink::FileDescriptor file;
    if (::access(own_descriptor(STDERR_FILENO).c_str(), F_OK) == 0)
        file = varlink::FileDescriptor(::open(folder_of(target).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode));
    if (!file) {
        // Not every file system has such files.
        auto chosen = new_name_beside(target);
        if (!chosen) return std::unexpected(chosen.error());
        file = varlink::FileDescriptor(::open(chosen->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        // Opened in place, a name that is not there tells why it cannot be. (ENOENT: in /proc nobody makes files.)
        const bool takes_none = errno == EACCES || errno == EPERM || errno == EROFS || errno == ENOENT || old < 0;
        if (!file && takes_none) return std::nullopt;
        if (!file) return mr::cannot("write", path, errno);
        name = std::move(*chosen);
    }
    const int fd = file.get();
    OutputFile made(std::move(file), fd, path);
    made.replacement_ = std::make_unique<Replacement>(std::move(target), std::move(name));
    if (old >= 0 && !make_alike(fd, old)) return std::nullopt;
    return made;
}

int OutputFile::Replacement::take_place(int fd) {
    // Some file systems tell only now that there was no room.
    if (::fsync(fd) != 0) return errno;
    if (name.empty()) {
        auto chosen = new_name_beside(target);
        if (!chosen) return EIO;
        if (::linkat(AT_FDCWD, own_descriptor(fd).c_str(), AT_FDCWD, chosen->c_str(), AT_SYMLINK_FOLLOW) != 0) return errno;
        name = std::move(*chosen);
    }
    if (::rename(name.c_str(), target.c_str()) != 0) return errno;
    name.clear();
    return 0;
}

std::expected<OutputFile, mr::Error> OutputFile::open(const std::string &path, Way way) {
    if (path == "-") {
        std::cout.flush();
        return OutputFile({}, STDOUT_FILENO, "standard output");
    }
    auto file = open_in_place(path, 0);
    if (!file) return std::unexpected(file.error());
    if (way == Way::replaced) {
        auto begun = begin_replacement(path, file->get());
        if (!begun) return std::unexpected(begun.error());
        if (*begun) return std::move(**begun);
    }
    if (!*file) file = open_in_place(path, O_CREAT);
    if (!file) return std::unexpected(file.error());
    const int fd = file->get();
    OutputFile opened(std::move(*file), fd, path);
    opened.has_old_content_ = is_regular(fd);
    return opened;
}

std::expected<void, mr::Error> OutputFile::write(mr::ByteView piece) {
    if (std::exchange(has_old_content_, false) && ::ftruncate(fd_, 0) != 0) return mr::cannot("write", name_, errno);
    while (!piece.empty()) {
        const auto count = ::write(fd_, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return mr::cannot("write", name_, errno);
        piece = piece.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

std::expected<void, mr::Error> OutputFile::close() {
    if (replacement_) {
        const int error = replacement_->take_place(fd_);
        replacement_.reset();
        if (error != 0) return mr::cannot("write", name_, error);
    }
    if (own_ && ::close(own_.release()) != 0 && errno != EINTR) return mr::cannot("write", name_, errno);
    return {};
}

}  // namespace mrctl
