#include "mrd/providers/tsm/measurement_files.h"

#include <sys/resource.h>

#include <cerrno>

#include <gmock/gmock.h>

#include "tests/providers/tsm/measurement_folder.h"

namespace mrd::tsm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string described(const MeasurementFile &file) {
    return file.name + (file.hash ? " " + std::string(mr::to_string(*file.hash)) : "") + " " + std::to_string(file.size) +
           (file.readable ? " r" : " ") + (file.writable ? "w" : "") + (file.extensible() ? " extensible" : "");
}

std::vector<std::string> found_in(const MeasurementFolder &folder) {
    const auto files = find_measurement_files(folder.path()).value();
    std::vector<std::string> texts;
    for (const auto &file : files) texts.push_back(described(file));
    return texts;
}

TEST(MeasurementFiles, NamesAndHashesAreTheFilesAndModesSayWhatCanBeDone) {
    MeasurementFolder folder;
    folder.add("rtmr3:sha384", 0644, 48);
    folder.add("mrtd:sha384", 0444, 48);
    folder.add("mrowner", 0444, 48);
    folder.add("store", 0644, 16);
    folder.add("blind:sha512", 0200, 64);
    EXPECT_THAT(found_in(folder),
                ElementsAre("blind sha512 64 w", "mrowner 48 r", "mrtd sha384 48 r", "rtmr3 sha384 48 rw extensible", "store 16 rw"));
}

TEST(MeasurementFiles, OneNameWithSeveralHashesIsSeveralFiles) {
    MeasurementFolder folder;
    folder.add("pcr10:sha256", 0644, 32);
    folder.add("pcr10:sha384", 0644, 48);
    EXPECT_THAT(found_in(folder), ElementsAre("pcr10 sha256 32 rw extensible", "pcr10 sha384 48 rw extensible"));
}

TEST(MeasurementFiles, WhatHasAHashThatNobodyKnowsIsLeftOut) {
    MeasurementFolder folder;
    folder.add("rtmr0:whirlpool", 0644, 64);
    folder.add("rtmr1:sha384", 0644, 48);
    std::filesystem::create_directory(folder.path() / "a folder");
    EXPECT_THAT(found_in(folder), ElementsAre("rtmr1 sha384 48 rw extensible"));
}

TEST(MeasurementFiles, AFolderThatIsNotThereIsAnErrorThatNamesItAndSaysWhatToDo) {
    EXPECT_EQ(find_measurement_files("/nonexistent/measurements").error(),
              "cannot list /nonexistent/measurements: No such file or directory: load the module that has it");
}

TEST(MeasurementFiles, AWriteIsAllBytesAtTheBeginningAndNothingElse) {
    MeasurementFolder folder;
    folder.add("rtmr3:sha384", 0644, 48, 'x');
    const auto file = find_measurement_files(folder.path()).value().front();
    ASSERT_TRUE(write_measurement(file, mr::Bytes(48, 'a')));
    ASSERT_TRUE(write_measurement(file, mr::Bytes(48, 'b')));
    EXPECT_EQ(folder.content("rtmr3:sha384"), std::string(48, 'b')) << "each write begins at offset 0, with a descriptor of its own";
    EXPECT_EQ(read_measurement(file).value(), mr::Bytes(48, 'b'));
}

TEST(MeasurementFiles, AFileThatGivesFewerBytesThanItHasIsAnError) {
    MeasurementFolder folder;
    folder.add("mrtd:sha384", 0444, 48);
    auto file = find_measurement_files(folder.path()).value().front();
    file.size = 64;
    EXPECT_THAT(read_measurement(file).error().reason, HasSubstr("gave 48 of 64 bytes"));
}

TEST(MeasurementFiles, WhatCannotBeOpenedIsCertainToHaveChangedNothing) {
    const MeasurementFile gone{.path = "/nonexistent/rtmr3:sha384",
                               .name = "rtmr3",
                               .hash = mr::HashAlgorithm::sha384,
                               .size = 48,
                               .readable = true,
                               .writable = true};
    const auto error = write_measurement(gone, mr::Bytes(48)).error();
    EXPECT_EQ(error.applied, Applied::no);
    EXPECT_EQ(error.reason, "cannot open /nonexistent/rtmr3:sha384: No such file or directory: load the module that has it");
}

TEST(MeasurementFiles, OnlyARefusalBeforeTheHardwareIsAskedOrByTheHardwareItselfIsCertain) {
    for (const int error : {EBUSY, ENODEV, ENXIO, EINVAL, EFBIG}) EXPECT_EQ(applied_by_failed_write(error), Applied::no) << error;
    for (const int error : {EIO, EINTR, ETIMEDOUT, EAGAIN, ENOMEM}) EXPECT_EQ(applied_by_failed_write(error), Applied::unknown) << error;
}

TEST(MeasurementFiles, AReadThatFailsTellsTheKernelsReason) {
    const TemporaryFolder folder;
    const MeasurementFile no_file{
        .path = folder.path(), .name = "rtmr3", .hash = mr::HashAlgorithm::sha384, .size = 48, .readable = true, .writable = true};
    const auto read = read_measurement(no_file);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason, "cannot read " + folder.path().native() + ": Is a directory");
}

TEST(MeasurementFiles, AWriteOfFewerBytesMayHaveHappened) {
    MeasurementFolder folder;
    folder.add("rtmr3:sha384", 0644, 48);
    const auto file = find_measurement_files(folder.path()).value().front();
    // Files may be no longer than this now: the write is cut.
    constexpr rlim_t cut = 10;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit limit{.rlim_cur = cut, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const auto written = write_measurement(file, mr::Bytes(48, 'a'));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().applied, Applied::unknown);
    EXPECT_THAT(written.error().reason, HasSubstr("took 10 of 48 bytes"));
}

TEST(MeasurementFiles, AWriteThatFailsTellsTheKernelsReason) {
    // A device whose every write fails, in the place of the file.
    const MeasurementFile full{
        .path = "/dev/full", .name = "rtmr3", .hash = mr::HashAlgorithm::sha384, .size = 48, .readable = true, .writable = true};
    const auto error = write_measurement(full, mr::Bytes(48)).error();
    EXPECT_EQ(error.applied, Applied::unknown);
    EXPECT_EQ(error.reason, "cannot extend /dev/full: No space left on device");
}

}  // namespace
}  // namespace mrd::tsm
