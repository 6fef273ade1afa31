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
    EXPECT_EQ(steps(8), "afbeafbe");
    EXPECT_EQ(turns_.working(), 4U);
    EXPECT_EQ(turns_.waiting(), 2U);
    leave('b');
    EXPECT_EQ(steps(4), "afec");
    leave('a');
    leave('f');
    leave('e');
    EXPECT_EQ(steps(4), "cdcd");
}

TEST_F(LogTurnsTest, OneThatLeavesHoldsNoPlaceWhetherItWorkedOrWaited) {
    for (const char name : std::string("abcde")) enter(name);
    EXPECT_EQ(steps(4), "aebd");
    leave('c');
    leave('c');
    EXPECT_EQ(turns_.waiting(), 0U);
    for (const char name : std::string("abde")) leave(name);
    EXPECT_EQ(turns_.working(), 0U);
    EXPECT_EQ(steps(1), "");
}

TEST_F(LogTurnsTest, AUidWithManyConnectionsKeepsNeitherAnotherNorRootFromReading) {
    for (char name = 'A'; name <= 'Z'; ++name) enter(name, 7);
    enter('x', 8);
    enter('r');
    EXPECT_EQ(steps(4), "rAxZ");
    for (char name = 'h'; name <= 'p'; ++name) enter(name, static_cast<uid_t>(1000 + name));
    enter('s');
    EXPECT_EQ(steps(4), "rAxZ");
    leave('r');
    EXPECT_EQ(steps(4), "AxZs") << "root's place is root's";
}

TEST_F(LogTurnsTest, OfAUidAConnectionThatHasNotReadLatelyComesBeforeThoseThatReadAgainAndAgain) {
    for (const char name : std::string("abcdefghij")) enter(name);
    const auto read_again = [&](char name) {
        leave(name);
        enter(name);
    };
    for (int i = 0; i < 40; ++i) read_again(steps(1).front());
    enter('n');
    std::string worked;
    for (int i = 0; i < 2; ++i) {
        const auto next = steps(1).front();
        worked += next;
        read_again(next);
    }
    EXPECT_NE((worked + steps(4)).find('n'), std::string::npos);
}

}  // namespace
}  // namespace mrd
