#include "mrd/access/access.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

constexpr uid_t somebody = 1000;
constexpr uid_t nobody_in_particular = 1001;

Access access_with(std::vector<AccessRule> rules) {
    Access access(AccessRules(std::move(rules), 0));
    access.set_lookup([](std::string_view name) -> std::optional<KnownRegister> {
        if (name == "rtmr3" || name == "tdx/rtmr3") return KnownRegister{{"tdx/rtmr3", "tdx/rtmr3:sha384"}, false};
        if (name == "rtmr2") return KnownRegister{{"tdx/rtmr2", "tdx/rtmr2:sha384"}, false};
        if (name == "reportdata" || name == "report0") return KnownRegister{{"tdx/" + std::string(name), {}}, true};
        return std::nullopt;
    });
    return access;
}
bool may(const Access &access, Operation operation, std::string_view subject = {}, uid_t uid = somebody) {
    return access.judge({.uid = uid, .gid = uid}, operation, subject).allowed;
}

// The right that each operation needs, said once more: an operation that is new has none here, and this does not compile.
constexpr std::array<std::pair<Operation, std::optional<Right>>, 19> needed{{{Operation::list, Right::list},
                                                                             {Operation::read, Right::read},
                                                                             {Operation::extend, Right::extend},
                                                                             {Operation::measure, Right::measure},
                                                                             {Operation::write, Right::write},
                                                                             {Operation::cap, Right::cap},
                                                                             {Operation::create, Right::create},
                                                                             {Operation::close, Right::cap},
                                                                             {Operation::watch, Right::read},
                                                                             {Operation::status, Right::read},
                                                                             {Operation::log_read, Right::log},
                                                                             {Operation::report, Right::report},
                                                                             {Operation::verify_report, Right::read},
                                                                             {Operation::quote, Right::quote},
                                                                             {Operation::evidence, Right::evidence},
                                                                             {Operation::collateral, Right::read},
                                                                             {Operation::repair, Right::repair},
                                                                             {Operation::accept, Right::accept},
                                                                             {Operation::access, std::nullopt}}};
static_assert(needed.size() == mr::wire::operations, "say which right a new operation needs");

TEST(Access, EachOperationNeedsItsRightAndNoOther) {
    for (std::size_t i = 0; i < needed.size(); ++i) {
        const auto &[operation, right] = needed.at(i);
        EXPECT_EQ(static_cast<std::size_t>(operation), i) << "each operation once";
        for (std::size_t other = 0; other < rights; ++other) {
            const auto access = access_with({{.name = "one", .users = {somebody}, .allow = {static_cast<Right>(other)}}});
            const bool enough = !right || *right == static_cast<Right>(other);
            EXPECT_EQ(may(access, operation, "rtmr3"), enough) << operation_names[i] << " with " << right_names[other];
            EXPECT_EQ(may(access, operation, "rtmr3", nobody_in_particular), !right) << operation_names[i];
            EXPECT_TRUE(may(access, operation, "rtmr3", 0)) << operation_names[i];
        }
    }
}

TEST(Access, ARuleForSomeRegistersIsHeldAgainstTheRegisterThatAShortNameIs) {
    const auto access = access_with({{.name = "own", .users = {somebody}, .allow = Rights::all(), .registers = {"tdx/rtmr3"}}});
    for (const auto operation :
         {Operation::read, Operation::watch, Operation::extend, Operation::measure, Operation::write, Operation::cap}) {
        EXPECT_TRUE(may(access, operation, "rtmr3"));
        EXPECT_TRUE(may(access, operation, "tdx/rtmr3"));
        EXPECT_FALSE(may(access, operation, "rtmr2"));
        EXPECT_TRUE(may(access, operation, "no such register")) << "it will be told so";
        EXPECT_FALSE(may(access, operation, "no such register", nobody_in_particular));
    }
    EXPECT_FALSE(may(access, Operation::create, "no such register")) << "the name that it is to have is no other's";
    EXPECT_TRUE(may(access, Operation::create, "tdx/rtmr3"));
}

TEST(Access, WhatIsAboutAllRegistersIsNotForWhoMaySomeUnlessItLeavesOutTheOthers) {
    const auto access = access_with({{.name = "own", .users = {somebody}, .allow = Rights::all(), .registers = {"tdx/rtmr3"}}});
    for (const auto operation : {Operation::list, Operation::read, Operation::watch}) EXPECT_TRUE(may(access, operation));
    for (const auto operation : {Operation::status, Operation::log_read, Operation::report, Operation::verify_report, Operation::quote,
                                 Operation::evidence, Operation::collateral, Operation::repair})
        EXPECT_FALSE(may(access, operation)) << operation_names[static_cast<std::size_t>(operation)];
    EXPECT_FALSE(may(access, Operation::quote, "tdx")) << "a provider is no register";
}

TEST(Access, WhoHasMadeOneMayAskForAllThatAreHisUnlessHeAsksForAnother) {
    auto access = access_with({{.name = "program", .users = {somebody}, .allow = {Right::extend}, .on_behalf_of = {{1500, 1500}}}});
    access.set_owners([](uid_t uid) { return uid == somebody || uid == usual_overflow_uid; });
    for (const auto operation : {Operation::list, Operation::read, Operation::watch}) {
        EXPECT_TRUE(may(access, operation));
        EXPECT_TRUE(may(access, operation, "no such register")) << "it will be told so";
        EXPECT_FALSE(may(access, operation, {}, nobody_in_particular));
        EXPECT_FALSE(may(access, operation, {}, usual_overflow_uid));
        EXPECT_FALSE(access.judge({.uid = somebody, .gid = somebody, .asks_for = 1500}, operation, "").allowed);
    }
    for (const auto operation : {Operation::read, Operation::watch, Operation::extend}) EXPECT_FALSE(may(access, operation, "rtmr3"));
    for (const auto operation : {Operation::status, Operation::log_read, Operation::report, Operation::quote, Operation::evidence,
                                 Operation::repair, Operation::create})
        EXPECT_FALSE(may(access, operation)) << operation_names[static_cast<std::size_t>(operation)];
}

TEST(Access, WhatAReportIsOverAndWhatHoldsOneNeedTheRightToReports) {
    const auto reads = access_with({{.name = "all", .users = {somebody}, .allow = {Right::read, Right::write, Right::list}}});
    const auto reports = access_with({{.name = "all", .users = {somebody}, .allow = {Right::report}}});
    for (const auto operation : {Operation::read, Operation::watch, Operation::write}) {
        for (const auto *name : {"reportdata", "report0"}) {
            EXPECT_FALSE(may(reads, operation, name));
            EXPECT_TRUE(may(reports, operation, name));
        }
        EXPECT_FALSE(may(reports, operation, "rtmr3"));
    }
}

TEST(Access, ContentsAreShownByTheirOwnRightAndByThatToEvidence) {
    const auto shown = [](Rights allow, std::vector<std::string> registers, const RegisterName &reg) {
        return access_with({{.name = "a", .users = {somebody}, .allow = allow, .registers = std::move(registers)}})
            .shows_contents({.uid = somebody, .gid = somebody}, KnownRegister{.name = reg});
    };
    const RegisterName rtmr3{"tdx/rtmr3", "tdx/rtmr3:sha384"};
    EXPECT_TRUE(shown({Right::log_contents}, {}, rtmr3));
    EXPECT_TRUE(shown({Right::log_contents}, {}, {}));
    EXPECT_TRUE(shown({Right::log_contents}, {"tdx/rtmr3"}, rtmr3));
    EXPECT_FALSE(shown({Right::log_contents}, {"tdx/rtmr2"}, rtmr3));
    EXPECT_TRUE(shown({Right::evidence}, {}, rtmr3)) << "it carries them";
    EXPECT_FALSE(shown({Right::list, Right::read, Right::log, Right::quote}, {}, rtmr3));
}

TEST(Access, NewRulesAreToldOf) {
    auto access = access_with({});
    int told = 0;
    access.on_change([&told] { ++told; });
    EXPECT_FALSE(may(access, Operation::list));
    access.replace(AccessRules({{.name = "a", .allow = {Right::list}}}, 0));
    EXPECT_EQ(told, 1);
    EXPECT_TRUE(may(access, Operation::list));
}

}  // namespace
}  // namespace mrd
