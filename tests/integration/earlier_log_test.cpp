// What an mrd of the initrd logged, and others before mrd came, is the next part of the log of the one behind it; on real processes and their simulated TD.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/daemon.h"
#include "tests/integration/log_reading.h"

namespace mrd {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class EarlierLogTest : public DaemonTest {
protected:
    [[nodiscard]] std::filesystem::path file(const std::string &name) const { return folder() / name; }
    void write(const std::string &name, mr::ByteView bytes) const {
        std::ofstream(file(name), std::ios::binary | std::ios::trunc)
            .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    [[nodiscard]] Daemon::Options with(const std::string &logs, const std::string &more = {}) const {
        const auto ccel = (places::shared_data() / std::filesystem::path("ccel/gcp-cos113/ccel.bin")).string();
        return {.arguments = {"--sim-ccel", ccel},
                .config = "[[provider]]\ntype = \"sim\"\nname = \"tdx\"\nearlier_logs = [" + logs + "]\n" + more};
    }
    // The initrd's mrd: its journal ends with it, the registers do not.
    void run_in_initrd() {
        auto daemon = started(with(""));
        auto client = daemon.client();
        ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("disk"), {.description = "the disk is unlocked"}));
        ASSERT_TRUE(client.extend("tdx/rtmr2", digest_of("modules")));
        for (const auto *format : {"json", "cel_json", "tcg"}) write(std::string("initrd.") + format, export_of(client, format));
        events_ = records_of(client).size();
        ASSERT_EQ(daemon.stop(), 0);
        std::filesystem::remove(folder() / "state" / "journal");
    }
    static bool is_whole(mr::Client &client) {
        return std::ranges::all_of(replay_of(client), [](const mr::ReplayResult &result) { return result.equal; });
    }

    std::size_t events_ = 0;
};

TEST_F(EarlierLogTest, OfAnInitrdIsTheNextPartBehindTheFirmwaresInEachFormat) {
    if (!std::filesystem::exists(places::shared_data())) GTEST_SKIP();
    run_in_initrd();
    for (const auto *format : {"json", "cel_json", "tcg"}) {
        std::filesystem::remove(folder() / "state" / "journal");
        auto daemon = started(with('"' + file(std::string("initrd.") + format).string() + '"'));
        auto client = daemon.client();
        const auto records = records_of(client);
        // Its own copy of the firmware's events is not there twice.
        ASSERT_EQ(records.size(), events_) << format;
        EXPECT_EQ(records.back().origin, mr::EventOrigin::firmware);
        EXPECT_EQ(register_status(client, "tdx/rtmr3")["startUnexplained"], false);
        EXPECT_TRUE(is_whole(client)) << format;
        ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("later")));
        EXPECT_TRUE(is_whole(client)) << format;
        // What the next one finds behind this one.
        for (const auto *next : {"json", "cel_json", "tcg"}) write(std::string("initrd.") + next, export_of(client, next));
        events_ = records_of(client).size();
        ASSERT_EQ(daemon.stop(), 0);
    }
}

TEST_F(EarlierLogTest, ThatLeadsElsewhereIsAGapWhichSaysWhy) {
    if (!std::filesystem::exists(places::shared_data())) GTEST_SKIP();
    run_in_initrd();
    extend_behind("tdx/rtmr3", mr::to_hex(digest_of("unseen").bytes()));
    const auto log = file("initrd.json").string();
    const auto daemon = started(with('"' + log + "\", \"" + file("absent").string() + '"'));
    auto client = daemon.client();
    const auto status = register_status(client, "tdx/rtmr3");
    EXPECT_EQ(status["startUnexplained"], true);
    const auto reason = status.value("startReason", "");
    EXPECT_THAT(reason,
                HasSubstr("cannot open " + file("absent").string() + ": No such file or directory; " + log + ": its events lead to "));
    EXPECT_THAT(daemon.log(), HasSubstr("is not explained register=tdx/rtmr3"));
    EXPECT_TRUE(replay_of(client, "tdx/rtmr2").equal) << "the other register is explained";
    EXPECT_EQ(replay_of(client, "tdx/rtmr3").gaps, std::vector<std::int64_t>{0});
    ASSERT_TRUE(client.extend("tdx/rtmr3", digest_of("later"))) << "and mrd goes on";
}

TEST_F(EarlierLogTest, ACcelOfAnotherMachineIsRefusedByName) {
    if (!std::filesystem::exists(places::shared_data())) GTEST_SKIP();
    std::filesystem::create_directories(folder() / "data");
    std::filesystem::copy(places::shared_data() / std::filesystem::path("ccel/gcp-cos113/ccel.bin"), folder() / "data" / "CCEL");
    mr::Bytes table(56);
    std::ranges::copy(std::string_view("CCEL"), table.begin());
    table[36] = 1;
    write("CCEL", table);
    const auto daemon = started(with("", "firmware_log = \"" + (folder() / "data" / "CCEL").string() + "\"\n"));
    auto client = daemon.client();
    EXPECT_EQ(register_status(client, "tdx/rtmr0").value("startReason", ""),
              "the ACPI table " + file("CCEL").string() + " is of AMD SEV (type 1, subtype 0): its log says nothing of a TD's registers");
    EXPECT_TRUE(records_of(client).empty());
    const auto told = run_program({places::mrctl(), "status"}, folder(), {}, {{"MRD_SOCKET", daemon.socket()}});
    EXPECT_THAT(told.out, ContainsRegex("tdx/rtmr0 [^\n]*is of AMD SEV")) << "whatever else is to be said of it";
}

}  // namespace
}  // namespace mrd
