// Fields of fixed places, little-endian: a structure has one table of its fields, a function that gives each of them to a visitor with its offset and its name,
// and whoever reads, writes or shows the structure is such a visitor, so that no two of them can disagree.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/bytes.h"
#include "mr/tdreport.h"

namespace mr::attestation {

struct FieldReader {
    ByteView from;

    template <std::size_t size>
    void operator()(std::size_t offset, std::string_view, std::array<std::uint8_t, size> &field) const {
        std::ranges::copy(from.subspan(offset, size), field.begin());
    }
    template <std::unsigned_integral Integer>
    void operator()(std::size_t offset, std::string_view, Integer &field) const {
        field = event_log::little_endian<Integer>(from.subspan(offset, sizeof(Integer)));
    }
};

struct FieldWriter {
    std::span<std::uint8_t> to;

    template <std::size_t size>
    void operator()(std::size_t offset, std::string_view, const std::array<std::uint8_t, size> &field) const {
        std::ranges::copy(field, to.subspan(offset, size).begin());
    }
    template <std::unsigned_integral Integer>
    void operator()(std::size_t offset, std::string_view, Integer field) const {
        for (std::size_t i = 0; i < sizeof(Integer); ++i) to[offset + i] = static_cast<std::uint8_t>(field >> 8 * i);
    }
};

// As they stand there, in their order.
struct FieldNamer {
    std::vector<NamedField> &fields;

    template <std::size_t size>
    void operator()(std::size_t, std::string_view name, const std::array<std::uint8_t, size> &field) const {
        fields.push_back({std::string(name), Bytes(field.begin(), field.end())});
    }
    template <std::unsigned_integral Integer>
    void operator()(std::size_t, std::string_view name, Integer field) const {
        Bytes bytes;
        event_log::append_little_endian(bytes, field);
        fields.push_back({std::string(name), std::move(bytes)});
    }
};

}  // namespace mr::attestation
