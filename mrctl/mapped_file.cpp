#include "mrctl/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <unistd.h>

#include <csignal>
#include <string_view>
#include <utility>

#include "libmr/src/input_file.h"
#include "libmr/src/text_form.h"
#include "mrctl/output.h"
#include "proto/varlink/file_descriptor.h"

namespace mrctl {

namespace {

// A file that becomes shorter while it is looked at.
void say_and_end(int) {
    constexpr std::string_view message = "mrctl: the file has become shorter while it was read\n";
    (void)!::write(STDERR_FILENO, message.data(), message.size());
    ::_exit(exit_refused);
}

}  // namespace

std::expected<MappedFile, mr::Error> MappedFile::open(const std::string &path) {
    std::signal(SIGBUS, &say_and_end);  // NOLINT(cert-err33-c): of a known signal it cannot fail
    MappedFile file;
    varlink::FileDescriptor descriptor;
    if (path != "-") {
        auto opened = mr::open_input(path);
        if (!opened) return std::unexpected(std::move(opened.error()));
        descriptor = std::move(*opened);
    }
    struct stat status{};
    if (descriptor && ::fstat(descriptor.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        const auto size = static_cast<std::size_t>(status.st_size);
        void *address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
        if (address != MAP_FAILED) {
            file.address_ = address;
            file.size_ = size;
            return file;
        }
    }
    auto bytes = descriptor ? mr::read_all_input(descriptor.get(), max_unmapped, path) : read_file(path, max_unmapped);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    file.read_ = std::move(*bytes);
    return file;
}

void MappedFile::decode() {
    if (bytes().size() > max_unmapped) return;
    auto decoded = mr::decode_text_form(bytes());
    if (!decoded) return;
    is_text_form_ = true;
    read_ = std::move(*decoded);
    if (address_ != nullptr) ::munmap(std::exchange(address_, nullptr), size_);
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : address_(std::exchange(other.address_, nullptr)),
      size_(other.size_),
      read_(std::move(other.read_)),
      is_text_form_(other.is_text_form_) {}

MappedFile::~MappedFile() {
    if (address_ != nullptr) ::munmap(address_, size_);
}

}  // namespace mrctl
