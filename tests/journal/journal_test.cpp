// How a journal goes on, and when another one begins.
#include "mrd/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mrd/journal/space.h"
#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

TEST_F(JournalTest, ADoneExtendIsInTheLogAndIsStillThereAfterReopening) {
    auto journal = start();
    EXPECT_EQ(extend(*journal, r0, 1, "a"), 1U);
    EXPECT_EQ(extend(*journal, r1, 2), 2U);
    EXPECT_EQ(extend(*journal, r0, 3), 3U);
    for (int reopened = 0; reopened < 3; ++reopened) {
        const auto log = read_log(*journal).value();
        ASSERT_EQ(log.size(), 3U);
        EXPECT_EQ(log[0].sequence, 1U);
        EXPECT_EQ(log[0].name, r0);
        EXPECT_EQ(log[0].digest, digest_of(1));
        EXPECT_EQ(log[0].id, "a");
        EXPECT_EQ(log[1].name, r1);
        EXPECT_EQ(log[2].sequence, 3U);
        EXPECT_EQ(replay(log, r0), hardware_.value(r0));
        EXPECT_EQ(replay(log, r1), hardware_.value(r1));
        EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
        EXPECT_EQ(state_of(*journal, r0).events, 2U);
        EXPECT_EQ(journal->condition(), Journal::Condition::good);
        journal = start();
    }
    EXPECT_FALSE(exists("journal.1"));
    EXPECT_FALSE(exists("journal.new"));
    EXPECT_EQ(extend(*journal, r1, 4), 4U);
}

TEST_F(JournalTest, AnExtendThatWasUndoneIsNoEvent) {
    auto journal = start();
    EXPECT_EQ(journal->settle(begin(*journal, r0, 1, "a"), Outcome::undone), 0U);
    EXPECT_EQ(journal->settle(begin(*journal, r0, 2, "b"), Outcome::indeterminate), 0U);
    EXPECT_EQ(extend(*journal, r0, 3), 1U);
    journal = start();
    EXPECT_EQ(read_log(*journal)->size(), 1U);
    EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
    EXPECT_TRUE(journal->state().open().empty());
}

TEST_F(JournalTest, AnIntentThatMrdLeftOpenIsSettledByTheRegister) {
    for (const bool happened : {false, true}) {
        auto journal = start();
        const auto before = journal->state().sequence();
        begin(*journal, r0, 1, "a");
        if (happened) hardware_.extend(r0, digest_of(1));
        journal = start();
        EXPECT_TRUE(journal->state().open().empty());
        EXPECT_EQ(journal->state().sequence(), before + (happened ? 1 : 0));
        EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
        EXPECT_EQ(first_of(*journal, 0, "a") != nullptr, happened);
    }
}

TEST_F(JournalTest, AnIntentThatNobodyCanTellOfIsIndeterminateAndTheRegisterDiverges) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto expected = hardware_.value(r0);
    begin(*journal, r0, 2, "a");
    hardware_.set(r0, digest_of(0xEE));
    journal = start();
    EXPECT_TRUE(journal->state().open().empty());
    EXPECT_EQ(logged(*journal, r0), expected);
    EXPECT_EQ(first_of(*journal, 0, "a"), nullptr);
    EXPECT_EQ(resync(*journal, r0), 2U);
    EXPECT_EQ(extend(*journal, r0, 3), 3U);
    journal = start();
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
    EXPECT_EQ(state_of(*journal, r0).resyncs, 1U);
}

TEST_F(JournalTest, EachEventIsToldOnceItIsInTheLog) {
    auto journal = start();
    std::vector<std::uint64_t> told;
    journal->on_event([&] { told.push_back(read_log(*journal)->size()); });
    extend(*journal, r0, 1);
    journal->settle(begin(*journal, r0, 2), Outcome::undone);
    extend(*journal, r1, 3);
    EXPECT_EQ(told, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(JournalTest, TheFirstResultOfAnIdIsFoundAfterReopening) {
    auto journal = start();
    extend(*journal, r0, 1, "a");
    const auto value = hardware_.value(r0);
    extend(*journal, r0, 2, "b");
    journal = start();
    const auto *first = first_of(*journal, 0, "a");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->results.front().digest, digest_of(1));
    EXPECT_EQ(first->results.front().value, value);
    EXPECT_EQ(first->sequence, 1U);
    EXPECT_EQ(first_of(*journal, 1, "a"), nullptr);
    EXPECT_EQ(first_of(*journal, 0, "a", 0), nullptr);
}

TEST_F(JournalTest, TheIdsForgottenAreTheSameAfterReopening) {
    auto journal = start();
    for (std::size_t i = 0; i <= remembered_ids; ++i) extend(*journal, r0, 1, "id " + std::to_string(i));
    journal = start();
    EXPECT_EQ(first_of(*journal, 0, "id 0"), nullptr);
    EXPECT_NE(first_of(*journal, 0, "id 1"), nullptr);
}

// ---- Does it go on?

TEST_F(JournalTest, InAnotherBootWithEqualRegistersTheJournalGoesOn) {
    auto journal = start();
    extend(*journal, r0, 1);
    options_.boot_id = "boot 2";
    journal = start();
    EXPECT_FALSE(exists("journal.1"));
    EXPECT_EQ(journal->state().boot_id(), "boot 2");
    EXPECT_EQ(extend(*journal, r0, 2), 2U);
    journal = start();
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
}

TEST_F(JournalTest, InAnotherBootRegistersThatMrdNeverExtendedProveNothing) {
    hardware_.add("sim/shared", false);
    auto journal = start();
    extend(*journal, "sim/shared", 1, "unit-1");
    options_.boot_id = "boot 2";
    hardware_.reset();
    // The firmware, or a boot loader, has extended it already: it is not what it was at its reset.
    hardware_.extend("sim/shared", digest_of(9));
    journal = start();
    EXPECT_TRUE(exists("journal.1")) << "r0 and r1 hold zero after every boot";
    EXPECT_EQ(first_of(*journal, 2, "unit-1"), nullptr) << "nobody is told of an extend that this boot never saw";
}

TEST_F(JournalTest, InAnotherBootASharedRegisterThatIsBackAtItsStartWasReset) {
    hardware_.add("sim/shared", false);
    auto journal = start();
    extend(*journal, "sim/shared", 1);
    options_.boot_id = "boot 2";
    hardware_.reset();
    journal = start();
    EXPECT_TRUE(exists("journal.1"));
}

TEST_F(JournalTest, InAnotherBootAProviderThatIsNotThereVouchesForNothing) {
    auto journal = start();
    extend(*journal, r0, 1, "unit-1");
    options_.boot_id = "boot 2";
    journal = start(hardware_.present_without(r0));
    EXPECT_TRUE(exists("journal.1"));
    EXPECT_EQ(journal->state().sequence(), 0U);
}

TEST_F(JournalTest, OverAKexecARegisterThatMrdExtendedVouchesForTheRest) {
    hardware_.add("sim/shared", false);
    auto journal = start();
    extend(*journal, r0, 1);
    extend(*journal, "sim/shared", 1);
    options_.boot_id = "boot 2";
    hardware_.extend("sim/shared", digest_of(9));
    journal = start();
    EXPECT_FALSE(exists("journal.1"));
    EXPECT_EQ(journal->state().sequence(), 2U);
}

TEST_F(JournalTest, InAnotherBootAnOpenIntentMayHaveHappened) {
    auto journal = start();
    extend(*journal, r0, 1);
    begin(*journal, r0, 2);
    hardware_.extend(r0, digest_of(2));
    options_.boot_id = "boot 2";
    journal = start();
    EXPECT_FALSE(exists("journal.1"));
    EXPECT_EQ(journal->state().sequence(), 2U);
}

TEST_F(JournalTest, InAnotherBootWithOtherRegistersANewJournalBeginsAndTheOldIsKept) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto old = bytes();
    std::ofstream(path("journal.1")) << "a file of somebody else";
    options_.boot_id = "boot 2";
    hardware_.reset();
    journal = start();
    EXPECT_EQ(bytes("journal.2"), old);
    EXPECT_EQ(journal->state().sequence(), 0U);
    EXPECT_EQ(journal->state().boot_id(), "boot 2");
    EXPECT_FALSE(state_of(*journal, r0).start_is_unexplained());
    EXPECT_EQ(extend(*journal, r0, 7), 1U);
    options_.boot_id = "boot 3";
    hardware_.reset();
    journal = start();
    EXPECT_TRUE(exists("journal.3"));
}

TEST_F(JournalTest, RegistersThatAreBackAtTheirStartWereResetAndANewJournalBegins) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto old = bytes();
    hardware_.reset();
    journal = start();
    EXPECT_EQ(bytes("journal.1"), old);
    EXPECT_EQ(journal->state().sequence(), 0U);
    EXPECT_FALSE(state_of(*journal, r0).start_is_unexplained());
}

TEST_F(JournalTest, AForeignExtendInTheSameBootIsADivergenceAndTheJournalGoesOn) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto before = hardware_.value(r0);
    hardware_.extend(r0, digest_of(0xEE));
    journal = start();
    EXPECT_FALSE(exists("journal.1"));
    EXPECT_EQ(logged(*journal, r0), before);
    EXPECT_EQ(journal->state().sequence(), 1U);
}

TEST_F(JournalTest, RegistersThatOthersExtendDoNotEndAJournalWhileAnOwnOneVouchesForIt) {
    hardware_.add("tpm/pcr11:sha384", false);
    auto journal = start();
    extend(*journal, r0, 1);
    hardware_.extend("tpm/pcr11:sha384", digest_of(2));
    options_.boot_id = "boot 2";
    journal = start();
    EXPECT_FALSE(exists("journal.1"));
    EXPECT_EQ(journal->state().sequence(), 1U);
}

TEST_F(JournalTest, InAnotherBootSharedRegistersDecideWhereThereAreNoOthers) {
    hardware_ = Hardware({});
    hardware_.add("tpm/pcr11:sha384", false);
    auto journal = start();
    extend(*journal, "tpm/pcr11:sha384", 1);
    options_.boot_id = "boot 2";
    journal = start();
    EXPECT_EQ(journal->state().sequence(), 1U) << "equal: it goes on";
    options_.boot_id = "boot 3";
    hardware_.reset();
    journal = start();
    EXPECT_TRUE(exists("journal.1"));
    EXPECT_EQ(journal->state().sequence(), 0U);
}

TEST_F(JournalTest, InAnotherBootAJournalThatNoRegisterVouchesForDoesNotGoOn) {
    auto journal = start();
    extend(*journal, r0, 1);
    options_.boot_id = "boot 2";
    journal = start(std::vector<Present>());
    EXPECT_TRUE(exists("journal.1"));
    EXPECT_EQ(journal->state().sequence(), 0U);
}

TEST_F(JournalTest, ADeletedJournalHidesNothing) {
    auto journal = start();
    extend(*journal, r0, 1);
    journal.reset();
    std::filesystem::remove(path());
    journal = start();
    EXPECT_TRUE(state_of(*journal, r0).start_is_unexplained());
    EXPECT_FALSE(state_of(*journal, r1).start_is_unexplained());
    EXPECT_EQ(state_of(*journal, r0).start, hardware_.value(r0));
    EXPECT_EQ(logged(*journal, r0), mr::Digest::zero(algorithm));
    EXPECT_EQ(resync(*journal, r0), 1U);
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
}

// ---- Registers that come and go

TEST_F(JournalTest, ARegisterThatAppearsLaterIsTakenIn) {
    auto journal = start(hardware_.present_without(r1));
    EXPECT_EQ(find(journal->state(), r1), std::nullopt);
    extend(*journal, r0, 1);
    journal = start();
    EXPECT_EQ(find(journal->state(), r1), 1);
    EXPECT_EQ(extend(*journal, r1, 2), 2U);
    journal = start();
    EXPECT_EQ(logged(*journal, r1), hardware_.value(r1));
    EXPECT_EQ(journal->state().registers().size(), 2U);
}

TEST_F(JournalTest, OpenIntentsOfAProviderThatIsMissingStayOpenUntilItIsBack) {
    auto journal = start();
    begin(*journal, r1, 1, "a");
    begin(*journal, r0, 2);
    hardware_.extend(r1, digest_of(1));
    journal = start(hardware_.present_without(r1));
    ASSERT_EQ(journal->state().open().size(), 1U);
    EXPECT_EQ(journal->state().open()[0].number, 1U);
    EXPECT_EQ(extend(*journal, r0, 3), 1U) << "others are extended meanwhile";
    journal = start();
    EXPECT_TRUE(journal->state().open().empty());
    EXPECT_EQ(logged(*journal, r1), hardware_.value(r1));
    const auto log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 2U);
    EXPECT_EQ(log[1].id, "a");
    EXPECT_EQ(log[1].sequence, 2U);
}

// ---- Size

TEST_F(JournalTest, AtItsSizeLimitItRefusesBeforeAnythingIsWrittenAndSettlesWhatIsOpen) {
    options_.size_limit = 8192;
    caller_.uid = 0;
    auto journal = start();
    const auto first = begin(*journal, r1, 200);
    hardware_.extend(r1, digest_of(200));
    std::uint64_t events = 0;
    std::expected<std::uint64_t, Error> refused;
    for (;;) {
        const auto before = bytes();
        const auto end = journal->end();
        refused = journal->begin(event(*journal, r0, 1));
        if (!refused) {
            EXPECT_EQ(bytes(), before);
            EXPECT_EQ(journal->end(), end);
            break;
        }
        hardware_.extend(r0, digest_of(1));
        EXPECT_EQ(journal->settle(*refused, Outcome::done), ++events);
        ASSERT_LT(events, 100U);
    }
    const auto *full = std::get_if<Full>(&refused.error());
    ASSERT_NE(full, nullptr);
    EXPECT_EQ(full->limit, 8192);
    EXPECT_GT(events, 20U);
    EXPECT_EQ(journal->settle(first, Outcome::done), events + 1);
    EXPECT_LE(journal->end(), options_.size_limit);
    EXPECT_LE(bytes().size(), options_.size_limit);
    EXPECT_EQ(journal->condition(), Journal::Condition::full);
    journal = start();
    EXPECT_EQ(journal->state().sequence(), events + 1);
    EXPECT_EQ(logged(*journal, r1), hardware_.value(r1));
}

TEST_F(JournalTest, WhatFollowsAResyncIsReservedWithIt) {
    options_.size_limit = 4096;
    caller_.uid = 0;
    auto journal = start();
    const auto following = Journal::size_of(event(*journal, r0, 1)) + Space(options_.size_limit).reserve();
    while (journal->begin(event(*journal, r0, 1), following)) {
        hardware_.extend(r0, digest_of(1));
        journal->settle(journal->state().next_intent() - 1, Outcome::done);
    }
    EXPECT_TRUE(extend(*journal, r0, 2)) << "there is room for one";
    EXPECT_FALSE(extend(*journal, r0, 3));
}

TEST_F(JournalTest, TheRoomOfOpenIntentsIsNotGivenToARegisterThatAppears) {
    auto journal = start();
    const auto missing = begin(*journal, r0, 1);
    const auto end = journal->end();
    EXPECT_EQ(missing, 1U);
    // The register's record fits only without the one that is to settle the open intent.
    hardware_.add("sim/r2");
    const auto zero = mr::Digest::zero(algorithm);
    mr::Bytes record;
    options_.size_limit = end + append_record(record, end, Register{algorithm, zero, zero, "sim", "r2"}) + settled_size - 1;
    auto again = start(hardware_.present_without(r0));
    EXPECT_EQ(again->end(), end);
    EXPECT_FALSE(find(again->state(), "sim/r2")) << "mrd starts without it: what there is can be read";
    ++options_.size_limit;
    again = start(hardware_.present_without(r0));
    EXPECT_TRUE(find(again->state(), "sim/r2"));
}

TEST_F(JournalTest, FilesOfARealDiskAreForTheirOwnerAlone) {
    options_.open_file = open_append_file;
    auto journal = start();
    extend(*journal, r0, 1);
    EXPECT_EQ(std::filesystem::status(path()).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(std::filesystem::file_size(path()), allocation_step);
    const auto second = Journal::open(loop_, options_);
    ASSERT_FALSE(second) << "one at a time";
    EXPECT_THAT(second.error(), testing::HasSubstr("another mrd writes the journal " + path().string()));
    journal.reset();
    journal = start();
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
}

}  // namespace
}  // namespace mrd::journal
