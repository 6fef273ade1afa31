#include "mrd/journal/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

class JournalSpace : public JournalTest {
protected:
    JournalSpace() { options_.size_limit = 65'536; }

    // One event of the uid; what refused it.
    std::optional<Full> log(Journal &journal, std::int64_t uid, Origin origin = Origin::service) {
        caller_.uid = uid;
        auto made = event(journal, r0, 1);
        made.origin = origin;
        const auto intent = journal.begin(made);
        if (!intent) return std::get<Full>(intent.error());
        journal.settle(*intent, Outcome::undone);
        return std::nullopt;
    }
    // How many events the uid can log, and the share that ends it.
    std::pair<std::uint64_t, Full> fill(Journal &journal, std::int64_t uid) {
        for (std::uint64_t events = 0;; ++events) {
            if (auto full = log(journal, uid)) return {events, *full};
        }
    }
};

TEST_F(JournalSpace, OneUidFillsNoMoreThanItsShareAndOthersGoOn) {
    auto journal = start();
    const auto begin = journal->end();
    const auto [events, full] = fill(*journal, 1000);
    EXPECT_EQ(full.limit, 16'384);
    EXPECT_EQ(full.share, "bytes of uid 1000");
    EXPECT_LE(journal->end() - begin, 16'384U);
    EXPECT_GT(events, 40U);
    EXPECT_FALSE(log(*journal, 1001));
    EXPECT_FALSE(log(*journal, 0));
    journal = start();
    EXPECT_TRUE(log(*journal, 1000)) << "a restart makes no room";
    EXPECT_FALSE(log(*journal, 1001));
}

TEST_F(JournalSpace, WhatIsAskedForSomebodyElseIsOfThatOnesShareAndAfterARestartToo) {
    auto journal = start();
    caller_.on_behalf_of = mr::OnBehalfOf{.uid = 1000};
    const auto [events, full] = fill(*journal, 900);
    EXPECT_EQ(full.share, "bytes of uid 1000");
    journal = start();
    EXPECT_TRUE(log(*journal, 900));
    caller_.on_behalf_of = mr::OnBehalfOf{.uid = 1001};
    EXPECT_FALSE(log(*journal, 900)) << "the program's other users go on";
    caller_.on_behalf_of.reset();
    EXPECT_FALSE(log(*journal, 900)) << "and it has a share of its own";
    EXPECT_TRUE(log(*journal, 1000)) << "his own calls take the same share";
}

TEST_F(JournalSpace, UidsThatNoRuleNamesFillOneShareTogether) {
    auto journal = start();
    journal->set_named_uids({0, 1000});
    std::optional<Full> full;
    std::int64_t uid = 2000;
    for (; !full && uid < 3000; ++uid) full = log(*journal, uid);
    ASSERT_TRUE(full);
    EXPECT_EQ(full->limit, 16'384);
    EXPECT_EQ(full->share, "bytes of all uids that no rule names");
    EXPECT_TRUE(log(*journal, 9999)) << "another one has none of its own";
    const auto [events, own] = fill(*journal, 1000);
    EXPECT_EQ(own.share, "bytes of uid 1000");
    EXPECT_GT(events, 20U) << "half of what they left";
    EXPECT_TRUE(log(*journal, 9999)) << "nor is theirs more for what it has taken";
    EXPECT_FALSE(log(*journal, 0));
}

TEST_F(JournalSpace, HoweverManyUidsFillTheirSharesTheNextOneFindsSome) {
    auto journal = start();
    std::uint64_t last = 1000;
    for (std::int64_t uid = 1000; uid < 1004; ++uid) {
        const auto [events, full] = fill(*journal, uid);
        EXPECT_GT(events, 0U) << uid;
        EXPECT_LT(events, last) << uid;
        EXPECT_EQ(full.share, "bytes of uid " + std::to_string(uid));
        last = events;
    }
    EXPECT_FALSE(log(*journal, 1004));
}

TEST_F(JournalSpace, AThousandUidsLeaveRootHalfOfIt) {
    auto journal = start();
    std::optional<Full> full;
    for (std::int64_t uid = 1; uid <= 1000; ++uid) {
        full = log(*journal, uid);
        if (full) break;
    }
    ASSERT_TRUE(full);
    EXPECT_EQ(full->limit, 32'768);
    EXPECT_EQ(full->share, "bytes of all uids but root");
    const auto before = journal->end();
    const auto [events, root_full] = fill(*journal, 0);
    EXPECT_GT(events, 80U);
    EXPECT_GT(journal->end() - before, 28'000U);
    EXPECT_EQ(root_full.limit, 65'536);
    EXPECT_FALSE(root_full.share) << "nothing is left";
}

TEST_F(JournalSpace, OneUidHasSoManyEventsHoweverLargeTheJournalIs) {
    options_.size_limit = default_size_limit;
    auto journal = start();
    const auto [events, full] = fill(*journal, 1000);
    EXPECT_EQ(events, max_events_of_others / 2);
    EXPECT_EQ(full.limit, max_events_of_others / 2);
    EXPECT_EQ(full.share, "events of uid 1000");
    EXPECT_EQ(fill(*journal, 1001).first, max_events_of_others / 4) << "half of what is left";
    EXPECT_EQ(fill(*journal, 1002).first, max_events_of_others / 8);
    EXPECT_FALSE(log(*journal, 0));
}

TEST_F(JournalSpace, WhatMrdItselfLogsFitsWhereNobodysEventDoes) {
    auto journal = start();
    fill(*journal, 1000);
    fill(*journal, 0);
    EXPECT_TRUE(log(*journal, 0));
    EXPECT_FALSE(log(*journal, 1000, Origin::cap));
    EXPECT_FALSE(log(*journal, 0, Origin::cap));
    EXPECT_LE(journal->end(), options_.size_limit);
}

TEST_F(JournalSpace, WhatARecordTakesIsKnownBeforeItIsWritten) {
    auto journal = start();
    for (const bool all : {false, true}) {
        auto made = event(*journal, r0, 1);
        const mr::Bytes data(1000, 1);
        if (all) {
            made.id = "an id";
            made.description = "a description";
            made.data = data;
        }
        const auto before = journal->end();
        journal->settle(journal->begin(made).value(), Outcome::undone);
        EXPECT_EQ(journal->end() - before, Journal::size_of(made));
    }
}

}  // namespace
}  // namespace mrd::journal
