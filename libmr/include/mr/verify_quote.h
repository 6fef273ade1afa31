// Judges a quote: who signed it, on what platform, in what kind of TD. Needs no network and no daemon; the caller says at which time. In mr::verify.
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
#include "mr/tee.h"
#include "mr/verdict.h"

namespace mr {

inline constexpr std::string_view tdx_kind = "tdx";

// Intel SGX Root CA, the one behind real hardware; embedded. SHA-256 fingerprint 44a0196b...
const TrustAnchors &intel_trust_anchors();

// What a TD quote states beside what every verdict has (mr/verdict.h). docs/verification.md says what each rests on.
namespace statement {

inline constexpr std::string_view qe_report_signature =
    "qe_report_signature";  // the PCK key signed the QE's report, which names the attestation key
// What the collateral says of the platform.
inline constexpr std::string_view tcb_info_signature = "tcb_info_signature";
inline constexpr std::string_view tcb_info_current = "tcb_info_current";  // issued before the time of verification, next update after it
inline constexpr std::string_view qe_identity_signature = "qe_identity_signature";
inline constexpr std::string_view qe_identity_current = "qe_identity_current";
inline constexpr std::string_view qe_identity = "qe_identity";  // the QE is the one that the identity describes
inline constexpr std::string_view qe_tcb = "qe_tcb";            // its security version is good enough
inline constexpr std::string_view tdx_module = "tdx_module";    // the TDX module is one that the TCB info knows
// What the TD is.
inline constexpr std::string_view sept_ve_disable = "sept_ve_disable";
inline constexpr std::string_view td_attributes = "td_attributes";  // no reserved bit
inline constexpr std::string_view service_td = "service_td";        // no service TD, or one that the reference values name
inline constexpr std::string_view report_hashes = "report_hashes";  // of a TDREPORT instead of a quote: both hashes hold

// Those that need collateral: without it none of them holds, and neither does tcb.
inline constexpr std::array need_collateral{tcb_info_signature,  tcb_info_current, qe_identity_signature,
                                            qe_identity_current, crl_signatures,   crls_current,
                                            not_revoked,         qe_identity,      qe_tcb,
                                            tdx_module};

}  // namespace statement

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

// What reference values say for TDs alone, in their member "tdx":
//
//   minimumTcbEvaluationDataNumber   of TCB info and QE identity: an older collateral may be within its dates, and not know of the last TCB recovery. Naming it
//                                    makes the TCB required
//   septVeDisableUnset               "accept" or "refuse" ["refuse"]
//   serviceTds                       array of 48 bytes, hex: service TDs that are accepted beside none
//   ppids                            array of 16 bytes, hex, not empty: the platforms (PPID in the PCK certificate) that are accepted, and no others [any]
struct TdPolicy {
    std::optional<std::int64_t> minimum_tcb_evaluation = {};
    bool accept_no_sept_ve_disable = false;
    std::vector<std::array<std::uint8_t, 48>> accepted_service_tds = {};
    std::vector<std::array<std::uint8_t, 16>> accepted_ppids = {};  // empty: any
};
// Error: malformed, naming the member. Unknown members are refused.
std::expected<TdPolicy, Error> parse_td_policy(std::string_view json);

struct QuoteJudgement {
    TcbStatus tcb_status = TcbStatus::not_supported;  // meaningful if judged
    bool tcb_judged = false;
    std::vector<std::string> advisories;  // of the matching levels: "INTEL-SA-00837"
};

// Adds the 21 statements of one quote, facts included (judge_facts() of every kind), and platform_identity where the policy names platforms. A later statement that cannot be judged since an earlier one fails is not
// judged, and says so; a required one that is not judged does not hold. Without collateral the statements that need it fail, unless the policy does not ask
// for a TCB. `anchors` must outlive the call. Precondition: what the policy has for TDs parse_td_policy() takes. Never fails.
QuoteJudgement verify_quote(ByteView quote, const Collateral *collateral, const TrustAnchors &anchors, UnixTime time,
                            const PlatformPolicy &policy, Verdict &verdict);

}  // namespace mr
