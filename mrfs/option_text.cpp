#include "mrfs/option_text.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace mrfs {

namespace {

constexpr std::string_view guid_shape = "00000000-0000-0000-0000-000000000000";

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string_view up_to_zero(std::string_view text) { return text.substr(0, text.find('\0')); }

// Takes what says the base, as far as it is no digit.
int take_base(std::string_view &text) {
    constexpr int decimal = 10;
    constexpr int octal = 8;
    constexpr int hexadecimal = 16;
    if (!text.starts_with('0')) return decimal;
    if (text.size() < 3 || (text[1] != 'x' && text[1] != 'X') || !is_hex_digit(text[2])) return octal;
    text.remove_prefix(2);
    return hexadecimal;
}

}  // namespace

std::expected<std::uint32_t, int> number_of_option(std::string_view text) {
    text = up_to_zero(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    // from_chars() would take a sign.
    if (text.empty() || !is_hex_digit(text.front())) return std::unexpected(EINVAL);
    const auto base = take_base(text);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error == std::errc::invalid_argument) return std::unexpected(EINVAL);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty() && text != "\n") return std::unexpected(EINVAL);
    if (error == std::errc::result_out_of_range) return std::unexpected(ERANGE);
    return number;
}

std::optional<std::string> guid_of_option(std::string_view text) {
    text = up_to_zero(text).substr(0, guid_shape.size());
    const bool is_one = std::ranges::equal(text, guid_shape, [](char c, char like) { return like == '-' ? c == '-' : is_hex_digit(c); });
    return is_one ? std::optional<std::string>(text) : std::nullopt;
}

std::string name_of_option(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    return std::string(up_to_zero(text));
}

}  // namespace mrfs
