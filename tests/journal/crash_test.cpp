// What is left when a disk fails and mrd is killed, or the machine crashes: nothing that a client was told is lost.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

using Call = FaultyDisk::Call;

class JournalCrash : public JournalTest {
protected:
    static bool all() { return true; }
    static bool none() { return false; }

    // What the client of the last extend is told, once the loop has nothing to do. Empty: success.
    std::string reply(Journal &journal) {
        std::optional<std::string> told;
        journal.when_durable([&](const std::expected<void, Error> &durable) { told = durable ? "" : text_of(durable.error()); });
        loop_.restart();
        loop_.run();
        return told.value_or("nothing");
    }
    std::string extend_and_reply(Journal &journal, std::uint8_t byte, std::optional<std::string_view> id = {}) {
        return extend(journal, r0, byte, id) ? reply(journal) : "refused";
    }
    std::unique_ptr<Journal> restart(std::unique_ptr<Journal> old) {
        old.reset();
        disk_.heal();
        return start();
    }
    // What the disk has of the log after a crash of the machine, which resets the registers.
    std::vector<Logged> crash(std::unique_ptr<Journal> journal, const std::function<bool()> &has_reached = none) {
        journal.reset();
        disk_.heal();
        disk_.crash(folder_.path(), has_reached);
        hardware_.reset();
        options_.boot_id = "boot 2";
        const auto opened = open();
        return opened && opened->file() ? read_log(*opened).value_or(std::vector<Logged>()) : std::vector<Logged>();
    }
};

class JournalGroupCrash : public JournalCrash {
protected:
    JournalGroupCrash() { options_.sync = Sync::group; }
};

// ---- A record that is owed

TEST_F(JournalCrash, AnEventIsNotAnsweredAsDoneWhileWhatEndsItIsOwed) {
    auto journal = start();
    const auto intent = begin(*journal, r0, 1, "once");
    hardware_.extend(r0, digest_of(1));
    disk_.fail_call(Call::write, 1, Fault::io_error, true);
    EXPECT_EQ(journal->settle(intent, Outcome::done), 1U);
    EXPECT_EQ(reply(*journal), "the event has happened, but the log cannot be written, so that it may be lost: cannot write " +
                                   path().string() + ": Input/output error");
    disk_.heal();
    EXPECT_EQ(reply(*journal), "") << "sent again";
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    hardware_.extend(r0, digest_of(0xEE));
    journal = restart(std::move(journal));
    EXPECT_EQ(count_id(*read_log(*journal), "once"), 1) << "what somebody else did to the register since does not take it away";
}

TEST_F(JournalCrash, ARecordThatIsOwedIsTriedOnceMoreBeforeTheAnswer) {
    auto journal = start();
    const auto intent = begin(*journal, r0, 1, "once");
    hardware_.extend(r0, digest_of(1));
    disk_.fail_call(Call::write, 1, Fault::torn_write);
    journal->settle(intent, Outcome::done);
    EXPECT_EQ(reply(*journal), "");
    hardware_.extend(r0, digest_of(0xEE));
    journal = restart(std::move(journal));
    EXPECT_EQ(count_id(*read_log(*journal), "once"), 1);
}

TEST_F(JournalGroupCrash, AnEventIsNotAnsweredAsDoneWhileWhatEndsItIsOwed) {
    auto journal = start();
    const auto intent = begin(*journal, r0, 1);
    hardware_.extend(r0, digest_of(1));
    disk_.fail_call(Call::write, 1, Fault::io_error, true);
    journal->settle(intent, Outcome::done);
    EXPECT_NE(reply(*journal), "");
    disk_.heal();
    EXPECT_EQ(reply(*journal), "");
    EXPECT_EQ(crash(std::move(journal)).size(), 1U);
}

TEST_F(JournalGroupCrash, WhatEndsAnExtendIsWrittenThoughTheLogCannotBeSynced) {
    auto journal = start();
    EXPECT_EQ(extend_and_reply(*journal, 1), "");
    const auto intent = begin(*journal, r0, 2);
    hardware_.extend(r0, digest_of(2));
    disk_.fail_call(Call::sync, 1, Fault::io_error, true);
    EXPECT_NE(reply(*journal), "");
    EXPECT_EQ(journal->condition(), Journal::Condition::failed);
    journal->settle(intent, Outcome::done);
    EXPECT_EQ(read_log(*journal)->size(), 2U) << "it is not owed";
    EXPECT_NE(reply(*journal), "");
    EXPECT_EQ(journal->reason(), "cannot sync " + path().string() + ": Input/output error");
}

// ---- A sync that failed

TEST_F(JournalGroupCrash, AnEventWhoseSyncFailedIsDurableBeforeAnotherMrdAnswersItsId) {
    auto journal = start();
    disk_.fail_call(Call::sync, 1, Fault::io_error, true);
    EXPECT_NE(extend_and_reply(*journal, 1, "once"), "");
    journal = restart(std::move(journal));
    ASSERT_NE(first_of(*journal, 0, "once"), nullptr);
    EXPECT_EQ(reply(*journal), "");
    EXPECT_EQ(count_id(crash(std::move(journal)), "once"), 1);
}

TEST_F(JournalGroupCrash, AnEventBehindOneWhoseSyncFailedIsNotAnsweredByAnotherMrdWhileAHoleIsBeforeIt) {
    auto journal = start();
    disk_.fail_call(Call::sync, 1, Fault::io_error, true);
    auto large = event(*journal, r0, 1);
    const mr::Bytes data(30'000, 7);
    large.data = data;
    const auto intent = journal->begin(large);
    hardware_.extend(r0, digest_of(1));
    journal->settle(*intent, Outcome::done);
    EXPECT_NE(reply(*journal), "");
    journal = restart(std::move(journal));
    EXPECT_EQ(extend_and_reply(*journal, 2), "");
    EXPECT_EQ(crash(std::move(journal)).size(), 2U);
}

TEST_F(JournalGroupCrash, WhatTheKernelFailedToWriteOfItselfIsWrittenAgain) {
    auto journal = start();
    extend(*journal, r0, 1);
    disk_.write_back(all, true);
    EXPECT_NE(reply(*journal), "") << "the next sync is told";
    EXPECT_EQ(extend_and_reply(*journal, 2), "");
    EXPECT_EQ(crash(std::move(journal)).size(), 2U);
}

TEST_F(JournalGroupCrash, AnMrdThatCannotSyncAtItsStartReadsAndRefusesExtendsUntilItCan) {
    auto journal = start();
    EXPECT_EQ(extend_and_reply(*journal, 1, "once"), "");
    journal.reset();
    disk_.fail_call(Call::sync, 1, Fault::io_error, true);
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::failed);
    EXPECT_EQ(journal->reason(), "cannot sync " + path().string() + ": Input/output error");
    EXPECT_EQ(read_log(*journal)->size(), 1U);
    EXPECT_NE(reply(*journal), "") << "the id";
    EXPECT_EQ(extend_and_reply(*journal, 2), "refused");
    disk_.heal();
    EXPECT_EQ(extend_and_reply(*journal, 3), "");
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(crash(std::move(journal)).size(), 2U);
}

TEST_F(JournalGroupCrash, TheLoopDoesNotSyncTheFileWhileTheThreadDoesForOnlyOneOfThemIsToldAnError) {
    auto journal = start();
    const auto before = disk_.calls(Call::sync);
    std::vector<int> told;
    const auto ask = [&](std::uint8_t byte) {
        ASSERT_TRUE(extend(*journal, r0, byte));
        journal->when_durable([&told, byte](const std::expected<void, Error> &durable) { told.push_back(durable ? byte : -byte); });
    };
    disk_.hold_syncs();
    disk_.fail_call(Call::sync, 1, Fault::io_error, true);
    ask(1);
    wait_for_sync(before + 1);
    ask(2);
    loop_.poll();  // what waits beside it
    disk_.release_sync();
    loop_.restart();
    loop_.run_one();
    EXPECT_EQ(told, std::vector{-1});
    wait_for_sync(before + 2);  // the second is under way
    EXPECT_FALSE(extend(*journal, r0, 3)) << "what was lost cannot be made good now";
    EXPECT_EQ(disk_.calls(Call::sync), before + 2);
    disk_.release_syncs();
    loop_.restart();
    loop_.run();
    EXPECT_EQ(told, (std::vector{-1, -2}));
    disk_.heal();
    EXPECT_EQ(extend_and_reply(*journal, 4), "");
    EXPECT_EQ(crash(std::move(journal)).size(), 3U);
}

// ---- What a crash leaves

TEST_F(JournalGroupCrash, ALostPageOfAnIntentThatWasNotAnsweredKeepsNobodyFromExtendingInTheNextBoot) {
    auto journal = start();
    auto large = event(*journal, r0, 1);
    const mr::Bytes data(30'000, 7);
    large.data = data;
    const auto intent = journal->begin(large);
    hardware_.extend(r0, digest_of(1));
    journal->settle(*intent, Outcome::done);
    int page = 0;
    EXPECT_TRUE(crash(std::move(journal), [&page] { return ++page != 3; }).empty());
    EXPECT_EQ(open()->condition(), Journal::Condition::damaged);
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_TRUE(exists("journal.1")) << "what could not be read is kept";
    EXPECT_EQ(extend_and_reply(*journal, 2), "");
}

TEST_F(JournalGroupCrash, ADamagedJournalGoesOnWhereARegisterProvesThatItIsOfThisBoot) {
    auto journal = start();
    EXPECT_EQ(extend_and_reply(*journal, 1), "");
    const auto damage = journal->end();
    extend(*journal, r1, 2);
    extend(*journal, r1, 3);
    journal.reset();
    bytes()[damage + 20] ^= 1;
    options_.boot_id = "boot 2";
    hardware_.set(r1, mr::Digest::zero(algorithm));
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_FALSE(exists("journal.1"));
}

TEST_F(JournalCrash, AJournalOfWhichNothingCanBeReadIsPutAsideWhereNoRegisterWasExtended) {
    auto journal = start();
    extend(*journal, r0, 1);
    journal.reset();
    bytes()[3] ^= 1;
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged) << "a register was, in this boot or another";
    journal.reset();
    hardware_.reset();
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_TRUE(exists("journal.1"));
    EXPECT_TRUE(extend(*journal, r0, 2));
}

TEST_F(JournalGroupCrash, AJournalWhoseNameAKillKeptFromBeingSyncedIsFoundAfterACrash) {
    disk_.folder_syncer()(folder_.path());  // there is no journal yet
    disk_.fail_call(Call::sync_folder, 1, Fault::kill);
    start();
    ASSERT_TRUE(exists("journal"));
    auto journal = restart(nullptr);
    EXPECT_EQ(extend_and_reply(*journal, 1), "");
    EXPECT_EQ(crash(std::move(journal)).size(), 1U);
}

TEST_F(JournalGroupCrash, AFolderThatCannotBeSyncedRefusesExtendsUntilItCan) {
    disk_.fail_call(Call::sync_folder, 1, Fault::io_error, true);
    auto journal = start();
    EXPECT_EQ(extend_and_reply(*journal, 1), "refused");
    EXPECT_EQ(journal->reason(), "cannot sync " + folder_.path().string() + ": Input/output error");
    disk_.heal();
    EXPECT_EQ(extend_and_reply(*journal, 2), "");
    EXPECT_EQ(crash(std::move(journal)).size(), 1U);
}

TEST_F(JournalCrash, ANewJournalIsInPlaceOnlyWhenAllItsRegistersAreInIt) {
    disk_.fail_call(Call::write, 4, Fault::kill);  // header, boot, a register
    const auto journal = open();
    EXPECT_FALSE(journal->start(hardware_.present(), {}));
    EXPECT_FALSE(exists("journal"));
    disk_.heal();
    EXPECT_EQ(start()->state().registers().size(), 2U);
}

}  // namespace
}  // namespace mrd::journal
