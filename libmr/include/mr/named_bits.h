// Bits of a number by their names: what documents of policies name, and what is shown of a number. In mr::verify.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mr {

struct NamedBit {
    unsigned number;
    std::string_view name;
};

// Those that are set: "smt, debug" and, of a bit without a name, "bit 40"; "none".
std::string bits_text(std::uint64_t value, std::span<const NamedBit> bits);

// All that have a name.
std::uint64_t known_bits(std::span<const NamedBit> bits);

}  // namespace mr
