#include "mrd/providers/sim/state.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "mr/tdreport.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::sim {
namespace {

namespace fs = std::filesystem;

Value digest_number(std::uint64_t number) {
    Value digest{};
    for (std::size_t i = 0; i < 8; ++i) {
        digest[i] = static_cast<std::uint8_t>(number >> 8 * i);
    }
    return digest;
}

Value extended(const Value &old, const Value &digest) {
    Value value{};
    std::ranges::copy(mr::extend(mr::HashAlgorithm::sha384, old, digest).value().bytes(), value.begin());
    return value;
}

// A process that does `work` and ends without the test program's own clean-up.
pid_t child(const std::function<bool()> &work) {
    const pid_t process = ::fork();
    if (process == 0) {
        ::_exit(work() ? 0 : 1);
    }
    return process;
}

int wait_for(pid_t process) {
    int status = 0;
    EXPECT_EQ(::waitpid(process, &status, 0), process);
    return status;
}

class SimState : public ::testing::Test {
protected:
    [[nodiscard]] StateOptions options() const { return {.file = file_, .boot_id = "boot 1"}; }

    [[nodiscard]] State opened(const StateOptions &options) const {
        auto state = State::open(options);
        EXPECT_TRUE(state.has_value()) << state.error();
        return std::move(state.value());
    }
    [[nodiscard]] State opened() const { return opened(options()); }

    static RunTimeValues values_of(const State &state) {
        const auto values = state.read();
        EXPECT_TRUE(values.has_value()) << values.error();
        return values.value_or(RunTimeValues{});
    }

    void expect_refused(const StateOptions &asked, std::string_view named) const {
        const auto state = State::open(asked);
        ASSERT_FALSE(state.has_value());
        EXPECT_NE(state.error().find(named), std::string::npos) << state.error();
        EXPECT_NE(state.error().find(file_.native()), std::string::npos) << state.error();
    }
    void expect_needs_reset() const {
        expect_refused(options(), "use --reset");
        const auto attached = State::attach(file_);
        EXPECT_FALSE(attached.has_value());
    }

    void flip(std::size_t offset) const { flip(offset, 0x01); }
    void flip(std::size_t offset, int bits) const {
        std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekg(static_cast<std::streamoff>(offset));
        const int old = stream.get();
        stream.seekp(static_cast<std::streamoff>(offset));
        stream.put(static_cast<char>(old ^ bits));
        ASSERT_TRUE(stream.good());
    }
    void fill(std::size_t offset, std::size_t size, char byte) const {
        std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(static_cast<std::streamoff>(offset));
        stream << std::string(size, byte);
        ASSERT_TRUE(stream.good());
    }

    TemporaryFolder folder_;
    fs::path file_ = state_file(folder_.path(), "tdx");
};

TEST_F(SimState, ANewTdHasZeroRegistersAndTheDocumentedStaticValues) {
    const State state = opened();
    const RunTimeValues values = values_of(state);
    EXPECT_EQ(values.counter, 0U);
    for (const Value &rtmr : values.rtmr) {
        EXPECT_EQ(rtmr, Value{});
    }
    const StaticValues statics = state.statics();
    EXPECT_EQ(statics.attributes, 0x10000000U);
    EXPECT_EQ(mr::to_hex(statics.mrtd), mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes("mrd simulated TD")).value().bytes()));
    EXPECT_EQ(statics.mrconfigid, Value{});
    EXPECT_EQ(statics.mrowner, Value{});
    EXPECT_EQ(statics.mrownerconfig, Value{});
    EXPECT_NE(state.report_key(), ReportKey{});
}

TEST_F(SimState, TheFileIsSmallAndPrivateAndAloneInItsFolder) {
    const State state = opened();
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    EXPECT_EQ(status.st_size, 4096);
    EXPECT_EQ(file_.filename(), "sim-tdx.state");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(SimState, AnExtendHashesOldThenDigestAndLeavesTheOtherRegistersAlone) {
    State state = opened();
    std::array<Value, rtmr_count> expected{};
    for (std::uint64_t i = 0; i < 20; ++i) {
        const std::size_t rtmr = i % 3;
        expected[rtmr] = extended(expected[rtmr], digest_number(i));
        EXPECT_EQ(state.extend(rtmr, digest_number(i)), expected[rtmr]);
        EXPECT_EQ(values_of(state).rtmr, expected);
        EXPECT_EQ(values_of(state).counter, i + 1);
    }
}

TEST_F(SimState, SurvivesReopening) {
    StateOptions asked = options();
    asked.mrtd = digest_number(1);
    asked.mrowner = digest_number(2);
    asked.attributes = mr::td_attribute_debug;
    Value value{};
    ReportKey key{};
    {
        State state = opened(asked);
        value = state.extend(3, digest_number(7)).value();
        key = state.report_key();
    }
    const State state = opened();  // options not given keep the stored values
    EXPECT_EQ(values_of(state).rtmr[3], value);
    EXPECT_EQ(state.report_key(), key);
    EXPECT_EQ(state.statics().mrtd, asked.mrtd);
    EXPECT_EQ(state.statics().mrowner, asked.mrowner);
    EXPECT_EQ(state.statics().attributes, asked.attributes);
}

TEST_F(SimState, AnotherBootIdStartsANewTd) {
    StateOptions asked = options();
    asked.mrtd = digest_number(1);
    ReportKey key{};
    {
        State state = opened(asked);
        ASSERT_TRUE(state.extend(3, digest_number(7)));
        key = state.report_key();
    }
    asked.boot_id = "boot 2";
    asked.mrtd = digest_number(2);
    const State state = opened(asked);
    EXPECT_EQ(values_of(state).counter, 0U);
    EXPECT_EQ(values_of(state).rtmr[3], Value{});
    EXPECT_NE(state.report_key(), key);
    EXPECT_EQ(state.statics().mrtd, digest_number(2));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(SimState, ResetStartsANewTd) {
    {
        ASSERT_TRUE(opened().extend(3, digest_number(7)));
    }
    StateOptions asked = options();
    asked.reset = true;
    asked.mrtd = digest_number(9);
    const State state = opened(asked);
    EXPECT_EQ(values_of(state).rtmr[3], Value{});
    EXPECT_EQ(state.statics().mrtd, digest_number(9));
}

TEST_F(SimState, OptionsThatContradictTheRunningTdAreNamed) {
    {
        const State state = opened();
    }
    const auto refused = [&](const char *option, const std::function<void(StateOptions &)> &change) {
        StateOptions asked = options();
        change(asked);
        expect_refused(asked, option);
        expect_refused(asked, "use --reset");
    };
    refused("--sim-mrtd ", [](StateOptions &asked) { asked.mrtd = digest_number(1); });
    refused("--sim-mrconfigid ", [](StateOptions &asked) { asked.mrconfigid = digest_number(1); });
    refused("--sim-mrowner ", [](StateOptions &asked) { asked.mrowner = digest_number(1); });
    refused("--sim-mrownerconfig ", [](StateOptions &asked) { asked.mrownerconfig = digest_number(1); });
    refused("--sim-attributes ", [](StateOptions &asked) { asked.attributes = 1; });

    StateOptions same = options();
    same.mrtd = default_statics().mrtd;
    same.mrowner = Value{};
    same.attributes = default_statics().attributes;
    EXPECT_TRUE(State::open(same));
}

TEST_F(SimState, ABootIdHasOneToSixtyFourBytes) {
    for (const std::size_t size : {0U, 65U}) {
        StateOptions asked = options();
        asked.boot_id = std::string(size, 'b');
        EXPECT_FALSE(State::open(asked)) << size;
        EXPECT_FALSE(fs::exists(file_));
    }
    StateOptions asked = options();
    asked.boot_id = std::string(64, 'b');
    {
        ASSERT_TRUE(opened(asked).extend(0, digest_number(1)));
    }
    EXPECT_EQ(values_of(opened(asked)).counter, 1U);
}

TEST_F(SimState, TwoOpenersShareOneTruth) {
    State one = opened();
    auto two = State::attach(file_);
    ASSERT_TRUE(two) << two.error();
    Value expected{};
    for (std::uint64_t i = 0; i < 10; ++i) {
        expected = extended(expected, digest_number(i));
        EXPECT_EQ((i % 2 == 0 ? one : *two).extend(2, digest_number(i)), expected);
        EXPECT_EQ(values_of(one).rtmr[2], expected);
        EXPECT_EQ(values_of(*two).rtmr[2], expected);
    }
}

TEST_F(SimState, NothingIsAttachedWhereNothingIs) {
    const auto state = State::attach(file_);
    ASSERT_FALSE(state);
    EXPECT_NE(state.error().find(file_.native()), std::string::npos);
    EXPECT_FALSE(fs::exists(file_));
}

TEST_F(SimState, AFolderThatIsNotThereIsNamed) {
    StateOptions asked = options();
    asked.file = folder_.path() / "no" / "sim-tdx.state";
    const auto state = State::open(asked);
    ASSERT_FALSE(state);
    EXPECT_NE(state.error().find(asked.file.native()), std::string::npos) << state.error();
}

TEST_F(SimState, ManyThreadsLoseNoExtend) {
    const State state = opened();
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            State own = opened();
            for (std::uint64_t i = 0; i < 250; ++i) {
                EXPECT_TRUE(own.extend(thread, digest_number(i)));
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    Value expected{};
    for (std::uint64_t i = 0; i < 250; ++i) {
        expected = extended(expected, digest_number(i));
    }
    EXPECT_EQ(values_of(state).counter, 1000U);
    EXPECT_EQ(values_of(state).rtmr, (std::array{expected, expected, expected, expected}));
}

TEST_F(SimState, ProcessesThatOpenAtTheSameMomentGetTheSameTd) {
    constexpr std::uint64_t processes = 6;
    std::mt19937 random(1);
    for (int round = 0; round < 60; ++round) {
        SCOPED_TRACE(round);
        StateOptions asked = options();
        if (round % 2 == 0) {
            fs::remove(file_);  // one must create it
        } else {
            asked.boot_id = "boot 2";  // one must replace it
        }
        int gate[2];
        ASSERT_EQ(::pipe(gate), 0);
        std::vector<pid_t> children;
        for (std::uint64_t i = 0; i < processes; ++i) {
            const std::chrono::microseconds late(random() % 3000);
            children.push_back(child([&] {
                ::close(gate[1]);
                char nothing = 0;
                (void)!::read(gate[0], &nothing, 1);  // until the parent closes its end
                std::this_thread::sleep_for(late);
                auto state = State::open(asked);
                return state && state->extend(0, digest_number(i));
            }));
        }
        ::close(gate[0]);
        ::close(gate[1]);
        for (const pid_t process : children) {
            EXPECT_EQ(wait_for(process), 0);
        }
        EXPECT_EQ(values_of(opened(asked)).counter, processes);
        EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
    }
}

TEST_F(SimState, ATdDoesNotEndUnderAProcessThatUsesIt) {
    State user = opened();
    StateOptions asked = options();
    asked.reset = true;
    expect_refused(asked, "stop that process");
    asked = options();
    asked.boot_id = "boot 2";
    expect_refused(asked, "stop that process");
    EXPECT_TRUE(user.extend(0, digest_number(1)));
    EXPECT_EQ(values_of(opened()).counter, 1U);
}

// --- damage ---

TEST_F(SimState, AFileOfAnotherSizeIsRefusedUntilReset) {
    for (const std::uintmax_t size : {0U, 100U, 4095U, 4097U}) {
        {
            const State state = opened();
        }
        fs::resize_file(file_, size);
        expect_needs_reset();
        EXPECT_EQ(fs::file_size(file_), size);  // refused, and left for who wants to look at it
        StateOptions asked = options();
        asked.reset = true;
        EXPECT_EQ(values_of(opened(asked)).counter, 0U);
    }
}

TEST_F(SimState, EveryFlippedByteOfTheHeaderIsRefused) {
    {
        const State state = opened();
    }
    for (std::size_t offset = 0; offset < header_size - 4; ++offset) {  // its last four bytes are reserved
        flip(offset);
        expect_needs_reset();
        flip(offset);
    }
    EXPECT_TRUE(State::open(options()));
}

TEST_F(SimState, NoFlippedByteOfTheSlotsIsEverTakenForAnotherValue) {
    for (const std::uint64_t extends : {0U, 1U, 2U, 255U}) {
        StateOptions asked = options();
        asked.reset = true;
        {
            State state = opened(asked);
            for (std::uint64_t i = 0; i < extends; ++i) {
                ASSERT_TRUE(state.extend(i % rtmr_count, digest_number(i)));
            }
        }
        const RunTimeValues truth = values_of(opened());
        ASSERT_EQ(truth.counter, extends);
        std::size_t refused = 0;
        for (const int bits : {0x01, 0x80, 0xff}) {
            for (std::size_t offset = slot_offsets[0]; offset < state_file_size; ++offset) {
                flip(offset, bits);
                if (const auto state = State::open(options()); !state) {
                    ++refused;
                } else {
                    EXPECT_EQ(values_of(*state).rtmr, truth.rtmr) << offset;
                    EXPECT_EQ(values_of(*state).counter, truth.counter) << offset;
                }
                flip(offset, bits);
            }
        }
        // Counter, registers and checksum of each slot that was ever written; of the one never written, its counter.
        EXPECT_EQ(refused, 3U * (extends == 0 ? 204 + 8 : 2 * 204)) << extends;
    }
}

TEST_F(SimState, DamageUnderAnOpenStateIsFoundByTheNextCall) {
    State state = opened();
    ASSERT_TRUE(state.extend(0, digest_number(1)));
    flip(slot_offsets[1] + 20);
    EXPECT_FALSE(state.read());
    EXPECT_FALSE(state.extend(0, digest_number(2)));
    flip(slot_offsets[1] + 20);
    EXPECT_EQ(values_of(state).counter, 1U);
}

TEST_F(SimState, TwoInvalidSlotsAreRefused) {
    for (const char byte : {'\0', '\xff', 'x'}) {
        StateOptions asked = options();
        asked.reset = true;
        {
            const State state = opened(asked);
        }
        fill(slot_offsets[0], slot_size, byte);
        fill(slot_offsets[1], slot_size, byte);
        expect_needs_reset();
    }
}

TEST_F(SimState, WhatIsLeftInTheMutexDoesNotMatterToWhoOpensAlone) {
    {
        ASSERT_TRUE(opened().extend(0, digest_number(1)));
    }
    fill(1024, 64, '\xff');
    State state = opened();
    EXPECT_TRUE(state.extend(0, digest_number(2)));
    EXPECT_EQ(values_of(state).counter, 2U);
}

// --- kills ---

TEST_F(SimState, AKillAtAnyStepOfAnExtendLeavesTheOldValueOrTheNew) {
    for (const bool watched : {false, true}) {  // watched: the parent has the file open, so the dead owner's mutex is what it meets
        Value expected{};
        StateOptions asked = options();
        asked.reset = true;
        {
            const State state = opened(asked);
        }
        std::optional<State> watcher;
        if (watched) {
            watcher = opened();
        }
        std::uint64_t number = 0;
        for (int round = 0; round < 4; ++round) {
            for (int step = 0; step <= State::Extending::stores; ++step) {
                SCOPED_TRACE("step " + std::to_string(step) + (watched ? " watched" : ""));
                const int status = wait_for(child([&] {
                    auto state = State::attach(file_);
                    auto extending = state.value().begin_extend(1, digest_number(number));
                    for (int stored = 0; stored < step; ++stored) extending.value().store_next();
                    ::raise(SIGKILL);
                    return false;
                }));
                ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
                if (step == State::Extending::stores) {
                    expected = extended(expected, digest_number(number));
                }
                if (watcher) {
                    EXPECT_EQ(values_of(*watcher).rtmr[1], expected);
                }
                State state = opened();
                EXPECT_EQ(values_of(state).rtmr[1], expected);
                // Every second time, so that a kill meets both slots, and what an earlier kill left.
                if (++number % 2 == 0) {
                    expected = extended(expected, digest_number(number));
                    EXPECT_EQ(state.extend(1, digest_number(number)), expected);
                }
            }
        }
    }
}

TEST_F(SimState, AStoppedProcessThatHoldsTheLockIsAnErrorAndNotAWaitWithoutEnd) {
    State state = opened();
    const pid_t process = child([&] {
        auto own = State::attach(file_);
        auto extending = own.value().begin_extend(1, digest_number(1));
        extending.value().store_next();
        ::raise(SIGSTOP);
        for (int stored = 1; stored < State::Extending::stores; ++stored) extending.value().store_next();
        return true;
    });
    int status = 0;
    ASSERT_EQ(::waitpid(process, &status, WUNTRACED), process);
    ASSERT_TRUE(WIFSTOPPED(status));
    const auto refused = state.extend(1, digest_number(2));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("locked by another process"), std::string::npos);
    ::kill(process, SIGCONT);
    EXPECT_EQ(wait_for(process), 0);
    EXPECT_EQ(values_of(state).rtmr[1], extended({}, digest_number(1)));
}

// The child extends rtmr0 with the digest of its counter, as fast as it can: the register's value at counter n is known.
TEST_F(SimState, AProcessKilledAtAnyMomentLeavesAValueOfItsChain) {
    std::mt19937 random(20240607);
    std::vector<Value> chain = {Value{}};
    const auto chain_at = [&](std::uint64_t counter) {
        while (chain.size() <= counter) {
            chain.push_back(extended(chain.back(), digest_number(chain.size() - 1)));
        }
        return chain[counter];
    };
    std::uint64_t before = 0;
    int progressed = 0;
    for (int round = 0; round < 80; ++round) {
        SCOPED_TRACE(round);
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t process = child([&] {
            auto state = State::open(options());
            if (!state) {
                return false;
            }
            (void)!::write(ready[1], "r", 1);
            for (std::uint64_t i = state->read()->counter;; ++i) {
                if (!state->extend(0, digest_number(i))) {
                    return false;
                }
            }
        });
        ::close(ready[1]);
        if (round % 8 != 0) {  // else it may die in the middle of open()
            char mark = 0;
            ASSERT_EQ(::read(ready[0], &mark, 1), 1);
        }
        ::close(ready[0]);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
        ::kill(process, SIGKILL);
        const int status = wait_for(process);
        ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: an extend was refused";

        const RunTimeValues values = values_of(opened());
        ASSERT_GE(values.counter, before);
        progressed += values.counter > before ? 1 : 0;
        before = values.counter;
        ASSERT_EQ(values.rtmr[0], chain_at(values.counter));
    }
    EXPECT_GE(progressed, 40);
}

}  // namespace
}  // namespace mrd::sim
