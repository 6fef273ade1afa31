// The messages of a quote generation service, put together here from their layout (qgs_msg_lib.h of Intel's), not by what is tested: each field can be set to something wrong.
#pragma once

#include <cstdint>
#include <optional>

#include "mr/bytes.h"

namespace mrd::qgs {

inline void put_le(mr::Bytes &out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
inline void put_be32(mr::Bytes &out, std::uint64_t value) {
    for (int i = 3; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
inline void append(mr::Bytes &out, mr::ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

inline std::uint64_t get_le(mr::ByteView bytes, std::size_t offset, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8U | bytes[offset + i];
    return value;
}

// A message with its frame.
struct Message {
    std::uint16_t major = 1;
    std::uint16_t minor = 1;
    std::uint32_t type = 0;
    std::uint32_t error = 0;
    mr::Bytes body = {};
    std::optional<std::uint32_t> size = {};   // what the header says; not given: what it is
    std::optional<std::uint32_t> frame = {};  // likewise

    [[nodiscard]] mr::Bytes bytes() const {
        const auto whole = static_cast<std::uint32_t>(16 + body.size());
        mr::Bytes out;
        put_be32(out, frame.value_or(whole));
        put_le(out, major, 2);
        put_le(out, minor, 2);
        put_le(out, type, 4);
        put_le(out, size.value_or(whole), 4);
        put_le(out, error, 4);
        append(out, body);
        return out;
    }
};

// Two sizes and two parts, as the requests have them.
inline mr::Bytes two_parts(mr::ByteView first, mr::ByteView second, std::optional<std::uint32_t> first_size = {},
                           std::optional<std::uint32_t> second_size = {}) {
    mr::Bytes body;
    put_le(body, first_size.value_or(static_cast<std::uint32_t>(first.size())), 4);
    put_le(body, second_size.value_or(static_cast<std::uint32_t>(second.size())), 4);
    append(body, first);
    append(body, second);
    return body;
}
inline Message quote_message(mr::ByteView report, mr::ByteView ids = {}) { return {.type = 0, .body = two_parts(report, ids)}; }
inline Message collateral_message(std::string_view fmspc, std::string_view ca) {
    return {.type = 2, .body = two_parts(mr::as_bytes(fmspc), mr::as_bytes(ca))};
}
inline Message platform_message() { return {.type = 4}; }

// An answer to a request of a quote, without its frame.
struct QuoteAnswer {
    std::uint16_t major = 1;
    std::uint32_t type = 1;
    std::uint32_t error = 0;
    std::uint32_t size_off_by = 0;
    std::uint32_t quote_size_off_by = 0;
    mr::Bytes id = {};
    mr::Bytes quote = {};

    [[nodiscard]] mr::Bytes framed() const {
        return Message{.major = major,
                       .type = type,
                       .error = error,
                       .body = two_parts(id, quote, {}, static_cast<std::uint32_t>(quote.size()) + quote_size_off_by),
                       .size = static_cast<std::uint32_t>(24 + id.size() + quote.size()) + size_off_by}
            .bytes();
    }
    [[nodiscard]] mr::Bytes message() const {
        const auto whole = framed();
        return {whole.begin() + 4, whole.end()};
    }
};

}  // namespace mrd::qgs
