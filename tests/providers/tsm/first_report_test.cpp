// A guest's first report, and each later one, is made where quotes are made: one that never returns holds up neither mrd's start nor anybody who asks for something else. Calls
// are counted, and the threads that they were on.
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "mrd/daemon/daemon.h"
#include "mrd/daemon/service.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"
#include "tests/providers/tsm/played_guest.h"
#include "tests/providers/tsm/reports.h"

namespace mrd::tsm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What makes reports, of which each waits until the test lets it go, but on the test's own thread, which would wait for itself.
class HeldReports {
public:
    explicit HeldReports(std::string_view kind) : kind_(kind) {}

    std::expected<mr::Bytes, QuoteFailure> make(mr::ByteView data) {
        std::unique_lock lock(mutex_);
        ++asked_;
        threads_.insert(std::this_thread::get_id());
        changed_.notify_all();
        if (std::this_thread::get_id() != tests_own_) changed_.wait(lock, [this] { return let_go_ >= asked_; });
        if (!failure_.empty()) return std::unexpected(QuoteFailure{QuoteFailure::Cause::unavailable, std::exchange(failure_, {})});
        if (!is_readable_) return mr::Bytes(1184);
        return kind_ == "snp" ? snp_report(data) : cca_token(platform_, data, 9);
    }

    void wait_for(int asked) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_ >= asked; });
    }
    void let_go(int until = 1000) {
        const std::lock_guard lock(mutex_);
        let_go_ = until;
        changed_.notify_all();
    }
    void fail_next(std::string reason) {
        const std::lock_guard lock(mutex_);
        failure_ = std::move(reason);
    }
    void make_unreadable() {
        const std::lock_guard lock(mutex_);
        is_readable_ = false;
    }
    int asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    std::size_t threads() {
        const std::lock_guard lock(mutex_);
        return threads_.size();
    }
    bool were_on_the_tests_thread() {
        const std::lock_guard lock(mutex_);
        return threads_.contains(tests_own_);
    }

private:
    std::string kind_;
    std::thread::id tests_own_ = std::this_thread::get_id();
    std::mutex mutex_;
    std::condition_variable changed_;
    mr::TestCcaToken platform_;
    int asked_ = 0;
    int let_go_ = 0;
    std::string failure_;
    bool is_readable_ = true;
    std::set<std::thread::id> threads_;
};

class HeldReportsQuoter final : public Quoter {
public:
    explicit HeldReportsQuoter(HeldReports &reports) : reports_(reports) {}
    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions & /*options*/,
                                              const std::stop_token & /*the kernel heeds none*/) override {
        auto made = reports_.make(report_data);
        if (!made) return std::unexpected(made.error());
        return Quoted{std::move(*made), {}, {}, "kept", {{report_data.begin(), report_data.end()}, {}}};
    }

private:
    HeldReports &reports_;
};

using HeldGuest = PlayedGuest<HeldReportsQuoter>;

constexpr auto read_method = "io.mrd.Registers.Read";
constexpr auto list_method = "io.mrd.Registers.List";
constexpr auto snapshot_method = "io.mrd.Registers.Snapshot";
constexpr auto watch_method = "io.mrd.Registers.Watch";

// The parameter: the guest's kind.
class FirstReportTest : public testing::TestWithParam<const char *> {
protected:
    ~FirstReportTest() override { reports_.let_go(); }

    // mrd on such a guest, beside hardware that answers at once. `failures`: so often it cannot be opened.
    void start(int failures = 0) {
        ASSERT_TRUE(daemon_.open({.name = kind(),
                                  .type = "tsm",
                                  .required = false,
                                  .open = [this, failures]() mutable -> std::expected<ReadProvider, std::string> {
                                      if (failures-- > 0) return std::unexpected("it is not there yet");
                                      auto guest = std::make_unique<HeldGuest>(kind(), kind(), HeldReportsQuoter(reports_));
                                      auto registers = guest->registers()->list();
                                      return ReadProvider::read(std::move(guest), std::move(registers), 1);
                                  }}));
        const std::vector<RegisterSpec> other{fake_register("rtmr3", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", other, false), other));
        ASSERT_TRUE(daemon_.start_journal());
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
    }

    [[nodiscard]] std::string kind() const { return GetParam(); }
    // A register that the guest's start alone gives its value.
    [[nodiscard]] std::string fixed() const { return kind() == "snp" ? "snp/measurement" : "cca/rpv"; }
    static std::string named(const std::string &reg, bool fresh = false) {
        return R"({"name":")" + reg + R"(","fresh":)" + (fresh ? "true}" : "false}");
    }
    std::string reply_of(SessionClient &client) {
        loop_.restart();
        for (;;) {
            if (auto reply = client.reply(); !reply.empty()) return reply;
            if (loop_.run_one() == 0) return "nothing is left to wait for";
        }
    }
    std::string reply_of(SessionClient &client, std::string_view method) {
        client.send(method);
        return reply_of(client);
    }
    // `come`: until the guest is there.
    void watch_all(const std::function<void()> &come) {
        SessionClient watches(*service_);
        EXPECT_THAT(watches.call(watch_method, "{}", true), HasSubstr("tdx/rtmr3"));
        come();
        reports_.wait_for(1);
        loop_.restart();
        loop_.poll();
        EXPECT_THAT(watches.reply(), IsEmpty());
        reports_.let_go();
        std::string told;
        do {
            told = reply_of(watches);
            ASSERT_THAT(told, HasSubstr(kind() + "/"));
        } while (told.find(fixed()) == std::string::npos);
        EXPECT_THAT(told, testing::ContainsRegex("\"value\":\"[0-9a-f]*[1-9a-f]"));
    }
    void run_until_late() {
        bool is_late = false;
        daemon_.on_late([&is_late](ProviderSlot &) { is_late = true; });
        while (!is_late) ASSERT_GT(loop_.run_one(), 0U) << "nothing is left to wait for";
    }

    HeldReports reports_{GetParam()};
    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
};

INSTANTIATE_TEST_SUITE_P(OfAGuest, FirstReportTest, testing::Values("snp", "cca"), [](const auto &of) { return std::string(of.param); });

TEST_P(FirstReportTest, ThatNeverReturnsHoldsUpNeitherTheStartNorOtherRegistersNorOtherClients) {
    start();
    reports_.wait_for(1);
    EXPECT_FALSE(reports_.were_on_the_tests_thread());
    SessionClient waits(*service_);
    SessionClient waits_too(*service_);
    SessionClient other(*service_);
    EXPECT_THAT(waits.call(read_method, named(fixed())), IsEmpty());
    EXPECT_THAT(waits_too.call(snapshot_method, R"({"names":[")" + fixed() + R"("]})"), IsEmpty());
    for (int i = 0; i < 3; ++i) {
        EXPECT_THAT(other.call(read_method, named("tdx/rtmr3")), HasSubstr("value"));
        EXPECT_THAT(other.call(read_method, named("tdx/rtmr3", true)), HasSubstr("value"));
        EXPECT_THAT(other.call(list_method), HasSubstr(fixed()));
        // Who asks for all of them asks for none that has no value.
        EXPECT_THAT(other.call(snapshot_method), testing::AllOf(HasSubstr("tdx/rtmr3"), Not(HasSubstr(fixed()))));
    }
    loop_.restart();
    loop_.poll();
    EXPECT_THAT(waits.reply(), IsEmpty());
    EXPECT_EQ(reports_.asked(), 1);

    reports_.let_go();
    EXPECT_THAT(reply_of(waits), HasSubstr(R"("value":)"));
    EXPECT_THAT(reply_of(waits_too), HasSubstr(R"("value":)"));
    EXPECT_THAT(other.call(read_method, named(fixed())), HasSubstr(R"("refreshed":false)"));
    EXPECT_EQ(reports_.asked(), 1) << "all who waited have the same one, and what does not change is not read again";
    EXPECT_THAT(reply_of(other, snapshot_method), testing::AllOf(HasSubstr("tdx/rtmr3"), HasSubstr(fixed())));
}

TEST_P(FirstReportTest, OfAGuestThatComesLateIsMadeThereToo) {
    start(1);
    run_until_late();
    reports_.wait_for(1);
    SessionClient waits(*service_);
    SessionClient other(*service_);
    EXPECT_THAT(waits.call(read_method, named(fixed())), IsEmpty());
    EXPECT_THAT(other.call(read_method, named("tdx/rtmr3", true)), HasSubstr("value"));
    reports_.let_go();
    EXPECT_THAT(reply_of(waits), HasSubstr(R"("value":)"));
    EXPECT_FALSE(reports_.were_on_the_tests_thread());
    EXPECT_EQ(reports_.threads(), 1U);
}

// A value that nobody has read is none: who watches all registers is told of these with their first one.
TEST_P(FirstReportTest, IsWhatWhoWatchesAllRegistersIsToldFirst) {
    start();
    watch_all([] {});
}

TEST_P(FirstReportTest, OfAGuestThatComesLateIsWhatWhoWatchesAllRegistersIsToldFirst) {
    start(1);
    watch_all([this] { run_until_late(); });
}

TEST_P(FirstReportTest, ThatFailsIsTheErrorOfWhoWaitsAndTheNextReadAsksForAnother) {
    reports_.fail_next("the host does not answer");
    start();
    reports_.wait_for(1);
    SessionClient client(*service_);
    client.send(read_method, named(fixed()));
    reports_.let_go();
    EXPECT_THAT(reply_of(client), testing::AllOf(HasSubstr("ProviderFailed"), HasSubstr("the host does not answer")));
    client.send(read_method, named(fixed()));
    EXPECT_THAT(reply_of(client), HasSubstr(R"("value":)"));
    EXPECT_EQ(reports_.asked(), 2);
}

TEST_P(FirstReportTest, ThatDoesNotComeInTimeIsTheErrorOfWhoWaitsAndIsMadeAllTheSame) {
    auto &longest_wait = daemon_.registers().events().longest_wait_for_report;
    longest_wait = std::chrono::milliseconds(1);
    start();
    reports_.wait_for(1);
    SessionClient client(*service_);
    SessionClient other(*service_);
    client.send(read_method, named(fixed()));
    EXPECT_THAT(reply_of(client), testing::AllOf(HasSubstr("ProviderFailed"), HasSubstr("it is still being made")));
    EXPECT_THAT(other.call(read_method, named("tdx/rtmr3", true)), HasSubstr("value"));
    // Who asks now waits for the same one.
    longest_wait = std::chrono::hours(1);
    client.send(read_method, named(fixed()));
    reports_.let_go();
    EXPECT_THAT(reply_of(client), HasSubstr(R"("value":)"));
    EXPECT_EQ(reports_.asked(), 1);
}

TEST_P(FirstReportTest, ThatThisMrdCannotReadLeavesQuotesAndNoRegister) {
    reports_.make_unreadable();
    start();
    reports_.let_go();
    SessionClient client(*service_);
    client.send(read_method, named(fixed()));
    EXPECT_THAT(reply_of(client), HasSubstr("RegisterGone"));
    EXPECT_THAT(client.call(read_method, named(fixed())), HasSubstr("RegisterGone"));
    EXPECT_THAT(client.call(list_method), Not(HasSubstr(fixed())));
    EXPECT_NE(daemon_.find_provider(kind())->quotes(), nullptr);
}

TEST_P(FirstReportTest, IsOnTheThreadThatMakesQuotesAndSoIsEachLaterOne) {
    start();
    reports_.let_go();
    auto &quotes = *daemon_.find_provider(kind())->quotes();
    int answered = 0;
    const auto ask = [&] {
        quotes.ask(quotes.new_ticket(), {}, {.report_data = mr::Bytes(64, 1)}, std::chrono::steady_clock::now() + std::chrono::minutes(10),
                   [&answered](const Quotes::Result & /*result*/) { ++answered; });
    };
    ask();
    SessionClient client(*service_);
    client.send(read_method, named(kind() == "snp" ? fixed() : "cca/rem0"));
    EXPECT_THAT(reply_of(client), HasSubstr(R"("value":)"));
    ask();
    loop_.restart();
    while (answered < 2) ASSERT_GT(loop_.run_one(), 0U);
    EXPECT_FALSE(reports_.were_on_the_tests_thread());
    EXPECT_EQ(reports_.threads(), 1U);
    // What a realm extends is read for each reader, what never changes once.
    EXPECT_EQ(reports_.asked(), kind() == "snp" ? 3 : 4);
}

using FirstTokenTest = FirstReportTest;
INSTANTIATE_TEST_SUITE_P(OfAGuest, FirstTokenTest, testing::Values("cca"), [](const auto &of) { return std::string(of.param); });

TEST_P(FirstTokenTest, SaysWhichHashARealmHas) {
    start();
    reports_.wait_for(1);
    SessionClient client(*service_);
    EXPECT_THAT(client.call(list_method, R"({"provider":"cca"})"), Not(HasSubstr("sha256")));
    EXPECT_THAT(client.call(read_method, named("cca/rim:sha256")), HasSubstr("NoSuchRegister"));
    client.send(read_method, named("cca/rim"));
    reports_.let_go();
    EXPECT_THAT(reply_of(client), HasSubstr(R"("value":)"));
    EXPECT_THAT(client.call(list_method, R"({"provider":"cca"})"),
                HasSubstr(R"("name":"cca/rem0","hash":"sha256","size":32,"flags":"RL")"));
    EXPECT_THAT(client.call(read_method, named("cca/rim:sha256")), HasSubstr(R"("value":)"));
}

}  // namespace
}  // namespace mrd::tsm
