// mrd's own JSON: docs/log-formats.md.
#include <utility>

#include "libmr/src/event_log/json_common.h"
#include "libmr/src/event_log/source.h"
#include "libmr/wire/event_log.h"
#include "proto/varlink/json_writer.h"

namespace mr {

namespace {

using event_log::Checked;
using varlink::field;

constexpr std::string_view format_name = "mrd-event-log";
constexpr std::int64_t format_version = 1;

// ---- What a line says

struct RegisterFields {
    std::string_view name;
    std::string_view hash;
    std::string_view initial;
    std::string_view start;
    static constexpr auto fields() {
        return std::tuple(field("name", &RegisterFields::name), field("hash", &RegisterFields::hash),
                          field("initial", &RegisterFields::initial), field("start", &RegisterFields::start));
    }
};

struct HeaderFields {
    std::string_view format;
    std::int64_t version = 0;
    std::vector<RegisterFields> registers;
    static constexpr auto fields() {
        return std::tuple(field("format", &HeaderFields::format), field("version", &HeaderFields::version),
                          field("registers", &HeaderFields::registers));
    }
};

// Without the digests, whose member names are not known beforehand.
struct EventFields {
    std::int64_t sequence = 0;
    std::string_view name;
    std::optional<std::int64_t> index;
    std::int64_t event_type = 0;
    std::optional<std::string_view> description;
    std::optional<std::string_view> data;
    std::optional<std::int64_t> time;
    std::optional<wire::Caller> caller;
    std::optional<std::string_view> id;
    std::string_view origin;
    static constexpr auto fields() {
        return std::tuple(field("sequence", &EventFields::sequence), field("name", &EventFields::name), field("index", &EventFields::index),
                          field("eventType", &EventFields::event_type), field("description", &EventFields::description),
                          field("data", &EventFields::data), field("time", &EventFields::time), field("caller", &EventFields::caller),
                          field("id", &EventFields::id), field("origin", &EventFields::origin));
    }
};

std::uint32_t default_index(std::string_view name) { return tcg_index(name).value_or(no_index); }

std::expected<LogRegister, std::string> interpret(const RegisterFields &fields) {
    const auto algorithm = hash_algorithm_from(fields.hash);
    if (!algorithm) return std::unexpected("the field hash of a register names no algorithm that is known");
    const auto initial = from_hex(fields.initial);
    const auto start = from_hex(fields.start);
    const auto size = digest_size(*algorithm);
    if (!initial || initial->size() != size)
        return std::unexpected("the field initial of a register is not the hex of a value of its hash");
    if (!start || start->size() != size) return std::unexpected("the field start of a register is not the hex of a value of its hash");
    return LogRegister{std::string(fields.name), *algorithm, Digest(*initial), Digest(*start)};
}

class JsonSource final : public EventLogReader::Source {
public:
    explicit JsonSource(ByteView file) : records_(file, '\n') {}

    std::expected<void, Error> read_header() {
        auto line = parse();
        if (!line) return std::unexpected(std::move(line.error()));
        if (!*line) return event_log::malformed(records_.offset(), "the first line, with the format's name, is missing");
        // The version first: of a later one nothing else is known.
        const auto root = document_.root();
        const auto format = root.find("format");
        const auto version = root.find("version");
        if (!format || format->as_string() != format_name || !version || !version->as_int()) {
            return event_log::malformed(records_.offset(), "the first line has no format " + std::string(format_name) + " with a version");
        }
        if (version->as_int() != format_version) {
            return event_log::malformed(records_.offset(), "the version is " + version->to_json() + ", this library reads version " +
                                                               std::to_string(format_version) + ": use one that is as new as the log");
        }
        const auto header = varlink::decode<HeaderFields>(root, true);
        if (!header) return event_log::malformed(records_.offset(), event_log::what_is_wrong(header.error()));
        for (const auto &fields : header->registers) {
            auto known = interpret(fields);
            if (!known) return event_log::malformed(records_.offset(), std::move(known.error()));
            registers_.push_back(std::move(*known));
        }
        records_.accept();
        return {};
    }

    [[nodiscard]] LogFormat format() const override { return LogFormat::json; }
    [[nodiscard]] std::size_t offset() const override { return records_.offset(); }

    std::expected<bool, Error> next(Event &event) override {
        const auto more = parse();
        if (!more || !*more) return more;
        if (auto done = read_event(event); !done) return event_log::malformed(records_.offset(), std::move(done.error()));
        records_.accept();
        return true;
    }

private:
    // False: the file has ended.
    std::expected<bool, Error> parse() {
        const auto line = records_.peek();
        if (!line) return std::unexpected(line.error());
        if (!*line) return false;
        if (!document_.parse(**line) || document_.root().kind() != varlink::Kind::object) {
            return event_log::malformed(records_.offset(), "the line is not one JSON object in UTF-8");
        }
        return true;
    }

    Checked read_event(Event &event) {
        // For the memory of its strings.
        auto caller = std::exchange(event.caller, std::nullopt);
        event_log::EventBuffers::clear(event);

        const auto root = document_.root();
        const auto fields = varlink::decode<EventFields>(root, true);
        if (!fields) return std::unexpected(event_log::what_is_wrong(fields.error()));
        if (fields->sequence < 0) return std::unexpected("the field sequence is negative");
        const auto type = event_log::as_u32(fields->event_type);
        if (!type) return std::unexpected("the field eventType is not within 32 bits");
        const auto index = fields->index ? event_log::as_u32(*fields->index) : default_index(fields->name);
        if (!index) return std::unexpected("the field index is not within 32 bits");
        const auto origin = event_origin_from(fields->origin);
        if (!origin) return std::unexpected("the field origin is none of firmware, service, resync");
        event.sequence = static_cast<std::uint64_t>(fields->sequence);
        event.index = *index;
        event.name = fields->name;
        event.type = *type;
        event.description = fields->description;
        event.time = fields->time;
        event.id = fields->id;
        event.origin = *origin;
        if (fields->caller) take_caller(*fields->caller, std::move(caller), event);
        if (fields->data) {
            if (auto done = buffers_.set_base64_data(event, *fields->data); !done) return done;
        }

        const auto digests = event_log::only_member(root, "digests");
        if (!digests) return std::unexpected(digests.error());
        if (!*digests || (*digests)->kind() != varlink::Kind::object)
            return std::unexpected("the field digests is missing or is not an object");
        for (auto digest = (*digests)->first(); digest; digest = digest->next()) {
            const auto algorithm = event_log::algorithm_from(digest->key());
            if (!algorithm) return std::unexpected("the field digests has an algorithm that is not known");
            const auto hex = digest->as_string();
            if (!hex) return std::unexpected("the field digests has a value that is not text");
            if (auto done = buffers_.add_digest(event, *algorithm, *hex); !done) return done;
        }
        return {};
    }

    static void take_caller(const wire::Caller &fields, std::optional<EventCaller> memory, Event &event) {
        const auto take_text = [](std::optional<std::string> &to, std::optional<std::string_view> from) {
            if (!from) {
                to.reset();
            } else if (to) {
                *to = *from;
            } else {
                to.emplace(*from);
            }
        };
        event.caller = memory ? std::move(memory) : EventCaller();
        event.caller->uid = fields.uid;
        event.caller->gid = fields.gid;
        event.caller->pid = fields.pid;
        take_text(event.caller->executable, fields.executable);
        take_text(event.caller->unit, fields.unit);
        take_text(event.caller->rule, fields.rule);
        event.caller->on_behalf_of = fields.on_behalf_of;
    }

    event_log::RecordCutter records_;
    varlink::Document document_;
    event_log::EventBuffers buffers_;
};

// ---- Writing. Member names are plain words: no escapes. The first member has none of these before it.

void append_member(std::string &out, std::string_view name, std::string_view text) {
    out += name;
    event_log::append_json_text(out, text);
}

void append_member(std::string &out, std::string_view name, std::int64_t number) {
    out += name;
    varlink::write_json(out, number);
}

void append_hex_member(std::string &out, std::string_view name, ByteView bytes) {
    out += name;
    out += '"';
    append_hex(out, bytes);
    out += '"';
}

void append_caller(std::string &out, const EventCaller &caller) {
    append_member(out, R"(,"caller":{"uid":)", caller.uid);
    append_member(out, R"(,"gid":)", caller.gid);
    append_member(out, R"(,"pid":)", caller.pid);
    if (caller.executable) append_member(out, R"(,"executable":)", *caller.executable);
    if (caller.unit) append_member(out, R"(,"unit":)", *caller.unit);
    if (caller.rule) append_member(out, R"(,"rule":)", *caller.rule);
    if (const auto &other = caller.on_behalf_of) {
        append_member(out, R"(,"onBehalfOf":{"uid":)", other->uid);
        append_member(out, R"(,"gid":)", other->gid);
        append_member(out, R"(,"pid":)", other->pid);
        out += '}';
    }
    out += '}';
}

void append_digests(std::string &out, const std::vector<EventDigest> &digests) {
    std::string_view before = R"(,"digests":{)";
    if (digests.empty()) out += before;
    for (const auto &digest : digests) {
        out += before;
        before = ",";
        out += '"';
        event_log::append_algorithm(out, digest.algorithm_id);
        append_hex_member(out, R"(":)", digest.value);
    }
    out += '}';
}

}  // namespace

namespace event_log {

SourceResult open_json(ByteView file) {
    auto source = std::make_unique<JsonSource>(file);
    if (auto done = source->read_header(); !done) return std::unexpected(std::move(done.error()));
    return source;
}

}  // namespace event_log

void append_json_header(std::string &out, const std::vector<LogRegister> &registers) {
    append_member(out, R"({"format":)", format_name);
    append_member(out, R"(,"version":)", format_version);
    out += R"(,"registers":[)";
    std::string_view before = R"({"name":)";
    for (const auto &known : registers) {
        append_member(out, before, known.name);
        before = R"(,{"name":)";
        append_member(out, R"(,"hash":)", to_string(known.algorithm));
        append_hex_member(out, R"(,"initial":)", known.initial.bytes());
        append_hex_member(out, R"(,"start":)", known.start.bytes());
        out += '}';
    }
    out += "]}\n";
}

void append_json_event(std::string &out, const Event &event) {
    append_member(out, R"({"sequence":)", static_cast<std::int64_t>(event.sequence));
    append_member(out, R"(,"name":)", event.name);
    if (event.index != default_index(event.name)) append_member(out, R"(,"index":)", std::int64_t{event.index});
    append_member(out, R"(,"eventType":)", std::int64_t{event.type});
    append_digests(out, event.digests);
    if (event.description) append_member(out, R"(,"description":)", *event.description);
    if (event.data) {
        out += R"(,"data":")";
        append_base64(out, *event.data);
        out += '"';
    }
    if (event.time) append_member(out, R"(,"time":)", *event.time);
    if (event.caller) append_caller(out, *event.caller);
    if (event.id) append_member(out, R"(,"id":)", *event.id);
    append_member(out, R"(,"origin":)", to_string(event.origin));
    out += "}\n";
}

}  // namespace mr
