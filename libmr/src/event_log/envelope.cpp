#include "mr/envelope.h"

#include <algorithm>
#include <utility>

#include "libmr/src/base64url.h"
#include "libmr/src/cbor.h"
#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/tagged_event.h"
#include "libmr/src/event_log/thread_hasher.h"

namespace mr {
namespace {

using event_log::append_little_endian;
using event_log::little_endian;
using event_log::tagged_event_header_size;

constexpr std::uint64_t envelope_version = 2;
constexpr std::string_view digest_prefix{"mrd envelope v2\0", 16};
constexpr std::size_t max_body_digests = 4;  // as many as there are lengths

// The types that this library has rules for.
constexpr std::string_view resync_type = "resync";
constexpr std::string_view cap_type = "cap";

std::unexpected<Error> malformed_part(std::string_view part, std::size_t offset, std::string_view what) {
    std::string message(part);
    message.append(", byte ").append(std::to_string(offset)).append(": ").append(what);
    return std::unexpected(Error{ErrorCode::malformed, std::move(message)});
}

// ---- Header and body

Bytes encode_header(const EnvelopeHeader &header) {
    cbor::MapWriter map;
    cbor::append_text(map.add("type"), header.type);
    cbor::append_unsigned(map.add("version"), envelope_version);
    if (header.id) {
        cbor::append_bytes(map.add("id"), *header.id);
    } else {
        cbor::append_text(map.add("register"), header.register_name);
    }
    Bytes bytes;
    map.append_to(bytes);
    return bytes;
}

Bytes encode_body(const EnvelopeBody &body) {
    cbor::MapWriter map;
    const auto bytes = [&map](std::string_view name, const auto &value) {
        if (value) cbor::append_bytes(map.add(name), *value);
    };
    bytes("data", body.data);
    bytes("salt", body.salt);
    bytes("found", body.found);
    bytes("expected", body.expected);
    if (body.created) {
        cbor::append_text(map.add("name"), body.created->name);
        cbor::append_text(map.add("hash"), to_string(body.created->hash));
        cbor::append_unsigned(map.add("owner"), body.created->owner);
        cbor::append_text(map.add("carrier"), body.created->carrier);
    }
    if (body.description) cbor::append_text(map.add("description"), *body.description);
    if (body.digest) {
        cbor::MapWriter digest;
        cbor::append_bytes(digest.add("value"), body.digest->value.bytes());
        cbor::append_text(digest.add("algorithm"), to_string(body.digest->algorithm));
        digest.append_to(map.add("digest"));
    }
    Bytes encoded;
    map.append_to(encoded);
    return encoded;
}

template <std::size_t size>
void read_array(cbor::MapReader &map, std::optional<std::array<std::uint8_t, size>> &to) {
    Bytes bytes;
    map.bytes(bytes);
    if (map.failed()) return;
    if (bytes.size() != size) return map.fail("16 bytes are wanted here");
    static_assert(size == 16);
    std::ranges::copy(bytes, to.emplace().begin());
}

void read_digest(cbor::MapReader &map, std::optional<ContentDigest> &to) {
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
    to = ContentDigest{.algorithm = *algorithm, .value = Digest(*value)};
}

void read_value(cbor::MapReader &map, std::optional<Bytes> &to) {
    map.bytes(to);
    if (!map.failed() && to->size() > max_digest_size) map.fail("a register's value is not that long");
}

void read_created(cbor::MapReader &map, std::string_view key, CreatedRegister &created) {
    if (key == "owner") return map.number(created.owner);
    std::string text;
    map.text(text);
    if (map.failed()) return;
    if (key == "hash") {
        const auto algorithm = hash_algorithm_from(text);
        if (!algorithm) return map.fail("\"hash\" names no known algorithm");
        created.hash = *algorithm;
        return;
    }
    if (!is_envelope_register(text)) return map.fail("a register is kind and name, as \"tdx/rtmr3\"");
    (key == "name" ? created.name : created.carrier) = std::move(text);
}

std::expected<EnvelopeHeader, Error> decode_header(ByteView cbor) {
    EnvelopeHeader header;
    std::uint64_t version = 0;
    cbor::MapReader map(cbor);
    map.read([&](std::string_view key) {
        if (key == "id") {
            read_array(map, header.id);
        } else if (key == "type") {
            map.text(header.type);
        } else if (key == "version") {
            map.number(version);
        } else if (key == "register") {
            map.text(header.register_name);
            if (!map.failed() && !is_envelope_register(header.register_name)) map.fail("a register is kind and name, as \"tdx/rtmr3\"");
        } else {
            return false;
        }
        return true;
    });
    if (!map.failed() && !map.at_end()) map.fail("bytes follow the map");
    if (!map.failed() && version != envelope_version) map.fail("only version 2 is known");
    if (!map.failed() && header.type.empty()) map.fail("the type is missing");
    if (!map.failed() && (header.type == create_envelope_type || header.type == close_envelope_type) && !header.id)
        map.fail("what is created or closed has an id");
    if (!map.failed() && header.register_name.empty() != header.id.has_value()) map.fail("either \"register\" or \"id\" must be there");
    if (map.failed()) return malformed_part("envelope's header", map.offset(), map.wrong());
    return header;
}

std::expected<EnvelopeBody, Error> decode_body(ByteView cbor, std::string_view type) {
    EnvelopeBody body;
    CreatedRegister created;
    std::size_t said_of_created = 0;
    cbor::MapReader map(cbor);
    map.read([&](std::string_view key) {
        if (key == "name" || key == "hash" || key == "owner" || key == "carrier") {
            ++said_of_created;
            read_created(map, key, created);
        } else if (key == "data") {
            map.bytes(body.data);
        } else if (key == "salt") {
            read_array(map, body.salt);
        } else if (key == "found") {
            read_value(map, body.found);
        } else if (key == "digest") {
            read_digest(map, body.digest);
        } else if (key == "expected") {
            read_value(map, body.expected);
        } else if (key == "description") {
            map.text(body.description.emplace());
        } else {
            return false;
        }
        return true;
    });
    if (!map.failed() && !map.at_end()) map.fail("bytes follow the map");
    if (!map.failed() && body.data && body.digest) map.fail("\"data\" and \"digest\" exclude each other");
    const bool is_resync = type == resync_type;
    if (!map.failed() && (body.expected.has_value() != is_resync || body.found.has_value() != is_resync))
        map.fail("\"expected\" and \"found\" are both there in a resync, and nowhere else");
    const std::size_t wanted_of_created = type == create_envelope_type ? 4 : 0;
    if (!map.failed() && said_of_created != wanted_of_created)
        map.fail("\"name\", \"hash\", \"owner\" and \"carrier\" are all there in a create, and nowhere else");
    if (said_of_created != 0) body.created = std::move(created);
    if (map.failed()) return malformed_part("envelope's body", map.offset(), map.wrong());
    return body;
}

// ---- The text around them

Bytes tagged(std::uint32_t tag, const std::string &text) {
    Bytes event_data;
    event_data.reserve(tagged_event_header_size + text.size());
    append_little_endian(event_data, tag);
    append_little_endian(event_data, static_cast<std::uint32_t>(text.size()));
    event_data.insert(event_data.end(), text.begin(), text.end());
    return event_data;
}

// The parts of an envelope of this form, decoded from base64url: the header and what follows it.
std::expected<std::vector<Bytes>, Error> parts_of(ByteView event_data, EnvelopeForm form, std::size_t max_parts) {
    if (envelope_form(event_data) != form) {
        return malformed_part("envelope", 0,
                              form == EnvelopeForm::whole ? "the event data does not begin with the tag 0x4D524402"
                                                          : "the event data does not begin with the tag 0x4D524403");
    }
    if (event_data.size() < tagged_event_header_size)
        return malformed_part("envelope", event_data.size(), "the event data ends before its size");
    const ByteView content = event_data.subspan(tagged_event_header_size);
    if (little_endian<std::uint32_t>(event_data.subspan(4)) != content.size())
        return malformed_part("envelope", 4, "the size is not that of what follows");
    const std::string_view text(reinterpret_cast<const char *>(content.data()), content.size());
    std::vector<Bytes> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('.', begin), text.size());
        if (parts.size() == max_parts)
            return malformed_part("envelope", tagged_event_header_size + begin, "there are more parts than it can have");
        auto part = from_base64url(text.substr(begin, end - begin));
        if (!part) return malformed_part("envelope", tagged_event_header_size + begin, "here is no base64url without padding");
        parts.push_back(std::move(*part));
        begin = end + 1;
    }
    if (parts.size() < 2) return malformed_part("envelope", event_data.size(), "nothing stands behind the header");
    return parts;
}

Digest digest_of(Hasher &hasher, ByteView header, ByteView body_digest) {
    const Digest header_digest = hasher.hash(header);
    const Digest plain = hasher.update(as_bytes(digest_prefix)).update(header_digest.bytes()).update(body_digest).finish();
    std::array<std::uint8_t, max_digest_size> complement{};
    std::ranges::transform(plain.bytes(), complement.begin(), [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    return Digest(ByteView(complement).first(plain.size()));
}

std::unexpected<Error> not_offered(HashAlgorithm algorithm) {
    return std::unexpected(Error{ErrorCode::not_supported, "this OpenSSL does not offer " + std::string(to_string(algorithm))});
}

}  // namespace

std::optional<EnvelopeForm> envelope_form(ByteView event_data) {
    if (event_data.size() < 4) return std::nullopt;
    switch (little_endian<std::uint32_t>(event_data)) {
    case envelope_tag: return EnvelopeForm::whole;
    case redacted_envelope_tag: return EnvelopeForm::redacted;
    case version_1_envelope_tag: return EnvelopeForm::version_1;
    default: return std::nullopt;
    }
}

bool is_envelope_register(std::string_view name) {
    const std::size_t slash = name.find('/');
    return slash != std::string_view::npos && slash != 0 && slash + 1 != name.size() &&
           name.find('/', slash + 1) == std::string_view::npos && name.find(':') == std::string_view::npos;
}

Bytes encode_envelope(const Envelope &envelope) {
    std::string text;
    append_base64url(text, encode_header(envelope.header));
    text += '.';
    append_base64url(text, encode_body(envelope.body));
    return tagged(envelope_tag, text);
}

Bytes encode_redacted_envelope(const RedactedEnvelope &envelope) {
    std::string text;
    append_base64url(text, encode_header(envelope.header));
    for (const Digest &digest : envelope.body_digests) {
        text += '.';
        append_base64url(text, digest.bytes());
    }
    return tagged(redacted_envelope_tag, text);
}

std::expected<Envelope, Error> decode_envelope(ByteView event_data) {
    const auto parts = parts_of(event_data, EnvelopeForm::whole, 2);
    if (!parts) return std::unexpected(parts.error());
    auto header = decode_header((*parts)[0]);
    if (!header) return std::unexpected(std::move(header.error()));
    auto body = decode_body((*parts)[1], header->type);
    if (!body) return std::unexpected(std::move(body.error()));
    return Envelope{.header = std::move(*header), .body = std::move(*body)};
}

std::expected<RedactedEnvelope, Error> decode_redacted_envelope(ByteView event_data) {
    const auto parts = parts_of(event_data, EnvelopeForm::redacted, 1 + max_body_digests);
    if (!parts) return std::unexpected(parts.error());
    auto header = decode_header((*parts)[0]);
    if (!header) return std::unexpected(std::move(header.error()));
    RedactedEnvelope envelope{.header = std::move(*header), .body_digests = {}};
    std::size_t last = 0;
    for (const Bytes &digest : std::span(*parts).subspan(1)) {
        const bool has_length = digest.size() == 20 || digest.size() == 32 || digest.size() == 48 || digest.size() == 64;
        if (!has_length || digest.size() <= last)
            return malformed_part("envelope", event_data.size(), "the digests of the body are no hashes', or not the shorter first");
        last = digest.size();
        envelope.body_digests.emplace_back(digest);
    }
    return envelope;
}

std::expected<Digest, Error> envelope_digest(const Envelope &envelope, HashAlgorithm algorithm) {
    Hasher *const hasher = event_log::thread_hasher(algorithm);
    if (hasher == nullptr) return not_offered(algorithm);
    const Digest body = hasher->hash(encode_body(envelope.body));
    return digest_of(*hasher, encode_header(envelope.header), body.bytes());
}

std::expected<Digest, Error> envelope_digest(const RedactedEnvelope &envelope, HashAlgorithm algorithm) {
    const auto body = std::ranges::find(envelope.body_digests, digest_size(algorithm), &Digest::size);
    if (body == envelope.body_digests.end()) {
        return std::unexpected(Error{
            ErrorCode::malformed, "the redacted envelope has no digest of the body of the length of " + std::string(to_string(algorithm))});
    }
    Hasher *const hasher = event_log::thread_hasher(algorithm);
    if (hasher == nullptr) return not_offered(algorithm);
    return digest_of(*hasher, encode_header(envelope.header), body->bytes());
}

std::expected<Digest, Error> envelope_digest(ByteView event_data, HashAlgorithm algorithm) {
    const auto of = [algorithm](const auto &envelope) -> std::expected<Digest, Error> {
        if (!envelope) return std::unexpected(envelope.error());
        return envelope_digest(*envelope, algorithm);
    };
    return envelope_form(event_data) == EnvelopeForm::redacted ? of(decode_redacted_envelope(event_data)) : of(decode_envelope(event_data));
}

std::expected<Bytes, Error> redact_envelope(ByteView event_data, std::span<const HashAlgorithm> banks) {
    const auto refuse = [](std::string what) { return std::unexpected(Error{ErrorCode::invalid_argument, std::move(what)}); };
    auto envelope = decode_envelope(event_data);
    if (!envelope) return std::unexpected(std::move(envelope.error()));
    if (envelope->header.type == resync_type || envelope->header.type == cap_type) return refuse("resyncs and caps are never redacted");
    const Bytes body = encode_body(envelope->body);
    RedactedEnvelope redacted{.header = std::move(envelope->header), .body_digests = {}};
    for (const HashAlgorithm bank : banks) {
        Hasher *const hasher = event_log::thread_hasher(bank);
        if (hasher == nullptr) return not_offered(bank);
        redacted.body_digests.push_back(hasher->hash(body));
    }
    auto &digests = redacted.body_digests;
    std::ranges::sort(digests, {}, &Digest::size);
    if (digests.empty() || std::ranges::adjacent_find(digests, {}, &Digest::size) != digests.end())
        return refuse("a redacted envelope has one digest of the body for each bank, of one bank at least and none of one length");
    return encode_redacted_envelope(redacted);
}

}  // namespace mr
