// The journal's file as memory, on real files: where it is taken, what others see of it, and what becomes of mrd when the file is taken away under it.
#include "mrd/journal/file_window.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "proto/varlink/file_descriptor.h"
#include "tests/journal/fixture.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/sanitized.h"

namespace mrd::journal {
namespace {

namespace fs = std::filesystem;
using Written = FileWindow::Outcome;

constexpr std::uint64_t file_size = 3 * FileWindow::size;

mr::Bytes bytes_of(const fs::path &path, std::uint64_t offset, std::size_t size) {
    mr::Bytes bytes(size);
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(size));
    return bytes;
}

class OverAFile : public testing::TestWithParam<const char *> {
protected:
    void SetUp() override {
        ASSERT_TRUE(file_) << path_;
        ASSERT_EQ(::fallocate(file_.get(), 0, 0, file_size), 0);
        window_.emplace(FileWindow::over(file_.get()));
        if (!*window_) GTEST_SKIP() << "a file system that mrd writes to by system calls";
    }
    void TearDown() override { fs::remove(path_); }
    Written write(std::uint64_t offset, const mr::Bytes &bytes) { return (*window_)->write(offset, bytes, file_size); }

    fs::path path_ = fs::path(GetParam()) / ("mrd-window-" + std::to_string(::getpid()));
    varlink::FileDescriptor file_{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    std::optional<std::optional<FileWindow>> window_;
};
INSTANTIATE_TEST_SUITE_P(InMemoryAndOnDisk, OverAFile, testing::Values("/dev/shm", "/var/tmp"),
                         [](const auto &tested) { return tested.index == 0 ? "dev_shm" : "var_tmp"; });

TEST_P(OverAFile, WhatIsWrittenIsReadAtOnceWhereverItIs) {
    // Over pages, over what is mapped at once, back again, and to the end.
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{4090}, FileWindow::populate_step - 1, FileWindow::size - 5,
                                       2 * FileWindow::size + 7, std::uint64_t{100}, file_size - 12}) {
        const mr::Bytes bytes{1, 2, 3, static_cast<std::uint8_t>(offset), 5, 6, 7, 8, 9, 10, 11, 12};
        ASSERT_EQ(write(offset, bytes), Written::written) << offset;
        EXPECT_EQ(bytes_of(path_, offset, bytes.size()), bytes) << offset;
    }
    EXPECT_EQ(bytes_of(path_, 200, 3000), mr::Bytes(3000)) << "and nothing else is";
    EXPECT_EQ(fs::file_size(path_), file_size);
}

TEST_P(OverAFile, MoreThanItHoldsIsRefusedAndNothingWritten) {
    EXPECT_EQ(write(0, mr::Bytes(FileWindow::size + 1, 7)), Written::refused);
    EXPECT_EQ(bytes_of(path_, 0, 4096), mr::Bytes(4096));
    EXPECT_EQ(write(0, mr::Bytes(FileWindow::size, 7)), Written::written);
}

TEST_P(OverAFile, AFileThatIsCutOffUnderItIsAnErrorAndNotTheEndOfMrd) {
    if (loses_jumps_out_of_handlers) GTEST_SKIP() << "skipped: the thread sanitizer loses a SIGBUS that is left by a jump";
    ASSERT_EQ(write(5000, {1, 2, 3}), Written::written);
    ASSERT_EQ(::ftruncate(file_.get(), 0), 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(write(5000, {1, 2, 3}), Written::lost) << "each time";
    EXPECT_EQ(fs::file_size(path_), 0U) << "it is not made longer";
    ASSERT_EQ(::ftruncate(file_.get(), static_cast<off_t>(file_size)), 0);
    EXPECT_EQ(write(5000, {1, 2, 3}), Written::written);
}

TEST_P(OverAFile, WhatStandsInItIsKnownAsLongAsItIsMapped) {
    const mr::Bytes bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const auto mark = Mark::of(5000, bytes);
    EXPECT_FALSE((*window_)->holds(mark).has_value()) << "nothing is mapped yet";
    ASSERT_EQ(write(5000, bytes), Written::written);
    EXPECT_EQ((*window_)->holds(mark), true);
    EXPECT_EQ((*window_)->holds(Mark::of(5001, bytes)), false);
    ASSERT_EQ(::ftruncate(file_.get(), 0), 0);
    ASSERT_EQ(::ftruncate(file_.get(), static_cast<off_t>(file_size)), 0);
    EXPECT_EQ((*window_)->holds(mark), false) << "it is as long again, and empty";
    ASSERT_EQ(write(5000, bytes), Written::written);
    ASSERT_EQ(write(2 * FileWindow::size, bytes), Written::written);
    EXPECT_FALSE((*window_)->holds(mark).has_value()) << "it is elsewhere";
}

TEST_P(OverAFile, WhatAFileThatWasCutOffHeldIsNotKnown) {
    if (loses_jumps_out_of_handlers) GTEST_SKIP() << "skipped: the thread sanitizer loses a SIGBUS that is left by a jump";
    const mr::Bytes bytes(Mark::size, 7);
    ASSERT_EQ(write(5000, bytes), Written::written);
    ASSERT_EQ(::ftruncate(file_.get(), 0), 0);
    EXPECT_FALSE((*window_)->holds(Mark::of(5000, bytes)).has_value());
}

TEST(FileWindowDeathTest, AnyOtherBusErrorEndsTheProcess) {
    if (loses_jumps_out_of_handlers) GTEST_SKIP() << "skipped: the thread sanitizer loses a SIGBUS that is left by a jump";
    const TemporaryFolder folder;
    const varlink::FileDescriptor file(::open((folder.path() / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const varlink::FileDescriptor shared(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    ASSERT_TRUE(file);
    ASSERT_TRUE(shared);
    ASSERT_EQ(::ftruncate(shared.get(), 4096), 0);
    if (!FileWindow::over(shared.get())) GTEST_SKIP() << "nothing is caught";
    EXPECT_DEATH(
        {
            auto window = FileWindow::over(shared.get());
            if (!window || window->write(0, mr::Bytes{1}, 4096) != Written::written) std::_Exit(0);
            auto *memory = static_cast<volatile char *>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0));
            (void)memory[0];  // the file has no bytes
            std::_Exit(0);
        },
        "");
}

TEST(FileWindow, IsTakenOnlyWhereTheFileSystemWritesInPlace) {
    const varlink::FileDescriptor of_proc(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(of_proc);
    EXPECT_FALSE(FileWindow::over(of_proc.get()));
}

// ---- Under a journal

class JournalOnFile : public JournalTest {
protected:
    JournalOnFile() {
        options_.open_file = open_append_file;
        options_.sync_folder = journal::sync_folder;
    }
    void cut_off() { ASSERT_EQ(::truncate(path().c_str(), 0), 0); }
    // But for its header.
    void cut_off_and_make_as_long_again() {
        const auto size = fs::file_size(path());
        ASSERT_EQ(::truncate(path().c_str(), file_header_size), 0);
        ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(size)), 0);
    }
    static bool is_durable(Journal &journal) {
        bool durable = true;
        journal.when_durable([&](const std::expected<void, Error> &done) { durable = done.has_value(); });
        return durable;
    }
};

TEST_F(JournalOnFile, ThatIsCutOffBetweenTwoRecordsOfAnEventIsDamagedAndSaysSo) {
    if (loses_jumps_out_of_handlers) GTEST_SKIP() << "skipped: the thread sanitizer loses a SIGBUS that is left by a jump";
    auto journal = start();
    ASSERT_TRUE(extend(*journal, r0, 1));
    const auto intent = begin(*journal, r0, 2);
    cut_off();
    journal->settle(intent, Outcome::done);
    EXPECT_FALSE(is_durable(*journal)) << "nobody is told that it is in the log";
    EXPECT_FALSE(extend(*journal, r0, 3));
    loop_.poll();
    EXPECT_FALSE(extend(*journal, r0, 4));
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_NE(journal->reason().find("was cut off at byte 0 by another process"), std::string::npos) << journal->reason();
}

TEST_F(JournalOnFile, ThatIsCutOffAndMadeAsLongAgainBetweenTwoRecordsOfAnEventIsDamagedAndSaysSo) {
    auto journal = start();
    ASSERT_TRUE(extend(*journal, r0, 1));
    const auto last = journal->end();
    const auto intent = begin(*journal, r0, 2);
    cut_off_and_make_as_long_again();
    journal->settle(intent, Outcome::done);
    EXPECT_FALSE(is_durable(*journal)) << "nobody is told that it is in the log";
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    EXPECT_EQ(journal->reason(), "the journal " + path().string() + " was changed at byte " + std::to_string(last) +
                                     " by another process; run `mrctl repair` to begin a new one with what mrd can still read of it");
    EXPECT_FALSE(extend(*journal, r0, 3));
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_TRUE(extend(*journal, r0, 3));
    EXPECT_TRUE(is_durable(*journal));
}

// What a start has found counts as much as what it has written itself.
TEST_F(JournalOnFile, ThatIsChangedBeforeTheFirstExtendOfAnMrdIsDamagedToo) {
    auto journal = start();
    ASSERT_TRUE(extend(*journal, r0, 1));
    journal.reset();
    journal = start();
    cut_off_and_make_as_long_again();
    EXPECT_FALSE(extend(*journal, r0, 2));
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
}

TEST_F(JournalOnFile, ThatIsCutOffWhereItsRecordsEndIsDamagedForItsRoomIsGone) {
    auto journal = start();
    ASSERT_TRUE(extend(*journal, r0, 1));
    ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(journal->end())), 0);
    journal->look();
    EXPECT_EQ(journal->condition(), Journal::Condition::damaged);
    ASSERT_TRUE(journal->repair(hardware_.present()));
    EXPECT_EQ(read_log(*journal)->size(), 1U);
    EXPECT_EQ(journal->state().repairs(), 0U) << "nothing is missing";
}

TEST_F(JournalOnFile, GoesOnWhereItWasOverManyWindows) {
    options_.size_limit = 8 * FileWindow::size;
    caller_.uid = 0;  // may fill it
    auto journal = start();
    const mr::Bytes data(50'000, 7);
    std::uint64_t events = 0;
    while (journal->end() < 4 * FileWindow::size) {
        auto large = event(*journal, r0, static_cast<std::uint8_t>(events));
        large.data = data;
        const auto intent = journal->begin(large);
        ASSERT_TRUE(intent);
        hardware_.extend(r0, digest_of(static_cast<std::uint8_t>(events)));
        journal->settle(*intent, Outcome::done);
        ++events;
    }
    EXPECT_EQ(read_log(*journal)->size(), events);
    journal.reset();
    journal = start();
    EXPECT_EQ(journal->condition(), Journal::Condition::good);
    EXPECT_EQ(journal->state().sequence(), events);
    ASSERT_TRUE(extend(*journal, r0, 1));
    EXPECT_EQ(replay(*read_log(*journal), r0), hardware_.value(r0));
}

}  // namespace
}  // namespace mrd::journal
