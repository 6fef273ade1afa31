#include "mrd/providers/tdx/td_quote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mr/quote.h"
#include "mr/tdreport.h"
#include "mrd/providers/sim/report.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

class TdQuoteTest : public ::testing::Test {
protected:
    static mr::Bytes report(std::uint8_t nonce, std::uint8_t rtmr3) {
        mr::TdInfo td;
        td.rtmr[3].fill(rtmr3);
        mr::ReportData report_data;
        report_data.fill(nonce);
        const auto made = sim::ReportMaker::open(sim::ReportKey{}).value().make(td, report_data);
        return {made.begin(), made.end()};
    }
    static mr::Bytes quote_over(const mr::Bytes &tdreport, std::uint16_t version = 4, mr::QuoteBodyType type = mr::QuoteBodyType::td10) {
        const auto body = mr::quote_body_of(mr::decode_tdreport(tdreport).value());
        mr::QuoteHeader header;
        header.version = version;
        const auto signed_part = mr::encode_quote_signed_part(header, type, body);
        const mr::Bytes zero(mr::qe_report_size);
        const auto zeros = [&](std::size_t size) { return mr::ByteView(zero).first(size); };
        mr::Quote parts;
        parts.signed_part = signed_part;
        parts.signature = zeros(64);
        parts.attestation_key = zeros(64);
        parts.qe_report_bytes = zero;
        parts.qe_report_signature = zeros(64);
        parts.qe_authentication_data = zeros(32);
        parts.inner_certification_data = zeros(100);
        return mr::encode_quote(parts);
    }
    static std::string why(const mr::Bytes &quote, const mr::Bytes &tdreport) {
        const auto checked = check_td_quote(quote, tdreport);
        return checked ? std::string() : checked.error();
    }
};

TEST_F(TdQuoteTest, OneOverThisReportIsTakenInEachFormat) {
    const auto tdreport = report(1, 2);
    EXPECT_EQ(why(quote_over(tdreport), tdreport), "");
    EXPECT_EQ(why(quote_over(tdreport, 5), tdreport), "");
    EXPECT_EQ(why(quote_over(tdreport, 5, mr::QuoteBodyType::td15), tdreport), "");
}

TEST_F(TdQuoteTest, ItSaysItsFormatItsReportDataAndTheRegistersThatTheProviderHas) {
    std::vector<RegisterSpec> registers;
    for (const auto *name : {"mrtd", "rtmr3", "rtmr0", "rtmr10"}) registers.emplace_back().name = name;
    const auto tdreport = report(1, 2);
    const auto read = read_td_quote(quote_over(tdreport), registers);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->format, "tdx_v4");
    EXPECT_EQ(read->says.report_data, mr::Bytes(64, 1));
    ASSERT_EQ(read->says.registers.size(), 2U);
    EXPECT_EQ(read->says.registers[0].index, 2U);
    EXPECT_EQ(read->says.registers[0].value, mr::Digest(mr::Bytes(48, 0)));
    EXPECT_EQ(read->says.registers[1].index, 1U);
    EXPECT_EQ(read->says.registers[1].value, mr::Digest(mr::Bytes(48, 2)));
    EXPECT_EQ(read_td_quote(quote_over(tdreport, 5), {})->format, "tdx_v5_td10");
    EXPECT_EQ(read_td_quote(quote_over(tdreport, 5, mr::QuoteBodyType::td15), {})->format, "tdx_v5_td15");
    EXPECT_FALSE(read_td_quote(tdreport, registers));
}

TEST_F(TdQuoteTest, OneOverAnotherReportsDataIsRefused) {
    EXPECT_THAT(why(quote_over(report(1, 2)), report(2, 2)), HasSubstr("another report"));
}

TEST_F(TdQuoteTest, OneOverEarlierRegistersIsRefused) {
    EXPECT_THAT(why(quote_over(report(1, 2)), report(1, 3)), HasSubstr("does not say what its report says"));
    EXPECT_THAT(why(quote_over(report(1, 2), 5, mr::QuoteBodyType::td15), report(1, 3)), HasSubstr("does not say"));
}

TEST_F(TdQuoteTest, WhatIsNoQuoteIsRefused) {
    const auto tdreport = report(1, 2);
    EXPECT_THAT(why({}, tdreport), HasSubstr("not a quote"));
    EXPECT_THAT(why(tdreport, tdreport), HasSubstr("not a quote"));
    auto cut = quote_over(tdreport);
    cut.pop_back();
    EXPECT_THAT(why(cut, tdreport), HasSubstr("not a quote"));
}

}  // namespace
}  // namespace mrd
