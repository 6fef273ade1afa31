// What mrctl loads: libcrypto takes longer than `mrctl read` does in all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/integration/mrctl.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MrctlLibraries : public MrctlTest {
protected:
    // The shared objects that the command and what it hands over to load, as the dynamic loader tells them.
    std::string loaded(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), places::mrctl());
        const auto done = run_program(arguments, folder(), {}, {{"MRD_SOCKET", (folder() / "io.mrd").native()}, {"LD_DEBUG", "files"}});
        EXPECT_EQ(done.exit_code, 0) << done.err;
        return done.err;
    }
};

TEST_F(MrctlLibraries, WhatHashesNothingLoadsNoLibcrypto) {
    start();
    const std::vector<std::vector<std::string>> commands{
        {"list"},   {"read", "rtmr3"}, {"read", "rtmr3", "rtmr2", "--json"}, {"extend", "rtmr3", "--digest", hex(7)},
        {"status"}, {"stats"},         {"quote", "--data", hex(7)}};
    for (const auto &command : commands) {
        const auto told = loaded(command);
        EXPECT_THAT(told, HasSubstr("libc.so")) << "the loader tells what it loads";
        EXPECT_THAT(told, Not(HasSubstr("libcrypto"))) << command.front();
    }
}

TEST_F(MrctlLibraries, WhatHashesIsHandedOverToTheProgramThatHasIt) {
    start();
    const auto file = folder() / "measured";
    std::ofstream(file) << "hello";
    EXPECT_THAT(loaded({"measure", "rtmr3", file}), HasSubstr("libcrypto"));
    EXPECT_THAT(loaded({"log"}), HasSubstr("libcrypto"));
}

TEST_F(MrctlLibraries, AnInstallationWithoutItSaysWhatIsMissing) {
    const auto alone = folder() / "bin" / "mrctl";
    std::filesystem::create_directory(folder() / "bin");
    std::filesystem::copy_file(places::mrctl(), alone);
    const auto done = run_program({alone, "inspect", "/dev/null"}, folder());
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("mrctl-crypto (No such file or directory), which is a part of mrctl: install mrd whole"));
}

}  // namespace
}  // namespace mrd
