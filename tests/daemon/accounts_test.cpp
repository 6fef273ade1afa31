#include "mrd/daemon/accounts.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace mrd {
namespace {

TEST(Accounts, AGroupOfTheFileIsTheSameAskedForEitherWay) {
    std::ifstream file("/etc/group");
    std::size_t groups = 0;
    for (std::string line; std::getline(file, line); ++groups) {
        const auto name = line.substr(0, line.find(':'));
        EXPECT_TRUE(group_in_file(name)) << name;
        EXPECT_EQ(group_in_file(name), group_from(name)) << name;
    }
    EXPECT_GT(groups, 0U);
}

TEST(Accounts, AGroupThatTheFileHasNotIsNone) {
    for (const std::string name : {"", "no-such-group", "root:x", "0"}) EXPECT_FALSE(group_in_file(name)) << name;
}

}  // namespace
}  // namespace mrd
