// From a nonce to a verdict, anywhere: no daemon, no network. docs/verification.md says what each statement rests on.
//
//     mr::VerifyOptions options;
//     options.report_data = nonce;
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

struct VerifyOptions {
    // What the quote must have been made over: at most 64 bytes, followed by zero bytes up to 64. Not given: report_data is not judged, and the quote
    // may be an old one.
    std::optional<Bytes> report_data = {};
    UnixTime time = 0;
    TrustAnchors anchors = intel_trust_anchors();
    // In the place of the evidence's own; must outlive the call.
    const Collateral *collateral = nullptr;
    ReferenceValues reference = {};
};

// Every statement that evidence can make. Required: those of the quote, the log's, and what the options ask for. `platform`, where it is not null, gets
// what the statements say of the TCB, for programs.
Verdict verify(const Evidence &evidence, const VerifyOptions &options, QuoteJudgement *platform = nullptr);

// A quote, or a TDREPORT (which proves nothing off its machine: only its hashes can be judged), and the logs of the same boot in the order in which they
// were extended, in any format that EventLogReader reads. Without logs their statements are not judged.
Verdict verify(ByteView quote, std::span<const ByteView> logs, const VerifyOptions &options, QuoteJudgement *platform = nullptr);

}  // namespace mr
