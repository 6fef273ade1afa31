// Extends that are proved several at once, behind the records that they stand in: a check of a long journal takes a third less time.
#pragma once

#include <cstdint>
#include <optional>

#include "mr/digest.h"
#include "mrd/journal/sha384_lanes.h"

namespace mrd::journal {

class ExtendsTogether {
public:
    explicit ExtendsTogether(sha384_lanes::Way way = sha384_lanes::best_way()) : way_(way) {}

    // Those that come stand in the record at `offset`.
    void stand_at(std::uint64_t offset) { offset_ = offset; }

    // False: it has to be proved alone.
    bool add(std::uint64_t intent, mr::HashAlgorithm algorithm, const mr::Digest &before, const mr::Digest &digest,
             const mr::Digest &after);

    struct Wrong {
        std::uint64_t offset = 0;  // of its record
        std::uint64_t intent = 0;
    };
    // The first that is computed wrongly, of all that have come.
    std::optional<Wrong> first_wrong();

private:
    void prove();

    sha384_lanes::Way way_;
    std::uint64_t offset_ = 0;
    std::size_t waiting_ = 0;
    std::array<sha384_lanes::Extend, sha384_lanes::at_once> extends_{};
    std::array<sha384_lanes::Value, sha384_lanes::at_once> after_{};  // as the records have it
    std::array<Wrong, sha384_lanes::at_once> places_{};
    std::optional<Wrong> wrong_;
};

}  // namespace mrd::journal
