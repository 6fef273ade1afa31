#include <algorithm>
#include <string>

#include "mr/tdreport.h"

namespace mr {

std::expected<ReportData, Error> report_data_from(ByteView nonce) {
    const auto refused = [](const std::string &why) {
        return std::unexpected(Error{ErrorCode::invalid_argument, "report data, which is to be a nonce: " + why});
    };
    if (nonce.size() < min_nonce_size || nonce.size() > report_data_size) {
        return refused("it has " + std::to_string(nonce.size()) + " bytes; give " + std::to_string(min_nonce_size) + " to " +
                       std::to_string(report_data_size));
    }
    if (std::ranges::all_of(nonce, [](std::uint8_t byte) { return byte == 0; }))
        return refused("all its bytes are zero, as they are for anybody who chose none");
    ReportData report_data{};
    std::ranges::copy(nonce, report_data.begin());
    return report_data;
}

}  // namespace mr
