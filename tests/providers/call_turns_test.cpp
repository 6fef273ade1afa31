#include "mrd/providers/call_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace mrd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> all_of(CallTurns<std::string> &turns) {
    std::vector<std::string> calls;
    while (auto call = turns.next()) calls.push_back(std::move(*call));
    return calls;
}

TEST(CallTurns, OfOneUserAreInTheirOrder) {
    for (const uid_t user : {0U, 1000U}) {
        CallTurns<std::string> turns;
        for (const auto *call : {"a", "b", "c"}) turns.add(user, call);
        EXPECT_EQ(turns.size(), 3U);
        EXPECT_THAT(all_of(turns), ElementsAre("a", "b", "c"));
        EXPECT_EQ(turns.size(), 0U);
        EXPECT_THAT(all_of(turns), IsEmpty());
    }
}

TEST(CallTurns, UsersHaveTheirTurnsOneAfterTheOtherHoweverManyOfOneWait) {
    CallTurns<std::string> turns;
    for (int i = 0; i < 1000; ++i) turns.add(1000, "flood");
    turns.add(1001, "b");
    turns.add(65534, "c");
    turns.add(1001, "b again");
    EXPECT_EQ(turns.next(), "flood");
    EXPECT_EQ(turns.next(), "b");
    EXPECT_EQ(turns.next(), "c");
    EXPECT_EQ(turns.next(), "flood");
    EXPECT_EQ(turns.next(), "b again");
    EXPECT_EQ(turns.next(), "flood");
    turns.add(999, "comes late");
    EXPECT_EQ(turns.next(), "comes late");
    EXPECT_EQ(all_of(turns).size(), 997U);
}

TEST(CallTurns, RootHasEveryOtherTurnHoweverManyUsersWait) {
    CallTurns<std::string> turns;
    for (uid_t user = 1000; user < 1100; ++user) turns.add(user, "user");
    for (int i = 0; i < 3; ++i) turns.add(0, "root");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(turns.next(), "root");
        EXPECT_EQ(turns.next(), "user");
    }
    EXPECT_EQ(turns.next(), "user");
    turns.add(0, "root");
    EXPECT_EQ(turns.next(), "root");
    // Nor does root keep out the others, or a single one.
    for (int i = 0; i < 100; ++i) turns.add(0, "root");
    EXPECT_EQ(turns.next(), "user");
    CallTurns<std::string> of_two;
    for (int i = 0; i < 3; ++i) {
        of_two.add(1000, "user");
        of_two.add(0, "root");
    }
    EXPECT_THAT(all_of(of_two), ElementsAre("root", "user", "root", "user", "root", "user"));
}

TEST(CallTurns, OneThatIsLastComesWhenAllThatWereAddedBeforeHaveHadTheirsAndWaitsForNoOther) {
    CallTurns<std::string> turns;
    turns.add_last("at once");
    EXPECT_EQ(turns.next(), "at once");
    turns.add(1000, "a");
    turns.add(1000, "b");
    turns.add_last("last");
    turns.add_last("last, too");
    turns.add(1001, "later");
    turns.add(0, "later, of root");
    EXPECT_EQ(turns.size(), 6U);
    EXPECT_THAT(all_of(turns), ElementsAre("later, of root", "a", "later", "b", "last", "last, too"));
    turns.add_last("last");
    for (int i = 0; i < 3; ++i) turns.add(1000, "later");
    EXPECT_EQ(turns.next(), "last");
}

TEST(CallTurns, TakesWhatCannotBeCopied) {
    CallTurns<std::unique_ptr<int>> turns;
    turns.add(1000, std::make_unique<int>(7));
    EXPECT_EQ(**turns.next(), 7);
}

}  // namespace
}  // namespace mrd
