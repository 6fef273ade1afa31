// Any bytes as an event log: by detection and as each format, read to the end and replayed as a user would. What a TCG reader took apart the writer
// puts together to the same bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "mr/event_log.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// Reads every byte of a view, so that the address sanitizer sees one that points elsewhere.
std::size_t touch(mr::ByteView bytes) {
    std::size_t sum = bytes.size();
    for (const std::uint8_t byte : bytes) {
        sum += byte;
    }
    return sum;
}

std::size_t touch(const mr::Event &event) {
    std::size_t sum = touch(mr::as_bytes(event.name));
    for (const auto &digest : event.digests) {
        sum += touch(digest.value);
    }
    if (event.data) sum += touch(*event.data);
    if (event.description) sum += touch(mr::as_bytes(*event.description));
    if (event.id) sum += touch(mr::as_bytes(*event.id));
    return sum;
}

void check(const mr::Replay &replay, std::uint64_t applied) {
    require(replay.events() == applied);
    require(replay.registers().size() <= mr::max_replayed_registers);
    for (const auto &each : replay.registers()) {
        require(each.value.size() == mr::digest_size(each.algorithm));
        require(each.events <= applied);
        for (const auto &gap : each.gaps) {
            require(gap.expected.size() == each.value.size() && gap.found.size() == each.value.size());
        }
    }
    // A name that is shown is one that is found; it may have been used with another bank first.
    if (!replay.registers().empty()) require(replay.find(replay.registers().front().name) == &replay.registers().front());
}

// The number of events.
std::uint64_t read_all(mr::ByteView file, const mr::ReaderOptions &options) {
    auto reader = mr::EventLogReader::open(file, options);
    if (!reader) {
        require(reader.error().code == mr::ErrorCode::malformed && !reader.error().message.empty());
        return 0;
    }
    require(!options.format || reader->format() == *options.format);
    const bool is_tcg = reader->format() == mr::LogFormat::tcg;
    const bool is_tcg_sha1 = reader->format() == mr::LogFormat::tcg_sha1;

    mr::Bytes written;
    if (is_tcg) mr::append_tcg_header(written, mr::read_tcg_header(file)->header);
    mr::Replay replay;
    for (const auto &known : reader->registers()) {
        replay.declare(known);
    }
    mr::Event event;
    std::uint64_t events = 0;
    std::uint64_t applied = 0;
    std::size_t last_offset = 0;
    std::size_t sum = 0;
    for (;;) {
        const auto more = reader->next(event);
        require(reader->offset() >= last_offset && reader->offset() <= file.size());
        last_offset = reader->offset();
        if (!more || !*more) {
            // It has ended, or it is malformed, for good.
            const auto again = reader->next(event);
            require(again.has_value() == more.has_value() && reader->offset() == last_offset);
            if (more) require(!*again);
            if (!more) require(again.error().message == more.error().message && more.error().code == mr::ErrorCode::malformed);
            break;
        }
        ++events;
        sum += touch(event);
        if (is_tcg || is_tcg_sha1) {
            require(written.size() == reader->offset() && event.sequence == events);
            if (is_tcg) mr::append_tcg_event(written, event);
            if (is_tcg_sha1) mr::append_tcg_sha1_event(written, event);
        }
        if (replay.apply(event)) ++applied;
    }
    if (is_tcg || is_tcg_sha1) {
        require(written.size() == last_offset && std::equal(written.begin(), written.end(), file.begin()));
    }
    check(replay, applied);
    require(sum != SIZE_MAX);  // keeps the reads
    return events;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView file(data, size);
    const auto found = read_all(file, {});
    std::optional<mr::LogFormat> detected;
    if (const auto reader = mr::EventLogReader::open(file)) detected = reader->format();
    using enum mr::LogFormat;
    for (const auto format : {tcg, tcg_sha1, cel_json, json, dstack, ima}) {
        for (const std::optional<mr::LogRegisters> registers :
             std::array<std::optional<mr::LogRegisters>, 3>{std::nullopt, mr::LogRegisters::rtmr, mr::LogRegisters::pcr}) {
            const auto events = read_all(file, {.registers = registers, .format = format});
            // Who names the format that is found reads the same.
            if (detected == format && !registers) require(events == found);
            if (format != tcg) break;  // of the others none asks whose the indices are
        }
    }
    return 0;
}
