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
        take(Register{algorithm, zero_, zero_, "sim", "r0"});
        take(Register{algorithm, zero_, zero_, "sim", "r1"});
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
        intent.type = 13;
        intent.targets = {{.reg = reg, .before = before, .after = extended(before, digest_of(byte)), .digest = digest_of(byte)}};
        intent.uid = 1000;
        intent.id = id;
        return intent;
    }
    // Where one register holds that value, and nothing is known of the others.
    State::Held held(RegisterNumber reg, const mr::Digest &value) const {
        State::Held held(state_.registers().size());
        held[reg] = value;
        return held;
    }
    Outcomes conclude(RegisterNumber reg, const mr::Digest &value) const { return state_.conclude(held(reg, value)); }
    mr::Digest logged_after(RegisterNumber reg, const mr::Digest &value) const { return state_.logged_after(held(reg, value))[reg]; }
    const EventIds::First *find_id(std::string_view id) const { return state_.ids().find(1000, RegisterSet(RegisterNumber{0}), id); }
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
            take(Register{algorithm, zero_, zero_, "sim", "r0"});
            const auto values = open_chain(k);
            Outcomes expected;
            for (std::size_t n = 1; n <= k; ++n) expected.emplace_back(n, n <= i ? Outcome::done : Outcome::undone);
            EXPECT_EQ(conclude(0, values[i]), expected) << int{k} << " open, at " << i;
            EXPECT_EQ(logged_after(0, values[i]), values[i]);
            settle(expected);
            EXPECT_TRUE(state_.open().empty());
            EXPECT_EQ(state_.registers()[0].logged, values[i]);
            EXPECT_EQ(state_.registers()[0].events, i);
            EXPECT_EQ(state_.sequence(), i);
            for (std::size_t n = 1; n <= k; ++n) EXPECT_EQ(find_id("id " + std::to_string(n)) != nullptr, n <= i) << n;
        }
    }
}

TEST_F(JournalState, AValueOffTheChainLeavesAllIndeterminateAndFreesTheirIds) {
    open_chain(3);
    const auto foreign = digest_of(0xEE);
    EXPECT_EQ(conclude(0, foreign), (Outcomes{{1, Outcome::indeterminate}, {2, Outcome::indeterminate}, {3, Outcome::indeterminate}}));
    EXPECT_EQ(logged_after(0, foreign), zero_);
    settle(conclude(0, foreign));
    EXPECT_EQ(state_.registers()[0].logged, zero_);
    EXPECT_EQ(state_.sequence(), 0U);
    for (const auto *id : {"id 1", "id 2", "id 3"}) EXPECT_EQ(find_id(id), nullptr);
}

TEST_F(JournalState, TheChainOfOneRegisterIsNotThatOfAnother) {
    const auto values = open_chain(1);
    take(intent(1, zero_, 9));
    EXPECT_EQ(conclude(1, zero_), (Outcomes{{2, Outcome::undone}}));
    EXPECT_EQ(conclude(0, values[1]), (Outcomes{{1, Outcome::done}}));
}

TEST_F(JournalState, AnIdIsFreeAgainAfterItsExtendWasUndone) {
    take(intent(0, zero_, 1, "a"));
    take(Settled{1, 0, Outcome::undone});
    EXPECT_EQ(find_id("a"), nullptr);
    take(intent(0, zero_, 2, "a"));
    take(Settled{2, 1, Outcome::done});
    const auto *first = find_id("a");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->results.front().digest, digest_of(2)) << "the id is found with the digest it was taken with";
    EXPECT_EQ(first->results.front().value, extended(zero_, digest_of(2)));
    EXPECT_EQ(first->sequence, 1U);
}

TEST_F(JournalState, ARecordBeforeTheFirstBootIsRefused) {
    state_ = State();
    EXPECT_EQ(refused(Repair{}), "a record stands before the first boot");
    EXPECT_EQ(refused(Boot{0, ""}), "a boot without an id");
    take(Boot{0, "boot"});
    take(Boot{0, "boot 2"});
    EXPECT_EQ(state_.boot_id(), "boot 2");
    take(Repair{.next_intent = 1, .kept_as = {}, .caps = {}});
    EXPECT_EQ(state_.repairs(), 1U);
}

TEST_F(JournalState, ARepairGivesNoNumberTwiceAndLiftsNoCap) {
    take(intent(0, zero_, 1));
    EXPECT_EQ(refused(Repair{.next_intent = 1, .kept_as = {}, .caps = {}}), "a repair that gives numbers of intents again");
    EXPECT_EQ(refused(Repair{.next_intent = 2, .kept_as = {}, .caps = {{9, 1}}}), "a repair that caps a register that is not there");
    take(Repair{.next_intent = 100, .kept_as = {}, .caps = {{1, 7}}});
    EXPECT_EQ(state_.registers()[1].capped_by, 7U);
    EXPECT_EQ(state_.registers()[0].capped_by, 0U);
    EXPECT_EQ(state_.next_intent(), 100U);
}

TEST_F(JournalState, ARegisterIsTakenInOnce) {
    EXPECT_EQ(refused(Register{algorithm, zero_, zero_, "sim", "r0"}), "the register sim/r0 of sha384 for the second time");
    EXPECT_EQ(find(state_, "sim/r1"), 1);
    EXPECT_EQ(find(state_, "sim/r2"), std::nullopt);
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
    one.targets = {{0, zero_, digest_of(7), digest_of(1)}};
    EXPECT_EQ(refused(one), "intent 1 is computed wrongly");
    one = intent(0, zero_, 1);
    one.targets = {{0, zero_, extended(zero_, digest_of(1)), mr::Digest(mr::Bytes(32, 1))}};
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
        set_digest(record, *mr::envelope_digest(data_, algorithm));
        record.data = data_;
        return record;
    }
    static void set_digest(Intent &record, const mr::Digest &digest) {
        const auto before = record.targets.front().before;
        record.targets = {{0, before, extended(before, digest), digest}};
    }
    const mr::Digest foreign_ = digest_of(0xEE);
    mr::Bytes data_;
};

TEST_F(JournalStateResync, AResyncGoesOnFromWhatWasFound) {
    const auto record = resync(zero_, foreign_);
    take(record);
    EXPECT_EQ(conclude(0, foreign_), (Outcomes{{1, Outcome::undone}}));
    EXPECT_EQ(conclude(0, record.targets.front().after), (Outcomes{{1, Outcome::done}}));
    EXPECT_EQ(conclude(0, zero_), (Outcomes{{1, Outcome::indeterminate}}));
    take(Settled{1, 1, Outcome::done});
    EXPECT_EQ(state_.registers()[0].logged, record.targets.front().after);
    EXPECT_EQ(state_.registers()[0].resyncs, 1U);
    EXPECT_EQ(state_.registers()[0].events, 1U);
    take(intent(0, record.targets.front().after, 2));
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
    record.targets = {{0, foreign_, extended(foreign_, record.targets.front().digest), record.targets.front().digest}};
    EXPECT_EQ(refused(record), sentence) << "another value found";
    EXPECT_EQ(refused(resync(zero_, foreign_, "tdx/r1")), sentence) << "another register";
    record = resync(zero_, foreign_);
    set_digest(record, *mr::hash(algorithm, data_));
    EXPECT_EQ(refused(record), sentence) << "a file whose content is a resync's data";
    record = resync(zero_, foreign_);
    record.data.reset();
    EXPECT_EQ(refused(record), sentence) << "no data";
    record = resync(zero_, foreign_);
    record.origin = Origin::service;
    EXPECT_EQ(refused(record), sentence) << "no resync at all";
}

TEST_F(JournalState, ARegisterIsCappedByACapThatWasDone) {
    const auto data = mr::encode_envelope({.header = {.type = "cap", .register_name = "tdx/r0"}});
    const auto digest = *mr::envelope_digest(data, algorithm);
    auto cap = intent(0, zero_, 1);
    cap.origin = Origin::cap;
    cap.targets = {{0, zero_, extended(zero_, digest), digest}};
    cap.data = data;
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

TEST_F(JournalState, WhatAnEventSaysOfItselfAndItsOriginAgree) {
    const auto said = [this](const std::string &type, const std::string &name, Origin origin) {
        const auto data = mr::encode_envelope({.header = {.type = type, .register_name = name}});
        const auto digest = *mr::envelope_digest(data, algorithm);
        auto record = intent(0, zero_, 1);
        record.origin = origin;
        record.targets = {{0, zero_, extended(zero_, digest), digest}};
        record.data = data;
        return refused(record);
    };
    const std::string no_cap = "intent 1 is a cap of sim/r0 that does not say so";
    EXPECT_EQ(said("cap", "tdx/r1", Origin::cap), no_cap) << "of another register";
    EXPECT_EQ(said("measure", "tdx/r0", Origin::cap), no_cap);
    auto plain = intent(0, zero_, 1);
    plain.origin = Origin::cap;
    EXPECT_EQ(refused(plain), no_cap);
    const auto data = mr::encode_envelope({.header = {.type = "cap", .register_name = "tdx/r0"}});
    plain.data = data;
    EXPECT_EQ(refused(plain), no_cap) << "with another digest than the envelope's";
    EXPECT_EQ(said("cap", "tdx/r0", Origin::service), "intent 1 is a cap by what it says, and none by its origin");
    EXPECT_EQ(said("measure", "tdx/r0", Origin::service), "");
}

class JournalStateBanks : public JournalState {
protected:
    JournalStateBanks() {
        take(Register{sha256_, zero256_, zero256_, "tpm", "pcr10"});
        take(Register{algorithm, zero_, zero_, "tpm", "pcr10"});
    }
    static constexpr auto sha256_ = mr::HashAlgorithm::sha256;
    const mr::Digest zero256_ = mr::Digest::zero(sha256_);

    // The next intent of both banks, from what both hold after the open ones.
    Intent both(const mr::Digest &before256, const mr::Digest &before, std::uint8_t byte, std::optional<std::string_view> id = {}) {
        auto record = intent(3, before, byte, id);
        const auto digest = digest_of(byte, sha256_);
        const auto after = *mr::extend(sha256_, before256.bytes(), digest.bytes());
        record.targets = {{2, before256, after, digest}, record.targets.front()};
        return record;
    }
    static mr::Digest after(const Intent &record, std::size_t bank) { return record.targets.all()[bank].after; }
    Outcomes concluded(const mr::Digest &value256, const mr::Digest &value) const {
        State::Held held(4);
        held[2] = value256;
        held[3] = value;
        return state_.conclude(held);
    }
};

TEST_F(JournalStateBanks, ARegisterIsItsProviderItsNameAndItsAlgorithm) {
    EXPECT_EQ(state_.find("tpm", "pcr10", sha256_), 2);
    EXPECT_EQ(state_.find("tpm", "pcr10", algorithm), 3);
    EXPECT_EQ(state_.find("tpm", "pcr10:sha256", sha256_), std::nullopt);
    EXPECT_EQ(state_.find("sim", "pcr10", algorithm), std::nullopt);
    EXPECT_EQ(state_.registers()[2].name, state_.registers()[3].name) << "what it is called does not say the bank";
}

TEST_F(JournalStateBanks, OneEventExtendsEachBankOnce) {
    const auto first = both(zero256_, zero_, 1, "a");
    take(first);
    take(Settled{1, 1, Outcome::done});
    EXPECT_EQ(state_.registers()[2].logged, after(first, 0));
    EXPECT_EQ(state_.registers()[3].logged, after(first, 1));
    EXPECT_EQ(state_.sequence(), 1U);
    auto twice = both(after(first, 0), after(first, 1), 2);
    twice.targets = {twice.targets.front(), twice.targets.front()};
    EXPECT_EQ(refused(twice), "intent 2 extends a register twice");
    auto mixed = both(after(first, 0), after(first, 1), 2);
    mixed.targets = {mixed.targets.front(), {0, zero_, extended(zero_, digest_of(2)), digest_of(2)}};
    EXPECT_EQ(refused(mixed), "intent 2 extends registers that are neither banks of one nor a virtual register and its carrier");
}

TEST_F(JournalStateBanks, AnIdIsOneEventOfTheSameBanks) {
    take(both(zero256_, zero_, 1, "a"));
    take(Settled{1, 1, Outcome::done});
    const std::array<RegisterNumber, 2> banks{3, 2};  // in whatever order
    const auto *found = state_.ids().find(1000, RegisterSet(banks), "a");
    ASSERT_NE(found, nullptr);
    const auto again = both(zero256_, zero_, 1);
    EXPECT_TRUE(found->has_digests_of(again.targets.all()));
    EXPECT_FALSE(found->has_digests_of(both(zero256_, zero_, 2).targets.all()));
    EXPECT_EQ(state_.ids().find(1000, RegisterSet(RegisterNumber{3}), "a"), nullptr);
}

TEST_F(JournalStateBanks, AnEventOfTwoBanksIsDoneWhereBothHaveTakenItAndUndoneWhereNoneHas) {
    const auto first = both(zero256_, zero_, 1);
    take(first);
    const auto second = both(after(first, 0), after(first, 1), 2);
    take(second);
    using enum Outcome;
    EXPECT_EQ(concluded(zero256_, zero_), (Outcomes{{1, undone}, {2, undone}}));
    EXPECT_EQ(concluded(after(first, 0), after(first, 1)), (Outcomes{{1, done}, {2, undone}}));
    EXPECT_EQ(concluded(after(second, 0), after(second, 1)), (Outcomes{{1, done}, {2, done}}));
    EXPECT_EQ(concluded(after(second, 0), after(first, 1)), (Outcomes{{1, done}, {2, indeterminate}})) << "they differ";
    EXPECT_EQ(concluded(digest_of(9, sha256_), after(first, 1)), (Outcomes{{1, indeterminate}, {2, indeterminate}}))
        << "one is off the chain";
    State::Held none(4);
    EXPECT_EQ(state_.conclude(none), Outcomes());
}

TEST_F(JournalStateBanks, WhatFollowsAnIndeterminateEventInOneBankIsNotDone) {
    const auto first = both(zero256_, zero_, 1);
    take(first);
    take(intent(3, after(first, 1), 2));
    const auto value = extended(after(first, 1), digest_of(2));
    EXPECT_EQ(concluded(zero256_, value), (Outcomes{{1, Outcome::indeterminate}, {2, Outcome::indeterminate}}));
    settle(concluded(zero256_, value));
    EXPECT_TRUE(state_.open().empty());
}

TEST_F(JournalStateBanks, ACopyIsEqualUntilItGoesItsOwnWay) {
    take(both(zero256_, zero_, 1, "a"));
    auto copy = state_;
    EXPECT_EQ(copy, state_);
    take(Settled{1, 1, Outcome::done});
    EXPECT_FALSE(copy == state_);
    EXPECT_TRUE(copy.check_and_apply(Settled{1, 1, Outcome::done}));
    EXPECT_EQ(copy, state_);
    EXPECT_NE(copy.ids().find(1000, RegisterSet(std::array<RegisterNumber, 2>{2, 3}), "a"), nullptr);
}

class JournalStateVirtual : public JournalStateBanks {
protected:
    JournalStateVirtual() { take(Register{sha256_, zero256_, zero256_, "virtual", "build", carrier_}); }
    static constexpr RegisterNumber carrier_ = 3;
    static constexpr RegisterNumber virtual_ = 4;

    // The next intent of the virtual register, from what it and its carrier hold after the open ones.
    Intent of_virtual(const mr::Digest &before256, const mr::Digest &before, std::uint8_t byte, std::optional<std::string_view> id = {}) {
        auto record = intent(carrier_, before, byte, id);
        const auto digest = digest_of(byte, sha256_);
        record.targets = {{virtual_, before256, *mr::extend(sha256_, before256.bytes(), digest.bytes()), digest}, record.targets.front()};
        return record;
    }
};

TEST_F(JournalStateVirtual, AVirtualRegisterHasACarrierInHardwareAndBeginsAsItIs) {
    const std::string none = "the virtual register other without a register in hardware that carries it";
    EXPECT_EQ(refused(Register{sha256_, zero256_, zero256_, "virtual", "other", 5}), none);
    EXPECT_EQ(refused(Register{sha256_, zero256_, zero256_, "virtual", "other", virtual_}), none);
    EXPECT_EQ(refused(Register{sha256_, zero256_, digest_of(1, sha256_), "virtual", "other", carrier_}),
              "the virtual register other that begins with another value than its own");
}

TEST_F(JournalStateVirtual, OneEventExtendsItAndItsCarrier) {
    const auto first = of_virtual(zero256_, zero_, 1, "a");
    take(first);
    take(Settled{1, 1, Outcome::done});
    EXPECT_EQ(state_.registers()[virtual_].logged, after(first, 0));
    EXPECT_EQ(state_.registers()[carrier_].logged, after(first, 1));
    EXPECT_EQ(state_.registers()[virtual_].events, 1U);
    EXPECT_EQ(state_.sequence(), 1U);
    const std::array<RegisterNumber, 2> both{virtual_, carrier_};
    EXPECT_NE(state_.ids().find(1000, RegisterSet(both), "a"), nullptr);
    EXPECT_EQ(state_.ids().find(1000, RegisterSet(carrier_), "a"), nullptr) << "another's ids are his own";
    EXPECT_EQ(state_.after(virtual_, digest_of(2, sha256_)), of_virtual(after(first, 0), after(first, 1), 2).targets.front().after);
}

TEST_F(JournalStateVirtual, TheBanksOfItsCarrierTakeItTogether) {
    auto record = of_virtual(zero256_, zero_, 1);
    const auto banks = both(zero256_, zero_, 1);
    record.targets = {record.targets.front(), banks.targets.all()[0], banks.targets.all()[1]};
    take(record);
    take(Settled{1, 1, Outcome::done});
    for (std::size_t reg = 2; reg <= 4; ++reg) EXPECT_EQ(state_.registers()[reg].events, 1U);
}

TEST_F(JournalStateVirtual, WhatIsNoEventOfItIsRefused) {
    const auto good = of_virtual(zero256_, zero_, 1);
    auto record = good;
    record.targets = {good.targets.front()};
    EXPECT_EQ(refused(record), "intent 1 extends a virtual register without its carrier");
    const auto banks = both(zero256_, zero_, 1);
    record.targets = {good.targets.front(), banks.targets.front()};
    EXPECT_EQ(refused(record), "intent 1 extends a virtual register without its carrier") << "only its other bank";
    const std::string neither = "intent 1 extends registers that are neither banks of one nor a virtual register and its carrier";
    record.targets = {good.targets.all()[1], good.targets.front()};
    EXPECT_EQ(refused(record), neither) << "the carrier first";
    record.targets = {good.targets.front(), good.targets.all()[1], intent(0, zero_, 1).targets.front()};
    EXPECT_EQ(refused(record), neither) << "and another register";
    take(Register{sha256_, zero256_, zero256_, "virtual", "other", carrier_});
    auto other = good.targets.front();
    other.reg = 5;
    record.targets = {good.targets.front(), other, good.targets.all()[1]};
    EXPECT_EQ(refused(record), neither) << "two virtual registers";
    for (const auto origin : {Origin::cap, Origin::resync}) {
        record = good;
        record.origin = origin;
        EXPECT_EQ(refused(record), "intent 1 caps or resyncs a virtual register");
    }
    take(good);
}

TEST_F(JournalStateVirtual, ItsNameIsAnothersOnlyWhenItIsOverAndItsOwnersAlone) {
    const std::string second = "the register virtual/build of sha256 for the second time";
    const Register again{sha256_, zero256_, zero256_, "virtual", "build", carrier_};
    auto of_other = again;
    of_other.owner = 1000;
    EXPECT_TRUE(state_.is_over(virtual_)) << "it was never made";
    const auto first = of_virtual(zero256_, zero_, 1);
    take(first);
    EXPECT_EQ(refused(again), second) << "it may yet be made";
    take(Settled{1, 1, Outcome::done});
    EXPECT_EQ(refused(again), second);
    auto last = of_virtual(after(first, 0), after(first, 1), 2);
    last.number = 2;
    last.origin = Origin::close;
    EXPECT_EQ(refused(last), "intent 2 is no event of virtual/build by what it says");
    const mr::Envelope closes{.header = {.type = "close", .id = state_.registers()[virtual_].id}};
    const auto data = mr::encode_envelope(closes);
    last.data = data;
    last.targets = {{virtual_, after(first, 0), {}, *mr::envelope_digest(closes, sha256_)},
                    {carrier_, after(first, 1), {}, *mr::envelope_digest(closes, algorithm)}};
    for (auto &target : last.targets)
        target.after = *mr::extend(state_.registers()[target.reg].algorithm, target.before.bytes(), target.digest.bytes());
    take(last);
    take(Settled{2, 2, Outcome::done});
    EXPECT_EQ(state_.registers()[virtual_].closed_by, 2U);
    auto more = of_virtual(after(last, 0), after(last, 1), 3);
    more.number = 3;
    EXPECT_EQ(refused(more), "intent 3 extends a virtual register that is closed");
    EXPECT_EQ(refused(of_other), "the virtual register build of another owner than the one before it");
    take(again);
    EXPECT_EQ(state_.find_virtual("build"), 5);
    EXPECT_EQ(state_.all_virtual_registers(), 2U);
    EXPECT_EQ(state_.registers()[carrier_].carries, 1U) << "the other is not made yet";
}

TEST_F(JournalStateVirtual, AVirtualRegisterHasACarrierAndNoOtherHas) {
    const std::string wrong = ": a virtual one has a carrier, and no other has";
    EXPECT_EQ(refused(Register{sha256_, zero256_, zero256_, "virtual", "other"}), "the register virtual/other" + wrong);
    EXPECT_EQ(refused(Register{sha256_, zero256_, zero256_, "sim", "r9", carrier_}), "the register sim/r9" + wrong);
    auto record = intent(carrier_, zero_, 1);
    record.origin = Origin::close;
    EXPECT_EQ(refused(record), "intent 1 closes what is no virtual register");
}

TEST_F(JournalStateVirtual, AfterAKillItsCarrierSaysWhatBecameOfIt) {
    const auto record = of_virtual(zero256_, zero_, 1);
    take(record);
    State::Held held(5);
    EXPECT_EQ(state_.conclude(held), Outcomes()) << "nobody can tell yet";
    held[carrier_] = zero_;
    EXPECT_EQ(state_.conclude(held), (Outcomes{{1, Outcome::undone}}));
    EXPECT_EQ(state_.logged_after(held)[virtual_], zero256_);
    held[carrier_] = after(record, 1);
    EXPECT_EQ(state_.conclude(held), (Outcomes{{1, Outcome::done}}));
    EXPECT_EQ(state_.logged_after(held)[virtual_], after(record, 0));
    held[carrier_] = digest_of(9);
    EXPECT_EQ(state_.conclude(held), (Outcomes{{1, Outcome::indeterminate}}));
}

TEST_F(JournalState, AStartThatNothingExplainsIsShown) {
    take(Register{algorithm, zero_, digest_of(9), "sim", "r2"});
    EXPECT_FALSE(state_.registers()[0].start_is_unexplained());
    EXPECT_TRUE(state_.registers()[2].start_is_unexplained());
    EXPECT_EQ(state_.registers()[2].logged, zero_);
}

}  // namespace
}  // namespace mrd::journal
