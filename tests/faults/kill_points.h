// Named places at which a test lets mrd die by SIGKILL: around the provider and the journal's file.
//
// MRD_KILL="NAME" or "NAME@N": at the first, or the Nth, time the place is reached. The names are in the table below, in the order in which an
// extend passes them. A client's own SIGKILL, when it has an answer, is what comes behind them (tests/integration/kill_loop.h).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "mrd/journal/append_file.h"
#include "mrd/providers/open.h"

namespace mrd::faults {

inline constexpr std::array<std::string_view, 10> kill_points = {
    "intent-begins",    // cap, capacity and id allow it, and there is room; nothing is written
    "intent-torn",      // the first half of the intent is written
    "intent-written",   //
    "provider-begins",  // the hardware has not been asked
    "provider-ended",   // it has answered
    "settled-begins",   // nothing of what settles the intent is written
    "settled-torn",     // the first half of it is
    "settled-written",  //
    "sync-begins",      // the journal is to be synced, and an event is settled since it was the last time
    "sync-ended",       //
};

// What dies at one of them, by the plan in the words of MRD_KILL.
class Killer {
public:
    explicit Killer(std::string_view plan);

    void reached(std::string_view point);
    // Is the next time it is reached the one to die at?
    [[nodiscard]] bool dies_next_at(std::string_view point) const;

private:
    std::string name_;
    std::uint64_t passes_ = 1;
    std::atomic<std::uint64_t> passed_ = 0;  // of the one point, which one thread reaches
};

// `killer` outlives what they open.
OpenProvider with_kill_points(OpenProvider open, Killer &killer);
// `read_takes`: at least so long does each reading of a file take.
journal::OpenFile with_kill_points(journal::OpenFile open, Killer &killer, std::chrono::milliseconds read_takes = {});

}  // namespace mrd::faults
