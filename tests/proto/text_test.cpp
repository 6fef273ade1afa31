#include "proto/varlink/text.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>

#include "proto/varlink/json_forms.h"

namespace varlink {
namespace {

// What another implementation of Unicode says: "FIRST LAST" in hexadecimal, a line a range.
std::string ranges_of(const std::string &properties) {
    const auto command =
        "perl -e 'no warnings; for (0..0x10FFFF) { next if $_ >= 0xD800 && $_ <= 0xDFFF; printf \"%X %X\\n\", $_, $_ if chr($_) =~ /" +
        properties + "/ }' 2>/dev/null";
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> perl(::popen(command.c_str(), "re"), ::pclose);
    std::string text;
    std::array<char, 4096> piece{};
    for (std::size_t count = 0; perl && (count = std::fread(piece.data(), 1, piece.size(), perl.get())) > 0;)
        text.append(piece.data(), count);
    return text;
}

TEST(Text, EveryCharacterThatUnicodeCallsInvisibleIs) {
    const auto ranges = ranges_of(R"(\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|[^ \P{Zs}]|\p{DI}|\p{Bidi_C}|\p{NChar})");
    if (ranges.empty()) GTEST_SKIP() << "no perl here";
    std::istringstream in(ranges);
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::size_t count = 0;
    while (in >> std::hex >> first >> last) {
        for (auto c = first; c <= last; ++c, ++count) EXPECT_TRUE(is_invisible(c)) << std::hex << c;
    }
    EXPECT_GT(count, 4000U);
}

TEST(Text, WhatLeavesAMarkIsNotInvisible) {
    const auto marks = ranges_of(R"(\p{L}|\p{N}|\p{P}|\p{S}|\p{M})");
    if (marks.empty()) GTEST_SKIP() << "no perl here";
    std::istringstream in(marks);
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::ostringstream hidden;
    while (in >> std::hex >> first >> last) {
        for (auto c = first; c <= last; ++c) {
            if (is_invisible(c)) hidden << std::hex << c << ' ';
        }
    }
    // Letters, symbols and marks by their category, drawn as nothing.
    std::string variation_selectors;
    for (std::uint32_t c = 0xE0100; c <= 0xE01EF; ++c) {
        std::ostringstream out;
        out << std::hex << c << ' ';
        variation_selectors += out.str();
    }
    EXPECT_EQ(
        hidden.str(),
        "34f 115f 1160 17b4 17b5 180b 180c 180d 180f 2800 3164 fe00 fe01 fe02 fe03 fe04 fe05 fe06 fe07 fe08 fe09 fe0a fe0b fe0c fe0d fe0e "
        "fe0f ffa0 fffc 1d159 " +
            variation_selectors);
}

TEST(Text, ACharacterIsReadInItsShortestFormOnly) {
    EXPECT_EQ(first_character("a").code_point, U'a');
    EXPECT_EQ(first_character("\xC2\x80").code_point, 0x80U);
    EXPECT_EQ(first_character("\xE2\x82\xAC rest").code_point, U'€');
    EXPECT_EQ(first_character("\xF4\x8F\xBF\xBF").code_point, 0x10FFFFU);
    EXPECT_EQ(first_character("\xF0\x9F\x98\x80").size, 4U);
    for (const std::string broken : {"\x80", "\xC1\x81", "\xC2", "\xC2 ", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82", "\xF0\x8F\xBF\xBF",
                                     "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
        const auto found = first_character(broken);
        EXPECT_FALSE(found.code_point) << broken.size();
        EXPECT_EQ(found.size, 1U);
    }
}

TEST(VisibleJson, KeepsTheValueAndEscapesWhatNobodySees) {
    std::string out;
    append_visible_json(out, "{\"a\":\"\xC2\x9B\x7F\xF3\xA0\x81\x81\xE2\x80\xAE\",\r\n\t\"é😀\":\"\\u0001\"}");
    EXPECT_EQ(out, "{\"a\":\"\\u009b\\u007f\\udb40\\udc41\\u202e\", \n\t\"é😀\":\"\\u0001\"}");
}

TEST(VisibleJson, LeavesBytesThatAreNoCharactersAlone) {
    std::string out;
    append_visible_json(out, "\"\xC2\xFF\xE2\x80");
    EXPECT_EQ(out, "\"\xC2\xFF\xE2\x80");
}

}  // namespace
}  // namespace varlink
