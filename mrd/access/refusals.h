// What is refused is counted, by operation, and told in mrd's log, of each share so much that no client fills it. Decisions only.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "libmr/wire/method.h"

namespace mrd {

class Refusals {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // Lines that one share has told at once; it has another one each time this has passed.
    static constexpr std::int64_t lines_at_once = 8;
    static constexpr std::chrono::seconds time_for_a_line{10};

    // One more. If it is to be told: how many of the share's were not told since the last that was. `share`: as AccessRules has it, so there are few.
    std::optional<std::int64_t> add(uid_t share, mr::wire::Operation operation, TimePoint now) {
        ++counted_[static_cast<std::size_t>(operation)];
        auto &told = told_[share];
        const auto more = (now - told.since) / time_for_a_line;
        if (more > 0) {
            told.lines = more >= told.lines ? 0 : told.lines - more;
            told.since = now;
        }
        if (told.lines == lines_at_once) {
            ++told.untold;
            return std::nullopt;
        }
        ++told.lines;
        return std::exchange(told.untold, 0);
    }

    [[nodiscard]] std::int64_t of(mr::wire::Operation operation) const { return counted_[static_cast<std::size_t>(operation)]; }

private:
    struct Told {
        TimePoint since = {};
        std::int64_t lines = 0;   // that count against lines_at_once
        std::int64_t untold = 0;  // since the last line
    };
    std::array<std::int64_t, mr::wire::operations> counted_{};
    std::map<uid_t, Told> told_;
};

}  // namespace mrd
