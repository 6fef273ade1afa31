// One format's reader, behind EventLogReader. A new format: a file here with a function that makes its Source, a line in sources below, and a line
// in open() (reader.cpp) that knows its first bytes.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "mr/event_log.h"

namespace mr {

class EventLogReader::Source {
public:
    Source() = default;
    Source(const Source &) = delete;
    Source &operator=(const Source &) = delete;
    virtual ~Source() = default;

    [[nodiscard]] virtual LogFormat format() const = 0;
    // Sets every member of `event`; sequence counts from 1 where the format has no number of its own.
    virtual std::expected<bool, Error> next(Event &event) = 0;
    [[nodiscard]] virtual std::size_t offset() const = 0;

    [[nodiscard]] const std::vector<LogRegister> &registers() const { return registers_; }

protected:
    std::vector<LogRegister> registers_;
};

namespace event_log {

using SourceResult = std::expected<std::unique_ptr<EventLogReader::Source>, Error>;

// Each takes the whole file, which outlives the source.
SourceResult open_tcg(ByteView file, const ReaderOptions &options);  // tcg and tcg_sha1
SourceResult open_cel_json(ByteView file);
SourceResult open_json(ByteView file);
SourceResult open_dstack(ByteView file);
SourceResult open_ima(ByteView file);

// "event log, byte 1234: what is wrong": the one form of these errors.
std::unexpected<Error> malformed(std::size_t offset, std::string what);

}  // namespace event_log
}  // namespace mr
