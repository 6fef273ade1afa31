#include "mrd/providers/tsm/slow_call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace mrd::tsm {
namespace {

TEST(SlowCall, IsToldOfWhileItGoesOnAndOnce) {
    std::promise<void> told;
    std::atomic<int> times = 0;
    const auto tell = [&] {
        if (++times == 1) told.set_value();
    };
    // It ends only after it was told of.
    const int result = tell_if_slow(std::chrono::milliseconds(1), tell, [&] {
        told.get_future().wait();
        return 7;
    });
    EXPECT_EQ(result, 7);
    EXPECT_EQ(times, 1);
}

TEST(SlowCall, ThatReturnsInTimeIsNotToldOfAndNobodyWaitsForThat) {
    std::atomic<int> times = 0;
    EXPECT_EQ(tell_if_slow(std::chrono::hours(24), [&] { ++times; }, [] { return 7; }), 7);
    EXPECT_EQ(times, 0);
}

}  // namespace
}  // namespace mrd::tsm
