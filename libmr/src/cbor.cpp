#include "libmr/src/cbor.h"

#include <algorithm>

namespace mr::cbor {
namespace {

// Additional information of the initial byte: up to 23 it is the argument itself, 24 to 27 say how many bytes of argument follow: 1, 2, 4 or 8.
constexpr std::uint64_t max_direct = 23;
constexpr unsigned one_byte_follows = 24;
constexpr unsigned eight_bytes_follow = 27;

constexpr std::uint64_t simple_false = 20;
constexpr std::uint64_t simple_true = 21;

constexpr unsigned additional_information(std::uint64_t argument) {
    if (argument <= max_direct) return static_cast<unsigned>(argument);
    if (argument <= 0xFF) return one_byte_follows;
    if (argument <= 0xFFFF) return one_byte_follows + 1;
    if (argument <= 0xFFFFFFFF) return one_byte_follows + 2;
    return eight_bytes_follow;
}

void append_head(Bytes &out, Major major, std::uint64_t argument) {
    const unsigned information = additional_information(argument);
    out.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(major) << 5 | information));
    if (information < one_byte_follows) return;
    for (unsigned following = 1U << (information - one_byte_follows); following-- > 0;) {
        out.push_back(static_cast<std::uint8_t>(argument >> 8 * following));
    }
}

void append_string(Bytes &out, Major major, ByteView value) {
    append_head(out, major, value.size());
    out.insert(out.end(), value.begin(), value.end());
}

constexpr std::string_view wanted(Major major) {
    switch (major) {
    case Major::unsigned_integer: return "an unsigned integer is wanted here";
    case Major::negative_integer: return "a negative integer is wanted here";
    case Major::bytes: return "a byte string is wanted here";
    case Major::text: return "a text string is wanted here";
    case Major::array: return "an array is wanted here";
    case Major::map: return "a map is wanted here";
    case Major::tag: return "a tag is wanted here";
    case Major::simple: return "a boolean is wanted here";
    }
    return "";
}

}  // namespace

void append_unsigned(Bytes &out, std::uint64_t value) { append_head(out, Major::unsigned_integer, value); }
void append_integer(Bytes &out, std::int64_t value) {
    if (value >= 0) return append_unsigned(out, static_cast<std::uint64_t>(value));
    append_head(out, Major::negative_integer, static_cast<std::uint64_t>(-1 - value));
}
void append_bool(Bytes &out, bool value) { append_head(out, Major::simple, value ? simple_true : simple_false); }
void append_bytes(Bytes &out, ByteView value) { append_string(out, Major::bytes, value); }
void append_text(Bytes &out, std::string_view value) { append_string(out, Major::text, as_bytes(value)); }
void append_tag(Bytes &out, std::uint64_t tag) { append_head(out, Major::tag, tag); }
void append_array(Bytes &out, std::uint64_t size) { append_head(out, Major::array, size); }
void append_map(Bytes &out, std::uint64_t pairs) { append_head(out, Major::map, pairs); }

bool precedes(std::string_view key, std::string_view other) { return key.size() != other.size() ? key.size() < other.size() : key < other; }

void MapWriter::append_to(Bytes &out) {
    std::ranges::sort(members_, precedes, &std::pair<std::string_view, Bytes>::first);
    append_map(out, members_.size());
    for (const auto &[key, value] : members_) {
        append_text(out, key);
        out.insert(out.end(), value.begin(), value.end());
    }
}

std::expected<std::uint64_t, std::string_view> Reader::read_head(Major major) {
    if (at_end()) return std::unexpected("the bytes end where an item should begin");
    const unsigned initial = bytes_[at_];
    if (initial >> 5 != static_cast<unsigned>(major)) return std::unexpected(wanted(major));
    const unsigned information = initial & 0x1F;
    if (information > eight_bytes_follow) return std::unexpected("an item of indefinite or reserved length is not deterministic");
    if (information < one_byte_follows) {
        ++at_;
        return information;
    }
    const std::size_t following = std::size_t{1} << (information - one_byte_follows);
    if (bytes_.size() - at_ - 1 < following) return std::unexpected("the bytes end inside an item's head");
    std::uint64_t argument = 0;
    for (const std::uint8_t byte : bytes_.subspan(at_ + 1, following)) {
        argument = argument << 8 | byte;
    }
    if (additional_information(argument) != information) return std::unexpected("a head that is longer than needed is not deterministic");
    at_ += 1 + following;
    return argument;
}

std::expected<ByteView, std::string_view> Reader::read_string(Major major) {
    const auto size = read_head(major);
    if (!size) return std::unexpected(size.error());
    if (*size > bytes_.size() - at_) return std::unexpected("a string is longer than the bytes that remain");
    const ByteView value = bytes_.subspan(at_, static_cast<std::size_t>(*size));
    at_ += value.size();
    return value;
}

std::expected<std::uint64_t, std::string_view> Reader::read_unsigned() { return read_head(Major::unsigned_integer); }
std::expected<std::int64_t, std::string_view> Reader::read_integer() {
    const bool negative = next() == Major::negative_integer;
    const auto argument = read_head(negative ? Major::negative_integer : Major::unsigned_integer);
    if (!argument) return std::unexpected(negative ? argument.error() : std::string_view("an integer is wanted here"));
    if (*argument > static_cast<std::uint64_t>(INT64_MAX)) return std::unexpected("an integer before here is beyond 64 bits");
    const auto magnitude = static_cast<std::int64_t>(*argument);
    return negative ? -1 - magnitude : magnitude;
}

std::expected<ByteView, std::string_view> Reader::read_bytes() { return read_string(Major::bytes); }

std::expected<std::string_view, std::string_view> Reader::read_text() {
    const auto value = read_string(Major::text);
    if (!value) return std::unexpected(value.error());
    const std::string_view text(reinterpret_cast<const char *>(value->data()), value->size());
    if (!is_text(text)) return std::unexpected("a text before here is not UTF-8 without NUL");
    return text;
}

std::expected<bool, std::string_view> Reader::read_bool() {
    const auto value = read_head(Major::simple);
    if (!value) return std::unexpected(value.error());
    if (*value != simple_false && *value != simple_true) return std::unexpected(wanted(Major::simple));
    return *value == simple_true;
}

std::expected<std::size_t, std::string_view> Reader::read_array() {
    const auto size = read_head(Major::array);
    if (!size) return std::unexpected(size.error());
    if (*size > bytes_.size() - at_) return std::unexpected("an array has more items than the bytes that remain could hold");
    return static_cast<std::size_t>(*size);
}

std::expected<std::size_t, std::string_view> Reader::read_map() {
    const auto pairs = read_head(Major::map);
    if (!pairs) return std::unexpected(pairs.error());
    // A key and a value have at least a byte each.
    if (*pairs > (bytes_.size() - at_) / 2) return std::unexpected("a map has more pairs than the bytes that remain could hold");
    return static_cast<std::size_t>(*pairs);
}

std::expected<std::uint64_t, std::string_view> Reader::read_tag() { return read_head(Major::tag); }

std::optional<Major> Reader::next() const {
    if (at_end()) return std::nullopt;
    return static_cast<Major>(bytes_[at_] >> 5U);
}

std::expected<ByteView, std::string_view> Reader::read_item() {
    const auto begin = at_;
    if (auto done = pass_over(max_depth); !done) return std::unexpected(done.error());
    return bytes_.subspan(begin, at_ - begin);
}

std::expected<void, std::string_view> Reader::pass_over(unsigned depth) {
    if (depth == 0) return std::unexpected("items are nested more deeply than is allowed");
    const auto major = next();
    if (!major) return std::unexpected("the bytes end where an item should begin");
    const auto each = [&](std::uint64_t items) -> std::expected<void, std::string_view> {
        for (std::uint64_t i = 0; i < items; ++i) {
            if (auto done = pass_over(depth - 1); !done) return done;
        }
        return {};
    };
    const auto error_of = [](const auto &read) -> std::expected<void, std::string_view> {
        if (!read) return std::unexpected(read.error());
        return {};
    };
    switch (*major) {
    case Major::unsigned_integer:
    case Major::negative_integer: return error_of(read_head(*major));
    case Major::bytes:
    case Major::text: return error_of(read_string(*major));
    case Major::array: {
        const auto size = read_array();
        return size ? each(*size) : error_of(size);
    }
    case Major::map: {
        const auto pairs = read_map();
        return pairs ? each(2 * *pairs) : error_of(pairs);
    }
    case Major::tag: {
        const auto tag = read_tag();
        return tag ? each(1) : error_of(tag);
    }
    case Major::simple: {
        // Of a floating-point number the argument is the number, which has no shorter head.
        const unsigned information = bytes_[at_] & 0x1FU;
        if (information <= one_byte_follows) return error_of(read_head(*major));
        if (information > eight_bytes_follow) return std::unexpected("an item of indefinite or reserved length is not deterministic");
        const std::size_t following = std::size_t{1} << (information - one_byte_follows);
        if (bytes_.size() - at_ - 1 < following) return std::unexpected("the bytes end inside an item's head");
        at_ += 1 + following;
        return {};
    }
    }
    return {};
}

}  // namespace mr::cbor
