// In mr::verify. Judges many pieces of evidence by the same trust anchors, collateral and reference values, which it keeps as it has read them, and so it does with the
// certificates and keys that come up again. docs/verification.md says what each statement of a verdict rests on.
//
//     mr::AppraiserOptions options;
//     options.reference = *mr::parse_reference_values(values);
//     mr::Appraiser appraiser(std::move(options));
//     const auto verdict = appraiser.appraise(*mr::parse_evidence(file), {.report_data = nonce, .time = now});
//
// One thread uses an Appraiser at a time; several threads have one each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mr/bound_report_data.h"
#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/evidence.h"
#include "mr/reference_values.h"
#include "mr/tee.h"
#include "mr/verdict.h"

namespace mr {

// What a caller does without, by name: an option that is left out and not waived makes the verdict negative. Only that it is left out is waived; what is
// given, or in the evidence, counts all the same.
struct Waived {
    bool nonce = false;      // of report_data: the quotes may be old ones
    bool reference = false;  // of reference values that say what runs: whatever runs is good
    bool tcb = false;        // of collateral: the platform may be out of date, or revoked
};

struct AppraiserOptions {
    // Nothing: the roots of the hardware's makers, which each kind's reader has.
    std::optional<TrustAnchors> anchors = {};
    // By kind ("tdx"), each a JSON object: in the place of the evidence's own. Of a kind that a piece of evidence does not have it is passed over, for one Appraiser
    // judges machines of several kinds; of a kind that none of `tees` reads the statement tcb fails, whatever is waived.
    std::map<std::string, std::string, std::less<>> collateral = {};
    ReferenceValues reference = {};
    Waived waived = {};
    Tees tees = known_tees();  // which kinds it can read; must outlive the Appraiser
};

// What is asked of one piece of evidence.
struct Question {
    // What the quotes must have been made over: 16 to 64 bytes, not all zero, followed by zero bytes up to 64 (report_data_from()).
    std::optional<Bytes> report_data = {};
    // Instead: what they must have been made over so that they bind this key or TLS connection, with this nonce, by this user.
    std::optional<BoundTo> bound = {};
    UnixTime time = 0;  // of the verification
};

class Appraiser {
public:
    explicit Appraiser(AppraiserOptions options);
    Appraiser(Appraiser &&) noexcept;
    Appraiser &operator=(Appraiser &&) noexcept;
    ~Appraiser();

    // Every statement that evidence can make. Required: those of the quotes, the log's, nonce, reference values and TCB unless they are waived, and what the
    // reference values ask for. Never fails: what cannot be judged is a statement that does not hold.
    Verdict appraise(const Evidence &evidence, const Question &question);

    // A quote, or a TDREPORT (which proves nothing off its machine: only its hashes can be judged), and the logs of the same boot in the order in which they
    // were extended, in any format that EventLogReader reads. Nobody may change their bytes during the call: a mapped file is another's to write. Without logs
    // their statements are not judged. Never fails, as above.
    Verdict appraise(ByteView quote, std::span<const ByteView> logs, const Question &question);
    // The same of a quote that comes with what its hardware gives beside it.
    Verdict appraise(const TeeEvidence &quote, std::span<const ByteView> logs, const Question &question);

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace mr
