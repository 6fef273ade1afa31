// Sync::group: a reply waits until what it tells is durable, and one sync serves all who wait.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <vector>

#include "mr/limits.h"
#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

class JournalSync : public JournalTest {
protected:
    JournalSync() { options_.sync = Sync::group; }

    void extend_and_reply(Journal &journal, std::uint8_t byte) {
        ASSERT_TRUE(extend(journal, r0, byte));
        journal.when_durable([this, byte](const std::expected<void, Error> &durable) { (durable ? replied_ : failed_).push_back(byte); });
    }
    void extend_and_reply(Journal &journal, std::uint8_t byte, mr::ByteView data) {
        auto large = event(journal, r0, byte);
        large.data = data;
        const auto intent = journal.begin(large);
        ASSERT_TRUE(intent);
        hardware_.extend(r0, digest_of(byte));
        ASSERT_GT(journal.settle(*intent, Outcome::done), 0U);
        journal.when_durable([this, byte](const std::expected<void, Error> &durable) { (durable ? replied_ : failed_).push_back(byte); });
    }
    void run() {
        loop_.restart();
        loop_.run();
    }
    // Does events(1), events(2) and so on, each in a round of the loop of its own, as they come from a client that never pauses. Was a sync asked for when so many
    // rounds had gone by?
    bool begins_sync_after(int rounds, const std::function<void(int round)> &events) {
        disk_.step_syncs();
        bool has_begun = false;
        int round = 0;
        const std::function<void()> next_round = [&] {
            if (++round > rounds) {
                has_begun = disk_.begin_sync();
                disk_.release_syncs();
                return;
            }
            events(round);
            boost::asio::post(loop_, next_round);
        };
        boost::asio::post(loop_, next_round);
        run();
        return has_begun;
    }
    std::uint64_t syncs() { return disk_.calls(FaultyDisk::Call::sync); }

    std::vector<int> replied_;
    std::vector<int> failed_;
};

TEST_F(JournalSync, WithoutGroupAReplyDoesNotWait) {
    options_.sync = Sync::none;
    auto journal = start();
    extend_and_reply(*journal, 1);
    EXPECT_EQ(replied_, std::vector{1});
    EXPECT_EQ(syncs(), 0U);
}

TEST_F(JournalSync, ANewJournalIsDurableBeforeItIsThere) {
    disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error);
    const auto journal = open();
    const auto started = journal->start(hardware_.present(), {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), "cannot sync the journal " + path("journal.new").string() + ": Input/output error");
    EXPECT_FALSE(exists("journal"));
}

TEST_F(JournalSync, AReplyIsReleasedAfterTheSync) {
    auto journal = start();
    const auto before = syncs();
    disk_.hold_syncs();
    extend_and_reply(*journal, 1);
    wait_for_sync(before + 1);
    loop_.poll();
    EXPECT_TRUE(replied_.empty());
    disk_.release_syncs();
    run();
    EXPECT_EQ(replied_, std::vector{1});
    EXPECT_EQ(syncs(), before + 1);
}

TEST_F(JournalSync, OneSyncServesAllWhoWaitWhenItBegins) {
    auto journal = start();
    const auto before = syncs();
    disk_.hold_syncs();
    extend_and_reply(*journal, 1);
    wait_for_sync(before + 1);
    for (std::uint8_t byte = 2; byte <= 20; ++byte) extend_and_reply(*journal, byte);
    disk_.release_syncs();
    run();
    std::vector<int> all;
    for (int byte = 1; byte <= 20; ++byte) all.push_back(byte);
    EXPECT_EQ(replied_, all);
    EXPECT_EQ(syncs(), before + 2);
}

TEST_F(JournalSync, EventsThatGoOnComingDoNotPutTheirSyncOffForEver) {
    auto journal = start();
    EXPECT_TRUE(begins_sync_after(rounds_before_sync, [&](int round) { extend_and_reply(*journal, static_cast<std::uint8_t>(round)); }));
    EXPECT_EQ(replied_.size(), static_cast<std::size_t>(rounds_before_sync));
}

TEST_F(JournalSync, SoManyBytesAreSyncedAtOnceThoughEventsGoOnComing) {
    constexpr auto enough = static_cast<int>(bytes_before_sync / mr::max_event_data);
    const mr::Bytes data(mr::max_event_data);
    auto journal = start();
    EXPECT_TRUE(begins_sync_after(1, [&](int) {
        for (int i = 1; i <= enough; ++i) extend_and_reply(*journal, static_cast<std::uint8_t>(i), data);
    }));
    EXPECT_EQ(replied_.size(), static_cast<std::size_t>(enough));
}

TEST_F(JournalSync, WhatIsDurableAlreadyDoesNotWait) {
    auto journal = start();
    extend_and_reply(*journal, 1);
    run();
    const auto before = syncs();
    bool told = false;
    journal->when_durable([&](const std::expected<void, Error> &durable) { told = durable.has_value(); });
    EXPECT_TRUE(told);
    EXPECT_EQ(syncs(), before);
}

TEST_F(JournalSync, AFailedSyncIsTheErrorOfThoseWhoWaitedAndExtendsAreRefusedUntilOneSucceeds) {
    auto journal = start();
    extend_and_reply(*journal, 1);
    run();
    disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error, true);
    extend_and_reply(*journal, 2);
    run();
    EXPECT_EQ(failed_, std::vector{2});
    EXPECT_EQ(journal->condition(), Journal::Condition::failed);
    EXPECT_EQ(journal->reason(), "cannot sync " + path().string() + ": Input/output error");
    bool waited = true;
    journal->when_durable([&](const std::expected<void, Error> &durable) { waited = durable.has_value(); });
    EXPECT_FALSE(waited) << "an error at once";
    EXPECT_FALSE(extend(*journal, r0, 3));
    disk_.heal();
    extend_and_reply(*journal, 4);
    run();
    EXPECT_EQ(replied_, (std::vector{1, 4}));
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    journal = start();
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
    EXPECT_EQ(read_log(*journal)->size(), 3U) << "the one whose sync failed is in the log";
}

TEST_F(JournalSync, AfterAFailedSyncWhatIsNotDurableIsWrittenAgain) {
    auto journal = start();
    extend_and_reply(*journal, 1);
    run();
    disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error);
    extend_and_reply(*journal, 2);
    run();
    const auto writes = disk_.calls(FaultyDisk::Call::write);
    const auto before = syncs();
    begin(*journal, r0, 3);
    EXPECT_EQ(disk_.calls(FaultyDisk::Call::write), writes + 3) << "the event's two records once more, and the new intent";
    EXPECT_EQ(syncs(), before + 1);
}

TEST_F(JournalSync, ASyncThatSucceedsAfterAFailedOneProvesNothing) {
    auto journal = start();
    const auto before = syncs();
    disk_.hold_syncs();
    disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error);
    extend_and_reply(*journal, 1);
    wait_for_sync(before + 1);
    extend_and_reply(*journal, 2);
    disk_.release_syncs();
    wait_for_sync(before + 2);
    run();
    EXPECT_EQ(failed_, (std::vector{1, 2})) << "the kernel may have dropped both at the first";
    EXPECT_EQ(journal->condition(), Journal::Condition::failed);
    extend_and_reply(*journal, 3);
    run();
    EXPECT_EQ(replied_, std::vector{3});
}

TEST_F(JournalSync, AJournalMayEndWhileASyncRuns) {
    auto journal = start();
    const auto before = syncs();
    disk_.hold_syncs();
    extend_and_reply(*journal, 1);
    wait_for_sync(before + 1);
    disk_.release_syncs();
    journal.reset();
    run();
    EXPECT_TRUE(replied_.empty());
    EXPECT_TRUE(failed_.empty());
}

}  // namespace
}  // namespace mrd::journal
