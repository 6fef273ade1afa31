#include "mrd/daemon/provider_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
                    return ReadProvider::read(std::make_unique<FakeProvider>(hardware, name, registers, false), registers, 1);
                }};
    }
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

    const std::vector<RegisterSpec> registers{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL")};
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
    EXPECT_TRUE(daemon_.one_is_missing());
    EXPECT_FALSE(daemon_.registers().find("late/rtmr3"));
    ASSERT_TRUE(daemon_.registers().find("tdx/rtmr3"));

    run_until_late(1);
    EXPECT_THAT(phases(), ElementsAre(Phase::running, Phase::running));
    EXPECT_EQ(daemon_.provider_states().back().reason, std::nullopt);
    EXPECT_FALSE(daemon_.one_is_missing());
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
