// The log as a file: what mrd exports replays to the registers' values in every reader, ours and others'.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "libmr/wire/event_log.h"
#include "proto/varlink/client.h"
#include "tests/integration/daemon.h"
#include "tests/integration/log_reading.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::IsEmpty;

class LogExportTest : public DaemonTest {};

// The registers' values, as a log that was exported replays to.
std::map<std::string, mr::Bytes> replayed_offline(const mr::Bytes &file) {
    auto reader = mr::EventLogReader::open(file);
    EXPECT_TRUE(reader) << reader.error().message;
    mr::Replay replay;
    for (const auto &known : reader->registers()) replay.declare(known);
    mr::Event event;
    for (;;) {
        const auto more = reader->next(event);
        EXPECT_TRUE(more) << more.error().message;
        if (!more || !*more) break;
        const auto applied = replay.apply(event);
        EXPECT_TRUE(applied) << applied.error().message;
    }
    std::map<std::string, mr::Bytes> values;
    for (const auto &known : replay.registers()) {
        EXPECT_THAT(known.gaps, IsEmpty());
        values[known.name] = bytes_of(known.value);
    }
    return values;
}

void extend_some(mr::Client &client) {
    ASSERT_TRUE(client.extend("tdx/rtmr2", digest_of("kernel"), {.description = "the kernel"}));
    ASSERT_TRUE(client.measure(program_register, mr::as_bytes("some data"), {.type = mr::ev_ipl}));
    ASSERT_TRUE(client.measure(program_register, mr::as_bytes("more data"), {.description = "what it is", .envelope = true}));
    ASSERT_TRUE(client.extend(program_register, digest_of("bare"), {.id = "id"}));
    ASSERT_TRUE(client.cap("tdx/rtmr2"));
}

TEST_F(LogExportTest, EveryFormatReplaysOfflineToTheRegistersValues) {
    const auto daemon = started();
    auto client = daemon.client();
    extend_some(client);
    const auto rtmr2 = client.read("tdx/rtmr2")->value;
    const auto rtmr3 = client.read(program_register)->value;
    for (const std::string format : {"tcg", "tcg_index0", "cel_json", "json"}) {
        SCOPED_TRACE(format);
        // With the header's index 0 a log says PCRs, unless the reader knows better.
        const auto file = export_of(client, format);
        auto values = replayed_offline(file);
        EXPECT_EQ(values["rtmr2"], rtmr2);
        EXPECT_EQ(values["rtmr3"], rtmr3);
    }
    const auto tcg = export_of(client, "tcg");
    EXPECT_EQ(mr::read_tcg_header(tcg)->header.index, 1U);
    EXPECT_EQ(mr::read_tcg_header(export_of(client, "tcg_index0"))->header.index, 0U);
}

TEST_F(LogExportTest, Tpm2EventlogReadsTheFormWithIndexZeroAndComputesTheSameValues) {
    const auto *program = "/usr/bin/tpm2_eventlog";
    if (!std::filesystem::exists(program)) GTEST_SKIP() << "tpm2-tools are not installed";
    const auto daemon = started();
    auto client = daemon.client();
    extend_some(client);
    const auto file = folder() / "log";
    const auto bytes = export_of(client, "tcg_index0");
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const auto done = run_program({program, file}, folder());
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const auto values = done.out.substr(done.out.find("pcrs:"));
    for (const std::string name : {"2", "3"}) {
        // RTMR n has index n + 1.
        std::smatch found;
        ASSERT_TRUE(std::regex_search(values, found, std::regex("\n *" + std::to_string(std::stoi(name) + 1) + " *: 0x([0-9a-f]{96})")))
            << values;
        EXPECT_EQ(found[1], mr::to_hex(client.read("tdx/rtmr" + name)->value));
    }
}

TEST_F(LogExportTest, AnExportOfManyMebibytesComesInBoundedChunks) {
    const auto daemon = started();
    auto client = daemon.client();
    mr::Bytes data(60'000);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    for (int i = 0; i < 180; ++i) {
        data[0] = static_cast<std::uint8_t>(i);
        ASSERT_TRUE(client.measure(program_register, data));
    }
    const auto address = varlink::Address::parse(daemon.socket()).value();
    for (const std::string_view format : {"tcg", "json", "cel_json"}) {
        SCOPED_TRACE(format);
        auto connection = varlink::ClientConnection::connect(address, varlink::no_timeout).value();
        ASSERT_TRUE(connection.send("io.mrd.EventLog.Export", mr::wire::ExportParameters{format, {}, {}}, varlink::no_timeout,
                                    varlink::CallMode::more));
        mr::Bytes file;
        std::size_t largest = 0;
        for (bool more = true; more;) {
            const auto reply = connection.receive(varlink::no_timeout);
            ASSERT_TRUE(reply) << reply.error().reason;
            ASSERT_EQ(reply->error, "");
            largest = std::max(largest, reply->parameters->to_json().size());
            const auto chunk = mr::from_base64(varlink::decode<mr::wire::ExportReply>(*reply->parameters)->chunk).value();
            file.insert(file.end(), chunk.begin(), chunk.end());
            more = reply->continues;
        }
        EXPECT_LT(largest, std::size_t{128} << 10);
        EXPECT_GT(file.size(), std::size_t{10} << 20);
        EXPECT_EQ(replayed_offline(file)["rtmr3"], client.read(program_register)->value);
    }
}

TEST_F(LogExportTest, AFormatThatIsNotKnownIsRefusedWithThoseThatAre) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto refused = client.export_log("xml", [](mr::ByteView) { return true; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().name, "io.mrd.EventLog.UnknownFormat");
    EXPECT_EQ(nlohmann::json::parse(refused.error().parameters),
              (nlohmann::json{{"format", "xml"}, {"known", {"tcg", "tcg_index0", "cel_json", "json", "firmware"}}}));
}

// ---- The firmware's part

TEST_F(LogExportTest, WhereNoFirmwareLeftALogThereIsNone) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto refused = client.export_log("firmware", [](mr::ByteView) { return true; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().name, "io.mrd.EventLog.NotSupported");
    EXPECT_EQ(refused.error().code, mr::ErrorCode::not_supported);
    EXPECT_EQ(nlohmann::json::parse(refused.error().parameters)["provider"], "tdx");
}

TEST_F(LogExportTest, BeginsWithTheFirmwaresEventsWhichTheExportGivesBackByteByByte) {
    const std::filesystem::path data = places::shared_data() / "ccel/gcp-cos113";
    if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is not there";
    const auto info = nlohmann::json::parse(contents(data / "info.json"))["expected"];
    const auto ccel = contents(data / "ccel.bin");
    const std::vector<std::string> arguments{"--sim", "--sim-ccel", (data / "ccel.bin").native()};
    auto daemon = started({.arguments = arguments});
    const auto firmware_events = info["events_excluding_header"].get<std::size_t>();
    {
        auto client = daemon.client();
        for (const auto &[name, value] : info["register_values"].items())
            EXPECT_EQ(mr::to_hex(client.read("tdx/" + name, {.fresh = true})->value), value.get<std::string>()) << name;
        const auto records = records_of(client);
        ASSERT_EQ(records.size(), firmware_events);
        for (const auto &record : records) {
            EXPECT_EQ(record.origin, mr::EventOrigin::firmware);
            EXPECT_EQ(record.caller, std::nullopt);
        }
        for (const auto &result : replay_of(client)) {
            EXPECT_TRUE(result.equal) << result.name;
            EXPECT_EQ(mr::to_hex(result.actual.bytes()), info["register_values"][result.name.substr(4)].get<std::string>());
        }
        extend_some(client);
        EXPECT_TRUE(replay_of(client, "tdx/rtmr2").equal);
        const auto end = info["header"]["end_off"].get<std::size_t>();
        const auto tcg = export_of(client, "tcg");
        ASSERT_GT(tcg.size(), end);
        EXPECT_TRUE(std::equal(tcg.begin(), tcg.begin() + static_cast<std::ptrdiff_t>(end), mr::as_bytes(ccel).begin()));
        // Alone it is what the firmware wrote, and nothing else.
        const auto alone = mr::as_bytes(ccel).first(end);
        EXPECT_EQ(export_of(client, "firmware"), mr::Bytes(alone.begin(), alone.end()));
        for (const std::string format : {"tcg", "tcg_index0", "cel_json", "json"}) {
            SCOPED_TRACE(format);
            auto values = replayed_offline(export_of(client, format));
            for (const std::string name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"}) EXPECT_EQ(values[name], client.read("tdx/" + name)->value);
        }
    }
    EXPECT_EQ(daemon.stop(), 0);
    const auto again = started({.arguments = arguments});
    auto client = again.client();
    EXPECT_EQ(records_of(client).size(), firmware_events + 5);
    for (const auto &result : replay_of(client)) EXPECT_TRUE(result.equal) << result.name;
}

}  // namespace
}  // namespace mrd
