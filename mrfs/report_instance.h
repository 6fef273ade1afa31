// One folder of configfs-tsm: what its attributes hold and say. The quotes themselves are made outside.
//
// Source: Linux, Documentation/ABI/testing/configfs-tsm-report, drivers/virt/coco/guest/report.c, fs/configfs/file.c.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "mr/bytes.h"
#include "mr/tdreport.h"

namespace mrfs {

inline constexpr std::size_t max_inblob = 64;

// What one open file of `inblob` has been given: nothing of it counts before it is committed.
class InblobBuffer {
public:
    // Error: EFBIG; the buffer counts as written to all the same, and so does an empty one.
    std::expected<std::size_t, int> write(std::uint64_t offset, mr::ByteView bytes);

    // What is to be committed when a descriptor of the file is closed, for it was written to since the last time. The bytes stay: what is written next joins them.
    std::optional<mr::Bytes> take_written();

private:
    mr::Bytes bytes_;
    bool is_written_ = false;
};

class ReportInstance {
public:
    // The result is dropped, as the kernel drops it.
    void commit(mr::ByteView inblob);

    [[nodiscard]] std::uint64_t generation() const { return generation_; }

    // A quote that is to be made: over which bytes, and of which generation.
    struct Wanted {
        mr::ReportData report_data;
        std::uint64_t generation;
    };
    // Error: EINVAL: nothing was written to inblob, or not 64 bytes.
    [[nodiscard]] std::expected<Wanted, int> wanted() const;

    // When a quote was made: what mrd's log held right before. Two that are equal have the same registers between them.
    struct Moment {
        std::uint64_t service = 0;   // which life of mrd, as far as mrfs can tell them apart
        std::int64_t sequence = -1;  // of the last event
        friend bool operator==(const Moment &, const Moment &) = default;
    };
    // One that was made before and still says the same: nothing was committed, and no register extended, since.
    [[nodiscard]] std::optional<mr::Bytes> kept(std::uint64_t generation, const Moment &now) const;
    // Keeps it, unless something was committed meanwhile. Without a moment it serves nobody else.
    void made(std::uint64_t generation, const std::optional<Moment> &before, mr::Bytes quote);

private:
    std::uint64_t generation_ = 0;
    std::optional<mr::Bytes> inblob_;
    struct Kept {
        Moment moment;
        mr::Bytes quote;
    };
    std::optional<Kept> kept_;
};

}  // namespace mrfs
