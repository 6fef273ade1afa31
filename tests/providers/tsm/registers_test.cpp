#include "mrd/providers/tsm/registers.h"

#include <algorithm>
#include <optional>

#include <gmock/gmock.h>

#include "mr/tdreport.h"
#include "mrd/providers/tsm/tsm.h"
#include "tests/providers/tsm/measurement_folder.h"

namespace mrd::tsm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A TD whose registers each hold their own byte.
class FakeDevice final : public GuestDevice {
public:
    std::expected<RawReport, ProviderError> report(const mr::ReportData &report_data) override {
        ++calls;
        if (failure) return std::unexpected(*failure);
        mr::TdReport report;
        report.report_type = {mr::tdreport_type_tdx, 0, 1, 0};
        report.report_data = report_data;
        report.td_info.mrtd.fill(1);
        report.td_info.mrconfigid.fill(2);
        report.td_info.mrowner.fill(3);
        report.td_info.mrownerconfig.fill(4);
        for (std::size_t i = 0; i < report.td_info.rtmr.size(); ++i) report.td_info.rtmr.at(i).fill(static_cast<std::uint8_t>(5 + i));
        report.td_info.servtd_hash.fill(9);
        return mr::encode_tdreport(report);
    }

    std::optional<ProviderError> failure;
    int calls = 0;
};

std::vector<std::string> described(const Registers &registers) {
    std::vector<std::string> texts;
    for (const auto &spec : registers.list()) {
        texts.push_back(spec.name + " " + spec.flags.to_string() + " " + std::to_string(spec.size) + " " +
                        std::string(mr::to_string(spec.owner)) + " " + std::to_string(spec.refresh_set));
    }
    return texts;
}

RegisterIndex index_of(const Registers &registers, std::string_view name) {
    const auto &list = registers.list();
    return static_cast<RegisterIndex>(std::ranges::find(list, name, &RegisterSpec::name) - list.begin());
}

class TsmRegisters : public testing::Test {
protected:
    [[nodiscard]] Registers with_device() { return {find_measurement_files(folder_.path()).value(), &device_}; }
    [[nodiscard]] Registers with_files_alone() const { return {find_measurement_files(folder_.path()).value(), nullptr}; }
    static std::vector<mr::Bytes> values_of(Registers &registers, RefreshSet set) {
        std::vector<mr::Bytes> values(registers.list().size());
        EXPECT_TRUE(registers.refresh(set, values));
        return values;
    }

    MeasurementFolder folder_;
    FakeDevice device_;
};

TEST_F(TsmRegisters, OfATdAreItsFilesAndWhatItsReportHasBesideThem) {
    MeasurementFolder::add_td_registers(folder_);
    EXPECT_THAT(described(with_device()),
                ElementsAre("mrconfigid R 48 owned 0", "mrowner R 48 owned 0", "mrownerconfig R 48 owned 0", "mrtd R 48 owned 0",
                            "rtmr0 XWRL 48 observed 0", "rtmr1 XWRL 48 observed 0", "rtmr2 XWRL 48 shared 0", "rtmr3 XWRL 48 owned 0",
                            "servtd_hash R 48 owned 0", "reportdata WRF 64 owned 0", "report0 RLF 1024 owned 0"));
}

TEST_F(TsmRegisters, AreAllRereadByOneReport) {
    MeasurementFolder::add_td_registers(folder_);
    auto registers = with_device();
    const auto values = values_of(registers, 0);
    EXPECT_EQ(device_.calls, 1);
    for (const auto &[name, byte] : std::vector<std::pair<std::string_view, int>>{{"mrtd", 1},
                                                                                  {"mrconfigid", 2},
                                                                                  {"mrowner", 3},
                                                                                  {"mrownerconfig", 4},
                                                                                  {"rtmr0", 5},
                                                                                  {"rtmr1", 6},
                                                                                  {"rtmr2", 7},
                                                                                  {"rtmr3", 8},
                                                                                  {"servtd_hash", 9}}) {
        EXPECT_EQ(values[index_of(registers, name)], mr::Bytes(48, static_cast<std::uint8_t>(byte))) << name;
    }
    EXPECT_EQ(values[index_of(registers, "reportdata")], mr::Bytes(64, 0));
    EXPECT_EQ(mr::decode_tdreport(values[index_of(registers, "report0")]).value().td_info.rtmr.at(3).front(), 8);
}

TEST_F(TsmRegisters, TheReportIsOverTheReportDataThatWasWritten) {
    auto registers = with_device();
    ASSERT_TRUE(registers.write(index_of(registers, "reportdata"), mr::Bytes(64, 7)));
    const auto values = values_of(registers, 0);
    EXPECT_EQ(values[index_of(registers, "reportdata")], mr::Bytes(64, 7));
    EXPECT_EQ(mr::decode_tdreport(values[index_of(registers, "report0")]).value().report_data.back(), 7);
    EXPECT_THAT(registers.write(index_of(registers, "reportdata"), mr::Bytes(63)).error().reason,
                HasSubstr("takes 64 bytes, these are 63"));
}

TEST_F(TsmRegisters, OfAKernelWithoutTheFilesAreThoseOfTheReportAndNoneCanBeExtended) {
    auto registers = with_device();
    EXPECT_THAT(described(registers),
                ElementsAre("mrtd R 48 owned 0", "mrconfigid R 48 owned 0", "mrowner R 48 owned 0", "mrownerconfig R 48 owned 0",
                            "rtmr0 RL 48 observed 0", "rtmr1 RL 48 observed 0", "rtmr2 RL 48 observed 0", "rtmr3 RL 48 observed 0",
                            "servtd_hash R 48 owned 0", "reportdata WRF 64 owned 0", "report0 RLF 1024 owned 0"));
    const auto extended = registers.extend(index_of(registers, "rtmr3"), mr::Digest::zero(mr::HashAlgorithm::sha384));
    ASSERT_FALSE(extended);
    EXPECT_EQ(extended.error().applied, Applied::no);
}

TEST_F(TsmRegisters, AFileThatNoReportHasIsReadByItselfInASetOfItsOwn) {
    MeasurementFolder::add_td_registers(folder_);
    folder_.add("other:sha256", 0644, 32, 'o');
    folder_.add("rtmr1:sha512", 0644, 64, 'l');
    auto registers = with_device();
    EXPECT_THAT(described(registers), testing::IsSupersetOf({"other XWRL 32 owned 1", "rtmr1 XWRL 64 observed 2"}));
    const auto values = values_of(registers, 1);
    EXPECT_EQ(values[index_of(registers, "other")], mr::Bytes(32, 'o'));
    EXPECT_EQ(device_.calls, 0);
}

TEST_F(TsmRegisters, AFileOfAReportsNameWithAnotherHashOrSizeIsNotTheReports) {
    folder_.add("mrowner:sha384", 0444, 48, 'h');
    folder_.add("mrconfigid", 0444, 32, 's');
    auto registers = with_device();
    EXPECT_THAT(described(registers), testing::IsSupersetOf({"mrconfigid R 32 owned 1", "mrowner R 48 owned 2"}));
    EXPECT_EQ(values_of(registers, 1)[index_of(registers, "mrconfigid")], mr::Bytes(32, 's'));
    EXPECT_EQ(values_of(registers, 2)[index_of(registers, "mrowner")], mr::Bytes(48, 'h'));
}

TEST_F(TsmRegisters, OnlyReportDataAndTheReportOverThemCarryAGeneration) {
    const auto registers = with_device();
    for (const auto &spec : registers.list())
        EXPECT_EQ(spec.carries_generation, spec.name == "reportdata" || spec.name == "report0") << spec.name;
}

TEST_F(TsmRegisters, AFileThatCanOnlyBeWrittenIsNotRead) {
    folder_.add("blind:sha512", 0200, 64, 'x');
    auto registers = with_files_alone();
    EXPECT_EQ(values_of(registers, 0)[0], mr::Bytes(64, 0));
}

TEST_F(TsmRegisters, AStoreIsWrittenAndNotExtendedAndWhatHasNoFileIsNeither) {
    folder_.add("store", 0644, 48);
    auto registers = with_device();
    const auto store = index_of(registers, "store");
    const auto digest = mr::Digest::zero(mr::HashAlgorithm::sha384);
    ASSERT_TRUE(registers.write(store, mr::Bytes(48, 'w')));
    EXPECT_EQ(folder_.content("store"), std::string(48, 'w'));
    const auto extended = registers.extend(store, digest);
    ASSERT_FALSE(extended);
    EXPECT_EQ(extended.error().applied, Applied::no);
    EXPECT_EQ(folder_.content("store"), std::string(48, 'w'));
    const auto written = registers.write(index_of(registers, "mrtd"), mr::Bytes(48));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().applied, Applied::no);
    EXPECT_EQ(written.error().reason, "the kernel has no file to write mrtd with");
}

TEST_F(TsmRegisters, AnExtendIsOneWriteOfTheDigestToTheRegistersFile) {
    MeasurementFolder::add_td_registers(folder_);
    auto registers = with_device();
    const mr::Bytes digest(48, 'd');
    ASSERT_TRUE(registers.extend(index_of(registers, "rtmr2"), mr::Digest(digest)));
    EXPECT_EQ(folder_.content("rtmr2:sha384"), std::string(48, 'd'));
    EXPECT_EQ(folder_.content("rtmr3:sha384"), std::string(48, '\0'));
}

TEST_F(TsmRegisters, ADigestOfAnotherLengthNeverReachesTheKernelWhichWouldCutIt) {
    MeasurementFolder::add_td_registers(folder_);
    auto registers = with_device();
    const mr::Bytes longer(64, 'd');
    const auto refused = registers.extend(index_of(registers, "rtmr3"), mr::Digest(longer));
    EXPECT_EQ(refused.error().applied, Applied::no);
    EXPECT_THAT(refused.error().reason, HasSubstr("takes 48 bytes, these are 64"));
    EXPECT_EQ(folder_.content("rtmr3:sha384"), std::string(48, '\0'));
}

TEST_F(TsmRegisters, AReportThatFailsIsTheRefreshsError) {
    auto registers = with_device();
    device_.failure = ProviderError{"the device is gone", Applied::no};
    std::vector<mr::Bytes> values(registers.list().size());
    EXPECT_EQ(registers.refresh(0, values).error().reason, "the device is gone");
}

TEST_F(TsmRegisters, WithFilesAloneEachIsReadByItselfAndNoneIsShared) {
    MeasurementFolder::add_td_registers(folder_);
    folder_.add("rtmr3:sha384", 0644, 48, 'v');
    auto registers = with_files_alone();
    EXPECT_THAT(described(registers),
                ElementsAre("mrconfigid R 48 owned 0", "mrowner R 48 owned 1", "mrownerconfig R 48 owned 2", "mrtd R 48 owned 3",
                            "rtmr0 XWRL 48 observed 4", "rtmr1 XWRL 48 observed 5", "rtmr2 XWRL 48 observed 6", "rtmr3 XWRL 48 owned 7"));
    EXPECT_EQ(values_of(registers, 7)[7], mr::Bytes(48, 'v'));
    for (const auto &spec : registers.list())
        EXPECT_EQ(spec.others_unseen,
                  "there is no device for TDREPORTs, and the kernel's file shows what others have extended only after "
                  "mrd's own next extend");
}

TEST_F(TsmRegisters, ThatAReportRereadsShowWhatOthersExtendedAndOthersDoNot) {
    MeasurementFolder::add_td_registers(folder_);
    folder_.add("rtmr2:sha512", 0644, 64);
    std::vector<std::string> unseen;
    const auto registers = with_device();
    for (const auto &spec : registers.list()) {
        if (!spec.others_unseen.empty())
            unseen.push_back(spec.name + " " + std::string(mr::to_string(spec.owner)) + " " + spec.others_unseen);
    }
    EXPECT_THAT(unseen, ElementsAre("rtmr2 observed no TDREPORT has it, and the kernel's file shows what others have extended only after "
                                    "mrd's own next extend"));
}

TEST_F(TsmRegisters, WithFilesAloneAnExtendOfUnknownOutcomeMakesThemUnreadableUntilOneSucceeds) {
    MeasurementFolder::add_td_registers(folder_);
    auto files = find_measurement_files(folder_.path()).value();
    files.push_back(
        {.path = "/dev/full", .name = "failing", .hash = mr::HashAlgorithm::sha384, .size = 48, .readable = true, .writable = true});
    Registers registers(std::move(files), nullptr);
    std::vector<mr::Bytes> values(registers.list().size());
    const auto refresh = [&](std::string_view name) {
        return registers.refresh(registers.list()[index_of(registers, name)].refresh_set, values);
    };
    const auto digest = mr::Digest::zero(mr::HashAlgorithm::sha384);

    const auto extended = registers.extend(index_of(registers, "failing"), digest);
    ASSERT_FALSE(extended);
    EXPECT_EQ(extended.error().applied, Applied::unknown);
    const auto refreshed = refresh("rtmr3");
    ASSERT_FALSE(refreshed);
    EXPECT_THAT(refreshed.error().reason, HasSubstr("may show an old value"));
    EXPECT_TRUE(refresh("mrtd")) << "what nobody extends does not change";
    ASSERT_TRUE(registers.extend(index_of(registers, "rtmr1"), digest));
    EXPECT_TRUE(refresh("rtmr3"));
}

TEST_F(TsmRegisters, WithFilesAloneARefusedExtendLeavesThemReadable) {
    MeasurementFolder::add_td_registers(folder_);
    auto registers = with_files_alone();
    std::filesystem::remove(folder_.path() / "rtmr2:sha384");
    const auto refused = registers.extend(index_of(registers, "rtmr2"), mr::Digest::zero(mr::HashAlgorithm::sha384));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().applied, Applied::no);
    values_of(registers, registers.list()[index_of(registers, "rtmr3")].refresh_set);
}

// ---- The provider

TEST(Tsm, IsMadeOfWhatIsThere) {
    MeasurementFolder folder;
    MeasurementFolder::add_td_registers(folder);
    const auto provider = open({.name = "tdx", .paths = {.measurements = folder.path(), .guest_device = "/nonexistent/tdx_guest"}}).value();
    EXPECT_EQ(provider->kind(), "tdx");
    EXPECT_FALSE(provider->simulated());
    EXPECT_TRUE(provider->may_wait()) << "for the kernel's lock";
    EXPECT_EQ(provider->registers()->list().size(), 8U);
    EXPECT_EQ(provider->reporter(), nullptr);
    EXPECT_EQ(provider->report_verifier(), nullptr) << "Linux does not offer the check of a report";
}

TEST(Tsm, WithoutEitherSaysWhatWasLookedForAndWhatToDo) {
    EXPECT_THAT(open({.name = "tdx", .paths = {.measurements = "/nonexistent/m", .guest_device = "/nonexistent/d"}}).error(),
                testing::AllOf(testing::StartsWith("this kernel shows no TD: /nonexistent/m is not there (Linux 6.16 and later"),
                               HasSubstr("/nonexistent/d is not there (Linux 6.2 and later): on a TD, `modprobe tdx_guest`")));
}

TEST(Tsm, WhoseRegistersCannotBeListedIsNotOpenedWithoutThem) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "measurements";
    std::ofstream(file) << "no folder";
    const auto opened = open({.name = "tdx", .paths = {.measurements = file, .guest_device = "/dev/null"}});
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), HasSubstr("cannot list " + file.native() + ": Not a directory"));
}

TEST(Tsm, AsksNoServiceForQuotesWhereThereIsNoDeviceToMakeReports) {
    MeasurementFolder folder;
    MeasurementFolder::add_td_registers(folder);
    const auto opened = open({.name = "tdx",
                              .qgs = qgs::Address{.cid = 2, .port = 4050, .path = {}},
                              .paths = {.measurements = folder.path(), .guest_device = "/nonexistent/d"}});
    EXPECT_THAT(opened.error(), HasSubstr("vsock:2:4050 are made over TDREPORTs of /nonexistent/d, which is not there"));
}

TEST(Tsm, ReportsAreTheDevicesAndTakeSixtyFourBytes) {
    const auto provider = make_provider({.name = "tdx"}, {}, std::make_unique<FakeDevice>());
    const auto report = provider->reporter()->report(mr::Bytes(64, 5)).value();
    EXPECT_EQ(mr::decode_tdreport(report).value().report_data.front(), 5);
    const auto refused = provider->reporter()->report(mr::Bytes(10));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "a TDREPORT takes 64 bytes of report data, these are 10");
}

}  // namespace
}  // namespace mrd::tsm
