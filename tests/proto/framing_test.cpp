#include "proto/varlink/framing.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/proto/example_service.h"

namespace varlink {
namespace {

using test::frame;
using Messages = std::vector<std::string>;

// All messages of the stream, fed in pieces of `piece` bytes.
Messages split(MessageSplitter &splitter, std::string_view stream, std::size_t piece) {
    Messages found;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        const std::string fed(stream.substr(at, piece));  // so that nothing can be read after keep_rest()
        splitter.feed(fed);
        while (const auto message = splitter.next()) found.emplace_back(*message);
        splitter.keep_rest();
    }
    return found;
}

TEST(MessageSplitter, AStreamGivesTheSameMessagesHoweverItIsCut) {
    const auto stream = frame("one") + frame("") + frame("three and more") + frame("4") + "unfinished";
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        MessageSplitter splitter(100);
        EXPECT_EQ(split(splitter, stream, piece), (Messages{"one", "", "three and more", "4"})) << "pieces of " << piece;
        EXPECT_EQ(splitter.waiting(), std::string_view("unfinished").size());
        EXPECT_FALSE(splitter.overflowed());
    }
}

TEST(MessageSplitter, MessagesMayBeTakenFewAtATime) {
    // As a session does that answers later: it takes one message, keeps the rest, and comes again without new bytes.
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        MessageSplitter splitter(100);
        Messages sent;
        Messages found;
        std::string stream;
        for (int i = 0; i < 50; ++i) {
            sent.push_back(std::string(random() % 30, static_cast<char>('a' + i % 26)));
            stream += frame(sent.back());
        }
        while (!stream.empty() || splitter.waiting() > 0) {
            const std::string fed = stream.substr(0, random() % 3 == 0 ? random() % 200 : 0);
            stream.erase(0, fed.size());
            splitter.feed(fed);
            for (auto wanted = random() % 4; wanted > 0; --wanted) {
                const auto message = splitter.next();
                if (!message) break;
                found.emplace_back(*message);
            }
            splitter.keep_rest();
        }
        ASSERT_EQ(found, sent) << "round " << round;
    }
}

TEST(MessageSplitter, AMessageOfExactlyTheLimitIsTaken) {
    for (std::size_t piece = 1; piece <= 11; ++piece) {
        MessageSplitter splitter(10);
        EXPECT_EQ(split(splitter, frame("0123456789") + frame("9876543210"), piece), (Messages{"0123456789", "9876543210"}))
            << "pieces of " << piece;
        EXPECT_FALSE(splitter.overflowed());
    }
}

TEST(MessageSplitter, AMessageOfOneByteMoreOverflowsAfterThoseBeforeIt) {
    for (std::size_t piece = 1; piece <= 20; ++piece) {
        MessageSplitter splitter(10);
        EXPECT_EQ(split(splitter, frame("before") + frame("0123456789+") + frame("after"), piece), (Messages{"before"}))
            << "pieces of " << piece;
        EXPECT_TRUE(splitter.overflowed());
    }
}

TEST(MessageSplitter, AnUnfinishedMessageOverflowsWithoutItsEnd) {
    MessageSplitter splitter(10);
    EXPECT_TRUE(split(splitter, "0123456789", 1).empty());
    EXPECT_FALSE(splitter.overflowed());
    EXPECT_TRUE(split(splitter, "+", 1).empty());
    EXPECT_TRUE(splitter.overflowed());
}

TEST(MessageSplitter, NothingIsKeptAfterAnOverflow) {
    MessageSplitter splitter(10);
    EXPECT_TRUE(split(splitter, std::string(1000, 'x'), 7).empty());
    EXPECT_EQ(splitter.waiting(), 0U);
}

TEST(MessageSplitter, MessagesOfOneFeedStayAliveTogether) {
    MessageSplitter splitter(100);
    const std::string first = "begun ";
    splitter.feed(first);
    EXPECT_FALSE(splitter.next());
    splitter.keep_rest();
    const auto second = frame("and ended") + frame("in place");
    splitter.feed(second);
    const auto kept = splitter.next();
    const auto in_place = splitter.next();
    ASSERT_TRUE(kept);
    ASSERT_TRUE(in_place);
    EXPECT_FALSE(splitter.next());
    EXPECT_EQ(*kept, "begun and ended");
    EXPECT_EQ(in_place->data(), second.data() + 10) << "a message that is complete in the bytes fed is not copied";
    splitter.keep_rest();
    EXPECT_EQ(splitter.waiting(), 0U);
}

}  // namespace
}  // namespace varlink
