// What every provider of mrd must do, through mrd as a process: its flags, extend, refreshes, failures before and after the effect, somebody else's extends, restart, a
// kill at every step, reports and quotes with nonces. A test runs what the provider declares; what it does not is skipped, and says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>

#include "mr/envelope.h"
#include "mr/tee.h"
#include "mr/verify.h"
#include "tests/conformance/subject.h"
#include "tests/faults/kill_points.h"
#include "tests/integration/daemon.h"
#include "tests/integration/ledger.h"
#include "tests/integration/log_reading.h"

namespace mrd::conformance {
namespace {

using mr::ErrorCode;
using mr::Flag;
using ::testing::IsEmpty;

class Conformance : public DaemonTest, public ::testing::WithParamInterface<Subject> {
protected:
    void SetUp() override {
        if (const auto reason = GetParam().why_not_there(); !reason.empty()) GTEST_SKIP() << reason;
    }

    Daemon started(const std::string &faults = {}, const std::string &kill = {}) {
        Daemon::Options options{.arguments = GetParam().arguments, .config = GetParam().config};
        options.faults = faults;
        options.kill = kill;
        const bool is_whole = faults.empty() && kill.empty();
        auto daemon = DaemonTest::started(std::move(options));
        if (is_whole) wait_for_what_comes_later(daemon);
        return daemon;
    }
    static void wait_for_what_comes_later(const Daemon &daemon) {
        if (GetParam().comes_later.empty()) return;
        auto client = daemon.client();
        (void)client.watch({}, [](const mr::Change &change) { return change.reading.name != GetParam().comes_later; });
    }

    static std::vector<mr::Register> those(mr::Client &client, const std::function<bool(const mr::Register &)> &wanted) {
        auto all = client.list().value();
        std::erase_if(all, [&](const auto &each) { return !wanted(each); });
        return all;
    }
    static bool is_ours(const mr::Register &each) { return each.flags.has(Flag::extensible) && each.owner != mr::Owner::observed; }
    static bool only_mrd_extends(const mr::Register &each) { return is_ours(each) && each.owner == mr::Owner::owned; }
    static std::vector<std::string> ours(mr::Client &client) {
        std::vector<std::string> names;
        for (const auto &each : those(client, is_ours)) names.push_back(each.name);
        return names;
    }
    static mr::HashAlgorithm hash_of(mr::Client &client, const std::string &name) {
        return those(client, [&](const auto &each) { return each.name == name; }).at(0).hash.value();
    }
    // Of the register's hash, and of no other call.
    mr::Digest digest(mr::Client &client, const std::string &name) {
        return mr::hash(hash_of(client, name), mr::as_bytes(name + std::to_string(++digests_))).value();
    }
    // The register's value behind an extend of `old`.
    static mr::Bytes after(mr::Client &client, const std::string &name, mr::ByteView old, const mr::Digest &by) {
        const auto value = mr::extend(hash_of(client, name), old, by.bytes()).value();
        return {value.bytes().begin(), value.bytes().end()};
    }
    static mr::Bytes value(mr::Client &client, const std::string &name) { return client.read(name).value().value; }
    static std::int64_t refreshes(mr::Client &client) { return client.statistics().value().at(0).refreshes; }
    static void expect_equal(mr::Client &client, const std::string &name) {
        const auto replayed = replay_of(client, name);
        EXPECT_TRUE(replayed.equal) << name;
    }
    mr::Bytes nonce() {
        mr::Bytes bytes(64, 0xC0);
        bytes[63] = static_cast<std::uint8_t>(++digests_);
        return bytes;
    }

private:
    int digests_ = 0;
};

std::string told(const mr::Verdict &verdict) {
    std::string text;
    for (const auto &each : verdict.statements()) {
        if (each.required) text += each.name + " " + std::string(to_string(each.result)) + ": " + each.reason + "\n";
    }
    return text;
}

mr::ReportData report_data_of(const mr::Bytes &bytes) {
    mr::ReportData data{};
    std::ranges::copy(bytes, data.begin());
    return data;
}

#define SKIP_WITHOUT(what, there) \
    if (!(there)) GTEST_SKIP() << GetParam().name << " declares no " what

// Of what a provider may do or not: it failed for another reason than that it does not, if it did.
template <class Made>
bool is_declared(const Made &made) {
    return made || (made.error().code != ErrorCode::not_supported && made.error().code != ErrorCode::no_such_provider);
}

// ---- Flags

TEST_P(Conformance, ListsEachRegisterOnceWithASizeThatFitsItsHash) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto all = client.list().value();
    EXPECT_FALSE(all.empty());
    std::map<std::string, int> names;
    for (const auto &each : all) {
        EXPECT_EQ(++names[each.name], 1) << each.name;
        EXPECT_GT(each.size, 0U) << each.name;
        if (each.hash) {
            EXPECT_EQ(each.size, mr::digest_size(*each.hash)) << each.name;
        }
        if (each.flags.has(Flag::extensible)) {
            EXPECT_TRUE(each.hash) << each.name;
        }
        if (each.flags.has(Flag::readable)) {
            EXPECT_EQ(value(client, each.name).size(), each.size) << each.name;
        }
    }
}

TEST_P(Conformance, WhatAFlagDoesNotAllowIsRefusedAndChangesNothing) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto all = client.list().value();
    for (const auto &each : all) {
        SCOPED_TRACE(each.name);
        const auto before = client.read(each.name, {});
        if (!each.flags.has(Flag::readable)) {
            EXPECT_EQ(before.error().code, ErrorCode::not_readable);
        }
        if (!each.flags.has(Flag::extensible) || each.owner == mr::Owner::observed) {
            const auto by = mr::Digest(mr::Bytes(each.hash ? each.size : 48, 7));
            EXPECT_EQ(client.extend(each.name, by).error().code, ErrorCode::not_extensible);
        }
        if (!each.flags.has(Flag::writable) || each.flags.has(Flag::extensible)) {
            EXPECT_EQ(client.write(each.name, mr::Bytes(each.size)).error().code, ErrorCode::not_writable);
        }
        if (before) {
            EXPECT_EQ(value(client, each.name), before->value);
        }
    }
}

// ---- Extend

TEST_P(Conformance, AnExtendIsTheHashOfOldAndDigestAndLeavesTheOthersAlone) {
    const auto daemon = started();
    auto client = daemon.client();
    SKIP_WITHOUT("register that can be extended", !ours(client).empty());
    const auto live = those(client, [](const auto &each) { return each.flags.has(Flag::readable) && each.hash; });
    for (const auto &name : ours(client)) {
        SCOPED_TRACE(name);
        std::map<std::string, mr::Bytes> before;
        for (const auto &each : live) before[each.name] = value(client, each.name);
        const auto by = digest(client, name);
        const auto done = client.extend(name, by);
        ASSERT_TRUE(done) << done.error().message;
        EXPECT_EQ(done->reading.value, after(client, name, before[name], by));
        before[name] = done->reading.value;
        for (const auto &each : live) EXPECT_EQ(value(client, each.name), before[each.name]) << each.name;
        const auto records = records_of(client, done->sequence);
        ASSERT_EQ(records.size(), 1U);
        EXPECT_EQ(records[0].name, name);
        EXPECT_EQ(records[0].digest, mr::Bytes(by.bytes().begin(), by.bytes().end()));
        expect_equal(client, name);
    }
}

TEST_P(Conformance, ADigestOfAnotherSizeIsRefused) {
    const auto daemon = started();
    auto client = daemon.client();
    SKIP_WITHOUT("register that can be extended", !ours(client).empty());
    for (const auto &each : those(client, is_ours)) {
        const auto other = *each.hash == mr::HashAlgorithm::sha256 ? std::size_t{48} : std::size_t{32};
        EXPECT_EQ(client.extend(each.name, mr::Digest(mr::Bytes(other, 1))).error().code, ErrorCode::wrong_length) << each.name;
        expect_equal(client, each.name);
    }
}

// ---- Refreshes, counted

TEST_P(Conformance, ReadsOfWhatIsInSyncDoNotReachTheHardware) {
    const auto daemon = started();
    auto client = daemon.client();
    // What others may extend is reread each time, and so is a report over it.
    const auto live = those(client, only_mrd_extends);
    SKIP_WITHOUT("register that only mrd extends", !live.empty());
    for (const auto &each : live) (void)value(client, each.name);
    const auto before = refreshes(client);
    for (int i = 0; i < 10; ++i) {
        for (const auto &each : live) (void)value(client, each.name);
    }
    EXPECT_EQ(refreshes(client), before);
}

TEST_P(Conformance, HoweverManyReadAfterAnExtendTheHardwareIsRereadOnce) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto owned = those(client, only_mrd_extends);
    SKIP_WITHOUT("register that only mrd extends", !owned.empty());
    for (const auto &each : owned) {
        (void)value(client, each.name);
        ASSERT_TRUE(client.extend(each.name, digest(client, each.name)));
        const auto before = refreshes(client);
        for (int i = 0; i < 10; ++i) (void)value(client, each.name);
        EXPECT_LE(refreshes(client), before + 1) << each.name;
    }
}

// ---- Failures. What fails is put around the provider, so that every provider can.

TEST_P(Conformance, AnExtendThatFailsBeforeItsEffectLeavesRegisterAndLog) {
    const auto daemon = started("extend:fail-before@1");
    auto client = daemon.client();
    SKIP_WITHOUT("register that can be extended", !ours(client).empty());
    const auto name = ours(client).front();
    const auto before = value(client, name);
    EXPECT_EQ(client.extend(name, digest(client, name)).error().code, ErrorCode::provider_failed);
    EXPECT_EQ(value(client, name), before);
    EXPECT_TRUE(client.extend(name, digest(client, name)));
    expect_equal(client, name);
}

TEST_P(Conformance, AnExtendThatFailsAfterItsEffectIsInRegisterAndLog) {
    const auto daemon = started("extend:fail-after@1");
    auto client = daemon.client();
    SKIP_WITHOUT("register that can be extended", !ours(client).empty());
    const auto name = ours(client).front();
    const auto by = digest(client, name);
    const auto expected = after(client, name, value(client, name), by);
    (void)client.extend(name, by);
    EXPECT_EQ(value(client, name), expected);
    EXPECT_TRUE(client.extend(name, digest(client, name)));
    expect_equal(client, name);
}

TEST_P(Conformance, WhereARereadFailsNoStaleValueIsServed) {
    const auto first = GetParam().refreshes_at_start + 2;
    const auto daemon = started("refresh:fail@" + std::to_string(first) + "-" + std::to_string(first + 1));
    auto client = daemon.client();
    SKIP_WITHOUT("register that can be extended", !ours(client).empty());
    const auto name = ours(client).front();
    for (int i = 0; i < 4; ++i) {
        const auto by = digest(client, name);
        const auto before = client.read(name);
        const auto done = client.extend(name, by);
        if (!before || !done) continue;
        EXPECT_EQ(done->reading.value, after(client, name, before->value, by));
    }
    while (!client.read(name)) {
    }
    expect_equal(client, name);
}

// ---- Somebody else

TEST_P(Conformance, WhatSomebodyElseExtendsIsFoundResyncedAndShownAsAGap) {
    SKIP_WITHOUT("register that somebody else can extend", GetParam().extend_elsewhere != nullptr);
    const auto daemon = started();
    auto client = daemon.client();
    const auto name = ours(client).front();
    const auto first = client.extend(name, digest(client, name));
    ASSERT_TRUE(first);
    const auto foreign = digest(client, name);
    GetParam().extend_elsewhere(folder(), name, foreign);
    const auto found = after(client, name, first->reading.value, foreign);
    // Found at the latest when the register is reread for the extend.
    const auto fresh = client.read(name, {.fresh = true});
    SKIP_WITHOUT("fresh reading", fresh || fresh.error().code != ErrorCode::not_supported);
    const auto by = digest(client, name);
    const auto done = client.extend(name, by);
    ASSERT_TRUE(done) << done.error().message;
    const auto records = records_of(client, first->sequence + 1);
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].origin, mr::EventOrigin::resync);
    const auto resync = mr::decode_envelope(records[0].data.value());
    ASSERT_TRUE(resync) << resync.error().message;
    EXPECT_EQ(resync->body.expected, first->reading.value);
    EXPECT_EQ(resync->body.found, found);
    const auto resynced = after(client, name, found, mr::Digest(records[0].digest));
    EXPECT_EQ(done->reading.value, after(client, name, resynced, by));
    const auto replayed = replay_of(client, name);
    EXPECT_TRUE(replayed.ends_at_register);
    EXPECT_EQ(replayed.gaps, std::vector{records[0].sequence});
}

// ---- Restart and kill

TEST_P(Conformance, AfterARestartValuesAndLogGoOn) {
    std::string name;
    mr::Bytes last;
    {
        auto daemon = started();
        auto client = daemon.client();
        SKIP_WITHOUT("register that can be extended", !ours(client).empty());
        name = ours(client).front();
        last = client.extend(name, digest(client, name)).value().reading.value;
        EXPECT_EQ(daemon.stop(), 0);
    }
    const auto daemon = started();
    auto client = daemon.client();
    EXPECT_EQ(value(client, name), last);
    EXPECT_TRUE(client.extend(name, digest(client, name)));
    expect_equal(client, name);
}

TEST_P(Conformance, KilledAtAnyStepNothingIsLostAndNothingThereTwice) {
    Ledger ledger;
    std::string name;
    {
        auto daemon = started();
        auto client = daemon.client();
        SKIP_WITHOUT("register that can be extended", !ours(client).empty());
        name = ours(client).front();
        EXPECT_EQ(daemon.stop(), 0);
    }
    std::optional<Ledger::Entry> open;
    for (const auto point : faults::kill_points) {
        if (point.starts_with("sync-")) continue;  // of a journal that is synced
        SCOPED_TRACE(point);
        auto daemon = started({}, std::string(point));
        auto client = daemon.client();
        ledger.check(client);
        if (!open) open = ledger.add(name);
        EXPECT_FALSE(ledger.send(*open, client));
        EXPECT_EQ(daemon.process().wait(), 1000 + SIGKILL);
        // Sent again, with its id.
        auto next = started();
        auto again = next.client();
        const auto done = ledger.send(*open, again);
        EXPECT_TRUE(done) << done.error().message;
        open.reset();
        expect_equal(again, name);
        EXPECT_EQ(next.stop(), 0);
    }
    auto daemon = started();
    auto client = daemon.client();
    ledger.check_all(client);
    ledger.expect_all_logged();
    EXPECT_THAT(ledger.violations(), IsEmpty());
}

// ---- Reports and quotes

TEST_P(Conformance, AReportIsOverTheBytesThatWereGiven) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto asked = nonce();
    const auto made = client.report(report_data_of(asked));
    SKIP_WITHOUT("reports", is_declared(made));
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_FALSE(std::ranges::search(made->report, asked).empty());
    const auto verdict = client.verify_report(made->report);
    if (verdict) {
        EXPECT_TRUE(verdict->genuine) << verdict->reason;
    }
}

TEST_P(Conformance, AQuoteIsOverItsOwnNonceAndOverTheRegistersOfNow) {
    const auto daemon = started();
    auto client = daemon.client();
    {
        const auto made = client.quote(report_data_of(nonce()));
        SKIP_WITHOUT("quotes", is_declared(made));
        ASSERT_TRUE(made) << made.error().message;
    }
    auto root = GetParam().root.empty() ? client.collateral().value().root_pem : contents(GetParam().root);
    for (int i = 0; i < 3; ++i) {
        if (!ours(client).empty()) {
            ASSERT_TRUE(client.extend(ours(client).front(), digest(client, ours(client).front())));
        }
        const auto asked = nonce();
        const auto evidence = client.evidence(report_data_of(asked));
        ASSERT_TRUE(evidence) << evidence.error().message;
        mr::VerifyOptions options;
        options.anchors = mr::parse_trust_anchors(mr::as_bytes(root)).value();
        options.report_data = asked;
        options.waived.reference = true;
        options.waived.tcb = true;
        options.time = std::time(nullptr);
        const auto parsed = mr::parse_evidence(mr::as_bytes(evidence->json)).value();
        const auto verdict = mr::verify(parsed, options);
        EXPECT_TRUE(verdict.verified()) << told(verdict);
        // Not with another nonce.
        options.report_data = nonce();
        EXPECT_FALSE(mr::verify(parsed, options).verified());
    }
}

TEST_P(Conformance, SixteenClientsAtOnceEachGetAQuoteOverTheirOwnNonceThatIsNotOlderThanTheirOwnExtend) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto any = client.quote(report_data_of(nonce()));
    SKIP_WITHOUT("quotes", is_declared(any));
    ASSERT_TRUE(any) << any.error().message;
    const auto names = ours(client);
    SKIP_WITHOUT("register that can be extended", !names.empty());
    const auto &name = names.front();
    const auto tees = mr::known_tees();
    const auto tee = std::ranges::find_if(tees, [&](const auto *each) { return each->begins_quote(any->quote); });
    ASSERT_NE(tee, tees.end());

    struct Made {
        std::int64_t extended = 0;  // the client's own event before it
        mr::Bytes asked;
        mr::Bytes quote;
    };
    std::mutex mutex;
    std::vector<Made> all;
    std::map<mr::Bytes, std::int64_t> event_of;  // of each value of the register
    std::atomic<bool> over = false;
    std::jthread beside;
    if (GetParam().use_beside) beside = std::jthread([&] { GetParam().use_beside(over); });
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 16; ++i) {
            clients.emplace_back([&, by = std::vector{digest(client, name), digest(client, name)}, asked = nonce()] {
                auto own = daemon.client();
                // The same nonce again: what was made for it before is too old.
                for (const auto &each : by) {
                    const auto done = own.extend(name, each);
                    const auto made = own.quote(report_data_of(asked));
                    const std::lock_guard lock(mutex);
                    ASSERT_TRUE(done) << done.error().message;
                    ASSERT_TRUE(made) << made.error().message;
                    event_of[done->reading.value] = done->sequence;
                    all.push_back({done->sequence, asked, made->quote});
                }
            });
        }
    }
    over = true;
    EXPECT_EQ(all.size(), 32U);
    for (const auto &each : all) {
        const auto claims = (*tee)->read(each.quote);
        ASSERT_TRUE(claims) << claims.error().message;
        EXPECT_EQ(claims->report_data, each.asked);
        const auto *const quoted = claims->find(name.substr(name.find('/') + 1));
        ASSERT_NE(quoted, nullptr);
        const auto value = quoted->value.bytes();
        EXPECT_GE(event_of[mr::Bytes(value.begin(), value.end())], each.extended);
    }
}

INSTANTIATE_TEST_SUITE_P(All, Conformance, ::testing::ValuesIn(subjects()), [](const auto &subject) { return subject.param.name; });

}  // namespace
}  // namespace mrd::conformance
