#include "libmr/src/event_log/printable.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "proto/varlink/json_forms.h"
#include "proto/varlink/text.h"

namespace mr::event_log {
namespace {

constexpr std::string_view cut_note = "... (cut)";
// Room that is kept for it, or for a last field that says the same.
constexpr std::size_t note_room = 16;
// Of longer text only the start is looked at.
constexpr std::size_t max_text_bytes = 2 * max_content_text;

using varlink::Character;

Character utf8_character(ByteView bytes) { return varlink::first_character({reinterpret_cast<const char *>(bytes.data()), bytes.size()}); }

// Precondition: two bytes at least.
Character utf16_character(ByteView bytes) {
    const char32_t unit = little_endian<std::uint16_t>(bytes);
    if (unit < 0xD800 || unit > 0xDFFF) return {.code_point = unit, .size = 2};
    if (unit > 0xDBFF || bytes.size() < 4) return {.code_point = std::nullopt, .size = 2};
    const char32_t low = little_endian<std::uint16_t>(bytes.subspan(2));
    if (low < 0xDC00 || low > 0xDFFF) return {.code_point = std::nullopt, .size = 2};
    return {.code_point = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), .size = 4};
}

void append_utf8(std::string &out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
        return;
    }
    const auto append = [&](char32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x800) {
        append(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        append(0xE0 | c >> 12);
        append(0x80 | (c >> 6 & 0x3F));
    } else {
        append(0xF0 | c >> 18);
        append(0x80 | (c >> 12 & 0x3F));
        append(0x80 | (c >> 6 & 0x3F));
    }
    append(0x80 | (c & 0x3F));
}

std::string digits_of(std::uint64_t number) {
    std::array<char, 16> digits{};
    const char *const end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return std::string(digits.cbegin(), end);
}

void append_character(std::string &out, Character character, ByteView bytes) {
    const auto c = character.code_point;
    if (!c) {
        for (const std::uint8_t byte : bytes.first(character.size)) {
            out.append("\\x").append(to_hex({&byte, 1}));
        }
    } else if (!varlink::is_invisible(*c)) {
        append_utf8(out, *c);
    } else if (*c == '\n' || *c == '\t' || *c == '\r') {
        out.append(*c == '\n' ? "\\n" : *c == '\t' ? "\\t" : "\\r");
    } else if (*c < 0x80) {
        const auto byte = static_cast<std::uint8_t>(*c);
        out.append("\\x").append(to_hex({&byte, 1}));
    } else {
        out.append("\\u{").append(digits_of(*c)).append("}");
    }
}

// No-break and ideographic spaces are typed too, though they are shown by their numbers.
bool is_typed(std::optional<char32_t> c) {
    return c && (!varlink::is_invisible(*c) || *c == '\n' || *c == '\t' || *c == '\r' || *c == 0xA0 || *c == 0x202F || *c == 0x3000);
}

// Where a text may be cut so that at most `room` bytes remain and no character is broken.
std::size_t cut_at(std::string_view text, std::size_t room) {
    if (text.size() <= room) return text.size();
    while (room > 0 && (static_cast<std::uint8_t>(text[room]) & 0xC0U) == 0x80U) --room;
    return room;
}

// White space alone is no text that anybody would see.
bool has_something_to_see(ByteView bytes) {
    return std::ranges::any_of(bytes, [](std::uint8_t byte) { return byte > 0x20; });
}

ByteView start_of_utf8(ByteView text) {
    return text.first(cut_at({reinterpret_cast<const char *>(text.data()), text.size()}, max_text_bytes));
}

ByteView start_of_utf16(ByteView text) {
    if (text.size() <= max_text_bytes) return text;
    // Not between the two halves of a character.
    const bool high_half = (text[max_text_bytes - 1] & 0xFCU) == 0xD8U;
    return text.first(high_half ? max_text_bytes - 2 : max_text_bytes);
}

}  // namespace

std::string printable(ByteView utf8) {
    std::string out;
    while (!utf8.empty() && out.size() < max_content_text) {
        const Character character = utf8_character(utf8);
        append_character(out, character, utf8);
        utf8 = utf8.subspan(character.size);
    }
    return out;
}

std::string printable(std::string_view utf8) { return printable(as_bytes(utf8)); }

std::string printable_utf16(ByteView utf16) {
    while (utf16.size() % 2 != 0 || (!utf16.empty() && utf16[utf16.size() - 1] == 0 && utf16[utf16.size() - 2] == 0)) {
        utf16 = utf16.first(utf16.size() - (utf16.size() % 2 != 0 ? 1 : 2));
    }
    std::string out;
    while (!utf16.empty() && out.size() < max_content_text) {
        const Character character = utf16_character(utf16);
        append_character(out, character, utf16);
        utf16 = utf16.subspan(character.size);
    }
    return out;
}

ByteView trim_nuls(ByteView text) {
    while (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
    return text;
}

ByteView until_nul(ByteView text) { return text.first(static_cast<std::size_t>(std::ranges::find(text, 0) - text.begin())); }

ByteView utf16_until_nul(ByteView text) {
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        if (text[i] == 0 && text[i + 1] == 0) return text.first(i);
    }
    return text.first(text.size() / 2 * 2);
}

bool looks_like_utf8(ByteView bytes) {
    bytes = trim_nuls(bytes);
    if (!has_something_to_see(bytes)) return false;
    while (!bytes.empty()) {
        const Character character = utf8_character(bytes);
        if (!is_typed(character.code_point)) return false;
        bytes = bytes.subspan(character.size);
    }
    return true;
}

bool looks_like_utf16(ByteView bytes) {
    if (bytes.size() % 2 != 0 && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
    if (bytes.size() % 2 != 0) return false;
    while (!bytes.empty() && little_endian<std::uint16_t>(bytes.last(2)) == 0) bytes = bytes.first(bytes.size() - 2);
    if (!has_something_to_see(bytes) || bytes[0] >= 0x80 || bytes[1] != 0) return false;
    while (!bytes.empty()) {
        const Character character = utf16_character(bytes);
        if (!is_typed(character.code_point)) return false;
        bytes = bytes.subspan(character.size);
    }
    return true;
}

std::string hexadecimal(std::uint64_t number) { return "0x" + digits_of(number); }

void ContentWriter::add(std::string_view name, std::string_view value) {
    if (full_) return;
    const std::size_t room = max_content_text - note_room - used_;
    if (name.size() <= room && value.size() <= room - name.size()) {
        used_ += name.size() + value.size();
        fields_.emplace_back(std::string(name), std::string(value));
        return;
    }
    full_ = true;
    if (name.size() > room) {
        fields_.emplace_back("more", "cut");
        return;
    }
    std::string cut(value.substr(0, cut_at(value, room - name.size())));
    fields_.emplace_back(std::string(name), std::move(cut.append(cut_note)));
}

// Below only the start of long bytes is converted: as text it is already longer than what fits, so that add() cuts it and says so.

void ContentWriter::add_hex(std::string_view name, ByteView bytes) {
    add(name, to_hex(bytes.first(std::min(bytes.size(), max_content_text))));
}

void ContentWriter::add_bytes(std::string_view name, ByteView bytes) {
    const ByteView utf8 = trim_nuls(bytes);
    const ByteView utf16 = bytes.first(std::min(bytes.size(), utf8.size() + utf8.size() % 2));
    const ByteView utf16_start = start_of_utf16(utf16);
    const ByteView utf8_start = start_of_utf8(utf8);
    if (looks_like_utf16(utf16_start)) return add(name, printable_utf16(utf16_start));
    if (looks_like_utf8(utf8_start)) return add(name, printable(utf8_start));
    add_hex(name, bytes);
}

}  // namespace mr::event_log

namespace mr {

std::string printable_text(std::string_view text) { return event_log::printable(text); }

std::string printable_lines(std::string_view text) {
    std::string out;
    for (;;) {
        const auto end = text.find('\n');
        out += printable_text(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

std::string printable_json(std::string_view json) {
    std::string out;
    varlink::append_visible_json(out, json);
    return out;
}

}  // namespace mr
