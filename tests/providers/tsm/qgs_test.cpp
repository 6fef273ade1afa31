// Quotes by a quote generation service: its messages, and a quoter beside services that answer, refuse, lie, hang and go.
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
#include "mrd/providers/tsm/qgs_message.h"
#include "mrd/providers/tsm/qgs_quoter.h"
#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/providers/tsm/qgs_answer.h"

namespace mrd::tsm {
namespace {

using Answer = QgsAnswer;
using ::testing::HasSubstr;
using Cause = QuoteFailure::Cause;

// ---- Messages

TEST(QgsMessage, ARequestIsTheReportInHeaderAndFrame) {
    const mr::Bytes report(mr::tdreport_size, 0xAB);
    const auto request = qgs_quote_request(report);
    ASSERT_EQ(request.size(), 1052U);
    EXPECT_EQ(mr::to_hex(mr::ByteView(request).first(28)),
              "00000418"    // 1048, big-endian
              "01000100"    // version 1.1
              "00000000"    // GET_QUOTE_REQ
              "18040000"    // 1048
              "00000000"    // no error
              "00040000"    // 1024 bytes of report
              "00000000");  // no ids
    EXPECT_TRUE(std::ranges::equal(mr::ByteView(request).subspan(28), report));
}

TEST(QgsMessage, AnAnswerIsItsQuoteWhateverTheIdBeforeIt) {
    const mr::Bytes quote{1, 2, 3};
    EXPECT_EQ(read_qgs_answer(Answer{.quote = quote}.message()).value(), quote);
    EXPECT_EQ(read_qgs_answer(Answer{.id = mr::Bytes(16, 9), .quote = quote}.message()).value(), quote);
}

TEST(QgsMessage, AnAnswerWithAnyFieldWrongIsNone) {
    const mr::Bytes quote{1, 2, 3};
    const std::vector<std::pair<Answer, std::string>> wrong = {
        {{.major = 2, .quote = quote}, "version 2"},
        {{.type = 0, .quote = quote}, "type 0"},
        {{.size_off_by = 1, .quote = quote}, "says that it has 28"},
        {{.quote_size_off_by = 1, .quote = quote}, "do not fill"},
        {{.quote_size_off_by = 0xFFFFFFFF, .quote = quote}, "do not fill"},
        {{.id = mr::Bytes(max_qgs_id_size + 1), .quote = quote}, "do not fill"},
        {{}, "empty"},
    };
    for (const auto &[answer, reason] : wrong) {
        const auto read = read_qgs_answer(answer.message());
        ASSERT_FALSE(read) << reason;
        EXPECT_FALSE(read.error().refused);
        EXPECT_THAT(read.error().reason, HasSubstr(reason));
    }
    const auto whole = Answer{.quote = quote}.message();
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_qgs_answer(mr::ByteView(whole).first(size))) << size;
}

TEST(QgsMessage, AnErrorIsARefusalWithItsCode) {
    const auto read = read_qgs_answer(Answer{.error = 0x12001}.message());
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().refused);
    EXPECT_THAT(read.error().reason, HasSubstr("0x00012001 (unexpected"));
    EXPECT_THAT(read_qgs_answer(Answer{.error = 7}.message()).error().reason, HasSubstr("0x00000007"));
}

TEST(QgsMessage, AFrameHasTheSizeOfAnAnswerOrIsRefused) {
    EXPECT_EQ(qgs_answer_size(mr::Bytes{0, 0, 0, 24}).value(), 24U);
    EXPECT_EQ(qgs_answer_size(mr::Bytes{0, 1, 2, 3}).value(), 0x010203U);
    EXPECT_FALSE(qgs_answer_size(mr::Bytes{0, 0, 0, 23}));
    EXPECT_FALSE(qgs_answer_size(mr::Bytes{0xFF, 0xFF, 0xFF, 0xFF}));
    EXPECT_THAT(qgs_answer_size(mr::Bytes{0x16, 3, 1, 0}).error(), HasSubstr("369295616"));  // TLS
}

TEST(QgsAddress, IsAVsocksOrAPath) {
    EXPECT_EQ(QgsAddress::parse("vsock:2:4050").value(), (QgsAddress{.cid = 2, .port = 4050, .path = {}}));
    EXPECT_EQ(QgsAddress::parse("/var/run/tdx-qgs/qgs.socket").value().path, "/var/run/tdx-qgs/qgs.socket");
    for (const auto *const text : {"vsock:2:4050", "/run/qgs.socket"}) EXPECT_EQ(QgsAddress::parse(text).value().text(), text);
    for (const auto *const text : {"", "vsock:", "vsock:2", "vsock:2:", "vsock::4050", "vsock:2:4050:1", "vsock:-1:4050",
                                   "vsock:2:4294967296", "qgs.socket", "tcp:1:2"})
        EXPECT_THAT(QgsAddress::parse(text).error(), HasSubstr("vsock:2:4050")) << text;
    EXPECT_FALSE(QgsAddress::parse("/" + std::string(200, 'a')));
}

// ---- The quoter

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
