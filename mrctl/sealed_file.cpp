#include "mrctl/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "libmr/src/input_file.h"
#include "mrctl/file_state.h"
#include "mrctl/refusal.h"

// Newer than the C library's headers may be (Linux 6.3).
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace mrctl {

namespace {

constexpr std::size_t copied_at_once = std::size_t{256} * 1024;

std::expected<varlink::FileDescriptor, mr::Error> executable_memory(const std::string &path) {
    constexpr std::size_t longest_name = 200;  // bytes; the kernel takes 249
    const auto name = path.substr(path.rfind('/') + 1).substr(0, longest_name);
    varlink::FileDescriptor memory(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
    // Before Linux 6.3 all of it is executable, and the flag unknown.
    if (!memory && errno == EINVAL) memory = varlink::FileDescriptor(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (memory) return memory;
    return refuse(mr::ErrorCode::not_supported,
                  "cannot run " + path + " from memory (" + std::generic_category().message(errno) +
                      "): the kernel forbids executable memory files, which `sysctl vm.memfd_noexec` of 2 or a "
                      "security module does; nothing was measured");
}

std::expected<void, mr::Error> write_all(int descriptor, mr::ByteView bytes, const std::string &path) {
    while (!bytes.empty()) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return mr::cannot("copy", path, errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

std::unexpected<mr::Error> too_large(const std::string &path) {
    return refuse(mr::ErrorCode::wrong_length,
                  path + " has more than " + std::to_string(max_executed_file) + " bytes, which is the most that is copied to be run");
}

// How many bytes it has.
std::expected<std::size_t, mr::Error> copy_into(int memory, int file, const std::string &path) {
    mr::Bytes piece(copied_at_once);
    std::size_t total = 0;
    for (;;) {
        const auto size = mr::read_input(file, piece, path);
        if (!size) return std::unexpected(size.error());
        if (*size == 0) return total;
        total += *size;
        if (total > max_executed_file) return too_large(path);
        if (auto written = write_all(memory, mr::ByteView(piece).first(*size), path); !written) return std::unexpected(written.error());
    }
}

}  // namespace

std::expected<SealedFile, mr::Error> SealedFile::copy_of(const std::string &path) {
    const auto file = mr::open_input(path);
    if (!file) return std::unexpected(file.error());
    struct stat status{};
    if (::fstat(file->get(), &status) != 0) return mr::cannot("read", path, errno);
    if (!S_ISREG(status.st_mode)) return refuse(mr::ErrorCode::io, "cannot run " + path + ": it is no regular file");
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0) return mr::cannot("run", path, errno);
    if (static_cast<std::uintmax_t>(status.st_size) > max_executed_file) return too_large(path);
    const auto state = FileState::of(file->get(), path);
    if (!state) return std::unexpected(state.error());
    auto memory = executable_memory(path);
    if (!memory) return std::unexpected(memory.error());
    const auto size = copy_into(memory->get(), file->get(), path);
    if (!size) return std::unexpected(size.error());
    if (auto unchanged = state->check_unchanged(file->get(), path); !unchanged) return std::unexpected(unchanged.error());
    if (*size == 0) return refuse(mr::ErrorCode::malformed, "cannot run " + path + ": it is empty");
    // From here on nobody writes to it, by whatever descriptor; only then is it looked at.
    if (::fcntl(memory->get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return mr::cannot("seal the copy of", path, errno);
    void *const address = ::mmap(nullptr, *size, PROT_READ, MAP_PRIVATE, memory->get(), 0);
    if (address == MAP_FAILED) return mr::cannot("read the copy of", path, errno);
    return SealedFile(std::move(*memory), address, *size);
}

SealedFile::SealedFile(SealedFile &&other) noexcept
    : file_(std::move(other.file_)), address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SealedFile::~SealedFile() {
    if (address_ != nullptr) ::munmap(address_, size_);
}

}  // namespace mrctl
