// What a journal does that was cut off, or in which a record cannot be read.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "mrd/journal/fields.h"
#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

class JournalDamage : public JournalTest {
protected:
    // Small files: most tests read theirs for each of its bytes.
    JournalDamage() {
        options_.size_limit = 16'384;
        caller_.uid = 0;
    }

    // Where the records of a journal begin, and where the last one ends.
    std::vector<std::uint64_t> offsets() {
        const auto file = disk_.opener()(path(), OpenMode::existing);
        RecordReader reader(**file, file_header_size, bytes().size());
        std::vector<std::uint64_t> offsets{file_header_size};
        while (*reader.next()) offsets.push_back(reader.offset());
        return offsets;
    }
    // A few events, and an extend that mrd has not heard of any more at the end.
    void write_small_journal() {
        auto journal = start();
        extend(*journal, r0, 1, "a");
        extend(*journal, r1, 2, "b");
        extend(*journal, r0, 3, "c");
        begin(*journal, r1, 4, "d");
        hardware_.extend(r1, digest_of(4));
    }
};

TEST_F(JournalDamage, ATailTornAtAnyByteIsCutAndKeptAndTheJournalGoesOn) {
    auto journal = start();
    extend(*journal, r0, 1, "a");
    const auto written_so_far = journal->end();
    begin(*journal, r0, 2, "b");
    const auto end = journal->end();
    journal.reset();
    const auto whole = bytes();
    int number = 0;
    for (const bool file_ends : {false, true}) {
        for (auto cut = written_so_far; cut < end; ++cut) {
            auto torn = whole;
            if (file_ends) {
                torn.resize(cut);
            } else {
                std::fill(torn.begin() + static_cast<std::ptrdiff_t>(cut), torn.end(), std::uint8_t{0});
            }
            mr::Bytes tail(torn.begin() + static_cast<std::ptrdiff_t>(written_so_far), torn.begin() + static_cast<std::ptrdiff_t>(cut));
            while (!tail.empty() && tail.back() == 0) tail.pop_back();
            bytes() = torn;
            journal = start();
            ASSERT_EQ(journal->condition(), Journal::Condition::good) << cut << journal->reason();
            // Zeros that the record ends in need not have been written.
            if (journal->state().next_intent() == 3) {
                EXPECT_TRUE(!file_ends && std::equal(torn.begin(), torn.end(), whole.begin())) << cut;
                continue;
            }
            const auto kept_as = "journal.torn." + std::to_string(number + 1);
            EXPECT_EQ(exists(kept_as), !tail.empty()) << cut;
            if (!tail.empty()) {
                ++number;
                EXPECT_EQ(bytes(kept_as), tail) << cut;
            }
            EXPECT_TRUE(std::all_of(bytes().begin() + static_cast<std::ptrdiff_t>(journal->end()), bytes().end(), [](std::uint8_t byte) {
                return byte == 0;
            })) << cut;
            const auto before = hardware_;
            EXPECT_EQ(extend(*journal, r0, 5), 2U) << cut;
            journal = start();
            EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0)) << cut;
            EXPECT_EQ(journal->state().sequence(), 2U);
            journal.reset();
            hardware_ = before;
        }
    }
    EXPECT_GT(number, 400);
}

// A copy into memory has no order, and neither have pages: of the last record any part may be missing, its head too.
TEST_F(JournalDamage, ATailOfWhichAnyPartIsMissingIsCutToo) {
    auto journal = start();
    extend(*journal, r0, 1, "a");
    const auto begin_of_record = journal->end();
    begin(*journal, r0, 2, "b");
    const auto end = journal->end();
    journal.reset();
    const auto whole = bytes();
    constexpr std::uint64_t step = 8;
    std::size_t cuts = 0;
    for (auto from = begin_of_record; from < end; from += step) {
        for (auto to = from + step; to <= end; to += step) {
            bytes() = whole;
            std::fill(bytes().begin() + static_cast<std::ptrdiff_t>(from), bytes().begin() + static_cast<std::ptrdiff_t>(to),
                      std::uint8_t{0});
            const bool is_whole = bytes() == whole;
            journal = start();
            ASSERT_EQ(journal->condition(), Journal::Condition::good) << from << " to " << to << journal->reason();
            ASSERT_EQ(journal->state().next_intent(), is_whole ? 3U : 2U) << from << " to " << to;
            EXPECT_EQ(journal->state().sequence(), 1U);
            journal.reset();
            cuts += is_whole ? 0U : 1U;
        }
    }
    EXPECT_GT(cuts, 100U);
}

TEST_F(JournalDamage, ATornTailIsCutEvenWhereItCannotBeKept) {
    auto journal = start();
    begin(*journal, r0, 1);
    const auto offset = offsets()[3];
    bytes()[journal->end() - 9] ^= 1;
    journal = open();
    disk_.fail_call(FaultyDisk::Call::write, 1, Fault::no_space);
    ASSERT_TRUE(journal->start(hardware_.present(), {}));
    EXPECT_TRUE(disk_.has_failed());
    EXPECT_EQ(journal->end(), offset);
    EXPECT_EQ(extend(*journal, r0, 1), 1U);
}

TEST_F(JournalDamage, ATornTailIsOnTheDiskUnderItsNameBeforeItIsZeroed) {
    options_.sync = Sync::group;
    auto journal = start();
    extend(*journal, r0, 1);
    const auto end = journal->end();
    journal.reset();
    const mr::Bytes tail(40, 0xA5);
    std::ranges::copy(tail, bytes().begin() + static_cast<std::ptrdiff_t>(end));
    for (const auto call : {FaultyDisk::Call::sync, FaultyDisk::Call::sync_folder}) {
        disk_.fail_call(call, 1, Fault::io_error);
        journal = start();
        EXPECT_EQ(journal->condition(), Journal::Condition::failed);
        EXPECT_EQ(bytes()[end], 0xA5) << "what is kept is not on the disk";
        EXPECT_FALSE(exists("journal.torn.1"));
    }
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
    EXPECT_EQ(bytes()[end], 0);
    journal.reset();
    disk_.crash(folder_.path(), [] { return false; });
    EXPECT_EQ(bytes("journal.torn.1"), tail);
}

TEST_F(JournalDamage, ATornTailThatIsLargerThanAnyRecordIsKeptWhole) {
    auto journal = start();
    const auto end = journal->end();
    journal.reset();
    const mr::Bytes tail(max_body + 12'345, 0xA5);
    bytes().resize(end);
    bytes().insert(bytes().end(), tail.begin(), tail.end());
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(bytes("journal.torn.1"), tail);
}

TEST_F(JournalDamage, ABadRecordInTheMiddleIsNamedAndNothingIsAccepted) {
    write_small_journal();
    const auto records = offsets();
    ASSERT_EQ(records.size(), 11U);  // boot, 2 registers, 3 times intent and settled, 1 intent; and the end
    const auto whole = bytes();
    // The last record would be a torn tail.
    for (std::size_t i = 0; i + 2 < records.size(); ++i) {
        bytes() = whole;
        bytes()[records[i] + 20] ^= 0x10;
        auto journal = start();
        ASSERT_EQ(journal->condition(), Journal::Condition::damaged) << i;
        EXPECT_EQ(journal->reason(), "the journal " + path().string() + " is damaged at byte " + std::to_string(records[i]) +
                                         ": the record there cannot be read, but others follow at byte " + std::to_string(records[i + 1]) +
                                         "; run `mrctl repair` to begin a new one that says what is missing");
        const OneEvent event{.target = {0, hardware_.value(r0), digest_of(1), digest_of(1)}, .caller = &caller_};
        const auto refused = journal->begin(event);
        ASSERT_FALSE(refused);
        const auto *failed = std::get_if<Failed>(&refused.error());
        ASSERT_NE(failed, nullptr);
        EXPECT_EQ(failed->reason, journal->reason());
        EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
        auto damaged = whole;
        damaged[records[i] + 20] ^= 0x10;
        EXPECT_EQ(bytes(), damaged) << "a damaged journal is left as it is";
    }
}

TEST_F(JournalDamage, ALogThatIsDamagedCanBeReadUpToThere) {
    write_small_journal();
    bytes()[offsets()[5] + 20] ^= 0x10;  // the second event's intent
    const auto journal = start();
    const auto log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 1U);
    EXPECT_EQ(log[0].id, "a");
    bytes()[0] ^= 1;
    const auto unreadable = start();
    EXPECT_EQ(unreadable->condition(), Journal::Condition::damaged);
    EXPECT_TRUE(read_log(*unreadable)->empty());
}

TEST_F(JournalDamage, ARecordThatContradictsTheOthersIsDamage) {
    auto journal = start();
    const auto end = journal->end();
    journal.reset();
    mr::Bytes record;
    append_record(record, end, Settled{1, 1, Outcome::done});
    std::copy(record.begin(), record.end(), bytes().begin() + static_cast<std::ptrdiff_t>(end));
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_EQ(journal->reason(),
              "the journal " + path().string() + " is damaged at byte " + std::to_string(end) +
                  ": intent 1 is settled, but not open; run `mrctl repair` to begin a new one that says what is missing");
}

// ---- Changed by somebody else while mrd has it open

TEST_F(JournalDamage, ALastRecordThatSomebodyHasWrittenOverIsMetByTheNextExtendAndByWhoLooks) {
    for (const bool looks : {false, true}) {
        auto journal = start();
        extend(*journal, r0, 1);
        const auto intent = journal->end();
        begin(*journal, r0, 2);
        const auto whole = bytes();
        std::fill(bytes().begin() + static_cast<std::ptrdiff_t>(intent), bytes().end(), std::uint8_t{0});
        if (looks) {
            journal->look();
        } else {
            loop_.restart();
            loop_.poll();  // the next round
            EXPECT_FALSE(extend(*journal, r1, 3));
        }
        EXPECT_EQ(journal->condition(), Journal::Condition::damaged) << looks;
        EXPECT_NE(journal->reason().find("was changed at byte " + std::to_string(intent) + " by another process"), std::string::npos)
            << journal->reason();
        journal.reset();
        bytes() = whole;
    }
}

// The next look is in another round of the event loop; nothing is answered before it all the same.
TEST_F(JournalDamage, WhatSomebodyDoesInTheSameRoundIsMetByTheNextWrite) {
    auto journal = start();
    extend(*journal, r0, 1);
    std::ranges::fill(bytes(), std::uint8_t{0});
    EXPECT_FALSE(extend(*journal, r0, 2));
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_FALSE(extend(*journal, r0, 3)) << "each time";
}

TEST_F(JournalDamage, AHeaderThatSomebodyHasWrittenOverIsSeenAndRepairedWithoutALoss) {
    auto journal = start();
    extend(*journal, r0, 1);
    std::fill_n(bytes().begin(), first_slot, std::uint8_t{0});
    journal->look();
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_NE(journal->reason().find("was changed at byte 0 by another process"), std::string::npos) << journal->reason();
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_EQ(read_log(*journal)->size(), 1U);
    EXPECT_EQ(journal->state().repairs(), 0U) << "nothing is missing";
}

TEST_F(JournalDamage, WhatMrdItselfWritesIsNoChange) {
    options_.size_limit = default_size_limit;
    options_.checkpoint_interval = 2000;
    auto journal = start();
    for (std::uint8_t byte = 1; byte < 100; ++byte) {
        const auto first = begin(*journal, r0, byte);
        const auto second = begin(*journal, r1, byte);
        hardware_.extend(r1, digest_of(byte));
        journal->settle(second, Outcome::done);
        journal->settle(first, Outcome::undone);
        journal->look();
        ASSERT_EQ(journal->condition(), Journal::Condition::good) << int{byte} << ": " << journal->reason();
        if (byte % 10 == 0) {
            journal = start();
            journal->look();  // at what the start has read: a record, or a checkpoint
            ASSERT_EQ(journal->condition(), Journal::Condition::good) << int{byte} << ": " << journal->reason();
        }
    }
    EXPECT_GT(journal->state().checkpoints(), 0U);
}

// The kernel may have dropped what a sync did not write: that is the disk's, and a later sync tells of it.
TEST_F(JournalDamage, WhatAFailedSyncHasLostIsNobodysChange) {
    options_.sync = Sync::group;
    auto journal = start();
    extend(*journal, r0, 1);
    disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error, true);
    std::optional<bool> durable;
    journal->when_durable([&](const std::expected<void, Error> &done) { durable = done.has_value(); });
    loop_.restart();
    while (!durable) loop_.run_one();
    EXPECT_EQ(durable, false);
    disk_.evict();
    journal->look();
    EXPECT_EQ(journal->condition(), Journal::Condition::failed) << journal->reason();
}

// ---- Repair

TEST_F(JournalDamage, ARepairedJournalHasWhatStoodBeforeTheDamageAndSaysWhatIsMissing) {
    write_small_journal();
    const auto records = offsets();
    const auto whole = bytes();
    const auto hardware = hardware_;
    for (std::size_t i = 0; i + 2 < records.size(); ++i) {
        bytes() = whole;
        hardware_ = hardware;
        bytes()[records[i] + 20] ^= 0x10;
        const auto damaged = bytes();
        auto journal = start();
        const auto kept_as = journal->repair(hardware_.present());
        ASSERT_TRUE(kept_as) << kept_as.error();
        EXPECT_EQ(*kept_as, path("journal." + std::to_string(i + 1)));
        EXPECT_EQ(disk_.bytes(*kept_as), damaged);
        EXPECT_EQ(journal->condition(), Journal::Condition::good);
        EXPECT_EQ(journal->reason(), "");
        EXPECT_EQ(journal->state().repairs(), 1U);
        EXPECT_EQ(journal->state().registers().size(), 2U);
        EXPECT_TRUE(journal->state().open().empty());
        // What stands before it: the first event is whole with record 4, the second with record 6, the third with 8.
        std::uint64_t events = 0;
        for (const std::size_t settled : {4U, 6U, 8U}) events += i > settled ? 1 : 0;
        // The register still holds what the third intent led to: that event is found too.
        if (i == 8) ++events;
        EXPECT_EQ(journal->state().sequence(), events) << i;
        for (const auto name : {r0, r1}) {
            if (logged(*journal, name) != hardware_.value(name)) {
                EXPECT_TRUE(resync(*journal, name)) << i;
            }
            EXPECT_TRUE(extend(*journal, name, 9)) << i;
        }
        const auto refused = journal->repair(hardware_.present());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error(), "the journal is not damaged: there is nothing to repair");
        journal = start();
        EXPECT_EQ(journal->condition(), Journal::Condition::good) << i << journal->reason();
        EXPECT_EQ(journal->state().repairs(), 1U);
        EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0)) << i;
        EXPECT_EQ(replay(*read_log(*journal), r1), hardware_.value(r1)) << i;
    }
}

TEST_F(JournalDamage, ARepairCapsTheRegisterThatTheCapNamesThoughTheRecordOfOneIsLost) {
    for (const std::size_t lost : {0U, 1U}) {
        for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
        hardware_.reset();
        auto journal = start();
        const auto capped = cap(*journal, r1);
        journal->settle(journal->begin(capped).value(), Outcome::done);
        hardware_.extend(r1, capped.target.digest);
        journal.reset();
        {
            const auto file = disk_.opener()(path(), OpenMode::existing);
            RecordReader reader(**file, file_header_size, bytes().size());
            for (std::size_t i = 0; i < 1 + lost; ++i) (void)reader.next();  // the boot, and the first register
            bytes()[reader.offset() + record_head_size] ^= 1;
        }
        journal = start();
        ASSERT_EQ(journal->condition(), Journal::Condition::damaged);
        ASSERT_TRUE(journal->repair(hardware_.present()));
        EXPECT_GT(state_of(*journal, r1).capped_by, 0U) << lost;
        EXPECT_EQ(state_of(*journal, r0).capped_by, 0U) << lost;
    }
}

TEST_F(JournalDamage, ARepairLiftsNoCapWhoseEndIsLostThoughSomebodyElseExtendsTheRegister) {
    for (const bool happened : {true, false}) {
        for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
        hardware_.reset();
        auto journal = start();
        const auto capped = cap(*journal, r1);
        const auto intent = journal->begin(capped).value();
        const auto end_of_cap = journal->end();
        if (happened) {
            hardware_.extend(r1, capped.target.digest);
            hardware_.extend(r1, digest_of(0xEE));
        }
        journal->settle(intent, happened ? Outcome::done : Outcome::undone);
        extend(*journal, r0, 1);
        journal.reset();
        bytes()[end_of_cap + record_head_size] ^= 1;
        journal = start();
        ASSERT_EQ(journal->condition(), Journal::Condition::damaged);
        ASSERT_TRUE(journal->repair(hardware_.present()));
        EXPECT_EQ(state_of(*journal, r1).capped_by > 0, happened);
        EXPECT_EQ(state_of(*journal, r0).capped_by, 0U);
    }
}

TEST_F(JournalDamage, ARepairOpensNoVirtualRegisterWhoseCloseIsBehindTheDamageAgain) {
    auto journal = start();
    const auto closed = add_virtual(journal, "closed", r0);
    const auto take = [&](RegisterNumber reg, std::uint8_t byte, Origin origin) {
        const auto data =
            mr::encode_envelope({.header = {.type = std::string(mr::close_envelope_type), .id = journal->state().registers().at(reg).id},
                                 .body = {.salt = mr::EnvelopeSalt{}}});
        const auto intent =
            begin_virtual(*journal, reg, r0, byte, origin, origin == Origin::close ? std::optional<mr::ByteView>(data) : std::nullopt);
        hardware_.extend(r0, digest_of(byte));
        journal->settle(intent, Outcome::done);
    };
    take(closed, 1, Origin::service);
    const auto damage = journal->end();
    extend(*journal, r0, 2);
    take(closed, 3, Origin::close);
    ASSERT_GT(journal->state().registers().at(closed).closed_by, 0U);
    journal.reset();
    bytes()[damage + record_head_size] ^= 1;
    journal = start();
    ASSERT_EQ(journal->condition(), Journal::Condition::damaged);
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_TRUE(journal->state().registers().at(closed).is_made());
    EXPECT_GT(journal->state().registers().at(closed).closed_by, 0U) << "its end is the last that is said of it";
    EXPECT_EQ(journal->state().registers().at(closed).capped_by, 0U);
    EXPECT_EQ(state_of(*journal, r0).capped_by, 0U);
    journal = start();
    EXPECT_GT(journal->state().registers().at(closed).closed_by, 0U);
    EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
}

TEST_F(JournalDamage, ARepairOfARepairedJournalLiftsNoCapEither) {
    auto journal = start();
    const auto capped = cap(*journal, r1);
    journal->settle(journal->begin(capped).value(), Outcome::done);
    hardware_.extend(r1, capped.target.digest);
    for (int repairs = 0; repairs < 3; ++repairs) {
        journal.reset();
        bytes()[file_header_size + record_head_size] ^= 1;  // the boot: nothing can be read but what stands behind it
        journal = start();
        ASSERT_EQ(journal->condition(), Journal::Condition::damaged);
        ASSERT_TRUE(journal->repair(hardware_.present()));
        EXPECT_GT(state_of(*journal, r1).capped_by, 0U) << repairs;
        EXPECT_EQ(state_of(*journal, r0).capped_by, 0U);
    }
}

TEST_F(JournalDamage, ARepairKeepsWhatThisMrdPassesOver) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto end = journal->end();
    journal.reset();
    mr::Bytes boot;
    append_record(boot, end, Boot{0, options_.boot_id});
    const auto head = *decode_head(boot, end);
    mr::Bytes body(head.body(boot).begin(), head.body(boot).end());
    const std::string field = "of a later mrd";
    put(body, passed_over);
    put_text(body, field);
    mr::Bytes record;
    append_copy(record, end, head.kind, body);
    std::ranges::copy(record, bytes().begin() + static_cast<std::ptrdiff_t>(end));
    journal = start();
    ASSERT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
    const auto damage = journal->end();
    extend(*journal, r0, 2);
    extend(*journal, r0, 3);
    journal.reset();
    bytes()[damage + record_head_size] ^= 1;
    journal = start();
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_FALSE(std::ranges::search(bytes(), mr::as_bytes(field)).empty());
}

TEST_F(JournalDamage, ARepairRecordSaysWhereTheDamageWasAndWhereTheOldFileIs) {
    write_small_journal();
    const auto damage = offsets()[4];
    const auto size = bytes().size();
    bytes()[damage + 3] ^= 1;
    auto journal = start();
    ASSERT_TRUE(journal->repair(hardware_.present()));
    RecordReader reader(*journal->file(), file_header_size, journal->end());
    std::vector<Repair> repairs;
    while (const auto found = *reader.next()) {
        const auto record = *decode_record(found->head, found->bytes);
        if (const auto *repair = std::get_if<Repair>(&record)) {
            EXPECT_EQ(repair->offset, damage);
            EXPECT_EQ(repair->dropped, size - damage);
            EXPECT_EQ(repair->kept_as, "journal.1");
            repairs.push_back(*repair);
        }
    }
    EXPECT_EQ(repairs.size(), 1U);
}

TEST_F(JournalDamage, AJournalWhoseHeaderIsDamagedIsRepairedIntoOneWhoseStartIsUnexplained) {
    write_small_journal();
    bytes()[0] ^= 1;
    auto journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_FALSE(exists("journal.1"));
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_TRUE(state_of(*journal, r0).start_is_unexplained());
    EXPECT_TRUE(state_of(*journal, r1).start_is_unexplained());
    EXPECT_EQ(resync(*journal, r0), 1U);
}

TEST_F(JournalDamage, ARepairedJournalBelongsToTheBootItWasRepairedIn) {
    write_small_journal();
    bytes()[offsets()[5] + 20] ^= 0x10;  // of the second event: the registers hold what the first made of them, and live on
    options_.boot_id = "boot 2";
    hardware_.reset();
    hardware_.extend(r0, digest_of(1));
    auto journal = start();
    ASSERT_EQ(journal->condition(), Journal::Condition::damaged);
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_EQ(journal->state().boot_id(), "boot 2");
    extend(*journal, r0, 1);
    hardware_.extend(r0, digest_of(0xEE));
    journal = start();
    EXPECT_EQ(journal->state().sequence(), 2U) << "a foreign extend in the same boot does not end the journal";
}

TEST_F(JournalDamage, ARepairThatFailsLeavesTheJournalAsItWas) {
    write_small_journal();
    bytes()[offsets()[5] + 20] ^= 0x10;
    const auto damaged = bytes();
    auto journal = start();
    const auto reason = journal->reason();
    const auto end = journal->end();
    const auto before = disk_.calls();
    for (std::uint64_t call = 1;; ++call) {
        disk_.fail_call(call, Fault::io_error, true);
        const auto repaired = journal->repair(hardware_.present());
        if (repaired) break;  // what fails after the new one is in its place is put right by the next extend
        EXPECT_TRUE(repaired.error().starts_with("the journal cannot be repaired: ")) << repaired.error();
        EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
        EXPECT_EQ(journal->reason(), reason);
        EXPECT_EQ(journal->end(), end);
        EXPECT_EQ(bytes(), damaged);
        EXPECT_FALSE(exists("journal.1"));
        disk_.heal();
        EXPECT_EQ(read_log(*journal).value().size(), 1U);
        ASSERT_LT(call, 100U);
    }
    EXPECT_GT(disk_.calls(), before + 6);
    disk_.heal();
    EXPECT_EQ(disk_.bytes(path("journal.1")), damaged);
    EXPECT_TRUE(resync(*journal, r1));
}

// ---- One byte

TEST_F(JournalDamage, AFlippedByteIsNeverSilentlyWrong) {
    write_small_journal();
    const auto whole = bytes();
    const auto records = offsets();
    const auto end = records.back();
    // As far as there is anything, and into what is only reserved.
    int found_damaged = 0;
    int found_torn = 0;
    for (std::size_t at = 0; at < end + settled_size; ++at) {
        for (const auto flip : {std::uint8_t{0x01}, std::uint8_t{0x80}, std::uint8_t{0xFF}}) {
            bytes() = whole;
            bytes()[at] ^= flip;
            const auto damaged = bytes();
            std::filesystem::remove(path("journal.torn.1"));
            auto journal = start();
            ASSERT_FALSE(exists("journal.1")) << at;
            if (journal->condition() == Journal::Condition::damaged) {
                ++found_damaged;
                const auto begin = at < first_slot ? 0 : *(std::ranges::upper_bound(records, at) - 1);
                EXPECT_NE(journal->reason().find("is damaged at byte " + std::to_string(begin) + ":"), std::string::npos)
                    << at << journal->reason();
                continue;
            }
            ASSERT_EQ(journal->condition(), Journal::Condition::good);
            const bool torn = exists("journal.torn.1");
            found_torn += torn ? 1 : 0;
            const auto log = read_log(*journal).value();
            for (const auto *id : {"a", "b", "c"}) EXPECT_EQ(count_id(log, id), 1) << at;
            for (const auto name : {r0, r1}) {
                EXPECT_EQ(replay(log, name), logged(*journal, name)) << at;
                if (logged(*journal, name) == hardware_.value(name)) continue;
                EXPECT_EQ(name, r1) << at;
                ASSERT_TRUE(torn) << at;
                EXPECT_EQ(bytes("journal.torn.1").front(), damaged[records[9]]) << at;
            }
        }
    }
    EXPECT_EQ(static_cast<std::uint64_t>(found_damaged), 3 * (records[9] - slots * slot_size))
        << "every byte of header and records before the last";
    EXPECT_EQ(static_cast<std::uint64_t>(found_torn), 3 * (end - records[9] + settled_size)) << "and every byte from there on";
}

}  // namespace
}  // namespace mrd::journal
