// How a register's log ended, against what is signed.
#pragma once

#include <cstdint>
#include <string>

#include "mr/event_log.h"

namespace mr::attestation {

struct LoggedEnd {
    bool leads = false;                          // to what is signed
    const ReplayedRegister *replayed = nullptr;  // null: without an event
    bool gaps_are_named =
        false;  // the reference values accept each gap by the value found, which was there before the log's first event; so also where there is none

    std::string unknown = {};  // of a virtual register, why nobody can tell what it holds

    [[nodiscard]] bool has_gap() const { return replayed != nullptr && !replayed->gaps.empty(); }

    // What a register vouches for is what was extended since its last gap, accepted or not: before it the log is what whoever extended behind it says.
    // `count`: the register's how many'th event it is, from 1.
    [[nodiscard]] bool proves(std::uint64_t count) const { return leads && count > (has_gap() ? replayed->gaps.back().events : 0); }
};

}  // namespace mr::attestation
