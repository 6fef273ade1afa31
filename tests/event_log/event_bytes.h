// Building blocks of made-up event data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "mr/bytes.h"

namespace mr::test {

// Types that have no name of their own in mr/event_log.h.
inline constexpr std::uint32_t ev_unused = 2;
inline constexpr std::uint32_t dstack_event = 0x08000001;
inline constexpr std::uint32_t variable_driver_config = 0x80000001;
inline constexpr std::uint32_t variable_boot = 0x80000002;
inline constexpr std::uint32_t variable_authority = 0x800000E0;

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

inline Bytes unhex(std::string_view text) { return from_hex(text).value(); }

inline std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

inline Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes &part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

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
