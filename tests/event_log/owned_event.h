// An event that owns what it says, to be kept beyond the reader's next event and compared.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/event_log.h"

namespace mr::test {

struct OwnedEvent {
    std::uint64_t sequence = 0;
    std::uint32_t index = 0;
    std::string name = {};
    std::uint32_t type = 0;
    std::vector<std::pair<std::uint16_t, std::string>> digests = {};  // in hex
    std::optional<std::string> data = {};                             // in hex
    std::optional<std::string> description = {};
    std::optional<std::int64_t> time = {};
    std::optional<EventCaller> caller = {};
    std::optional<std::string> id = {};
    EventOrigin origin = EventOrigin::firmware;
    friend bool operator==(const OwnedEvent &, const OwnedEvent &) = default;
};

inline OwnedEvent own(const Event &event) {
    OwnedEvent owned{.sequence = event.sequence,
                     .index = event.index,
                     .name = std::string(event.name),
                     .type = event.type,
                     .time = event.time,
                     .caller = event.caller,
                     .origin = event.origin};
    for (const auto &digest : event.digests) owned.digests.emplace_back(digest.algorithm_id, to_hex(digest.value));
    if (event.data) owned.data = to_hex(*event.data);
    if (event.description) owned.description = *event.description;
    if (event.id) owned.id = *event.id;
    return owned;
}

// What CEL-JSON carries of an event (docs/log-formats.md).
inline OwnedEvent carried_by_cel_json(const Event &event) {
    constexpr std::uint32_t unused = 2;  // EV_UNUSED
    auto carried = own(event);
    const auto common = std::string(common_name(event.name));
    const auto number = std::to_string(event.index);
    if (event.index != no_index && (common == "pcr" + number || (event.index > 0 && common == "rtmr" + std::to_string(event.index - 1))))
        carried.name = common;
    const bool is_description = event.type == unused && !event.data && event.description;
    if (!is_description) {
        carried.description.reset();
        if (!carried.data) carried.data = "";
    }
    carried.time.reset();
    carried.caller.reset();
    carried.id.reset();
    carried.origin = EventOrigin::firmware;
    return carried;
}

}  // namespace mr::test
