// Little-endian integers into bytes, and structures of them out of bytes whose lengths nobody has checked.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "mr/bytes.h"

namespace mr::event_log {

template <std::unsigned_integral Integer>
Integer little_endian(ByteView bytes) {
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
        value = static_cast<Integer>(value | static_cast<Integer>(Integer{bytes[i]} << 8 * i));
    }
    return value;
}

// Reads one field after the other. Where the bytes do not suffice it gives zeros or nothing, and ok() is false from then on: asked once, after a
// structure, instead of after each of its fields.
class ByteReader {
public:
    explicit ByteReader(ByteView bytes) : rest_(bytes) {}

    template <std::unsigned_integral Integer>
    Integer integer() {
        const ByteView bytes = take(sizeof(Integer));
        return bytes.empty() ? Integer{0} : little_endian<Integer>(bytes);
    }
    std::uint8_t u8() { return integer<std::uint8_t>(); }
    std::uint16_t u16() { return integer<std::uint16_t>(); }
    std::uint32_t u32() { return integer<std::uint32_t>(); }
    std::uint64_t u64() { return integer<std::uint64_t>(); }

    ByteView take(std::uint64_t size) {
        if (!ok_ || size > rest_.size()) {
            ok_ = false;
            return {};
        }
        const ByteView bytes = rest_.first(static_cast<std::size_t>(size));
        rest_ = rest_.subspan(bytes.size());
        return bytes;
    }

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] ByteView rest() const { return rest_; }

private:
    ByteView rest_;
    bool ok_ = true;
};

template <std::unsigned_integral Integer>
void append_little_endian(Bytes &out, Integer value) {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
        out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    }
}

}  // namespace mr::event_log
