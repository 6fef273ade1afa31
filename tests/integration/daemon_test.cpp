#include "tests/integration/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <latch>
#include <nlohmann/json.hpp>
#include <thread>

#include "mr/tdreport.h"
#include "proto/varlink/client.h"
#include "tests/integration/log_reading.h"
#include "tests/places.h"

namespace mrd {
namespace {

using mr::ErrorCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

mr::ProviderCounters counters_of(mr::Client &client) { return client.statistics().value().at(0); }

mr::ReportData report_data(std::uint8_t byte) {
    mr::ReportData data;
    data.fill(byte);
    return data;
}

// Faults and places to die at are of another program, which has them around the same one.
TEST(Shipped, IsAProgramThatKnowsNeitherFaultsNorPlacesToDieAt) {
    for (const auto *word : {"MRD_SIM_FAULTS", "MRD_KILL", "provider-begins", "fail-before"}) {
        EXPECT_EQ(contents(places::mrd()).find(word), std::string::npos) << word;
        EXPECT_NE(contents(places::mrd_with_faults()).find(word), std::string::npos) << word;
    }
}

// ---- Each method

TEST_F(DaemonTest, ListsTheRegistersOfTheDesign) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto registers = client.list();
    ASSERT_TRUE(registers) << registers.error().message;
    std::string table;
    for (const auto &entry : *registers) {
        EXPECT_TRUE(entry.simulated);
        EXPECT_FALSE(entry.capped);
        EXPECT_EQ(entry.owner, mr::Owner::owned);
        table += entry.name + " " + entry.flags.to_string() + " " + std::string(entry.hash ? mr::to_string(*entry.hash) : "-") + " " +
                 std::to_string(entry.size) + "\n";
    }
    EXPECT_EQ(table,
              "tdx/mrtd R sha384 48\ntdx/mrconfigid R - 48\ntdx/mrowner R - 48\ntdx/mrownerconfig R - 48\ntdx/servtd_hash R sha384 48\n"
              "tdx/rtmr0 XWRL sha384 48\ntdx/rtmr1 XWRL sha384 48\ntdx/rtmr2 XWRL sha384 48\ntdx/rtmr3 XWRL sha384 48\n"
              "tdx/reportdata WRF - 64\ntdx/report0 RLF - 1024\n");
    EXPECT_EQ(client.list("tdx")->size(), registers->size());
    EXPECT_EQ(client.list("tpm").error().code, ErrorCode::no_such_register);
}

TEST_F(DaemonTest, ExtendAndMeasureGiveTheValueThatTheHardwareThenHolds) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto extended_once = client.extend("tdx/rtmr3", digest_of("a"));
    ASSERT_TRUE(extended_once) << extended_once.error().message;
    EXPECT_EQ(extended_once->reading.value, extended(zero(), digest_of("a")));
    EXPECT_EQ(extended_once->sequence, 1);
    const auto measured = client.measure("rtmr3", mr::as_bytes("hello"), {.description = "greeting"});
    ASSERT_TRUE(measured) << measured.error().message;
    EXPECT_EQ(measured->digest, digest_of("hello"));
    EXPECT_EQ(measured->reading.value, extended(extended_once->reading.value, digest_of("hello")));
    EXPECT_EQ(measured->sequence, 2);
    const auto reading = client.read("tdx/rtmr3", {.fresh = true});
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value, measured->reading.value);
    EXPECT_TRUE(reading->refreshed);
    EXPECT_EQ(reading->name, "tdx/rtmr3");
}

TEST_F(DaemonTest, ASnapshotShowsAllRegistersOfOneMoment) {
    const auto daemon = started();
    auto client = daemon.client();
    ASSERT_TRUE(client.extend("rtmr3", digest_of("a")));
    const auto snapshot = client.snapshot();
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_EQ(snapshot->sequence, 1);
    ASSERT_EQ(snapshot->readings.size(), 11U);
    const auto report = mr::decode_tdreport(snapshot->readings[10].value);
    ASSERT_TRUE(report);
    EXPECT_TRUE(std::ranges::equal(report->td_info.rtmr[3], snapshot->readings[8].value));
    EXPECT_EQ(client.snapshot({"rtmr3", "rtmr0"})->readings.at(0).name, "tdx/rtmr3");
}

TEST_F(DaemonTest, AReadOfReport0IsOverTheReportDataThatWasWrittenAndCarriesItsGeneration) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto generation = client.write("tdx/reportdata", report_data(7));
    ASSERT_TRUE(generation) << generation.error().message;
    const auto reading = client.read("tdx/report0", {.generation = *generation});
    ASSERT_TRUE(reading) << reading.error().message;
    EXPECT_EQ(reading->generation, *generation);
    EXPECT_TRUE(std::ranges::equal(mr::decode_tdreport(reading->value)->report_data, report_data(7)));
    EXPECT_FALSE(client.read("tdx/report0")->refreshed) << "none between: the cached one";
    EXPECT_EQ(client.write("tdx/reportdata", report_data(7)), *generation + 1);
    EXPECT_FALSE(client.read("tdx/rtmr3")->generation);
}

TEST_F(DaemonTest, AReadWithAGenerationThatHasMovedFails) {
    const auto daemon = started();
    auto mine = daemon.client();
    auto others = daemon.client();
    const auto generation = mine.write("tdx/reportdata", report_data(1));
    const auto later = others.write("tdx/reportdata", report_data(2));
    for (const auto *name : {"tdx/report0", "tdx/reportdata"}) {
        const auto reading = mine.read(name, {.generation = *generation});
        ASSERT_FALSE(reading);
        EXPECT_EQ(reading.error().code, ErrorCode::generation_mismatch);
        EXPECT_EQ(reading.error().name, "io.mrd.Registers.GenerationMismatch");
        EXPECT_EQ(nlohmann::json::parse(reading.error().parameters), (nlohmann::json{{"expected", *generation}, {"actual", *later}}));
    }
}

TEST_F(DaemonTest, AReportCarriesItsReportDataLeavesTheSharedOneAloneAndIsGenuine) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto generation = client.write("tdx/reportdata", report_data(1));
    auto report = client.report(report_data(9));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->simulated);
    EXPECT_EQ(report->provider, "tdx");
    EXPECT_TRUE(std::ranges::equal(mr::decode_tdreport(report->report)->report_data, report_data(9)));
    EXPECT_TRUE(std::ranges::equal(client.read("tdx/reportdata", {.generation = *generation})->value, report_data(1)));
    EXPECT_TRUE(client.verify_report(report->report)->genuine);
    report->report[200] ^= 1U;
    const auto verdict = client.verify_report(report->report);
    ASSERT_TRUE(verdict);
    EXPECT_FALSE(verdict->genuine);
    EXPECT_THAT(verdict->reason, Not(IsEmpty()));
    EXPECT_EQ(client.report(report_data(9), "tpm").error().code, ErrorCode::no_such_provider);
}

TEST_F(DaemonTest, SimulatedIsShownInListReportStatusAndGetInfo) {
    const auto daemon = started();
    auto client = daemon.client();
    EXPECT_TRUE(client.list()->at(0).simulated);
    EXPECT_TRUE(client.report(report_data(1))->simulated);
    EXPECT_EQ(status_of(client)["simulated"], true);
    const auto info = client.call("org.varlink.service.GetInfo", "{}");
    ASSERT_TRUE(info);
    EXPECT_THAT(nlohmann::json::parse(info->json)["product"], HasSubstr("simulated"));
    EXPECT_THAT(daemon.log(), HasSubstr("the registers are simulated"));
}

TEST_F(DaemonTest, ARefusalReachesTheClientWithItsTypeAndParameters) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto code = [](const auto &answer) { return answer ? std::optional<ErrorCode>() : std::optional(answer.error().code); };
    EXPECT_EQ(code(client.read("rtmr9")), ErrorCode::no_such_register);
    EXPECT_EQ(code(client.extend("mrtd", digest_of("a"))), ErrorCode::not_extensible);
    EXPECT_EQ(code(client.measure("reportdata", {})), ErrorCode::not_extensible);
    EXPECT_EQ(code(client.write("rtmr3", zero())), ErrorCode::not_writable);
    EXPECT_EQ(code(client.write("reportdata", zero())), ErrorCode::wrong_length);
    EXPECT_EQ(code(client.cap("mrtd")), ErrorCode::not_extensible);
    EXPECT_EQ(code(client.call("io.mrd.Registers.Sael", R"({"name":"rtmr3"})")), ErrorCode::method_not_implemented);
    const auto wrong = client.extend("rtmr3", mr::Digest(mr::Bytes(32)));
    ASSERT_EQ(code(wrong), ErrorCode::wrong_length);
    EXPECT_EQ(wrong.error().name, "io.mrd.Registers.WrongLength");
    EXPECT_EQ(nlohmann::json::parse(wrong.error().parameters), (nlohmann::json{{"name", "tdx/rtmr3"}, {"expected", 48}, {"actual", 32}}));
    EXPECT_TRUE(client.read("rtmr3")) << "the connection lives";
}

TEST_F(DaemonTest, WatchGivesThePresentValueAndThenTheChanges) {
    const auto daemon = started();
    auto watcher = daemon.client();
    auto writer = daemon.client();
    std::vector<mr::Bytes> seen;
    mr::Bytes after;
    const auto ended = watcher.watch({"rtmr3"}, [&](const mr::Change &change) {
        EXPECT_EQ(change.sequence, static_cast<std::int64_t>(seen.size()));
        seen.push_back(change.reading.value);
        if (seen.size() == 3) return false;
        after = writer.extend("rtmr3", digest_of("a"))->reading.value;
        return true;
    });
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(seen[0], zero());
    EXPECT_EQ(seen[2], after);
    EXPECT_TRUE(watcher.read("rtmr3")) << "watching used a connection of its own";
}

// ---- Refreshing

class Readers : public DaemonTest, public ::testing::WithParamInterface<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, Readers, ::testing::Values("", "refresh:delay=200"),
                         [](const auto &tested) { return *tested.param == '\0' ? "Fast" : "Slow"; });

TEST_P(Readers, AfterOneExtendCauseExactlyOneRefresh) {
    const auto daemon = started({.faults = GetParam()});
    auto client = daemon.client();
    constexpr int readers = 16;
    std::vector<mr::Client> clients;
    for (int i = 0; i < readers; ++i) clients.push_back(daemon.client());
    const auto value = client.extend("rtmr3", digest_of("a"))->reading.value;
    const auto before = counters_of(client);
    std::latch start(readers);
    std::atomic<int> right = 0;
    {
        std::vector<std::jthread> threads;
        for (auto &reader : clients) {
            threads.emplace_back([&] {
                start.arrive_and_wait();
                const auto reading = reader.read("rtmr3");
                if (reading && reading->value == value) ++right;
            });
        }
    }
    const auto after = counters_of(client);
    EXPECT_EQ(right, readers);
    EXPECT_EQ(after.reads - before.reads, readers);
    EXPECT_EQ(after.refreshes - before.refreshes, 1);
}

TEST_F(DaemonTest, OpeningRefreshesOnceAndAnExtendDoesNot) {
    const auto daemon = started();
    auto client = daemon.client();
    EXPECT_EQ(counters_of(client).refreshes, 1);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.extend("rtmr3", digest_of("a")));
    ASSERT_TRUE(client.read("mrtd"));
    const auto counters = counters_of(client);
    EXPECT_EQ(counters.refreshes, 1);
    EXPECT_EQ(counters.writes, 5);
    EXPECT_EQ(counters.reads, 1);
    EXPECT_EQ(counters.cached_reads, 1);
}

TEST_F(DaemonTest, AnExtendBehindItsBackShowsAsDivergenceAfterAFreshReadAndChangesNothing) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto mine = client.extend("rtmr3", digest_of("a"))->reading.value;
    ASSERT_TRUE(client.read("rtmr3"));
    extend_behind("tdx/rtmr3", mr::to_hex(digest_of("evil").bytes()));
    EXPECT_EQ(client.read("rtmr3")->value, mine) << "the cache does not know";
    EXPECT_EQ(register_status(client, "tdx/rtmr3")["diverged"], false);
    const auto found = extended(mine, digest_of("evil"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read("rtmr3", {.fresh = true})->value, found);
    const auto status = register_status(client, "tdx/rtmr3");
    EXPECT_EQ(status["diverged"], true);
    EXPECT_EQ(status["divergences"], 1);
    EXPECT_EQ(status["logged"], mr::to_hex(mine));
    EXPECT_EQ(status["observed"], mr::to_hex(found));
    EXPECT_EQ(register_status(client, "tdx/rtmr2")["diverged"], false);
    EXPECT_EQ(counters_of(client).writes, 1) << "a read never extends anything";
    EXPECT_THAT(
        daemon.log(),
        HasSubstr("a register holds what the log does not explain: somebody else extended it, or records are missing register=tdx/rtmr3"));
    const auto after = client.extend("rtmr3", digest_of("b"))->reading.value;
    EXPECT_EQ(after, extended(extended(found, mr::Digest(records_of(client).at(1).digest)), digest_of("b"))) << "with a resync before it";
    EXPECT_EQ(client.read("rtmr3", {.fresh = true})->value, after);
}

TEST_F(DaemonTest, AFailingExtendIsToldAsNotAppliedOrSucceedsAsTheRegisterSays) {
    const auto daemon = started({.faults = "extend:fail-before@1,extend:fail-after@2,refresh:fail@4"});
    auto client = daemon.client();
    const auto failed = client.extend("rtmr3", digest_of("a"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::provider_failed);
    EXPECT_EQ(nlohmann::json::parse(failed.error().parameters)["applied"], "no");
    const auto done = client.extend("rtmr3", digest_of("a"));
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->reading.value, extended(zero(), digest_of("a")));
    EXPECT_EQ(client.read("rtmr3", {.fresh = true}).error().code, ErrorCode::provider_failed) << "the old value is not served";
    EXPECT_EQ(client.read("rtmr3")->value, done->reading.value);
}

TEST_F(DaemonTest, ASlowReportDelaysNoCachedRead) {
    const auto daemon = started({.faults = "report:delay=1000@1"});
    auto client = daemon.client();
    std::atomic<int> reported = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            auto reporter = daemon.client();
            EXPECT_TRUE(reporter.report(report_data(1)));
            ++reported;
        });
    }
    // One waits: so the other runs.
    while (status_of(client)["providers"][0]["waitingCalls"] != 1 && reported == 0) {
    }
    EXPECT_FALSE(client.read("rtmr3")->refreshed);
    EXPECT_EQ(reported, 0) << "the read was answered first";
}

// ---- Starting and ending

TEST_F(DaemonTest, TheStateIsForItsOwnerAloneAndTheSocketForEverybody) {
    auto daemon = started();
    struct stat socket{};
    struct stat state{};
    ASSERT_EQ(::stat(daemon.socket().c_str(), &socket), 0);
    EXPECT_EQ(socket.st_mode & 0777U, 0666U) << "what they may do there the access rules say";
    ASSERT_EQ(::stat((folder() / "state").c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 0777U, 0700U);
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_FALSE(std::filesystem::exists(daemon.socket())) << "nothing is left to connect to";
}

TEST_F(DaemonTest, SigtermWhileAnExtendRunsLetsItBeAnsweredAndTheExitCodeIsZero) {
    auto daemon = started({.faults = "extend:delay=300"});
    auto client = daemon.client();
    auto observer = daemon.client();
    std::optional<std::expected<mr::Extended, mr::Error>> answer;
    {
        const std::jthread extending([&] { answer = client.extend("rtmr3", digest_of("a")); });
        while (counters_of(observer).writes == 0) {
        }
        daemon.process().signal(SIGTERM);
    }
    ASSERT_TRUE(*answer) << answer->error().message;
    EXPECT_EQ((*answer)->reading.value, extended(zero(), digest_of("a")));
    EXPECT_EQ(daemon.process().wait(), 0);
    const auto again = started();
    EXPECT_EQ(again.client().read("rtmr3")->value, (*answer)->reading.value);
}

TEST_F(DaemonTest, SigtermWhileACallOfAClientThatHasGoneRunsLetsItTakeEffect) {
    auto daemon = started({.faults = "extend:delay=300"});
    auto observer = daemon.client();
    for (int i = 0; i < 2; ++i) {
        auto connected = mr::Client::connect({.socket = daemon.socket(), .call_timeout = std::chrono::milliseconds(1)});
        ASSERT_TRUE(connected);
        EXPECT_EQ(connected->extend("rtmr3", digest_of("a")).error().code, ErrorCode::timed_out);
    }
    // The first runs, the second has arrived.
    while (counters_of(observer).writes == 0 ||
           (counters_of(observer).writes == 1 && status_of(observer)["providers"][0]["waitingCalls"] == 0)) {
    }
    EXPECT_EQ(daemon.stop(), 0);
    const auto again = started();
    EXPECT_EQ(again.client().read("rtmr3")->value, extended(extended(zero(), digest_of("a")), digest_of("a")));
}

TEST_F(DaemonTest, SigtermEndsAWatch) {
    auto daemon = started();
    auto client = daemon.client();
    std::expected<void, mr::Error> ended;
    {
        std::latch watching(1);
        const std::jthread watcher([&] {
            ended = client.watch({"rtmr3"}, [&](const mr::Change &) {
                watching.count_down();
                return true;
            });
        });
        watching.wait();
        EXPECT_EQ(daemon.stop(), 0);
    }
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::connection_lost);
}

TEST_F(DaemonTest, TheRegistersSurviveARestartAndAKillAndAStaleSocketIsCleanedUp) {
    auto daemon = started();
    const auto value = daemon.client().extend("rtmr3", digest_of("a"))->reading.value;
    daemon.process().signal(SIGKILL);
    EXPECT_EQ(daemon.process().wait(), 1000 + SIGKILL);
    EXPECT_TRUE(std::filesystem::exists(daemon.socket()));
    auto again = started();
    EXPECT_EQ(again.client().read("rtmr3")->value, value);
    EXPECT_EQ(again.stop(), 0);
    auto third = started();
    EXPECT_EQ(third.client().read("rtmr3")->value, value);
    EXPECT_EQ(register_status(*std::make_unique<mr::Client>(third.client()), "tdx/rtmr3")["diverged"], false);
}

TEST_F(DaemonTest, GenerationsDoNotRepeatAcrossRestarts) {
    auto daemon = started();
    const auto first = daemon.client().write("reportdata", report_data(1));
    EXPECT_EQ(daemon.stop(), 0);
    const auto again = started();
    auto client = again.client();
    const auto reading = client.read("reportdata", {.generation = *first});
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ErrorCode::generation_mismatch);
    EXPECT_LT(*client.write("reportdata", report_data(1)), std::int64_t{1} << 53);
}

TEST_F(DaemonTest, AnotherBootStartsANewTd) {
    const auto boot_id = folder() / "boot_id";
    const Daemon::Options options{.config = "[service]\nboot_id_file = \"" + boot_id.native() + "\"\n"};
    const auto value_in = [&](const std::string &boot, bool extend) {
        std::ofstream(boot_id) << boot << '\n';
        auto daemon = started(options);
        auto client = daemon.client();
        if (extend) {
            EXPECT_TRUE(client.extend("rtmr3", digest_of("a")));
        }
        const auto value = client.read("rtmr3")->value;
        EXPECT_EQ(daemon.stop(), 0);
        return value;
    };
    EXPECT_EQ(value_in("boot-1", true), extended(zero(), digest_of("a")));
    EXPECT_EQ(value_in("boot-1", false), extended(zero(), digest_of("a")));
    EXPECT_EQ(value_in("boot-2", false), zero());
    EXPECT_EQ(value_in("boot-1", false), zero());
}

TEST_F(DaemonTest, ResetStartsANewTd) {
    auto daemon = started();
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("a")));
    EXPECT_EQ(daemon.stop(), 0);
    const auto again = started({.arguments = {"--sim", "--reset"}});
    EXPECT_EQ(again.client().read("rtmr3")->value, zero());
}

TEST_F(DaemonTest, ASecondOneOnTheSameSocketRefusesToStartAndHarmsNothing) {
    const auto daemon = started();
    EXPECT_THAT(refused({.state = folder() / "other"}),
                HasSubstr("another mrd uses the socket " + daemon.socket() + ": stop it first, or give this one another"));
    EXPECT_TRUE(daemon.client().read("rtmr3"));
}

TEST_F(DaemonTest, ASecondOneOnTheSameStateRefusesToStartAndHarmsNothing) {
    const auto daemon = started();
    ASSERT_TRUE(daemon.client().extend("rtmr3", digest_of("a")));
    EXPECT_THAT(refused({.arguments = {"--sim", "--reset"}, .socket = folder() / "other"}),
                HasSubstr("another mrd uses the state directory " + (folder() / "state").native()));
    EXPECT_EQ(daemon.client().read("rtmr3", {.fresh = true})->value, extended(zero(), digest_of("a")));
}

TEST_F(DaemonTest, WithoutAProviderItSaysWhatItLookedForAndNeverFallsBackToTheSimulator) {
    if (std::filesystem::exists("/dev/tdx_guest")) GTEST_SKIP() << "this is a TD";
    const auto log = refused({.arguments = {}, .config = "[[provider]]\ntype = \"auto\"\n"});
    for (const auto *text : {"no usable back end: nothing of the type tsm: /sys/devices/virtual/misc/tdx_guest/measurements is not there",
                             "/dev/tdx_guest is not there", "`modprobe tdx_guest`", "/sys/kernel/config/tsm/report is not there",
                             "/sys/firmware/acpi/tables/data/CCEL is not there", "--sim"}) {
        EXPECT_THAT(log, HasSubstr(text));
    }
    EXPECT_FALSE(std::filesystem::exists(folder() / "io.mrd"));
    EXPECT_FALSE(std::filesystem::exists(folder() / "state" / "sim-tdx.state"));
}

TEST_F(DaemonTest, AnOwnerThatThisMachineDoesNotHaveIsFoundBeforeAnythingIsMade) {
    const auto config = "[[listener]]\nname = \"a\"\npath = \"" + (folder() / "a").native() + "\"\ngroup = \"no-such-group\"\n";
    EXPECT_THAT(refused({.config = config}, 2), HasSubstr("listener.group = \"no-such-group\""));
    EXPECT_FALSE(std::filesystem::exists(folder() / "state"));
}

TEST_F(DaemonTest, WhoeverTriesItInPlacesOfRootsIsToldWhatToDo) {
    if (::geteuid() != 0) GTEST_SKIP() << "this needs root";
    // Built below /root, which has mode 0700 on a new machine, another user could not run it.
    const auto program = folder() / "mrd";
    std::filesystem::copy_file(places::mrd(), program);
    std::filesystem::permissions(folder(), std::filesystem::perms(0755));
    Process mrd({program, "--sim", "--socket", folder() / "io.mrd", "--state", folder() / "state"},
                {.errors = folder() / "errors", .in_child = [] { (void)::setuid(65533); }});
    EXPECT_EQ(mrd.wait(), 1);
    EXPECT_THAT(contents(folder() / "errors"), HasSubstr("Permission denied: run mrd as root, or give it places of this user's"));
}

TEST_F(DaemonTest, AStateFileThatIsDamagedIsRefusedWithItsName) {
    std::filesystem::create_directories(folder() / "state");
    std::ofstream(folder() / "state" / "sim-tdx.state") << "not a state";
    EXPECT_THAT(refused({}), HasSubstr((folder() / "state" / "sim-tdx.state").native()));
}

TEST_F(DaemonTest, WrongUsageIsExitCodeTwo) {
    const auto exit_code = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), places::mrd());
        return run_program(arguments, folder()).exit_code;
    };
    EXPECT_EQ(exit_code({"--nonsense"}), 2);
    // Whoever means the simulator gets no hardware in its place.
    for (const std::vector<std::string> &of_simulator :
         std::vector<std::vector<std::string>>{{"--reset"}, {"--sim-mrtd", std::string(96, '1')}, {"--sim-survives-boot"}}) {
        auto command = of_simulator;
        command.insert(command.begin(), {places::mrd(), "--config", "/dev/null"});
        const auto done = run_program(command, folder());
        EXPECT_EQ(done.exit_code, 2) << of_simulator.front();
        EXPECT_THAT(done.err, HasSubstr(of_simulator.front() + " is of the simulator"));
    }
    EXPECT_THAT(run_program({places::mrd(), "--nonsense"}, folder()).err, StartsWith("mrd: "));
    EXPECT_EQ(exit_code({"--log-level", "loud"}), 2);
    EXPECT_EQ(exit_code({"--config", folder() / "missing.toml"}), 2);
    EXPECT_EQ(exit_code({"--help"}), 0);
    EXPECT_EQ(exit_code({"--version"}), 0);
}

TEST_F(DaemonTest, CheckSaysWhatIsWrongWithAConfigurationAndStartsNothing) {
    const auto file = folder() / "c.toml";
    std::ofstream(file) << "[service]\nsttae = \"/a\"\n";
    const auto bad = run_program({places::mrd(), "--check", "--config", file}, folder());
    EXPECT_EQ(bad.exit_code, 2);
    EXPECT_THAT(bad.err, HasSubstr(file.native() + ":2: service.sttae"));
    std::ofstream(file) << "[service]\nuser = \"no-such-user-here\"\n";
    const auto nobody = run_program({places::mrd(), "--check", "--config", file}, folder());
    EXPECT_EQ(nobody.exit_code, 2);
    EXPECT_THAT(nobody.err, HasSubstr("service.user = \"no-such-user-here\": this machine has no such user"));
    std::ofstream(file) << "[service]\nstate = \"/a\"\nuser = \"root\"\n";
    EXPECT_EQ(run_program({places::mrd(), "--check", "--config", file}, folder()).exit_code, 0);
}

TEST_F(DaemonTest, CheckSaysWhatIsWrongOnAnyMachineAsTheStartDoes) {
    struct Wrong {
        std::string text;
        std::string said;
    };
    const std::vector<Wrong> all{
        {"[[listener]]\nname = \"a\"\npath = \"@abs\"\n", "@abs is an abstract socket, to which anybody could connect: use a path"},
        {"[service]\nstate = \"/s/state\"\n[[listener]]\nname = \"a\"\npath = \"/s/state/journal\"\n",
         "listener.path = \"/s/state/journal\" of the listener a is where mrd keeps the file journal of the state directory /s/state"},
        {"[service]\nstate = \"" + (folder() / "nul").native() + "\\u0000y\"\n", "service.state has a NUL character"},
        {"[roles]\nx = \"other/rtmr3\"\n", "roles.x = \"other/rtmr3\": no provider is called other; there are: tdx"},
        {"[roles]\nx = \"tdx/rtmr*\"\n", "roles.x must be a register's whole name"},
        {"[roles]\ntdx = \"tdx/rtmr3\"\n", "roles.tdx: a provider is called so"},
        {"[[register]]\nname = \"tdx/rtmr[\"\n", "register.name fits no register: the pattern has a [ without its ]"},
        {"[[register]]\nname = \"other/rtmr3\"\n", "register.name = \"other/rtmr3\": no provider is called other"},
    };
    const auto file = folder() / "c.toml";
    for (const auto &wrong : all) {
        std::ofstream(file) << wrong.text;
        const auto checked = run_program({places::mrd(), "--sim", "--check", "--config", file}, folder());
        EXPECT_EQ(checked.exit_code, 2) << wrong.text;
        EXPECT_THAT(checked.err, HasSubstr(wrong.said));
        const auto started = run_program({places::mrd(), "--sim", "--config", file}, folder());
        EXPECT_EQ(started.exit_code, 2) << wrong.text;
        EXPECT_THAT(started.err, HasSubstr(wrong.said));
    }
    EXPECT_FALSE(std::filesystem::exists(folder() / "nul"));
}

TEST_F(DaemonTest, TheSimulatedTdIsBuiltAsTheCommandLineSays) {
    const std::string mrtd(96, 'a');
    const auto daemon = started({.arguments = {"--sim", "--sim-mrtd", mrtd, "--sim-attributes", "0x1"}});
    auto client = daemon.client();
    EXPECT_EQ(mr::to_hex(client.read("mrtd")->value), mrtd);
    EXPECT_EQ(mr::decode_tdreport(client.read("report0")->value)->td_info.attributes, 1U);
}

// ---- What an administrator can get wrong, and must not pay for

TEST_F(DaemonTest, AFileThatIsNoSocketIsNeitherRemovedNorLocked) {
    const auto file = folder() / "precious";
    std::ofstream(file) << "data";
    EXPECT_THAT(refused({.socket = file}), HasSubstr("is not a socket"));
    EXPECT_EQ(contents(file), "data");
    EXPECT_FALSE(std::filesystem::exists(file.native() + ".lock"));
}

TEST_F(DaemonTest, AnAbstractSocketIsRefusedBecauseAnybodyCouldConnect) {
    EXPECT_THAT(refused({.socket = "unix:@mrd-test-abstract"}, 2), HasSubstr("anybody could connect"));
}

TEST_F(DaemonTest, ClosedStandardDescriptorsCostNoState) {
    {
        auto daemon = started({.in_child = [] {
            ::close(STDIN_FILENO);
            ::close(STDOUT_FILENO);
            ::close(STDERR_FILENO);
        }});
        EXPECT_TRUE(daemon.client().extend("rtmr3", digest_of("a")));
        EXPECT_EQ(daemon.stop(), 0);
    }
    const auto daemon = started({});
    EXPECT_EQ(daemon.client().read("rtmr3")->value, extended(zero(), digest_of("a")));
}

TEST_F(DaemonTest, AReportOverARegisterThatOthersExtendIsNeverStale) {
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr2\"\nowner = \"shared\"\n"});
    auto client = daemon.client();
    ASSERT_TRUE(client.read("report0"));
    extend_behind("rtmr2", mr::to_hex(digest_of("kernel").bytes()));
    const auto report = mr::decode_tdreport(client.read("report0")->value);
    EXPECT_EQ(mr::Bytes(report->td_info.rtmr[2].begin(), report->td_info.rtmr[2].end()), extended(zero(), digest_of("kernel")));
}

TEST_F(DaemonTest, AWriteThatFailedAfterItsEffectIsReadAsItIs) {
    const auto daemon = started({.faults = "write:fail-after@1"});
    auto client = daemon.client();
    EXPECT_EQ(client.write("reportdata", mr::Bytes(64, 1)).error().code, ErrorCode::provider_failed);
    EXPECT_EQ(client.read("reportdata")->value, mr::Bytes(64, 1));
    EXPECT_EQ(client.read("reportdata")->generation, client.read("report0")->generation);
}

TEST_F(DaemonTest, AnExtendThatOnlyALaterReadSettlesIsCounted) {
    const auto daemon = started({.faults = "extend:fail-after@1,refresh:fail@2-3"});
    auto client = daemon.client();
    EXPECT_FALSE(client.extend("rtmr3", digest_of("a")));
    EXPECT_FALSE(client.read("rtmr3"));
    const auto snapshot = client.snapshot({"rtmr3"});
    EXPECT_EQ(snapshot->readings.front().value, extended(zero(), digest_of("a")));
    EXPECT_EQ(snapshot->sequence, 1);
}

TEST_F(DaemonTest, SigtermEndsAWatcherThatReadsNothingWithoutWaitingForIt) {
    auto daemon = started({});
    auto connection = varlink::ClientConnection::connect(*varlink::Address::parse(daemon.socket()), varlink::no_timeout);
    ASSERT_TRUE(connection);
    // More answers than are sent to a client that does not read, and a subscription behind them.
    std::string calls;
    struct Named {
        std::string_view interface;
        static constexpr auto fields() { return std::tuple(varlink::field("interface", &Named::interface)); }
    };
    for (int i = 0; i < 300; ++i) varlink::write_call(calls, "org.varlink.service.GetInterfaceDescription", Named{"io.mrd.Registers"});
    varlink::write_call(calls, "io.mrd.Registers.Watch", varlink::NoParameters{}, varlink::CallMode::more);
    ASSERT_TRUE(connection->send_frames(calls, varlink::no_timeout));
    daemon.process().signal(SIGTERM);
    while (connection->receive(varlink::no_timeout)) {
    }
    EXPECT_EQ(daemon.process().wait(), 0);
}

// ---- Rules of the configuration

TEST_F(DaemonTest, ALogOnlyRegisterTakesMeasureButNoBareDigest) {
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n"});
    auto client = daemon.client();
    EXPECT_EQ(client.extend("rtmr3", digest_of("a")).error().code, ErrorCode::log_only);
    const auto measured = client.measure("rtmr3", mr::as_bytes("a"));
    EXPECT_NE(measured->digest, digest_of("a")) << "but that of an envelope";
    EXPECT_EQ(measured->reading.value, extended(zero(), measured->digest));
    EXPECT_EQ(client.list()->at(8).flags.to_string(), "XRL");
    EXPECT_TRUE(client.extend("rtmr2", digest_of("a")));
}

TEST_F(DaemonTest, ARuleThatMatchesNoRegisterIsAMistakeThatIsNamed) {
    EXPECT_THAT(refused({.config = "[[register]]\nname = \"tdx/rtmr9\"\nlog_only = true\n"}, 2),
                AllOf(HasSubstr("\"tdx/rtmr9\" matches no register; there are: tdx/mrtd, "), HasSubstr(", tdx/rtmr3, ")));
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr3:sha384\"\nlog_only = true\n"});
    EXPECT_EQ(daemon.client().list()->at(8).flags.to_string(), "XRL");
}

TEST_F(DaemonTest, ASharedRegisterIsRereadForEachReadAndBeforeEachExtendAndDoesNotDiverge) {
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr2\"\nowner = \"shared\"\n"});
    auto client = daemon.client();
    EXPECT_EQ(client.list()->at(7).owner, mr::Owner::shared);
    extend_behind("rtmr2", mr::to_hex(digest_of("boot loader").bytes()));
    EXPECT_EQ(client.read("rtmr2")->value, extended(zero(), digest_of("boot loader")));
    extend_behind("rtmr2", mr::to_hex(digest_of("kernel").bytes()));
    const auto found = extended(extended(zero(), digest_of("boot loader")), digest_of("kernel"));
    const auto after = client.extend("rtmr2", digest_of("a"))->reading.value;
    EXPECT_EQ(after, extended(extended(found, mr::Digest(records_of(client).at(0).digest)), digest_of("a"))) << "with a resync before it";
    EXPECT_EQ(client.read("rtmr2")->value, after);
    EXPECT_EQ(register_status(client, "tdx/rtmr2")["diverged"], false);
}

TEST_F(DaemonTest, AnObservedRegisterIsReadAfreshAndNeverExtended) {
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr0\"\nowner = \"observed\"\n"});
    auto client = daemon.client();
    EXPECT_EQ(client.extend("rtmr0", digest_of("a")).error().code, ErrorCode::not_extensible);
    extend_behind("rtmr0", mr::to_hex(digest_of("firmware").bytes()));
    EXPECT_EQ(client.read("rtmr0")->value, extended(zero(), digest_of("firmware")));
}

TEST_F(DaemonTest, MoreConnectionsThanAllowedEndAtOnceAndAreCounted) {
    const auto daemon = started({.config = "[service]\nmax_connections = 1\n"});
    auto client = daemon.client();
    ASSERT_TRUE(client.read("rtmr3"));
    auto second = daemon.client();
    const auto refused = second.read("rtmr3");
    EXPECT_EQ(refused.error().code, ErrorCode::no_service);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("max_connections"));
    EXPECT_EQ(status_of(client)["refusedConnections"], 1);
    EXPECT_THAT(daemon.log(), HasSubstr("a connection is refused reason=\"as many connections are open as max_connections allows\" uid=" +
                                        std::to_string(::getuid()) + " pid=" + std::to_string(::getpid()) + " untold=0"));
    EXPECT_EQ(status_of(client)["connections"], 1);
    EXPECT_EQ(status_of(client)["limits"]["refused"], (nlohmann::json{{"full", 1}, {"share", 0}, {"descriptors", 0}}));
}

TEST_F(DaemonTest, WhoseConnectionARestartHasEndedIsToldThatNothingWasDoneAndWhatToDo) {
    auto before = started();
    auto client = before.client();  // and no call yet
    EXPECT_EQ(before.stop(), 0);
    const auto after = started();
    const auto refused = client.extend("rtmr3", digest_of("a"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::no_service);
    EXPECT_THAT(refused.error().message,
                ::testing::AllOf(HasSubstr("nothing was done"), HasSubstr("has been started again"), HasSubstr("connect again")));
    ASSERT_TRUE(client.reconnect());
    EXPECT_EQ(client.extend("rtmr3", digest_of("a"))->sequence, 1);
}

TEST_F(DaemonTest, AnotherMrdsSocketIsRefusedBeforeAnythingElseIsMade) {
    const auto first = started();
    const auto state = folder() / "another state";
    EXPECT_THAT(refused({.state = state}), HasSubstr("another mrd uses the socket " + first.socket()));
    EXPECT_FALSE(std::filesystem::exists(state));
}

// A limit of open files that nobody can raise.
Daemon::Options with_descriptors(rlim_t count) {
    return {.in_child = [count] {
        const rlimit limit{.rlim_cur = count, .rlim_max = count};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }};
}

TEST_F(DaemonTest, AConnectionThatItClosesIsToldWithTheReason) {
    const auto daemon = started({.config = "[service]\nmax_message = 4096\n"});
    const auto closed_after = [&](const std::string &sent) {
        varlink::FileDescriptor peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = varlink::Address::parse(daemon.socket());
        ASSERT_EQ(::connect(peer.get(), address->data(), address->size()), 0);
        ASSERT_EQ(::send(peer.get(), sent.data(), sent.size(), MSG_NOSIGNAL), static_cast<ssize_t>(sent.size()));
        char none = 0;
        EXPECT_LE(::recv(peer.get(), &none, 1, 0), 0);
    };
    closed_after(std::string("nonsense\0", 9));
    closed_after(std::string(5000, 'x'));
    const auto uid = "uid=" + std::to_string(::getuid());
    EXPECT_THAT(daemon.log(), HasSubstr("a connection is closed reason=\"a message is no call, or holds more than one may"));
    EXPECT_THAT(daemon.log(), HasSubstr("a connection is closed reason=\"a message is longer than max_message\" " + uid));
    auto client = daemon.client();
    EXPECT_THAT(client.extend("rtmr3", digest_of("x"), {.data = mr::Bytes(8000)}).error().message, HasSubstr("max_message"));
}

TEST_F(DaemonTest, ThereAreNoMoreConnectionsThanDescriptorsForThemAndMrdsOwnAreKept) {
    const auto daemon = started(with_descriptors(64));
    EXPECT_THAT(daemon.log(), HasSubstr("max_connections is lowered to what the limit of open files allows"));
    auto client = daemon.client();
    const auto allowed = status_of(client)["limits"]["maxConnections"].get<std::size_t>();
    EXPECT_EQ(allowed, 24U);
    std::vector<mr::Client> others;
    while (others.size() + 1 < allowed) {
        others.push_back(daemon.client());
        ASSERT_TRUE(others.back().read("rtmr3"));
    }
    auto refused = daemon.client();
    EXPECT_EQ(refused.read("rtmr3").error().code, ErrorCode::no_service) << "at once, instead of after its time";
    EXPECT_TRUE(others.front().extend("rtmr3", digest_of("x")));
    // Over the connection that there is: report() would make one more.
    EXPECT_TRUE(others.back().call("io.mrd.Attestation.Report", R"({"reportData":")" + mr::to_hex(report_data(1)) + "\"}"));
    EXPECT_EQ(status_of(client)["limits"]["refused"]["full"], 1);
}

TEST_F(DaemonTest, WithoutADescriptorForAConnectionItDoesNotStart) {
    EXPECT_THAT(refused(with_descriptors(40)), HasSubstr("raise LimitNOFILE"));
}

}  // namespace
}  // namespace mrd
