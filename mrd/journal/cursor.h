// Reads the journal as an event log: its events in the order of their sequence numbers, from the file, a bounded number at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "mr/event_log.h"
#include "mrd/journal/firmware.h"
#include "mrd/journal/record_reader.h"

namespace mrd::journal {

// Bytes that were written as they should be, and are not any more.
struct Damage {
    std::uint64_t offset = 0;
    std::string what;
};

class Cursor {
public:
    // `end`: of what is written. The file must outlive the cursor.
    Cursor(AppendFile &file, std::uint64_t end);

    // More was written: where next() found nothing it goes on.
    void set_end(std::uint64_t end) { reader_.set_end(end); }

    // Lets go of its buffer and of the last event until the next call: for one who waits, perhaps for long. The event's views are not valid any more.
    void rest();

    // The next event. One of a virtual register is its carrier's, which proves both: the envelope says whose it is. Its views are valid until the next call. Nothing: there is none yet. Error: a sentence, where the file cannot be read. Looks at
    // no more than `records` records and then says busy, so that a long way to an event can be gone in steps.
    enum class Step : std::uint8_t { event, busy, end };
    std::expected<Step, std::string> next(mr::Event &event, std::size_t records);
    // Why the last next() failed, where it was not the disk that gave nothing.
    [[nodiscard]] const std::optional<Damage> &damage() const { return damage_; }

    // The last event is of before mrd or mrd's own: no client says anything in it. That a virtual register is made or closed is mrd's, too.
    [[nodiscard]] bool is_own() const { return is_own_; }

    // The provider whose firmware's log the last event belongs to; empty: to none.
    [[nodiscard]] std::string_view firmware_of() const { return imported_ ? std::string_view(imported_->firmware_of) : std::string_view(); }

private:
    struct Known {
        std::string name;
        mr::HashAlgorithm algorithm = mr::HashAlgorithm::sha384;
        bool is_virtual = false;
        bool is_made = false;  // of a virtual one: an event of it was given
    };
    // A log that was taken in and is being read: its events are views into the reader's buffer.
    struct Imported {
        std::uint64_t offset = 0;  // of its record
        std::string firmware_of;   // empty: it is no firmware's
        ImportedEvents events;
        std::uint64_t given = 0;  // of its events
    };
    // An intent that waits for its outcome: its bytes' place in the reader is lost by then.
    struct Open {
        std::uint64_t number = 0;
        Head head;
        mr::Bytes bytes;
    };

    std::unexpected<std::string> wrong_at(std::uint64_t offset, const std::string &what);
    std::expected<bool, std::string> take(const Settled &settled, mr::Event &event);
    std::expected<void, std::string> begin_imported(std::string_view firmware_of, std::expected<ImportedEvents, std::string> events,
                                                    std::uint64_t offset);
    std::expected<bool, std::string> next_imported(mr::Event &event);

    RecordReader reader_;
    std::vector<Known> registers_;
    std::vector<Open> open_;
    std::vector<Open> spare_;  // memory of those that are settled
    std::optional<Imported> imported_;
    std::uint64_t to_pass_over_ = 0;  // events of the log taken in that comes next, which were given before it rested

    // What the last event's views point into.
    Open settled_;
    Targets targets_;
    bool is_own_ = false;
    std::optional<Damage> damage_;
};

}  // namespace mrd::journal
