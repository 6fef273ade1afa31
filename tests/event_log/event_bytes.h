// Building blocks of made-up event data.
#pragma once

#include <cstdint>
#include <string_view>

#include "mr/bytes.h"

namespace mr::test {

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

inline Bytes operator+(Bytes left, const Bytes &right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Bytes utf16(std::string_view ascii) {
    Bytes bytes;
    for (const char c : ascii) {
        bytes.push_back(static_cast<std::uint8_t>(c));
        bytes.push_back(0);
    }
    return bytes;
}

// Little-endian.
inline Bytes number(std::uint64_t value, int size) {
    Bytes bytes;
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    return bytes;
}

// UEFI_VARIABLE_DATA.
inline Bytes efi_variable(const Bytes &vendor, std::string_view name, const Bytes &value) {
    return vendor + number(name.size(), 8) + number(value.size(), 8) + utf16(name) + value;
}

}  // namespace mr::test
