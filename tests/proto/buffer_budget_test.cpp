#include "proto/varlink/buffer_budget.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/proto/uids.h"

namespace varlink {
namespace {

using test::alice;
using test::root_uid;
using namespace std::chrono_literals;
using Waiting = BufferBudget::Waiting;
using Holder = BufferBudget::Holder;

constexpr uid_t bob = 1001;

// One that may hold 800 bytes: 100 are kept for root, 400 are the most for one connection.
class Budget : public testing::Test {
protected:
    void hold(Holder &holder, std::size_t bytes) { budget_.update(holder, bytes, Waiting::for_reader, 0, now_); }
    void wait(Holder &holder, Waiting waiting, std::size_t progress = 0) { budget_.update(holder, 1, waiting, progress, now_); }
    [[nodiscard]] Holder *excess(Holder &updated) const { return budget_.excess(updated, now_); }

    BufferBudget budget_{Limits{.max_buffered = 800, .max_frame_time = 10s, .max_unread_time = 60s}};
    BufferBudget::TimePoint now_{};
};

TEST_F(Budget, WithinTheLimitNobodyHasToGo) {
    Holder first(alice);
    Holder second(alice);
    hold(first, 400);
    hold(second, 300);
    EXPECT_EQ(excess(second), nullptr);
    EXPECT_EQ(budget_.total(), 700U);
}

TEST_F(Budget, WhoHoldsMoreThanOneConnectionMayHasToGo) {
    Holder other(alice);
    Holder large(alice);
    hold(other, 10);
    hold(large, 401);
    EXPECT_EQ(excess(large), &large);
    hold(large, 400);
    EXPECT_EQ(excess(large), nullptr);
}

TEST_F(Budget, WhoHoldsTheMostForTheLongestHasToGo) {
    Holder old_small(alice);
    Holder old_large(alice);
    Holder young(alice);
    hold(old_small, 100);
    hold(old_large, 250);
    now_ += 2s;
    hold(young, 360);
    EXPECT_EQ(excess(young), &old_large) << "the young one is larger, and may be read in a moment";
    budget_.remove(old_large);
    EXPECT_EQ(excess(young), nullptr);
    EXPECT_EQ(budget_.total(), 460U);
}

TEST_F(Budget, WhoTakesWhatItHoldsGoesAfterAllWhoDoNotHoweverSlowlyItComesToIt) {
    Holder reader(alice);
    Holder sipping(alice);
    Holder unread(alice);
    hold(reader, 300);
    hold(sipping, 200);
    now_ += 5s;
    budget_.update(reader, 200, Waiting::for_reader, 100, now_);
    budget_.update(sipping, 199, Waiting::for_reader, 1, now_);
    hold(unread, 330);
    now_ += 100ms;
    hold(unread, 330);
    EXPECT_EQ(excess(unread), &sipping) << "a byte now and then is no reading";
    budget_.remove(sipping);
    hold(unread, 350);
    Holder next(alice);
    hold(next, 200);
    EXPECT_EQ(excess(next), &unread);
    EXPECT_TRUE(budget_.overdue(now_ + 59s).empty()) << "it has progressed";
}

TEST_F(Budget, WhoHasWaitedForItsAnswerHasHadNoTimeToReadIt) {
    Holder unread(alice);
    Holder honest(alice);
    wait(unread, Waiting::for_nothing, 200);
    wait(honest, Waiting::for_nothing, 200);
    now_ += 4s;
    hold(unread, 350);
    now_ += 100ms;
    hold(honest, 360);
    EXPECT_EQ(excess(honest), &unread) << "both have asked at the same time, and only one could read yet";
}

TEST_F(Budget, WhoseAnswersWereAllTakenBeginsAnew) {
    Holder reader(alice);
    Holder stuck(alice);
    hold(reader, 300);
    now_ += 5s;
    hold(stuck, 200);
    now_ += 1s;
    budget_.update(reader, 0, Waiting::for_nothing, 300, now_);
    EXPECT_FALSE(reader.known());
    hold(reader, 400);
    Holder third(alice);
    hold(third, 150);
    EXPECT_EQ(excess(third), &stuck);
}

TEST_F(Budget, TheUidThatHoldsTheMostPaysHoweverLongTheOthersHold) {
    Holder small(bob);
    hold(small, 200);
    now_ += 1h;
    Holder first(alice);
    Holder second(alice);
    hold(first, 260);
    hold(second, 260);
    EXPECT_EQ(excess(second), &first);
    budget_.remove(first);
    EXPECT_EQ(excess(second), nullptr);
}

TEST_F(Budget, AUidThatHoldsNoMoreThanItsPartNeverPays) {
    // Three uids: no update of the others may cost the one that holds a third of what is not root's.
    Holder quiet(bob);
    hold(quiet, 233);
    now_ += 1h;
    Holder one(alice);
    Holder two(alice + 100);
    for (std::size_t bytes = 0; bytes <= 400; ++bytes) {
        hold(one, bytes);
        for (auto *out = excess(one); out != nullptr; out = excess(one)) {
            ASSERT_NE(out, &quiet) << bytes;
            budget_.remove(*out);
        }
        hold(two, bytes);
        for (auto *out = excess(two); out != nullptr; out = excess(two)) {
            ASSERT_NE(out, &quiet) << bytes;
            budget_.remove(*out);
        }
    }
}

TEST_F(Budget, OthersCannotTakeWhatIsKeptForRoot) {
    Holder first(alice);
    Holder second(bob);
    hold(first, 360);
    hold(second, 340);
    EXPECT_EQ(excess(second), nullptr);
    hold(second, 341);
    EXPECT_EQ(excess(second), &first);
    hold(second, 340);
    Holder own(root_uid);
    now_ += 1h;
    hold(own, 100);
    EXPECT_EQ(excess(own), nullptr) << "the place is there";
    hold(own, 101);
    EXPECT_EQ(excess(own), &first) << "root holds the least";
}

TEST_F(Budget, OthersThatExceedTheirPartPayThoughRootHoldsMore) {
    Holder own(root_uid);
    Holder own_second(root_uid);
    Holder first(alice);
    Holder second(bob);
    hold(own, 400);
    hold(first, 380);
    budget_.update(own_second, 10, Waiting::for_reader, 0, now_);
    hold(second, 321);
    EXPECT_EQ(excess(second), &first);
}

TEST_F(Budget, WhoGoesLeavesTheOthersKnown) {
    Holder holders[] = {Holder(alice), Holder(alice), Holder(alice), Holder(alice)};
    for (auto &holder : holders) wait(holder, Waiting::for_reader);
    for (const auto gone : {1, 3, 0, 2}) {
        budget_.remove(holders[gone]);
        EXPECT_FALSE(holders[gone].known());
        std::size_t known = 0;
        for (const auto &holder : holders) known += holder.known() ? 1U : 0U;
        now_ += 61s;
        const auto overdue = budget_.overdue(now_);
        EXPECT_EQ(overdue.size(), known);
        for (const auto *holder : overdue) EXPECT_TRUE(holder->known());
        EXPECT_EQ(budget_.total(), known);
    }
}

TEST_F(Budget, RootPaysWhereItHoldsTheMostBeyondItsReserve) {
    Holder first(root_uid);
    Holder second(root_uid);
    Holder other(alice);
    hold(first, 360);
    hold(second, 360);
    hold(other, 80);
    EXPECT_EQ(excess(other), nullptr);
    hold(other, 81);
    EXPECT_NE(excess(other), &other);
}

TEST_F(Budget, OneUidAloneMayHoldAllButTheReserveAndRootAll) {
    Holder first(alice);
    Holder second(alice);
    hold(first, 350);
    hold(second, 350);
    EXPECT_EQ(excess(second), nullptr);
    hold(second, 351);
    EXPECT_NE(excess(second), nullptr);
    budget_.remove(first);
    budget_.remove(second);
    Holder own(root_uid);
    Holder own_second(root_uid);
    hold(own, 400);
    hold(own_second, 400);
    EXPECT_EQ(excess(own_second), nullptr);
}

// ---- Time

TEST_F(Budget, ThePeerThatDoesNotFinishAMessageIsOverdue) {
    Holder holder(alice);
    wait(holder, Waiting::for_rest_of_message);
    now_ += 10s;
    EXPECT_TRUE(budget_.overdue(now_).empty());
    wait(holder, Waiting::for_rest_of_message);
    now_ += 1ms;
    EXPECT_EQ(budget_.overdue(now_), std::vector{&holder}) << "more bytes of the same message give no more time";
    wait(holder, Waiting::for_rest_of_message, 1);
    EXPECT_TRUE(budget_.overdue(now_).empty()) << "another message has begun";
}

TEST_F(Budget, ThePeerThatTakesNothingOfItsAnswersIsOverdue) {
    Holder holder(alice);
    wait(holder, Waiting::for_reader);
    now_ += 59s;
    wait(holder, Waiting::for_reader, 1);
    now_ += 59s;
    EXPECT_TRUE(budget_.overdue(now_).empty()) << "it has taken some";
    wait(holder, Waiting::for_reader);
    now_ += 2s;
    EXPECT_EQ(budget_.overdue(now_), std::vector{&holder});
}

TEST_F(Budget, WhoIsWaitedForInAnotherWayHasItsTimeAnew) {
    Holder holder(alice);
    wait(holder, Waiting::for_rest_of_message);
    now_ += 9s;
    wait(holder, Waiting::for_reader);
    now_ += 9s;
    wait(holder, Waiting::for_rest_of_message);
    now_ += 9s;
    EXPECT_TRUE(budget_.overdue(now_).empty());
}

TEST_F(Budget, WhoWaitsForMrdIsNeverOverdue) {
    // Calls that wait behind one that is being answered; an idle connection or subscription is not even known.
    Holder holder(alice);
    wait(holder, Waiting::for_nothing);
    Holder idle(alice);
    budget_.update(idle, 0, Waiting::for_nothing, 0, now_);
    EXPECT_FALSE(idle.known());
    now_ += 24h;
    EXPECT_TRUE(budget_.overdue(now_).empty());
}

TEST_F(Budget, AHalfMessageOfAFewBytesIsWaitedForToo) {
    Holder holder(alice);
    budget_.update(holder, 0, Waiting::for_rest_of_message, 0, now_);
    now_ += 11s;
    EXPECT_EQ(budget_.overdue(now_), std::vector{&holder});
    budget_.remove(holder);
    EXPECT_TRUE(budget_.empty());
    budget_.remove(holder);
    EXPECT_TRUE(budget_.overdue(now_).empty());
}

}  // namespace
}  // namespace varlink
