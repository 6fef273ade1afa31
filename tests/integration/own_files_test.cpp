// What mrd keeps is its own: places that others could change are refused, links are not followed, a second mrd is kept out though the lock is gone, and
// a journal that is taken away under it is noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "tests/integration/log_reading.h"
#include "tests/integration/mrctl.h"
#include "tests/journal/file_header.h"

namespace mrd {
namespace {

namespace fs = std::filesystem;
using mr::ErrorCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uid_t nobody = 65534;

mr::ReportData some_nonce() {
    mr::ReportData data;
    data.fill(7);
    return data;
}

unsigned mode_of(const fs::path &path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

class OwnFilesTest : public MrctlTest {
protected:
    [[nodiscard]] fs::path state() const { return folder() / "state"; }
    // One that has run and extended, so that all files are there.
    void run_once() {
        auto daemon = started();
        auto client = daemon.client();
        ASSERT_TRUE(client.extend(program_register, digest_of("a")));
        ASSERT_TRUE(client.quote(some_nonce()));
        EXPECT_EQ(daemon.stop(), 0);
    }
    std::string refused_at_once(Daemon::Options options = {}) {
        const auto begin = std::chrono::steady_clock::now();
        auto log = refused(std::move(options));
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << "one clear error, no retries";
        return log;
    }
};

// ---- Folders

TEST_F(OwnFilesTest, AStateDirectoryThatOthersMayWriteIsRefusedWithWhatToDo) {
    for (const mode_t mode : {0777U, 0772U, 0770U, 01777U, 0720U}) {
        fs::create_directory(state());
        ASSERT_EQ(::chmod(state().c_str(), mode), 0);
        EXPECT_THAT(refused_at_once(), AllOf(HasSubstr(state().native() + " may be written by others"), HasSubstr("chmod go-w"))) << mode;
        EXPECT_TRUE(fs::is_empty(state())) << "nothing was made in it";
    }
    ASSERT_EQ(::chmod(state().c_str(), 0755), 0);
    EXPECT_EQ(started().stop(), 0) << "who may only look in changes nothing";
}

TEST_F(OwnFilesTest, AFolderOfAnotherUserIsRefusedWhereverItIsInThePath) {
    if (::geteuid() != 0) GTEST_SKIP() << "nothing can be given away";
    fs::create_directories(folder() / "theirs" / "ours" / "state");
    ASSERT_EQ(::chown((folder() / "theirs").c_str(), nobody, nobody), 0);
    const auto said = AllOf(HasSubstr((folder() / "theirs").native() + " belongs to uid 65534"), HasSubstr("chown"));
    EXPECT_THAT(refused_at_once({.state = folder() / "theirs"}), said);
    EXPECT_THAT(refused_at_once({.state = folder() / "theirs" / "ours" / "state"}), said);
    EXPECT_THAT(refused_at_once({.state = folder() / "theirs" / "new" / "state"}), said);
    EXPECT_THAT(refused_at_once({.socket = folder() / "theirs" / "io.mrd"}), said);
    EXPECT_THAT(refused_at_once({.socket = folder() / "theirs" / "ours" / "io.mrd"}), said);
}

TEST_F(OwnFilesTest, AParentThatOthersMayWriteIsRefusedUnlessItIsSticky) {
    const auto parent = folder() / "parent";
    fs::create_directory(parent);
    ASSERT_EQ(::chmod(parent.c_str(), 0777), 0);
    const auto said = HasSubstr(parent.native() + " may be written by others (mode 0777)");
    EXPECT_THAT(refused_at_once({.state = parent / "state"}), said);
    EXPECT_THAT(refused_at_once({.state = parent / "deep" / "er" / "state"}), said);
    EXPECT_THAT(refused_at_once({.socket = parent / "io.mrd"}), said);
    EXPECT_TRUE(fs::is_empty(parent));
    ASSERT_EQ(::chmod(parent.c_str(), 01777), 0);
    EXPECT_EQ(started({.socket = parent / "io.mrd", .state = parent / "state"}).stop(), 0);
}

TEST_F(OwnFilesTest, AConfigurationThatOthersMayWriteIsRefusedAtTheStartAndByCheck) {
    const auto file = folder() / "others.toml";
    std::ofstream(file) << "";
    ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
    const auto said = AllOf(HasSubstr(file.native() + " may be written by others (mode 0666)"), HasSubstr("chmod go-w"));
    constexpr int exit_usage = 2;
    EXPECT_THAT(refused({.arguments = {"--sim", "--config", file}}, exit_usage), said);
    const auto checked = run_program({places::mrd(), "--check", "--config", file}, folder());
    EXPECT_EQ(checked.exit_code, exit_usage);
    EXPECT_THAT(checked.err, said);
}

TEST_F(OwnFilesTest, AFileThatTheConfigurationNamesAndOthersMayWriteIsRefusedAtTheStartAndByCheck) {
    const auto named = folder() / "named";
    std::ofstream(named) << "boot\n";
    const auto file = folder() / "names.toml";
    constexpr int exit_usage = 2;
    for (const std::string key :
         {"[service]\nboot_id_file = \"", "[journal]\nfirmware_log = \"", "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\nfirmware_log = \"",
          "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\nearlier_logs = [\""}) {
        std::ofstream(file) << key << named.native() << (key.ends_with("[\"") ? "\"]\n" : "\"\n");
        ASSERT_EQ(::chmod(named.c_str(), 0622), 0);
        const auto said = AllOf(HasSubstr(named.native() + " may be written by others (mode 0622)"), HasSubstr("chmod go-w"));
        EXPECT_THAT(refused({.arguments = {"--sim", "--config", file}}, exit_usage), said) << key;
        const auto check = [&] { return run_program({places::mrd(), "--check", "--config", file}, folder()); };
        EXPECT_EQ(check().exit_code, exit_usage);
        EXPECT_THAT(check().err, said) << key;
        ASSERT_EQ(::chmod(named.c_str(), 0644), 0);
        EXPECT_EQ(check().exit_code, 0) << key;
    }
}

TEST_F(OwnFilesTest, ALinkToTheStateDirectoryIsFollowedIfItIsOursAndItsTargetIsGood) {
    fs::create_directories(folder() / "real" / "state");
    fs::create_directory_symlink("real", folder() / "link");
    const Daemon::Options options{.state = folder() / "link" / "state"};
    EXPECT_EQ(started(options).stop(), 0);
    EXPECT_TRUE(fs::exists(folder() / "real" / "state" / "journal"));
    ASSERT_EQ(::chmod((folder() / "real").c_str(), 0777), 0);
    EXPECT_THAT(refused_at_once(options), HasSubstr((folder() / "real").native() + " may be written by others"));
    ASSERT_EQ(::chmod((folder() / "real").c_str(), 0700), 0);
    if (::geteuid() == 0) {
        ASSERT_EQ(::lchown((folder() / "link").c_str(), nobody, nobody), 0);
        EXPECT_THAT(refused_at_once(options), HasSubstr((folder() / "link").native() + " belongs to uid 65534"));
    }
    fs::create_directory_symlink("nowhere", folder() / "dangling");
    EXPECT_THAT(refused_at_once({.state = folder() / "dangling"}), HasSubstr("cannot follow the link " + (folder() / "dangling").native()));
    EXPECT_FALSE(fs::exists(folder() / "nowhere"));
    fs::create_directory_symlink("round", folder() / "round");
    EXPECT_THAT(refused_at_once({.state = folder() / "round" / "state"}), HasSubstr((folder() / "round").native()));
}

TEST_F(OwnFilesTest, WhatMrdMakesIsItsOwnWhateverTheUmaskIs) {
    for (const mode_t mask : {0U, 0077U, 0777U}) {
        const auto place = folder() / std::to_string(mask);
        auto daemon = started(
            {.socket = place / "run" / "mrd" / "io.mrd", .state = place / "lib" / "mrd" / "state", .in_child = [mask] { ::umask(mask); }});
        ASSERT_TRUE(daemon.client().quote(some_nonce()));
        EXPECT_EQ(mode_of(place / "lib" / "mrd" / "state"), 0700U) << mask;
        for (const auto *made : {"", "lib", "lib/mrd", "run", "run/mrd"}) EXPECT_EQ(mode_of(place / made), 0755U) << mask << made;
        EXPECT_EQ(mode_of(place / "run/mrd/io.mrd"), 0666U) << "everybody may read";
        EXPECT_EQ(mode_of(place / "lib/mrd/state/sim-tdx.quoting"), 0600U);
        EXPECT_EQ(mode_of(place / "lib/mrd/state/sim-tdx.state"), 0600U);
        for (const auto *file : {"journal", "lock"}) EXPECT_EQ(mode_of(place / "lib/mrd/state" / file) & 0177U, 0U);
        EXPECT_EQ(daemon.stop(), 0);
    }
}

// ---- Files

TEST_F(OwnFilesTest, NoFileOfItsOwnIsReachedThroughALink) {
    run_once();
    for (const std::string file : {"journal", "lock", "sim-tdx.state"}) {
        const auto moved = folder() / ("moved-" + file);
        fs::rename(state() / file, moved);
        fs::create_symlink(moved, state() / file);
        EXPECT_THAT(refused_at_once(), AllOf(HasSubstr((state() / file).native() + " is a symbolic link"), HasSubstr("remove it"))) << file;
        fs::remove(state() / file);
        fs::create_symlink(folder() / "nowhere", state() / file);
        EXPECT_THAT(refused_at_once(), HasSubstr((state() / file).native() + " is a symbolic link")) << file << " dangling";
        EXPECT_FALSE(fs::exists(folder() / "nowhere"));
        fs::remove(state() / file);
        fs::rename(moved, state() / file);
    }
    // The quoting keys are needed for quotes only.
    fs::rename(state() / "sim-tdx.quoting", folder() / "keys");
    fs::create_symlink(folder() / "keys", state() / "sim-tdx.quoting");
    // What is left over from a kill goes; it is not written through.
    fs::create_symlink(folder() / "elsewhere", state() / "journal.new");
    fs::create_symlink(folder() / "elsewhere", state() / "journal.1");
    fs::create_symlink(folder() / "elsewhere", state() / "journal.torn.1");
    fs::remove(state() / "journal");
    auto daemon = started();
    auto client = daemon.client();
    const auto refused = client.quote(some_nonce());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr("sim-tdx.quoting is a symbolic link"), HasSubstr("remove it")));
    ASSERT_TRUE(client.extend(program_register, digest_of("b")));
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_FALSE(fs::exists(folder() / "elsewhere"));
}

TEST_F(OwnFilesTest, ASocketThatIsALinkIsRefused) {
    fs::create_symlink(folder() / "nowhere", folder() / "io.mrd");
    EXPECT_THAT(refused_at_once(), HasSubstr("io.mrd is there and is not a socket"));
    fs::create_symlink(folder() / "nowhere", folder() / "other.lock");
    EXPECT_THAT(refused_at_once({.socket = folder() / "other"}), HasSubstr("other.lock is a symbolic link"));
    EXPECT_FALSE(fs::exists(folder() / "nowhere"));
}

TEST_F(OwnFilesTest, AFileThatOthersMayChangeOrKeysThatTheyMayReadAreRefused) {
    run_once();
    const auto refused_with = [&](const char *file, mode_t mode, const char *said) {
        const auto before = mode_of(state() / file);
        ASSERT_EQ(::chmod((state() / file).c_str(), mode), 0);
        EXPECT_THAT(refused_at_once(), AllOf(HasSubstr((state() / file).native() + " may be " + said), HasSubstr("chmod 600"))) << file;
        ASSERT_EQ(::chmod((state() / file).c_str(), before), 0);
    };
    refused_with("journal", 0602, "written by others");
    refused_with("journal", 0660, "written by others");
    refused_with("lock", 0666, "written by others");
    refused_with("sim-tdx.state", 0640, "read or written by others");
    refused_with("sim-tdx.state", 0604, "read or written by others");
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown((state() / "journal").c_str(), nobody, nobody), 0);
        EXPECT_THAT(refused_at_once(), HasSubstr("journal belongs to uid 65534"));
        ASSERT_EQ(::chown((state() / "journal").c_str(), 0, 0), 0);
    }
    ASSERT_EQ(::chmod((state() / "sim-tdx.quoting").c_str(), 0644), 0);
    auto daemon = started();
    auto client = daemon.client();
    const auto exposed = client.quote(some_nonce());
    ASSERT_FALSE(exposed);
    EXPECT_EQ(exposed.error().code, ErrorCode::quote_unavailable);
    EXPECT_THAT(exposed.error().message,
                AllOf(HasSubstr("sim-tdx.quoting may be read or written by others (mode 0644)"), HasSubstr("chmod 600")));
    ASSERT_EQ(::chmod((state() / "sim-tdx.quoting").c_str(), 0600), 0);
    EXPECT_TRUE(client.quote(some_nonce())) << "mended while mrd runs";
}

TEST_F(OwnFilesTest, WhatTheUserNamesForReadingMayBeALink) {
    std::ofstream(folder() / "real.toml") << "[[provider]]\ntype = \"sim\"\n";
    fs::create_symlink(folder() / "real.toml", folder() / "link.toml");
    EXPECT_EQ(started({.arguments = {"--config", folder() / "link.toml"}}).stop(), 0);
}

// ---- A journal of an older format

TEST_F(OwnFilesTest, AJournalOfAnOlderFormatIsKeptAsideWithOneLineAndShownByStatusUntilTheNextStart) {
    const auto count_in = [](std::string_view text, std::string_view words) {
        std::size_t count = 0;
        for (auto at = text.find(words); at != std::string_view::npos; at = text.find(words, at + words.size())) ++count;
        return count;
    };
    constexpr auto line = "the journal that was there is of an older format";
    for (std::uint32_t format = 0; format < journal::format_version; ++format) {
        run_once();
        const auto header = journal::file_header_of(format);
        std::fstream(state() / "journal", std::ios::in | std::ios::out | std::ios::binary)
            .write(reinterpret_cast<const char *>(header.data()), static_cast<std::streamsize>(header.size()));
        {
            auto daemon = started();
            EXPECT_EQ(count_in(daemon.log(), line), 1U) << daemon.log();
            const auto kept = state() / ("journal." + std::to_string(format + 1));
            EXPECT_THAT(daemon.log(), AllOf(HasSubstr("format=" + std::to_string(format)), HasSubstr("old=" + kept.native())));
            EXPECT_TRUE(fs::exists(kept));
            auto client = daemon.client();
            EXPECT_EQ(status_of(client)["journal"]["olderFormat"], format);
            EXPECT_EQ(status_of(client)["journal"]["condition"], "good");
            EXPECT_THAT(output({"status"}), HasSubstr("the one before is of format " + std::to_string(format)));
            EXPECT_EQ(daemon.stop(), 0);
        }
        auto daemon = started();
        EXPECT_EQ(count_in(daemon.log(), line), 0U) << daemon.log();
        auto client = daemon.client();
        EXPECT_FALSE(status_of(client)["journal"].contains("olderFormat"));
        EXPECT_THAT(output({"status"}), Not(HasSubstr("of format")));
        EXPECT_EQ(daemon.stop(), 0);
    }
}

// ---- Two daemons

TEST_F(OwnFilesTest, TheJournalIsLockedItselfSoThatNoLostLockFileLetsASecondMrdIn) {
    auto first = started();
    auto client = first.client();
    ASSERT_TRUE(client.extend(program_register, digest_of("a")));
    fs::remove(state() / "lock");
    EXPECT_THAT(refused_at_once({.socket = folder() / "second"}), AllOf(HasSubstr("another mrd"), HasSubstr("journal")));
    ASSERT_TRUE(client.extend(program_register, digest_of("b")));
    EXPECT_EQ(records_of(client).size(), 2U);
    EXPECT_TRUE(replay_of(client, program_register).equal);
    EXPECT_EQ(first.stop(), 0);
    EXPECT_EQ(started({.socket = folder() / "second"}).stop(), 0);
}

TEST_F(OwnFilesTest, ASocketOnWhichSomebodyListensIsNotTakenThoughItsLockIsGone) {
    auto first = started();
    fs::remove(folder() / "io.mrd.lock");
    EXPECT_THAT(refused_at_once({.state = folder() / "other"}), HasSubstr("another process listens on the socket"));
    EXPECT_TRUE(first.client().extend(program_register, digest_of("a")));
    first.process().signal(SIGKILL);
    EXPECT_EQ(first.process().wait(), 1000 + SIGKILL);
    EXPECT_EQ(started().stop(), 0) << "what is left over goes";
}

TEST_F(OwnFilesTest, AtItsEndItLeavesAnothersSocketAlone) {
    auto first = started();
    fs::remove(folder() / "io.mrd");
    fs::remove(folder() / "io.mrd.lock");
    const auto second = started({.state = folder() / "other"});
    EXPECT_EQ(first.stop(), 0);
    EXPECT_TRUE(second.client().extend(program_register, digest_of("a")));
}

// ---- A journal that goes away

struct Harm {
    const char *name;
    void (*do_it)(const fs::path &journal);
    bool loses_events;
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const Harm &one, std::ostream *out) { *out << one.name; }
};
// In place, and as long as before.
void write_again(const fs::path &journal, const std::string &bytes) {
    const auto size = fs::file_size(journal);
    std::ofstream(journal, std::ios::binary) << bytes;
    fs::resize_file(journal, size);
}
std::size_t end_of_records(const std::string &journal) {
    constexpr std::size_t alignment = 8;
    return (journal.find_last_not_of('\0') / alignment + 1) * alignment;
}

class AJournalThatIs : public OwnFilesTest, public ::testing::WithParamInterface<Harm> {};
INSTANTIATE_TEST_SUITE_P(
    All, AJournalThatIs,
    ::testing::Values(Harm{"Removed", [](const fs::path &journal) { fs::remove(journal); }, false},
                      Harm{"Moved", [](const fs::path &journal) { fs::rename(journal, journal.parent_path() / "away"); }, false},
                      Harm{"Replaced",
                           [](const fs::path &journal) {
                               fs::copy_file(journal, journal.parent_path() / "copy");
                               fs::rename(journal.parent_path() / "copy", journal);
                           },
                           false},
                      Harm{"CutOff", [](const fs::path &journal) { fs::resize_file(journal, 700); }, true},
                      Harm{"Emptied", [](const fs::path &journal) { fs::resize_file(journal, 0); }, true},
                      Harm{"CutOffBehindItsRecords",
                           [](const fs::path &journal) { fs::resize_file(journal, end_of_records(contents(journal))); }, false},
                      Harm{"EmptiedAndMadeAsLongAgain", [](const fs::path &journal) { write_again(journal, ""); }, true},
                      Harm{"AsItWasEarlier",
                           [](const fs::path &journal) {
                               const auto now = contents(journal);
                               write_again(journal, now.substr(0, end_of_records(now) / 2));
                           },
                           true},
                      Harm{"WithoutItsHeader",
                           [](const fs::path &journal) {
                               constexpr std::size_t header = 16;
                               std::fstream(journal, std::ios::in | std::ios::out | std::ios::binary) << std::string(header, '\0');
                           },
                           false}),
    [](const auto &tested) { return tested.param.name; });

TEST_P(AJournalThatIs, IsNoticedBeforeTheNextExtendIsAnsweredAndRepaired) {
    for (const std::string sync : {"none", "group"}) {
        fs::remove_all(state());
        start({.config = "[journal]\nsync = \"" + sync + "\"\n"});
        auto client = daemon().client();
        for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.extend(program_register, digest_of("a")));
        GetParam().do_it(state() / "journal");
        const auto refused = client.extend(program_register, digest_of("b"));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::journal_failed);
        EXPECT_THAT(refused.error().message, HasSubstr("mrctl repair"));
        EXPECT_EQ(status_of(client)["journal"]["condition"], "damaged");
        EXPECT_THAT(std::string(status_of(client)["journal"]["reason"]), HasSubstr("by another process"));

        EXPECT_THAT(output({"repair"}), HasSubstr("a new journal begins"));
        EXPECT_EQ(status_of(client)["journal"]["condition"], "good");
        const auto events = records_of(client).size();
        if (GetParam().loses_events) {
            EXPECT_LT(events, 5U);
            EXPECT_FALSE(replay_of(client, program_register).equal) << "what is missing is shown";
        } else {
            EXPECT_EQ(events, 5U);
            EXPECT_TRUE(replay_of(client, program_register).equal);
            EXPECT_EQ(status_of(client)["journal"]["repairs"], 0) << "nothing is missing";
        }
        ASSERT_TRUE(client.extend(program_register, digest_of("b")));
        const auto now = records_of(client).size();
        EXPECT_EQ(daemon().stop(), 0);
        auto again = started();
        auto later = again.client();
        EXPECT_EQ(records_of(later).size(), now) << "the new one has the name";
        EXPECT_EQ(again.stop(), 0);
    }
}

// What mrd finds only when it reads its own log: an extend that is answered behind it would be lost at the next start.
TEST_F(OwnFilesTest, ARecordThatAReaderOfTheLogMeetsDamagedStopsExtendsUntilTheRepair) {
    start();
    auto client = daemon().client();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.extend(program_register, digest_of("a")));
    {
        std::fstream journal(state() / "journal", std::ios::in | std::ios::out | std::ios::binary);
        constexpr std::size_t from_the_end = 40;  // of the last record: behind it there is room, zeros
        const auto at = static_cast<std::streamoff>(contents(state() / "journal").find_last_not_of('\0') - from_the_end);
        journal.seekg(at);
        const auto byte = static_cast<char>(journal.get() ^ 1);
        journal.seekp(at);
        journal.put(byte);
    }
    const auto read = client.records(1, false, [](const mr::LogRecord &) { return true; });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::journal_failed);
    EXPECT_THAT(read.error().message, AllOf(HasSubstr((state() / "journal").native()), HasSubstr("mrctl repair")));
    EXPECT_EQ(status_of(client)["journal"]["condition"], "damaged");
    const auto refused = client.extend(program_register, digest_of("b"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::journal_failed);
    const auto replayed = mrctl({"replay"});
    EXPECT_EQ(replayed.exit_code, 1);
    EXPECT_THAT(replayed.err, AllOf(HasSubstr("the journal is damaged"), HasSubstr("mrctl repair")));

    EXPECT_THAT(output({"repair"}), HasSubstr("a new journal begins"));
    EXPECT_EQ(status_of(client)["journal"]["condition"], "good");
    EXPECT_EQ(status_of(client)["journal"]["repairs"], 1);
    EXPECT_LT(records_of(client).size(), 5U);
    EXPECT_FALSE(replay_of(client, program_register).equal) << "what is missing is shown";
    EXPECT_TRUE(client.extend(program_register, digest_of("b")));
    EXPECT_EQ(daemon().stop(), 0);
}

// A folder cannot be kept as the old journal.
TEST_F(OwnFilesTest, ARepairThatFailsTellsNobodyThatTheJournalTakesEventsAgain) {
    start();
    auto client = daemon().client();
    ASSERT_TRUE(client.extend(program_register, digest_of("a")));
    const auto journal = state() / "journal";
    std::filesystem::rename(journal, state() / "moved");
    std::filesystem::create_directory(journal);
    ASSERT_FALSE(client.extend(program_register, digest_of("b")));
    const auto refused = client.call("io.mrd.EventLog.Repair", "{}");
    ASSERT_FALSE(refused);
    EXPECT_THAT(daemon().log(), Not(HasSubstr("takes events again")));
    EXPECT_EQ(status_of(client)["journal"]["condition"], "damaged");
    std::filesystem::remove(journal);
    EXPECT_THAT(output({"repair"}), HasSubstr("a new journal begins"));
    EXPECT_TRUE(client.extend(program_register, digest_of("b")));
}

TEST_P(AJournalThatIs, IsShownByStatusWithoutAnExtend) {
    start();
    auto client = daemon().client();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.extend(program_register, digest_of("a")));
    GetParam().do_it(state() / "journal");
    EXPECT_EQ(status_of(client)["journal"]["condition"], "damaged");
    EXPECT_THAT(output({"status"}), AllOf(HasSubstr("journal damaged"), HasSubstr("mrctl repair"),
                                          HasSubstr("\ntdx/rtmr3 as logged; the journal is damaged\n")));
    EXPECT_THAT(daemon().log(), HasSubstr("by another process"));
    EXPECT_THAT(output({"repair"}), HasSubstr("a new journal begins"));
    EXPECT_THAT(output({"status"}), Not(HasSubstr("the journal is damaged")));
}

}  // namespace
}  // namespace mrd
