#include "mrd/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace mrd {
namespace {

constexpr std::uint32_t reversed_polynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> result{};
    for (std::uint32_t i = 0; i < result.size(); ++i) {
        std::uint32_t rest = i;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest & 1) != 0 ? rest >> 1 ^ reversed_polynomial : rest >> 1;
        }
        result[i] = rest;
    }
    return result;
}();

}  // namespace

namespace crc32c_ways {

std::uint32_t portable(mr::ByteView bytes, std::uint32_t so_far) {
    std::uint32_t rest = ~so_far;
    for (const std::uint8_t byte : bytes) {
        rest = table[(rest ^ byte) & 0xff] ^ rest >> 8;
    }
    return ~rest;
}

#if defined(__x86_64__)

bool hardware_available() { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) std::uint32_t hardware(mr::ByteView bytes, std::uint32_t so_far) {
    std::uint64_t rest = ~so_far;
    const std::uint8_t *at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t), at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        rest = _mm_crc32_u64(rest, word);
    }
    auto short_rest = static_cast<std::uint32_t>(rest);
    if (left >= sizeof(std::uint32_t)) {
        std::uint32_t word = 0;
        std::memcpy(&word, at, sizeof word);
        short_rest = _mm_crc32_u32(short_rest, word);
        left -= sizeof word;
        at += sizeof word;
    }
    for (; left > 0; --left, ++at) {
        short_rest = _mm_crc32_u8(short_rest, *at);
    }
    return ~short_rest;
}

#else

bool hardware_available() { return false; }
std::uint32_t hardware(mr::ByteView bytes, std::uint32_t so_far) { return portable(bytes, so_far); }

#endif

}  // namespace crc32c_ways

std::uint32_t crc32c(mr::ByteView bytes, std::uint32_t so_far) {
    return crc32c_ways::hardware_available() ? crc32c_ways::hardware(bytes, so_far) : crc32c_ways::portable(bytes, so_far);
}

}  // namespace mrd
