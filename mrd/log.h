// The daemon's log: one line a record, "message key=value ...", to standard error, or to the journal where standard error is connected to it.
// Only mrd/ logs; libraries return errors.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mrd::log {

enum class Level : unsigned char { debug, info, warning, error };

// "debug", "info", "warning", "error". False: not one of these.
bool set_level(std::string_view name);

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Values that hold blanks, quotes or control characters are quoted, so that a client's text cannot forge a record; what is invisible is escaped, in the
// message too, for who reads the log on a terminal.
void write(Level level, std::string_view message, Fields fields = {});

inline void debug(std::string_view message, Fields fields = {}) { write(Level::debug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::info, message, fields); }
inline void warning(std::string_view message, Fields fields = {}) { write(Level::warning, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::error, message, fields); }

// The record's text without time and level; for tests.
std::string format(std::string_view message, Fields fields);

}  // namespace mrd::log
