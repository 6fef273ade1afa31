// The event log in the formats that verifiers read, one event after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/event_log.h"
#include "mrd/journal/cursor.h"
#include "mrd/journal/state.h"

namespace mrd {

class LogExport {
public:
    LogExport() = default;
    LogExport(const LogExport &) = delete;
    LogExport &operator=(const LogExport &) = delete;
    virtual ~LogExport() = default;

    // What the log begins with; before its first event.
    virtual void begin(mr::Bytes &out, const journal::State &state) = 0;
    // The cursor stands at the event.
    virtual void add(mr::Bytes &out, const mr::Event &event, const journal::Cursor &cursor) = 0;
    // What it ends with; behind its last event.
    virtual void end(mr::Bytes & /*out*/) {}
};

// The firmware's log alone: there may be none.
inline constexpr std::string_view firmware_format = "firmware";

// The names of all formats. A new one: here, and in make_log_export().
std::vector<std::string> export_formats();

// Two registers that the format cannot tell apart, by a sentence; nothing: there are none.
std::optional<std::string> collision(std::string_view format, const journal::State &state);

// Null: not one of the formats.
std::unique_ptr<LogExport> make_log_export(std::string_view format);

}  // namespace mrd
