// The firmware's log, as the first part of mrd's: taken from its file at the journal's beginning, event by event, as the firmware wrote it.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/event_log.h"
#include "mrd/journal/format.h"

namespace mrd::journal {

// Of a firmware log, for firmware is not trusted to be modest. A log beyond them is not taken in, and the start is then unexplained.
inline constexpr std::size_t max_firmware_log = std::size_t{16} << 20;   // bytes
inline constexpr std::size_t max_firmware_event = std::size_t{1} << 20;  // bytes of one event

// What is needed to understand one event's bytes.
struct FirmwareSource {
    std::string provider;
    mr::LogFormat format = mr::LogFormat::tcg;
    mr::LogRegisters registers = mr::LogRegisters::rtmr;
    mr::Bytes header;
    friend bool operator==(const FirmwareSource &, const FirmwareSource &) = default;
};

// Owns what the event's views point into.
struct ReadFirmwareEvent {
    mr::Bytes bytes;
    std::optional<mr::EventLogReader> reader;
    mr::Event event;
};
// Error: what is wrong.
std::expected<ReadFirmwareEvent, std::string> read_firmware_event(const FirmwareSource &source, mr::ByteView bytes);

// A firmware log taken apart into the records that a journal keeps of it. Views point into `file`.
struct FirmwareRecords {
    FirmwareLog log;
    std::vector<mr::ByteView> events;
};
// Error: what is wrong with the file.
std::expected<FirmwareRecords, std::string> take_apart(mr::ByteView file, std::string_view provider);

}  // namespace mrd::journal
