// New rules for an mrd that runs.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/integration/daemon.h"

namespace mrd {

// Writes its configuration again and tells it; waits for this text in its log.
inline void reload(Daemon &daemon, const std::filesystem::path &folder, const std::string &config, const std::string &until) {
    std::ofstream(folder / "mrd.toml") << config;
    daemon.process().signal(SIGHUP);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!daemon.log().contains(until) && std::chrono::steady_clock::now() < end) ::usleep(1000);
    ASSERT_THAT(daemon.log(), ::testing::HasSubstr(until));
}

}  // namespace mrd
