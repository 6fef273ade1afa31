// Calls that let the next one begin before they have their answer.
#include "proto/varlink/owed_answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/varlink/session.h"
#include "tests/mrd/every_path.h"
#include "tests/proto/served.h"
#include "tests/sanitized.h"

namespace varlink {
namespace {

using test::call;
using test::count_call;
using test::frame;
using test::messages;
using test::Number;
using test::number_reply;
using test::Served;

using Messages = std::vector<std::string>;

std::string soon_call(std::int64_t number) { return call("ChangeSoon", number); }

Messages replies(std::int64_t first, std::int64_t last) {
    Messages all;
    for (auto number = first; number <= last; ++number) all.push_back(number_reply(number));
    return all;
}

// ---- Every order

// A few calls of each kind on one connection, answered in any order.
class Connection {
public:
    explicit Connection(mrd::Choices &choices, std::size_t calls, bool has_mishaps, bool fast_paths)
        : choices_(choices), mishaps_(has_mishaps) {
        example_.service.set_fast_paths(fast_paths);
        if (fast_paths) keep_counts(calls);
        std::string stream;
        for (std::size_t i = 0; i < calls; ++i) {
            constexpr std::array<std::string_view, 4> methods{"Count", "ChangeLater", "ChangeSoon", "ChangeSoon"};
            const auto kind = choices_.choose(methods.size());
            oneway_.push_back(kind == 3);
            stream += call(methods.at(kind), static_cast<std::int64_t>(i), kind == 3 ? R"(,"oneway":true)" : "");
            story_ += std::string(methods.at(kind)) + (kind == 3 ? " oneway, " : ", ");
        }
        was_answered_.resize(calls);
        session_->receive(stream, out_);
        check();
    }

    void play() {
        while (!example_.later.empty() || is_woken_) {
            const auto answers = example_.later.size();
            std::vector<void (Connection::*)()> others;
            if (is_woken_) others.push_back(&Connection::resume);
            if (may_let_next_begin()) others.push_back(&Connection::let_next_begin);
            if (mishaps_) others.insert(others.end(), {&Connection::hang_up, &Connection::drop});
            const auto what = choices_.choose(answers + others.size());
            if (what < answers) {
                answer(what);
            } else {
                (this->*others[what - answers])();
            }
            check();
        }
        finish();
    }

    [[nodiscard]] std::string story() const { return story_; }

private:
    // Of each number, by another client: from now on they are answered without the method.
    void keep_counts(std::size_t calls) {
        const auto other = Session::create(example_.service, Peer{}, {}, [] {});
        std::string ignored;
        for (std::size_t i = 0; i < calls; ++i) {
            for (int times = 0; times < 3; ++times) other->receive(call("Count", static_cast<std::int64_t>(i)), ignored);
        }
        other->close();
    }
    // One that has the turn was called last of those that wait.
    [[nodiscard]] bool may_let_next_begin() const {
        return session_->busy() && !example_.later.empty() && example_.later.back().number != let_;
    }
    void let_next_begin() {
        story_ += "let the next begin, ";
        let_ = example_.later.back().number;
        example_.later.back().responder.let_next_begin();
    }
    void answer(std::size_t which) {
        auto waiting = std::move(example_.later[which]);
        example_.later.erase(example_.later.begin() + static_cast<std::ptrdiff_t>(which));
        story_ += "answer " + std::to_string(waiting.number) + ", ";
        was_answered_.at(static_cast<std::size_t>(waiting.number)) = true;
        waiting.responder.reply(Number{waiting.number});
    }
    void drop() {
        mishaps_ = false;
        if (example_.later.empty()) return;
        story_ += "drop " + std::to_string(example_.later.back().number) + ", ";
        if (!hung_up_) dropped_ = static_cast<std::size_t>(example_.later.back().number);
        example_.later.pop_back();
    }
    void hang_up() {
        mishaps_ = false;
        story_ += "hang up, ";
        hung_up_ = true;
        session_->hang_up();
        is_woken_ = true;
    }
    void resume() {
        story_ += "resume, ";
        is_woken_ = false;
        session_->resume(out_);
    }

    [[nodiscard]] std::size_t end() const { return dropped_.value_or(oneway_.size()); }
    [[nodiscard]] Messages expected() const {
        Messages all;
        for (std::size_t i = 0; i < end(); ++i) {
            if (!oneway_[i]) all.push_back(number_reply(static_cast<std::int64_t>(i)));
        }
        return all;
    }
    // What was sent is the beginning of what is to be sent.
    void check() {
        const auto sent = messages(out_);
        const auto all = expected();
        ASSERT_LE(sent.size(), all.size());
        ASSERT_TRUE(std::equal(sent.begin(), sent.end(), all.begin()));
        if (hung_up_) {
            ASSERT_EQ(sent.size(), sent_at_hang_up_.value_or(sent.size())) << "nobody reads it";
            sent_at_hang_up_ = sent.size();
        }
    }
    void finish() {
        EXPECT_FALSE(session_->busy()) << "nobody waits for ever";
        EXPECT_FALSE(session_->owes_answers());
        if (!dropped_) {
            EXPECT_EQ(session_->memory(), 0U);
        }
        EXPECT_EQ(session_->broken(), dropped_.has_value());
        if (!hung_up_) {
            EXPECT_EQ(messages(out_), expected());
        }
    }

    mrd::Choices &choices_;
    bool mishaps_;
    std::int64_t let_ = -1;  // the next call begin, and so not once more
    test::ExampleService example_;
    bool is_woken_ = false;
    std::shared_ptr<Session> session_ =
        Session::create(example_.service, Peer{.uid = 1, .gid = 2, .pid = 3}, {}, [this] { is_woken_ = true; });
    std::string out_;
    std::vector<bool> oneway_;
    std::vector<bool> was_answered_;
    std::optional<std::size_t> dropped_;
    std::optional<std::size_t> sent_at_hang_up_;
    bool hung_up_ = false;
    std::string story_;
};

void play_every_path(std::size_t calls, bool has_mishaps) {
    for (const bool fast_paths : {false, true}) {
        mrd::Choices choices;
        do {
            Connection connection(choices, fast_paths ? calls : calls - 1, has_mishaps, fast_paths);
            connection.play();
            if (testing::Test::HasFailure()) FAIL() << connection.story();
        } while (choices.advance());
    }
}

// A sanitizer looks at each step, not at each order of steps.
constexpr std::size_t calls_left_out = mrd::is_sanitized ? 1 : 0;

TEST(OwedAnswers, AreSentInTheOrderOfTheCallsInWhateverOrderTheyCome) { play_every_path(4 - calls_left_out, false); }

TEST(OwedAnswers, ACallThatIsDroppedEndsTheConnectionWithWhatStandsBeforeItAndAHangUpWithNothing) {
    play_every_path(3 - calls_left_out, true);
}

// ---- Bounds

class Owing : public testing::Test {
protected:
    void answer(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) example_.answer_later();
    }
    Messages resume() {
        std::string out;
        do {
            session_->resume(out);
        } while (session_->turn_is_over());
        return messages(out);
    }
    Messages receive(std::string_view bytes) {
        std::string out;
        session_->receive(bytes, out);
        while (session_->turn_is_over()) session_->resume(out);
        return messages(out);
    }
    static constexpr auto most = static_cast<std::int64_t>(max_owed_answers);

    test::ExampleService example_;
    int woken_ = 0;
    std::shared_ptr<Session> session_ = Session::create(example_.service, Peer{.uid = 1, .gid = 2, .pid = 3}, {}, [this] { ++woken_; });
};

TEST_F(Owing, OnlySoManyCallsMayOweAnswers) {
    std::string stream;
    for (std::int64_t i = 0; i < most + 2; ++i) stream += soon_call(i);
    EXPECT_EQ(receive(stream), Messages{});
    EXPECT_EQ(example_.later.size(), max_owed_answers);
    EXPECT_TRUE(session_->busy()) << "nothing further is received";
    EXPECT_FALSE(session_->held_back()) << "it is not its turn that it waits for";
    EXPECT_GE(session_->memory(), max_owed_answers * owed_answer_size) << "they count";
    answer(1);
    EXPECT_EQ(resume(), replies(0, 0));
    EXPECT_EQ(example_.later.size(), max_owed_answers);
    answer(max_owed_answers);
    EXPECT_EQ(resume(), replies(1, most));
    answer(1);
    EXPECT_EQ(resume(), replies(most + 1, most + 1));
    EXPECT_EQ(session_->memory(), 0U);
}

TEST_F(Owing, AnswersThatAreKeptBehindAnOwedOneCountAsUnsent) {
    const auto blob = frame(R"({"method":"org.example.test.Blob","parameters":{"size":)" + std::to_string(max_unsent) + "}}");
    EXPECT_EQ(receive(soon_call(1) + blob + count_call(2)), Messages{});
    EXPECT_EQ(example_.calls, 1U);
    EXPECT_TRUE(session_->busy());
    EXPECT_GE(session_->memory(), max_unsent);
    answer(1);
    session_->set_unsent(1);
    const auto sent = resume();
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_EQ(sent[0], number_reply(1));
    EXPECT_EQ(sent[2], number_reply(2));
}

TEST_F(Owing, TheNextOneMayBeginAfterTheMethodHasReturned) {
    EXPECT_EQ(receive(call("ChangeLater", 1) + count_call(2)), Messages{});
    EXPECT_EQ(example_.calls, 0U);
    example_.later.front().responder.let_next_begin();
    EXPECT_EQ(woken_, 1);
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(example_.calls, 1U);
    answer(1);
    EXPECT_EQ(woken_, 2);
    EXPECT_EQ(resume(), replies(1, 2));
}

TEST_F(Owing, AKeptAnswerIsGivenBehindAnOwedOne) {
    example_.service.set_fast_paths(true);
    for (int times = 0; times < 3; ++times) receive(count_call(2));
    const auto kept = example_.kept_answers;
    ASSERT_GT(kept, 0U);
    EXPECT_EQ(receive(soon_call(1) + count_call(2)), Messages{});
    EXPECT_EQ(example_.kept_answers, kept + 1);
    answer(1);
    EXPECT_EQ(resume(), replies(1, 2));
}

TEST_F(Owing, OnewayCallsAreOwedToo) {
    std::string stream;
    for (std::int64_t i = 0; i < most + 1; ++i) stream += call("ChangeSoon", i, R"(,"oneway":true)");
    EXPECT_EQ(receive(stream + count_call(7)), Messages{});
    EXPECT_EQ(example_.later.size(), max_owed_answers);
    answer(max_owed_answers);
    EXPECT_EQ(resume(), Messages{}) << "the last one owes still";
    answer(1);
    EXPECT_EQ(resume(), replies(7, 7));
    EXPECT_EQ(session_->memory(), 0U);
}

TEST_F(Owing, OfAPeerThatHasGoneACallLetsNoneBeginBeforeItsAnswer) {
    receive(soon_call(1));
    session_->hang_up();
    const auto before = session_->memory();
    receive(soon_call(2) + soon_call(3));
    EXPECT_EQ(example_.later.size(), 2U);
    answer(2);
    EXPECT_EQ(resume(), Messages{});
    EXPECT_EQ(example_.later.size(), 1U) << "the third one";
    answer(1);
    EXPECT_LE(session_->memory(), before);
    EXPECT_EQ(resume(), Messages{});
    EXPECT_FALSE(session_->busy());
}

TEST_F(Owing, ABrokenMessageBehindThemEndsTheConnectionWithThemAnswered) {
    EXPECT_EQ(receive(soon_call(1) + count_call(2) + frame("no call") + count_call(3)), Messages{});
    EXPECT_TRUE(session_->broken());
    EXPECT_TRUE(session_->owes_answers());
    answer(1);
    EXPECT_EQ(resume(), replies(1, 2));
    EXPECT_FALSE(session_->owes_answers());
}

TEST_F(Owing, WhatComesBehindIsAnsweredBehindWhatWasAnsweredMeanwhile) {
    EXPECT_EQ(receive(soon_call(1)), Messages{});
    EXPECT_FALSE(session_->busy()) << "the next call may come";
    answer(1);
    EXPECT_EQ(receive(count_call(2)), replies(1, 2)) << "before it was resumed";
}

TEST_F(Owing, ASubscriptionBehindAnOwedAnswerIsKeptBehindItAndIsCongestedByWhatIsKept) {
    EXPECT_EQ(receive(soon_call(1) + frame(R"({"method":"org.example.test.Watch","more":true})")), Messages{});
    int drained = 0;
    example_.watch->on_drained([&] { ++drained; });
    example_.watch->stream(Number{2});
    EXPECT_EQ(resume(), Messages{});
    session_->set_unsent(0);
    EXPECT_EQ(drained, 0) << "it is not sent";
    while (!example_.watch->congested()) example_.watch->stream(Number{2});
    answer(1);
    const auto sent = resume();
    ASSERT_GT(sent.size(), 2U);
    EXPECT_EQ(sent.front(), number_reply(1));
    session_->set_unsent(0);
    EXPECT_EQ(drained, 1);
}

TEST_F(Owing, ACallIsCountedWhenItHasItsAnswer) {
    auto interface = std::make_shared<Interface>("interface a.b\nmethod Soon(number: int) -> (number: int)\n");
    std::vector<Responder> soon;
    interface->add<Number>("Soon", Effect::changes, [&](const Request &, const Number &, Responder responder) {
        responder.let_next_begin();
        soon.push_back(std::move(responder));
    });
    example_.service.add(std::shared_ptr<const Interface>(interface));
    const auto counted = [&] {
        std::pair<std::uint64_t, std::uint64_t> found;  // answered, of which failed
        interface->for_each_method([&](std::string_view, const CallCounters &counters) {
            for (const auto count : counters.took) found.first += count;
            found.second = counters.failed;
        });
        return found;
    };
    receive(frame(R"({"method":"a.b.Soon","parameters":{"number":1}})") + frame(R"({"method":"a.b.Soon","parameters":{"number":2}})"));
    ASSERT_EQ(soon.size(), 2U);
    EXPECT_EQ(counted(), std::pair(0UL, 0UL));
    soon[1].fail(test::Sorry{"no"});
    EXPECT_EQ(counted(), std::pair(1UL, 1UL));
    soon[0].reply(Number{1});
    EXPECT_EQ(counted(), std::pair(2UL, 1UL));
    soon.clear();
}

// ---- With a socket

TEST(OwedAnswersServer, AHalfCloseWaitsForThem) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(soon_call(1) + count_call(2) + soon_call(3)));
    client.half_close();
    ASSERT_TRUE(served.example.later_called.wait(2));
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive(2), replies(1, 2));
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive_to_end(), replies(3, 3));
    EXPECT_TRUE(served.empty.wait());
}

TEST(OwedAnswersServer, ABrokenMessageWaitsForThem) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(soon_call(1) + count_call(2) + frame("no call")));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive_to_end(), replies(1, 2));
    EXPECT_TRUE(served.empty.wait());
}

TEST(OwedAnswersServer, TheyCountAsBytesThatTheConnectionHolds) {
    const auto stream = [] {
        std::string all;
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(max_owed_answers); ++i) all += soon_call(i);
        return all;
    }();
    {
        Served served;
        auto client = served.connect();
        ASSERT_TRUE(client.send(stream));
        ASSERT_TRUE(served.example.later_called.wait(max_owed_answers));
        EXPECT_GE(served.on_loop([&] { return served.server->counters().buffered; }), max_owed_answers * owed_answer_size);
        served.on_loop([&] {
            while (!served.example.later.empty()) served.example.answer_later();
        });
        EXPECT_EQ(client.receive(max_owed_answers).size(), max_owed_answers);
    }
    Served served({.max_buffered = max_owed_answers * owed_answer_size});
    auto client = served.connect();
    ASSERT_TRUE(client.send(stream));
    EXPECT_EQ(client.receive_to_end(), Messages{}) << "it holds more than half of what all may";
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().closed_buffered; }), 1U);
    served.on_loop([&] { served.example.later.clear(); });
}

TEST(OwedAnswersServer, CallsThatComeMeanwhileAreMade) {
    Served served;
    auto client = served.connect();
    for (std::int64_t i = 1; i <= 3; ++i) {
        ASSERT_TRUE(client.send(soon_call(i)));
        ASSERT_TRUE(served.example.later_called.wait(static_cast<std::uint64_t>(i)));
    }
    served.on_loop([&] {
        while (!served.example.later.empty()) served.example.answer_later();
    });
    EXPECT_EQ(client.receive(3), replies(1, 3));
}

TEST(OwedAnswersServer, AHangUpLeavesTheCallsThatWaitToTheirEnd) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(soon_call(1) + call("Mark", 2)));
    ASSERT_TRUE(served.example.marked.wait());
    client.close();
    // It has met the hang-up: its place is given back, though its call is not over.
    while (served.on_loop([&] { return served.server->counters().left_behind == 0 && served.server->connections() > 0; }))
        std::this_thread::yield();
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 1U);
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
    EXPECT_EQ(served.on_loop([&] { return served.server->counters().left_behind; }), 0U);
}

// With what it has not read the kernel tells of a reset, instead of an end.
TEST(OwedAnswersServer, AResetLeavesTheCallsThatWaitToTheirEndToo) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(count_call(1)));
    pollfd answered{client.native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&answered, 1, test::patience_ms), 1);
    ASSERT_TRUE(client.send(soon_call(1)));
    ASSERT_TRUE(served.example.later_called.wait());
    client.close();
    while (served.on_loop([&] { return served.server->counters().left_behind == 0 && served.server->connections() > 0; }))
        std::this_thread::yield();
    EXPECT_EQ(served.on_loop([&] { return served.server->connections(); }), 1U);
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_TRUE(served.empty.wait());
}

TEST(OwedAnswersServer, AStopWaitsForThemAndServesNothingThatComesBehind) {
    Served served;
    auto client = served.connect();
    ASSERT_TRUE(client.send(soon_call(1) + count_call(2)));
    ASSERT_TRUE(served.example.later_called.wait());
    served.on_loop([&] { served.server->stop(); });
    ASSERT_TRUE(client.send(call("Mark", 3)));
    served.on_loop([&] { served.example.answer_later(); });
    EXPECT_EQ(client.receive_to_end(), replies(1, 2));
    EXPECT_TRUE(served.empty.wait());
    EXPECT_TRUE(served.on_loop([&] { return served.example.marks.empty(); }));
}

}  // namespace
}  // namespace varlink
