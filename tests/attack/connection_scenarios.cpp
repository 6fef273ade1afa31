// What clients can do with connections: leave, send half of something, read nothing.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/attack/scenario.h"

namespace mrd::attack {

namespace {

using namespace std::chrono_literals;

std::string frame(std::string_view message) { return std::string(message) + '\0'; }

std::string repeated(const std::string &text, std::size_t bytes) {
    std::string all;
    while (all.size() + text.size() <= bytes) all += text;
    return all;
}

const std::string report_data(128, '0');
const auto quote = frame(R"({"method":"io.mrd.Attestation.Quote","parameters":{"reportData":")" + report_data + "\"}}");
const auto collateral = frame(R"({"method":"io.mrd.Attestation.Collateral"})");
const auto replay = frame(R"({"method":"io.mrd.EventLog.Replay"})");
const auto watch = frame(R"({"method":"io.mrd.Registers.Watch","more":true})");
const auto follow = frame(R"({"method":"io.mrd.EventLog.Records","parameters":{"follow":true},"more":true})");
const auto all_records = frame(R"({"method":"io.mrd.EventLog.Records","more":true})");
const auto last_record = frame(R"({"method":"io.mrd.EventLog.Records","parameters":{"from":1000000000},"more":true})");
const auto export_log = frame(R"({"method":"io.mrd.EventLog.Export","parameters":{"format":"json"},"more":true})");

// Refused each time, as no register has that name: the log stays as short as it is.
const auto refused_extend =
    frame(R"({"method":"io.mrd.Registers.Extend","parameters":{"name":"none","digest":")" + std::string(96, '1') + "\"}}");

const std::string little_buffered = "[service]\nmax_buffered = 8388608\n";

constexpr std::size_t receive_buffer = 60'000;  // bytes of pipelined calls

// A call that takes a moment, a subscription behind it, and nobody to hear either.
void zombies(Attackers &attackers) {
    const std::vector<std::string> said{quote + watch, quote + follow, collateral + watch, collateral + follow, replay + watch};
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        const auto socket = attackers.connect();
        attackers.send(socket, said[i % said.size()]);
    }
}

void gone_readers(Attackers &attackers) {
    const std::vector<std::string> said{repeated(all_records, receive_buffer), repeated(replay, receive_buffer),
                                        repeated(export_log, receive_buffer), repeated(last_record + replay, receive_buffer)};
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        const auto socket = attackers.connect();
        attackers.send(socket, said[i % said.size()]);
    }
}

// What they want changed is done after they have gone.
void gone_writers(Attackers &attackers) {
    const auto said = repeated(refused_extend, receive_buffer);
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        const auto socket = attackers.connect();
        attackers.send(socket, said);
    }
}

void half_frames(Attackers &attackers) {
    const std::string half((1U << 20U) - 1, ' ');
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        auto socket = attackers.connect();
        attackers.send(socket, half);
        attackers.keep_open(std::move(socket));
    }
    // The last ones at least hold theirs until their time is over.
    if (!attackers.small() && !Attackers::closed_by_peer(attackers.open().back(), 15s))
        attackers.fail("a half frame is held for longer than its time");
}

void unread_answers(Attackers &attackers) {
    const std::vector<std::string> said{repeated(all_records, receive_buffer / 10), repeated(export_log, receive_buffer / 10)};
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        auto socket = attackers.connect();
        attackers.send(socket, said[i % said.size()]);
        attackers.keep_open(std::move(socket));
    }
    // Each has an answer to read, or was closed.
    for (const auto &socket : attackers.open()) {
        pollfd entry{socket.get(), POLLIN, 0};
        if (::poll(&entry, 1, 20'000) != 1) return attackers.fail("one of many readers gets nothing");
    }
}

// As large as one may be, without end, and what is answered is taken.
void large_frames(Attackers &attackers) {
    const auto call = frame(R"({"method":"io.mrd.Registers.Read","parameters":{"name":")" + std::string(1'000'000, 'x') + "\"}}");
    std::atomic<bool> is_over = false;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        threads.emplace_back([&attackers, &is_over, &call] {
            const auto socket = attackers.connect();
            while (!is_over) {
                if (Attackers::send(socket, call) != call.size() || Attackers::closed_by_peer(socket, 0ms)) return;
            }
        });
    }
    std::this_thread::sleep_for(3s);
    is_over = true;
    for (auto &thread : threads) thread.join();
}

// More clients than mrd has descriptors: those too many hear so at once, and mrd has some for its own work.
void few_descriptors(Attackers &attackers) {
    auto first = attackers.connect();
    attackers.send(first, collateral);
    if (!Attackers::is_answered(first)) attackers.fail("the first client was not served");
    std::size_t refused = 0;
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        auto socket = attackers.connect();
        attackers.send(socket, collateral);
        attackers.keep_open(std::move(socket));
    }
    for (const auto &socket : attackers.open()) refused += Attackers::is_answered(socket) ? 0U : 1U;
    if (refused == 0 || refused == attackers.count())
        attackers.fail(std::to_string(refused) + " of " + std::to_string(attackers.count()) + " clients were refused");
    attackers.send(first, quote);
    pollfd entry{first.get(), POLLIN, 0};
    std::string answer(receive_buffer, '\0');
    if (::poll(&entry, 1, 20'000) == 1)
        answer.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(first.get(), answer.data(), answer.size(), 0))));
    if (!answer.starts_with(R"({"parameters":{"quote":)")) attackers.fail("mrd has no descriptors for a quote: " + answer.substr(0, 200));
}

}  // namespace

std::vector<Scenario> connection_scenarios() {
    return {
        {.name = "zombies",
         .what = "clients that send Quote, Collateral or Replay and a subscription behind it, and close",
         .clients = 4096,
         .small_clients = 64,
         .events = 1000,
         .max_rss_mib = 96,
         .small_max_rss_mib = 32,
         .attack = &zombies},
        {.name = "gone-readers",
         .what = "clients that send 60 KB of Records, Replay or Export, and close",
         .clients = 4096,
         .small_clients = 32,
         .events = 30'000,
         .max_rss_mib = 160,
         .small_max_rss_mib = 32,
         .attack = &gone_readers},
        {.name = "gone-writers",
         .what = "clients that send 60 KB of Extends, and close",
         .clients = 400,
         .small_clients = 16,
         .max_rss_mib = 160,
         .small_max_rss_mib = 64,
         .attack = &gone_writers},
        {.name = "half-frames",
         .what = "clients that send a message of 1 MiB but for its end",
         .clients = 96,
         .small_clients = 70,
         .max_rss_mib = 128,
         .small_max_rss_mib = 32,
         .small_config = little_buffered,
         .attack = &half_frames},
        {.name = "unread-answers",
         .what = "clients that ask for Records or Export again and again, and read nothing",
         .clients = 1500,
         .small_clients = 150,
         .events = 30'000,
         .max_rss_mib = 160,
         .small_max_rss_mib = 48,
         .small_config = little_buffered,
         .attack = &unread_answers},
        {.name = "large-frames",
         .what = "clients that send calls of 1 MB without end",
         .clients = 4,
         .small_clients = 2,
         .max_rss_mib = 64,
         .small_max_rss_mib = 32,
         .attack = &large_frames},
        {.name = "descriptors",
         .what = "more clients than mrd has descriptors",
         .clients = 200,
         .small_clients = 80,
         .max_rss_mib = 64,
         .small_max_rss_mib = 32,
         .descriptors = 64,
         .takes_all_places = true,
         .attack = &few_descriptors},
    };
}

}  // namespace mrd::attack
