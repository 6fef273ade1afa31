#include "mrd/providers/tsm/sight.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include <gmock/gmock.h>

#include "tests/providers/tsm/measurement_folder.h"

namespace mrd::tsm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A machine's folders, made up. What a test does not make is not there.
class Machine : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path at(const char *path) const { return folder_.path() / path; }
    [[nodiscard]] std::string text(const char *path) const { return at(path).native(); }
    void make_file(const std::filesystem::path &path, mode_t mode = 0600) const {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << "something";
        ::chmod(path.c_str(), mode);
    }
    void make_td() {
        MeasurementFolder::add_td_registers(registers_);
        make_file(paths_.guest_device);
        std::filesystem::create_directories(paths_.reports);
        make_file(paths_.firmware_log, 0400);
    }

    TemporaryFolder folder_;
    MeasurementFolder registers_;
    Paths paths_{.measurements = registers_.path(),
                 .guest_device = at("dev/tdx_guest"),
                 .reports = at("config/tsm/report"),
                 .firmware_log = at("CCEL")};
};

using Sight = Machine;

// As a user that owns none of it.
std::string seen_by_nobody(const Paths &paths) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "no pipe";
    const auto child = ::fork();
    if (child == 0) {
        constexpr uid_t nobody = 65534;
        const auto text = ::setgid(nobody) == 0 && ::setuid(nobody) == 0 ? look_for(paths).text() : "no such user";
        ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said(4096, 0);
    const auto size = ::read(ends[0], said.data(), said.size());
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    said.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return said;
}

TEST_F(Sight, OfATdNamesEverythingThatIsThere) {
    make_td();
    const auto sighting = look_for(paths_);
    EXPECT_TRUE(sighting.found);
    EXPECT_THAT(sighting.clauses, ElementsAre(registers_.path().native() + " has 8 registers", text("dev/tdx_guest") + " is there",
                                              text("config/tsm/report") + " is there", text("CCEL") + " is there"));
}

TEST_F(Sight, OfAnotherMachineSaysWhatWouldBeThereOnATd) {
    std::filesystem::remove(registers_.path());
    const auto sighting = look_for(paths_);
    EXPECT_FALSE(sighting.found);
    EXPECT_THAT(sighting.clauses,
                ElementsAre(registers_.path().native() + " is not there (Linux 6.16 and later, with CONFIG_TSM_MEASUREMENTS)",
                            text("dev/tdx_guest") + " is not there (Linux 6.2 and later): on a TD, `modprobe tdx_guest`",
                            text("config/tsm/report") +
                                " is not there, so there are no quotes of the kernel: configfs is not loaded: "
                                "`modprobe configfs`, and `mount -t configfs configfs " +
                                text("config") + "`",
                            text("CCEL") + " is not there: the firmware has left no log"));
}

TEST_F(Sight, OfAKernelWithoutTheFilesSaysThatNothingCanBeExtended) {
    std::filesystem::remove(registers_.path());
    make_file(paths_.guest_device);
    const auto sighting = look_for(paths_);
    EXPECT_TRUE(sighting.found);
    EXPECT_THAT(sighting.clauses[0],
                HasSubstr("is not there (Linux 6.16 and later, with CONFIG_TSM_MEASUREMENTS): no register can be extended"));
}

TEST_F(Sight, OfFilesWithoutTheDeviceSaysThatSomebodyKeepsItFromMrd) {
    registers_.add("rtmr3:sha384", 0644, 48);
    const auto sighting = look_for(paths_);
    EXPECT_TRUE(sighting.found);
    EXPECT_EQ(sighting.clauses[0], registers_.path().native() + " has 1 register");
    EXPECT_EQ(sighting.clauses[1],
              text("dev/tdx_guest") + " is not there, although its module is loaded: give mrd's service or container the device");
}

// What a driver makes of it, tests/kernel-lab/boots/report-options shows.
TEST_F(Sight, OfFoldersOfReportsThatNobodyMakesIsNothingAndSaysWhatToLoad) {
    std::filesystem::create_directories(paths_.reports);
    const auto sighting = look_for(paths_);
    EXPECT_FALSE(sighting.found);
    EXPECT_THAT(sighting.clauses[2],
                testing::AllOf(testing::StartsWith(text("config/tsm/report") + " is there, and nobody makes reports (cannot open "),
                               HasSubstr("`modprobe sev-guest`, on Arm CCA `modprobe arm-cca-guest`")));
    EXPECT_TRUE(std::filesystem::is_empty(paths_.reports));
}

TEST_F(Sight, OfAnEmptyFolderOfRegistersIsNoTd) {
    EXPECT_FALSE(look_for(paths_).found);
    EXPECT_THAT(look_for(paths_).clauses[0], HasSubstr("has 0 registers"));
}

TEST_F(Sight, TellsConfigfsThatIsNotLoadedFromOneThatIsNotMountedAndFromOneWithoutReports) {
    EXPECT_THAT(look_for(paths_).clauses[2], HasSubstr("configfs is not loaded: `modprobe configfs`, and `mount -t configfs configfs "));
    std::filesystem::create_directories(at("config"));
    EXPECT_THAT(look_for(paths_).clauses[2], HasSubstr("configfs is not mounted: `mount -t configfs configfs " + text("config") + "`"));
    paths_.reports = "/proc/tsm/report";  // something is mounted there
    EXPECT_THAT(look_for(paths_).clauses[2], HasSubstr("quotes of the kernel: on a TD, `modprobe tdx_guest` (Linux 6.7 and later)"));
}

TEST_F(Sight, NamesEachFileThatThisProcessHasNoRightToAndWhatToDo) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
    make_td();
    for (const auto &path : {folder_.path(), registers_.path()}) ::chmod(path.c_str(), 0755);
    const auto said = seen_by_nobody(paths_);
    constexpr const char *what_to_do = ": Permission denied: run mrd as root, or give it the file";
    EXPECT_THAT(said, HasSubstr("has 8 registers, and none can be extended: cannot write " + (registers_.path() / "rtmr3:sha384").native() +
                                what_to_do));
    EXPECT_THAT(said, HasSubstr("cannot open " + text("dev/tdx_guest") + what_to_do));
    EXPECT_THAT(said, HasSubstr("cannot make a folder in " + text("config/tsm/report") + what_to_do));
    EXPECT_THAT(said, HasSubstr("cannot read " + text("CCEL") + what_to_do));

    // One that was given to it is enough.
    ::chmod((registers_.path() / "rtmr1:sha384").c_str(), 0646);
    EXPECT_THAT(seen_by_nobody(paths_), testing::StartsWith(registers_.path().native() + " has 8 registers; "));
    for (const auto *name : {"rtmr0:sha384", "rtmr1:sha384", "rtmr2:sha384", "rtmr3:sha384"})
        std::filesystem::remove(registers_.path() / name);
    EXPECT_THAT(seen_by_nobody(paths_), testing::StartsWith(registers_.path().native() + " has 4 registers; "))
        << "nobody extends those that are left";
    ::chmod(registers_.path().c_str(), 0700);
    EXPECT_THAT(seen_by_nobody(paths_), HasSubstr("cannot list " + registers_.path().native() + what_to_do));
}

}  // namespace
}  // namespace mrd::tsm
