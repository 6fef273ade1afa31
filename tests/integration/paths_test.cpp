// Paths of the command line and of the configuration that lead to no file, to no end, or to nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <csignal>
#include <thread>

#include "proto/varlink/file_descriptor.h"
#include "tests/integration/as_user.h"
#include "tests/integration/mrctl.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class PathsTest : public MrctlTest {
protected:
    void SetUp() override {
        ASSERT_EQ(::mkfifo(fifo_.c_str(), 0600), 0);
        std::filesystem::create_directory(directory_);
        std::ofstream(unreadable_) << "{}";
        std::filesystem::permissions(unreadable_, std::filesystem::perms::none);
        std::ofstream(good_) << "{}";
    }

    // What cannot be read. Everything can be by root.
    [[nodiscard]] std::vector<std::string> bad_inputs() const {
        std::vector<std::string> paths{directory_, folder() / "missing", fifo_, "/dev/zero"};
        if (::geteuid() != 0) paths.push_back(unreadable_);
        return paths;
    }

    // Each must end with 1, say nothing on standard output, and one line on standard error that names the path. All run at once: what waits for a FIFO's other
    // end waits as long as the others.
    struct Run {
        std::vector<std::string> command;
        std::string path;
    };
    void expect_one_line(const std::vector<Run> &runs) {
        struct Running {
            Process process;
            std::filesystem::path out;
            std::filesystem::path err;
        };
        std::vector<Running> running;
        for (const auto &run : runs) {
            const auto base = folder() / ("run" + std::to_string(running.size()));
            const auto out = base.native() + ".out";
            const auto err = base.native() + ".err";
            std::filesystem::remove(err);
            const int fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
            running.push_back(
                {Process(run.command, {.environment = {{"MRD_SOCKET", (folder() / "io.mrd").native()}}, .output = fd, .errors = err}), out,
                 err});
            ::close(fd);
        }
        for (std::size_t i = 0; i < runs.size(); ++i) {
            SCOPED_TRACE(::testing::PrintToString(runs[i].command));
            EXPECT_EQ(running[i].process.wait(), 1);
            const auto err = contents(running[i].err);
            EXPECT_EQ(std::ranges::count(err, '\n'), 1) << err;
            EXPECT_THAT(err, HasSubstr(runs[i].path));
            EXPECT_THAT(contents(running[i].out), IsEmpty());
        }
    }

    const std::filesystem::path fifo_ = folder() / "fifo";
    const std::filesystem::path directory_ = folder() / "directory";
    const std::filesystem::path unreadable_ = folder() / "unreadable";
    const std::filesystem::path good_ = folder() / "good";
};

TEST_F(PathsTest, WhatMrctlIsToReadIsReadOrOneErrorSaysWhyNot) {
    start();
    std::vector<Run> runs;
    for (const auto &path : bad_inputs()) {
        for (const std::vector<std::string> &arguments : std::vector<std::vector<std::string>>{
                 {"measure", "tdx/rtmr3", path},
                 {"measure", "--envelope", "tdx/rtmr3", path},
                 {"replay", "--log", path},
                 {"write", "tdx/reportdata", path},
                 {"verify", path},
                 {"verify", "--quote", path},
                 {"verify", "--quote", good_, "--log", path},
                 {"verify", good_, "--roots", path},
                 {"verify", good_, "--collateral", path},
                 {"verify", good_, "--reference", path},
                 {"inspect", path},
             }) {
            runs.push_back({arguments, path});
            runs.back().command.insert(runs.back().command.begin(), places::mrctl());
        }
    }
    expect_one_line(runs);
    EXPECT_EQ(output({"read", "rtmr3", "--fresh"}), "tdx/rtmr3 " + hex(0) + "\n");
}

TEST_F(PathsTest, WhatMrctlIsToWriteIsWrittenOrOneErrorSaysWhyNot) {
    start();
    std::vector<Run> runs;
    for (const auto &path : {directory_.native(), (folder() / "missing" / "file").native(), std::string("/dev/full"), fifo_.native()}) {
        for (const std::vector<std::string> &arguments : std::vector<std::vector<std::string>>{
                 {"log", "--format", "json", "-o", path},
                 {"collateral", "-o", path},
                 {"collateral", "--root", path},
             }) {
            runs.push_back({arguments, path});
            runs.back().command.insert(runs.back().command.begin(), places::mrctl());
        }
    }
    expect_one_line(runs);
    for (const auto *command : {"report", "quote", "evidence"}) {
        for (const auto &[path, reason] :
             {std::pair(directory_.native(), "Is a directory"), std::pair(std::string("/dev/full"), "No space left")}) {
            const auto done = mrctl({command, "--data", hex(1, 64), "-o", path});
            EXPECT_EQ(done.exit_code, 1);
            EXPECT_THAT(done.err, HasSubstr("cannot write " + path + ": " + reason));
        }
    }
}

// A disk without room stands behind the limit that is ignored, an end at any point behind the one that is not.
TEST_F(PathsTest, AFileIsReplacedByAWholeOneOrIsAsItWas) {
    start();
    for (int i = 0; i < 8; ++i) output({"extend", "rtmr3", "--digest", hex(1), "--description", std::string(4000, 'd')});
    const auto file = directory_ / "file";
    const bool has_nameless = varlink::FileDescriptor(::open(directory_.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600)).get() >= 0;
    const auto run = [&](std::vector<std::string> command, bool is_ended) {
        command.insert(command.begin(), places::mrctl());
        command.insert(command.end(), {"-o", file});
        Process process(
            command, {.environment = {{"MRD_SOCKET", (folder() / "io.mrd").native()}}, .errors = folder() / "err", .in_child = [is_ended] {
                          const rlimit size{8192, 8192};
                          const rlimit none{0, 0};
                          ::setrlimit(RLIMIT_FSIZE, &size);
                          ::setrlimit(RLIMIT_CORE, &none);
                          std::signal(SIGXFSZ, is_ended ? SIG_DFL : SIG_IGN);
                      }});
        return process.wait();
    };
    const auto files = [this] {
        std::vector<std::string> names;
        for (const auto &entry : std::filesystem::directory_iterator(directory_)) names.push_back(entry.path().filename());
        return names;
    };
    for (const auto &command : std::vector<std::vector<std::string>>{{"log", "--format", "json"}, {"evidence", "--data", hex(1, 64)}}) {
        for (const bool is_ended : {false, true}) {
            const auto expected = is_ended ? 1000 + SIGXFSZ : 1;
            std::filesystem::remove(file);
            EXPECT_EQ(run(command, is_ended), expected) << command.front();
            if (has_nameless || !is_ended) {
                EXPECT_THAT(files(), IsEmpty()) << command.front();
            }
            std::ofstream(file) << "precious";
            EXPECT_EQ(run(command, is_ended), expected) << command.front();
            EXPECT_EQ(contents(file), "precious") << command.front();
            if (has_nameless || !is_ended) {
                EXPECT_THAT(files(), ::testing::ElementsAre("file")) << command.front();
            }
        }
        EXPECT_THAT(contents(folder() / "err"), HasSubstr("cannot write " + file.native()));
    }
}

TEST_F(PathsTest, ANewFileIsOwnedAndProtectedAsTheOldOneWas) {
    start();
    const auto status_of = [](const std::filesystem::path &path) {
        struct stat status{};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status;
    };
    const auto file = (directory_ / "file").native();
    const auto write = [&](const std::string &to) { output({"log", "--format", "json", "-o", to}); };
    output({"extend", "rtmr3", "--digest", hex(1)});
    EXPECT_EQ(run_program({"/bin/sh", "-c", "umask 027; exec " + places::mrctl() + " log --format json -o " + file}, folder(), {},
                          {{"MRD_SOCKET", (folder() / "io.mrd").native()}})
                  .exit_code,
              0);
    EXPECT_EQ(status_of(file).st_mode & 07777, 0640U) << "a new one's is by the umask";
    const auto whole = contents(file);
    EXPECT_THAT(whole, HasSubstr(hex(1)));

    std::ofstream(file) << "of old";
    ASSERT_EQ(::chmod(file.c_str(), 0604), 0);
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(file.c_str(), 12345, 54321), 0);
    }
    const auto old = status_of(file);
    const auto link = folder() / "link";
    std::filesystem::create_symlink("directory/file", link);
    write(link);
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(contents(file), whole);
    const auto now = status_of(file);
    EXPECT_NE(now.st_ino, old.st_ino) << "it is another file";
    EXPECT_EQ(now.st_mode, old.st_mode);
    EXPECT_EQ(now.st_uid, old.st_uid);
    EXPECT_EQ(now.st_gid, old.st_gid);

    std::filesystem::remove(file);
    write(link);
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(contents(file), whole) << "a link to nothing makes what it leads to";

    // In /proc there are files, and nobody makes one.
    output({"log", "--format", "json", "-o", "/proc/self/comm"});

    // Others write to it, too.
    EXPECT_EQ(output({"log", "--format", "json", "-o", "/dev/stdout"}), whole);
    const auto held = (folder() / "held").native();
    std::ofstream(held) << std::string(100'000, 'x');
    const auto held_before = status_of(held);
    EXPECT_EQ(run_program({"/bin/sh", "-c", "exec 3>>" + held + "; " + places::mrctl() + " log --format json -o /dev/fd/3"}, folder(), {},
                          {{"MRD_SOCKET", (folder() / "io.mrd").native()}})
                  .exit_code,
              0);
    EXPECT_EQ(status_of(held).st_ino, held_before.st_ino);
    EXPECT_EQ(contents(held), whole);
}

// An access list as Linux keeps it: version 2, then tag, rights and id of each entry. (linux/posix_acl_xattr.h)
std::string access_list(const std::vector<std::tuple<std::uint16_t, std::uint16_t, std::uint32_t>> &entries) {
    std::string list;
    const auto append = [&list](std::uint64_t number, int bytes) {
        for (int i = 0; i < bytes; ++i) list.push_back(static_cast<char>(number >> (8 * i)));
    };
    append(2, 4);
    for (const auto &[tag, rights, id] : entries) {
        append(tag, 2);
        append(rights, 2);
        append(id, 4);
    }
    return list;
}

// Mode bits are not all that says who may read: behind a list, those of the group are its mask.
TEST_F(PathsTest, ANewFileHasTheAccessListAndTheAttributesOfTheOldOneAndNoOther) {
    constexpr std::uint32_t none = 0xFFFFFFFF;
    constexpr auto acl = "system.posix_acl_access";
    // The owner writes, uid 65534 reads, the group nothing; the mask reads, others nothing.
    const auto list = access_list({{1, 6, none}, {2, 4, 65534}, {4, 0, none}, {16, 4, none}, {32, 0, none}});
    const auto attribute = [](const std::string &file, const char *name) {
        std::string value(4096, '\0');
        const auto size = ::getxattr(file.c_str(), name, value.data(), value.size());
        return size < 0 ? std::string("none") : value.substr(0, static_cast<std::size_t>(size));
    };
    start();
    const auto file = (directory_ / "file").native();
    std::ofstream(file) << "of old";
    if (::setxattr(file.c_str(), acl, list.data(), list.size(), 0) != 0) GTEST_SKIP() << "no access lists on this file system";
    ASSERT_EQ(::setxattr(file.c_str(), "user.mime_type", "text/x", 6, 0), 0);
    output({"log", "--format", "json", "-o", file});
    EXPECT_THAT(contents(file), HasSubstr("{"));
    EXPECT_EQ(attribute(file, acl), list);
    EXPECT_EQ(attribute(file, "user.mime_type"), "text/x");

    // A folder that gives what is made in it a list: the old file has none.
    ASSERT_EQ(::setxattr(directory_.c_str(), "system.posix_acl_default", list.data(), list.size(), 0), 0);
    ASSERT_EQ(::removexattr(file.c_str(), acl), 0);
    ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
    output({"log", "--format", "json", "-o", file});
    EXPECT_EQ(attribute(file, acl), "none");
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
}

TEST_F(PathsTest, AFileThatMayNotBeWrittenIsNotReplaced) {
    start();
    before_mrctl_ = obey_modes;
    EXPECT_THAT(failure(1, {"log", "--format", "json", "-o", unreadable_}), HasSubstr("Permission denied"));
    // The other way round: what may be written is, where its folder takes no new file.
    const auto file = directory_ / "file";
    std::ofstream(file) << "of old, and longer than what follows" << std::string(100'000, 'x');
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    output({"log", "--format", "json", "-o", file});
    EXPECT_EQ(contents(file), output({"log", "--format", "json"}));
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
}

// The first would be lost.
TEST_F(PathsTest, TwoOutputsAreNotWrittenToOneFile) {
    const auto file = (folder() / "both").native();
    const auto same = (folder() / "." / "both").native();
    std::filesystem::create_symlink("both", folder() / "link-to-both");
    for (const std::vector<std::string> &command : std::vector<std::vector<std::string>>{
             {"collateral", "-o", file, "--root", same},
             {"collateral", "-o", "-", "--root", "-"},
             {"quote", "--data", hex(1, 64), "-o", file, "--auxiliary", same},
             {"quote", "--data", hex(1, 64), "--auxiliary", file, "--manifest", same},
             {"quote", "--data", hex(1, 64), "--auxiliary", "-"},
             {"collateral", "-o", "no-such-file", "--root", "./no-such-file"},
             {"collateral", "-o", file, "--root", (folder() / "link-to-both").native()},
         })
        EXPECT_THAT(failure(2, command), HasSubstr("is to be written twice")) << command.front();
    EXPECT_FALSE(std::filesystem::exists(file));
    start();
    output({"collateral", "-o", "/dev/null", "--root", "/dev/null"});

    // Standard output by another name, and the key that signs the result.
    const auto in_shell = [&](const std::string &command) {
        return run_program({"/bin/sh", "-c", command}, folder(), {}, {{"MRD_SOCKET", (folder() / "io.mrd").native()}});
    };
    std::ofstream(folder() / "key") << "key";
    for (const auto &[command, told] :
         {std::pair(" collateral -o /dev/stdout --root - > out", "is to be written twice"),
          std::pair(" verify any --ear /dev/stdout --ear-key key > out", "--ear /dev/stdout is standard output's file"),
          std::pair(" verify any --ear ./key --ear-key key", "--ear and --ear-key are one file")}) {
        const auto done = in_shell(places::mrctl() + command);
        EXPECT_EQ(done.exit_code, 2) << command;
        EXPECT_THAT(done.err, HasSubstr(told));
    }
    EXPECT_EQ(contents(folder() / "key"), "key");
}

TEST_F(PathsTest, ASocketThatIsNoneIsOneError) {
    for (const auto &[path, code] :
         {std::pair(directory_, 3), std::pair(fifo_, 3), std::pair(good_, 3), std::pair(folder() / "missing", 3)}) {
        const auto done = run_program({places::mrctl(), "--socket", path, "list"}, folder());
        EXPECT_EQ(done.exit_code, code) << path;
        EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
    }
}

TEST_F(PathsTest, AWriterOfAFifoIsWaitedFor) {
    start();
    std::thread writer([this] { std::ofstream(fifo_) << "from a pipe"; });
    const auto measured = json({"measure", "rtmr3", fifo_});
    writer.join();
    EXPECT_EQ(measured["digest"], mr::to_hex(digest_of("from a pipe").bytes()));
}

TEST_F(PathsTest, WhatMrdIsToReadIsReadOrItDoesNotStart) {
    std::vector<Run> runs;
    const auto base = [this](const std::string &number) {
        return std::vector<std::string>{
            places::mrd(), "--sim", "--log-level", "error", "--socket", folder() / ("s" + number), "--state", folder() / ("d" + number)};
    };
    const auto config = [&](const std::string &number, const std::string &text) {
        std::ofstream(folder() / ("c" + number)) << text;
        return (folder() / ("c" + number)).native();
    };
    const auto add = [&](std::vector<std::string> more, const std::string &path) {
        auto command = base(std::to_string(runs.size()));
        // In the place of its own, where it has one.
        const auto own = std::ranges::find(command, more.front());
        if (own != command.end()) command.erase(own, own + 2);
        command.insert(command.end(), more.begin(), more.end());
        runs.push_back({command, path});
    };
    for (const auto &path : bad_inputs()) {
        const auto number = [&runs] { return std::to_string(runs.size()); };
        if (path != folder() / "missing") add({"--config", path}, path);  // which is wrong usage
        add({"--sim-ccel", path}, path);
        add({"--config", config(number(), "[service]\nboot_id_file = \"" + path + "\"\n")}, path);
        add({"--config", config(number(), "[journal]\nfirmware_log = \"" + path + "\"\n")}, path);
        add({"--config", config(number(), "[[provider]]\ntype = \"sim\"\nfirmware_log = \"" + path + "\"\n")}, path);
    }
    for (const auto &path : {good_, fifo_}) add({"--state", path}, path);
    for (const auto &path : {directory_, good_}) add({"--socket", path}, path);
    expect_one_line(runs);
}

TEST_F(PathsTest, TheToolsOfTheTestsSayWhatIsWrongToo) {
    for (const auto &path : {good_, folder() / "missing"}) {
        const auto done = run_program({places::mrd_sim_extend(), path, "rtmr3", hex(1)}, folder());
        EXPECT_EQ(done.exit_code, 1);
        EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
    }
}

// ---- What a file's name becomes

TEST_F(PathsTest, AnyFilesNameMakesADescription) {
    start();
    // As long as a path may be: the end says most.
    auto deep = folder();
    while (deep.native().size() < 3700) deep /= std::string(200, 'x');
    std::filesystem::create_directories(deep);
    for (const auto &name :
         {std::string("plain"), std::string("\xFF\xFE not text"), std::string("line\nend\x1b[31m"), std::string("\xE2\x80\xAE rtl")}) {
        for (const auto &place : {folder(), deep}) {
            const auto file = place / name;
            std::ofstream(file) << "content";
            output({"measure", "rtmr3", file});
            output({"measure", "--envelope", "rtmr3", file});
        }
    }
    // And as long as it cannot be without being cut: four bytes for each of the name.
    const auto odd = deep / std::string(200, '\xFF');
    std::ofstream(odd) << "content";
    output({"measure", "rtmr3", odd});
    const auto records = mrctl({"log", "--json"}).out;
    std::istringstream lines(records);
    std::string last;
    for (std::string line; std::getline(lines, line);) last = line;
    const auto description = Json::parse(last)["record"]["description"].get<std::string>();
    EXPECT_LE(description.size(), 4096U);
    EXPECT_THAT(description, StartsWith("..."));
    EXPECT_THAT(description, ::testing::EndsWith("\\xff\\xff"));
    EXPECT_THAT(records, HasSubstr(R"(\\xff\\xfe not text)"));
    EXPECT_THAT(records, HasSubstr(R"(line\\nend\\x1b[31m)"));
}

}  // namespace
}  // namespace mrd
