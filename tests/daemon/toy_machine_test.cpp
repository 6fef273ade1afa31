// A provider that is neither the simulator nor a TD's runs through all rooms: table, extension, journal, evidence, and at the other end of a socket the
// verdict. Nothing in these rooms knows it (tools/check-includes holds them to that).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mr/client.h"
#include "mr/evidence.h"
#include "mr/verify.h"
#include "mrd/daemon/service.h"
#include "proto/varlink/server.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/mrd/test_journal.h"
#include "tests/mrd/toy_machine.h"

namespace mrd {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Phase = ProviderState::Phase;

class ToyMachineTest : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(daemon_.open(machine_.configured("toy", 2)));
        ASSERT_TRUE(daemon_.start_journal());
        service_ = make_service(daemon_, make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}}), {});
        server_.emplace(loop_, varlink::Limits{});
        const auto address = varlink::Address::parse(socket()).value();
        server_->accept_on(varlink::listen_on(address, {}).value(), *service_);
        thread_ = std::thread([this] { loop_.run(); });
    }
    void TearDown() override {
        on_loop([this] { server_->stop(); });
        guard_.reset();
        loop_.stop();
        thread_.join();
        server_.reset();
        service_.reset();
    }

    [[nodiscard]] std::string socket() const { return (folder_.path() / "io.mrd").native(); }
    mr::Client client() { return mr::Client::connect({.socket = socket()}).value(); }

    // There, between two turns of the event loop.
    template <class Act>
    std::invoke_result_t<Act> on_loop(Act act) {
        std::packaged_task<std::invoke_result_t<Act>()> task(std::move(act));
        auto result = task.get_future();
        boost::asio::post(loop_, [&task] { task(); });
        return result.get();
    }
    void wait_until(const std::function<bool()> &done) {
        while (!on_loop(done)) std::this_thread::yield();
    }
    void wait_until_running() {
        wait_until([this] { return daemon_.find_provider("toy") != nullptr; });
    }

    static mr::Digest digest(std::uint8_t byte, std::size_t size = 48) { return mr::Digest(mr::Bytes(size, byte)); }
    mr::Bytes held(RegisterIndex index) { return machine_.hardware().values()[index]; }

    // Both banks of the ledger in one event.
    std::expected<ProviderRegisters::Extended, RegisterError> extend_both_banks(std::uint8_t byte) {
        std::promise<std::expected<ProviderRegisters::Extended, RegisterError>> answer;
        on_loop([&] {
            daemon_.find_provider("toy")->registers()->extend(
                Extension({{.index = ToyMachine::ledger_256, .digest = digest(byte, 32)},
                           {.index = ToyMachine::ledger_384, .digest = digest(byte)}},
                          {}),
                [&answer](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) { answer.set_value(extended); });
        });
        return answer.get_future().get();
    }

    mr::Evidence evidence() {
        auto made = client().evidence(mr::report_data_from(nonce_).value());
        EXPECT_TRUE(made) << made.error().message;
        return mr::parse_evidence(mr::as_bytes(made->json)).value();
    }
    mr::Verdict verdict(const mr::Evidence &made) {
        mr::VerifyOptions options;
        options.anchors = mr::TrustAnchors{.roots = {ToyMachine::root()}};
        options.tees = tees_;
        options.waived = {.nonce = false, .reference = true, .tcb = true};
        options.reference = reference_;
        options.report_data = nonce_;
        options.time = made.time / 1'000'000;
        return verify(made, options);
    }
    std::vector<std::string> refused_by(const mr::Evidence &made) {
        std::vector<std::string> names;
        const auto judged = verdict(made);
        for (const auto &each : judged.statements()) {
            if (each.required && each.result != mr::Judgement::holds) names.push_back(each.name + ": " + each.reason);
        }
        return names;
    }

    mr::ReferenceValues reference_;
    const mr::Bytes nonce_ = mr::Bytes(20, 7);
    ToyMachineTee tee_;
    std::vector<const mr::Tee *> tees_{&tee_};
    TemporaryFolder folder_;
    ToyMachine machine_;
    boost::asio::io_context loop_;
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_{loop_.get_executor()};
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    std::unique_ptr<varlink::Service> service_;
    std::optional<varlink::Server> server_;
    std::thread thread_;
};

TEST_F(ToyMachineTest, ComesLateAndItsRegistersAreThereWithTheirBanks) {
    auto own = client();
    EXPECT_EQ(own.read("toy/slot").error().code, mr::ErrorCode::no_such_register);
    wait_until_running();
    std::vector<std::string> names;
    const auto listed = own.list().value();
    for (const auto &reg : listed) names.push_back(reg.name);
    EXPECT_THAT(names, ElementsAre("toy/ledger:sha256", "toy/ledger:sha384", "toy/scratch", "toy/slot", "toy/image"));
    EXPECT_EQ(own.read("toy/ledger:sha256")->value, mr::Bytes(32, 0x11));
    EXPECT_EQ(own.read("toy/ledger").error().code, mr::ErrorCode::no_such_register) << "two banks have that name";
}

TEST_F(ToyMachineTest, ItsEvidenceIsVerifiedByTheRulesOfEveryKind) {
    wait_until_running();
    auto own = client();
    ASSERT_TRUE(own.extend("toy/ledger:sha256", digest(1, 32)));
    ASSERT_TRUE(extend_both_banks(2));
    ASSERT_TRUE(own.measure("toy/slot", mr::as_bytes("a device's firmware"), {.description = "firmware", .envelope = true}));
    ASSERT_TRUE(own.extend("toy/scratch", digest(3)));
    EXPECT_EQ(extend_both_banks(4)->sequence, 5);
    const auto made = evidence();
    EXPECT_THAT(refused_by(made), IsEmpty());
    EXPECT_EQ(made.parts.front().kind, ToyMachine::kind);
    EXPECT_EQ(made.registers.size(), 4U);
    // A rule means an event by any bank of its register.
    for (const auto &one : {digest(2, 32), digest(2), digest(9)}) {
        const auto algorithm = one.size() == 32 ? mr::HashAlgorithm::sha256 : mr::HashAlgorithm::sha384;
        reference_.required_events = {{.name = "both",
                                       .register_name = "toymachine/ledger",
                                       .event_digest = mr::ContentDigest{.algorithm = algorithm, .value = one}}};
        const auto refused = refused_by(made);
        EXPECT_EQ(refused.empty(), one != digest(9)) << refused.size();
    }
    reference_ = {};
    // Any other value of any register is refused.
    for (std::size_t at = ToyMachine::magic.size(); at < made.parts.front().quote.size(); at += 16) {
        auto changed = made;
        changed.parts.front().quote[at] ^= 1;
        EXPECT_THAT(refused_by(changed), Not(IsEmpty())) << at;
    }
    // And an extend that is not in the log.
    machine_.hardware().extend(ToyMachine::ledger_256, digest(66, 32));
    EXPECT_THAT(refused_by(evidence()), Contains(HasSubstr("log_replay")));
}

TEST_F(ToyMachineTest, ARegisterThatVanishesIsToldAndGoesOnWhenItIsBack) {
    wait_until_running();
    auto own = client();
    ASSERT_TRUE(own.extend("toy/slot", digest(1)));
    std::vector<std::string> told;
    const auto ended = client().watch({"toy/slot"}, [&](const mr::Change &change) {
        told.push_back(change.reading.name + (change.gone ? " gone" : " " + mr::to_hex(change.reading.value).substr(0, 4)));
        if (told.size() == 1) machine_.hardware().vanish(ToyMachine::slot);
        if (told.size() == 2) {
            EXPECT_THAT(own.extend("toy/slot", digest(2)).error().name, HasSubstr("RegisterGone"));
            EXPECT_THAT(own.read("toy/slot").error().name, HasSubstr("RegisterGone"));
            const auto replayed = own.replay().value();
            EXPECT_EQ(replayed.size(), 3U) << "the others are replayed all the same";
            for (const auto &reg : replayed) EXPECT_TRUE(reg.equal) << reg.name;
            machine_.hardware().bring_back(ToyMachine::slot);
        }
        return told.size() < 3;
    });
    EXPECT_TRUE(ended);
    const auto value = "toy/slot " + mr::to_hex(held(ToyMachine::slot)).substr(0, 4);
    EXPECT_THAT(told, ElementsAre(value, "toy/slot gone", value));
    EXPECT_EQ(own.extend("toy/slot", digest(3))->sequence, 2);
    EXPECT_THAT(refused_by(evidence()), IsEmpty());
}

TEST_F(ToyMachineTest, ARegisterThatSoftwareResetsIsAGapThatNamesBothValuesAndNoReboot) {
    wait_until_running();
    auto own = client();
    ASSERT_TRUE(own.extend("toy/scratch", digest(1)));
    ASSERT_TRUE(own.extend("toy/slot", digest(1)));
    machine_.reset_scratch();
    ASSERT_EQ(own.read("toy/scratch", {.fresh = true})->value, mr::Bytes(48));
    EXPECT_EQ(own.extend("toy/scratch", digest(2))->sequence, 4) << "a resync comes first";
    EXPECT_THAT(refused_by(evidence()), ElementsAre(HasSubstr("history_complete")));
}

TEST_F(ToyMachineTest, ThatFailsIsOpenedAgainAndItsLogGoesOn) {
    wait_until_running();
    auto own = client();
    ASSERT_TRUE(extend_both_banks(1));
    machine_.hardware().fail("its bus has hung up");
    wait_until([this] { return daemon_.find_provider("toy") == nullptr; });
    EXPECT_EQ(own.providers()->front().reason, "its bus has hung up");
    EXPECT_THAT(own.list().value(), IsEmpty());
    EXPECT_FALSE(own.evidence(mr::report_data_from(nonce_).value()));
    wait_until_running();
    EXPECT_EQ(extend_both_banks(2)->sequence, 2);
    EXPECT_THAT(refused_by(evidence()), IsEmpty());
}

}  // namespace
}  // namespace mrd
