// The TDREPORT: what a TDX module says of one TD, for verifiers on the same machine (and, inside a quote, for all others). In mr::verify, but for report_data_from().
//
// Source: Intel TDX Module 1.5 ABI Specification, "REPORTMACSTRUCT", "TEE_TCB_INFO" and "TDINFO_STRUCT".
// 1024 bytes, little-endian throughout:
//
//   offset size field
//        0    4 REPORTTYPE: type (0x81 = TDX), subtype, version, reserved
//        4   12 reserved
//       16   16 CPUSVN
//       32   48 TEE_TCB_INFO_HASH = SHA-384 of TEE_TCB_INFO (239 bytes)
//       80   48 TEE_INFO_HASH = SHA-384 of TDINFO (512 bytes)
//      128   64 REPORTDATA
//      192   32 reserved
//      224   32 MAC = HMAC-SHA-256 (report key, bytes 0..223)
//      256  239 TEE_TCB_INFO
//      495   17 reserved
//      512  512 TDINFO
//
// The MAC covers the second half only through the two hashes: whoever checks a report checks the MAC and both hashes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::size_t tdreport_size = 1024;
inline constexpr std::size_t report_data_size = 64;
inline constexpr std::size_t tdreport_tcb_info_hash_offset = 32;
inline constexpr std::size_t tdreport_td_info_hash_offset = 80;
inline constexpr std::size_t tdreport_mac_offset = 224;
inline constexpr std::size_t tdreport_tcb_info_offset = 256;
inline constexpr std::size_t tdreport_tcb_info_size = 239;
inline constexpr std::size_t tdreport_td_info_offset = 512;
inline constexpr std::size_t tdreport_td_info_size = 512;
inline constexpr std::uint8_t tdreport_type_tdx = 0x81;

using ReportData = std::array<std::uint8_t, report_data_size>;

// What a relying party chose, so that the answer is a fresh one for it: a random nonce, or a hash of what the answer is for.
inline constexpr std::size_t min_nonce_size = 16;  // fewer bytes can be guessed, or are what is left of a variable that was cut off
// The report data that carries it: the nonce, followed by zero bytes up to 64. So a nonce and the same nonce followed by zero bytes are one.
// Error: invalid_argument: it has less than min_nonce_size bytes or more than 64, or all of them are zero, as they are for anybody who chose none.
std::expected<ReportData, Error> report_data_from(ByteView nonce);

// The bits of TD ATTRIBUTES that a verifier looks at first.
inline constexpr std::uint64_t td_attribute_debug = 1ULL << 0;             // the host can read the TD's memory
inline constexpr std::uint64_t td_attribute_sept_ve_disable = 1ULL << 28;  // no #VE on pending pages
inline constexpr std::uint64_t td_attribute_pks = 1ULL << 30;

// TEE_TCB_INFO: the TDX module and its security version.
struct TeeTcbInfo {
    std::uint64_t valid = 0;  // 0x1FF for module 1.0, 0x301FF for 1.5: which fields hold a value
    std::array<std::uint8_t, 16> tee_tcb_svn{};
    std::array<std::uint8_t, 48> mr_seam{};
    std::array<std::uint8_t, 48> mr_signer_seam{};
    std::uint64_t attributes = 0;
    std::array<std::uint8_t, 16> tee_tcb_svn2{};  // module 1.5; zero before
};

// TDINFO: the TD itself.
struct TdInfo {
    std::uint64_t attributes = 0;
    std::uint64_t xfam = 0;
    std::array<std::uint8_t, 48> mrtd{};
    std::array<std::uint8_t, 48> mrconfigid{};
    std::array<std::uint8_t, 48> mrowner{};
    std::array<std::uint8_t, 48> mrownerconfig{};
    std::array<std::array<std::uint8_t, 48>, 4> rtmr{};
    std::array<std::uint8_t, 48> servtd_hash{};
};

struct TdReport {
    std::array<std::uint8_t, 4> report_type{};
    std::array<std::uint8_t, 16> cpu_svn{};
    std::array<std::uint8_t, 48> tee_tcb_info_hash{};
    std::array<std::uint8_t, 48> tee_info_hash{};
    ReportData report_data{};
    std::array<std::uint8_t, 32> mac{};
    TeeTcbInfo tcb_info;
    TdInfo td_info;
};

// Takes the fields out of exactly 1024 bytes. Checks length and type, not the hashes. Error: malformed.
std::expected<TdReport, Error> decode_tdreport(ByteView report);

// The 1024 bytes of the report's fields, reserved bytes zero, hashes and MAC as they stand in it.
std::array<std::uint8_t, tdreport_size> encode_tdreport(const TdReport &report);

// A field as it stands in its structure, by the name that quote tools use: "mr_td".
struct NamedField {
    std::string name;
    Bytes bytes;
};
// Of a report, in their order, without the reserved bytes.
std::vector<NamedField> fields_of(const TdReport &report);

// Does each hash in the report hold over the bytes it covers? Needs no key; says nothing of the MAC.
struct TdReportHashes {
    bool tcb_info_matches = false;
    bool td_info_matches = false;
};
// Error: malformed for another length than 1024; not_supported where this OpenSSL does not offer SHA-384.
std::expected<TdReportHashes, Error> check_tdreport_hashes(ByteView report);

}  // namespace mr
