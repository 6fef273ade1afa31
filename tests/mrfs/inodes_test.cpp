#include "mrfs/inodes.h"

#include <gtest/gtest.h>

namespace mrfs {
namespace {

const Node one{.kind = Kind::measurement, .name = "tdx/rtmr0"};
const Node other{.kind = Kind::measurement, .name = "tdx/rtmr1"};

TEST(Inodes, KeepOneNumberAsLongAsTheKernelKnowsIt) {
    Inodes inodes;
    const auto number = inodes.looked_up(one);
    EXPECT_NE(number, Inodes::root);
    EXPECT_EQ(inodes.looked_up(one), number);
    EXPECT_NE(inodes.looked_up(other), number);
    inodes.forget(number, 1);
    EXPECT_EQ(inodes.find(number), one);
    inodes.forget(number, 1);
    EXPECT_EQ(inodes.find(number), std::nullopt);
    EXPECT_EQ(inodes.size(), 1U);
    EXPECT_NE(inodes.looked_up(one), number);
}

TEST(Inodes, TheRootIsNeverForgotten) {
    Inodes inodes;
    EXPECT_EQ(inodes.looked_up(Node{}), Inodes::root);
    inodes.forget(Inodes::root, 1'000);
    EXPECT_EQ(inodes.find(Inodes::root), Node{});
    inodes.forget(12'345, 1);
}

}  // namespace
}  // namespace mrfs
