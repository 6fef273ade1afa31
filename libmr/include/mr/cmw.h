// The conceptual message wrapper (CMW) of RATS: evidence, endorsements or attestation results with the name of their format. In mr::verify.
//
// Sources: draft-ietf-rats-msg-wrap; RFC 9277, section 4.3 (tags of content formats). A message is a record or a collection of messages, as JSON or as CBOR:
//
//   record       JSON [type, value, indicator], value in base64url without padding; CBOR [type, value, indicator], value a byte string. The type is a media
//                type, or the number of a CoAP content format; the indicator may be absent
//   tag          CBOR alone: the tag 0x63740101 + (format / 255) * 256 + format % 255 of a content format up to 65024, over a byte string
//   collection   a map of messages; their labels are texts, in CBOR integers, too. "__cmwc_t" is the collection's type, a URI or an object identifier
//
// CBOR is read in the shortest heads and with definite lengths, keys in any order, and written with the keys of the deterministic encoding (RFC 8949, section
// 4.2.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::size_t max_cmw_size = std::size_t{32}
                                            << 20;              // bytes: mrd's evidence (mr/evidence.h) in base64url, and what is beside it
inline constexpr std::size_t max_cmw_members = 64;              // of all collections of a message together
inline constexpr std::size_t max_cmw_depth = 4;                 // of messages in each other
inline constexpr std::size_t max_cmw_text = 1024;               // bytes of a type or a label
inline constexpr std::uint64_t max_cmw_indicator = 0xFFFFFFFF;  // five bits are known

// Bits of a record's indicator: what the message is.
inline constexpr std::uint64_t cmw_reference_values = 1;
inline constexpr std::uint64_t cmw_endorsements = 2;
inline constexpr std::uint64_t cmw_evidence = 4;
inline constexpr std::uint64_t cmw_attestation_results = 8;
inline constexpr std::uint64_t cmw_appraisal_policy = 16;
// "evidence, bit 5"; "none" of zero.
std::string cmw_indicator_text(std::uint64_t indicator);

struct CmwRecord {
    std::variant<std::string, std::uint16_t> type;  // media type, or content format
    Bytes value;
    std::optional<std::uint64_t> indicator = {};
    bool is_tag = false;  // written as a tag in CBOR; precondition: a content format up to max_tagged_content_format, and no indicator
};
inline constexpr std::uint16_t max_tagged_content_format = 65024;
// Precondition: at most that.
std::uint64_t cmw_tag_of(std::uint16_t content_format);

struct CmwMember;
struct CmwCollection {
    std::string type = {};  // empty: it has none
    std::vector<CmwMember> members;
};
struct Cmw {
    std::variant<CmwRecord, CmwCollection> form;
};
struct CmwMember {
    std::variant<std::string, std::int64_t> label;
    Cmw message;
};

// JSON or CBOR, as the first byte says. Error: malformed, naming the byte or the member: also for a label that is there twice, an empty collection, and beyond the
// limits above.
std::expected<Cmw, Error> parse_cmw(ByteView file);
// Does the file begin as such a message does? Cheap, and no more than a guess.
bool begins_cmw(ByteView file);

// Error: not_supported, of a label that is an integer, which JSON does not have. Tags become records.
std::expected<std::string, Error> write_cmw_json(const Cmw &message);
Bytes write_cmw_cbor(const Cmw &message);

// What a certificate (DER) has in its extension 1.3.6.1.5.5.7.1.35: CBOR in an OCTET STRING, or JSON in a UTF8String. Nothing: it is no certificate, or has no such
// extension. Error: malformed, as parse_cmw(). Checks nothing of the certificate.
std::expected<std::optional<Cmw>, Error> cmw_in_certificate(ByteView der);

}  // namespace mr
