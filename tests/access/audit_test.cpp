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
    std::int64_t written(uid_t uid, std::int64_t changes) {
        std::int64_t written = 0;
        for (std::int64_t i = 0; i < changes; ++i) written += shares_.take(uid, now_) ? 1 : 0;
        return written;
    }

    AuditShares shares_;
    AuditShares::TimePoint now_ = AuditShares::TimePoint() + 1h;
};

TEST_F(AuditSharesTest, AUidHasSoManyAtOnceAndThenOneEachSecond) {
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

TEST_F(AuditSharesTest, OneUidTakesNothingFromAnother) {
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

TEST_F(AuditSharesTest, ThousandsOfUidsHaveOneShareTogether) {
    constexpr uid_t many = 65'536;
    std::int64_t all = 0;
    for (uid_t uid = 0; uid < many; ++uid) all += written(uid, 2);
    EXPECT_EQ(all, static_cast<std::int64_t>(2 * AuditShares::max_uids) + AuditShares::records_at_once);
    now_ += 2s;
    EXPECT_EQ(written(many, 1000), AuditShares::records_at_once) << "those who are calm again have left their places";
}

}  // namespace
}  // namespace mrd
