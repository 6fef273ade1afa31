#include "mrctl/file_state.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>

#include "libmr/src/input_file.h"

namespace mrctl {

namespace {

std::int64_t nanoseconds(const timespec &time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

std::expected<FileState, mr::Error> FileState::of(int descriptor, const std::string &path) {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) return mr::cannot("read", path, errno);
    if (!S_ISREG(status.st_mode)) return FileState(std::nullopt);
    return FileState(Seen{.size = status.st_size, .modified = nanoseconds(status.st_mtim), .changed = nanoseconds(status.st_ctim)});
}

std::expected<void, mr::Error> FileState::check_unchanged(int descriptor, const std::string &path) const {
    const auto now = of(descriptor, path);
    if (!now) return std::unexpected(now.error());
    if (now->seen_ == seen_) return {};
    return std::unexpected(
        mr::Error{mr::ErrorCode::io,
                  path + " has been changed or replaced while it was read: nothing was measured; try again when nobody writes to it"});
}

}  // namespace mrctl
