// The attestation report of AMD SEV-SNP, and the table of certificates that a host gives beside it. In mr::verify.
//
// Sources: AMD 56860, "SEV Secure Nested Paging Firmware ABI Specification", ATTESTATION_REPORT; AMD 56421, "SEV-ES Guest-Hypervisor Communication Block
// Standardization", certificate data structure. Integers are little-endian, and so are r and s of the signature.
//
//   offset  size field
//    0x000     4 version (2, 3, 5; 4, which is in no published specification, is read as 3)
//    0x004     4 guest SVN; 0x008 8 policy; 0x010 16 family id; 0x020 16 image id; 0x030 4 VMPL; 0x034 4 signature algorithm (1: ECDSA P-384 with SHA-384)
//    0x038     8 current TCB; 0x040 8 platform info; 0x048 4 key info; 0x050 64 report data; 0x090 48 measurement; 0x0C0 32 host data
//    0x0E0    48 digest of the ID key; 0x110 48 of the author key; 0x140 32 report id; 0x160 32 report id of the migration agent (0xFF without one)
//    0x180     8 reported TCB; 0x188 3 family, model, stepping (from version 3 on); 0x1A0 64 chip id; 0x1E0 8 committed TCB
//    0x1E8     4 current build, minor, major; 0x1EC 4 committed build, minor, major; 0x1F0 8 launch TCB
//    0x1F8    16 launch and current mitigation vector (version 5)
//    0x2A0   144 signature over all before it: r 72, s 72; zeros to the end. The rest is reserved, zero
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"
#include "mr/named_bits.h"
#include "mr/tdreport.h"

namespace mr {

inline constexpr std::size_t snp_report_size = 1184;       // bytes
inline constexpr std::size_t snp_signed_size = 0x2A0;      // bytes of it, from the first on, that the signature is over
inline constexpr std::uint32_t snp_ecdsa_p384_sha384 = 1;  // signature algorithm
inline constexpr std::uint32_t max_snp_vmpl = 3;           // 0xFFFFFFFF: a report that the host asked for, for itself

// The processors whose firmware makes reports. It decides what the bytes of a TCB mean; the report's version does not.
enum class SnpProduct : std::uint8_t { milan, genoa, turin };
std::string_view to_string(SnpProduct product);                                     // "Milan", as certificates have it
std::optional<SnpProduct> snp_product_from(std::string_view name);                  // of "Milan" too, of "Milan-B0"
std::optional<SnpProduct> snp_product_of(std::uint8_t family, std::uint8_t model);  // of CPUID

// Security versions of what a guest's protection rests on.
struct SnpTcb {
    std::optional<std::uint8_t> fmc = {};  // of Turin alone
    std::uint8_t bootloader = 0;
    std::uint8_t tee = 0;
    std::uint8_t snp = 0;
    std::uint8_t microcode = 0;
    friend bool operator==(const SnpTcb &, const SnpTcb &) = default;

    // The first component that is below the other's, as "microcode 209 is below 217"; nothing: none is. Of a component that one of them lacks nothing is said.
    [[nodiscard]] std::optional<std::string> below(const SnpTcb &other) const;
};
std::string to_string(const SnpTcb &tcb);  // "bootloader 4, tee 0, snp 24, microcode 217"

using SnpTcbBytes = std::array<std::uint8_t, 8>;
SnpTcb snp_tcb_of(const SnpTcbBytes &bytes, SnpProduct product);
bool has_reserved_bytes(const SnpTcbBytes &bytes, SnpProduct product);  // that are not zero

struct SnpFirmwareVersion {
    std::uint8_t build = 0;
    std::uint8_t minor = 0;
    std::uint8_t major = 0;
    friend bool operator==(const SnpFirmwareVersion &, const SnpFirmwareVersion &) = default;
};
std::string to_string(const SnpFirmwareVersion &version);  // "1.55.29"

enum class SnpSigningKey : std::uint8_t { vcek = 0, vlek = 1, none = 7 };  // any other number is reserved

struct SnpReport {
    std::uint32_t version = 0;
    std::uint32_t guest_svn = 0;
    std::uint64_t policy = 0;
    std::array<std::uint8_t, 16> family_id{};
    std::array<std::uint8_t, 16> image_id{};
    std::uint32_t vmpl = 0;
    std::uint32_t signature_algorithm = 0;
    SnpTcbBytes current_tcb{};
    std::uint64_t platform_info = 0;
    std::uint32_t key_info = 0;
    ReportData report_data{};
    std::array<std::uint8_t, 48> measurement{};
    std::array<std::uint8_t, 32> host_data{};
    std::array<std::uint8_t, 48> id_key_digest{};
    std::array<std::uint8_t, 48> author_key_digest{};
    std::array<std::uint8_t, 32> report_id{};
    std::array<std::uint8_t, 32> report_id_ma{};
    SnpTcbBytes reported_tcb{};  // what the signing key is made for
    std::uint8_t family = 0;     // these of version 2: zero
    std::uint8_t model = 0;
    std::uint8_t stepping = 0;
    std::array<std::uint8_t, 64> chip_id{};  // on Turin 8 bytes, then zeros; masked: zeros
    SnpTcbBytes committed_tcb{};
    SnpFirmwareVersion current_version;
    SnpFirmwareVersion committed_version;
    SnpTcbBytes launch_tcb{};
    std::uint64_t launch_mitigations = 0;  // these before version 5: zero
    std::uint64_t current_mitigations = 0;
    ByteView signed_part;                       // into the report's bytes, which must outlive it
    ByteView signature;                         // r || s, 72 bytes each
    std::vector<std::string> nonzero_reserved;  // reserved bytes and bits that are not zero: "0x04c to 0x04f"; those of TCBs apart

    [[nodiscard]] std::optional<SnpProduct> product() const;  // by its CPUID; nothing: it has none, or another processor's
    [[nodiscard]] std::uint32_t signing_key() const { return key_info >> 2U & 7U; }
    [[nodiscard]] bool has_author_key() const { return (key_info & 1U) != 0; }
    [[nodiscard]] bool has_masked_key() const { return (key_info & 2U) != 0; }  // then nothing signs it
};

// Error: malformed, of another size; not_supported, of another version or signature algorithm than above. Checks no signature: an Appraiser does.
std::expected<SnpReport, Error> decode_snp_report(ByteView report);
// The signed part of such a report and zeros in the place of the signature: what decode_snp_report() takes apart, put together.
Bytes encode_snp_report(const SnpReport &report);

// What a bit of policy or platform info means when it is set; reference values have the same names.
std::span<const NamedBit> snp_policy_bits();
std::span<const NamedBit> snp_platform_bits();
inline constexpr unsigned snp_policy_migration_agent = 18;
inline constexpr unsigned snp_policy_debug = 19;

// ---- The certificates beside a report

inline constexpr std::size_t max_snp_certificates_size = std::size_t{64}
                                                         << 10;  // bytes of a table, or of a file of certificates; tables have 5 thousand
inline constexpr std::size_t max_snp_certificates = 16;          // in it, CRLs included

struct SnpTableEntry {
    std::string name;  // "VCEK", "VLEK", "ASK", "ARK", "CRL"; else the GUID
    std::size_t offset = 0;
    ByteView content;  // DER or PEM, into the table's bytes
};
// The table that the kernel gives as `auxblob`: entries of GUID (16 bytes, in the order of its text), offset u32 from the table's begin, and length u32; a zero entry
// ends it. What lies behind the contents is passed over. Error: malformed, naming the entry: it is outside of the table or within the entries, or a known one is there twice.
std::expected<std::vector<SnpTableEntry>, Error> decode_snp_table(ByteView table);
// Has it an entry of a kind that is known? Cheap. The entries have no order, and of other kinds there may be several.
bool is_snp_table(ByteView bytes);

}  // namespace mr
