// How integers, bytes, text and digests stand in a journal: docs/journal-format.md, "Grammar".
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mrd/journal/format.h"

namespace mrd::journal {

// Of the optional fields behind what a record always has. An unknown one from here on is passed over: it changes nothing of what the rest says.
inline constexpr std::uint8_t passed_over = 0x80;

// Between the processor's order and the file's, either way.
template <class Integer>
Integer little_endian(Integer value) {
    return std::endian::native == std::endian::little ? value : std::byteswap(value);
}

// ---- Bytes out

template <class Integer>
void put(mr::Bytes &out, Integer value) {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof(Integer)>>(little_endian(value));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class Integer>
void put_at(mr::Bytes &out, std::size_t at, Integer value) {
    value = little_endian(value);
    std::memcpy(&out[at], &value, sizeof value);
}

inline void put_bytes(mr::Bytes &out, mr::ByteView bytes) {
    put(out, static_cast<std::uint32_t>(bytes.size()));
    out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void put_text(mr::Bytes &out, std::string_view text) { put_bytes(out, mr::as_bytes(text)); }
inline void put_digest(mr::Bytes &out, const mr::Digest &digest) {
    put(out, static_cast<std::uint8_t>(digest.size()));
    out.insert(out.end(), digest.bytes().begin(), digest.bytes().end());
}

inline std::string_view text_of(mr::ByteView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

// Reads one body; what does not fit makes it fail, and stay so.
class FieldReader {
public:
    explicit FieldReader(mr::ByteView bytes) : rest_(bytes) {}

    template <class Integer>
    Integer get() {
        Integer value = 0;
        const auto bytes = take(sizeof value);
        if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
        return little_endian(value);
    }
    mr::ByteView get_bytes() { return take(get<std::uint32_t>()); }
    std::string_view get_text() { return text_of(get_bytes()); }
    mr::Digest get_digest() {
        const auto size = get<std::uint8_t>();
        if (size > mr::max_digest_size) failed_ = true;
        return failed_ ? mr::Digest() : mr::Digest(take(size));
    }
    bool get_bool() {
        const auto value = get<std::uint8_t>();
        if (value > 1) failed_ = true;
        return value == 1;
    }
    // A value of an enum that has so many.
    template <class Enum>
    Enum get_enum(std::uint8_t count) {
        const auto value = get<std::uint8_t>();
        if (value >= count) failed_ = true;
        return failed_ ? Enum() : static_cast<Enum>(value);
    }
    // The optional fields, to the end. take(tag, bytes) is false where it does not know the tag.
    template <class Take>
    void get_fields(const Take &take) {
        std::uint8_t last = 0;
        while (!failed_ && !rest_.empty()) {
            const auto tag = get<std::uint8_t>();
            const auto bytes = get_bytes();
            if (tag <= last) failed_ = true;
            if (!failed_ && !take(tag, bytes) && tag < passed_over) failed_ = true;
            last = tag;
        }
    }
    void get_unknown_fields() {
        get_fields([](std::uint8_t, mr::ByteView) { return false; });
    }
    void fail() { failed_ = true; }
    [[nodiscard]] bool has_failed() const { return failed_; }
    [[nodiscard]] bool read_all() const { return !failed_ && rest_.empty(); }

private:
    mr::ByteView take(std::size_t size) {
        if (failed_ || size > rest_.size()) {
            failed_ = true;
            return {};
        }
        const auto taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    mr::ByteView rest_;
    bool failed_ = false;
};

inline void put_targets(mr::Bytes &out, const Targets &targets) {
    put(out, static_cast<std::uint8_t>(targets.size()));
    for (const auto &target : targets) {
        put(out, target.reg);
        put_digest(out, target.before);
        put_digest(out, target.after);
        put_digest(out, target.digest);
    }
}

inline void get_targets(FieldReader &in, Targets &targets) {
    const auto count = in.get<std::uint8_t>();
    if (count == 0 || count > max_targets) return in.fail();
    for (std::uint8_t i = 0; i < count; ++i) {
        auto &target = targets.add();
        target.reg = in.get<RegisterNumber>();
        target.before = in.get_digest();
        target.after = in.get_digest();
        target.digest = in.get_digest();
    }
}

}  // namespace mrd::journal
