// Which of those who read the log work, and whose step is next. Decisions only: mrd/interfaces/log_reading.h works.
//
// A reading that works holds a piece of the file and of what it makes, so they are bounded in number, with a share for each client; the others wait
// (mrd/shares/share_queue.h). Among those that work each has a step before another has its second. One that has nothing to do for now (its client does not read
// what it has got, or there is no further event yet) holds no place.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "mrd/shares/share_queue.h"

namespace mrd {

// A connection has one reading, since its calls run one after the other.
inline constexpr std::size_t max_working_readings = 16;
inline constexpr SharedBound reading_bound{
    .what = "readings of the log", .all = max_working_readings, .others = 12, .uid = 6, .connection = 1};

class LogTurns {
public:
    using Ticket = ShareQueue::Ticket;  // names a reading from enter() to leave()

    explicit LogTurns(const SharedBound &bound = reading_bound) : queue_(bound) {}

    // It has something to do.
    Ticket enter(const Client &client) { return queue_.wait(client, 1); }
    // It has nothing to do for now, or is over.
    void leave(Ticket ticket);

    // Whose step is next. Nothing: nobody has anything to do.
    std::optional<Ticket> next();

    [[nodiscard]] std::size_t working() const { return working_.size(); }
    [[nodiscard]] std::size_t waiting() const { return queue_.waiting(); }

private:
    ShareQueue queue_;
    std::deque<ShareQueue::Turn> working_;  // the one whose step is next comes first
};

}  // namespace mrd
