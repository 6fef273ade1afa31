// The report of a device interface, as a device would write it.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "mr/tdisp.h"

namespace mr {

// Without information of the device's own.
inline Bytes interface_report(std::initializer_list<TdispRange> ranges, std::uint16_t info = tdisp_no_update_after_lock) {
    Bytes bytes;
    const auto add = [&](std::uint64_t value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    add(info, 2);
    add(0, 2);  // reserved
    add(0, 8);  // MSI-X message control, LNR control, TPH control
    add(ranges.size(), 4);
    for (const auto &range : ranges) {
        add(range.first_page, 8);
        add(range.pages, 4);
        add(range.attributes, 2);
        add(range.id, 2);
    }
    add(0, 4);
    return bytes;
}

}  // namespace mr
