#include "mrd/daemon/provider_slot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

// Has quotes and collateral, and neither registers nor reports. A quote waits until it is stopped.
class QuotingProvider final : public Provider, Quoter, CollateralSource {
public:
    [[nodiscard]] std::string_view name() const override { return "quoting"; }
    [[nodiscard]] std::string_view kind() const override { return "fake"; }
    [[nodiscard]] bool simulated() const override { return true; }
    [[nodiscard]] bool may_wait() const override { return false; }
    Quoter *quoter() override { return this; }
    CollateralSource *collateral() override { return this; }

private:
    [[nodiscard]] ReportDataSize report_data_size() const override { return {.least = 0, .most = 32}; }
    std::expected<Quoted, QuoteFailure> quote(mr::ByteView, const mr::ReportOptions &, const std::stop_token &stop) override {
        std::unique_lock lock(mutex_);
        stopped_.wait(lock, stop, [] { return false; });
        return std::unexpected(QuoteFailure{QuoteFailure::Cause::cancelled, {}});
    }
    std::expected<QuoteCollateral, std::string> read_collateral() override { return QuoteCollateral{"{}", "root"}; }

    std::mutex mutex_;
    std::condition_variable_any stopped_;
};

class NothingProvider final : public Provider {
public:
    [[nodiscard]] std::string_view name() const override { return "nothing"; }
    [[nodiscard]] std::string_view kind() const override { return "fake"; }
    [[nodiscard]] bool simulated() const override { return true; }
    [[nodiscard]] bool may_wait() const override { return false; }
};

class ProviderSlotTest : public ::testing::Test {
protected:
    std::unique_ptr<ProviderSlot> slot_of(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers = {}) {
        auto read = ReadProvider::read(std::move(provider), std::move(registers), 1);
        EXPECT_TRUE(read) << read.error();
        return std::make_unique<ProviderSlot>(loop_, std::move(*read), events_);
    }

    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    RegisterEvents events_{*journal_};
};

TEST_F(ProviderSlotTest, AProviderHasThePartsThatItHas) {
    const auto quoting = slot_of(std::make_unique<QuotingProvider>());
    EXPECT_EQ(quoting->registers(), nullptr);
    EXPECT_EQ(quoting->reporter(), nullptr);
    EXPECT_FALSE(quoting->verifies_reports());
    ASSERT_NE(quoting->quotes(), nullptr);
    EXPECT_EQ(quoting->quotes()->report_data_size().most, 32U);
    EXPECT_TRUE(quoting->has_collateral());

    FakeHardware hardware;
    const std::vector<RegisterSpec> registers{fake_register("rtmr3", "XWRL")};
    const auto fake = slot_of(std::make_unique<FakeProvider>(hardware, "fake", registers, false), registers);
    ASSERT_NE(fake->registers(), nullptr);
    EXPECT_EQ(fake->registers()->table().name(0), "fake/rtmr3");
    EXPECT_NE(fake->reporter(), nullptr);
    EXPECT_EQ(fake->quotes(), nullptr);
    EXPECT_FALSE(fake->has_collateral());
}

TEST_F(ProviderSlotTest, CollateralWaitsForNoQuote) {
    const auto slot = slot_of(std::make_unique<QuotingProvider>());
    auto &quotes = *slot->quotes();
    quotes.ask(quotes.new_ticket(), {}, {}, std::chrono::steady_clock::now() + std::chrono::minutes(1), [](const Quotes::Result &) {});
    std::string root;
    slot->collateral(mrd_itself, {},
                     [&root](const std::expected<QuoteCollateral, std::string> &collateral) { root = collateral->root_pem; });
    while (root.empty()) loop_.run_one();
    EXPECT_EQ(root, "root");
    EXPECT_EQ(quotes.waiting(), 1U);
}

TEST_F(ProviderSlotTest, WhoWaitsForAQuoteOfAProviderThatFailsHearsWhyAndAnotherGoesOn) {
    const auto slot = slot_of(std::make_unique<QuotingProvider>());
    auto &quotes = *slot->quotes();
    std::vector<std::string> reasons;
    const auto ask = [&] {
        quotes.ask(quotes.new_ticket(), {}, {}, std::chrono::steady_clock::now() + std::chrono::minutes(1),
                   [&reasons](const Quotes::Result &result) { reasons.push_back(result.error().reason); });
    };
    ask();
    std::unique_ptr<Provider> closed;
    slot->close("it failed", [&closed](std::unique_ptr<Provider> provider) { closed = std::move(provider); });
    EXPECT_THAT(reasons, ::testing::ElementsAre("it failed"));
    ask();
    EXPECT_EQ(reasons.size(), 1U) << "never from within the call";
    while (!closed) loop_.run_one();
    loop_.poll();
    EXPECT_THAT(reasons, ::testing::ElementsAre("it failed", "it failed"));
    bool has_collateral = true;
    slot->collateral(mrd_itself, {},
                     [&](const std::expected<QuoteCollateral, std::string> &collateral) { has_collateral = collateral.has_value(); });
    EXPECT_FALSE(has_collateral);

    auto read = ReadProvider::read(std::make_unique<QuotingProvider>(), {}, 1);
    ASSERT_TRUE(slot->reopen(std::move(*read)));
    ask();
    EXPECT_EQ(quotes.waiting(), 1U);
    EXPECT_TRUE(slot->has_collateral());
}

TEST_F(ProviderSlotTest, OneThatIsClosedIsGivenBackOnlyWhenNothingOfItIsUnderWay) {
    FakeHardware hardware;
    const std::vector<RegisterSpec> registers{fake_register("rtmr3", "XWRL")};
    const auto slot = slot_of(std::make_unique<FakeProvider>(hardware, "fake", registers, true), registers);
    hardware.hold("report");
    bool reported = false;
    slot->report(mrd_itself, mr::Bytes(64, 1), {}, [&](const std::expected<mr::Bytes, ProviderError> &) { reported = true; });
    hardware.wait_until_held();
    std::unique_ptr<Provider> closed;
    slot->close("it failed", [&closed](std::unique_ptr<Provider> provider) { closed = std::move(provider); });
    loop_.poll();
    EXPECT_EQ(closed, nullptr);
    hardware.let_go();
    loop_.restart();
    while (!closed) loop_.run_one();
    EXPECT_TRUE(reported);
}

TEST_F(ProviderSlotTest, AReportWhoseClientHasGoneMeanwhileIsNotAskedFor) {
    FakeHardware hardware;
    const std::vector<RegisterSpec> registers{fake_register("rtmr3", "XWRL")};
    const auto slot = slot_of(std::make_unique<FakeProvider>(hardware, "fake", registers, true), registers);
    hardware.take_calls();
    std::vector<std::string> done;
    const auto ask = [&](Gone gone, std::string name) {
        slot->report(1000, mr::Bytes(64, 1), std::move(gone),
                     [&done, name = std::move(name)](const std::expected<mr::Bytes, ProviderError> &) { done.push_back(name); });
    };
    hardware.hold("report");
    ask({}, "running");
    hardware.wait_until_held();
    const auto one_that_leaves = std::make_shared<bool>(false);
    ask(one_that_leaves, "of one that left");
    ask(std::make_shared<bool>(false), "of one that stays");
    *one_that_leaves = true;
    hardware.let_go();
    bool idle = false;
    slot->when_idle([&idle] { idle = true; });
    while (!idle) loop_.run_one();
    EXPECT_THAT(done, ::testing::ElementsAre("running", "of one that stays"));
    EXPECT_THAT(hardware.take_calls(), ::testing::ElementsAre("report", "report"));
}

TEST_F(ProviderSlotTest, OneThatComesBackWithOtherPartsIsRefused) {
    const auto is_refused = [](ProviderSlot &slot, std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers) {
        auto read = ReadProvider::read(std::move(provider), std::move(registers), 1);
        const auto reopened = slot.reopen(std::move(*read));
        return !reopened && reopened.error() == "it has other parts than before: start mrd again";
    };
    FakeHardware hardware;
    const std::vector<RegisterSpec> registers{fake_register("rtmr3", "XWRL")};
    const auto quoting = slot_of(std::make_unique<QuotingProvider>());
    EXPECT_TRUE(is_refused(*quoting, std::make_unique<FakeProvider>(hardware, "quoting", registers, false), registers));
    const auto nothing = slot_of(std::make_unique<NothingProvider>());
    EXPECT_TRUE(is_refused(*nothing, std::make_unique<FakeProvider>(hardware, "nothing", registers, false), registers));
    EXPECT_TRUE(is_refused(*nothing, std::make_unique<QuotingProvider>(), {}));
    EXPECT_FALSE(is_refused(*nothing, std::make_unique<NothingProvider>(), {}));
}

TEST_F(ProviderSlotTest, ItIsIdleWhenWhatWasAskedBeforeIsAnswered) {
    FakeHardware hardware;
    const std::vector<RegisterSpec> registers{fake_register("rtmr3", "XWRL")};
    const auto slot = slot_of(std::make_unique<FakeProvider>(hardware, "fake", registers, true), registers);
    std::vector<std::string> done;
    slot->report(mrd_itself, mr::Bytes(64, 1), {},
                 [&done](const std::expected<mr::Bytes, ProviderError> &) { done.emplace_back("report"); });
    slot->when_idle([&done] { done.emplace_back("idle"); });
    while (done.size() < 2) loop_.run_one();
    EXPECT_THAT(done, ::testing::ElementsAre("report", "idle"));
}

}  // namespace
}  // namespace mrd
