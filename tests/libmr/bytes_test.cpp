#include "mr/bytes.h"

#include <gtest/gtest.h>

#include <cctype>
#include <random>

namespace mr {
namespace {

Bytes every_byte() {
    Bytes bytes;
    for (unsigned i = 0; i < 256; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(i));
    }
    return bytes;
}

ErrorCode code_of(const std::expected<Bytes, Error> &result) {
    EXPECT_FALSE(result.has_value());
    return result ? ErrorCode::remote : result.error().code;
}

TEST(Hex, EveryByteSurvivesTheRoundTrip) {
    const Bytes bytes = every_byte();
    const std::string text = to_hex(bytes);
    EXPECT_EQ(text.size(), 512U);
    EXPECT_EQ(text.substr(0x1e * 2, 6), "1e1f20");
    EXPECT_EQ(from_hex(text), bytes);
}

TEST(Hex, IsWrittenInLowerCaseAndReadInBoth) {
    EXPECT_EQ(to_hex(Bytes{0xab, 0xcd, 0xef, 0x09}), "abcdef09");
    EXPECT_EQ(from_hex("ABCDEF09"), (Bytes{0xab, 0xcd, 0xef, 0x09}));
    EXPECT_EQ(from_hex("aBcDeF09"), (Bytes{0xab, 0xcd, 0xef, 0x09}));
}

TEST(Hex, NoTextIsNoBytes) {
    EXPECT_EQ(to_hex({}), "");
    EXPECT_EQ(from_hex(""), Bytes{});
}

TEST(Hex, AnOddNumberOfDigitsIsRefused) { EXPECT_EQ(code_of(from_hex("abc")), ErrorCode::invalid_argument); }

TEST(Hex, EveryCharacterThatIsNoDigitIsRefusedInEitherPlace) {
    const std::string_view digits = "0123456789abcdefABCDEF";
    for (unsigned i = 0; i < 256; ++i) {
        const char character = static_cast<char>(i);
        const bool digit = digits.find(character) != std::string_view::npos;
        EXPECT_EQ(from_hex(std::string{'0', character}).has_value(), digit) << i;
        EXPECT_EQ(from_hex(std::string{character, '0'}).has_value(), digit) << i;
    }
}

TEST(Base64, TheVectorsOfRfc4648Hold) {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (const auto &[plain, text] : vectors) {
        EXPECT_EQ(to_base64(as_bytes(plain)), text);
        const auto bytes = from_base64(text);
        ASSERT_TRUE(bytes) << text;
        EXPECT_EQ(std::string(bytes->begin(), bytes->end()), plain);
    }
}

TEST(Base64, EveryByteAndEveryRestSurviveTheRoundTrip) {
    const Bytes bytes = every_byte();
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const ByteView part = ByteView(bytes).last(size);
        EXPECT_EQ(from_base64(to_base64(part)), Bytes(part.begin(), part.end())) << size;
    }
    EXPECT_EQ(to_base64(Bytes{0xfb, 0xff, 0xbf}), "+/+/");
}

// A digit at a time, as RFC 4648 says it.
std::string slow_base64(ByteView bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
        unsigned value = 0;
        for (std::size_t i = bit; i < bit + 6; ++i)
            value = value << 1U | (i / 8 < bytes.size() ? static_cast<unsigned>(bytes[i / 8]) >> (7 - i % 8) & 1U : 0U);
        text += digits[value];
    }
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

TEST(Base64, IsWrittenTheSameHoweverMuchOfItIsTakenAtOnce) {
    std::mt19937 random(64);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same at each run
    for (std::size_t size = 0; size < 200; ++size) {
        Bytes bytes(size);
        for (auto &byte : bytes) byte = static_cast<std::uint8_t>(random());
        const auto text = to_base64(bytes);
        EXPECT_EQ(text, slow_base64(bytes)) << size;
        EXPECT_EQ(from_base64(text), bytes) << size;
    }
}

TEST(Base64, EveryCharacterThatIsNoDigitIsRefusedAtEveryPlace) {
    const std::string good = to_base64(every_byte()).substr(0, 40);
    for (std::size_t size = 4; size <= good.size(); size += 4) {
        for (std::size_t at = 0; at < size; ++at) {
            for (unsigned i = 0; i < 256; ++i) {
                auto text = good.substr(0, size);
                text[at] = static_cast<char>(i);
                if (i == '=' && at == size - 1) continue;  // padding
                const bool is_digit = std::isalnum(static_cast<int>(i)) != 0 || i == '+' || i == '/';
                EXPECT_EQ(from_base64(text).has_value(), is_digit) << size << ", " << at << ", " << i;
            }
        }
    }
}

TEST(Base64, WhatIsNotExactlyTheStandardFormIsRefused) {
    for (const std::string_view text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm9v\n", "Zm 9v", "Zm9v====", "Zg==Zg==", "Zm=v",
                                        "-_-_", "Zh==", "Zm9=", "Zm9v\n\n\n\n"}) {
        EXPECT_EQ(code_of(from_base64(text)), ErrorCode::invalid_argument) << text;
    }
}

TEST(Text, IsWellFormedUtf8WithoutNulBytes) {
    for (const std::string good : {"", "a/b c", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x94\x92", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
        EXPECT_TRUE(is_text(good));
    for (const std::string bad : {"\xFF", "\x80", "\xC3", "\xC0\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                                  "\xF4\x90\x80\x80", "\xE2\x82", "a\xC3("}) {
        EXPECT_FALSE(is_text(bad)) << to_hex(as_bytes(bad));
    }
    EXPECT_FALSE(is_text(std::string_view("a\0b", 3)));
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (unsigned byte = 0; byte < 256; ++byte) {
                std::string text(size, 'a');
                text[at] = static_cast<char>(byte);
                EXPECT_EQ(is_text(text), byte > 0 && byte < 0x80) << size << ", " << at << ", " << byte;
            }
        }
    }
}

}  // namespace
}  // namespace mr
