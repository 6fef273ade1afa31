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

class ReportInstance;

// What one open file of `inblob` has been given: nothing of it counts before it is committed.
class InblobBuffer {
public:
    // Error: EFBIG; the buffer counts as written to all the same, and so does an empty one.
    std::expected<std::size_t, int> write(std::uint64_t offset, mr::ByteView bytes);

    // When a descriptor of the file is closed: where it was written to since the last time, these bytes are the inblob. They stay: what is written next joins them. The
    // result is dropped, as the kernel drops it.
    void commit_to(ReportInstance &report);

private:
    mr::Bytes bytes_;
    bool is_written_ = false;
    std::uint64_t committed_ = 0;  // the generation that it made
};

class ReportInstance {
public:
    // Gives the generation. What goes on from one that nobody has looked at since (`from`) is the same one: the kernel commits an open file once, at its last close, and FUSE
    // is not told which that is.
    std::uint64_t commit(mr::ByteView inblob, std::uint64_t from = 0);

    // For who looks.
    std::uint64_t generation() {
        is_seen_ = true;
        return generation_;
    }

    // A quote that is to be made: over which bytes, and of which generation.
    struct Wanted {
        mr::ReportData report_data;
        std::uint64_t generation;
    };
    // Error: EINVAL: nothing was written to inblob, or not 64 bytes.
    std::expected<Wanted, int> wanted();

    // When a quote was made: what mrd's log held right before. Two that are equal have the same registers between them. The values stand beside the number, for a repair of the
    // journal gives numbers again, and what somebody else extends has none.
    struct Moment {
        std::uint64_t service = 0;   // which life of mrd, as far as mrfs can tell them apart
        std::int64_t sequence = -1;  // of the last event
        mr::Bytes values = {};       // of the registers that a quote may show
        friend bool operator==(const Moment &, const Moment &) = default;
    };
    // One that was made before and still says the same: nothing was committed, and no register extended, since.
    [[nodiscard]] std::optional<mr::Bytes> kept(std::uint64_t generation, const Moment &now) const;
    // Keeps it, unless something was committed meanwhile. Without a moment it serves nobody else.
    void made(std::uint64_t generation, const std::optional<Moment> &before, mr::Bytes quote);

private:
    std::uint64_t generation_ = 0;
    bool is_seen_ = false;
    std::optional<mr::Bytes> inblob_;
    struct Kept {
        Moment moment;
        mr::Bytes quote;
    };
    std::optional<Kept> kept_;
};

}  // namespace mrfs
