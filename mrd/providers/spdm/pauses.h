// When a device that was not there, or did not stay, is looked for again: each time twice as late.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace mrd::spdm {

class Pauses {
public:
    static constexpr std::chrono::milliseconds first{50};
    static constexpr std::chrono::milliseconds longest = std::chrono::seconds(5);

    // Before the next look, after one that found nothing.
    std::chrono::milliseconds after_absence() { return std::exchange(next_, std::min(2 * next_, longest)); }

    // After it was there for so long. One that comes and goes at once would be met, measured and announced without end: its pauses go on growing.
    std::chrono::milliseconds after_stay(std::chrono::steady_clock::duration stayed) {
        if (stayed >= longest) next_ = first;
        return after_absence();
    }

private:
    std::chrono::milliseconds next_ = first;
};

}  // namespace mrd::spdm
