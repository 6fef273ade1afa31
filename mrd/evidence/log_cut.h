// Which events keep their content where the whole log does not fit: the others are cut, an envelope to its redacted form, a plain event to its digest, so
// that the registers still replay. Decisions only: sizes in, decisions out.
//
// The events of mrd and of the firmware are cut last, before them those of root, first those of all other uids. Where the content of one uid has to be cut,
// its largest events are first, of equally large ones the latest: who logs 64 KiB at a time loses no small event. Other uids share what is left equally, so
// that none loses content to another that has more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mr/bytes.h"
#include "mr/event_log.h"

namespace mrd {

class LogCut {
public:
    // Bytes that the log may have.
    explicit LogCut(std::size_t limit) : limit_(limit) {}

    struct Size {
        std::size_t whole = 0;
        std::size_t least = 0;  // once it is cut; at most `whole`
    };
    // What stands in the log beside its events.
    void add_header(std::size_t size) { whole_ += size, least_ += size; }
    // The next event; without a uid it is mrd's or the firmware's own.
    void add(std::optional<std::int64_t> uid, const Size &size);

    [[nodiscard]] bool fits() const { return whole_ <= limit_; }
    [[nodiscard]] bool fits_when_cut() const { return least_ <= limit_; }

    // Of each event, in their order: is it to be cut? Precondition: fits_when_cut().
    [[nodiscard]] std::vector<bool> decide() const;

private:
    struct Content {
        std::size_t event;
        std::size_t size;  // of what is cut
        std::optional<std::int64_t> uid;
    };
    std::size_t limit_;
    std::size_t whole_ = 0;
    std::size_t least_ = 0;
    std::size_t events_ = 0;
    std::vector<Content> contents_;
};

// Does a replay need the event's data? Of an event that says how a register began, of a resync and of a cap; all of them are mrd's or the firmware's word.
bool replay_needs_data(const mr::Event &event);

// Events without their content: an envelope in its redacted form, any other without data. What a replay needs is never cut: an event that says how a register
// began, a resync or a cap is given as it is. The memory of the last one is used again.
class EventCutter {
public:
    // Valid until the next call, and as long as the event is.
    const mr::Event &cut(const mr::Event &event);

private:
    mr::Event cut_;
    mr::Bytes redacted_;
};

}  // namespace mrd
