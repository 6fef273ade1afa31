#include "mrfs/report_instances.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace mrfs {
namespace {

constexpr ReportInstances::Time start{};
constexpr Caller root{.uid = 0, .gid = 0, .pid = 1};
constexpr Caller alice{.uid = 1000, .gid = 1000, .pid = 2};
constexpr Caller bob{.uid = 1001, .gid = 1001, .pid = 3};

void fill(ReportInstances &instances, const Caller &user, std::size_t count, ReportInstances::Time now = start) {
    for (std::size_t i = 0; i < count; ++i)
        ASSERT_TRUE(instances.make("of-" + std::to_string(user.uid) + "-" + std::to_string(i), user, 0755, now)) << i;
}

TEST(ReportInstances, ANameIsTakenWhoeverHasIt) {
    ReportInstances instances;
    ASSERT_TRUE(instances.make("one", alice, 0755, start));
    EXPECT_EQ(instances.make("one", alice, 0755, start), std::unexpected(EEXIST));
    EXPECT_EQ(instances.make("one", bob, 0755, start), std::unexpected(EEXIST));
    EXPECT_EQ(instances.make("one", root, 0755, start), std::unexpected(EEXIST));
}

TEST(ReportInstances, OnlyItsCreatorRemovesOneNotEvenRoot) {
    ReportInstances instances;
    ASSERT_TRUE(instances.make("one", alice, 0755, start));
    EXPECT_EQ(instances.remove("one", bob).error(), EACCES);
    EXPECT_EQ(instances.remove("one", root).error(), EACCES);
    EXPECT_TRUE(instances.remove("one", alice));
    EXPECT_EQ(instances.remove("one", alice).error(), ENOENT);
}

TEST(ReportInstances, ASuccessorOfTheSameNameIsAnother) {
    ReportInstances instances;
    const auto first = instances.make("one", alice, 0755, start);
    ASSERT_TRUE(instances.remove("one", alice));
    const auto second = instances.make("one", alice, 0755, start);
    EXPECT_NE(*first, *second);
    EXPECT_EQ(instances.find(*first), nullptr);
    EXPECT_EQ(*instances.find("one"), *second);
}

TEST(ReportInstances, AUserHasSoManyAndHisLimitIsNobodyElses) {
    ReportInstances instances;
    fill(instances, alice, max_instances_of_a_user);
    EXPECT_EQ(instances.make("more", alice, 0755, start), std::unexpected(EDQUOT));
    EXPECT_TRUE(instances.make("more", bob, 0755, start));
}

TEST(ReportInstances, WhoHasManyUidsHasNoMoreThanAnotherUser) {
    ReportInstances instances;
    constexpr Caller first{.uid = 100'000, .gid = 100'000, .pid = 4};
    constexpr Caller second{.uid = 165'535, .gid = 165'535, .pid = 5};
    fill(instances, first, max_instances_of_a_user);
    EXPECT_EQ(instances.make("more", second, 0755, start), std::unexpected(EDQUOT));
    EXPECT_TRUE(instances.make("alices", alice, 0755, start));
    EXPECT_TRUE(instances.make("more", second, 0755, start + abandoned_after)) << "what another of his uids forgot makes room";
    EXPECT_EQ(instances.remove("of-100000-1", second).error(), EACCES) << "what he has stays that uid's";
}

TEST(ReportInstances, AllUsersTogetherLeaveRoomForRoot) {
    ReportInstances instances;
    for (uid_t uid = 1; instances.all().size() < max_instances - instances_for_root; ++uid)
        fill(instances, {.uid = uid, .gid = uid, .pid = 1}, max_instances_of_a_user);
    EXPECT_EQ(instances.make("more", alice, 0755, start), std::unexpected(ENOSPC));
    fill(instances, root, instances_for_root);
    EXPECT_EQ(instances.make("more", root, 0755, start), std::unexpected(EDQUOT));
}

TEST(ReportInstances, WhereAUserHasTooManyTheOneThatHeForgotLongestMakesRoom) {
    ReportInstances instances;
    fill(instances, alice, max_instances_of_a_user);
    ASSERT_TRUE(instances.make("bobs", bob, 0755, start));
    instances.opened(*instances.find("of-1000-0"), start);
    instances.closed(*instances.find("of-1000-1"), start + std::chrono::minutes(1));
    const auto later = start + abandoned_after;
    // Number 0 is open, 1 was used later: 2 goes, and nothing of another user.
    EXPECT_TRUE(instances.make("more", alice, 0755, later));
    EXPECT_TRUE(instances.find("of-1000-0"));
    EXPECT_TRUE(instances.find("of-1000-1"));
    EXPECT_FALSE(instances.find("of-1000-2"));
    EXPECT_TRUE(instances.find("bobs"));
}

TEST(ReportInstances, OneThatWasUsedJustNowMakesNoRoom) {
    ReportInstances instances;
    fill(instances, alice, max_instances_of_a_user);
    EXPECT_EQ(instances.make("more", alice, 0755, start + abandoned_after - std::chrono::seconds(1)), std::unexpected(EDQUOT));
}

TEST(ReportInstances, NothingIsForgottenWhileThereIsRoom) {
    ReportInstances instances;
    ASSERT_TRUE(instances.make("for good", alice, 0755, start));
    ASSERT_TRUE(instances.make("more", alice, 0755, start + std::chrono::hours(10'000)));
    EXPECT_TRUE(instances.find("for good"));
}

}  // namespace
}  // namespace mrfs
