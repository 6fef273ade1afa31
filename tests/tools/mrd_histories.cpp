// mrd-histories: plays histories at random (tests/journal/history.h) and holds each log against what clients were told. tools/histories builds and runs it.
// Exit: 0 nothing was violated, 1 something was: the history is told; 2 wrong usage.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string_view>

#include "mrd/log.h"
#include "tests/journal/history.h"
#include "tests/tools/options.h"

namespace {

constexpr int done = 0;
constexpr int violated = 1;
constexpr int wrong_usage = 2;

struct Options {
    std::uint32_t histories = 10'000;
    std::uint32_t seed = std::random_device()();
};

}  // namespace

int main(int argc, char **argv) {
    Options options;
    if (!mrd::read_options(argc, argv, mrd::NumberOption{"--histories", options.histories}, mrd::NumberOption{"--seed", options.seed})) {
        std::fprintf(stderr, "usage: mrd-histories [--histories N] [--seed N]\n");
        return wrong_usage;
    }
    std::printf("seed %u\n", options.seed);
    // What mrd itself would log is of thousands of starts.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) return violated;
    const auto begin = std::chrono::steady_clock::now();
    mrd::journal::History::Figures figures;
    for (std::uint32_t i = 0; i < options.histories; ++i) {
        // Each has a seed of its own, so that it can be played alone: --histories 1.
        const auto seed = options.seed + i;
        mrd::journal::History history(seed);
        history.run();
        for (const auto &[what, times] : history.figures()) figures[what] += times;
        if (!history.violations().empty()) {
            std::printf("%sVIOLATED by the history of seed %u, the %uth\n", history.story().c_str(), seed, i + 1);
            return violated;
        }
    }
    for (const auto &[what, times] : figures) std::printf("%10llu %s\n", static_cast<unsigned long long>(times), what.c_str());
    std::printf(
        "%u histories in %.0f s: no answered event was lost or is there twice, none is logged that did not happen, and the log leads to "
        "the registers "
        "or says where it does not\n",
        options.histories, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return done;
}
