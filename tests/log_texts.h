// All that a log says, for who looks whether something is in it that nobody was to see.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "libmr/src/base64url.h"
#include "mr/bytes.h"
#include "mr/event_log.h"

namespace mrd {

// Of a log of the format json: its text, and of each event the data, which is base64 there, and what an envelope in it has as base64url.
inline std::string all_said_in(const std::string &log) {
    constexpr std::size_t tag_and_size = 8;
    auto said = log;
    const auto add = [&said](mr::ByteView bytes) {
        said += '\n';  // so that what stands side by side is no word together
        said.append(bytes.begin(), bytes.end());
    };
    auto reader = mr::EventLogReader::open(mr::as_bytes(log));
    if (!reader) throw std::runtime_error("no log: " + reader.error().message);
    mr::Event event;
    while (reader->next(event).value()) {
        if (!event.data) continue;
        add(*event.data);
        if (event.data->size() < tag_and_size) continue;
        const auto after = event.data->subspan(tag_and_size);
        const std::string content(after.begin(), after.end());
        for (std::size_t at = 0; at <= content.size();) {
            const auto dot = std::min(content.find('.', at), content.size());
            if (const auto part = mr::from_base64url(std::string_view(content).substr(at, dot - at))) add(*part);
            at = dot + 1;
        }
    }
    return said;
}

}  // namespace mrd
