// What mrctl prints: data to standard output, errors to standard error, tables and colour only for people.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

enum ExitCode : int {
    exit_done = 0,
    exit_refused = 1,  // mrd or a file says no
    exit_usage = 2,
    exit_no_service = 3,
    exit_cannot_judge = 255,  // of gate alone, for all that is neither yes nor no
};

// Writes "mrctl: message" on one line, and gives the exit code that belongs to the error.
int fail(const mr::Error &error);
int fail_usage(std::string_view message);

// With --json an error is an object on standard output, too: {"error": "message", "code": "io"}; what gives a verdict has "verified": false before it.
struct ErrorForm {
    bool json = false;
    bool has_verdict = false;
};
void set_error_form(ErrorForm form);
// fail() for who has begun an object of his own: its last members, and its end.
int fail_within_object(const mr::Error &error);

// "mrctl: note: message" on standard error.
void note(std::string_view message);

// Of registers that nothing binds to this machine's hardware, a note, where a person looks at standard error: standard output is what scripts read, and the reply that --json
// shows says it.
void note_unbound(const std::vector<std::string> &names);

// A line on standard output; whoever the JSON is of, it cannot steer a terminal.
void print_json(std::string_view json);

// Does a person look at standard output?
bool is_terminal();
// At standard error?
bool is_error_terminal();

// Is it a terminal that obeys escape sequences? Not one of TERM=dumb, or of which TERM says nothing.
bool obeys_escapes(int descriptor);

// May what standard output shows have colour? Not where NO_COLOR is set and not empty (no-color.org), nor where escape sequences are not obeyed.
bool may_colour();

// ECMA-48, 8.3.117 (SGR)
namespace sgr {
inline constexpr std::string_view plain;
inline constexpr std::string_view bold = "1";
inline constexpr std::string_view faint = "2";
inline constexpr std::string_view red = "31";
inline constexpr std::string_view green = "32";
inline constexpr std::string_view yellow = "33";
}  // namespace sgr
// `may`: may_colour(), asked by whom standard output is not a terminal any more: a pager.
std::string coloured(const std::string &text, std::string_view colour, bool may = may_colour());

using Row = std::vector<std::string>;

// With a head for a terminal, columns aligned; without a head and with single blanks for a pipe. Cells are printable (mr::printable_text), or
// colour what is.
void print_table(const Row &head, const std::vector<Row> &rows);

// Whole file, or standard input for "-"; at most `limit` bytes. Error: io, and wrong_length over the limit.
std::expected<mr::Bytes, mr::Error> read_file(const std::string &path, std::size_t limit);

// "-": standard output; a terminal gets no bytes that it would obey. Error: io.
std::expected<void, mr::Error> write_file(const std::string &path, mr::ByteView bytes);

// Of the files that a command is to write, empty names left out, one that is there twice, also by another name: the first would be lost.
std::optional<std::string> written_twice(const std::vector<std::string> &paths);

}  // namespace mrctl
