#include "mr/bytes.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace mr {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Marks the characters that are no digit. No digit's value has its top bit set, so values can be joined before the one test.
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> values_of(std::string_view digits) {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        values[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}

constexpr std::array<std::uint8_t, 256> base64_values = values_of(base64_digits);

// What a digit at each of the four places of a group adds to the group's three bytes, in memory's order of them; the fourth byte marks what is no digit.
using Group = std::array<std::uint8_t, 4>;
constexpr Group no_digit_in_group = {0, 0, 0, no_digit};
constexpr std::array<std::array<std::uint32_t, 256>, 4> base64_groups = [] {
    std::array<std::array<std::uint32_t, 256>, 4> groups{};
    for (std::size_t place = 0; place < groups.size(); ++place) {
        groups[place].fill(std::bit_cast<std::uint32_t>(no_digit_in_group));
        for (std::size_t i = 0; i < base64_digits.size(); ++i) {
            const auto bits = static_cast<std::uint32_t>(i) << (18 - 6 * place);
            groups[place][static_cast<std::uint8_t>(base64_digits[i])] =
                std::bit_cast<std::uint32_t>(Group{static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 8),
                                                   static_cast<std::uint8_t>(bits), std::uint8_t{0}});
        }
    }
    return groups;
}();

// Without look-ups and branches, so that a row of digits becomes vector instructions: they are on the way of every digest and every value.
constexpr char hex_digit(unsigned value) {
    constexpr unsigned letters = 'a' - '0' - 10;
    return static_cast<char>('0' + value + (value > 9 ? letters : 0));
}

constexpr std::uint8_t hex_value(char digit) {
    const auto number = static_cast<std::uint8_t>(digit - '0');
    const auto letter = static_cast<std::uint8_t>((digit | 0x20) - 'a');
    return number < 10 ? number : letter < 6 ? static_cast<std::uint8_t>(letter + 10) : no_digit;
}

// The bytes of so many digits. `seen`: what the digits' values have in common with no_digit.
template <std::size_t digits>
void read_hex(const char *text, std::uint8_t *bytes, std::uint8_t &seen) {
    std::array<std::uint8_t, digits> values;
    for (std::size_t i = 0; i < digits; ++i) values[i] = hex_value(text[i]);
    for (const auto value : values) seen |= value;
    for (std::size_t i = 0; i < digits / 2; ++i) bytes[i] = static_cast<std::uint8_t>(values[2 * i] << 4 | values[2 * i + 1]);
}

// Both digits of twelve bits at once: half the look-ups.
constexpr std::array<std::array<char, 2>, 4096> base64_pairs = [] {
    std::array<std::array<char, 2>, 4096> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        pairs[i] = {base64_digits[i >> 6], base64_digits[i & 0x3f]};
    }
    return pairs;
}();

std::unexpected<Error> refuse(std::string message) { return std::unexpected(Error{ErrorCode::invalid_argument, std::move(message)}); }

}  // namespace

void append_hex(std::string &out, ByteView bytes) {
    const std::size_t before = out.size();
    out.resize(before + bytes.size() * 2);
    char *digits = out.data() + before;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        digits[2 * i] = hex_digit(bytes[i] >> 4U);
        digits[2 * i + 1] = hex_digit(bytes[i] & 0xfU);
    }
}

std::string to_hex(ByteView bytes) {
    std::string text;
    append_hex(text, bytes);
    return text;
}

std::expected<Bytes, Error> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return refuse("hex has an odd number of digits: write two digits for each byte");
    }
    Bytes bytes(text.size() / 2);
    std::uint8_t seen = 0;
    std::size_t i = 0;
    constexpr std::size_t piece = 16;  // bytes
    for (; i + piece <= bytes.size(); i += piece) read_hex<2 * piece>(text.data() + 2 * i, bytes.data() + i, seen);
    for (; i < bytes.size(); ++i) read_hex<2>(text.data() + 2 * i, bytes.data() + i, seen);
    if ((seen & 0x80) != 0) {
        return refuse("hex has a character other than 0-9, a-f and A-F: write digits only, without separators");
    }
    return bytes;
}

void append_base64(std::string &out, ByteView bytes) {
    const std::size_t before = out.size();
    out.resize(before + (bytes.size() + 2) / 3 * 4, '=');
    char *digits = out.data() + before;
    std::size_t i = 0;
    // Six bytes of eight that are there.
    for (; i + sizeof(std::uint64_t) <= bytes.size(); i += 6) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        if constexpr (std::endian::native == std::endian::little) word = std::byteswap(word);
        for (const unsigned shift : {52U, 40U, 28U, 16U}) {
            std::memcpy(digits, base64_pairs[word >> shift & 0xfff].data(), 2);
            digits += 2;
        }
    }
    for (; i + 3 <= bytes.size(); i += 3) {
        const unsigned group = static_cast<unsigned>(bytes[i]) << 16 | static_cast<unsigned>(bytes[i + 1]) << 8 | bytes[i + 2];
        std::memcpy(digits, base64_pairs[group >> 12].data(), 2);
        std::memcpy(digits + 2, base64_pairs[group & 0xfff].data(), 2);
        digits += 4;
    }
    if (const std::size_t rest = bytes.size() - i; rest != 0) {
        const unsigned group = static_cast<unsigned>(bytes[i]) << 16 | (rest == 2 ? static_cast<unsigned>(bytes[i + 1]) << 8 : 0U);
        *digits++ = base64_digits[group >> 18];
        *digits++ = base64_digits[group >> 12 & 0x3f];
        if (rest == 2) *digits = base64_digits[group >> 6 & 0x3f];
    }
}

std::string to_base64(ByteView bytes) {
    std::string text;
    append_base64(text, bytes);
    return text;
}

std::expected<Bytes, Error> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return refuse("base64 has a length that is no multiple of 4: pad it with '='");
    }
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    const std::size_t digits = text.size() - padding;
    Bytes bytes(digits * 3 / 4);
    auto *to = bytes.data();
    unsigned seen = 0;
    const auto value = [&](std::size_t at) -> unsigned {
        const unsigned digit = base64_values[static_cast<std::uint8_t>(text[at])];
        seen |= digit;
        return digit;
    };
    std::size_t i = 0;
    // Four bytes are written where three are meant, as long as there is room for them.
    std::uint32_t seen_in_groups = 0;
    for (; i + 8 <= digits; i += 4) {
        std::uint32_t group = 0;
        for (std::size_t place = 0; place < base64_groups.size(); ++place)
            group |= base64_groups[place][static_cast<std::uint8_t>(text[i + place])];
        seen_in_groups |= group;
        std::memcpy(to, &group, sizeof group);
        to += 3;
    }
    seen |= std::bit_cast<Group>(seen_in_groups)[3];
    for (; i + 4 <= digits; i += 4) {
        const unsigned group = value(i) << 18 | value(i + 1) << 12 | value(i + 2) << 6 | value(i + 3);
        *to++ = static_cast<std::uint8_t>(group >> 16);
        *to++ = static_cast<std::uint8_t>(group >> 8);
        *to++ = static_cast<std::uint8_t>(group);
    }
    // The digits before padding: 2 of them carry one byte, 3 carry two; what they carry beyond that must be zero, or two texts
    // would stand for the same bytes.
    unsigned unused = 0;
    if (digits - i == 2) {
        const unsigned group = value(i) << 6 | value(i + 1);
        *to = static_cast<std::uint8_t>(group >> 4);
        unused = group & 0xf;
    } else if (digits - i == 3) {
        const unsigned group = value(i) << 12 | value(i + 1) << 6 | value(i + 2);
        *to++ = static_cast<std::uint8_t>(group >> 10);
        *to = static_cast<std::uint8_t>(group >> 2);
        unused = group & 0x3;
    }
    if ((seen & 0x80) != 0) {
        return refuse("base64 has a character outside the standard alphabet (A-Z a-z 0-9 + /): remove white space, use no URL form");
    }
    if (unused != 0) {
        return refuse("base64 ends in bits that belong to no byte: encode the bytes anew");
    }
    return bytes;
}

bool is_text(std::string_view bytes) {
    // Nearly all is ASCII, which is seen many bytes at a time.
    unsigned char other = 0;
    for (const char c : bytes)
        other = static_cast<unsigned char>(other | static_cast<unsigned char>(static_cast<unsigned char>(c - 1) >= 0x7F));
    if (other == 0) return true;
    for (std::size_t i = 0; i < bytes.size();) {
        const auto lead = static_cast<unsigned char>(bytes[i++]);
        if (lead == 0) return false;
        if (lead < 0x80) continue;
        // How many bytes follow, and which the first of them may be: the shortest forms, without surrogates, up to U+10FFFF.
        const std::size_t follow = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (lead < 0xC2 || lead > 0xF4 || bytes.size() - i < follow) return false;
        const unsigned least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const unsigned most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        const auto second = static_cast<unsigned char>(bytes[i]);
        if (second < least || second > most) return false;
        for (std::size_t j = 1; j < follow; ++j) {
            if ((static_cast<unsigned char>(bytes[i + j]) & 0xC0U) != 0x80U) return false;
        }
        i += follow;
    }
    return true;
}

}  // namespace mr
