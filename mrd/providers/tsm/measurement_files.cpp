#include "mrd/providers/tsm/measurement_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mrd/providers/tsm/kernel_file.h"

namespace mrd::tsm {
namespace {

std::unexpected<ProviderError> fail(const char *what, const MeasurementFile &file, int error, Applied applied) {
    return std::unexpected(ProviderError{kernel_refusal(what, file.path, error), applied});
}

}  // namespace

std::expected<std::vector<MeasurementFile>, std::string> find_measurement_files(const std::filesystem::path &folder) {
    std::error_code error;
    std::vector<MeasurementFile> files;
    for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != std::filesystem::directory_iterator();
         entry.increment(error)) {
        struct stat status{};
        if (::stat(entry->path().c_str(), &status) != 0) return std::unexpected(kernel_refusal("look at", entry->path(), errno));
        if (!S_ISREG(status.st_mode)) continue;
        const auto file_name = entry->path().filename().native();
        const auto colon = file_name.find(':');
        MeasurementFile file{.path = entry->path(),
                             .name = file_name.substr(0, colon),
                             .hash = std::nullopt,
                             .size = static_cast<std::size_t>(status.st_size),
                             .readable = (status.st_mode & S_IRUSR) != 0,
                             .writable = (status.st_mode & S_IWUSR) != 0};
        if (colon != std::string::npos) {
            file.hash = mr::hash_algorithm_from(file_name.substr(colon + 1));
            if (!file.hash) continue;
        }
        files.push_back(std::move(file));
    }
    if (error) return std::unexpected(kernel_refusal("list", folder, error.value()));
    std::ranges::sort(files, {}, &MeasurementFile::path);
    return files;
}

std::expected<mr::Bytes, ProviderError> read_measurement(const MeasurementFile &file) {
    const auto opened = open_kernel_file(file.path, O_RDONLY);
    if (!opened) return fail("open", file, errno, Applied::no);
    mr::Bytes value(file.size);
    const auto size = ::pread(opened.get(), value.data(), value.size(), 0);
    if (size < 0) return fail("read", file, errno, Applied::no);
    if (static_cast<std::size_t>(size) != value.size()) {
        return std::unexpected(ProviderError{
            file.path.native() + " gave " + std::to_string(size) + " of " + std::to_string(value.size()) + " bytes", Applied::no});
    }
    return value;
}

std::expected<void, ProviderError> write_measurement(const MeasurementFile &file, mr::ByteView bytes) {
    const auto opened = open_kernel_file(file.path, O_WRONLY);
    if (!opened) return fail("open", file, errno, Applied::no);
    const auto size = ::pwrite(opened.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) return fail("extend", file, errno, applied_by_failed_write(errno));
    if (static_cast<std::size_t>(size) != bytes.size()) {
        return std::unexpected(ProviderError{
            file.path.native() + " took " + std::to_string(size) + " of " + std::to_string(bytes.size()) + " bytes", Applied::unknown});
    }
    return {};
}

Applied applied_by_failed_write(int error) {
    switch (error) {
    case EBUSY:
    case EFBIG:
    case EINVAL:
    case ENODEV:
    case ENXIO: return Applied::no;
    default: return Applied::unknown;
    }
}

}  // namespace mrd::tsm
