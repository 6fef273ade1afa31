#include "mrd/providers/tsm/guest_device.h"

#include <cerrno>

#include <gmock/gmock.h>

#include "mrd/providers/tsm/kernel_file.h"

namespace mrd::tsm {
namespace {

// That a device makes reports, tests/kernel-lab/guest_device_test.cpp shows.
TEST(GuestDevice, ThatIsNotThereOrIsNoneIsAnErrorThatNamesItAndChangedNothing) {
    const auto why_not = [](const char *path) {
        const auto report = open_guest_device(path)->report({});
        EXPECT_FALSE(report);
        if (report) return std::string();
        EXPECT_EQ(report.error().applied, Applied::no);
        return report.error().reason;
    };
    EXPECT_EQ(why_not("/nonexistent/tdx_guest"),
              "cannot open /nonexistent/tdx_guest: No such file or directory: load the module that has it");
    EXPECT_EQ(why_not("/dev/null"), "cannot get a TDREPORT of /dev/null: Inappropriate ioctl for device");
}

TEST(KernelFile, ARefusalSaysWhatToDoWhereThatIsKnown) {
    const auto refusal = [](int error) { return kernel_refusal("open", "/f", error); };
    EXPECT_EQ(refusal(EACCES), "cannot open /f: Permission denied: run mrd as root, or give it the file");
    EXPECT_EQ(refusal(EPERM), "cannot open /f: Operation not permitted: run mrd as root, or give it the file");
    EXPECT_EQ(refusal(ENOENT), "cannot open /f: No such file or directory: load the module that has it");
    EXPECT_EQ(refusal(EROFS), "cannot open /f: Read-only file system: mount it for writing");
    EXPECT_EQ(refusal(EIO), "cannot open /f: Input/output error");
}

}  // namespace
}  // namespace mrd::tsm
