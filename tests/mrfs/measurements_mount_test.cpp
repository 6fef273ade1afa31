// The rows of Linux's measurements that were observed in a kernel, on a mount.
#include <sys/mman.h>
#include <sys/sendfile.h>

#include <poll.h>

#include "mr/event_log.h"
#include "tests/mrfs/mounted.h"
#include "tests/places.h"

namespace mrfs {
namespace {

using MeasurementsMountTest = MountTest;

TEST_F(MeasurementsMountTest, AWriteExtendsAndAReadOfTheSameOpenFileShowsIt) {
    const File file(measurement("rtmr3:sha384"), O_RDWR);
    ASSERT_EQ(file.opened(), 0);
    EXPECT_EQ(file.write_at(digest_bytes("one"), 0), 48);
    const auto value = mrd::extended(mrd::zero(), mrd::digest_of("one"));
    mr::Bytes shown(100);
    EXPECT_EQ(::pread(file.get(), shown.data(), shown.size(), 0), 48);
    shown.resize(48);
    EXPECT_EQ(shown, value);
    EXPECT_EQ(register_value("tdx/rtmr3"), value);
    EXPECT_EQ(::pread(file.get(), shown.data(), 48, 40), 8);
    EXPECT_EQ(::pread(file.get(), shown.data(), 48, 48), 0);
    EXPECT_EQ(::pread(file.get(), shown.data(), 48, 4'000), 0);
}

// Whoever reads a file to its end asks for what is there, too.
TEST_F(MeasurementsMountTest, BehindARegistersEndThereIsNothingAndMrdIsNotAsked) {
    const File file(measurement("rtmr3:sha384"), O_RDONLY);
    const File digest(mountpoint() / "registers/tdx/rtmr3/digest", O_RDONLY);
    daemon_->stop();
    mr::Bytes bytes(48);
    for (const auto *each : {&file, &digest}) {
        for (const off_t offset : {48, 4'000}) EXPECT_EQ(result_of(::pread(each->get(), bytes.data(), bytes.size(), offset)), 0) << offset;
        EXPECT_EQ(result_of(::pread(each->get(), bytes.data(), bytes.size(), 47)), -ENODEV);
    }
}

TEST_F(MeasurementsMountTest, AWriteOfAnotherLengthOrPlaceExtendsWhatTheKernelWouldHave) {
    auto value = mrd::zero();
    const auto path = measurement("rtmr2:sha384");
    const File file(path, O_WRONLY);
    const auto first = digest_bytes("first");
    for (const std::size_t size : {std::size_t{1}, std::size_t{47}}) {
        EXPECT_EQ(file.write_at(mr::ByteView(first).first(size), 0), -EINVAL) << size;
    }
    for (const off_t offset : {1, 47}) EXPECT_EQ(file.write_at(first, offset), -EINVAL) << offset;
    for (const off_t offset : {48, 49, 4'096}) EXPECT_EQ(file.write_at(first, offset), -EFBIG) << offset;
    EXPECT_EQ(file.write_at(mr::ByteView(first).first(0), 0), 0);
    EXPECT_EQ(register_value("tdx/rtmr2"), value);

    auto longer = first;
    longer.resize(49);
    EXPECT_EQ(file.write_at(longer, 0), 48);
    value = mrd::extended(value, mrd::digest_of("first"));
    EXPECT_EQ(register_value("tdx/rtmr2"), value);
    longer.resize(300'000);
    EXPECT_EQ(file.write_at(longer, 0), 48);
    value = mrd::extended(value, mrd::digest_of("first"));
    EXPECT_EQ(register_value("tdx/rtmr2"), value);
}

TEST_F(MeasurementsMountTest, TheSecondWriteOfAnOpenFileIsBehindItsEndAlsoWhereItAppends) {
    for (const int flags : {0, O_APPEND}) {
        const File file(measurement("rtmr2:sha384"), O_WRONLY | flags);
        EXPECT_EQ(file.write(digest_bytes("one")), 48) << flags;
        EXPECT_EQ(file.write(digest_bytes("two")), -EFBIG) << flags;
    }
    EXPECT_EQ(register_value("tdx/rtmr2"), mrd::extended(mrd::extended(mrd::zero(), mrd::digest_of("one")), mrd::digest_of("one")));
}

TEST_F(MeasurementsMountTest, ModesHoldForRootToo) {
    EXPECT_EQ(File(measurement("mrtd:sha384"), O_WRONLY).opened(), -EACCES);
    EXPECT_EQ(File(measurement("mrtd:sha384"), O_RDWR).opened(), -EACCES);
    EXPECT_EQ(File(measurement("mrtd:sha384"), O_RDONLY).opened(), 0);
    EXPECT_EQ(File(measurement("mrtd:sha384"), O_RDONLY | O_DIRECT).opened(), -EINVAL);
    EXPECT_EQ(File(measurement("new"), O_WRONLY | O_CREAT).opened(), -EACCES);
    EXPECT_EQ(File(measurement("rtmr0:sha384"), O_WRONLY | O_CREAT | O_TRUNC).opened(), 0);
    EXPECT_EQ(File(measurement("rtmr0:sha384"), O_WRONLY | O_CREAT | O_EXCL).opened(), -EEXIST);
}

TEST_F(MeasurementsMountTest, WhatTheKernelAcceptsAndIgnoresIsAcceptedAndIgnored) {
    const File file(measurement("rtmr1:sha384"), O_RDWR | O_TRUNC | O_APPEND);
    ASSERT_EQ(file.opened(), 0);
    EXPECT_EQ(::ftruncate(file.get(), 0), 0);
    EXPECT_EQ(::ftruncate(file.get(), 1'000), 0);
    EXPECT_EQ(::futimens(file.get(), nullptr), 0);
    EXPECT_EQ(::fchmod(file.get(), 0600), 0);
    EXPECT_EQ(::fsync(file.get()), 0);
    struct stat status{};
    ASSERT_EQ(::fstat(file.get(), &status), 0);
    EXPECT_EQ(status.st_size, 48);
    EXPECT_EQ(status.st_mode, S_IFREG | 0644U);
    pollfd ready{file.get(), POLLIN | POLLOUT, 0};
    EXPECT_EQ(::poll(&ready, 1, 0), 1);
    EXPECT_EQ(ready.revents, POLLIN | POLLOUT);
    EXPECT_EQ(register_value("tdx/rtmr1"), mrd::zero());
}

TEST_F(MeasurementsMountTest, NothingIsRemovedRenamedOrMapped) {
    const auto path = measurement("rtmr1:sha384");
    EXPECT_EQ(result_of(::unlink(path.c_str())), -EPERM);
    EXPECT_EQ(result_of(::rename(path.c_str(), measurement("other").c_str())), -EPERM);
    EXPECT_EQ(result_of(::link(path.c_str(), measurement("other").c_str())), -EPERM);
    EXPECT_EQ(result_of(::symlink("a", measurement("other").c_str())), -EPERM);
    EXPECT_EQ(result_of(::mkdir(measurement("other").c_str(), 0700)), -EPERM);
    EXPECT_EQ(result_of(::rmdir((mountpoint() / "measurements").c_str())), -EPERM);
    EXPECT_EQ(result_of(::mknod(measurement("other").c_str(), S_IFREG | 0600, 0)), -EPERM);
    const File file(path, O_RDWR);
    EXPECT_EQ(::mmap(nullptr, 48, PROT_READ, MAP_SHARED, file.get(), 0), MAP_FAILED);
    EXPECT_EQ(errno, ENODEV);
}

TEST_F(MeasurementsMountTest, OneFileIsCopiedIntoAnotherByTheKernel) {
    const auto source = folder() / "digest";
    std::ofstream(source, std::ios::binary) << std::string(48, 'd');
    const File from(source, O_RDONLY);
    const File to(measurement("rtmr0:sha384"), O_WRONLY);
    EXPECT_EQ(::sendfile(to.get(), from.get(), nullptr, 48), 48);
    EXPECT_EQ(register_value("tdx/rtmr0"), mrd::extended(mrd::zero(), mr::Digest(filled(48, 'd'))));
    const File there(source, O_WRONLY | O_TRUNC);
    const File value(measurement("rtmr0:sha384"), O_RDONLY);
    EXPECT_EQ(::sendfile(there.get(), value.get(), nullptr, 1'000), 48);
    EXPECT_EQ(mr::as_bytes(mrd::contents(source)).size(), 48U);
    // The kernel itself goes on where mrfs says that it cannot.
    off64_t at = 0;
    const File copy(measurement("rtmr1:sha384"), O_WRONLY);
    EXPECT_EQ(result_of(::copy_file_range(value.get(), &at, copy.get(), nullptr, 48, 0)), 48);
    EXPECT_EQ(register_value("tdx/rtmr1"), mrd::extended(mrd::zero(), mr::Digest(register_value("tdx/rtmr0"))));
}

// Each of them one extend by the 48 bytes of the file "d".
TEST_F(MeasurementsMountTest, EveryRecipeOfTheShellIsOneExtend) {
    const std::vector<std::string> recipes{
        "printf %s \"$(cat ../d)\" > $r",
        "printf %s \"$(cat ../d)\" >> $r",
        "cat ../d > $r",
        "cat ../d >> $r",
        "cp ../d $r",
        "tee $r < ../d > /dev/null",
        "tee -a $r < ../d > /dev/null",
        "dd if=../d of=$r bs=48 count=1 2> /dev/null",
        "dd if=../d of=$r bs=48 count=1 conv=notrunc 2> /dev/null",
        "dd if=../d of=$r bs=48 count=1 conv=fsync 2> /dev/null",
        "dd if=../d of=$r bs=48 count=1 oflag=sync 2> /dev/null",
        "dd if=../d of=$r bs=48 count=1 oflag=append conv=notrunc 2> /dev/null",
        "exec 3> $r; cat ../d >&3; exec 3>&-",
        "cat ../d 1<> $r",
    };
    const std::string text(48, 'x');
    std::ofstream(folder() / "d", std::ios::binary) << text;
    auto value = mrd::zero();
    for (const auto &recipe : recipes) {
        const auto done = shell("set -e; r=measurements/rtmr3:sha384; " + recipe);
        EXPECT_EQ(done.exit_code, 0) << recipe << ": " << done.err;
        value = mrd::extended(value, mr::Digest(mr::as_bytes(text)));
        EXPECT_EQ(register_value("tdx/rtmr3"), value) << recipe;
    }
    EXPECT_EQ(shell("cat measurements/rtmr3:sha384").out, std::string(value.begin(), value.end()));
    EXPECT_EQ(shell("printf x > measurements/rtmr3:sha384").exit_code, 1);
    EXPECT_EQ(register_value("tdx/rtmr3"), value);
}

TEST_F(MeasurementsMountTest, DigestsInTheFoldersOfRegistersAreTheSameRegisters) {
    EXPECT_EQ(write_file(mountpoint() / "registers/tdx/rtmr3/digest", digest_bytes("one")), 48);
    EXPECT_EQ(read_file(measurement("rtmr3:sha384")), mrd::extended(mrd::zero(), mrd::digest_of("one")));
    EXPECT_EQ(read_text(mountpoint() / "registers/tdx/rtmr3/hash_algo"), "sha384\n");
    EXPECT_EQ(File(mountpoint() / "registers/tdx/servtd_hash/digest", O_WRONLY).opened(), -EACCES);
}

TEST_F(MeasurementsMountTest, ReportDataIsWrittenWholeAndReport0IsOverIt) {
    const auto data = mountpoint() / "registers/tdx/reportdata";
    const auto report0 = mountpoint() / "registers/tdx/report0";
    EXPECT_EQ(read_file(report0), std::unexpected(EINVAL));  // nobody asks for a report over nothing
    EXPECT_EQ(write_file(data, filled(63, 1)), -EINVAL);
    EXPECT_EQ(write_file(data, filled(64, 1)), 64);
    EXPECT_EQ(read_file(data), filled(64, 1));
    const auto first = read_file(report0);
    ASSERT_TRUE(first);
    EXPECT_EQ(mr::decode_tdreport(*first)->report_data[63], 1);
    ASSERT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("one")), 48);
    const auto second = read_file(report0);
    const auto rtmr3 = mr::decode_tdreport(*second)->td_info.rtmr[3];
    EXPECT_EQ(mr::Bytes(rtmr3.begin(), rtmr3.end()), register_value("tdx/rtmr3"));
    // Nothing of it is in mrd, where another program's would be.
    EXPECT_NE(register_value("tdx/reportdata"), filled(64, 1));
}

TEST_F(MeasurementsMountTest, TheLogIsThereInMrdsFormats) {
    ASSERT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("one")), 48);
    for (const std::string format : {"json", "cel_json", "tcg", "tcg_index0"}) {
        mr::Bytes exported;
        auto client = daemon_->client();
        ASSERT_TRUE(client.export_log(format, [&](const mr::Bytes &piece) {
            exported.insert(exported.end(), piece.begin(), piece.end());
            return true;
        }));
        EXPECT_EQ(read_file(mountpoint() / "log" / format), exported) << format;
    }
    EXPECT_EQ(read_file(mountpoint() / "log/firmware"), std::unexpected(EOPNOTSUPP)) << "no firmware left one";
}

TEST_F(MeasurementsMountTest, TheFirmwaresLogIsThereAsTheKernelShowsIt) {
    const std::filesystem::path ccel = places::shared_data() / "ccel/gcp-cos113/ccel.bin";
    if (!std::filesystem::exists(ccel)) GTEST_SKIP() << ccel << " is not there";
    (void)stop_mrfs();
    daemon_->stop();
    daemon_.emplace(started({.arguments = {"--sim", "--reset", "--sim-ccel", ccel.native()}}));
    ASSERT_TRUE(start_mrfs());
    const auto read = read_file(mountpoint() / "log/firmware");
    ASSERT_TRUE(read) << read.error();
    auto whole = read_file(ccel);  // the kernel's file has all of the memory that the firmware set aside
    ASSERT_TRUE(whole);
    ASSERT_LT(read->size(), whole->size());
    whole->resize(read->size());
    EXPECT_EQ(*read, *whole);
    EXPECT_TRUE(mr::EventLogReader::open(*read));
}

TEST_F(MeasurementsMountTest, AVirtualRegisterIsAFolder) {
    (void)stop_mrfs();
    daemon_->stop();
    daemon_.emplace(started({.config = "[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n"}));
    ASSERT_TRUE(start_mrfs());
    auto client = daemon_->client();
    const auto created = client.create("virtual/build", mr::HashAlgorithm::sha256, "tdx/rtmr3");
    ASSERT_TRUE(created) << created.error().message;
    const auto there = mountpoint() / "registers/virtual/build";
    EXPECT_EQ(read_file(there / "digest"), client.read("virtual/build")->value);
    EXPECT_EQ(read_text(there / "hash_algo"), "sha256\n");
    // What is extended through the log alone takes no bare digest.
    EXPECT_EQ(File(there / "digest", O_WRONLY).opened(), -EACCES);
    EXPECT_EQ(File(measurement("rtmr3:sha384"), O_WRONLY).opened(), -EACCES);
    ASSERT_TRUE(client.close("virtual/build"));
    EXPECT_EQ(read_file(there / "digest"), std::unexpected(ENOENT));
}

// The first extend happens and says that it failed, and both rereads behind it fail.
class FailingMeasurementsMountTest : public MountTest {
protected:
    [[nodiscard]] mrd::Daemon::Options mrd_options() const override { return {.faults = "extend:fail-after@1,refresh:fail@2-3"}; }
};

TEST_F(FailingMeasurementsMountTest, ARereadThatFailsIsTheReadersErrorOfWhatIsLiveAndTheNextReadTriesAgain) {
    EXPECT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("one")), -EIO);
    EXPECT_EQ(read_file(measurement("mrowner")), filled(48, 0));
    EXPECT_EQ(read_file(measurement("rtmr3:sha384")), std::unexpected(EIO));
    EXPECT_TRUE(read_file(measurement("mrtd:sha384")));
    EXPECT_EQ(read_file(measurement("rtmr3:sha384")), mrd::extended(mrd::zero(), mrd::digest_of("one")));
    EXPECT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("two")), 48);
}

}  // namespace
}  // namespace mrfs
