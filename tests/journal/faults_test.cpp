// Every call to the disk fails once, in every way, while mrd extends registers; then mrd is killed and starts again. In memory.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

class JournalFaults : public JournalTest {
protected:
    enum class Told : std::uint8_t { nothing, error, success };
    struct Client {
        std::string id;
        std::string_view name;
        std::uint8_t byte = 0;
        Origin origin = Origin::service;
        Told told = Told::nothing;
    };

    // As if nothing had been there.
    void begin_again(Sync sync) {
        std::error_code ignored;
        for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path(), ignored);
        disk_.heal();
        hardware_.reset();
        options_.sync = sync;
        clients_ = {{{"a", r0, 1}, {"b", r1, 2}, {"c", r0, 3}, {"cap", r1, 4, Origin::cap}}};
    }

    // Did the call that died belong to a mrd that is alive no more?
    bool is_killed(Fault fault) { return (fault == Fault::kill || fault == Fault::torn_kill) && disk_.has_failed(); }

    OneEvent event_of(const Journal &journal, const Client &client) {
        return client.origin == Origin::cap ? cap(journal, client.name, client.id) : event(journal, client.name, client.byte, client.id);
    }

    void reply(Journal &journal, Client &client, Fault fault) {
        journal.when_durable([this, &client, fault](const std::expected<void, Error> &durable) {
            if (!is_killed(fault)) client.told = durable ? Told::success : Told::error;
        });
        loop_.restart();
        loop_.run();
    }

    // The extends of all clients as mrd does them, two of them under way at the same time, until it is killed or done.
    void run(Fault fault) {
        auto opened = Journal::open(loop_, options_);
        if (!opened || !(*opened)->start(hardware_.present(), {})) return;
        auto &journal = **opened;
        for (std::size_t i = 0; i < clients_.size(); i += 2) {
            std::array<std::expected<std::uint64_t, Error>, 2> intents;
            std::array<mr::Digest, 2> digests;
            for (std::size_t n = 0; n < 2; ++n) {
                const auto event = event_of(journal, clients_[i + n]);
                digests[n] = event.target.digest;
                intents[n] = journal.begin(event);
                if (is_killed(fault)) return;
                if (!intents[n]) clients_[i + n].told = Told::error;
            }
            for (const std::size_t n : {1U, 0U}) {
                if (!intents[n]) continue;
                hardware_.extend(clients_[i + n].name, digests[n]);
                journal.settle(*intents[n], Outcome::done);
                if (is_killed(fault)) return;
            }
            for (std::size_t n = 0; n < 2; ++n) {
                if (intents[n]) reply(journal, clients_[i + n], fault);
                if (is_killed(fault)) return;
            }
        }
    }

    // What must hold after the crash, of a disk that works again.
    void check() {
        auto journal = start();
        ASSERT_NE(journal, nullptr);
        ASSERT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
        EXPECT_FALSE(exists("journal.1"));
        EXPECT_TRUE(journal->state().open().empty());
        const auto log = read_log(*journal).value();
        for (const auto &client : clients_) {
            EXPECT_LE(count_id(log, client.id), 1) << client.id;
            if (client.told == Told::success) {
                EXPECT_EQ(count_id(log, client.id), 1) << client.id;
            }
        }
        for (std::size_t i = 0; i < log.size(); ++i) EXPECT_EQ(log[i].sequence, i + 1);
        for (const auto name : {r0, r1}) {
            EXPECT_EQ(replay(log, name), hardware_.value(name));
            EXPECT_EQ(logged(*journal, name), hardware_.value(name));
        }
        EXPECT_EQ(state_of(*journal, r1).capped_by != 0, count_id(log, "cap") == 1);
        resend(*journal);
    }

    // Clients that do not know send again; those that do, too.
    void resend(Journal &journal) {
        for (const auto &client : clients_) {
            const auto *first = journal.state().ids().find(caller_.uid, RegisterSet(find(journal.state(), client.name).value()), client.id);
            if (first != nullptr) {
                EXPECT_EQ(first->results.front().digest, event_of(journal, client).target.digest);
                continue;
            }
            const auto event = event_of(journal, client);
            const auto intent = journal.begin(event);
            ASSERT_TRUE(intent);
            hardware_.extend(client.name, event.target.digest);
            journal.settle(*intent, Outcome::done);
        }
        const auto log = read_log(journal).value();
        for (const auto &client : clients_) EXPECT_EQ(count_id(log, client.id), 1) << client.id;
        for (const auto name : {r0, r1}) EXPECT_EQ(replay(log, name), hardware_.value(name));
    }

    // Faults at every call of the run; then check(). The number of calls.
    std::uint64_t fault_every_call(Sync sync, Fault fault) {
        for (std::uint64_t call = 1;; ++call) {
            begin_again(sync);
            const auto before = disk_.calls();
            disk_.fail_call(call, fault);
            run(fault);
            const auto calls = disk_.calls() - before;
            disk_.heal();
            check();
            if (HasFailure()) {
                ADD_FAILURE() << "at call " << call << ", fault " << static_cast<int>(fault);
                return calls;
            }
            if (calls < call) return calls;
        }
    }

    std::array<Client, 4> clients_;
};

class JournalFaultsOf : public JournalFaults, public testing::WithParamInterface<std::tuple<Sync, Fault>> {};

TEST_P(JournalFaultsOf, AtAnyCallLoseNoAcknowledgedEventAndLeaveALogThatReplays) {
    const auto [sync, fault] = GetParam();
    // Room, header, boot, two registers; two writes an extend; with group one sync of the new file, one of its name, and one for each two extends.
    EXPECT_EQ(fault_every_call(sync, fault), sync == Sync::group ? 17U : 13U);
}

std::string name_of(const testing::TestParamInfo<std::tuple<Sync, Fault>> &info) {
    const auto fault = [&] {
        switch (std::get<Fault>(info.param)) {
        case Fault::none: return "None";
        case Fault::io_error: return "IoErrors";
        case Fault::no_space: return "NoSpace";
        case Fault::short_write: return "ShortWrites";
        case Fault::torn_write: return "TornWrites";
        case Fault::lost_write: return "WritesWhoseSuccessIsNotTold";
        case Fault::kill: return "Kills";
        case Fault::torn_kill: return "KillsWithinAWrite";
        }
        return "?";
    }();
    return std::string(fault) + (std::get<Sync>(info.param) == Sync::group ? "WithGroupSync" : "");
}

INSTANTIATE_TEST_SUITE_P(Faults, JournalFaultsOf,
                         testing::Combine(testing::Values(Sync::none, Sync::group),
                                          testing::Values(Fault::none, Fault::io_error, Fault::no_space, Fault::short_write,
                                                          Fault::torn_write, Fault::lost_write, Fault::kill, Fault::torn_kill)),
                         name_of);

TEST_F(JournalFaults, ASecondKillDuringRecoveryLosesNothingEither) {
    std::uint64_t recoveries = 0;
    for (std::uint64_t call = 1;; ++call) {
        begin_again(Sync::none);
        const auto before_run = disk_.calls();
        disk_.fail_call(call, Fault::torn_write, true);
        run(Fault::kill);
        const bool run_was_whole = disk_.calls() - before_run < call;
        disk_.heal();
        const auto folder = folder_.path();
        const auto crashed = exists("journal") ? bytes() : mr::Bytes();
        const auto hardware = hardware_;
        for (std::uint64_t second = 1; exists("journal"); ++second) {
            bytes() = crashed;
            hardware_ = hardware;
            std::error_code ignored;
            std::filesystem::remove(path("journal.torn.1"), ignored);
            const auto before = disk_.calls();
            disk_.fail_call(second, Fault::torn_write, true);
            if (const auto journal = Journal::open(loop_, options_)) (void)(*journal)->start(hardware_.present(), {});
            const bool was_whole = disk_.calls() - before < second;
            disk_.heal();
            check();
            ASSERT_FALSE(HasFailure()) << "at call " << call << ", then at call " << second;
            ++recoveries;
            if (was_whole) break;
        }
        if (run_was_whole) break;
    }
    EXPECT_GT(recoveries, 50U);
}

// ---- One fault looked at closely

TEST_F(JournalFaults, AfterAFailedWriteNothingIsAcceptedUntilTheDiskIsGood) {
    auto journal = start();
    extend(*journal, r0, 1);
    disk_.fail_call(FaultyDisk::Call::write, 1, Fault::torn_write, true);
    const mr::Bytes data(5000, 0xDA);
    for (int i = 0; i < 3; ++i) {
        auto large = event(*journal, r0, 2);
        large.data = data;
        const auto refused = journal->begin(large);
        ASSERT_FALSE(refused);
        const auto *failed = std::get_if<Failed>(&refused.error());
        ASSERT_NE(failed, nullptr);
        EXPECT_EQ(failed->reason, "cannot write " + path().string() + ": Input/output error");
        EXPECT_EQ(journal->condition(), Journal::Condition::failed);
        EXPECT_EQ(journal->reason(), failed->reason);
    }
    disk_.heal();
    EXPECT_EQ(extend(*journal, r0, 3), 2U);
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(journal->reason(), "");
    journal = start();
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
    EXPECT_FALSE(exists("journal.torn.1")) << "what the failed write left was removed";
}

TEST_F(JournalFaults, AFullDiskIsFoundBeforeAnythingIsWrittenAndTheJournalStaysGood) {
    auto journal = start();
    const mr::Bytes data(60'000, 7);
    auto large = event(*journal, r0, 1);
    large.data = data;
    std::expected<std::uint64_t, Error> intent;
    disk_.fail_call(FaultyDisk::Call::allocate, 1, Fault::no_space, true);
    mr::Bytes before;
    for (int i = 0; i < 10; ++i) {
        before = bytes();
        intent = journal->begin(large);
        if (!intent) break;
        journal->settle(*intent, Outcome::undone);
    }
    ASSERT_FALSE(intent);
    EXPECT_EQ(std::get<Failed>(intent.error()).reason, "cannot make room in " + path().string() + ": No space left on device");
    EXPECT_EQ(bytes(), before);
    EXPECT_EQ(journal->condition(), Journal::Condition::full);
    EXPECT_EQ(journal->reason(), std::get<Failed>(intent.error()).reason);
    EXPECT_TRUE(extend(*journal, r0, 1)) << "a small one still fits";
    EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
    EXPECT_EQ(journal->reason(), "");
    disk_.heal();
    EXPECT_TRUE(journal->begin(large));
}

TEST_F(JournalFaults, WhereThereIsNoRoomAheadItTakesWhatItNeeds) {
    auto journal = start();
    const mr::Bytes data(60'000, 7);
    auto large = event(*journal, r0, 1);
    large.data = data;
    for (int i = 0; i < 4; ++i) journal->settle(journal->begin(large).value(), Outcome::undone);
    ASSERT_EQ(bytes().size(), allocation_step);
    disk_.fail_call(FaultyDisk::Call::allocate, 1, Fault::no_space);
    const auto intent = journal->begin(large);
    ASSERT_TRUE(intent);
    EXPECT_EQ(bytes().size(), journal->end() + settled_size);
}

TEST_F(JournalFaults, ARecordThatIsOwedIsWrittenBeforeTheNextIntent) {
    auto journal = start();
    int told = 0;
    journal->on_event([&] { ++told; });
    const auto first = begin(*journal, r0, 1, "a");
    const auto second = begin(*journal, r1, 2, "b");
    hardware_.extend(r0, digest_of(1));
    hardware_.extend(r1, digest_of(2));
    disk_.fail_call(FaultyDisk::Call::write, 1, Fault::torn_write, true);
    EXPECT_EQ(journal->settle(first, Outcome::done), 1U) << "the intent proves it";
    EXPECT_EQ(journal->settle(second, Outcome::done), 2U);
    EXPECT_EQ(told, 2);
    EXPECT_EQ(journal->condition(), Journal::Condition::failed);
    EXPECT_NE(first_of(*journal, 0, "a"), nullptr);
    EXPECT_TRUE(read_log(*journal)->empty());
    EXPECT_FALSE(extend(*journal, r0, 3)) << "refused";
    disk_.heal();
    EXPECT_EQ(extend(*journal, r0, 4), 3U);
    const auto log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 3U);
    EXPECT_EQ(log[0].id, "a");
    EXPECT_EQ(log[1].id, "b");
    EXPECT_EQ(told, 4) << "once more, as readers find it only now";
    journal = start();
    EXPECT_EQ(journal->state().sequence(), 3U);
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
}

TEST_F(JournalFaults, WhatIsOwedAtAKillIsFoundByTheRegister) {
    auto journal = start();
    const auto first = begin(*journal, r0, 1, "a");
    hardware_.extend(r0, digest_of(1));
    disk_.fail_call(FaultyDisk::Call::write, 1, Fault::io_error, true);
    EXPECT_EQ(journal->settle(first, Outcome::done), 1U);
    disk_.heal();
    journal = start();
    EXPECT_EQ(journal->state().sequence(), 1U);
    EXPECT_EQ(count_id(*read_log(*journal), "a"), 1);
}

TEST_F(JournalFaults, ADiskThatFailsAtStartIsPutRightByTheFirstExtend) {
    auto journal = start();
    begin(*journal, r0, 1);
    begin(*journal, r1, 2);
    bytes()[journal->end() - 9] ^= 1;  // torn
    journal = open();
    hardware_.extend(r0, digest_of(1));
    disk_.fail_call(FaultyDisk::Call::write, 2, Fault::io_error, true);  // the first keeps the tail
    ASSERT_TRUE(journal->start(hardware_.present(), {}));
    EXPECT_EQ(journal->condition(), Journal::Condition::failed);
    EXPECT_FALSE(extend(*journal, r0, 3));
    disk_.heal();
    EXPECT_EQ(extend(*journal, r1, 4), 2U);
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(journal->state().sequence(), 2U);
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
    EXPECT_EQ(replay(*read_log(*journal), r1), hardware_.value(r1));
}

TEST_F(JournalFaults, AJournalThatCannotBeReadIsAnErrorThatNamesTheFile) {
    start();
    disk_.fail_call(FaultyDisk::Call::read, 1, Fault::io_error, true);
    const auto journal = Journal::open(loop_, options_);
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error(), "cannot read the journal " + path().string() + ": Input/output error");
}

// ---- A real disk that is full

TEST_F(JournalFaults, OnAFullTmpfsExtendsAreRefusedBeforeTheHardwareIsAskedAndGoOnWhenThereIsSpace) {
    const auto place = path("tmpfs");
    std::filesystem::create_directory(place);
    if (::mount("mrd-test", place.c_str(), "tmpfs", MS_NODEV | MS_NOSUID, "size=256k") != 0)
        GTEST_SKIP() << "a tmpfs cannot be mounted here: " << std::generic_category().message(errno);
    {
        std::ofstream(place / "filler") << std::string(65'536, 'x');
        options_.folder = place;
        options_.open_file = open_append_file;
        auto journal = start();
        const mr::Bytes data(8192, 7);
        const auto large = [&] {
            auto result = event(*journal, r0, 1);
            result.data = data;
            return result;
        };
        std::expected<std::uint64_t, Error> intent;
        std::uint64_t events = 0;
        for (; events < 100; ++events) {
            intent = journal->begin(large());
            if (!intent) break;
            hardware_.extend(r0, digest_of(1));
            journal->settle(*intent, Outcome::done);
        }
        EXPECT_GT(events, 15U);
        ASSERT_FALSE(intent);
        const auto *failed = std::get_if<Failed>(&intent.error());
        ASSERT_NE(failed, nullptr);
        EXPECT_EQ(failed->reason, "cannot make room in " + (place / "journal").string() + ": No space left on device");
        EXPECT_EQ(journal->condition(), Journal::Condition::full);
        EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
        std::filesystem::remove(place / "filler");
        const auto again = journal->begin(large());
        ASSERT_TRUE(again);
        hardware_.extend(r0, digest_of(1));
        EXPECT_EQ(journal->settle(*again, Outcome::done), events + 1);
        journal.reset();
        journal = start();
        EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
    }
    EXPECT_EQ(::umount(place.c_str()), 0);
}

}  // namespace
}  // namespace mrd::journal
