// What mrd counts, as one line a number.
#include "mrd/daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <charconv>
#include <string>

#include "mrd/daemon/metrics_text.h"
#include "mrd/daemon/service.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricsText, ALabelMayBeAnything) {
    MetricsText text;
    text.begin("mrd_x", MetricsText::Type::gauge, "Why.");
    text.add({{"a", "q\"b\\n\nz"}, {"b", ""}}, 0.5);
    text.add(3);
    EXPECT_EQ(text.text(), "# HELP mrd_x Why.\n# TYPE mrd_x gauge\nmrd_x{a=\"q\\\"b\\\\n\\nz\",b=\"\"} 0.5\nmrd_x 3\n");
}

class MetricsTest : public ::testing::Test {
protected:
    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("rtmr3", "XWRL"), fake_register("rtmr2", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(daemon_.start_journal());
        const auto metrics = std::make_shared<Metrics>(daemon_, facts_);
        metrics_ = metrics;
        service_ = make_service(daemon_, make_interfaces(daemon_, facts_, metrics), {});
    }

    // The value behind this name with these labels; -1: it is not there.
    [[nodiscard]] double value(const std::string &sample) const {
        const auto text = "\n" + metrics_->text();
        const auto at = text.find("\n" + sample + " ");
        if (at == std::string::npos) return -1;
        return std::stod(text.substr(at + sample.size() + 2));
    }
    static std::string of(std::string_view name, std::string_view method, std::string_view more = {}) {
        return std::string(name) + "{method=\"io.mrd." + std::string(method) + "\"" + std::string(more) + "}";
    }

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    varlink::ServerCounters server_{.connections = 3, .buffered = 77, .refused_share = 5, .closed_unread = 6};
    ServiceFacts facts_{.started = 1'500'000, .server = [this] { return server_; }, .limits = {}};
    std::shared_ptr<Metrics> metrics_;
    std::unique_ptr<varlink::Service> service_;
};

TEST_F(MetricsTest, CallsAreCountedByMethodAndTimedWhereTheyComeAlone) {
    SessionClient client(*service_);
    for (int i = 0; i < 3; ++i) client.call("io.mrd.Registers.Read", R"({"name":"rtmr3"})");
    client.call("io.mrd.Registers.Read", R"({"name":"nothing"})");
    client.call("io.mrd.Registers.NoSuchMethod");
    EXPECT_EQ(value(of("mrd_calls_total", "Registers.Read")), 4);
    EXPECT_EQ(value(of("mrd_calls_failed_total", "Registers.Read")), 1);
    EXPECT_EQ(value(of("mrd_call_duration_seconds_count", "Registers.Read")), 4);
    EXPECT_EQ(value(of("mrd_call_duration_seconds_bucket", "Registers.Read", ",le=\"+Inf\"")), 4);
    EXPECT_GT(value(of("mrd_call_duration_seconds_sum", "Registers.Read")), 0);
    EXPECT_EQ(value(of("mrd_calls_total", "EventLog.Replay")), 0);
    EXPECT_EQ(value(of("mrd_call_duration_seconds_count", "EventLog.Replay")), -1) << "never called";
    EXPECT_EQ(value(of("mrd_calls_total", "Service.Metrics")), 0);
    EXPECT_THAT(client.call("io.mrd.Service.Metrics"), HasSubstr(R"(mrd_calls_total{method=\"io.mrd.Service.Metrics\"} 1)"));
    client.close();
}

TEST_F(MetricsTest, OfCallsThatComeTogetherOneIn16IsTimedAndCountsForAll) {
    SessionClient client(*service_);
    constexpr int calls = 1 + 3 * 16;  // of one turn
    std::string frames;
    for (int i = 0; i < calls; ++i) frames += R"({"method":"io.mrd.Registers.Read","parameters":{"name":"rtmr3"}})" + std::string(1, '\0');
    client.send_frames(frames);
    EXPECT_EQ(value(of("mrd_calls_total", "Registers.Read")), calls);
    EXPECT_EQ(value(of("mrd_call_duration_seconds_count", "Registers.Read")), calls);
    client.close();
}

TEST_F(MetricsTest, BucketsHoldWhatIsInThoseBeforeThem) {
    using namespace std::chrono_literals;
    varlink::CallCounters counters;
    counters.answered(1us, 1);
    counters.answered(1001ns, 1);
    counters.answered(40s, 16);
    EXPECT_EQ(counters.took[0], 1U) << "the bound is in its bucket";
    EXPECT_EQ(counters.took[1], 1U);
    EXPECT_EQ(counters.took.back(), 16U);
    EXPECT_EQ(counters.time, 2001ns + 16 * 40s);
}

TEST_F(MetricsTest, ARefusedCallIsCountedByItsOperation) {
    EXPECT_EQ(value(R"(mrd_calls_refused_total{operation="extend"})"), 0);
    SessionClient client(*service_, {.uid = ::getuid() + 1, .gid = ::getgid()});
    EXPECT_THAT(client.call("io.mrd.Registers.Cap", R"({"name":"rtmr3"})"), HasSubstr("PermissionDenied"));
    EXPECT_EQ(value(R"(mrd_calls_refused_total{operation="cap"})"), 1);
    EXPECT_EQ(value(R"(mrd_calls_refused_total{operation="extend"})"), 0);
    client.close();
}

TEST_F(MetricsTest, JournalRegistersConnectionsAndMemoryAreThere) {
    EXPECT_EQ(value("mrd_journal_events_total"), 0);
    EXPECT_EQ(value("mrd_journal_bytes"), told_journal_unit);
    SessionClient client(*service_);
    const auto extend = [&] {
        return client.call("io.mrd.Registers.Extend", R"({"name":"rtmr3","digest":")" + std::string(96, 'a') + R"("})");
    };
    EXPECT_THAT(extend(), HasSubstr("sequence"));
    EXPECT_EQ(value("mrd_journal_events_total"), 1);
    EXPECT_EQ(value("mrd_journal_bytes"), told_journal_unit) << "nobody learns from it how long an event is";
    EXPECT_EQ(value(R"(mrd_journal_condition{condition="good"})"), 1);
    EXPECT_EQ(value(R"(mrd_journal_condition{condition="damaged"})"), 0);
    EXPECT_EQ(value(R"(mrd_provider_up{provider="tdx"})"), 1);
    EXPECT_EQ(value(R"(mrd_register_diverged{register="tdx/rtmr3"})"), 0);
    EXPECT_EQ(value("mrd_connections"), 3);
    EXPECT_EQ(value(R"(mrd_connections_refused_total{reason="share"})"), 5);
    EXPECT_EQ(value(R"(mrd_connections_closed_total{reason="unread"})"), 6);
    EXPECT_EQ(value("mrd_buffered_bytes"), 77);
    EXPECT_EQ(value("process_start_time_seconds"), 1.5);
    EXPECT_GT(value("process_resident_memory_bytes"), 1 << 20);
    client.close();
}

TEST_F(MetricsTest, TheyTellNoValueNoDigestAndNoUser) {
    SessionClient client(*service_);
    client.call("io.mrd.Registers.Extend", R"({"name":"rtmr3","digest":")" + std::string(96, 'a') + R"(","id":"said by a client"})");
    const auto text = metrics_->text();
    EXPECT_THAT(text, Not(HasSubstr("aaaaaaaa")));
    EXPECT_THAT(text, Not(HasSubstr("said by")));
    EXPECT_THAT(text, Not(HasSubstr("uid")));
    client.close();
}

}  // namespace
}  // namespace mrd
