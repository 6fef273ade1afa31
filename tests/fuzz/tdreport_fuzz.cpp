// Any bytes as a TDREPORT: what decodes has a kilobyte, its fields are written again in their places, and the hashes hold only over what they cover.
#include "mr/tdreport.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    const auto report = mr::decode_tdreport(bytes);
    const auto hashes = mr::check_tdreport_hashes(bytes);
    require(hashes.has_value() == (size == mr::tdreport_size));
    if (!report) return 0;
    require(size == mr::tdreport_size && bytes[0] == mr::tdreport_type_tdx);
    // Reserved bytes are written as zero: a second round changes nothing.
    const auto written = mr::encode_tdreport(*report);
    const auto again = mr::decode_tdreport(written);
    require(again && mr::encode_tdreport(*again) == written);
    require(std::ranges::equal(again->report_data, report->report_data) && again->td_info.rtmr == report->td_info.rtmr);
    if (hashes->td_info_matches) {
        mr::Bytes changed(bytes.begin(), bytes.end());
        changed.back() ^= 1;
        require(!mr::check_tdreport_hashes(changed)->td_info_matches);
    }
    return 0;
}
