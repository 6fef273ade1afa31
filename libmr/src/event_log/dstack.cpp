// dstack's event log, one JSON document: docs/log-formats.md.
#include <array>
#include <utility>

#include "libmr/src/event_log/dstack_event.h"
#include "libmr/src/event_log/json_common.h"
#include "libmr/src/event_log/json_walker.h"
#include "libmr/src/event_log/source.h"
#include "libmr/src/event_log/types.h"
#include "proto/varlink/limits.h"

namespace mr::event_log {

namespace {

using varlink::field;

constexpr std::array<std::string_view, 4> rtmr_names{"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
constexpr std::string_view log_member = "event_log";
constexpr std::string_view info_member = "tcb_info";  // of the reply to Info, which has the log in it

struct DstackFields {
    std::int64_t imr = 0;
    std::int64_t event_type = 0;
    std::optional<std::string_view> digest;
    std::string_view event;
    std::optional<std::string_view> payload;
    std::optional<std::int64_t> version;
    static constexpr auto fields() {
        return std::tuple(field("imr", &DstackFields::imr), field("event_type", &DstackFields::event_type),
                          field("digest", &DstackFields::digest), field("event", &DstackFields::event),
                          field("event_payload", &DstackFields::payload), field("version", &DstackFields::version));
    }
};

// Later versions leave out, or give as empty, what follows from the rest.
Checked add_computed_digest(Event &event, EventBuffers &buffers, std::string_view name, std::int64_t version) {
    if (version != 1 && version != 2)
        return std::unexpected("of the version " + std::to_string(version) + " this library does not know what is hashed");
    const auto hashed = version == 1 ? dstack_preimage_1(name, *event.data) : dstack_preimage_2(name, *event.data);
    const auto digest = hash(HashAlgorithm::sha384, hashed);
    if (!digest) return std::unexpected(digest.error().message);
    return buffers.add_digest(event, tcg_id(HashAlgorithm::sha384), to_hex(digest->bytes()));
}

class DstackSource final : public EventLogReader::Source {
public:
    explicit DstackSource(ByteView file) : file_(as_text(file)), walker_(file_) {}

    std::expected<void, Error> open() {
        if (file_.size() > max_json_document)
            return malformed(0, "the document is longer than " + std::to_string(max_json_document) + " bytes");
        if (!document_.parse(without_byte_order_mark(file_))) return malformed(0, not_json());
        auto log = document_.root();
        if (log.kind() == varlink::Kind::object) {
            auto found = member_of(log, log_member);
            if (found && !*found) {
                const auto info = member_of(log, info_member);
                if (!info) return std::unexpected(info.error());
                if (*info && (*info)->kind() == varlink::Kind::object) found = member_of(**info, log_member);
            }
            if (!found) return std::unexpected(std::move(found.error()));
            if (!*found) return malformed(0, "the document has no field " + std::string(log_member));
            log = **found;
        }
        if (log.kind() != varlink::Kind::array) return malformed(offset_, "the event log is not an array");
        if (!in_string()) walker_.enter();
        next_ = log.first();
        return {};
    }

    [[nodiscard]] LogFormat format() const override { return LogFormat::dstack; }
    [[nodiscard]] std::size_t offset() const override { return offset_; }

    std::expected<bool, Error> next(Event &event) override {
        if (!next_) {
            offset_ = file_.size();
            return false;
        }
        // Where the log is a string, its place is all there is: escapes make the text longer than what it says.
        if (!in_string()) offset_ = walker_.next_value();
        if (auto done = read_event(*next_, event); !done) {
            return malformed(offset_, "event " + std::to_string(count_ + 1) + ": " + done.error());
        }
        event.sequence = ++count_;
        next_ = next_->next();
        if (!in_string()) walker_.skip();
        return true;
    }

private:
    static std::string not_json() {
        return "this is not JSON in UTF-8, or has more than " + std::to_string(varlink::max_values) + " values";
    }

    [[nodiscard]] bool in_string() const { return texts_ > 0; }

    // Or what its text says. The walker goes along, up to where a text begins.
    std::expected<std::optional<varlink::Value>, Error> member_of(varlink::Value object, std::string_view name) {
        const auto member = only_member(object, name);
        if (!member) return malformed(offset_, member.error());
        if (!*member) return std::nullopt;
        if (!in_string()) {
            walker_.enter();
            for (auto other = object.first(); other; other = other->next()) {
                walker_.skip();  // its name
                if (other->key() == name) break;
                walker_.skip();
            }
            offset_ = walker_.next_value();
        }
        const auto text = (*member)->as_string();
        if (!text) return *member;
        auto &inner = inner_.at(texts_++);
        if (!inner.parse(*text)) return malformed(offset_, "the text of the field " + std::string(name) + ": " + not_json());
        return inner.root();
    }

    Checked read_event(varlink::Value value, Event &event) {
        EventBuffers::clear(event);
        const auto fields = varlink::decode<DstackFields>(value, true);
        if (!fields) return std::unexpected(what_is_wrong(fields.error()));
        if (fields->imr < 0 || static_cast<std::uint64_t>(fields->imr) >= rtmr_names.size())
            return std::unexpected("the field imr is not 0 to 3");
        const auto type = as_u32(fields->event_type);
        if (!type) return std::unexpected("the field event_type is not within 32 bits");
        const auto imr = static_cast<std::uint32_t>(fields->imr);
        event.name = rtmr_names[imr];
        event.index = imr + 1;
        event.type = *type;
        if (!fields->event.empty()) event.description = fields->event;
        // Of the firmware's events later versions leave the data out, and say so as if it were empty.
        if (fields->payload && (!fields->payload->empty() || type == ev_dstack)) {
            if (auto done = buffers_.set_hex_data(event, *fields->payload); !done) return done;
        }
        if (fields->digest && !fields->digest->empty()) return buffers_.add_digest(event, tcg_id(HashAlgorithm::sha384), *fields->digest);
        const std::string missing = "the field digest is missing or empty, and ";
        if (event.type != ev_dstack) return std::unexpected(missing + "only of dstack's own events does it follow from name and payload");
        if (!event.data) return std::unexpected(missing + "the field event_payload, from which it would follow, is missing too");
        if (auto done = add_computed_digest(event, buffers_, fields->event, fields->version.value_or(1)); !done)
            return std::unexpected(missing + done.error());
        return {};
    }

    std::string_view file_;
    varlink::Document document_;
    std::array<varlink::Document, 2> inner_;  // of a log that is a string in the document, or in the text of tcb_info
    std::size_t texts_ = 0;
    std::optional<varlink::Value> next_;
    Walker walker_;
    std::size_t offset_ = 0;
    EventBuffers buffers_;
    std::uint64_t count_ = 0;
};

// The file that a dstack guest keeps of its own events, one a line, without digests: they all go to RTMR3.
struct RuntimeFields {
    std::string_view event;
    std::string_view payload;
    std::optional<std::int64_t> version;
    static constexpr auto fields() {
        return std::tuple(field("event", &RuntimeFields::event), field("payload", &RuntimeFields::payload),
                          field("version", &RuntimeFields::version));
    }
};

class RuntimeSource final : public EventLogReader::Source {
public:
    explicit RuntimeSource(ByteView file) : records_(file, '\n') {}

    [[nodiscard]] LogFormat format() const override { return LogFormat::dstack; }
    [[nodiscard]] std::size_t offset() const override { return records_.offset(); }

    std::expected<bool, Error> next(Event &event) override {
        const auto line = records_.peek();
        if (!line) return std::unexpected(line.error());
        if (!*line) return false;
        if (!document_.parse(**line)) return malformed(records_.offset(), "the line is not JSON in UTF-8");
        if (auto done = read_event(event); !done) return malformed(records_.offset(), std::move(done.error()));
        event.sequence = ++count_;
        records_.accept();
        return true;
    }

private:
    Checked read_event(Event &event) {
        EventBuffers::clear(event);
        const auto fields = varlink::decode<RuntimeFields>(document_.root(), true);
        if (!fields) return std::unexpected(what_is_wrong(fields.error()));
        buffers_.set_rtmr(event, 3);
        event.type = ev_dstack;
        if (!fields->event.empty()) event.description = fields->event;
        if (auto done = buffers_.set_base64_data(event, fields->payload); !done) return done;
        return add_computed_digest(event, buffers_, fields->event, fields->version.value_or(1));
    }

    RecordCutter records_;
    varlink::Document document_;
    EventBuffers buffers_;
    std::uint64_t count_ = 0;
};

bool is_runtime_log(ByteView file) {
    const auto text = without_byte_order_mark(as_text(file));
    varlink::Document document;
    return text.starts_with('{') && document.parse(text.substr(0, text.find('\n'))) && document.root().find("event") &&
           document.root().find("payload");
}

}  // namespace

SourceResult open_dstack(ByteView file) {
    if (is_runtime_log(file)) return std::make_unique<RuntimeSource>(file);
    auto source = std::make_unique<DstackSource>(file);
    if (auto done = source->open(); !done) return std::unexpected(std::move(done.error()));
    return source;
}

}  // namespace mr::event_log
