#include "mr/snp_report.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "libmr/src/attestation/tee/fields.h"

namespace mr {
namespace {

using attestation::FieldReader;
using attestation::FieldWriter;

constexpr std::array product_names = {std::pair{SnpProduct::milan, std::string_view("Milan")},
                                      std::pair{SnpProduct::genoa, std::string_view("Genoa")},
                                      std::pair{SnpProduct::turin, std::string_view("Turin")}};

template <typename Visitor, typename Report>
void visit_report(Visitor &&at, Report &report) {
    at(0x000, "version", report.version);
    at(0x004, "guest_svn", report.guest_svn);
    at(0x008, "policy", report.policy);
    at(0x010, "family_id", report.family_id);
    at(0x020, "image_id", report.image_id);
    at(0x030, "vmpl", report.vmpl);
    at(0x034, "signature_algorithm", report.signature_algorithm);
    at(0x038, "current_tcb", report.current_tcb);
    at(0x040, "platform_info", report.platform_info);
    at(0x048, "key_info", report.key_info);
    at(0x050, "report_data", report.report_data);
    at(0x090, "measurement", report.measurement);
    at(0x0C0, "host_data", report.host_data);
    at(0x0E0, "id_key_digest", report.id_key_digest);
    at(0x110, "author_key_digest", report.author_key_digest);
    at(0x140, "report_id", report.report_id);
    at(0x160, "report_id_ma", report.report_id_ma);
    at(0x180, "reported_tcb", report.reported_tcb);
    at(0x188, "family", report.family);
    at(0x189, "model", report.model);
    at(0x18A, "stepping", report.stepping);
    at(0x1A0, "chip_id", report.chip_id);
    at(0x1E0, "committed_tcb", report.committed_tcb);
    at(0x1E8, "current_build", report.current_version.build);
    at(0x1E9, "current_minor", report.current_version.minor);
    at(0x1EA, "current_major", report.current_version.major);
    at(0x1EC, "committed_build", report.committed_version.build);
    at(0x1ED, "committed_minor", report.committed_version.minor);
    at(0x1EE, "committed_major", report.committed_version.major);
    at(0x1F0, "launch_tcb", report.launch_tcb);
    at(0x1F8, "launch_mit_vector", report.launch_mitigations);
    at(0x200, "current_mit_vector", report.current_mitigations);
}

struct Range {
    std::size_t begin;
    std::size_t end;
    std::uint32_t until_version = ~0U;  // reserved in versions below this one
};
constexpr std::size_t number_size = 72;  // of r and of s; the upper 24 are zero
constexpr std::array reserved_ranges = {
    Range{0x04C, 0x050}, Range{0x188, 0x18B, 3}, Range{0x18B, 0x1A0},           Range{0x1EB, 0x1EC},
    Range{0x1EF, 0x1F0}, Range{0x1F8, 0x208, 5}, Range{0x208, snp_signed_size}, Range{snp_signed_size + 2 * number_size, snp_report_size}};
constexpr unsigned key_info_bits = 5;

std::vector<std::string> nonzero_reserved_of(ByteView bytes, const SnpReport &report) {
    std::vector<std::string> found;
    for (const auto &range : reserved_ranges) {
        const auto part = bytes.subspan(range.begin, range.end - range.begin);
        if (report.version >= range.until_version || std::ranges::all_of(part, [](std::uint8_t byte) { return byte == 0; })) continue;
        std::array<char, 32> text{};
        (void)std::snprintf(text.data(), text.size(), "0x%03zx to 0x%03zx", range.begin, range.end - 1);
        found.emplace_back(text.data());
    }
    if (report.key_info >> key_info_bits != 0) found.emplace_back("key_info from bit 5 on");
    return found;
}

constexpr std::array policy_bits = {NamedBit{16, "smt"},
                                    NamedBit{17, "must_be_one"},
                                    NamedBit{snp_policy_migration_agent, "migration_agent"},
                                    NamedBit{snp_policy_debug, "debug"},
                                    NamedBit{20, "single_socket"},
                                    NamedBit{21, "cxl"},
                                    NamedBit{22, "aes_256_xts"},
                                    NamedBit{23, "rapl_off"},
                                    NamedBit{24, "ciphertext_hiding"},
                                    NamedBit{25, "page_swap_off"}};
constexpr std::array platform_bits = {NamedBit{0, "smt"},
                                      NamedBit{1, "tsme"},
                                      NamedBit{2, "ecc"},
                                      NamedBit{3, "rapl_off"},
                                      NamedBit{4, "ciphertext_hiding"},
                                      NamedBit{5, "alias_check_complete"},
                                      NamedBit{6, "iommu_write_safe"},
                                      NamedBit{7, "sev_tio"}};

struct Component {
    std::string_view name;
    std::uint8_t SnpTcb::*value;
};
constexpr std::array components = {Component{"bootloader", &SnpTcb::bootloader}, Component{"tee", &SnpTcb::tee},
                                   Component{"snp", &SnpTcb::snp}, Component{"microcode", &SnpTcb::microcode}};

}  // namespace

std::string_view to_string(SnpProduct product) {
    return std::ranges::find(product_names, product, [](const auto &each) { return each.first; })->second;
}

std::optional<SnpProduct> snp_product_from(std::string_view name) {
    const auto known = name.substr(0, name.find('-'));
    for (const auto &[product, each] : product_names) {
        if (each == known) return product;
    }
    return std::nullopt;
}

std::optional<SnpProduct> snp_product_of(std::uint8_t family, std::uint8_t model) {
    constexpr std::uint8_t zen3_and_4 = 0x19;
    constexpr std::uint8_t zen5 = 0x1A;
    if (family == zen3_and_4 && model <= 0x0F) return SnpProduct::milan;
    if (family == zen3_and_4 && ((model >= 0x10 && model <= 0x1F) || (model >= 0xA0 && model <= 0xAF))) return SnpProduct::genoa;
    if (family == zen5 && model <= 0x11) return SnpProduct::turin;
    return std::nullopt;
}

std::optional<std::string> SnpTcb::below(const SnpTcb &other) const {
    const auto text = [](std::string_view name, std::uint8_t own, std::uint8_t others) {
        return std::string(name) + " " + std::to_string(own) + " is below " + std::to_string(others);
    };
    if (fmc && other.fmc && *fmc < *other.fmc) return text("fmc", *fmc, *other.fmc);
    for (const auto &each : components) {
        if (this->*each.value < other.*each.value) return text(each.name, this->*each.value, other.*each.value);
    }
    return std::nullopt;
}

std::string to_string(const SnpTcb &tcb) {
    std::string text = tcb.fmc ? "fmc " + std::to_string(*tcb.fmc) : std::string();
    for (const auto &each : components)
        text.append(text.empty() ? "" : ", ").append(each.name).append(" ").append(std::to_string(tcb.*each.value));
    return text;
}

SnpTcb snp_tcb_of(const SnpTcbBytes &bytes, SnpProduct product) {
    if (product == SnpProduct::turin)
        return {.fmc = bytes[0], .bootloader = bytes[1], .tee = bytes[2], .snp = bytes[3], .microcode = bytes[7]};
    return {.bootloader = bytes[0], .tee = bytes[1], .snp = bytes[6], .microcode = bytes[7]};
}

bool has_reserved_bytes(const SnpTcbBytes &bytes, SnpProduct product) {
    const auto reserved = product == SnpProduct::turin ? std::span(bytes).subspan(4, 3) : std::span(bytes).subspan(2, 4);
    return std::ranges::any_of(reserved, [](std::uint8_t byte) { return byte != 0; });
}

std::string to_string(const SnpFirmwareVersion &version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.build);
}

std::optional<SnpProduct> SnpReport::product() const {
    constexpr std::uint32_t has_cpuid = 3;
    return version < has_cpuid ? std::nullopt : snp_product_of(family, model);
}

std::expected<SnpReport, Error> decode_snp_report(ByteView report) {
    const auto refuse = [](ErrorCode code, std::string message) { return std::unexpected(Error{code, std::move(message)}); };
    if (report.size() != snp_report_size)
        return refuse(ErrorCode::malformed,
                      "a report of SEV-SNP has " + std::to_string(snp_report_size) + " bytes, this has " + std::to_string(report.size()));
    SnpReport read;
    visit_report(FieldReader{report}, read);
    if (read.version < 2 || read.version > 5)
        return refuse(ErrorCode::not_supported,
                      "the report's version is " + std::to_string(read.version) + ": this library knows 2 to 5 of SEV-SNP");
    if (read.signature_algorithm != snp_ecdsa_p384_sha384)
        return refuse(ErrorCode::not_supported, "the report's signature algorithm is " + std::to_string(read.signature_algorithm) +
                                                    ": this library knows 1, ECDSA P-384 with SHA-384");
    read.signed_part = report.first(snp_signed_size);
    read.signature = report.subspan(snp_signed_size, 2 * number_size);
    read.nonzero_reserved = nonzero_reserved_of(report, read);
    return read;
}

Bytes encode_snp_report(const SnpReport &report) {
    Bytes bytes(snp_report_size);
    visit_report(FieldWriter{bytes}, report);
    return bytes;
}

std::span<const NamedBit> snp_policy_bits() { return policy_bits; }
std::span<const NamedBit> snp_platform_bits() { return platform_bits; }

}  // namespace mr
