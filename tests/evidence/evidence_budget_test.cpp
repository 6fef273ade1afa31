#include "mrd/evidence/evidence_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace mrd {
namespace {

using ::testing::IsEmpty;

class EvidenceBudgetTest : public ::testing::Test {
protected:
    // Each on a connection of its own.
    EvidenceBudget::Ticket take(char name, std::size_t bytes) {
        return budget_->take({static_cast<std::uint64_t>(name), 0}, bytes, [this, name](EvidenceBudget::Share share) {
            served_ += name;
            shares_[name] = std::move(share);
        });
    }
    void give_back(char name) { shares_.erase(name); }
    // What the event loop does: the names of those who got their share.
    std::string run() {
        while (!work_.empty()) {
            auto next = std::move(work_.front());
            work_.erase(work_.begin());
            next();
        }
        return std::exchange(served_, {});
    }

    std::vector<std::move_only_function<void()>> work_;
    std::string served_;
    std::map<char, EvidenceBudget::Share> shares_;
    std::shared_ptr<EvidenceBudget> budget_ =
        EvidenceBudget::make([this](std::move_only_function<void()> work) { work_.push_back(std::move(work)); },
                             {.what = "bytes", .all = 100, .others = 100, .uid = 100, .connection = 100});
};

TEST_F(EvidenceBudgetTest, WhoeverFitsIsServedButNotFromWithinTheCall) {
    take('a', 60);
    take('b', 40);
    EXPECT_THAT(served_, IsEmpty());
    EXPECT_EQ(run(), "ab");
    EXPECT_EQ(budget_->taken(), 100U);
    EXPECT_EQ(budget_->waiting(), 0U);
}

TEST_F(EvidenceBudgetTest, WhoeverDoesNotFitWaitsUntilEnoughIsGivenBack) {
    take('a', 60);
    take('b', 30);
    take('c', 50);
    EXPECT_EQ(run(), "ab");
    give_back('b');
    EXPECT_EQ(run(), "") << "40 are free";
    give_back('a');
    EXPECT_EQ(run(), "c");
    EXPECT_EQ(budget_->taken(), 50U);
}

TEST_F(EvidenceBudgetTest, OneThatIsCancelledIsNotServedAndHoldsNobodyUp) {
    take('a', 60);
    const auto large = take('b', 100);
    take('c', 1);
    EXPECT_EQ(run(), "a");
    budget_->cancel(large);
    budget_->cancel(large);
    EXPECT_EQ(run(), "c");
    give_back('a');
    give_back('c');
    EXPECT_EQ(run(), "");
    EXPECT_EQ(budget_->taken(), 0U);
}

TEST_F(EvidenceBudgetTest, AShareIsGivenBackWithItsLastCopy) {
    take('a', 100);
    take('b', 100);
    run();
    auto copy = shares_['a'];
    give_back('a');
    EXPECT_EQ(run(), "");
    copy.reset();
    EXPECT_EQ(run(), "b");
}

TEST_F(EvidenceBudgetTest, EveryClientCanHaveTheLargestEvidenceBesideOneThatHoldsItsShare) {
    const auto budget =
        EvidenceBudget::make([this](std::move_only_function<void()> work) { work_.push_back(std::move(work)); }, evidence_bound);
    std::vector<EvidenceBudget::Share> held;
    const auto ask = [&](const Client &client) {
        const auto before = held.size();
        budget->take(client, largest_evidence, [&](EvidenceBudget::Share share) { held.push_back(std::move(share)); });
        run();
        return held.size() > before;
    };
    EXPECT_TRUE(ask({1, 7}));
    EXPECT_FALSE(ask({2, 7})) << "its uid holds what one may hold while it is made";
    EXPECT_TRUE(ask({3, 8}));
    EXPECT_TRUE(ask({4, 0})) << "root has a reserve";
}

TEST_F(EvidenceBudgetTest, WhatOutlivesItGivesBackNothing) {
    take('a', 100);
    take('b', 100);
    run();
    budget_.reset();
    give_back('a');
    EXPECT_THAT(run(), IsEmpty());
}

}  // namespace
}  // namespace mrd
