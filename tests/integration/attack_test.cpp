// The attacks of tools/attack with some dozen clients: their bounds hold.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tests/attack/scenario.h"

namespace mrd::attack {
namespace {

class Attack : public ::testing::TestWithParam<Scenario> {};

TEST_P(Attack, LeavesMemoryConnectionsAndHonestClientsAsTheyWere) {
    if (GetParam().needs_root && ::geteuid() != 0) GTEST_SKIP() << "only root can be several users";
    const auto outcome = run(GetParam(), true);
    for (const auto &failure : outcome.failures) ADD_FAILURE() << failure;
    EXPECT_GT(outcome.attacked.read.calls, 0U);
}

INSTANTIATE_TEST_SUITE_P(All, Attack, ::testing::ValuesIn(all_scenarios()), [](const auto &scenario) {
    std::string name(scenario.param.name);
    std::erase(name, '-');
    return name;
});

}  // namespace
}  // namespace mrd::attack
