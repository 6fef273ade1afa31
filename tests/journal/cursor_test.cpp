#include "mrd/journal/cursor.h"

#include <gtest/gtest.h>

#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

using Step = Cursor::Step;

class JournalCursor : public JournalTest {};

TEST_F(JournalCursor, AnEventHasEverythingThatItsIntentSaid) {
    hardware_.add("tdx/rtmr3");
    auto journal = start();
    const mr::Bytes data{1, 2, 3};
    auto one = event(*journal, "tdx/rtmr3", 7, "an id");
    one.type = 0xFFFFFFFE;
    one.description = "a model";
    one.data = data;
    journal->settle(journal->begin(one).value(), Outcome::done);
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    ASSERT_EQ(cursor.next(event, 100), Step::event);
    EXPECT_EQ(event.sequence, 1U);
    EXPECT_EQ(event.index, 4U);
    EXPECT_EQ(event.name, "tdx/rtmr3");
    EXPECT_EQ(event.type, 0xFFFFFFFE);
    ASSERT_EQ(event.digests.size(), 1U);
    EXPECT_EQ(event.digests[0].algorithm_id, 0x000C);
    EXPECT_EQ(mr::Digest(event.digests[0].value), digest_of(7));
    EXPECT_EQ(mr::to_hex(event.data.value()), "010203");
    EXPECT_EQ(event.description, "a model");
    EXPECT_GT(event.time, 1'700'000'000'000'000);
    EXPECT_EQ(event.caller, caller_);
    EXPECT_EQ(event.id, "an id");
    EXPECT_EQ(event.origin, mr::EventOrigin::service);
    EXPECT_EQ(cursor.firmware_of(), "");
    EXPECT_EQ(cursor.next(event, 100), Step::end);
}

TEST_F(JournalCursor, WhatAnEventDoesNotHaveIsAbsentAlsoAfterOneThatHasIt) {
    auto journal = start();
    caller_.on_behalf_of = mr::OnBehalfOf{.uid = 1, .gid = 2, .pid = 3};
    const mr::Bytes data{1};
    auto one = event(*journal, r0, 1, "a");
    one.description = "d";
    one.data = data;
    journal->settle(journal->begin(one).value(), Outcome::done);
    hardware_.extend(r0, digest_of(1));
    const auto first = std::exchange(caller_, {.uid = 1000, .gid = 100, .pid = 4242});
    extend(*journal, r0, 2);
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    ASSERT_EQ(cursor.next(event, 100), Step::event);
    EXPECT_EQ(event.caller, first);
    ASSERT_EQ(cursor.next(event, 100), Step::event);
    EXPECT_FALSE(event.id || event.description || event.data);
    EXPECT_EQ(event.index, mr::no_index);
    EXPECT_EQ(event.caller, (mr::EventCaller{.uid = 1000, .gid = 100, .pid = 4242}));
}

TEST_F(JournalCursor, EventsComeInTheOrderOfTheirNumbersWithoutThoseThatDidNotHappen) {
    auto journal = start();
    // The later of two open intents is settled first: it has the lower number.
    const auto first = begin(*journal, r0, 1, "first");
    const auto second = begin(*journal, r1, 2, "second");
    const auto third = begin(*journal, r0, 3, "undone");
    journal->settle(second, Outcome::done);
    journal->settle(first, Outcome::done);
    journal->settle(third, Outcome::undone);
    hardware_.extend(r0, digest_of(1));
    journal->settle(begin(*journal, r0, 4, "indeterminate"), Outcome::indeterminate);
    const auto open = begin(*journal, r0, 5, "last");
    auto log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 2U);
    EXPECT_EQ(log[0].id, "second");
    EXPECT_EQ(log[0].sequence, 1U);
    EXPECT_EQ(log[1].id, "first");
    EXPECT_EQ(log[1].sequence, 2U);
    journal->settle(open, Outcome::done);
    log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 3U);
    EXPECT_EQ(log[2].id, "last");
    EXPECT_EQ(log[2].sequence, 3U);
}

TEST_F(JournalCursor, AnEventOfAVirtualRegisterIsItsCarriers) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto reg = add_virtual(journal, "build", r0);
    const auto intent = begin_virtual(*journal, reg, r0, 2);
    hardware_.extend(r0, digest_of(2));
    EXPECT_EQ(journal->settle(intent, Outcome::done), 2U);
    extend(*journal, r0, 3);
    const auto log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 3U);
    EXPECT_EQ(log[1].name, r0);
    EXPECT_EQ(log[1].digest, digest_of(2));
    EXPECT_EQ(replay(log, r0), hardware_.value(r0));
}

TEST_F(JournalCursor, ItGoesOnWhereItFoundNothing) {
    auto journal = start();
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    for (std::uint64_t number = 1; number <= 300; ++number) {
        ASSERT_EQ(cursor.next(event, 100), Step::end);
        const auto intent = begin(*journal, r0, 1);
        cursor.set_end(journal->end());
        ASSERT_EQ(cursor.next(event, 100), Step::end) << "open";
        hardware_.extend(r0, digest_of(1));
        journal->settle(intent, Outcome::done);
        ASSERT_EQ(cursor.next(event, 100), Step::end) << "it is not told of what was written";
        cursor.set_end(journal->end());
        ASSERT_EQ(cursor.next(event, 100), Step::event);
        EXPECT_EQ(event.sequence, number);
    }
}

TEST_F(JournalCursor, ARecordLargerThanTheBufferIsReadWhole) {
    auto journal = start();
    mr::Bytes data(std::size_t{64} << 10U);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 7);
    for (int i = 0; i < 5; ++i) {
        extend(*journal, r0, 1);
        auto large = event(*journal, r0, 2);
        large.data = data;
        hardware_.extend(r0, digest_of(2));
        journal->settle(journal->begin(large).value(), Outcome::done);
    }
    const auto log = read_log(*journal).value();
    ASSERT_EQ(log.size(), 10U);
    for (std::size_t i = 0; i < log.size(); ++i) {
        EXPECT_EQ(log[i].sequence, i + 1);
        EXPECT_EQ(log[i].data == data, i % 2 == 1);
    }
    EXPECT_EQ(replay(log, r0), hardware_.value(r0));
}

TEST_F(JournalCursor, ALongWayIsGoneInSteps) {
    auto journal = start();
    for (int i = 0; i < 4; ++i) journal->settle(begin(*journal, r0, 1), Outcome::undone);
    extend(*journal, r0, 2);
    // Boot, two registers, four times two records, then the event's two.
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    EXPECT_EQ(cursor.next(event, 3), Step::busy);
    EXPECT_EQ(cursor.next(event, 8), Step::busy);
    EXPECT_EQ(cursor.next(event, 1), Step::busy);
    EXPECT_EQ(cursor.next(event, 1), Step::event);
    EXPECT_EQ(event.sequence, 1U);
    EXPECT_EQ(cursor.next(event, 1), Step::end);
}

TEST_F(JournalCursor, ARecordThatCannotBeReadIsAnErrorAndNotTheEnd) {
    auto journal = start();
    extend(*journal, r0, 1);
    const auto middle = journal->end();
    extend(*journal, r0, 2);
    bytes()[middle + 20] ^= 1;
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    ASSERT_EQ(cursor.next(event, 100), Step::event);
    for (int again = 0; again < 2; ++again) {
        const auto step = cursor.next(event, 100);
        ASSERT_FALSE(step);
        EXPECT_EQ(step.error(), "the journal, byte " + std::to_string(middle) + ": the record there cannot be read");
    }
}

TEST_F(JournalCursor, ADiskThatCannotBeReadIsAnErrorAndTheNextTryGoesOn) {
    auto journal = start();
    extend(*journal, r0, 1);
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    disk_.fail_call(FaultyDisk::Call::read, 1, Fault::io_error);
    const auto step = cursor.next(event, 100);
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error(), "the journal cannot be read: Input/output error");
    EXPECT_EQ(cursor.next(event, 100), Step::event);
}

}  // namespace
}  // namespace mrd::journal
