// Explores every interleaving of table, extension and journal state within bounds, and holds each state against what must be true in it.
//
// Depth first, with a set of the states that have been seen: a state is explored once, whichever way leads to it. Ends with 1 and the way to it at the first
// violation.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/explore/world.h"

namespace mrd {
namespace {

struct HashOfHash {
    std::size_t operator()(const Fingerprint::Hash &hash) const { return hash[0]; }
};

class Exploration {
public:
    // False: a violation, which is printed.
    bool run(const Bounds &bounds) {
        World first(bounds);
        seen_.insert(first.fingerprint());
        stack_.push_back({first, first.steps(), 0});
        while (!stack_.empty()) {
            auto &top = stack_.back();
            if (top.next == top.steps.size()) {
                stack_.pop_back();
                continue;
            }
            const auto step = top.steps[top.next++];
            ++steps_;
            World world = top.world;
            world.take(step);
            if (!world.violation().empty()) {
                print(world.violation());
                return false;
            }
            if (!seen_.insert(world.fingerprint()).second) continue;
            auto steps = world.steps();
            stack_.push_back({std::move(world), std::move(steps), 0});
            deepest_ = std::max(deepest_, stack_.size());
        }
        return true;
    }

    [[nodiscard]] std::size_t states() const { return seen_.size(); }
    [[nodiscard]] std::size_t steps() const { return steps_; }
    [[nodiscard]] std::size_t deepest() const { return deepest_; }

private:
    struct Place {
        World world;
        std::vector<Step> steps;
        std::size_t next = 0;
    };

    void print(const std::string &violation) const {
        for (const auto &place : stack_) std::printf("  %s\n", text_of(place.steps[place.next - 1]).c_str());
        std::printf("VIOLATION: %s\n", violation.c_str());
    }

    std::unordered_set<Fingerprint::Hash, HashOfHash> seen_;
    std::vector<Place> stack_;
    std::size_t steps_ = 0;
    std::size_t deepest_ = 0;
};

}  // namespace
}  // namespace mrd

int main(int argc, char **argv) {
    mrd::Bounds bounds;
    bool first_is_shared = false;
    bool second_is_shared = false;
    CLI::App app("Explores every interleaving of an mrd's registers and journal within bounds.");
    app.add_option("--clients", bounds.clients, "that wait at once")->capture_default_str();
    app.add_flag("--shared", second_is_shared, "others extend the second register too");
    app.add_flag("--both-shared", first_is_shared, "and the first");
    app.add_flag("--banks", bounds.banks, "the registers are banks of one: each event extends both");
    app.add_flag("--carried", bounds.carried, "the first register carries a virtual one, which its events are of");
    app.add_flag("--report", bounds.report, "the second register is a report over the first");
    app.add_flag("--beside", bounds.beside, "readers' refreshes run beside extends; nobody else extends");
    app.add_option("--extends", bounds.extends)->capture_default_str();
    app.add_flag("--cap", bounds.last_caps, "the last extend is a cap");
    app.add_option("--resends", bounds.resends)->capture_default_str();
    app.add_option("--reads", bounds.reads)->capture_default_str();
    app.add_option("--fresh-reads", bounds.fresh_reads)->capture_default_str();
    app.add_option("--foreign", bounds.foreign, "extends by somebody else")->capture_default_str();
    app.add_option("--provider-failures", bounds.provider_failures)->capture_default_str();
    app.add_option("--reread-failures", bounds.reread_failures)->capture_default_str();
    app.add_option("--journal-failures", bounds.journal_failures)->capture_default_str();
    app.add_option("--crashes", bounds.crashes)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    // What somebody else does while mrd extends, no reread beside it can tell.
    if (bounds.beside) bounds.foreign = 0;
    if (first_is_shared) bounds.owners[0] = mr::Owner::shared;
    if (first_is_shared || second_is_shared) bounds.owners[1] = mr::Owner::shared;

    const auto begun = std::chrono::steady_clock::now();
    mrd::Exploration exploration;
    const bool holds = exploration.run(bounds);
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("%zu states, %zu steps, %zu deep, %.1f s: %s\n", exploration.states(), exploration.steps(), exploration.deepest(), took,
                holds ? "all hold" : "A VIOLATION");
    return holds ? 0 : 1;
}
