// What a write() means for a file that takes its value whole: a register, or report data. As the kernel has it: sysfs clips what is longer than the file, and the
// driver takes the whole value at the file's beginning and nothing else.
//
// Source: Linux, fs/sysfs/file.c (sysfs_kf_bin_write), drivers/virt/coco/guest/tsm-mr.c (tm_digest_write).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

namespace mrfs {

// How many of the bytes are the value: all `size` of them. Error: EFBIG behind the file's end, EINVAL for less than a value or not at the beginning.
std::expected<std::size_t, int> whole_value_of_write(std::size_t size, std::uint64_t offset, std::size_t length);

// Where the next write() of an open file goes. The kernel's own files know no O_APPEND; FUSE writes at the file's end for it.
class WritePosition {
public:
    explicit WritePosition(bool appends) : appends_(appends) {}

    [[nodiscard]] std::uint64_t offset(std::uint64_t asked) const { return appends_ ? written_ : asked; }
    void wrote(std::size_t bytes) { written_ += bytes; }

private:
    bool appends_;
    std::uint64_t written_ = 0;
};

}  // namespace mrfs
