// Quotes taken apart and put together.
#include "mr/quote.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/tee/tdx/test_platform.h"

namespace mr {
namespace {

using ::testing::HasSubstr;

Bytes copy(ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); }

std::string le(std::uint64_t value, std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(value >> 8 * i);
    return to_hex(bytes);
}

// What a quote says, by the names of the samples' descriptions.
nlohmann::json described(const Quote &quote, std::size_t total) {
    const auto &body = quote.body;
    nlohmann::json json = {
        {"version", quote.header.version},
        {"att_key_type", quote.header.attestation_key_type},
        {"tee_type", quote.header.tee_type == 0x81 ? "0x81" : "another"},
        {"qe_svn", quote.header.qe_svn},
        {"pce_svn", quote.header.pce_svn},
        {"qe_vendor_id", to_hex(quote.header.qe_vendor_id)},
        {"user_data", to_hex(quote.header.user_data)},
        {"tee_tcb_svn", to_hex(body.tee_tcb_svn)},
        {"mr_seam", to_hex(body.mr_seam)},
        {"mr_signer_seam", to_hex(body.mr_signer_seam)},
        {"seam_attributes", le(body.seam_attributes, 8)},
        {"td_attributes", le(body.td_attributes, 8)},
        {"xfam", le(body.xfam, 8)},
        {"mr_td", to_hex(body.mrtd)},
        {"mr_config_id", to_hex(body.mrconfigid)},
        {"mr_owner", to_hex(body.mrowner)},
        {"mr_owner_config", to_hex(body.mrownerconfig)},
        {"rtmr0", to_hex(body.rtmr[0])},
        {"rtmr1", to_hex(body.rtmr[1])},
        {"rtmr2", to_hex(body.rtmr[2])},
        {"rtmr3", to_hex(body.rtmr[3])},
        {"report_data", to_hex(body.report_data)},
        {"signed_len", quote.signed_part.size()},
        {"sig_data_len", quote.signature_data_size},
        {"total", total},
        {"trailing", quote.trailing},
        {"ecdsa_sig", to_hex(quote.signature)},
        {"att_pub", to_hex(quote.attestation_key)},
        {"cert_type", quote.certification_type},
        {"cert_size", quote.signature_data_size - 64 - 64 - 6},
        {"qe_report",
         {{"cpusvn", to_hex(quote.qe_report.cpu_svn)},
          {"miscselect", le(quote.qe_report.misc_select, 4)},
          {"attributes", to_hex(quote.qe_report.attributes)},
          {"mrenclave", to_hex(quote.qe_report.mr_enclave)},
          {"mrsigner", to_hex(quote.qe_report.mr_signer)},
          {"isvprodid", quote.qe_report.isv_prod_id},
          {"isvsvn", quote.qe_report.isv_svn},
          {"report_data", to_hex(quote.qe_report.report_data)}}},
        {"qe_auth_len", quote.qe_authentication_data.size()},
        {"inner_cert_type", quote.inner_certification_type},
        {"inner_cert_size", quote.inner_certification_data.size()},
        {"n_certs", 3},               // of the certificates' tests
        {"qe_report_data_ok", true},  // of the verifier's tests
        {"verifiers", nullptr},
    };
    if (quote.body_type == QuoteBodyType::td15) {
        json["body_type"] = 3;
        json["body_size"] = td15_quote_body_size;
        json["tee_tcb_svn2"] = to_hex(body.tee_tcb_svn2);
        json["mr_service_td"] = to_hex(body.mr_servicetd);
    }
    return json;
}

TEST(Quote, OfEverySampleHasTheFieldsThatItsDescriptionGives) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto &folder : sample_quotes()) {
        if (!folder.starts_with("quote/")) continue;
        SCOPED_TRACE(folder);
        const auto bytes = sample_bytes(folder + "/quote.bin");
        const auto quote = decode_quote(bytes);
        ASSERT_TRUE(quote) << quote.error().message;
        auto said = described(*quote, bytes.size());
        const auto expected = sample_expectations(folder);
        said["verifiers"] = expected["verifiers"];
        EXPECT_EQ(said, expected);
    }
}

TEST(Quote, OfEverySampleWithALogHasTheRegistersThatItsDescriptionGives) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto *const folder : {"jsonlog/dstack-sdk", "jsonlog/near-dstack"}) {
        SCOPED_TRACE(folder);
        const auto bytes = sample_bytes(std::string(folder) + "/quote.bin");
        const auto quote = decode_quote(bytes);
        ASSERT_TRUE(quote) << quote.error().message;
        const auto expected = sample_expectations(folder);
        for (std::size_t i = 0; i < 4; ++i)
            EXPECT_EQ(to_hex(quote->body.rtmr.at(i)), expected.at("rtmr" + std::to_string(i)).get<std::string>());
        EXPECT_EQ(to_hex(quote->body.mrtd), expected.at("mr_td").get<std::string>());
        EXPECT_EQ(to_hex(quote->body.report_data), expected.at("report_data").get<std::string>());
    }
}

// Quotes of every version and body, and the real ones where there are any.
std::vector<Bytes> some_quotes() {
    TestPlatform v4;
    v4.trailing = 9;
    TestPlatform v5;
    v5.header.version = 5;
    auto td15 = TestPlatform::td15();
    td15.header.qe_svn = 0x0102;
    td15.header.pce_svn = 0x0304;
    td15.body.seam_attributes = 0x0102030405060708;
    td15.body.mr_servicetd.fill(0x99);
    td15.authentication_data.resize(300);
    std::vector<Bytes> quotes = {v4.quote(), v5.quote(), td15.quote()};
    if (have_samples()) {
        for (const auto &folder : sample_quotes()) quotes.push_back(sample_bytes(folder + "/quote.bin"));
    }
    return quotes;
}

TEST(Quote, TakenApartAndPutTogetherIsTheSame) {
    for (const auto &bytes : some_quotes()) {
        const auto quote = decode_quote(bytes);
        ASSERT_TRUE(quote) << quote.error().message;
        const auto again = encode_quote(*quote);
        EXPECT_EQ(again.size() + quote->trailing, bytes.size());
        EXPECT_TRUE(std::ranges::equal(again, ByteView(bytes).first(again.size())));
        EXPECT_EQ(encode_quote_signed_part(quote->header, quote->body_type, quote->body), copy(quote->signed_part));
        const auto report = encode_qe_report(quote->qe_report);
        EXPECT_EQ(copy(report), copy(quote->qe_report_bytes));
    }
}

TEST(Quote, ThatEndsAnywhereTooEarlyIsMalformed) {
    for (auto bytes : some_quotes()) {
        const auto trailing = decode_quote(bytes)->trailing;
        bytes.resize(bytes.size() - trailing);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            // A copy, so that a read beyond it is a read beyond an allocation.
            const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            const auto quote = decode_quote(cut);
            ASSERT_FALSE(quote) << size;
            ASSERT_EQ(quote.error().code, ErrorCode::malformed) << size;
            ASSERT_THAT(quote.error().message, HasSubstr("byte")) << size;
        }
    }
}

void put(Bytes &bytes, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> 8 * i);
}

TEST(Quote, WhoseLengthsDoNotFitTheirPlaceIsMalformed) {
    const auto good = TestPlatform().quote();
    const auto quote = decode_quote(good);
    constexpr std::size_t data = 636;
    constexpr std::size_t report = data + 64 + 64 + 6;
    const auto authentication = report + 384 + 64;
    const auto inner = authentication + 2 + quote->qe_authentication_data.size();
    struct Length {
        std::size_t at;
        std::size_t size;
        std::size_t value;
    };
    const std::vector<Length> lengths = {{data - 4, 4, quote->signature_data_size},
                                         {report - 4, 4, quote->signature_data_size - 134},
                                         {authentication, 2, quote->qe_authentication_data.size()},
                                         {inner + 2, 4, quote->inner_certification_data.size()}};
    for (const auto &[at, size, value] : lengths) {
        auto bytes = good;
        put(bytes, at, value, size);
        ASSERT_EQ(bytes, good);
        for (const auto other : {value - 1, value + 1, std::size_t{0}, (std::size_t{1} << size * 8) - 1}) {
            put(bytes, at, other, size);
            const auto decoded = decode_quote(bytes);
            ASSERT_FALSE(decoded) << at << " " << other;
            // A wrong length of the authentication data moves what follows, so that its type is another.
            if (at != authentication) {
                EXPECT_EQ(decoded.error().code, ErrorCode::malformed) << decoded.error().message;
            }
        }
    }
}

TEST(Quote, OfAnotherKindIsNotSupportedAndTheMessageNamesIt) {
    struct Kind {
        std::size_t at;
        std::uint64_t value;
        std::size_t size;
        const char *named;
    };
    const auto td15 = TestPlatform::td15().quote();
    for (const auto &[at, value, size, named] :
         {Kind{0, 3, 2, "version is 3"}, Kind{0, 6, 2, "version is 6"}, Kind{2, 3, 2, "attestation key type is 3"},
          Kind{4, 0, 4, "TEE type is 0"}, Kind{48, 1, 2, "body type is 1"}, Kind{48, 4, 2, "body type is 4"},
          Kind{48 + 6 + 648 + 4 + 128, 5, 2, "certification data's type is 5"},
          Kind{48 + 6 + 648 + 4 + 134 + 384 + 64 + 2 + 32, 4, 2, "inner certification data's type is 4"}}) {
        auto bytes = td15;
        put(bytes, at, value, size);
        const auto decoded = decode_quote(bytes);
        ASSERT_FALSE(decoded) << named;
        EXPECT_EQ(decoded.error().code, ErrorCode::not_supported);
        EXPECT_THAT(decoded.error().message, HasSubstr(named));
    }
}

TEST(Quote, WithTheBodySizeOfAnotherTypeIsMalformed) {
    auto bytes = TestPlatform::td15().quote();
    put(bytes, 50, 584, 4);
    EXPECT_EQ(decode_quote(bytes).error().code, ErrorCode::malformed);
    EXPECT_THAT(decode_quote(bytes).error().message, HasSubstr("byte 50"));
}

TEST(Quote, LongerThanTheLimitIsMalformed) {
    auto bytes = TestPlatform().quote();
    bytes.resize(max_quote_size);
    EXPECT_TRUE(decode_quote(bytes));
    bytes.resize(max_quote_size + 1);
    EXPECT_EQ(decode_quote(bytes).error().code, ErrorCode::malformed);
}

TEST(Quote, HasTheNamesOfItsBits) {
    EXPECT_EQ(bits_text(0x8000'0000'5000'0001, td_attribute_bits()), "debug, sept_ve_disable, pks, perfmon");
    EXPECT_EQ(bits_text(known_bits(td_attribute_bits()), td_attribute_bits()),
              "debug, hgs_plus_prof, perf_prof, pmt_prof, icssd, lass, sept_ve_disable, migratable, pks, kl, tpa, perfmon");
    EXPECT_EQ(known_bits(td_attribute_bits()), 0xC000'0000'F801'0071);
    EXPECT_EQ(bits_text(0x102, td_attribute_bits()), "bit 1, bit 8");
    EXPECT_EQ(bits_text(0x61AE7, xfam_bits()), "x87, sse, avx, opmask, zmm_hi256, hi16_zmm, pkru, cet_u, cet_s, tilecfg, tiledata");
    EXPECT_EQ(bits_text(1U << 20, xfam_bits()), "bit 20");
    EXPECT_EQ(known_bits(xfam_bits()), 0xFFFFF);
    EXPECT_EQ(bits_text(0x15, sgx_attribute_bits()), "init, mode64bit, provisionkey");
    EXPECT_EQ(bits_text(0xA2, sgx_attribute_bits()), "debug, einittokenkey, kss");
    EXPECT_EQ(bits_text(0x8, sgx_attribute_bits()), "bit 3");
}

TEST(Quote, TakesItsBodyFromTheTdReport) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto *const folder : {"tdreport/intel-tdx10", "tdreport/coco-tdx15-servtd"}) {
        SCOPED_TRACE(folder);
        const auto expected = sample_expectations(folder);
        const auto report = decode_tdreport(sample_bytes(std::string(folder) + "/tdreport.bin"));
        ASSERT_TRUE(report);
        const auto body = quote_body_of(*report);
        Quote quote;
        quote.body = body;
        quote.body_type = QuoteBodyType::td15;
        const auto said = described(quote, 0);
        for (const auto *const name :
             {"tee_tcb_svn", "mr_seam", "mr_signer_seam", "seam_attributes", "td_attributes", "xfam", "mr_td", "mr_config_id", "mr_owner",
              "mr_owner_config", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "report_data", "tee_tcb_svn2"}) {
            EXPECT_EQ(said.at(name).get<std::string>(), expected.at(name).get<std::string>()) << name;
        }
        EXPECT_EQ(to_hex(body.mr_servicetd), to_hex(report->td_info.servtd_hash));
    }
}

}  // namespace
}  // namespace mr
