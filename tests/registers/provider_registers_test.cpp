// The rules of registers that need more than the table: the queue's order, what the provider is asked, who gets which answer.
#include "mrd/registers/provider_registers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <functional>
#include <string>
#include <vector>

#include "mrd/daemon/provider_slot.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"
#include "tests/registers/digests.h"

namespace mrd {
namespace {

using mr::Owner;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Tdx {
    enum : RegisterIndex { mrtd, rtmr2, rtmr3, reportdata, report0 };
};

std::vector<RegisterSpec> tdx_registers() {
    return {fake_register("mrtd", "R"), fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL"),
            fake_register("reportdata", "WRF", 64), fake_register("report0", "RLF", 1024)};
}

std::vector<RegisterSpec> with_shared_rtmr2() {
    auto specs = tdx_registers();
    specs[Tdx::rtmr2].owner = Owner::shared;
    return specs;
}

using ReadAnswer = std::expected<bool, RegisterError>;
using ExtendAnswer = std::expected<ProviderRegisters::Extended, RegisterError>;
using WriteAnswer = std::expected<std::int64_t, RegisterError>;

template <class T, class Error>
std::optional<T> value_of(const std::expected<T, Error> &answer) {
    return answer ? std::optional(*answer) : std::nullopt;
}

template <class Answer>
const ProviderFailed *failure_of(const Answer &answer) {
    return answer ? nullptr : std::get_if<ProviderFailed>(&answer.error());
}

// A provider's registers beside its other parts.
struct AtWork {
    std::unique_ptr<ProviderSlot> slot;

    ProviderRegisters &operator*() const { return *slot->registers(); }
    ProviderRegisters *operator->() const { return slot->registers(); }
};

// The parameter: does the provider have a thread of its own?
class ProviderRegistersTest : public ::testing::Test {
protected:
    std::expected<AtWork, std::string> open(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> specs) {
        auto read = ReadProvider::read(std::move(provider), std::move(specs), first_generation);
        if (!read) return std::unexpected(read.error());
        return AtWork{std::make_unique<ProviderSlot>(loop_, std::move(*read), events_)};
    }
    AtWork opened(bool own_thread, std::vector<RegisterSpec> specs = tdx_registers()) {
        auto provider = std::make_unique<FakeProvider>(hardware_, "tdx", specs, own_thread);
        auto registers = open(std::move(provider), std::move(specs));
        EXPECT_TRUE(registers) << registers.error();
        join(**registers);
        hardware_.take_calls();
        return std::move(*registers);
    }

    // The journal starts, or goes on, with these registers.
    void join(ProviderRegisters &registers) {
        EXPECT_TRUE(journal_->start(registers.journalled(), {}));
        registers.join();
    }

    // Runs the loop until so many answers have come.
    void run_until(std::size_t answers) {
        const auto guard = boost::asio::make_work_guard(loop_);
        loop_.restart();
        while (answers_.size() < answers) loop_.run_one();
    }

    // Remembers in which order the answers came.
    auto note(std::string name) {
        return [this, name = std::move(name)](const auto &) { answers_.push_back(name); };
    }
    template <class Answer>
    auto keep(std::optional<Answer> &out) {
        return [this, &out](Answer answer) {
            out = std::move(answer);
            answers_.emplace_back("kept");
        };
    }

    ReadAnswer read(ProviderRegisters &registers, RegisterIndex index, bool fresh = false) {
        return wait<ReadAnswer>([&](auto done) { registers.read(mrd_itself, index, fresh, std::move(done)); });
    }
    ExtendAnswer extend(ProviderRegisters &registers, RegisterIndex index, const mr::Digest &by) {
        return wait<ExtendAnswer>([&](auto done) { registers.extend(index, by, {}, std::move(done)); });
    }
    WriteAnswer write(ProviderRegisters &registers, std::uint8_t byte) {
        return wait<WriteAnswer>([&](auto done) { registers.write(mrd_itself, Tdx::reportdata, mr::Bytes(64, byte), std::move(done)); });
    }

    template <class Answer, class Start>
    Answer wait(const Start &start) {
        std::optional<Answer> answer;
        const auto before = answers_.size();
        start(keep(answer));
        run_until(before + 1);
        return std::move(*answer);
    }

    static mr::Digest known(const ProviderRegisters &registers, RegisterIndex index) { return mr::Digest(registers.table().value(index)); }

    static constexpr std::int64_t first_generation = 100;

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    RegisterEvents events_{*journal_};
    std::vector<std::string> answers_;
};

class EitherQueue : public ProviderRegistersTest, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(All, EitherQueue, ::testing::Bool(), [](const auto &tested) { return tested.param ? "OwnThread" : "Inline"; });

// ---- Opening

TEST_F(ProviderRegistersTest, OpeningDoesOneRefreshOfEachSetWhichIsCounted) {
    auto specs = tdx_registers();
    specs.push_back(fake_register("other", "XWRL"));
    specs.back().refresh_set = 1;
    const auto registers = open(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs);
    ASSERT_TRUE(registers);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 1"));
    EXPECT_EQ((*registers)->table().counters().refreshes, 2);
    EXPECT_EQ((*registers)->table().counters().reads, 0);
}

TEST_F(ProviderRegistersTest, OpeningFillsTheStaticRegistersAndTheyCauseNoRefreshAfterThat) {
    auto provider = std::make_unique<FakeProvider>(hardware_, "tdx", tdx_registers(), false);
    hardware_.set(Tdx::mrtd, 0x11);
    const auto registers = open(std::move(provider), tdx_registers());
    ASSERT_TRUE(registers);
    join(**registers);
    hardware_.take_calls();
    EXPECT_EQ(known(**registers, Tdx::mrtd), digest(0x11));
    ASSERT_TRUE(extend(**registers, Tdx::rtmr3, digest(1)));
    EXPECT_EQ(value_of(read(**registers, Tdx::mrtd)), false);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2"));
}

TEST_F(ProviderRegistersTest, OpeningThatCannotReadTheHardwareFailsAndNamesTheProvider) {
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    const auto registers = open(std::make_unique<FakeProvider>(hardware_, "tdx", tdx_registers(), false), tdx_registers());
    ASSERT_FALSE(registers);
    EXPECT_EQ(registers.error(), "provider \"tdx\" cannot be read: refresh 0 failed");
}

TEST_F(ProviderRegistersTest, ATableThatIsRefusedIsNotOpened) {
    const std::vector<RegisterSpec> bad{fake_register("a", "R"), fake_register("a", "R")};
    const auto registers = open(std::make_unique<FakeProvider>(hardware_, "tdx", bad, false), bad);
    ASSERT_FALSE(registers);
    EXPECT_THAT(registers.error(), HasSubstr("tdx/a"));
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
}

// ---- Reading and extending

TEST_P(EitherQueue, AnExtendOfAnOwnedRegisterAnswersTheComputedValueAndDoesNotRefresh) {
    const auto registers = opened(GetParam());
    const auto answer = extend(*registers, Tdx::rtmr3, digest(1));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->sequence, 1);
    EXPECT_EQ(known(*registers, Tdx::rtmr3), extended(digest(0), digest(1)));
    EXPECT_EQ(known(*registers, Tdx::rtmr3), hardware_.value(Tdx::rtmr3));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2"));
}

TEST_P(EitherQueue, TheNextReadRefreshesOnceAndLaterOnesAreServedFromTheCache) {
    const auto registers = opened(GetParam());
    ASSERT_TRUE(extend(*registers, Tdx::rtmr3, digest(1)));
    hardware_.take_calls();
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3)), true);
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3)), false);
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr2)), false);
    EXPECT_EQ(value_of(read(*registers, Tdx::report0)), false);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0"));
}

TEST_P(EitherQueue, TheExtendsOfAllProvidersAreNumberedInOneSequence) {
    FakeHardware other_hardware;
    const auto registers = opened(GetParam());
    const auto other = open(std::make_unique<FakeProvider>(other_hardware, "other", tdx_registers(), GetParam()), tdx_registers());
    ASSERT_TRUE(other);
    join(**other);
    EXPECT_EQ(extend(*registers, Tdx::rtmr3, digest(1))->sequence, 1);
    EXPECT_EQ(extend(**other, Tdx::rtmr3, digest(1))->sequence, 2);
    EXPECT_EQ(extend(*registers, Tdx::rtmr2, digest(1))->sequence, 3);
}

TEST_P(EitherQueue, ADivergenceIsToldOnceAndAReadNeverExtendsAnything) {
    const auto registers = opened(GetParam());
    std::vector<RegisterIndex> told;
    events_.diverged = [&told](ProviderRegisters &, RegisterIndex index) { told.push_back(index); };
    hardware_.extend(Tdx::rtmr3, digest(66));
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3)), false) << "nobody knows yet";
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3, true)), true);
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3, true)), true);
    EXPECT_THAT(told, ElementsAre(Tdx::rtmr3));
    EXPECT_TRUE(registers->table().divergence(Tdx::rtmr3));
    EXPECT_EQ(known(*registers, Tdx::rtmr3), hardware_.value(Tdx::rtmr3));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 0"));
}

TEST_P(EitherQueue, AChangedValueIsToldAfterAnExtendAWriteAndARefresh) {
    const auto registers = opened(GetParam());
    std::vector<RegisterIndex> told;
    events_.changed = [&told](ProviderRegisters &, RegisterIndex index) { told.push_back(index); };
    ASSERT_TRUE(extend(*registers, Tdx::rtmr3, digest(1)));
    ASSERT_TRUE(write(*registers, 1));
    hardware_.extend(Tdx::rtmr2, digest(66));
    ASSERT_TRUE(read(*registers, Tdx::rtmr3));
    EXPECT_THAT(told, ElementsAre(Tdx::rtmr3, Tdx::reportdata, Tdx::rtmr2));
}

// ---- A provider that takes its time

TEST_F(ProviderRegistersTest, CallsToOneProviderGoThroughOneQueueInArrivalOrder) {
    const auto registers = opened(true);
    hardware_.hold("extend");
    registers->extend(Tdx::rtmr3, digest(1), {}, note("extend"));
    hardware_.wait_until_held();
    registers->write(mrd_itself, Tdx::reportdata, mr::Bytes(64, 1), note("write"));
    registers->read(mrd_itself, Tdx::rtmr3, false, note("read"));
    registers.slot->report(mrd_itself, mr::Bytes(64), {}, note("report"));
    registers->extend(Tdx::rtmr2, digest(2), {}, note("second extend"));
    EXPECT_EQ(registers.slot->waiting_calls(), 4U);
    EXPECT_THAT(answers_, IsEmpty());
    hardware_.let_go();
    run_until(5);
    EXPECT_THAT(answers_, ElementsAre("extend", "write", "read", "report", "second extend"));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "write 3", "refresh 0", "report", "extend 1"));
}

TEST_F(ProviderRegistersTest, NReadersWaitingAtOnceCauseOneRefresh) {
    const auto registers = opened(true);
    hardware_.hold("extend");
    registers->extend(Tdx::rtmr3, digest(1), {}, note("extend"));
    hardware_.wait_until_held();
    constexpr int readers = 20;
    for (int i = 0; i < readers; ++i) registers->read(mrd_itself, i % 2 == 0 ? Tdx::rtmr3 : Tdx::report0, false, note("read"));
    hardware_.let_go();
    run_until(1 + readers);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "refresh 0"));
    EXPECT_EQ(registers->table().counters().reads, readers);
    EXPECT_EQ(registers->table().counters().cached_reads, 0);
}

TEST_F(ProviderRegistersTest, AReadJoinsARunningRefreshButAFreshReadWaitsForOneThatBeginsAfterItArrived) {
    const auto registers = opened(true);
    ASSERT_TRUE(extend(*registers, Tdx::rtmr3, digest(1)));
    hardware_.take_calls();
    answers_.clear();
    hardware_.hold("refresh");
    registers->read(mrd_itself, Tdx::rtmr3, false, note("first"));
    hardware_.wait_until_held();
    registers->read(mrd_itself, Tdx::rtmr3, false, note("joined"));
    hardware_.extend(Tdx::rtmr2, digest(66));  // after the first refresh has begun, before the fresh read's
    registers->read(mrd_itself, Tdx::rtmr3, true, note("fresh"));
    registers->read(mrd_itself, Tdx::rtmr3, true, note("fresh too"));
    hardware_.let_go();
    run_until(4);
    EXPECT_THAT(answers_, ElementsAre("first", "joined", "fresh", "fresh too"));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 0"));
}

TEST_F(ProviderRegistersTest, AllWaitingReadersGetTheFailureAndTheNextReadTriesAgain) {
    const auto registers = opened(true);
    hardware_.hold("extend");
    registers->extend(Tdx::rtmr3, digest(1), {}, note("extend"));
    hardware_.wait_until_held();
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    std::vector<std::optional<ReadAnswer>> given(5);
    for (auto &answer : given) registers->read(mrd_itself, Tdx::rtmr3, false, keep(answer));
    hardware_.let_go();
    run_until(1 + given.size());
    for (const auto &answer : given) {
        ASSERT_NE(failure_of(*answer), nullptr);
        EXPECT_EQ(failure_of(*answer)->provider, "tdx");
        EXPECT_EQ(failure_of(*answer)->reason, "refresh 0 failed");
    }
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3)), true);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "refresh 0", "refresh 0"));
}

TEST_F(ProviderRegistersTest, AFailedRefreshServesNoOldValue) {
    const auto registers = opened(false);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_NE(failure_of(read(*registers, Tdx::rtmr3, true)), nullptr);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_NE(failure_of(read(*registers, Tdx::rtmr3)), nullptr) << "although it was in sync before";
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3)), true);
}

TEST_F(ProviderRegistersTest, ACachedReadIsServedWhileASlowCallRuns) {
    const auto registers = opened(true);
    hardware_.hold("report");
    registers.slot->report(mrd_itself, mr::Bytes(64), {}, note("report"));
    hardware_.wait_until_held();
    registers->read(mrd_itself, Tdx::rtmr3, false, note("cached read"));
    EXPECT_THAT(answers_, ElementsAre("cached read"));
    hardware_.let_go();
    run_until(2);
    EXPECT_THAT(answers_, ElementsAre("cached read", "report"));
}

TEST_F(ProviderRegistersTest, ASlowProviderDelaysNobodyElsesRegisters) {
    FakeHardware other_hardware;
    const auto registers = opened(true);
    const auto other = open(std::make_unique<FakeProvider>(other_hardware, "other", tdx_registers(), true), tdx_registers());
    ASSERT_TRUE(other);
    hardware_.hold("extend");
    registers->extend(Tdx::rtmr3, digest(1), {}, note("slow extend"));
    hardware_.wait_until_held();
    (*other)->extend(Tdx::rtmr3, digest(1), {}, note("other's extend"));
    (*other)->read(mrd_itself, Tdx::rtmr3, false, note("other's read"));
    run_until(2);
    EXPECT_THAT(answers_, ElementsAre("other's extend", "other's read"));
    hardware_.let_go();
    run_until(3);
}

TEST_F(ProviderRegistersTest, AReadWhileASlowExtendRunsWaitsForARefreshAfterIt) {
    const auto registers = opened(true);
    hardware_.hold("extend");
    registers->extend(Tdx::rtmr3, digest(1), {}, note("extend"));
    hardware_.wait_until_held();
    EXPECT_FALSE(registers->table().in_sync(0)) << "marked before the provider was called";
    std::optional<ReadAnswer> answer;
    registers->read(mrd_itself, Tdx::rtmr3, false, keep(answer));
    EXPECT_FALSE(answer);
    hardware_.let_go();
    run_until(2);
    EXPECT_EQ(value_of(*answer), true);
    EXPECT_EQ(known(*registers, Tdx::rtmr3), hardware_.value(Tdx::rtmr3));
}

TEST_P(EitherQueue, IdleIsToldWhenEveryCallAskedForBeforeHasBeenAnswered) {
    const auto registers = opened(GetParam());
    registers->extend(Tdx::rtmr3, digest(1), {}, note("extend"));
    registers->read(mrd_itself, Tdx::rtmr3, false, note("read"));
    registers.slot->when_idle([this] { answers_.emplace_back("idle"); });
    loop_.run();  // and the loop does not run out of work before
    EXPECT_THAT(answers_, ElementsAre("extend", "read", "idle"));
}

TEST_F(ProviderRegistersTest, HoweverManyCallsOfAUserWaitThoseOfOthersAndOfMrdItselfHaveTheirTurns) {
    const auto registers = opened(true);
    const auto by = [&](uid_t user, const std::string &name) {
        registers->extend(Tdx::rtmr3, digest(1), {.caller = std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = user})},
                          note(name));
    };
    hardware_.hold("extend");
    by(1000, "runs");
    hardware_.wait_until_held();
    for (const auto *name : {"a1", "a2", "a3", "a4"}) by(1000, name);
    registers.slot->report(1000, mr::Bytes(64), {}, note("a's report"));
    registers->write(1000, Tdx::reportdata, mr::Bytes(64, 1), note("a's write"));
    registers.slot->when_idle([this] { answers_.emplace_back("idle"); });
    registers.slot->when_settled([this] { answers_.emplace_back("settled"); });
    by(1001, "b");
    by(0, "root");
    registers->read(mrd_itself, Tdx::rtmr2, true, note("read"));
    hardware_.let_go();
    run_until(12);
    EXPECT_THAT(answers_, ElementsAre("runs", "settled", "b", "root", "a1", "read", "a2", "a3", "a4", "a's report", "a's write", "idle"));
}

TEST_F(ProviderRegistersTest, ARereadTakesTheTurnOfWhoReadsAndOfSeveralTheOneThatComesFirst) {
    const auto registers = opened(true);
    const auto extend_of = [&](uid_t user, const std::string &name) {
        registers->extend(Tdx::rtmr3, digest(1), {.caller = std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = user})},
                          note(name));
    };
    hardware_.hold("extend");
    extend_of(1000, "runs");
    hardware_.wait_until_held();
    extend_of(1000, "a1");
    registers->read(1000, Tdx::rtmr2, true, note("a reads"));
    extend_of(1001, "b1");
    extend_of(0, "root 1");
    extend_of(0, "root 2");
    hardware_.let_go();
    run_until(6);
    EXPECT_THAT(answers_, ElementsAre("runs", "root 1", "b1", "root 2", "a1", "a reads")) << "not in root's turns";

    answers_.clear();
    hardware_.take_calls();
    hardware_.hold("extend");
    extend_of(1000, "runs");
    hardware_.wait_until_held();
    extend_of(1000, "a1");
    registers->read(1000, Tdx::rtmr2, true, note("a reads"));
    registers->read(1000, Tdx::rtmr2, true, note("a reads too"));
    registers->read(0, Tdx::rtmr2, true, note("root reads"));
    hardware_.let_go();
    run_until(5);
    EXPECT_THAT(answers_, ElementsAre("runs", "a reads", "a reads too", "root reads", "a1")) << "root waits for no turn of another";
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "refresh 0", "extend 2")) << "one refresh for all";
}

TEST_F(ProviderRegistersTest, AnExtendTakesTheTurnOfTheShareThatItsCallerHas) {
    const auto registers = opened(true);
    const auto extend_of = [&](uid_t uid, uid_t share, const std::string &name) {
        registers->extend(Tdx::rtmr3, digest(1),
                          {.caller = std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = uid}), .share = share}, note(name));
    };
    constexpr uid_t pool = 7;
    hardware_.hold("extend");
    extend_of(1000, 1000, "runs");
    hardware_.wait_until_held();
    for (uid_t uid = 100'000; uid < 100'003; ++uid) extend_of(uid, pool, "of many");
    extend_of(1000, 1000, "a");
    hardware_.let_go();
    run_until(5);
    EXPECT_THAT(answers_, ElementsAre("runs", "of many", "a", "of many", "of many"));
}

TEST_F(ProviderRegistersTest, TheEndWaitsForTheCallThatRunsAndDropsThoseThatWait) {
    auto registers = opened(true);
    hardware_.hold("extend");
    registers->extend(Tdx::rtmr3, digest(1), {}, note("extend"));
    hardware_.wait_until_held();
    registers->extend(Tdx::rtmr2, digest(1), {}, note("waiting"));
    hardware_.let_go();
    registers.slot.reset();
    loop_.run();
    EXPECT_THAT(answers_, IsEmpty());
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2"));
}

TEST_F(ProviderRegistersTest, AnAnswerMayAskForTheNextCall) {
    const auto registers = opened(false);
    registers->extend(Tdx::rtmr3, digest(1), {}, [&](const ExtendAnswer &) {
        registers->read(mrd_itself, Tdx::rtmr3, false, [&](const ReadAnswer &) {
            answers_.emplace_back("read");
            registers->extend(Tdx::rtmr3, digest(2), {}, note("second extend"));
        });
        answers_.emplace_back("extend");
    });
    EXPECT_THAT(answers_, ElementsAre("extend", "read", "second extend"));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "refresh 0", "extend 2"));
}

// ---- Extends that fail

TEST_P(EitherQueue, AnExtendThatFailsBeforeItTookEffectIsReportedAsNotApplied) {
    const auto registers = opened(GetParam());
    hardware_.fail_next("extend", FakeHardware::Failure::before);
    const auto answer = extend(*registers, Tdx::rtmr3, digest(1));
    ASSERT_NE(failure_of(answer), nullptr);
    EXPECT_EQ(failure_of(answer)->applied, Applied::no);
    EXPECT_EQ(failure_of(answer)->reason, "extend 2 failed");
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "refresh 0")) << "the register itself says what happened";
    EXPECT_EQ(journal_->state().sequence(), 0);
    EXPECT_EQ(extend(*registers, Tdx::rtmr3, digest(1))->sequence, 1);
    EXPECT_EQ(known(*registers, Tdx::rtmr3), hardware_.value(Tdx::rtmr3));
}

TEST_P(EitherQueue, AnExtendThatFailsAfterItTookEffectIsASuccess) {
    const auto registers = opened(GetParam());
    hardware_.fail_next("extend", FakeHardware::Failure::after);
    const auto answer = extend(*registers, Tdx::rtmr3, digest(1));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->sequence, 1);
    EXPECT_EQ(known(*registers, Tdx::rtmr3), extended(digest(0), digest(1)));
    EXPECT_FALSE(registers->table().divergence(Tdx::rtmr3));
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3, true)), true);
    EXPECT_FALSE(registers->table().divergence(Tdx::rtmr3));
}

TEST_P(EitherQueue, AnExtendThatFailsAndWhoseRegisterCannotBeRereadIsUnknownAndRefusesFurtherOnesUntilItCan) {
    const auto registers = opened(GetParam());
    hardware_.fail_next("extend", FakeHardware::Failure::after);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    const auto answer = extend(*registers, Tdx::rtmr3, digest(1));
    ASSERT_NE(failure_of(answer), nullptr);
    EXPECT_EQ(failure_of(answer)->applied, Applied::unknown);
    hardware_.take_calls();
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    const auto refused = extend(*registers, Tdx::rtmr3, digest(2));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(std::holds_alternative<Indeterminate>(refused.error()));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0")) << "each extend tries to reread it, and is not asked of the hardware";
    EXPECT_EQ(extend(*registers, Tdx::rtmr3, digest(2))->sequence, 2) << "without a read between: its own reread settles the first";
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "extend 2"));
    EXPECT_FALSE(registers->table().divergence(Tdx::rtmr3));
    EXPECT_EQ(known(*registers, Tdx::rtmr3), hardware_.value(Tdx::rtmr3));
}

TEST_P(EitherQueue, AnExtendThatIsSentAgainAndWasNotSettledIsAnsweredByItsOwnReread) {
    const auto registers = opened(GetParam());
    hardware_.fail_next("extend", FakeHardware::Failure::after);
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    const auto send = [&] {
        return wait<ExtendAnswer>([&](auto done) { registers->extend(Tdx::rtmr3, digest(1), {.id = "once"}, std::move(done)); });
    };
    EXPECT_EQ(failure_of(send())->applied, Applied::unknown);
    hardware_.take_calls();
    EXPECT_EQ(send()->sequence, 1);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0")) << "it is not extended twice";
}

TEST_P(EitherQueue, AnExtendThatFailsAndWhoseRegisterHoldsNeitherValueIsUnknown) {
    const auto registers = opened(GetParam());
    hardware_.extend(Tdx::rtmr3, digest(66));
    hardware_.fail_next("extend", FakeHardware::Failure::before);
    const auto answer = extend(*registers, Tdx::rtmr3, digest(1));
    ASSERT_NE(failure_of(answer), nullptr);
    EXPECT_EQ(failure_of(answer)->applied, Applied::unknown);
    EXPECT_TRUE(registers->table().divergence(Tdx::rtmr3));
}

// ---- Registers that somebody else has extended

TEST_P(EitherQueue, ADivergedRegisterThatCannotBeRereadIsNotExtendedOrCapped) {
    const auto registers = opened(GetParam());
    hardware_.extend(Tdx::rtmr3, digest(66));
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3, true)), true);
    hardware_.extend(Tdx::rtmr3, digest(67));
    for (const auto origin : {journal::Origin::service, journal::Origin::cap}) {
        hardware_.take_calls();
        hardware_.fail_next("refresh", FakeHardware::Failure::before);
        const auto answer =
            wait<ExtendAnswer>([&](auto done) { registers->extend(Tdx::rtmr3, digest(1), {.origin = origin}, std::move(done)); });
        ASSERT_NE(failure_of(answer), nullptr);
        EXPECT_EQ(failure_of(answer)->applied, Applied::no);
        EXPECT_EQ(failure_of(answer)->reason, "the register could not be reread before the extend: refresh 0 failed");
        EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0"));
    }
    EXPECT_EQ(journal_->state().sequence(), 0);
    const auto answer = extend(*registers, Tdx::rtmr3, digest(1));
    EXPECT_EQ(answer->sequence, 2);
    EXPECT_EQ(answer->value, hardware_.value(Tdx::rtmr3)) << "the resync names what the register holds now";
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "extend 2", "extend 2"));
}

TEST_F(ProviderRegistersTest, WhetherToRereadIsDecidedAtTheExtendsTurnAndNotWhenItIsAskedFor) {
    const auto registers = opened(true);
    hardware_.extend(Tdx::rtmr3, digest(66));
    hardware_.hold("report");
    std::optional<ExtendAnswer> answer;
    registers->read(mrd_itself, Tdx::rtmr3, true, note("read"));
    registers.slot->report(mrd_itself, mr::Bytes(64), {}, note("report"));
    registers->extend(Tdx::rtmr3, digest(1), {}, keep(answer));  // nothing is known yet
    while (answers_.empty()) loop_.run_one();                    // the refresh
    hardware_.wait_until_held();
    hardware_.extend(Tdx::rtmr3, digest(67));
    hardware_.let_go();
    run_until(3);
    ASSERT_TRUE(*answer);
    EXPECT_EQ((*answer)->value, hardware_.value(Tdx::rtmr3));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "report", "refresh 0", "extend 2", "extend 2"));
}

TEST_F(ProviderRegistersTest, AReadThatJoinsTheRereadOfAnExtendIsAnswered) {
    const auto registers = opened(true, with_shared_rtmr2());
    EXPECT_TRUE(extend(*registers, Tdx::rtmr3, digest(1)));  // the cache is out of sync
    hardware_.hold("refresh");
    registers->extend(Tdx::rtmr2, digest(1), {}, note("extend"));
    hardware_.wait_until_held();
    registers->read(mrd_itself, Tdx::rtmr3, false, note("read"));
    hardware_.let_go();
    run_until(3);
    EXPECT_THAT(answers_, ElementsAre("kept", "read", "extend"));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("extend 2", "refresh 0", "extend 1"));
}

TEST_P(EitherQueue, WhatTheJournalAnswersAloneIsNotRereadFor) {
    const auto registers = opened(GetParam(), with_shared_rtmr2());
    const auto send = [&](EventDetails details) {
        return wait<ExtendAnswer>([&](auto done) { registers->extend(Tdx::rtmr2, digest(1), std::move(details), std::move(done)); });
    };
    ASSERT_TRUE(send({.id = "once"}));
    ASSERT_TRUE(send({.origin = journal::Origin::cap}));
    hardware_.take_calls();
    EXPECT_EQ(send({.id = "once"})->sequence, 1);
    EXPECT_TRUE(std::holds_alternative<Capped>(send({}).error()));
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
}

// ---- Shared registers

TEST_P(EitherQueue, ASharedRegisterIsRereadBeforeItsExtendSoThatTheAnswerIsRight) {
    const auto registers = opened(GetParam(), with_shared_rtmr2());
    hardware_.extend(Tdx::rtmr2, digest(66));
    ASSERT_TRUE(extend(*registers, Tdx::rtmr2, digest(1)));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "extend 1", "extend 1")) << "a resync first";
    EXPECT_EQ(known(*registers, Tdx::rtmr2), hardware_.value(Tdx::rtmr2));
    EXPECT_FALSE(registers->table().divergence(Tdx::rtmr2));
}

TEST_P(EitherQueue, ASharedRegisterThatCannotBeRereadIsNotExtended) {
    const auto registers = opened(GetParam(), with_shared_rtmr2());
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    const auto answer = extend(*registers, Tdx::rtmr2, digest(1));
    ASSERT_NE(failure_of(answer), nullptr);
    EXPECT_EQ(failure_of(answer)->applied, Applied::no);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0"));
}

TEST_P(EitherQueue, EveryReadOfASharedRegisterRefreshes) {
    const auto registers = opened(GetParam(), with_shared_rtmr2());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(value_of(read(*registers, Tdx::rtmr2)), true);
    EXPECT_EQ(value_of(read(*registers, Tdx::rtmr3)), false);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 0", "refresh 0"));
}

// ---- reportdata

TEST_P(EitherQueue, AReportLeavesReportdataAlone) {
    const auto registers = opened(GetParam());
    ASSERT_TRUE(write(*registers, 1));
    EXPECT_EQ(value_of(read(*registers, Tdx::report0)), true);
    hardware_.take_calls();
    using Answer = std::expected<mr::Bytes, ProviderError>;
    const auto answer = wait<Answer>([&](auto done) { registers.slot->report(mrd_itself, mr::Bytes(64, 9), {}, std::move(done)); });
    EXPECT_EQ(value_of(answer), mr::Bytes(64, 9));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("report"));
    EXPECT_EQ(registers->table().value(Tdx::reportdata)[0], 1);
    EXPECT_EQ(registers->table().generation(Tdx::reportdata), first_generation + 1);
    EXPECT_EQ(value_of(read(*registers, Tdx::report0)), false) << "nothing was written: the cache is in sync";
    EXPECT_EQ(registers->table().counters().writes, 1);
}

TEST_P(EitherQueue, AWriteAnswersItsGenerationAndOneThatFailsCountsToo) {
    const auto registers = opened(GetParam());
    EXPECT_EQ(value_of(write(*registers, 1)), first_generation + 1);
    hardware_.fail_next("write", FakeHardware::Failure::before);
    const auto failed = write(*registers, 2);
    ASSERT_NE(failure_of(failed), nullptr);
    EXPECT_EQ(failure_of(failed)->applied, Applied::unknown);
    EXPECT_EQ(value_of(write(*registers, 1)), first_generation + 3);
}

TEST_P(EitherQueue, AWriteThatTheProviderKnowsToHaveHadNoEffectIsReportedAsNotApplied) {
    const auto registers = opened(GetParam());
    hardware_.fail_next("write", FakeHardware::Failure::known_unchanged);
    const auto failed = write(*registers, 2);
    ASSERT_NE(failure_of(failed), nullptr);
    EXPECT_EQ(failure_of(failed)->applied, Applied::no);
}

TEST_F(ProviderRegistersTest, TwoClientsThatWriteAtOnceGetGenerationsOfTheirOwn) {
    const auto registers = opened(true);
    hardware_.hold("write");
    std::optional<WriteAnswer> first;
    std::optional<WriteAnswer> second;
    registers->write(mrd_itself, Tdx::reportdata, mr::Bytes(64, 1), keep(first));
    hardware_.wait_until_held();
    registers->write(mrd_itself, Tdx::reportdata, mr::Bytes(64, 1), keep(second));
    hardware_.let_go();
    run_until(2);
    EXPECT_EQ(value_of(*first), first_generation + 1);
    EXPECT_EQ(value_of(*second), first_generation + 2);
}

}  // namespace
}  // namespace mrd
