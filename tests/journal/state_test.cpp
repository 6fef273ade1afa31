#include "mrd/journal/state.h"

#include <gtest/gtest.h>

#include <string>

#include "mr/envelope.h"
#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

using Outcomes = std::vector<std::pair<std::uint64_t, Outcome>>;

class JournalState : public testing::Test {
protected:
    JournalState() {
        take(Boot{0, "boot"});
        take(Register{algorithm, zero_, zero_, "sim/r0"});
        take(Register{algorithm, zero_, zero_, "sim/r1"});
    }
    void take(const Record &record) {
        const auto taken = state_.check_and_apply(record);
        EXPECT_TRUE(taken) << taken.error();
    }
    // Error: the sentence, or nothing where it was taken.
    std::string refused(const Record &record) {
        const auto taken = state_.check_and_apply(record);
        return taken ? "" : taken.error();
    }
    // The next intent of the register, from `before`.
    Intent intent(RegisterNumber reg, const mr::Digest &before, std::uint8_t byte, std::optional<std::string_view> id = {}) {
        Intent intent;
        intent.number = state_.next_intent();
        intent.reg = reg;
        intent.type = 13;
        intent.before = before;
        intent.after = extended(before, digest_of(byte));
        intent.digest = digest_of(byte);
        intent.uid = 1000;
        intent.id = id;
        return intent;
    }
    // Intents of the bytes 1 to k on register 0: v0 = zero, v1, ... vk.
    std::vector<mr::Digest> open_chain(std::uint8_t k) {
        std::vector<mr::Digest> values{zero_};
        for (std::uint8_t i = 1; i <= k; ++i) {
            take(intent(0, values.back(), i, "id " + std::to_string(i)));
            values.push_back(extended(values.back(), digest_of(i)));
        }
        return values;
    }
    void settle(const Outcomes &outcomes) {
        for (const auto &[number, outcome] : outcomes) take(Settled{number, outcome == Outcome::done ? state_.sequence() + 1 : 0, outcome});
    }

    const mr::Digest zero_ = mr::Digest::zero(algorithm);
    State state_;
};

TEST_F(JournalState, OfOpenIntentsTheFirstAreDoneAsFarAsTheRegisterSays) {
    constexpr std::uint8_t longest = 5;
    for (std::uint8_t k = 1; k <= longest; ++k) {
        for (std::size_t i = 0; i <= k; ++i) {
            state_ = State();
            take(Boot{0, "boot"});
            take(Register{algorithm, zero_, zero_, "sim/r0"});
            const auto values = open_chain(k);
            Outcomes expected;
            for (std::size_t n = 1; n <= k; ++n) expected.emplace_back(n, n <= i ? Outcome::done : Outcome::undone);
            EXPECT_EQ(state_.conclude(0, values[i]), expected) << int{k} << " open, at " << i;
            EXPECT_EQ(state_.logged_after(0, values[i]), values[i]);
            settle(expected);
            EXPECT_TRUE(state_.open().empty());
            EXPECT_EQ(state_.registers()[0].logged, values[i]);
            EXPECT_EQ(state_.registers()[0].events, i);
            EXPECT_EQ(state_.sequence(), i);
            for (std::size_t n = 1; n <= k; ++n) EXPECT_EQ(state_.ids().find(1000, 0, "id " + std::to_string(n)) != nullptr, n <= i) << n;
        }
    }
}

TEST_F(JournalState, AValueOffTheChainLeavesAllIndeterminateAndFreesTheirIds) {
    open_chain(3);
    const auto foreign = digest_of(0xEE);
    EXPECT_EQ(state_.conclude(0, foreign),
              (Outcomes{{1, Outcome::indeterminate}, {2, Outcome::indeterminate}, {3, Outcome::indeterminate}}));
    EXPECT_EQ(state_.logged_after(0, foreign), zero_);
    settle(state_.conclude(0, foreign));
    EXPECT_EQ(state_.registers()[0].logged, zero_);
    EXPECT_EQ(state_.sequence(), 0U);
    for (const auto *id : {"id 1", "id 2", "id 3"}) EXPECT_EQ(state_.ids().find(1000, 0, id), nullptr);
}

TEST_F(JournalState, TheChainOfOneRegisterIsNotThatOfAnother) {
    const auto values = open_chain(1);
    take(intent(1, zero_, 9));
    EXPECT_EQ(state_.conclude(1, zero_), (Outcomes{{2, Outcome::undone}}));
    EXPECT_EQ(state_.conclude(0, values[1]), (Outcomes{{1, Outcome::done}}));
}

TEST_F(JournalState, AnIdIsFreeAgainAfterItsExtendWasUndone) {
    take(intent(0, zero_, 1, "a"));
    take(Settled{1, 0, Outcome::undone});
    EXPECT_EQ(state_.ids().find(1000, 0, "a"), nullptr);
    take(intent(0, zero_, 2, "a"));
    take(Settled{2, 1, Outcome::done});
    const auto *first = state_.ids().find(1000, 0, "a");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->digest, digest_of(2)) << "the id is found with the digest it was taken with";
    EXPECT_EQ(first->value, extended(zero_, digest_of(2)));
    EXPECT_EQ(first->sequence, 1U);
}

TEST_F(JournalState, ARecordBeforeTheFirstBootIsRefused) {
    state_ = State();
    EXPECT_EQ(refused(Repair{}), "a record stands before the first boot");
    EXPECT_EQ(refused(Boot{0, ""}), "a boot without an id");
    take(Boot{0, "boot"});
    take(Boot{0, "boot 2"});
    EXPECT_EQ(state_.boot_id(), "boot 2");
    take(Repair{});
    EXPECT_EQ(state_.repairs(), 1U);
    EXPECT_EQ(refused(FirmwareEvent{1, {}}), "a firmware event that does not follow its log");
}

TEST_F(JournalState, ARegisterIsTakenInOnce) {
    EXPECT_EQ(refused(Register{algorithm, zero_, zero_, "sim/r0"}), "the register sim/r0 for the second time");
    EXPECT_EQ(state_.find("sim/r1"), 1);
    EXPECT_EQ(state_.find("sim/r2"), std::nullopt);
}

TEST_F(JournalState, AnIntentThatDoesNotFollowIsRefused) {
    auto one = intent(0, zero_, 1);
    one.number = 2;
    EXPECT_EQ(refused(one), "intent 2 is out of order");
    one = intent(2, zero_, 1);
    EXPECT_EQ(refused(one), "intent 1 names a register that is not there");
    one = intent(0, digest_of(7), 1);
    EXPECT_EQ(refused(one), "intent 1 does not go on from what sim/r0 holds");
    one = intent(0, zero_, 1);
    one.after = digest_of(7);
    EXPECT_EQ(refused(one), "intent 1 is computed wrongly");
    one = intent(0, zero_, 1);
    one.digest = mr::Digest(mr::Bytes(32, 1));
    EXPECT_EQ(refused(one), "intent 1 has digests of another length than its register");
    take(intent(0, zero_, 1));
    EXPECT_EQ(refused(intent(0, zero_, 2)), "intent 2 does not go on from what sim/r0 holds");
}

TEST_F(JournalState, ASettledThatDoesNotFollowIsRefused) {
    EXPECT_EQ(refused(Settled{1, 1, Outcome::done}), "intent 1 is settled, but not open");
    open_chain(2);
    EXPECT_EQ(refused(Settled{1, 2, Outcome::done}), "event 2 is out of order");
    EXPECT_EQ(refused(Settled{2, 1, Outcome::done}), "intent 2 is done before another that its register took first");
    take(Settled{1, 1, Outcome::done});
    EXPECT_EQ(refused(Settled{1, 2, Outcome::done}), "intent 1 is settled, but not open");
    EXPECT_EQ(refused(Settled{2, 1, Outcome::done}), "event 1 is out of order");
    EXPECT_EQ(refused(Settled{2, 2, Outcome::undone}), "intent 2 is not done, but has the event number 2");
}

TEST_F(JournalState, AnIntentIsNotDoneIfTheOneBeforeItWasUndone) {
    open_chain(2);
    take(Settled{1, 0, Outcome::undone});
    EXPECT_EQ(refused(Settled{2, 1, Outcome::done}), "intent 2 is done, but the one before it is not");
    take(Settled{2, 0, Outcome::undone});
}

class JournalStateResync : public JournalState {
protected:
    Intent resync(const mr::Digest &expected, const mr::Digest &found, const std::string &name = "tdx/r0") {
        const auto bytes = [](const mr::Digest &digest) { return mr::Bytes(digest.bytes().begin(), digest.bytes().end()); };
        data_ = mr::encode_envelope(
            {.header = {.type = "resync", .register_name = name}, .body = {.expected = bytes(expected), .found = bytes(found)}});
        auto record = intent(0, found, 1);
        record.origin = Origin::resync;
        record.digest = *mr::envelope_digest(data_, algorithm);
        record.after = extended(found, record.digest);
        record.data = data_;
        return record;
    }
    const mr::Digest foreign_ = digest_of(0xEE);
    mr::Bytes data_;
};

TEST_F(JournalStateResync, AResyncGoesOnFromWhatWasFound) {
    const auto record = resync(zero_, foreign_);
    take(record);
    EXPECT_EQ(state_.conclude(0, foreign_), (Outcomes{{1, Outcome::undone}}));
    EXPECT_EQ(state_.conclude(0, record.after), (Outcomes{{1, Outcome::done}}));
    EXPECT_EQ(state_.conclude(0, zero_), (Outcomes{{1, Outcome::indeterminate}}));
    take(Settled{1, 1, Outcome::done});
    EXPECT_EQ(state_.registers()[0].logged, record.after);
    EXPECT_EQ(state_.registers()[0].resyncs, 1U);
    EXPECT_EQ(state_.registers()[0].events, 1U);
    take(intent(0, record.after, 2));
}

TEST_F(JournalStateResync, AResyncThatWasUndoneLeavesTheGapOpen) {
    take(resync(zero_, foreign_));
    take(Settled{1, 0, Outcome::undone});
    EXPECT_EQ(state_.registers()[0].logged, zero_);
    EXPECT_EQ(state_.registers()[0].resyncs, 0U);
}

TEST_F(JournalStateResync, AResyncThatSaysSomethingElseIsRefused) {
    const std::string sentence = "intent 1 does not go on from what sim/r0 holds";
    EXPECT_EQ(refused(resync(digest_of(5), foreign_)), sentence) << "another value expected";
    auto record = resync(zero_, digest_of(5));
    record.before = foreign_;
    EXPECT_EQ(refused(record), sentence) << "another value found";
    EXPECT_EQ(refused(resync(zero_, foreign_, "tdx/r1")), sentence) << "another register";
    record = resync(zero_, foreign_);
    record.digest = *mr::hash(algorithm, data_);
    record.after = extended(foreign_, record.digest);
    EXPECT_EQ(refused(record), sentence) << "a file whose content is a resync's data";
    record = resync(zero_, foreign_);
    record.data.reset();
    EXPECT_EQ(refused(record), sentence) << "no data";
    record = resync(zero_, foreign_);
    record.origin = Origin::service;
    EXPECT_EQ(refused(record), sentence) << "no resync at all";
}

TEST_F(JournalState, ARegisterIsCappedByACapThatWasDone) {
    auto cap = intent(0, zero_, 1);
    cap.origin = Origin::cap;
    take(cap);
    EXPECT_EQ(state_.registers()[0].capped_by, 0U);
    take(Settled{1, 0, Outcome::undone});
    EXPECT_EQ(state_.registers()[0].capped_by, 0U);
    cap.number = 2;
    take(cap);
    take(Settled{2, 1, Outcome::done});
    EXPECT_EQ(state_.registers()[0].capped_by, 1U);
    EXPECT_EQ(state_.registers()[1].capped_by, 0U);
}

TEST_F(JournalState, AStartThatNothingExplainsIsShown) {
    take(Register{algorithm, zero_, digest_of(9), "sim/r2"});
    EXPECT_FALSE(state_.registers()[0].start_is_unexplained());
    EXPECT_TRUE(state_.registers()[2].start_is_unexplained());
    EXPECT_EQ(state_.registers()[2].logged, zero_);
}

}  // namespace
}  // namespace mrd::journal
