#include "mrd/journal/sha384_lanes.h"

#include <bit>
#include <cstring>

namespace mrd::journal::sha384_lanes {

#if defined(__x86_64__)

namespace {

// FIPS 180-4, 4.2.3 and 5.3.4.
constexpr std::array<std::uint64_t, 80> constants{
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
    0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
    0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};
constexpr std::array<std::uint64_t, 8> initial{0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                               0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};

constexpr std::size_t value_words = sizeof(Value) / sizeof(std::uint64_t);
constexpr std::uint64_t message_bits = 2 * 8 * sizeof(Value);  // both values, in one block with what pads them

// A word of each lane's message or state. The compiler makes of it what the function's target has.
template <std::size_t lanes>
using Words [[gnu::vector_size(lanes * sizeof(std::uint64_t))]] = std::uint64_t;

std::uint64_t word_of(const Value &value, std::size_t index) {
    std::uint64_t word = 0;
    std::memcpy(&word, value.data() + index * sizeof word, sizeof word);
    return __builtin_bswap64(word);
}

// FIPS 180-4, 6.4.2, of one block for each lane.
template <std::size_t lanes>
[[gnu::always_inline]] inline void hash(const Extend *extends, Value *values) {
    using Vector = Words<lanes>;
    Vector schedule[16];
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        for (std::size_t i = 0; i < value_words; ++i) {
            schedule[i][lane] = word_of(extends[lane].before, i);
            schedule[i + value_words][lane] = word_of(extends[lane].digest, i);
        }
    }
    schedule[12] = Vector{} + (std::uint64_t{1} << 63U);
    schedule[13] = schedule[14] = Vector{};
    schedule[15] = Vector{} + message_bits;
    Vector state[8];
    for (std::size_t i = 0; i < 8; ++i) state[i] = Vector{} + initial[i];
    auto [a, b, c, d, e, f, g, h] = state;
#define MRD_ROTATED(x, bits) (((x) >> (bits)) | ((x) << (64 - (bits))))
#pragma GCC unroll 80
    for (std::size_t i = 0; i < constants.size(); ++i) {
        auto &word = schedule[i % 16];
        if (i >= 16) {
            const Vector near = schedule[(i + 1) % 16];
            const Vector far = schedule[(i + 14) % 16];
            word += (MRD_ROTATED(near, 1) ^ MRD_ROTATED(near, 8) ^ (near >> 7)) + schedule[(i + 9) % 16] +
                    (MRD_ROTATED(far, 19) ^ MRD_ROTATED(far, 61) ^ (far >> 6));
        }
        const Vector first =
            h + (MRD_ROTATED(e, 14) ^ MRD_ROTATED(e, 18) ^ MRD_ROTATED(e, 41)) + ((e & f) ^ (~e & g)) + constants[i] + word;
        const Vector second = (MRD_ROTATED(a, 28) ^ MRD_ROTATED(a, 34) ^ MRD_ROTATED(a, 39)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
#undef MRD_ROTATED
    const Vector result[value_words] = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e, state[5] + f};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        for (std::size_t i = 0; i < value_words; ++i) {
            const std::uint64_t word = __builtin_bswap64(result[i][lane]);
            std::memcpy(values[lane].data() + i * sizeof word, &word, sizeof word);
        }
    }
}

[[gnu::target("avx2"), gnu::noinline]] void hash_avx2(const Extend *extends, Value *values) { hash<4>(extends, values); }
[[gnu::target("avx512f"), gnu::noinline]] void hash_avx512(const Extend *extends, Value *values) { hash<8>(extends, values); }

}  // namespace

bool is_available(Way way) {
    switch (way) {
    case Way::none: return true;
    case Way::avx2: return __builtin_cpu_supports("avx2") != 0;
    case Way::avx512: return __builtin_cpu_supports("avx512f") != 0;
    }
    return false;
}

std::array<Value, at_once> extended(Way way, std::span<const Extend, at_once> extends) {
    std::array<Value, at_once> values{};
    if (way == Way::avx512) {
        hash_avx512(extends.data(), values.data());
    } else {
        hash_avx2(extends.data(), values.data());
        hash_avx2(extends.data() + at_once / 2, values.data() + at_once / 2);
    }
    return values;
}

#else

bool is_available(Way way) { return way == Way::none; }
std::array<Value, at_once> extended(Way, std::span<const Extend, at_once>) { return {}; }

#endif

Way best_way() {
    if (!MRD_FAST_PATHS) return Way::none;
    return is_available(Way::avx512) ? Way::avx512 : is_available(Way::avx2) ? Way::avx2 : Way::none;
}

}  // namespace mrd::journal::sha384_lanes
