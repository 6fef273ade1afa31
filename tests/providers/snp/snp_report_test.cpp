#include "mrd/providers/snp/snp_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "mr/snp_report.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

// As the field's layout says, made by hand.
mr::Bytes report(std::uint8_t vmpl = 1, std::uint8_t version = 3) {
    mr::Bytes bytes(mr::snp_report_size, 0xEE);
    std::ranges::fill_n(bytes.begin(), 4, 0);
    bytes[0] = version;
    std::ranges::fill_n(bytes.begin() + 0x30, 4, 0);
    bytes[0x30] = vmpl;
    std::ranges::fill_n(bytes.begin() + 0x50, 64, 7);
    return bytes;
}

TEST(SnpReport, SaysWhomItIsForAndItsData) {
    const auto read = read_snp_report(report());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->vmpl, 1U);
    EXPECT_THAT(read->report_data, testing::Each(7));
}

TEST(SnpReport, OfAnotherSizeOrVersionOrForNoGuestIsNone) {
    auto longer = report();
    longer.push_back(0);
    EXPECT_THAT(read_snp_report(longer).error(), HasSubstr("1185"));
    EXPECT_THAT(read_snp_report({}).error(), HasSubstr("has 0"));
    EXPECT_THAT(read_snp_report(report(1, 1)).error(), HasSubstr("version"));
    EXPECT_THAT(read_snp_report(report(4)).error(), HasSubstr("VMPL is 4"));
    auto of_the_host = report();
    std::ranges::fill_n(of_the_host.begin() + 0x30, 4, 0xFF);
    EXPECT_THAT(read_snp_report(of_the_host).error(), HasSubstr("for no guest"));
}

TEST(SnpReport, OfRealMachinesAreRead) {
    const std::filesystem::path data = places::shared_data() / "snp";
    if (!exists(data)) GTEST_SKIP() << "the samples are not beside the repository";
    for (const auto *const machine : {"coco-milan-v2", "genoa-v3-tsm-report", "genoa-v5", "milan-v3-vlek", "turin-v5"}) {
        std::ifstream file(data / machine / "report.bin", std::ios::binary);
        const mr::Bytes bytes(std::istreambuf_iterator<char>(file), {});
        const auto read = read_snp_report(bytes);
        ASSERT_TRUE(read) << machine << ": " << read.error();
        EXPECT_LE(read->vmpl, 3U) << machine;
    }
}

}  // namespace
}  // namespace mrd
