#include "mrd/journal/firmware.h"

#include <utility>

namespace mrd::journal {

std::expected<ReadFirmwareEvent, std::string> read_firmware_event(const FirmwareSource &source, mr::ByteView bytes) {
    // The event is read as a log of its own that has the same header.
    ReadFirmwareEvent result;
    result.bytes = source.header;
    result.bytes.insert(result.bytes.end(), bytes.begin(), bytes.end());
    auto reader = mr::EventLogReader::open(result.bytes, {.registers = source.registers, .format = source.format});
    if (!reader) return std::unexpected(reader.error().message);
    const auto read = reader->next(result.event);
    if (!read) return std::unexpected(read.error().message);
    if (!*read) return std::unexpected("a firmware event without bytes");
    mr::Event second;
    if (const auto more = reader->next(second); !more || *more) return std::unexpected("more than one firmware event");
    result.reader = std::move(*reader);
    return result;
}

std::expected<FirmwareRecords, std::string> take_apart(mr::ByteView file, std::string_view provider) {
    auto reader = mr::EventLogReader::open(file);
    if (!reader) return std::unexpected(reader.error().message);
    const auto format = reader->format();
    if (format != mr::LogFormat::tcg && format != mr::LogFormat::tcg_sha1)
        return std::unexpected("it is a log of format " + std::string(mr::to_string(format)) + ", not one of a firmware");
    FirmwareRecords records;
    records.log.format = format;
    records.log.provider = provider;
    if (format == mr::LogFormat::tcg) {
        const auto header = mr::read_tcg_header(file);
        if (!header) return std::unexpected(header.error().message);
        records.log.header = file.first(header->size);
    }
    mr::Event event;
    std::size_t end = records.log.header.size();
    bool first = true;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return std::unexpected(more.error().message);
        const auto begin = reader->offset();
        if (!first) records.events.push_back(file.subspan(end, begin - end));
        if (!*more) break;
        first = false;
        end = begin;
        if (event.name.starts_with("pcr")) records.log.registers = mr::LogRegisters::pcr;
    }
    for (const auto &bytes : records.events) {
        if (bytes.size() > max_firmware_event)
            return std::unexpected("an event of " + std::to_string(bytes.size()) + " bytes: more than " +
                                   std::to_string(max_firmware_event));
    }
    return records;
}

}  // namespace mrd::journal
