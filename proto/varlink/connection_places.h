// Who may connect: each uid has a share of the places that depends on how many are free, and some are kept for root.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>

namespace varlink {

// A uid holds at most so many times as many places as it leaves free for the others. One alone gets seven eighths of all, the next seven eighths of the rest, and so
// on: nobody can take the last place, and no place is lost to uids that are not there. Each may hold this many and the first one in any case.
inline constexpr std::size_t places_for_a_free_one = 7;
inline constexpr std::size_t places_part_of_root = 64;  // others than root leave root the places divided by this

class ConnectionPlaces {
public:
    enum class Outcome : std::uint8_t { taken, no_place, over_share };

    explicit ConnectionPlaces(std::size_t places) : places_(places) {}

    Outcome take(uid_t uid);

    // Precondition: it was taken.
    void give_back(uid_t uid);

    [[nodiscard]] std::size_t taken() const { return taken_; }

private:
    std::size_t places_;
    std::size_t taken_ = 0;
    std::map<uid_t, std::size_t> taken_by_;
};

}  // namespace varlink
