// What somebody can do who runs code of his own in the programs as they are shipped: tests/exploit/exploit.cpp is preloaded into them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/mrctl.h"
#include "tests/places.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

constexpr int killed = 1000 + SIGSYS;

// What a sanitized build is kept from too (confinement/system_calls.h).
const std::vector<std::string> ends_any_build = {"run",    "inet",   "netlink",  "vsock", "mount", "unshare",
                                                 "chroot", "handle", "io-uring", "bpf",   "user",  "parents-memory"};
const std::vector<std::string> ends_it = {"fork", "ptrace", "kill", "written-code"};

class MrctlConfinement : public MrctlTest {
protected:
    // The command, in which `order` is carried out when the first of the file's bytes are hashed.
    Finished exploited(std::vector<std::string> command, const std::string &order) {
        command.insert(command.begin(), places::mrctl());
        return run_program(command, folder(), {},
                           {{"LD_PRELOAD", places::exploit()}, {"MRD_EXPLOIT", order}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}});
    }

    // Each command that reads a stranger's file, on one in which something is hashed.
    std::vector<std::vector<std::string>> commands() {
        start();
        const auto evidence = (folder() / "evidence.json").native();
        const auto log = (folder() / "log.json").native();
        for (const auto &made : std::vector<std::vector<std::string>>{{"extend", "rtmr3", "--digest", hex(7)},
                                                                      {"evidence", "--data", hex(7), "-o", evidence},
                                                                      {"log", "--format", "json", "-o", log}}) {
            const auto done = mrctl(made);
            EXPECT_EQ(done.exit_code, 0) << done.err;
        }
        return {{"verify", evidence}, {"inspect", evidence}, {"inspect", log}, {"replay", "--log", log}};
    }
};

TEST_F(MrctlConfinement, WhoTakesOverVerifyInspectOrReplayOfAFileRunsNothingAndMakesNoSocket) {
    auto orders = ends_any_build;
    if (!is_sanitized) orders.insert(orders.end(), ends_it.begin(), ends_it.end());
    if (!is_sanitized) orders.insert(orders.end(), {"unix", "write-input"});
    for (const auto &command : commands()) {
        for (const auto &order : orders) {
            const auto done = exploited(command, order);
            EXPECT_EQ(done.exit_code, killed) << command.front() << ' ' << order << ": " << done.err;
        }
    }
}

TEST_F(MrctlConfinement, NorOpensAnyFile) {
    const auto file = (folder() / "file").native();
    std::ofstream(file) << "secret";
    for (const auto &command : commands()) {
        for (const auto &order : {"read " + file, "write " + file, "write " + file + ".new", std::string("read /proc/self/maps")}) {
            const auto done = exploited(command, order);
            EXPECT_THAT(done.err, HasSubstr("exploit: " + order + ": " + std::to_string(EACCES) + "\n")) << command.front();
        }
        // (A sanitized build is kept from it by Landlock alone.)
        const auto removing = exploited(command, "remove " + file);
        EXPECT_TRUE(is_sanitized || removing.exit_code == killed) << removing.err;
        EXPECT_TRUE(std::filesystem::exists(file));
    }
}

}  // namespace
}  // namespace mrd
