#include "mrd/access/refusals.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

using mr::wire::Operation;
using namespace std::chrono_literals;

TEST(Refusals, AreCountedByOperation) {
    Refusals refusals;
    for (int i = 0; i < 100; ++i) (void)refusals.add(7, Operation::extend, {});
    (void)refusals.add(8, Operation::quote, {});
    EXPECT_EQ(refusals.of(Operation::extend), 100);
    EXPECT_EQ(refusals.of(Operation::quote), 1);
    EXPECT_EQ(refusals.of(Operation::read), 0);
}

TEST(Refusals, OfAShareAreToldABoundedNumberOfTimesAndWhatWasLeftOutIsToldLater) {
    Refusals refusals;
    const Refusals::TimePoint start(1h);
    std::int64_t told = 0;
    for (int i = 0; i < 1000; ++i) told += refusals.add(7, Operation::extend, start) ? 1 : 0;
    EXPECT_EQ(told, Refusals::lines_at_once);
    EXPECT_EQ(refusals.add(8, Operation::extend, start), 0) << "another's lines are another's";
    EXPECT_EQ(refusals.add(7, Operation::extend, start + Refusals::time_for_a_line), 1000 - Refusals::lines_at_once);
    EXPECT_EQ(refusals.add(7, Operation::extend, start + Refusals::time_for_a_line), std::nullopt);
    EXPECT_EQ(refusals.add(7, Operation::extend, start + 2 * Refusals::time_for_a_line), 1);
    told = 0;
    for (int i = 0; i < 1000; ++i) told += refusals.add(7, Operation::extend, start + 24h) ? 1 : 0;
    EXPECT_EQ(told, Refusals::lines_at_once) << "no more come together, however long nothing was refused";
}

}  // namespace
}  // namespace mrd
