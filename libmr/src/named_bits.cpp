#include "mr/named_bits.h"

#include <algorithm>

namespace mr {

std::string bits_text(std::uint64_t value, std::span<const NamedBit> bits) {
    std::string text;
    for (unsigned number = 0; number < 64; ++number) {
        if ((value >> number & 1U) == 0) continue;
        const auto known = std::ranges::find(bits, number, &NamedBit::number);
        text.append(text.empty() ? "" : ", ");
        if (known != bits.end()) {
            text.append(known->name);
        } else {
            text.append("bit ").append(std::to_string(number));
        }
    }
    return text.empty() ? "none" : text;
}

std::uint64_t known_bits(std::span<const NamedBit> bits) {
    std::uint64_t mask = 0;
    for (const auto &bit : bits) mask |= std::uint64_t{1} << bit.number;
    return mask;
}

}  // namespace mr
