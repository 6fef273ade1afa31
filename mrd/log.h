// The daemon's log: one record "message key=value ...", to the system's journal with its values as fields where standard error is connected to it, or else as a line
// to standard error. Only mrd/ logs; libraries return errors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proto/varlink/file_descriptor.h"

namespace mrd::log {

enum class Level : unsigned char { debug, info, warning, error };

// "debug", "info", "warning", "error". False: not one of these.
bool set_level(std::string_view name);
std::string_view level();
// Would a record of that level be written?
bool is_told(Level level);
// The same while mrd runs, and tells of it, whatever the level was and is. `by`: who wanted it.
bool change_level(std::string_view name, std::string_view by);

// What a record is about, for who looks for all of a kind: MESSAGE_ID in the journal. docs/operation.md lists them.
enum class Kind : std::uint8_t {
    other,
    ready,
    stopping,
    configuration,
    level,
    extend,
    cap,
    create,
    write,
    refused,
    repair,
    divergence,
    gap,
    provider_failed,
    provider_up,
    journal,
};
inline constexpr std::size_t kinds = static_cast<std::size_t>(Kind::journal) + 1;
std::string_view to_string(Kind kind);
// 32 hexadecimal digits, which never change; empty: it has none.
std::string_view message_id(Kind kind);

using Field = std::pair<std::string_view, std::string_view>;  // key in lower case, and value
using Fields = std::initializer_list<Field>;
inline constexpr std::size_t max_value =
    2048;  // bytes of a value, and of the message; of what is longer the beginning stands there, and "..."

// Is standard error connected to the system's journal (JOURNAL_STREAM)?
bool goes_to_journal();
// Where standard error is connected to the system's journal (JOURNAL_STREAM), records go to the journal's socket from now on, to which `connect` connects
// (SystemJournal::Connect). Before any thread is started.
inline constexpr std::string_view journal_socket = "/run/systemd/journal/socket";
void open(std::string_view socket, std::function<varlink::FileDescriptor(std::span<const std::uint8_t>)> connect);
// For the last record of a process that ends at once: what follows goes to standard error, whose stream belongs to the unit. Of a datagram the system's journal looks
// the unit up by the sender, and finds none where that has ended before: `journalctl -u mrd` would not show why mrd does not start.
void to_standard_error();
// A sockaddr; empty: records go to standard error.
std::span<const std::uint8_t> journal_address();

// Values that hold blanks, quotes or control characters are quoted, so that a client's text cannot forge a record; what is invisible is escaped, in the
// message too, for who reads the log on a terminal.
void write(Level level, Kind kind, std::string_view message, std::span<const Field> fields);

inline void write(Level level, Kind kind, std::string_view message, Fields fields) {
    write(level, kind, message, std::span(fields.begin(), fields.size()));
}
inline void debug(std::string_view message, Fields fields = {}) { write(Level::debug, Kind::other, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::info, Kind::other, message, fields); }
inline void info(Kind kind, std::string_view message, Fields fields = {}) { write(Level::info, kind, message, fields); }
inline void warning(std::string_view message, Fields fields = {}) { write(Level::warning, Kind::other, message, fields); }
inline void warning(Kind kind, std::string_view message, Fields fields = {}) { write(Level::warning, kind, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::error, Kind::other, message, fields); }
inline void error(Kind kind, std::string_view message, Fields fields = {}) { write(Level::error, kind, message, fields); }

// The record's text without time and level.
std::string format(std::string_view message, std::span<const Field> fields);
inline std::string format(std::string_view message, Fields fields) { return format(message, std::span(fields.begin(), fields.size())); }

// The record as the journal takes it: MESSAGE=, PRIORITY=, SYSLOG_IDENTIFIER=, MESSAGE_ID=, and for each field MRD_KEY=.
std::string journal_entry(Level level, Kind kind, std::string_view message, std::span<const Field> fields);

}  // namespace mrd::log
