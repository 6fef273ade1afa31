// Logs in text formats, read to their end.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/event_log/owned_event.h"

namespace mr::test {

inline std::string text_of(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

struct ReadLog {
    std::vector<LogRegister> registers = {};
    std::vector<OwnedEvent> events = {};
    std::vector<std::size_t> offsets = {};  // of the events, then the log's end
    std::string error = {};                 // empty: it was read to its end
};

// Checks what all readers promise: an error is malformed, and every further call gives it again.
inline ReadLog read_log(std::string_view text, LogFormat format) {
    ReadLog log;
    auto reader = EventLogReader::open(as_bytes(text), {.format = format});
    if (!reader) {
        EXPECT_EQ(reader.error().code, ErrorCode::malformed);
        log.error = reader.error().message;
        return log;
    }
    EXPECT_EQ(reader->format(), format);
    log.registers = reader->registers();
    Event event;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) {
            EXPECT_EQ(more.error().code, ErrorCode::malformed);
            log.error = more.error().message;
            const auto again = reader->next(event);
            EXPECT_EQ(again ? "" : again.error().message, log.error);
            return log;
        }
        log.offsets.push_back(reader->offset());
        if (!*more) return log;
        log.events.push_back(own(event));
    }
}

// Of a register that starts at zero.
inline std::string replayed(const std::vector<OwnedEvent> &events, std::string_view name, HashAlgorithm algorithm,
                            Digest value = Digest(Bytes())) {
    if (value.size() == 0) value = Digest::zero(algorithm);
    for (const auto &event : events) {
        if (event.name != name || event.type == ev_no_action) continue;
        for (const auto &[id, hex] : event.digests) {
            if (id == tcg_id(algorithm)) value = *extend(algorithm, value.bytes(), *from_hex(hex));
        }
    }
    return to_hex(value.bytes());
}

}  // namespace mr::test
