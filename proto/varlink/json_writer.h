// Appends JSON to a string: what replies and calls are made of. Nothing is allocated but the string's own growth.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace varlink {

// With quotes and escapes. The text must be UTF-8: the writer does not check it.
void write_json(std::string &out, std::string_view text);

inline void write_json(std::string &out, std::same_as<bool> auto value) { out += value ? "true" : "false"; }

inline void write_json(std::string &out, std::int64_t value) {
    char digits[20];  // NOLINT(modernize-avoid-c-arrays): to_chars wants one; 20 hold any int64
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value);
    out.append(std::begin(digits), end.ptr);
}

// The shortest text that reads as the same number. Precondition: finite.
inline void write_json(std::string &out, std::same_as<double> auto value) {
    char digits[32];  // NOLINT(modernize-avoid-c-arrays): as above
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value);
    out.append(std::begin(digits), end.ptr);
}

}  // namespace varlink
