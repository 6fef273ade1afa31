// mrctl exec: what is measured is what runs. And mrctl measure, of a file that changes meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "mr/envelope.h"
#include "tests/integration/mrctl.h"
#include "tests/integration/stepped_program.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class MrctlExec : public MrctlTest {
protected:
    std::filesystem::path program(const std::string &name, const std::string &bytes, mode_t mode = 0755) {
        const auto path = folder() / name;
        std::ofstream(path, std::ios::binary) << bytes;
        ::chmod(path.c_str(), mode);
        // Of long ago, so that what is written now shows on file systems whose clocks are coarse, too.
        std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24));
        return path;
    }

    struct Event {
        std::string description;
        std::string digest;  // of what was measured, hexadecimal
    };
    // All that was measured so far, as the register vouches for it.
    std::vector<Event> events() {
        std::vector<Event> found;
        auto client = daemon().client();
        EXPECT_TRUE(client.records(1, false, [&found](const mr::LogRecord &record) {
            const auto envelope = mr::decode_envelope(record.data.value_or(mr::Bytes()));
            if (envelope && envelope->body.digest && record.binding == mr::Binding::bound)
                found.push_back({envelope->body.description.value_or(""), mr::to_hex(envelope->body.digest->value.bytes())});
            return true;
        }));
        return found;
    }
    static std::string digest_hex(const std::string &bytes) { return mr::to_hex(digest_of(bytes).bytes()); }

    // The environment of mrctl in these tests.
    std::map<std::string, std::string> environment() { return {{"MRD_SOCKET", (folder() / "io.mrd").native()}}; }

    // `change` at every point of the race, one run for each. What ran was measured, and is one of these programs, by what it printed; or nothing ran.
    struct Outcome {
        int ran_first = 0;
        int ran_second = 0;
        int refused = 0;
    };
    Outcome at_every_point(const std::vector<std::string> &arguments, const std::filesystem::path &changed,
                           const std::function<void()> &reset, const std::function<void()> &change,
                           const std::map<std::string, std::string> &digests_by_output) {
        std::vector<std::string> command{places::mrctl(), "exec", "tdx/rtmr3"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        reset();
        const int points = run_stepped(command, folder(), changed, environment(), -1, [] {}).points;
        EXPECT_GT(points, 40) << "the program is not stopped where it should be";
        Outcome outcome;
        const int step = is_sanitized ? 7 : 1;
        for (int at = 0; at < points; at += step) {
            reset();
            const auto before = events().size();
            const auto done = run_stepped(command, folder(), changed, environment(), at, change).finished;
            const auto measured = events();
            if (done.out.empty()) {
                EXPECT_EQ(done.exit_code, 1) << at;
                EXPECT_THAT(done.err, StartsWith("mrctl: ")) << at;
                EXPECT_EQ(measured.size(), before) << "what is refused is not measured: at " << at << ", " << done.err;
                ++outcome.refused;
                continue;
            }
            const auto ran = digests_by_output.find(done.out);
            EXPECT_NE(ran, digests_by_output.end()) << at << ": " << done.out;
            EXPECT_GT(measured.size(), before);
            if (ran == digests_by_output.end() || measured.size() == before) continue;
            EXPECT_TRUE(std::ranges::any_of(measured.begin() + static_cast<std::ptrdiff_t>(before), measured.end(),
                                            [&](const Event &event) { return event.digest == ran->second; }))
                << "something ran that was not measured, at " << at;
            ++(ran == digests_by_output.begin() ? outcome.ran_first : outcome.ran_second);
        }
        return outcome;
    }
};

TEST_F(MrctlExec, AProgramIsMeasuredWithItsArgumentsAndItsStatusPassesThrough) {
    start();
    const auto done = mrctl({"exec", "rtmr3", "sh", "-c", "echo \"$0\" \"$1\" \"<$2>\"; exit 7", "x", "--json", ""});
    EXPECT_EQ(done.exit_code, 7);
    EXPECT_EQ(done.out, "x --json <>\n");
    EXPECT_THAT(done.err, IsEmpty());
    const auto measured = events();
    ASSERT_EQ(measured.size(), 1U);
    EXPECT_EQ(measured[0].description, R"(exec ["sh","-c","echo \"$0\" \"$1\" \"<$2>\"; exit 7","x","--json",""])");
    EXPECT_EQ(measured[0].digest, digest_hex(contents("/bin/sh")));
}

TEST_F(MrctlExec, ASignalEndsTheProgramAsIfMrctlHadNotBeenThere) {
    start();
    EXPECT_EQ(mrctl({"exec", "rtmr3", "--", "sh", "-c", "kill -TERM $$"}).exit_code, 1000 + SIGTERM);
}

TEST_F(MrctlExec, StandardInputIsTheProgramsAndNoDescriptorOfMrctlsIs) {
    start();
    EXPECT_EQ(output({"exec", "rtmr3", "cat"}, "what is said to it"), "what is said to it");
    // Those of this test are handed on by whatever it runs.
    EXPECT_EQ(output({"exec", "rtmr3", "ls", "/proc/self/fd"}), run_program({"/bin/ls", "/proc/self/fd"}, folder()).out);
}

TEST_F(MrctlExec, OfAScriptTheInterpreterIsMeasuredFirstAndReadsWhatWasMeasured) {
    start();
    const std::string text = "#! /bin/sh -e \necho \"$@\"\nfalse\necho no\n";
    const auto script = program("script", text);
    const auto done = mrctl({"exec", "rtmr3", script, "a", "b c"});
    EXPECT_EQ(done.exit_code, 1) << "-e reaches the interpreter";
    EXPECT_EQ(done.out, "a b c\n");
    const auto measured = events();
    ASSERT_EQ(measured.size(), 2U);
    EXPECT_EQ(measured[0].description, R"(interpreter ["/bin/sh","-e"])");
    EXPECT_EQ(measured[0].digest, digest_hex(contents("/bin/sh")));
    EXPECT_EQ(measured[1].description, "exec [\"" + script.native() + "\",\"a\",\"b c\"]");
    EXPECT_EQ(measured[1].digest, digest_hex(text));
}

TEST_F(MrctlExec, WhatWouldRunSomethingUnmeasuredIsRefusedAndNothingIsMeasured) {
    start();
    const std::string cannot = "mrctl: cannot run " + folder().native();
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("a", "#!/usr/bin/env sh\n")}),
                AllOf(StartsWith(cannot), HasSubstr("/usr/bin/env, which runs another one that nobody measures")));
    const auto link = folder() / "interpreter";
    std::filesystem::create_symlink("/usr/bin/env", link);
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("link", "#!" + link.native() + " sh\n")}), HasSubstr("which runs another one"));
    const auto script = program("b", "#!/bin/sh\n");
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("c", "#!" + script.native() + "\n")}), HasSubstr("is a script, too"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("d", "#!sh\n")}), HasSubstr("names no interpreter by a path from the root"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("e", "#!\n")}), HasSubstr("names no interpreter"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("f", "echo hello\n")}),
                HasSubstr("neither a program of this machine (ELF) nor a script"));
    auto other = contents("/bin/sh");
    other[18] = '\x16';  // e_machine: S/390
    other[19] = '\0';
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("g", other)}), HasSubstr("neither a program of this machine"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("h", "")}), HasSubstr("it is empty"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("i", "#!/bin/" + std::string(300, 'x') + "\n")}), HasSubstr("more than 255 bytes"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("j", "#!/no/such/interpreter\n")}), HasSubstr("/no/such/interpreter: No such file"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", folder()}), HasSubstr("it is no regular file"));
    EXPECT_THAT(failure(1, {"exec", "rtmr3", program("k", "#!/bin/sh\n", 0644)}), HasSubstr("Permission denied"));
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(MrctlExec, WhereTheExtendFailsNothingRuns) {
    start();
    EXPECT_THAT(failure(1, {"exec", "mrtd", "echo", "it runs"}), HasSubstr("NotExtensible"));
    EXPECT_THAT(failure(1, {"exec", "no-such-register", "echo", "it runs"}), HasSubstr("NoSuchRegister"));
    EXPECT_THAT(failure(3, {"--socket", folder() / "nobody", "exec", "rtmr3", "echo", "it runs"}), HasSubstr("no mrd at"));
    EXPECT_THAT(failure(2, {"exec", "rtmr3"}), HasSubstr("PROGRAM is required"));
    EXPECT_THAT(failure(2, {"exec", "rtmr3", "--"}), HasSubstr("name the program"));
}

TEST_F(MrctlExec, WhatAnEventCannotHoldIsRefusedByName) {
    start();
    EXPECT_THAT(failure(2, {"exec", "rtmr3", "echo", std::string(4096, 'x')}),
                HasSubstr("take 4112 bytes in the event's description, which has at most 4096"));
    EXPECT_EQ(output({"exec", "rtmr3", "echo", std::string(4080, 'x')}), std::string(4080, 'x') + "\n");
    EXPECT_THAT(failure(2, {"exec", "rtmr3", "echo", "\xff"}), HasSubstr("not text in UTF-8"));
    const auto large = program("large", "#!/bin/sh\n");
    std::filesystem::resize_file(large, (std::uintmax_t{512} << 20U) + 1);
    EXPECT_THAT(failure(1, {"exec", "rtmr3", large}), HasSubstr("more than 536870912 bytes"));
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(MrctlExec, AProgramIsFoundAsAShellFindsIt) {
    start();
    const auto first = folder() / "first";
    const auto second = folder() / "second";
    for (const auto &each : {first, second}) std::filesystem::create_directory(each);
    program("first/tool", "#!/bin/sh\necho first\n", 0644);  // may not be run: passed over
    program("second/tool", "#!/bin/sh\necho second\n");
    program("first/data", "", 0644);
    std::filesystem::create_directory(first / "folder");
    const auto in_path = [&](const std::string &name) {
        auto variables = environment();
        variables["PATH"] = first.native() + "::" + second.native();
        return run_program({places::mrctl(), "exec", "rtmr3", name}, folder(), {}, variables);
    };
    EXPECT_EQ(in_path("tool").out, "second\n");
    EXPECT_THAT(in_path("data").err, HasSubstr("cannot run " + (first / "data").native() + ": Permission denied"));
    EXPECT_THAT(in_path("no-such-tool").err, HasSubstr("there is no program no-such-tool in the folders of PATH"));
    for (const std::string found : {"folder", "."})
        EXPECT_THAT(in_path(found).err, HasSubstr("there is no program " + found + " in the folders of PATH"));
}

TEST_F(MrctlExec, WhatMakesTheLoaderRunOtherCodeIsNotHandedOn) {
    start();
    auto variables = environment();
    variables["LD_LIBRARY_PATH"] = "/nonexistent";
    variables["LD_BIND_NOW"] = "1";
    variables["OTHER"] = "stays";
    const auto done = run_program({places::mrctl(), "exec", "rtmr3", "env"}, folder(), {}, variables);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, AllOf(HasSubstr("OTHER=stays\n"), Not(HasSubstr("LD_"))));
}

TEST_F(MrctlExec, WhatRunsCannotBeWrittenToAndIsTheSealedCopy) {
    start();
    const std::string text = "#!/bin/sh\necho appended >>\"$0\" || echo sealed\n";
    const auto script = program("script", text);
    const auto done = mrctl({"exec", "rtmr3", script});
    EXPECT_THAT(done.out + done.err, AnyOf(HasSubstr("sealed"), HasSubstr("not permitted")));
    EXPECT_EQ(contents(script), text);
    EXPECT_THAT(output({"exec", "rtmr3", "readlink", "/proc/self/exe"}), HasSubstr("memfd:readlink"));
}

TEST_F(MrctlExec, WhereTheKernelForbidsExecutableMemoryIsOneClearErrorAndNothingIsMeasured) {
    start();
    const std::string forbid = "echo 2 >/proc/sys/vm/memfd_noexec";
    if (run_program({"/usr/bin/unshare", "--pid", "--fork", "sh", "-c", forbid}, folder()).exit_code != 0)
        GTEST_SKIP() << "a kernel that can be told so (6.3), and root, are needed";
    const auto done = run_program(
        {"/usr/bin/unshare", "--pid", "--fork", "sh", "-c", forbid + R"( && exec "$0" exec rtmr3 echo it runs)", places::mrctl()}, folder(),
        {}, environment());
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, IsEmpty());
    EXPECT_THAT(done.err, HasSubstr("the kernel forbids executable memory files"));
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(MrctlExec, AProgramThatIsReplacedAtAnyPointRunsAsItWasMeasuredOrNotAtAll) {
    start();
    const auto echo = contents("/bin/echo");
    const auto basename = contents("/usr/bin/basename");
    const auto path = folder() / "program";
    const auto outcome = at_every_point(
        {path, "a/b"}, path, [&] { program("program", echo); }, [&] { std::filesystem::rename(program("other", basename), path); },
        {{"a/b\n", digest_hex(echo)}, {"b\n", digest_hex(basename)}});
    EXPECT_GT(outcome.ran_first, 0) << "replaced after it was read";
    EXPECT_GT(outcome.ran_second, 0) << "replaced before it was opened";
}

TEST_F(MrctlExec, AProgramThatIsWrittenToAtAnyPointRunsAsItWasMeasuredOrNotAtAll) {
    start();
    const std::string one = "#!/bin/sh\necho one\n";
    const std::string two = "#!/bin/sh\necho two\n";
    const auto path = folder() / "program";
    const auto outcome = at_every_point(
        {path}, path, [&] { program("program", one); }, [&] { std::ofstream(path) << two; },
        {{"one\n", digest_hex(one)}, {"two\n", digest_hex(two)}});
    EXPECT_GT(outcome.ran_first, 0);
    EXPECT_GT(outcome.ran_second, 0);
    EXPECT_GT(outcome.refused, 0) << "written to while it was read";
}

TEST_F(MrctlExec, AnInterpreterThatIsReplacedAtAnyPointRunsAsItWasMeasuredOrNotAtAll) {
    start();
    const auto cat = contents("/bin/cat");
    const auto sh = contents("/bin/sh");
    const auto interpreter = folder() / "interpreter";
    const std::string text = "#!" + interpreter.native() + "\necho hello\n";
    const auto path = program("script", text);
    const auto outcome = at_every_point(
        {path}, interpreter, [&] { program("interpreter", sh); }, [&] { std::filesystem::rename(program("other", cat), interpreter); },
        {{text, digest_hex(cat)}, {"hello\n", digest_hex(sh)}});
    EXPECT_GT(outcome.ran_first, 0);
    EXPECT_GT(outcome.ran_second, 0);
}

TEST_F(MrctlExec, MeasureOfAFileThatIsWrittenToMeanwhileMeasuresItWholeOrNotAtAll) {
    start();
    // More than one piece of what is read at once.
    const std::string one(std::size_t{600} * 1024, 'a');
    const std::string two(one.size(), 'b');
    const auto path = folder() / "file";
    const std::vector<std::string> command{places::mrctl(), "measure", "tdx/rtmr3", path, "--envelope"};
    int refused = 0;
    program("file", one);
    const int points = run_stepped(command, folder(), path, environment(), -1, [] {}).points;
    EXPECT_GT(points, 10);
    for (int at = 0; at < points; ++at) {
        program("file", one);
        const auto before = events().size();
        const auto done = run_stepped(command, folder(), path, environment(), at, [&] { std::ofstream(path) << two; }).finished;
        const auto measured = events();
        if (done.exit_code == 0) {
            ASSERT_EQ(measured.size(), before + 1);
            EXPECT_TRUE(measured.back().digest == digest_hex(one) || measured.back().digest == digest_hex(two)) << at;
            continue;
        }
        EXPECT_EQ(done.exit_code, 1);
        EXPECT_THAT(done.err, HasSubstr("has been changed or replaced while it was read: nothing was measured")) << at;
        EXPECT_EQ(measured.size(), before);
        ++refused;
    }
    EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace mrd
