// How often a method was called, and how long its calls took. To look at the clock costs a good part of what a call costs that only reads memory: of calls that come
// together the first is timed, and of the others one in 16, which counts for all.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace varlink {

struct CallCounters {
    using Clock = std::chrono::steady_clock;

    static constexpr unsigned timed_one_in = 16;
    static constexpr std::array<Clock::duration, 16> bounds = [] {
        using std::chrono::microseconds;
        return std::array<Clock::duration, 16>{
            microseconds(1),         microseconds(5),         microseconds(10),         microseconds(50),
            microseconds(100),       microseconds(500),       microseconds(1'000),      microseconds(5'000),
            microseconds(10'000),    microseconds(50'000),    microseconds(100'000),    microseconds(500'000),
            microseconds(1'000'000), microseconds(5'000'000), microseconds(10'000'000), microseconds(30'000'000)};
    }();

    std::uint64_t calls = 0;   // that have begun
    std::uint64_t failed = 0;  // answered with an error
    // Answered within the bound of the same place, and not within the one before it; the last: within none.
    std::array<std::uint64_t, bounds.size() + 1> took{};
    Clock::duration time{};  // of all these together

    void answered(Clock::duration duration, unsigned count) {
        took[static_cast<std::size_t>(std::ranges::lower_bound(bounds, duration) - bounds.begin())] += count;
        time += duration * count;
    }
};

}  // namespace varlink
