// What is kept of a Read answers as the Read itself would: for this caller, at this moment.
#include "mrd/interfaces/kept_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "mr/bytes.h"
#include "mrd/daemon/service.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/session_client.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uid_t reading_uid = 1000;

class KeptReads : public ::testing::Test {
protected:
    enum : RegisterIndex { mrtd, rtmr2, rtmr3, report0, reportdata, secret };

    void SetUp() override {
        std::vector<RegisterSpec> specs{fake_register("mrtd", "R"),
                                        fake_register("rtmr2", "XWRL"),
                                        fake_register("rtmr3", "XWRL"),
                                        fake_register("report0", "RLF", 1024),
                                        fake_register("reportdata", "WRF", 64),
                                        fake_register("secret", "XW")};
        specs[rtmr2].owner = mr::Owner::shared;
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        const std::vector<RegisterSpec> others{fake_register("rtmr3", "XWRL")};
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(other_hardware_, "gpu", others, false), others));
        other_hardware_.vanish(0);
        ASSERT_TRUE(daemon_.start_journal());
        run();
        interfaces_ = make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}});
        service_ = make_service(daemon_, interfaces_, {});
        service_->set_fast_paths(true);
        root_ = client({.uid = 0, .gid = 0});
        hardware_.take_calls();
    }

    [[nodiscard]] std::unique_ptr<SessionClient> client(varlink::Peer peer) const {
        return std::make_unique<SessionClient>(*service_, std::move(peer));
    }
    static std::string read(SessionClient &who, const std::string &name) { return who.call("io.mrd.Registers.Read", parameters(name)); }
    std::string read(const std::string &name) { return read(*root_, name); }
    static std::string parameters(const std::string &name, const std::string &rest = "") {
        return R"({"name":")" + name + "\"" + rest + "}";
    }
    static std::string frame(const std::string &name, const std::string &rest = "") {
        return R"({"method":"io.mrd.Registers.Read","parameters":)" + parameters(name, rest) + "}";
    }
    // Read twice, so that it is kept.
    varlink::KeptCall *kept(const std::string &name, const std::string &rest = "") {
        for (int i = 0; i < 2; ++i) root_->call("io.mrd.Registers.Read", parameters(name, rest));
        const auto *slot = service_->kept(frame(name, rest));
        return slot == nullptr ? nullptr : slot->call.get();
    }
    static std::string answer(varlink::KeptCall &kept, const varlink::Peer &peer = {.uid = 0, .connection = 7}) {
        const auto *reply = kept.answer(peer);
        return reply == nullptr ? std::string("none") : reply->substr(0, reply->size() - 1);
    }
    const RegisterTable::Counters &counters() { return daemon_.registers().providers().front()->table().counters(); }
    const varlink::CallCounters &calls() {
        const varlink::CallCounters *found = nullptr;
        interfaces_.front()->for_each_method([&](std::string_view name, const varlink::CallCounters &each) {
            if (name == "Read") found = &each;
        });
        return *found;
    }
    void run() {
        loop_.restart();
        loop_.poll();
    }

    FakeHardware hardware_;
    FakeHardware other_hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    Interfaces interfaces_;
    std::unique_ptr<varlink::Service> service_;
    std::unique_ptr<SessionClient> root_;
};

TEST_F(KeptReads, AReadIsKeptWhenItComesAgainAndSaysTheSame) {
    const auto first = read("tdx/rtmr3");
    EXPECT_EQ(service_->kept(frame("tdx/rtmr3")), nullptr) << "many come but once";
    EXPECT_EQ(read("tdx/rtmr3"), first);
    auto *slot = service_->kept(frame("tdx/rtmr3"));
    ASSERT_NE(slot, nullptr);
    EXPECT_EQ(answer(*slot->call), first);
    EXPECT_EQ(read("tdx/rtmr3"), first);
}

TEST_F(KeptReads, ItIsCountedAsAnyOther) {
    auto *kept_read = kept("tdx/rtmr3");
    ASSERT_NE(kept_read, nullptr);
    const auto before = counters();
    const auto called = calls().calls;
    for (int i = 0; i < 5; ++i) read("tdx/rtmr3");
    EXPECT_EQ(counters().reads, before.reads + 5);
    EXPECT_EQ(counters().cached_reads, before.cached_reads + 5);
    EXPECT_EQ(counters().refreshes, before.refreshes);
    EXPECT_EQ(calls().calls, called + 5);
    EXPECT_EQ(calls().failed, 0U);
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
}

TEST_F(KeptReads, NobodyReadsByTheRightOfAnother) {
    daemon_.set_access(AccessRules({{.name = "some", .users = {reading_uid}, .allow = {Right::read}, .registers = {"tdx/mrtd"}}}, 0));
    auto *kept_read = kept("tdx/rtmr3");
    ASSERT_NE(kept_read, nullptr);
    EXPECT_THAT(answer(*kept_read, {.uid = 0, .connection = 7}), HasSubstr("tdx/rtmr3"));
    EXPECT_EQ(answer(*kept_read, {.uid = reading_uid, .connection = 8}), "none");
    EXPECT_THAT(answer(*kept_read, {.uid = 0, .connection = 7}), HasSubstr("tdx/rtmr3")) << "who may still may";
    const auto who = client({.uid = reading_uid, .gid = reading_uid});
    const auto failed = calls().failed;
    EXPECT_THAT(read(*who, "tdx/rtmr3"), HasSubstr("PermissionDenied"));
    EXPECT_THAT(read(*who, "tdx/mrtd"), HasSubstr("tdx/mrtd"));
    EXPECT_EQ(daemon_.gate()->access.refusals().of(Operation::read), 1);
    EXPECT_EQ(calls().failed, failed + 1);
}

TEST_F(KeptReads, NewRulesHoldFromTheNextOneOn) {
    const std::vector<AccessRule> may_read{{.name = "readers", .users = {reading_uid}, .allow = {Right::read}}};
    daemon_.set_access(AccessRules(may_read, 0));
    auto *kept_read = kept("tdx/rtmr3");
    ASSERT_NE(kept_read, nullptr);
    const varlink::Peer peer{.uid = reading_uid, .connection = 8};
    EXPECT_THAT(answer(*kept_read, peer), HasSubstr("tdx/rtmr3"));
    daemon_.set_access(AccessRules({}, 0));
    EXPECT_EQ(answer(*kept_read, peer), "none");
    daemon_.set_access(AccessRules(may_read, 0));
    EXPECT_THAT(answer(*kept_read, peer), HasSubstr("tdx/rtmr3"));
}

TEST_F(KeptReads, WhatAUnitDecidesIsDecidedAnewEachTime) {
    daemon_.set_access(AccessRules({{.name = "unit", .units = {"agent.service"}, .allow = {Right::read}},
                                    {.name = "agent", .users = {reading_uid}, .allow = {Right::read}}},
                                   0));
    auto *kept_read = kept("tdx/rtmr3");
    ASSERT_NE(kept_read, nullptr);
    int asked = 0;
    const varlink::Peer peer{.uid = reading_uid, .connection = 8, .process = [&asked] {
                                 ++asked;
                                 return varlink::FileDescriptor();
                             }};
    for (int i = 1; i <= 3; ++i) {
        EXPECT_THAT(answer(*kept_read, peer), HasSubstr("tdx/rtmr3")) << "by the second rule";
        EXPECT_EQ(asked, i);
    }
}

TEST_F(KeptReads, AChangedValueIsTheNextOnesValue) {
    auto *kept_read = kept("tdx/rtmr3");
    ASSERT_NE(kept_read, nullptr);
    const auto before = read("tdx/rtmr3");
    EXPECT_THAT(root_->call("io.mrd.Registers.Extend", parameters("tdx/rtmr3", R"(,"digest":")" + mr::to_hex(mr::Bytes(48, 1)) + "\"")),
                HasSubstr("sequence"));
    hardware_.take_calls();
    EXPECT_EQ(answer(*kept_read), "none") << "after a write the hardware is reread";
    const auto reads = counters().reads;
    const auto after = read("tdx/rtmr3");
    EXPECT_THAT(after, HasSubstr(R"("refreshed":true)"));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0"));
    EXPECT_EQ(counters().reads, reads + 1) << "counted once";
    const auto again = read("tdx/rtmr3");
    EXPECT_THAT(again, HasSubstr(R"("refreshed":false)"));
    EXPECT_THAT(again, HasSubstr(mr::to_hex(hardware_.value(rtmr3).bytes())));
    EXPECT_NE(again, before);
    EXPECT_EQ(answer(*kept_read), again);
}

TEST_F(KeptReads, ANameThatComesToMeanSeveralIsNoLongerAnswered) {
    auto *kept_read = kept("rtmr3");
    ASSERT_NE(kept_read, nullptr);
    EXPECT_THAT(answer(*kept_read), HasSubstr("tdx/rtmr3"));
    other_hardware_.bring_back(0);
    run();
    EXPECT_EQ(answer(*kept_read), "none");
    EXPECT_THAT(read("rtmr3"), HasSubstr("candidates"));
    hardware_.vanish(rtmr3);
    run();
    read("rtmr3");  // rereads
    EXPECT_THAT(answer(*kept_read), HasSubstr("gpu/rtmr3")) << "the one that is there now";
    other_hardware_.vanish(0);
    run();
    EXPECT_EQ(answer(*kept_read), "none");
    EXPECT_THAT(read("rtmr3"), HasSubstr("RegisterGone"));
}

TEST_F(KeptReads, TheRightIsThatOfTheRegisterThatTheNameMeansNow) {
    daemon_.set_access(AccessRules({{.name = "one", .users = {reading_uid}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}}}, 0));
    auto *kept_read = kept("rtmr3");
    ASSERT_NE(kept_read, nullptr);
    const varlink::Peer peer{.uid = reading_uid, .connection = 8};
    EXPECT_THAT(answer(*kept_read, peer), HasSubstr("tdx/rtmr3"));
    hardware_.vanish(rtmr3);
    other_hardware_.bring_back(0);
    run();
    read("gpu/rtmr3");
    EXPECT_EQ(answer(*kept_read, peer), "none") << "what is remembered is his right to the other";
    EXPECT_THAT(answer(*kept_read), HasSubstr("gpu/rtmr3"));
}

TEST_F(KeptReads, WhatTheCacheDoesNotServeIsNotKept) {
    EXPECT_EQ(kept("tdx/rtmr3", R"(,"fresh":true)"), nullptr);
    EXPECT_EQ(kept("tdx/rtmr2"), nullptr) << "others extend it too";
    EXPECT_EQ(kept("rtmr9"), nullptr);
    EXPECT_EQ(kept("tdx/report0", R"(,"generation":1)"), nullptr);
    EXPECT_NE(kept("tdx/rtmr3", R"(,"fresh":false)"), nullptr);
}

TEST_F(KeptReads, ARegisterThatCannotBeReadIsNotReadByComingAgain) {
    for (int i = 0; i < 4; ++i) EXPECT_THAT(read("tdx/secret"), HasSubstr("NotReadable"));
    if (auto *kept_read = kept("tdx/secret")) {
        EXPECT_EQ(answer(*kept_read), "none");
    }
}

TEST_F(KeptReads, AGenerationThatCountsOnIsNotMissed) {
    const auto value = mr::to_hex(mr::Bytes(64, 1));
    const auto write = [&] { return root_->call("io.mrd.Registers.Write", parameters("reportdata", R"(,"value":")" + value + "\"")); };
    write();
    for (int i = 0; i < 3; ++i) read("reportdata");
    const auto before = read("reportdata");
    write();
    const auto after = read("reportdata");
    EXPECT_THAT(after, HasSubstr(value));
    EXPECT_NE(after, before);
}

}  // namespace
}  // namespace mrd
