#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "mrd/providers/sim/state.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::sim {
namespace {

struct Extending {
    int exit_code = -1;
    std::string output;
};

Extending run_extend(const std::string &arguments) {
    Extending result;
    FILE *pipe = ::popen((std::string(MRD_SIM_EXTEND " ") + arguments + " 2>/dev/null").c_str(), "r");
    if (pipe == nullptr) {
        return result;
    }
    for (int next = std::fgetc(pipe); next != EOF; next = std::fgetc(pipe)) {
        result.output += static_cast<char>(next);
    }
    const int status = ::pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

const std::string digest(96, 'a');

TEST(MrdSimExtend, ExtendsAndPrintsTheNewValueWhileAnotherUsesTheFile) {
    const TemporaryFolder folder;
    const std::string directory = folder.path().native();
    auto state = State::open({.file = state_file(folder.path(), "tdx"), .boot_id = "boot"});
    ASSERT_TRUE(state) << state.error();
    for (const std::string name : {"rtmr3", "tdx/rtmr3"}) {
        const Extending result = run_extend(directory + " " + name + " " + digest);
        EXPECT_EQ(result.exit_code, 0);
        EXPECT_EQ(result.output, mr::to_hex(state->read().value().rtmr[3]) + "\n");
    }
    EXPECT_EQ(state->read().value().counter, 2U);
}

TEST(MrdSimExtend, WrongUsageIsTwoAndAMissingFileOne) {
    const TemporaryFolder folder;
    const std::string directory = folder.path().native();
    EXPECT_EQ(run_extend("").exit_code, 2);
    EXPECT_EQ(run_extend(directory + " rtmr3").exit_code, 2);
    EXPECT_EQ(run_extend(directory + " rtmr4 " + digest).exit_code, 2);
    EXPECT_EQ(run_extend(directory + " mrtd " + digest).exit_code, 2);
    EXPECT_EQ(run_extend(directory + " /rtmr3 " + digest).exit_code, 2);
    EXPECT_EQ(run_extend(directory + " rtmr3 " + digest + "aa").exit_code, 2);
    EXPECT_EQ(run_extend(directory + " rtmr3 xyz").exit_code, 2);
    EXPECT_EQ(run_extend(directory + " rtmr3 " + digest).exit_code, 1);
    EXPECT_EQ(run_extend(directory + " other/rtmr3 " + digest).exit_code, 1);
}

}  // namespace
}  // namespace mrd::sim
