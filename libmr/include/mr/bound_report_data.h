// Report data that mrd makes itself, so that a quote over it says: on this machine, this user named this key, or this TLS connection, for this nonce. A verifier
// that has the key makes the same 64 bytes and compares (Question::bound in mr/appraiser.h). docs/verification.md says what that proves and what not.
//
//     64 bytes  SHA-384(preimage), then the tag, 16 bytes
//     preimage  "mrd bound key", or of a TLS connection "mrd bound tls exporter", and one zero byte; then five fields, each its length (u32, big-endian) and so
//               many bytes:
//       nonce     as the relying party gave it, without zeros behind it
//       role      "client" or "server": which side of the connection the attester is; or nothing
//       what      the key as SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7), or the exporter's value (RFC 5705, RFC 9266)
//       id        of the virtual register that it is asked for through, 16 bytes; or nothing, which is all there is so far
//       uid       of who asked, as the kernel sees him (u32, big-endian)
//     tag       "mrd composed v1."
//
// Nobody who chooses report data makes these bytes: mrd refuses bytes of a caller's own that are bound_report_data_tag at their end, wherever it takes any
// (Quote, Evidence, Report, Write of reportdata). Shorter ones are followed by zeros, and the tag does not end in a zero. What mrd derives for hardware that takes
// 32 bytes (part_report_data()) is a hash of its own domain, over all 64. Within the form, two things have one preimage only if they are equal: the prefixes differ
// and neither begins the other, and every field has its length before it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"
#include "mr/tdreport.h"

namespace mr {

inline constexpr std::size_t max_bound_key = 8192;   // bytes; an RSA key of 8192 bits has 1062
inline constexpr std::size_t min_tls_exporter = 32;  // bytes, as RFC 9266 has it
inline constexpr std::size_t max_tls_exporter = 64;

// Of the connection for which evidence is asked, or in which it is handed over. Both sides know the exporter's value: without the role, the evidence of one would be
// good for the other.
enum class AttesterRole : std::uint8_t { client, server };
std::string_view to_string(AttesterRole role);  // "client", "server"
std::optional<AttesterRole> attester_role_from(std::string_view name);

// What is bound: key or tls_exporter.
struct KeyBinding {
    Bytes nonce;                             // 16 to 64 bytes that are not all zero, as report_data_from() takes
    std::optional<Bytes> key = {};           // SubjectPublicKeyInfo, DER
    std::optional<Bytes> tls_exporter = {};  // for this connection, label and context as both sides agree on
    std::optional<AttesterRole> role = {};   // with tls_exporter it has to be there
};

// What is wrong with it, and which member: "nonce", "key", "tlsExporter", "role". Whether a key is one is not looked at.
struct KeyBindingFault {
    std::string_view member;
    std::string why;
};
std::optional<KeyBindingFault> fault_of(const KeyBinding &binding);

// A binding, and by whom.
struct BoundTo {
    KeyBinding binding;
    std::uint32_t uid = 0;
};

inline constexpr std::array<std::uint8_t, 16> bound_report_data_tag = {'m', 'r', 'd', ' ', 'c', 'o', 'm', 'p',
                                                                       'o', 's', 'e', 'd', ' ', 'v', '1', '.'};
// By the tag alone.
bool is_bound_report_data(ByteView report_data);

// ---- In mr::verify, which has the hash.

// Error: invalid_argument, as fault_of(); not_supported where this OpenSSL does not offer SHA-384.
std::expected<ReportData, Error> bound_report_data(const BoundTo &bound);

// The one key of a file: PEM (PUBLIC KEY), with any text around it, or DER. As it stands there: another encoding of the same key is another key here. Error:
// malformed: no key, more than one, or one that is no SubjectPublicKeyInfo.
std::expected<Bytes, Error> parse_public_key(ByteView file);
inline constexpr std::size_t max_public_key_file = std::size_t{64} * 1024;  // bytes

}  // namespace mr
