#include "mrd/own_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

namespace {

namespace fs = std::filesystem;
using Failure = std::unexpected<std::string>;

// Set once, at the start.
std::optional<uid_t> &expected_user() {
    static std::optional<uid_t> user;
    return user;
}

constexpr int max_links = 40;  // as the kernel follows
constexpr mode_t parent_mode = 0755;
constexpr mode_t others_write = S_IWGRP | S_IWOTH;
constexpr mode_t others_use = S_IRWXG | S_IRWXO;

Failure failed(const std::string &what, const fs::path &path) {
    return Failure("cannot " + what + " " + path.string() + ": " + std::generic_category().message(errno));
}

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    (void)std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
    return text.data();
}

std::expected<void, std::string> check_owner(const struct stat &status, const fs::path &path) {
    if (status.st_uid == 0 || status.st_uid == ::geteuid() || status.st_uid == expected_user()) return {};
    return Failure(path.string() + " belongs to uid " + std::to_string(status.st_uid) +
                   ", who could change what mrd relies on: chown it to root" + (::geteuid() == 0 ? "" : " or to mrd's user") +
                   ", the state directory with what is in it (chown -R), or name another place");
}

Failure may_be_written(const struct stat &status, const fs::path &path) {
    return Failure(path.string() + " may be written by others (mode " + octal(status.st_mode) +
                   "), who could change what mrd relies on: chmod go-w " + path.string() + ", or name another place");
}

std::expected<void, std::string> check_folder(const struct stat &status, const fs::path &path, Others others) {
    if (auto good = check_owner(status, path); !good) return good;
    const bool is_sticky = (status.st_mode & S_ISVTX) != 0;
    if ((status.st_mode & others_write) == 0 || (is_sticky && others == Others::write_their_own)) return {};
    return may_be_written(status, path);
}

// Goes down a path, folder by folder, as the kernel would, and looks at each.
class Walk {
public:
    explicit Walk(const fs::path &path) { add(path); }

    std::expected<void, std::string> go(mode_t mode, Others others) {
        if (auto started = enter("/", "/"); !started) return started;
        while (!rest_.empty()) {
            const auto name = rest_.front();
            rest_.pop_front();
            if (auto made = make(name, rest_.empty() ? mode : parent_mode); !made) return made;
            if (auto went = step(name); !went) return went;
        }
        return check_folder(here_, path_, others);
    }

    // The same of what leads to a file, and of the file; nothing is made.
    std::expected<void, std::string> go_to_file() {
        leads_to_file_ = true;
        if (auto started = enter("/", "/"); !started) return started;
        while (!rest_.empty() && S_ISDIR(here_.st_mode)) {
            const auto name = rest_.front();
            rest_.pop_front();
            struct stat unknown{};
            if (::fstatat(at_.get(), name.c_str(), &unknown, 0) != 0) return {};
            if (auto went = step(name); !went) return went;
        }
        if (S_ISDIR(here_.st_mode)) return {};
        if (auto good = check_owner(here_, path_); !good) return good;
        // What is written to a device (/dev/null) is not what is read from it.
        if ((here_.st_mode & others_write) == 0 || S_ISCHR(here_.st_mode)) return {};
        return may_be_written(here_, path_);
    }

private:
    // Before what is still to come.
    void add(const fs::path &path) {
        std::deque<std::string> names;
        for (const auto &part : path) {
            if (!part.empty() && part != "." && part != "/") names.push_back(part.native());
        }
        rest_.insert(rest_.begin(), names.begin(), names.end());
    }

    std::expected<void, std::string> make(const std::string &name, mode_t mode) {
        struct stat status{};
        if (::fstatat(at_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return {};
        if (errno != ENOENT) return failed("look at", path_ / name);
        if (::mkdirat(at_.get(), name.c_str(), mode) != 0) return failed("make the folder", path_ / name);
        // The umask may have taken away more than was meant.
        if (::fchmodat(at_.get(), name.c_str(), mode, 0) != 0) return failed("set the mode of", path_ / name);
        return {};
    }

    std::expected<void, std::string> step(const std::string &name) {
        const auto path = path_ / name;
        struct stat status{};
        if (::fstatat(at_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return failed("look at", path);
        if (leads_to_file_ && !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode)) return arrive(status, path);
        if (!S_ISLNK(status.st_mode)) return enter(name, name == ".." ? path_.parent_path() : path);
        if (auto good = check_owner(status, path); !good) return good;
        if (++links_ > max_links) return Failure(path.string() + " is one of too many symbolic links");
        std::array<char, PATH_MAX> target{};
        const auto size = ::readlinkat(at_.get(), name.c_str(), target.data(), target.size());
        if (size < 0 || static_cast<std::size_t>(size) == target.size()) return failed("read the link", path);
        const fs::path to(std::string(target.data(), static_cast<std::size_t>(size)));
        // What it leads to must be there: a link that dangles is a mistake, and is not mended.
        struct stat there{};
        if (::fstatat(at_.get(), name.c_str(), &there, 0) != 0) return failed("follow the link", path);
        // A pipe, to which a link of /proc leads, has no path.
        if (leads_to_file_ && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)) return arrive(there, path);
        add(to);
        if (to.is_absolute()) return enter("/", "/");
        return {};
    }

    std::expected<void, std::string> arrive(const struct stat &status, const fs::path &path) {
        here_ = status;
        path_ = path;
        return {};
    }

    std::expected<void, std::string> enter(const std::string &name, const fs::path &path) {
        varlink::FileDescriptor next(::openat(at_ ? at_.get() : AT_FDCWD, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return failed("use the folder", path);
        if (::fstat(next.get(), &here_) != 0) return failed("look at", path);
        if (auto good = check_folder(here_, path, Others::write_their_own); !good) return good;
        at_ = std::move(next);
        path_ = path;
        return {};
    }

    varlink::FileDescriptor at_;
    fs::path path_;
    struct stat here_{};
    std::deque<std::string> rest_;
    int links_ = 0;
    bool leads_to_file_ = false;
};

}  // namespace

std::expected<void, std::string> make_own_folder(const fs::path &folder, mode_t mode, Others others) {
    std::error_code error;
    const auto whole = fs::absolute(folder, error);
    if (error) return Failure("cannot find the folder " + folder.string() + ": " + error.message());
    return Walk(whole).go(mode, others);
}

std::expected<void, std::string> check_trusted_file(const fs::path &file) {
    std::error_code error;
    const auto whole = fs::absolute(file, error);
    return error ? std::expected<void, std::string>() : Walk(whole).go_to_file();
}

void expect_user(uid_t user) { expected_user() = user; }

std::expected<void, std::string> give_folder(const fs::path &folder, uid_t user, gid_t group) {
    const varlink::FileDescriptor at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!at) return failed("open the folder", folder);
    const std::unique_ptr<DIR, int (*)(DIR *)> listing(::fdopendir(::fcntl(at.get(), F_DUPFD_CLOEXEC, 0)), &::closedir);
    if (!listing) return failed("list the folder", folder);
    while (const auto *entry = ::readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): the listing is this call's
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        const varlink::FileDescriptor file(::openat(at.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat status{};
        if (!file || ::fstat(file.get(), &status) != 0) return failed("look at", folder / name);
        if (status.st_uid == user) continue;
        // A second name could be of a file that is not mrd's at all.
        if (status.st_uid != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
            return Failure((folder / name).string() + " is no file of mrd's alone, so it is not given to mrd's user: move it away");
        if (::fchownat(file.get(), "", user, group, AT_EMPTY_PATH) != 0) return failed("change the owner of", folder / name);
    }
    struct stat status{};
    if (::fstat(at.get(), &status) != 0) return failed("look at", folder);
    if (status.st_uid != user && ::fchown(at.get(), user, group) != 0) return failed("change the owner of", folder);
    return {};
}

std::expected<void, std::string> check_own_file(const fs::path &file, Content content) {
    struct stat status{};
    if (::lstat(file.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};
        return failed("look at", file);
    }
    if (S_ISLNK(status.st_mode)) return Failure(file.string() + " is a symbolic link, which mrd does not follow: remove it");
    if (!S_ISREG(status.st_mode)) return Failure(file.string() + " is not a regular file: remove it");
    if (auto good = check_owner(status, file); !good) return good;
    const bool is_secret = content == Content::secret;
    if ((status.st_mode & (is_secret ? others_use : others_write)) == 0) return {};
    return Failure(file.string() + " may be " + (is_secret ? "read or written" : "written") + " by others (mode " + octal(status.st_mode) +
                   "): chmod 600 " + file.string() + (is_secret ? "; if others have read it, begin anew with --reset too" : ""));
}

}  // namespace mrd
