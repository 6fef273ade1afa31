#include "mrd/access/audit.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

using namespace std::chrono_literals;

constexpr uid_t alice = 1000;
constexpr uid_t bob = 1001;

class AuditSharesTest : public ::testing::Test {
protected:
    // How many of so many are written.
    std::int64_t written(uid_t share, std::int64_t changes) {
        std::int64_t written = 0;
        for (std::int64_t i = 0; i < changes; ++i) written += shares_.take(share, now_) ? 1 : 0;
        return written;
    }

    AuditShares shares_;
    AuditShares::TimePoint now_ = AuditShares::TimePoint() + 1h;
};

TEST_F(AuditSharesTest, AShareHasSoManyAtOnceAndThenOneEachSecond) {
    EXPECT_EQ(written(alice, 1000), AuditShares::records_at_once);
    now_ += 999ms;
    EXPECT_EQ(written(alice, 10), 0);
    now_ += 1ms;
    EXPECT_EQ(written(alice, 10), 1);
    now_ += 10s;
    EXPECT_EQ(written(alice, 100), 10);
    now_ += 1h;
    EXPECT_EQ(written(alice, 1000), AuditShares::records_at_once) << "no more are saved up";
}

TEST_F(AuditSharesTest, OneShareTakesNothingFromAnother) {
    written(alice, 1000);
    EXPECT_EQ(written(bob, 1000), AuditShares::records_at_once);
}

TEST_F(AuditSharesTest, TheNextRecordSaysHowManyWereNotWritten) {
    EXPECT_EQ(shares_.take(alice, now_), 0);
    written(alice, AuditShares::records_at_once - 1 + 5);
    now_ += 1s;
    EXPECT_EQ(shares_.take(alice, now_), 5);
    now_ += 1s;
    EXPECT_EQ(shares_.take(alice, now_), 0) << "said once";
    EXPECT_EQ(shares_.unwritten(), 5);
}

}  // namespace
}  // namespace mrd
