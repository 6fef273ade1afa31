// mrd-soak: kills the real mrd thousands of times while clients extend, and holds the log against what they were told. tools/soak builds and runs it.
// Exit: 0 nothing was violated, 1 something was, and the state is kept; 2 wrong usage.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "tests/faults/kill_points.h"
#include "tests/integration/kill_loop.h"
#include "tests/tools/options.h"

namespace {

constexpr int done = 0;
constexpr int violated = 1;
constexpr int wrong_usage = 2;

constexpr int kills_of_a_state = 200;  // then a new one: reading the log takes its time

struct Options {
    int kills = 2000;
    int seconds = std::numeric_limits<int>::max();
    int kernel = 0;  // 1: on the kernel's registers instead of the simulator's
    int group = 0;   // 1: the first state's journal is synced by groups, as every second is
    unsigned seed = std::random_device()();
};

class Chance {
public:
    explicit Chance(unsigned seed) : random_(seed) {}

    int from(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

    // Of a state's life: each step once, in their order, and then at random.
    mrd::Death death(std::size_t life) {
        if (life < mrd::faults::kill_points.size()) return mrd::AtPoint{std::string(mrd::faults::kill_points[life]), from(1, 3)};
        switch (from(0, 2)) {
        case 0: return mrd::AfterAcknowledged{from(1, 100)};
        case 1: {
            const auto point = static_cast<std::size_t>(from(0, static_cast<int>(mrd::faults::kill_points.size()) - 1));
            return mrd::AtPoint{std::string(mrd::faults::kill_points[point]), from(1, 100)};
        }
        default: return mrd::AfterTime{std::chrono::microseconds(from(500, 40'000))};
        }
    }

    // Of the simulator, in every second life.
    std::string faults() {
        if (from(0, 1) == 0) return {};
        std::string all;
        const auto add = [&all](const std::string &fault) { all += (all.empty() ? "" : ",") + fault; };
        for (int i = from(0, 3); i > 0; --i)
            add((from(0, 1) == 0 ? "extend:fail-before@" : "extend:fail-after@") + std::to_string(from(1, 60)));
        for (int i = from(0, 3); i > 0; --i) {
            // After those of the start and of the check.
            const int first = from(5, 25);
            add("refresh:fail@" + std::to_string(first) + "-" + std::to_string(first + from(0, 3)));
        }
        // It may wait, but never does: the provider's calls run on a thread of their own.
        if (from(0, 1) == 0) add("refresh:delay=1@1000000");
        return all;
    }

private:
    std::mt19937 random_;
};

}  // namespace

int main(int argc, char **argv) {
    Options options;
    if (!mrd::read_options(argc, argv, mrd::NumberOption{"--kills", options.kills}, mrd::NumberOption{"--seconds", options.seconds},
                           mrd::NumberOption{"--seed", options.seed}, mrd::NumberOption{"--kernel", options.kernel},
                           mrd::NumberOption{"--group", options.group})) {
        std::fprintf(stderr, "usage: mrd-soak [--kills N] [--seconds S] [--seed N] [--kernel 0|1] [--group 0|1]\n");
        return wrong_usage;
    }
    std::printf("seed %u\n", options.seed);
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [begin] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    Chance chance(options.seed);
    int kills = 0;
    std::size_t events = 0;
    int deaths_while_starting = 0;
    int refused = 0;
    for (int state = 0; kills < options.kills && seconds() < options.seconds; ++state) {
        std::string folder = (std::filesystem::temp_directory_path() / "mrd-soak-XXXXXX").native();
        if (::mkdtemp(folder.data()) == nullptr) return violated;
        const bool group = (state + options.group) % 2 == 1;
        const std::size_t at_once = chance.from(0, 1) == 0 ? 1 : 8;
        const bool has_virtual_registers = options.kernel == 0 && state % 3 == 2;
        // The log is to have what was sent, and nothing of mrd itself.
        const std::string provider = options.kernel != 0 ? "[service]\nmeasure_itself = \"none\"\n[[provider]]\ntype = \"tsm\"\n" : "";
        mrd::KillLoop loop({.folder = folder,
                            .config = (group ? "[journal]\nsync = \"group\"\n" : "") + provider,
                            .arguments = options.kernel != 0 ? std::vector<std::string>() : std::vector<std::string>{"--sim"},
                            .has_virtual_registers = has_virtual_registers,
                            .at_once = at_once});
        const auto go_on = [&] { return kills < options.kills && seconds() < options.seconds && loop.ledger().violations().empty(); };
        for (int i = 0; i < kills_of_a_state && go_on(); ++i, ++kills)
            loop.live(chance.death(static_cast<std::size_t>(i)), chance.faults());
        if (loop.ledger().violations().empty()) loop.conclude();
        events += loop.ledger().size();
        deaths_while_starting += loop.deaths_while_starting();
        refused += loop.refused();
        std::printf(
            "%6.0f s  %d kills (%d while it started), %zu events, %d answers that the provider has failed; sync %s, %zu at once%s\n",
            seconds(), kills, deaths_while_starting, events, refused, group ? "group" : "none", at_once,
            has_virtual_registers ? ", half of them into virtual registers" : "");
        std::fflush(stdout);
        if (const auto violations = loop.ledger().violations(); !violations.empty()) {
            for (const auto &violation : violations) std::printf("VIOLATION: %s\n", violation.c_str());
            std::printf("the state is kept in %s\n", folder.c_str());
            return violated;
        }
        std::filesystem::remove_all(folder);
    }
    std::printf(
        "%d kills: every acknowledged event is in the log once and for all, none is there twice, and the log leads to the registers\n",
        kills);
    return done;
}
