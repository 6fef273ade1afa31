// The part of CBOR (RFC 8949) that the envelope uses: unsigned integers, byte strings, text strings and maps, in the deterministic encoding of
// section 4.2.1: shortest heads, definite lengths, keys in the bytewise order of their encodings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "mr/bytes.h"

namespace mr::cbor {

// The initial byte's upper three bits.
enum class Major : std::uint8_t { unsigned_integer = 0, bytes = 2, text = 3, map = 5 };

void append_unsigned(Bytes &out, std::uint64_t value);
void append_bytes(Bytes &out, ByteView value);
// The text must be UTF-8: the writer does not check it.
void append_text(Bytes &out, std::string_view value);
// `pairs` keys and values follow, in the order of precedes().
void append_map(Bytes &out, std::uint64_t pairs);

// The order of a map's text keys: the shorter first, since the length is in the head.
bool precedes(std::string_view key, std::string_view other);

// Reads one item after the other. Errors are what is wrong at offset(), as a part of a sentence; after one the reader is of no more use.
class Reader {
public:
    explicit Reader(ByteView bytes) : bytes_(bytes) {}

    std::expected<std::uint64_t, std::string_view> read_unsigned();
    // Views into the bytes given.
    std::expected<ByteView, std::string_view> read_bytes();
    // UTF-8 without NUL (is_text).
    std::expected<std::string_view, std::string_view> read_text();
    // The number of pairs, which the bytes that remain could hold.
    std::expected<std::size_t, std::string_view> read_map();

    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
    [[nodiscard]] std::size_t offset() const { return at_; }

private:
    std::expected<std::uint64_t, std::string_view> read_head(Major major);
    std::expected<ByteView, std::string_view> read_string(Major major);

    ByteView bytes_;
    std::size_t at_ = 0;
};

}  // namespace mr::cbor
