#include "mrd/daemon/self_description.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace mrd {
namespace {

constexpr uid_t own_uid = 990;

TEST(SelfDescription, EachMemberOfAnAccessRuleChangesWhatIsMeasured) {
    const std::vector<std::function<void(AccessRule &)>> changes{
        [](AccessRule &) {},
        [](AccessRule &rule) { rule.name = "b"; },
        [](AccessRule &rule) { rule.users = {1}; },
        [](AccessRule &rule) { rule.groups = {1}; },
        [](AccessRule &rule) { rule.units = {"a.service"}; },
        [](AccessRule &rule) { rule.listeners = {"a"}; },
        [](AccessRule &rule) { rule.allow.add(Right::create); },
        [](AccessRule &rule) { rule.registers = {"a"}; },
        [](AccessRule &rule) { rule.create_on = {"a"}; },
        [](AccessRule &rule) { rule.create_at_most = default_created_registers + 1; },
        [](AccessRule &rule) { rule.on_behalf_of = {{1, 1}}; },
        [](AccessRule &rule) { rule.on_behalf_of = {{1, 2}}; },
    };
    std::set<std::string> texts;
    for (const auto &change : changes) {
        AccessRule rule{.name = "a"};
        change(rule);
        texts.insert(access_text(AccessRules({rule}, own_uid)));
    }
    EXPECT_EQ(texts.size(), changes.size());
}

}  // namespace
}  // namespace mrd
