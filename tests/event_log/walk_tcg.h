// A second, small reader of TCG logs for tests of what is made of events: it knows nothing of the library's own and trusts its input, which is real.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mr/event_log.h"
#include "tests/places.h"

namespace mr::test {

inline Bytes contents_of(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

// The logs of data/ccel, data/tpm or data/cca; none where that folder is not here.
inline std::vector<std::filesystem::path> sample_logs(std::string_view kind) {
    const auto folder = places::shared_data() / kind;
    std::vector<std::filesystem::path> logs;
    if (!std::filesystem::is_directory(folder)) return logs;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        for (const char *name : {"ccel.bin", "eventlog.bin", "realm-bootlog.bin"}) {
            if (exists(entry.path() / name)) logs.push_back(entry.path() / name);
        }
    }
    std::ranges::sort(logs);
    return logs;
}

// Events with views into `file`, without the header. Throws std::out_of_range for a log that ends inside an event.
inline std::vector<Event> walk_tcg(const Bytes &file) {
    std::size_t at = 0;
    const auto number = [&](std::size_t size) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i) value |= std::uint32_t{file.at(at + i)} << 8 * i;
        at += size;
        return value;
    };
    const auto bytes = [&](std::size_t size) {
        if (size > file.size() - at) throw std::out_of_range("the log ends inside an event");
        at += size;
        return ByteView(file).subspan(at - size, size);
    };

    std::map<std::uint16_t, std::size_t> sizes;
    const std::string signature = "Spec ID Event03";
    if (file.size() > 60 && std::equal(signature.begin(), signature.end(), file.begin() + 32)) {
        at = 28;
        const std::size_t end = 32 + number(4);
        at = 56;
        for (auto algorithms = number(4); algorithms > 0; --algorithms) {
            const auto id = static_cast<std::uint16_t>(number(2));
            sizes[id] = number(2);
        }
        at = end;
    }

    std::vector<Event> events;
    while (at < file.size()) {
        const auto rest = ByteView(file).subspan(at);
        const auto all = [&](std::uint8_t padding) {
            return std::ranges::all_of(rest, [=](std::uint8_t byte) { return byte == padding; });
        };
        if (all(0) || all(0xFF)) break;
        Event event;
        event.sequence = events.size() + 1;
        event.index = number(4);
        event.type = number(4);
        if (sizes.empty()) {
            event.digests.push_back({.algorithm_id = 4, .value = bytes(20)});
        } else {
            for (auto digests = number(4); digests > 0; --digests) {
                const auto id = static_cast<std::uint16_t>(number(2));
                event.digests.push_back({.algorithm_id = id, .value = bytes(sizes.at(id))});
            }
        }
        event.data = bytes(number(4));
        events.push_back(std::move(event));
    }
    return events;
}

}  // namespace mr::test
