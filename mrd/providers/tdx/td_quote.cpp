#include "mrd/providers/tdx/td_quote.h"

#include <algorithm>

#include "mr/quote.h"
#include "mr/tdreport.h"

namespace mrd {

namespace {

std::expected<mr::Quote, std::string> decode(mr::ByteView quote) {
    auto decoded = mr::decode_quote(quote);
    if (!decoded) return std::unexpected("what the quoting service gives is not a quote: " + decoded.error().message);
    return std::move(*decoded);
}

std::string_view format_of(const mr::Quote &quote) {
    if (quote.header.version == 4) return "tdx_v4";
    return quote.body_type == mr::QuoteBodyType::td10 ? "tdx_v5_td10" : "tdx_v5_td15";
}

}  // namespace

std::expected<TdQuote, std::string> read_td_quote(mr::ByteView quote, const std::vector<RegisterSpec> &registers) {
    const auto decoded = decode(quote);
    if (!decoded) return std::unexpected(decoded.error());
    const auto &body = decoded->body;
    TdQuote read{std::string(format_of(*decoded)), {{body.report_data.begin(), body.report_data.end()}, {}}};
    for (std::size_t i = 0; i < body.rtmr.size(); ++i) {
        const auto found = std::ranges::find(registers, "rtmr" + std::to_string(i), &RegisterSpec::name);
        if (found == registers.end()) continue;
        read.says.registers.push_back({static_cast<RegisterIndex>(found - registers.begin()), mr::Digest(body.rtmr.at(i))});
    }
    return read;
}

std::expected<void, std::string> check_td_quote(mr::ByteView quote, mr::ByteView tdreport) {
    const auto report = mr::decode_tdreport(tdreport);
    if (!report) return std::unexpected(report.error().message);
    const auto decoded = decode(quote);
    if (!decoded) return std::unexpected(decoded.error());
    if (decoded->body.report_data != report->report_data) return std::unexpected("the quote is over another report's data");
    const auto expected = mr::encode_quote_signed_part(decoded->header, decoded->body_type, mr::quote_body_of(*report));
    if (!std::ranges::equal(decoded->signed_part, expected)) return std::unexpected("the quote does not say what its report says");
    return {};
}

}  // namespace mrd
