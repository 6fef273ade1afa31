// Tests that change each bit of something alone, where each takes a signature's time: they change some bits of it, and with MRD_EVERY_BIT in the environment, as tools/nightly has
// it, all.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace mrd {

// From one bit that is changed to the next.
inline std::size_t bit_stride(std::size_t usual) {
    return std::getenv("MRD_EVERY_BIT") != nullptr ? 1 : usual;  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace mrd
