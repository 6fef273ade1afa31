#include "mrd/providers/snp/snp_report.h"

#include <algorithm>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/snp_report.h"

namespace mrd {
namespace {

constexpr std::uint32_t least_version = 2;
constexpr std::size_t vmpl_offset = 0x30;
constexpr std::size_t report_data_offset = 0x50;

std::uint32_t number_at(mr::ByteView report, std::size_t offset) {
    return mr::event_log::little_endian<std::uint32_t>(report.subspan(offset, sizeof(std::uint32_t)));
}

}  // namespace

std::expected<SnpReport, std::string> read_snp_report(mr::ByteView report) {
    if (report.size() != mr::snp_report_size)
        return std::unexpected("a report of SEV-SNP has 1184 bytes, this has " + std::to_string(report.size()));
    if (const auto version = number_at(report, 0); version < least_version)
        return std::unexpected("this is no version of a report of SEV-SNP: " + std::to_string(version));
    SnpReport read{.vmpl = number_at(report, vmpl_offset)};
    if (read.vmpl > mr::max_snp_vmpl) return std::unexpected("the report is for no guest: its VMPL is " + std::to_string(read.vmpl));
    std::ranges::copy(report.subspan(report_data_offset, read.report_data.size()), read.report_data.begin());
    return read;
}

}  // namespace mrd
