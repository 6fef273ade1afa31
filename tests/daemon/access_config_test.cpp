#include "mrd/daemon/access_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include "mrd/daemon/config.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string why_not(const std::string &text) {
    const auto config = parse_config(text, "mrd.toml");
    return config ? "it is right" : config.error();
}

TEST(AccessConfig, EveryKeyIsRead) {
    const auto config = parse_config(R"(
[[access]]
name = "agents"
users = ["root", 1000, "1001"]
groups = [0, "5"]
units = ["agent.service"]
listeners = ["varlink"]
allow = ["list", "log_contents"]
registers = ["tdx/rtmr*"]
on_behalf_of = ["root", 1000, "100000-165535", "2-3"]

[[access]]
name = "everybody"
allow = ["read"]
)",
                                     "mrd.toml");
    ASSERT_TRUE(config) << config.error();
    const auto rules = make_access_rules(config->access);
    ASSERT_TRUE(rules) << rules.error();
    ASSERT_EQ(rules->all().size(), 3U) << "and root's";
    const auto &agents = rules->all()[1];
    EXPECT_EQ(agents.name, "agents");
    EXPECT_THAT(agents.users, ElementsAre(0, 1000, 1001));
    EXPECT_THAT(agents.groups, ElementsAre(0, 5));
    EXPECT_THAT(agents.units, ElementsAre("agent.service"));
    EXPECT_THAT(agents.listeners, ElementsAre("varlink"));
    EXPECT_THAT(agents.registers, ElementsAre("tdx/rtmr*"));
    EXPECT_THAT(agents.on_behalf_of, ElementsAre(UidRange{0, 0}, UidRange{1000, 1000}, UidRange{100'000, 165'535}, UidRange{2, 3}));
    EXPECT_TRUE(agents.allow.has_all_of({Right::list, Right::log_contents}));
    EXPECT_FALSE(agents.allow.has(Right::log));
    const auto &everybody = rules->all()[2];
    EXPECT_THAT(everybody.users, IsEmpty());
    EXPECT_THAT(everybody.on_behalf_of, IsEmpty()) << "nobody";
    EXPECT_THAT(everybody.registers, IsEmpty());
    EXPECT_TRUE(everybody.allow.has(Right::read));
}

TEST(AccessConfig, WhoMayDoSomethingWithARegisterMayListIt) {
    const auto lists = [](const std::string &right) {
        const auto config = parse_config("[[access]]\nname = \"a\"\nallow = [\"" + right + "\"]\n", "mrd.toml");
        return make_access_rules(config->access)->all().back().allow.has(Right::list);
    };
    for (const auto *right : {"list", "read", "extend", "measure", "write", "cap"}) EXPECT_TRUE(lists(right)) << right;
    for (const auto *right : {"log", "log_contents", "create", "report", "quote", "evidence", "repair"})
        EXPECT_FALSE(lists(right)) << right;
}

TEST(AccessConfig, WithoutRulesTheDefaultsHold) {
    const auto rules = make_access_rules({});
    ASSERT_TRUE(rules);
    EXPECT_EQ(rules->all().front().name, "root");
    EXPECT_TRUE(rules->allows({.uid = ::geteuid()}, Right::repair)) << "whoever starts an mrd of his own";
    EXPECT_EQ(rules->all().back().name, "everybody");
}

TEST(AccessConfig, ANameThatThisMachineDoesNotHaveIsOneErrorThatNamesRuleAndKey) {
    const auto error = [](const AccessRuleConfig &rule) { return make_access_rules({rule}).error(); };
    EXPECT_EQ(error({.name = "a", .users = {"no-such-user-here"}}),
              "access.users of the rule a: this machine has no user \"no-such-user-here\"; name one that it has, or give its number");
    EXPECT_THAT(error({.name = "a", .groups = {"no-such-group-here"}}),
                HasSubstr("access.groups of the rule a: this machine has no group"));
    EXPECT_THAT(error({.name = "a", .on_behalf_of = {"no-such-user-here"}}),
                AllOf(HasSubstr("access.on_behalf_of of the rule a: this machine has no user"),
                      HasSubstr("give its number, or a range of numbers, as \"1000-1999\"")));
    EXPECT_THAT(error({.name = "a", .on_behalf_of = {"4294967295"}}), HasSubstr("has no user \"4294967295\"")) << "nobody has it";
    EXPECT_THAT(error({.name = "a", .users = {"4294967295"}}), HasSubstr("has no user \"4294967295\"")) << "nobody has it";
}

TEST(AccessConfig, WhatIsWrongIsOneErrorThatNamesTheLineAndTheKey) {
    const auto rule = [](const std::string &line) { return "[[access]]\nname = \"a\"\nallow = [\"read\"]\n" + line + "\n"; };
    EXPECT_EQ(why_not(rule("")), "it is right");
    EXPECT_THAT(
        why_not(rule("user = [1]")),
        HasSubstr("mrd.toml:4: access.user is not known here; known are: allow, create_at_most, create_on, groups, listeners, name"));
    EXPECT_THAT(why_not(rule("create_on = [\"tdx/rtmr3\"]")),
                HasSubstr("mrd.toml:4: access.create_on is of a rule that does not allow \"create\""));
    EXPECT_THAT(why_not(rule("users = 1")), HasSubstr("mrd.toml:4: access.users must be a list of 1 to 256 names or numbers"));
    EXPECT_THAT(why_not(rule("users = []")), HasSubstr("access.users must be a list of 1 to 256")) << "an empty list would fit everybody";
    EXPECT_THAT(why_not(rule("users = [-1]")), HasSubstr("access.users must be a list"));
    EXPECT_THAT(why_not(rule("groups = [true]")), HasSubstr("access.groups must be a list"));
    EXPECT_THAT(why_not(rule("groups = [1, \"1\"]")), HasSubstr("access.groups has one twice: 1"));
    const auto asks_for = [&rule](const std::string &whom) { return rule("users = [900]\non_behalf_of = " + whom); };
    EXPECT_EQ(why_not(asks_for("[\"1-4294967294\"]")), "it is right");
    EXPECT_THAT(why_not(asks_for("[]")), HasSubstr("mrd.toml:5: access.on_behalf_of must be a list of 1 to 256"));
    EXPECT_THAT(why_not(asks_for("[-1]")), HasSubstr("access.on_behalf_of must be a list"));
    EXPECT_THAT(why_not(asks_for("[7, \"7\"]")), HasSubstr("access.on_behalf_of has one twice: 7"));
    EXPECT_THAT(why_not(asks_for("[\"0-9\"]")), HasSubstr("access.on_behalf_of has a range from 0: name root by an entry of its own"));
    for (const auto *range : {"9-9", "9-8", "1-4294967295"})
        EXPECT_THAT(why_not(asks_for("[\"" + std::string(range) + "\"]")), HasSubstr("has a range that is none: " + std::string(range)));
    EXPECT_THAT(why_not(rule("on_behalf_of = [1000]")), HasSubstr("mrd.toml:4: access.on_behalf_of is of a rule for all users"));
    EXPECT_THAT(why_not(rule("groups = [900]\non_behalf_of = [1000]")), HasSubstr("is of a rule for all users"));
    EXPECT_EQ(why_not(rule("units = [\"a.service\"]\non_behalf_of = [1000]")), "it is right");
    for (const auto *key : {"units", "listeners", "registers"}) {
        EXPECT_THAT(why_not(rule(std::string(key) + " = []")),
                    HasSubstr("access." + std::string(key) + " must be a list of 1 to 256 texts"));
        EXPECT_THAT(why_not(rule(std::string(key) + " = [1]")), HasSubstr("access." + std::string(key) + " must be a list of texts"));
    }
    EXPECT_THAT(
        why_not("[[access]]\nname = \"a\"\nallow = [\"raed\"]\n"),
        HasSubstr(
            "mrd.toml:3: access.allow has something that nobody can be allowed: raed; there are: list, read, log, log_contents, extend"));
    EXPECT_THAT(why_not("[[access]]\nname = \"a\"\n"), HasSubstr("mrd.toml:1: access.allow is missing"));
    EXPECT_THAT(why_not("[[access]]\nallow = [\"read\"]\n"), HasSubstr("mrd.toml:1: access.name must be 1 to 64"));
    EXPECT_THAT(why_not("[[access]]\nname = \"root\"\nallow = [\"read\"]\n"), HasSubstr("access.name is that of mrd's own rule"));
    EXPECT_THAT(why_not(rule("") + rule("")), HasSubstr("mrd.toml:5: access.name is there twice: a"));
    EXPECT_THAT(why_not("[access]\nname = \"a\"\n"), HasSubstr("must be written as [[access]]"));
}

TEST(AccessConfig, ThereAreAtMostSoManyRulesAndEntries) {
    const auto rules = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += "[[access]]\nname = \"r" + std::to_string(i) + "\"\nallow = [\"read\"]\n";
        return text;
    };
    EXPECT_EQ(why_not(rules(max_access_rules)), "it is right");
    EXPECT_THAT(why_not(rules(max_access_rules + 1)), HasSubstr("there are at most 64 access rules"));
    const auto users = [](std::size_t count) {
        std::string list;
        for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(i);
        return "[[access]]\nname = \"a\"\nallow = [\"read\"]\nusers = [" + list + "]\n";
    };
    EXPECT_EQ(why_not(users(max_access_entries)), "it is right");
    EXPECT_THAT(why_not(users(max_access_entries + 1)), HasSubstr("access.users must be a list of 1 to 256"));
}

}  // namespace
}  // namespace mrd
