// Which TCB level a platform reaches. Source: Intel SGX DCAP Quote Verification Library, evaluation of the TDX TCB (4.1.2.5.2 of its specification).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "libmr/src/attestation/tee/tdx/tcb_info.h"
#include "mr/quote.h"

namespace mr::attestation {

// Of the security version bytes of a TDX module: its version, which names the identity that judges it, and its own security version.
inline constexpr std::size_t module_svn_byte = 0;
inline constexpr std::size_t module_version_byte = 1;

// The identity for a module of that version (1 and up). Null: the TCB info knows no such module.
const ModuleIdentity *find_module_identity(const TcbInfo &info, std::uint8_t version);

// The first level whose security version is not above it. Null: below every one.
const SvnLevel *find_svn_level(const std::vector<SvnLevel> &levels, std::uint16_t isv_svn);

struct TcbEvaluation {
    TcbStatus status = TcbStatus::not_supported;
    std::vector<std::string> advisories;
    std::string reason;  // which levels decide, or what is below every one
};

// Of the platform and its TDX module, with both TEE_TCB_SVNs where the body has two: the TD was launched on the first and runs on the second, and the
// worse decides; only the first out of date is td_relaunch_advised.
TcbEvaluation evaluate_tcb(const TcbInfo &info, const PckExtension &pck, const Quote &quote);

// A status and that of a component (the TDX module, the QE) in one.
TcbStatus converge(TcbStatus platform, TcbStatus component);

}  // namespace mr::attestation
