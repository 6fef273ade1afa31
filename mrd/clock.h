#pragma once

#include <chrono>
#include <cstdint>

namespace mrd {

// As events, evidence and Status tell the time: microseconds since the epoch.
inline std::int64_t now_in_microseconds() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace mrd
