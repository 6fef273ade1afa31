#include "mr/tdreport.h"

#include <algorithm>
#include <ranges>
#include <string>

#include "mr/digest.h"

namespace mr {
namespace {

constexpr std::size_t tcb_info_offset = 256;
constexpr std::size_t tcb_info_size = 239;
constexpr std::size_t td_info_offset = 512;
constexpr std::size_t td_info_size = 512;

// The one list of fields and offsets, walked by the reader and the writer, so that the two cannot disagree.
template <typename Walker, typename Report>
void walk(Walker &&at, Report &report) {
    at(0, report.report_type);
    at(16, report.cpu_svn);
    at(32, report.tee_tcb_info_hash);
    at(80, report.tee_info_hash);
    at(128, report.report_data);
    at(tdreport_mac_offset, report.mac);

    auto &tcb = report.tcb_info;
    at(tcb_info_offset + 0, tcb.valid);
    at(tcb_info_offset + 8, tcb.tee_tcb_svn);
    at(tcb_info_offset + 24, tcb.mr_seam);
    at(tcb_info_offset + 72, tcb.mr_signer_seam);
    at(tcb_info_offset + 120, tcb.attributes);
    at(tcb_info_offset + 128, tcb.tee_tcb_svn2);

    auto &td = report.td_info;
    at(td_info_offset + 0, td.attributes);
    at(td_info_offset + 8, td.xfam);
    at(td_info_offset + 16, td.mrtd);
    at(td_info_offset + 64, td.mrconfigid);
    at(td_info_offset + 112, td.mrowner);
    at(td_info_offset + 160, td.mrownerconfig);
    for (std::size_t i = 0; i < td.rtmr.size(); ++i) {
        at(td_info_offset + 208 + 48 * i, td.rtmr[i]);
    }
    at(td_info_offset + 400, td.servtd_hash);
}

struct Reader {
    ByteView from;

    template <std::size_t size>
    void operator()(std::size_t offset, std::array<std::uint8_t, size> &field) const {
        std::ranges::copy(from.subspan(offset, size), field.begin());
    }
    void operator()(std::size_t offset, std::uint64_t &field) const {
        field = 0;
        for (const std::uint8_t byte : std::views::reverse(from.subspan(offset, 8))) {
            field = field << 8 | byte;
        }
    }
};

struct Writer {
    std::span<std::uint8_t> to;

    template <std::size_t size>
    void operator()(std::size_t offset, const std::array<std::uint8_t, size> &field) const {
        std::ranges::copy(field, to.subspan(offset, size).begin());
    }
    void operator()(std::size_t offset, std::uint64_t field) const {
        for (std::uint8_t &byte : to.subspan(offset, 8)) {
            byte = static_cast<std::uint8_t>(field);
            field >>= 8;
        }
    }
};

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
    walk(Reader{report}, decoded);
    return decoded;
}

std::array<std::uint8_t, tdreport_size> encode_tdreport(const TdReport &report) {
    std::array<std::uint8_t, tdreport_size> bytes{};
    walk(Writer{bytes}, report);
    return bytes;
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
    return TdReportHashes{.tcb_info_matches = holds(32, tcb_info_offset, tcb_info_size),
                          .td_info_matches = holds(80, td_info_offset, td_info_size)};
}

}  // namespace mr
