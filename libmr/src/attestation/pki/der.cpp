#include "libmr/src/attestation/pki/der.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string_view>

namespace mr::attestation {

DerElement DerReader::any() {
    const auto fail = [this] {
        ok_ = false;
        return DerElement{};
    };
    if (!ok_ || rest_.size() < 2) return fail();
    const std::uint8_t tag = rest_[0];
    constexpr std::uint8_t longer_tag = 0x1F;
    if ((tag & longer_tag) == longer_tag) return fail();
    std::size_t size = rest_[1];
    std::size_t head = 2;
    if (size >= 0x80) {
        // The shortest form of the length, and never the indefinite one (0x80).
        const std::size_t digits = size & 0x7FU;
        if (digits == 0 || digits > 3 || rest_.size() < 2 + digits || rest_[2] == 0) return fail();
        size = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            size = size << 8 | rest_[2 + i];
        }
        head += digits;
        if (size < 0x80 || size > max_der_size) return fail();
    }
    if (rest_.size() - head < size) return fail();
    const DerElement element{.tag = tag, .content = rest_.subspan(head, size), .whole = rest_.first(head + size)};
    rest_ = rest_.subspan(head + size);
    return element;
}

DerElement DerReader::element(DerTag tag) {
    if (!next_is(tag)) {
        ok_ = false;
        return {};
    }
    return any();
}

ByteView DerReader::unsigned_integer() {
    const ByteView bytes = take(DerTag::integer);
    if (bytes.empty() || bytes[0] >= 0x80 || (bytes.size() > 1 && bytes[0] == 0 && bytes[1] < 0x80)) {
        ok_ = false;
        return {};
    }
    return bytes.size() > 1 && bytes[0] == 0 ? bytes.subspan(1) : bytes;
}

std::optional<std::uint64_t> DerReader::small_integer() {
    const ByteView bytes = unsigned_integer();
    if (!ok_ || bytes.size() > 4) {
        ok_ = false;
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) {
        value = value << 8 | byte;
    }
    return value;
}

std::optional<bool> DerReader::boolean() {
    const ByteView bytes = take(DerTag::boolean);
    if (bytes.size() != 1 || (bytes[0] != 0 && bytes[0] != 0xFF)) {
        ok_ = false;
        return std::nullopt;
    }
    return bytes[0] != 0;
}

ByteView DerReader::object_identifier() {
    const ByteView bytes = take(DerTag::object_identifier);
    constexpr std::uint8_t more_digits = 0x80;
    bool within = false;
    for (const std::uint8_t byte : bytes) {
        if (!within && byte == more_digits) ok_ = false;
        within = byte >= more_digits;
    }
    if (bytes.empty() || within) ok_ = false;
    return ok_ ? bytes : ByteView();
}

ByteView DerReader::bit_string() {
    const ByteView bytes = take(DerTag::bit_string);
    if (bytes.empty() || bytes[0] != 0) {
        ok_ = false;
        return {};
    }
    return bytes.subspan(1);
}

std::optional<std::int64_t> DerReader::time() {
    const DerElement found = any();
    std::string text(found.content.begin(), found.content.end());
    std::optional<std::int64_t> seconds;
    if (text.ends_with('Z')) {
        text.pop_back();
        if (found.tag == static_cast<std::uint8_t>(DerTag::utc_time) && text.size() == 12) {
            text.insert(0, text[0] >= '5' ? "19" : "20");
            seconds = time_from_digits(text);
        } else if (found.tag == static_cast<std::uint8_t>(DerTag::generalized_time)) {
            seconds = time_from_digits(text);
        }
    }
    if (!seconds) ok_ = false;
    return seconds;
}

std::string object_identifier_text(ByteView content) {
    std::string text;
    std::uint64_t number = 0;
    bool within = false;
    for (const std::uint8_t byte : content) {
        // No leading zero digits, and nothing that does not fit.
        if ((!within && byte == 0x80) || number > std::numeric_limits<std::uint64_t>::max() >> 7) return {};
        number = number << 7 | (byte & 0x7FU);
        within = byte >= 0x80;
        if (within) continue;
        if (text.empty()) {
            const std::uint64_t first = std::min<std::uint64_t>(number / 40, 2);
            text = std::to_string(first) + "." + std::to_string(number - first * 40);
        } else {
            text += "." + std::to_string(number);
        }
        number = 0;
    }
    return within ? std::string() : text;
}

std::optional<std::int64_t> time_from_digits(std::string_view digits) {
    constexpr std::array<std::size_t, 6> widths = {4, 2, 2, 2, 2, 2};
    if (digits.size() != 14 || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    std::array<int, widths.size()> numbers{};
    for (std::size_t i = 0, at = 0; i < widths.size(); ++i) {
        for (const std::size_t end = at + widths[i]; at < end; ++at) {
            numbers[i] = numbers[i] * 10 + (digits[at] - '0');
        }
    }
    const auto [year, month, day, hour, minute, second] = numbers;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const std::chrono::sys_seconds time =
        std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
    return time.time_since_epoch().count();
}

}  // namespace mr::attestation
