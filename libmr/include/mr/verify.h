// From a nonce to a verdict, anywhere: no daemon, no network. docs/verification.md says what each statement rests on.
//
//     mr::VerifyOptions options;
//     options.report_data = nonce;
//     options.reference = *mr::parse_reference_values(values);
//     options.time = now;
//     const auto verdict = mr::verify(*mr::parse_evidence(file), options);
//     if (!verdict.verified()) complain(verdict.statements());
#pragma once

#include <optional>
#include <span>

#include "mr/bytes.h"
#include "mr/collateral.h"
#include "mr/evidence.h"
#include "mr/reference_values.h"
#include "mr/verdict.h"
#include "mr/verify_quote.h"

namespace mr {

// What a caller does without, by name: an option that is left out and not waived makes the verdict negative. Only that it is left out is waived; what is
// given, or in the evidence, counts all the same.
struct Waived {
    bool nonce = false;      // of report_data: the quote may be an old one
    bool reference = false;  // of reference values that say what runs: whatever runs is good
    bool tcb = false;        // of collateral: the platform may be out of date, or revoked
};

struct VerifyOptions {
    // What the quote must have been made over: 16 to 64 bytes, not all zero, followed by zero bytes up to 64 (report_data_from()).
    std::optional<Bytes> report_data = {};
    UnixTime time = 0;
    TrustAnchors anchors = intel_trust_anchors();
    // In the place of the evidence's own; must outlive the call.
    const Collateral *collateral = nullptr;
    ReferenceValues reference = {};
    Waived waived = {};
};

// Every statement that evidence can make. Required: those of the quote, the log's, nonce, reference values and TCB unless they are waived, and what the
// reference values ask for. `platform`, where it is not null, gets what the statements say of the TCB, for programs.
Verdict verify(const Evidence &evidence, const VerifyOptions &options, QuoteJudgement *platform = nullptr);

// A quote, or a TDREPORT (which proves nothing off its machine: only its hashes can be judged), and the logs of the same boot in the order in which they
// were extended, in any format that EventLogReader reads. Nobody may change their bytes during the call: a mapped file is another's to write. Without logs their statements are not judged.
Verdict verify(ByteView quote, std::span<const ByteView> logs, const VerifyOptions &options, QuoteJudgement *platform = nullptr);

}  // namespace mr
