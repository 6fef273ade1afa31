// /dev/tdx_guest. The device is the module's own code, after the kernel's: what is shown is that it plays a TD well enough for a provider.
#include <algorithm>

#include <gmock/gmock.h>

#include "mr/tdreport.h"
#include "mrd/providers/sim/report.h"
#include "tests/kernel-lab/machine.h"

namespace mrd::lab {
namespace {

sim::ReportKey report_key() {
    const auto text = text_of(parameters / "report_key");
    sim::ReportKey key{};
    std::copy_n(text.begin(), key.size(), key.begin());
    return key;
}

TEST(GuestDevice, IsRootsAlone) {
    struct stat status{};
    ASSERT_EQ(::stat("/dev/tdx_guest", &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    EXPECT_EQ(status.st_uid, 0U);
}

TEST(GuestDevice, GivesAReportOverTheRegistersOfTheFilesAndTheReportData) {
    ASSERT_EQ(write_once(measurements / "rtmr1:sha384", some_digest(7)), "48");
    const auto report = mr::decode_tdreport(tdreport(9).value()).value();
    const auto same = [](const auto &value, std::string_view file) { return std::ranges::equal(value, value_of(file)); };
    EXPECT_THAT(report.report_data, testing::Each(9));
    EXPECT_TRUE(same(report.td_info.rtmr.at(0), "rtmr0:sha384"));
    EXPECT_TRUE(same(report.td_info.rtmr.at(1), "rtmr1:sha384"));
    EXPECT_TRUE(same(report.td_info.rtmr.at(2), "rtmr2:sha384"));
    EXPECT_TRUE(same(report.td_info.rtmr.at(3), "rtmr3:sha384"));
    EXPECT_TRUE(same(report.td_info.mrtd, "mrtd:sha384"));
    EXPECT_TRUE(same(report.td_info.mrconfigid, "mrconfigid"));
    EXPECT_TRUE(same(report.td_info.mrowner, "mrowner"));
    EXPECT_TRUE(same(report.td_info.mrownerconfig, "mrownerconfig"));
}

TEST(GuestDevice, ItsReportsHaveTheMacAndTheHashesOfTheSimulatorsModule) {
    auto checker = sim::ReportMaker::open(report_key()).value();
    EXPECT_EQ(checker.verify(tdreport(1).value()).reason, "");
    auto changed = tdreport(1).value();
    changed[720] ^= 1U;
    EXPECT_FALSE(checker.verify(changed).genuine);
}

TEST(GuestDevice, KnowsOneRequestAndGivesTheErrorsOfItsFaults) {
    const File device("/dev/tdx_guest", O_RDWR);
    EXPECT_EQ(outcome(::ioctl(device.get(), _IO('T', 99), nullptr)), "ENOTTY");
    EXPECT_EQ(outcome(::ioctl(device.get(), get_report0, nullptr)), "EFAULT");
    {
        const Parameter failing("ioctl_error_before", EIO);
        EXPECT_EQ(tdreport().error(), "EIO");
    }
    EXPECT_TRUE(tdreport());
}

TEST(GuestDevice, IsNotHeldUpByASlowExtendOfTheFiles) {
    set_parameter("extend_hold", "1");
    Waiting extend(SYS_pwrite64,
                   [] { return ::pwrite(File(measurements / "rtmr3:sha384", O_WRONLY).get(), some_digest(1).data(), 48, 0); });
    wait_until_held("extend", 1);
    EXPECT_TRUE(tdreport());
    set_parameter("extend_hold", "0");
    EXPECT_EQ(extend.outcome(), "48");
}

TEST(GuestDevice, ADelayIsTheLeastThatACallTakes) {
    const Parameter slow("ioctl_delay_ms", 100);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(tdreport());
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace mrd::lab
