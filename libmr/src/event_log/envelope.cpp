#include "mr/envelope.h"

#include <algorithm>
#include <utility>

#include "libmr/src/cbor.h"
#include "libmr/src/event_log/byte_reader.h"

namespace mr {
namespace {

using event_log::append_little_endian;
using event_log::little_endian;

constexpr std::uint64_t envelope_version = 1;
constexpr std::size_t tagged_event_header = 8;  // tag u32, size u32

std::unexpected<Error> malformed(std::size_t offset, std::string_view what) {
    std::string message = "envelope, byte ";
    message.append(std::to_string(offset)).append(": ").append(what);
    return std::unexpected(Error{ErrorCode::malformed, std::move(message)});
}

void read_version(cbor::MapReader &map) {
    std::uint64_t version = envelope_version;
    map.number(version);
    if (version != envelope_version) map.fail("only version 1 is known");
}

void read_digest(cbor::MapReader &map, std::optional<Envelope::DataDigest> &to) {
    std::string name;
    std::optional<Bytes> value;
    map.read([&](std::string_view key) {
        if (key == "value") {
            map.bytes(value);
        } else if (key == "algorithm") {
            map.text(name);
        } else {
            return false;
        }
        return true;
    });
    if (map.failed()) return;
    const auto algorithm = hash_algorithm_from(name);
    if (!algorithm) return map.fail("the digest names no known algorithm");
    if (!value || value->size() != digest_size(*algorithm))
        return map.fail("the digest's value is missing or not of its algorithm's length");
    to = Envelope::DataDigest{.algorithm = *algorithm, .value = Digest(*value)};
}

}  // namespace

Bytes encode_envelope(const Envelope &envelope) {
    // In the order of cbor::precedes.
    Bytes body;
    std::uint64_t pairs = 0;
    const auto key = [&](std::string_view name) {
        cbor::append_text(body, name);
        ++pairs;
    };
    const auto bytes = [&](std::string_view name, const std::optional<Bytes> &value) {
        if (!value) return;
        key(name);
        cbor::append_bytes(body, *value);
    };
    bytes("data", envelope.data);
    key("type");
    cbor::append_text(body, envelope.type);
    bytes("found", envelope.found);
    if (envelope.digest) {
        key("digest");
        cbor::append_map(body, 2);
        cbor::append_text(body, "value");
        cbor::append_bytes(body, envelope.digest->value.bytes());
        cbor::append_text(body, "algorithm");
        cbor::append_text(body, to_string(envelope.digest->algorithm));
    }
    key("version");
    cbor::append_unsigned(body, envelope_version);
    bytes("expected", envelope.expected);
    if (envelope.description) {
        key("description");
        cbor::append_text(body, *envelope.description);
    }

    Bytes map_head;
    cbor::append_map(map_head, pairs);
    Bytes event_data;
    event_data.reserve(tagged_event_header + map_head.size() + body.size());
    append_little_endian(event_data, envelope_tag);
    append_little_endian(event_data, static_cast<std::uint32_t>(map_head.size() + body.size()));
    event_data.insert(event_data.end(), map_head.begin(), map_head.end());
    event_data.insert(event_data.end(), body.begin(), body.end());
    return event_data;
}

bool is_envelope(ByteView event_data) { return event_data.size() >= 4 && little_endian<std::uint32_t>(event_data) == envelope_tag; }

std::expected<Envelope, Error> decode_envelope(ByteView event_data) {
    if (!is_envelope(event_data)) return malformed(0, "the event data does not begin with the tag 0x4D524401");
    if (event_data.size() < tagged_event_header) return malformed(event_data.size(), "the event data ends before its size");
    const ByteView body = event_data.subspan(tagged_event_header);
    if (little_endian<std::uint32_t>(event_data.subspan(4)) != body.size()) return malformed(4, "the size is not that of what follows");

    Envelope envelope;
    bool has_type = false;
    bool has_version = false;
    cbor::MapReader map(body);
    map.read([&](std::string_view key) {
        if (key == "data") {
            map.bytes(envelope.data);
        } else if (key == "type") {
            map.text(envelope.type);
            has_type = true;
        } else if (key == "found") {
            map.bytes(envelope.found);
        } else if (key == "digest") {
            read_digest(map, envelope.digest);
        } else if (key == "version") {
            read_version(map);
            has_version = true;
        } else if (key == "expected") {
            map.bytes(envelope.expected);
        } else if (key == "description") {
            map.text(envelope.description.emplace());
        } else {
            return false;
        }
        return true;
    });
    // In the event data.
    const auto offset = [&map] { return tagged_event_header + map.offset(); };
    if (map.failed()) return malformed(offset(), map.wrong());
    if (!map.at_end()) return malformed(offset(), "bytes follow the map");
    if (!has_version || !has_type) return malformed(offset(), "the keys \"version\" and \"type\" must be there");
    if (envelope.data && envelope.digest) return malformed(offset(), "\"data\" and \"digest\" exclude each other");
    return envelope;
}

}  // namespace mr
