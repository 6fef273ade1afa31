#include "mrd/journal/earlier_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/journal/fixture.h"
#include "tests/places.h"

namespace mrd::journal {
namespace {

using ::testing::HasSubstr;

class JournalEarlierLog : public JournalTest {
protected:
    static constexpr std::string_view rtmr2 = "tdx/rtmr2";
    static constexpr std::string_view rtmr3 = "tdx/rtmr3";

    JournalEarlierLog() {
        hardware_ = Hardware({std::string(rtmr2), std::string(rtmr3)});
        hardware_.extend(rtmr2, digest_of(0xF1));  // the firmware
    }
    std::filesystem::path write(const std::string &name, std::string_view bytes) {
        std::ofstream(path(name), std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path(name);
    }
    std::filesystem::path firmware() {
        mr::Bytes log;
        mr::append_tcg_header(log, {.index = 1, .algorithms = {{mr::tcg_id(algorithm), 48}}, .vendor_info = {}});
        const auto digest = digest_of(0xF1);
        mr::append_tcg_event(log, event(rtmr2, digest));
        return write("firmware", {reinterpret_cast<const char *>(log.data()), log.size()});
    }
    static mr::Event event(std::string_view name, const mr::Digest &digest, mr::EventOrigin origin = mr::EventOrigin::service) {
        mr::Event event;
        event.name = name;
        event.index = mr::tcg_index(name).value_or(mr::no_index);
        event.type = mr::ev_ipl;
        event.digests = {{mr::tcg_id(digest.size() == 48 ? mr::HashAlgorithm::sha384 : mr::HashAlgorithm::sha256), digest.bytes()}};
        event.origin = origin;
        return event;
    }
    // As an mrd of the initrd exports it: what it declares is no more than its word.
    struct Json {
        std::string text;
        std::uint64_t sequence = 0;
        Json() { mr::append_json_header(text, {{"tdx/rtmr3", algorithm, digest_of(0x11), digest_of(0x22)}}); }
        Json &add(mr::Event event) {
            event.sequence = ++sequence;
            mr::append_json_event(text, event);
            return *this;
        }
        Json &add(std::string_view name, std::uint8_t byte) {
            const auto digest = digest_of(byte);
            return add(event(name, digest));
        }
        Json &add_envelope(std::string_view name, const mr::Envelope &envelope, mr::EventOrigin origin) {
            const auto data = mr::encode_envelope(envelope);
            const auto digest = *mr::envelope_digest(data, algorithm);
            auto made = event(name, digest, origin);
            made.type = mr::ev_event_tag;
            made.data = data;
            return add(made);
        }
    };
    std::unique_ptr<Journal> start(const std::vector<std::filesystem::path> &earlier, bool with_firmware = true) {
        LogFiles files{"tdx", {}, earlier, {}};
        if (with_firmware) files.firmware = firmware();
        return JournalTest::start(hardware_.present(), {files});
    }
    static std::string why(const Journal &journal, std::string_view name) {
        return std::string(journal.why_unexplained(find(journal.state(), name).value()));
    }
    // The log, replayed as a verifier does it: no gap, and it leads to the registers.
    void expect_whole(const Journal &journal, std::size_t gaps = 0) {
        mr::Replay replay(mr::ReplayNames::as_logged);
        for (const auto &reg : journal.state().registers()) replay.declare({reg.name, reg.algorithm, reg.initial, reg.start});
        Cursor cursor(*journal.file(), journal.end());
        mr::Event event;
        for (std::uint64_t sequence = 1; *cursor.next(event, 1000) == Cursor::Step::event; ++sequence) {
            EXPECT_EQ(event.sequence, sequence);
            ASSERT_TRUE(replay.apply(event));
            if (sequence % 2 == 0) cursor.rest();
        }
        std::size_t found = 0;
        for (const auto &present : hardware_.present()) {
            const auto name = present.provider + "/" + present.name;
            const auto *replayed = replay.find(name, present.algorithm);
            ASSERT_NE(replayed, nullptr) << name;
            EXPECT_EQ(replayed->value, present.value) << name;
            EXPECT_TRUE(replayed->consistent()) << name;
            found += replayed->gaps.size();
        }
        EXPECT_EQ(found, gaps);
    }
};

TEST_F(JournalEarlierLog, WhatWasExtendedBehindTheFirmwareIsTheNextPartOfTheLog) {
    std::string cel;
    for (const auto &[name, byte] : {std::pair("rtmr2", std::uint8_t{1}), std::pair("rtmr3", std::uint8_t{2})}) {
        const auto digest = digest_of(byte);
        auto one = event(name, digest);
        one.sequence = byte;
        one.data = mr::as_bytes("unlocked");
        mr::append_cel_json(cel, one);
        hardware_.extend("tdx/" + std::string(name), digest);
    }
    auto journal = start({write("initrd", cel)});
    for (int again = 0; again < 2; ++again) {
        ASSERT_EQ(read_log(*journal)->size(), 3U);
        EXPECT_EQ(read_log(*journal)->at(1).name, rtmr2);
        EXPECT_EQ(read_log(*journal)->at(1).origin, mr::EventOrigin::firmware);
        EXPECT_FALSE(state_of(*journal, rtmr2).start_is_unexplained());
        EXPECT_EQ(why(*journal, rtmr2), "");
        expect_whole(*journal);
        journal.reset();
        journal = start({path("initrd")});
    }
    EXPECT_EQ(extend(*journal, rtmr2, 9), 4U);
    expect_whole(*journal);
    options_.boot_id = "boot 2";
    journal.reset();
    journal = start({});
    EXPECT_FALSE(exists("journal.1")) << "over a kexec it goes on";
    expect_whole(*journal);
}

TEST_F(JournalEarlierLog, AFileThatRepeatsTheFirmwaresEventsIsTakenInFromThereOn) {
    const auto log = Json().add(rtmr2, 0xF1).add(rtmr3, 1).add(rtmr2, 2).text;
    hardware_.extend(rtmr3, digest_of(1));
    hardware_.extend(rtmr2, digest_of(2));
    auto journal = start({write("initrd", log)});
    EXPECT_EQ(read_log(*journal)->size(), 3U);
    expect_whole(*journal);
    journal.reset();
    std::filesystem::remove(path());
    journal = start({path("initrd")}, false);
    EXPECT_EQ(read_log(*journal)->size(), 3U) << "without the firmware's log it leads there from the hardware's initial value";
    expect_whole(*journal);
}

TEST_F(JournalEarlierLog, ItsResyncsAreGapsAndItsCapsHold) {
    const auto found = digest_of(0x77);
    const auto logged = extended(hardware_.value(rtmr3), digest_of(1));
    const auto bytes_of = [](const mr::Digest &digest) { return mr::Bytes(digest.bytes().begin(), digest.bytes().end()); };
    const mr::Envelope resync{.header = {.type = "resync", .register_name = "tdx/rtmr3"},
                              .body = {.expected = bytes_of(logged), .found = bytes_of(found)}};
    const mr::Envelope cap{.header = {.type = "cap", .register_name = "tdx/rtmr3"}};
    auto log = Json().add(rtmr3, 1).add_envelope(rtmr3, resync, mr::EventOrigin::resync);
    log.add_envelope(rtmr3, cap, mr::EventOrigin::service);
    hardware_.set(rtmr3, found);
    hardware_.extend(rtmr3, *mr::envelope_digest(resync, algorithm));
    hardware_.extend(rtmr3, *mr::envelope_digest(cap, algorithm));
    auto journal = start({write("initrd", log.text)});
    EXPECT_FALSE(state_of(*journal, rtmr3).start_is_unexplained()) << why(*journal, rtmr3);
    EXPECT_EQ(state_of(*journal, rtmr3).resyncs, 1U);
    EXPECT_EQ(state_of(*journal, rtmr3).capped_by, 4U);
    expect_whole(*journal, 1);
    // One that goes on behind its cap is none.
    hardware_.extend(rtmr3, digest_of(9));
    journal.reset();
    std::filesystem::remove(path());
    journal = start({write("initrd", log.add(rtmr3, 9).text)});
    EXPECT_TRUE(state_of(*journal, rtmr3).start_is_unexplained());
    EXPECT_EQ(why(*journal, rtmr3), path("initrd").string() + ", event 4: its register was capped before");
}

TEST_F(JournalEarlierLog, AResyncThatDoesNotGoOnFromWhatTheLogLeadsToIsNone) {
    const auto zeros = mr::Bytes(48);
    const auto found = digest_of(0x77);
    const mr::Envelope resync{.header = {.type = "resync", .register_name = "tdx/rtmr3"},
                              .body = {.expected = zeros, .found = mr::Bytes(48, 0x77)}};
    const auto log = Json().add(rtmr3, 1).add_envelope(rtmr3, resync, mr::EventOrigin::resync).text;
    hardware_.set(rtmr3, extended(found, *mr::envelope_digest(resync, algorithm)));
    const auto journal = start({write("initrd", log)});
    EXPECT_EQ(why(*journal, rtmr3), path("initrd").string() + ", event 2: a resync that does not go on from there");
    EXPECT_EQ(read_log(*journal)->size(), 1U);
}

TEST_F(JournalEarlierLog, WhatDoesNotLeadToItsRegisterIsLeftOutAndTheGapSaysWhy) {
    hardware_.extend(rtmr2, digest_of(1));
    hardware_.extend(rtmr3, digest_of(2));
    hardware_.extend(rtmr3, digest_of(0xEE));  // by somebody who logged nothing
    const auto journal = start({write("initrd", Json().add(rtmr3, 2).add(rtmr2, 1).text)});
    EXPECT_FALSE(state_of(*journal, rtmr2).start_is_unexplained()) << "the other one is explained";
    EXPECT_TRUE(state_of(*journal, rtmr3).start_is_unexplained());
    EXPECT_EQ(read_log(*journal)->size(), 2U);
    const auto leads_to = extended(mr::Digest::zero(algorithm), digest_of(2));
    EXPECT_EQ(why(*journal, rtmr3), path("initrd").string() + ": its events lead to " + mr::to_hex(leads_to.bytes()));
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    expect_whole(*journal, 1);
}

TEST_F(JournalEarlierLog, SeveralFilesFollowOneAnotherAndOneThatGoesOnBeyondTheRegisterDoesNotCount) {
    const auto first = write("first", Json().add(rtmr3, 1).text);
    const auto second = write("second", Json().add(rtmr3, 2).text);
    hardware_.extend(rtmr3, digest_of(1));
    hardware_.extend(rtmr3, digest_of(2));
    auto journal = start({first, second});
    EXPECT_EQ(read_log(*journal)->size(), 3U);
    expect_whole(*journal);
    for (const auto &[files, reason] : {std::pair(std::vector{second, first}, "first: its events lead to "),
                                        std::pair(std::vector{second}, "second: its events lead to ")}) {
        journal.reset();
        std::filesystem::remove(path());
        journal = start(files);
        EXPECT_EQ(read_log(*journal)->size(), 1U);
        EXPECT_THAT(why(*journal, rtmr3), HasSubstr(reason));
    }
    journal.reset();
    std::filesystem::remove(path());
    journal = start({first, second, write("third", Json().add(rtmr3, 3).text)});
    EXPECT_EQ(read_log(*journal)->size(), 3U);
    expect_whole(*journal);
}

TEST_F(JournalEarlierLog, AFileThatCannotBeReadKeepsMrdFromNothingAndTheGapNamesIt) {
    hardware_.extend(rtmr3, digest_of(1));
    const auto good = Json().add(rtmr3, 1).text;
    const auto large = write("large", std::string(max_earlier_log + 1, ' '));
    for (const auto &[file, reason] :
         {std::pair(path("absent"), "cannot open " + path("absent").string() + ": No such file or directory"),
          std::pair(folder_.path(), "cannot open " + folder_.path().string()),
          std::pair(write("cut", std::string_view(good).substr(0, good.size() - 5)), path("cut").string() + ": event log, byte 306: "),
          std::pair(write("none", "what is this?"), path("none").string() + ": "),
          std::pair(large, large.string() + " has more than 3145728 bytes")}) {
        std::filesystem::remove(path());
        const auto journal = start({file});
        ASSERT_TRUE(journal);
        EXPECT_THAT(why(*journal, rtmr3), HasSubstr(reason));
        EXPECT_EQ(read_log(*journal)->size(), 1U);
    }
    std::filesystem::remove(path());
    const auto journal = start({path("absent"), write("good", good)});
    EXPECT_FALSE(state_of(*journal, rtmr3).start_is_unexplained()) << "one that is good explains it all the same";
}

TEST_F(JournalEarlierLog, EventsOfOtherRegistersAreLeftOut) {
    hardware_.extend(rtmr3, digest_of(1));
    const auto zero = digest_of(0);
    auto said = event(rtmr3, zero);
    said.type = mr::ev_no_action;
    const auto log = Json().add("tpm/pcr7", 5).add("tpm/rtmr3", 6).add(said).add(rtmr3, 1).add("rtmr1", 7).text;
    const auto journal = start({write("initrd", log)});
    EXPECT_EQ(read_log(*journal)->size(), 2U);
    expect_whole(*journal);
}

TEST_F(JournalEarlierLog, OfARegistersBanksThoseAreExplainedThatTheLogLeadsTo) {
    hardware_.add("tdx/pcr8");
    hardware_.add("tdx/pcr8:sha256");
    hardware_.extend("tdx/pcr8", digest_of(1));
    hardware_.extend("tdx/pcr8:sha256", digest_of(2, mr::HashAlgorithm::sha256));
    hardware_.extend("tdx/pcr8:sha256", digest_of(3, mr::HashAlgorithm::sha256));
    auto both = event("tdx/pcr8", digest_of(1));
    const auto long_digest = digest_of(1);
    const auto short_digest = digest_of(2, mr::HashAlgorithm::sha256);
    both.digests = {{mr::tcg_id(algorithm), long_digest.bytes()}, {mr::tcg_id(mr::HashAlgorithm::sha256), short_digest.bytes()}};
    const auto journal = start({write("initrd", Json().add(both).text)});
    EXPECT_FALSE(state_of(*journal, "tdx/pcr8").start_is_unexplained());
    EXPECT_TRUE(state_of(*journal, "tdx/pcr8:sha256").start_is_unexplained());
    expect_whole(*journal, 1);
}

TEST_F(JournalEarlierLog, OneThatComesAfterMrdsFirstEventIsNotPutBehindIt) {
    hardware_.extend(rtmr2, digest_of(1));
    hardware_.extend(rtmr3, digest_of(2));
    auto journal = start({path("initrd")});
    EXPECT_TRUE(resync(*journal, rtmr2));
    write("initrd", Json().add(rtmr2, 1).add(rtmr3, 2).text);
    journal.reset();
    journal = start({path("initrd")});
    EXPECT_EQ(read_log(*journal)->size(), 2U);
    EXPECT_EQ(why(*journal, rtmr3), "the earlier logs are not taken in: mrd had extended the provider's registers before they came");
}

TEST_F(JournalEarlierLog, WhyTheFirmwaresLogWasNotTakenInIsPartOfTheReason) {
    const LogFiles files{"tdx", path("absent"), {}, "the table is of another machine"};
    const auto journal = JournalTest::start(hardware_.present(), {files});
    EXPECT_EQ(why(*journal, rtmr2), "the table is of another machine; the firmware's log is not taken in: cannot open " +
                                        path("absent").string() + ": No such file or directory");
    EXPECT_EQ(why(*journal, rtmr3), "") << "nobody has extended it";
}

TEST_F(JournalEarlierLog, ARecordThatSaysWhatCannotBeIsDamage) {
    State state;
    const auto zero = mr::Digest::zero(algorithm);
    ASSERT_TRUE(state.check_and_apply(Boot{0, "boot"}));
    ASSERT_TRUE(state.check_and_apply(Register{algorithm, zero, zero, "tdx", "rtmr3"}));
    const auto refused = [&state](const Json &log, std::uint64_t sequence) {
        auto copy = state;
        const auto checked = copy.check_and_apply(EarlierLog{sequence, "tdx", mr::as_bytes(log.text)});
        return checked ? "" : checked.error();
    };
    const auto before = [](std::string_view name) {
        Json log;
        const auto digest = digest_of(1);
        return log.add(event(name, digest, mr::EventOrigin::firmware));
    };
    EXPECT_EQ(refused(before(rtmr3), 1), "");
    EXPECT_EQ(refused(before(rtmr3), 2), "earlier event 2 is out of order");
    EXPECT_EQ(refused(before("tdx/rtmr9"), 1), "earlier event 1: its register is not there");
    EXPECT_EQ(refused(before("rtmr3"), 1), "earlier event 1: its register is not there");
    EXPECT_EQ(refused(Json().add(rtmr3, 1), 1), "earlier event 1: it is none of before mrd");
    ASSERT_TRUE(state.check_and_apply(EarlierLog{1, "tdx", mr::as_bytes(before(rtmr3).text)}));
    EXPECT_EQ(refused(before(rtmr3), 2), "an earlier log of tdx where its registers have events already");
}

// ---- In the formats that there are: what a machine's registers hold behind it is what the log leads to.

class JournalEarlierFormats : public JournalEarlierLog, public testing::WithParamInterface<std::pair<const char *, const char *>> {};

TEST_P(JournalEarlierFormats, AreRead) {
    const auto &[name, provider] = GetParam();
    const auto file = places::shared_data() / std::filesystem::path(name);
    if (!std::filesystem::exists(file)) GTEST_SKIP();
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
    const mr::Bytes bytes(text.begin(), text.end());
    mr::Replay replay;
    auto reader = mr::EventLogReader::open(bytes).value();
    mr::Event event;
    while (*reader.next(event)) ASSERT_TRUE(replay.apply(event));
    ASSERT_FALSE(replay.registers().empty());
    std::vector<Present> present;
    for (const auto &reg : replay.registers()) {
        const auto bare = reg.name.substr(0, reg.name.find(':'));
        present.push_back({provider, bare, reg.algorithm, mr::Digest::zero(reg.algorithm), reg.value});
    }
    const auto journal = JournalTest::start(present, {{provider, {}, {file}, {}}});
    std::uint64_t events = 0;
    for (const auto &reg : journal->state().registers()) {
        EXPECT_FALSE(reg.start_is_unexplained()) << reg.name;
        events = std::max(events, reg.events);
    }
    EXPECT_GT(events, 0U);
}
INSTANTIATE_TEST_SUITE_P(All, JournalEarlierFormats,
                         testing::Values(std::pair("cel/systemd-257/tpm2-measure.log", "tpm"),
                                         std::pair("jsonlog/dstack-sdk/eventlog.json", "tdx"),
                                         std::pair("ccel/cctrusted-grub-ima/ima_ascii_runtime_measurements.txt", "tpm"),
                                         std::pair("ccel/alibaba-aael-rtmr3/ccel.bin", "tdx")));

}  // namespace
}  // namespace mrd::journal
