#include "mrd/kill_points.h"

#ifdef MRD_TEST_HOOKS

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace mrd {

namespace {

struct Plan {
    std::string_view name;
    std::uint64_t passes = 1;
};

Plan plan_from_environment() {
    const char *text = std::getenv("MRD_KILL");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    if (text == nullptr) return {};
    Plan plan{text};
    if (const auto at = plan.name.find('@'); at != std::string_view::npos) {
        std::from_chars(plan.name.data() + at + 1, plan.name.data() + plan.name.size(), plan.passes);
        plan.name = plan.name.substr(0, at);
    }
    return plan;
}

const Plan &plan() {
    static const Plan plan = plan_from_environment();
    return plan;
}

std::atomic<std::uint64_t> &passed() {
    static std::atomic<std::uint64_t> count = 0;
    return count;
}

}  // namespace

bool dies_at(std::string_view name) { return name == plan().name && passed() + 1 == plan().passes; }

void kill_point(std::string_view name) {
    if (name == plan().name && ++passed() == plan().passes) (void)std::raise(SIGKILL);
}

}  // namespace mrd

#endif
