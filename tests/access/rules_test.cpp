#include "mrd/access/rules.h"

#include <fnmatch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "proto/varlink/uid_shares.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uid_t own = 700;
constexpr gid_t group_mrd = 900;
const RegisterName rtmr3{"tdx/rtmr3", "tdx/rtmr3:sha384"};

Principal user(uid_t uid, std::span<const gid_t> groups = {}) { return {.uid = uid, .gid = uid, .groups = groups, .listener = "varlink"}; }

// By which rule; "-": none.
std::string by(const AccessRules &rules, const Principal &principal, Right right, const RegisterName &reg = {}) {
    const auto *rule = rules.allows(principal, right, reg);
    return rule == nullptr ? "-" : rule->name;
}

TEST(AccessRules, ByDefaultRootMayAllTheGroupAttestsAndEverybodyReads) {
    const std::vector<gid_t> in_mrd{5, group_mrd};
    const AccessRules rules(AccessRules::defaults(group_mrd), own);
    for (std::size_t i = 0; i < rights; ++i) {
        const auto right = static_cast<Right>(i);
        EXPECT_EQ(by(rules, user(0), right, rtmr3), "root");
        EXPECT_EQ(by(rules, user(own), right, rtmr3), "root") << "whom mrd runs as, as it runs without root";
        const bool reads = right == Right::list || right == Right::read || right == Right::log;
        const bool attests = right == Right::report || right == Right::quote || right == Right::evidence;
        EXPECT_EQ(by(rules, user(1000), right), reads ? "everybody" : "-") << name_of(right);
        EXPECT_EQ(by(rules, user(1000, in_mrd), right), reads ? "everybody" : attests ? "attesters" : "-") << name_of(right);
        EXPECT_EQ(by(rules, {.uid = 1000, .gid = group_mrd}, right), reads ? "everybody" : attests ? "attesters" : "-") << "its own group";
    }
    EXPECT_EQ(by(AccessRules(AccessRules::defaults({}), own), user(1000, in_mrd), Right::quote), "-") << "there is no such group";
}

TEST(AccessRules, RootsRuleHoldsWhateverTheOthersSay) {
    const AccessRules rules({{.name = "agent", .users = {1000}, .allow = {Right::extend}}}, 0);
    EXPECT_EQ(by(rules, user(0), Right::repair), "root");
    EXPECT_EQ(by(rules, user(1000), Right::extend), "agent");
    EXPECT_EQ(by(rules, user(1000), Right::list), "-") << "the defaults hold where there are no rules";
}

TEST(AccessRules, NoRuleIsForTheOverflowUidNorForWhomTheKernelDoesNotName) {
    const AccessRules rules({{.name = "all", .allow = Rights::all()}}, 65534, 65534);
    EXPECT_EQ(by(rules, user(65534), Right::list), "-") << "not even where mrd runs as it";
    EXPECT_EQ(by(rules, user(static_cast<uid_t>(-1)), Right::list), "-");
    EXPECT_EQ(by(rules, user(65533), Right::list), "all");
}

TEST(AccessRules, OfEachKindThatARuleNamesOneHasToFit) {
    const AccessRule rule{.name = "agent",
                          .users = {1000, 1001},
                          .groups = {5, 6},
                          .units = {"agent.service"},
                          .listeners = {"agents"},
                          .allow = {Right::quote}};
    const std::vector<gid_t> fits{7, 6};
    const std::vector<gid_t> others{7};
    const auto in_unit = [](const char *name) { return [name] { return std::optional<std::string>(name); }; };
    const Principal agent{.uid = 1001, .gid = 1001, .groups = fits, .listener = "agents", .unit = in_unit("agent.service")};
    const AccessRules rules({rule}, own);
    EXPECT_EQ(by(rules, agent, Right::quote), "agent");
    for (const auto &change : std::vector<std::function<void(Principal &)>>{
             [](Principal &is) { is.uid = 1002; }, [&](Principal &is) { is.groups = others; }, [](Principal &is) { is.unit = {}; },
             [](Principal &is) { is.unit = [] { return std::nullopt; }; }, [&](Principal &is) { is.unit = in_unit("other.service"); },
             [](Principal &is) { is.listener = "varlink"; }}) {
        auto other = agent;
        change(other);
        EXPECT_EQ(by(rules, other, Right::quote), "-");
    }
}

// As each rule by itself would say it, list by list.
TEST(AccessRules, AreJudgedTogetherAsEachAlone) {
    std::mt19937 random(1);
    const auto below = [&random](unsigned count) { return static_cast<unsigned>(random() % count); };
    const auto some_of = [&](auto &into, const auto &all) {
        if (below(2) == 0) return;
        for (const auto &each : all) {
            if (below(3) == 0) into.push_back(each);
        }
    };
    const std::vector<uid_t> ids{1, 2, 3, 4};
    const std::vector<std::string> units{"a.service", "b.service"};
    const std::vector<std::string> listeners{"l", "m"};
    const std::vector<std::string> patterns{"tdx/rtmr3",  "tdx/rtmr?", "*/rtmr3:sha384", "tpm/*", "[a-z]*/pcr1*:sha256", "tdx/mrtd",
                                            "tdx/rtmr3x", "tdx",       "tpm/\\pcr1"};
    const std::vector<RegisterName> registers{{}, rtmr3, {"tdx/mrtd", {}}, {"tpm/pcr1", "tpm/pcr1:sha256"}, {"tpm/pcr1", "tpm/pcr1:sha1"}};
    const auto is_about = [](const AccessRule &rule, const RegisterName &reg) {
        return rule.registers.empty() || std::ranges::any_of(rule.registers, [&reg](const std::string &pattern) {
                   return ::fnmatch(pattern.c_str(), reg.name.c_str(), FNM_PATHNAME) == 0 ||
                          ::fnmatch(pattern.c_str(), reg.with_bank.c_str(), FNM_PATHNAME) == 0;
               });
    };
    const auto has = [](const auto &list, const auto &value) { return list.empty() || std::ranges::find(list, value) != list.end(); };
    for (int round = 0; round < 40; ++round) {
        std::vector<AccessRule> made(1 + below(max_access_rules));
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i].name = "r" + std::to_string(i);
            some_of(made[i].users, ids);
            some_of(made[i].groups, ids);
            some_of(made[i].units, units);
            some_of(made[i].listeners, listeners);
            some_of(made[i].registers, patterns);
            for (std::size_t right = 0; right < rights; ++right) {
                if (below(4) == 0) made[i].allow.add(static_cast<Right>(right));
            }
        }
        const AccessRules rules(made, own);
        for (int caller = 0; caller < 20; ++caller) {
            const std::vector<gid_t> groups{1 + below(5), 1 + below(5)};
            const auto unit = units[below(2)];
            const Principal principal{
                .uid = 1 + below(5), .gid = 1 + below(5), .groups = groups, .listener = listeners[below(2)], .unit = [&unit] {
                    return unit;
                }};
            for (std::size_t i = 0; i < rights * registers.size(); ++i) {
                const auto right = static_cast<Right>(i % rights);
                const auto &reg = registers[i / rights];
                const auto first = std::ranges::find_if(made, [&](const AccessRule &rule) {
                    const auto is_in = [&](gid_t group) {
                        return group == principal.gid || std::ranges::find(groups, group) != groups.end();
                    };
                    return rule.allow.has(right) && has(rule.users, principal.uid) && has(rule.units, unit) &&
                           has(rule.listeners, std::string(principal.listener)) && is_about(rule, reg) &&
                           (rule.groups.empty() || std::ranges::any_of(rule.groups, is_in));
                });
                ASSERT_EQ(by(rules, principal, right, reg), first == made.end() ? "-" : first->name);
            }
        }
    }
}

TEST(AccessRules, RememberWhatRegistersThatAreThereFitAndNoNameThatAClientChooses) {
    const AccessRules rules({{.name = "some", .users = {1}, .allow = {Right::read, Right::create}, .registers = {"tdx/*"}}}, own);
    EXPECT_EQ(by(rules, user(2), Right::read, rtmr3), "-");
    EXPECT_EQ(rules.remembered(), 0U) << "it is for somebody else, whatever it is about";
    for (int i = 0; i < 2; ++i) EXPECT_EQ(by(rules, user(1), Right::read, rtmr3), "some");
    EXPECT_EQ(rules.remembered(), 1U);
    EXPECT_TRUE(rules.allows_new(user(1), Right::create, "tdx/new"));
    EXPECT_FALSE(rules.allows_new(user(1), Right::create, "tpm/new"));
    EXPECT_FALSE(rules.allows_new(user(1), Right::create, "tdx/" + std::string(max_new_register_name, 'x')));
    EXPECT_EQ(rules.remembered(), 1U);
    for (std::size_t i = 0; i < max_remembered_registers + 2; ++i)
        EXPECT_EQ(by(rules, user(1), Right::read, {"tdx/r" + std::to_string(i), {}}), "some");
    EXPECT_EQ(rules.remembered(), max_remembered_registers);
}

TEST(AccessRules, RememberWhatARegisterFitsByTheRolesThatItIsAskedWith) {
    const AccessRules rules({{.name = "app", .users = {1}, .allow = {Right::measure}, .registers = {"app"}}}, own);
    const std::vector<std::string> roles{"boot", "app"};
    const RegisterName bare{"tdx/rtmr3", "tdx/rtmr3:sha384"};
    const RegisterName whole{"tdx/rtmr3", "tdx/rtmr3:sha384", roles};
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(by(rules, user(1), Right::measure, bare), "-");
        EXPECT_EQ(by(rules, user(1), Right::measure, whole), "app");
    }
    EXPECT_EQ(rules.remembered(), 1U);
}

TEST(AccessRules, WhatIsKnownOfACallerIsOfTheseRulesAndOfHimAlone) {
    const AccessRules first({{.name = "a", .users = {1}, .allow = {Right::read}}}, own);
    const AccessRules second({{.name = "b", .users = {2}, .allow = {Right::read}}}, own);
    const auto one = user(1);
    EXPECT_EQ(by(first, one, Right::read), "a");
    EXPECT_EQ(by(second, one, Right::read), "-");
    auto other = one;
    other.uid = 2;
    EXPECT_EQ(by(second, other, Right::read), "b");
    EXPECT_EQ(by(first, one, Right::read), "a");
}

TEST(AccessRules, AUnitIsReadOnlyWhereItDecides) {
    const AccessRules rules({{.name = "agent", .users = {1000}, .units = {"agent.service"}, .allow = {Right::quote}}}, own);
    int reads = 0;
    const auto asks = [&reads](uid_t uid) {
        auto principal = user(uid);
        principal.unit = [&reads] {
            ++reads;
            return std::optional<std::string>("agent.service");
        };
        return principal;
    };
    EXPECT_EQ(by(rules, asks(0), Right::quote), "root");
    EXPECT_EQ(by(rules, asks(1001), Right::quote), "-");
    EXPECT_EQ(by(rules, asks(1000), Right::extend), "-");
    EXPECT_EQ(reads, 0);
    EXPECT_EQ(by(rules, asks(1000), Right::quote), "agent");
    EXPECT_EQ(reads, 1);
}

TEST(AccessRules, ARuleForSomeRegistersSaysNothingOfTheOthersAndNothingOfAll) {
    const AccessRules rules(
        {{.name = "own", .users = {1000}, .allow = {Right::extend, Right::log}, .registers = {"tdx/rtmr3", "slots/*", "tpm/pcr1*:sha256"}}},
        own);
    EXPECT_EQ(by(rules, user(1000), Right::extend, rtmr3), "own");
    EXPECT_EQ(by(rules, user(1000), Right::extend, {"slots/7", {}}), "own");
    EXPECT_EQ(by(rules, user(1000), Right::extend, {"tpm/pcr10", "tpm/pcr10:sha256"}), "own");
    EXPECT_EQ(by(rules, user(1000), Right::extend, {"tpm/pcr10", "tpm/pcr10:sha1"}), "-");
    EXPECT_EQ(by(rules, user(1000), Right::extend, {"tdx/rtmr2", "tdx/rtmr2:sha384"}), "-");
    EXPECT_EQ(by(rules, user(1000), Right::extend, {"slots/7/8", {}}), "-") << "a star stands for no slash";
    EXPECT_EQ(by(rules, user(1000), Right::log), "-") << "the log is about all registers";
    EXPECT_NE(rules.allows_some(user(1000), Right::extend), nullptr);
    EXPECT_EQ(rules.allows_some(user(1001), Right::extend), nullptr);
}

TEST(AccessRules, OfSeveralThatAllowItTheFirstIsTold) {
    const AccessRules rules({{.name = "a", .users = {7}, .allow = {Right::read}},
                             {.name = "b", .allow = {Right::read}},
                             {.name = "c", .users = {8}, .allow = {Right::read}}},
                            own);
    EXPECT_EQ(by(rules, user(7), Right::read), "a");
    EXPECT_EQ(by(rules, user(8), Right::read), "b");
}

TEST(AccessRules, UidsThatNoRuleNamesHaveOneShareTogether) {
    const AccessRules rules(
        {{.name = "b", .users = {8, 7}, .allow = {Right::read}}, {.name = "all", .groups = {9}, .allow = {Right::list}}}, own);
    EXPECT_THAT(rules.named(), ElementsAre(0, 7, 8, own));
    for (const uid_t named : {0U, 7U, 8U, own}) EXPECT_EQ(rules.share_of(named), named);
    for (const uid_t other : {9U, 100'000U, 165'535U, 65'534U}) EXPECT_EQ(rules.share_of(other), varlink::unnamed_uids);
}

TEST(AccessRules, AListenerLetsOthersInWhereARuleAllowsThemAnything) {
    const auto let_in = [](std::vector<AccessRule> rules, std::string_view listener) {
        return AccessRules(std::move(rules), own).lets_others_in(listener);
    };
    EXPECT_FALSE(let_in({}, "varlink"));
    EXPECT_TRUE(let_in(AccessRules::defaults({}), "varlink"));
    EXPECT_FALSE(let_in({{.name = "a", .users = {0, own}, .allow = {Right::read}}}, "varlink"));
    EXPECT_TRUE(let_in({{.name = "a", .users = {0, 7}, .allow = {Right::read}}}, "varlink"));
    EXPECT_TRUE(let_in({{.name = "a", .listeners = {"log"}, .allow = {Right::log}}}, "log"));
    EXPECT_FALSE(let_in({{.name = "a", .listeners = {"log"}, .allow = {Right::log}}}, "varlink"));
}

TEST(AccessRules, EachRightHasItsName) {
    for (std::size_t i = 0; i < rights; ++i) EXPECT_EQ(right_from(right_names[i]), static_cast<Right>(i));
    EXPECT_FALSE(right_from("everything"));
}

// Of a program that asks for others.
std::string by_for(const AccessRules &rules, uid_t program, uid_t whom, Right right) {
    auto principal = user(program);
    principal.asks_for = whom;
    EXPECT_EQ(rules.trusts(principal), by(rules, principal, right) != "-") << program << " for " << whom;
    return by(rules, principal, right);
}

TEST(AccessRules, ARuleLetsAskForThoseThatItNamesAndForNobodyElse) {
    const AccessRules rules({{.name = "itself", .users = {900}, .allow = {Right::read}},
                             {.name = "files", .users = {900}, .allow = {Right::read}, .on_behalf_of = {{1000, 1000}, {2000, 2999}}}},
                            own);
    EXPECT_EQ(by(rules, user(900), Right::read), "itself");
    for (const uid_t uid : {1000U, 2000U, 2500U, 2999U}) EXPECT_EQ(by_for(rules, 900, uid, Right::read), "files") << uid;
    for (const uid_t uid : {0U, own, 900U, 999U, 1001U, 1999U, 3000U}) EXPECT_EQ(by_for(rules, 900, uid, Right::read), "-") << uid;
    for (const uid_t uid : {0U, own, 1000U}) EXPECT_EQ(by_for(rules, uid, 1000, Right::read), "-") << "no rule lets " << uid << " ask";
    EXPECT_FALSE(rules.trusts(user(900))) << "who asks for himself needs no trust";
}

TEST(AccessRules, WhoMayEverythingIsAskedForByHisOwnEntryAndByNoRange) {
    const auto with = [](std::vector<UidRange> whom) {
        return AccessRules({{.name = "files", .users = {900}, .allow = {Right::read}, .on_behalf_of = std::move(whom)}}, own);
    };
    EXPECT_EQ(by_for(with({{0, 4294967294}}), 900, 0, Right::read), "-");
    EXPECT_EQ(by_for(with({{0, 4294967294}}), 900, own, Right::read), "-") << "whom mrd runs as";
    EXPECT_EQ(by_for(with({{0, 4294967294}}), 900, 1000, Right::read), "files");
    EXPECT_EQ(by_for(with({{0, 0}, {own, own}}), 900, 0, Right::read), "files");
    EXPECT_EQ(by_for(with({{0, 0}, {own, own}}), 900, own, Right::read), "files");
}

TEST(AccessRules, ARuleThatLetsAskForOthersIsForNobodyElse) {
    const AccessRules rules({{.name = "files", .users = {1000}, .allow = {Right::read}, .on_behalf_of = {{1001, 1001}}}}, 0);
    const RegisterName reg{"tdx/rtmr3", {}};
    EXPECT_EQ(rules.allows(Principal{.uid = 1000, .gid = 1000}, Right::read, reg), nullptr);
    EXPECT_NE(rules.allows(Principal{.uid = 1000, .gid = 1000, .asks_for = 1001}, Right::read, reg), nullptr);
}

TEST(AccessRules, ARuleThatLetsAskForOthersIsNotAllowedAlreadyByOneThatDoesNot) {
    const AccessRule files{.name = "files", .users = {0}, .allow = {Right::read}, .on_behalf_of = {{1000, 1999}}};
    EXPECT_THAT(AccessRules({files}, 0).warnings({}), IsEmpty()) << "root's rule lets nobody ask";
    auto narrower = files;
    narrower.name = "narrower";
    narrower.on_behalf_of = {{1500, 1500}};
    EXPECT_THAT(AccessRules({files, narrower}, 0).warnings({}), ElementsAre(HasSubstr("by the rule files already")));
    narrower.on_behalf_of = {{1500, 2000}};
    EXPECT_THAT(AccessRules({files, narrower}, 0).warnings({}), IsEmpty());
    narrower.on_behalf_of = {};
    EXPECT_THAT(AccessRules({files, narrower}, 0).warnings({}), Not(Contains(HasSubstr("by the rule files already"))));
    narrower.on_behalf_of = {{usual_overflow_uid, usual_overflow_uid}};
    EXPECT_THAT(AccessRules({narrower}, 0).warnings({}), ElementsAre(HasSubstr("nobody may ask for it")));
}

TEST(AccessRules, WhatNobodyMayForOthersIsToldOfARuleThatAllowsIt) {
    const auto warned = [](Right right) {
        return AccessRules({{.name = "files", .users = {900}, .allow = {Right::read, right}, .on_behalf_of = {{1000, 1000}}}}, 0)
            .warnings({});
    };
    for (const auto right : {Right::cap, Right::create, Right::evidence, Right::repair, Right::accept})
        EXPECT_THAT(warned(right), ElementsAre(HasSubstr(std::string(name_of(right)) + " is for oneself alone"))) << name_of(right);
    for (const auto right : {Right::list, Right::extend, Right::measure, Right::write, Right::report, Right::quote, Right::log})
        EXPECT_THAT(warned(right), IsEmpty()) << name_of(right);
}

TEST(AccessRules, ARuleAboutAllRegistersDoesNotSpeakOfOthersVirtualOnes) {
    const AccessRule all{.name = "all", .users = {1000}, .allow = {Right::read}};
    auto some = all;
    some.name = "some";
    some.registers = {"virtual/*"};
    EXPECT_THAT(AccessRules({all, some}, 0).warnings({}), IsEmpty());
    some.registers = {"tdx/*"};
    EXPECT_THAT(AccessRules({all, some}, 0).warnings({}), ElementsAre(HasSubstr("by the rule all already")));
}

const RuleSurroundings one_listener{.listeners = {{.name = "varlink"}}};

TEST(AccessRules, ARuleThatCanDecideNothingIsWarnedOf) {
    EXPECT_THAT(AccessRules(AccessRules::defaults(group_mrd), own).warnings(one_listener), IsEmpty());
    const auto odd = AccessRules({{.name = "wide", .allow = {Right::read, Right::list}},
                                  {.name = "within", .users = {7}, .allow = {Right::read}},
                                  {.name = "more", .users = {7}, .allow = {Right::read, Right::extend}},
                                  {.name = "elsewhere", .listeners = {"public"}, .allow = {Right::quote}},
                                  {.name = "mount", .units = {"a.mount"}, .allow = {Right::quote}},
                                  {.name = "deep", .units = {"a.slice/b.service"}, .allow = {Right::quote}},
                                  {.name = "nobody", .users = {65534}, .allow = {Right::extend}},
                                  {.name = "part", .users = {9}, .allow = {Right::extend, Right::quote}, .registers = {"tdx/*"}},
                                  {.name = "mine", .users = {own}, .allow = {Right::extend}}},
                                 own)
                         .warnings(one_listener);
    EXPECT_THAT(odd,
                ElementsAre("the access rule within: what it allows is allowed by the rule wide already",
                            "the access rule elsewhere: there is no listener public", HasSubstr("mount: the unit a.mount is no service"),
                            HasSubstr("deep: the unit a.slice/b.service is no service"),
                            "the access rule nobody: uid 65534 is whoever has no uid here: no rule is for it",
                            "the access rule part: quote is about all registers: a rule for some of them never allows it",
                            "the access rule mine: what it allows is allowed by the rule root already"));
}

TEST(AccessRules, ARightThatNoInterfaceOfTheRulesListenersAsksForIsWarnedOf) {
    const RuleSurroundings two{.listeners = {{.name = "log", .asked_for = {Right::log, Right::log_contents}},
                                             {.name = "agents", .asked_for = {Right::list, Right::read, Right::quote}}}};
    const auto warned = [&two](std::vector<std::string> listeners, Rights allow) {
        return AccessRules({{.name = "a", .users = {7}, .listeners = std::move(listeners), .allow = allow}}, own).warnings(two);
    };
    EXPECT_THAT(warned({"log"}, {Right::log, Right::quote}),
                ElementsAre("the access rule a: quote is asked for by no interface of the listener log"));
    EXPECT_THAT(warned({"agents"}, {Right::log, Right::quote}),
                ElementsAre(HasSubstr("log is asked for by no interface of the listener agents")));
    EXPECT_THAT(warned({"log", "agents"}, {Right::log, Right::quote}), IsEmpty()) << "each is of use on one of them";
    EXPECT_THAT(warned({}, {Right::log, Right::quote}), IsEmpty()) << "of all listeners";
    EXPECT_THAT(warned({}, {Right::repair}), ElementsAre(HasSubstr("repair is asked for by no interface of the listener log or agents")));
    EXPECT_THAT(warned({"log", "none"}, {Right::quote}),
                ElementsAre(HasSubstr("there is no listener none"), HasSubstr("the listener log")));
    EXPECT_THAT(warned({"none"}, {Right::quote}), ElementsAre(HasSubstr("there is no listener none")));
    EXPECT_THAT(warned({"log"}, {Right::list, Right::read}), ElementsAre(HasSubstr("a: read is"))) << "list comes with it";
    EXPECT_THAT(warned({"log"}, {Right::list, Right::log}), ElementsAre(HasSubstr("a: list is")));
}

TEST(AccessRules, ARuleForThoseWhomNoListenersModeLetsInIsWarnedOf) {
    const auto warned = [](AccessRule rule, std::vector<RuleSurroundings::Listener> listeners) {
        rule.name = "a";
        rule.allow = {Right::log};
        std::string all;
        for (const auto &each : AccessRules({rule}, own).warnings({.listeners = std::move(listeners)})) all += each + ";";
        return all;
    };
    const RuleSurroundings::Listener closed{.name = "log", .mode = 0600};
    const auto told = HasSubstr("of those that it is for nobody but root and mrd's user may connect to the listener log (mode 0600)");
    EXPECT_THAT(warned({.name = {}, .users = {7}}, {closed}), told);
    EXPECT_THAT(warned({.name = {}, .users = {0, 7}}, {closed}), told) << "root may everything anyway";
    EXPECT_THAT(warned({.name = {}, .groups = {9}}, {closed}), told);
    EXPECT_THAT(warned({.name = {}}, {closed}), told);
    EXPECT_EQ(warned({.name = {}, .users = {own}}, {closed}), "the access rule a: what it allows is allowed by the rule root already;");
    EXPECT_EQ(warned({.name = {}, .users = {7}}, {{.name = "log"}}), "") << "the mode is as the rules need it";
    for (const mode_t mode : {0660U, 0620U, 0666U, 0602U})
        EXPECT_EQ(warned({.name = {}, .users = {7}}, {{.name = "log", .mode = mode}}), "") << mode;
    EXPECT_THAT(warned({.name = {}, .users = {7}}, {{.name = "log", .mode = 0644}}), HasSubstr("log (mode 0644)"));
    EXPECT_EQ(warned({.name = {}, .users = {7}}, {{.name = "log", .mode = 0600, .owner = 7}}), "") << "it is his";
    EXPECT_EQ(warned({.name = {}, .groups = {9}}, {{.name = "log", .mode = 0600, .owner = 7}}), "") << "whose it is may be in the group";
    EXPECT_THAT(warned({.name = {}, .groups = {9}}, {{.name = "log", .mode = 0600, .owner = own}}), told);
    EXPECT_THAT(warned({.name = {}, .users = {7}}, {{.name = "log", .mode = 0066, .owner = 7}}), HasSubstr("log (mode 0066)"));
    EXPECT_EQ(warned({.name = {}, .users = {7}}, {closed, {.name = "open"}}), "") << "one of its listeners is enough";
    EXPECT_THAT(warned({.name = {}, .users = {7}, .listeners = {"log"}}, {closed, {.name = "open"}}), told);
    EXPECT_THAT(warned({.name = {}, .users = {7}}, {closed, {.name = "b", .mode = 0}}), HasSubstr("log (mode 0600) or b (mode 0000)"));
}

TEST(AccessRules, ARuleForUnitsIsWarnedOfWhereNoUnitIsKnown) {
    const AccessRules rules(
        {{.name = "a", .units = {"a.service"}, .allow = {Right::extend}}, {.name = "b", .users = {7}, .allow = {Right::extend}}}, own);
    EXPECT_THAT(rules.warnings({.units_are_known = false}),
                ElementsAre(AllOf(HasSubstr("the access rule a: it has units"), HasSubstr("SO_PEERPIDFD"), HasSubstr("it is for nobody"))));
    EXPECT_THAT(rules.warnings({}), IsEmpty());
}

TEST(AccessRules, ARuleForARoleIsAboutTheRegistersThatHaveIt) {
    const std::vector<std::string> roles{"app", "config"};
    const RegisterName has_it{"tdx/rtmr3", "tdx/rtmr3:sha384", roles};
    for (const auto &[pattern, allowed] : {std::pair{"app", true}, std::pair{"config", true}, std::pair{"boot", false},
                                           std::pair{"*", false}, std::pair{"ap?", false}, std::pair{"tdx/app", false}}) {
        const AccessRules rules({{.name = "a", .users = {7}, .allow = {Right::extend}, .registers = {pattern}}}, own);
        EXPECT_EQ(by(rules, user(7), Right::extend, has_it), allowed ? "a" : "-") << pattern;
        EXPECT_EQ(by(rules, user(7), Right::extend, {"tdx/rtmr2", "tdx/rtmr2:sha384"}), "-") << pattern;
    }
}

TEST(AccessRules, APatternThatFitsNoRegisterIsWarnedOf) {
    const std::vector<std::string> roles{"app"};
    const auto warnings = [&roles](const char *pattern) {
        return AccessRules({{.name = "a", .users = {7}, .allow = {Right::extend}, .registers = {pattern}}}, own).warnings({.roles = roles});
    };
    for (const char *good :
         {"*/*", "tdx/rtmr3", "tdx/rtmr3:sha384", "tdx/rtmr[0-3]", "tdx/rtmr[!3]", "*/pcr?", "tpm-0/*:sha256", "t_x/a.b", "x/[]a]", "app"})
        EXPECT_THAT(warnings(good), IsEmpty()) << good;
    for (const char *bad : {"*", "rtmr3", "?", "tdx/a/b", "tdx", "[/]", "app*"})
        EXPECT_THAT(warnings(bad),
                    ElementsAre(AllOf(HasSubstr("\"" + std::string(bad) + "\" fits no register"), HasSubstr("PROVIDER/NAME"))))
            << bad;
    EXPECT_THAT(warnings("tdx/rtmr[3"), ElementsAre(HasSubstr("\"tdx/rtmr[3\" fits no register: it has a [ without its ]")));
    EXPECT_THAT(warnings("tdx/rtmr3 "), ElementsAre(HasSubstr("\"tdx/rtmr3 \" fits no register: it has a character")));
}

TEST(AccessRules, ARuleThatAllowsCreateOfNoVirtualNameIsWarnedOf) {
    const auto warnings = [](std::vector<std::string> patterns) {
        return AccessRules({{.name = "a", .users = {7}, .allow = {Right::create}, .registers = std::move(patterns)}}, own).warnings({});
    };
    for (const char *good : {"virtual/*", "virtual/web-?", "*/web", "v*/*"}) EXPECT_THAT(warnings({good}), IsEmpty()) << good;
    EXPECT_THAT(warnings({"tdx/rtmr3", "virtual/web"}), IsEmpty()) << "one is enough";
    EXPECT_THAT(warnings({}), IsEmpty());
    EXPECT_THAT(
        warnings({"tdx/rtmr3", "tpm/*"}),
        ElementsAre("the access rule a: create is of virtual registers, and no pattern of it is of virtual/NAME: it never allows it"));
    EXPECT_THAT(warnings({"virtual-2/x"}), ElementsAre(HasSubstr("create is of virtual registers")));
}

TEST(AccessRules, APatternInThePlaceOfAUnitIsWarnedOf) {
    const auto warnings =
        AccessRules({{.name = "a", .units = {"*.service", "b.service"}, .allow = {Right::extend}}}, own).warnings(one_listener);
    EXPECT_THAT(warnings, ElementsAre("the access rule a: the unit *.service is a name, and no pattern: write each unit"));
}

TEST(AccessRules, ARuleThatLetsEverybodyDoMoreThanLookIsWarnedOf) {
    const auto warnings = [](AccessRule rule) {
        rule.name = "a";
        return AccessRules({rule}, own).warnings(one_listener);
    };
    EXPECT_THAT(warnings({.name = {}, .allow = {Right::list, Right::read, Right::log}}), IsEmpty());
    EXPECT_THAT(warnings({.name = {}, .allow = {Right::read, Right::extend, Right::log_contents}}),
                ElementsAre("the access rule a: it names no user, group, unit or listener, so that everybody may log_contents, extend"));
    EXPECT_THAT(warnings({.name = {}, .listeners = {"varlink"}, .allow = {Right::extend}}), IsEmpty());
    EXPECT_THAT(warnings({.name = {}, .groups = {7}, .allow = {Right::extend}}), IsEmpty());
}

}  // namespace
}  // namespace mrd
