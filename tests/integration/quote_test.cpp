// Quotes from a running mrd: whose they are, which registers they hold, and what becomes of them when the quoting service, the client or mrd itself
// lets the other down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "mr/quote.h"
#include "tests/integration/daemon.h"
#include "tests/integration/extenders.h"
#include "tests/integration/log_reading.h"

namespace mrd {
namespace {

using mr::ErrorCode;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr milliseconds long_deadline = std::chrono::minutes(10);
constexpr std::size_t many_quotes = 200;

mr::TdQuoteBody body_of(const mr::Quoted &quoted) { return mr::decode_quote(quoted.quote).value().body; }

std::int64_t waiting_quotes(mr::Client &client) { return status_of(client)["providers"][0]["waitingQuotes"]; }

std::string quote_call(std::uint32_t number, milliseconds deadline = long_deadline) {
    return R"({"method":"io.mrd.Attestation.Quote","parameters":{"reportData":")" + mr::to_hex(nonce(number)) +
           R"(","deadlineMilliseconds":)" + std::to_string(deadline.count()) + "}}";
}
std::string extend_call(const mr::Digest &digest) {
    return R"({"method":"io.mrd.Registers.Extend","parameters":{"name":"tdx/rtmr3","digest":")" + mr::to_hex(digest.bytes()) + "\"}}";
}

// Calls that are sent, and answered whenever that may be; their connection ends with them.
class Sent {
public:
    Sent(const Daemon &daemon, const std::vector<std::string> &calls) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(daemon.socket(), std::begin(address.sun_path));
        if (::connect(socket_, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0)
            throw std::runtime_error("connect failed");
        std::string frames;
        for (const auto &call : calls) (frames += call) += '\0';
        if (::send(socket_, frames.data(), frames.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frames.size()))
            throw std::runtime_error("send failed");
    }
    Sent(const Daemon &daemon, std::uint32_t number) : Sent(daemon, std::vector{quote_call(number)}) {}
    Sent(Sent &&other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    Sent &operator=(Sent &&) = delete;
    ~Sent() { close(); }

    void close() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }

    // The whole answer; empty if the connection ends, or none comes.
    std::string answer() {
        std::string text;
        std::array<char, 4096> piece{};
        pollfd waited{socket_, POLLIN, 0};
        const auto timeout = std::chrono::duration_cast<milliseconds>(patience).count();
        while (::poll(&waited, 1, static_cast<int>(timeout)) == 1) {
            const auto size = ::recv(socket_, piece.data(), piece.size(), 0);
            if (size <= 0) return {};
            text.append(piece.data(), static_cast<std::size_t>(size));
            if (text.back() == '\0') return text.substr(0, text.size() - 1);
        }
        return {};
    }
    // Of a quote.
    mr::Bytes quote() {
        const auto reply = nlohmann::json::parse(answer());
        return mr::from_base64(reply["parameters"]["quote"].get<std::string>()).value();
    }

private:
    int socket_;
};

class QuoteTest : public DaemonTest {
protected:
    Daemon with_faults(const std::string &faults) { return started({.faults = faults}); }

    // Until so many wait.
    static void wait_for_quotes(mr::Client &client, std::int64_t count) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (waiting_quotes(client) != count) {
            ASSERT_LT(std::chrono::steady_clock::now(), end) << waiting_quotes(client) << " wait, not " << count;
        }
    }
};

// ---- What a quote holds

TEST_F(QuoteTest, HoldsTheCallersBytesAndTheRegistersAsTheyAre) {
    const auto daemon = started();
    auto client = daemon.client();
    for (std::uint32_t i = 1; i <= 3; ++i) {
        const auto value = client.extend("tdx/rtmr3", digest_of(std::to_string(i))).value().reading.value;
        const auto quoted = client.quote(nonce(i));
        ASSERT_TRUE(quoted) << quoted.error().message;
        EXPECT_EQ(body_of(*quoted).report_data, nonce(i));
        EXPECT_EQ(mr::to_hex(body_of(*quoted).rtmr[3]), mr::to_hex(value)) << "an extend that was answered is in the next quote";
        EXPECT_EQ(mr::to_hex(body_of(*quoted).mrtd), mr::to_hex(client.read("tdx/mrtd").value().value));
        EXPECT_EQ(quoted->format, "tdx_v4");
        EXPECT_EQ(quoted->provider, "tdx");
        EXPECT_TRUE(quoted->simulated);
        EXPECT_FALSE(quoted->auxiliary);
    }
    EXPECT_EQ(waiting_quotes(client), 0);
}

TEST_F(QuoteTest, HasTheFormatOfTheConfiguration) {
    for (const auto &[format, version, type] : {std::tuple("tdx_v4", 4, mr::QuoteBodyType::td10),
                                                {"tdx_v5_td10", 5, mr::QuoteBodyType::td10},
                                                {"tdx_v5_td15", 5, mr::QuoteBodyType::td15}}) {
        const auto daemon =
            started({.arguments = {}, .config = "[[provider]]\ntype = \"sim\"\nquote_format = \"" + std::string(format) + "\"\n"});
        const auto quoted = daemon.client().quote(nonce(1));
        ASSERT_TRUE(quoted) << quoted.error().message;
        EXPECT_EQ(quoted->format, format);
        const auto decoded = mr::decode_quote(quoted->quote);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->header.version, version);
        EXPECT_EQ(decoded->body_type, type);
    }
}

// What each register held, in the log's order: the sequence number of the extend that gave it this value.
using History = std::map<std::string, std::map<std::string, std::int64_t>>;

History history_of(mr::Client &client) {
    History history;
    std::map<std::string, mr::Bytes> values;
    for (int i = 0; i < 4; ++i) {
        const auto name = "tdx/rtmr" + std::to_string(i);
        values[name] = zero();
        history[name][mr::to_hex(zero())] = 0;
    }
    for (const auto &record : records_of(client)) {
        auto &value = values.at(record.name);
        value = extended(value, mr::Digest(record.digest));
        history[record.name][mr::to_hex(value)] = record.sequence;
    }
    return history;
}

TEST_F(QuoteTest, ThirtyTwoClientsEachGetTheirOwnWhileEightExtend) {
    constexpr std::uint32_t clients = 32;
    constexpr std::uint32_t rounds = 4;
    const auto daemon = started();
    struct Taken {
        mr::Snapshot before;
        mr::Quoted quoted;
        mr::Snapshot after;
    };
    const std::vector<std::string> names{"tdx/rtmr0", "tdx/rtmr1", "tdx/rtmr2", "tdx/rtmr3"};
    Extenders extenders(daemon, 8, names);
    std::vector<std::future<std::vector<Taken>>> asking;
    for (std::uint32_t c = 0; c < clients; ++c) {
        asking.push_back(std::async(std::launch::async, [&, c] {
            auto client = daemon.client();
            std::vector<Taken> all;
            for (std::uint32_t n = 0; n < rounds; ++n) {
                auto before = client.snapshot(names).value();
                auto quoted = client.quote(nonce(c * rounds + n));
                if (!quoted) throw std::runtime_error(quoted.error().message);
                all.push_back({std::move(before), std::move(*quoted), client.snapshot(names).value()});
            }
            return all;
        }));
    }
    std::vector<std::vector<Taken>> taken;
    for (auto &each : asking) taken.push_back(each.get());
    extenders.stop();

    auto client = daemon.client();
    auto history = history_of(client);
    EXPECT_GT(extenders.extends(), static_cast<std::int64_t>(clients)) << "they did extend meanwhile";
    std::int64_t last = 0;
    for (const auto &name : names) {
        for (const auto &[value, sequence] : history[name]) last = std::max(last, sequence);
    }
    for (std::uint32_t c = 0; c < clients; ++c) {
        ASSERT_EQ(taken[c].size(), rounds);
        for (std::uint32_t n = 0; n < rounds; ++n) {
            const auto &[before, quoted, after] = taken[c][n];
            const auto body = body_of(quoted);
            EXPECT_EQ(body.report_data, nonce(c * rounds + n));
            // The four are of one moment: there is a place in the log at which each has the value that is quoted.
            std::int64_t from = 0;
            std::int64_t until = last;
            for (std::size_t i = 0; i < names.size(); ++i) {
                const auto &values = history.at(names[i]);
                const auto at = [&](const mr::Bytes &value) { return values.at(mr::to_hex(value)); };
                const auto found = values.find(mr::to_hex(body.rtmr[i]));
                ASSERT_NE(found, values.end()) << "a value that " << names[i] << " never had";
                EXPECT_GE(found->second, at(before.readings[i].value));
                EXPECT_LE(found->second, at(after.readings[i].value));
                from = std::max(from, found->second);
                for (const auto &[value, sequence] : values) {
                    if (sequence > found->second) until = std::min(until, sequence - 1);
                }
            }
            EXPECT_LE(from, until) << "registers of different moments";
        }
    }
}

// ---- Sharing

TEST_F(QuoteTest, IsSharedByEqualRequestsOfWhichNoneCameAfterItsReport) {
    const auto daemon = with_faults("quote:never@1");
    auto client = daemon.client();
    Sent first(daemon, 7);
    wait_for_quotes(client, 1);
    Sent second(daemon, 7);
    wait_for_quotes(client, 2);
    const auto value = client.extend("tdx/rtmr3", digest_of("a")).value().reading.value;
    Sent third(daemon, 7);
    Sent other(daemon, 8);
    wait_for_quotes(client, 4);
    first.close();
    const auto shared = second.quote();
    EXPECT_EQ(third.quote(), shared) << "both waited when it was begun";
    EXPECT_EQ(mr::to_hex(mr::decode_quote(shared).value().body.rtmr[3]), mr::to_hex(value)) << "the report was taken after both had asked";
    EXPECT_EQ(mr::decode_quote(other.quote()).value().body.report_data, nonce(8));
    // Signatures are random: it would be the same only if it were the same.
    EXPECT_NE(client.quote(nonce(7)).value().quote, shared);
}

// ---- A quoting service that fails

struct FailingQuote {
    const char *faults;
    ErrorCode code;
    const char *says;
    const char *label;
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const FailingQuote &one, std::ostream *out) { *out << one.faults; }
};
class QuoteFailures : public QuoteTest, public ::testing::WithParamInterface<FailingQuote> {};
INSTANTIATE_TEST_SUITE_P(
    All, QuoteFailures,
    ::testing::Values(FailingQuote{"quote:error@1", ErrorCode::quote_failed, "8000000000000000", "Error"},
                      FailingQuote{"quote:unavailable@1", ErrorCode::quote_unavailable, "", "Unavailable"},
                      FailingQuote{"quote:empty@1", ErrorCode::quote_invalid, "gives no quote", "Empty"},
                      FailingQuote{"quote:too-long@1", ErrorCode::quote_invalid, "131049 bytes in a buffer", "TooLong"},
                      FailingQuote{"quote:changing@1", ErrorCode::quote_invalid, "changed the quote's length", "Changing"},
                      FailingQuote{"quote:other-report@1", ErrorCode::quote_invalid, "another report", "OtherReport"},
                      FailingQuote{"quote:no-report@1", ErrorCode::provider_failed, "of the report", "NoReport"}),
    [](const auto &tested) { return tested.param.label; });

TEST_P(QuoteFailures, EachHasItsOwnErrorLongBeforeTheDeadlineAndTheNextQuoteIsGood) {
    const auto daemon = with_faults(GetParam().faults);
    auto client = daemon.client();
    const auto failed = client.quote(nonce(1), {.deadline = long_deadline});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, GetParam().code) << failed.error().message;
    EXPECT_THAT(failed.error().parameters, HasSubstr(GetParam().says));
    const auto next = client.quote(nonce(2));
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(body_of(*next).report_data, nonce(2));
}

TEST_P(QuoteFailures, OnesFailureIsNotAnothersWhileEightExtend) {
    constexpr std::uint32_t clients = 32;
    // Every other one, as they come.
    std::string faults = GetParam().faults;
    faults.resize(faults.find('@'));
    std::string all;
    for (std::uint32_t i = 1; i <= clients; i += 2) all += (all.empty() ? "" : ",") + faults + "@" + std::to_string(i);
    const auto daemon = with_faults(all);
    const Extenders extenders(daemon, 8, {"tdx/rtmr3"});
    std::vector<std::future<std::expected<mr::Quoted, mr::Error>>> asking;
    for (std::uint32_t c = 0; c < clients; ++c)
        asking.push_back(std::async(std::launch::async, [&, c] { return daemon.client().quote(nonce(c), {.deadline = long_deadline}); }));
    std::uint32_t good = 0;
    for (std::uint32_t c = 0; c < clients; ++c) {
        const auto quoted = asking[c].get();
        if (quoted) {
            EXPECT_EQ(body_of(*quoted).report_data, nonce(c));
            ++good;
        } else {
            EXPECT_EQ(quoted.error().code, GetParam().code) << quoted.error().message;
        }
    }
    EXPECT_EQ(good, clients / 2);
}

TEST_F(QuoteTest, ThatNeverComesTimesOutAtItsDeadlineAndTheNextIsGood) {
    const auto daemon = with_faults("quote:never@1");
    auto client = daemon.client();
    EXPECT_EQ(client.quote(nonce(1), {.deadline = milliseconds(50)}).error().code, ErrorCode::quote_timeout);
    EXPECT_EQ(waiting_quotes(client), 0);
    EXPECT_TRUE(client.quote(nonce(2)));
}

TEST_F(QuoteTest, ASpuriousNotificationIsNoAnswer) {
    const auto daemon = with_faults("quote:spurious");
    const auto quoted = daemon.client().quote(nonce(1));
    ASSERT_TRUE(quoted) << quoted.error().message;
    EXPECT_EQ(body_of(*quoted).report_data, nonce(1));
}

TEST_F(QuoteTest, BuffersThatTheHostKeepsAreBoundedAndThenNoneIsAsked) {
    const auto daemon = with_faults("quote:never");
    auto client = daemon.client();
    // One whose time is over before its turn leaves none.
    const auto end = std::chrono::steady_clock::now() + patience;
    std::uint32_t timeouts = 0;
    auto code = ErrorCode::quote_timeout;
    while (code == ErrorCode::quote_timeout && std::chrono::steady_clock::now() < end) {
        code = client.quote(nonce(timeouts), {.deadline = milliseconds(20)}).error().code;
        if (code == ErrorCode::quote_timeout) ++timeouts;
    }
    EXPECT_EQ(code, ErrorCode::quote_unavailable);
    EXPECT_GE(timeouts, 5U);
    EXPECT_TRUE(client.extend("tdx/rtmr3", digest_of("a")));
}

TEST_F(QuoteTest, ABufferThatIsAnsweredLateIsUsedAgain) {
    const auto daemon = with_faults("quote:delay=300@1-5");
    auto client = daemon.client();
    for (std::uint32_t i = 0; i < 5; ++i)
        EXPECT_EQ(client.quote(nonce(i), {.deadline = milliseconds(1)}).error().code, ErrorCode::quote_timeout);
    // The host answers them all, to nobody.
    const auto end = std::chrono::steady_clock::now() + patience;
    auto quoted = client.quote(nonce(9));
    while (!quoted && quoted.error().code == ErrorCode::quote_unavailable && std::chrono::steady_clock::now() < end)
        quoted = client.quote(nonce(9));
    ASSERT_TRUE(quoted) << quoted.error().message;
    EXPECT_EQ(body_of(*quoted).report_data, nonce(9)) << "not what came late";
}

// ---- Nobody waits for a quote but who asked for it

TEST_F(QuoteTest, ThatIsSlowDelaysNoRegisterOperation) {
    const auto daemon = with_faults("quote:never");
    auto client = daemon.client();
    Sent slow(daemon, 1);
    wait_for_quotes(client, 1);
    EXPECT_TRUE(client.extend("tdx/rtmr3", digest_of("a")));
    EXPECT_TRUE(client.read("tdx/rtmr3", {.fresh = true}));
    EXPECT_TRUE(client.write("tdx/reportdata", mr::Bytes(64)));
    EXPECT_TRUE(client.read("tdx/report0"));
    EXPECT_TRUE(client.report(nonce(1)));
    EXPECT_TRUE(client.collateral());
    EXPECT_EQ(waiting_quotes(client), 1) << "all that while it is still in flight";
}

TEST_F(QuoteTest, OfASlowRegisterIsNotDelayed) {
    const auto daemon = with_faults("extend:delay=600000");
    auto client = daemon.client();
    const Sent slow(daemon, {extend_call(digest_of("a"))});
    const Sent behind(daemon, {extend_call(digest_of("b"))});
    const auto end = std::chrono::steady_clock::now() + patience;
    while (status_of(client)["providers"][0]["waitingCalls"] != 1) ASSERT_LT(std::chrono::steady_clock::now(), end);
    const auto quoted = client.quote(nonce(1));
    EXPECT_TRUE(quoted) << quoted.error().message;
    EXPECT_EQ(status_of(client)["providers"][0]["waitingCalls"], 1) << "one is still at work, the other behind it";
}

TEST_F(QuoteTest, WhoseClientHasGoneIsStoppedAndTheNextIsServed) {
    const auto daemon = with_faults("quote:never@1");
    auto client = daemon.client();
    Sent running(daemon, 1);
    wait_for_quotes(client, 1);
    Sent next(daemon, 2);
    Sent last(daemon, 3);
    wait_for_quotes(client, 3);
    next.close();
    wait_for_quotes(client, 2);
    running.close();
    EXPECT_EQ(mr::decode_quote(last.quote()).value().body.report_data, nonce(3));
    EXPECT_EQ(waiting_quotes(client), 0);
}

TEST_F(QuoteTest, WhatWasSentBehindOneWhoseClientHasGoneStillTakesEffect) {
    const auto daemon = with_faults("quote:never");
    auto client = daemon.client();
    const auto digest = digest_of("behind");
    Sent gone(daemon, {quote_call(1), extend_call(digest)});
    wait_for_quotes(client, 1);
    EXPECT_EQ(client.read("tdx/rtmr3").value().value, zero());
    gone.close();
    wait_for_quotes(client, 0);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (client.read("tdx/rtmr3").value().value == zero() && std::chrono::steady_clock::now() < end) {
    }
    EXPECT_EQ(client.read("tdx/rtmr3").value().value, extended(zero(), digest));
}

TEST_F(QuoteTest, ThatWaitsBehindAnotherHasADeadlineToo) {
    const auto daemon = with_faults("quote:never@1");
    auto client = daemon.client();
    const Sent first(daemon, 1);
    wait_for_quotes(client, 1);
    EXPECT_EQ(client.quote(nonce(2), {.deadline = milliseconds(50)}).error().code, ErrorCode::quote_timeout);
    EXPECT_EQ(waiting_quotes(client), 1) << "the first still waits";
}

TEST_F(QuoteTest, HoweverManyWaitNobodyIsRefusedAndOneThatLeavesWaitsNoMore) {
    const auto daemon = with_faults("quote:never@1");
    auto client = daemon.client();
    const Sent first(daemon, 0);
    wait_for_quotes(client, 1);
    std::vector<Sent> sent;
    sent.reserve(many_quotes);
    for (std::uint32_t i = 1; i <= many_quotes; ++i) sent.emplace_back(daemon, i);
    wait_for_quotes(client, many_quotes + 1);
    sent.back().close();
    wait_for_quotes(client, many_quotes);
    EXPECT_EQ(client.quote(nonce(1000), {.deadline = milliseconds(20)}).error().code, ErrorCode::quote_timeout);
    EXPECT_TRUE(client.extend("tdx/rtmr3", digest_of("a")));
}

// ---- The end

TEST_F(QuoteTest, ThatNeverComesDoesNotHoldUpTheEndOfMrd) {
    auto daemon = with_faults("quote:never");
    auto client = daemon.client();
    Sent running(daemon, 1);
    Sent waiting(daemon, 2);
    wait_for_quotes(client, 2);
    daemon.process().signal(SIGTERM);
    EXPECT_THAT(running.answer(), AllOf(HasSubstr("io.mrd.Attestation.QuoteUnavailable"), HasSubstr("mrd is stopping")));
    EXPECT_THAT(waiting.answer(), HasSubstr("io.mrd.Attestation.QuoteUnavailable"));
    EXPECT_EQ(daemon.process().wait(), 0);
}

// ---- Parameters and collateral

TEST_F(QuoteTest, ParametersOutOfRangeAreNamed) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto code = [&](const std::string &parameters) {
        const auto reply = client.call("io.mrd.Attestation.Quote", parameters);
        return reply ? std::string("a quote") : std::string(mr::to_string(reply.error().code)) + " " + reply.error().parameters;
    };
    const auto with = [&](const std::string &more) { return R"({"reportData":")" + mr::to_hex(nonce(1)) + "\"" + more + "}"; };
    EXPECT_EQ(code(R"({"reportData":"00"})"), R"(wrong_length {"name":"reportData","expected":64,"actual":1})");
    EXPECT_EQ(code(R"({"reportData":"0"})"), R"(invalid_parameter {"parameter":"reportData"})");
    for (const std::string deadline : {"0", "-1", "600001", "9223372036854775807"})
        EXPECT_EQ(code(with(R"(,"deadlineMilliseconds":)" + deadline)), R"(invalid_parameter {"parameter":"deadlineMilliseconds"})");
    EXPECT_EQ(code(with(R"(,"deadlineMilliseconds":600000)")), "a quote");
    const auto with_options = [&](const std::string &options) { return code(with(",\"options\":{" + options + "}")); };
    for (const auto &[name, bad] : std::vector<std::pair<std::string, std::vector<std::string>>>{
             {"privilegeLevel", {"-1"}},
             {"serviceProvider", {"\"\"", '"' + std::string(65, 's') + '"'}},
             {"serviceGuid",
              {"\"\"", "\"c476f1eb-0123-45a5-9641-b4e7dde5bfe\"", "\"c476f1eb-0123-45a5-9641-b4e7dde5bfe33\"",
               "\"c476f1eb00123-45a5-9641-b4e7dde5bfe3\"", "\"c476f1eg-0123-45a5-9641-b4e7dde5bfe3\""}},
             {"serviceManifestVersion", {"-1", "4294967296"}}}) {
        for (const auto &value : bad)
            EXPECT_EQ(with_options('"' + name + "\":" + value), R"(invalid_parameter {"parameter":"options.)" + name + "\"}") << value;
    }
    // A TD knows none of them.
    for (const auto &[name, good] :
         std::vector<std::pair<std::string, std::string>>{{"privilegeLevel", "0"},
                                                          {"serviceProvider", "\"svsm\""},
                                                          {"serviceGuid", "\"c476f1eb-0123-45a5-9641-B4E7DDE5BFE3\""},
                                                          {"serviceManifestVersion", "4294967295"},
                                                          {"certificates", "true"}}) {
        EXPECT_EQ(with_options('"' + name + "\":" + good), R"(not_supported {"provider":"tdx","what":")" + name + "\"}");
    }
    EXPECT_EQ(with_options(""), "a quote");
    EXPECT_EQ(with_options(R"("certificates":false)"), "a quote");
    EXPECT_THAT(code(with(R"(,"provider":"tpm")")), HasSubstr("no_such_provider"));
    EXPECT_EQ(code(with(R"(,"provider":"tdx")")), "a quote");
}

TEST_F(QuoteTest, CollateralAndRootStayTheSamePlatformsOverRestartAndReset) {
    std::string root;
    for (const std::vector<std::string> &arguments : {std::vector<std::string>{"--sim"}, {"--sim"}, {"--sim", "--reset"}}) {
        const auto daemon = started({.arguments = arguments});
        auto client = daemon.client();
        EXPECT_TRUE(client.quote(nonce(1)));
        const auto collateral = client.collateral();
        ASSERT_TRUE(collateral) << collateral.error().message;
        EXPECT_TRUE(nlohmann::json::parse(collateral->json).is_object());
        EXPECT_THAT(root, ::testing::AnyOf("", collateral->root_pem));
        root = collateral->root_pem;
    }
    EXPECT_EQ(std::filesystem::status(folder() / "state" / "sim-tdx.quoting").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(QuoteTest, AQuotingFileThatCannotBeReadIsAQuoteUnavailableAndNoReasonNotToStart) {
    std::filesystem::create_directories(folder() / "state" / "sim-tdx.quoting");
    const auto daemon = started();
    auto client = daemon.client();
    const auto refused = client.quote(nonce(1)).error();
    EXPECT_EQ(refused.code, ErrorCode::quote_unavailable);
    EXPECT_THAT(refused.message, AllOf(HasSubstr("no quoting service answers now"), HasSubstr("sim-tdx.quoting")));
    const auto collateral = client.collateral();
    EXPECT_EQ(collateral.error().code, ErrorCode::provider_failed);
    EXPECT_THAT(collateral.error().parameters, HasSubstr("sim-tdx.quoting")) << "here the reason is told";
    EXPECT_TRUE(client.extend("tdx/rtmr3", digest_of("a")));
}

}  // namespace
}  // namespace mrd
