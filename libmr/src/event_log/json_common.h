// What the readers and writers of the text formats share: records cut out of a file, the memory that an event's views point into,
// register names, and text that may stand in JSON.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/event_log.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace mr::event_log {

// EV_UNUSED, which the TCG reserves: no firmware's event has it. The type of an event whose format knows no TCG type (IMA, systemd).
inline constexpr std::uint32_t ev_unused = 2;

// "rtmr3" and "pcr7": as common_name() gives them.
std::string rtmr_name(std::uint32_t number);
std::string pcr_name(std::uint32_t number);

// Of UTF-8. Editors put it before text, where it says nothing.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
inline std::string_view without_byte_order_mark(std::string_view text) {
    return text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text;
}

inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

// Of RFC 7464: before each record.
inline constexpr char record_separator = 0x1E;

// Text from outside (a file's name, a process's) need not be UTF-8 and then cannot stand in JSON. Of text that is not, every byte that
// is not ASCII, and every NUL, becomes U+FFFD.
std::string repaired_text(std::string_view text);
// With quotes and escapes; repaired if it has to be.
void append_json_text(std::string &out, std::string_view text);
// "sha384", "0x1234" for one without a name.
void append_algorithm(std::string &out, std::uint16_t algorithm_id);
std::optional<std::uint16_t> algorithm_from(std::string_view name);

// What was wrong, without the place: for malformed().
using Checked = std::expected<void, std::string>;

std::string what_is_wrong(const varlink::BadField &field);

// The member of that name. Error: it is there twice, so that two readers could take different ones.
std::expected<std::optional<varlink::Value>, std::string> only_member(varlink::Value object, std::string_view name);

std::optional<std::uint32_t> as_u32(std::int64_t value);

// Cuts a file into the records between separators, one at a time; blank ones are passed over.
class RecordCutter {
public:
    RecordCutter(ByteView file, char separator) : file_(as_text(file)), separator_(separator) {
        if (file_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
    }

    // The record it stands at, without separators; nothing at the end. Error: malformed, if it is longer than max_log_record. The same
    // again until accept().
    std::expected<std::optional<std::string_view>, Error> peek();
    void accept() { at_ = next_; }

    // Of that record; of the file's end if there is none.
    [[nodiscard]] std::size_t offset() const { return begin_; }

private:
    std::string_view file_;
    char separator_;
    std::size_t at_ = 0;     // behind the last record that was accepted
    std::size_t begin_ = 0;  // of the record that peek() found
    std::size_t next_ = 0;   // behind its separator
};

// The memory behind an event's views, used again for the next event.
class EventBuffers {
public:
    // Sets every member of the event to what it is in a log that says nothing.
    static void clear(Event &event);

    // Error: not hex, not of the algorithm's length, the algorithm twice, or more than max_log_banks.
    Checked add_digest(Event &event, std::uint16_t algorithm_id, std::string_view hex);
    Checked set_hex_data(Event &event, std::string_view hex);
    Checked set_base64_data(Event &event, std::string_view base64);
    void set_name(Event &event, std::string name);
    void set_rtmr(Event &event, std::uint32_t number);
    void set_pcr(Event &event, std::uint32_t number);

private:
    std::array<Bytes, max_log_banks> digests_;
    Bytes data_;
    std::string name_;
};

}  // namespace mr::event_log
