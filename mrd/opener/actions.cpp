#include "mrd/opener/actions.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "mrd/opener/request.h"

namespace mrd::opener {

varlink::FileDescriptor open_without_links(const std::filesystem::path &path, int flags) {
    open_how how{};
    how.flags = static_cast<__u64>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    varlink::FileDescriptor file(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
    return !file && errno == ENOSYS ? open_folder_by_folder(path, flags) : std::move(file);
}

varlink::FileDescriptor open_folder_by_folder(const std::filesystem::path &path, int flags) {
    constexpr int folder = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;  // of a link: ENOTDIR
    varlink::FileDescriptor at(::open(path.is_absolute() ? "/" : ".", folder));
    for (const auto &name : path.parent_path().relative_path()) {
        if (!at) return {};
        at = varlink::FileDescriptor(::openat(at.get(), name.c_str(), folder));
    }
    if (!at) return {};
    return varlink::FileDescriptor(::openat(at.get(), path.filename().c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
}

std::expected<std::filesystem::path, int> make_instance_of(pid_t owner, std::uint64_t number, const std::filesystem::path &folder) {
    auto path = folder / instance_name(owner, number);
    const auto at = open_without_links(folder, O_PATH | O_DIRECTORY);
    if (!at || ::mkdirat(at.get(), path.filename().c_str(), 0700) != 0) return std::unexpected(errno);
    return path;
}

void remove_instances_of(pid_t owner, const std::filesystem::path &folder) {
    auto at = open_without_links(folder, O_RDONLY | O_DIRECTORY);
    if (!at) return;
    const std::unique_ptr<DIR, int (*)(DIR *)> listing(::fdopendir(::fcntl(at.get(), F_DUPFD_CLOEXEC, 0)), &::closedir);
    if (!listing) return;
    while (const auto *entry = ::readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): the listing is this call's
        const auto process = owner_of_instance(entry->d_name);
        if (process == 0) continue;
        // A process of that number that is not this one may well be another mrd.
        if (process == owner || (::kill(process, 0) != 0 && errno == ESRCH)) (void)::unlinkat(at.get(), entry->d_name, AT_REMOVEDIR);
    }
}

Connecting connect_to(std::span<const std::uint8_t> address, int type) {
    Connecting connecting;
    sockaddr_storage to{};
    if (address.size() < sizeof(sa_family_t) || address.size() > sizeof(to)) {
        connecting.error = EINVAL;
        return connecting;
    }
    std::copy(address.begin(), address.end(), reinterpret_cast<std::uint8_t *>(&to));
    connecting.socket = varlink::FileDescriptor(::socket(to.ss_family, flags_of_connection(type), 0));
    if (!connecting.socket ||
        ::connect(connecting.socket.get(), reinterpret_cast<const sockaddr *>(&to), static_cast<socklen_t>(address.size())) != 0)
        connecting.error = errno;
    return connecting;
}

int set_socket_mode_of(const std::filesystem::path &file, mode_t mode) {
    const auto open = open_without_links(file, O_PATH);
    struct stat status{};
    if (!open || ::fstat(open.get(), &status) != 0) return errno;
    if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
    // fchmod() takes no O_PATH. This leads to what is open here, whatever is at the path by now.
    return ::fchmodat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(open.get())).c_str(), mode, 0) == 0 ? 0 : errno;
}

std::string executable_of(pid_t process) {
    std::array<char, max_text> path{};
    const auto size = ::readlinkat(AT_FDCWD, ("/proc/" + std::to_string(process) + "/exe").c_str(), path.data(), path.size());
    return size <= 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(size));
}

}  // namespace mrd::opener
