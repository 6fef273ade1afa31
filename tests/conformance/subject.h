// What plays the hardware beneath a provider in the conformance tests: one entry for each provider there is (subjects.cpp).
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "mr/digest.h"

namespace mrd::conformance {

struct Subject {
    std::string name;                         // of the tests: "simulator"
    std::string config;                       // the [[provider]] table
    std::vector<std::string> arguments = {};  // of mrd
    // Empty: it is there. Otherwise why its tests are skipped.
    std::function<std::string()> why_not_there;
    // Somebody else extends the register; `folder` is the test's, mrd's state in it. Empty: nobody else can.
    std::function<void(const std::filesystem::path &folder, const std::string &reg, const mr::Digest &digest)> extend_elsewhere = {};
    // Another process uses what mrd's quotes are made with, until it is over. Empty: there is no such thing.
    std::function<void(const std::atomic<bool> &over)> use_beside = {};
    // A file with the root that its quotes lead to, PEM. Empty: mrd's own collateral has it.
    std::filesystem::path root = {};
    // How often its registers are reread before mrd serves: each by itself where there are files alone.
    int refreshes_at_start = 1;
    // A register of it that comes only when mrd serves already: what it is for is met then. Empty: all are there from the start on.
    std::string comes_later = {};

    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const Subject &subject, std::ostream *out) { *out << subject.name; }
};

const std::vector<Subject> &subjects();

}  // namespace mrd::conformance
