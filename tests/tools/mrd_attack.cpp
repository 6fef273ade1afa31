// mrd-attack: what clients can do to the real mrd, at full size; tools/attack builds and runs it. Exit: 0 all bounds held, 1 one did not, 2 wrong usage.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tests/attack/scenario.h"

namespace {

using mrd::attack::Honest;
using mrd::attack::Latency;

constexpr int held = 0;
constexpr int broken = 1;
constexpr int wrong_usage = 2;

int usage() {
    std::fprintf(stderr, "usage: mrd-attack [--small] [SCENARIO...]\nscenarios (all, if none is named):\n");
    for (const auto &scenario : mrd::attack::all_scenarios())
        std::fprintf(stderr, "  %-16s %zu %s\n", std::string(scenario.name).c_str(), scenario.clients, std::string(scenario.what).c_str());
    return wrong_usage;
}

void print(const char *what, const Latency &alone, const Latency &attacked) {
    std::printf("  %-24s alone %8.2f / %8.2f ms    attacked %8.2f / %8.2f ms (%zu calls)\n", what, alone.p50_ms, alone.p99_ms,
                attacked.p50_ms, attacked.p99_ms, attacked.calls);
}

}  // namespace

int main(int argc, char **argv) {
    bool small = false;
    std::vector<std::string_view> wanted;
    const auto scenarios = mrd::attack::all_scenarios();
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--small") {
            small = true;
        } else if (std::ranges::find(scenarios, argument, &mrd::attack::Scenario::name) == scenarios.end()) {
            return usage();
        } else {
            wanted.push_back(argument);
        }
    }
    int result = held;
    for (const auto &scenario : scenarios) {
        if (!wanted.empty() && std::ranges::find(wanted, scenario.name) == wanted.end()) continue;
        std::printf("%s: %zu %s\n", std::string(scenario.name).c_str(), small ? scenario.small_clients : scenario.clients,
                    std::string(scenario.what).c_str());
        std::fflush(stdout);
        mrd::attack::Outcome outcome;
        try {
            outcome = mrd::attack::run(scenario, small);
        } catch (const std::exception &error) {
            outcome.failures.emplace_back(error.what());
        }
        print("Read p50 / p99", outcome.alone.read, outcome.attacked.read);
        print("Extend", outcome.alone.extend, outcome.attacked.extend);
        if (outcome.attacked.connect.calls > 0) print("connect and Read", outcome.alone.connect, outcome.attacked.connect);
        std::printf("  RSS %zu MiB before, %zu at most (bound %zu), %zu after; descriptors %zu before, %zu after\n  limits %s\n",
                    outcome.idle_rss_mib, outcome.peak_rss_mib, small ? scenario.small_max_rss_mib : scenario.max_rss_mib,
                    outcome.rss_after_mib, outcome.descriptors_before, outcome.descriptors_after, outcome.status.c_str());
        for (const auto &failure : outcome.failures) std::printf("  BROKEN: %s\n", failure.c_str());
        std::fflush(stdout);
        if (!outcome.failures.empty()) result = broken;
    }
    return result;
}
