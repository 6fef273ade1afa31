#include "mrctl/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "mrctl/output.h"
#include "proto/varlink/file_descriptor.h"

namespace mrctl {

std::expected<MappedFile, mr::Error> MappedFile::open(const std::string &path) {
    MappedFile file;
    const varlink::FileDescriptor descriptor(path == "-" ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (path != "-" && !descriptor) {
        return std::unexpected(mr::Error{mr::ErrorCode::io, "cannot open " + path + ": " + std::generic_category().message(errno)});
    }
    struct stat status{};
    if (descriptor && ::fstat(descriptor.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        const auto size = static_cast<std::size_t>(status.st_size);
        void *address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
        if (address != MAP_FAILED) {
            file.mapped_ = {static_cast<const std::uint8_t *>(address), size};
            return file;
        }
    }
    auto bytes = read_file(path, max_unmapped);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    file.read_ = std::move(*bytes);
    return file;
}

MappedFile::MappedFile(MappedFile &&other) noexcept : mapped_(std::exchange(other.mapped_, {})), read_(std::move(other.read_)) {}

MappedFile::~MappedFile() {
    if (!mapped_.empty()) ::munmap(const_cast<std::uint8_t *>(mapped_.data()), mapped_.size());
}

}  // namespace mrctl
