#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "libmr/src/event_log/json_common.h"
#include "libmr/src/event_log/source.h"
#include "libmr/src/event_log/tcg.h"
#include "mr/event_content.h"

namespace mr {
namespace {

using event_log::record_separator;
using event_log::SourceResult;

constexpr std::array all_formats = {LogFormat::tcg,  LogFormat::tcg_sha1, LogFormat::cel_json,
                                    LogFormat::json, LogFormat::dstack,   LogFormat::ima};

constexpr std::uint32_t highest_plausible_index = 24;  // a TPM has PCRs 0 to 23, some have one more
constexpr std::size_t shortest_digest_hex = 40;        // SHA-1's
constexpr std::string_view json_white_space = " \t\r\n";

// Takes `token` off the text's front, and the white space before it.
bool take_token(std::string_view &text, std::string_view token) {
    const auto rest = text.substr(std::min(text.find_first_not_of(json_white_space), text.size()));
    if (!rest.starts_with(token)) return false;
    text = rest.substr(token.size());
    return true;
}

// Has the first line "format":"mrd-event-log"?
bool is_own_json(std::string_view text) {
    const auto line = text.substr(0, text.find('\n'));
    constexpr std::string_view key = "\"format\"";
    for (auto at = line.find(key); at != std::string_view::npos; at = line.find(key, at + key.size())) {
        auto rest = line.substr(at + key.size());
        if (take_token(rest, ":") && take_token(rest, "\"mrd-event-log\"")) return true;
    }
    return false;
}

// "10 91f34b5c...": a register's number of one or two digits, right-aligned, and the template's digest.
bool is_ima(std::string_view text) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == std::string_view::npos || digits == 0 || digits > 2 || text[digits] != ' ') return false;
    text.remove_prefix(digits + 1);
    return std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size()) >= shortest_digest_hex;
}

bool is_plausible(const Event &event) { return event.index <= highest_plausible_index && event_type_name(event.type).starts_with("EV_"); }

// Such a log has no mark: its first record has to be plausible, and the records must end where the file does, or what fills it up begins. One that breaks off is known by
// so many plausible records that chance does not explain them.
bool is_tcg_sha1(ByteView file) {
    constexpr std::size_t enough = 4;
    const auto source = event_log::open_tcg(file, {.registers = {}, .format = LogFormat::tcg_sha1});
    if (!source) return false;
    Event event;
    for (std::size_t plausible = 0; plausible < enough;) {
        const auto more = (*source)->next(event);
        if (!more) return false;
        if (!*more) return plausible > 0;
        if (is_plausible(event)) {
            ++plausible;
        } else if (plausible == 0) {
            return false;
        }
    }
    return true;
}

// Records as one array.
bool is_cel_array(std::string_view json) {
    return json.starts_with('[') && json.substr(0, max_json_document).find("\"content_type\"") != std::string_view::npos;
}

// An object with the log in it, an array of its events, or a line for each of the guest's own; other tools write JSON too.
bool is_dstack(std::string_view json) {
    const auto text = json.substr(0, max_json_document);
    const auto line = text.substr(0, text.find('\n'));
    if (json.starts_with('{') && line.find("\"event\"") != std::string_view::npos && line.find("\"payload\"") != std::string_view::npos)
        return true;
    if (json.starts_with('{')) {
        const auto has = [text](std::string_view part) { return text.find(part) != std::string_view::npos; };
        return has("\"event_log\"") || (has("\"tcb_info\"") && has(R"(\"event_log\")"));
    }
    auto rest = json;
    return text.find("\"imr\"") != std::string_view::npos || (take_token(rest, "[") && take_token(rest, "]"));
}

bool is_json(std::string_view json) { return json.starts_with('{') || json.starts_with('['); }

// From where it says something.
std::string_view text_from(ByteView file) {
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    return text.substr(std::min(text.find_first_not_of(json_white_space), text.size()));
}

std::optional<LogFormat> detect(ByteView file) {
    const auto text = text_from(file);
    if (text.starts_with(record_separator)) return LogFormat::cel_json;
    if (text.starts_with('{') && is_own_json(text)) return LogFormat::json;
    if (is_cel_array(text)) return LogFormat::cel_json;
    if (is_json(text)) return is_dstack(text) ? std::optional(LogFormat::dstack) : std::nullopt;
    if (event_log::has_spec_id(file)) return LogFormat::tcg;
    if (is_ima(event_log::without_byte_order_mark(event_log::as_text(file)))) return LogFormat::ima;
    if (is_tcg_sha1(file)) return LogFormat::tcg_sha1;
    return std::nullopt;
}

SourceResult open_source(ByteView file, const ReaderOptions &options, LogFormat format) {
    switch (format) {
    case LogFormat::tcg:
    case LogFormat::tcg_sha1: return event_log::open_tcg(file, {.registers = options.registers, .format = format});
    case LogFormat::cel_json: return event_log::open_cel_json(file);
    case LogFormat::json: return event_log::open_json(file);
    case LogFormat::dstack: return event_log::open_dstack(file);
    case LogFormat::ima: return event_log::open_ima(file);
    }
    return event_log::malformed(0, "a format without a reader was asked for");
}

}  // namespace

std::unexpected<Error> event_log::malformed(std::size_t offset, std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "event log, byte " + std::to_string(offset) + ": " + std::move(what)});
}

std::expected<EventLogReader, Error> EventLogReader::open(ByteView file, const ReaderOptions &options) {
    const auto format = options.format ? options.format : detect(file);
    if (!format) {
        std::string what =
            file.empty() ? "the file is empty"
            : is_json(text_from(file))
                ? "this is JSON, but not of a kind that is read (CEL-JSON has the byte 0x1E before each record, or is an array of records)"
                : "this begins like none of the formats that are read";
        what += ":";
        for (const LogFormat known : all_formats) {
            what.append(known == all_formats.front() ? " " : ", ").append(to_string(known));
        }
        return event_log::malformed(0, std::move(what));
    }
    auto source = open_source(file, options, *format);
    if (!source) return std::unexpected(std::move(source.error()));
    return EventLogReader(std::move(*source));
}

EventLogReader::EventLogReader(std::unique_ptr<Source> source) : source_(std::move(source)) {}
EventLogReader::EventLogReader(EventLogReader &&) noexcept = default;
EventLogReader &EventLogReader::operator=(EventLogReader &&) noexcept = default;
EventLogReader::~EventLogReader() = default;

LogFormat EventLogReader::format() const { return source_->format(); }
const std::vector<LogRegister> &EventLogReader::registers() const { return source_->registers(); }
std::expected<bool, Error> EventLogReader::next(Event &event) { return source_->next(event); }
std::size_t EventLogReader::offset() const { return source_->offset(); }

}  // namespace mr
