// The part of CBOR (RFC 8949) that the envelope, evidence and tokens use: integers, booleans, byte strings, text strings, arrays, maps and tags, with the
// shortest heads and definite lengths of the deterministic encoding (section 4.2.1). What mrd writes has text keys in the bytewise order of their encodings,
// too (MapReader); tokens of others have keys of several types, in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bytes.h"

namespace mr::cbor {

// The initial byte's upper three bits.
enum class Major : std::uint8_t {
    unsigned_integer = 0,
    negative_integer = 1,
    bytes = 2,
    text = 3,
    array = 4,
    map = 5,
    tag = 6,
    simple = 7
};

// Of arrays, maps and tags in each other, where an item is passed over whole.
inline constexpr unsigned max_depth = 16;

void append_unsigned(Bytes &out, std::uint64_t value);
// Of either sign.
void append_integer(Bytes &out, std::int64_t value);
void append_bool(Bytes &out, bool value);
void append_bytes(Bytes &out, ByteView value);
// The text must be UTF-8: the writer does not check it.
void append_text(Bytes &out, std::string_view value);
// `size` items follow.
void append_array(Bytes &out, std::uint64_t size);
// What it is about follows.
void append_tag(Bytes &out, std::uint64_t tag);
// `pairs` keys and values follow, in the order of precedes().
void append_map(Bytes &out, std::uint64_t pairs);

// The order of a map's text keys: the shorter first, since the length is in the head.
bool precedes(std::string_view key, std::string_view other);

// A map whose members come in any order, and are written in the right one.
class MapWriter {
public:
    // The value is appended to what this returns. Keys are literals, each given once.
    Bytes &add(std::string_view key) { return members_.emplace_back(key, Bytes()).second; }
    void append_to(Bytes &out);

private:
    std::vector<std::pair<std::string_view, Bytes>> members_;
};

// Reads one item after the other. Errors are what is wrong at offset(), as a part of a sentence; after one the reader is of no more use.
class Reader {
public:
    explicit Reader(ByteView bytes) : bytes_(bytes) {}

    std::expected<std::uint64_t, std::string_view> read_unsigned();
    // Of either sign, within 64 bits.
    std::expected<std::int64_t, std::string_view> read_integer();
    std::expected<bool, std::string_view> read_bool();
    // Views into the bytes given.
    std::expected<ByteView, std::string_view> read_bytes();
    // UTF-8 without NUL (is_text).
    std::expected<std::string_view, std::string_view> read_text();
    // The number of items, which the bytes that remain could hold.
    std::expected<std::size_t, std::string_view> read_array();
    // The number of pairs, which the bytes that remain could hold.
    std::expected<std::size_t, std::string_view> read_map();
    // The tag's number; what it is about follows.
    std::expected<std::uint64_t, std::string_view> read_tag();
    // One item of any type, with all that is in it, whose head and bytes are given. Looks at its form, not at its texts and keys.
    std::expected<ByteView, std::string_view> read_item();

    // What the next item begins as. Nothing: there is none.
    [[nodiscard]] std::optional<Major> next() const;

    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
    [[nodiscard]] std::size_t offset() const { return at_; }

private:
    std::expected<std::uint64_t, std::string_view> read_head(Major major);
    std::expected<ByteView, std::string_view> read_string(Major major);
    std::expected<void, std::string_view> pass_over(unsigned depth);

    ByteView bytes_;
    std::size_t at_ = 0;
};

// Reads maps, whose keys must come in the deterministic order, with their values. The first thing that is wrong stays, and everything after it is passed over.
class MapReader {
public:
    explicit MapReader(ByteView cbor) : reader_(cbor) {}

    // Gives each key to `read_value`, which reads the value and returns false for a key it does not know.
    template <typename ReadValue>
    void read(ReadValue &&read_value) {
        if (failed()) return;
        const auto pairs = reader_.read_map();
        if (!pairs) return fail(pairs.error());
        std::string_view last;
        for (std::size_t i = 0; i < *pairs && !failed(); ++i) {
            const auto key = reader_.read_text();
            if (!key) return fail(key.error());
            if (i > 0 && !precedes(last, *key)) return fail("keys that repeat or are out of order are not deterministic");
            if (!read_value(*key) && !failed()) return fail("there is no such key");
            last = *key;
        }
    }

    // Of at most `max_size` items, each read by `read_item`.
    template <typename ReadItem>
    void array(std::size_t max_size, ReadItem &&read_item) {
        if (failed()) return;
        const auto size = reader_.read_array();
        if (!size) return fail(size.error());
        if (*size > max_size) return fail("the array has more items than are allowed");
        for (std::size_t i = 0; i < *size && !failed(); ++i) read_item();
    }

    void text(std::string &to) {
        take(reader_.read_text(), [&](auto value) { to = value; });
    }
    void bytes(Bytes &to) {
        take(reader_.read_bytes(), [&](auto value) { to.assign(value.begin(), value.end()); });
    }
    void bytes(std::optional<Bytes> &to) { bytes(to.emplace()); }
    void boolean(bool &to) {
        take(reader_.read_bool(), [&](auto value) { to = value; });
    }
    void number(std::uint64_t &to) {
        take(reader_.read_unsigned(), [&](auto value) { to = value; });
    }

    void fail(std::string_view what) {
        if (!failed()) wrong_ = what;
    }
    [[nodiscard]] bool failed() const { return !wrong_.empty(); }
    [[nodiscard]] std::string_view wrong() const { return wrong_; }
    [[nodiscard]] std::size_t offset() const { return reader_.offset(); }
    [[nodiscard]] bool at_end() const { return reader_.at_end(); }

private:
    template <typename Value, typename Take>
    void take(const std::expected<Value, std::string_view> &value, Take take) {
        if (failed()) return;
        if (value) {
            take(*value);
        } else {
            fail(value.error());
        }
    }

    Reader reader_;
    std::string_view wrong_;
};

}  // namespace mr::cbor
