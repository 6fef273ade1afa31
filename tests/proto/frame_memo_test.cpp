#include "proto/varlink/frame_memo.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/varlink/session.h"
#include "tests/proto/example_service.h"

namespace varlink {
namespace {

using test::count_call;
using test::ExampleService;
using test::frame;
using test::messages;
using test::number_reply;
using Messages = std::vector<std::string>;

class Nothing final : public KeptCall {
public:
    const std::string *answer(const Peer & /*peer*/) override { return nullptr; }
};

TEST(FrameMemo, WantsAFrameWhenItComesForTheSecondTime) {
    FrameMemo memo;
    CallCounters counters;
    EXPECT_EQ(memo.find("one"), nullptr);
    EXPECT_FALSE(memo.wants("one"));
    EXPECT_TRUE(memo.wants("one"));
    memo.keep("one", std::make_unique<Nothing>(), counters);
    ASSERT_NE(memo.find("one"), nullptr);
    EXPECT_EQ(memo.find("one")->counters, &counters);
    EXPECT_FALSE(memo.wants("one")) << "it is there";
    EXPECT_FALSE(memo.wants("one"));
}

TEST(FrameMemo, TakesNoFrameForAnother) {
    FrameMemo memo;
    CallCounters counters;
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < 100; ++i) {
        frames.push_back("frame " + std::to_string(i));
        memo.keep(frames.back(), std::make_unique<Nothing>(), counters);
    }
    std::size_t found = 0;
    for (const auto &each : frames) {
        const auto *slot = memo.find(each);
        if (slot == nullptr) continue;
        EXPECT_EQ(slot->frame, each);
        ++found;
    }
    EXPECT_GT(found, 0U);
    EXPECT_LE(found, FrameMemo::slots);
    EXPECT_EQ(memo.find("frame"), nullptr);
    EXPECT_EQ(memo.find("frame 1 "), nullptr);
}

TEST(FrameMemo, HasNothingOfAnEmptyFrameOrALongOne) {
    FrameMemo memo;
    EXPECT_EQ(memo.find(""), nullptr);
    EXPECT_FALSE(memo.wants(""));
    EXPECT_FALSE(memo.wants(""));
    const std::string longest(FrameMemo::max_frame, 'x');
    const auto longer = longest + "x";
    EXPECT_FALSE(memo.wants(longest));
    EXPECT_TRUE(memo.wants(longest));
    EXPECT_FALSE(memo.wants(longer));
    EXPECT_FALSE(memo.wants(longer));
}

// ---- What a session does with it

class FastCalls : public testing::Test {
protected:
    FastCalls() { example_.service.set_fast_paths(true); }

    Messages receive(std::string_view bytes) {
        std::string out;
        session_->receive(bytes, out);
        while (session_->turn_is_over()) session_->resume(out);
        return messages(out);
    }
    [[nodiscard]] CallCounters counters(std::string_view method) const {
        CallCounters found;
        example_.interface->for_each_method([&](std::string_view name, const CallCounters &each) {
            if (name == method) found = each;
        });
        return found;
    }

    ExampleService example_;
    std::shared_ptr<Session> session_ = Session::create(example_.service, Peer{.uid = 1, .gid = 2, .pid = 3}, Limits{}, [] {});
};

TEST_F(FastCalls, ACallIsAnsweredByWhatIsKeptFromItsThirdTimeOn) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(receive(count_call(7)), Messages{number_reply(7)});
    EXPECT_EQ(example_.calls, 4U);
    EXPECT_EQ(example_.kept_answers, 2U);
    EXPECT_EQ(counters("Count").calls, 4U);
}

TEST_F(FastCalls, WhatIsKeptIsAskedForThePeerThatCalls) {
    for (int i = 0; i < 3; ++i) receive(count_call(7));
    session_ = Session::create(example_.service, Peer{.uid = 4}, Limits{}, [] {});
    receive(count_call(7));
    EXPECT_EQ(example_.kept_answers, 2U);
    EXPECT_EQ(example_.last_peer.uid, 4U);
}

TEST_F(FastCalls, WhereWhatIsKeptDoesNotAnswerTheMethodIsAsked) {
    for (int i = 0; i < 3; ++i) receive(count_call(7));
    example_.has_changed = true;
    EXPECT_EQ(receive(count_call(7)), Messages{number_reply(7)});
    EXPECT_EQ(example_.kept_answers, 1U);
    EXPECT_EQ(counters("Count").calls, 4U);
}

TEST_F(FastCalls, NothingIsKeptOfACallThatIsOnewayOrHasMore) {
    const std::string begin = R"({"method":"org.example.test.Count","parameters":{"number":7})";
    for (const std::string mode : {R"(,"oneway":true})", R"(,"more":true})", R"(,"upgrade":true})"}) {
        for (int i = 0; i < 4; ++i) receive(frame(begin + mode));
        EXPECT_EQ(example_.service.kept(begin + mode), nullptr) << mode;
    }
    for (int i = 0; i < 4; ++i) receive(count_call(-1));
    EXPECT_EQ(example_.kept_answers, 0U) << "the method did not keep it";
    for (int i = 0; i < 4; ++i) receive(frame(begin + R"(,"more":false})"));
    EXPECT_GT(example_.kept_answers, 0U) << "another spelling of the same call";
}

TEST_F(FastCalls, NothingIsAnsweredToAPeerThatHasGone) {
    for (int i = 0; i < 3; ++i) receive(count_call(7));
    session_->hang_up();
    EXPECT_EQ(receive(count_call(7)), Messages{});
    EXPECT_EQ(counters("Count").calls, 3U);
}

TEST_F(FastCalls, AnswersComeInTheOrderOfTheCalls) {
    const auto later = frame(R"({"method":"org.example.test.Later","parameters":{"number":1}})");
    for (int i = 0; i < 3; ++i) receive(count_call(7));
    EXPECT_EQ(receive(later + count_call(7)), Messages{});
    example_.answer_later();
    std::string out;
    session_->resume(out);
    EXPECT_EQ(messages(out), (Messages{number_reply(1), number_reply(7)}));
}

TEST_F(FastCalls, OfThoseThatComeTogetherTheFirstIsTimedAndOneInSixteen) {
    std::string stream;
    for (int i = 0; i < 49; ++i) stream += count_call(7);
    receive(stream);
    const auto fast = counters("Count");
    ExampleService other;
    other.service.set_fast_paths(false);
    const auto plain = Session::create(other.service, Peer{}, Limits{}, [] {});
    std::string out;
    plain->receive(stream, out);
    std::uint64_t plainly_timed = 0;
    other.interface->for_each_method([&](std::string_view, const CallCounters &each) {
        for (const auto count : each.took) plainly_timed += count;
    });
    std::uint64_t timed = 0;
    for (const auto count : fast.took) timed += count;
    EXPECT_EQ(timed, 49U);
    EXPECT_EQ(timed, plainly_timed);
}

TEST_F(FastCalls, WithoutThemNothingIsKept) {
    example_.service.set_fast_paths(false);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(receive(count_call(7)), Messages{number_reply(7)});
    EXPECT_EQ(example_.calls, 4U);
    EXPECT_EQ(example_.kept_answers, 0U);
}

TEST_F(FastCalls, AnErrorOfAMethodIsCountedAsOne) {
    const auto fail = frame(R"({"method":"org.example.test.Fail","parameters":{"reason":"none"}})");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(receive(fail), Messages{R"({"error":"org.example.test.Sorry","parameters":{"reason":"none"}})"});
    EXPECT_EQ(counters("Fail").calls, 2U);
    EXPECT_EQ(counters("Fail").failed, 2U);
}

}  // namespace
}  // namespace varlink
