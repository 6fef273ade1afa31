#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "mr/collateral.h"
#include "mr/envelope.h"
#include "mr/quote.h"
#include "mr/tdreport.h"
#include "tests/integration/mrctl.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// An implementation other than ours.
mr::Bytes sha384(const mr::Bytes &data) {
    mr::Bytes digest(48);
    unsigned size = 0;
    EXPECT_EQ(EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha384(), nullptr), 1);
    EXPECT_EQ(size, 48U);
    return digest;
}
mr::Bytes extended_by_openssl(mr::Bytes old, const mr::Bytes &digest) {
    old.insert(old.end(), digest.begin(), digest.end());
    return sha384(old);
}

TEST_F(MrctlTest, ListIsATableOfOneLineARegisterAndItsJsonIsTheReply) {
    start();
    const auto plain = output({"list"});
    EXPECT_EQ(std::ranges::count(plain, '\n'), 11);
    EXPECT_THAT(plain, AllOf(HasSubstr("tdx/rtmr2 XWRL sha384 48 owned boot simulated\n"),
                             HasSubstr("tdx/rtmr3 XWRL sha384 48 owned app,config simulated\n"),
                             HasSubstr("tdx/reportdata WRF - 64 owned - simulated\n")));
    const auto reply = json({"list"});
    ASSERT_EQ(reply["registers"].size(), 11U);
    EXPECT_EQ(
        reply["registers"][8].dump(),
        R"({"name":"tdx/rtmr3","hash":"sha384","size":48,"flags":"XWRL","owner":"owned","capped":false,"simulated":true,"unbound":true,)"
        R"("roles":["app","config"]})");
}

TEST_F(MrctlTest, ReadPrintsTheNameAndTheValue) {
    start();
    EXPECT_EQ(output({"read", "rtmr3"}), "tdx/rtmr3 " + hex(0) + "\n");
    EXPECT_EQ(output({"read", "rtmr3", "tdx/reportdata"}), "tdx/rtmr3 " + hex(0) + "\ntdx/reportdata " + hex(0, 64) + "\n");
    EXPECT_EQ(json({"read", "rtmr3"}).dump(),
              R"({"reading":{"name":"tdx/rtmr3","value":")" + hex(0) + R"(","refreshed":false,"unbound":true}})");
    EXPECT_EQ(json({"read", "rtmr3", "--fresh"})["reading"]["refreshed"], true);
    EXPECT_EQ(output({"read", "rtmr3", "tdx/rtmr3", "rtmr0"}),
              "tdx/rtmr3 " + hex(0) + "\ntdx/rtmr3 " + hex(0) + "\ntdx/rtmr0 " + hex(0) + "\n")
        << "a line for each name";
    const auto snapshot = json({"read", "rtmr3", "rtmr0"});
    EXPECT_EQ(snapshot["sequence"], 0);
    EXPECT_EQ(snapshot["readings"][1]["name"], "tdx/rtmr0");
}

TEST_F(MrctlTest, ReadRawPrintsTheBytesAndNothingElse) {
    start();
    const auto report = output({"read", "report0", "--raw"});
    EXPECT_EQ(report.size(), 1024U);
    EXPECT_TRUE(mr::decode_tdreport(mr::as_bytes(report)));
    EXPECT_THAT(failure(2, {"read", "rtmr3", "rtmr2", "--raw"}), HasSubstr("--raw"));
}

TEST_F(MrctlTest, ExtendPrintsTheNewValueWhichOpensslConfirms) {
    start();
    const auto digest = sha384(bytes_of("a"));
    const auto first = extended_by_openssl(zero(), digest);
    EXPECT_EQ(output({"extend", "tdx/rtmr3", "--digest", mr::to_hex(digest)}), "tdx/rtmr3 " + mr::to_hex(first) + "\n");
    const auto second = json({"extend", "rtmr3", "--digest", mr::to_hex(digest), "--description", "x", "--type", "13"});
    EXPECT_EQ(second["reading"]["value"], mr::to_hex(extended_by_openssl(first, digest)));
    EXPECT_EQ(second["sequence"], 2);
    EXPECT_EQ(second["digest"], mr::to_hex(digest));
}

TEST_F(MrctlTest, MeasureOfAFileAndOfStandardInputExtendsByTheirHashWhichOpensslConfirms) {
    start();
    std::string large(1'000'003, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 + i / 256);
    const auto file = (folder() / "large").native();
    std::ofstream(file, std::ios::binary) << large;
    const auto first = extended_by_openssl(zero(), sha384(bytes_of(large)));
    EXPECT_EQ(output({"measure", "tdx/rtmr3", file}), "tdx/rtmr3 " + mr::to_hex(first) + "\n");
    const auto second = extended_by_openssl(first, sha384(bytes_of("from a pipe")));
    EXPECT_EQ(output({"measure", "rtmr3:sha384", "-"}, "from a pipe"), "tdx/rtmr3 " + mr::to_hex(second) + "\n");
    const auto empty = json({"measure", "rtmr3", "-"});
    EXPECT_EQ(empty["digest"], mr::to_hex(sha384({})));
    EXPECT_EQ(empty["reading"]["value"], mr::to_hex(extended_by_openssl(second, sha384({}))));
    EXPECT_EQ(empty["sequence"], 3);
    EXPECT_EQ(output({"read", "rtmr3", "--fresh"}), "tdx/rtmr3 " + empty["reading"]["value"].get<std::string>() + "\n");
}

TEST_F(MrctlTest, MeasureIntoALogOnlyRegisterSendsAnEnvelope) {
    start({.config = "[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n"});
    const mr::Envelope envelope{
        .header = {.type = "measure", .register_name = "tdx/rtmr3"},
        .body = {.description = "greeting", .digest = mr::ContentDigest{mr::HashAlgorithm::sha384, digest_of("hello")}}};
    const auto digest = mr::envelope_digest(envelope, mr::HashAlgorithm::sha384).value();
    const auto after = extended_by_openssl(zero(), mr::Bytes(digest.bytes().begin(), digest.bytes().end()));
    EXPECT_EQ(output({"measure", "rtmr3", "-", "--description", "greeting"}, "hello"), "tdx/rtmr3 " + mr::to_hex(after) + "\n");
    EXPECT_THAT(failure(1, {"extend", "rtmr3", "--digest", hex(1)}), HasSubstr("LogOnly"));
}

TEST_F(MrctlTest, MeasureOfWhatCannotBeReadExtendsNothing) {
    start();
    EXPECT_THAT(failure(1, {"measure", "rtmr3", folder() / "missing"}), HasSubstr("missing"));
    EXPECT_THAT(failure(1, {"measure", "rtmr3", folder()}), HasSubstr("cannot read"));
    EXPECT_THAT(failure(1, {"measure", "rtmr9", "/dev/null"}), HasSubstr("rtmr9"));
    EXPECT_THAT(failure(1, {"measure", "reportdata", "/dev/null"}), HasSubstr("reportdata"));
    EXPECT_EQ(output({"read", "rtmr3", "--fresh"}), "tdx/rtmr3 " + hex(0) + "\n");
}

TEST_F(MrctlTest, WriteStoresReportdataFromHexAFileOrStandardInput) {
    start();
    EXPECT_THAT(output({"write", "tdx/reportdata", "--hex", hex(1, 64)}), ContainsRegex("^generation [0-9]+\n$"));
    EXPECT_EQ(output({"read", "reportdata"}), "tdx/reportdata " + hex(1, 64) + "\n");
    const auto first = json({"write", "reportdata", "-"}, std::string(64, '\x02'))["generation"].get<std::int64_t>();
    const auto file = folder() / "data";
    std::ofstream(file) << std::string(64, '\x03');
    EXPECT_EQ(json({"write", "reportdata", file})["generation"], first + 1);
    EXPECT_EQ(json({"read", "reportdata"})["reading"]["generation"], first + 1);
    EXPECT_EQ(output({"read", "reportdata", "--raw"}), std::string(64, '\x03'));
    EXPECT_THAT(failure(1, {"write", "reportdata", "--hex", hex(1, 63)}),
                AllOf(HasSubstr("WrongLength"), HasSubstr("expected 64, actual 63")));
    failure(2, {"write", "reportdata"});
    failure(2, {"write", "reportdata", file, "--hex", "00"});
    failure(2, {"write", "reportdata", "--hex", "0"});
}

TEST_F(MrctlTest, WhatIsGivenTwiceOrCannotBeClosedIsSaidToBeSo) {
    start();
    EXPECT_THAT(failure(2, {"write", "tdx/reportdata", "/dev/null", "--hex", "00"}), HasSubstr("a file or --hex HEX, not both"));
    EXPECT_THAT(failure(2, {"write", "tdx/reportdata"}), HasSubstr("needs a file"));
    for (const auto *name : {"tdx/rtmr3", "nosuch"})
        EXPECT_THAT(failure(1, {"close", name}), HasSubstr("no virtual register has that name, and no other can be closed"));
}

TEST_F(MrctlTest, ReportWritesAReportOverTheDataAndSaysThatItIsSimulated) {
    start();
    const auto file = folder() / "report";
    const auto done = mrctl({"report", "--data", hex(5, 64), "-o", file});
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, HasSubstr("simulated"));
    const auto report = mr::decode_tdreport(mr::as_bytes(contents(file)));
    ASSERT_TRUE(report);
    EXPECT_EQ(mr::to_hex(report->report_data), hex(5, 64));
    EXPECT_EQ(mr::from_base64(mrctl({"report", "--data", hex(5, 64)}).out.substr(0, 1368))->size(), 1024U);
    const auto reply = json({"report", "--data", hex(5, 64)});
    EXPECT_EQ(reply["simulated"], true);
    EXPECT_EQ(reply["provider"], "tdx");
    failure(2, {"report", "--data", hex(5, 15)});
    EXPECT_THAT(failure(1, {"report", "--data", hex(5, 64), "--provider", "tpm"}), HasSubstr("NoSuchProvider"));
}

TEST_F(MrctlTest, QuoteWritesAQuoteOverTheDataAndSaysThatItIsSimulated) {
    start();
    const auto file = folder() / "quote";
    const auto done = mrctl({"quote", "--data", hex(5, 64), "-o", file});
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, HasSubstr("simulated"));
    const auto written = contents(file);
    const auto quote = mr::decode_quote(mr::as_bytes(written));
    ASSERT_TRUE(quote);
    EXPECT_EQ(mr::to_hex(quote->body.report_data), hex(5, 64));
    auto text = mrctl({"quote", "--data", hex(6, 64)}).out;
    text.pop_back();
    const auto printed = mr::from_base64(text);
    ASSERT_TRUE(printed);
    EXPECT_EQ(mr::to_hex(mr::decode_quote(*printed)->body.report_data), hex(6, 64));
    const auto reply = json({"quote", "--data", hex(5, 64), "--provider", "tdx", "--deadline", "20000"});
    EXPECT_EQ(reply["simulated"], true);
    EXPECT_EQ(reply["format"], "tdx_v4");
    EXPECT_TRUE(mr::from_base64(reply["quote"].get<std::string>()));
    failure(2, {"quote", "--data", hex(5, 15)});
    EXPECT_THAT(failure(1, {"quote", "--data", hex(5, 64), "--provider", "tpm"}), HasSubstr("NoSuchProvider"));
}

TEST_F(MrctlTest, CollateralWritesWhatAVerifierNeeds) {
    start();
    const auto collateral = folder() / "collateral.json";
    const auto root = folder() / "root.pem";
    EXPECT_EQ(output({"collateral", "-o", collateral, "--root", root}), "");
    EXPECT_TRUE(mr::parse_collateral(contents(collateral)));
    EXPECT_THAT(contents(root), ::testing::StartsWith("-----BEGIN CERTIFICATE-----\n"));
    EXPECT_TRUE(mr::parse_collateral(output({"collateral"})));
    const auto reply = json({"collateral"});
    EXPECT_EQ(reply["root"], contents(root));
    EXPECT_TRUE(mr::parse_collateral(reply["collateral"].dump()));
    EXPECT_THAT(failure(1, {"collateral", "-o", folder() / "missing" / "file"}), HasSubstr("missing"));
}

TEST_F(MrctlTest, WatchPrintsThePresentValueAndThenEachChange) {
    start();
    for (const bool as_json : {false, true}) {
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
        std::vector<std::string> command{places::mrctl(), "--socket", daemon().socket(), "watch", "rtmr3"};
        if (as_json) command.emplace_back("--json");
        Process watch(command, {.output = pipe[1]});
        ::close(pipe[1]);
        const auto line = [&] {
            std::string text;
            for (char c = 0; ::read(pipe[0], &c, 1) == 1 && c != '\n';) text += c;
            return text;
        };
        const auto shown = [&] {
            const auto text = line();
            return as_json ? Json::parse(text)["reading"]["value"].get<std::string>() : text.substr(std::string("tdx/rtmr3 ").size());
        };
        EXPECT_EQ(shown(), output({"read", "rtmr3"}).substr(10, 96));
        const auto value = json({"extend", "rtmr3", "--digest", hex(1)})["reading"]["value"].get<std::string>();
        EXPECT_EQ(shown(), value);
        ::close(pipe[0]);
    }
}

TEST_F(MrctlTest, WatchEndsWithAnErrorWhenMrdEnds) {
    start();
    const auto errors = folder() / "watch.err";
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    Process watch({places::mrctl(), "--socket", daemon().socket(), "watch", "rtmr3"}, {.output = pipe[1], .errors = errors});
    ::close(pipe[1]);
    char first = 0;
    ASSERT_EQ(::read(pipe[0], &first, 1), 1);
    EXPECT_EQ(daemon().stop(), 0);
    EXPECT_EQ(watch.wait(), 1);
    ::close(pipe[0]);
    EXPECT_THAT(contents(errors), HasSubstr("mrctl: "));
}

TEST_F(MrctlTest, StatsPrintsTheCounters) {
    start();
    output({"extend", "rtmr3", "--digest", hex(1)});
    output({"read", "rtmr3"});
    output({"read", "rtmr3"});
    EXPECT_EQ(output({"stats"}), "tdx 2 1 2 1\n");
    EXPECT_EQ(json({"stats"}).dump(), R"({"counters":[{"provider":"tdx","reads":2,"cachedReads":1,"refreshes":2,"writes":1}]})");
}

TEST_F(MrctlTest, StatusShowsADivergence) {
    start();
    EXPECT_THAT(output({"status"}), AllOf(HasSubstr("simulated yes"), HasSubstr("provider tdx (sim) running, simulated\n"),
                                          HasSubstr("events 0\n"), HasSubstr("journal good, "), HasSubstr("tdx/rtmr3 as logged\n")));
    extend_behind("rtmr3", hex(66));
    const auto found = output({"read", "rtmr3", "--fresh"}).substr(10, 96);
    EXPECT_THAT(output({"status"}), HasSubstr("tdx/rtmr3 DIVERGED: expected " + hex(0) + ", found " + found + "\n"));
    EXPECT_EQ(json({"status"})["status"]["providers"][0]["registers"][3]["diverged"], true);
}

TEST_F(MrctlTest, OutputThatCannotBeWrittenIsNoSuccess) {
    start();
    const auto data = " --data " + hex(5, 64);
    const auto evidence = (folder() / "evidence").native();
    ASSERT_EQ(mrctl({"evidence", "--data", hex(5, 64), "-o", evidence}).exit_code, 0);
    for (const auto &command : {std::string("list"),
                                std::string("list --json"),
                                std::string("read rtmr0"),
                                std::string("read rtmr0 --raw"),
                                std::string("read rtmr0 --json"),
                                std::string("status"),
                                std::string("stats"),
                                std::string("watch rtmr0"),
                                std::string("log --format json"),
                                std::string("log --format tcg -o -"),
                                std::string("replay"),
                                std::string("--help"),
                                std::string("verify --help"),
                                std::string("--version"),
                                "report" + data,
                                "quote" + data,
                                "quote -o -" + data,
                                "evidence -o -" + data,
                                std::string("collateral"),
                                std::string("collateral -o -"),
                                "verify " + evidence,
                                "verify --json " + evidence,
                                "inspect " + evidence,
                                std::string("measure rtmr3 /dev/null"),
                                std::string("write reportdata --hex ") + hex(1, 64),
                                std::string("cap rtmr3")}) {
        for (const std::string to : {" >/dev/full", " >&-"}) {
            const auto done = run_program({"/bin/sh", "-c", "exec " + places::mrctl() + " " + command + to}, folder(), {},
                                          {{"MRD_SOCKET", (folder() / "io.mrd").native()}});
            if (command == "cap rtmr3" && to == " >&-") continue;  // refused: it has been capped
            EXPECT_EQ(done.exit_code, 1) << command << to;
            EXPECT_THAT(done.err, HasSubstr("cannot write")) << command << to;
        }
    }
}

// A closed descriptor is no empty file: an extend cannot be taken back.
TEST_F(MrctlTest, StandardInputThatIsClosedIsAnError) {
    start();
    for (const std::string command : {"measure rtmr3 -", "measure rtmr3 - --envelope", "write reportdata -", "inspect -", "verify -",
                                      "replay --log -", "verify --quote /dev/null --roots -"}) {
        const auto done = run_program({"/bin/sh", "-c", "exec " + places::mrctl() + " " + command + " <&-"}, folder(), {},
                                      {{"MRD_SOCKET", (folder() / "io.mrd").native()}});
        EXPECT_EQ(done.exit_code, 1) << command;
        EXPECT_THAT(done.out, IsEmpty()) << command;
        EXPECT_THAT(done.err, HasSubstr("cannot read standard input: Bad file descriptor")) << command;
    }
    EXPECT_EQ(output({"read", "rtmr3", "--fresh"}), "tdx/rtmr3 " + hex(0) + "\n");
    EXPECT_EQ(json({"measure", "rtmr3", "-"})["digest"], mr::to_hex(sha384({}))) << "an empty file is one";
}

TEST_F(MrctlTest, NumbersAreDecimalAndThoseOutOfRangeAreWrongUsage) {
    start();
    for (const auto *number : {"99999999999999999999", "9223372036854775808", "-1", "", "1x", "0x10", "1.5", " 1", "1e3"})
        EXPECT_THAT(failure(2, {"log", "--from", number}), HasSubstr("--from")) << number;
    for (const auto *number : {"0", "600001"}) {
        for (const auto *command : {"quote", "evidence"})
            EXPECT_THAT(failure(2, {command, "--data", hex(5, 64), "-o", "-", "--deadline", number}), HasSubstr("from 1 to 600000"));
    }
    EXPECT_THAT(failure(2, {"list", "x", "y"}), HasSubstr("arguments were not expected: x y;")) << "in their order";
    EXPECT_THAT(failure(2, {"inspect", "a", "b"}), HasSubstr("argument was not expected: b;"));
    EXPECT_THAT(failure(2, {"list", "--timeout", "0"}), HasSubstr("from 1 to 4294967295")) << "no answer is there at once";
    for (const auto *number : {"4294967296", "-1", "", "x", "0x10"}) {
        EXPECT_THAT(failure(2, {"list", "--timeout", number}), HasSubstr("--timeout")) << number;
        EXPECT_THAT(failure(2, {"quote", "--data", hex(5, 64), "--deadline", number}), HasSubstr("--deadline")) << number;
    }
    EXPECT_THAT(failure(2, {"verify", "x", "--time", "9223372036854775808"}), HasSubstr("--time"));
    EXPECT_THAT(failure(2, {"extend", "rtmr3", "--digest", hex(1), "--type", "4294967296"}), HasSubstr("--type"));
    for (int i = 0; i < 10; ++i) output({"extend", "rtmr3", "--digest", hex(1)});
    EXPECT_THAT(output({"log", "--from", "010"}), ::testing::StartsWith("10\t"));
}

// Options that take a value, and commands, as --help of this one shows them.
struct Shown {
    std::vector<std::string> options;
    std::vector<std::string> commands;
};
Shown shown_by(const std::string &help) {
    Shown shown;
    const std::regex option("--([a-z-]+) [A-Z{].*");
    const std::regex command("  ([a-z-]+)  +[A-Z].*");
    bool at_commands = false;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with("ommands:")) at_commands = true;
        std::smatch found;
        if (at_commands && std::regex_match(line, found, command)) shown.commands.push_back(found[1]);
        if (const auto at = line.find("--"); !at_commands && at < 8) {
            if (const auto named = line.substr(at); std::regex_match(named, found, option)) shown.options.push_back(found[1]);
        }
    }
    return shown;
}

TEST_F(MrctlTest, NoProgramEndsWellWhoseHelpCannotBeWritten) {
    std::vector<std::string> programs{places::mrctl(), places::mrd(), places::mrd_quoting_service()};
    if (!places::mrfs().empty()) programs.push_back(places::mrfs());
    for (const auto &program : programs) {
        for (const std::string option : {"--help", "--version"}) {
            for (const std::string to : {" >/dev/full", " >&-"}) {
                const auto done = run_program({"/bin/sh", "-c", "exec " + program + " " + option + to}, folder());
                EXPECT_EQ(done.exit_code, 1) << program << option << to;
                EXPECT_THAT(done.err, HasSubstr("cannot write to standard output")) << program << option << to;
            }
        }
    }
}

// Of an unset variable of a script: it would count as left out.
TEST_F(MrctlTest, NoProgramTakesAnEmptyValueForAnOptionThatWasLeftOut) {
    std::size_t tried = 0;
    std::vector<std::vector<std::string>> programs{{places::mrctl()}, {places::mrd()}, {places::mrd_quoting_service()}};
    if (!places::mrfs().empty()) programs.push_back({places::mrfs()});
    for (std::size_t i = 0; i < programs.size(); ++i) {
        const auto with = [&](std::initializer_list<std::string> more) {
            auto command = programs[i];
            command.insert(command.end(), more);
            return run_program(command, folder());
        };
        const auto shown = shown_by(with({"--help"}).out);
        for (const auto &command : shown.commands) {
            programs.push_back(programs[i]);
            programs.back().push_back(command);
        }
        for (const auto &option : shown.options) {
            if (option == "description") continue;  // may be left out so: then an event has none
            const auto refused = with({"--" + option, ""});
            EXPECT_EQ(refused.exit_code, programs[i].back() == "gate" ? 255 : 2) << programs[i].back() << " --" << option;
            EXPECT_THAT(refused.err, HasSubstr("--" + option + ": ")) << programs[i].back();
            ++tried;
        }
    }
    EXPECT_GT(tried, 90U);
    EXPECT_THAT(failure(2, {"access", ""}), HasSubstr("USER: it is empty"));
    EXPECT_THAT(failure(2, {"watch", ""}), HasSubstr("REGISTER: it is empty"));
    EXPECT_THAT(failure(2, {"exec", "rtmr3", ""}), HasSubstr("exec: name the program"));
}

TEST_F(MrctlTest, AnArgumentThatIsNoTextIsWrongUsageAndSendsNothing) {
    for (const std::vector<std::string> &wrong :
         std::vector<std::vector<std::string>>{{"log", "--format", "\xFF"},
                                               {"read", "\xFF"},
                                               {"read", "rtmr0", "\xFF", "--json"},
                                               {"watch", "\xFF"},
                                               {"cap", "\xFF"},
                                               {"write", "\xFF", "--hex", "00"},
                                               {"measure", "\xFF", "/dev/null"},
                                               {"extend", "rtmr3", "--digest", hex(1), "--description", "a\xFF"},
                                               {"extend", "rtmr3", "--digest", hex(1), "--id", "\xC0\x80"},
                                               {"extend", "rtmr3", "--digest", hex(1), "--type", "\xFF"},
                                               {"report", "--data", hex(1, 64), "--provider", "\xFF", "--json"},
                                               {"quote", "--data", hex(1, 64), "--provider", "\xFF"},
                                               {"evidence", "--data", hex(1, 64), "-o", "-", "--provider", "\xFF"}})
        EXPECT_THAT(failure(2, wrong), HasSubstr("UTF-8")) << wrong.front();
}

TEST_F(MrctlTest, WithJsonEveryErrorIsAnObjectOnStandardOutputToo) {
    EXPECT_THAT(failure(3, {"list", "--json"}), HasSubstr("start it"));
    EXPECT_THAT(failure(1, {"verify", folder() / "missing", "--json"}), HasSubstr("missing"));
    EXPECT_THAT(failure(1, {"verify", "/dev/null", "--json"}), HasSubstr("/dev/null"));
    failure(2, {"verify", "--json"});
    failure(2, {"verify", "--nonsense", "--json"});
    failure(2, {"verify", "x", "--time", "x", "--json"});
    failure(2, {"verify", "x", "--nonce", "00", "--json"});
    failure(2, {"read", "--json"});
    failure(2, {"extend", "rtmr3", "--digest", "xyz", "--json"});
}

TEST_F(MrctlTest, AConnectionTooManyIsExitCodeThreeWithWhatToLookAt) {
    start({.config = "[service]\nmax_connections = 1\n"});
    auto client = daemon().client();
    ASSERT_TRUE(client.list());
    EXPECT_THAT(failure(3, {"list"}), HasSubstr("max_connections"));
    EXPECT_THAT(failure(3, {"list", "--json"}), HasSubstr("max_connections"));
    EXPECT_THAT(failure(3, {"status"}), HasSubstr("max_connections"));
}

TEST_F(MrctlTest, TheStatusOfHardwareThatHangsIsToldWithANote) {
    // The first refresh is the start's. A provider that takes time has a thread of its own.
    start({.faults = "refresh:hang@2,write:delay=1"});
    const auto done = mrctl({"status", "--timeout", "5"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("mrctl: note: the registers are not reread, and the hardware may hang: "));
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
    EXPECT_THAT(done.out, AllOf(HasSubstr("version "), HasSubstr("\nprovider tdx (sim) running"), HasSubstr("\ntdx/rtmr3 as logged")));
    EXPECT_THAT(daemon().log(), HasSubstr("simulated hang"));
}

TEST_F(MrctlTest, AnMrdThatDoesNotAnswerIsNoStatus) {
    start();
    daemon().process().signal(SIGSTOP);
    EXPECT_THAT(failure(1, {"status", "--timeout", "1"}), HasSubstr("no answer in time"));
    daemon().process().signal(SIGCONT);
}

TEST_F(MrctlTest, AFileWhoseNameIsNoTextIsMeasured) {
    const auto file = folder() / "bad\xFFname";
    std::ofstream(file) << "hello";
    start();
    EXPECT_EQ(mrctl({"measure", "rtmr3", file}).exit_code, 0);
}

TEST_F(MrctlTest, ARefusalIsExitCodeOneWrongUsageTwoAndNoServiceThree) {
    EXPECT_THAT(failure(3, {"list"}), AllOf(HasSubstr((folder() / "io.mrd").native()), HasSubstr("start it")));
    failure(3, {"measure", "rtmr3", "/dev/null"});
    failure(3, {"list", "--json"});
    start();
    EXPECT_THAT(failure(1, {"read", "rtmr9"}), HasSubstr("NoSuchRegister"));
    EXPECT_THAT(failure(1, {"read", "rtmr9", "--json"}), HasSubstr("NoSuchRegister"));
    EXPECT_THAT(failure(1, {"extend", "mrtd", "--digest", hex(1)}), HasSubstr("NotExtensible"));
    failure(2, {"extend", "rtmr3", "--digest", "xyz"});
    for (const auto &wrong :
         std::vector<std::vector<std::string>>{{}, {"nonsense"}, {"read"}, {"extend", "rtmr3"}, {"list", "--nonsense"}}) {
        const auto done = mrctl(wrong);
        EXPECT_EQ(done.exit_code, 2);
        EXPECT_THAT(done.out, IsEmpty());
    }
    for (const std::vector<std::string> &misspelt : std::vector<std::vector<std::string>>{
             {"lst"}, {"--json", "lst"}, {"--socket", "list", "--timeout", "1", "lst", "rtmr3"}, {"--socket=list", "lst"}})
        EXPECT_THAT(failure(2, misspelt), HasSubstr("there is no command \"lst\"")) << misspelt.front();
    EXPECT_THAT(failure(2, {"--socket", "list"}), HasSubstr("subcommand is required"));
    EXPECT_THAT(failure(2, {"read"}), HasSubstr("REGISTER"));
    EXPECT_EQ(mrctl({"--help"}).exit_code, 0);
    EXPECT_EQ(mrctl({"--version"}).exit_code, 0);
    EXPECT_EQ(run_program({places::mrctl(), "--socket", daemon().socket(), "list"}, folder()).exit_code, 0)
        << "--socket in place of MRD_SOCKET";
}

// ---- inspect

class MrctlInspect : public DaemonTest, public ::testing::WithParamInterface<std::string> {};

std::vector<std::string> samples() {
    std::vector<std::string> names;
    std::error_code missing;
    for (const auto &entry : std::filesystem::directory_iterator(places::shared_data() / "tdreport", missing))
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    if (names.empty()) names.emplace_back("none");
    return names;
}

TEST_P(MrctlInspect, PrintsWhatIsExpectedOfTheSample) {
    const auto sample = places::shared_data() / "tdreport" / GetParam();
    if (!std::filesystem::exists(sample)) GTEST_SKIP() << sample << " is not there";
    const auto file = (sample / "tdreport.bin").native();
    const auto expected = Json::parse(contents(sample / "info.json"))["expected"];
    const auto as_json = run_program({places::mrctl(), "inspect", file, "--json"}, folder());
    const auto plain = run_program({places::mrctl(), "inspect", file}, folder());
    ASSERT_EQ(as_json.exit_code, 0) << as_json.err;
    ASSERT_EQ(plain.exit_code, 0) << plain.err;
    const auto printed = Json::parse(as_json.out);
    int compared = 0;
    for (const auto &[key, value] : expected.items()) {
        if (key == "note") continue;
        ASSERT_TRUE(printed.contains(key)) << key;
        EXPECT_EQ(printed[key], value) << key;
        if (value.is_string()) {
            EXPECT_THAT(plain.out, HasSubstr(key + " " + value.get<std::string>() + "\n"));
        }
        ++compared;
    }
    EXPECT_GT(compared, 20);
    EXPECT_THAT(plain.out, AllOf(HasSubstr("TDREPORT"), HasSubstr("TDINFO hash holds\n"), HasSubstr("MAC not checked")));
    const auto from_input = run_program({places::mrctl(), "inspect", "-", "--json"}, folder(), contents(file));
    EXPECT_EQ(from_input.out, as_json.out);
}

INSTANTIATE_TEST_SUITE_P(Samples, MrctlInspect, ::testing::ValuesIn(samples()), [](const auto &tested) {
    std::string name;
    for (const char c : tested.param) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
    }
    return name;
});

TEST_F(MrctlTest, InspectOfWhatItDoesNotKnowIsRefusedWithWhatItKnows) {
    std::ofstream(folder() / "other") << "hello";
    EXPECT_THAT(failure(1, {"inspect", folder() / "other"}), AllOf(HasSubstr("5 bytes"), HasSubstr("TDREPORT")));
    EXPECT_THAT(failure(1, {"inspect", folder() / "missing"}), HasSubstr("missing"));
}

TEST_F(MrctlTest, InspectNamesTheBitsOfATd) {
    start();
    std::ofstream(folder() / "report", std::ios::binary) << output({"read", "report0", "--raw"});
    (void)mrctl({"quote", "--data", hex(1, 64), "-o", folder() / "quote"});
    for (const auto *const name : {"report", "quote"}) {
        auto bytes = contents(folder() / name);
        // TD ATTRIBUTES and XFAM, of which the report's hash now says something else, and the quote's signature.
        const std::size_t at = name == std::string("report") ? 512 : bytes[0] == 4 ? 48 + 120 : 54 + 120;
        bytes.replace(at, 16, std::string("\x01\x01\0\x10\0\0\0\0\xE7\x02\x06\0\0\0\0\x80", 16));
        std::ofstream(folder() / "changed", std::ios::binary) << bytes;
        const auto printed = json({"inspect", folder() / "changed"});
        EXPECT_EQ(printed["td_attributes"], "0101001000000000") << name;
        EXPECT_EQ(printed["td_attributes_bits"], "debug, bit 8, sept_ve_disable") << name;
        EXPECT_EQ(printed["xfam_bits"], "x87, sse, avx, opmask, zmm_hi256, hi16_zmm, pkru, tilecfg, tiledata, bit 63") << name;
        EXPECT_EQ(printed["seam_attributes_bits"], "none") << name;
        EXPECT_THAT(output({"inspect", folder() / "changed"}), HasSubstr("\ntd_attributes_bits debug, bit 8, sept_ve_disable\n"));
    }
    const auto quote = json({"inspect", folder() / "quote"});
    EXPECT_THAT(quote["qe_attributes_bits"].get<std::string>(), HasSubstr("init"));
    EXPECT_TRUE(quote["qe_xfrm_bits"].is_string());
}

TEST_F(MrctlTest, InspectShowsThatAHashDoesNotHold) {
    start();
    auto report = output({"read", "report0", "--raw"});
    report[700] = static_cast<char>(report[700] ^ 1);
    std::ofstream(folder() / "report", std::ios::binary) << report;
    EXPECT_THAT(output({"inspect", folder() / "report"}),
                AllOf(HasSubstr("TDINFO hash DOES NOT HOLD\n"), HasSubstr("TEE_TCB_INFO hash holds\n")));
    EXPECT_EQ(json({"inspect", folder() / "report"})["td_info_hash_matches"], false);
}

}  // namespace
}  // namespace mrd
