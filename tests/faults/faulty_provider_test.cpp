#include "tests/faults/faulty_provider.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/mrd/fake_provider.h"

namespace mrd::faults {
namespace {

class FaultyProviderTest : public ::testing::Test {
protected:
    enum : RegisterIndex { first_rtmr, reportdata };

    std::unique_ptr<Provider> with(std::string_view faults) {
        return with_faults(
            std::make_unique<FakeProvider>(
                hardware_, "tdx", std::vector<RegisterSpec>{fake_register("rtmr0", "XWRL"), fake_register("reportdata", "WRF", 64)}, false),
            parse_faults(faults).value());
    }
    static mr::Bytes refreshed(Provider &provider, RegisterIndex index) {
        std::vector<mr::Bytes> values(2);
        EXPECT_TRUE(provider.registers()->refresh(0, values));
        return values[index];
    }
    static mr::Digest digest_of(std::string_view text) { return mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes(text)).value(); }
    static mr::Bytes report_data_of(std::uint8_t byte) { return mr::Bytes(64, byte); }

    const mr::Bytes zeros = mr::Bytes(64);
    FakeHardware hardware_;
};

TEST_F(FaultyProviderTest, AFaultBeforeAnExtendLeavesTheRegisterAndOneAfterItDoesNot) {
    const auto provider = with("extend:fail-before@1,extend:fail-after@2");
    EXPECT_FALSE(provider->may_wait());
    const auto value = [&] { return refreshed(*provider, first_rtmr); };

    const auto before = provider->registers()->extend(first_rtmr, digest_of("1"));
    ASSERT_FALSE(before);
    EXPECT_EQ(before.error().applied, Applied::unknown);
    EXPECT_EQ(value(), mr::Bytes(48, 0));

    const auto after = provider->registers()->extend(first_rtmr, digest_of("1"));
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error().applied, Applied::unknown);
    EXPECT_NE(after.error().reason, before.error().reason);
    EXPECT_NE(value(), mr::Bytes(48, 0));

    EXPECT_TRUE(provider->registers()->extend(first_rtmr, digest_of("1")));
}

TEST_F(FaultyProviderTest, FaultsOfWriteRefreshAndReportConcernTheirOwnCallsOnly) {
    const auto provider = with("write:fail-before@1,write:fail-after@2,refresh:fail@2-3,report:fail@1");
    std::vector<mr::Bytes> values(provider->registers()->list().size());
    EXPECT_FALSE(provider->registers()->write(reportdata, report_data_of(1)));
    ASSERT_TRUE(provider->registers()->refresh(0, values));
    EXPECT_TRUE(std::ranges::equal(values[reportdata], report_data_of(0)));
    EXPECT_FALSE(provider->registers()->write(reportdata, report_data_of(2)));
    EXPECT_FALSE(provider->registers()->refresh(0, values));
    EXPECT_FALSE(provider->registers()->refresh(0, values));
    ASSERT_TRUE(provider->registers()->refresh(0, values));
    EXPECT_TRUE(std::ranges::equal(values[reportdata], report_data_of(2)));
    EXPECT_FALSE(provider->reporter()->report(zeros));
    EXPECT_TRUE(provider->reporter()->report(zeros));
    EXPECT_TRUE(provider->registers()->extend(first_rtmr, digest_of("1")));
}

TEST_F(FaultyProviderTest, ADelayedCallTakesAtLeastThatLongAndTheProviderSaysThatItMayWait) {
    const auto provider = with("report:delay=30");
    EXPECT_TRUE(provider->may_wait());
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(provider->reporter()->report(zeros));
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(30));
}

}  // namespace
}  // namespace mrd::faults
