// mrd dies by SIGKILL, at named points of an extend and at any time, and is started again on the same state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "libmr/wire/registers.h"
#include "mr/envelope.h"
#include "proto/varlink/client.h"
#include "tests/faults/kill_points.h"
#include "tests/integration/daemon.h"
#include "tests/integration/kill_loop.h"
#include "tests/integration/ledger.h"
#include "tests/integration/log_reading.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using faults::kill_points;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char *group_sync = "[journal]\nsync = \"group\"\n";

bool is_of_sync(std::string_view point) { return point.starts_with("sync-"); }

// ---- At each point

enum class Sending : std::uint8_t { one_after_the_other, at_once, behind_each_other };

struct Case {
    std::string_view point;
    Sending sending;
    int events;
    int passes;
    bool on_thread;  // a provider that may wait works on a thread of its own

    [[nodiscard]] std::string name() const {
        std::string name;
        for (const char c : point) name += c == '-' ? '_' : c;
        name += "_" + std::to_string(passes) + "_of_" + std::to_string(events);
        if (sending == Sending::at_once) name += "_at_once";
        if (sending == Sending::behind_each_other) name += "_behind_each_other";
        return name + (on_thread ? "_on_thread" : "");
    }
    // Of calls that come behind each other on one connection, those that have to be durable are made before the first one is.
    [[nodiscard]] std::string config() const { return is_of_sync(point) || sending == Sending::behind_each_other ? group_sync : ""; }
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const Case &one, std::ostream *out) { *out << one.name(); }
};

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const auto point : kill_points) {
        for (const bool on_thread : {false, true}) {
            all.push_back({point, Sending::one_after_the_other, 1, 1, on_thread});
            all.push_back({point, Sending::one_after_the_other, 5, 3, on_thread});
            all.push_back({point, Sending::at_once, 64, 1, on_thread});
            all.push_back({point, Sending::behind_each_other, 64, 1, on_thread});
            if (is_of_sync(point)) continue;  // one sync serves many
            all.push_back({point, Sending::at_once, 64, 32, on_thread});
            all.push_back({point, Sending::at_once, 64, 64, on_thread});
            all.push_back({point, Sending::behind_each_other, 64, 32, on_thread});
            all.push_back({point, Sending::behind_each_other, 64, 64, on_thread});
        }
    }
    return all;
}

// On a connection each; mrd stands still until all of them are sent.
void send_at_once(Daemon &daemon, Ledger &ledger, Ledger::Entry first) {
    const auto address = varlink::Address::parse(daemon.socket()).value();
    std::vector<varlink::ClientConnection> connections;
    for (auto entry = first; entry < ledger.size(); ++entry)
        connections.push_back(varlink::ClientConnection::connect(address, varlink::no_timeout).value());
    daemon.process().signal(SIGSTOP);
    for (std::size_t i = 0; i < connections.size(); ++i) {
        const auto event = ledger.sent(first + i);
        const auto digest = mr::to_hex(event.digest.bytes());
        mr::wire::ExtendParameters parameters{};
        parameters.name = event.reg;
        parameters.digest = digest;
        parameters.id = event.id;
        ASSERT_TRUE(connections[i].send("io.mrd.Registers.Extend", parameters, varlink::no_timeout));
    }
    daemon.process().signal(SIGCONT);
    for (std::size_t i = 0; i < connections.size(); ++i) {
        const auto reply = connections[i].receive(varlink::no_timeout);
        if (!reply) continue;
        ASSERT_EQ(reply->error, "");
        const auto extended = varlink::decode<mr::wire::ExtendReply>(*reply->parameters);
        ASSERT_TRUE(extended);
        ledger.answered(first + i, {extended->sequence, mr::from_hex(extended->reading.value).value()});
    }
}

void send_one_after_the_other(Daemon &daemon, Ledger &ledger, Ledger::Entry first) {
    auto client = daemon.client();
    for (auto entry = first; entry < ledger.size(); ++entry) {
        if (!ledger.send(entry, client)) return;
    }
}

// All on one.
void send_behind_each_other(Daemon &daemon, Ledger &ledger, Ledger::Entry first) {
    auto connection = varlink::ClientConnection::connect(varlink::Address::parse(daemon.socket()).value(), varlink::no_timeout).value();
    std::vector<Ledger::Entry> entries(ledger.size() - first);
    std::iota(entries.begin(), entries.end(), first);
    ledger.send(entries, connection, [](Ledger::Entry, std::string_view error) { EXPECT_EQ(error, ""); });
}

class KillPoints : public DaemonTest, public ::testing::WithParamInterface<Case> {};
INSTANTIATE_TEST_SUITE_P(All, KillPoints, ::testing::ValuesIn(cases()), [](const auto &tested) { return tested.param.name(); });

TEST_P(KillPoints, LoseNoAcknowledgedEventAndRepeatNone) {
    const auto &[point, sending, events, passes, on_thread] = GetParam();
    const auto config = GetParam().config();
    Ledger ledger;
    {
        // There is a log already.
        auto daemon = started({.config = config});
        auto client = daemon.client();
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(ledger.send(ledger.add(program_register), client));
        ASSERT_EQ(daemon.stop(), 0);
    }
    const auto first = ledger.size();
    for (int i = 0; i < events; ++i) ledger.add(program_register);
    {
        Daemon::Options options{.config = config};
        options.kill = std::string(point) + "@" + std::to_string(passes);
        if (on_thread) options.faults = "refresh:delay=1@1000000";  // it may wait, but never does
        auto daemon = started(options);
        switch (sending) {
        case Sending::one_after_the_other: send_one_after_the_other(daemon, ledger, first); break;
        case Sending::at_once: send_at_once(daemon, ledger, first); break;
        case Sending::behind_each_other: send_behind_each_other(daemon, ledger, first); break;
        }
        ASSERT_EQ(daemon.process().wait(), ended_by_kill) << "the point is not reached";
    }
    // Nobody is told before it is so; with group sync, before it is durable.
    const auto told = ledger.answers() - first;
    if (sending == Sending::one_after_the_other) {
        EXPECT_EQ(told, static_cast<std::size_t>(passes) - 1);
    } else {
        EXPECT_LT(told, static_cast<std::size_t>(passes));
    }
    auto daemon = started({.config = config});
    auto client = daemon.client();
    ledger.check(client);
    for (Ledger::Entry entry = 0; entry < ledger.size(); ++entry) {
        const auto done = ledger.send(entry, client);
        EXPECT_TRUE(done) << done.error().message;
    }
    ledger.check_all(client);
    ledger.expect_all_logged();
    EXPECT_THAT(ledger.violations(), IsEmpty());
}

// ---- While it recovers

TEST_F(DaemonTest, AKillDuringTheRecoveryFromAKillLosesNothing) {
    for (const std::string point : {"provider-begins", "provider-ended"}) {
        SCOPED_TRACE(point);
        Ledger ledger;
        const auto state = (folder() / ("state-" + point)).native();
        const auto entry = ledger.add(program_register);
        const auto live = [&](const std::string &kill) {
            Daemon daemon(folder(), {.kill = kill, .state = state});
            if (daemon.ready()) {
                auto client = daemon.client();
                (void)ledger.send(entry, client);
            }
            EXPECT_EQ(daemon.process().wait(), ended_by_kill) << kill;
        };
        live(point);
        live("settled-torn");     // settles what was open, and dies
        live("settled-torn");     // cuts the torn end off, and dies again
        live("settled-written");  //
        auto daemon = started({.state = state});
        auto client = daemon.client();
        ledger.check(client);
        EXPECT_TRUE(ledger.send(entry, client));
        ledger.check_all(client);
        ledger.expect_all_logged();
        EXPECT_THAT(ledger.violations(), IsEmpty());
    }
}

TEST_F(DaemonTest, AKillWhileANewJournalBeginsKeepsTheOldOneAndLeavesAGoodOne) {
    const auto state = folder() / "state";
    const auto boot_id = folder() / "boot_id";
    const auto config = "[service]\nboot_id_file = \"" + boot_id.native() + "\"\n";
    std::ofstream(boot_id) << "boot-0\n";
    std::string old;
    {
        auto daemon = started({.config = config});
        ASSERT_TRUE(daemon.client().extend(program_register, digest_of("old")));
        ASSERT_EQ(daemon.stop(), 0);
        old = contents(state / "journal");
    }
    for (int i = 1; i <= 100; ++i) {
        // Each time another moment of the start, which takes some milliseconds.
        std::ofstream(boot_id) << "boot-" << i << '\n';
        Daemon daemon(folder(), {.config = config, .in_child = dies_after(std::chrono::microseconds(i * 100))});
        ASSERT_EQ(daemon.process().wait(), 1000 + SIGALRM) << daemon.log();
    }
    auto daemon = started({.config = config});
    auto client = daemon.client();
    EXPECT_THAT(records_of(client), IsEmpty());
    EXPECT_EQ(client.extend(program_register, digest_of("new"))->sequence, 1);
    EXPECT_TRUE(replay_of(client, program_register).equal);
    EXPECT_EQ(contents(state / "journal.1"), old);
}

// ---- Around a resync

class ResyncKillPoints : public DaemonTest, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, ResyncKillPoints, ::testing::ValuesIn([] {
                             // An extend that a resync precedes is two rounds to the journal and the provider, and one reply.
                             std::vector<std::string> all;
                             for (const auto point : kill_points) {
                                 const bool in_each_round = !is_of_sync(point);
                                 all.push_back(std::string(point) + "@1");
                                 if (in_each_round) all.push_back(std::string(point) + "@2");
                             }
                             return all;
                         }()),
                         [](const auto &tested) {
                             auto name = tested.param;
                             for (auto &c : name) c = c == '-' || c == '@' ? '_' : c;
                             return name;
                         });

TEST_P(ResyncKillPoints, LeaveTheGapReportedOnceAndRight) {
    const std::string config = is_of_sync(GetParam()) ? group_sync : "";
    const auto before = extended(zero(), digest_of("mine"));
    const auto found = extended(before, digest_of("foreign"));
    std::optional<std::expected<mr::Extended, mr::Error>> answer;
    {
        auto daemon = started({.kill = "never", .config = config});
        ASSERT_TRUE(daemon.client().extend(program_register, digest_of("mine"), {.id = "mine"}));
        ASSERT_EQ(daemon.stop(), 0);
    }
    {
        auto daemon = started({.kill = GetParam(), .config = config});
        auto client = daemon.client();
        extend_behind(program_register, mr::to_hex(digest_of("foreign").bytes()));
        ASSERT_EQ(client.read(program_register, {.fresh = true})->value, found);
        answer = client.extend(program_register, digest_of("next"), {.id = "next"});
        ASSERT_EQ(daemon.process().wait(), ended_by_kill) << "the point is not reached";
    }
    auto daemon = started({.config = config});
    auto client = daemon.client();
    {
        const auto replayed = replay_of(client, program_register);
        EXPECT_FALSE(replayed.equal);
        EXPECT_LE(replayed.gaps.size(), 1U);
        EXPECT_EQ(replayed.ends_at_register, replayed.gaps.size() == 1) << "the resync explains what was found";
    }
    const auto again = client.extend(program_register, digest_of("next"), {.id = "next"});
    ASSERT_TRUE(again) << again.error().message;
    if (*answer) {
        EXPECT_EQ(again->reading.value, (*answer)->reading.value);
        EXPECT_EQ(again->sequence, (*answer)->sequence);
    }
    const auto records = records_of(client);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].id, "mine");
    EXPECT_EQ(records[1].origin, mr::EventOrigin::resync);
    EXPECT_EQ(records[2].id, "next");
    const auto resync = mr::decode_envelope(records[1].data.value());
    ASSERT_TRUE(resync) << resync.error().message;
    EXPECT_EQ(resync->header.type, "resync");
    EXPECT_EQ(resync->body.expected, before);
    EXPECT_EQ(resync->body.found, found);
    EXPECT_EQ(again->reading.value, extended(extended(found, mr::Digest(records[1].digest)), digest_of("next")));
    const auto replayed = replay_of(client, program_register);
    EXPECT_FALSE(replayed.equal);
    EXPECT_TRUE(replayed.ends_at_register);
    EXPECT_THAT(replayed.gaps, ElementsAre(2));
}

// ---- At any time

void kill_at_random(KillLoop::Options options, int kills) {
    // A sanitizer starts mrd ten times as slowly, and looks at each step, not at each place to die.
    if (is_sanitized) kills /= 5;
    const auto seed = std::random_device()();
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    const auto from = [&random](int least, int most) { return std::uniform_int_distribution(least, most)(random); };
    KillLoop loop(std::move(options));
    for (int i = 0; i < kills; ++i) loop.live(AfterAcknowledged{from(1, 60)});
    loop.conclude();
    EXPECT_THAT(loop.ledger().violations(), IsEmpty());
    EXPECT_GT(loop.ledger().size(), static_cast<std::size_t>(kills));
}

TEST_F(DaemonTest, KillsAtRandomWhileEightClientsExtendLoseAndRepeatNothing) { kill_at_random({.folder = folder()}, 140); }

TEST_F(DaemonTest, KillsAtRandomWithGroupSyncLoseAndRepeatNothing) { kill_at_random({.folder = folder(), .config = group_sync}, 60); }

TEST_F(DaemonTest, KillsAtRandomWithGroupSyncAndManyExtendsBehindEachOtherLoseAndRepeatNothing) {
    kill_at_random({.folder = folder(), .config = group_sync, .at_once = 8}, 60);
}

TEST_F(DaemonTest, KillsAtRandomWhileHalfOfTheClientsMeasureIntoVirtualRegistersLoseAndRepeatNothing) {
    kill_at_random({.folder = folder(), .has_virtual_registers = true}, 40);
}

}  // namespace
}  // namespace mrd
