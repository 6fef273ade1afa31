#include "mr/tdreport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "mr/digest.h"
#include "tests/places.h"

namespace mr {
namespace {

Bytes contents_of(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

std::string little_endian_hex(std::uint64_t value) {
    Bytes bytes;
    for (int i = 0; i < 8; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    }
    return to_hex(bytes);
}

// A report in which each field is filled with a byte of its own and both hashes hold.
std::array<std::uint8_t, tdreport_size> made_up_report() {
    TdReport report;
    std::uint8_t next = 1;
    const auto fill = [&](auto &field) { field.fill(next++); };
    report.report_type = {tdreport_type_tdx, 0, 1, 0};
    fill(report.cpu_svn);
    fill(report.report_data);
    fill(report.mac);
    report.tcb_info.valid = 0x301FF;
    fill(report.tcb_info.tee_tcb_svn);
    fill(report.tcb_info.mr_seam);
    fill(report.tcb_info.mr_signer_seam);
    report.tcb_info.attributes = 0x0102030405060708;
    fill(report.tcb_info.tee_tcb_svn2);
    report.td_info.attributes = td_attribute_sept_ve_disable;
    report.td_info.xfam = 0x618E7;
    fill(report.td_info.mrtd);
    fill(report.td_info.mrconfigid);
    fill(report.td_info.mrowner);
    fill(report.td_info.mrownerconfig);
    for (auto &rtmr : report.td_info.rtmr) {
        fill(rtmr);
    }
    fill(report.td_info.servtd_hash);
    auto bytes = encode_tdreport(report);
    std::ranges::copy(hash(HashAlgorithm::sha384, ByteView(bytes).subspan(256, 239))->bytes(), report.tee_tcb_info_hash.begin());
    std::ranges::copy(hash(HashAlgorithm::sha384, ByteView(bytes).subspan(512, 512))->bytes(), report.tee_info_hash.begin());
    return encode_tdreport(report);
}

TEST(TdReport, RealReportsDecodeToTheValuesKnownOfThemAndEncodeToTheSameBytes) {
    const std::filesystem::path folder = places::shared_data() / "tdreport";
    if (!std::filesystem::is_directory(folder)) {
        GTEST_SKIP() << folder << " is not here";
    }
    int seen = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        SCOPED_TRACE(entry.path().string());
        const Bytes bytes = contents_of(entry.path() / "tdreport.bin");
        const auto expected = nlohmann::json::parse(contents_of(entry.path() / "info.json")).at("expected");
        const auto value_of = [&](const char *key) { return expected.at(key).get<std::string>(); };

        const auto report = decode_tdreport(bytes);
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(to_hex(report->report_type), value_of("type"));
        EXPECT_EQ(to_hex(report->cpu_svn), value_of("cpusvn"));
        EXPECT_EQ(to_hex(report->tee_tcb_info_hash), value_of("tee_tcb_info_hash"));
        EXPECT_EQ(to_hex(report->tee_info_hash), value_of("tee_info_hash"));
        EXPECT_EQ(to_hex(report->report_data), value_of("report_data"));
        EXPECT_EQ(to_hex(report->mac), value_of("mac"));
        EXPECT_EQ(little_endian_hex(report->tcb_info.valid), value_of("tcb_valid"));
        EXPECT_EQ(to_hex(report->tcb_info.tee_tcb_svn), value_of("tee_tcb_svn"));
        EXPECT_EQ(to_hex(report->tcb_info.mr_seam), value_of("mr_seam"));
        EXPECT_EQ(to_hex(report->tcb_info.mr_signer_seam), value_of("mr_signer_seam"));
        EXPECT_EQ(little_endian_hex(report->tcb_info.attributes), value_of("seam_attributes"));
        EXPECT_EQ(to_hex(report->tcb_info.tee_tcb_svn2), value_of("tee_tcb_svn2"));
        EXPECT_EQ(little_endian_hex(report->td_info.attributes), value_of("td_attributes"));
        EXPECT_EQ(little_endian_hex(report->td_info.xfam), value_of("xfam"));
        EXPECT_EQ(to_hex(report->td_info.mrtd), value_of("mr_td"));
        EXPECT_EQ(to_hex(report->td_info.mrconfigid), value_of("mr_config_id"));
        EXPECT_EQ(to_hex(report->td_info.mrowner), value_of("mr_owner"));
        EXPECT_EQ(to_hex(report->td_info.mrownerconfig), value_of("mr_owner_config"));
        for (std::size_t i = 0; i < 4; ++i) {
            EXPECT_EQ(to_hex(report->td_info.rtmr[i]), value_of(("rtmr" + std::to_string(i)).c_str()));
        }
        EXPECT_EQ(to_hex(report->td_info.servtd_hash), value_of("servtd_hash"));

        const auto hashes = check_tdreport_hashes(bytes);
        ASSERT_TRUE(hashes);
        EXPECT_EQ(hashes->tcb_info_matches, expected.at("tcb_info_hash_matches_239").get<bool>());
        EXPECT_EQ(hashes->td_info_matches, expected.at("td_info_hash_matches").get<bool>());
        EXPECT_EQ(to_hex(encode_tdreport(*report)), to_hex(bytes));
        ++seen;
    }
    EXPECT_GE(seen, 3);
}

TEST(TdReport, EveryFieldIsAtItsOffset) {
    const auto bytes = made_up_report();
    const auto report = decode_tdreport(bytes);
    ASSERT_TRUE(report);
    const auto at = [&](std::size_t offset, ByteView field) {
        EXPECT_EQ(to_hex(ByteView(bytes).subspan(offset, field.size())), to_hex(field)) << offset;
        EXPECT_NE(to_hex(field), std::string(field.size() * 2, '0')) << offset;
    };
    at(16, report->cpu_svn);
    at(32, report->tee_tcb_info_hash);
    at(80, report->tee_info_hash);
    at(128, report->report_data);
    at(224, report->mac);
    at(264, report->tcb_info.tee_tcb_svn);
    at(280, report->tcb_info.mr_seam);
    at(328, report->tcb_info.mr_signer_seam);
    at(384, report->tcb_info.tee_tcb_svn2);
    at(528, report->td_info.mrtd);
    at(576, report->td_info.mrconfigid);
    at(624, report->td_info.mrowner);
    at(672, report->td_info.mrownerconfig);
    at(720, report->td_info.rtmr[0]);
    at(768, report->td_info.rtmr[1]);
    at(816, report->td_info.rtmr[2]);
    at(864, report->td_info.rtmr[3]);
    at(912, report->td_info.servtd_hash);
    EXPECT_EQ(to_hex(ByteView(bytes).subspan(256, 8)), "ff01030000000000");
    EXPECT_EQ(to_hex(ByteView(bytes).subspan(376, 8)), "0807060504030201");
    EXPECT_EQ(to_hex(ByteView(bytes).subspan(512, 16)), "0000001000000000e718060000000000");
}

TEST(TdReport, ReservedBytesAreWrittenAsZero) {
    const auto bytes = made_up_report();
    const std::pair<std::size_t, std::size_t> reserved[] = {{4, 12}, {192, 32}, {400, 95}, {495, 17}, {960, 64}};
    for (const auto &[offset, size] : reserved) {
        EXPECT_EQ(to_hex(ByteView(bytes).subspan(offset, size)), std::string(size * 2, '0')) << offset;
    }
}

TEST(TdReport, AnotherLengthIsMalformed) {
    for (const std::size_t size : {0U, 1U, 1023U, 1025U}) {
        Bytes bytes(size, 0x81);
        ASSERT_FALSE(decode_tdreport(bytes)) << size;
        EXPECT_EQ(decode_tdreport(bytes).error().code, ErrorCode::malformed);
        ASSERT_FALSE(check_tdreport_hashes(bytes)) << size;
        EXPECT_EQ(check_tdreport_hashes(bytes).error().code, ErrorCode::malformed);
    }
}

TEST(TdReport, AnotherTypeIsMalformed) {
    auto bytes = made_up_report();
    bytes[0] = 0x00;  // an SGX report
    ASSERT_FALSE(decode_tdreport(bytes));
    EXPECT_EQ(decode_tdreport(bytes).error().code, ErrorCode::malformed);
}

TEST(TdReport, AReportWithOneByteChangedInTdInfoFailsItsHash) {
    for (std::size_t i = 512; i < 1024; ++i) {
        auto bytes = made_up_report();
        bytes[i] ^= 1;
        const auto hashes = check_tdreport_hashes(bytes);
        ASSERT_TRUE(hashes);
        EXPECT_TRUE(hashes->tcb_info_matches) << i;
        EXPECT_FALSE(hashes->td_info_matches) << i;
    }
}

TEST(TdReport, AReportWithOneByteChangedInTcbInfoFailsItsHash) {
    for (std::size_t i = 256; i < 512; ++i) {
        auto bytes = made_up_report();
        bytes[i] ^= 1;
        const auto hashes = check_tdreport_hashes(bytes);
        ASSERT_TRUE(hashes);
        // 495..511 are reserved: no hash covers them.
        EXPECT_EQ(hashes->tcb_info_matches, i >= 495) << i;
        EXPECT_TRUE(hashes->td_info_matches) << i;
    }
}

}  // namespace
}  // namespace mr
