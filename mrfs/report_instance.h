// One folder of configfs-tsm: what its attributes hold and say. The quotes themselves are made outside.
//
// Source: Linux, Documentation/ABI/testing/configfs-tsm-report, drivers/virt/coco/guest/report.c, fs/configfs/file.c.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/report_options.h"
#include "mr/tdreport.h"
#include "mrfs/report_driver.h"

namespace mrfs {

// The kernel's, of what one write() brings of a text.
inline constexpr std::size_t max_option_text = 4095;

// What is written as text: each write() is a value of its own, and takes effect at once.
enum class ReportOption : std::uint8_t { privlevel, service_provider, service_guid, service_manifest_version };

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

// A quote, and what came beside it: they are read one by one, and belong together. Empty: the hardware gives none.
struct ReportBlobs {
    mr::Bytes outblob;
    mr::Bytes auxblob;
    mr::Bytes manifestblob;

    friend bool operator==(const ReportBlobs &, const ReportBlobs &) = default;
};

class ReportInstance {
public:
    explicit ReportInstance(const ReportMaker &maker = {}) : maker_(maker) {}

    [[nodiscard]] const ReportMaker &maker() const { return maker_; }

    // Gives the generation. What goes on from one that nobody has looked at since (`from`) is the same one: the kernel commits an open file once, at its last close, and FUSE
    // is not told which that is.
    std::uint64_t commit(mr::ByteView inblob, std::uint64_t from = 0);

    // Error: EINVAL: no number, no GUID, which forgets the one before and counts in the generation, or a level that this machine has not; ERANGE: a number of more than 32 bits.
    std::expected<void, int> set(ReportOption option, std::string_view text);

    // For who looks.
    std::uint64_t generation() {
        is_seen_ = true;
        return generation_;
    }

    // A quote that is to be made: over which bytes, with which options, and of which generation.
    struct Wanted {
        mr::ReportData report_data;
        mr::ReportOptions options;
        std::uint64_t generation;
    };
    // Without the options that the driver passes over. Error: EINVAL: nothing was written to inblob, or not as many bytes as the driver takes; services of a provider that it does not
    // know.
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
    [[nodiscard]] std::optional<ReportBlobs> kept(std::uint64_t generation, const Moment &now) const;
    // Keeps it, unless something was committed meanwhile; gives what is to be read: where two were made at once that say the same, the first that was kept. Without a moment it serves
    // nobody else.
    ReportBlobs made(std::uint64_t generation, const std::optional<Moment> &before, ReportBlobs blobs);

private:
    [[nodiscard]] std::expected<mr::ReportOptions, int> heeded_options() const;
    void count();

    ReportMaker maker_;
    std::uint64_t generation_ = 0;
    bool is_seen_ = false;
    std::optional<mr::Bytes> inblob_;
    mr::ReportOptions options_;  // as they were written
    struct Kept {
        Moment moment;
        ReportBlobs blobs;
    };
    std::optional<Kept> kept_;
};

}  // namespace mrfs
