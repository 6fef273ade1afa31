// What mrd-sim-device refuses. What it does docs/devices.md shows, whose commands are run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/integration/process.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

class MrdSimDevice : public ::testing::Test {
protected:
    // What it says to that: one that serves in spite of what is wrong is ended, and has no exit code.
    std::string refusal(int exit_code, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), MRD_SIM_DEVICE);
        const auto done = run_program(arguments, folder_.path());
        EXPECT_EQ(done.exit_code, exit_code) << done.err;
        return done.err;
    }
    [[nodiscard]] std::string at(const std::string &name) const { return (folder_.path() / name).native(); }

private:
    TemporaryFolder folder_;
};

TEST_F(MrdSimDevice, RefusesAWrongCommandLineByName) {
    EXPECT_THAT(refusal(2, {"--listen", at("socket"), "--roots", at("roots.pem")}), HasSubstr("--firmware"));
    EXPECT_THAT(refusal(2, {"--listen", at("socket"), "--roots", at("roots.pem"), "--firmware", at("firmware"), "--transport", "usb"}),
                HasSubstr("--transport"));
}

TEST_F(MrdSimDevice, NamesTheFileThatItCannotMakeOrRead) {
    const auto failure = [this](const std::string &socket, const std::string &roots, const std::string &firmware) {
        return refusal(1, {"--listen", at(socket), "--roots", at(roots), "--firmware", at(firmware)});
    };
    std::ofstream(at("firmware")) << "firmware 1";
    EXPECT_THAT(failure("socket", "none/roots.pem", "firmware"), HasSubstr(at("none/roots.pem")));
    EXPECT_THAT(failure("firmware", "roots.pem", "firmware"), HasSubstr(at("firmware")));
    EXPECT_THAT(failure("socket", "roots.pem", "none"), HasSubstr(at("none")));
}

}  // namespace
}  // namespace mrd
