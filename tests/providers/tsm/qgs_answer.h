// What a quote generation service says, for tests that play one. The bytes: mrd/providers/tsm/qgs_message.h.
#pragma once

#include <cstdint>

#include "mr/bytes.h"

namespace mrd::tsm {

// An answer without its frame, each field of which can be set to something wrong.
struct QgsAnswer {
    std::uint16_t major = 1;
    std::uint32_t type = 1;
    std::uint32_t error = 0;
    std::uint32_t size_off_by = 0;
    std::uint32_t quote_size_off_by = 0;
    mr::Bytes id = {};
    mr::Bytes quote = {};

    [[nodiscard]] mr::Bytes message() const {
        mr::Bytes out{static_cast<std::uint8_t>(major), static_cast<std::uint8_t>(major >> 8U), 1, 0};
        put32(out, type);
        put32(out, static_cast<std::uint32_t>(24 + id.size() + quote.size()) + size_off_by);
        put32(out, error);
        put32(out, static_cast<std::uint32_t>(id.size()));
        put32(out, static_cast<std::uint32_t>(quote.size()) + quote_size_off_by);
        out.insert(out.end(), id.begin(), id.end());
        out.insert(out.end(), quote.begin(), quote.end());
        return out;
    }
    [[nodiscard]] mr::Bytes framed() const {
        const auto whole = message();
        mr::Bytes out;
        for (int i = 3; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(whole.size() >> 8 * i));
        out.insert(out.end(), whole.begin(), whole.end());
        return out;
    }

private:
    static void put32(mr::Bytes &out, std::uint32_t value) {
        for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    }
};

}  // namespace mrd::tsm
