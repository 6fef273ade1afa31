#include "mrd/daemon/provider_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>

#include "mrd/daemon/daemon.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using Phase = ProviderState::Phase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A provider that fails so many times before it comes.
class ProviderListTest : public ::testing::Test {
protected:
    ConfiguredProvider fake(std::string name, int failures, bool required) {
        hardware_.push_back(std::make_unique<FakeHardware>());
        return {.name = name,
                .type = "fake",
                .required = required,
                .simulated = true,
                .open = [this, name, failures, &hardware = *hardware_.back()]() mutable -> std::expected<ReadProvider, std::string> {
                    if (failures-- > 0) return std::unexpected("it is not there yet");
                    const auto &list = hardware.registers().empty() ? registers : reopened_with_;
                    return ReadProvider::read(std::make_unique<FakeProvider>(hardware, name, list, own_thread_), list, 1);
                }};
    }
    void start_with_one() {
        ASSERT_TRUE(daemon_.open(fake("tdx", 0, true)));
        ASSERT_TRUE(daemon_.start_journal());
        daemon_.registers().on_appearance([this](Registers::Place place) { told_.push_back(place.name() + " there"); });
        daemon_.registers().on_vanishing([this](Registers::Place place) { told_.push_back(place.name() + " gone"); });
        daemon_.registers().on_divergence([this](Registers::Place place) { told_.push_back(place.name() + " diverged"); });
    }
    ProviderRegisters &tdx() { return *daemon_.registers().providers().front(); }
    template <class Done>
    void extend(std::uint8_t byte, Done done) {
        tdx().extend(rtmr3, mr::Digest(mr::Bytes(48, byte)), {}, std::move(done));
    }
    // Runs the loop until it is so.
    void run_until(const std::function<bool()> &done) {
        const auto guard = boost::asio::make_work_guard(loop_);
        loop_.restart();
        while (!done()) loop_.run_one();
    }
    bool runs() const { return phases().back() == Phase::running; }
    std::vector<Phase> phases() const {
        std::vector<Phase> phases;
        for (const auto &state : daemon_.provider_states()) phases.push_back(state.phase);
        return phases;
    }
    // Runs the loop until the last of so many late providers has come.
    void run_until_late(std::size_t count) {
        std::size_t late = 0;
        daemon_.on_late([&late](ProviderSlot &) { ++late; });
        while (late < count) ASSERT_GT(loop_.run_one(), 0U) << "nothing is left to wait for";
    }

    static constexpr RegisterIndex rtmr3 = 1;
    const std::vector<RegisterSpec> registers{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL")};
    std::vector<RegisterSpec> reopened_with_ = registers;
    bool own_thread_ = false;
    std::vector<std::string> told_;
    std::vector<std::unique_ptr<FakeHardware>> hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
};

TEST_F(ProviderListTest, OneThatIsRequiredAndCannotBeOpenedIsAnError) {
    const auto opened = daemon_.open(fake("tdx", 1, true));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), "it is not there yet");
    EXPECT_THAT(daemon_.provider_states(), IsEmpty());
}

TEST_F(ProviderListTest, OneThatIsNotRequiredIsTriedAgainAndTheOthersGoOnMeanwhile) {
    ASSERT_TRUE(daemon_.open(fake("tdx", 0, true)));
    ASSERT_TRUE(daemon_.open(fake("late", 2, false)));
    ASSERT_TRUE(daemon_.start_journal());
    EXPECT_THAT(phases(), ElementsAre(Phase::running, Phase::failed));
    EXPECT_EQ(daemon_.provider_states().back().reason, "it is not there yet");
    EXPECT_FALSE(daemon_.find_provider("late"));
    EXPECT_FALSE(daemon_.registers().find("late/rtmr3"));
    ASSERT_TRUE(daemon_.registers().find("tdx/rtmr3"));

    run_until_late(1);
    EXPECT_THAT(phases(), ElementsAre(Phase::running, Phase::running));
    EXPECT_EQ(daemon_.provider_states().back().reason, std::nullopt);
    EXPECT_TRUE(daemon_.find_provider("late"));
}

TEST_F(ProviderListTest, OneThatComesLateJoinsTheJournalAndIsExtended) {
    ASSERT_TRUE(daemon_.open(fake("late", 1, false)));
    ASSERT_TRUE(daemon_.start_journal());
    EXPECT_TRUE(journal_->state().registers().empty());
    run_until_late(1);
    const auto place = daemon_.registers().find("late/rtmr3");
    ASSERT_TRUE(place);
    std::int64_t sequence = 0;
    place->provider->extend(place->index, mr::Digest(mr::Bytes(48, 1)), {},
                            [&sequence](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) {
                                ASSERT_TRUE(extended);
                                sequence = extended->sequence;
                            });
    EXPECT_EQ(sequence, 1);
    EXPECT_EQ(place->provider->journal_state(place->index)->events, 1U);
}

TEST_F(ProviderListTest, TheOrderIsThatOfTheConfigurationWhoeverComesFirst) {
    ASSERT_TRUE(daemon_.open(fake("late", 1, false)));
    ASSERT_TRUE(daemon_.open(fake("tdx", 0, true)));
    ASSERT_TRUE(daemon_.start_journal());
    run_until_late(1);
    EXPECT_THAT(daemon_.provider_names(), ElementsAre("late", "tdx"));
}

TEST_F(ProviderListTest, ItsEndWaitsForNoProviderThatIsStillMissing) {
    ASSERT_TRUE(daemon_.open(fake("never", 1'000'000, false)));
    ASSERT_TRUE(daemon_.start_journal());
    while (daemon_.provider_states().back().phase != Phase::starting) loop_.run_one();
}

// ---- A provider that fails while it runs

TEST_F(ProviderListTest, OneThatFailsWhileItRunsIsShownOpenedAgainAndRejoinsTheJournal) {
    start_with_one();
    extend(1, [](const auto &) {});
    hardware_.front()->fail("the device has gone away");
    run_until([&] { return !runs(); });
    EXPECT_THAT(phases(), ElementsAre(Phase::failed));
    EXPECT_EQ(daemon_.provider_states().front().reason, "the device has gone away");
    EXPECT_THAT(told_, ElementsAre("tdx/rtmr2 gone", "tdx/rtmr3 gone"));
    EXPECT_EQ(daemon_.find_provider("tdx"), nullptr);
    EXPECT_TRUE(std::holds_alternative<RegisterGone>(daemon_.registers().find("tdx/rtmr3").error()));

    told_.clear();
    const auto counted = tdx().table().counters();
    run_until([&] { return runs(); });
    EXPECT_EQ(daemon_.provider_states().front().reason, std::nullopt);
    EXPECT_THAT(told_, ElementsAre("tdx/rtmr2 there", "tdx/rtmr3 there"));
    EXPECT_EQ(tdx().table().counters().writes, counted.writes) << "they go on";
    std::optional<std::int64_t> sequence;
    extend(2, [&](const auto &extended) { sequence = extended->sequence; });
    EXPECT_EQ(sequence, 2);
    EXPECT_EQ(journal_->state().registers().size(), 2U);
}

TEST_F(ProviderListTest, WhatAnEarlierOpeningTellsLateIsPassedOver) {
    start_with_one();
    const auto of_the_first = hardware_.front()->news();
    hardware_.front()->fail("it failed");
    hardware_.front()->fail("it failed, and says so twice");
    run_until([&] { return !runs(); });
    run_until([&] { return runs(); });
    told_.clear();
    of_the_first.failed("it failed, and says so when it is back");
    of_the_first.registers({registers, {false, false}});
    bool passed = false;
    daemon_.registers().later([&] { passed = true; });
    run_until([&] { return passed; });
    EXPECT_TRUE(runs());
    EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ProviderListTest, WhatWasDoneToItsRegistersWhileItWasClosedIsADivergence) {
    start_with_one();
    extend(1, [](const auto &) {});
    hardware_.front()->fail("it failed");
    hardware_.front()->set(rtmr3, 0);
    run_until([&] { return !runs(); });
    told_.clear();
    run_until([&] { return runs(); });
    EXPECT_THAT(told_, ElementsAre("tdx/rtmr3 diverged", "tdx/rtmr2 there", "tdx/rtmr3 there"));
}

TEST_F(ProviderListTest, WhoWaitsForOneThatFailsIsAnsweredAndWhatWasUnderWayIsSettledWhenItIsBack) {
    own_thread_ = true;
    start_with_one();
    auto &hardware = *hardware_.front();
    using Extended = std::expected<ProviderRegisters::Extended, RegisterError>;
    std::optional<Extended> runs_now;
    std::optional<Extended> waits;
    hardware.hold("extend");
    hardware.fail_next("extend", FakeHardware::Failure::after);
    hardware.fail_next("refresh", FakeHardware::Failure::before);
    extend(1, [&](Extended extended) { runs_now = std::move(extended); });
    hardware.wait_until_held();
    extend(2, [&](Extended extended) { waits = std::move(extended); });
    hardware.fail("it failed");
    run_until([&] { return !runs(); });
    EXPECT_FALSE(waits) << "the call of it that runs has not ended";
    hardware.let_go();
    run_until([&] { return waits.has_value(); });
    EXPECT_EQ(std::get<ProviderFailed>(runs_now->error()).applied, Applied::unknown);
    EXPECT_TRUE(std::holds_alternative<RegisterGone>(waits->error()));
    EXPECT_EQ(journal_->state().open().size(), 1U);

    run_until([&] { return runs(); });
    EXPECT_TRUE(journal_->state().open().empty());
    EXPECT_EQ(journal_->state().sequence(), 1U) << "it had taken effect";
    EXPECT_FALSE(tdx().table().indeterminate(rtmr3));
}

TEST_F(ProviderListTest, ARegisterThatWasThereBeforeItFailedKeepsItsPlaceThoughItDoesNotComeBack) {
    reopened_with_ = {registers.front()};
    start_with_one();
    hardware_.front()->fail("it failed");
    run_until([&] { return !runs(); });
    run_until([&] { return runs(); });
    EXPECT_TRUE(daemon_.registers().find("tdx/rtmr2"));
    EXPECT_TRUE(std::holds_alternative<RegisterGone>(daemon_.registers().find("tdx/rtmr3").error()));
}

TEST_F(ProviderListTest, OneThatComesBackWithOtherRegistersInTheirPlacesStaysFailed) {
    reopened_with_ = {registers.back(), registers.front()};
    start_with_one();
    hardware_.front()->fail("it failed");
    run_until([&] { return !runs(); });
    run_until([&] { return daemon_.provider_states().front().reason != "it failed"; });
    EXPECT_EQ(daemon_.provider_states().front().reason, "its register \"tdx/rtmr2\" is not where it was: start mrd again");
    EXPECT_FALSE(runs());
}

TEST_F(ProviderListTest, OneThatGivesARegistersPlaceToAnotherHasFailed) {
    start_with_one();
    hardware_.front()->tell_registers({{registers.back(), registers.front()}, {true, true}});
    run_until([&] { return !runs(); });
    EXPECT_EQ(daemon_.provider_states().front().reason, "the provider has given the place of its register \"tdx/rtmr2\" to another");
}

TEST_F(ProviderListTest, TheRulesOfTheConfigurationHoldForWhatComesLater) {
    auto configured = fake("tdx", 0, true);
    configured.rule = [](std::vector<RegisterSpec> specs) {
        for (auto &spec : specs) {
            if (spec.name == "new") spec.owner = mr::Owner::observed;
        }
        return specs;
    };
    ASSERT_TRUE(daemon_.open(std::move(configured)));
    ASSERT_TRUE(daemon_.start_journal());
    hardware_.front()->add(fake_register("new", "XWRL"));
    run_until([&] { return daemon_.registers().find("tdx/new").has_value(); });
    EXPECT_TRUE(std::holds_alternative<NotExtensible>(tdx().table().may_measure(2).error()));
}

// ----

TEST_F(ProviderListTest, TwoSubscribersAreBothToldOfAChange) {
    ASSERT_TRUE(daemon_.open(fake("tdx", 0, true)));
    ASSERT_TRUE(daemon_.start_journal());
    std::vector<std::string> told;
    daemon_.registers().on_change([&told](Registers::Place place) { told.push_back("first " + place.name()); });
    daemon_.registers().on_change([&told](Registers::Place place) { told.push_back("second " + place.name()); });
    journal_->on_event([&told] { told.emplace_back("first event"); });
    journal_->on_event([&told] { told.emplace_back("second event"); });
    daemon_.find_provider("tdx")->registers()->extend(1, mr::Digest(mr::Bytes(48, 1)), {}, [](const auto &) {});
    EXPECT_THAT(told, ElementsAre("first event", "second event", "first tdx/rtmr3", "second tdx/rtmr3"));
}

}  // namespace
}  // namespace mrd
