// Judges a quote: who signed it, on what platform, in what kind of TD. Needs no network and no daemon; the caller says at which time.
//
// Sources: Intel SGX DCAP Quote Verification Library (rules for certificates, TCB levels, TDX module identities); docs/verification.md has every rule.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/collateral.h"
#include "mr/error.h"
#include "mr/quote.h"
#include "mr/verdict.h"

namespace mr {

// Root certificates, DER. Whatever they are called: a chain must end at one of them byte for byte.
struct TrustAnchors {
    std::vector<Bytes> roots;
};
// Intel SGX Root CA, the one behind real hardware; embedded. SHA-256 fingerprint 44a0196b...
const TrustAnchors &intel_trust_anchors();
// Every certificate of a file, PEM or DER, as find_certificates() reads it. Error: malformed.
std::expected<TrustAnchors, Error> parse_trust_anchors(ByteView file);

// Of a TCB level, as Intel names them, from good to bad; not_supported is "no level fits".
enum class TcbStatus : std::uint8_t {
    up_to_date,
    sw_hardening_needed,
    configuration_needed,
    configuration_and_sw_hardening_needed,
    // Of a TD that was launched on a module which is out of date, and runs on one that is not: relaunching it is enough.
    td_relaunch_advised,
    td_relaunch_advised_configuration_needed,
    out_of_date,
    out_of_date_configuration_needed,
    revoked,
    not_supported,
};
std::string_view to_string(TcbStatus status);  // "UpToDate"
std::optional<TcbStatus> tcb_status_from(std::string_view name);

// What a caller accepts beyond the strictest.
struct QuotePolicy {
    std::vector<TcbStatus> accepted_tcb = {TcbStatus::up_to_date};
    bool tcb_required = true;  // also where there is no collateral, which then fails; with collateral the TCB is always required
    // Of TCB info and QE identity: an older collateral may be within its dates, and not know of the last TCB recovery.
    std::optional<std::int64_t> minimum_tcb_evaluation = {};
    bool accept_debug = false;
    bool accept_no_sept_ve_disable = false;
    std::vector<std::array<std::uint8_t, 48>> accepted_service_tds = {};  // beside zero
    // Unset: the roots that the caller gave decide, and root_is_hardware is stated but not required.
    std::optional<bool> accept_simulated_roots = {};
};

struct QuoteJudgement {
    TcbStatus tcb_status = TcbStatus::not_supported;  // meaningful if judged
    bool tcb_judged = false;
    std::vector<std::string> advisories;  // of the matching levels: "INTEL-SA-00837"
};

// Adds the statements from quote_format to service_td. A later statement that cannot be judged since an earlier one fails is not judged, and says so; a
// required one that is not judged does not hold. Without collateral the statements that need it fail, unless the policy does not ask for a TCB.
QuoteJudgement verify_quote(ByteView quote, const Collateral *collateral, const TrustAnchors &anchors, UnixTime time,
                            const QuotePolicy &policy, Verdict &verdict);

}  // namespace mr
