// What holds of every event's content, whatever its bytes, and short ways to ask for it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/event_content.h"
#include "tests/event_log/event_bytes.h"

namespace mr::test {

using Fields = std::vector<std::pair<std::string, std::string>>;

// `data` must outlive the event.
inline Event event_of(std::uint32_t type, const Bytes &data) {
    Event event;
    event.type = type;
    event.index = 1;
    event.data = data;
    return event;
}

// No control character (UTF-8 of U+0080 to U+009F too), nothing that is not UTF-8.
inline bool is_clean(std::string_view text) {
    if (!is_text(text)) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7F) return false;
        if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
    }
    return true;
}

// What holds for every event whatever its bytes.
inline Fields checked(const Event &event, bool in_realms_log = false) {
    Fields fields;
    std::size_t size = 0;
    for (const ContentField &field : decode_content(event, in_realms_log)) {
        EXPECT_TRUE(is_clean(field.name)) << field.name;
        EXPECT_TRUE(is_clean(field.value)) << field.name << ": " << field.value;
        EXPECT_FALSE(field.name.empty());
        size += field.name.size() + field.value.size();
        fields.emplace_back(field.name, field.value);
    }
    EXPECT_LE(size, max_content_text);
    EXPECT_FALSE(fields.empty());
    EXPECT_TRUE(is_clean(summarize_content(event, 60)));
    return fields;
}

inline Fields decode(std::uint32_t type, const Bytes &data) { return checked(event_of(type, data)); }
inline Fields decode_of_realm(const Bytes &data) { return checked(event_of(ev_event_tag, data), true); }

inline std::string value_of(const Fields &fields, std::string_view name) {
    for (const auto &[field, value] : fields) {
        if (field == name) return value;
    }
    return "(no such field)";
}

}  // namespace mr::test
