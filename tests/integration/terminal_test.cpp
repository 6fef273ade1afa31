// What a client, a file or a command line says cannot steer the terminal of who looks at it: every invisible character, through every view.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "proto/varlink/text.h"
#include "tests/integration/log_reading.h"
#include "tests/integration/mrctl.h"
#include "tests/places.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string utf8(char32_t c) {
    if (c < 0x80) return {static_cast<char>(c)};
    std::string out;
    const auto append = [&out](char32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x800) {
        append(0xC0 | c >> 6U);
    } else if (c < 0x10000) {
        append(0xE0 | c >> 12U);
        append(0x80 | (c >> 6U & 0x3FU));
    } else {
        append(0xF0 | c >> 18U);
        append(0x80 | (c >> 12U & 0x3FU));
        append(0x80 | (c >> 6U & 0x3FU));
    }
    append(0x80 | (c & 0x3FU));
    return out;
}

// All of them, in texts of at most so many bytes; without NUL, which is in no command line and no file's name. With a sanitizer, which starts programs ten times
// as slowly, every fifth of these texts: it looks at what reads and writes them, not at each character.
std::vector<std::string> invisible_texts(std::size_t size) {
    std::vector<std::string> texts(1);
    for (char32_t c = 1; c <= 0x10FFFF; ++c) {
        if ((c >= 0xD800 && c <= 0xDFFF) || !varlink::is_invisible(c)) continue;
        const auto character = utf8(c);
        if (texts.back().size() + character.size() > size) texts.emplace_back();
        texts.back() += character;
    }
    if (!is_sanitized) return texts;
    std::vector<std::string> some;
    for (std::size_t i = 0; i < texts.size(); i += 5) some.push_back(std::move(texts[i]));
    return some;
}

// What a terminal would obey or not show; mrctl's own colours, tabs and line feeds are not meant, nor the terminal's carriage returns.
std::string found_in(std::string_view output, bool is_terminal) {
    std::string found;
    while (!output.empty()) {
        if (is_terminal && output.starts_with("\x1b[")) {
            const auto end = output.find('m');
            if (end != std::string_view::npos && output.substr(2, end - 2).find_first_not_of("0123456789;") == std::string_view::npos) {
                output.remove_prefix(end + 1);
                continue;
            }
        }
        const auto [c, size] = varlink::first_character(output);
        const bool is_own = c == U'\n' || c == U'\t' || (is_terminal && output.starts_with("\r\n"));
        if (!c || (varlink::is_invisible(*c) && !is_own)) found += " " + mr::to_hex(mr::as_bytes(output.substr(0, size)));
        output.remove_prefix(size);
    }
    return found;
}

class TerminalTest : public MrctlTest {
protected:
    // The program's output and errors on a terminal.
    std::string on_terminal(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
        int terminal = -1;
        int slave = -1;
        winsize size{.ws_row = 50, .ws_col = 150, .ws_xpixel = 0, .ws_ypixel = 0};
        EXPECT_EQ(::openpty(&terminal, &slave, nullptr, nullptr, &size), 0);
        arguments.insert(arguments.begin(), places::mrctl());
        environment.merge(usual());
        Process process(arguments, {.environment = environment, .output = slave, .in_child = [] { ::dup2(STDOUT_FILENO, STDERR_FILENO); }});
        ::close(slave);
        std::string seen;
        std::array<char, 4096> piece{};
        for (ssize_t count = 0; (count = ::read(terminal, piece.data(), piece.size())) > 0;)
            seen.append(piece.data(), static_cast<std::size_t>(count));
        exit_code_ = process.wait();
        EXPECT_TRUE(exit_code_);
        ::close(terminal);
        return seen;
    }

    // The environment that a command has on a terminal which obeys escape sequences, wherever the tests run.
    [[nodiscard]] std::map<std::string, std::string> usual() const {
        return {{"MRD_SOCKET", (folder() / "io.mrd").native()}, {"PAGER", "cat"}, {"TERM", "xterm"}, {"NO_COLOR", ""}};
    }
    std::optional<int> exit_code_;  // of the last on_terminal()

    // Both for people and for programs.
    void expect_harmless(const std::vector<std::string> &arguments) {
        const auto done = mrctl(arguments);
        ASSERT_TRUE(done.exit_code && *done.exit_code < 4) << arguments.front();
        EXPECT_THAT(found_in(done.out, false), IsEmpty()) << arguments.front();
        EXPECT_THAT(found_in(done.err, false), IsEmpty()) << arguments.front();
        EXPECT_THAT(found_in(on_terminal(arguments), true), IsEmpty()) << arguments.front();
    }
    void expect_harmless_both(std::vector<std::string> arguments) {
        expect_harmless(arguments);
        arguments.emplace_back("--json");
        expect_harmless(arguments);
    }
};

TEST_F(TerminalTest, NoViewShowsWhatAClientSaidInAFormThatATerminalObeys) {
    start();
    auto client = daemon().client();
    // A bare text in the data is shown as text, one in an envelope too; a caller's program has a name as well.
    std::vector<std::string> said;
    for (const auto &text : invisible_texts(128)) {
        said.push_back("d" + text);
        ASSERT_TRUE(client.measure("rtmr3", mr::as_bytes("x" + text), {.description = said.back(), .id = text}));
        ASSERT_TRUE(client.measure("rtmr2", mr::as_bytes("x" + text), {.description = said.back(), .envelope = true}));
    }
    const auto program = folder() / "mrctl\xC2\x9B\x7F\x1B[31m\xE2\x80\xAE";
    std::filesystem::copy_file(places::mrctl(), program);
    EXPECT_EQ(run_program({program, "extend", "rtmr3", "--digest", hex(1)}, folder(), {}, {{"MRD_SOCKET", (folder() / "io.mrd").native()}})
                  .exit_code,
              0);

    expect_harmless_both({"log"});
    for (const auto *view : {"list", "status", "stats", "replay"}) expect_harmless_both({view});
    expect_harmless_both({"read", "rtmr3", "rtmr2"});
    for (const std::string format : {"json", "cel_json"}) {
        const auto file = (folder() / format).native();
        // The separators of a text sequence (RFC 7464) are the format's own.
        auto exported = output({"log", "--format", format});
        std::erase(exported, '\x1e');
        EXPECT_THAT(found_in(exported, false), IsEmpty());
        output({"log", "--format", format, "-o", file});
        expect_harmless_both({"inspect", file});
        expect_harmless_both({"replay", "--log", file});
    }
    const auto evidence = (folder() / "evidence").native();
    EXPECT_EQ(mrctl({"evidence", "--data", hex(7, 64), "-o", evidence}).exit_code, 0);
    expect_harmless({"evidence", "--data", hex(7, 64), "-o", "-"});
    expect_harmless_both({"inspect", evidence});
    expect_harmless_both({"verify", evidence});

    // The values are the same.
    std::vector<std::string> read;
    std::istringstream lines(output({"log", "--json"}));
    for (std::string line; std::getline(lines, line);) {
        const auto record = Json::parse(line);
        if (record["record"].value("register", record["record"].value("name", "")) == "tdx/rtmr3")
            read.push_back(record["record"].value("description", ""));
    }
    ASSERT_GT(read.size(), said.size());
    read.resize(said.size());
    EXPECT_EQ(read, said);
}

// Scripts read standard output, which stays as it is; --json has it as a member.
TEST_F(TerminalTest, APersonIsToldOfWhatNothingBindsToHardwareOnStandardErrorAlone) {
    start();
    const auto note_of = [](const std::string &names) {
        return HasSubstr("mrctl: note: unbound: nothing binds " + names + " to this machine's hardware");
    };
    EXPECT_EQ(output({"read", "rtmr3"}), "tdx/rtmr3 " + hex(0) + "\n");
    EXPECT_THAT(on_terminal({"read", "rtmr3"}), note_of("tdx/rtmr3"));
    EXPECT_THAT(on_terminal({"read", "rtmr3", "rtmr2"}), note_of("tdx/rtmr3, tdx/rtmr2"));
    EXPECT_THAT(on_terminal({"extend", "rtmr3", "--digest", hex(1)}), note_of("tdx/rtmr3"));
    const auto all = note_of("tdx/rtmr0, tdx/rtmr1, tdx/rtmr2, tdx/rtmr3");
    EXPECT_THAT(on_terminal({"replay"}), all);
    EXPECT_THAT(on_terminal({"log"}), all);
    EXPECT_THAT(on_terminal({"log", "--format", "json", "-o", (folder() / "log").native()}), all);
    for (const auto &command : std::vector<std::vector<std::string>>{{"replay"}, {"log"}, {"log", "--format", "json"}})
        EXPECT_THAT(output(command), Not(HasSubstr("unbound"))) << command.front();
    EXPECT_EQ(json({"read", "rtmr3"})["reading"]["unbound"], true);
    EXPECT_THAT(on_terminal({"read", "rtmr3", "--json"}), Not(HasSubstr("note")));
    for (const auto &reg : json({"replay"})["registers"]) EXPECT_EQ(reg["unbound"], true) << reg;
    EXPECT_EQ(json({"extend", "rtmr3", "--digest", hex(2)})["reading"]["unbound"], true);
}

TEST_F(TerminalTest, NoErrorRepeatsWhatWasTypedInAFormThatATerminalObeys) {
    start();
    for (const auto &text : invisible_texts(4096)) {
        for (const auto &arguments : std::vector<std::vector<std::string>>{{text},
                                                                           {"--" + text},
                                                                           {"read", text},
                                                                           {"read", "rtmr3", text, "--json"},
                                                                           {"cap", text},
                                                                           {"watch", text},
                                                                           {"extend", "rtmr3", "--digest", text},
                                                                           {"extend", "rtmr3", "--digest", hex(1), "--type", text},
                                                                           {"extend", "rtmr3", "--digest", hex(1), "--id", text},
                                                                           {"measure", text, "/dev/null"},
                                                                           {"measure", "rtmr3", "/" + text},
                                                                           {"log", "--format", text},
                                                                           {"log", "--from", text},
                                                                           {"inspect", "/" + text},
                                                                           {"verify", "/" + text},
                                                                           {"verify", "--quote", "/" + text, "--nonce", text},
                                                                           {"quote", "--data", text},
                                                                           {"quote", "--data", hex(1, 64), "--provider", text},
                                                                           {"replay", "--log", "/" + text},
                                                                           {"list", "--socket", text}}) {
            const auto done = mrctl(arguments);
            ASSERT_TRUE(done.exit_code && *done.exit_code > 0 && *done.exit_code < 4) << arguments.front();
            EXPECT_THAT(found_in(done.out, false), IsEmpty()) << arguments.front();
            EXPECT_THAT(found_in(done.err, false), IsEmpty()) << arguments.front();
        }
    }
}

TEST_F(TerminalTest, BytesThatAreNotUtf8AreRepeatedInHexadecimal) {
    start();
    for (const auto &arguments :
         std::vector<std::vector<std::string>>{{"read", "\x9B\xFF"},
                                               {"read", "\x9B\xFF", "--json"},
                                               {"read", "\x9B\xFF", "rtmr3", "--json"},
                                               {"cap", "\x9B\xFF"},
                                               {"inspect", "/\x9B\xFF"},
                                               {"\x9B\xFF"},
                                               {"report", "--data", hex(1, 64), "--provider", "\x9B\xFF", "--json"}}) {
        const auto done = mrctl(arguments);
        ASSERT_TRUE(done.exit_code && *done.exit_code > 0 && *done.exit_code < 4) << arguments.front();
        EXPECT_THAT(found_in(done.out + done.err, false), IsEmpty()) << arguments.front();
    }
}

TEST_F(TerminalTest, AFilesNameIsShownAsText) {
    start();
    for (const auto &text : invisible_texts(250)) {
        auto name = text;
        std::ranges::replace(name, '/', '_');
        const auto file = (folder() / name).native();
        std::ofstream(file) << "content";
        const auto done = mrctl({"measure", "rtmr3", file});
        EXPECT_EQ(done.exit_code, 0) << done.err;
        EXPECT_THAT(found_in(mrctl({"inspect", file}).err, false), IsEmpty());
    }
    expect_harmless_both({"log"});
}

TEST_F(TerminalTest, TheDaemonsOwnLinesHoldNothingThatATerminalObeys) {
    for (const auto &text : invisible_texts(200)) {
        const auto folder_name = folder() / text;
        Daemon daemon(folder(), {.state = folder_name});
        ASSERT_TRUE(daemon.ready()) << daemon.log();
        EXPECT_EQ(daemon.stop(), 0);
        EXPECT_THAT(found_in(daemon.log(), false), IsEmpty());
    }
    const auto lines_of = [&](const std::vector<std::string> &arguments, const std::string &config = {}) {
        std::vector<std::string> command{places::mrd()};
        if (!config.empty()) {
            const auto file = folder() / "config\xC2\x9B.toml";
            std::ofstream(file) << config;
            command.insert(command.end(), {"--check", "--config", file});
        }
        command.insert(command.end(), arguments.begin(), arguments.end());
        const auto done = run_program(command, folder());
        EXPECT_NE(done.exit_code, 0);
        return done.out + done.err;
    };
    for (const auto &text : invisible_texts(2000)) {
        for (const auto &arguments : std::vector<std::vector<std::string>>{{text},
                                                                           {"--" + text},
                                                                           {"--log-level", text},
                                                                           {"--config", text},
                                                                           {"--sim", "--sim-mrtd", text},
                                                                           {"--socket", "/" + text + std::string(200, 'x')}})
            EXPECT_THAT(found_in(lines_of(arguments), false), IsEmpty());
        EXPECT_THAT(found_in(lines_of({}, "\"" + text + "\" = 1\n"), false), IsEmpty());
        EXPECT_THAT(found_in(lines_of({}, "[[provider]]\ntype = \"sim\"\nname = \"" + text + "\"\n"), false), IsEmpty());
    }
    EXPECT_THAT(found_in(refused({.config = "[[register]]\nname = \"no\\u009B\\u202E\\u007F\\u001Bthing\"\nlog_only = true\n"}, 2), false),
                IsEmpty());
}

TEST_F(TerminalTest, BytesAreNotWrittenToATerminal) {
    start();
    for (const auto &arguments : std::vector<std::vector<std::string>>{{"read", "report0", "--raw"},
                                                                       {"quote", "--data", hex(7, 64), "-o", "-"},
                                                                       {"report", "--data", hex(7, 64), "-o", "-"},
                                                                       {"evidence", "--cbor", "--data", hex(7, 64), "-o", "-"},
                                                                       {"log", "--format", "tcg"},
                                                                       {"log", "--format", "tcg_index0", "-o", "-"}}) {
        const auto seen = on_terminal(arguments);
        EXPECT_THAT(seen, HasSubstr("not for a terminal")) << arguments.front();
        EXPECT_THAT(found_in(seen, true), IsEmpty());
        EXPECT_EQ(mrctl(arguments).exit_code, 0) << "a pipe gets them";
    }
}

TEST_F(TerminalTest, ColourIsShownWhereItIsWantedAndUnderstood) {
    start();
    output({"extend", "rtmr3", "--digest", hex(1)});
    extend_behind("rtmr3", hex(2));
    const auto evidence = (folder() / "evidence").native();
    EXPECT_EQ(mrctl({"evidence", "--data", hex(7, 64), "-o", evidence}).exit_code, 0);
    for (const auto &arguments : std::vector<std::vector<std::string>>{{"log"}, {"list"}, {"stats"}, {"replay"}, {"verify", evidence}}) {
        EXPECT_THAT(on_terminal(arguments), HasSubstr("\x1b[")) << arguments.front();
        for (const auto &[name, value] : {std::pair("NO_COLOR", "1"), std::pair("TERM", "dumb"), std::pair("TERM", "")})
            EXPECT_THAT(on_terminal(arguments, {{name, value}}), Not(HasSubstr("\x1b")))
                << arguments.front() << ' ' << name << '=' << value;
    }
    EXPECT_THAT(on_terminal({"log"}, {{"PAGER", "sed s/^/paged:/"}, {"NO_COLOR", "1"}}), HasSubstr("paged:"));
    for (const auto *terminal : {"dumb", ""})
        EXPECT_THAT(on_terminal({"log"}, {{"PAGER", "sed s/^/paged:/"}, {"TERM", terminal}}), Not(HasSubstr("paged:"))) << terminal;
}

TEST_F(TerminalTest, APagerThatCannotBeRunIsAFailureThatNamesIt) {
    start();
    for (const std::string pager : {"/nosuch", "/dev/null"}) {
        EXPECT_THAT(on_terminal({"log"}, {{"PAGER", pager}}), HasSubstr("cannot run the pager \"" + pager + "\"")) << pager;
        EXPECT_EQ(exit_code_, 1) << pager;
    }
    EXPECT_THAT(on_terminal({"log"}, {{"PAGER", ""}}), HasSubstr("SEQUENCE"));
    EXPECT_EQ(exit_code_, 0);
}

TEST_F(TerminalTest, AnInterruptIsThePagersAlone) {
    start();
    int terminal = -1;
    int slave = -1;
    ASSERT_EQ(::openpty(&terminal, &slave, nullptr, nullptr, nullptr), 0);
    auto environment = usual();
    environment["PAGER"] =
        "trap 'echo caught INT' INT; trap 'echo caught QUIT' QUIT; cat >/dev/null; echo ready; "
        "while read -r word </dev/tty; [ \"$word\" != end ]; do :; done; echo ended";
    Process process({places::mrctl(), "log"}, {.environment = environment, .output = slave, .in_child = [] {
                                                   ::setsid();
                                                   ::ioctl(STDOUT_FILENO, TIOCSCTTY, 0);
                                               }});
    ::close(slave);
    std::string seen;
    const auto read_until = [&](std::string_view text) {
        for (char c = 0; !seen.ends_with(text) && ::read(terminal, &c, 1) == 1;) seen += c;
        return seen.ends_with(text);
    };
    EXPECT_TRUE(read_until("ready\r\n")) << seen;
    for (const std::string key : {"\x03", "\x1c"}) {
        EXPECT_EQ(::write(terminal, key.data(), key.size()), 1);
        EXPECT_TRUE(read_until(key == "\x03" ? "caught INT\r\n" : "caught QUIT\r\n")) << seen;
    }
    EXPECT_EQ(::write(terminal, "end\n", 4), 4);
    EXPECT_TRUE(read_until("ended\r\n")) << seen;
    EXPECT_EQ(process.wait(), 0) << "it waits for its pager";
    ::close(terminal);
}

}  // namespace
}  // namespace mrd
