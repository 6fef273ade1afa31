// mrctl on a daemon of the test's own.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/daemon.h"
#include "tests/places.h"

namespace mrd {

using Json = nlohmann::ordered_json;

inline std::string hex_digest(std::string_view text) { return mr::to_hex(digest_of(text).bytes()); }

class MrctlTest : public DaemonTest {
protected:
    void start(Daemon::Options options = {}) { daemon_.emplace(started(std::move(options))); }

    // `mrctl ARGUMENTS` on the daemon.
    Finished mrctl(std::vector<std::string> arguments, const std::string &input = {}) {
        arguments.insert(arguments.begin(), places::mrctl());
        return run_program(arguments, folder(), input, {{"MRD_SOCKET", (folder() / "io.mrd").native()}}, before_mrctl_);
    }
    // Its output; it must end well and say nothing on standard error.
    std::string output(const std::vector<std::string> &arguments, const std::string &input = {}) {
        const auto done = mrctl(arguments, input);
        EXPECT_EQ(done.exit_code, 0) << done.err;
        EXPECT_THAT(done.err, ::testing::IsEmpty());
        return done.out;
    }
    Json json(std::vector<std::string> arguments, const std::string &input = {}) {
        arguments.emplace_back("--json");
        return Json::parse(output(arguments, input));
    }
    // It must end with that code and one line on standard error, which is returned.
    std::string failure(int exit_code, const std::vector<std::string> &arguments) {
        const auto done = mrctl(arguments);
        EXPECT_EQ(done.exit_code, exit_code) << done.out;
        if (std::ranges::find(arguments, "--json") == arguments.end()) {
            EXPECT_THAT(done.out, ::testing::IsEmpty());
        } else {
            const auto told = Json::parse(done.out, nullptr, false);
            EXPECT_EQ("mrctl: " + told.value("error", "") + "\n", done.err);
            EXPECT_EQ(told.contains("verified"), arguments.front() == "verify") << done.out;
            EXPECT_FALSE(told.value("verified", false));
        }
        EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
        return done.err;
    }

    Daemon &daemon() { return *daemon_; }
    static std::string hex(std::uint8_t byte, std::size_t size = 48) { return mr::to_hex(mr::Bytes(size, byte)); }

    std::function<void()> before_mrctl_ = {};  // what its process does first

private:
    std::optional<Daemon> daemon_;
};

}  // namespace mrd
