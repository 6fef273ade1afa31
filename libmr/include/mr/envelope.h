// The envelope: event data whose description is bound by the register, because the digest is that of all of it.
//
// TCG_PCClientTaggedEvent (EV_EVENT_TAG): tag u32 = 0x4D524401, size u32, both little-endian, then `size` bytes of deterministic CBOR (RFC 8949,
// section 4.2.1): a map with text keys
//
//   "version"      1
//   "type"         text: what kind of event it is; "resync", "cap" and what clients say
//   "description"  text, may be absent
//   "data"         bytes, or instead of it
//   "digest"       { "algorithm": text, "value": bytes } of data that is kept elsewhere; both may be absent
//   "expected", "found"   bytes, of a resync: what the log explains, what the register held
//
// The extended digest is the hash of the whole event data, tag and size included.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::uint32_t envelope_tag = 0x4D524401;

struct Envelope {
    std::string type;
    std::optional<std::string> description = {};
    std::optional<Bytes> data = {};
    struct DataDigest {
        HashAlgorithm algorithm = HashAlgorithm::sha384;
        Digest value;
        friend bool operator==(const DataDigest &, const DataDigest &) = default;
    };
    std::optional<DataDigest> digest = {};
    std::optional<Bytes> expected = {};
    std::optional<Bytes> found = {};
    friend bool operator==(const Envelope &, const Envelope &) = default;
};

// The event data: tag, size, CBOR. Preconditions: texts are UTF-8 without NUL (is_text), not both data and digest, the digest's value has its
// algorithm's length.
Bytes encode_envelope(const Envelope &envelope);

// True if the event data begins with the envelope's tag; cheap.
bool is_envelope(ByteView event_data);

// Error: malformed, naming the byte: another tag or version, a size that is not the rest's, CBOR that is not deterministic, an unknown key or a
// missing one, both data and digest, a digest of another length than its algorithm's, text that is not UTF-8 or has a NUL. decode(encode(e)) == e, and encode(decode(bytes)) == bytes.
std::expected<Envelope, Error> decode_envelope(ByteView event_data);

}  // namespace mr
