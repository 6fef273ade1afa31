#include "mr/async_client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>
#include <thread>

#include "mr/quote.h"
#include "mrd/daemon/service.h"
#include "mrd/providers/sim/simulator.h"
#include "mrd/registers/registers.h"
#include "proto/varlink/server.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/mrd/test_journal.h"

namespace asio = boost::asio;

namespace {

// A real service on the simulator, with a real socket, in a loop of its own.
class Served {
public:
    Served() {
        mrd::sim::Options options;
        options.state_file = folder_.path() / "sim.state";
        options.quoting_file = folder_.path() / "sim.quoting";
        options.boot_id = "a boot";
        auto simulator = mrd::sim::open(options);
        auto specs = (*simulator)->registers()->list();
        EXPECT_TRUE(daemon_.add(std::move(*simulator), std::move(specs)));
        EXPECT_TRUE(daemon_.registers().start_journal({}));
        service_ = mrd::make_service(daemon_,
                                     mrd::make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        server_.emplace(loop_, varlink::Limits{});
        auto socket = varlink::listen_on(*varlink::Address::parse(socket_path()), {});
        EXPECT_TRUE(socket) << socket.error();
        server_->accept_on(std::move(*socket), *service_);
        thread_ = std::jthread([this] { loop_.run(); });
    }
    ~Served() {
        loop_.stop();
        thread_.join();
    }
    Served(const Served &) = delete;
    Served &operator=(const Served &) = delete;

    [[nodiscard]] mr::ClientOptions options() const { return {.socket = socket_path()}; }
    [[nodiscard]] std::string socket_path() const { return (folder_.path() / "socket").string(); }

private:
    mrd::TemporaryFolder folder_;
    asio::io_context loop_;
    mrd::TestJournal journal_{loop_};
    mrd::Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
    std::optional<varlink::Server> server_;
    std::jthread thread_;
};

mr::Digest digest_of(std::uint8_t byte) { return mr::Digest(mr::Bytes(48, byte)); }

TEST(AsyncClient, ACoroutineExtendsAndReadsTheComputedValueBack) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    bool finished = false;
    asio::co_spawn(
        loop,
        [](mr::AsyncClient &asked, bool &done) -> asio::awaitable<void> {
            EXPECT_TRUE(co_await asked.connect(asio::use_awaitable));
            const auto extended = co_await asked.call(mr::calls::extend("tdx/rtmr3", digest_of(7)), asio::use_awaitable);
            const auto reading = co_await asked.call(mr::calls::read("rtmr3"), asio::use_awaitable);
            const auto expected = mr::extend(mr::HashAlgorithm::sha384, mr::Bytes(48), digest_of(7).bytes());
            EXPECT_TRUE(extended && reading && expected);
            if (!extended || !reading || !expected) co_return;
            EXPECT_EQ(mr::to_hex(reading->value), mr::to_hex(expected->bytes()));
            EXPECT_EQ(extended->reading.value, reading->value);
            EXPECT_EQ(extended->sequence, 1);
            done = true;
        }(client, finished),
        asio::detached);
    loop.run();
    EXPECT_TRUE(finished);
}

TEST(AsyncClient, AFutureCompletesFromAnotherThreadsLoop) {
    const Served served;
    asio::io_context loop;
    auto guard = asio::make_work_guard(loop);
    const std::jthread thread([&loop] { loop.run(); });
    mr::AsyncClient client(loop.get_executor(), served.options());
    EXPECT_TRUE(client.connect(asio::use_future).get());
    const auto registers = client.call(mr::calls::list(), asio::use_future).get();
    ASSERT_TRUE(registers);
    EXPECT_EQ(registers->size(), 11U);
    EXPECT_TRUE(registers->front().simulated);
    const mr::ReportData nonce{7, 8, 9};
    const auto report = client.call(mr::calls::report(nonce), asio::use_future).get();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->report.size(), mr::tdreport_size);
    mr::QuoteOptions in_a_minute;
    in_a_minute.deadline = std::chrono::minutes(1);
    const auto quoted = client.call(mr::calls::quote(nonce, in_a_minute), asio::use_future).get();
    ASSERT_TRUE(quoted) << quoted.error().message;
    EXPECT_EQ(mr::decode_quote(quoted->quote)->body.report_data, nonce);
    mr::QuoteOptions at_once;
    at_once.deadline = std::chrono::milliseconds(0);
    EXPECT_EQ(client.call(mr::calls::quote(nonce, at_once), asio::use_future).get().error().code, mr::ErrorCode::invalid_parameter);
    // What is everybody's is nobody's.
    EXPECT_EQ(client.call(mr::calls::report({}), asio::use_future).get().error().code, mr::ErrorCode::invalid_argument);
    EXPECT_EQ(client.call(mr::calls::quote({}), asio::use_future).get().error().code, mr::ErrorCode::invalid_argument);
    EXPECT_EQ(client.call(mr::calls::evidence({}), asio::use_future).get().error().code, mr::ErrorCode::invalid_argument);
    guard.reset();
}

TEST(AsyncClient, ManyCallsWithoutWaitingCompleteInTheirOrder) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    std::vector<std::int64_t> sequences;
    client.connect([&](std::expected<void, mr::Error> connected) {
        ASSERT_TRUE(connected);
        for (int i = 0; i < 200; ++i) {
            client.call(mr::calls::extend("tdx/rtmr2", digest_of(static_cast<std::uint8_t>(i))),
                        [&](const std::expected<mr::Extended, mr::Error> &extended) {
                            ASSERT_TRUE(extended);
                            sequences.push_back(extended->sequence);
                        });
        }
    });
    loop.run();
    ASSERT_EQ(sequences.size(), 200U);
    for (std::size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(sequences[i], static_cast<std::int64_t>(i + 1));
}

TEST(AsyncClient, ARefusalIsTypedAndTheConnectionGoesOn) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    std::optional<mr::ErrorCode> refused;
    bool good = false;
    client.connect([&](std::expected<void, mr::Error>) {
        client.call(mr::calls::write("tdx/rtmr0", mr::Bytes(48)),
                    [&](std::expected<std::int64_t, mr::Error> written) { refused = written.error().code; });
        client.call(mr::calls::snapshot({}, false), [&](std::expected<mr::Snapshot, mr::Error> snapshot) { good = snapshot.has_value(); });
    });
    loop.run();
    EXPECT_EQ(refused, mr::ErrorCode::not_writable);
    EXPECT_TRUE(good);
}

TEST(AsyncClient, AWatchHasItsOwnConnectionAndEndsWhenItsHandlerSaysSo) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    int values = 0;
    bool ended = false;
    client.connect([&](std::expected<void, mr::Error>) {
        client.stream(
            mr::calls::watch({"tdx/rtmr1"}),
            [&](const mr::Change &change) {
                EXPECT_EQ(change.reading.name, "tdx/rtmr1");
                if (++values == 1)
                    client.call(mr::calls::extend("tdx/rtmr1", digest_of(1)), [](const auto &extended) { EXPECT_TRUE(extended); });
                return values < 2;
            },
            [&](std::expected<void, mr::Error> result) { ended = result.has_value(); });
    });
    loop.run();
    EXPECT_EQ(values, 2);
    EXPECT_TRUE(ended);
}

TEST(AsyncClient, RecordsAreFollowedUntilTheHandlerSaysSo) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    std::vector<std::int64_t> followed;
    std::vector<std::int64_t> second;
    int ended = 0;
    const auto extend = [&](std::uint8_t byte) {
        client.call(mr::calls::extend("tdx/rtmr1", digest_of(byte)), [](const auto &extended) { EXPECT_TRUE(extended); });
    };
    client.connect([&](std::expected<void, mr::Error>) {
        extend(1);
        client.stream(
            mr::calls::records(1, true),
            [&](const mr::LogRecord &record) {
                followed.push_back(record.sequence);
                EXPECT_EQ(mr::Digest(record.digest), digest_of(static_cast<std::uint8_t>(record.sequence)));
                if (record.sequence < 3) extend(static_cast<std::uint8_t>(record.sequence + 1));
                return record.sequence < 3;
            },
            [&](std::expected<void, mr::Error> result) {
                EXPECT_TRUE(result);
                ++ended;
                // Without follow it ends by itself.
                client.stream(
                    mr::calls::records(2, false),
                    [&](const mr::LogRecord &record) {
                        second.push_back(record.sequence);
                        return true;
                    },
                    [&](std::expected<void, mr::Error> all) {
                        EXPECT_TRUE(all);
                        ++ended;
                    });
            });
    });
    loop.run();
    EXPECT_EQ(followed, (std::vector<std::int64_t>{1, 2, 3}));
    EXPECT_EQ(second, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(ended, 2);
}

TEST(AsyncClient, AnExportIsWhatTheBlockingClientGetsAndAnUnknownFormatIsRefused) {
    const Served served;
    auto blocking = mr::Client::connect(served.options());
    ASSERT_TRUE(blocking);
    for (std::uint8_t i = 1; i < 4; ++i) ASSERT_TRUE(blocking->measure("tdx/rtmr3", mr::Bytes(std::size_t{60} << 10U, i)));
    mr::Bytes expected;
    ASSERT_TRUE(blocking->export_log("tcg", [&](const mr::Bytes &chunk) {
        expected.insert(expected.end(), chunk.begin(), chunk.end());
        return true;
    }));
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    mr::Bytes exported;
    int chunks = 0;
    int ended = 0;
    client.stream(
        mr::calls::export_log("tcg"),
        [&](const mr::Bytes &chunk) {
            exported.insert(exported.end(), chunk.begin(), chunk.end());
            return true;
        },
        [&](std::expected<void, mr::Error> result) {
            EXPECT_TRUE(result);
            ++ended;
        });
    client.stream(
        mr::calls::export_log("tcg"), [&](const mr::Bytes &) { return ++chunks < 2; },
        [&](std::expected<void, mr::Error> result) {
            EXPECT_TRUE(result);
            ++ended;
        });
    client.stream(
        mr::calls::export_log("no format"), [](const mr::Bytes &) { return true; },
        [&](std::expected<void, mr::Error> result) {
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code, mr::ErrorCode::invalid_parameter);
            ++ended;
        });
    loop.run();
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(chunks, 2);
    EXPECT_GT(exported.size(), std::size_t{180} << 10U);
    EXPECT_EQ(exported, expected);
}

TEST(AsyncClient, AReplayComparesTheLogWithTheRegisters) {
    const Served served;
    auto blocking = mr::Client::connect(served.options());
    ASSERT_TRUE(blocking);
    const auto extended = blocking->extend("tdx/rtmr3", digest_of(9));
    ASSERT_TRUE(extended);
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    bool found = false;
    client.call(mr::calls::replay(), [&](std::expected<std::vector<mr::ReplayResult>, mr::Error> results) {
        ASSERT_TRUE(results);
        for (const auto &result : *results) {
            EXPECT_TRUE(result.equal) << result.name;
            if (result.name == "tdx/rtmr3")
                found = mr::Bytes(result.replayed.bytes().begin(), result.replayed.bytes().end()) == extended->reading.value;
        }
    });
    loop.run();
    EXPECT_TRUE(found);
}

TEST(AsyncClient, ARecordHandlerMayCloseTheClient) {
    const Served served;
    auto blocking = mr::Client::connect(served.options());
    ASSERT_TRUE(blocking);
    ASSERT_TRUE(blocking->extend("tdx/rtmr3", digest_of(9)));
    asio::io_context loop;
    std::optional<mr::AsyncClient> client(std::in_place, loop.get_executor(), served.options());
    std::optional<mr::ErrorCode> ended;
    client->stream(
        mr::calls::records(1, true),
        [&](const mr::LogRecord &) {
            client.reset();
            return true;
        },
        [&](std::expected<void, mr::Error> result) { ended = result.error().code; });
    loop.run();
    EXPECT_EQ(ended, mr::ErrorCode::connection_lost);
}

TEST(AsyncClient, AClosedClientCompletesEveryOpenOperationAndConnectsAgain) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    std::vector<std::string> order;
    client.connect([&](std::expected<void, mr::Error>) {
        client.stream(
            mr::calls::watch({}), [](const mr::Change &) { return true; },
            [&](std::expected<void, mr::Error> result) {
                EXPECT_EQ(result.error().code, mr::ErrorCode::connection_lost);
                order.emplace_back("watch");
            });
        client.call(mr::calls::read("rtmr0"), [&](std::expected<mr::Reading, mr::Error> first) {
            EXPECT_TRUE(first);
            client.close();
            client.call(mr::calls::read("rtmr0"), [&](std::expected<mr::Reading, mr::Error> lost) {
                EXPECT_EQ(lost.error().code, mr::ErrorCode::connection_lost);
                order.emplace_back("read");
                client.connect([&](std::expected<void, mr::Error> again) {
                    EXPECT_TRUE(again);
                    order.emplace_back("connect");
                });
            });
        });
    });
    loop.run();
    EXPECT_EQ(order.size(), 3U);
}

TEST(AsyncClient, AWatchHandlerMayCloseTheClientAndTheWatchCompletes) {
    const Served served;
    asio::io_context loop;
    std::optional<mr::AsyncClient> client(std::in_place, loop.get_executor(), served.options());
    std::optional<mr::ErrorCode> ended;
    client->connect([&](std::expected<void, mr::Error>) {
        client->stream(
            mr::calls::watch({}),
            [&](const mr::Change &) {
                client.reset();
                return true;
            },
            [&](std::expected<void, mr::Error> result) { ended = result.error().code; });
    });
    loop.run();
    EXPECT_EQ(ended, mr::ErrorCode::connection_lost);
}

TEST(AsyncClient, AConnectInTheHandlerOfWhatWasDroppedCompletes) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    int connected = 0;
    client.connect([&](std::expected<void, mr::Error>) {
        client.call(mr::calls::read("rtmr0"), [&](const std::expected<mr::Reading, mr::Error> &dropped) {
            EXPECT_FALSE(dropped);
            client.connect([&](std::expected<void, mr::Error> again) { connected += again ? 1 : 0; });
        });
        client.connect([&](std::expected<void, mr::Error> overtaken) { connected += overtaken ? 10 : 0; });
    });
    loop.run();
    EXPECT_EQ(connected % 10, 1);
}

TEST(AsyncClient, ADescriptionThatIsNoTextIsRefusedHere) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    std::optional<mr::ErrorCode> code;
    client.call(mr::calls::extend("rtmr0", digest_of(1), {.description = "\xFF"}),
                [&](const std::expected<mr::Extended, mr::Error> &extended) { code = extended.error().code; });
    loop.run();
    EXPECT_EQ(code, mr::ErrorCode::invalid_argument);
}

// A peer that answers each frame with the same bytes.
class Answering {
public:
    explicit Answering(std::string answer) : answer_(std::move(answer)) {
        socket_ = varlink::listen_on(*varlink::Address::parse(path()), {}).value();
        thread_ = std::jthread([this](const std::stop_token &stop) { serve(stop); });
    }
    [[nodiscard]] std::string path() const { return (folder_.path() / "peer").string(); }

private:
    void serve(const std::stop_token &stop) {
        const std::stop_callback wake(stop, [this] { ::shutdown(socket_.get(), SHUT_RDWR); });
        std::vector<std::jthread> peers;
        while (!stop.stop_requested()) {
            auto peer = varlink::FileDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!peer && errno == EAGAIN) {
                pollfd entry{socket_.get(), POLLIN, 0};
                ::poll(&entry, 1, -1);
                continue;
            }
            if (!peer) return;
            peers.emplace_back([this, peer = std::move(peer)] {
                std::array<char, 4096> frame{};
                while (::recv(peer.get(), frame.data(), frame.size(), 0) > 0)
                    (void)::send(peer.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
            });
        }
    }

    mrd::TemporaryFolder folder_;
    std::string answer_;
    varlink::FileDescriptor socket_;
    std::jthread thread_;
};

// Or whoever tries again in the handler would do so within the call, ever deeper.
TEST(AsyncClient, NoHandlerRunsWithinTheCallThatBeginsIt) {
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), {.socket = "/nowhere/socket"});
    mr::AsyncClient nameless(loop.get_executor(), {.socket = "tcp:1"});
    int completed = 0;
    bool is_within = true;
    const auto handler = [&](const auto &result) {
        EXPECT_FALSE(is_within);
        EXPECT_FALSE(result);
        ++completed;
    };
    client.call(mr::calls::read("rtmr3"), handler);
    client.call(mr::calls::read("\xFF"), handler);
    nameless.call(mr::calls::quote(mr::ReportData{1}), handler);
    nameless.connect(handler);
    is_within = false;
    loop.run();
    EXPECT_EQ(completed, 4);

    int rounds = 0;
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
            constexpr int many = 20'000;
            for (; rounds < many; ++rounds) EXPECT_FALSE(co_await client.call(mr::calls::read("rtmr3"), asio::use_awaitable));
        },
        asio::detached);
    loop.restart();
    loop.run();
    EXPECT_EQ(rounds, 20'000);
}

TEST(AsyncClient, AnAnswerThatGoesOnWhereOneWasAskedForIsNoneOfTheProtocol) {
    using namespace std::string_literals;
    const auto reading = R"("parameters":{"name":"tdx/rtmr3","value":"00","generation":1,"sequence":0}})"s + '\0';
    const Answering peer(R"({"continues":true,)" + reading + R"({"continues":true,)" + reading + "{" + reading);
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), {.socket = peer.path()});
    std::vector<mr::ErrorCode> codes;
    client.connect([&](std::expected<void, mr::Error> connected) {
        ASSERT_TRUE(connected);
        for (int i = 0; i < 2; ++i)
            client.call(mr::calls::read("rtmr3"),
                        [&](std::expected<mr::Reading, mr::Error> got) { codes.push_back(got ? mr::ErrorCode::io : got.error().code); });
    });
    loop.run();
    EXPECT_EQ(codes, (std::vector{mr::ErrorCode::protocol, mr::ErrorCode::connection_lost}));

    auto blocking = mr::Client::connect({.socket = peer.path()}).value();
    const auto got = blocking.read("rtmr3");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, mr::ErrorCode::protocol);
    EXPECT_EQ(blocking.read("mrtd").error().code, mr::ErrorCode::connection_lost) << "what is left is nobody's answer";
}

TEST(AsyncClient, AnAnswerThatItsInterfaceDoesNotAllowEndsTheConnectionAndTheCallsThatAreOpen) {
    using namespace std::string_literals;
    const Answering peer(R"({"parameters":{"reading":{"name":"tdx/rtmr3","value":"xy","refreshed":false}}})"s + '\0');
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), {.socket = peer.path()});
    std::vector<mr::ErrorCode> codes;
    const auto read = [&](auto then) {
        client.call(mr::calls::read("rtmr3"), [&codes, then](std::expected<mr::Reading, mr::Error> got) {
            codes.push_back(got ? mr::ErrorCode::io : got.error().code);
            then();
        });
    };
    client.connect([&](std::expected<void, mr::Error> connected) {
        ASSERT_TRUE(connected);
        read([&] { read([] {}); });
        read([] {});
    });
    loop.run();
    EXPECT_EQ(codes, (std::vector{mr::ErrorCode::protocol, mr::ErrorCode::connection_lost, mr::ErrorCode::connection_lost}));
}

TEST(AsyncClient, ARefusalInTheMiddleOfOpenCallsEndsNoneOfThem) {
    const Served served;
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), served.options());
    std::vector<bool> done;
    client.connect([&](std::expected<void, mr::Error> connected) {
        ASSERT_TRUE(connected);
        for (const auto *name : {"nothing", "rtmr3"})
            client.call(mr::calls::read(name), [&](std::expected<mr::Reading, mr::Error> got) { done.push_back(got.has_value()); });
    });
    loop.run();
    EXPECT_EQ(done, (std::vector{false, true}));
}

TEST(AsyncClient, EachAnswerOfAStreamHasTheTimeOut) {
    using namespace std::string_literals;
    const Answering peer(R"({"continues":true,"parameters":{"chunk":"AAAA"}})"s + '\0');
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), {.socket = peer.path(), .call_timeout = std::chrono::milliseconds(50)});
    int pieces = 0;
    std::optional<mr::ErrorCode> code;
    client.stream(
        mr::calls::export_log("json"),
        [&](const mr::Bytes &) {
            ++pieces;
            return true;
        },
        [&](std::expected<void, mr::Error> ended) { code = ended ? mr::ErrorCode::io : ended.error().code; });
    loop.run();
    EXPECT_EQ(pieces, 1);
    EXPECT_EQ(code, mr::ErrorCode::timed_out);
}

TEST(AsyncClient, ATimeOutBeyondTheClockIsNone) {
    const Served served;
    const mr::ClientOptions options{.socket = served.socket_path(),
                                    .connect_timeout = std::chrono::milliseconds::max() - std::chrono::milliseconds(1),
                                    .call_timeout = std::chrono::milliseconds::max() - std::chrono::milliseconds(1)};
    auto blocking = mr::Client::connect(options);
    ASSERT_TRUE(blocking) << blocking.error().message;
    EXPECT_TRUE(blocking->read("rtmr3"));
    EXPECT_TRUE(blocking->quote(mr::ReportData{1}));
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), options);
    std::optional<bool> has_read;
    client.connect([&](std::expected<void, mr::Error> connected) {
        ASSERT_TRUE(connected) << connected.error().message;
        client.call(mr::calls::read("rtmr3"), [&](std::expected<mr::Reading, mr::Error> reading) { has_read = reading.has_value(); });
    });
    loop.run();
    EXPECT_EQ(has_read, true);
}

// Nothing of an operation is left behind, also where nobody runs the loop any more.
TEST(AsyncClient, WithTheLoopAllOpenOperationsAreGone) {
    const Served served;
    const auto held = std::make_shared<int>();
    {
        asio::io_context loop;
        mr::AsyncClient client(loop.get_executor(), served.options());
        bool has_begun = false;
        client.stream(
            mr::calls::watch({}),
            [&, held](const mr::Change &) {
                has_begun = true;
                return true;
            },
            [held](const std::expected<void, mr::Error> &) {});
        while (!has_begun) loop.run_one();
        EXPECT_GT(held.use_count(), 1);
    }
    EXPECT_EQ(held.use_count(), 1);
}

TEST(AsyncClient, AMethodThatIsNoneOrACallThatIsTooLongIsRefusedHere) {
    const Served served;
    auto client = mr::Client::connect(served.options()).value();
    using namespace std::string_literals;
    for (const auto &method : {""s, "io.mrd.Registers.List\0"s, "\xFF"s, std::string(2 << 20, 'a')}) {
        const auto refused = client.call(method, "{}");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, mr::ErrorCode::invalid_argument);
    }
    EXPECT_EQ(client.call("io.mrd.Registers.List", "{\"x\":\"" + std::string(2 << 20, 'a') + "\"}").error().code,
              mr::ErrorCode::invalid_argument);
    EXPECT_TRUE(client.read("rtmr3")) << "the connection goes on";
}

TEST(AsyncClient, NobodyListeningIsNoService) {
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), {.socket = "/nowhere/socket"});
    std::optional<mr::ErrorCode> code;
    client.connect([&](std::expected<void, mr::Error> connected) { code = connected.error().code; });
    loop.run();
    EXPECT_EQ(code, mr::ErrorCode::no_service);
}

TEST(AsyncClient, AServiceThatNeverAnswersIsTimedOutAndLaterCallsAreLost) {
    const mrd::TemporaryFolder folder;
    const auto path = (folder.path() / "silent").string();
    const auto silent = varlink::listen_on(*varlink::Address::parse(path), {});
    ASSERT_TRUE(silent);
    asio::io_context loop;
    mr::AsyncClient client(loop.get_executor(), {.socket = path, .call_timeout = std::chrono::milliseconds(20)});
    std::vector<mr::ErrorCode> codes;
    client.connect([&](std::expected<void, mr::Error> connected) {
        ASSERT_TRUE(connected);
        for (int i = 0; i < 2; ++i) {
            client.call(mr::calls::read("rtmr0"),
                        [&](std::expected<mr::Reading, mr::Error> reading) { codes.push_back(reading.error().code); });
        }
    });
    loop.run();
    EXPECT_EQ(codes, (std::vector{mr::ErrorCode::timed_out, mr::ErrorCode::connection_lost}));
}

}  // namespace
