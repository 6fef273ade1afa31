// Tables of policies: what reference values can state, with subjects (a machine and its log, a platform, a device) that satisfy it, and at least three that nearly do, each of
// which differs in one thing.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/attestation/machine.h"
#include "tests/attestation/verdict_text.h"

namespace mr {

template <class Subject>
struct CaseOf {
    std::string what;
    std::function<void(Subject &)> make;
    std::string reason = {};             // of the statement, a part of it
    std::vector<std::string> also = {};  // what else refuses it
    std::optional<Judgement> result =
        {};  // of the statement: nothing for one that holds of what satisfies it, and fails of what nearly does
};

template <class Subject>
struct PolicyOf {
    std::string name;
    nlohmann::json members;  // of reference values
    std::string statement;
    std::vector<CaseOf<Subject>> good;
    std::vector<CaseOf<Subject>> nearly;
};

// Each holds of what satisfies it, and of nothing that nearly does. `judge`: the verdict on what a case makes, by the members.
template <class Subject, class Judge>
void expect_to_part(const std::vector<PolicyOf<Subject>> &policies, Judge judge) {
    for (const auto &policy : policies) {
        EXPECT_GE(policy.nearly.size(), 3U) << policy.name;
        EXPECT_FALSE(policy.good.empty()) << policy.name;
        for (const auto &each : policy.good) {
            const auto verdict = judge(policy.members, each.make);
            EXPECT_TRUE(verdict.verified()) << policy.name << ", " << each.what << '\n' << reasons(verdict);
            EXPECT_EQ(result_of(verdict, policy.statement), each.result.value_or(Judgement::holds)) << policy.name << ", " << each.what;
            EXPECT_THAT(reason_of(verdict, policy.statement), testing::HasSubstr(each.reason)) << policy.name << ", " << each.what;
        }
        for (const auto &each : policy.nearly) {
            const auto verdict = judge(policy.members, each.make);
            auto refused = each.also;
            refused.push_back(policy.statement);
            EXPECT_THAT(refusing(verdict), testing::UnorderedElementsAreArray(refused)) << policy.name << ", " << each.what << '\n'
                                                                                        << reasons(verdict);
            EXPECT_EQ(result_of(verdict, policy.statement), each.result.value_or(Judgement::fails)) << policy.name << ", " << each.what;
            EXPECT_THAT(reason_of(verdict, policy.statement), testing::HasSubstr(each.reason)) << policy.name << ", " << each.what;
        }
    }
}

template <class Subject>
std::vector<nlohmann::json> members_of(const std::vector<PolicyOf<Subject>> &policies) {
    std::vector<nlohmann::json> all;
    for (const auto &policy : policies) all.push_back(policy.members);
    return all;
}

// What each table has policies for: policy_members_test.cpp holds them against what reference values can say.
std::vector<nlohmann::json> members_of_log_policies();
std::vector<nlohmann::json> members_of_evidence_policies();
std::vector<nlohmann::json> members_of_virtual_policies();
std::vector<nlohmann::json> members_of_snp_policies();
std::vector<nlohmann::json> members_of_cca_policies();
std::vector<nlohmann::json> members_of_device_policies();

}  // namespace mr
