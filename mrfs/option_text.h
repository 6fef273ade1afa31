// What the kernel takes for a number or a GUID where a program writes one as text. Whatever is behind a zero byte is not seen.
//
// Source: Linux, lib/kstrtox.c (kstrtouint with base 0), lib/uuid.c (guid_parse).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mrfs {

// Decimal, octal behind "0", hexadecimal behind "0x"; one newline may end it. Error: EINVAL; ERANGE: it has more than 32 bits.
std::expected<std::uint32_t, int> number_of_option(std::string_view text);

// Its 36 characters, whatever is behind them.
std::optional<std::string> guid_of_option(std::string_view text);

// Without one newline at its end.
std::string name_of_option(std::string_view text);

}  // namespace mrfs
