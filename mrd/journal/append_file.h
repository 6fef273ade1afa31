// The one seam between the journal and the disk: a file that grows at its end. Its double in tests fails, writes short and runs out of space on
// demand. It decides nothing but how a write is made: where it costs less, by memory that is mapped over the file (mrd/journal/file_window.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <system_error>

#include "mr/bytes.h"

namespace mrd::journal {

// A few bytes of a file and where they stand, by which a change that somebody else made is known.
struct Mark {
    static constexpr std::size_t size = 16;
    std::uint64_t offset = 0;
    std::array<std::uint8_t, size> bytes = {};

    // Precondition: so many bytes.
    static Mark of(std::uint64_t offset, mr::ByteView bytes) {
        Mark mark{.offset = offset};
        std::ranges::copy(bytes.first(size), mark.bytes.begin());
        return mark;
    }
};

class AppendFile {
public:
    AppendFile() = default;
    AppendFile(const AppendFile &) = delete;
    AppendFile &operator=(const AppendFile &) = delete;
    virtual ~AppendFile() = default;

    template <class T>
    using Result = std::expected<T, std::error_code>;

    // Writes some of the bytes, at least one: their count.
    virtual Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes) = 0;

    // Makes room: bytes that are there then, read as zero where nothing was written, and take a write without a search for space.
    virtual Result<void> allocate(std::uint64_t offset, std::uint64_t size) = 0;

    // What was written before the call outlives the machine. From any thread, beside the other calls.
    virtual Result<void> sync() = 0;

    // Reads some bytes, none at the file's end: their count.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) = 0;

    virtual Result<std::uint64_t> size() = 0;

    // Do these bytes stand there?
    virtual Result<bool> holds(const Mark &mark) = 0;

    // Its size, if `path` still leads to it: another process may have removed, moved or replaced it, which is no_such_file_or_directory.
    virtual Result<std::uint64_t> size_at(const std::filesystem::path & /*path*/) { return size(); }
};

enum class OpenMode : std::uint8_t {
    existing,
    new_file,   // must not be there yet
    read_only,  // a file of somebody else: the kernel does not let anybody open the firmware's log for writing
};
using OpenFile = std::function<std::expected<std::unique_ptr<AppendFile>, std::error_code>(const std::filesystem::path &, OpenMode)>;

// The real one; a new file has mode 0600. Unless it is for reading only it is locked as long as it is open: device_or_resource_busy, where another
// process has it.
std::expected<std::unique_ptr<AppendFile>, std::error_code> open_append_file(const std::filesystem::path &path, OpenMode mode);

// The names in a folder outlive the machine.
using SyncFolder = std::function<AppendFile::Result<void>(const std::filesystem::path &)>;
AppendFile::Result<void> sync_folder(const std::filesystem::path &folder);

}  // namespace mrd::journal
