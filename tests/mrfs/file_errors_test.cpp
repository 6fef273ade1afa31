#include "mrfs/file_errors.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace mrfs {
namespace {

int errno_of(mr::ErrorCode code) { return to_errno({code, ""}); }

TEST(FileErrors, SayWhatTheKernelsFilesWouldSay) {
    EXPECT_EQ(errno_of(mr::ErrorCode::no_service), ENODEV);
    EXPECT_EQ(errno_of(mr::ErrorCode::permission_denied), EACCES);
    EXPECT_EQ(errno_of(mr::ErrorCode::wrong_length), EINVAL);
    EXPECT_EQ(errno_of(mr::ErrorCode::capped), EPERM);
    EXPECT_EQ(errno_of(mr::ErrorCode::provider_failed), EIO);
    EXPECT_EQ(errno_of(mr::ErrorCode::quote_timeout), ETIMEDOUT);
}

// FUSE takes ENOSYS for "never ask again", and EINTR is for who was interrupted.
TEST(FileErrors, AreNeverWhatFuseTakesForSomethingElse) {
    for (int code = 0; code <= static_cast<int>(mr::ErrorCode::io); ++code) {
        const auto error = errno_of(static_cast<mr::ErrorCode>(code));
        EXPECT_GT(error, 0);
        EXPECT_NE(error, ENOSYS);
        EXPECT_NE(error, EINTR);
        EXPECT_NE(error, ERANGE);
    }
}

}  // namespace
}  // namespace mrfs
