// The TD quote: a TDREPORT's contents, signed so that anybody can check it. In mr::verify.
//
// Sources: Intel SGX DCAP, "sgx_quote_4.h" and "sgx_quote_5.h"; Intel TDX DCAP Quoting Library API, appendix A. Little-endian; the signatures and the
// public key are big-endian coordinates (r || s, x || y).
//
//   offset size field
//        0   48 header: version u16 (4, 5), attestation key type u16 (2 = ECDSA P-256), TEE type u32 (0x81), reserved 4, QE vendor id 16, user data 20
//       48      version 4: the body, 584 bytes
//               version 5: body type u16 (2 = TD 1.0, 3 = TD 1.5), body size u32 (584, 648), the body
//               signature data length u32, then the signature data:
//                 signature 64 over everything before the length; attestation key 64; certification data: type u16 (6), size u32, and in it
//                   QE report 384, its signature 64 by the PCK key, QE authentication data (length u16),
//                   inner certification data: type u16 (5 = PEM certificates: PCK leaf, CA, root), size u32, the PEM text
//               what follows is padding; real quotes have up to 3 KiB of it
//
// Body, relative: tee_tcb_svn 16 @0, mr_seam 48 @16, mr_signer_seam 48 @64, seam_attributes 8 @112, td_attributes 8 @120, xfam 8 @128, mrtd 48 @136,
// mrconfigid @184, mrowner @232, mrownerconfig @280, rtmr0..3 @328/376/424/472, report_data 64 @520; type 3 adds tee_tcb_svn2 16 @584,
// mr_servicetd 48 @600.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"
#include "mr/named_bits.h"
#include "mr/tdreport.h"

namespace mr {

inline constexpr std::size_t max_quote_size = std::size_t{1} << 20;  // bytes; real ones have 5 to 8 thousand
inline constexpr std::size_t quote_header_size = 48;
inline constexpr std::size_t td_quote_body_size = 584;
inline constexpr std::size_t td15_quote_body_size = 648;
inline constexpr std::size_t qe_report_size = 384;

inline constexpr std::uint16_t attestation_key_ecdsa_p256 = 2;
inline constexpr std::uint32_t tee_type_tdx = 0x81;
// Of Intel's quoting enclave.
inline constexpr std::array<std::uint8_t, 16> intel_qe_vendor_id = {0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                                                    0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};

struct QuoteHeader {
    std::uint16_t version = 4;
    std::uint16_t attestation_key_type = attestation_key_ecdsa_p256;
    std::uint32_t tee_type = tee_type_tdx;
    std::uint16_t qe_svn = 0;  // of the four bytes that are reserved in some sources
    std::uint16_t pce_svn = 0;
    std::array<std::uint8_t, 16> qe_vendor_id = intel_qe_vendor_id;
    std::array<std::uint8_t, 20> user_data{};
};

enum class QuoteBodyType : std::uint16_t { td10 = 2, td15 = 3 };  // the numbers of version 5; version 4 has td10

struct TdQuoteBody {
    std::array<std::uint8_t, 16> tee_tcb_svn{};
    std::array<std::uint8_t, 48> mr_seam{};
    std::array<std::uint8_t, 48> mr_signer_seam{};
    std::uint64_t seam_attributes = 0;
    std::uint64_t td_attributes = 0;
    std::uint64_t xfam = 0;
    std::array<std::uint8_t, 48> mrtd{};
    std::array<std::uint8_t, 48> mrconfigid{};
    std::array<std::uint8_t, 48> mrowner{};
    std::array<std::uint8_t, 48> mrownerconfig{};
    std::array<std::array<std::uint8_t, 48>, 4> rtmr{};
    ReportData report_data{};
    // Of td15; zero in td10.
    std::array<std::uint8_t, 16> tee_tcb_svn2{};
    std::array<std::uint8_t, 48> mr_servicetd{};
};

// The quoting enclave's own SGX report (Intel SDM, "REPORT"): cpusvn @0, miscselect u32 @16, attributes 16 @48, mrenclave 32 @64, mrsigner 32 @128,
// isvprodid u16 @256, isvsvn u16 @258, report data 64 @320.
struct QeReport {
    std::array<std::uint8_t, 16> cpu_svn{};
    std::uint32_t misc_select = 0;
    std::array<std::uint8_t, 16> attributes{};
    std::array<std::uint8_t, 32> mr_enclave{};
    std::array<std::uint8_t, 32> mr_signer{};
    std::uint16_t isv_prod_id = 0;
    std::uint16_t isv_svn = 0;
    ReportData report_data{};  // SHA-256(attestation key || authentication data), then 32 zero bytes
};

// Views point into the quote's bytes, which must outlive it.
struct Quote {
    QuoteHeader header;
    QuoteBodyType body_type = QuoteBodyType::td10;
    TdQuoteBody body;
    ByteView signed_part;      // header and body, with version 5's type and size between
    ByteView signature;        // 64, r || s, by the attestation key over signed_part
    ByteView attestation_key;  // 64, x || y
    std::uint16_t certification_type = 6;
    ByteView qe_report_bytes;  // 384: what the PCK key signed
    QeReport qe_report;
    ByteView qe_report_signature;  // 64, r || s
    ByteView qe_authentication_data;
    std::uint16_t inner_certification_type = 5;
    ByteView inner_certification_data;  // of type 5: PEM text, perhaps with NUL bytes after it
    std::size_t signature_data_size = 0;
    std::size_t trailing = 0;  // bytes after the signature data
};

// Takes the quote apart. Error: malformed (a length that does not fit its place, the byte is named) or not_supported (another version, key type, TEE type,
// body type or certification data than above). Checks no signature and no certificate: verify_quote() does.
std::expected<Quote, Error> decode_quote(ByteView quote);

// What a quoting service signs: header, then for version 5 the body's type and size, then the body.
Bytes encode_quote_signed_part(const QuoteHeader &header, QuoteBodyType type, const TdQuoteBody &body);
std::array<std::uint8_t, qe_report_size> encode_qe_report(const QeReport &report);

// The whole quote out of its parts: signed_part, signature, attestation_key, qe_report_bytes, qe_report_signature, qe_authentication_data and the inner
// certification data with its type. The other fields are not looked at. Precondition: fixed sizes as above, authentication data below 64 KiB.
Bytes encode_quote(const Quote &parts);

// Of a body of that type, in their order.
std::vector<NamedField> fields_of(const TdQuoteBody &body, QuoteBodyType type);

// By their names: of TD ATTRIBUTES, of XFAM (and of an enclave's XFRM, the upper half of its attributes), and of the lower half of an enclave's attributes. SEAMATTRIBUTES
// have none.
std::span<const NamedBit> td_attribute_bits();
std::span<const NamedBit> xfam_bits();
std::span<const NamedBit> sgx_attribute_bits();

// What a quoting enclave takes over from a TDREPORT.
TdQuoteBody quote_body_of(const TdReport &report);

}  // namespace mr
