#include "mrd/journal/event_ids.h"

#include <gtest/gtest.h>

namespace mrd::journal {
namespace {

EventIds::First first(std::uint64_t sequence) {
    return {.results = {{.reg = 0, .digest = mr::Digest(mr::Bytes(48, 1)), .value = {}}}, .sequence = sequence};
}

RegisterSet only(RegisterNumber reg) { return RegisterSet(reg); }

std::string name(std::size_t number) { return "id " + std::to_string(number); }

TEST(EventIds, AnIdIsFoundForItsCallerAndRegisterAlone) {
    EventIds ids;
    ids.remember(1000, only(1), "a", first(7));
    ASSERT_NE(ids.find(1000, only(1), "a"), nullptr);
    EXPECT_EQ(ids.find(1000, only(1), "a")->sequence, 7U);
    EXPECT_EQ(ids.find(1000, only(1), "b"), nullptr);
    EXPECT_EQ(ids.find(1001, only(1), "a"), nullptr);
    EXPECT_EQ(ids.find(1000, only(2), "a"), nullptr);
}

TEST(EventIds, TheLastIdsOfACallerAreRememberedAndTheOneBeforeIsNot) {
    EventIds ids;
    ids.remember(1, only(0), "of another register", first(1));
    for (std::size_t i = 0; i <= remembered_ids; ++i) ids.remember(1, only(1), name(i), first(i));
    EXPECT_EQ(ids.find(1, only(1), name(0)), nullptr);
    for (std::size_t i = 1; i <= remembered_ids; ++i) {
        ASSERT_NE(ids.find(1, only(1), name(i)), nullptr) << i;
        EXPECT_EQ(ids.find(1, only(1), name(i))->sequence, i);
    }
    EXPECT_NE(ids.find(1, only(0), "of another register"), nullptr);
}

TEST(EventIds, AnIdRememberedTwiceTakesOnePlace) {
    EventIds ids;
    ids.remember(1, only(1), "a", first(1));
    ids.remember(1, only(1), "a", first(2));
    for (std::size_t i = 1; i < remembered_ids; ++i) ids.remember(1, only(1), name(i), first(i));
    ASSERT_NE(ids.find(1, only(1), "a"), nullptr);
    EXPECT_EQ(ids.find(1, only(1), "a")->sequence, 2U);
    ids.remember(1, only(1), "one more", first(1));
    EXPECT_EQ(ids.find(1, only(1), "a"), nullptr);
    EXPECT_NE(ids.find(1, only(1), name(1)), nullptr);
}

TEST(EventIds, TheCallerWhoseLastUseIsLongestAgoIsForgottenFirst) {
    EventIds ids;
    for (std::size_t uid = 0; uid < remembered_callers; ++uid) ids.remember(static_cast<std::int64_t>(uid), only(0), "a", first(uid));
    ids.remember(0, only(0), "b", first(1));  // 0 is in use again: 1 is the oldest
    ids.remember(1'000'000, only(0), "a", first(1));
    EXPECT_NE(ids.find(0, only(0), "a"), nullptr);
    EXPECT_NE(ids.find(0, only(0), "b"), nullptr);
    EXPECT_EQ(ids.find(1, only(0), "a"), nullptr);
    EXPECT_NE(ids.find(2, only(0), "a"), nullptr);
    EXPECT_NE(ids.find(1'000'000, only(0), "a"), nullptr);
}

TEST(EventIds, NoNumberOfUidsMakesThemForgetRoots) {
    EventIds ids;
    for (std::uint16_t reg = 0; reg < remembered_callers_of_uid; ++reg) ids.remember(0, only(reg), "a", first(reg));
    for (std::int64_t uid = 1; uid <= 1000; ++uid) ids.remember(uid, only(0), "a", first(1));
    for (std::uint16_t reg = 0; reg < remembered_callers_of_uid; ++reg) EXPECT_NE(ids.find(0, only(reg), "a"), nullptr) << reg;
    EXPECT_NE(ids.find(1000, only(0), "a"), nullptr);
}

TEST(EventIds, AUidWithManyRegistersForgetsItsOwn) {
    EventIds ids;
    for (std::int64_t uid = 1; uid <= 100; ++uid) ids.remember(uid, only(0), "a", first(1));
    for (std::uint16_t reg = 0; reg < 1000; ++reg) ids.remember(7777, only(reg), "a", first(reg));
    for (std::int64_t uid = 1; uid <= 100; ++uid) EXPECT_NE(ids.find(uid, only(0), "a"), nullptr) << uid;
    EXPECT_NE(ids.find(7777, only(999), "a"), nullptr);
    EXPECT_EQ(ids.find(7777, only(0), "a"), nullptr);
}

}  // namespace
}  // namespace mrd::journal
