#include "mrd/interfaces/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "mrd/daemon/service.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view watch_method = "io.mrd.Registers.Watch";

class WatchTest : public ::testing::Test {
protected:
    enum : RegisterIndex { rtmr2, rtmr3, reportdata, report0 };

    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL"),
                                              fake_register("reportdata", "WRF", 64), fake_register("report0", "RLF", 1024)};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.registers().start_journal({}));
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
    }

    // Returns the new value.
    std::string extend(const std::string &name, std::uint8_t byte) {
        SessionClient client(*service_);
        const auto digest = mr::to_hex(mr::Bytes(48, byte));
        const auto reply = client.call("io.mrd.Registers.Extend", R"({"name":")" + name + R"(","digest":")" + digest + "\"}");
        EXPECT_THAT(reply, HasSubstr("\"sequence\":"));
        run();
        return value(name == "rtmr2" ? rtmr2 : rtmr3);
    }
    // All who watch are told what has changed.
    void run() {
        loop_.restart();
        loop_.poll();
    }
    std::string value(RegisterIndex index) { return mr::to_hex(hardware_.value(index).bytes()); }

    static auto Streams(const std::string &name, const std::string &value) {
        return ::testing::AllOf(HasSubstr("\"name\":\"tdx/" + name + "\""), HasSubstr("\"value\":\"" + value + "\""),
                                HasSubstr("\"continues\":true"));
    }

    FakeHardware hardware_;
    FakeHardware other_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
};

TEST_F(WatchTest, FirstComeThePresentValuesThenEachChange) {
    const auto before = extend("rtmr3", 1);
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["rtmr2","tdx/rtmr3"]})", true);
    EXPECT_THAT(watcher.reply(), Streams("rtmr2", value(rtmr2)));
    EXPECT_THAT(watcher.reply(), Streams("rtmr3", before));
    EXPECT_EQ(watcher.reply(), "");
    const auto after = extend("rtmr3", 2);
    EXPECT_THAT(watcher.reply(), Streams("rtmr3", after));
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, AChangedValueCarriesTheNumberOfTheExtend) {
    SessionClient watcher(*service_);
    EXPECT_THAT(watcher.call(watch_method, R"({"names":["rtmr3"]})", true), HasSubstr("\"sequence\":0"));
    extend("rtmr3", 1);
    extend("rtmr2", 1);
    extend("rtmr3", 1);
    EXPECT_THAT(watcher.reply(), HasSubstr("\"sequence\":1"));
    EXPECT_THAT(watcher.reply(), HasSubstr("\"sequence\":3"));
}

TEST_F(WatchTest, WithoutNamesAllReadableRegistersAreWatchedAndEachPresentValueComesOnce) {
    // The first live register's reread finds what others did to the next.
    extend("rtmr2", 1);
    hardware_.extend(rtmr3, mr::Digest(mr::Bytes(48, 66)));
    hardware_.set(report0, 7);
    SessionClient watcher(*service_);
    watcher.send(watch_method, "{}", true);
    EXPECT_THAT(watcher.reply(), Streams("rtmr2", value(rtmr2)));
    EXPECT_THAT(watcher.reply(), Streams("rtmr3", value(rtmr3)));
    EXPECT_THAT(watcher.reply(), HasSubstr("tdx/reportdata"));
    EXPECT_THAT(watcher.reply(), HasSubstr("tdx/report0"));
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, ASlowWatcherGetsTheLatestValueOfEachRegisterNotEveryOne) {
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["rtmr2","rtmr3"]})", true);
    watcher.reply();
    watcher.reply();
    watcher.stop_reading();
    for (std::uint8_t i = 0; i < 100; ++i) extend("rtmr3", i);
    extend("rtmr2", 1);
    EXPECT_EQ(watcher.reply(), "");
    watcher.go_on_reading();
    EXPECT_THAT(watcher.reply(), Streams("rtmr3", value(rtmr3)));
    EXPECT_THAT(watcher.reply(), Streams("rtmr2", value(rtmr2)));
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, AChangeTellsABoundedNumberInEachTurnOfTheLoopAndAllInTheEndTheLatestValue) {
    std::vector<std::unique_ptr<SessionClient>> watchers;
    for (std::size_t i = 0; i < 3 * told_in_a_turn; ++i) {
        watchers.push_back(std::make_unique<SessionClient>(*service_));
        watchers.back()->send(watch_method, R"({"names":["rtmr3"]})", true);
        ASSERT_NE(watchers.back()->reply(), "");
    }
    std::vector<std::string> told(watchers.size());
    const auto turn = [&] {
        loop_.restart();
        loop_.poll_one();
        std::size_t count = 0;
        for (std::size_t i = 0; i < watchers.size(); ++i) {
            if (auto reply = watchers[i]->reply(); !reply.empty()) {
                told[i] = std::move(reply);
                ++count;
            }
        }
        return count;
    };
    SessionClient client(*service_);
    const auto extend_once = [&](int byte) {
        const auto digest = mr::to_hex(mr::Bytes(48, static_cast<std::uint8_t>(byte)));
        return client.call("io.mrd.Registers.Extend", R"({"name":"rtmr3","digest":")" + digest + "\"}");
    };
    EXPECT_THAT(extend_once(1), HasSubstr("\"sequence\":1"));
    EXPECT_LE(turn(), told_in_a_turn);
    EXPECT_THAT(extend_once(2), HasSubstr("\"sequence\":2"));
    std::size_t turns = 0;
    for (; turns < 100 && std::ranges::any_of(
                              told, [](const auto &text) { return text.find("\"sequence\":2") == std::string::npos; });
         ++turns)
        EXPECT_LE(turn(), told_in_a_turn);
    EXPECT_LT(turns, 100U);
    for (const auto &text : told) EXPECT_THAT(text, Streams("rtmr3", value(rtmr3)));
    run();
    for (const auto &watcher : watchers) EXPECT_EQ(watcher->reply(), "") << "each change is told once";
}

TEST_F(WatchTest, ARegisterThatIsNotWatchedIsNotSent) {
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["rtmr2"]})", true);
    watcher.reply();
    extend("rtmr3", 1);
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, ARegisterNamedTwiceIsSentOnce) {
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["rtmr2","tdx/rtmr2"]})", true);
    EXPECT_NE(watcher.reply(), "");
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, WatchingNeedsMore) {
    SessionClient watcher(*service_);
    EXPECT_THAT(watcher.call(watch_method), HasSubstr("org.varlink.service.ExpectedMore"));
    EXPECT_THAT(watcher.call("io.mrd.Registers.Statistics"), HasSubstr("counters")) << "the connection lives";
}

TEST_F(WatchTest, AnUnknownRegisterIsRefusedAtOnce) {
    SessionClient watcher(*service_);
    const auto reply = watcher.call(watch_method, R"({"names":["rtmr2","rtmr9"]})", true);
    EXPECT_THAT(reply, HasSubstr("io.mrd.Registers.NoSuchRegister"));
    EXPECT_THAT(reply, HasSubstr("rtmr9"));
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, AFirstValueThatCannotBeReadEndsTheWatchWithTheError) {
    extend("rtmr3", 1);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    SessionClient watcher(*service_);
    const auto reply = watcher.call(watch_method, R"({"names":["rtmr3"]})", true);
    EXPECT_THAT(reply, HasSubstr("io.mrd.Registers.ProviderFailed"));
    extend("rtmr3", 1);
    EXPECT_EQ(watcher.reply(), "") << "an error is final";
    EXPECT_THAT(watcher.call("io.mrd.Registers.Read", R"({"name":"rtmr3"})"), HasSubstr(value(rtmr3)));
}

TEST_F(WatchTest, ARegisterThatVanishesIsToldAndItsValueWhenItIsBack) {
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["rtmr2","rtmr3"]})", true);
    watcher.reply();
    watcher.reply();
    hardware_.vanish(rtmr3);
    run();
    const auto gone = watcher.reply();
    EXPECT_THAT(gone, HasSubstr("\"gone\":\"tdx/rtmr3\""));
    EXPECT_THAT(gone, HasSubstr("\"continues\":true"));
    EXPECT_EQ(watcher.reply(), "");
    SessionClient late(*service_);
    EXPECT_THAT(late.call(watch_method, R"({"names":["rtmr3"]})", true), HasSubstr("io.mrd.Registers.RegisterGone"));
    EXPECT_THAT(late.call("io.mrd.Registers.List"), ::testing::Not(HasSubstr("tdx/rtmr3")));
    EXPECT_THAT(late.call("io.mrd.Registers.Read", R"({"name":"rtmr3"})"), HasSubstr("io.mrd.Registers.RegisterGone"));
    hardware_.bring_back(rtmr3);
    run();
    EXPECT_THAT(watcher.reply(), Streams("rtmr3", value(rtmr3)));
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, WithoutNamesWhatComesLaterIsWatchedToo) {
    hardware_.vanish(rtmr2);
    run();
    SessionClient watcher(*service_);
    SessionClient of_one(*service_);
    watcher.send(watch_method, "{}", true);
    of_one.send(watch_method, R"({"names":["rtmr3"]})", true);
    while (!watcher.reply().empty()) {
    }
    of_one.reply();
    hardware_.add(fake_register("rtmr4", "XWRL"));
    hardware_.bring_back(rtmr2);
    run();
    EXPECT_THAT(watcher.reply(), Streams("rtmr2", value(rtmr2)));
    EXPECT_THAT(watcher.reply(), Streams("rtmr4", value(4)));
    EXPECT_EQ(watcher.reply(), "");
    EXPECT_EQ(of_one.reply(), "");

    const std::vector<RegisterSpec> specs{fake_register("pcr8", "XWRL")};
    ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(other_, "tpm", specs, false), specs));
    ASSERT_TRUE(daemon_.registers().join(*daemon_.registers().providers().back(), {}));
    run();
    EXPECT_THAT(watcher.reply(), HasSubstr("\"name\":\"tpm/pcr8\""));
    EXPECT_EQ(watcher.reply(), "");
}

TEST_F(WatchTest, OneThatVanishesBeforeItsFirstValueWasReadIsToldAsGone) {
    extend("rtmr3", 1);
    hardware_.vanish(rtmr3);
    SessionClient watcher(*service_);
    watcher.send(watch_method, "{}", true);
    run();
    std::string all;
    for (auto reply = watcher.reply(); !reply.empty(); reply = watcher.reply()) all += reply;
    EXPECT_THAT(all, HasSubstr("\"gone\":\"tdx/rtmr3\""));
    EXPECT_THAT(all, HasSubstr("tdx/report0"));
}

TEST_F(WatchTest, AWatcherThatHasGoneIsForgotten) {
    auto gone = std::make_unique<SessionClient>(*service_);
    gone->send(watch_method, "{}", true);
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["rtmr3"]})", true);
    watcher.reply();
    gone.reset();
    const auto after = extend("rtmr3", 1);
    EXPECT_THAT(watcher.reply(), Streams("rtmr3", after));
}

TEST_F(WatchTest, AWriteOfReportdataIsSeenWithItsGeneration) {
    SessionClient watcher(*service_);
    watcher.send(watch_method, R"({"names":["reportdata"]})", true);
    watcher.reply();
    SessionClient writer(*service_);
    const auto hex = mr::to_hex(mr::Bytes(64, 5));
    const auto written = writer.call("io.mrd.Registers.Write", R"({"name":"reportdata","value":")" + hex + "\"}");
    run();
    const auto generation = written.substr(written.find("\"generation\":"), written.find('}') - written.find("\"generation\":"));
    EXPECT_THAT(watcher.reply(), ::testing::AllOf(Streams("reportdata", hex), HasSubstr(generation)));
}

}  // namespace
}  // namespace mrd
