// In mr::verify. Evidence: quotes over the verifier's report data, and the event log that leads to the registers they sign, cut where they were taken. Everything that a
// verifier needs offline is in it; what it says beside the quotes is a claim until an Appraiser has checked it.
//
// One object, as JSON (byte strings in lower-case hexadecimal or base64, as said) or as deterministic CBOR (RFC 8949, section 4.2.1; byte strings as
// such). docs/evidence-format.md has an example of both.
//
//   format        "mrd-evidence"
//   version       2
//   reportData    the 64 bytes asked for, hex
//   parts         of each provider that has quotes, at least one:
//     name          the provider's: "tdx"
//     kind          who can read the quote: "tdx"
//     simulated     no hardware stands behind it, says who made it; the root of the quote's certificates shows it
//     sequence      the log's last event that the quote shows; absent: the log's last one
//     quote         base64, over reportData, or what part_report_data() makes of it; quoteFormat: "tdx_v4", ...
//     auxiliary     what some hardware gives beside a quote, base64; may be absent
//     collateral    a JSON object, as the kind has it (mr/collateral.h for TDX), in CBOR its text; may be absent
//   time          when, in microseconds since the epoch, by the guest's clock
//   sequence      the log's last event
//   registers     of each register that can be extended: name, owner, signed (what the quote says, hex), logged (what the log leads to, hex; absent if
//                 the log does not know it)
//   log           the event log up to `sequence`, in mrd's JSON (docs/log-formats.md), base64
//   cut           of a log that does not fit whole: how many events are there without their content, and how many bytes that was; may be absent
//
// Version 1, which had its only part at the top, was in no release. Its JSON is read as a foreign file, by the rules of version 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"
#include "mr/registers.h"
#include "mr/tdreport.h"

namespace mr {

// Bytes of evidence as JSON: what one message of the service can carry (proto/varlink/limits.h).
inline constexpr std::size_t max_evidence_size = std::size_t{16} << 20;
// Bytes of the log in it, so that all of it fits. A longer one is cut to that: some events then keep their register, type and digest only.
inline constexpr std::size_t max_evidence_log = std::size_t{11} << 20;
inline constexpr std::size_t max_evidence_registers = 256;
inline constexpr std::size_t max_evidence_parts = 16;
inline constexpr std::size_t max_part_name = 64;  // bytes of a part's name, of the characters a to z, 0 to 9, _ and -
inline constexpr std::size_t max_part_collateral = std::size_t{1} << 20;  // bytes of one part's, as JSON

struct EvidenceRegister {
    std::string name;  // "tdx/rtmr3"
    Owner owner = Owner::owned;
    Digest signed_value;
    std::optional<Digest> logged;

    // The log leads to what was signed.
    [[nodiscard]] bool matches() const { return logged == signed_value; }
    friend bool operator==(const EvidenceRegister &, const EvidenceRegister &) = default;
};

// A claim, as all that evidence says beside its quote; that content is not there is seen in the log itself.
struct EvidenceCutContent {
    std::int64_t events = 0;  // that are cut
    std::int64_t bytes = 0;   // of the log that they lack
    friend bool operator==(const EvidenceCutContent &, const EvidenceCutContent &) = default;
};

struct EvidencePart {
    std::string name;
    std::string kind;
    bool simulated = false;
    Bytes quote;
    std::string quote_format;
    // Quotes of several parts are of several moments: what the log has after this event, of the part's own registers, its quote does not show. Nothing: all of it.
    std::optional<std::int64_t> sequence = {};
    std::optional<Bytes> auxiliary = {};
    std::optional<std::string> collateral = {};  // a JSON object; as parse_evidence() gives it, and in CBOR, without blanks
    friend bool operator==(const EvidencePart &, const EvidencePart &) = default;
};

struct Evidence {
    ReportData report_data{};
    std::vector<EvidencePart> parts;
    std::int64_t time = 0;
    std::int64_t sequence = 0;  // the log's last event
    std::vector<EvidenceRegister> registers;
    Bytes log;
    std::optional<EvidenceCutContent> cut = {};

    // Every owned register's log leads to what was signed: what the service found, for people. A verifier computes it itself.
    [[nodiscard]] bool coherent() const;
    // One of the parts says so.
    [[nodiscard]] bool simulated() const;
    friend bool operator==(const Evidence &, const Evidence &) = default;
};

// What a part's quote is over. Where the hardware takes 64 bytes: the evidence's report data. Where it takes 32: SHA-256("mrd report data" || 0 || kind ||
// 0 || the part's name || 0 || report data), so that no part's quote is another's.
inline constexpr std::size_t short_report_data_size = 32;
// Error: not_supported for another size, or where this OpenSSL does not offer SHA-256.
std::expected<Bytes, Error> part_report_data(std::string_view kind, std::string_view name, const ReportData &report_data, std::size_t size);

// JSON or CBOR, as the first byte says. Error: malformed, naming the member. Unknown members are refused: a version that has more has another number. What
// collateral has in it is its kind's question.
std::expected<Evidence, Error> parse_evidence(ByteView file);
// Does the file begin as evidence does? Cheap.
bool is_evidence(ByteView file);

// Preconditions: texts are UTF-8 without NUL, numbers are not negative, collateral is a JSON object (in CBOR without blanks), and there are no more parts and
// registers than above. parse_evidence() of either gives the same evidence again.
std::string write_evidence_json(const Evidence &evidence);
Bytes write_evidence_cbor(const Evidence &evidence);

}  // namespace mr
