// DER, the strict way (X.690, clauses 8 and 10): one encoding for each value, so that two readers cannot see two things in the same bytes. Only what
// certificates and CRLs need: tags of one byte, lengths of up to 1 MiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mr/bytes.h"

namespace mr::attestation {

inline constexpr std::size_t max_der_size = std::size_t{1} << 20;  // bytes of one element

enum class DerTag : std::uint8_t {
    boolean = 0x01,
    integer = 0x02,
    bit_string = 0x03,
    octet_string = 0x04,
    object_identifier = 0x06,
    enumerated = 0x0A,
    utf8_string = 0x0C,
    sequence = 0x30,
    set = 0x31,
    printable_string = 0x13,
    ia5_string = 0x16,
    utc_time = 0x17,
    generalized_time = 0x18,
    context_0 = 0x80,              // [0] of a primitive type
    constructed_context_0 = 0xA0,  // [0], explicit
    constructed_context_3 = 0xA3,
};

struct DerElement {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;  // tag and length too: what a signature covers
};

// Reads one element after the other. Where the bytes are none, or not the element asked for, it gives empty ones, and ok() is false from then on: asked
// once, after a structure, instead of after each of its fields.
class DerReader {
public:
    explicit DerReader(ByteView bytes) : rest_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    // Everything was read, and all of it was well formed.
    [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }
    // There is another element, or what should be one.
    [[nodiscard]] bool more() const { return ok_ && !rest_.empty(); }
    [[nodiscard]] bool next_is(DerTag tag) const { return more() && rest_.front() == static_cast<std::uint8_t>(tag); }

    DerElement any();
    DerElement element(DerTag tag);
    ByteView take(DerTag tag) { return element(tag).content; }
    DerReader inside(DerTag tag) { return DerReader(take(tag), ok_); }

    // Not negative, in the shortest form, without a leading zero byte; zero is one byte.
    ByteView unsigned_integer();
    std::optional<std::uint64_t> small_integer();  // of at most 32 bits
    std::optional<bool> boolean();
    // Every number in its shortest form.
    ByteView object_identifier();
    // Whole bytes.
    ByteView bit_string();
    // UTCTime or GeneralizedTime in UTC with seconds (RFC 5280, 4.1.2.5): seconds since the epoch.
    std::optional<std::int64_t> time();

    // The caller found a value that may not be: as if it could not be read.
    void refuse() { ok_ = false; }

private:
    DerReader(ByteView bytes, bool ok) : rest_(bytes), ok_(ok) {}

    ByteView rest_;
    bool ok_ = true;
};

// "1.2.840.113741.1.13.1". Empty: not an object identifier.
std::string object_identifier_text(ByteView content);

// Digits in groups: "20250121111405" as seconds since the epoch. Nothing: not 14 digits, or no such date.
std::optional<std::int64_t> time_from_digits(std::string_view digits);

}  // namespace mr::attestation
