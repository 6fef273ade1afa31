// Named places at which a test lets mrd die by SIGKILL. Without MRD_TEST_HOOKS nothing of this is compiled.
//
// MRD_KILL="NAME" or "NAME@N": at the first, or the Nth, time the place is reached. The names are in the table below, in the order in which an
// extend passes them.
#pragma once

#include <array>
#include <string_view>

namespace mrd {

inline constexpr std::array<std::string_view, 12> kill_points = {
    "extend-checked",   // cap, capacity and id allow it; nothing is written
    "intent-reserved",  // its space, and that of what settles it, is there
    "intent-torn",      // the first half of the intent is written
    "intent-written",   //
    "provider-begins",  // the hardware has not been asked
    "provider-ended",   // it has answered
    "settled-torn",     // the first half of what settles the intent is written
    "settled-written",  //
    "reply-ready",      // before the reply is given to the connection
    "reply-given",      // after it; it may not have been sent
    "sync-begins",      // the journal is to be synced
    "sync-ended",       //
};

#ifdef MRD_TEST_HOOKS
void kill_point(std::string_view name);
// Is the next time the place is reached the one to die at?
bool dies_at(std::string_view name);
#else
inline void kill_point(std::string_view) {}
inline bool dies_at(std::string_view) { return false; }
#endif

}  // namespace mrd
