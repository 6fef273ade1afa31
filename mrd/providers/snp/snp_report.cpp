#include "mrd/providers/snp/snp_report.h"

#include <algorithm>

namespace mrd {
namespace {

constexpr std::uint32_t least_version = 2;
constexpr std::size_t vmpl_offset = 0x30;
constexpr std::size_t report_data_offset = 0x50;
constexpr std::uint32_t max_vmpl = 3;  // 0xFFFFFFFF: the host's own, over no data of a guest

std::uint32_t number_at(mr::ByteView report, std::size_t offset) {
    std::uint32_t number = 0;
    for (std::size_t i = 4; i > 0; --i) number = number << 8U | report[offset + i - 1];
    return number;
}

}  // namespace

std::expected<SnpReport, std::string> read_snp_report(mr::ByteView report) {
    if (report.size() != snp_report_size)
        return std::unexpected("a report of SEV-SNP has 1184 bytes, this has " + std::to_string(report.size()));
    if (const auto version = number_at(report, 0); version < least_version)
        return std::unexpected("this is no version of a report of SEV-SNP: " + std::to_string(version));
    SnpReport read{.vmpl = number_at(report, vmpl_offset)};
    if (read.vmpl > max_vmpl) return std::unexpected("the report is for no guest: its VMPL is " + std::to_string(read.vmpl));
    std::ranges::copy(report.subspan(report_data_offset, read.report_data.size()), read.report_data.begin());
    return read;
}

}  // namespace mrd
