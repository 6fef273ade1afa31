// From a nonce to a verdict, anywhere: no daemon, no network. docs/verification.md says what each statement rests on. In mr::verify.
//
//     mr::VerifyOptions options;
//     options.report_data = nonce;
//     options.reference = *mr::parse_reference_values(values);
//     options.time = now;
//     const auto verdict = mr::verify(*mr::parse_evidence(file), options);
//     if (!verdict.verified()) complain(verdict.statements());
//
// Whoever judges many pieces of evidence keeps an Appraiser (mr/appraiser.h).
#pragma once

#include <optional>
#include <span>

#include "mr/appraiser.h"
#include "mr/bytes.h"
#include "mr/evidence.h"
#include "mr/verdict.h"

namespace mr {

struct VerifyOptions : AppraiserOptions, Question {};

// What an Appraiser of these options answers to that question. Never fails: what cannot be judged is a statement that does not hold.
Verdict verify(const Evidence &evidence, const VerifyOptions &options);
Verdict verify(ByteView quote, std::span<const ByteView> logs, const VerifyOptions &options);
Verdict verify(const TeeEvidence &quote, std::span<const ByteView> logs, const VerifyOptions &options);

}  // namespace mr
