// A part of the journal's file as memory: a record is copied there in a third of the time that a system call takes to write it. Two records are written for each
// extend.
//
// The memory is the kernel's own page of the file: what is in it outlives mrd as a write does, others read it at once, and fdatasync makes it durable. What a kill
// leaves of a copy is some of a record, which need not be its beginning: a copy has no order. A start cuts it off as it does what a crash left of a write.
//
// Where the kernel cannot give a page (another process has cut the file off, or the disk cannot be read) it sends SIGBUS. That is caught while a copy runs, on the
// thread that runs it, and is an error like that of a write; any other SIGBUS ends mrd as before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mr/bytes.h"
#include "mrd/journal/append_file.h"

namespace mrd::journal {

class FileWindow {
public:
    static constexpr std::uint64_t size = std::uint64_t{1} << 20U;            // bytes that are mapped at once
    static constexpr std::uint64_t populate_step = std::uint64_t{64} << 10U;  // and made ready before they are written

    // Over a file that is open for reading and writing, and must outlive it. Nothing: its file system is none of those that write in place what is allocated (tmpfs,
    // ext4, XFS): one that copies on write needs new space for it, and says by SIGBUS that there is none.
    static std::optional<FileWindow> over(int file);

    FileWindow(FileWindow &&other) noexcept;
    FileWindow &operator=(FileWindow &&) = delete;
    FileWindow(const FileWindow &) = delete;
    FileWindow &operator=(const FileWindow &) = delete;
    ~FileWindow();

    [[nodiscard]] std::uint64_t begin() const { return begin_; }  // of what is mapped, in the file

    enum class Outcome : std::uint8_t {
        written,  // all of it
        refused,  // nothing was written: the kernel maps nothing now, or these are more bytes than a window has
        lost,     // the file has no such bytes any more, or they cannot be read: some may have been written
    };
    // Precondition: the file has been allocated from `offset` to `allocated_until`, behind these bytes.
    Outcome write(std::uint64_t offset, mr::ByteView bytes, std::uint64_t allocated_until);

    // Do these bytes stand in the file? Nothing: they are not all mapped now, or the file has no such bytes any more, or they cannot be read.
    [[nodiscard]] std::optional<bool> holds(const Mark &mark) const;

private:
    FileWindow(int file, bool populates) : file_(file), populates_(populates) {}

    [[nodiscard]] bool has(std::uint64_t offset, std::size_t bytes) const {
        return memory_ != nullptr && offset >= begin_ && offset + bytes <= begin_ + size;
    }
    bool move_to(std::uint64_t offset);
    void populate(std::uint64_t until, std::uint64_t allocated_until);
    void unmap();

    int file_;
    // Where the file is memory, its pages are mapped some at a time. On a disk a page that is made ready is a page to be written, and a sync makes it unready.
    bool populates_;
    std::uint8_t *memory_ = nullptr;
    std::uint64_t begin_ = 0;      // of the file
    std::uint64_t populated_ = 0;  // bytes of the window
};

}  // namespace mrd::journal
