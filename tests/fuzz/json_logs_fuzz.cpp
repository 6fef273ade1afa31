// Any bytes as a log in one of the text formats: it is read to its end or to an error that stays, and what was read is written as mrd's
// own JSON and as CEL-JSON and read back equal, as far as the format carries it.
// The first byte chooses the reader; the rest is the file.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/event_log/owned_event.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// The only event of a log.
mr::test::OwnedEvent read_back(std::string_view text, mr::LogFormat format) {
    auto reader = mr::EventLogReader::open(mr::as_bytes(text), {.format = format});
    require(reader.has_value());
    mr::Event event;
    const auto more = reader->next(event);
    require(more && *more);
    auto owned = mr::test::own(event);
    const auto end = reader->next(event);
    require(end && !*end && reader->offset() == text.size());
    return owned;
}

void require_same_registers(const std::vector<mr::LogRegister> &registers) {
    std::string text;
    mr::append_json_header(text, registers);
    const auto reader = mr::EventLogReader::open(mr::as_bytes(text), {.format = mr::LogFormat::json});
    require(reader && reader->registers().size() == registers.size());
    for (std::size_t i = 0; i < registers.size(); ++i) {
        const auto &read = reader->registers()[i];
        require(read.name == registers[i].name && read.algorithm == registers[i].algorithm && read.initial == registers[i].initial &&
                read.start == registers[i].start);
    }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    constexpr std::array formats{mr::LogFormat::json, mr::LogFormat::cel_json, mr::LogFormat::dstack, mr::LogFormat::ima};
    if (size == 0) return 0;
    const mr::ByteView file(data + 1, size - 1);
    auto reader = mr::EventLogReader::open(file, {.format = formats.at(data[0] % formats.size())});
    if (!reader) {
        require(reader.error().code == mr::ErrorCode::malformed);
        return 0;
    }
    require_same_registers(reader->registers());

    mr::Event event;
    std::size_t offset = 0;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) {
            require(more.error().code == mr::ErrorCode::malformed);
            const auto again = reader->next(event);
            require(!again && again.error().message == more.error().message);
            return 0;
        }
        require(reader->offset() >= offset && reader->offset() <= file.size());
        offset = reader->offset();
        if (!*more) {
            require(offset == file.size());
            const auto again = reader->next(event);
            require(again && !*again);
            return 0;
        }
        require(event.digests.size() <= mr::max_log_banks);

        std::string text;
        mr::append_json_header(text, {});
        mr::append_json_event(text, event);
        require(read_back(text, mr::LogFormat::json) == mr::test::own(event));
        text.clear();
        mr::append_cel_json(text, event);
        require(read_back(text, mr::LogFormat::cel_json) == mr::test::carried_by_cel_json(event));
    }
}
