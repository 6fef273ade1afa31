// The quoting service on a real socket: what it answers to frames that are put together from the layout, to hostile ones, and to mrd's own client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "mr/certificate.h"
#include "mr/collateral.h"
#include "mr/quote.h"
#include "mr/tdreport.h"
#include "mr/verify_quote.h"
#include "mrd/daemon/listeners.h"
#include "mrd/providers/sim/platform.h"
#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/sim/state.h"
#include "mrd/providers/tsm/qgs_quoter.h"
#include "mrd/quoting_service/answer.h"
#include "tests/attestation/verdict_text.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/providers/qgs/frames.h"
#include "tests/quoting_service/connection.h"

namespace mrd::quoting_service {
namespace {

using namespace std::chrono_literals;
using qgs::get_le;
using qgs::Message;

// The simulated TD that the platform has.
class SimulatedTd final : public Reporter {
public:
    explicit SimulatedTd(const std::filesystem::path &state_directory, bool reset = false)
        : state_(sim::State::open({.file = sim::state_file(state_directory, "tdx"), .boot_id = "test", .reset = reset}).value()),
          maker_(sim::ReportMaker::open(state_.report_key()).value()) {}

    std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) override {
        mr::ReportData data{};
        std::ranges::copy(report_data, data.begin());
        const auto made = maker_.make(td_info_of(state_.statics(), state_.read().value()), data);
        return mr::Bytes(made.begin(), made.end());
    }
    mr::Bytes report(std::uint8_t nonce = 1) { return report(mr::Bytes(64, nonce)).value(); }

private:
    sim::State state_;
    sim::ReportMaker maker_;
};

class QuotingServiceTest : public ::testing::Test {
protected:
    // No time is over in a test that does not wait for it.
    static RequestListener::Limits patient() {
        auto limits = usual_limits;
        limits.time = 1h;
        return limits;
    }
    void serve(const RequestListener::Limits &limits = patient(), PlatformOptions options = {}) {
        options.state = folder_.path();
        platform_.emplace(Platform::open(std::move(options)).value());
        auto bound = bind_socket_file(path(), {.mode = 0600});
        ASSERT_TRUE(bound) << bound.error();
        file_.emplace(std::move(bound->file));
        ASSERT_EQ(::listen(bound->socket.get(), 512), 0);
        std::vector<varlink::FileDescriptor> sockets;
        sockets.push_back(std::move(bound->socket));
        listener_.emplace(loop_, std::move(sockets), [this](mr::ByteView received) { return answer(*platform_, received); }, limits);
        thread_ = std::thread([this] { loop_.run(); });
    }
    void TearDown() override {
        loop_.stop();
        if (thread_.joinable()) thread_.join();
    }

    [[nodiscard]] std::string path() const { return (folder_.path() / "qgs.socket").native(); }
    [[nodiscard]] const std::filesystem::path &state() const { return folder_.path(); }
    [[nodiscard]] Connection connect() const { return Connection(path()); }
    [[nodiscard]] mr::Bytes answer_to(mr::ByteView request) const {
        const auto connection = connect();
        EXPECT_TRUE(connection.send(request));
        return connection.rest();
    }

    // A whole answer of this type without an error, whose sizes are what it has: what is behind its header.
    static mr::Bytes body_of(const mr::Bytes &framed, std::uint32_t type) {
        if (framed.size() < 20) throw std::runtime_error("no answer");
        EXPECT_EQ(mr::to_hex(mr::ByteView(framed).first(4)), mr::to_hex(mr::Bytes{0, static_cast<std::uint8_t>((framed.size() - 4) >> 16U),
                                                                                  static_cast<std::uint8_t>((framed.size() - 4) >> 8U),
                                                                                  static_cast<std::uint8_t>(framed.size() - 4)}));
        EXPECT_EQ(get_le(framed, 4, 2), 1U) << "QEMU wants 1.1";
        EXPECT_EQ(get_le(framed, 6, 2), 1U);
        EXPECT_EQ(get_le(framed, 8, 4), type);
        EXPECT_EQ(get_le(framed, 12, 4), framed.size() - 4);
        EXPECT_EQ(get_le(framed, 16, 4), 0U) << "no error";
        return {framed.begin() + 20, framed.end()};
    }
    // Of an answer as QEMU takes it: no id, and the quote to its end.
    static mr::Bytes quote_in(const mr::Bytes &framed) {
        const auto body = body_of(framed, 1);
        EXPECT_EQ(get_le(body, 0, 4), 0U);
        EXPECT_EQ(get_le(body, 4, 4), body.size() - 8);
        return {body.begin() + 8, body.end()};
    }
    static void expect_error(const mr::Bytes &framed, std::uint32_t type, std::size_t size) {
        mr::Bytes body(size - 16);
        EXPECT_EQ(mr::to_hex(framed), mr::to_hex(Message{.type = type, .error = 0x12001, .body = body}.bytes()));
    }

    TemporaryFolder folder_;
    std::optional<Platform> platform_;
    std::optional<SocketFile> file_;
    boost::asio::io_context loop_;
    std::optional<RequestListener> listener_;
    std::thread thread_;
};

// ---- Quotes

TEST_F(QuotingServiceTest, QuotesAReportOfItsTdFramedAndBare) {
    SimulatedTd td(state());
    serve();
    for (const std::uint8_t nonce : {std::uint8_t{1}, std::uint8_t{2}}) {
        const auto report = td.report(nonce);
        for (const auto &quote : {quote_in(answer_to(qgs::quote_message(report).bytes())),
                                  quote_in(answer_to(qgs::quote_message(report, mr::Bytes(16, 9)).bytes())), answer_to(report)}) {
            const auto decoded = mr::decode_quote(quote);
            ASSERT_TRUE(decoded) << decoded.error().message;
            EXPECT_EQ(decoded->header.version, 4);
            EXPECT_EQ(mr::to_hex(decoded->body.report_data), mr::to_hex(mr::Bytes(64, nonce)));
        }
    }
}

TEST_F(QuotingServiceTest, ItsQuotesAreInTheFormatThatIsAskedFor) {
    SimulatedTd td(state());
    serve(patient(), {.format = sim::QuoteFormat::v5_td15});
    const auto quote = quote_in(answer_to(qgs::quote_message(td.report()).bytes()));
    const auto decoded = mr::decode_quote(quote);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->header.version, 5);
}

// A quote by the service, and the collateral and the root that an mrd on the same state directory gives.
TEST_F(QuotingServiceTest, ItsQuotesVerifyUnderTheRootOfTheSimulatorOnTheSameState) {
    SimulatedTd td(state());
    serve();
    const auto report = td.report();
    const auto quote = quote_in(answer_to(qgs::quote_message(report).bytes()));
    const auto quoter = sim::make_quoter(
        {.registers = {}, .state_file = sim::state_file(state(), "tdx"), .quoting_file = sim::quoting_file(state(), "tdx")});
    const auto given = quoter->read_collateral();
    ASSERT_TRUE(given) << given.error();
    const auto collateral = mr::parse_collateral(given->json).value();
    const auto anchors = mr::parse_trust_anchors(mr::as_bytes(given->root_pem)).value();
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const auto judged = [&](const mr::TrustAnchors &roots) {
        mr::Verdict verdict;
        mr::verify_quote(quote, &collateral, roots, now.count(), {}, verdict);
        return verdict;
    };
    const auto accepted = judged(anchors);
    EXPECT_TRUE(accepted.verified()) << mr::reasons(accepted);
    EXPECT_THAT(mr::not_true(accepted), ::testing::ElementsAre("root_is_hardware: false"));
    EXPECT_EQ(judged(mr::intel_trust_anchors()).find(mr::statement::certificate_chain)->result, mr::Judgement::fails);
}

TEST_F(QuotingServiceTest, AReportOfAnotherModuleOrThatWasChangedIsRefused) {
    SimulatedTd td(state());
    serve();
    auto report = td.report();
    for (const std::size_t at : {std::size_t{1}, mr::tdreport_mac_offset, std::size_t{200}, std::size_t{300}, std::size_t{600}}) {
        auto changed = report;
        changed[at] ^= 1;
        expect_error(answer_to(qgs::quote_message(changed).bytes()), 1, 24);
        EXPECT_EQ(answer_to(changed), mr::Bytes()) << at;
    }
    const TemporaryFolder elsewhere;
    SimulatedTd other(elsewhere.path());
    expect_error(answer_to(qgs::quote_message(other.report()).bytes()), 1, 24);
    for (const std::size_t size : {1U, 1023U, 1025U}) {
        report.resize(size);
        expect_error(answer_to(qgs::quote_message(report).bytes()), 1, 24);
    }
}

TEST_F(QuotingServiceTest, ATdThatIsStartedLaterOrAnewIsTheOneThatIsQuoted) {
    serve();
    const TemporaryFolder elsewhere;
    expect_error(answer_to(qgs::quote_message(SimulatedTd(elsewhere.path()).report()).bytes()), 1, 24);
    mr::Bytes of_the_first;
    {
        SimulatedTd first(state());
        of_the_first = first.report();
        quote_in(answer_to(qgs::quote_message(of_the_first).bytes()));
    }
    // Nothing of the service's keeps it from being ended.
    SimulatedTd second(state(), true);
    quote_in(answer_to(qgs::quote_message(second.report()).bytes()));
    expect_error(answer_to(qgs::quote_message(of_the_first).bytes()), 1, 24);
}

TEST_F(QuotingServiceTest, TheKeyOfAnotherModuleIsTheOneWhoseReportsAreQuoted) {
    constexpr sim::ReportKey key = {9, 8, 7};
    SimulatedTd td(state());
    serve(patient(), {.report_key = key});
    const auto report = sim::ReportMaker::open(key).value().make({}, {});
    quote_in(answer_to(qgs::quote_message(report).bytes()));
    expect_error(answer_to(qgs::quote_message(td.report()).bytes()), 1, 24);
}

// ---- Collateral, and the platform

TEST_F(QuotingServiceTest, GivesItsCollateralInTheOrderOfTheProtocol) {
    serve();
    for (const std::uint16_t minor : {std::uint16_t{0}, std::uint16_t{1}}) {
        for (const auto &ca : {std::string("platform"), std::string("platform\0", 9)}) {
            auto message = qgs::collateral_message("mrdsim", ca);
            message.minor = minor;
            const auto body = body_of(answer_to(message.bytes()), 3);
            EXPECT_EQ(get_le(body, 0, 2), 3U);
            EXPECT_EQ(get_le(body, 2, 2), 1U);
            std::vector<std::string> parts;
            std::size_t at = 32;
            for (std::size_t i = 0; i < 7; ++i) {
                const auto size = get_le(body, 4 + 4 * i, 4);
                ASSERT_LE(at + size, body.size());
                parts.emplace_back(body.begin() + static_cast<std::ptrdiff_t>(at), body.begin() + static_cast<std::ptrdiff_t>(at + size));
                ASSERT_TRUE(parts.back().ends_with('\0'));
                parts.back().pop_back();
                at += size;
            }
            EXPECT_EQ(body.size() - at, minor == 0 ? 4U : 0U);
            // mrd's own reader makes one of such answers, and finds that they belong together.
            std::vector<mr::CollateralFile> files;
            for (const auto &part : parts) files.push_back({"part", mr::as_bytes(part)});
            const auto collateral = mr::assemble_collateral(files);
            ASSERT_TRUE(collateral) << collateral.error().message;
            EXPECT_EQ(collateral->pck_crl_issuer_chain, parts[0]);
            EXPECT_EQ(collateral->root_ca_crl, mr::Bytes(parts[1].begin(), parts[1].end()));
            EXPECT_EQ(collateral->pck_crl, mr::Bytes(parts[2].begin(), parts[2].end()));
            EXPECT_EQ(collateral->tcb_info_issuer_chain, parts[3]);
            EXPECT_EQ(collateral->qe_identity_issuer_chain, parts[5]);
            EXPECT_EQ("{\"tcbInfo\":" + collateral->tcb_info + ",\"signature\":\"" + mr::to_hex(collateral->tcb_info_signature) + "\"}",
                      parts[4]);
        }
    }
}

TEST_F(QuotingServiceTest, HasNoCollateralOfOtherPlatforms) {
    serve();
    for (const auto &[fmspc, ca] : {std::pair("mrdsin", "platform"), std::pair("mrdsi", "platform"), std::pair("mrdsim", "processor"),
                                    std::pair("mrdsim", "platforms")})
        expect_error(answer_to(qgs::collateral_message(fmspc, ca).bytes()), 3, 48);
    expect_error(answer_to(qgs::collateral_message("mrdsim", std::string(1, '\0')).bytes()), 3, 48);
}

TEST_F(QuotingServiceTest, SaysWhatThePlatformIs) {
    serve();
    const auto body = body_of(answer_to(qgs::platform_message().bytes()), 5);
    EXPECT_EQ(get_le(body, 0, 2), sim::simulated_qe_isv_svn);
    EXPECT_EQ(get_le(body, 2, 2), sim::simulated_pce_svn);
    ASSERT_EQ(get_le(body, 4, 4), 16U);
    ASSERT_EQ(get_le(body, 8, 4), 16U);
    ASSERT_EQ(body.size(), 12U + 32U + 4U);
    EXPECT_NE(mr::Bytes(body.begin() + 12, body.begin() + 28), mr::Bytes(16)) << "the platform's PPID";
    EXPECT_TRUE(std::equal(body.begin() + 28, body.begin() + 44, sim::simulated_cpu_svn.begin()));
    // It is the same platform after a restart.
    EXPECT_EQ(Platform::open({.state = state()}).value().description().id, platform_->description().id);
}

// ---- Hostile clients

TEST_F(QuotingServiceTest, WhatIsNoRequestIsClosedWithoutAnAnswer) {
    SimulatedTd td(state());
    serve();
    const auto body = qgs::two_parts(td.report(), {});
    const std::vector<mr::Bytes> none = {
        {0xFF, 0xFF, 0xFF, 0xFF},
        {'G', 'E', 'T', ' ', '/'},
        mr::Bytes(4096),
        Message{.major = 2, .body = body}.bytes(),
        Message{.body = body, .size = 2000}.bytes(),
        Message{.body = body, .frame = 2000}.bytes(),
        Message{.type = 1, .body = body}.bytes(),
        Message{.type = 6, .body = body}.bytes(),
    };
    for (const auto &bytes : none) EXPECT_EQ(answer_to(bytes), mr::Bytes());
    quote_in(answer_to(qgs::quote_message(td.report()).bytes()));
}

TEST_F(QuotingServiceTest, ARequestWhoseSizesLieIsAnError) {
    SimulatedTd td(state());
    serve();
    const auto report = td.report();
    expect_error(answer_to(Message{.body = qgs::two_parts(report, {}, 1023)}.bytes()), 1, 24);
    expect_error(answer_to(Message{.body = qgs::two_parts(report, {}, 0xFFFFFFFF, 1025)}.bytes()), 1, 24);
    expect_error(answer_to(Message{.error = 1, .body = qgs::two_parts(report, {})}.bytes()), 1, 24);
    expect_error(answer_to(qgs::quote_message({}).bytes()), 1, 24);
    expect_error(answer_to(Message{.type = 2, .body = qgs::two_parts(report, report, 0xFFFFFFFF)}.bytes()), 3, 48);
    expect_error(answer_to(Message{.type = 4, .body = {1}}.bytes()), 5, 28);
}

TEST_F(QuotingServiceTest, ARequestMayComeByteByByte) {
    SimulatedTd td(state());
    serve();
    for (const auto &request : {qgs::quote_message(td.report()).bytes(), td.report()}) {
        const auto connection = connect();
        for (const auto byte : request) ASSERT_TRUE(connection.send({&byte, 1}));
        EXPECT_GT(connection.rest().size(), 1000U);
    }
}

TEST_F(QuotingServiceTest, AClientThatEndsInTheMiddleGetsNothing) {
    SimulatedTd td(state());
    serve();
    for (const auto &request : {qgs::quote_message(td.report()).bytes(), td.report()}) {
        for (std::size_t size = 0; size < request.size(); size += size < 32 ? 1 : 97) {
            const auto connection = connect();
            ASSERT_TRUE(size == 0 || connection.send(mr::ByteView(request).first(size)));
            connection.end_sending();
            EXPECT_EQ(connection.rest(), mr::Bytes()) << size;
        }
    }
}

TEST_F(QuotingServiceTest, AnswersOneRequestOfAConnection) {
    SimulatedTd td(state());
    serve();
    auto two = qgs::quote_message(td.report(1)).bytes();
    qgs::append(two, qgs::quote_message(td.report(2)).bytes());
    const auto quote = quote_in(answer_to(two));
    EXPECT_EQ(mr::to_hex(mr::decode_quote(quote)->body.report_data), mr::to_hex(mr::Bytes(64, 1)));
}

TEST_F(QuotingServiceTest, WhoDoesNotFinishInItsTimeIsClosed) {
    SimulatedTd td(state());
    auto limits = usual_limits;
    limits.time = 20ms;
    serve(limits);
    for (const std::size_t size : {0U, 3U, 500U}) {
        const auto connection = connect();
        ASSERT_TRUE(connection.send(mr::ByteView(td.report()).first(size)));
        EXPECT_EQ(connection.rest(), mr::Bytes());
    }
}

TEST_F(QuotingServiceTest, HoweverManyAreSlowWhoIsNotIsServed) {
    SimulatedTd td(state());
    auto limits = patient();
    limits.connections = 16;
    serve(limits);
    const auto request = qgs::quote_message(td.report()).bytes();
    std::vector<Connection> slow;
    for (std::size_t i = 0; i < 4 * limits.connections; ++i) {
        slow.push_back(connect());
        // Some of them have been answered and read nothing.
        (void)slow.back().send(i % 2 == 0 ? mr::ByteView(request).first(100) : mr::ByteView(request));
        if (i % 8 == 0) quote_in(answer_to(request));
    }
    EXPECT_EQ(slow.front().rest(), mr::Bytes()) << "it was ended, as the one that was made first";
}

// ---- mrd's own client

TEST_F(QuotingServiceTest, GivesMrdsOwnClientItsQuotes) {
    SimulatedTd td(state());
    serve();
    std::vector<RegisterSpec> registers(1);
    registers[0].name = "rtmr3";
    const auto quoter = tsm::make_qgs_quoter({.path = path()}, td, registers);
    for (const std::uint8_t nonce : {std::uint8_t{1}, std::uint8_t{2}}) {
        const auto made = quoter->quote(mr::Bytes(64, nonce), {}, {});
        ASSERT_TRUE(made) << made.error().reason;
        EXPECT_EQ(made->format, "tdx_v4");
        EXPECT_EQ(made->says.report_data, mr::Bytes(64, nonce));
    }
    const TemporaryFolder elsewhere;
    SimulatedTd other(elsewhere.path());
    const auto refused = tsm::make_qgs_quoter({.path = path()}, other, registers)->quote(mr::Bytes(64, 1), {}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().cause, QuoteFailure::Cause::failed);
    EXPECT_THAT(refused.error().reason, ::testing::HasSubstr("0x00012001"));
}

}  // namespace
}  // namespace mrd::quoting_service
