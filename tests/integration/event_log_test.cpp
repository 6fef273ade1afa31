// The event log as clients get it from the real mrd: what is extended, and the records of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <numeric>
#include <thread>

#include "libmr/wire/event_log.h"
#include "mr/envelope.h"
#include "proto/varlink/client.h"
#include "tests/integration/daemon.h"
#include "tests/integration/log_reading.h"

namespace mrd {
namespace {

using mr::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventLogTest : public DaemonTest {};

std::vector<std::int64_t> sequences(const std::vector<mr::LogRecord> &records) {
    std::vector<std::int64_t> all;
    for (const auto &record : records) all.push_back(record.sequence);
    return all;
}

std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// ---- Records

TEST_F(EventLogTest, ARecordSaysWhatWasExtendedByWhomAndWhen) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto begin = now();
    const auto data = bytes_of("an image's name");
    ASSERT_TRUE(client.extend(program_register, digest_of("image"),
                              {.type = 0x80000001, .description = "the image", .data = data, .id = "image-1"}));
    ASSERT_TRUE(client.extend("tdx/rtmr2", digest_of("an image's name"), {.data = data}));
    ASSERT_TRUE(client.measure(program_register, data));
    ASSERT_TRUE(client.extend(program_register, digest_of("bare")));
    const auto end = now();
    const auto records = records_of(client);
    ASSERT_EQ(records.size(), 4U);
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto &record = records[i];
        EXPECT_EQ(record.sequence, static_cast<std::int64_t>(i) + 1);
        EXPECT_EQ(record.origin, mr::EventOrigin::service);
        EXPECT_GE(record.time, begin);
        EXPECT_LE(record.time, end);
        ASSERT_TRUE(record.caller);
        EXPECT_EQ(record.caller->uid, ::getuid());
        EXPECT_EQ(record.caller->gid, ::getgid());
        EXPECT_EQ(record.caller->pid, ::getpid());
        EXPECT_EQ(record.caller->executable, std::filesystem::read_symlink("/proc/self/exe").native());
    }
    EXPECT_EQ(records[0].name, program_register);
    EXPECT_EQ(records[0].digest, bytes_of(digest_of("image")));
    EXPECT_EQ(records[0].type, 0x80000001U);
    EXPECT_EQ(records[0].description, "the image");
    EXPECT_EQ(records[0].data, data);
    EXPECT_EQ(records[0].id, "image-1");
    EXPECT_EQ(records[0].binding, mr::Binding::described) << "the digest is that of something else";
    EXPECT_EQ(records[1].name, "tdx/rtmr2");
    EXPECT_EQ(records[1].type, mr::ev_ipl);
    EXPECT_EQ(records[1].binding, mr::Binding::bound) << "the digest is that of the data";
    EXPECT_EQ(records[2].binding, mr::Binding::bound);
    EXPECT_EQ(records[2].digest, bytes_of(digest_of("an image's name")));
    EXPECT_EQ(records[3].data, std::nullopt);
    EXPECT_EQ(records[3].description, std::nullopt);
    EXPECT_EQ(records[3].id, std::nullopt);
    EXPECT_EQ(records[3].binding, mr::Binding::described);
}

TEST_F(EventLogTest, RecordsBeginWhereTheyAreAskedToAndEndWithTheLog) {
    const auto daemon = started();
    auto client = daemon.client();
    EXPECT_THAT(records_of(client), IsEmpty());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.extend(program_register, digest_of("a")));
    EXPECT_THAT(sequences(records_of(client)), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(sequences(records_of(client, 4)), ElementsAre(4, 5));
    EXPECT_THAT(sequences(records_of(client, 5)), ElementsAre(5));
    EXPECT_THAT(records_of(client, 6), IsEmpty());
    const auto alone = client.call("io.mrd.EventLog.Records", "{}");
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().name, "org.varlink.service.ExpectedMore");
}

TEST_F(EventLogTest, WhoFollowsGetsEachLaterRecordOnce) {
    const auto daemon = started();
    auto follower = daemon.client();
    auto writer = daemon.client();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer.extend(program_register, digest_of("a")));
    std::vector<std::int64_t> seen;
    const auto ended = follower.records(2, true, [&](const mr::LogRecord &record) {
        seen.push_back(record.sequence);
        if (record.sequence == 100) return false;
        EXPECT_TRUE(record.sequence < 3 || writer.extend(program_register, digest_of("b")));
        return true;
    });
    ASSERT_TRUE(ended) << ended.error().message;
    std::vector<std::int64_t> expected(99);
    std::iota(expected.begin(), expected.end(), 2);
    EXPECT_EQ(seen, expected);
}

std::size_t resident_bytes(pid_t pid) {
    const auto status = contents("/proc/" + std::to_string(pid) + "/status");
    const auto at = status.find("VmRSS:");
    return std::stoul(status.substr(at + 6)) * 1024;
}

TEST_F(EventLogTest, AFollowerThatDoesNotReadGrowsNothingAndHoldsUpNobodyAndMissesNothing) {
    // Under the address sanitizer what is freed must not count as grown.
    auto daemon = started({.environment = {{"ASAN_OPTIONS", "quarantine_size_mb=1"}}});
    auto client = daemon.client();
    const auto address = varlink::Address::parse(daemon.socket()).value();
    auto follower = varlink::ClientConnection::connect(address, varlink::no_timeout).value();
    ASSERT_TRUE(follower.send("io.mrd.EventLog.Records", mr::wire::RecordsParameters{1, true, {}, {}}, varlink::no_timeout,
                              varlink::CallMode::more));
    const mr::Bytes data(4096, 0x5A);
    const auto extend = [&](int events) {
        for (int i = 0; i < events; ++i) ASSERT_TRUE(client.extend(program_register, digest_of("a"), {.data = data}));
    };
    // Until its buffers are full; from then on each event is one more that it does not read.
    extend(500);
    const auto before = resident_bytes(daemon.process().pid());
    extend(3000);
    const auto after = resident_bytes(daemon.process().pid());
    EXPECT_LT(after, before + (std::size_t{4} << 20)) << "events of 12 MiB came, 16 as replies";
    for (std::int64_t sequence = 1; sequence <= 3500; ++sequence) {
        const auto reply = follower.receive(varlink::no_timeout);
        ASSERT_TRUE(reply) << reply.error().reason;
        const auto record = varlink::decode<mr::wire::RecordsReply>(*reply->parameters);
        ASSERT_TRUE(record);
        ASSERT_EQ(record->record->sequence, sequence);
    }
}

TEST_F(EventLogTest, IsInTheOrderOfTheExtendsOfManyClients) {
    const auto daemon = started();
    constexpr int clients = 64;
    constexpr int events = 10;
    std::vector<std::vector<mr::Extended>> answers(clients);
    {
        std::vector<std::jthread> threads;
        for (auto &mine : answers) {
            threads.emplace_back([&daemon, &mine, number = threads.size()] {
                auto client = daemon.client();
                for (int i = 0; i < events; ++i) {
                    if (auto done = client.extend(program_register, digest_of(std::to_string(number) + "-" + std::to_string(i))))
                        mine.push_back(*done);
                }
            });
        }
    }
    auto client = daemon.client();
    const auto records = records_of(client);
    ASSERT_EQ(records.size(), static_cast<std::size_t>(clients) * events);
    std::vector<mr::Bytes> values{zero()};
    for (const auto &record : records) values.push_back(extended(values.back(), mr::Digest(record.digest)));
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, values.back());
    EXPECT_TRUE(replay_of(client, program_register).equal);
    for (int number = 0; number < clients; ++number) {
        const auto &mine = answers[static_cast<std::size_t>(number)];
        ASSERT_EQ(mine.size(), static_cast<std::size_t>(events));
        for (std::size_t i = 0; i < mine.size(); ++i) {
            const auto sequence = static_cast<std::size_t>(mine[i].sequence);
            EXPECT_TRUE(i == 0 || mine[i].sequence > mine[i - 1].sequence);
            EXPECT_EQ(records.at(sequence - 1).digest, bytes_of(digest_of(std::to_string(number) + "-" + std::to_string(i))));
            EXPECT_EQ(mine[i].reading.value, values.at(sequence));
        }
    }
}

// ---- At the same time

class AtTheSameTime : public EventLogTest, public ::testing::WithParamInterface<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, AtTheSameTime, ::testing::Values("", "refresh:delay=1@1000000"),
                         [](const auto &tested) { return *tested.param == '\0' ? "Inline" : "OnThread"; });

TEST_P(AtTheSameTime, OneEventSentByManyIsOneEvent) {
    const auto daemon = started({.faults = GetParam()});
    constexpr int clients = 32;
    std::vector<std::expected<mr::Extended, mr::Error>> answers(clients);
    {
        std::latch start(clients);
        std::vector<std::jthread> threads;
        for (auto &answer : answers) {
            threads.emplace_back([&daemon, &answer, &start] {
                auto client = daemon.client();
                start.arrive_and_wait();
                answer = client.extend(program_register, digest_of("a"), {.id = "same"});
            });
        }
    }
    for (const auto &answer : answers) {
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->sequence, 1);
        EXPECT_EQ(answer->reading.value, extended(zero(), digest_of("a")));
    }
    auto client = daemon.client();
    EXPECT_EQ(records_of(client).size(), 1U);
    EXPECT_TRUE(replay_of(client, program_register).equal);
}

TEST_P(AtTheSameTime, AReplayIsEqualWhileOthersExtend) {
    const auto daemon = started({.faults = GetParam()});
    std::atomic<bool> ending = false;
    std::atomic<int> events = 0;
    std::vector<std::jthread> threads;
    for (const auto *name : {"tdx/rtmr2", "tdx/rtmr2", "tdx/rtmr3", "tdx/rtmr3"}) {
        threads.emplace_back([&, name] {
            auto client = daemon.client();
            while (!ending) events += client.extend(name, digest_of("a")).has_value() ? 1 : 0;
        });
    }
    auto client = daemon.client();
    for (int replays = 0; replays < 50 || events < 500; ++replays) {
        for (const auto &result : replay_of(client)) ASSERT_TRUE(result.equal) << result.name << " after " << replays;
    }
    ending = true;
}

// ---- What is extended

TEST_F(EventLogTest, AnEnvelopeBindsDescriptionAndData) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto measured = client.measure(program_register, mr::as_bytes("the data"), {.description = "what it is", .envelope = true});
    ASSERT_TRUE(measured) << measured.error().message;
    const auto record = records_of(client).at(0);
    EXPECT_EQ(record.type, mr::ev_event_tag);
    EXPECT_EQ(record.binding, mr::Binding::bound);
    EXPECT_EQ(record.digest, bytes_of(measured->digest));
    EXPECT_EQ(measured->digest, mr::envelope_digest(*record.data, mr::HashAlgorithm::sha384));
    EXPECT_EQ(measured->reading.value, extended(zero(), measured->digest));
    const auto envelope = mr::decode_envelope(*record.data);
    ASSERT_TRUE(envelope) << envelope.error().message;
    EXPECT_EQ(envelope->header.type, "measure");
    EXPECT_EQ(envelope->header.register_name, "tdx/rtmr3");
    EXPECT_EQ(envelope->body.description, "what it is");
    EXPECT_EQ(envelope->body.data, bytes_of("the data"));
}

TEST_F(EventLogTest, ALogOnlyRegisterIsExtendedByWhatTheLogHoldsOnly) {
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n"});
    auto client = daemon.client();
    EXPECT_EQ(client.extend(program_register, digest_of("a"), {.data = bytes_of("a")}).error().code, ErrorCode::log_only);
    EXPECT_EQ(client.measure(program_register, mr::as_bytes("a"))->sequence, 1);
    EXPECT_EQ(client.cap(program_register), 2);
    const auto records = records_of(client);
    ASSERT_THAT(sequences(records), ElementsAre(1, 2));
    for (const auto &record : records) {
        EXPECT_EQ(record.binding, mr::Binding::bound);
        EXPECT_TRUE(mr::decode_envelope(*record.data)) << "whatever was asked for";
    }
    EXPECT_TRUE(replay_of(client, program_register).equal);
}

TEST_F(EventLogTest, ACapIsTheLastEventOfItsRegisterOverARestartToo) {
    auto daemon = started();
    {
        auto client = daemon.client();
        ASSERT_TRUE(client.extend(program_register, digest_of("a"), {.id = "before"}));
        EXPECT_EQ(client.cap(program_register), 2);
        const auto record = records_of(client).at(1);
        EXPECT_EQ(record.type, mr::ev_event_tag);
        EXPECT_EQ(record.binding, mr::Binding::bound);
        EXPECT_EQ(mr::decode_envelope(*record.data)->header.type, "cap");
        EXPECT_EQ(client.read(program_register)->value, extended(extended(zero(), digest_of("a")), mr::Digest(record.digest)));
    }
    for (int life = 0; life < 2; ++life) {
        auto client = daemon.client();
        const auto refused = client.extend(program_register, digest_of("b"));
        EXPECT_EQ(refused.error().code, ErrorCode::capped);
        EXPECT_THAT(refused.error().message, testing::HasSubstr("sequence 2")) << "which event it was, over a restart too";
        EXPECT_EQ(client.measure(program_register, mr::as_bytes("b")).error().code, ErrorCode::capped);
        EXPECT_EQ(client.extend(program_register, digest_of("a"), {.id = "before"})->sequence, 1) << "what was sent before is answered";
        EXPECT_TRUE(client.list()->at(8).capped);
        EXPECT_FALSE(client.list()->at(7).capped);
        EXPECT_EQ(register_status(client, program_register)["capped"], true);
        EXPECT_TRUE(client.extend("tdx/rtmr2", digest_of("c")));
        EXPECT_EQ(daemon.stop(), 0);
        daemon = started();
    }
}

}  // namespace
}  // namespace mrd
