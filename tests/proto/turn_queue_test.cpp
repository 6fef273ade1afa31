#include "proto/varlink/turn_queue.h"

#include <gtest/gtest.h>

namespace varlink {
namespace {

using Member = TurnQueue::Member;

TEST(TurnQueue, ConnectionsOfOneUserHaveTheirTurnInTheOrderInWhichTheyCame) {
    TurnQueue queue;
    Member first(1);
    Member second(1);
    EXPECT_EQ(queue.next(), nullptr);
    queue.enter(first);
    queue.enter(second);
    queue.enter(first);
    EXPECT_EQ(queue.next(), &first);
    queue.enter(first);
    EXPECT_EQ(queue.next(), &second);
    EXPECT_EQ(queue.next(), &first);
    EXPECT_EQ(queue.next(), nullptr) << "to enter twice is to wait once";
    EXPECT_EQ(queue.size(), 0U);
}

TEST(TurnQueue, AUserWithManyConnectionsHasNoMoreTurnsThanOneWithASingleOne) {
    TurnQueue queue;
    Member one(7);
    Member other(7);
    Member third(7);
    Member roots(0);
    Member last(65534);
    for (auto *member : {&one, &other, &third}) queue.enter(*member);
    EXPECT_EQ(queue.next(), &one);
    queue.enter(one);
    queue.enter(roots);
    queue.enter(last);
    EXPECT_EQ(queue.next(), &last);
    queue.enter(last);
    EXPECT_EQ(queue.next(), &roots);
    queue.enter(roots);
    EXPECT_EQ(queue.next(), &other);
    EXPECT_EQ(queue.next(), &last);
    EXPECT_EQ(queue.next(), &roots);
    EXPECT_EQ(queue.next(), &third);
    EXPECT_EQ(queue.next(), &one);
    EXPECT_EQ(queue.size(), 0U);
}

TEST(TurnQueue, WhoLeavesHasNoTurn) {
    TurnQueue queue;
    Member one(1);
    Member other(2);
    queue.leave(one);
    queue.enter(one);
    queue.enter(other);
    queue.leave(one);
    EXPECT_EQ(queue.next(), &other);
    EXPECT_EQ(queue.next(), nullptr);
}

}  // namespace
}  // namespace varlink
