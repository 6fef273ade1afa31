#include "mr/cmw.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/base64url.h"
#include "libmr/src/cbor.h"
#include "libmr/src/event_log/json_common.h"
#include "proto/varlink/value.h"

namespace mr {
namespace {

constexpr std::string_view type_label = "__cmwc_t";

// RFC 9277: of each 256 tags 255 are a format's, so that no tag has a zero byte at its end.
constexpr std::uint64_t first_tag = 0x63740101;
constexpr std::uint64_t formats_in_a_block = 255;
constexpr std::uint64_t tags_in_a_block = 256;
constexpr std::uint64_t last_tag =
    first_tag + max_tagged_content_format / formats_in_a_block * tags_in_a_block + max_tagged_content_format % formats_in_a_block;

std::optional<std::uint16_t> format_of_tag(std::uint64_t tag) {
    if (tag < first_tag || tag > last_tag || (tag - first_tag) % tags_in_a_block == formats_in_a_block) return std::nullopt;
    return static_cast<std::uint16_t>((tag - first_tag) / tags_in_a_block * formats_in_a_block + (tag - first_tag) % tags_in_a_block);
}

std::unexpected<Error> malformed_cmw(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "CMW: " + std::move(message)});
}

// What both forms have to keep to.
class Bounds {
public:
    // Empty, or what is wrong.
    std::string another_member(const CmwCollection &collection) {
        if (++members_ > max_cmw_members) return "more than " + std::to_string(max_cmw_members) + " messages";
        const auto &label = collection.members.back().label;
        if (std::ranges::count(collection.members, label, &CmwMember::label) > 1) return "a label is there twice";
        const auto *const text = std::get_if<std::string>(&label);
        return text != nullptr && text->size() > max_cmw_text ? "a label has more than " + std::to_string(max_cmw_text) + " bytes" : "";
    }
    static std::string depth(std::size_t depth) {
        return depth < max_cmw_depth ? "" : "messages are nested more deeply than " + std::to_string(max_cmw_depth) + " times";
    }
    static std::string type(std::string_view type) {
        return !type.empty() && type.size() <= max_cmw_text ? "" : "a type has 1 to " + std::to_string(max_cmw_text) + " bytes";
    }

private:
    std::size_t members_ = 0;
};

// ---- JSON

class JsonReader {
public:
    std::expected<Cmw, Error> read(std::string_view text) {
        varlink::Document document;
        if (!document.parse(text)) return malformed_cmw("the file is not one JSON value in UTF-8");
        auto message = read_message(document.root(), "the message", 0);
        if (!wrong_.empty()) return malformed_cmw(std::move(wrong_));
        return message;
    }

private:
    Cmw read_message(varlink::Value value, const std::string &which, std::size_t depth) {
        fail(which, Bounds::depth(depth));
        if (!wrong_.empty()) return {};
        if (value.kind() == varlink::Kind::array) return {read_record(value, which)};
        if (value.kind() == varlink::Kind::object) return {read_collection(value, which, depth)};
        fail(which, "is neither an array (a record) nor an object (a collection)");
        return {};
    }

    CmwRecord read_record(varlink::Value value, const std::string &which) {
        CmwRecord record;
        const auto type = value.first();
        const auto content = type ? type->next() : std::nullopt;
        const auto indicator = content ? content->next() : std::nullopt;
        if (!content || value.size() > 3) return fail(which, "a record is [type, value] or [type, value, indicator]"), record;
        if (const auto text = type->as_string()) {
            fail(which, Bounds::type(*text));
            record.type = std::string(*text);
        } else if (const auto format = type->as_int(); format && *format >= 0 && *format <= UINT16_MAX) {
            record.type = static_cast<std::uint16_t>(*format);
        } else {
            fail(which, "its type is neither a media type nor a content format");
        }
        auto bytes = content->as_string() ? from_base64url(*content->as_string()) : std::unexpected(Error{});
        if (!bytes) return fail(which, "its value is not base64url without padding"), record;
        record.value = std::move(*bytes);
        if (!indicator) return record;
        const auto bits = indicator->as_int().value_or(-1);
        if (bits < 0 || static_cast<std::uint64_t>(bits) > max_cmw_indicator)
            return fail(which, "its indicator is no number of 32 bits"), record;
        record.indicator = static_cast<std::uint64_t>(bits);
        return record;
    }

    CmwCollection read_collection(varlink::Value value, const std::string &which, std::size_t depth) {
        CmwCollection collection;
        bool has_type = false;
        for (auto member = value.first(); member && wrong_.empty(); member = member->next()) {
            const std::string label(member->key());
            if (label == type_label) {
                fail(which, has_type ? "a label is there twice" : Bounds::type(member->as_string().value_or("")));
                has_type = true;
                collection.type = member->as_string().value_or("");
                continue;
            }
            collection.members.push_back({label, {}});
            fail(which, bounds_.another_member(collection));
            if (wrong_.empty()) collection.members.back().message = read_message(*member, "the member " + label, depth + 1);
        }
        if (collection.members.empty()) fail(which, "a collection has a message at least");
        return collection;
    }

    void fail(const std::string &which, const std::string &what) {
        if (wrong_.empty() && !what.empty()) wrong_ = which + ": " + what;
    }

    Bounds bounds_;
    std::string wrong_;
};

void append_base64url_text(std::string &out, ByteView bytes) {
    out += '"';
    append_base64url(out, bytes);
    out += '"';
}

std::expected<void, Error> append_json(std::string &out, const Cmw &message) {
    if (const auto *const record = std::get_if<CmwRecord>(&message.form)) {
        out += '[';
        if (const auto *const media_type = std::get_if<std::string>(&record->type)) {
            event_log::append_json_text(out, *media_type);
        } else {
            out += std::to_string(std::get<std::uint16_t>(record->type));
        }
        out += ',';
        append_base64url_text(out, record->value);
        if (record->indicator) out.append(",").append(std::to_string(*record->indicator));
        out += ']';
        return {};
    }
    const auto &collection = std::get<CmwCollection>(message.form);
    out += '{';
    if (!collection.type.empty()) {
        out.append("\"").append(type_label).append("\":");
        event_log::append_json_text(out, collection.type);
    }
    for (const auto &member : collection.members) {
        const auto *const label = std::get_if<std::string>(&member.label);
        if (label == nullptr)
            return std::unexpected(Error{ErrorCode::not_supported, "CMW: the label " +
                                                                       std::to_string(std::get<std::int64_t>(member.label)) +
                                                                       " is an integer, which JSON does not have: write it as CBOR"});
        if (out.back() != '{') out += ',';
        event_log::append_json_text(out, *label);
        out += ':';
        if (auto done = append_json(out, member.message); !done) return done;
    }
    out += '}';
    return {};
}

// ---- CBOR

class CborReader {
public:
    explicit CborReader(ByteView file) : reader_(file) {}

    std::expected<Cmw, Error> read() {
        auto message = read_message(0);
        if (wrong_.empty() && !reader_.at_end()) fail("bytes follow the message");
        if (!wrong_.empty()) return malformed_cmw("byte " + std::to_string(at_) + ": " + wrong_);
        return message;
    }

private:
    Cmw read_message(std::size_t depth) {
        fail(Bounds::depth(depth));
        if (!wrong_.empty()) return {};
        switch (reader_.next().value_or(cbor::Major::simple)) {
        case cbor::Major::array: return {read_record()};
        case cbor::Major::tag: return {read_tag()};
        case cbor::Major::map: return {read_collection(depth)};
        default: return fail("neither an array (a record), nor a tag, nor a map (a collection)"), Cmw();
        }
    }

    CmwRecord read_record() {
        CmwRecord record;
        const auto size = taken(reader_.read_array());
        if (size != 2 && size != 3) return fail("a record is [type, value] or [type, value, indicator]"), record;
        if (reader_.next() == cbor::Major::text) {
            record.type = taken_type();
        } else {
            const auto format = taken(reader_.read_unsigned());
            if (format > UINT16_MAX) fail("a content format has 16 bits");
            record.type = static_cast<std::uint16_t>(format);
        }
        record.value = taken_bytes();
        if (size == 3) record.indicator = taken(reader_.read_unsigned());
        if (record.indicator.value_or(0) > max_cmw_indicator) fail("an indicator has 32 bits");
        return record;
    }

    CmwRecord read_tag() {
        const auto format = format_of_tag(taken(reader_.read_tag()));
        if (!format) fail("this tag is none of a content format");
        return {.type = format.value_or(0), .value = taken_bytes(), .is_tag = true};
    }

    CmwCollection read_collection(std::size_t depth) {
        CmwCollection collection;
        const auto pairs = taken(reader_.read_map());
        bool has_type = false;
        for (std::size_t i = 0; i < pairs && wrong_.empty(); ++i) {
            std::variant<std::string, std::int64_t> label;
            if (reader_.next() == cbor::Major::text) {
                label = std::string(taken(reader_.read_text()));
            } else {
                label = taken(reader_.read_integer());
            }
            if (label == std::variant<std::string, std::int64_t>(std::string(type_label))) {
                if (has_type) fail("a label is there twice");
                has_type = true;
                collection.type = taken_type();
                continue;
            }
            collection.members.push_back({std::move(label), {}});
            fail(bounds_.another_member(collection));
            if (wrong_.empty()) collection.members.back().message = read_message(depth + 1);
        }
        if (collection.members.empty()) fail("a collection has a message at least");
        return collection;
    }

    std::string taken_type() {
        std::string type(taken(reader_.read_text()));
        fail(Bounds::type(type));
        return type;
    }
    Bytes taken_bytes() {
        const auto bytes = taken(reader_.read_bytes());
        return {bytes.begin(), bytes.end()};
    }
    // The first thing that is wrong stays.
    template <typename Value>
    Value taken(const std::expected<Value, std::string_view> &read) {
        if (!read) fail(std::string(read.error()));
        return read.value_or(Value());
    }
    void fail(const std::string &what) {
        if (!wrong_.empty() || what.empty()) return;
        wrong_ = what;
        at_ = reader_.offset();
    }

    cbor::Reader reader_;
    Bounds bounds_;
    std::string wrong_;
    std::size_t at_ = 0;
};

void append_cbor(Bytes &out, const Cmw &message) {
    if (const auto *const record = std::get_if<CmwRecord>(&message.form)) {
        if (record->is_tag) {
            cbor::append_tag(out, cmw_tag_of(std::get<std::uint16_t>(record->type)));
            return cbor::append_bytes(out, record->value);
        }
        cbor::append_array(out, record->indicator ? 3 : 2);
        if (const auto *const media_type = std::get_if<std::string>(&record->type)) {
            cbor::append_text(out, *media_type);
        } else {
            cbor::append_unsigned(out, std::get<std::uint16_t>(record->type));
        }
        cbor::append_bytes(out, record->value);
        if (record->indicator) cbor::append_unsigned(out, *record->indicator);
        return;
    }
    const auto &collection = std::get<CmwCollection>(message.form);
    std::vector<std::pair<Bytes, Bytes>> pairs;
    if (!collection.type.empty()) {
        auto &[key, value] = pairs.emplace_back();
        cbor::append_text(key, type_label);
        cbor::append_text(value, collection.type);
    }
    for (const auto &member : collection.members) {
        auto &[key, value] = pairs.emplace_back();
        if (const auto *const label = std::get_if<std::string>(&member.label)) {
            cbor::append_text(key, *label);
        } else {
            cbor::append_integer(key, std::get<std::int64_t>(member.label));
        }
        append_cbor(value, member.message);
    }
    std::ranges::sort(pairs, {}, &std::pair<Bytes, Bytes>::first);
    cbor::append_map(out, pairs.size());
    for (const auto &[key, value] : pairs) {
        out.insert(out.end(), key.begin(), key.end());
        out.insert(out.end(), value.begin(), value.end());
    }
}

bool begins_as_json(ByteView file) { return !file.empty() && (file.front() == '{' || file.front() == '['); }

// White space of a JSON printer, and a byte-order mark.
ByteView without_blanks(ByteView file) {
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    return as_bytes(text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size())));
}

// The characters of a JSON text that decide what it is, one after the other, white space left out.
class JsonBegin {
public:
    explicit JsonBegin(std::string_view text) : rest_(text) {}

    char next() {
        skip_blanks();
        const char next = rest_.empty() ? '\0' : rest_.front();
        if (!rest_.empty()) rest_.remove_prefix(1);
        return next;
    }
    // Of a string whose quote was just read, with its escapes as they are: no label that matters has any.
    std::string_view text() {
        std::size_t end = 0;
        while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2U : 1U;
        end = std::min(end, rest_.size());
        const auto text = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return text;
    }

private:
    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

    std::string_view rest_;
};

bool begins_json_cmw(JsonBegin text, std::size_t depth) {
    const char first = text.next();
    const bool is_digit_next = [copy = text]() mutable {
        const char next = copy.next();
        return next >= '0' && next <= '9';
    }();
    if (first == '[') {
        if (!is_digit_next) return text.next() == '"' && (text.text(), text.next() == ',') && text.next() == '"';
        char next = text.next();
        while (next >= '0' && next <= '9') next = text.next();
        return next == ',' && text.next() == '"';
    }
    if (first != '{' || depth == max_cmw_depth || text.next() != '"') return false;
    const auto label = text.text();
    if (text.next() != ':') return false;
    return label == type_label || begins_json_cmw(text, depth + 1);
}

bool begins_cbor_cmw(cbor::Reader &reader, std::size_t depth) {
    const auto next = reader.next();
    if (next == cbor::Major::tag) {
        const auto tag = reader.read_tag();
        return tag && format_of_tag(*tag) && reader.next() == cbor::Major::bytes;
    }
    if (next == cbor::Major::array) {
        const auto size = reader.read_array();
        if (!size || (*size != 2 && *size != 3)) return false;
        return (reader.next() == cbor::Major::text ? reader.read_text().has_value() : reader.read_unsigned().has_value()) &&
               reader.next() == cbor::Major::bytes;
    }
    if (next != cbor::Major::map || depth == max_cmw_depth || !reader.read_map()) return false;
    if (reader.next() != cbor::Major::text) return reader.read_integer().has_value() && begins_cbor_cmw(reader, depth + 1);
    const auto label = reader.read_text();
    return label && (*label == type_label || begins_cbor_cmw(reader, depth + 1));
}

}  // namespace

std::string cmw_indicator_text(std::uint64_t indicator) {
    constexpr std::array<std::string_view, 5> names{"reference values", "endorsements", "evidence", "attestation results",
                                                    "appraisal policy"};
    std::string text;
    for (unsigned bit = 0; bit < 64; ++bit) {
        if ((indicator >> bit & 1U) == 0) continue;
        text.append(text.empty() ? "" : ", ").append(bit < names.size() ? std::string(names.at(bit)) : "bit " + std::to_string(bit));
    }
    return text.empty() ? "none" : text;
}

std::uint64_t cmw_tag_of(std::uint16_t content_format) {
    return first_tag + content_format / formats_in_a_block * tags_in_a_block + content_format % formats_in_a_block;
}

std::expected<Cmw, Error> parse_cmw(ByteView file) {
    if (file.size() > max_cmw_size) return malformed_cmw("more than " + std::to_string(max_cmw_size) + " bytes");
    const auto text = without_blanks(file);
    return begins_as_json(text) ? JsonReader().read(event_log::as_text(text)) : CborReader(file).read();
}

bool begins_cmw(ByteView file) {
    const auto text = without_blanks(file);
    if (begins_as_json(text)) return begins_json_cmw(JsonBegin(event_log::as_text(text)), 0);
    cbor::Reader reader(file);
    return begins_cbor_cmw(reader, 0);
}

std::expected<std::string, Error> write_cmw_json(const Cmw &message) {
    std::string out;
    if (auto done = append_json(out, message); !done) return std::unexpected(std::move(done.error()));
    return out;
}

Bytes write_cmw_cbor(const Cmw &message) {
    Bytes out;
    append_cbor(out, message);
    return out;
}

std::expected<std::optional<Cmw>, Error> cmw_in_certificate(ByteView der) {
    using attestation::DerReader;
    using attestation::DerTag;
    DerReader file(der);
    auto certificate = file.inside(DerTag::sequence);
    auto to_be_signed = certificate.inside(DerTag::sequence);
    // Version, serial number, algorithm, issuer, validity, subject, public key, unique identifiers.
    while (to_be_signed.more() && !to_be_signed.next_is(DerTag::constructed_context_3)) to_be_signed.any();
    auto explicitly = to_be_signed.inside(DerTag::constructed_context_3);
    auto extensions = explicitly.inside(DerTag::sequence);
    while (extensions.more()) {
        auto extension = extensions.inside(DerTag::sequence);
        const auto identifier = attestation::object_identifier_text(extension.object_identifier());
        if (extension.next_is(DerTag::boolean)) extension.any();
        DerReader value(extension.take(DerTag::octet_string));
        if (!extension.finished() || identifier != "1.3.6.1.5.5.7.1.35") continue;
        const bool is_json = value.next_is(DerTag::utf8_string);
        const auto content = value.take(is_json ? DerTag::utf8_string : DerTag::octet_string);
        if (!value.finished()) return malformed_cmw("the certificate's extension is neither an OCTET STRING nor a UTF8String");
        auto message = is_json ? JsonReader().read(event_log::as_text(content)) : CborReader(content).read();
        if (!message) return std::unexpected(std::move(message.error()));
        return std::move(*message);
    }
    return std::nullopt;
}

}  // namespace mr
