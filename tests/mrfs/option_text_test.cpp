#include "mrfs/option_text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

#include "tests/mrfs/shown.h"

namespace mrfs {
namespace {

using namespace std::string_view_literals;

TEST(OptionText, ANumberIsTakenAsTheKernelTakesOne) {
    constexpr std::pair<std::string_view, std::uint32_t> taken[] = {
        {"0", 0}, {"3\n", 3}, {"+2", 2}, {"010", 8}, {"0x1f", 31}, {"0XA\n", 10}, {"1\0x"sv, 1}, {"4294967295", 4294967295U}};
    for (const auto &[text, number] : taken) EXPECT_EQ(number_of_option(text), number) << text;
    for (const auto text : {""sv, "\n"sv, "x"sv, " 1"sv, "1 "sv, "1\n\n"sv, "-1"sv, "+-1"sv, "++1"sv, "09"sv, "0x"sv, "1x"sv, "a"sv})
        EXPECT_EQ(number_of_option(text), std::unexpected(EINVAL)) << text;
    for (const auto text : {"4294967296"sv, "0x100000000\n"sv, "99999999999999999999"sv})
        EXPECT_EQ(number_of_option(text), std::unexpected(ERANGE)) << text;
}

TEST(OptionText, AGuidIsItsFirst36Characters) {
    EXPECT_EQ(guid_of_option(some_guid), some_guid);
    EXPECT_EQ(guid_of_option(std::string(some_guid) + "\n"), some_guid);
    EXPECT_EQ(guid_of_option(std::string(some_guid) + " and more"), some_guid);
    EXPECT_EQ(guid_of_option("C476F1EB-0123-45A5-9641-B4E7DDE5BFE3"sv), "C476F1EB-0123-45A5-9641-B4E7DDE5BFE3"sv);
    for (const auto text : {""sv, "nope"sv, some_guid.substr(1), some_guid.substr(0, 35), "c476f1eb00123-45a5-9641-b4e7dde5bfe3"sv,
                            "c476f1eg-0123-45a5-9641-b4e7dde5bfe3"sv})
        EXPECT_EQ(guid_of_option(text), std::nullopt) << text;
}

TEST(OptionText, ANameLosesOneNewline) {
    EXPECT_EQ(name_of_option("svsm"sv), "svsm");
    EXPECT_EQ(name_of_option("svsm\n"sv), "svsm");
    EXPECT_EQ(name_of_option("svsm\n\n"sv), "svsm\n");
    EXPECT_EQ(name_of_option("sv\0sm"sv), "sv");
}

}  // namespace
}  // namespace mrfs
