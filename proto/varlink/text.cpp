#include "proto/varlink/text.h"

#include <algorithm>
#include <array>

namespace varlink {

namespace {

struct Range {
    char32_t first;
    char32_t last;
};

// In their order. The last two code points of every plane, which are no characters, are not in it.
constexpr std::array invisible = {
    Range{0x0000, 0x001F},                             // Cc
    Range{0x007F, 0x00A0},                             // Cc: DEL, C1; no-break space
    Range{0x00AD, 0x00AD},                             // soft hyphen
    Range{0x034F, 0x034F},                             // combining grapheme joiner
    Range{0x0600, 0x0605},                             // Cf: Arabic number signs
    Range{0x061C, 0x061C},                             // Arabic letter mark
    Range{0x06DD, 0x06DD},                             // Cf
    Range{0x070F, 0x070F},                             // Cf
    Range{0x0890, 0x0891},                             // Cf
    Range{0x08E2, 0x08E2},                             // Cf
    Range{0x115F, 0x1160},                             // Hangul fillers
    Range{0x1680, 0x1680},                             // Ogham space mark
    Range{0x17B4, 0x17B5},                             // Khmer inherent vowels
    Range{0x180B, 0x180F},                             // Mongolian variation selectors and vowel separator
    Range{0x2000, 0x200F},                             // spaces, joiners, marks of direction
    Range{0x2028, 0x202F},                             // line and paragraph separators, embeddings and overrides, narrow no-break space
    Range{0x205F, 0x206F},                             // mathematical space, word joiner, invisible operators, isolates
    Range{0x2800, 0x2800},                             // Braille pattern blank
    Range{0x3000, 0x3000},                             // ideographic space
    Range{0x3164, 0x3164},                             // Hangul filler
    Range{0xD800, 0xDFFF},                             // surrogates
    Range{0xFDD0, 0xFDEF},                             // noncharacters
    Range{0xFE00, 0xFE0F},                             // variation selectors
    Range{0xFEFF, 0xFEFF},                             // byte order mark
    Range{0xFFA0, 0xFFA0},                             // halfwidth Hangul filler
    Range{0xFFF0, 0xFFFC},                             // default ignorable, interlinear annotation, object replacement
    Range{0x110BD, 0x110BD},                           // Cf: Kaithi number signs
    Range{0x110CD, 0x110CD}, Range{0x13430, 0x1343F},  // Cf: Egyptian format controls, those of Unicode 15 too
    Range{0x1BCA0, 0x1BCA3},                           // shorthand format controls
    Range{0x1D159, 0x1D159},                           // musical symbol null notehead
    Range{0x1D173, 0x1D17A},                           // musical format controls
    Range{0xE0000, 0xE0FFF},                           // tags, variation selectors, and what is reserved for their like
};

}  // namespace

Character first_character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {.code_point = lead};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
    // Which the second may be: the shortest forms, without surrogates, up to U+10FFFF.
    const unsigned least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < least || byte(1) > most) return {};
    char32_t code_point = lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {};
        code_point = code_point << 6U | (byte(i) & 0x3FU);
    }
    return {.code_point = code_point, .size = size};
}

// A character has at most four bytes, of which the first alone is not 10xxxxxx.
std::string_view beginning_of(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80) --most;
    return text.substr(0, most);
}

bool is_invisible(char32_t c) {
    if (c < 0x7F) return c < 0x20;
    if ((c & 0xFFFEU) == 0xFFFE) return true;
    const auto *const range = std::ranges::lower_bound(invisible, c, {}, &Range::last);
    return range != invisible.end() && c >= range->first;
}

}  // namespace varlink
