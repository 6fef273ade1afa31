#include "mrd/access/permissions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uid_t agent_uid = 1000;
const std::vector<KnownRegister> known{
    {{"tdx/rtmr2", "tdx/rtmr2:sha384"}, false}, {{"tdx/rtmr3", "tdx/rtmr3:sha384"}, false}, {{"tdx/reportdata", {}}, true}};

// "right registers rule", or "right registers - why".
std::vector<std::string> told(std::vector<AccessRule> rules, const Principal &principal) {
    const Access access(AccessRules(std::move(rules), 0));
    std::vector<std::string> lines;
    for (const auto &each : permissions(access, principal, known)) {
        std::string registers = each.registers ? "" : "all";
        for (const auto &name : each.registers.value_or(std::vector<std::string>())) registers += (registers.empty() ? "" : ",") + name;
        lines.push_back(std::string(name_of(each.right)) + " " + registers + " " + each.rule.value_or("- " + each.why_not));
    }
    return lines;
}
const Principal asking{.uid = agent_uid, .gid = agent_uid, .listener = "varlink"};

TEST(Permissions, OfRootAreAllByItsRule) {
    const auto lines = told({}, {.uid = 0, .gid = 0});
    ASSERT_EQ(lines.size(), rights);
    for (std::size_t i = 0; i < rights; ++i) EXPECT_EQ(lines[i], std::string(right_names[i]) + " all root");
}

TEST(Permissions, OfWhomNoRuleIsForAreNone) {
    for (const auto &line : told({}, asking)) EXPECT_THAT(line, HasSubstr(" all - no rule allows it to others than root"));
}

TEST(Permissions, SayTheRegistersWhereTheyDiffer) {
    const auto lines = told({{.name = "own", .users = {agent_uid}, .allow = {Right::extend, Right::create}, .registers = {"tdx/rtmr3"}},
                             {.name = "everybody", .allow = {Right::read}}},
                            asking);
    EXPECT_THAT(lines, AllOf(Contains("extend tdx/rtmr3 own"), Contains("extend tdx/rtmr2 - the rule own is for the registers tdx/rtmr3"),
                             Contains("create tdx/rtmr3 own"), Contains("read all everybody")));
}

TEST(Permissions, ToCreateSayOnWhatAndHowMany) {
    const auto creating = [](AccessRule rule) {
        const Access access(AccessRules({std::move(rule)}, 0));
        const auto all = permissions(access, asking, known);
        return *std::ranges::find(all, Right::create, &Permission::right);
    };
    const AccessRule rule{.name = "own",
                          .users = {agent_uid},
                          .allow = {Right::create, Right::read},
                          .registers = {"virtual/*"},
                          .create_on = {"tdx/rtmr3"},
                          .create_at_most = 3};
    EXPECT_EQ(creating(rule).on, std::vector<std::string>{"tdx/rtmr3"});
    EXPECT_EQ(creating(rule).at_most, 3U);
    auto of_others = rule;
    of_others.users = {agent_uid + 1};
    EXPECT_TRUE(creating(of_others).on.empty()) << "what others may is not for him to know";
    EXPECT_EQ(creating(of_others).at_most, std::nullopt);
    const Access access(AccessRules({rule}, 0));
    for (const auto &each : permissions(access, asking, known)) EXPECT_EQ(each.at_most.has_value(), each.right == Right::create);
}

TEST(Permissions, ToCreateAreThoseOfEachRule) {
    const auto lines = told({{.name = "web", .users = {agent_uid}, .allow = {Right::create}, .registers = {"virtual/web-*"}},
                             {.name = "db", .users = {agent_uid}, .allow = {Right::create}, .registers = {"virtual/db-*"}},
                             {.name = "theirs", .users = {agent_uid + 1}, .allow = {Right::create}, .registers = {"virtual/*"}}},
                            asking);
    EXPECT_THAT(lines, AllOf(Contains("create virtual/web-* web"), Contains("create virtual/db-* db"), Not(Contains(HasSubstr("theirs")))));
}

TEST(Permissions, OfSomeOfTheRegistersAreNotSaidOfAll) {
    const Access access(AccessRules({{.name = "own", .users = {agent_uid}, .allow = {Right::extend}, .registers = {"tdx/rtmr3"}}}, 0));
    const auto of_one = std::span(known).subspan(1, 1);
    const auto extending = [&](bool are_all) {
        for (const auto &each : permissions(access, asking, of_one, are_all)) {
            if (each.right == Right::extend) return each.registers;
        }
        return std::optional<std::vector<std::string>>();
    };
    EXPECT_EQ(extending(false), std::vector<std::string>{"tdx/rtmr3"});
    EXPECT_EQ(extending(true), std::nullopt);
}

TEST(Permissions, TellTheRegistersOfARuleOnlyToWhomItIsFor) {
    const auto lines = told({{.name = "a", .users = {7}, .allow = {Right::extend}, .registers = {"vm/secret"}}}, asking);
    EXPECT_THAT(lines, AllOf(Contains("extend all - the rule a is for other users"), ::testing::Not(Contains(HasSubstr("secret")))));
}

TEST(Permissions, SayThatRegistersForReportsAreOfTheRightToReports) {
    const auto lines =
        told({{.name = "r", .users = {agent_uid}, .allow = {Right::report, Right::write}, .registers = {"tdx/report*"}}}, asking);
    EXPECT_THAT(lines, AllOf(Contains("report all r"), Contains("write all - the rule r is for the registers tdx/report*")));
}

TEST(Permissions, SayWhatIsMissingOfTheRulesThatAllowItToOthers) {
    const auto why = [](AccessRule rule) {
        rule.allow = {Right::quote};
        for (const auto &line : told({rule}, asking)) {
            if (line.starts_with("quote")) return line.substr(line.find('-') + 2);
        }
        return std::string();
    };
    EXPECT_EQ(why({.name = "a", .users = {7}}), "the rule a is for other users");
    EXPECT_EQ(why({.name = "a", .groups = {7}}), "the rule a is for other groups");
    EXPECT_EQ(why({.name = "a", .units = {"x.service", "y.service"}}),
              "the rule a is for the unit x.service or y.service (of another user none is known)");
    EXPECT_EQ(why({.name = "a", .users = {7}, .listeners = {"l"}}), "the rule a is for other users, the listener l");
    EXPECT_EQ(why({.name = "a", .registers = {"tdx/*"}}), "the rule a is for the registers tdx/*");
    EXPECT_EQ(why({.name = "a", .registers = std::vector<std::string>(max_told_entries + 3, "x/*")}),
              "the rule a is for the registers x/* or x/* or x/* or x/* or x/* or x/* or x/* or x/* or 3 others");
}

TEST(Permissions, SayInWhichUnitTheCallerIs) {
    const std::vector<AccessRule> rules{{.name = "a", .units = {"x.service"}, .allow = {Right::quote}}};
    auto principal = asking;
    principal.unit = [] { return std::optional<std::string>("z.service"); };
    EXPECT_THAT(told(rules, principal), Contains("quote all - the rule a is for the unit x.service (this is z.service)"));
    principal.unit = [] { return std::optional<std::string>(); };
    EXPECT_THAT(told(rules, principal), Contains("quote all - the rule a is for the unit x.service (this is in none that counts)"));
}

TEST(Permissions, OfVirtualRegistersAreTheirOwners) {
    const std::vector<KnownRegister> both{{.name = {"virtual/own", "virtual/own:sha384"}, .owner = agent_uid},
                                          {.name = {"virtual/theirs", "virtual/theirs:sha384"}, .owner = agent_uid + 1}};
    const Access access(AccessRules(
        {{.name = "everybody", .allow = {Right::read}}, {.name = "some", .allow = {Right::measure}, .registers = {"virtual/theirs"}}}, 0));
    std::vector<std::string> lines;
    for (const auto &each : permissions(access, asking, both)) {
        std::string registers = each.registers ? "" : "all";
        for (const auto &name : each.registers.value_or(std::vector<std::string>())) registers += (registers.empty() ? "" : ",") + name;
        lines.push_back(std::string(name_of(each.right)) + " " + registers + " " + each.rule.value_or("-"));
    }
    EXPECT_THAT(lines,
                AllOf(Contains("measure virtual/own (owner)"), Contains("measure virtual/theirs some"), Contains("read all everybody"),
                      Contains("read virtual/theirs -"), ::testing::Not(Contains("read virtual/own -"))));
}

TEST(Permissions, TellABoundedNumberOfRules) {
    std::vector<AccessRule> rules;
    for (int i = 0; i < 20; ++i) rules.push_back({.name = "r" + std::to_string(i), .users = {7}, .allow = {Right::quote}});
    EXPECT_THAT(told(rules, asking), Contains(AllOf(HasSubstr("quote"), HasSubstr("the rule r3 is"), HasSubstr("; and others"),
                                                    ::testing::Not(HasSubstr("r4")))));
}

// "rule: what does not fit".
std::string nearest(std::vector<AccessRule> rules, const Principal &principal, Right right, const KnownRegister &reg = {}) {
    const auto found = nearest_rule(AccessRules(std::move(rules), 0), principal, right, reg);
    return found ? found->name + ": " + found->is_for : "";
}

TEST(NearestRule, IsTheOneOfWhichLeastDoesNotFit) {
    const AccessRule theirs{.name = "theirs", .users = {7}, .listeners = {"l"}, .allow = {Right::extend}};
    const AccessRule group{.name = "group", .groups = {8}, .allow = {Right::extend}};
    const AccessRule other_group{.name = "other-group", .groups = {9}, .allow = {Right::extend}};
    const AccessRule reads{.name = "reads", .allow = {Right::read}};
    EXPECT_EQ(nearest({theirs, reads}, asking, Right::extend), "theirs: other users, the listener l");
    EXPECT_EQ(nearest({theirs, group, other_group, reads}, asking, Right::extend), "group: other groups");
    EXPECT_EQ(nearest({reads}, asking, Right::extend), "");
}

TEST(NearestRule, TellsRegistersWhoeverTheRuleIsFor) {
    const AccessRule theirs{.name = "theirs", .users = {7}, .allow = {Right::extend}, .registers = {"tdx/rtmr3"}};
    auto own = theirs;
    own.name = "own";
    own.users = {agent_uid};
    EXPECT_EQ(nearest({theirs}, asking, Right::extend, known[0]), "theirs: other users, the registers tdx/rtmr3");
    EXPECT_EQ(nearest({theirs}, asking, Right::extend, known[1]), "theirs: other users");
    EXPECT_EQ(nearest({theirs, own}, asking, Right::extend, known[0]), "own: the registers tdx/rtmr3");
    EXPECT_EQ(nearest({own}, asking, Right::extend), "own: the registers tdx/rtmr3") << "about all of them";
}

TEST(NearestRule, TellsTheUnitThatTheCallerIsIn) {
    auto principal = asking;
    principal.unit = [] { return std::optional<std::string>("z.service"); };
    EXPECT_EQ(nearest({{.name = "a", .units = {"x.service"}, .allow = {Right::quote}}}, principal, Right::quote),
              "a: the unit x.service (this is z.service)");
}

TEST(NearestRule, OfOneThatIsToBeMadeTellsNameAndCarriers) {
    const AccessRule rule{.name = "web", .allow = {Right::create}, .registers = {"virtual/web-*"}, .create_on = {"tdx/rtmr3", "tdx/rtmr2"}};
    EXPECT_EQ(nearest({rule}, asking, Right::create, {.name = {"virtual/db", {}}}), "web: the registers virtual/web-*");
    EXPECT_EQ(nearest({rule}, asking, Right::create, {.name = {"virtual/web-1", {}}}), "web: the carriers tdx/rtmr3 or tdx/rtmr2");
    const std::string longest = "virtual/web-" + std::string(max_new_register_name - std::string("virtual/web-").size(), 'a');
    EXPECT_EQ(nearest({rule}, asking, Right::create, {.name = {longest, {}}}), "web: the carriers tdx/rtmr3 or tdx/rtmr2");
    EXPECT_EQ(nearest({rule}, asking, Right::create, {.name = {longest + "a", {}}}), "web: the registers virtual/web-*");
}

TEST(NearestRule, OfARuleThatFitsTellsWhyItIsNotEnoughOrNothing) {
    const AccessRule all{.name = "all", .allow = {Right::read, Right::log}};
    EXPECT_EQ(nearest({all}, asking, Right::read, {.name = {"virtual/theirs", {}}, .owner = 7}),
              "all: no virtual register of somebody else: it has no pattern for it that begins with virtual/");
    EXPECT_EQ(nearest({all}, {.uid = usual_overflow_uid, .gid = 1}, Right::read, known[0]), "all: nobody without a uid of his own");
    EXPECT_EQ(nearest({all}, asking, Right::log), "") << "something else than this right was refused";
}

}  // namespace
}  // namespace mrd
