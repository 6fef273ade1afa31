// One extend, stepped: every error at every step, from every state that a register can be in; and each of its rules by name.
#include "mrd/registers/extension.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <ranges>
#include <string>
#include <vector>

#include "tests/mrd/every_path.h"
#include "tests/registers/intent.h"

namespace mrd {
namespace {

using journal::Outcome;
using mr::Owner;
using Action = Extension::Action;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto algorithm = mr::HashAlgorithm::sha384;
constexpr std::size_t banks = 2;  // of the one register: SHA-384 and SHA-256, each in a refresh set of its own
constexpr std::string_view provider_name = "tdx";

mr::HashAlgorithm algorithm_of(RegisterIndex bank) { return bank == 0 ? algorithm : mr::HashAlgorithm::sha256; }
mr::Digest bank_digest(std::uint8_t byte, RegisterIndex bank = 0) {
    return mr::Digest(mr::Bytes(mr::digest_size(algorithm_of(bank)), byte));
}
mr::Digest extended_in_bank(const mr::Digest &old, const mr::Digest &by) {
    return mr::extend(old.size() == 48 ? algorithm : mr::HashAlgorithm::sha256, old.bytes(), by.bytes()).value();
}
mr::Bytes bytes_of(const mr::Digest &digest) { return {digest.bytes().begin(), digest.bytes().end()}; }

template <class Error>
const Error *error_of(const Extension::Answer &answer) {
    return answer ? nullptr : std::get_if<Error>(&answer.error());
}

// What the machine stands in, in memory: hardware, table, journal. `next` is what the test lets happen next; where it says nothing all goes well.
class World {
public:
    enum class Reread : std::uint8_t { ok, fails };
    enum class Log : std::uint8_t { ok, full, fails };
    enum class Extend : std::uint8_t { ok, fails_before, fails_after };

    explicit World(Owner owner = Owner::owned) {
        std::vector<RegisterSpec> specs;
        for (RegisterIndex index = 0; index < banks; ++index) {
            specs.push_back({.name = "r",
                             .hash = algorithm_of(index),
                             .size = mr::digest_size(algorithm_of(index)),
                             .flags = mr::Flags::from_string("XWRL").value(),
                             .owner = owner,
                             .refresh_set = index});
        }
        table_.emplace(RegisterTable::build(provider_name, specs, {.refresh = true, .extend = true}, 1).value());
        write(journal::Boot{1, "a boot"});
        for (RegisterIndex index = 0; index < banks; ++index) {
            hardware_.push_back(bytes_of(bank_digest(0, index)));
            taken_.emplace_back();
            write(journal::Register{algorithm_of(index), bank_digest(0, index), bank_digest(0, index), provider_name,
                                    table_->spec(index).name});
            table_->set_number(index, static_cast<journal::RegisterNumber>(index));
            refresh(index);
            table_->set_logged(index, bank_digest(0, index));
        }
        write(journal::Register{algorithm_of(1), bank_digest(0, 1), bank_digest(0, 1), "virtual", "v", 0});
    }

    // ---- What the machine's surroundings do

    Extension::Known known() { return {*table_, journal_, "fake"}; }

    Action reread(Extension &extension, Reread how = Reread::ok) {
        const auto set = extension.refresh_set();
        const auto id = table_->begin_refresh(set);
        if (how == Reread::fails) {
            table_->refresh_ends(id, nullptr);
            return extension.reread_ended(known(), std::unexpected(ProviderError{"it cannot be read"}), {});
        }
        return extension.reread_ended(known(), {}, end_refresh(id));
    }

    Action log(Extension &extension, Log how = Log::ok) {
        if (how == Log::full) return extension.intent_ended(known(), std::unexpected(journal::Full{1}));
        if (how == Log::fails) return extension.intent_ended(known(), std::unexpected(journal::Failed{"the disk"}));
        const auto number = journal_.next_intent();
        if (extension.resyncs()) found_.push_back(extension.event().targets.front().before);
        write(intent_of(*table_, extension, number));
        return extension.intent_ended(known(), number);
    }

    Action extend(Extension &extension, const std::vector<Extend> &how = {}) {
        std::expected<void, ProviderError> result;
        const auto targets = extension.event().targets;
        for (std::size_t i = 0; i < targets.size() && result; ++i) {
            const auto one = i < how.size() ? how[i] : Extend::ok;
            if (one != Extend::fails_before) take(targets[i].index, targets[i].digest);
            if (one != Extend::ok) result = std::unexpected(ProviderError{"it failed"});
        }
        return extension.extend_ended(known(), result);
    }

    Action settle(Extension &extension) {
        const auto sequence = settle(extension.intent(), Outcome::done);
        return extension.settle_ended(known(), sequence);
    }

    // Goes on, all being well, until this is to be done, or it is over.
    Action go_to(Extension &extension, Action action, Action until) {
        while (action != until && action != Action::answer) {
            switch (action) {
            case Action::reread: action = reread(extension); break;
            case Action::log: action = log(extension); break;
            case Action::extend: action = extend(extension); break;
            case Action::settle: action = settle(extension); break;
            case Action::answer: break;
            }
        }
        return action;
    }
    Extension::Answer run(Extension extension) {
        go_to(extension, extension.begin(known()), Action::answer);
        return extension.answer();
    }

    // ---- What others do

    void take(RegisterIndex index, const mr::Digest &by) {
        hardware_[index] = bytes_of(extended_in_bank(mr::Digest(hardware_[index]), by));
        taken_[index].push_back(by);
    }
    void refresh(RefreshSet set) { end_refresh(table_->begin_refresh(set)); }

    // ---- What is known

    RegisterTable &table() { return *table_; }
    const journal::State &journal() const { return journal_; }
    mr::Digest hardware(RegisterIndex index) const { return mr::Digest(hardware_[index]); }
    // How often the hardware took it.
    std::size_t times_taken(RegisterIndex index, const mr::Digest &by) const {
        return static_cast<std::size_t>(std::ranges::count(taken_[index], by));
    }
    // The digests of the events in the log, and what resyncs say they found.
    const std::vector<mr::Digest> &logged() const { return logged_; }
    const std::vector<mr::Digest> &found() const { return found_; }

private:
    void write(const journal::Record &record) {
        const auto checked = journal_.check_and_apply(record);
        EXPECT_TRUE(checked) << checked.error();
    }
    std::uint64_t settle(std::uint64_t intent, Outcome outcome) {
        const auto open = std::ranges::find(journal_.open(), intent, &journal::OpenIntent::number);
        EXPECT_NE(open, journal_.open().end());
        if (outcome == Outcome::done) logged_.push_back(open->targets.all().back().digest);
        const auto sequence = outcome == Outcome::done ? journal_.sequence() + 1 : 0;
        write(journal::Settled{intent, sequence, outcome});
        return sequence;
    }
    std::vector<Extension::Settled> end_refresh(RefreshId id) {
        const auto refreshed = table_->refresh_ends(id, &hardware_);
        std::vector<Extension::Settled> settled;
        for (const auto &[intent, outcome] : refreshed.settled) settled.push_back({intent, outcome, settle(intent, outcome)});
        return settled;
    }

    std::optional<RegisterTable> table_;
    journal::State journal_;
    std::vector<mr::Bytes> hardware_;
    std::vector<std::vector<mr::Digest>> taken_;
    std::vector<mr::Digest> logged_;
    std::vector<mr::Digest> found_;
};

Extension extension_by(std::uint8_t byte, EventDetails details = {}) {
    return Extension(Extension::Targets{{.index = 0, .digest = bank_digest(byte)}}, std::move(details));
}
// Of the virtual register, whose digest has the second bank's length.
constexpr journal::RegisterNumber virtual_register = banks;
Extension extension_of_virtual_by(std::uint8_t byte, EventDetails details = {}) {
    return Extension({{.index = 0, .digest = bank_digest(byte)}}, std::move(details),
                     journal::Target{.reg = virtual_register, .digest = bank_digest(byte, 1)});
}
Extension extension_of_both_by(std::uint8_t byte) {
    return Extension({{.index = 0, .digest = bank_digest(byte)}, {.index = 1, .digest = bank_digest(byte, 1)}}, {});
}

// ---- Every error at every step

// How the register is found when the extend's turn comes.
enum class Before : std::uint8_t {
    in_order,
    shared,
    shared_and_moved,
    moved_unseen,
    diverged,
    diverged_and_moved_again,
    failed_and_undone,  // an extend before, and the register could not be reread
    failed_and_done,
    failed_and_neither,
};
constexpr std::array all_before{Before::in_order,          Before::shared,          Before::shared_and_moved,
                                Before::moved_unseen,      Before::diverged,        Before::diverged_and_moved_again,
                                Before::failed_and_undone, Before::failed_and_done, Before::failed_and_neither};

World world_with(Before before) {
    World world(before == Before::shared || before == Before::shared_and_moved ? Owner::shared : Owner::owned);
    const auto fail = [&](World::Extend how) {
        auto earlier = extension_by(5);
        world.go_to(earlier, earlier.begin(world.known()), Action::extend);
        world.extend(earlier, {how});
        world.reread(earlier, World::Reread::fails);
    };
    switch (before) {
    case Before::in_order:
    case Before::shared: break;
    case Before::shared_and_moved:
    case Before::moved_unseen: world.take(0, bank_digest(66)); break;
    case Before::diverged:
    case Before::diverged_and_moved_again:
        world.take(0, bank_digest(66));
        world.refresh(0);
        if (before == Before::diverged_and_moved_again) world.take(0, bank_digest(67));
        break;
    case Before::failed_and_undone: fail(World::Extend::fails_before); break;
    case Before::failed_and_done: fail(World::Extend::fails_after); break;
    case Before::failed_and_neither:
        fail(World::Extend::fails_before);
        world.take(0, bank_digest(66));
        break;
    }
    return world;
}

class EveryErrorAtEveryStep : public ::testing::TestWithParam<Before> {};
INSTANTIATE_TEST_SUITE_P(All, EveryErrorAtEveryStep, ::testing::ValuesIn(all_before));

TEST_P(EveryErrorAtEveryStep, IsAnsweredByWhatHappened) {
    const auto paths = for_every_path([](Choices &choices) {
        auto world = world_with(GetParam());
        SCOPED_TRACE("the path " + choices.text());
        auto extension = extension_by(1);
        const auto events_before = world.logged().size();
        bool may_others = true;  // extend it, once on the path
        bool moved_unseen = GetParam() == Before::moved_unseen;
        bool reread_failed = false;
        bool resync_is_right = true;
        int steps = 0;
        auto action = extension.begin(world.known());
        for (; action != Action::answer; ++steps) {
            ASSERT_LT(steps, 40);
            if (may_others && choices.yes()) {
                may_others = false;
                moved_unseen = true;
                world.take(0, bank_digest(99));
            }
            switch (action) {
            case Action::reread: {
                const bool fails = choices.yes();
                reread_failed = reread_failed || fails;
                moved_unseen = moved_unseen && fails;
                action = world.reread(extension, fails ? World::Reread::fails : World::Reread::ok);
                break;
            }
            case Action::log: {
                const auto how = static_cast<World::Log>(choices.choose(3));
                if (how == World::Log::ok && extension.resyncs() && !moved_unseen)
                    resync_is_right = resync_is_right && extension.event().targets.front().before == world.hardware(0);
                action = world.log(extension, how);
                break;
            }
            case Action::extend: {
                ASSERT_FALSE(world.journal().open().empty()) << "the intent is written first";
                action = world.extend(extension, {static_cast<World::Extend>(choices.choose(3))});
                break;
            }
            case Action::settle: action = world.settle(extension); break;
            case Action::answer: break;
            }
        }
        SCOPED_TRACE("the whole path " + choices.text());
        const auto &answer = extension.answer();
        const auto taken = world.times_taken(0, bank_digest(1));
        const auto in_log = std::ranges::count(world.logged(), bank_digest(1));
        EXPECT_TRUE(resync_is_right) << "a resync names what the register holds right before it";
        EXPECT_LE(taken, 1);
        EXPECT_LE(static_cast<std::size_t>(in_log), taken) << "nothing is logged that did not happen";
        if (answer) {
            EXPECT_EQ(taken, 1);
            EXPECT_EQ(in_log, 1);
            EXPECT_EQ(answer->sequence, static_cast<std::int64_t>(world.journal().sequence()));
            EXPECT_EQ(answer->value, world.journal().registers()[0].logged);
            EXPECT_EQ(answer->value, world.table().logged(0));
            EXPECT_TRUE(moved_unseen || answer->value == world.hardware(0));
        } else if (const auto *failed = error_of<ProviderFailed>(answer); failed != nullptr && failed->applied == Applied::unknown) {
            EXPECT_EQ(in_log, 0);
            EXPECT_EQ(world.table().indeterminate(0), !world.journal().open().empty());
        } else {
            EXPECT_EQ(taken, 0) << "who is told no may send it again";
            EXPECT_EQ(in_log, 0);
        }
        EXPECT_TRUE(reread_failed || error_of<Indeterminate>(answer) == nullptr);
        EXPECT_TRUE(world.table().indeterminate(0) || world.journal().open().empty()) << "every intent is settled";
        EXPECT_GE(world.logged().size(), events_before);

        // Whatever came of it: another extend goes through, and the log then leads to what the register holds.
        world.refresh(0);
        const auto next = world.run(extension_by(2));
        ASSERT_TRUE(next);
        EXPECT_EQ(next->value, world.hardware(0));
        EXPECT_EQ(world.journal().registers()[0].logged, world.hardware(0));
    });
    EXPECT_GE(paths, 20);
}

TEST(Extension, OfSeveralBanksIsOneEventWhateverFailsAtWhichOfThem) {
    const auto paths = for_every_path([](Choices &choices) {
        World world(choices.yes() ? Owner::shared : Owner::owned);
        auto extension = extension_of_both_by(1);
        int steps = 0;
        auto action = extension.begin(world.known());
        for (; action != Action::answer; ++steps) {
            ASSERT_LT(steps, 40);
            switch (action) {
            case Action::reread: action = world.reread(extension, choices.yes() ? World::Reread::fails : World::Reread::ok); break;
            case Action::log: action = world.log(extension, static_cast<World::Log>(choices.choose(3))); break;
            case Action::extend: {
                const auto first = static_cast<World::Extend>(choices.choose(3));
                const auto second = first == World::Extend::ok ? static_cast<World::Extend>(choices.choose(3)) : World::Extend::ok;
                action = world.extend(extension, {first, second});
                break;
            }
            case Action::settle: action = world.settle(extension); break;
            case Action::answer: break;
            }
        }
        SCOPED_TRACE("the path " + choices.text());
        const std::array taken{world.times_taken(0, bank_digest(1)), world.times_taken(1, bank_digest(1, 1))};
        const auto in_log = static_cast<std::size_t>(std::ranges::count(world.logged(), bank_digest(1, 1)));
        EXPECT_LE(in_log, std::min(taken[0], taken[1])) << "an event that only some banks took is none";
        if (extension.answer()) {
            EXPECT_THAT(taken, ElementsAre(1, 1));
            EXPECT_EQ(in_log, 1);
        } else if (const auto *failed = error_of<ProviderFailed>(extension.answer()); failed == nullptr || failed->applied == Applied::no) {
            EXPECT_THAT(taken, ElementsAre(0, 0));
        }
        // Another one goes through, and every bank then holds what the log leads to.
        for (RegisterIndex bank = 0; bank < banks; ++bank) world.refresh(bank);
        EXPECT_THAT(world.journal().open(), IsEmpty());
        ASSERT_TRUE(world.run(extension_of_both_by(2)));
        for (RegisterIndex bank = 0; bank < banks; ++bank) EXPECT_EQ(world.journal().registers()[bank].logged, world.hardware(bank));
    });
    EXPECT_GE(paths, 30);
}

TEST(Extension, OfAVirtualRegisterIsOneEventOfItAndOfItsCarrierWhateverFails) {
    const auto paths = for_every_path([](Choices &choices) {
        auto world = world_with(all_before.at(choices.choose(all_before.size())));
        auto extension = extension_of_virtual_by(1, {.id = "once"});
        const auto before = world.journal().registers()[virtual_register];
        int steps = 0;
        auto action = extension.begin(world.known());
        for (; action != Action::answer; ++steps) {
            ASSERT_LT(steps, 40);
            switch (action) {
            case Action::reread: action = world.reread(extension, choices.yes() ? World::Reread::fails : World::Reread::ok); break;
            case Action::log: action = world.log(extension, choices.yes() ? World::Log::fails : World::Log::ok); break;
            case Action::extend: action = world.extend(extension, {static_cast<World::Extend>(choices.choose(3))}); break;
            case Action::settle: action = world.settle(extension); break;
            case Action::answer: break;
            }
        }
        SCOPED_TRACE("the path " + choices.text());
        const auto &reg = world.journal().registers()[virtual_register];
        const auto after = extended_in_bank(before.logged, bank_digest(1, 1));
        const auto in_log = std::ranges::count(world.logged(), bank_digest(1));
        EXPECT_EQ(reg.logged, in_log == 1 ? after : before.logged) << "it has taken what its carrier has taken, and the log has";
        EXPECT_EQ(reg.events, in_log);
        EXPECT_LE(static_cast<std::size_t>(in_log), world.times_taken(0, bank_digest(1)));
        if (extension.answer()) {
            EXPECT_EQ(in_log, 1);
            EXPECT_EQ(extension.answer()->value, after);
        }

        // Another one goes through, and the first, sent again, is one event.
        world.refresh(0);
        ASSERT_TRUE(world.run(extension_of_virtual_by(2)));
        const auto again = world.run(extension_of_virtual_by(1, {.id = "once"}));
        ASSERT_TRUE(again);
        EXPECT_EQ(std::ranges::count(world.logged(), bank_digest(1)), 1);
        EXPECT_EQ(world.journal().registers()[0].logged, world.hardware(0));
        EXPECT_TRUE(!extension.answer() || *again == *extension.answer());
    });
    EXPECT_GE(paths, 60);
}

// ---- The rules, by name

TEST(Extension, OfAnOwnedRegisterIsLoggedExtendedSettledAndAnsweredWithoutAReread) {
    World world;
    auto extension = extension_by(1);
    ASSERT_EQ(extension.begin(world.known()), Action::log);
    EXPECT_FALSE(world.table().in_sync(0)) << "marked before anything is written";
    ASSERT_EQ(world.log(extension), Action::extend);
    ASSERT_EQ(world.extend(extension), Action::settle);
    ASSERT_EQ(world.settle(extension), Action::answer);
    EXPECT_EQ(extension.answer().value(), (Extension::Extended{1, bank_digest(1), extended_in_bank(bank_digest(0), bank_digest(1))}));
}

TEST(Extension, WhetherToRereadIsDecidedAtItsTurn) {
    World world;
    auto asked_for_before = extension_by(1);
    world.take(0, bank_digest(66));
    world.refresh(0);  // meanwhile somebody reads
    EXPECT_EQ(asked_for_before.begin(world.known()), Action::reread);
}

TEST(Extension, WhatCannotBeRereadIsNeitherExtendedNorCapped) {
    for (const auto origin : {journal::Origin::service, journal::Origin::cap}) {
        World world(Owner::shared);
        auto extension = extension_by(1, {.origin = origin});
        ASSERT_EQ(extension.begin(world.known()), Action::reread);
        ASSERT_EQ(world.reread(extension, World::Reread::fails), Action::answer);
        const auto *failed = error_of<ProviderFailed>(extension.answer());
        ASSERT_NE(failed, nullptr);
        EXPECT_EQ(failed->provider, provider_name);
        EXPECT_EQ(failed->reason, "the register could not be reread before the extend: it cannot be read");
        EXPECT_EQ(failed->applied, Applied::no);
    }
}

TEST(Extension, AResyncNamesWhatTheRegisterHoldsRightBeforeIt) {
    World world;
    world.take(0, bank_digest(66));
    world.refresh(0);
    world.take(0, bank_digest(67));  // unseen
    auto extension = extension_by(1);
    ASSERT_EQ(world.go_to(extension, extension.begin(world.known()), Action::log), Action::log);
    ASSERT_TRUE(extension.resyncs());
    EXPECT_EQ(extension.event().details.origin, journal::Origin::resync);
    const auto envelope = mr::decode_envelope(*extension.event().details.data);
    EXPECT_EQ(envelope->header.register_name, "fake/r");
    EXPECT_EQ(envelope->body.expected, bytes_of(bank_digest(0)));
    EXPECT_EQ(envelope->body.found, bytes_of(world.hardware(0)));
    world.go_to(extension, Action::log, Action::answer);
    EXPECT_EQ(extension.answer()->sequence, 2);
    EXPECT_EQ(extension.answer()->value, world.hardware(0));
}

TEST(Extension, AResyncThatFailsLetsNothingFollow) {
    World world;
    world.take(0, bank_digest(66));
    world.refresh(0);
    auto extension = extension_by(1);
    ASSERT_EQ(world.go_to(extension, extension.begin(world.known()), Action::extend), Action::extend);
    ASSERT_TRUE(extension.resyncs());
    ASSERT_EQ(world.extend(extension, {World::Extend::fails_before}), Action::reread);
    ASSERT_EQ(world.reread(extension), Action::answer);
    EXPECT_EQ(error_of<ProviderFailed>(extension.answer())->applied, Applied::no);
    EXPECT_EQ(world.times_taken(0, bank_digest(1)), 0);
}

TEST(Extension, WhatTheRegisterItselfSaysDecidesWhatAFailureMeant) {
    for (const bool happened : {false, true}) {
        World world;
        auto extension = extension_by(1);
        world.go_to(extension, extension.begin(world.known()), Action::extend);
        ASSERT_EQ(world.extend(extension, {happened ? World::Extend::fails_after : World::Extend::fails_before}), Action::reread);
        ASSERT_EQ(world.reread(extension), Action::answer);
        EXPECT_EQ(extension.answer().has_value(), happened);
        EXPECT_TRUE(happened || error_of<ProviderFailed>(extension.answer())->applied == Applied::no);
    }
}

TEST(Extension, OfARegisterWhoseLastExtendIsUnsettledIsIndeterminateWhileItCannotBeReread) {
    auto world = world_with(Before::failed_and_done);
    auto extension = extension_by(1);
    ASSERT_EQ(extension.begin(world.known()), Action::reread);
    ASSERT_EQ(world.reread(extension, World::Reread::fails), Action::answer);
    EXPECT_EQ(error_of<Indeterminate>(extension.answer())->name, "tdx/r:sha384");
    EXPECT_EQ(world.run(extension_by(1))->sequence, 2) << "its own reread settles the first";
}

TEST(Extension, AnIdIsOneEventAlsoWhereTheFirstIsSettledByItsOwnReread) {
    World world;
    const EventDetails details{.id = "once"};
    auto first = extension_by(1, details);
    world.go_to(first, first.begin(world.known()), Action::extend);
    world.extend(first, {World::Extend::fails_after});
    world.reread(first, World::Reread::fails);
    EXPECT_EQ(error_of<ProviderFailed>(first.answer())->applied, Applied::unknown);
    auto again = extension_by(1, details);
    ASSERT_EQ(again.begin(world.known()), Action::reread);
    ASSERT_EQ(world.reread(again), Action::answer);
    EXPECT_EQ(again.answer()->sequence, 1);
    auto third = extension_by(1, details);
    EXPECT_EQ(third.begin(world.known()), Action::answer) << "the journal alone answers it";
    EXPECT_EQ(third.answer().value(), again.answer().value());
    EXPECT_EQ(world.times_taken(0, bank_digest(1)), 1);
}

TEST(Extension, AnIdWithAnotherDigestIsRefused) {
    World world;
    ASSERT_TRUE(world.run(extension_by(1, {.id = "once"})));
    const auto answer = world.run(extension_by(2, {.id = "once"}));
    ASSERT_NE(error_of<DuplicateEvent>(answer), nullptr);
    EXPECT_EQ(error_of<DuplicateEvent>(answer)->id, "once");
}

TEST(Extension, OfARegisterThatHasVanishedIsNotBegunAtWhateverStepItDid) {
    World at_its_turn;
    at_its_turn.table().vanish(0);
    EXPECT_NE(error_of<RegisterGone>(at_its_turn.run(extension_by(1))), nullptr);

    World while_reread(Owner::shared);
    auto extension = extension_by(1);
    ASSERT_EQ(extension.begin(while_reread.known()), Action::reread);
    while_reread.table().vanish(0);
    ASSERT_EQ(while_reread.reread(extension), Action::answer);
    EXPECT_NE(error_of<RegisterGone>(extension.answer()), nullptr);
    EXPECT_THAT(while_reread.logged(), IsEmpty());

    auto while_resynced = world_with(Before::diverged);
    extension = extension_by(1);
    ASSERT_EQ(while_resynced.go_to(extension, extension.begin(while_resynced.known()), Action::extend), Action::extend);
    ASSERT_TRUE(extension.resyncs());
    ASSERT_EQ(while_resynced.extend(extension), Action::settle);
    while_resynced.table().vanish(0);
    ASSERT_EQ(while_resynced.settle(extension), Action::answer);
    EXPECT_NE(error_of<RegisterGone>(extension.answer()), nullptr);
    EXPECT_EQ(while_resynced.times_taken(0, bank_digest(1)), 0U);
}

TEST(Extension, ThatFailsAsItsRegisterVanishesIsSettledWhenThatIsBack) {
    World world;
    auto extension = extension_by(1);
    ASSERT_EQ(world.go_to(extension, extension.begin(world.known()), Action::extend), Action::extend);
    ASSERT_EQ(world.extend(extension, {World::Extend::fails_after}), Action::reread);
    world.table().vanish(0);
    ASSERT_EQ(world.reread(extension), Action::answer);
    ASSERT_NE(error_of<ProviderFailed>(extension.answer()), nullptr);
    EXPECT_EQ(error_of<ProviderFailed>(extension.answer())->applied, Applied::unknown);
    EXPECT_THAT(world.logged(), IsEmpty());
    world.table().appear(0);
    world.refresh(0);
    EXPECT_THAT(world.logged(), ElementsAre(bank_digest(1)));
}

TEST(Extension, ACappedRegisterTakesNothingAndIsNeverResynced) {
    World world;
    ASSERT_TRUE(world.run(extension_by(1, {.id = "once"})));
    const auto caller = std::make_shared<const mr::EventCaller>();
    auto cap = measure_cap({.envelope_name = "fake/r", .banks = {algorithm}}, caller).value();
    ASSERT_TRUE(world.run(Extension({{.index = 0, .digest = cap.digests.front()}}, std::move(cap.details))));
    world.take(0, bank_digest(66));
    world.refresh(0);
    auto extension = extension_by(3);
    ASSERT_EQ(extension.begin(world.known()), Action::answer) << "nothing is reread for it";
    EXPECT_EQ(error_of<Capped>(extension.answer())->sequence, 2);
    EXPECT_EQ(world.run(extension_by(1, {.id = "once"}))->sequence, 1) << "what was sent before is answered all the same";
    EXPECT_THAT(world.found(), IsEmpty());
}

TEST(Extension, OfAVirtualRegisterWhoseCarrierIsCappedIsRefused) {
    World world;
    auto cap = measure_cap({.envelope_name = "fake/r", .banks = {algorithm}}, std::make_shared<const mr::EventCaller>()).value();
    ASSERT_TRUE(world.run(Extension({{.index = 0, .digest = cap.digests.front()}}, std::move(cap.details))));
    const auto answer = world.run(extension_of_virtual_by(1));
    ASSERT_NE(error_of<Capped>(answer), nullptr);
    EXPECT_EQ(error_of<Capped>(answer)->name, "tdx/r:sha384");
}

TEST(Extension, OfARegisterThatTheJournalDoesNotKnowFailsWithTheReason) {
    World world;
    world.table().set_number(0, std::nullopt);
    auto extension = extension_by(1);
    ASSERT_EQ(extension.begin(world.known(), "no room"), Action::answer);
    EXPECT_EQ(error_of<journal::Failed>(extension.answer())->reason, "no room");
}

TEST(Extension, ThatTheJournalRefusesHasChangedNothing) {
    World world;
    auto extension = extension_by(1);
    ASSERT_EQ(extension.begin(world.known()), Action::log);
    ASSERT_EQ(world.log(extension, World::Log::full), Action::answer);
    EXPECT_NE(error_of<journal::Full>(extension.answer()), nullptr);
    EXPECT_EQ(world.hardware(0), bank_digest(0));
    EXPECT_TRUE(world.run(extension_by(2)));
}

}  // namespace
}  // namespace mrd
