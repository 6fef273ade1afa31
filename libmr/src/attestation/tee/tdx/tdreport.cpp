#include "mr/tdreport.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "libmr/src/attestation/tee/fields.h"
#include "libmr/src/attestation/tee/tdx/tdx.h"
#include "mr/digest.h"

namespace mr {
namespace {

using attestation::FieldNamer;
using attestation::FieldReader;
using attestation::FieldWriter;

template <typename Visitor, typename Report>
void visit_fields(Visitor &&at, Report &report) {
    at(0, "type", report.report_type);
    at(16, "cpusvn", report.cpu_svn);
    at(tdreport_tcb_info_hash_offset, "tee_tcb_info_hash", report.tee_tcb_info_hash);
    at(tdreport_td_info_hash_offset, "tee_info_hash", report.tee_info_hash);
    at(128, "report_data", report.report_data);
    at(tdreport_mac_offset, "mac", report.mac);

    auto &tcb = report.tcb_info;
    at(tdreport_tcb_info_offset + 0, "tcb_valid", tcb.valid);
    at(tdreport_tcb_info_offset + 8, "tee_tcb_svn", tcb.tee_tcb_svn);
    at(tdreport_tcb_info_offset + 24, "mr_seam", tcb.mr_seam);
    at(tdreport_tcb_info_offset + 72, "mr_signer_seam", tcb.mr_signer_seam);
    at(tdreport_tcb_info_offset + 120, "seam_attributes", tcb.attributes);
    at(tdreport_tcb_info_offset + 128, "tee_tcb_svn2", tcb.tee_tcb_svn2);

    auto &td = report.td_info;
    at(tdreport_td_info_offset + 0, "td_attributes", td.attributes);
    at(tdreport_td_info_offset + 8, "xfam", td.xfam);
    at(tdreport_td_info_offset + 16, "mr_td", td.mrtd);
    at(tdreport_td_info_offset + 64, "mr_config_id", td.mrconfigid);
    at(tdreport_td_info_offset + 112, "mr_owner", td.mrowner);
    at(tdreport_td_info_offset + 160, "mr_owner_config", td.mrownerconfig);
    for (std::size_t i = 0; i < td.rtmr.size(); ++i) at(tdreport_td_info_offset + 208 + 48 * i, tdx::rtmr_names.at(i), td.rtmr[i]);
    at(tdreport_td_info_offset + 400, "servtd_hash", td.servtd_hash);
}

std::expected<void, Error> check_length(ByteView report) {
    if (report.size() != tdreport_size) {
        return std::unexpected(Error{ErrorCode::malformed, "a TDREPORT has 1024 bytes, this has " + std::to_string(report.size()) +
                                                               ": pass the whole report and nothing else"});
    }
    return {};
}

}  // namespace

std::expected<TdReport, Error> decode_tdreport(ByteView report) {
    if (auto length = check_length(report); !length) {
        return std::unexpected(std::move(length.error()));
    }
    if (report[0] != tdreport_type_tdx) {
        return std::unexpected(Error{ErrorCode::malformed, "the first byte of a TDREPORT is its type 0x81, this has 0x" +
                                                               to_hex(report.first(1)) + ": pass a report of a TD"});
    }
    TdReport decoded;
    visit_fields(FieldReader{report}, decoded);
    return decoded;
}

std::array<std::uint8_t, tdreport_size> encode_tdreport(const TdReport &report) {
    std::array<std::uint8_t, tdreport_size> bytes{};
    visit_fields(FieldWriter{bytes}, report);
    return bytes;
}

std::vector<NamedField> fields_of(const TdReport &report) {
    std::vector<NamedField> fields;
    visit_fields(FieldNamer{fields}, report);
    return fields;
}

std::expected<TdReportHashes, Error> check_tdreport_hashes(ByteView report) {
    if (auto length = check_length(report); !length) {
        return std::unexpected(std::move(length.error()));
    }
    auto hasher = Hasher::open(HashAlgorithm::sha384);
    if (!hasher) {
        return std::unexpected(std::move(hasher.error()));
    }
    const auto holds = [&](std::size_t hash_at, std::size_t from, std::size_t size) {
        return std::ranges::equal(hasher->hash(report.subspan(from, size)).bytes(), report.subspan(hash_at, 48));
    };
    return TdReportHashes{.tcb_info_matches = holds(tdreport_tcb_info_hash_offset, tdreport_tcb_info_offset, tdreport_tcb_info_size),
                          .td_info_matches = holds(tdreport_td_info_hash_offset, tdreport_td_info_offset, tdreport_td_info_size)};
}

}  // namespace mr
