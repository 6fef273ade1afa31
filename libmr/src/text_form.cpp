#include "libmr/src/text_form.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "libmr/src/event_log/json_common.h"

namespace mr {
namespace {

constexpr std::size_t shortest = 32;    // characters: a short word is no quote
constexpr std::size_t looked_at = 128;  // enough to tell nearly every other file
constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view line_ends = "\r\n";
constexpr std::string_view hex_prefix = "0x";

bool is_one_of(char c, std::string_view characters) { return characters.find(c) != std::string_view::npos; }

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_base64(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_one_of(c, "+/-_="); }

std::string_view without_prefix(std::string_view text) { return text.starts_with(hex_prefix) ? text.substr(hex_prefix.size()) : text; }

std::string without(std::string_view text, std::string_view characters) {
    std::string rest;
    rest.reserve(text.size());
    std::ranges::copy_if(text, std::back_inserter(rest), [&](char c) { return !is_one_of(c, characters); });
    return rest;
}

}  // namespace

std::optional<Bytes> decode_text_form(ByteView file) {
    auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    const auto begin = std::min(text.find_first_not_of(blanks), text.size());
    text = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
    if (text.size() < shortest) return std::nullopt;

    const auto digits = without_prefix(text);
    const auto all = [](std::string_view of, auto is_digit, std::string_view between) {
        const auto good = [&](char c) { return is_digit(c) || is_one_of(c, between); };
        return std::ranges::all_of(of.substr(0, looked_at), good) && std::ranges::all_of(of, good);
    };
    if (all(digits, is_hex, blanks)) {
        auto bytes = from_hex(without(digits, blanks));
        if (bytes) return std::move(*bytes);
    }
    if (!all(text, is_base64, line_ends)) return std::nullopt;
    auto base64 = without(text, line_ends);
    std::ranges::replace(base64, '-', '+');
    std::ranges::replace(base64, '_', '/');
    while (base64.size() % 4 != 0) base64 += '=';
    auto bytes = from_base64(base64);
    return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

std::expected<Bytes, Error> from_prefixed_hex(std::string_view text) { return from_hex(without_prefix(text)); }

}  // namespace mr
