// Evidence: a quote over the verifier's report data, and the event log that leads to the registers it signs, cut where the quote was taken. Everything
// that a verifier needs offline is in it; what it says beside the quote is a claim until verify() has checked it.
//
// One object, as JSON (byte strings in lower-case hexadecimal or base64, as said) or as deterministic CBOR (RFC 8949, section 4.2.1; byte strings as
// such). docs/evidence-format.md has an example of both.
//
//   format        "mrd-evidence"
//   version       1
//   provider      whose registers: "tdx"
//   simulated     no hardware stands behind it, says who made it; the root of the quote's certificates shows it
//   reportData    the 64 bytes asked for, hex
//   quote         base64; quoteFormat: "tdx_v4", "tdx_v5_td10", "tdx_v5_td15"; auxiliary: base64, may be absent
//   time          when, in microseconds since the epoch, by the guest's clock
//   sequence      the log's last event
//   registers     of each register that can be extended: name, owner, signed (what the quote says, hex), logged (what the log leads to, hex; absent if
//                 the log does not know it)
//   log           the event log up to `sequence`, in mrd's JSON (docs/log-formats.md), base64
//   cut           of a log that does not fit whole: how many events are there without their content, and how many bytes that was; may be absent
//   collateral    mr/collateral.h, may be absent
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/collateral.h"
#include "mr/digest.h"
#include "mr/error.h"
#include "mr/registers.h"
#include "mr/tdreport.h"

namespace mr {

// Bytes of evidence as JSON: what one message of the service can carry (proto/varlink/limits.h).
inline constexpr std::size_t max_evidence_size = std::size_t{16} << 20;
// Bytes of the log in it, so that all of it fits. A longer one is cut to that: some events then keep their register, type and digest only.
inline constexpr std::size_t max_evidence_log = std::size_t{11} << 20;
inline constexpr std::size_t max_evidence_registers = 64;

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

struct Evidence {
    std::string provider;
    bool simulated = false;
    ReportData report_data{};
    Bytes quote;
    std::string quote_format;
    std::optional<Bytes> auxiliary = {};
    std::int64_t time = 0;
    std::int64_t sequence = 0;
    std::vector<EvidenceRegister> registers;
    Bytes log;
    std::optional<EvidenceCutContent> cut = {};
    std::optional<Collateral> collateral = {};

    // Every owned register's log leads to what was signed: what the service found, for people. A verifier computes it itself.
    [[nodiscard]] bool coherent() const;
    friend bool operator==(const Evidence &, const Evidence &) = default;
};

// JSON or CBOR, as the first byte says. Error: malformed, naming the member. Unknown members are refused: a version that has more has another number.
std::expected<Evidence, Error> parse_evidence(ByteView file);
// Does the file begin as evidence does? Cheap.
bool is_evidence(ByteView file);

// Preconditions: texts are UTF-8 without NUL. parse_evidence() of either gives the same evidence again.
std::string write_evidence_json(const Evidence &evidence);
Bytes write_evidence_cbor(const Evidence &evidence);

}  // namespace mr
