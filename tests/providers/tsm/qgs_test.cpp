// Quotes by a quote generation service: a quoter beside services that answer, refuse, lie, hang and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "mr/quote.h"
#include "mr/tdreport.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/tsm/qgs_quoter.h"
#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/providers/qgs/frames.h"

namespace mrd::tsm {
namespace {

using Answer = qgs::QuoteAnswer;
using ::testing::HasSubstr;
using Cause = QuoteFailure::Cause;

// A service on a real socket, which does with each connection what the test says.
class Service {
public:
    using Serve = std::function<void(int connection)>;

    explicit Service(const std::filesystem::path &path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = varlink::Address::parse(path.native()).value();
        EXPECT_EQ(::bind(listener_.get(), address.data(), address.size()), 0);
        EXPECT_EQ(::listen(listener_.get(), 8), 0);
    }
    ~Service() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
    }

    void serve(Serve serve) {
        thread_ = std::thread([this, serve = std::move(serve)] {
            for (;;) {
                const varlink::FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!connection) return;
                serve(connection.get());
            }
        });
    }

    static mr::Bytes receive_report(int connection) {
        mr::Bytes request(1052);
        if (::recv(connection, request.data(), request.size(), MSG_WAITALL) != 1052) return {};
        return mr::Bytes(request.begin() + 28, request.end());
    }
    static void send(int connection, mr::ByteView bytes) { (void)!::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    // Until the peer closes.
    static void hang(int connection) {
        std::uint8_t byte = 0;
        while (::recv(connection, &byte, 1, 0) > 0) {
        }
    }

private:
    varlink::FileDescriptor listener_;
    std::thread thread_;
};

class SimulatedReporter final : public Reporter {
public:
    std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) override {
        if (fails) return std::unexpected(ProviderError{"no report today", Applied::no});
        mr::TdInfo td;
        td.rtmr[3].fill(7);
        mr::ReportData data{};
        std::ranges::copy(report_data, data.begin());
        const auto made = sim::ReportMaker::open(key).value().make(td, data);
        return mr::Bytes(made.begin(), made.end());
    }
    static constexpr sim::ReportKey key = {1, 2, 3};
    bool fails = false;
};

class QgsQuoterTest : public ::testing::Test {
protected:
    QgsQuoterTest() {
        registers_.emplace_back().name = "rtmr3";
        quoter_ = make_qgs_quoter({.cid = 0, .port = 0, .path = path()}, reporter_, registers_);
    }
    [[nodiscard]] std::string path() const { return folder_.path() / "qgs.socket"; }

    mr::Bytes quote_over(mr::ByteView report) {
        if (!signing_)
            signing_.emplace(sim::QuotingService::open(folder_.path() / "keys", SimulatedReporter::key, sim::QuoteFormat::v4).value());
        return signing_->quote(report).value();
    }

    std::expected<Quoted, QuoteFailure> quote(std::uint8_t nonce = 1) {
        return quoter_->quote(mr::Bytes(64, nonce), {}, stop_.get_token());
    }
    void expect_failure(Cause cause, const std::string &reason) {
        const auto made = quote();
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().cause, cause) << made.error().reason;
        EXPECT_THAT(made.error().reason, HasSubstr(reason));
    }

    TemporaryFolder folder_;
    std::vector<RegisterSpec> registers_;
    SimulatedReporter reporter_;
    std::optional<sim::QuotingService> signing_;
    std::unique_ptr<Quoter> quoter_;
    std::stop_source stop_;
};

TEST_F(QgsQuoterTest, GivesTheQuoteOverTheReportDataAndWhatItSays) {
    Service service(path());
    service.serve(
        [this](int connection) { Service::send(connection, Answer{.quote = quote_over(Service::receive_report(connection))}.framed()); });
    for (const std::uint8_t nonce : {std::uint8_t{1}, std::uint8_t{2}}) {
        const auto made = quote(nonce);
        ASSERT_TRUE(made) << made.error().reason;
        EXPECT_EQ(made->format, "tdx_v4");
        EXPECT_EQ(made->says.report_data, mr::Bytes(64, nonce));
        ASSERT_EQ(made->says.registers.size(), 1U);
        EXPECT_EQ(made->says.registers[0].value, mr::Digest(mr::Bytes(48, 7)));
    }
}

TEST_F(QgsQuoterTest, AnAnswerMayComeByteForByte) {
    Service service(path());
    service.serve([this](int connection) {
        for (const auto byte : Answer{.quote = quote_over(Service::receive_report(connection))}.framed())
            Service::send(connection, {&byte, 1});
    });
    EXPECT_TRUE(quote());
}

TEST_F(QgsQuoterTest, WhereNobodyListensSaysWhere) {
    expect_failure(Cause::unavailable, path() + ": No such file");
    {
        const Service gone(path());
    }
    expect_failure(Cause::unavailable, "Connection refused");
}

TEST_F(QgsQuoterTest, AQuoteOverAnotherReportIsInvalid) {
    Service service(path());
    service.serve([this](int connection) {
        Service::receive_report(connection);
        Service::send(connection, Answer{.quote = quote_over(reporter_.report(mr::Bytes(64, 9)).value())}.framed());
    });
    expect_failure(Cause::invalid, "");
}

TEST_F(QgsQuoterTest, ARefusalAnswersThatAreNoneAndAnEndBetweenEachTellWhy) {
    struct Case {
        mr::Bytes answer;
        Cause cause;
        std::string reason;
    };
    const auto part = [](const mr::Bytes &whole, std::size_t size) {
        return mr::Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    };
    const auto good = Answer{.quote = {1, 2, 3}}.framed();
    std::vector<Case> cases = {{Answer{.error = 0x12001}.framed(), Cause::failed, "0x00012001"},
                               {Answer{.major = 3}.framed(), Cause::invalid, "version 3"},
                               {{0xFF, 0xFF, 0xFF, 0xFF}, Cause::invalid, "4294967295"},
                               {good, Cause::invalid, "quote"}};
    for (std::size_t size = 0; size < good.size(); ++size) cases.push_back({part(good, size), Cause::failed, "without a whole answer"});
    std::size_t next = 0;
    Service service(path());
    service.serve([&](int connection) {
        Service::receive_report(connection);
        Service::send(connection, cases[next++].answer);
    });
    for (const auto &each : cases) expect_failure(each.cause, each.reason);
}

TEST_F(QgsQuoterTest, AServiceThatEndsBeforeItReadsIsAFailure) {
    Service service(path());
    service.serve([](int) {});
    const auto made = quote();
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().cause, Cause::failed);
}

// Before the answer, in the middle of it, and where the queue of connections is full.
TEST_F(QgsQuoterTest, AStopEndsAnyWaiting) {
    std::mutex mutex;
    std::condition_variable changed;
    bool hangs = false;
    std::atomic<std::size_t> sent = 0;
    Service service(path());
    service.serve([&](int connection) {
        Service::receive_report(connection);
        Service::send(connection, mr::ByteView(Answer{.quote = {1, 2, 3}}.framed()).first(sent));
        {
            const std::lock_guard lock(mutex);
            hangs = true;
        }
        changed.notify_one();
        Service::hang(connection);
    });
    for (const std::size_t size : {0U, 3U, 4U, 20U}) {
        sent = size;
        {
            const std::lock_guard lock(mutex);
            hangs = false;
        }
        stop_ = {};
        std::thread stopper([&] {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return hangs; });
            stop_.request_stop();
        });
        expect_failure(Cause::cancelled, "");
        stopper.join();
    }
    // One that is requested already.
    expect_failure(Cause::cancelled, "");
}

TEST_F(QgsQuoterTest, WithoutAReportThereIsNoQuoteAndNobodyIsAsked) {
    reporter_.fails = true;
    expect_failure(Cause::no_report, "no report today");
}

TEST_F(QgsQuoterTest, RefusesAPrivilegeLevel) {
    const auto made = quoter_->quote(mr::Bytes(64), {.privilege_level = 0}, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().cause, Cause::not_supported);
}

}  // namespace
}  // namespace mrd::tsm
