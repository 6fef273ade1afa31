#include "libmr/src/event_log/json_common.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libmr/src/event_log/source.h"
#include "proto/varlink/json_writer.h"
#include "proto/varlink/plain_json.h"

namespace mr::event_log {

namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";
constexpr std::string_view blanks = " \t\r\n";

}  // namespace

std::string rtmr_name(std::uint32_t number) { return "rtmr" + std::to_string(number); }
std::string pcr_name(std::uint32_t number) { return "pcr" + std::to_string(number); }

std::string repaired_text(std::string_view text) {
    if (is_text(text)) return std::string(text);
    std::string repaired;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == 0 || byte >= 0x80) {
            repaired += replacement_character;
        } else {
            repaired += c;
        }
    }
    return repaired;
}

void append_json_text(std::string &out, std::string_view text) {
    // Nearly all text is plain, and that is seen many bytes at a time.
    if (varlink::is_plain_text(text) || is_text(text)) {
        varlink::write_json(out, text);
    } else {
        varlink::write_json(out, std::string_view(repaired_text(text)));
    }
}

void append_algorithm(std::string &out, std::uint16_t algorithm_id) {
    if (const auto known = hash_algorithm_from_tcg(algorithm_id)) {
        out += to_string(*known);
        return;
    }
    out += "0x";
    append_hex(out, std::array{static_cast<std::uint8_t>(algorithm_id >> 8U), static_cast<std::uint8_t>(algorithm_id)});
}

std::optional<std::uint16_t> algorithm_from(std::string_view name) {
    if (const auto known = hash_algorithm_from(name)) return tcg_id(*known);
    if (!name.starts_with("0x") || name.size() != 6) return std::nullopt;
    const auto id = from_hex(name.substr(2));
    if (!id) return std::nullopt;
    return static_cast<std::uint16_t>((*id)[0] << 8U | (*id)[1]);
}

std::string what_is_wrong(const varlink::BadField &field) {
    if (field.name.empty()) return "this is not an object";
    return "the field " + field.name + " is missing, is there twice or has a value of another type";
}

std::expected<std::optional<varlink::Value>, std::string> only_member(varlink::Value object, std::string_view name) {
    std::optional<varlink::Value> found;
    for (auto member = object.first(); member; member = member->next()) {
        if (member->key() != name) continue;
        if (found) return std::unexpected("the field " + std::string(name) + " is there twice");
        found = member;
    }
    return found;
}

std::optional<std::uint32_t> as_u32(std::int64_t value) {
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return static_cast<std::uint32_t>(value);
}

std::expected<std::optional<std::string_view>, Error> RecordCutter::peek() {
    for (begin_ = at_; begin_ < file_.size(); begin_ = next_) {
        const auto within = file_.substr(begin_, max_log_record + 1);
        const auto size = std::min(within.find(separator_), within.size());
        if (size > max_log_record) return malformed(begin_, "the record is longer than " + std::to_string(max_log_record) + " bytes");
        next_ = std::min(begin_ + size + 1, file_.size());
        const auto record = within.substr(0, size);
        if (record.find_first_not_of(blanks) != std::string_view::npos) return record;
    }
    return std::nullopt;
}

void EventBuffers::clear(Event &event) {
    event.sequence = 0;
    event.index = no_index;
    event.name = {};
    event.type = ev_unused;
    event.digests.clear();
    event.data.reset();
    event.description.reset();
    event.time.reset();
    event.caller.reset();
    event.id.reset();
    event.origin = EventOrigin::firmware;
}

Checked EventBuffers::add_digest(Event &event, std::uint16_t algorithm_id, std::string_view hex) {
    const auto refuse = [&](std::string_view why) {
        std::string name;
        append_algorithm(name, algorithm_id);
        return std::unexpected("the digest " + name + " " + std::string(why));
    };
    if (event.digests.size() == max_log_banks)
        return refuse("is one more than the " + std::to_string(max_log_banks) + " that an event may have");
    // Twice would be extended twice.
    if (std::ranges::find(event.digests, algorithm_id, &EventDigest::algorithm_id) != event.digests.end()) return refuse("is there twice");
    auto bytes = from_hex(hex);
    if (!bytes) return refuse("is not hex");
    const auto known = hash_algorithm_from_tcg(algorithm_id);
    if (known && bytes->size() != digest_size(*known)) {
        return refuse("has " + std::to_string(bytes->size()) + " bytes instead of " + std::to_string(digest_size(*known)));
    }
    auto &kept = digests_[event.digests.size()];
    kept = std::move(*bytes);
    event.digests.push_back({algorithm_id, kept});
    return {};
}

Checked EventBuffers::set_hex_data(Event &event, std::string_view hex) {
    auto bytes = from_hex(hex);
    if (!bytes) return std::unexpected("the event's data is not hex");
    data_ = std::move(*bytes);
    event.data = data_;
    return {};
}

Checked EventBuffers::set_base64_data(Event &event, std::string_view base64) {
    auto bytes = from_base64(base64);
    if (!bytes) return std::unexpected("the event's data is not base64");
    data_ = std::move(*bytes);
    event.data = data_;
    return {};
}

void EventBuffers::set_name(Event &event, std::string name) {
    name_ = std::move(name);
    event.name = name_;
}

void EventBuffers::set_rtmr(Event &event, std::uint32_t number) {
    set_name(event, rtmr_name(number));
    event.index = number + 1;
}

void EventBuffers::set_pcr(Event &event, std::uint32_t number) {
    set_name(event, pcr_name(number));
    event.index = number;
}

}  // namespace mr::event_log
