// Registers that come and go while mrd runs: who is answered what, what the journal goes on with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mrd/daemon/daemon.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"
#include "tests/registers/digests.h"

namespace mrd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class Answer>
bool is_gone(const Answer &answer) {
    return !answer && std::holds_alternative<RegisterGone>(answer.error());
}

class RegisterPresence : public ::testing::Test {
protected:
    enum : RegisterIndex { block0, block1, reportdata };
    using Extended = std::expected<ProviderRegisters::Extended, RegisterError>;

    void open(bool own_thread = false) {
        const std::vector<RegisterSpec> specs{fake_register("block0", "XWRL"), fake_register("block1", "XWRL"),
                                              fake_register("reportdata", "WRF", 64)};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "spdm0", specs, own_thread), specs));
        ASSERT_TRUE(daemon_.start_journal());
        daemon_.registers().on_appearance([this](Registers::Place place) { told_.push_back(place.name() + " there"); });
        daemon_.registers().on_vanishing([this](Registers::Place place) { told_.push_back(place.name() + " gone"); });
        daemon_.registers().on_divergence([this](Registers::Place place) { told_.push_back(place.name() + " diverged"); });
    }
    ProviderRegisters &registers() { return *daemon_.registers().providers().front(); }
    const RegisterTable &table() { return registers().table(); }

    // Until everything that was told has been done.
    void run() {
        loop_.restart();
        loop_.poll();
    }
    // On a provider with a thread of its own.
    void run_until(const std::function<bool()> &done) {
        const auto guard = boost::asio::make_work_guard(loop_);
        loop_.restart();
        while (!done()) loop_.run_one();
    }

    template <class Answer>
    static auto keep(std::optional<Answer> &out) {
        return [&out](Answer answer) { out = std::move(answer); };
    }
    Extended extend(RegisterIndex index, const mr::Digest &by) {
        std::optional<Extended> answer;
        registers().extend(index, by, {}, keep(answer));
        return std::move(*answer);
    }

    FakeHardware hardware_;
    FakeHardware other_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::vector<std::string> told_;
};

TEST_F(RegisterPresence, OneThatHasVanishedIsGoneAndAShortNameMeansThoseThatAreThere) {
    const std::vector<RegisterSpec> specs{fake_register("block1", "XWRL")};
    open();
    ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(other_, "spdm1", specs, false), specs));
    EXPECT_TRUE(std::holds_alternative<NoSuchRegister>(daemon_.registers().find("block1").error())) << "two have it";

    hardware_.vanish(block1);
    run();
    EXPECT_THAT(told_, ElementsAre("spdm0/block1 gone"));
    EXPECT_EQ(daemon_.registers().find("block1")->name(), "spdm1/block1");
    EXPECT_TRUE(is_gone(daemon_.registers().find("spdm0/block1")));
    EXPECT_TRUE(is_gone(table().may_read(block1)));
    EXPECT_TRUE(is_gone(table().may_extend(block1, 48)));
    EXPECT_TRUE(is_gone(table().may_measure(block1)));
    EXPECT_TRUE(daemon_.registers().find("block0"));

    hardware_.vanish(reportdata);
    run();
    EXPECT_TRUE(is_gone(table().may_write(reportdata, 64)));
    EXPECT_EQ(registers().journalled().size(), 1U);
}

TEST_F(RegisterPresence, WhoWaitsForOneThatVanishesIsAnsweredThatItIsGone) {
    open(true);
    std::optional<Extended> runs;
    std::optional<Extended> waits;
    std::optional<Extended> cap;
    std::optional<std::expected<bool, RegisterError>> read;
    std::optional<std::expected<bool, RegisterError>> other;
    std::optional<std::expected<std::int64_t, RegisterError>> written;
    hardware_.hold("extend");
    registers().extend(block1, digest(1), {}, keep(runs));
    hardware_.wait_until_held();
    registers().extend(block1, digest(2), {}, keep(waits));
    registers().read(mrd_itself, block1, true, keep(read));
    registers().read(mrd_itself, block0, true, keep(other));
    registers().extend(block1, digest(3), {.origin = journal::Origin::cap}, keep(cap));
    registers().write(mrd_itself, reportdata, mr::Bytes(64, 1), keep(written));
    hardware_.vanish(block1);
    hardware_.vanish(reportdata);
    run();
    EXPECT_FALSE(waits) << "its turn has not come";
    hardware_.let_go();
    run_until([&] { return written.has_value(); });

    EXPECT_EQ((*runs)->sequence, 1) << "the hardware had it";
    EXPECT_TRUE(is_gone(*waits));
    EXPECT_TRUE(is_gone(*cap));
    EXPECT_TRUE(is_gone(*read));
    EXPECT_TRUE(is_gone(*written));
    EXPECT_EQ(**other, true);
    EXPECT_EQ(journal_->state().sequence(), 1U);
}

TEST_F(RegisterPresence, OneThatComesBackGoesOnWhereItsLogEnded) {
    open();
    ASSERT_TRUE(extend(block1, digest(1)));
    hardware_.vanish(block1);
    run();
    hardware_.bring_back(block1);
    run();
    EXPECT_THAT(told_, ElementsAre("spdm0/block1 gone", "spdm0/block1 there"));
    EXPECT_EQ(journal_->state().registers().size(), 2U);
    const auto again = extend(block1, digest(2));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sequence, 2);
    EXPECT_EQ(again->value, hardware_.value(block1));
}

TEST_F(RegisterPresence, WhatWasDoneToItMeanwhileIsADivergenceAsAtAStart) {
    open();
    ASSERT_TRUE(extend(block0, digest(1)));
    ASSERT_TRUE(extend(block1, digest(1)));
    const auto logged = hardware_.value(block0);
    hardware_.vanish(block0);
    hardware_.vanish(block1);
    hardware_.extend(block0, digest(66));
    hardware_.set(block1, 0);  // another device, or one that was reset
    run();
    told_.clear();
    hardware_.bring_back(block0);
    hardware_.bring_back(block1);
    run();
    EXPECT_THAT(told_, ElementsAre("spdm0/block0 diverged", "spdm0/block0 there", "spdm0/block1 diverged", "spdm0/block1 there"));
    EXPECT_EQ(table().divergence(block0)->expected, logged);
    EXPECT_EQ(extend(block0, digest(2))->sequence, 4) << "a resync comes first";
    EXPECT_EQ(extend(block1, digest(2))->sequence, 6);
    EXPECT_EQ(journal_->state().registers()[1].resyncs, 1U);
}

TEST_F(RegisterPresence, AnExtendThatFailedBeforeItVanishedIsSettledWhenItIsBack) {
    open();
    hardware_.fail_next("extend", FakeHardware::Failure::after);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_FALSE(extend(block1, digest(1)));
    ASSERT_TRUE(table().indeterminate(block1));
    hardware_.vanish(block1);
    run();
    std::optional<std::expected<bool, RegisterError>> read;
    registers().read(mrd_itself, block0, true, keep(read));
    EXPECT_TRUE(table().indeterminate(block1)) << "the others' refresh says nothing of it";
    hardware_.bring_back(block1);
    run();
    EXPECT_FALSE(table().indeterminate(block1));
    EXPECT_EQ(journal_->state().sequence(), 1U);
    EXPECT_TRUE(journal_->state().open().empty());
    EXPECT_EQ(extend(block1, digest(2))->sequence, 2);
}

TEST_F(RegisterPresence, OneThatHasComeIsReadJoinsTheJournalAndIsThereThen) {
    open();
    auto bank = fake_register("block1", "XWRL", 32);
    bank.refresh_set = 1;
    hardware_.add(bank);
    EXPECT_FALSE(daemon_.registers().find("block1:sha256"));
    run();
    const auto place = daemon_.registers().find("block1:sha256");
    ASSERT_TRUE(place);
    EXPECT_EQ(place->name(), "spdm0/block1:sha256");
    EXPECT_EQ(table().name(block1), "spdm0/block1:sha384") << "the other has a bank beside it now";
    EXPECT_TRUE(std::holds_alternative<NoSuchRegister>(daemon_.registers().find("block1").error())) << "two banks have it";
    EXPECT_THAT(told_, ElementsAre("spdm0/block1:sha256 there"));
    EXPECT_EQ(extend(place->index, mr::Digest(mr::Bytes(32, 1)))->sequence, 1);
    EXPECT_EQ(journal_->state().registers().size(), 3U);

    hardware_.vanish(place->index);
    run();
    EXPECT_EQ(daemon_.registers().find("block1")->index, block1);
}

TEST_F(RegisterPresence, OneThatCannotBeReadWhenItComesIsLeftOutUntilItIsToldOfAgain) {
    open();
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    hardware_.add(fake_register("block2", "XWRL"));
    run();
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_TRUE(is_gone(table().may_read(3)));
    hardware_.bring_back(3);
    run();
    EXPECT_THAT(told_, ElementsAre("spdm0/block2 there"));
}

TEST_F(RegisterPresence, OneThatGoesAgainBeforeItWasReadHasNotCome) {
    open(true);
    std::optional<std::expected<bool, RegisterError>> read;
    hardware_.hold("refresh");
    registers().read(mrd_itself, block0, true, keep(read));
    hardware_.wait_until_held();
    hardware_.add(fake_register("block2", "XWRL"));
    run();
    hardware_.vanish(3);
    run();
    hardware_.let_go();
    run_until([&] { return read.has_value(); });
    run();
    EXPECT_THAT(told_, IsEmpty()) << "its turn had not come";

    hardware_.hold("refresh");
    hardware_.bring_back(3);
    run();
    hardware_.wait_until_held();
    hardware_.vanish(3);
    run();
    hardware_.let_go();
    bool idle = false;
    daemon_.providers().front()->when_idle([&idle] { idle = true; });
    run_until([&] { return idle; });
    EXPECT_THAT(told_, IsEmpty()) << "it was being read";
    EXPECT_TRUE(is_gone(table().may_read(3)));
}

TEST_F(RegisterPresence, ARefreshThatRanWhenItCameSaysNothingOfIt) {
    open(true);
    std::optional<std::expected<bool, RegisterError>> read;
    hardware_.hold("refresh");
    registers().read(mrd_itself, block0, true, keep(read));
    hardware_.wait_until_held();
    hardware_.add(fake_register("block2", "XWRL"));
    hardware_.set(3, 7);
    run();
    hardware_.let_go();
    run_until([&] { return !told_.empty(); });
    EXPECT_TRUE(*read);
    EXPECT_EQ(mr::Digest(table().value(3)), digest(7));
}

TEST_F(RegisterPresence, ARegisterThatSoftwareResetsIsToldAsResetAndItsNextExtendNamesBothValues) {
    auto pcr = fake_register("pcr16", "XWRL");
    pcr.resettable = true;
    const std::vector<RegisterSpec> specs{pcr, fake_register("pcr8", "XWRL")};
    ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tpm", specs, false), specs));
    ASSERT_TRUE(daemon_.start_journal());
    std::vector<bool> resets;
    daemon_.registers().on_divergence([&](Registers::Place place) { resets.push_back(place.table().was_reset(place.index)); });
    ASSERT_TRUE(extend(0, digest(1)));
    ASSERT_TRUE(extend(1, digest(1)));
    const auto before = hardware_.value(0);
    hardware_.set(0, 0);
    hardware_.set(1, 0);  // which nothing may reset
    std::optional<std::expected<bool, RegisterError>> read;
    registers().read(mrd_itself, 0, true, keep(read));
    EXPECT_THAT(resets, ElementsAre(true, false));
    EXPECT_EQ(table().divergence(0)->expected, before);
    EXPECT_EQ(extend(0, digest(2))->sequence, 4) << "the resync comes first, which says what was expected and what was found";
    EXPECT_EQ(journal_->state().registers()[0].resyncs, 1U);
    hardware_.extend(0, digest(66));
    registers().read(mrd_itself, 0, true, keep(read));
    EXPECT_THAT(resets, ElementsAre(true, false, false)) << "that is somebody else's extend";
}

}  // namespace
}  // namespace mrd
