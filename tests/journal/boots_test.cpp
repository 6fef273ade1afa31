// Which journal goes on: docs/event-log.md, "Another boot, or the same"; and registers that join later.
#include <gtest/gtest.h>

#include <fstream>

#include "mrd/journal/format.h"
#include "tests/journal/file_header.h"
#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

class JournalBoots : public JournalTest {
protected:
    static constexpr std::string_view rtmr = "tdx/rtmr3";
    static constexpr std::string_view pcr = "tpm/pcr8";
    static constexpr std::string_view reset = "tpm/pcr16";

    JournalBoots() {
        hardware_ = Hardware({std::string(rtmr), std::string(pcr)});
        hardware_.add(std::string(reset), true, true);
    }
    // Starts again: does the journal go on?
    bool goes_on() {
        journal_ = start();
        return !exists("journal.1");
    }
    void write(const std::vector<std::string_view> &names) {
        journal_ = start();
        for (const auto name : names) extend(*journal_, name, 1);
    }
    void another_boot() { options_.boot_id = "boot 2"; }

    std::unique_ptr<Journal> journal_;
};

TEST_F(JournalBoots, ARegisterThatSoftwareResetsIsNotTakenForAReboot) {
    write({reset});
    hardware_.reset(reset);
    ASSERT_TRUE(goes_on()) << "it alone was extended, and is back at its beginning";
    EXPECT_NE(logged(*journal_, reset), hardware_.value(reset)) << "that it was reset is shown";
    EXPECT_TRUE(resync(*journal_, reset));
    EXPECT_TRUE(extend(*journal_, reset, 2));
}

TEST_F(JournalBoots, ARegisterThatSoftwareResetsIsNoneOverAKexecEither) {
    write({rtmr, reset});
    hardware_.reset(reset);
    another_boot();
    EXPECT_TRUE(goes_on());
}

TEST_F(JournalBoots, WhereNothingButOneThatSoftwareResetsWasExtendedAnotherBootBeginsAnew) {
    write({reset});
    hardware_.reset();
    another_boot();
    EXPECT_FALSE(goes_on());
}

TEST_F(JournalBoots, OneProvidersHardwareThatWasResetIsNoRebootInTheSameBoot) {
    write({rtmr, pcr});
    hardware_.reset(pcr);
    ASSERT_TRUE(goes_on());
    EXPECT_TRUE(resync(*journal_, pcr));
    EXPECT_TRUE(extend(*journal_, pcr, 2));
    EXPECT_EQ(logged(*journal_, rtmr), hardware_.value(rtmr));
}

TEST_F(JournalBoots, OneThatSomebodyElseExtendedWasNotResetEither) {
    write({rtmr, pcr});
    hardware_.reset(pcr);
    hardware_.extend(rtmr, digest_of(0xEE));
    EXPECT_TRUE(goes_on());
}

TEST_F(JournalBoots, InAnotherBootHardwareThatWasResetIsAReboot) {
    write({rtmr, pcr});
    hardware_.reset(pcr);
    another_boot();
    EXPECT_FALSE(goes_on());
}

// Gone on with, it would begin with the boot before, and where that is all that can be read of it be taken for that one's.
TEST_F(JournalBoots, InAnotherBootOneWithoutAnEventIsReplacedAndDamageOfItsFirstRecordIsSeenForThisBoots) {
    write({});
    another_boot();
    write({rtmr});
    EXPECT_FALSE(exists("journal.1")) << "nothing of it is worth keeping";
    journal_.reset();
    const auto boot = decode_head(mr::ByteView(bytes()).subspan(file_header_size, record_head_size), file_header_size);
    ASSERT_TRUE(boot);
    bytes().at(file_header_size + boot->record_size() + record_head_size) ^= 1U;
    EXPECT_TRUE(goes_on());
    EXPECT_EQ(journal_->condition(), Journal::Condition::damaged);
}

TEST_F(JournalBoots, WhereAllThatWasExtendedIsBackAtItsBeginningANewOneBegins) {
    write({rtmr, pcr, reset});
    hardware_.reset();
    EXPECT_FALSE(goes_on());
}

TEST_F(JournalBoots, AVirtualRegisterGoesOnWithItsCarrier) {
    for (const bool happened : {true, false}) {
        write({rtmr});
        const auto reg = add_virtual(journal_, happened ? "taken" : "not taken", rtmr);
        begin_virtual(*journal_, reg, rtmr, 2);
        if (happened) hardware_.extend(rtmr, digest_of(2));
        another_boot();
        ASSERT_TRUE(goes_on());
        const auto zero = mr::Digest::zero(algorithm);
        EXPECT_EQ(journal_->state().registers()[reg].logged, happened ? extended(zero, digest_of(2)) : zero);
        EXPECT_EQ(logged(*journal_, rtmr), hardware_.value(rtmr));
        EXPECT_TRUE(journal_->state().open().empty());
    }
}

// ---- Providers that come late

TEST_F(JournalBoots, RegistersJoinAfterTheStart) {
    journal_ = start(hardware_.present_of("tdx"));
    EXPECT_FALSE(find(journal_->state(), pcr));
    extend(*journal_, rtmr, 1);
    ASSERT_TRUE(journal_->join(hardware_.present_of("tpm"), {}));
    EXPECT_EQ(extend(*journal_, pcr, 2), 2U);
    ASSERT_TRUE(journal_->join(hardware_.present_of("tpm"), {})) << "and are taken in once";
    EXPECT_EQ(journal_->state().registers().size(), 3U);
    journal_ = start();
    EXPECT_EQ(logged(*journal_, pcr), hardware_.value(pcr));
}

TEST_F(JournalBoots, WhatWasOpenOnALateProvidersRegisterIsSettledWhenItJoins) {
    write({rtmr});
    begin(*journal_, pcr, 2, "late");
    hardware_.extend(pcr, digest_of(2));
    journal_ = start(hardware_.present_of("tdx"));
    EXPECT_EQ(journal_->state().open().size(), 1U);
    extend(*journal_, rtmr, 3);
    ASSERT_TRUE(journal_->join(hardware_.present_of("tpm"), {}));
    EXPECT_TRUE(journal_->state().open().empty());
    EXPECT_EQ(logged(*journal_, pcr), hardware_.value(pcr));
    EXPECT_EQ(count_id(*read_log(*journal_), "late"), 1);
}

TEST_F(JournalBoots, ALateProviderWhoseHardwareWasResetDiverges) {
    write({rtmr, pcr});
    journal_ = start(hardware_.present_of("tdx"));
    hardware_.reset(pcr);
    ASSERT_TRUE(journal_->join(hardware_.present_of("tpm"), {}));
    EXPECT_NE(logged(*journal_, pcr), hardware_.value(pcr));
    EXPECT_TRUE(resync(*journal_, pcr));
}

TEST_F(JournalBoots, ALateProvidersFirmwareLogComesBeforeItsEvents) {
    mr::Bytes log;
    mr::append_tcg_header(log, {.algorithms = {{mr::tcg_id(algorithm), 48}}, .vendor_info = {}});
    mr::Event firmware;
    const auto digest = digest_of(5);
    firmware.index = 8;
    firmware.type = mr::ev_separator;
    firmware.digests = {{mr::tcg_id(algorithm), digest.bytes()}};
    mr::append_tcg_event(log, firmware);
    std::ofstream(path("firmware"), std::ios::binary)
        .write(reinterpret_cast<const char *>(log.data()), static_cast<std::streamsize>(log.size()));
    hardware_.extend(pcr, digest);
    journal_ = start(hardware_.present_of("tdx"));
    extend(*journal_, rtmr, 1);
    ASSERT_TRUE(journal_->join(hardware_.present_of("tpm"), {{"tpm", path("firmware")}}));
    EXPECT_FALSE(state_of(*journal_, pcr).start_is_unexplained());
    EXPECT_EQ(extend(*journal_, pcr, 2), 3U);
    EXPECT_EQ(read_log(*journal_)->at(1).origin, mr::EventOrigin::firmware);
    journal_ = start(hardware_.present(), {{"tpm", path("firmware")}});
    EXPECT_EQ(logged(*journal_, pcr), hardware_.value(pcr));
}

// ---- A journal of another format

class AJournalOfAnOlderFormat : public JournalBoots, public testing::WithParamInterface<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Each, AJournalOfAnOlderFormat, testing::Range(0U, format_version));

TEST_P(AJournalOfAnOlderFormat, IsKeptAside) {
    write({rtmr});
    journal_.reset();
    std::ranges::copy(file_header_of(GetParam()), bytes().begin());
    const auto old = bytes();
    journal_ = start();
    EXPECT_EQ(journal_->condition(), Journal::Condition::good) << journal_->reason();
    EXPECT_EQ(journal_->older_format(), GetParam());
    EXPECT_EQ(bytes("journal.1"), old);
    EXPECT_EQ(journal_->state().sequence(), 0U);
    EXPECT_TRUE(state_of(*journal_, rtmr).start_is_unexplained()) << "what it explained is not explained here";
    // The new one is of this format, and goes on.
    journal_.reset();
    journal_ = start();
    EXPECT_FALSE(journal_->older_format());
    EXPECT_FALSE(exists("journal.2"));
}

// What journals of format 1 begin with, byte for byte.
TEST_F(JournalBoots, AJournalOfFormat1IsKnownByItsHeader) {
    const mr::Bytes header{'m', 'r', 'd', 'j', 'r', 'n', 'l', '\n', 1, 0, 0, 0, 0xC9, 0x63, 0xA8, 0x9B};
    EXPECT_EQ(read_version(header), 1U);
    EXPECT_EQ(file_header_of(1), header);
}

TEST_F(JournalBoots, AJournalOfALaterFormatIsForALaterMrd) {
    write({rtmr});
    journal_.reset();
    std::ranges::copy(file_header_of(format_version + 1), bytes().begin());
    journal_ = start();
    EXPECT_EQ(journal_->condition(), Journal::Condition::damaged);
    EXPECT_NE(journal_->reason().find("it is of format version " + std::to_string(format_version + 1) + ", which this mrd does not know"),
              std::string::npos);
}

}  // namespace
}  // namespace mrd::journal
