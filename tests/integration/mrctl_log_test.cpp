// mrctl log, replay, cap, repair, and inspect of logs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <array>
#include <fstream>

#include "mr/envelope.h"
#include "mr/event_log.h"
#include "tests/integration/mrctl.h"
#include "tests/places.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> split(const std::string &text, char at) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, at);) parts.push_back(part);
    return parts;
}

class MrctlLogTest : public MrctlTest {
protected:
    void extend(const std::string &text, const std::vector<std::string> &more = {}) {
        std::vector<std::string> arguments{"extend", "rtmr3", "--digest", hex_digest(text)};
        arguments.insert(arguments.end(), more.begin(), more.end());
        output(arguments);
    }
    std::string value(const std::string &name) { return output({"read", name}).substr(("tdx/" + name + " ").size(), 96); }
    std::string exported(const std::string &format) {
        const auto file = folder() / ("log." + format);
        EXPECT_EQ(output({"log", "--format", format, "-o", file}), "");
        return file;
    }
};

TEST_F(MrctlLogTest, APipeGetsALineForEachRecordWithTabsBetweenItsFields) {
    start();
    extend("a", {"--description", "two\twords\x1b[31m", "--type", "EV_ACTION", "--id", "boot-1"});
    const auto lines = split(output({"log"}), '\n');
    ASSERT_EQ(lines.size(), 1U);
    const auto fields = split(lines[0], '\t');
    ASSERT_EQ(fields.size(), 9U) << lines[0];
    EXPECT_EQ(fields[0], "1");
    EXPECT_GT(std::stoll(fields[1]), 1'700'000'000'000'000);
    EXPECT_EQ(fields[2], "tdx/rtmr3");
    EXPECT_EQ(fields[3], "EV_ACTION");
    EXPECT_EQ(fields[4], hex_digest("a"));
    EXPECT_EQ(fields[5], "described");
    EXPECT_EQ(fields[6], "service");
    EXPECT_THAT(fields[7], StartsWith("mrctl"));
    EXPECT_EQ(fields[8], R"(two\twords\x1b[31m)") << "nothing that a terminal obeys, and no tab";
}

TEST_F(MrctlLogTest, FromSkipsTheRecordsBefore) {
    start();
    extend("a");
    extend("b");
    extend("c");
    EXPECT_THAT(split(output({"log", "--from", "3"}), '\n'), ElementsAre(StartsWith("3\t")));
    EXPECT_EQ(output({"log", "--from", "4"}), "");
    EXPECT_EQ(Json::parse(output({"log", "--from", "3", "--json"}))["record"]["digest"], hex_digest("c"));
}

TEST_F(MrctlLogTest, FollowPrintsARecordWhenItIsThere) {
    start();
    extend("a");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    Process follower({places::mrctl(), "log", "--follow"},
                     {.environment = {{"MRD_SOCKET", (folder() / "io.mrd").native()}}, .output = ends[1]});
    ::close(ends[1]);
    const auto next_line = [&] {
        std::string line;
        for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
        return line;
    };
    EXPECT_THAT(next_line(), StartsWith("1\t"));
    extend("b");
    EXPECT_THAT(next_line(), AllOf(StartsWith("2\t"), HasSubstr(hex_digest("b"))));
    follower.signal(SIGTERM);
    EXPECT_EQ(follower.wait(), 1000 + SIGTERM);
    ::close(ends[0]);
}

TEST_F(MrctlLogTest, ATerminalGetsATableThroughThePager) {
    start();
    extend("a", {"--description", "a description that is longer than its column, which is why it has to be cut somewhere"});
    extend_behind("rtmr3", hex_digest("somebody"));
    output({"read", "rtmr3", "--fresh"});
    extend("b");
    int terminal = -1;
    int slave = -1;
    winsize size{.ws_row = 50, .ws_col = 150, .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(::openpty(&terminal, &slave, nullptr, nullptr, &size), 0);
    Process process({places::mrctl(), "log"}, {.environment = {{"MRD_SOCKET", (folder() / "io.mrd").native()},
                                                               {"PAGER", "sed s/^/paged:/"},
                                                               {"TZ", "UTC"},
                                                               {"TERM", "xterm"},
                                                               {"NO_COLOR", ""}},
                                               .output = slave});
    ::close(slave);
    std::string seen;
    std::array<char, 4096> piece{};
    for (ssize_t count = 0; (count = ::read(terminal, piece.data(), piece.size())) > 0;)
        seen.append(piece.data(), static_cast<std::size_t>(count));
    EXPECT_EQ(process.wait(), 0);
    ::close(terminal);
    const auto lines = split(seen, '\n');
    ASSERT_EQ(lines.size(), 4U) << seen;
    EXPECT_THAT(lines[0], AllOf(StartsWith("paged:"), HasSubstr("SEQUENCE  TIME"), HasSubstr("BOUND"), HasSubstr("DIGEST")));
    EXPECT_THAT(lines[1],
                AllOf(HasSubstr("       1  20"), HasSubstr("tdx/rtmr3"), HasSubstr("a description that is longer"), HasSubstr("…"),
                      HasSubstr("  claim  "), HasSubstr(hex_digest("a").substr(0, 12) + " "), HasSubstr("mrctl["), HasSubstr("] uid ")));
    EXPECT_THAT(lines[2], AllOf(HasSubstr("\x1b[31m"), HasSubstr("resync"), HasSubstr("  bound  "), HasSubstr("mrd, before mrctl[")))
        << "in red: somebody else extended the register";
    EXPECT_THAT(lines[3], Not(HasSubstr("\x1b")));
}

TEST_F(MrctlLogTest, EveryFormatReplaysOfflineToTheRegisters) {
    start();
    extend("a");
    output({"measure", "rtmr2", "-", "--envelope", "--description", "d"}, "hello");
    for (const std::string format : {"tcg", "tcg_index0", "cel_json", "json"}) {
        const auto replayed = Json::parse(output({"replay", "--log", exported(format), "--json", "--registers", "rtmr"}));
        EXPECT_EQ(replayed["registers"],
                  (Json{{"rtmr0", value("rtmr0")}, {"rtmr1", value("rtmr1")}, {"rtmr2", value("rtmr2")}, {"rtmr3", value("rtmr3")}}))
            << format;
        EXPECT_EQ(replayed["events"], 2);
        EXPECT_EQ(replayed["gaps"], Json::array());
    }
    EXPECT_THAT(failure(1, {"log", "--format", "xml"}), AllOf(HasSubstr("UnknownFormat"), HasSubstr("tcg_index0")));
    EXPECT_THAT(failure(2, {"log", "-o", "file"}), HasSubstr("--format"));
    EXPECT_THAT(failure(2, {"log", "--format", "tcg", "--follow"}), HasSubstr("--follow"));
    EXPECT_THAT(failure(2, {"log", "--format", "json", "--from", "1"}), HasSubstr("--from"));
    EXPECT_THAT(failure(2, {"log", "--for", "tdx/rtmr3"}), HasSubstr("--for takes a virtual register, as virtual/build"));
    EXPECT_THAT(failure(1, {"log", "--for", "web"}),
                AllOf(HasSubstr("a virtual register that there is or was"), HasSubstr("; virtual/web is none")));
    EXPECT_THAT(failure(2, {"replay", "--registers", "pcr"}), HasSubstr("--registers goes with --log"));
}

TEST_F(MrctlLogTest, ALogWithoutEventsIsReadBackInEveryFormat) {
    start();
    for (const std::string format : {"tcg", "tcg_index0", "cel_json", "json"}) {
        const auto file = exported(format);
        EXPECT_EQ(Json::parse(mrctl({"replay", "--log", file, "--json", "--registers", "rtmr"}).out)["events"], 0) << format;
        EXPECT_EQ(mrctl({"inspect", file}).exit_code, 0) << format;
    }
}

TEST_F(MrctlLogTest, WhoExceedsALimitIsToldIt) {
    start();
    const auto refusal = [&](const std::string &option, std::size_t size) {
        return mrctl({"extend", "rtmr3", "--digest", hex_digest("a"), option, std::string(size, 'x')}).err;
    };
    EXPECT_THAT(refusal("--description", 4097), HasSubstr("(parameter description): text of at most 4096 bytes"));
    EXPECT_THAT(refusal("--id", 129), HasSubstr("(parameter id): text of 1 to 128 bytes"));
    EXPECT_EQ(refusal("--description", 4096), "");
    EXPECT_EQ(refusal("--id", 128), "");
}

TEST_F(MrctlLogTest, AReplayOfEvidencePointsToWhatReadsIt) {
    start();
    const auto evidence = (folder() / "evidence").native();
    ASSERT_EQ(mrctl({"evidence", "--data", hex(5, 64), "-o", evidence}).exit_code, 0);
    EXPECT_THAT(failure(1, {"replay", "--log", evidence}), AllOf(HasSubstr("is evidence"), HasSubstr("mrctl verify")));
}

// Also of the last one, behind which no number is missing.
TEST_F(MrctlLogTest, AnOfflineReplaySaysWhichEventNumbersAreThereTwice) {
    const std::string zeros(96, '0');
    const auto event = [&](int number) {
        return R"({"sequence":)" + std::to_string(number) + R"(,"name":"tdx/rtmr3","eventType":13,"digests":{"sha384":")" + zeros +
               R"("},"origin":"service"})" + "\n";
    };
    const auto file = folder() / "twice";
    std::ofstream(file) << R"({"format":"mrd-event-log","version":1,"registers":[]})" << '\n' << event(1) << event(2) << event(2);
    const auto replayed = mrctl({"replay", "--log", file});
    EXPECT_EQ(replayed.exit_code, 1);
    EXPECT_THAT(replayed.out, HasSubstr("event 2 is there twice"));
    EXPECT_EQ(Json::parse(mrctl({"replay", "--log", file, "--json"}).out)["repeated"], Json::array({2}));
}

TEST_F(MrctlLogTest, AnOfflineReplayShowsEachBankOfARegister) {
    const auto file = folder() / "banks";
    std::ofstream(file) << R"({"format":"mrd-event-log","version":1,"registers":[]})" << '\n'
                        << R"({"sequence":1,"name":"spdm0/block1","eventType":13,"digests":{"sha384":")" << std::string(96, '1')
                        << R"(","sha256":")" << std::string(64, '2') << R"("},"origin":"service"})" << '\n';
    const auto lines = split(output({"replay", "--log", file}), '\n');
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_THAT(lines[0], StartsWith("spdm0/block1:sha256 "));
    EXPECT_THAT(lines[1], StartsWith("spdm0/block1:sha384 "));
}

TEST_F(MrctlLogTest, AnOfflineReplaySaysWhichEventNumbersAreMissing) {
    start();
    for (const auto *text : {"a", "b", "c", "d"}) extend(text);
    const auto file = exported("json");
    EXPECT_EQ(Json::parse(output({"replay", "--log", file, "--json"}))["missing"], Json::array());
    auto lines = split(contents(file), '\n');
    std::erase_if(lines, [](const std::string &line) {
        return line.find(R"("sequence":1,)") != std::string::npos || line.find(R"("sequence":3,)") != std::string::npos;
    });
    ASSERT_EQ(lines.size(), 3U);
    std::ofstream(file, std::ios::trunc) << lines[0] << '\n' << lines[1] << '\n' << lines[2] << '\n';
    const auto replayed = mrctl({"replay", "--log", file});
    EXPECT_EQ(replayed.exit_code, 1);
    EXPECT_THAT(replayed.out, AllOf(HasSubstr("missing event 1\n"), HasSubstr("missing event 3\n")));
    EXPECT_EQ(Json::parse(output({"replay", "--log", file, "--json", "--accept-gaps"}))["missing"],
              Json::parse(R"([{"first":1,"last":1},{"first":3,"last":3}])"));
    EXPECT_THAT(output({"inspect", file}), HasSubstr("missing event 3\n"));
}

TEST_F(MrctlLogTest, AnExportThatCannotBeMadeLeavesTheFileAlone) {
    start();
    const auto file = folder() / "log";
    std::ofstream(file) << "precious";
    failure(1, {"log", "--format", "xml", "-o", file});
    EXPECT_EQ(contents(file), "precious");
    EXPECT_THAT(failure(1, {"log", "--format", "json", "-o", "/dev/full"}), HasSubstr("cannot write /dev/full"));
}

TEST_F(MrctlLogTest, ReplayTellsGapsWithWhatWasExpectedAndFound) {
    start();
    extend("a");
    const auto expected = value("rtmr3");
    EXPECT_THAT(output({"replay"}), HasSubstr("tdx/rtmr3 equal " + expected));
    extend_behind("rtmr3", hex_digest("somebody"));
    const auto differs = mrctl({"replay"});
    EXPECT_EQ(differs.exit_code, 1) << "the log does not lead to the register";
    EXPECT_THAT(differs.out, HasSubstr("tdx/rtmr3 DIFFERS: the log leads to " + expected));
    const auto found = value("rtmr3");
    extend("b");
    EXPECT_EQ(mrctl({"replay"}).exit_code, 1) << "only a policy that says so accepts a gap";
    const auto gaps = output({"replay", "--accept-gaps"});
    EXPECT_THAT(gaps, HasSubstr("tdx/rtmr3 GAPS"));
    EXPECT_THAT(gaps, HasSubstr("  gap at 2 expected " + expected + " found " + found));
    for (const std::string format : {"tcg", "json", "cel_json"}) {
        EXPECT_EQ(mrctl({"replay", "--log", exported(format), "--registers", "rtmr"}).exit_code, 1);
        const auto replayed = Json::parse(output({"replay", "--log", exported(format), "--json", "--registers", "rtmr", "--accept-gaps"}));
        EXPECT_EQ(replayed["registers"]["rtmr3"], value("rtmr3")) << format;
        EXPECT_EQ(replayed["gaps"],
                  (Json{{{"register", "rtmr3"}, {"sequence", 2}, {"expected", expected}, {"found", found}, {"joins", true}}}))
            << format;
    }
    EXPECT_THAT(output({"status"}), HasSubstr("tdx/rtmr3 as logged, over 1 gaps"));
}

TEST_F(MrctlLogTest, CappedIsSaidByListAndStatus) {
    start();
    EXPECT_EQ(output({"cap", "rtmr3"}), "tdx/rtmr3 capped by event 1\n");
    EXPECT_THAT(failure(1, {"extend", "rtmr3", "--digest", hex_digest("a")}), HasSubstr("Capped"));
    EXPECT_THAT(output({"status"}), HasSubstr("tdx/rtmr3 as logged, capped"));
    EXPECT_EQ(json({"list"})["registers"][8]["capped"], true);
}

TEST_F(MrctlLogTest, AnIdMakesAMeasureIdempotent) {
    start();
    const auto first = output({"measure", "rtmr3", "-", "--id", "boot-1"}, "hello");
    EXPECT_EQ(output({"measure", "rtmr3", "-", "--id", "boot-1"}, "hello"), first);
    EXPECT_THAT(mrctl({"measure", "rtmr3", "-", "--id", "boot-1"}, "other").err, HasSubstr("DuplicateEvent (id boot-1)"));
    EXPECT_THAT(mrctl({"measure", "rtmr3", "-", "--id", "boot-1", "--description", "another"}, "hello").err,
                AllOf(HasSubstr("DuplicateEvent (id boot-1)"), HasSubstr("with another digest, type, description or data")))
        << "its digest is the same";
    EXPECT_EQ(split(output({"log"}), '\n').size(), 1U);
}

TEST_F(MrctlLogTest, AnEnvelopeBindsTheDescriptionAndTheFilesHash) {
    start();
    const std::string content(100'000, 'x');
    output({"measure", "rtmr3", "-", "--envelope", "--description", "what it is"}, content);
    EXPECT_EQ(mrctl({"measure", "rtmr3", "-", "--envelope", "--type", "13"}, "x").exit_code, 2);
    const auto record = Json::parse(output({"log", "--json"}))["record"];
    EXPECT_EQ(record["binding"], "bound");
    EXPECT_EQ(record["eventType"], mr::ev_event_tag);
    const auto envelope = mr::decode_envelope(mr::from_base64(record["data"].get<std::string>()).value()).value();
    EXPECT_EQ(envelope.header.type, "measure");
    EXPECT_EQ(envelope.body.description, "what it is");
    ASSERT_TRUE(envelope.body.digest);
    EXPECT_EQ(envelope.body.digest->value, digest_of(content));
}

TEST_F(MrctlLogTest, ReplayExitsWithOneAlsoAsJsonWhereTheLogDoesNotLeadToTheRegister) {
    start();
    EXPECT_EQ(mrctl({"replay", "--json"}).exit_code, 0);
    extend_behind("rtmr3", hex_digest("somebody"));
    const auto done = mrctl({"replay", "--json"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_EQ(Json::parse(done.out)["registers"][3]["endsAtRegister"], false);
}

TEST_F(MrctlLogTest, ARegisterThatADamagedJournalDoesNotKnowIsNeverCalledEqual) {
    start();
    extend("a");
    ASSERT_EQ(daemon().stop(), 0);
    std::ofstream(folder() / "state" / "journal", std::ios::trunc) << "not a journal";
    start();
    const auto replayed = mrctl({"replay"});
    EXPECT_EQ(replayed.exit_code, 1);
    EXPECT_THAT(replayed.out, HasSubstr("tdx/rtmr3 UNKNOWN to the journal"));
    EXPECT_THAT(output({"status"}), HasSubstr("tdx/rtmr3 UNKNOWN to the journal"));
    EXPECT_THAT(mrctl({"log"}).err, HasSubstr("damaged"));
    EXPECT_THAT(failure(1, {"extend", "rtmr3", "--digest", hex_digest("b")}), HasSubstr("mrctl repair"));
    output({"repair"});
    EXPECT_EQ(json({"status"})["status"]["journal"]["condition"], "good");
    EXPECT_THAT(mrctl({"replay"}).out,
                AllOf(HasSubstr("tdx/rtmr3 GAPS"), HasSubstr("  gap at 0 expected " + hex(0) + " found " + value("rtmr3"))));
}

TEST_F(MrctlLogTest, NamesOutOfAFileCannotForgeLines) {
    const auto file = folder() / "evil";
    std::ofstream(file) << R"({"format":"mrd-event-log","version":1,"registers":[]})" << '\n'
                        << R"({"sequence":1,"name":"evil\nrtmr3 abab\u001b[31m","eventType":13,"digests":{"sha384":")" << hex_digest("a")
                        << "\"},\"origin\":\"service\"}\n";
    for (const std::string command : {"replay --log", "inspect"}) {
        const auto done = run_program({"/bin/sh", "-c", "exec " + places::mrctl() + " " + command + " " + file.native()}, folder());
        EXPECT_EQ(done.exit_code, 0) << done.err;
        EXPECT_THAT(done.out, AllOf(HasSubstr(R"(evil\nrtmr3 abab\x1b[31m)"), Not(HasSubstr("\nrtmr3 abab")), Not(HasSubstr("\x1b"))));
    }
}

TEST_F(MrctlLogTest, RepairOfAGoodJournalIsRefused) {
    start();
    EXPECT_THAT(failure(1, {"repair"}), HasSubstr("nothing to repair"));
}

TEST_F(MrctlLogTest, InspectExplainsALogEventByEvent) {
    start();
    output({"measure", "rtmr3", "-", "--envelope", "--description", "what it is"}, "hello");
    const auto text = output({"inspect", exported("tcg")});
    EXPECT_THAT(text, AllOf(StartsWith("event log, format tcg\n1 rtmr3 EV_EVENT_TAG bound: the digest is of the envelope\n"),
                            HasSubstr("what it is"), HasSubstr("1 events, which lead to\nrtmr0 "), HasSubstr("\nrtmr3 " + value("rtmr3"))));
    const auto described = Json::parse(output({"inspect", exported("json"), "--json"}));
    EXPECT_EQ(described["format"], "json");
    EXPECT_EQ(described["events"][0]["rule"], "envelope");
    EXPECT_EQ(described["events"][0]["origin"], "service");
    EXPECT_EQ(described["events"][0]["claimed"]["description"], "what it is");
    EXPECT_EQ(described["events"][0]["claimed"]["caller"]["uid"], ::getuid());
    EXPECT_EQ(described["replay"]["registers"]["rtmr3"], value("rtmr3"));
    output({"cap", "rtmr2"});
    EXPECT_THAT(output({"inspect", exported("json")}), AllOf(HasSubstr("type: cap"), Not(HasSubstr("malformed"))));
}

// Bytes that would say something, if a file's content could: an envelope, whole, redacted and of version 1, a cap, a resync.
std::vector<mr::Bytes> contents_that_look_like_envelopes() {
    const mr::EnvelopeHeader header{.type = "measure", .register_name = "tdx/rtmr3"};
    const auto whole = mr::encode_envelope({.header = header, .body = {.description = "a lie"}});
    auto version_1 = whole;
    version_1[0] = 1;
    return {whole, version_1, mr::redact_envelope(whole, std::array{mr::HashAlgorithm::sha384}).value(),
            mr::encode_envelope({.header = {.type = "cap", .register_name = "tdx/rtmr3"}}),
            mr::encode_envelope({.header = {.type = "resync", .register_name = "tdx/rtmr3"},
                                 .body = {.expected = mr::Bytes(48), .found = mr::Bytes(48, 0x77)}})};
}

TEST_F(MrctlLogTest, AFileWhoseContentIsAnEnvelopeIsMeasuredAndSpeaksAsNone) {
    start();
    std::size_t measured = 0;
    for (const auto &content : contents_that_look_like_envelopes()) {
        output({"measure", "rtmr3", "-", "--description", "plugin.so"}, std::string(content.begin(), content.end()));
        ++measured;
        EXPECT_EQ(Json::parse(output({"log", "--json", "--from", std::to_string(measured)}))["record"]["digest"],
                  mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, content)->bytes()));
    }
    // Whoever carries the log puts the content in as the event's data, with the type of an envelope.
    std::ifstream log(exported("json"));
    const auto edited = folder() / "edited.json";
    std::ofstream out(edited);
    std::string line;
    std::getline(log, line);
    out << line << '\n';
    for (const auto &content : contents_that_look_like_envelopes()) {
        std::getline(log, line);
        auto event = Json::parse(line);
        event["data"] = mr::to_base64(content);
        event["eventType"] = mr::ev_event_tag;
        event["origin"] = "resync";
        out << event.dump() << '\n';
    }
    out.close();
    const auto inspected = Json::parse(output({"inspect", edited, "--json"}));
    ASSERT_EQ(inspected["events"].size(), measured);
    for (const auto &event : inspected["events"]) {
        EXPECT_EQ(event["rule"], "data") << "bound as a file's content, and as nothing else";
        EXPECT_EQ(event["content"][0]["name"], "unbound") << event;
        for (const auto &field : event["content"])
            EXPECT_THAT(field["name"].get<std::string>(), testing::AnyOf("unbound", "tag", "content")) << event;
    }
    const auto replayed = Json::parse(output({"replay", "--log", edited, "--json"}));
    EXPECT_EQ(replayed["registers"]["rtmr3"], value("rtmr3"));
    EXPECT_EQ(replayed["gaps"], Json::array());
}

// ---- Hostile files

// Stated in docs/log-formats.md: what reading any log takes at most, whatever the file's size.
constexpr rlim_t memory_bound = rlim_t{64} << 20U;

class HostileLog : public MrctlLogTest {
protected:
    void SetUp() override {
        if (is_sanitized) GTEST_SKIP() << "memory is limited in builds without a sanitizer";
    }

    // mrctl on a file of 1 GiB that begins so, in memory of its own of at most memory_bound; what the file's pages take does not count.
    Finished replayed(const std::string &name, const std::string &beginning, const std::string &end = {}) {
        const auto file = folder() / name;
        std::ofstream(file, std::ios::binary) << beginning;
        constexpr off_t size = off_t{1} << 30U;
        EXPECT_EQ(::truncate(file.c_str(), size), 0);
        if (!end.empty()) {
            std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
            out.seekp(size - static_cast<off_t>(end.size()));
            out << end;
        }
        const auto err = folder() / "err";
        std::filesystem::remove(err);
        Process process({places::mrctl(), "replay", "--log", file}, {.errors = err, .in_child = [] {
                                                                         const rlimit limit{memory_bound, memory_bound};
                                                                         ::setrlimit(RLIMIT_DATA, &limit);
                                                                     }});
        const auto exit_code = process.wait();
        return {exit_code, "", contents(err)};
    }
    static std::string tcg_header() {
        mr::Bytes header;
        mr::append_tcg_header(header, {.index = 1, .algorithms = {{mr::tcg_id(mr::HashAlgorithm::sha384), 48}}, .vendor_info = {}});
        return {header.begin(), header.end()};
    }
};

TEST_F(HostileLog, OfOneGiBIsRefusedOrReadWithinTheStatedMemory) {
    const auto is_refused = [](const Finished &done) {
        return done.exit_code == 1 && done.err.find("event log, byte ") != std::string::npos;
    };
    const auto tcg = tcg_header();
    EXPECT_EQ(replayed("padding", tcg).exit_code, 0) << "1 GiB of padding";
    EXPECT_TRUE(is_refused(replayed("late", tcg, "x"))) << "padding that is none";
    // index 4, type 13, no digest; then one that claims 4 GiB of digests, one of data.
    EXPECT_TRUE(is_refused(replayed("digests", tcg + std::string("\4\0\0\0\15\0\0\0\xff\xff\xff\xff", 12))));
    EXPECT_TRUE(
        is_refused(replayed("data", tcg + std::string("\4\0\0\0\15\0\0\0\1\0\0\0\14\0", 14) + std::string(48, 'x') + "\xff\xff\xff\x3f")));
    EXPECT_TRUE(is_refused(replayed("line", R"({"format":"mrd-event-log","version":1,"registers":[]})"
                                            "\n{\"")));
    EXPECT_TRUE(is_refused(replayed("sequence", "\x1e{\"")));
    EXPECT_TRUE(is_refused(replayed("array", "[")));
    EXPECT_TRUE(is_refused(replayed("ima", "10 " + std::string(40, 'a') + " ima-ng ")));
    EXPECT_EQ(replayed("zeros", "").exit_code, 1);
}

TEST_F(HostileLog, OfNothingButResyncsIsRefusedWithinTheStatedMemory) {
    auto log = tcg_header();
    const mr::Bytes value(48, 1);
    const auto data =
        mr::encode_envelope({.header = {.type = "resync", .register_name = "tdx/rtmr3"}, .body = {.expected = value, .found = value}});
    const auto digest = mr::envelope_digest(data, mr::HashAlgorithm::sha384).value();
    mr::Event event;
    event.index = 4;
    event.type = mr::ev_event_tag;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), digest.bytes()}};
    event.data = data;
    mr::Bytes bytes;
    mr::append_tcg_event(bytes, event);
    for (int i = 0; i < 200'000; ++i) log.append(bytes.begin(), bytes.end());
    const auto done = replayed("resyncs", log);
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("more than 16384 gaps"));
}

}  // namespace
}  // namespace mrd
