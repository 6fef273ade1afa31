// The firmware's log, as the first part of mrd's: taken from its file at the journal's beginning, as the firmware wrote it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "mr/bytes.h"
#include "mr/event_log.h"
#include "mrd/journal/format.h"

namespace mrd::journal {

// Of a firmware log, for firmware is not trusted to be modest: with its provider's name it fits into one record. A log beyond them is not taken in, and the start
// is then unexplained.
inline constexpr std::size_t max_firmware_log = std::size_t{3} << 20;    // bytes
inline constexpr std::size_t max_firmware_event = std::size_t{1} << 20;  // bytes of one event

// What is known of a firmware's log without its events.
struct FirmwareSource {
    std::string provider;
    mr::LogFormat format = mr::LogFormat::tcg;
    mr::LogRegisters registers = mr::LogRegisters::rtmr;
    mr::Bytes header;  // the Spec ID record; empty in a TCG 1.2 log
    friend bool operator==(const FirmwareSource &, const FirmwareSource &) = default;
};
FirmwareSource source_of(const FirmwareLog &log);

// The record that a journal keeps of a firmware's log, but for the number of its first event. Views point into the arguments. Error: what is wrong with the file.
std::expected<FirmwareLog, std::string> firmware_log_from(mr::ByteView file, std::string_view provider);

// The events of a log that was taken in, as they are in mrd's: with their numbers, and registers with their provider.
class ImportedEvents {
public:
    // Error: what is wrong with it. What the record shows must outlive it.
    static std::expected<ImportedEvents, std::string> open(const FirmwareLog &log);
    static std::expected<ImportedEvents, std::string> open(const EarlierLog &log);

    // False: there are no more. Error: what is wrong with the next one. The event's views are valid until the next call.
    std::expected<bool, std::string> next(mr::Event &event);

private:
    ImportedEvents(mr::EventLogReader reader, std::string prefix, std::uint64_t sequence)
        : reader_(std::move(reader)), prefix_(std::move(prefix)), sequence_(sequence) {}

    mr::EventLogReader reader_;
    std::string prefix_;      // of the registers' names
    std::uint64_t sequence_;  // of the next event
    std::string name_;
};

}  // namespace mrd::journal
