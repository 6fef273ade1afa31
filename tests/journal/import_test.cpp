// What is taken in over several writes, or in one that is large, where the disk fails or mrd is killed at any of them: the registers of a provider that comes late,
// its firmware's log, and another behind it. The log is there whole or not at all, and the journal goes on.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

using Call = FaultyDisk::Call;

constexpr std::array faults{Fault::io_error,   Fault::no_space, Fault::short_write, Fault::torn_write,
                            Fault::lost_write, Fault::kill,     Fault::torn_kill};

class JournalImport : public JournalTest {
protected:
    static constexpr std::string_view rtmr = "tdx/rtmr3";
    static constexpr std::ptrdiff_t firmware_events = 4;

    JournalImport() {
        mr::append_tcg_header(log_, {.algorithms = {{mr::tcg_id(algorithm), 48}}, .vendor_info = {}});
        std::uint8_t byte = 0x50;
        for (const std::uint32_t index : {7U, 8U, 7U, 8U}) {
            const auto digest = digest_of(++byte);
            // So large that a crash can lose a page of it.
            const mr::Bytes data(3000, byte);
            mr::Event event;
            event.index = index;
            event.type = mr::ev_ipl;
            event.digests = {{mr::tcg_id(algorithm), digest.bytes()}};
            event.data = data;
            mr::append_tcg_event(log_, event);
        }
    }
    // A machine that has just booted: the firmware has extended what it extends.
    void begin_boot() {
        disk_.heal();
        std::error_code ignored;
        for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path(), ignored);
        std::ofstream(path("firmware"), std::ios::binary)
            .write(reinterpret_cast<const char *>(log_.data()), static_cast<std::streamsize>(log_.size()));
        options_.boot_id = "boot 1";
        hardware_ = Hardware({std::string(rtmr), "tpm/pcr7", "tpm/pcr8"});
        std::uint8_t byte = 0x50;
        for (const auto *name : {"tpm/pcr7", "tpm/pcr8", "tpm/pcr7", "tpm/pcr8"}) hardware_.extend(name, digest_of(++byte));
        if (!has_earlier_) return;
        std::string cel;
        const auto digest = digest_of(0x71);
        mr::Event event;
        event.name = "pcr8";
        event.index = 8;
        event.sequence = 1;
        event.digests = {{mr::tcg_id(algorithm), digest.bytes()}};
        mr::append_cel_json(cel, event);
        std::ofstream(path("earlier"), std::ios::binary) << cel;
        hardware_.extend("tpm/pcr8", digest);
    }
    [[nodiscard]] std::vector<LogFiles> firmware() const {
        LogFiles files{"tpm", path("firmware"), {}, {}};
        if (has_earlier_) files.earlier = {path("earlier")};
        return {files};
    }

    // mrd runs without the TPM, which then comes, and the disk fails at the Nth write of this. Null: it took fewer.
    std::unique_ptr<Journal> come_late(std::uint64_t number, Fault fault, bool lasts) {
        begin_boot();
        auto journal = start(hardware_.present_of("tdx"));
        EXPECT_TRUE(extend(*journal, rtmr, 1, "before"));
        disk_.fail_call(Call::write, number, fault, lasts);
        (void)journal->join(hardware_.present_of("tpm"), firmware());
        if (!disk_.has_failed()) journal.reset();
        if (!disk_.is_killed()) disk_.heal();
        return journal;
    }
    template <class Check>
    void at_each_write(const Check &check) {
        for (const auto fault : faults) {
            for (const bool lasts : {false, true}) {
                std::uint64_t number = 1;
                for (; auto journal = come_late(number, fault, lasts); ++number) {
                    SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + (lasts ? ", which lasts," : "") + " at write " +
                                 std::to_string(number));
                    check(std::move(journal));
                    if (HasFailure()) return;
                }
                EXPECT_GT(number, has_earlier_ ? 4U : 3U) << "two registers and the logs";
            }
        }
    }
    std::unique_ptr<Journal> restart(std::unique_ptr<Journal> old) {
        old.reset();
        disk_.heal();
        return start(hardware_.present(), firmware());
    }
    static std::ptrdiff_t of_firmware(const std::vector<Logged> &log) {
        return std::ranges::count(log, mr::EventOrigin::firmware, &Logged::origin);
    }
    // The journal that was there goes on, with all that was in it.
    void expect_to_go_on(const Journal &journal) {
        EXPECT_FALSE(exists("journal.1")) << "a new one began";
        EXPECT_EQ(journal.condition(), Journal::Condition::good) << journal.reason();
        const auto log = read_log(journal).value();
        EXPECT_EQ(count_id(log, "before"), 1);
        EXPECT_EQ(replay(log, rtmr), hardware_.value(rtmr));
    }
    void expect_the_firmwares_log(const Journal &journal) {
        EXPECT_EQ(of_firmware(read_log(journal).value()), firmware_events + (has_earlier_ ? 1 : 0));
        for (const auto *name : {"tpm/pcr7", "tpm/pcr8"}) {
            EXPECT_FALSE(state_of(journal, name).start_is_unexplained()) << name;
            EXPECT_EQ(logged(journal, name), hardware_.value(name)) << name;
        }
    }

    mr::Bytes log_;
    bool has_earlier_ = false;
};

TEST_F(JournalImport, AFirmwaresLogThatWasCutOffIsTakenInAtTheNextStart) {
    at_each_write([this](std::unique_ptr<Journal> journal) {
        journal = restart(std::move(journal));
        expect_to_go_on(*journal);
        expect_the_firmwares_log(*journal);
        EXPECT_TRUE(extend(*journal, "tpm/pcr8", 2));
        journal = restart(std::move(journal));
        expect_to_go_on(*journal);
        expect_the_firmwares_log(*journal);
    });
}

TEST_F(JournalImport, SoIsOneOfWhatWasExtendedBehindIt) {
    has_earlier_ = true;
    at_each_write([this](std::unique_ptr<Journal> journal) {
        options_.boot_id = "boot 2";
        journal = restart(std::move(journal));
        expect_to_go_on(*journal);
        expect_the_firmwares_log(*journal);
        EXPECT_TRUE(extend(*journal, "tpm/pcr8", 2));
        journal = restart(std::move(journal));
        expect_the_firmwares_log(*journal);
    });
}

TEST_F(JournalImport, OverAKexecTheJournalGoesOn) {
    at_each_write([this](std::unique_ptr<Journal> journal) {
        options_.boot_id = "boot 2";
        journal = restart(std::move(journal));
        expect_to_go_on(*journal);
        expect_the_firmwares_log(*journal);
    });
}

TEST_F(JournalImport, OverAKexecTheJournalGoesOnWithoutTheProviderThatCameLate) {
    at_each_write([this](std::unique_ptr<Journal> journal) {
        journal.reset();
        disk_.heal();
        options_.boot_id = "boot 2";
        journal = start(hardware_.present_of("tdx"));
        expect_to_go_on(*journal);
        journal = restart(std::move(journal));
        expect_to_go_on(*journal);
        expect_the_firmwares_log(*journal);
    });
}

TEST_F(JournalImport, WhatIsExtendedBeforeTheNextStartIsInTheLogOnceAndTheFirmwaresLogWholeOrNotAtAll) {
    at_each_write([this](std::unique_ptr<Journal> journal) {
        if (disk_.is_killed()) return;
        EXPECT_TRUE(extend(*journal, rtmr, 2, "after")) << journal->reason();
        const bool is_known = find(journal->state(), "tpm/pcr8").has_value();
        const bool differs = is_known && logged(*journal, "tpm/pcr8") != hardware_.value("tpm/pcr8");
        EXPECT_EQ(differs, differs && resync(*journal, "tpm/pcr8"));
        EXPECT_EQ(is_known, is_known && extend(*journal, "tpm/pcr8", 3, "late"));
        const auto taken_in = of_firmware(read_log(*journal).value());
        EXPECT_TRUE(taken_in == 0 || taken_in == firmware_events) << taken_in;
        options_.boot_id = "boot 2";
        journal = restart(std::move(journal));
        expect_to_go_on(*journal);
        const auto log = read_log(*journal).value();
        EXPECT_EQ(count_id(log, "after"), 1);
        EXPECT_EQ(count_id(log, "late"), is_known ? 1 : 0);
        EXPECT_EQ(of_firmware(log), is_known ? taken_in : firmware_events);
        EXPECT_EQ(logged(*journal, "tpm/pcr8"), hardware_.value("tpm/pcr8"));
    });
}

// A crash resets the registers, and a new journal begins; but nothing keeps anybody from extending, and what was answered is on the disk.
TEST_F(JournalImport, ACrashOfTheMachineThatLosesAnyPageOfItLosesNothingThatWasAnswered) {
    options_.sync = Sync::group;
    for (int lost = 0; lost < 8; ++lost) {
        SCOPED_TRACE("page " + std::to_string(lost));
        begin_boot();
        auto journal = start(hardware_.present_of("tdx"));
        EXPECT_TRUE(extend(*journal, rtmr, 1, "before"));
        bool is_durable = false;
        journal->when_durable([&](const std::expected<void, Error> &durable) { is_durable = durable.has_value(); });
        loop_.restart();
        loop_.run();
        ASSERT_TRUE(is_durable);
        ASSERT_TRUE(journal->join(hardware_.present_of("tpm"), firmware()));
        journal.reset();
        int page = 0;
        disk_.crash(folder_.path(), [&] { return page++ != lost; });
        EXPECT_EQ(count_id(read_log(*open()).value(), "before"), 1);
        options_.boot_id = "boot 2";
        hardware_.reset(rtmr);
        journal = start(hardware_.present(), firmware());
        EXPECT_EQ(journal->condition(), Journal::Condition::good);
        expect_the_firmwares_log(*journal);
    }
}

TEST_F(JournalImport, ANewJournalHasTheFirmwaresLogWholeOrNotAtAll) {
    for (const auto fault : faults) {
        for (std::uint64_t number = 1;; ++number) {
            SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + " at write " + std::to_string(number));
            begin_boot();
            disk_.fail_call(Call::write, number, fault);
            if (auto journal = open(); journal->start(hardware_.present(), firmware()) && !disk_.is_killed()) {
                const auto count = of_firmware(read_log(*journal).value());
                EXPECT_TRUE(count == 0 || count == firmware_events) << count;
            }
            const bool has_failed = disk_.has_failed();
            options_.boot_id = "boot 2";
            const auto journal = restart(nullptr);
            EXPECT_EQ(journal->condition(), Journal::Condition::good) << journal->reason();
            expect_the_firmwares_log(*journal);
            if (HasFailure()) return;
            if (!has_failed) break;
        }
    }
}

// Otherwise those that join later would find their part of it already gone by.
TEST_F(JournalImport, AFirmwaresLogWaitsForAllOfItsProvidersRegisters) {
    begin_boot();
    auto journal = start(hardware_.present_of("tdx"));
    disk_.fail_call(Call::write, 2, Fault::io_error);
    EXPECT_FALSE(journal->join(hardware_.present_of("tpm"), firmware())) << "the second register";
    EXPECT_EQ(of_firmware(read_log(*journal).value()), 0);
    journal = restart(std::move(journal));
    expect_the_firmwares_log(*journal);
}

// What mrd never extended holds what it did when it joined: there is no more to ask of it.
TEST_F(JournalImport, ARegisterWhoseStartNothingExplainsIsNoReasonForANewJournal) {
    begin_boot();
    auto journal = start();
    EXPECT_TRUE(state_of(*journal, "tpm/pcr8").start_is_unexplained());
    EXPECT_TRUE(extend(*journal, rtmr, 1, "before"));
    options_.boot_id = "boot 2";
    journal.reset();
    journal = start();
    expect_to_go_on(*journal);
    hardware_.extend("tpm/pcr8", digest_of(0xEE));
    options_.boot_id = "boot 3";
    journal.reset();
    journal = start();
    EXPECT_TRUE(exists("journal.1")) << "somebody else extended it meanwhile";
}

// Until it says so the next start of this boot would be one of another.
TEST_F(JournalImport, WhatTheJournalCouldNotSayOfAKexecItSaysBeforeTheNextEvent) {
    for (const auto fault : faults) {
        SCOPED_TRACE(static_cast<int>(fault));
        begin_boot();
        auto journal = start();
        EXPECT_TRUE(extend(*journal, rtmr, 1, "before"));
        journal.reset();
        options_.boot_id = "boot 2";
        disk_.fail_call(Call::write, 1, fault);
        journal = start();
        if (disk_.is_killed()) continue;
        EXPECT_TRUE(extend(*journal, rtmr, 2));
        EXPECT_EQ(journal->state().boot_id(), "boot 2");
        hardware_.extend(rtmr, digest_of(0xEE));
        journal = restart(std::move(journal));
        EXPECT_FALSE(exists("journal.1")) << "a new one began, in the same boot";
    }
}

}  // namespace
}  // namespace mrd::journal
