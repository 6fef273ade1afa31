#include "mrd/journal/firmware.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/journal/fixture.h"
#include "tests/places.h"

namespace mrd::journal {
namespace {

mr::Event measured(std::uint32_t index, std::uint32_t type, std::vector<mr::EventDigest> digests, mr::ByteView data) {
    mr::Event event;
    event.index = index;
    event.type = type;
    event.digests = std::move(digests);
    event.data = data;
    return event;
}

class JournalFirmware : public JournalTest {
protected:
    JournalFirmware() {
        hardware_ = Hardware({"tdx/rtmr0", "tdx/rtmr1"});
        const mr::TcgHeader header{.index = 1, .algorithms = {{mr::tcg_id(algorithm), 48}}, .vendor_info = {}};
        mr::append_tcg_header(ccel_, header);
        header_size_ = ccel_.size();
        add_ccel_event(1, 1, 11);
        add_ccel_event(2, 4, 12);
        add_ccel_event(0, mr::ev_no_action, 0);
        add_ccel_event(1, 5, 13);
        hardware_.extend("tdx/rtmr0", digest_of(11));
        hardware_.extend("tdx/rtmr1", digest_of(12));
        hardware_.extend("tdx/rtmr0", digest_of(13));
    }
    void add_ccel_event(std::uint32_t index, std::uint32_t type, std::uint8_t byte) {
        const auto digest = digest_of(byte);
        const mr::Bytes data(byte, 0xDA);
        mr::append_tcg_event(ccel_, measured(index, type, {{mr::tcg_id(algorithm), digest.bytes()}}, data));
    }
    LogFiles write(const mr::Bytes &log, const std::string &provider = "tdx") {
        std::ofstream(path("firmware"), std::ios::binary | std::ios::trunc)
            .write(reinterpret_cast<const char *>(log.data()), static_cast<std::streamsize>(log.size()));
        return {provider, path("firmware")};
    }

    mr::Bytes ccel_;
    std::size_t header_size_ = 0;
};

TEST_F(JournalFirmware, ALogIsKeptByteForByteWithoutItsPadding) {
    auto padded = ccel_;
    padded.resize(padded.size() + 100, 0xFF);
    for (const auto &file : {ccel_, padded}) {
        const auto log = firmware_log_from(file, "tdx");
        ASSERT_TRUE(log) << log.error();
        EXPECT_EQ(log->format, mr::LogFormat::tcg);
        EXPECT_EQ(log->registers, mr::LogRegisters::rtmr);
        EXPECT_EQ(log->provider, "tdx");
        EXPECT_TRUE(std::ranges::equal(log->bytes, ccel_));
        EXPECT_EQ(source_of(*log).header.size(), header_size_);
    }
}

TEST_F(JournalFirmware, ItsEventsHaveTheNumbersAndTheNamesThatTheyHaveInMrdsLog) {
    auto log = *firmware_log_from(ccel_, "td");
    log.sequence = 7;
    auto events = *ImportedEvents::open(log);
    mr::Event event;
    const std::vector<std::string> names{"td/rtmr0", "td/rtmr1", "td/mrtd", "td/rtmr0"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        ASSERT_EQ(events.next(event), true);
        EXPECT_EQ(event.sequence, 7 + i);
        EXPECT_EQ(event.name, names[i]);
    }
    EXPECT_EQ(events.next(event), false);
}

TEST_F(JournalFirmware, ALogThatIsOutOfOrderOrNoneIsDamage) {
    const auto log = *firmware_log_from(ccel_, "tdx");
    State state;
    ASSERT_TRUE(state.check_and_apply(Boot{0, "boot"}));
    auto late = log;
    late.sequence = 2;
    EXPECT_EQ(state.check_and_apply(late).error(), "firmware event 2 is out of order");
    auto cut = log;
    cut.sequence = 1;
    cut.bytes = cut.bytes.first(cut.bytes.size() - 1);
    EXPECT_FALSE(state.check_and_apply(cut));
    auto good = log;
    good.sequence = 1;
    ASSERT_TRUE(state.check_and_apply(good));
    EXPECT_EQ(state.sequence(), 4U);
    good.sequence = 5;
    EXPECT_EQ(state.check_and_apply(good).error(), "a firmware log of tdx where its registers have events already");
}

TEST_F(JournalFirmware, WhatTheFirmwareDidExplainsTheStart) {
    auto journal = start(hardware_.present(), {write(ccel_)});
    for (int reopened = 0; reopened < 2; ++reopened) {
        for (const auto *name : {"tdx/rtmr0", "tdx/rtmr1"}) {
            const auto &reg = state_of(*journal, name);
            EXPECT_FALSE(reg.start_is_unexplained());
            EXPECT_EQ(reg.explained, hardware_.value(name));
            EXPECT_EQ(reg.logged, hardware_.value(name));
        }
        EXPECT_EQ(state_of(*journal, "tdx/rtmr0").events, 2U);
        EXPECT_EQ(journal->state().sequence(), 4U);
        journal = start(hardware_.present(), {write(ccel_)});
    }
    EXPECT_EQ(extend(*journal, "tdx/rtmr1", 1), 5U);
    EXPECT_EQ(read_log(*journal)->size(), 5U);
}

TEST_F(JournalFirmware, ACursorGivesTheFirmwaresEventsFirst) {
    auto journal = start(hardware_.present(), {write(ccel_)});
    extend(*journal, "tdx/rtmr1", 1);
    Cursor cursor(*journal->file(), journal->end());
    mr::Event event;
    const std::vector<std::string> names{"tdx/rtmr0", "tdx/rtmr1", "tdx/mrtd", "tdx/rtmr0"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        ASSERT_EQ(cursor.next(event, 100), Cursor::Step::event);
        EXPECT_EQ(event.sequence, i + 1);
        EXPECT_EQ(event.name, names[i]);
        EXPECT_EQ(event.origin, mr::EventOrigin::firmware);
        EXPECT_EQ(cursor.firmware_of(), "tdx");
        if (i % 2 == 0) cursor.rest();  // it goes on behind those that it has given
    }
    ASSERT_EQ(cursor.next(event, 100), Cursor::Step::event);
    EXPECT_EQ(event.sequence, 5U);
    EXPECT_EQ(event.origin, mr::EventOrigin::service);
    EXPECT_EQ(cursor.firmware_of(), "");
    EXPECT_EQ(cursor.next(event, 100), Cursor::Step::end);
}

TEST_F(JournalFirmware, AStartThatItsLogDoesNotLeadToIsUnexplained) {
    hardware_.extend("tdx/rtmr1", digest_of(0xEE));
    const auto journal = start(hardware_.present(), {write(ccel_)});
    EXPECT_FALSE(state_of(*journal, "tdx/rtmr0").start_is_unexplained());
    EXPECT_TRUE(state_of(*journal, "tdx/rtmr1").start_is_unexplained());
}

TEST_F(JournalFirmware, EachBankOfAPcrIsExtendedByItsOwnDigest) {
    const auto sha256 = mr::HashAlgorithm::sha256;
    mr::Bytes log;
    mr::append_tcg_header(log, {.algorithms = {{mr::tcg_id(mr::HashAlgorithm::sha1), 20}, {mr::tcg_id(sha256), 32}}, .vendor_info = {}});
    const auto short_digest = digest_of(1, mr::HashAlgorithm::sha1);
    const auto long_digest = digest_of(2, sha256);
    mr::append_tcg_event(
        log, measured(7, 1, {{mr::tcg_id(mr::HashAlgorithm::sha1), short_digest.bytes()}, {mr::tcg_id(sha256), long_digest.bytes()}}, {}));
    const auto zero = mr::Digest::zero(sha256);
    const auto value = *mr::extend(sha256, zero.bytes(), long_digest.bytes());
    const auto journal = start({{"tpm", "pcr7", sha256, zero, value}, {"tpm", "pcr8", sha256, zero, zero}}, {write(log, "tpm")});
    EXPECT_EQ(state_of(*journal, "tpm/pcr7:sha256").logged, value);
    EXPECT_EQ(state_of(*journal, "tpm/pcr7:sha256").events, 1U);
    EXPECT_EQ(state_of(*journal, "tpm/pcr8:sha256").events, 0U);
    EXPECT_FALSE(state_of(*journal, "tpm/pcr7:sha256").start_is_unexplained());
}

TEST_F(JournalFirmware, PcrZeroBeginsWithItsStartupLocality) {
    const auto sha256 = mr::HashAlgorithm::sha256;
    const auto zero = mr::Digest::zero(sha256);
    const auto digest = digest_of(2, sha256);
    mr::Bytes begin(zero.size());
    begin.back() = 3;
    const std::string_view text("StartupLocality\0\3", 17);
    const mr::Bytes locality(text.begin(), text.end());
    const auto said = measured(0, mr::ev_no_action, {{mr::tcg_id(sha256), zero.bytes()}}, locality);
    const auto extended = measured(0, 1, {{mr::tcg_id(sha256), digest.bytes()}}, {});
    for (const bool first : {true, false}) {
        mr::Bytes log;
        mr::append_tcg_header(log, {.algorithms = {{mr::tcg_id(sha256), 32}}, .vendor_info = {}});
        mr::append_tcg_event(log, first ? said : extended);
        mr::append_tcg_event(log, first ? extended : said);
        mr::append_tcg_event(log, measured(7, 1, {{mr::tcg_id(sha256), digest.bytes()}}, {}));
        const auto value = *mr::extend(sha256, first ? mr::ByteView(begin) : zero.bytes(), digest.bytes());
        const auto other = *mr::extend(sha256, zero.bytes(), digest.bytes());
        std::filesystem::remove(path("journal"));
        for (int reopened = 0; reopened < 2; ++reopened) {
            const auto journal = start({{"tpm", "pcr0", sha256, zero, value}, {"tpm", "pcr7", sha256, zero, other}}, {write(log, "tpm")});
            EXPECT_EQ(state_of(*journal, "tpm/pcr0:sha256").logged, value);
            EXPECT_FALSE(state_of(*journal, "tpm/pcr0:sha256").start_is_unexplained());
            EXPECT_EQ(state_of(*journal, "tpm/pcr7:sha256").logged, other);
        }
    }
}

TEST_F(JournalFirmware, PcrZeroBeginsWithFourBehindAHardwareCoreRootOfTrust) {
    const auto sha256 = mr::HashAlgorithm::sha256;
    const auto zero = mr::Digest::zero(sha256);
    const auto digest = digest_of(2, sha256);
    mr::Bytes begin(zero.size());
    begin.back() = 4;
    const auto hcrtm = measured(0, mr::ev_efi_hcrtm_event, {{mr::tcg_id(sha256), digest.bytes()}}, mr::as_bytes("HCRTM"));
    const auto other = measured(0, mr::ev_separator, {{mr::tcg_id(sha256), digest.bytes()}}, {});
    for (const bool first : {true, false}) {
        mr::Bytes log;
        mr::append_tcg_header(log, {.algorithms = {{mr::tcg_id(sha256), 32}}, .vendor_info = {}});
        mr::append_tcg_event(log, first ? hcrtm : other);
        mr::append_tcg_event(log, first ? other : hcrtm);
        const auto once = *mr::extend(sha256, first ? mr::ByteView(begin) : zero.bytes(), digest.bytes());
        const auto value = *mr::extend(sha256, once.bytes(), digest.bytes());
        std::filesystem::remove(path("journal"));
        for (int reopened = 0; reopened < 2; ++reopened) {
            const auto journal = start({{"tpm", "pcr0", sha256, zero, value}}, {write(log, "tpm")});
            EXPECT_EQ(state_of(*journal, "tpm/pcr0:sha256").logged, value);
            EXPECT_FALSE(state_of(*journal, "tpm/pcr0:sha256").start_is_unexplained());
        }
    }
}

TEST_F(JournalFirmware, ALogOfTcg12IsTakenInToo) {
    const auto sha1 = mr::HashAlgorithm::sha1;
    mr::Bytes log;
    const auto digest = digest_of(1, sha1);
    for (int i = 0; i < 2; ++i) mr::append_tcg_sha1_event(log, measured(4, 13, {{mr::tcg_id(sha1), digest.bytes()}}, mr::as_bytes("text")));
    const auto zero = mr::Digest::zero(sha1);
    auto value = zero;
    for (int i = 0; i < 2; ++i) value = *mr::extend(sha1, value.bytes(), digest.bytes());
    const auto journal = start({{"tpm", "pcr4", sha1, zero, value}}, {write(log, "tpm")});
    EXPECT_EQ(state_of(*journal, "tpm/pcr4:sha1").logged, value);
    EXPECT_EQ(read_log(*journal)->size(), 2U);
}

TEST_F(JournalFirmware, ALogThatCannotBeReadLeavesTheStartUnexplained) {
    auto cut = ccel_;
    cut.resize(cut.size() - 3);
    auto large = ccel_;
    mr::append_tcg_event(large, measured(1, 1, {{mr::tcg_id(algorithm), digest_of(1).bytes()}}, mr::Bytes(max_firmware_event)));
    mr::Bytes huge = ccel_;
    huge.resize(max_firmware_log + 1, 0xFF);
    for (const auto &log : {cut, large, huge, mr::Bytes{'{', '}'}, mr::Bytes()}) {
        std::filesystem::remove(path());
        const auto journal = start(hardware_.present(), {write(log)});
        EXPECT_TRUE(state_of(*journal, "tdx/rtmr0").start_is_unexplained());
        EXPECT_EQ(journal->state().sequence(), 0U);
        EXPECT_FALSE(journal->state().has_firmware_log("tdx"));
    }
    EXPECT_FALSE(firmware_log_from(cut, "tdx"));
    EXPECT_EQ(firmware_log_from(large, "tdx").error(), "an event of 1048642 bytes: more than 1048576");
}

TEST_F(JournalFirmware, ALogThatAppearsBeforeTheFirstExtendIsStillTakenIn) {
    start(hardware_.present(), {{"tdx", path("firmware")}});
    const auto journal = start(hardware_.present(), {write(ccel_)});
    EXPECT_FALSE(state_of(*journal, "tdx/rtmr0").start_is_unexplained());
}

TEST_F(JournalFirmware, ALogThatAppearsAfterAnExtendIsNotPutBehindIt) {
    auto journal = start(hardware_.present(), {{"tdx", path("firmware")}});
    EXPECT_EQ(resync(*journal, "tdx/rtmr0"), 1U);
    journal = start(hardware_.present(), {write(ccel_)});
    EXPECT_FALSE(journal->state().has_firmware_log("tdx"));
    EXPECT_EQ(logged(*journal, "tdx/rtmr0"), hardware_.value("tdx/rtmr0"));
    EXPECT_TRUE(state_of(*journal, "tdx/rtmr0").start_is_unexplained());
    EXPECT_EQ(read_log(*journal)->size(), 1U);
}

TEST_F(JournalFirmware, ALogIsReadFromAFileThatNobodyMayWrite) {
    // As the kernel gives out the CCEL: sysfs refuses to open it for writing, to root too.
    const std::filesystem::path file = "/sys/kernel/uevent_seqnum";
    if (!std::filesystem::exists(file)) GTEST_SKIP();
    EXPECT_TRUE(open_append_file(file, OpenMode::read_only));
}

TEST_F(JournalFirmware, TheLogsOfRealMachinesAreTakenInAndWrittenAgainWithoutALostByte) {
    const std::filesystem::path data = places::shared_data();
    if (!std::filesystem::exists(data)) GTEST_SKIP();
    int logs = 0;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(data)) {
        if (entry.path().filename() != "ccel.bin" && entry.path().filename() != "eventlog.bin") continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
        const mr::Bytes file(text.begin(), text.end());
        const auto log = firmware_log_from(file, "x");
        if (!log) {
            EXPECT_FALSE(mr::EventLogReader::open(file)) << entry.path() << ": " << log.error();
            continue;
        }
        EXPECT_TRUE(std::equal(log->bytes.begin(), log->bytes.end(), file.begin())) << entry.path();
        mr::Bytes again = source_of(*log).header;
        auto reader = *mr::EventLogReader::open(file);
        auto events = *ImportedEvents::open(*log);
        mr::Event event;
        mr::Event whole;
        std::size_t count = 0;
        for (; *events.next(event); ++count) {
            ASSERT_TRUE(*reader.next(whole));
            EXPECT_EQ(event.name, whole.name.empty() ? "" : "x/" + std::string(whole.name));
            EXPECT_EQ(event.type, whole.type);
            if (log->format == mr::LogFormat::tcg) {
                mr::append_tcg_event(again, event);
            } else {
                mr::append_tcg_sha1_event(again, event);
            }
        }
        EXPECT_TRUE(std::ranges::equal(again, log->bytes)) << entry.path();
        EXPECT_GE(count, 5U) << entry.path();
        ++logs;
    }
    EXPECT_GT(logs, 5);
}

}  // namespace
}  // namespace mrd::journal
