#include "mrd/journal/firmware.h"

#include <optional>

namespace mrd::journal {

FirmwareSource source_of(const FirmwareLog &log) {
    FirmwareSource source{std::string(log.provider), log.format, log.registers, {}};
    if (const auto header = mr::read_tcg_header(log.bytes); header && log.format == mr::LogFormat::tcg)
        source.header.assign(log.bytes.begin(), log.bytes.begin() + static_cast<std::ptrdiff_t>(header->size));
    return source;
}

std::expected<FirmwareLog, std::string> firmware_log_from(mr::ByteView file, std::string_view provider) {
    auto reader = mr::EventLogReader::open(file);
    if (!reader) return std::unexpected(reader.error().message);
    const auto format = reader->format();
    if (format != mr::LogFormat::tcg && format != mr::LogFormat::tcg_sha1)
        return std::unexpected("it is a log of format " + std::string(mr::to_string(format)) + ", not one of a firmware");
    FirmwareLog log{format, mr::LogRegisters::rtmr, 0, provider, {}};
    mr::Event event;
    std::optional<std::size_t> begin;
    for (bool more = true; more; begin = reader->offset()) {
        const auto next = reader->next(event);
        if (!next) return std::unexpected(next.error().message);
        if (const auto size = reader->offset() - begin.value_or(reader->offset()); size > max_firmware_event)
            return std::unexpected("an event of " + std::to_string(size) + " bytes: more than " + std::to_string(max_firmware_event));
        more = *next;
        if (more && event.name.starts_with("pcr")) log.registers = mr::LogRegisters::pcr;
    }
    log.bytes = file.first(reader->offset());
    return log;
}

std::expected<ImportedEvents, std::string> ImportedEvents::open(const FirmwareLog &log) {
    auto reader = mr::EventLogReader::open(log.bytes, {.registers = log.registers, .format = log.format});
    if (!reader) return std::unexpected(reader.error().message);
    return ImportedEvents(std::move(*reader), std::string(log.provider) + "/", log.sequence);
}

std::expected<ImportedEvents, std::string> ImportedEvents::open(const EarlierLog &log) {
    auto reader = mr::EventLogReader::open(log.bytes, {.format = mr::LogFormat::json});
    if (!reader) return std::unexpected(reader.error().message);
    return ImportedEvents(std::move(*reader), "", log.sequence);
}

std::expected<bool, std::string> ImportedEvents::next(mr::Event &event) {
    const auto more = reader_.next(event);
    if (!more) return std::unexpected(more.error().message);
    if (!*more) return false;
    event.sequence = sequence_++;
    if (!event.name.empty()) event.name = name_.assign(prefix_).append(event.name);
    return true;
}

}  // namespace mrd::journal
