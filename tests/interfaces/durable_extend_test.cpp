// Extends of a journal with sync = "group": a connection's next call runs while the ones before it wait to be durable, and nobody is answered before it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "mrd/daemon/service.h"
#include "mrd/journal/cursor.h"
#include "tests/journal/faulty_file.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using journal::Fault;
using journal::FaultyDisk;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DurableExtendTest : public ::testing::Test {
protected:
    enum : RegisterIndex { r0, r1 };

    void SetUp() override {
        const std::vector<RegisterSpec> specs{fake_register("r0", "XWRL"), fake_register("r1", "XWRL")};
        const auto added = daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs);
        ASSERT_TRUE(added) << added.error();
        ASSERT_TRUE(daemon_.registers().start_journal({}));
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        client_ = std::make_unique<SessionClient>(*service_);
        other_ = std::make_unique<SessionClient>(*service_);
    }
    ~DurableExtendTest() override { disk_.release_syncs(); }

    static std::string hex(std::uint8_t byte) { return mr::to_hex(mr::Bytes(48, byte)); }
    static std::string frame(const std::string &method, const std::string &parameters, const std::string &rest = "") {
        return R"({"method":"io.mrd.Registers.)" + method + R"(","parameters":)" + parameters + rest + "}" + '\0';
    }
    static std::string extend(std::uint8_t byte, const std::string &id = "", const std::string &rest = "") {
        const auto with_id = id.empty() ? "" : R"(,"id":")" + id + "\"";
        return frame("Extend", R"({"name":"r0","digest":")" + hex(byte) + "\"" + with_id + "}", rest);
    }
    static std::string read(const std::string &name = "r0") { return frame("Read", R"({"name":")" + name + "\"}"); }
    std::string value(RegisterIndex index = r0) { return mr::to_hex(hardware_.value(index).bytes()); }

    // All that the client has got.
    static std::vector<std::string> replies_of(SessionClient &client) {
        std::vector<std::string> all;
        for (auto reply = client.reply(); !reply.empty(); reply = client.reply()) all.push_back(reply);
        return all;
    }
    std::vector<std::string> replies() { return replies_of(*client_); }
    std::uint64_t syncs() { return disk_.calls(FaultyDisk::Call::sync); }

    // The loop does what came, and a sync begins.
    void begin_sync() {
        const auto before = syncs();
        loop_.restart();
        loop_.poll();
        disk_.wait_for_sync(before + 1);
    }
    void run() {
        disk_.release_syncs();
        loop_.restart();
        loop_.run();
    }
    static auto IsEvent(int sequence) { return HasSubstr("\"sequence\":" + std::to_string(sequence) + "}"); }
    static auto IsError(const std::string &name) { return HasSubstr(R"("error":"io.mrd.Registers.)" + name + "\""); }

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    FaultyDisk disk_;
    TemporaryFolder folder_;
    std::unique_ptr<journal::Journal> journal_ = journal::Journal::open(loop_, {.folder = folder_.path(),
                                                                                .boot_id = "a test's boot",
                                                                                .sync = journal::Sync::group,
                                                                                .open_file = disk_.opener(),
                                                                                .sync_folder = disk_.folder_syncer()})
                                                     .value();
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
    std::unique_ptr<SessionClient> client_;
    std::unique_ptr<SessionClient> other_;
};

TEST_F(DurableExtendTest, CallsBehindItAreMadeMeanwhileAndOneSyncAnswersAllInTheirOrder) {
    disk_.hold_syncs();
    const auto before = syncs();
    client_->send_frames(extend(1) + extend(2) + read() + extend(3) + read("r1"));
    EXPECT_EQ(journal_->state().sequence(), 3U);
    begin_sync();
    EXPECT_THAT(replies(), IsEmpty()) << "nothing is durable";
    run();
    const auto all = replies();
    EXPECT_THAT(all,
                ElementsAre(IsEvent(1), IsEvent(2), HasSubstr("reading"), AllOf(IsEvent(3), HasSubstr(value())), HasSubstr(value(r1))));
    EXPECT_EQ(syncs(), before + 1);
}

TEST_F(DurableExtendTest, EachIsToldWhatTheRegisterHeldAfterItsOwnEvent) {
    std::vector<std::string> held;
    auto last = hardware_.value(r0);
    for (const auto byte : std::array<std::uint8_t, 3>{1, 2, 3}) {
        last = mr::extend(mr::HashAlgorithm::sha384, last.bytes(), mr::Bytes(48, byte)).value();
        held.push_back(mr::to_hex(last.bytes()));
    }
    client_->send_frames(extend(1) + extend(2) + extend(3) + read());
    run();
    EXPECT_THAT(replies(), ElementsAre(HasSubstr(held[0]), HasSubstr(held[1]), HasSubstr(held[2]), HasSubstr(held[2])));
}

TEST_F(DurableExtendTest, WhoeverIsBehindOneThatIsNotDurableWaitsForHisOwnSync) {
    disk_.hold_syncs();
    client_->send_frames(extend(1));
    begin_sync();
    client_->send_frames(extend(2) + read());
    loop_.poll();
    disk_.release_sync();
    loop_.restart();
    loop_.run_one();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(1)));
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(2), HasSubstr(value())));
}

TEST_F(DurableExtendTest, AFailedSyncIsTheErrorOfEachThatWaitedAndReadsBehindThemAreAnswered) {
    disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error, true);
    client_->send_frames(extend(1) + extend(2, "once") + read() + frame("Cap", R"({"name":"r1"})"));
    run();
    const auto failed = AllOf(IsError("JournalFailed"), HasSubstr("the event is in the log, but the log cannot be synced"));
    EXPECT_THAT(replies(), ElementsAre(failed, failed, HasSubstr(value()), failed));
    client_->send_frames(extend(3) + extend(2, "once"));
    run();
    EXPECT_THAT(replies(), AllOf(SizeIs(2), Each(IsError("JournalFailed")))) << "the third one is refused";
    EXPECT_EQ(journal_->state().sequence(), 3U);
    disk_.heal();
    client_->send_frames(extend(2, "once") + extend(4));
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(2), IsEvent(4))) << "it is durable now, and sent again";
}

TEST_F(DurableExtendTest, TheSameIdBehindItselfIsOneEventAndWaitsToo) {
    disk_.hold_syncs();
    client_->send_frames(extend(1, "once") + extend(1, "once") + extend(2, "once"));
    begin_sync();
    EXPECT_THAT(replies(), IsEmpty());
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(1), IsEvent(1), IsError("DuplicateEvent")));
}

TEST_F(DurableExtendTest, ARegisterIsCappedForTheNextCallAlready) {
    client_->send_frames(extend(1) + frame("Cap", R"({"name":"r0"})") + extend(2));
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(1), IsEvent(2), IsError("Capped")));
}

TEST_F(DurableExtendTest, ANewGenerationIsToldBehindIt) {
    client_->send_frames(extend(1) + frame("Read", R"({"name":"r0","fresh":true})") + extend(2, "", R"(,"oneway":true)") + extend(3));
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(1), HasSubstr("\"refreshed\":true"), IsEvent(3)));
}

TEST_F(DurableExtendTest, AnotherConnectionIsNotHeldUp) {
    disk_.hold_syncs();
    client_->send_frames(extend(1) + extend(2));
    begin_sync();
    other_->send_frames(read());
    EXPECT_THAT(replies_of(*other_), ElementsAre(HasSubstr(value())));
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(1), IsEvent(2)));
}

// By the fast path too, which has its answer before anything is asked.
TEST_F(DurableExtendTest, AReadOfWhichTheReplyIsKeptWaitsBehindItAsWell) {
    for (int times = 0; times < 3; ++times) other_->send_frames(read());
    const auto frame = read();
    ASSERT_EQ(service_->kept(std::string_view(frame).substr(0, frame.size() - 1)) != nullptr, service_->has_fast_paths());
    disk_.hold_syncs();
    client_->send_frames(extend(1) + read());
    begin_sync();
    client_->send_frames(read());
    EXPECT_THAT(replies(), IsEmpty());
    run();
    EXPECT_THAT(replies(), ElementsAre(IsEvent(1), HasSubstr(value()), HasSubstr(value())));
}

TEST_F(DurableExtendTest, ASubscriptionAndTheLogBehindItShowNothingBeforeIt) {
    disk_.hold_syncs();
    client_->send_frames(extend(1) + R"({"method":"io.mrd.EventLog.Records","parameters":{},"more":true})" + '\0' +
                         frame("Watch", R"({"names":["tdx/r0"]})", R"(,"more":true)"));
    begin_sync();
    loop_.poll();
    EXPECT_THAT(replies(), IsEmpty());
    run();
    const auto all = replies();
    ASSERT_THAT(all, SizeIs(::testing::Ge(3U)));
    EXPECT_THAT(all.front(), IsEvent(1));
    EXPECT_THAT(all[1], HasSubstr(hex(1)));
    EXPECT_THAT(all.back(), HasSubstr(value()));
}

TEST_F(DurableExtendTest, NewRulesHoldFromTheNextCallOnAndTakeNoAnswerAway) {
    constexpr uid_t agent = 1000;
    daemon_.set_access(AccessRules({{.name = "agents", .users = {agent}, .allow = {Right::read, Right::extend}}}, 0));
    SessionClient client(*service_, {.uid = agent, .gid = agent});
    disk_.hold_syncs();
    client.send_frames(extend(1));
    begin_sync();
    daemon_.set_access(AccessRules({{.name = "agents", .users = {agent}, .allow = {Right::list}}}, 0));
    client.send_frames(extend(2) + read());
    EXPECT_THAT(replies_of(client), IsEmpty());
    run();
    EXPECT_THAT(replies_of(client), ElementsAre(IsEvent(1), HasSubstr("PermissionDenied"), HasSubstr("PermissionDenied")));
    EXPECT_EQ(journal_->state().sequence(), 1U);
}

// What it leaves behind takes no more than it took when it went.
TEST_F(DurableExtendTest, OfAClientThatHasGoneEachExtendWaitsForTheOneBefore) {
    disk_.hold_syncs();
    client_->send_frames(extend(1) + extend(2));
    begin_sync();
    client_->hang_up();
    client_->send_frames(extend(3) + read() + extend(4, "", R"(,"oneway":true)"));
    EXPECT_EQ(journal_->state().sequence(), 3U);
    run();
    EXPECT_THAT(replies(), IsEmpty());
    EXPECT_EQ(journal_->state().sequence(), 4U);
    run();
    EXPECT_THAT(replies(), IsEmpty());
}

TEST_F(DurableExtendTest, WhatAClosedConnectionWaitedForIsDoneAllTheSame) {
    disk_.hold_syncs();
    client_->send_frames(extend(1) + extend(2));
    begin_sync();
    client_->close();
    run();
    other_->send_frames(extend(3));
    run();
    EXPECT_THAT(replies_of(*other_), ElementsAre(IsEvent(3)));
}

// ---- At random: whatever clients send behind each other, whatever syncs do, and whenever the machine crashes

class RandomDurableExtends : public DurableExtendTest, public ::testing::WithParamInterface<unsigned> {
protected:
    struct Client {
        SessionClient *session;
        std::vector<std::optional<mr::Bytes>> sent =
            {};  // digests of extends, in the order of the calls that get an answer; nothing: of a read
        std::size_t answered = 0;
    };
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_()) % bound; }
    mr::Bytes next_digest() {
        mr::Bytes digest(48);
        for (auto &byte : digest) byte = static_cast<std::uint8_t>(random_());
        return digest;
    }

    void send_some(Client &client) {
        std::string frames;
        for (auto left = 1 + below(5); left > 0; --left) {
            const auto what = below(10);
            if (what < 2) {
                frames += read();
                client.sent.emplace_back();
                continue;
            }
            const auto digest = next_digest();
            frames += frame("Extend", R"({"name":"r0","digest":")" + mr::to_hex(digest) + "\"}", what == 2 ? R"(,"oneway":true)" : "");
            if (what != 2) client.sent.emplace_back(digest);
        }
        client.session->send_frames(frames);
    }
    // Each answer is its own call's.
    void take_answers(Client &client) {
        for (const auto &reply : replies_of(*client.session)) {
            ASSERT_LT(client.answered, client.sent.size());
            const auto &digest = client.sent[client.answered++];
            const auto at = reply.find("\"sequence\":");
            ASSERT_EQ(digest.has_value(), at != std::string::npos || reply.find("JournalFailed") != std::string::npos) << reply;
            if (at != std::string::npos) told_[std::stoull(reply.substr(at + 11))] = *digest;
        }
    }
    void take_all_answers() {
        for (auto &client : clients_) take_answers(client);
    }
    [[nodiscard]] bool somebody_waits() const {
        return std::ranges::any_of(clients_, [](const Client &client) { return client.answered < client.sent.size(); });
    }
    void poll() {
        loop_.restart();
        loop_.poll();
        take_all_answers();
    }
    void begin_sync_if_asked_for() {
        if (is_syncing_ || !somebody_waits()) return;
        poll();
        ASSERT_TRUE(disk_.begin_sync()) << "somebody waits for ever";
        is_syncing_ = true;
    }
    void end_sync() {
        if (!is_syncing_) return;
        poll();
        disk_.release_sync();
        loop_.restart();
        loop_.run_one();
        is_syncing_ = false;
        take_all_answers();
    }

    std::mt19937 random_{GetParam()};
    std::array<Client, 2> clients_{};
    bool is_syncing_ = false;
    std::map<std::uint64_t, mr::Bytes> told_;  // by the event's number
};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomDurableExtends, ::testing::Range(1U, 61U));

TEST_P(RandomDurableExtends, WhatWasAnsweredIsOnTheDiskAfterACrash) {
    clients_ = {Client{client_.get()}, Client{other_.get()}};
    service_->set_fast_paths(service_->has_fast_paths() && GetParam() % 2 == 0);
    disk_.step_syncs();
    for (int step = 0; step < 40; ++step) {
        const auto what = below(10);
        if (what < 5) {
            send_some(clients_.at(below(2)));
            take_all_answers();
        } else if (what < 7) {
            begin_sync_if_asked_for();
        } else if (what < 9) {
            end_sync();
        } else {
            disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error);
        }
    }
    if (is_syncing_ && below(2) == 0) end_sync();
    disk_.kill();
    journal_.reset();
    disk_.heal();
    disk_.crash(folder_.path(), [this] { return below(2) == 0; });
    boost::asio::io_context loop;
    const auto crashed = journal::Journal::open(loop, {.folder = folder_.path(), .boot_id = "another", .open_file = disk_.opener()});
    ASSERT_TRUE(crashed) << crashed.error();
    std::map<std::uint64_t, mr::Bytes> on_disk;
    journal::Cursor cursor(*(*crashed)->file(), (*crashed)->end());
    mr::Event event;
    for (auto more = cursor.next(event, 1000); more && *more != journal::Cursor::Step::end; more = cursor.next(event, 1000)) {
        const auto digest = event.digests.front().value;
        on_disk[event.sequence] = mr::Bytes(digest.begin(), digest.end());
    }
    for (const auto &[sequence, digest] : told_) EXPECT_EQ(on_disk[sequence], digest) << "event " << sequence;
}

}  // namespace
}  // namespace mrd
