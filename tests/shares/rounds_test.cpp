#include "mrd/shares/rounds.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace mrd {
namespace {

class RoundsTest : public ::testing::Test {
protected:
    // Who is visited next, until the round is over.
    std::string visits(std::size_t most = 100) {
        std::string visited;
        while (!rounds_.over() && visited.size() < most) visited += *rounds_.next();
        return visited;
    }

    Rounds<char> rounds_;
};

TEST_F(RoundsTest, NobodyIsVisitedBeforeARoundBegins) {
    rounds_.begin();
    EXPECT_EQ(visits(), "");
    rounds_.add('a');
    EXPECT_EQ(visits(), "");
}

TEST_F(RoundsTest, EachIsVisitedOnceInARound) {
    for (const char name : std::string("abc")) rounds_.add(name);
    rounds_.begin();
    EXPECT_EQ(visits(), "abc");
    rounds_.begin();
    EXPECT_EQ(visits(), "abc");
}

TEST_F(RoundsTest, AChangeDuringARoundVisitsEachOnceMoreFromWhereItIs) {
    for (const char name : std::string("abcd")) rounds_.add(name);
    rounds_.begin();
    EXPECT_EQ(visits(2), "ab");
    rounds_.begin();
    rounds_.begin();
    EXPECT_EQ(visits(), "cdab");
}

TEST_F(RoundsTest, OneThatComesDuringARoundTakesNobodysVisit) {
    for (const char name : std::string("abc")) rounds_.add(name);
    rounds_.begin();
    EXPECT_EQ(visits(1), "a");
    rounds_.add('x');
    EXPECT_EQ(visits(), "bc");
    rounds_.begin();
    EXPECT_EQ(visits().size(), 4U);
}

TEST_F(RoundsTest, OneThatComesWhereARoundPassesTheEndTakesNobodysVisit) {
    for (const char name : std::string("abcd")) rounds_.add(name);
    rounds_.begin();
    EXPECT_EQ(visits(2), "ab");
    rounds_.begin();
    rounds_.add('x');
    EXPECT_EQ(visits(), "cdab");
}

TEST_F(RoundsTest, OneThatGoesTakesNobodysVisitWhereverItStands) {
    for (const char goes : std::string("abcd")) {
        Rounds<char> rounds;
        std::map<char, Rounds<char>::Position> positions;
        for (const char name : std::string("abcd")) positions[name] = rounds.add(name);
        rounds.begin();
        std::string visited{*rounds.next(), *rounds.next()};
        rounds.remove(positions.at(goes));
        while (!rounds.over()) visited += *rounds.next();
        for (const char name : std::string("abcd")) {
            EXPECT_TRUE(name == goes || visited.contains(name)) << name << " when " << goes << " goes: " << visited;
        }
    }
}

TEST_F(RoundsTest, ThoseThatGoTogetherTakeNobodysVisit) {
    for (const char name : std::string("abcdef")) rounds_.add(name);
    rounds_.begin();
    EXPECT_EQ(visits(2), "ab");
    rounds_.remove_if([](char name) { return name == 'a' || name == 'c' || name == 'd'; });
    EXPECT_EQ(visits().substr(0, 2), "ef");
    EXPECT_EQ(rounds_.size(), 3U);
}

TEST_F(RoundsTest, TheLastOneThatGoesLeavesNoRound) {
    const auto only = rounds_.add('a');
    rounds_.begin();
    rounds_.remove(only);
    EXPECT_TRUE(rounds_.over());
    rounds_.add('b');
    rounds_.begin();
    EXPECT_EQ(visits(), "b");
}

}  // namespace
}  // namespace mrd
