// Every member that reference values can have has a policy in one of the tables, which says what it parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "libmr/src/attestation/reference_members.h"
#include "tests/attestation/policy_table.h"

namespace mr {
namespace {

using nlohmann::json;

// Where rules stand, and what has the members of the file itself.
const std::set<std::string> rules{"requiredEvents", "forbiddenEvents", "closedRegisters.events", "closedRegisters.after"};
constexpr auto path_of_sets = "alternatives.sets";

// Of the file: what it is, and a note for people. They ask for nothing.
const std::set<std::string> of_the_file{"format", "version", "description"};

std::set<std::string> known_members() {
    const auto all = attestation::reference_members();
    std::set<std::string> known(all.begin(), all.end());
    // The blocks of a set are blocks like those that stand by themselves.
    std::erase_if(known, [](const std::string &name) { return name.starts_with("spdm.sets.blocks."); });
    return known;
}

// The names of the members that are in there, as reference_members() has them; a name that it does not have is a key that is the writer's own: a role, a register.
void take(const json &value, const std::string &at, const std::set<std::string> &known, std::set<std::string> &found) {
    if (value.is_array()) {
        for (const auto &each : value) take(each, at, known, found);
    } else if (value.is_object()) {
        for (const auto &[key, each] : value.items()) {
            const auto inside = rules.contains(at) ? "rule" : at == path_of_sets && key != "name" ? "" : at;
            const auto name = inside.empty() ? key : inside + "." + key;
            if (known.contains(name)) found.insert(name);
            take(each, known.contains(name) ? name : at, known, found);
        }
    }
}

TEST(ReferenceMembers, EachHasAPolicyInOneOfTheTables) {
    const auto known = known_members();
    auto found = of_the_file;
    for (const auto &table : {members_of_log_policies(), members_of_evidence_policies(), members_of_virtual_policies(),
                              members_of_snp_policies(), members_of_cca_policies(), members_of_device_policies()}) {
        EXPECT_FALSE(table.empty());
        for (const auto &members : table) take(members, "", known, found);
    }
    std::vector<std::string> without;
    std::ranges::set_difference(known, found, std::back_inserter(without));
    EXPECT_THAT(without, testing::IsEmpty()) << "add to the table of its kind what satisfies the member, and three that nearly do";
}

// The list is worth something only if it has what the reader takes.
TEST(ReferenceMembers, AreThoseThatTheReaderTakes) {
    for (const auto &name : known_members()) {
        if (name.contains('.') || of_the_file.contains(name)) continue;
        // Of what is known the reader says what is wrong with the value; null is wrong everywhere.
        const json file{{"format", "mrd-reference-values"}, {"version", 1}, {name, nullptr}};
        const auto values = parse_reference_values(file.dump());
        ASSERT_FALSE(values) << name;
        EXPECT_THAT(values.error().message, testing::Not(testing::HasSubstr("is unknown"))) << name;
    }
    for (const auto *tee : known_tees()) {
        const auto members = attestation::known_policy_members(*tee);
        EXPECT_FALSE(members.empty()) << tee->kind();
        for (const auto &name : members) {
            if (name.contains('.')) continue;
            const auto checked = tee->check_policy(json{{name, nullptr}}.dump());
            ASSERT_FALSE(checked) << name;
            EXPECT_THAT(checked.error().message, testing::HasSubstr("the member " + name + " is null")) << tee->kind();
        }
    }
}

}  // namespace
}  // namespace mr
