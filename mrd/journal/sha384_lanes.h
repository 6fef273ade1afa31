// SHA-384 of several short messages at once, a message in each lane of a vector register: for the check of a long journal, which proves thousands of extends that
// do not wait for each other. Everything else hashes by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mrd::journal::sha384_lanes {

inline constexpr std::size_t at_once = 8;

using Value = std::array<std::uint8_t, 48>;
struct Extend {
    Value before;
    Value digest;
};

// How this processor can do it; none where its registers are too short, and in a build without fast paths.
enum class Way : std::uint8_t { none, avx2, avx512 };
[[nodiscard]] bool is_available(Way way);
[[nodiscard]] Way best_way();

// SHA-384(before || digest) of each. Precondition: the way is available, and not none.
std::array<Value, at_once> extended(Way way, std::span<const Extend, at_once> extends);

}  // namespace mrd::journal::sha384_lanes
