#include "mrd/interfaces/log_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "mrd/daemon/service.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

constexpr std::size_t events = 2 * records_in_a_step;

// Counts what it is given; it rests when it is told to, and at the log's end.
class CountingReading final : public LogReading {
public:
    CountingReading(LogReadings &readings, std::uint64_t connection, ReadFor what_for = ReadFor::reader)
        : LogReading(readings, {connection, 0}, what_for) {}

    std::size_t taken = 0;
    bool at_the_end = false;
    bool rests = false;

private:
    void take(const mr::Event &) override { ++taken; }
    void at_end() override { at_the_end = true; }
    void failed(const std::string &reason) override { FAIL() << reason; }
    [[nodiscard]] bool congested() const override { return rests; }
};

class LogReadingTest : public ::testing::Test {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.registers().start_journal({}));
        auto *provider = daemon_.find_provider("tdx")->registers();
        for (std::size_t i = 0; i < events; ++i) {
            provider->extend(0, mr::Digest(mr::Bytes(48, 1)), {},
                             [](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) { EXPECT_TRUE(extended); });
        }
        run();
    }
    std::vector<std::shared_ptr<CountingReading>> begin(std::size_t count) {
        std::vector<std::shared_ptr<CountingReading>> begun;
        for (std::size_t i = 0; i < count; ++i) {
            begun.push_back(std::make_shared<CountingReading>(*readings_, ++last_connection_));
            begun.back()->go();
        }
        return begun;
    }
    // How many events all of them have been given in one turn of the event loop.
    std::size_t turn(const std::vector<std::shared_ptr<CountingReading>> &of) {
        const auto taken = [&of] {
            std::size_t sum = 0;
            for (const auto &each : of) sum += each->taken;
            return sum;
        };
        const auto before = taken();
        loop_.restart();
        loop_.poll_one();
        return taken() - before;
    }
    void run() {
        loop_.restart();
        loop_.poll();
    }

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::shared_ptr<LogReadings> readings_ = daemon_.log_readings();
    std::uint64_t last_connection_ = 0;
};

TEST_F(LogReadingTest, ATurnOfTheEventLoopReadsNoFurtherForManyThanForOne) {
    const auto one = begin(1);
    const auto beside_none = turn(one);
    EXPECT_GT(beside_none, 0U);
    EXPECT_LE(beside_none, records_in_a_step);
    run();
    EXPECT_EQ(one[0]->taken, events);
    const auto many = begin(400);
    EXPECT_LE(turn(many), beside_none + 1);
    EXPECT_EQ(readings_->working(), max_working_readings);
    EXPECT_EQ(readings_->waiting(), 400 - max_working_readings);
    run();
    for (const auto &each : many) EXPECT_EQ(each->taken, events);
    EXPECT_EQ(readings_->working() + readings_->waiting(), 0U);
}

TEST_F(LogReadingTest, EvidenceHasEveryOtherTurnHoweverManyRead) {
    auto all = begin(400);
    turn(all);
    const auto evidence = std::make_shared<CountingReading>(*readings_, ++last_connection_, ReadFor::evidence);
    evidence->go();
    all.push_back(evidence);
    std::size_t turns = 0;
    for (; !evidence->at_the_end && turns < 100; ++turns) turn(all);
    EXPECT_EQ(evidence->taken, events);
    EXPECT_LE(turns, 2 * (2 * events / records_in_a_step + 1));
    run();
    for (const auto &each : all) EXPECT_EQ(each->taken, events);
}

TEST_F(LogReadingTest, OneThatIsCancelledReadsNoFurtherAndHoldsNoPlace) {
    const auto many = begin(max_working_readings + 1);
    turn(many);
    for (const auto &each : many) each->cancel();
    EXPECT_EQ(readings_->working() + readings_->waiting(), 0U);
    EXPECT_EQ(turn(many), 0U);
    many[0]->go();
    EXPECT_EQ(turn(many), 0U) << "it is over";
}

TEST_F(LogReadingTest, ThoseWhoseClientsDoNotReadHoldNoPlaceAndGoOnWhereTheyWere) {
    const auto resting = begin(2 * max_working_readings);
    for (const auto &each : resting) each->rests = true;
    run();
    EXPECT_EQ(readings_->working() + readings_->waiting(), 0U);
    const auto reading = begin(1);
    run();
    EXPECT_EQ(reading[0]->taken, events);
    for (const auto &each : resting) {
        each->rests = false;
        each->go();
    }
    run();
    for (const auto &each : resting) EXPECT_EQ(each->taken, events);
}

TEST_F(LogReadingTest, AtTheEndItWaitsForTheNextEvent) {
    const auto one = begin(1);
    run();
    EXPECT_TRUE(one[0]->at_the_end);
    EXPECT_EQ(readings_->working(), 0U);
    daemon_.find_provider("tdx")->registers()->extend(0, mr::Digest(mr::Bytes(48, 1)), {},
                                                      [](const std::expected<ProviderRegisters::Extended, RegisterError> &) {});
    one[0]->go();
    run();
    EXPECT_EQ(one[0]->taken, events + 1);
}

// Records, Export and Replay: what a client that has gone asked for is read no further.
TEST_F(LogReadingTest, WhateverReadsForAClientThatHasGoneStopsAtOnce) {
    const auto service =
        make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
    const auto working = [&service] {
        SessionClient client(*service);
        return client.call("io.mrd.Registers.Status");
    };
    for (const auto &[method, parameters] : {std::pair("Records", "{}"), std::pair("Records", R"({"follow":true})"),
                                             std::pair("Export", R"({"format":"json"})"), std::pair("Replay", "{}")}) {
        SessionClient client(*service);
        client.send(std::string("io.mrd.EventLog.") + method, parameters, true);
        EXPECT_THAT(working(), ::testing::HasSubstr(R"("logReadings":{"working":0,"waiting":1})")) << method;
        loop_.restart();
        loop_.poll_one();
        EXPECT_THAT(working(), ::testing::HasSubstr(R"("logReadings":{"working":1,"waiting":0})")) << method;
        client.close();
        EXPECT_THAT(working(), ::testing::HasSubstr(R"("logReadings":{"working":0,"waiting":0})")) << method;
    }
}

// ---- A start that has not read all of the journal

TEST(LogReadingBehindACheckpoint, WhatRestsOnTheWholeLogWaitsUntilThatIsChecked) {
    TemporaryFolder folder;
    FakeHardware hardware;
    const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL")};
    const auto run = [&](const auto &work) {
        boost::asio::io_context loop;
        const auto journal =
            journal::Journal::open(loop, {.folder = folder.path(), .boot_id = "boot", .checkpoint_interval = 1000}).value();
        Daemon daemon(loop, *journal);
        ASSERT_TRUE(daemon.add(std::make_unique<FakeProvider>(hardware, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon.registers().start_journal({}));
        work(loop, *journal, daemon);
    };
    run([](boost::asio::io_context &, journal::Journal &, Daemon &daemon) {
        for (std::size_t i = 0; i < events; ++i) {
            daemon.find_provider("tdx")->registers()->extend(
                0, mr::Digest(mr::Bytes(48, 1)), {},
                [](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) { EXPECT_TRUE(extended); });
        }
    });
    run([](boost::asio::io_context &loop, journal::Journal &journal, Daemon &daemon) {
        ASSERT_FALSE(journal.is_checked());
        const auto reading = std::make_shared<CountingReading>(*daemon.log_readings(), 1);
        reading->go();
        int turns = 0;
        for (; !journal.is_checked(); ++turns) {
            EXPECT_EQ(reading->taken, 0U);
            ASSERT_EQ(loop.poll_one(), 1U);
        }
        EXPECT_GT(turns, 3);
        loop.poll();
        EXPECT_EQ(reading->taken, events);
        EXPECT_TRUE(reading->at_the_end);
    });
}

}  // namespace
}  // namespace mrd
