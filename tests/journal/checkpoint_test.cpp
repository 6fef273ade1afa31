// A start that begins at a checkpoint, and the check of what it has not read.
#include "mrd/journal/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

class JournalCheckpoint : public JournalTest {
protected:
    JournalCheckpoint() {
        options_.checkpoint_interval = 1;
        caller_.uid = 0;
    }

    // Enough events that the file has several checkpoints: each waits until it takes no more than its share of it.
    void write(int events, std::uint8_t first = 1) {
        auto journal = start();
        for (int i = 0; i < events; ++i) {
            const auto byte = static_cast<std::uint8_t>(first + i);
            // Few have an id: ids are most of a state.
            const auto id = i % 40 == 39 ? std::optional("id " + std::to_string(byte)) : std::nullopt;
            ASSERT_TRUE(extend(*journal, i % 3 == 0 ? r1 : r0, byte, id));
        }
    }
    [[nodiscard]] mr::ByteView header() { return mr::ByteView(bytes()).first(file_header_size); }
    // The last that a slot names.
    Slot last_slot() {
        const auto one = read_slot(header(), 0);
        const auto other = read_slot(header(), 1);
        EXPECT_TRUE(one || other);
        return !one || (other && other->number > one->number) ? *other : *one;
    }
    void spoil_slots() { std::fill_n(bytes().begin() + first_slot, slots * slot_size, std::uint8_t{0xA5}); }
    // Runs the background check to its end.
    void check(Journal &journal) {
        loop_.restart();
        while (!journal.is_checked()) ASSERT_EQ(loop_.run_one(), 1U);
    }
    // What a mrd that reads all of it finds.
    State read_whole() {
        const auto kept = bytes();
        spoil_slots();
        auto journal = open();
        bytes() = kept;
        EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
        return journal->state();
    }
};

TEST_F(JournalCheckpoint, AStateIsTheSameReadFromItsBytes) {
    hardware_.add("tpm/pcr10:sha256");
    auto journal = start();
    extend(*journal, r0, 1, "a");
    extend(*journal, r1, 2, "b");
    caller_.uid = 1000;
    extend(*journal, r0, 3, "c");
    extend(*journal, r0, 4);
    // What it is compared by is not what extends.
    const auto number = find(journal->state(), r0).value();
    const auto before = logged(*journal, r0);
    const Target target{number, before, extended(before, digest_of(6)), digest_of(6)};
    const mr::Bytes data(3);
    journal->settle(journal->begin({.targets = {&target, 1}, .caller = &caller_, .id = "d", .data = data}).value(), Outcome::done);
    ASSERT_TRUE(first_of(*journal, number, "d")->asked);
    EXPECT_EQ(first_of(*journal, number, "d")->results.front().digest, digest_of(6));
    const auto capped = cap(*journal, r1);
    journal->settle(journal->begin(capped).value(), Outcome::done);
    add_virtual(journal, "build", r0);
    begin(*journal, r0, 5, "open");
    mr::Bytes state;
    append_state(state, journal->state());
    const auto again = read_state(state);
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(*again, journal->state());
    for (std::size_t size = 0; size < state.size(); ++size) EXPECT_FALSE(read_state(mr::ByteView(state).first(size))) << size;
    state.push_back(0);
    EXPECT_FALSE(read_state(state));
}

TEST_F(JournalCheckpoint, AStartReadsOnlyWhatStandsBehindTheLastOne) {
    write(120);
    ASSERT_GE(last_slot().number, 2U);
    const auto whole = read_whole();
    auto journal = open();
    EXPECT_EQ(journal->state(), whole);
    bytes()[file_header_size + 20] ^= 1;  // far before it
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
    EXPECT_NE(first_of(*journal, 0, "id 120", 0), nullptr);
}

TEST_F(JournalCheckpoint, WhatIsWrittenBehindACheckpointIsReadAsEver) {
    write(60);
    for (std::uint8_t more = 1; more < 40; ++more) {
        auto journal = start();
        begin(*journal, r0, more, "open " + std::to_string(more));
        hardware_.extend(r0, digest_of(more));
        journal = start();
        EXPECT_EQ(journal->state().open().size(), 0U);
        EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
        EXPECT_EQ(journal->state(), read_whole()) << int{more};
        check(*journal);
        EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
    }
}

TEST_F(JournalCheckpoint, TheyTakeNoMoreThanTheirShareOfTheFile) {
    write(250);
    std::uint64_t taken = 0;
    std::uint64_t number = 0;
    const auto file = disk_.opener()(path(), OpenMode::existing);
    RecordReader reader(**file, file_header_size, bytes().size());
    while (const auto found = *reader.next()) {
        const auto record = *decode_record(found->head, found->bytes);
        if (const auto *checkpoint = std::get_if<Checkpoint>(&record)) {
            EXPECT_EQ(checkpoint->number, ++number);
            taken += found->bytes.size();
            EXPECT_LE(taken * checkpoint_share, reader.offset());
        }
    }
    EXPECT_GE(number, 2U);
}

TEST_F(JournalCheckpoint, OneThatFindsNoRoomIsLeftOut) {
    options_.size_limit = 16'384;
    auto journal = start();
    while (extend(*journal, r0, 7)) {
    }
    EXPECT_EQ(journal->condition(), Journal::Condition::full);
    const auto sequence = journal->state().sequence();
    journal = start();
    EXPECT_EQ(journal->state().sequence(), sequence);
    EXPECT_EQ(journal->condition(), Journal::Condition::full) << "told before an extend has to find it out";
}

TEST_F(JournalCheckpoint, AKillAtAnyCallLeavesAJournalThatIsRead) {
    options_.checkpoint_interval = 2000;
    for (const auto sync : {Sync::none, Sync::group}) {
        options_.sync = sync;
        for (const auto fault : {Fault::kill, Fault::torn_kill, Fault::lost_write, Fault::torn_write}) {
            for (std::uint64_t call = 1;; call += 3) {
                for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
                disk_.heal();
                hardware_.reset();
                disk_.fail_call(FaultyDisk::Call::write, call, fault);
                if (auto journal = Journal::open(loop_, options_); journal && (*journal)->start(hardware_.present(), {})) {
                    for (std::uint8_t i = 1; i < 25 && !disk_.is_killed(); ++i) {
                        (void)extend(**journal, r0, i, "id " + std::to_string(i));
                        (*journal)->when_durable([](const std::expected<void, Error> &) {});
                        loop_.restart();
                        loop_.run();
                    }
                }
                const bool has_failed = disk_.has_failed();
                disk_.heal();
                auto journal = start();
                ASSERT_NE(journal, nullptr);
                EXPECT_EQ(journal->condition(), Journal::Condition::good) << call << journal->reason();
                EXPECT_EQ(logged(*journal, r0), hardware_.value(r0)) << call;
                check(*journal);
                EXPECT_EQ(journal->condition(), Journal::Condition::good) << call << journal->reason();
                EXPECT_EQ(journal->state(), read_whole()) << call;
                if (!has_failed) break;
                ASSERT_LT(call, 500U);
            }
        }
    }
}

// Its writes are two: the record, and the slot that names it, which was that of the last but one.
class JournalCheckpointKilled : public JournalCheckpoint, public ::testing::WithParamInterface<Sync> {
protected:
    using Call = FaultyDisk::Call;

    JournalCheckpointKilled() {
        options_.checkpoint_interval = 2000;
        options_.sync = GetParam();
    }
    // Extends until so many checkpoints have slots, or mrd is killed.
    void write_until(std::uint64_t number) {
        auto journal = start();
        ASSERT_NE(journal, nullptr);
        for (int i = 0; i < 500 && !disk_.is_killed(); ++i) {
            const auto slot_number = std::max(number_of_slot(0), number_of_slot(1));
            if (slot_number >= number) return;
            (void)extend(*journal, r0, static_cast<std::uint8_t>(i));
            journal->when_durable([](const std::expected<void, Error> &) {});
            loop_.restart();
            loop_.run();
        }
        ASSERT_TRUE(disk_.is_killed());
    }
    std::uint64_t number_of_slot(std::size_t number) {
        const auto slot = read_slot(header(), number);
        return slot ? slot->number : 0;
    }
    // So many bytes before the first that a start reads, beside header and slots.
    bool start_reads_from(std::uint64_t offset) {
        const auto whole = bytes();
        std::fill_n(bytes().begin() + file_header_size, offset - file_header_size, std::uint8_t{0xA5});
        const bool reads_no_more = open()->condition() == Journal::Condition::good;
        bytes() = whole;
        bytes()[offset + record_head_size] ^= 1;
        const bool reads_all = open()->state().checkpoints() < read_slot_of(offset);
        bytes() = whole;
        return reads_no_more && reads_all;
    }
    std::uint64_t read_slot_of(std::uint64_t offset) {
        for (std::size_t number = 0; number < slots; ++number) {
            if (const auto slot = read_slot(header(), number); slot && slot->offset == offset) return slot->number;
        }
        return 0;
    }
    // A start begins at that checkpoint, finds all that was answered, and goes on.
    void expect_start_at(std::uint64_t number) {
        disk_.heal();
        loop_.restart();
        const auto slot = read_slot(header(), number % slots);
        ASSERT_TRUE(slot);
        EXPECT_EQ(slot->number, number);
        EXPECT_TRUE(start_reads_from(slot->offset));
        auto journal = start();
        EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
        EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
        check(*journal);
        EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
        EXPECT_EQ(journal->state(), read_whole());
    }
};
INSTANTIATE_TEST_SUITE_P(All, JournalCheckpointKilled, ::testing::Values(Sync::none, Sync::group));

TEST_P(JournalCheckpointKilled, BeforeOrWithinItsRecordLeavesTheOneBefore) {
    write_until(2);
    for (const auto fault : {Fault::kill, Fault::torn_kill}) {
        disk_.fail_call(Call::checkpoint, 1, fault);
        write_until(3);
        expect_start_at(2);
        EXPECT_EQ(exists("journal.torn.1"), fault == Fault::torn_kill);
    }
    write_until(4);
    expect_start_at(4);
}

TEST_P(JournalCheckpointKilled, BeforeItsSlotLeavesTheOneBeforeAndTheNextHasTheNextNumber) {
    write_until(2);
    disk_.fail_call(Call::slot, 1, Fault::kill);
    write_until(3);
    expect_start_at(2);
    EXPECT_EQ(open()->state().checkpoints(), 3U) << "it is there, and read like any record";
    write_until(4);
    EXPECT_EQ(number_of_slot(1), 1U) << "that of the third was never written";
    expect_start_at(4);
}

TEST_P(JournalCheckpointKilled, WithinItsSlotLeavesTheOneBefore) {
    write_until(2);
    disk_.fail_call(Call::slot, 1, Fault::torn_kill);
    write_until(3);
    EXPECT_EQ(number_of_slot(1), 0U);
    expect_start_at(2);
}

TEST_P(JournalCheckpointKilled, WithinTheSlotThatIsUsedAgainLeavesTheOneOfTheOther) {
    write_until(2);
    disk_.fail_call(Call::slot, 1, Fault::kill);
    write_until(3);
    disk_.heal();
    loop_.restart();
    disk_.fail_call(Call::slot, 1, Fault::torn_kill);
    write_until(4);
    EXPECT_EQ(number_of_slot(0), 0U) << "of the second, which the fourth was to take";
    expect_start_at(1);
    write_until(5);
    expect_start_at(5);
}

TEST_P(JournalCheckpointKilled, WithinBothSlotsLeavesAFileThatIsReadWhole) {
    write_until(2);
    for (const std::uint64_t number : {3U, 4U}) {
        disk_.heal();
        loop_.restart();
        disk_.fail_call(Call::slot, 1, Fault::torn_kill);
        write_until(number);
    }
    disk_.heal();
    loop_.restart();
    EXPECT_EQ(number_of_slot(0) + number_of_slot(1), 0U);
    auto journal = start();
    EXPECT_TRUE(journal->is_checked()) << "nothing was passed over";
    EXPECT_EQ(logged(*journal, r0), hardware_.value(r0));
    EXPECT_EQ(journal->state().checkpoints(), 4U);
}

TEST_F(JournalCheckpoint, AStateOfManyIdsHasOneToo) {
    constexpr RegisterNumber registers = 255;  // of one uid: each has ids of its own
    constexpr int rounds = 80;
    const mr::Bytes data(2'600);
    options_.size_limit = std::uint64_t{256} << 20U;
    options_.checkpoint_interval = std::uint64_t{55'000'000};
    std::vector<std::string> names;
    for (int reg = 0; reg < registers; ++reg) names.push_back("sim/r" + std::to_string(reg));
    hardware_ = Hardware(names);
    auto journal = start();
    const auto id_of = [](int round) { return std::string(120, 'x') + std::to_string(round); };
    for (int round = 0; round < rounds && journal->state().checkpoints() == 0; ++round) {
        for (RegisterNumber reg = 0; reg < registers; ++reg) {
            const auto id = id_of(round);
            const auto &before = journal->state().registers()[reg].logged;
            const Target target{reg, before, extended(before, digest_of(1)), digest_of(1)};
            const auto intent = journal->begin({.targets = {&target, 1}, .caller = &caller_, .id = id, .data = data});
            ASSERT_TRUE(intent);
            journal->settle(*intent, Outcome::done);
        }
    }
    for (RegisterNumber reg = 0; reg < registers; ++reg) hardware_.set(names[reg], journal->state().registers()[reg].logged);
    const auto slot = last_slot();
    const auto head = decode_head(mr::ByteView(bytes()).subspan(slot.offset), slot.offset);
    ASSERT_TRUE(head);
    EXPECT_GT(head->body_size, max_body);
    const auto sequence = journal->state().sequence();
    journal.reset();
    std::fill_n(bytes().begin() + file_header_size, slot.offset - file_header_size, std::uint8_t{0xA5});
    journal = open();
    EXPECT_EQ(journal->condition(), Journal::Condition::good) << "nothing before it is read";
    EXPECT_EQ(journal->state().sequence(), sequence);
    EXPECT_NE(first_of(*journal, 0, id_of(0), 0), nullptr);
}

TEST_F(JournalCheckpoint, WithSyncItsSlotIsWrittenWhenItIsDurable) {
    options_.sync = Sync::group;
    auto journal = start();
    disk_.hold_syncs();
    for (int i = 0; i < 60; ++i) extend(*journal, r0, 1);
    ASSERT_GT(journal->state().checkpoints(), 0U);
    EXPECT_FALSE(read_slot(header(), 0) || read_slot(header(), 1));
    int answers = 0;
    journal->when_durable([&](const std::expected<void, Error> &done) { answers += done ? 1 : 0; });
    disk_.release_syncs();
    loop_.restart();
    while (answers == 0) loop_.run_one();
    EXPECT_TRUE(last_slot().is_durable);
    const auto end = journal->end();
    journal.reset();
    // What was durable is not written again.
    const auto writes = disk_.calls(FaultyDisk::Call::write);
    journal = start();
    EXPECT_LT(disk_.calls(FaultyDisk::Call::write) - writes, 60U);
    EXPECT_EQ(journal->end(), end);
}

// ---- The background check

TEST_F(JournalCheckpoint, UntilTheRestIsCheckedNothingRestsOnIt) {
    write(120);
    auto journal = start();
    EXPECT_FALSE(journal->is_checked());
    EXPECT_EQ(journal->checked(), file_header_size);
    int called = 0;
    journal->when_checked([&called] { ++called; });
    EXPECT_EQ(called, 0);
    extend(*journal, r0, 9);
    check(*journal);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(journal->checked(), journal->end());
    journal->when_checked([&called] { ++called; });
    EXPECT_EQ(called, 2);
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(read_log(*journal)->size(), 121U);
}

TEST_F(JournalCheckpoint, DamageThatIsFoundLaterIsDamageAllTheSame) {
    write(120);
    const auto sequence = start()->state().sequence();
    const auto file = disk_.opener()(path(), OpenMode::existing);
    RecordReader reader(**file, file_header_size, bytes().size());
    for (int i = 0; i < 7; ++i) (void)reader.next();  // boot, 2 registers, two events
    const auto damage = reader.offset();
    bytes()[damage + 20] ^= 1;
    auto journal = start();
    const auto intent = begin(*journal, r0, 9);
    check(*journal);
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_EQ(journal->reason(), "the journal " + path().string() + " is damaged at byte " + std::to_string(damage) +
                                     ": the record there cannot be read; run `mrctl repair` to begin a new one that says what is missing");
    EXPECT_EQ(journal->state().sequence(), sequence) << "what the registers prove is known";
    EXPECT_EQ(read_log(*journal)->size(), 2U) << "what can be read is read";
    EXPECT_FALSE(extend(*journal, r0, 10));
    const auto whole = bytes();
    hardware_.extend(r0, digest_of(9));
    journal->settle(intent, Outcome::done);
    std::optional<bool> durable;
    journal->when_durable([&](const std::expected<void, Error> &done) { durable = done.has_value(); });
    EXPECT_EQ(durable, false) << "it has happened, and the log does not have it";
    EXPECT_EQ(bytes(), whole) << "a damaged journal is left as it is";

    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(journal->state().sequence(), 2U);
    EXPECT_GT(journal->state().next_intent(), 120U) << "no number of an intent is given twice";
    EXPECT_EQ(journal->settle(intent, Outcome::done), 0U);
    EXPECT_TRUE(resync(*journal, r0));
    EXPECT_TRUE(extend(*journal, r0, 11));
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
}

TEST_F(JournalCheckpoint, AnExtendThatIsComputedWronglyIsDamageAtItsOwnRecordWhateverStandsBehindIt) {
    write(120);
    const auto whole = bytes();
    // Extends are proved several at once.
    for (const int event : {0, 1, 6, 7, 8, 9, 50}) {
        bytes() = whole;
        const auto file = disk_.opener()(path(), OpenMode::existing);
        RecordReader reader(**file, file_header_size, bytes().size());
        std::optional<RecordReader::Found> found;
        std::optional<Record> record;
        const auto is_it = [&] {
            const auto *intent = record ? std::get_if<Intent>(&*record) : nullptr;
            return intent != nullptr && intent->number == static_cast<std::uint64_t>(event) + 1;
        };
        while (!is_it()) {
            found = reader.next().value();
            ASSERT_TRUE(found);
            record = decode_record(found->head, found->bytes).value();
        }
        auto &intent = std::get<Intent>(*record);
        intent.targets = Targets(
            std::vector{Target{intent.targets.front().reg, intent.targets.front().before, digest_of(0xEE), intent.targets.front().digest}});
        mr::Bytes wrong;
        append_record(wrong, found->offset, *record);
        const auto offset = found->offset;
        std::ranges::copy(wrong, bytes().begin() + static_cast<std::ptrdiff_t>(offset));
        auto journal = start();
        EXPECT_EQ(journal->condition(), Journal::Condition::good);
        check(*journal);
        EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
        EXPECT_NE(journal->reason().find(" is damaged at byte " + std::to_string(offset) + ": intent " + std::to_string(event + 1) +
                                         " is computed wrongly"),
                  std::string::npos)
            << journal->reason();
        EXPECT_EQ(read_log(*journal)->size(), static_cast<std::size_t>(event)) << "what can be read is read";
    }
}

TEST_F(JournalCheckpoint, OneThatSaysSomethingElseThanTheRecordsIsDamage) {
    write(20);
    auto journal = start();
    auto other = journal->state();
    const auto end = journal->end();
    journal.reset();
    ASSERT_TRUE(other.check_and_apply(Boot{0, "another boot"}));
    mr::Bytes state;
    append_state(state, other);
    mr::Bytes record;
    append_record(record, end, Checkpoint{other.checkpoints() + 1, state});
    std::ranges::copy(record, bytes().begin() + static_cast<std::ptrdiff_t>(end));
    mr::Bytes slot;
    append_slot(slot, {.number = other.checkpoints() + 1, .offset = end});
    std::ranges::copy(slot, bytes().begin() + static_cast<std::ptrdiff_t>(first_slot + (other.checkpoints() + 1) % slots * slot_size));
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good) << "it is believed first";
    check(*journal);
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_NE(journal->reason().find("is not what the records before it add up to"), std::string::npos) << journal->reason();
}

TEST_F(JournalCheckpoint, ARepairLiftsNoCap) {
    // Wherever the cap stands: before the damage, behind it, or in a checkpoint behind it.
    for (const int before : {1, 40, 90}) {
        for (const bool has_slots : {true, false}) {
            for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
            hardware_.reset();
            auto journal = start();
            for (int i = 0; i < 100; ++i) {
                if (i == before) {
                    const auto capped = cap(*journal, r1);
                    journal->settle(journal->begin(capped).value(), Outcome::done);
                    hardware_.extend(r1, capped.target.digest);
                }
                extend(*journal, r0, 1);
            }
            const auto file = disk_.opener()(path(), OpenMode::existing);
            RecordReader reader(**file, file_header_size, bytes().size());
            for (int i = 0; i < 50; ++i) (void)reader.next();
            bytes()[reader.offset() + 20] ^= 1;
            if (!has_slots) spoil_slots();
            journal = start();
            check(*journal);
            ASSERT_EQ(journal->condition(), Journal::Condition::damaged);
            ASSERT_TRUE(journal->repair(hardware_.present()));
            EXPECT_GT(state_of(*journal, r1).capped_by, 0U) << before << has_slots;
            EXPECT_EQ(state_of(*journal, r0).capped_by, 0U);
            journal = start();
            EXPECT_GT(state_of(*journal, r1).capped_by, 0U) << "and a start reads it";
        }
    }
}

TEST_F(JournalCheckpoint, AFlippedByteAtAnyPlaceIsFoundOrHarmless) {
    options_.size_limit = 32'768;
    write(50);
    ASSERT_GE(last_slot().number, 2U) << "both slots are in use";
    ASSERT_GT(open()->end(), last_slot().offset + 2'000) << "and records follow the last checkpoint";
    const auto whole = bytes();
    const auto state = read_whole();
    const auto end = start()->end();
    const auto hardware = hardware_;
    std::uint64_t found = 0;
    for (std::size_t at = 0; at < end + settled_size; ++at) {
        bytes() = whole;
        bytes()[at] ^= 0x81;
        std::filesystem::remove(path("journal.torn.1"));
        auto journal = start();
        ASSERT_FALSE(exists("journal.1")) << at;
        check(*journal);
        if (journal->condition() == Journal::Condition::damaged) {
            ++found;
            continue;
        }
        ASSERT_EQ(journal->condition(), Journal::Condition::good) << at << journal->reason();
        const bool torn = exists("journal.torn.1");
        const bool in_slots = at >= first_slot && at < file_header_size;
        ASSERT_TRUE(torn || in_slots) << at;
        // The last record was torn: the register says what it was.
        for (const auto name : {r0, r1}) EXPECT_EQ(logged(*journal, name), hardware_.value(name)) << at;
        EXPECT_EQ(journal->state().sequence(), state.sequence()) << at;
        EXPECT_EQ(replay(read_log(*journal).value(), r0), hardware_.value(r0)) << at;
    }
    EXPECT_GT(found, end - 2 * settled_size - slots * slot_size);
}

}  // namespace
}  // namespace mrd::journal
