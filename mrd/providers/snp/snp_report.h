// What a report of SEV-SNP says, as far as who asked for it has to know: of any version, also of one that no verifier here knows yet (mr/snp_report.h), for its hardware
// is there and signs.
//
// Source: AMD 56860, "SEV Secure Nested Paging Firmware ABI Specification", ATTESTATION_REPORT; numbers are little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>

#include "mr/bytes.h"

namespace mrd {

struct SnpReport {
    std::uint32_t vmpl = 0;  // whom it is for: 0 to 3
    std::array<std::uint8_t, 64> report_data{};
};

// Error: why it is no report, one sentence.
std::expected<SnpReport, std::string> read_snp_report(mr::ByteView report);

}  // namespace mrd
