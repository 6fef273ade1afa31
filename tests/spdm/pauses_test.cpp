// When a device is looked for again.
#include "mrd/providers/spdm/pauses.h"

#include <gtest/gtest.h>

namespace mrd::spdm {
namespace {

using namespace std::chrono_literals;

TEST(SpdmPauses, AreTwiceAsLongEachTimeThatItIsNotThereUpToALimit) {
    Pauses pauses;
    for (auto expected = Pauses::first; expected < Pauses::longest; expected *= 2) EXPECT_EQ(pauses.after_absence(), expected);
    EXPECT_EQ(pauses.after_absence(), Pauses::longest);
    EXPECT_EQ(pauses.after_absence(), Pauses::longest);
}

TEST(SpdmPauses, GoOnGrowingForOneThatComesAndGoesAtOnce) {
    Pauses pauses;
    EXPECT_EQ(pauses.after_stay(0s), Pauses::first);
    EXPECT_EQ(pauses.after_stay(1ms), 2 * Pauses::first);
    EXPECT_EQ(pauses.after_absence(), 4 * Pauses::first);
    EXPECT_EQ(pauses.after_stay(Pauses::longest - 1ms), 8 * Pauses::first);
}

TEST(SpdmPauses, BeginAnewAfterOneThatHasStayed) {
    Pauses pauses;
    for (int i = 0; i < 20; ++i) (void)pauses.after_stay(0s);
    EXPECT_EQ(pauses.after_stay(Pauses::longest), Pauses::first);
}

}  // namespace
}  // namespace mrd::spdm
