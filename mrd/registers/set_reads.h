// Several registers brought up to date together: one read for each refresh set, whatever number of them is in it.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <vector>

#include "mrd/registers/registers.h"

namespace mrd {

struct SetsRead {
    std::vector<Registers::Place> read;       // one register of each set that has one which is live, or was not read yet
    std::vector<Registers::Place> refreshed;  // those for which the hardware was reread

    // The hardware was reread for it. Not live: it never is.
    [[nodiscard]] bool was_refreshed(const Registers::Place &place) const;
    // Nothing was written between the reads: what is known of them belongs together.
    [[nodiscard]] bool in_sync() const;
};

// For a user. Called when every read has ended, at once where the cache serves them all. Error: one of those that they met.
void read_sets(uid_t user, std::span<const Registers::Place> places, bool fresh,
               std::move_only_function<void(std::expected<SetsRead, RegisterError>)> done);

}  // namespace mrd
