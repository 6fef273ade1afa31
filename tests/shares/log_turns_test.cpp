#include "mrd/shares/log_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace mrd {
namespace {

class LogTurnsTest : public ::testing::Test {
protected:
    void enter(char name, const Client &client) { tickets_[name] = turns_.enter(client); }
    // Each on a connection of its own.
    void enter(char name, uid_t uid = 0) { enter(name, {static_cast<std::uint64_t>(name), uid}); }
    void leave(char name) { turns_.leave(tickets_.at(name)); }
    // Who has the next steps.
    std::string steps(int count) {
        std::string names;
        for (int i = 0; i < count; ++i) {
            const auto next = turns_.next();
            if (!next) break;
            names += std::ranges::find(tickets_, *next, &std::pair<const char, LogTurns::Ticket>::second)->first;
        }
        return names;
    }

    LogTurns turns_{{.what = "readings", .all = 4, .others = 3, .uid = 2, .connection = 1}};
    std::map<char, LogTurns::Ticket> tickets_;
};

TEST_F(LogTurnsTest, NobodyReadsSoNobodyHasAStep) { EXPECT_EQ(steps(1), ""); }

TEST_F(LogTurnsTest, EachHasAStepBeforeAnotherHasItsSecond) {
    enter('a');
    EXPECT_EQ(steps(2), "aa");
    enter('b');
    enter('c');
    EXPECT_EQ(steps(6), "abcabc");
}

TEST_F(LogTurnsTest, NoMoreWorkThanMayAndTheOthersComeInTheirTurn) {
    for (const char name : std::string("abcdef")) enter(name);
    EXPECT_EQ(steps(8), "abcdabcd");
    EXPECT_EQ(turns_.working(), 4U);
    EXPECT_EQ(turns_.waiting(), 2U);
    leave('b');
    EXPECT_EQ(steps(4), "acde");
    leave('a');
    leave('c');
    leave('d');
    EXPECT_EQ(steps(4), "efef");
}

TEST_F(LogTurnsTest, OneThatLeavesHoldsNoPlaceWhetherItWorkedOrWaited) {
    for (const char name : std::string("abcde")) enter(name);
    EXPECT_EQ(steps(4), "abcd");
    leave('e');
    leave('e');
    EXPECT_EQ(turns_.waiting(), 0U);
    for (const char name : std::string("abcd")) leave(name);
    EXPECT_EQ(turns_.working(), 0U);
    EXPECT_EQ(steps(1), "");
}

TEST_F(LogTurnsTest, AUidWithManyConnectionsKeepsNeitherAnotherNorRootFromReading) {
    for (char name = 'A'; name <= 'Z'; ++name) enter(name, 7);
    enter('x', 8);
    enter('r');
    EXPECT_EQ(steps(4), "ABxr");
    for (char name = 'h'; name <= 'p'; ++name) enter(name, static_cast<uid_t>(1000 + name));
    enter('s');
    EXPECT_EQ(steps(4), "ABxr");
    leave('r');
    EXPECT_EQ(steps(4), "ABxs") << "root's place is root's";
}

TEST_F(LogTurnsTest, ConnectionsOfOneUidTakeTurnsInComingIn) {
    enter('a');
    enter('b');
    enter('c');
    enter('d');
    EXPECT_EQ(steps(4), "abcd");
    enter('e', {1, 0});
    enter('f', {1, 0});
    enter('g', {2, 0});
    leave('a');
    leave('b');
    EXPECT_EQ(steps(4), "cdeg");
}

}  // namespace
}  // namespace mrd
