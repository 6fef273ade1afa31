// Judges a report of AMD SEV-SNP: who signed it, on what platform, for what kind of guest. Needs no network; the caller says at which time. In mr::verify.
//
// Sources: AMD 56860, "SEV Secure Nested Paging Firmware ABI Specification"; AMD 57230, "Versioned Chip Endorsement Key Certificate and KDS Interface
// Specification"; docs/verification.md has every rule.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/error.h"
#include "mr/snp_report.h"
#include "mr/tee.h"
#include "mr/verdict.h"

namespace mr {

inline constexpr std::string_view snp_kind = "snp";

// ARK-Milan, ARK-Genoa and ARK-Turin, the ones behind real hardware; embedded. docs/verification.md has their fingerprints.
const TrustAnchors &amd_trust_anchors();

// What a report states beside what every verdict has (mr/verdict.h). docs/verification.md says what each rests on.
namespace statement {

// What certificate and report have to agree on.
inline constexpr std::string_view signing_key = "signing_key";  // the certificate's kind is the one that the report names, and accepted
inline constexpr std::string_view cpu_product = "cpu_product";  // certificate, its issuer and the processor are of one product
inline constexpr std::string_view hardware_id = "hardware_id";  // of the certificate is the report's chip id
inline constexpr std::string_view certificate_tcb = "certificate_tcb";  // each component is that of the reported TCB
// What the guest is.
inline constexpr std::string_view tcb_order = "tcb_order";              // reported, committed and current TCB, none above the next
inline constexpr std::string_view guest_policy = "guest_policy";        // no reserved bit, and as the reference values want it
inline constexpr std::string_view migration_agent = "migration_agent";  // none, or one is accepted
inline constexpr std::string_view platform_info = "platform_info";      // no reserved bit, and as the reference values want it
inline constexpr std::string_view vmpl = "vmpl";                        // one that is accepted
inline constexpr std::string_view reserved_fields = "reserved_fields";  // are zero
inline constexpr std::string_view guest_svn = "guest_svn";              // not below what the reference values name, where they do

}  // namespace statement

inline constexpr std::string_view snp_up_to_date = "UpToDate";            // no component of the TCB is below the reference values' minimum
inline constexpr std::string_view snp_below_minimum = "BelowMinimumTcb";  // a word that no other maker has: who accepts it means this

// What reference values say for guests of SEV-SNP alone, in their member "snp":
//
//   minimumTcb              object: product ("Milan", "Genoa", "Turin") -> object of fmc (Turin alone), bootloader, tee, snp, microcode: the least of each that is
//                           up to date, of the reported TCB and of the one that the guest was launched under; what is left out may be any. AMD publishes no list
//                           that is signed: who verifies says it. Naming it makes the TCB required [nothing is known to be up to date]
//   vlek                    "accept" or "refuse" ["refuse"]: reports signed by a cloud provider's key, which names no chip
//   vmpls                   array of the privilege levels that are accepted [[0]]
//   migrationAgent          "accept" or "refuse" ["refuse"]: a guest that another one may migrate
//   policySet, policyClear  arrays of names of policy bits (snp_policy_bits()) that must be set, or must not be
//   platformSet, platformClear  the same of platform info (snp_platform_bits())
//   chipIds                 array of 64 bytes, hex, not empty: the chips that are accepted, and no others [any]
//   minimumGuestSvn         number
struct SnpPolicy {
    struct MinimumTcb {
        std::optional<std::uint8_t> fmc = {};
        std::optional<std::uint8_t> bootloader = {};
        std::optional<std::uint8_t> tee = {};
        std::optional<std::uint8_t> snp = {};
        std::optional<std::uint8_t> microcode = {};
    };
    struct Bits {
        std::uint64_t set = 0;
        std::uint64_t clear = 0;
    };
    std::map<SnpProduct, MinimumTcb> minimum_tcb = {};
    bool accept_vlek = false;
    std::vector<std::uint32_t> accepted_vmpls = {0};
    bool accept_migration_agent = false;
    Bits policy = {};
    Bits platform = {};
    std::vector<std::array<std::uint8_t, 64>> accepted_chips = {};  // empty: any
    std::optional<std::uint32_t> minimum_guest_svn = {};
};
// Error: malformed, naming the member. Unknown members are refused.
std::expected<SnpPolicy, Error> parse_snp_policy(std::string_view json);

// Certificates and CRLs as they come beside a report: VCEK or VLEK, and perhaps ASK or ASVK and ARK. They are DER, and nothing is checked.
struct SnpCertificates {
    std::vector<Bytes> certificates;
    std::vector<Bytes> crls;
};
// Of a table (decode_snp_table(); entries that are not known are passed over), of PEM with any text around it, of DER, one after the other, or
// of JSON with PEM in vcekCert and certificateChain, as Azure's hosts answer. This is what EvidencePart::auxiliary may be. Error: malformed; more than max_snp_certificates_size bytes or max_snp_certificates.
std::expected<SnpCertificates, Error> read_snp_certificates(ByteView file);
// As PEM, which read_snp_certificates() reads.
std::string write_snp_certificates(const SnpCertificates &certificates);
// Collateral of this kind: a JSON object of one member, "certificates", which is such a PEM text. What stands beside the report is
// read, too. Error: malformed.
std::string write_snp_collateral(const SnpCertificates &certificates);
std::expected<SnpCertificates, Error> parse_snp_collateral(std::string_view json);

}  // namespace mr
