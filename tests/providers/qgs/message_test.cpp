// The messages of a quote generation service: what it is asked, what it answers, and what is neither.
#include "mrd/providers/qgs/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mr/tdreport.h"
#include "tests/providers/qgs/frames.h"

namespace mrd::qgs {
namespace {

using Answer = QuoteAnswer;
using ::testing::HasSubstr;

mr::Bytes tdreport(std::uint8_t fill = 0xAB) {
    mr::Bytes report(mr::tdreport_size, fill);
    report[0] = mr::tdreport_type_tdx;
    return report;
}
bool is(mr::ByteView view, mr::ByteView expected) { return std::ranges::equal(view, expected); }

// ---- Who asks

TEST(QgsMessage, ARequestIsTheReportInHeaderAndFrame) {
    const mr::Bytes report(mr::tdreport_size, 0xAB);
    const auto request = quote_request(report);
    ASSERT_EQ(request.size(), 1052U);
    EXPECT_EQ(mr::to_hex(mr::ByteView(request).first(28)),
              "00000418"    // 1048, big-endian
              "01000100"    // version 1.1
              "00000000"    // GET_QUOTE_REQ
              "18040000"    // 1048
              "00000000"    // no error
              "00040000"    // 1024 bytes of report
              "00000000");  // no ids
    EXPECT_TRUE(std::ranges::equal(mr::ByteView(request).subspan(28), report));
}

TEST(QgsMessage, AnAnswerIsItsQuoteWhateverTheIdBeforeIt) {
    const mr::Bytes quote{1, 2, 3};
    EXPECT_EQ(read_quote_answer(Answer{.quote = quote}.message()).value(), quote);
    EXPECT_EQ(read_quote_answer(Answer{.id = mr::Bytes(16, 9), .quote = quote}.message()).value(), quote);
}

TEST(QgsMessage, AnAnswerWithAnyFieldWrongIsNone) {
    const mr::Bytes quote{1, 2, 3};
    const std::vector<std::pair<Answer, std::string>> wrong = {
        {{.major = 2, .quote = quote}, "version 2"},
        {{.type = 0, .quote = quote}, "type 0"},
        {{.size_off_by = 1, .quote = quote}, "says that it has 28"},
        {{.quote_size_off_by = 1, .quote = quote}, "do not fill"},
        {{.quote_size_off_by = 0xFFFFFFFF, .quote = quote}, "do not fill"},
        {{.id = mr::Bytes(max_id_size + 1), .quote = quote}, "do not fill"},
        {{}, "empty"},
    };
    for (const auto &[answer, reason] : wrong) {
        const auto read = read_quote_answer(answer.message());
        ASSERT_FALSE(read) << reason;
        EXPECT_FALSE(read.error().refused);
        EXPECT_THAT(read.error().reason, HasSubstr(reason));
    }
    const auto whole = Answer{.quote = quote}.message();
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_quote_answer(mr::ByteView(whole).first(size))) << size;
}

TEST(QgsMessage, AnErrorIsARefusalWithItsCode) {
    const auto read = read_quote_answer(Answer{.error = 0x12001}.message());
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().refused);
    EXPECT_THAT(read.error().reason, HasSubstr("0x00012001 (unexpected"));
    EXPECT_THAT(read_quote_answer(Answer{.error = 7}.message()).error().reason, HasSubstr("0x00000007"));
}

TEST(QgsMessage, AFrameHasTheSizeOfAnAnswerOrIsRefused) {
    EXPECT_EQ(answer_size(mr::Bytes{0, 0, 0, 24}).value(), 24U);
    EXPECT_EQ(answer_size(mr::Bytes{0, 1, 2, 3}).value(), 0x010203U);
    EXPECT_FALSE(answer_size(mr::Bytes{0, 0, 0, 23}));
    EXPECT_FALSE(answer_size(mr::Bytes{0xFF, 0xFF, 0xFF, 0xFF}));
    EXPECT_THAT(answer_size(mr::Bytes{0x16, 3, 1, 0}).error(), HasSubstr("369295616"));  // TLS
}

// ---- Who answers

// Of one that is whole.
template <class Kind>
Kind read_as(const mr::Bytes &received) {
    const auto read = read_request(received);
    if (!read || !*read || !std::holds_alternative<Kind>(**read)) throw std::runtime_error("it is read as something else");
    return std::get<Kind>(**read);
}
std::string why_wrong(const mr::Bytes &received) { return read_as<WrongRequest>(received).reason; }

TEST(QgsRequest, OfAQuoteHasItsReportWhateverIdsAreBehindIt) {
    const auto report = tdreport();
    for (const auto &ids : {mr::Bytes(), mr::Bytes(16, 1), mr::Bytes(32, 2)}) {
        const auto frame = quote_message(report, ids).bytes();
        EXPECT_TRUE(is(read_as<QuoteRequest>(frame).report, report));
    }
    // As our own client writes it.
    const auto own = quote_request(report);
    EXPECT_EQ(own, quote_message(report).bytes());
}

TEST(QgsRequest, OfCollateralHasTheFmspcTheCaAndTheClientsMinorVersion) {
    auto message = collateral_message("mrdsim", "platform");
    for (const std::uint16_t minor : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{7}}) {
        message.minor = minor;
        const auto frame = message.bytes();
        const auto request = read_as<CollateralRequest>(frame);
        EXPECT_TRUE(is(request.fmspc, mr::as_bytes("mrdsim")));
        EXPECT_TRUE(is(request.pck_ca, mr::as_bytes("platform")));
        EXPECT_EQ(request.minor, minor);
    }
}

TEST(QgsRequest, OfThePlatformIsAHeader) { EXPECT_NO_THROW(read_as<PlatformRequest>(platform_message().bytes())); }

TEST(QgsRequest, ATdreportWithoutAFrameIsOne) {
    const auto report = tdreport();
    EXPECT_TRUE(is(read_as<BareRequest>(report).report, report));
}

TEST(QgsRequest, CutAtAnyByteGoesOnAndWhatIsBehindIsPassedOver) {
    const std::vector<mr::Bytes> whole = {quote_message(tdreport()).bytes(), quote_message(tdreport(), mr::Bytes(16)).bytes(),
                                          collateral_message("mrdsim", "platform").bytes(), platform_message().bytes(), tdreport()};
    for (const auto &request : whole) {
        for (std::size_t size = 0; size < request.size(); ++size) {
            const auto read = read_request(mr::ByteView(request).first(size));
            ASSERT_TRUE(read) << size << ": " << read.error();
            EXPECT_FALSE(*read) << size;
        }
        auto two = request;
        append(two, request);
        const auto read = read_request(two);
        ASSERT_TRUE(read && *read);
        EXPECT_EQ((*read)->index(), read_request(request)->value().index());
    }
}

TEST(QgsRequest, WhatIsWrongInOneOfAKnownTypeIsNamed) {
    const auto report = tdreport();
    const std::vector<std::pair<Message, std::string>> wrong = {
        {{.type = 0, .error = 7, .body = two_parts(report, {})}, "error code 0x00000007"},
        {{.type = 2, .error = 0x12001, .body = two_parts(report, report)}, "error code 0x00012001"},
        {{.type = 4, .error = 1}, "error code"},
        {{.type = 0}, "no sizes"},
        {{.type = 0, .body = mr::Bytes(7)}, "no sizes"},
        {{.type = 2, .body = mr::Bytes(7)}, "no sizes"},
        {quote_message({}), "report is empty"},
        {quote_message({}, report), "report is empty"},
        {{.type = 0, .body = two_parts(report, {}, 1023)}, "do not fill"},
        {{.type = 0, .body = two_parts(report, {}, 1025)}, "do not fill"},
        {{.type = 0, .body = two_parts(report, {}, 1024, 16)}, "do not fill"},
        // 32 bits would come to the right sum.
        {{.type = 0, .body = two_parts(report, {}, 0xFFFFFFFF, 1025)}, "do not fill"},
        {{.type = 2, .body = two_parts(report, {}, 0xFFFFFFFF, 0xFFFFFFFF)}, "do not fill"},
        {collateral_message("", "platform"), "empty"},
        {collateral_message("mrdsim", ""), "empty"},
        {{.type = 4, .body = {0}}, "17 bytes"},
    };
    for (const auto &[message, reason] : wrong) {
        const auto frame = message.bytes();
        EXPECT_THAT(why_wrong(frame), HasSubstr(reason));
        EXPECT_EQ(static_cast<std::uint32_t>(read_as<WrongRequest>(frame).type), message.type);
    }
}

TEST(QgsRequest, WhatHasNoAnswerIsToldAsSoonAsItIsCertain) {
    const auto report = tdreport();
    const std::vector<std::pair<mr::Bytes, std::string>> none = {
        {Message{.frame = 15}.bytes(), "16 to 4092"},
        {Message{.frame = 4093}.bytes(), "which is 4093"},
        {{0xFF, 0xFF, 0xFF, 0xFF}, "4294967295"},
        {{0x16, 3, 1, 0}, "neither a TDREPORT nor a frame"},  // TLS
        {{'G', 'E', 'T', ' '}, "neither"},
        {Message{.major = 0, .body = two_parts(report, {})}.bytes(), "version 0"},
        {Message{.major = 2, .body = two_parts(report, {})}.bytes(), "version 2"},
        {Message{.body = two_parts(report, {}), .size = 1049}.bytes(), "1049 bytes, and its frame 1048"},
        {Message{.body = two_parts(report, {}), .frame = 1049}.bytes(), "1048 bytes, and its frame 1049"},
        {Message{.type = 1, .body = two_parts(report, {})}.bytes(), "type 1"},
        {Message{.type = 3}.bytes(), "type 3"},
        {Message{.type = 5}.bytes(), "type 5"},
        {Message{.type = 6}.bytes(), "type 6"},
        {Message{.type = 0xFFFFFFFE}.bytes(), "type 4294967294"},
    };
    for (const auto &[bytes, reason] : none) {
        const auto read = read_request(bytes);
        ASSERT_FALSE(read) << reason;
        EXPECT_THAT(read.error(), HasSubstr(reason));
        // The header is enough.
        const auto head = mr::ByteView(bytes).first(std::min<std::size_t>(bytes.size(), 20));
        EXPECT_FALSE(read_request(head)) << reason;
    }
}

TEST(QgsRequest, TheLargestIsRead) {
    const auto largest = quote_message(tdreport(), mr::Bytes(max_request - 28 - mr::tdreport_size)).bytes();
    ASSERT_EQ(largest.size(), max_request);
    EXPECT_NO_THROW(read_as<QuoteRequest>(largest));
}

// QEMU takes version 1.1 alone, no id, and a quote that fills the message.
TEST(QgsMessage, AnAnswerWithAQuoteIsAsQemuWantsIt) {
    const mr::Bytes quote{1, 2, 3};
    EXPECT_EQ(quote_answer(quote), QuoteAnswer{.quote = quote}.framed());
    EXPECT_EQ(mr::to_hex(quote_answer(quote)),
              "0000001b"
              "01000100010000001b00000000000000"
              "0000000003000000010203");
    const auto read = read_quote_answer(mr::ByteView(quote_answer(quote)).subspan(4));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, quote);
}

TEST(QgsMessage, CollateralIsItsVersionItsSizesAndItsPartsAndOfAnOldClientFourBytesMore) {
    const CollateralParts collateral{.parts = {"a", "bb", "c", "d", "eee", "f", "g"}};
    const std::string body =
        "03000100"
        "01000000020000000100000001000000030000000100000001000000"
        "61"
        "6262"
        "63"
        "64"
        "656565"
        "66"
        "67";
    EXPECT_EQ(mr::to_hex(collateral_answer(collateral, 1)),
              "0000003a"
              "01000100030000003a00000000000000" +
                  body);
    EXPECT_EQ(mr::to_hex(collateral_answer(collateral, 0)),
              "0000003e"
              "01000100030000003e00000000000000" +
                  body + "00000000");
}

TEST(QgsMessage, ThePlatformIsItsVersionsItsIdAndItsCpusvnAndFourBytes) {
    Platform platform{.tdqe_isv_svn = 4, .pce_isv_svn = 0x0102};
    platform.id.fill(0xAA);
    platform.cpu_svn.fill(0xBB);
    const std::string body =
        "04000201"
        "10000000"
        "10000000" +
        std::string(32, 'a') + std::string(32, 'b') + "00000000";
    EXPECT_EQ(mr::to_hex(platform_answer(platform)),
              "00000040"
              "01000100050000004000000000000000" +
                  body);
}

TEST(QgsMessage, AnErrorIsTheWholeAnswerOfItsTypeWithSizesOfZero) {
    const std::vector<std::pair<RequestType, std::string>> errors = {
        {RequestType::quote,
         "00000018"
         "01000100010000001800000001200100" +
             std::string(16, '0')},
        {RequestType::collateral,
         "00000030"
         "01000100030000003000000001200100" +
             std::string(64, '0')},
        {RequestType::platform,
         "0000001c"
         "01000100050000001c00000001200100" +
             std::string(24, '0')},
    };
    for (const auto &[type, bytes] : errors) EXPECT_EQ(mr::to_hex(error_answer(type)), bytes);
    const auto read = read_quote_answer(mr::ByteView(error_answer(RequestType::quote)).subspan(4));
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().refused);
}

}  // namespace
}  // namespace mrd::qgs
