// UTF-8 as people see it: where its characters are, and which of them nobody sees.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace varlink {

struct Character {
    std::optional<char32_t> code_point;  // none: the byte is no part of a character
    std::size_t size = 1;                // bytes
};

// The first one: of the shortest form, no surrogate, at most U+10FFFF. Precondition: not empty.
Character first_character(std::string_view text);

// As many of the text's bytes as are in its first characters, at most so many.
std::string_view beginning_of(std::string_view text, std::size_t most);

// A character that leaves no mark of its own, or changes where and how others are shown: a terminal obeys it, and two values that differ by it look
// the same. Unicode 14's categories Cc, Cf, Zl, Zp and Zs but for the blank, its properties Default_Ignorable_Code_Point (variation selectors, tags,
// Hangul fillers), Bidi_Control and Noncharacter_Code_Point, surrogates, and four symbols that are drawn as nothing.
bool is_invisible(char32_t c);

}  // namespace varlink
