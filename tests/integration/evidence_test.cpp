// Evidence from a running mrd, and what a verifier says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <future>
#include <map>

#include "mr/tdreport.h"
#include "mr/verify.h"
#include "tests/integration/daemon.h"
#include "tests/integration/extenders.h"
#include "tests/integration/log_reading.h"
#include "tests/integration/mrctl.h"
#include "tests/places.h"

namespace mrd {
namespace {

using namespace mr::statement;  // NOLINT(google-build-using-namespace): names
using mr::ErrorCode;
using mr::Judgement;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Of a client that is kept, or of one for this.
template <class Client>
std::expected<mr::Evidence, mr::Error> evidence_of(Client &&client, const mr::ReportData &data, const mr::EvidenceOptions &options = {}) {
    const auto given = client.evidence(data, options);
    if (!given) return std::unexpected(given.error());
    return mr::parse_evidence(mr::as_bytes(given->json));
}

constexpr std::uint32_t all_clients = 32;
// While one's evidence is made: what they all extend is in the log of each.
constexpr std::ptrdiff_t extends_during_each = 40;

const std::vector<std::string> rtmrs{"tdx/rtmr0", "tdx/rtmr1", "tdx/rtmr2", "tdx/rtmr3"};

class EvidenceTest : public DaemonTest {
protected:
    // As a relying party would who trusts the simulator's root.
    static mr::VerifyOptions options_for(mr::Client &client, const mr::ReportData &expected) {
        mr::VerifyOptions options;
        options.report_data = mr::Bytes(expected.begin(), expected.end());
        options.time = std::time(nullptr);
        options.anchors = mr::parse_trust_anchors(mr::as_bytes(client.collateral().value().root_pem)).value();
        options.waived.reference = true;
        return options;
    }
    static mr::Verdict verdict_of(mr::Client &client, const mr::Evidence &evidence, const mr::ReportData &expected) {
        return mr::verify(evidence, options_for(client, expected));
    }
    static std::string told(const mr::Verdict &verdict) {
        std::string text;
        for (const auto &each : verdict.statements())
            text += each.name + " " + std::string(to_string(each.result)) + ": " + each.reason + "\n";
        return text;
    }
    // Each from a client of its own, with its number for a nonce.
    static std::vector<std::future<std::expected<mr::Evidence, mr::Error>>> ask_all(const Daemon &daemon, Extenders &extenders) {
        std::vector<std::future<std::expected<mr::Evidence, mr::Error>>> asking;
        for (std::uint32_t c = 0; c < all_clients; ++c) {
            asking.push_back(std::async(std::launch::async, [&daemon, &extenders, c] {
                extenders.allow(extends_during_each);
                return evidence_of(daemon.client(), nonce(c), {.deadline = std::chrono::minutes(10)});
            }));
        }
        return asking;
    }
    static void expect_good(mr::Client &client, const mr::Evidence &evidence, std::uint32_t number) {
        EXPECT_TRUE(evidence.coherent());
        const auto verdict = verdict_of(client, evidence, nonce(number));
        EXPECT_TRUE(verdict.verified()) << told(verdict);
    }
    static Judgement result_of(const mr::Verdict &verdict, std::string_view name) { return verdict.find(name)->result; }
};

TEST_F(EvidenceTest, IsVerifiedWithWhatIsInItAndARoot) {
    const auto daemon = started();
    auto client = daemon.client();
    ASSERT_TRUE(client.measure("tdx/rtmr3", mr::as_bytes("image"), {.description = "kernel", .envelope = true}));
    const auto evidence = evidence_of(client, nonce(1));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_TRUE(evidence->coherent());
    EXPECT_TRUE(evidence->simulated());
    EXPECT_EQ(evidence->sequence, 1);
    EXPECT_THAT(evidence->registers, SizeIs(4));
    auto options = options_for(client, nonce(1));
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    options.reference.maximum_age_seconds = 600;
    auto verdict = mr::verify(*evidence, options);
    EXPECT_TRUE(verdict.verified()) << told(verdict);
    EXPECT_EQ(result_of(verdict, root_is_hardware), Judgement::fails);
    options.reference.platform.accept_simulated_roots = false;
    EXPECT_FALSE(mr::verify(*evidence, options).verified());
    options.anchors.reset();
    EXPECT_EQ(result_of(mr::verify(*evidence, options), certificate_chain), Judgement::fails);
    EXPECT_FALSE(verdict_of(client, *evidence, nonce(2)).verified()) << "another's nonce";
    for (const auto code : {evidence_of(client, {}).error().code, client.quote({}).error().code, client.report({}).error().code})
        EXPECT_EQ(code, ErrorCode::invalid_argument) << "zeros, as of anybody who chose none";
}

TEST_F(EvidenceTest, OfAnEmptyLogIsEvidenceToo) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto evidence = evidence_of(client, nonce(1)).value();
    EXPECT_EQ(evidence.sequence, 0);
    const auto verdict = verdict_of(client, evidence, nonce(1));
    EXPECT_TRUE(verdict.verified()) << told(verdict);
}

TEST_F(EvidenceTest, ThirtyTwoClientsEachGetTheirOwnWhileEightExtend) {
    constexpr std::uint32_t rounds = 2;
    const auto daemon = started();
    Extenders extenders(daemon, 8, rtmrs, 0);
    struct Taken {
        std::int64_t before;
        mr::Evidence evidence;
        std::int64_t after;
    };
    std::vector<std::future<std::vector<Taken>>> asking;
    for (std::uint32_t c = 0; c < all_clients; ++c) {
        asking.push_back(std::async(std::launch::async, [&, c] {
            auto client = daemon.client();
            std::vector<Taken> all;
            for (std::uint32_t n = 0; n < rounds; ++n) {
                const auto before = client.snapshot(rtmrs).value().sequence;
                extenders.allow(extends_during_each);
                auto evidence = evidence_of(client, nonce(c * rounds + n));
                if (!evidence) throw std::runtime_error(evidence.error().message);
                all.push_back({before, std::move(*evidence), client.snapshot(rtmrs).value().sequence});
            }
            return all;
        }));
    }
    std::vector<std::vector<Taken>> taken;
    for (auto &each : asking) taken.push_back(each.get());
    extenders.stop();

    auto client = daemon.client();
    EXPECT_FALSE(register_status(client, "tdx/rtmr3")["diverged"].get<bool>());
    for (std::uint32_t c = 0; c < all_clients; ++c) {
        ASSERT_THAT(taken[c], SizeIs(rounds));
        for (std::uint32_t n = 0; n < rounds; ++n) {
            const auto &[before, evidence, after] = taken[c][n];
            EXPECT_TRUE(evidence.coherent());
            EXPECT_GE(evidence.sequence, before) << "stale: an extend that had been answered is not in it";
            EXPECT_LE(evidence.sequence, after);
            const auto verdict = verdict_of(client, evidence, nonce(c * rounds + n));
            EXPECT_TRUE(verdict.verified()) << told(verdict);
        }
    }
}

TEST_F(EvidenceTest, AfterSomebodyExtendedBehindMrdsBackSaysSo) {
    const auto daemon = started();
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("ours")));
    EXPECT_TRUE(evidence_of(client, nonce(1)).value().coherent());

    extend_behind("rtmr3", mr::to_hex(digest_of("theirs").bytes()));
    const auto second = evidence_of(client, nonce(2));
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_FALSE(second->coherent());
    EXPECT_FALSE(second->registers[3].matches());
    EXPECT_TRUE(second->registers[2].matches());
    EXPECT_TRUE(register_status(client, "tdx/rtmr3")["diverged"].get<bool>()) << "the registers were reread for it";
    auto verdict = verdict_of(client, *second, nonce(2));
    EXPECT_FALSE(verdict.verified());
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::fails) << told(verdict);

    // Resynced at mrd's next extend: the log leads there again, over a gap.
    ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("ours again")));
    const auto third = evidence_of(client, nonce(3)).value();
    EXPECT_TRUE(third.coherent());
    verdict = verdict_of(client, third, nonce(3));
    EXPECT_FALSE(verdict.verified());
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::holds) << told(verdict);
    EXPECT_EQ(result_of(verdict, history_complete), Judgement::fails);
    auto options = options_for(client, nonce(3));
    options.reference.accept_gaps = true;
    EXPECT_TRUE(mr::verify(third, options).verified());
}

TEST_F(EvidenceTest, SaysThatARegisterWhichOthersExtendIsNotCovered) {
    const auto daemon =
        started({.arguments = {}, .config = "[[provider]]\ntype = \"sim\"\n[[register]]\nname = \"tdx/rtmr2\"\nowner = \"shared\"\n"});
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("ours")));
    extend_behind("rtmr2", mr::to_hex(digest_of("theirs").bytes()));
    const auto evidence = evidence_of(client, nonce(1)).value();
    EXPECT_TRUE(evidence.coherent()) << "of what it covers";
    EXPECT_EQ(evidence.registers[2].owner, mr::Owner::shared);
    auto options = options_for(client, nonce(1));
    const auto verdict = mr::verify(evidence, options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::holds) << told(verdict);
    EXPECT_EQ(result_of(verdict, registers_covered), Judgement::fails);
    options.reference.uncovered_registers = {"rtmr2"};
    EXPECT_TRUE(mr::verify(evidence, options).verified());
}

TEST_F(EvidenceTest, BeginsWithTheFirmwaresLog) {
    const std::filesystem::path ccel = places::shared_data() / "ccel/gcp-cos113/ccel.bin";
    if (!exists(ccel)) GTEST_SKIP() << "skipped: no sample data beside the repository";
    const auto daemon = started({.arguments = {"--sim", "--sim-ccel", ccel}});
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("ours")));
    const auto evidence = evidence_of(client, nonce(1)).value();
    EXPECT_EQ(evidence.sequence, 44);
    const auto verdict = verdict_of(client, evidence, nonce(1));
    EXPECT_TRUE(verdict.verified()) << told(verdict);
}

struct FailingEvidence {
    const char *faults;
    ErrorCode code;
    const char *label;
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const FailingEvidence &one, std::ostream *out) { *out << one.faults; }
};
class EvidenceFailures : public EvidenceTest, public ::testing::WithParamInterface<FailingEvidence> {};
INSTANTIATE_TEST_SUITE_P(All, EvidenceFailures,
                         ::testing::Values(FailingEvidence{"quote:error", ErrorCode::quote_failed, "Error"},
                                           FailingEvidence{"quote:unavailable", ErrorCode::quote_unavailable, "Unavailable"},
                                           FailingEvidence{"quote:empty", ErrorCode::quote_invalid, "Empty"},
                                           FailingEvidence{"quote:too-long", ErrorCode::quote_invalid, "TooLong"},
                                           FailingEvidence{"quote:changing", ErrorCode::quote_invalid, "Changing"},
                                           FailingEvidence{"quote:other-report", ErrorCode::quote_invalid, "OtherReport"},
                                           FailingEvidence{"quote:no-report", ErrorCode::provider_failed, "NoReport"}),
                         [](const auto &tested) { return tested.param.label; });

TEST_P(EvidenceFailures, EachHasItsOwnErrorLongBeforeTheDeadline) {
    const auto daemon = started({.faults = GetParam().faults + std::string("@1")});
    auto client = daemon.client();
    const auto failed = evidence_of(client, nonce(1), {.deadline = std::chrono::minutes(10)});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, GetParam().code) << failed.error().message;
    const auto next = evidence_of(client, nonce(2)).value();
    EXPECT_TRUE(verdict_of(client, next, nonce(2)).verified());
}

TEST_P(EvidenceFailures, OnesFailureIsNotAnothersWhileEightExtend) {
    // Every other quote, as they come.
    std::string faults;
    for (std::uint32_t i = 1; i <= all_clients; i += 2)
        faults += (faults.empty() ? "" : ",") + std::string(GetParam().faults) + "@" + std::to_string(i);
    const auto daemon = started({.faults = faults});
    Extenders extenders(daemon, 8, rtmrs, 0);
    auto asking = ask_all(daemon, extenders);
    std::map<std::uint32_t, mr::Evidence> good;
    for (std::uint32_t c = 0; c < all_clients; ++c) {
        auto evidence = asking[c].get();
        if (evidence) {
            good.emplace(c, std::move(*evidence));
        } else {
            EXPECT_EQ(evidence.error().code, GetParam().code) << evidence.error().message;
        }
    }
    extenders.stop();
    EXPECT_THAT(good, SizeIs(all_clients / 2));
    auto client = daemon.client();
    for (const auto &[c, evidence] : good) expect_good(client, evidence, c);
}

TEST_F(EvidenceTest, OneThatNeverComesTimesOutAndThirtyOneOthersGetTheirsWhileEightExtend) {
    const auto daemon = started({.faults = "quote:never@1"});
    Extenders extenders(daemon, 8, rtmrs, 0);
    auto client = daemon.client();
    auto never = std::async(std::launch::async, [&] { return evidence_of(daemon.client(), nonce(99), {.deadline = milliseconds(300)}); });
    const auto end = std::chrono::steady_clock::now() + patience;
    while (status_of(client)["providers"][0]["waitingQuotes"] == 0) ASSERT_LT(std::chrono::steady_clock::now(), end);
    auto asking = ask_all(daemon, extenders);
    EXPECT_EQ(never.get().error().code, ErrorCode::quote_timeout);
    std::vector<mr::Evidence> good;
    for (auto &each : asking) {
        auto evidence = each.get();
        ASSERT_TRUE(evidence) << evidence.error().message;
        good.push_back(std::move(*evidence));
    }
    extenders.stop();
    for (std::uint32_t c = 0; c < all_clients; ++c) expect_good(client, good[c], c);
}

TEST_F(EvidenceTest, ThatNeverComesTimesOutAndItsClientsEndCancelsIt) {
    const auto daemon = started({.faults = "quote:never@1-2"});
    auto client = daemon.client();
    EXPECT_EQ(evidence_of(client, nonce(1), {.deadline = milliseconds(50)}).error().code, ErrorCode::quote_timeout);
    auto impatient = mr::Client::connect({.socket = daemon.socket(), .call_timeout = milliseconds(50)}).value();
    EXPECT_EQ(evidence_of(impatient, nonce(2)).error().code, ErrorCode::timed_out);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (status_of(client)["providers"][0]["waitingQuotes"] != 0) ASSERT_LT(std::chrono::steady_clock::now(), end);
    EXPECT_TRUE(evidence_of(client, nonce(3)));
}

TEST_F(EvidenceTest, WhatWasSentBehindOneWhoseClientHasGoneStillTakesEffect) {
    const auto daemon = started({.faults = "quote:never"});
    auto client = daemon.client();
    const auto digest = digest_of("behind");
    {
        const int gone = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(daemon.socket(), std::begin(address.sun_path));
        ASSERT_EQ(::connect(gone, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
        auto calls = R"({"method":"io.mrd.Attestation.Evidence","parameters":{"reportData":")" + mr::to_hex(nonce(1)) + "\"}}";
        calls += '\0';
        calls += R"({"method":"io.mrd.Registers.Extend","parameters":{"name":"tdx/rtmr3","digest":")" + mr::to_hex(digest.bytes()) + "\"}}";
        calls += '\0';
        ASSERT_EQ(::send(gone, calls.data(), calls.size(), MSG_NOSIGNAL), static_cast<ssize_t>(calls.size()));
        const auto end = std::chrono::steady_clock::now() + patience;
        while (status_of(client)["providers"][0]["waitingQuotes"] != 1) ASSERT_LT(std::chrono::steady_clock::now(), end);
        ::close(gone);
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    while (client.read("tdx/rtmr3").value().value == zero() && std::chrono::steady_clock::now() < end) {
    }
    EXPECT_EQ(client.read("tdx/rtmr3").value().value, extended(zero(), digest));
}

// One client that logs 64 KiB at a time takes nothing from those who log little, before it and after it.
TEST_F(EvidenceTest, OfALogThatDoesNotFitIsCutWhereItIsLargestAndLeadsToTheRegistersAllTheSame) {
    const auto daemon = started();
    auto client = daemon.client();
    ASSERT_TRUE(client.measure("tdx/rtmr3", mr::as_bytes("image"), {.description = "kernel", .envelope = true}));
    const mr::Bytes data(std::size_t{60} << 10U);
    for (std::size_t size = 0; size < 2 * mr::max_evidence_log; size += data.size())
        ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("ours"), {.data = data}));
    ASSERT_TRUE(client.measure("tdx/rtmr3", mr::as_bytes("agent"), {.description = "agent", .envelope = true}));

    const auto evidence = evidence_of(client, nonce(1));
    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_TRUE(evidence->coherent());
    EXPECT_LE(evidence->log.size(), mr::max_evidence_log);
    EXPECT_GT(evidence->log.size(), mr::max_evidence_log / 2) << "what fits stays";
    ASSERT_TRUE(evidence->cut);
    EXPECT_GT(evidence->cut->events, 100);
    EXPECT_GT(evidence->cut->bytes, evidence->cut->events * 60'000);
    auto options = options_for(client, nonce(1));
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}, {.name = "the agent", .description = "agent"}};
    const auto verdict = mr::verify(*evidence, options);
    EXPECT_TRUE(verdict.verified()) << told(verdict);
    EXPECT_THAT(verdict.find(mr::statement::log_well_formed)->reason, HasSubstr(std::to_string(evidence->cut->events) + " of them cut"));

    const auto cbor = mr::write_evidence_cbor(*evidence);
    EXPECT_EQ(mr::parse_evidence(cbor).value(), *evidence);
    EXPECT_TRUE(replay_of(client, "tdx/rtmr3").equal);
}

// Clients that ask for evidence and do not read it.
class UnreadEvidence : public EvidenceTest {
protected:
    static void fill_log(mr::Client &client, std::size_t size) {
        const mr::Bytes data(std::size_t{60} << 10U);
        for (std::size_t filled = 0; filled < size; filled += data.size())
            ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("ours"), {.data = data}));
    }
    void TearDown() override { leave(); }
    static int connected(const Daemon &daemon) {
        const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(daemon.socket(), std::begin(address.sun_path));
        EXPECT_EQ(::connect(made, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
        return made;
    }
    void ask_and_not_read(const Daemon &daemon, std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            sockets_.push_back(connected(daemon));
            auto call = R"({"method":"io.mrd.Attestation.Evidence","parameters":{"reportData":")" + mr::to_hex(nonce(i)) + "\"}}";
            call += '\0';
            ASSERT_EQ(::send(sockets_.back(), call.data(), call.size(), MSG_NOSIGNAL), static_cast<ssize_t>(call.size()));
        }
    }
    void leave() {
        for (const auto socket : std::exchange(sockets_, {})) ::close(socket);
    }

private:
    std::vector<int> sockets_;
};

TEST_F(UnreadEvidence, DelaysNobodyHoweverManyClientsLeaveIt) {
    const auto daemon = started();
    auto client = daemon.client();
    for (const std::uint32_t clients : {4U, 32U}) {
        fill_log(client, mr::max_evidence_log / 4);
        ask_and_not_read(daemon, clients);
        const auto given = evidence_of(client, nonce(99), {.deadline = std::chrono::minutes(10)});
        ASSERT_TRUE(given) << given.error().message;
        EXPECT_TRUE(verdict_of(client, *given, nonce(99)).verified());
        leave();
    }
}

TEST_F(UnreadEvidence, ThatNobodyIsToReadHoldsNothing) {
    const auto daemon = started();
    auto client = daemon.client();
    fill_log(client, mr::max_evidence_log / 4);
    std::string calls;
    for (int i = 0; i < 40; ++i) {
        calls += R"({"method":"io.mrd.Attestation.Evidence","parameters":{"reportData":")" + mr::to_hex(nonce(1)) + R"("},"oneway":true})";
        calls += '\0';
    }
    const int idle = connected(daemon);
    ASSERT_EQ(::send(idle, calls.data(), calls.size(), MSG_NOSIGNAL), static_cast<ssize_t>(calls.size()));
    const auto end = std::chrono::steady_clock::now() + patience;
    const auto given = evidence_of(client, nonce(99));
    ASSERT_TRUE(given) << given.error().message;
    while (status_of(client)["evidence"] != Json{{"bytes", 0}, {"waiting", 0}}) ASSERT_LT(std::chrono::steady_clock::now(), end);
    ::close(idle);
}

TEST_F(UnreadEvidence, OfAClientThatHasGoneIsNotMade) {
    const auto daemon = started();
    auto client = daemon.client();
    fill_log(client, mr::max_evidence_log / 4);
    std::string calls;
    for (int i = 0; i < 40; ++i) {
        calls += R"({"method":"io.mrd.Attestation.Evidence","parameters":{"reportData":")" + mr::to_hex(nonce(1)) + "\"}}";
        calls += '\0';
    }
    const int gone = connected(daemon);
    ASSERT_EQ(::send(gone, calls.data(), calls.size(), MSG_NOSIGNAL), static_cast<ssize_t>(calls.size()));
    ::close(gone);
    const auto end = std::chrono::steady_clock::now() + patience;
    const auto given = evidence_of(client, nonce(99));
    ASSERT_TRUE(given) << given.error().message;
    while (status_of(client)["evidence"] != Json{{"bytes", 0}, {"waiting", 0}} || status_of(client)["connections"] != 1)
        ASSERT_LT(std::chrono::steady_clock::now(), end);
}

TEST_F(EvidenceTest, OverADamagedJournalIsRefused) {
    {
        auto daemon = started();
        auto client = daemon.client();
        for (const auto *text : {"one", "two", "three"}) ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of(text)));
        EXPECT_EQ(daemon.stop(), 0);
    }
    {
        std::fstream journal(folder() / "state/journal", std::ios::in | std::ios::out | std::ios::binary);
        journal.seekp(600);
        journal.put('\xFF');
    }
    const auto daemon = started();
    auto client = daemon.client();
    ASSERT_EQ(status_of(client)["journal"]["condition"], "damaged");
    EXPECT_EQ(evidence_of(client, nonce(1)).error().code, ErrorCode::journal_failed);
    EXPECT_TRUE(client.quote(nonce(1))) << "a quote needs no journal";
}

// ---- The command line

class MrctlVerify : public MrctlTest {
protected:
    void SetUp() override {
        start();
        ASSERT_THAT(output({"measure", "tdx/rtmr3", "-", "--envelope", "--description", "kernel"}, "image"), HasSubstr("tdx/rtmr3"));
        EXPECT_THAT(mrctl({"evidence", "--data", data, "-o", at("e.json")}).err, HasSubstr("simulated, so unbound, and proves nothing"));
        EXPECT_EQ(mrctl({"evidence", "--data", data, "-o", at("e.cbor"), "--cbor"}).exit_code, 0);
        EXPECT_EQ(mrctl({"collateral", "-o", at("c.json"), "--root", at("root.pem")}).exit_code, 0);
        EXPECT_EQ(mrctl({"quote", "--data", data, "-o", at("q.bin")}).exit_code, 0);
        EXPECT_EQ(mrctl({"log", "--format", "tcg", "-o", at("log.bin")}).exit_code, 0);
    }
    // A file of the test's own.
    [[nodiscard]] std::string at(const std::string &name) const { return folder() / name; }
    static std::string last_line(const std::string &output) {
        const auto end = output.rfind('\n');
        return output.substr(output.rfind('\n', end - 1) + 1, end - output.rfind('\n', end - 1) - 1);
    }
    // The statement of that name.
    static Json statement(const Json &verdict, std::string_view name) {
        for (const auto &each : verdict["statements"]) {
            if (each["name"] == name) return each;
        }
        return {};
    }

    std::string data = std::string(128, '7');
};

TEST_F(MrctlVerify, SaysYesToEvidenceInBothFormsWithTheNonceAndTheRoot) {
    for (const auto &file : {at("e.json"), at("e.cbor")}) {
        const auto verdict = json({"verify", file, "--roots", at("root.pem"), "--nonce", data, "--without", "reference"});
        EXPECT_EQ(verdict["verified"], true);
        EXPECT_EQ(statement(verdict, "report_data")["result"], "true");
        EXPECT_EQ(statement(verdict, "register_values")["result"], "not_judged");
        EXPECT_EQ(statement(verdict, "root_is_hardware")["result"], "false");
    }
    const std::string said = "\nverified, but not hardware (the root is not Intel's), what runs (--without reference)\n";
    EXPECT_THAT(output({"verify", at("e.json"), "--roots", at("root.pem"), "--nonce", data, "--without", "reference"}), EndsWith(said));
    EXPECT_THAT(output({"verify", "-", "--roots", at("root.pem"), "--nonce", data, "--without", "reference"}, contents(at("e.json"))),
                EndsWith(said));
}

TEST_F(MrctlVerify, WhatIsNeitherAskedForNorWaivedIsExitCodeOneAndNamedInTheLastLine) {
    const std::vector<std::string> evidence{"verify", at("e.json"), "--roots", at("root.pem")};
    const std::vector<std::string> quote{"verify", "--quote", at("q.bin"), "--log", at("log.bin"), "--roots", at("root.pem")};
    const auto said = [&](std::vector<std::string> arguments, int exit_code, const std::vector<std::string> &more = {}) {
        arguments.insert(arguments.end(), more.begin(), more.end());
        const auto done = mrctl(arguments);
        EXPECT_EQ(done.exit_code, exit_code);
        return last_line(done.out);
    };
    EXPECT_EQ(said(evidence, 1), "REFUSED: report_data (no --nonce), reference_values (no --reference)");
    EXPECT_EQ(said(evidence, 1, {"--without", "reference"}), "REFUSED: report_data (no --nonce)");
    EXPECT_EQ(said(evidence, 1, {"--nonce", data}), "REFUSED: reference_values (no --reference)");
    EXPECT_EQ(said(quote, 1, {"--without", "nonce,reference"}), "REFUSED: tcb (no --collateral)");
    EXPECT_EQ(said(quote, 1), "REFUSED: tcb (no --collateral), report_data (no --nonce), reference_values (no --reference)");
    EXPECT_THAT(said(quote, 0, {"--without", "tcb,nonce,reference"}),
                AllOf(StartsWith("verified, but not "), HasSubstr("(--without nonce)"), HasSubstr("(--without tcb)"),
                      HasSubstr("(--without reference)")));
    EXPECT_EQ(said(quote, 0, {"--without", "nonce,reference", "--collateral", at("c.json")}),
              "verified, but not hardware (the root is not Intel's), freshness (--without nonce), what runs (--without reference)");
    std::ofstream(at("events.json")) << R"({"format":"mrd-reference-values","version":1,"requiredEvents":[{"name":"it","text":"x"}]})";
    EXPECT_EQ(said({"verify", "--quote", at("q.bin"), "--roots", at("root.pem")}, 1,
                   {"--without", "nonce,tcb", "--reference", at("events.json")}),
              "REFUSED: required_events (no --log)");
    // Collateral that nothing is judged by is not passed over.
    std::ofstream(at("other.corim"), std::ios::binary) << "\xd9\x01\xf5\xa0";
    EXPECT_EQ(mrctl({"verify", at("e.json"), "--roots", at("root.pem"), "--nonce", data, "--without", "reference", "--collateral",
                     at("other.corim")})
                  .err,
              "mrctl: " + at("other.corim") +
                  " is of another kind than what is judged: it is a manifest of its maker, CoRIM; the collateral of a TD quote is Intel's "
                  "collateral, JSON\n");
    EXPECT_THAT(said({"verify", "--quote", "/dev/null", "--roots", at("root.pem"), "--collateral", at("c.json")}, 1),
                StartsWith("REFUSED: quote_format"))
        << "the file, not the collateral";
    // Evidence without its collateral, which a revoked platform would take away; and with a false one, which counts whatever is waived.
    auto stripped = Json::parse(contents(at("e.json")));
    stripped["parts"][0].erase("collateral");
    std::ofstream(at("stripped.json")) << stripped.dump();
    auto forged = Json::parse(contents(at("e.json")));
    forged["parts"][0]["collateral"]["tcb_info_signature"] = std::string(128, '1');
    std::ofstream(at("forged.json")) << forged.dump();
    const std::vector<std::string> rest{"--roots", at("root.pem"), "--nonce", data, "--without", "reference"};
    EXPECT_EQ(said({"verify", at("stripped.json")}, 1, rest), "REFUSED: tcb (no --collateral)");
    EXPECT_THAT(said({"verify", at("stripped.json"), "--roots", at("root.pem"), "--nonce", data, "--without", "tcb,reference"}, 0),
                StartsWith("verified, but not "));
    EXPECT_THAT(said({"verify", at("forged.json"), "--roots", at("root.pem"), "--nonce", data, "--without", "tcb,reference"}, 1),
                StartsWith("REFUSED: tcb_info_signature"));
}

TEST_F(MrctlVerify, SaysOfEachRegisterUnderASimulatedRootThatItIsUnbound) {
    const std::vector<std::string> arguments{"verify", at("e.json"), "--roots", at("root.pem"), "--nonce", data, "--without", "reference"};
    const auto verdict = json(arguments);
    ASSERT_FALSE(verdict["registers"].empty());
    for (const auto &each : verdict["registers"]) EXPECT_EQ(each["unbound"], true) << each;
    EXPECT_THAT(verdict["registers"], testing::Contains(Json({{"part", "tdx"}, {"name", "rtmr3"}, {"unbound", true}})));
    EXPECT_THAT(output(arguments), AllOf(HasSubstr("\nunbound: tdx/mrtd, "), HasSubstr(", tdx/rtmr3")));
}

// The quote says none of it, and people see it first.
TEST_F(MrctlVerify, ContradictionsInEvidenceAreRefused) {
    const auto whole = Json::parse(contents(at("e.json")));
    const auto refused_by = [&](const Json &changed) {
        std::ofstream(at("changed.json")) << changed.dump();
        const auto done = mrctl({"verify", at("changed.json"), "--roots", at("root.pem"), "--nonce", data, "--without", "reference"});
        return done.exit_code == 1 ? last_line(done.out) : "verified";
    };
    EXPECT_EQ(refused_by(whole), "verified");
    for (const auto &[member, value] : {std::pair<const char *, Json>("/parts/0/simulated", false),
                                        {"/sequence", 2},
                                        {"/parts/0/quoteFormat", "tdx_v5_td15"},
                                        {"/parts/0/name", "tdx1"},
                                        {"/reportData", std::string(128, '6')},
                                        {"/parts/0/auxiliary", "AAAA"}}) {
        auto changed = whole;
        changed[Json::json_pointer(member)] = value;
        EXPECT_THAT(refused_by(changed), HasSubstr("evidence_claims")) << member;
    }
    auto changed = whole;
    changed["registers"][3]["logged"] = hex(1);
    EXPECT_EQ(refused_by(changed), "REFUSED: evidence_claims");
    auto log = mr::from_base64(whole["log"].get<std::string>()).value();
    std::string text(log.begin(), log.end());
    text.replace(text.find("\"sequence\":1"), 12, "\"sequence\":0");
    changed = whole;
    changed["log"] = mr::to_base64(mr::as_bytes(text));
    EXPECT_THAT(refused_by(changed), HasSubstr("log_well_formed"));
}

TEST_F(MrctlVerify, WithoutTakesTheWordsItKnowsForWhatIsNotGiven) {
    const std::vector<std::string> rest{"verify", at("e.json"), "--roots", at("root.pem")};
    const auto refused = [&](const std::vector<std::string> &more) {
        auto arguments = rest;
        arguments.insert(arguments.end(), more.begin(), more.end());
        return failure(2, arguments);
    };
    for (const auto *words : {",", "nonce,", ",nonce", "nonce,,tcb", "nonces", "Nonce", "nonce tcb", "all", "nonce, tcb"})
        EXPECT_THAT(refused({"--without", words}), HasSubstr("--without takes nonce, tcb and reference")) << words;
    EXPECT_THAT(refused({"--without", "nonce,reference", "--nonce", data}), HasSubstr("--nonce"));
    EXPECT_THAT(refused({"--without", "reference", "--reference", at("c.json")}), HasSubstr("--reference"));
    EXPECT_THAT(refused({"--without", "tcb", "--collateral", at("c.json")}), HasSubstr("--collateral"));
}

TEST_F(MrctlVerify, ANonceHasSixteenToSixtyFourBytesThatAreNotAllZeroInEveryCommand) {
    for (const auto &wrong :
         {std::string(), std::string("ab"), std::string(30, '7'), std::string(130, '7'), std::string(32, '0'), std::string(128, '0'),
          std::string("0x") + std::string(32, '7'), std::string(33, '7'), std::string(32, 'g')}) {
        EXPECT_THAT(failure(2, {"verify", at("e.json"), "--nonce", wrong}), HasSubstr("--nonce")) << wrong;
        EXPECT_THAT(failure(2, {"evidence", "--data", wrong, "-o", at("x")}), HasSubstr("--data")) << wrong;
        EXPECT_THAT(failure(2, {"quote", "--data", wrong}), HasSubstr("--data")) << wrong;
        EXPECT_THAT(failure(2, {"report", "--data", wrong}), HasSubstr("--data")) << wrong;
        EXPECT_THAT(failure(2, {"report", "--data", wrong, "--json"}), HasSubstr("--data")) << wrong;
    }
    EXPECT_FALSE(exists(std::filesystem::path(at("x"))));
    // As many bytes as one likes in between, everywhere the same ones.
    const std::string nonce(32, '7');
    const auto padded = nonce + std::string(96, '0');
    EXPECT_EQ(mrctl({"evidence", "--data", nonce, "-o", at("short.json")}).exit_code, 0);
    EXPECT_EQ(Json::parse(contents(at("short.json")))["reportData"], padded);
    for (const auto &same : {nonce, nonce + "00", padded})
        output({"verify", at("short.json"), "--roots", at("root.pem"), "--nonce", same, "--without", "reference"});
    EXPECT_EQ(mrctl({"verify", at("short.json"), "--roots", at("root.pem"), "--nonce", nonce + "01", "--without", "reference"}).exit_code,
              1);
    EXPECT_EQ(mrctl({"quote", "--data", nonce, "-o", at("short.bin")}).exit_code, 0);
    EXPECT_EQ(json({"inspect", at("short.bin")})["report_data"], padded);
    const auto report = mr::from_base64(json({"report", "--data", nonce})["report"].get<std::string>());
    EXPECT_EQ(mr::to_hex(mr::decode_tdreport(*report)->report_data), padded);
}

TEST_F(MrctlVerify, SaysNoWithExitCodeOne) {
    for (const std::vector<std::string> &arguments : std::vector<std::vector<std::string>>{
             {"verify", at("e.json"), "--without", "reference", "--nonce", data},  // Intel's root
             {"verify", at("e.json"), "--without", "reference", "--roots", at("root.pem"), "--nonce",
              std::string(128, '8')},  // another nonce
             {"verify", at("e.json"), "--without", "reference", "--roots", at("root.pem"), "--nonce", data, "--time", "1500000000"}}) {
        const auto done = mrctl(arguments);
        EXPECT_EQ(done.exit_code, 1);
        EXPECT_THAT(last_line(done.out), StartsWith("REFUSED: "));
        EXPECT_THAT(last_line(done.out), Not(HasSubstr("verified")));
        EXPECT_THAT(done.err, IsEmpty());
    }
}

TEST_F(MrctlVerify, TakesAQuoteWithItsLogsAndCollateral) {
    const auto verdict = json({"verify", "--quote", at("q.bin"), "--log", at("log.bin"), "--roots", at("root.pem"), "--collateral",
                               at("c.json"), "--nonce", data, "--without", "reference"});
    EXPECT_EQ(verdict["verified"], true);
    EXPECT_EQ(statement(verdict, "log_replay")["result"], "true");
    EXPECT_EQ(verdict["platforms"][0]["tcb"]["status"], "UpToDate");
    const auto alone = json({"verify", "--quote", at("q.bin"), "--roots", at("root.pem"), "--without", "nonce,reference,tcb"});
    EXPECT_EQ(statement(alone, "tcb")["result"], "not_judged");
    EXPECT_EQ(statement(alone, "log_replay")["result"], "not_judged");
}

TEST_F(MrctlVerify, JudgesByReferenceValues) {
    std::ofstream(at("good.json")) << R"({"format":"mrd-reference-values","version":1,"simulatedRoots":"accept",)"
                                   << R"("requiredEvents":[{"name":"the kernel","register":"rtmr3","description":"kernel"}]})";
    const std::vector<std::string> good{"verify", at("e.json"), "--roots", at("root.pem"), "--nonce", data, "--reference", at("good.json")};
    EXPECT_EQ(json(good)["verified"], true);
    EXPECT_THAT(output(good), EndsWith("\nverified, but not hardware (the root is not Intel's)\n"));
    std::ofstream(at("forbids.json")) << R"({"format":"mrd-reference-values","version":1,"tcb":["UpToDate"],)"
                                      << R"("forbiddenEvents":[{"name":"a shell","description":"shell"}]})";
    const auto forbids = mrctl({"verify", at("e.json"), "--roots", at("root.pem"), "--nonce", data, "--reference", at("forbids.json")});
    EXPECT_EQ(forbids.exit_code, 1);
    EXPECT_EQ(last_line(forbids.out), "REFUSED: reference_values");
    std::ofstream(at("strict.json")) << R"({"format":"mrd-reference-values","version":1,"simulatedRoots":"refuse"})";
    EXPECT_EQ(mrctl({"verify", at("e.json"), "--roots", at("root.pem"), "--reference", at("strict.json")}).exit_code, 1);
    std::ofstream(at("wrong.json")) << R"({"format":"mrd-reference-values","version":1,"requiredEvent":[]})";
    EXPECT_THAT(failure(1, {"verify", at("e.json"), "--reference", at("wrong.json")}), HasSubstr("requiredEvent is unknown"));
}

TEST_F(MrctlVerify, InspectKnowsEachOfTheFiles) {
    const auto quote = json({"inspect", at("q.bin")});
    EXPECT_EQ(quote["report_data"], data);
    EXPECT_EQ(quote["qe_report_data_ok"], true);
    EXPECT_EQ(quote["n_certs"], 3);
    for (const auto &file : {at("e.json"), at("e.cbor")}) {
        const auto evidence = json({"inspect", file});
        EXPECT_EQ(evidence["sequence"], 1);
        EXPECT_EQ(evidence["registers"][3]["matches"], true);
        EXPECT_EQ(evidence["parts"][0]["collateral"]["tcb_info"]["id"], "TDX");
        EXPECT_THAT(output({"inspect", file}), HasSubstr("which the log leads to, says who made it"));
    }
    auto unreadable = Json::parse(contents(at("e.json")));
    unreadable["log"] = mr::to_base64(mr::as_bytes("no log"));
    std::ofstream(at("unreadable.json")) << unreadable.dump();
    EXPECT_THAT(output({"inspect", at("unreadable.json")}), HasSubstr("the log: "));
    EXPECT_TRUE(json({"inspect", at("unreadable.json")}).contains("log_error"));
    EXPECT_EQ(json({"inspect", at("c.json")})["qe_identity"]["id"], "TD_QE");
    const auto root = json({"inspect", at("root.pem")})["certificates"][0];
    EXPECT_THAT(root["subject"].get<std::string>(), HasSubstr("proves nothing"));
    EXPECT_THAT(output({"inspect", at("root.pem")}), HasSubstr("CN=Intel SGX Root CA"));
    EXPECT_THAT(output({"inspect", at("q.bin")}), HasSubstr("No signature and no certificate was checked"));
}

TEST_F(MrctlVerify, InspectOfARealQuoteHasTheNamesAndValuesExpected) {
    const std::filesystem::path samples = places::shared_data() / "quote";
    if (!exists(samples)) GTEST_SKIP() << "skipped: no sample data beside the repository";
    for (const auto *name : {"coco-v4-debug", "gcp-cos113", "google-spr-e4", "google-v5-body3", "phala-v4", "phala-v5-tcb-not-supported"}) {
        const auto expected = Json::parse(std::ifstream(samples / name / "info.json")).at("expected");
        const auto shown = json({"inspect", samples / name / "quote.bin"});
        for (const auto &[key, value] : expected.items()) {
            if (key == "verifiers") continue;
            EXPECT_EQ(shown.value(key, Json()), value) << name << " " << key;
        }
    }
}

TEST_F(MrctlVerify, InspectOfARealLogHasTheNamesAndValuesExpected) {
    const std::filesystem::path samples = places::shared_data();
    if (!exists(samples / "ccel")) GTEST_SKIP() << "skipped: no sample data beside the repository";
    std::size_t compared = 0;
    for (const auto &[kind, file] : {std::pair("ccel", "ccel.bin"), std::pair("tpm", "eventlog.bin")}) {
        for (const auto &entry : std::filesystem::directory_iterator(samples / kind)) {
            SCOPED_TRACE(entry.path());
            const auto expected = Json::parse(std::ifstream(entry.path() / "info.json")).at("expected");
            const auto shown = json({"inspect", entry.path() / file});
            for (const auto *const key : {"events_excluding_header", "events_per_register_index", "ev_no_action", "hash_alg",
                                          "replayed_from_log", "replayed_pcrs"}) {
                if (!expected.contains(key)) continue;
                EXPECT_EQ(shown.value(key, Json()), expected.at(key)) << key;
            }
            const bool has_header = !expected.at("header").contains("format");
            for (const auto &[key, value] : expected.at("header").items()) {
                // A log of TCG 1.2 has no header: there its description's first three are of the first event.
                if (!has_header && key.starts_with("header_")) continue;
                EXPECT_EQ(shown.at("header").value(key, Json()), value) << key;
            }
            ++compared;
        }
    }
    EXPECT_EQ(compared, 14U);
    EXPECT_THAT(output({"inspect", samples / "ccel/gcp-cos113/ccel.bin"}),
                HasSubstr("the log ends at byte 18101, before 244043 bytes of 0xff"));
}

TEST_F(MrctlVerify, FindsOutThatAFileIsAQuote) {
    const std::vector<std::string> rest{"--log", at("log.bin"), "--roots", at("root.pem"), "--without", "nonce,reference,tcb"};
    std::vector<std::string> named{"verify", "--quote", at("q.bin")};
    std::vector<std::string> found{"verify", at("q.bin")};
    for (auto *const command : {&named, &found}) command->insert(command->end(), rest.begin(), rest.end());
    const auto verdict = output(found);
    EXPECT_EQ(verdict, output(named));
    EXPECT_THAT(verdict, HasSubstr("\nverified"));
}

TEST_F(MrctlVerify, NamesWhatIsWrongInOneLine) {
    EXPECT_THAT(failure(2, {"verify"}), HasSubstr("give a file"));
    EXPECT_THAT(failure(2, {"verify", at("e.json"), "--reference", ""}), HasSubstr("--reference: it is empty"));
    EXPECT_THAT(failure(1, {"verify", "--quote", at("e.json")}), HasSubstr("is evidence"));
    EXPECT_THAT(failure(1, {"verify", "--quote", at("q.bin"), "--log", at("e.json")}), HasSubstr("is evidence"));
    EXPECT_THAT(failure(2, {"verify", at("e.json"), "--quote", at("q.bin")}), HasSubstr("not both"));
    EXPECT_THAT(failure(2, {"verify", at("e.json"), "--log", at("log.bin")}), HasSubstr("--log goes with a quote"));
    EXPECT_THAT(failure(1, {"verify", at("e.json"), "--roots", at("log.bin")}), HasSubstr("log.bin"));
    EXPECT_THAT(failure(1, {"verify", at("e.json"), "--collateral", at("root.pem")}), HasSubstr("root.pem"));
    EXPECT_THAT(failure(1, {"verify", at("absent.json")}), HasSubstr("absent.json"));
}

}  // namespace
}  // namespace mrd
