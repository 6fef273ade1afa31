#include "mrd/interfaces/asked_rights.h"

#include <gtest/gtest.h>

#include "mrd/interfaces/names.h"

namespace mrd {
namespace {

std::string told(const std::vector<std::string> &interfaces) {
    const auto asked = asked_rights(interfaces);
    std::string names;
    for (std::size_t i = 0; i < rights; ++i) {
        if (asked.has(static_cast<Right>(i))) names += (names.empty() ? "" : " ") + std::string(right_names[i]);
    }
    return names;
}

TEST(AskedRights, AreThoseThatTheMethodsOfAnInterfaceNeedAndWhatChangesTheirAnswers) {
    EXPECT_EQ(told({"io.mrd.Registers"}), "list read extend measure write cap create report repair");
    EXPECT_EQ(told({"io.mrd.EventLog"}), "log log_contents evidence repair");
    EXPECT_EQ(told({"io.mrd.Attestation"}), "read log log_contents report quote evidence");
    EXPECT_EQ(told({"io.mrd.Devices"}), "list read quote accept");
    EXPECT_EQ(told({"io.mrd.Service"}), "read repair");
    EXPECT_EQ(told({"io.mrd.Devices", "io.mrd.Service"}), "list read quote repair accept");
}

TEST(AskedRights, OfAllInterfacesAreAll) {
    EXPECT_TRUE(asked_rights({}).has_all_of(Rights::all()));
    EXPECT_TRUE(asked_rights({interface_names.begin(), interface_names.end()}).has_all_of(Rights::all()));
}

}  // namespace
}  // namespace mrd
