// What the kernel's tsm-mr makes of every way to use its files: what a provider of registers can rely on, and what it must not do.
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>

#include "tests/kernel-lab/machine.h"

namespace mrd::lab {
namespace {

using testing::ElementsAre;

const auto rtmr2 = measurements / "rtmr2:sha384";
const auto rtmr3 = measurements / "rtmr3:sha384";
const auto mrtd = measurements / "mrtd:sha384";

// Name, mode, size and owner of each file.
std::vector<std::string> listing() {
    std::vector<std::string> files;
    for (const auto &entry : std::filesystem::directory_iterator(measurements)) {
        struct stat status{};
        ::stat(entry.path().c_str(), &status);
        std::array<char, 64> line{};
        std::snprintf(line.data(), line.size(), " %o %ld %u:%u", status.st_mode & 07777, static_cast<long>(status.st_size), status.st_uid,
                      status.st_gid);
        files.push_back(entry.path().filename().native() + line.data());
    }
    std::ranges::sort(files);
    return files;
}

TEST(Measurements, AreFilesWhoseNamesHaveTheHashAndWhoseModesSayWhatCanBeExtended) {
    EXPECT_THAT(listing(),
                ElementsAre("mrconfigid 444 48 0:0", "mrowner 444 48 0:0", "mrownerconfig 444 48 0:0", "mrtd:sha384 444 48 0:0",
                            "rtmr0:sha384 644 48 0:0", "rtmr1:sha384 644 48 0:0", "rtmr2:sha384 644 48 0:0", "rtmr3:sha384 644 48 0:0"));
    EXPECT_EQ(std::filesystem::canonical(measurements), "/sys/devices/virtual/misc/tdx_guest/measurements");
}

TEST(Measurements, AWriteOfTheRegistersLengthExtendsAndTheSameDescriptorReadsTheNewValue) {
    const File file(rtmr3, O_RDWR);
    const auto before = read_all(file.get()).value();
    const auto refreshes = parameter("refresh_calls");
    const auto extends = parameter("extend_calls");
    EXPECT_EQ(outcome(::pwrite(file.get(), some_digest(1).data(), 48, 0)), "48");
    EXPECT_EQ(read_all(file.get()).value(), extended(before, some_digest(1)));
    EXPECT_EQ(read_all(file.get()).value(), extended(before, some_digest(1)));
    EXPECT_EQ(parameter("extend_calls") - extends, 1);
    EXPECT_EQ(parameter("refresh_calls") - refreshes, 1) << "the second read is served by the kernel";
}

TEST(Measurements, AReadIsCutAtTheEndOfTheRegister) {
    const File file(rtmr3, O_RDONLY);
    std::array<char, 64> to{};
    EXPECT_EQ(outcome(::pread(file.get(), to.data(), 64, 0)), "48");
    EXPECT_EQ(outcome(::pread(file.get(), to.data(), 64, 40)), "8");
    EXPECT_EQ(outcome(::pread(file.get(), to.data(), 64, 48)), "0");
    EXPECT_EQ(outcome(::pread(file.get(), to.data(), 64, 100)), "0");
}

TEST(Measurements, AShorterWriteAndOneAtAnOffsetExtendNothing) {
    const File file(rtmr3, O_RDWR);
    const auto before = read_all(file.get()).value();
    EXPECT_EQ(outcome(::pwrite(file.get(), before.data(), 47, 0)), "EINVAL");
    EXPECT_EQ(outcome(::pwrite(file.get(), before.data(), 48, 1)), "EINVAL");
    EXPECT_EQ(outcome(::pwrite(file.get(), before.data(), 48, 48)), "EFBIG");
    EXPECT_EQ(outcome(::pwrite(file.get(), before.data(), 0, 0)), "0");
    EXPECT_EQ(read_all(file.get()).value(), before);
}

TEST(Measurements, ALongerWriteIsCutAndExtendsAllTheSame) {
    const File file(rtmr3, O_RDWR);
    const auto before = read_all(file.get()).value();
    const mr::Bytes longer(49, 2);
    EXPECT_EQ(outcome(::pwrite(file.get(), longer.data(), longer.size(), 0)), "48");
    EXPECT_EQ(read_all(file.get()).value(), extended(before, some_digest(2)));
}

TEST(Measurements, ASecondWriteOfADescriptorIsBehindTheEnd) {
    const File file(rtmr3, O_WRONLY);
    EXPECT_EQ(outcome(::write(file.get(), some_digest(1).data(), 48)), "48");
    EXPECT_EQ(outcome(::write(file.get(), some_digest(1).data(), 48)), "EFBIG");
}

TEST(Measurements, EvenRootDoesNotOpenAFileForWhatItsModeHasNot) {
    EXPECT_EQ(opens(mrtd, O_WRONLY), "EACCES");
    EXPECT_EQ(opens(mrtd, O_RDWR), "EACCES");
    EXPECT_EQ(opens(measurements / "new:sha384", O_WRONLY | O_CREAT), "EACCES");
    EXPECT_EQ(outcome(::unlink(rtmr3.c_str())), "EPERM");
}

TEST(Measurements, TruncatingAndAppendingChangeNothingOfHowAWriteExtends) {
    for (const int flag : {O_TRUNC, O_APPEND, O_CREAT}) {
        const File file(rtmr3, O_RDWR | flag);
        const auto before = read_all(file.get()).value();
        EXPECT_EQ(outcome(::ftruncate(file.get(), 0)), "0");
        EXPECT_EQ(read_all(file.get()).value(), before);
        EXPECT_EQ(outcome(::write(file.get(), some_digest(3).data(), 48)), "48");
        EXPECT_EQ(read_all(file.get()).value(), extended(before, some_digest(3)));
    }
}

TEST(Measurements, CannotBeMappedAndAPollTellsNothing) {
    const File file(rtmr3, O_RDWR);
    EXPECT_EQ(::mmap(nullptr, 48, PROT_READ, MAP_SHARED, file.get(), 0), MAP_FAILED);
    EXPECT_EQ(outcome(-1), "ENODEV");
    pollfd look{file.get(), POLLIN, 0};
    EXPECT_EQ(outcome(::poll(&look, 1, 0)), "1") << "ready at once, whether anything has changed or not";
}

TEST(Measurements, AWriteIsSeenByWhoWatchesTheFile) {
    const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ASSERT_GE(::inotify_add_watch(watch, rtmr2.c_str(), IN_MODIFY | IN_CLOSE_WRITE), 0);
    ASSERT_EQ(write_once(rtmr2, some_digest(1)), "48");
    struct Event {
        std::uint32_t watch, mask, cookie, size;  // inotify_event of a file that is watched itself
    };
    std::array<Event, 4> events{};
    EXPECT_EQ(outcome(::read(watch, events.data(), sizeof(events))), std::to_string(2 * sizeof(Event)));
    EXPECT_EQ(events[0].mask, std::uint32_t{IN_MODIFY});
    EXPECT_EQ(events[1].mask, std::uint32_t{IN_CLOSE_WRITE});
    ::close(watch);
}

TEST(Measurements, AnotherUserReadsAndWritesOnceRootGivesHimTheFile) {
    const auto write = [] { return write_once(rtmr2, some_digest(1)); };
    EXPECT_EQ(as_user(1000, [] { return std::to_string(value_of("rtmr2:sha384").size()); }), "48");
    EXPECT_EQ(as_user(1000, write), "EACCES");
    ASSERT_EQ(::chown(rtmr2.c_str(), 1000, 1000), 0);
    EXPECT_EQ(as_user(1000, write), "48");
    ASSERT_EQ(::chown(rtmr2.c_str(), 0, 0), 0);
}

TEST(Measurements, AreReadOnlyWhereSysIs) {
    ASSERT_EQ(::mount(nullptr, "/sys", nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    EXPECT_EQ(opens(rtmr2, O_WRONLY), "EROFS");
    ASSERT_EQ(::mount(nullptr, "/sys", nullptr, MS_REMOUNT, nullptr), 0);
}

// ---- What fails

TEST(Measurements, AFailedRefreshIsTheErrorOfLiveRegistersAloneAndTheNextReadTriesAgain) {
    const auto before = value_of("rtmr2:sha384");
    ASSERT_EQ(write_once(rtmr2, some_digest(4)), "48");
    {
        const Parameter failing("refresh_error_before", EIO);
        EXPECT_EQ(read_all(rtmr2).error(), "EIO");
        EXPECT_EQ(read_all(rtmr3).error(), "EIO");
        EXPECT_EQ(value_of("mrtd:sha384").size(), register_size);
    }
    EXPECT_EQ(value_of("rtmr2:sha384"), extended(before, some_digest(4)));
}

TEST(Measurements, AnExtendThatFailsBeforeItsEffectChangesNothing) {
    const auto before = rtmr_in(tdreport().value(), 2);
    const Parameter failing("extend_error_before", EBUSY);
    EXPECT_EQ(write_once(rtmr2, some_digest(1)), "EBUSY");
    EXPECT_EQ(rtmr_in(tdreport().value(), 2), before);
}

TEST(Measurements, AnExtendThatFailsAfterItsEffectHasHappenedAndTheKernelDoesNotSeeIt) {
    const auto before = value_of("rtmr2:sha384");
    {
        const Parameter failing("extend_error_after", EIO);
        EXPECT_EQ(write_once(rtmr2, some_digest(1)), "EIO");
    }
    EXPECT_EQ(rtmr_in(tdreport().value(), 2), extended(before, some_digest(1)));
    EXPECT_EQ(value_of("rtmr2:sha384"), before) << "only a write that succeeds makes the kernel look again";
    ASSERT_EQ(write_once(rtmr3, some_digest(1)), "48");
    EXPECT_EQ(value_of("rtmr2:sha384"), extended(before, some_digest(1)));
}

TEST(Measurements, AnExtendFromElsewhereIsUnseenUntilSomethingIsWrittenThroughTheFiles) {
    const auto before = value_of("rtmr3:sha384");
    set_parameter("extend_elsewhere", "3 " + mr::to_hex(some_digest(5)));
    EXPECT_EQ(value_of("rtmr3:sha384"), before);
    EXPECT_EQ(rtmr_in(tdreport().value(), 3), extended(before, some_digest(5))) << "the device's report is of this moment";
    ASSERT_EQ(write_once(rtmr2, some_digest(1)), "48");
    EXPECT_EQ(value_of("rtmr3:sha384"), extended(before, some_digest(5)));
}

// ---- One lock

TEST(Measurements, DuringASlowExtendEveryReadWaitsButHeedsASignal) {
    set_parameter("extend_hold", "1");
    Waiting extend(SYS_pwrite64, [] { return ::pwrite(File(rtmr3, O_WRONLY).get(), some_digest(1).data(), 48, 0); });
    wait_until_held("extend", 1);
    const File file(mrtd, O_RDONLY);
    std::array<char, 48> to{};
    Waiting read(SYS_pread64, [&] { return ::pread(file.get(), to.data(), to.size(), 0); });
    ASSERT_TRUE(read.sleeps());
    read.interrupt();
    EXPECT_EQ(read.outcome(), "EINTR");
    set_parameter("extend_hold", "0");
    EXPECT_EQ(extend.outcome(), "48");
}

TEST(Measurements, DuringASlowExtendAnotherWaitsAndHeedsNoSignal) {
    set_parameter("extend_hold", "1");
    Waiting extend(SYS_pwrite64, [] { return ::pwrite(File(rtmr3, O_WRONLY).get(), some_digest(1).data(), 48, 0); });
    wait_until_held("extend", 1);
    const File file(rtmr2, O_WRONLY);
    Waiting other(SYS_pwrite64, [&] { return ::pwrite(file.get(), some_digest(1).data(), 48, 0); });
    ASSERT_TRUE(other.sleeps());
    other.interrupt();
    ASSERT_TRUE(other.sleeps());
    EXPECT_EQ(parameter("extend_held"), 1) << "the second waits for the first, not for the hardware";
    set_parameter("extend_hold", "0");
    EXPECT_EQ(extend.outcome(), "48");
    EXPECT_EQ(other.outcome(), "48");
}

// ---- What no TD has: with odd_registers=1

TEST(OddRegisters, HaveTheNamesHashesSizesAndModesOfTheirKind) {
    EXPECT_THAT(listing(), testing::IsSupersetOf({"odd256:sha256 644 32 0:0", "oddstore 644 16 0:0", "oddwriteonly:sha512 200 64 0:0"}));
    EXPECT_EQ(opens(measurements / "oddwriteonly:sha512", O_RDONLY), "EACCES");
    EXPECT_EQ(write_once(measurements / "oddwriteonly:sha512", mr::Bytes(64, 1)), "64");
    EXPECT_EQ(write_once(measurements / "oddstore", "sixteen letters."), "16");
    EXPECT_EQ(text_of(measurements / "oddstore"), "sixteen letters.");
}

}  // namespace
}  // namespace mrd::lab
