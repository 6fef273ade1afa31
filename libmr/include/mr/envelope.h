// The envelope, version 2: an event that says what kind of event it is, which register it extends and what was measured, so that the register vouches
// for all of it. What makes and reads envelopes is in mr::verify.
//
// Event data, TCG_PCClientTaggedEvent (EV_EVENT_TAG; PC Client Platform Firmware Profile, section 10.4.2.1): tag u32 = 0x4D524402, size u32, both
// little-endian, then `size` bytes of text: base64url(header) "." base64url(body), without padding (RFC 4648, section 5). Header and body are maps with
// text keys in deterministic CBOR (RFC 8949, section 4.2.1):
//
//     header  "type"         text, not empty: "measure", "cap", "resync", ...
//             "version"      2
//             "register"     text: kind of provider and register, without bank: "tdx/rtmr3"; or instead of it
//             "id"           16 bytes: of a virtual register
//     body    "data"         bytes; or instead of it
//             "digest"       { "value": bytes, "algorithm": text } of data that is kept elsewhere; both may be absent
//             "description"  text, may be absent
//             "salt"         16 random bytes, may be absent: the digest then tells nobody who guesses the body that he is right
//             "found", "expected"   bytes, at most max_digest_size: what the register held, what the log explains. Of a resync, and of nothing else
//             "name", "hash", "owner", "carrier"   of the virtual register that it makes. All four of a "create", and of nothing else: its name as
//                            "virtual/build", the algorithm, the uid whose it is, the register that carries it as "tdx/rtmr3"
//
// A virtual register is in no hardware: each of its events extends the register that carries it, and names it by its id, which its "create" gives it; a
// "close" is its last one. What it holds begins at zero and is extended by each of them, the create and the close too, with the digest by its own hash.
//
// The digest that extends the register is the bitwise complement of H(prefix || H(header) || H(body)), with H the bank's hash and the prefix
// "mrd envelope v2" and one zero byte. A plain measurement's digest is H(content) for some content: no content, however it is framed, has the digest of
// an envelope, for that would be two inputs with complementary hashes. Tag, size and base64url are not hashed: they have one form only.
//
// The redacted form says no more than the header, and still replays: tag 0x4D524403, size, base64url(header) "." base64url(H(body)). For an event of
// several banks one "." base64url(H(body)) follows the other, the shorter first; banks whose digests are of one length cannot be in one redacted event.
// Resyncs and caps are never redacted.
//
// Version 1 (tag 0x4D524401) was in no release. Its digest was the plain hash of the data: it says nothing that any file could not say.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::uint32_t envelope_tag = 0x4D524402;
inline constexpr std::uint32_t redacted_envelope_tag = 0x4D524403;
inline constexpr std::uint32_t version_1_envelope_tag = 0x4D524401;

inline constexpr std::string_view create_envelope_type = "create";
inline constexpr std::string_view close_envelope_type = "close";
// Of all that mrd makes (docs/event-log.md).
inline constexpr std::array<std::string_view, 7> envelope_types{"measure",           "cap",    "resync", create_envelope_type,
                                                                close_envelope_type, "device", "self"};

inline constexpr std::size_t envelope_salt_size = 16;
using EnvelopeSalt = std::array<std::uint8_t, envelope_salt_size>;
using VirtualRegisterId = std::array<std::uint8_t, 16>;

struct EnvelopeHeader {
    std::string type;
    std::string register_name = {};  // "tdx/rtmr3"; empty: `id` is given
    std::optional<VirtualRegisterId> id = {};
    friend bool operator==(const EnvelopeHeader &, const EnvelopeHeader &) = default;
};

// Of content that is kept elsewhere. As text "ALGORITHM:HEX": "sha384:0a1b...".
struct ContentDigest {
    HashAlgorithm algorithm = HashAlgorithm::sha384;
    Digest value;
    friend bool operator==(const ContentDigest &, const ContentDigest &) = default;
};
std::string to_string(const ContentDigest &digest);
// Nothing for an algorithm that is not known, or digits that are not its digest's.
std::optional<ContentDigest> content_digest_from(std::string_view text);

// The virtual register that a "create" makes.
struct CreatedRegister {
    std::string name;  // "virtual/build"
    HashAlgorithm hash = HashAlgorithm::sha384;
    std::uint64_t owner = 0;  // uid
    std::string carrier;      // "tdx/rtmr3", as a header's register
    friend bool operator==(const CreatedRegister &, const CreatedRegister &) = default;
};

struct EnvelopeBody {
    std::optional<std::string> description = {};
    std::optional<Bytes> data = {};
    std::optional<ContentDigest> digest = {};
    std::optional<Bytes> expected = {};
    std::optional<Bytes> found = {};
    std::optional<EnvelopeSalt> salt = {};
    std::optional<CreatedRegister> created = {};
    friend bool operator==(const EnvelopeBody &, const EnvelopeBody &) = default;
};

struct Envelope {
    EnvelopeHeader header;
    EnvelopeBody body = {};
    friend bool operator==(const Envelope &, const Envelope &) = default;
};

struct RedactedEnvelope {
    EnvelopeHeader header;
    std::vector<Digest> body_digests;  // H(body) of each bank, the shorter first
    friend bool operator==(const RedactedEnvelope &, const RedactedEnvelope &) = default;
};

// By the first four bytes alone, which anybody can write.
enum class EnvelopeForm : std::uint8_t { whole, redacted, version_1 };
std::optional<EnvelopeForm> envelope_form(ByteView event_data);

// Kind and register, without bank: one slash with text before and after it, no colon.
bool is_envelope_register(std::string_view name);

// The event data. Preconditions: texts are UTF-8 without NUL (is_text), the type is not empty, is_envelope_register(register_name) or an id, not both
// data and digest, the digest's value has its algorithm's length, expected and found both for the type "resync" and for no other, created for the type
// "create" and for no other, an id for the types "create" and "close".
Bytes encode_envelope(const Envelope &envelope);
Bytes encode_redacted_envelope(const RedactedEnvelope &envelope);

// Error: malformed, naming the byte of the event data, of the header or of the body: another tag or version, a size that is not the rest's, text that is
// not two parts of base64url, CBOR that is not deterministic, an unknown key or a missing one, what encode_envelope() has as a precondition.
// decode(encode(e)) == e, and encode(decode(bytes)) == bytes.
std::expected<Envelope, Error> decode_envelope(ByteView event_data);
std::expected<RedactedEnvelope, Error> decode_redacted_envelope(ByteView event_data);

// What extends a register in the algorithm's bank; the whole and the redacted form give the same. Error: malformed, as above, or where a redacted envelope
// has no digest of this algorithm's length; not_supported where this OpenSSL does not offer the algorithm.
std::expected<Digest, Error> envelope_digest(ByteView event_data, HashAlgorithm algorithm);
std::expected<Digest, Error> envelope_digest(const Envelope &envelope, HashAlgorithm algorithm);
std::expected<Digest, Error> envelope_digest(const RedactedEnvelope &envelope, HashAlgorithm algorithm);

// The redacted form of a whole envelope, for an event of these banks. Error: malformed, as above; invalid_argument for a resync or a cap, for no bank, or
// for two of one length; not_supported where this OpenSSL does not offer an algorithm.
std::expected<Bytes, Error> redact_envelope(ByteView event_data, std::span<const HashAlgorithm> banks);

}  // namespace mr
