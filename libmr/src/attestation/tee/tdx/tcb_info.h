// What Intel publishes of a platform (TDX TCB info, version 3) and of its quoting enclave (TD_QE identity, version 2), out of the JSON text that was
// signed. Member names are those of the Provisioning Certification Service API, version 4; members that are not named here are passed over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/certificate.h"
#include "mr/verify_quote.h"

namespace mr::attestation {

inline constexpr std::size_t max_tcb_levels = 256;  // of one list; Intel's have up to twenty
inline constexpr std::size_t max_module_identities = 64;
inline constexpr std::size_t max_advisories = 256;  // of one level

// Of the TDX module or of the QE: a security version and what it is worth.
struct SvnLevel {
    std::uint16_t isv_svn = 0;
    TcbStatus status = TcbStatus::not_supported;
    std::string date;
    std::vector<std::string> advisories;
};

struct PlatformLevel {
    std::array<std::uint16_t, tcb_component_count> sgx_components{};
    std::array<std::uint16_t, tcb_component_count> tdx_components{};
    std::uint16_t pce_svn = 0;
    TcbStatus status = TcbStatus::not_supported;
    std::string date;
    std::vector<std::string> advisories;
};

// Who must have signed a TDX module, and which attributes it must have under which mask.
struct ModuleSigner {
    std::array<std::uint8_t, 48> mr_signer{};
    std::uint64_t attributes = 0;
    std::uint64_t attributes_mask = 0;
};

struct ModuleIdentity {
    std::string id;  // "TDX_01"
    ModuleSigner signer;
    std::vector<SvnLevel> levels;
};

struct TcbInfo {
    UnixTime issue_date = 0;
    UnixTime next_update = 0;
    std::int64_t evaluation_number = 0;  // tcbEvaluationDataNumber: counts Intel's TCB recoveries
    std::array<std::uint8_t, 6> fmspc{};
    std::array<std::uint8_t, 2> pce_id{};
    ModuleSigner module;  // of modules of version 0
    std::vector<ModuleIdentity> module_identities;
    std::vector<PlatformLevel> levels;  // best first
};

struct QeIdentity {
    UnixTime issue_date = 0;
    UnixTime next_update = 0;
    std::int64_t evaluation_number = 0;  // tcbEvaluationDataNumber: counts Intel's TCB recoveries
    std::uint32_t misc_select = 0;
    std::uint32_t misc_select_mask = 0;
    std::array<std::uint8_t, 16> attributes{};
    std::array<std::uint8_t, 16> attributes_mask{};
    std::array<std::uint8_t, 32> mr_signer{};
    std::uint16_t isv_prod_id = 0;
    std::vector<SvnLevel> levels;  // best first
};

// Error: what is wrong with it.
std::expected<TcbInfo, std::string> parse_tcb_info(std::string_view json);
std::expected<QeIdentity, std::string> parse_qe_identity(std::string_view json);

}  // namespace mr::attestation
