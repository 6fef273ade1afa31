#include "tests/journal/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

namespace mrd::journal {
namespace {

TEST(JournalHistory, AtRandomLosesNoAnsweredEventRepeatsNoneAndInventsNone) {
    std::random_device seeds;
    for (int i = 0; i < 10; ++i) {
        const auto seed = static_cast<std::uint32_t>(seeds());
        std::printf("seed %u\n", seed);
        History history(seed);
        history.run();
        EXPECT_THAT(history.violations(), ::testing::IsEmpty()) << history.story() << "seed " << seed;
    }
}

TEST(JournalHistory, IsTheSameForTheSameSeed) {
    std::uint32_t seed = 11;
    while (History(seed).has_sync_thread()) ++seed;
    History first(seed);
    first.run();
    History second(seed);
    second.run();
    EXPECT_EQ(first.story(), second.story());
}

}  // namespace
}  // namespace mrd::journal
