// CEL-JSON (TCG Canonical Event Log Format 1.0, section 5.3) in text sequences (RFC 7464), as systemd writes it: docs/log-formats.md.
#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/event_log/json_common.h"
#include "libmr/src/event_log/json_walker.h"
#include "libmr/src/event_log/source.h"
#include "mr/event_content.h"
#include "proto/varlink/json_writer.h"
#include "proto/varlink/limits.h"

namespace mr {

namespace {

using event_log::Checked;
using event_log::record_separator;
using varlink::field;

constexpr std::string_view content_of_firmware = "pcclient_std";
constexpr std::string_view content_of_systemd = "systemd";

// As TCG logs have it for events of no register.
constexpr std::int64_t pcr_of_none = no_index;

// An NV index that is extended like a PCR; its handle is its index.
std::string nv_name(std::uint32_t handle) {
    const std::array bytes{static_cast<std::uint8_t>(handle >> 24U), static_cast<std::uint8_t>(handle >> 16U),
                           static_cast<std::uint8_t>(handle >> 8U), static_cast<std::uint8_t>(handle)};
    return "nv0x" + to_hex(bytes);
}

// As other tools write it, too: "SHA256", "TPM2_ALG_SHA256".
std::optional<std::uint16_t> algorithm_of(std::string_view name) {
    std::string common(name);
    std::ranges::transform(common, common.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    for (const std::string_view prefix : {"tpm2_alg_", "tpm_alg_"}) {
        if (common.starts_with(prefix)) common.erase(0, prefix.size());
    }
    // In the TCG's registry, but nothing here computes them.
    for (const auto &[known, id] : {std::pair{"sha3_256", 0x0027}, std::pair{"sha3_384", 0x0028}, std::pair{"sha3_512", 0x0029}}) {
        if (common == known) return static_cast<std::uint16_t>(id);
    }
    return event_log::algorithm_from(common);
}

struct DigestFields {
    std::string_view algorithm;
    std::string_view digest;
    static constexpr auto fields() {
        return std::tuple(field("hashAlg", &DigestFields::algorithm), field("digest", &DigestFields::digest));
    }
};

// Without the content, whose members depend on its type.
struct RecordFields {
    std::optional<std::int64_t> recnum;
    std::optional<std::int64_t> pcr;
    std::optional<std::int64_t> nv_index;
    std::optional<std::int64_t> rtmr;
    std::optional<std::string_view> name;
    std::optional<std::int64_t> index;
    std::vector<DigestFields> digests;
    std::optional<std::string_view> content_type;
    static constexpr auto fields() {
        return std::tuple(field("recnum", &RecordFields::recnum), field("pcr", &RecordFields::pcr),
                          field("nv_index", &RecordFields::nv_index), field("rtmr", &RecordFields::rtmr),
                          field("register", &RecordFields::name), field("index", &RecordFields::index),
                          field("digests", &RecordFields::digests), field("content_type", &RecordFields::content_type));
    }
};

struct SystemdFields {
    std::optional<std::string_view> text;
    static constexpr auto fields() { return std::tuple(field("string", &SystemdFields::text)); }
};

// What is the same for records one by one and in an array.
class CelJsonRecords {
public:
    Checked read(varlink::Value record, Event &event) {
        auto done = read_event(record, event);
        if (done) ++count_;
        return done;
    }

private:
    Checked read_event(varlink::Value root, Event &event) {
        event_log::EventBuffers::clear(event);
        const auto fields = varlink::decode<RecordFields>(root, true);
        if (!fields) return std::unexpected(event_log::what_is_wrong(fields.error()));
        if (fields->recnum.value_or(0) < 0) return std::unexpected("the field recnum is negative");
        event.sequence = fields->recnum ? static_cast<std::uint64_t>(*fields->recnum) : count_ + 1;
        if (auto done = read_register(*fields, event); !done) return done;
        for (const auto &digest : fields->digests) {
            const auto algorithm = algorithm_of(digest.algorithm);
            if (!algorithm) continue;  // the other banks are no worse for it
            if (auto done = buffers_.add_digest(event, *algorithm, digest.digest); !done) return done;
        }
        if (event.digests.empty() && !fields->digests.empty())
            return std::unexpected("no hashAlg of the record is known: \"" + printable_text(fields->digests.front().algorithm) +
                                   "\"; write it as sha256 or 0x000b");
        return read_content(root, fields->content_type.value_or(""), event);
    }

    Checked read_register(const RecordFields &fields, Event &event) {
        const auto given =
            int{fields.pcr.has_value()} + int{fields.nv_index.has_value()} + int{fields.rtmr.has_value()} + int{fields.name.has_value()};
        if (given != 1) return std::unexpected("the record has not exactly one of the fields pcr, nv_index, rtmr, register");
        if (fields.name) {
            const auto index = event_log::as_u32(fields.index.value_or(no_index));
            if (!index) return std::unexpected("the field index is not within 32 bits");
            event.name = *fields.name;
            event.index = *index;
            return {};
        }
        if (fields.pcr == pcr_of_none) return {};
        const auto number = event_log::as_u32(fields.pcr ? *fields.pcr : fields.rtmr ? *fields.rtmr : *fields.nv_index);
        const auto last = fields.rtmr ? no_index - 2 : no_index - 1;  // an RTMR's index is one more
        if (!number || *number > last) return std::unexpected("the field pcr, nv_index or rtmr is not within its 32 bits");
        if (fields.pcr) {
            buffers_.set_pcr(event, *number);
        } else if (fields.rtmr) {
            buffers_.set_rtmr(event, *number);
        } else {
            buffers_.set_name(event, nv_name(*number));
            event.index = *number;
        }
        return {};
    }

    // Of other types only the digests are understood, which is enough to replay them.
    Checked read_content(varlink::Value root, std::string_view type, Event &event) {
        if (type != content_of_firmware && type != content_of_systemd) return {};
        const auto content = event_log::only_member(root, "content");
        if (!content) return std::unexpected(content.error());
        if (!*content || (*content)->kind() != varlink::Kind::object)
            return std::unexpected("the field content is missing or is not an object");
        if (type == content_of_systemd) {
            const auto fields = varlink::decode<SystemdFields>(**content, true);
            if (!fields) return std::unexpected(event_log::what_is_wrong(fields.error()));
            event.description = fields->text;
            return {};
        }
        return read_firmware_content(**content, event);
    }

    Checked read_firmware_content(varlink::Value content, Event &event) {
        const auto type = event_log::only_member(content, "event_type");
        if (!type) return std::unexpected(type.error());
        std::optional<std::uint32_t> number;
        bool is_makers_own = false;
        if (*type && (*type)->as_int()) number = event_log::as_u32(*(*type)->as_int());
        if (const auto name = *type ? (*type)->as_string() : std::nullopt) {
            number = event_type_from(*name);
            // It has no number, and its data any form: in hexadecimal it is data all the same.
            is_makers_own = !number && name->starts_with("EV_");
            if (is_makers_own) number = event_log::ev_unused;
        }
        if (!number) return std::unexpected("the field event_type is missing, or is no number within 32 bits and no name of the TCG");
        event.type = *number;

        const auto data = event_log::only_member(content, "event_data");
        if (!data) return std::unexpected(data.error());
        if (!*data) return {};
        const auto hex = (*data)->as_string();
        if (is_makers_own && (!hex || !from_hex(*hex))) return {};
        if (!hex) return std::unexpected("the field event_data is not text");
        return buffers_.set_hex_data(event, *hex);
    }

    event_log::EventBuffers buffers_;
    std::uint64_t count_ = 0;
};

class CelJsonSource final : public EventLogReader::Source {
public:
    explicit CelJsonSource(ByteView file) : records_(file, record_separator) {}

    [[nodiscard]] LogFormat format() const override { return LogFormat::cel_json; }
    [[nodiscard]] std::size_t offset() const override { return records_.offset(); }

    std::expected<bool, Error> next(Event &event) override {
        const auto record = records_.peek();
        if (!record) return std::unexpected(record.error());
        if (!*record) return false;
        if (!document_.parse(**record) || document_.root().kind() != varlink::Kind::object) {
            return event_log::malformed(records_.offset(), "the record is not one JSON object in UTF-8");
        }
        if (auto done = read_.read(document_.root(), event); !done) return event_log::malformed(records_.offset(), std::move(done.error()));
        records_.accept();
        return true;
    }

private:
    event_log::RecordCutter records_;
    varlink::Document document_;
    CelJsonRecords read_;
};

// The records as one JSON array, as the TCG's own examples have them.
class CelJsonArraySource final : public EventLogReader::Source {
public:
    explicit CelJsonArraySource(std::string_view file) : file_(file), walker_(file) {}

    std::expected<void, Error> open() {
        if (file_.size() > max_json_document)
            return event_log::malformed(0, "the document is longer than " + std::to_string(max_json_document) + " bytes");
        if (!document_.parse(event_log::without_byte_order_mark(file_)) || document_.root().kind() != varlink::Kind::array)
            return event_log::malformed(
                0, "this is not one JSON array in UTF-8, or has more than " + std::to_string(varlink::max_values) + " values");
        walker_.enter();
        next_ = document_.root().first();
        return {};
    }

    [[nodiscard]] LogFormat format() const override { return LogFormat::cel_json; }
    [[nodiscard]] std::size_t offset() const override { return offset_; }

    std::expected<bool, Error> next(Event &event) override {
        if (!next_) {
            offset_ = file_.size();
            return false;
        }
        offset_ = walker_.next_value();
        if (auto done = read_.read(*next_, event); !done) return event_log::malformed(offset_, std::move(done.error()));
        next_ = next_->next();
        walker_.skip();
        return true;
    }

private:
    std::string_view file_;
    event_log::Walker walker_;
    varlink::Document document_;
    std::optional<varlink::Value> next_;
    std::size_t offset_ = 0;
    CelJsonRecords read_;
};

// ---- Writing

void append_register(std::string &out, const Event &event) {
    const auto append_number = [&](std::string_view name, std::int64_t number) {
        out += name;
        varlink::write_json(out, number);
    };
    const auto common = common_name(event.name);
    if (event.index == no_index && event.name.empty()) {
        append_number(R"("pcr":)", pcr_of_none);
    } else if (event.index != no_index && common == event_log::pcr_name(event.index)) {
        append_number(R"("pcr":)", event.index);
    } else if (event.index != no_index && event.index > 0 && common == event_log::rtmr_name(event.index - 1)) {
        append_number(R"("rtmr":)", event.index - 1);
    } else if (event.index != no_index && event.name == nv_name(event.index)) {
        append_number(R"("nv_index":)", event.index);
    } else {
        out += R"("register":)";
        event_log::append_json_text(out, event.name);
        if (event.index != no_index) append_number(R"(,"index":)", event.index);
    }
}

void append_content(std::string &out, const Event &event) {
    // The only content that has room for a description; it has none for data.
    if (event.type == event_log::ev_unused && !event.data && event.description) {
        out += R"("content_type":"systemd","content":{"string":)";
        event_log::append_json_text(out, *event.description);
        out += '}';
        return;
    }
    out += R"("content_type":"pcclient_std","content":{"event_type":)";
    // By the TCG's name where there is one, as the specification's example has it.
    if (const auto name = event_type_name(event.type); name.starts_with("EV_")) {
        varlink::write_json(out, std::string_view(name));
    } else {
        varlink::write_json(out, std::int64_t{event.type});
    }
    out += R"(,"event_data":")";
    append_hex(out, event.data.value_or(ByteView()));
    out += R"("})";
}

}  // namespace

namespace event_log {

SourceResult open_cel_json(ByteView file) {
    const auto text = without_byte_order_mark(as_text(file));
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '[') {
        auto source = std::make_unique<CelJsonArraySource>(as_text(file));
        if (auto done = source->open(); !done) return std::unexpected(std::move(done.error()));
        return source;
    }
    if (first != std::string_view::npos && text[first] != record_separator) {
        return malformed(first + (file.size() - text.size()),
                         "a record of a JSON text sequence begins with the byte 0x1E, and records that are one document are an array");
    }
    return std::make_unique<CelJsonSource>(file);
}

}  // namespace event_log

void append_cel_json(std::string &out, const Event &event) {
    out += record_separator;
    out += R"({"recnum":)";
    varlink::write_json(out, static_cast<std::int64_t>(event.sequence));
    out += ',';
    append_register(out, event);
    out += R"(,"digests":[)";
    std::string_view before = R"({"hashAlg":")";
    for (const auto &digest : event.digests) {
        out += before;
        before = R"(,{"hashAlg":")";
        event_log::append_algorithm(out, digest.algorithm_id);
        out += R"(","digest":")";
        append_hex(out, digest.value);
        out += R"("})";
    }
    out += "],";
    append_content(out, event);
    out += "}\n";
}

}  // namespace mr
