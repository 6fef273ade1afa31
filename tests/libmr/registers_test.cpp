#include "mr/registers.h"

#include <gtest/gtest.h>

#include <set>

#include "mr/error.h"

namespace mr {
namespace {

TEST(Flags, AreWrittenInTheOrderXWRLF) {
    EXPECT_EQ((Flag::file | Flag::live | Flag::readable | Flag::writable | Flag::extensible).to_string(), "XWRLF");
    EXPECT_EQ((flags_rtmr | Flag::writable).to_string(), "XWRL");
    EXPECT_EQ((Flag::writable | Flag::readable | Flag::file).to_string(), "WRF");
    EXPECT_EQ((flags_live | Flag::file).to_string(), "RLF");
    EXPECT_EQ(Flags(Flag::readable).to_string(), "R");
    EXPECT_EQ(Flags().to_string(), "");
}

TEST(Flags, EverySetSurvivesTheRoundTrip) {
    const Flag all[] = {Flag::extensible, Flag::writable, Flag::readable, Flag::live, Flag::file};
    std::set<std::string> seen;
    for (unsigned bits = 0; bits < 32; ++bits) {
        Flags flags;
        for (unsigned i = 0; i < 5; ++i) {
            if ((bits >> i & 1) != 0) {
                flags = flags | all[i];
            }
        }
        EXPECT_EQ(flags.bits(), bits);
        EXPECT_EQ(Flags::from_string(flags.to_string()), flags);
        seen.insert(flags.to_string());
    }
    EXPECT_EQ(seen.size(), 32U);
}

TEST(Flags, UnknownRepeatedOrDisorderedLettersAreNoFlags) {
    for (const std::string_view letters : {"x", "Q", "RR", "LR", "XW ", " X", "XWRLFX"}) {
        EXPECT_EQ(Flags::from_string(letters), std::nullopt) << letters;
    }
}

TEST(Flags, RtmrIsLiveReadableAndExtensible) {
    EXPECT_EQ(flags_live.bits(), 12);
    EXPECT_EQ(flags_rtmr.bits(), 13);
    EXPECT_TRUE(flags_rtmr.has(Flag::extensible));
    EXPECT_FALSE(flags_rtmr.has(Flag::writable));
}

TEST(Owner, NamesAndOwnersMapBothWays) {
    for (const Owner owner : {Owner::owned, Owner::shared, Owner::observed}) {
        EXPECT_EQ(owner_from(to_string(owner)), owner);
    }
    EXPECT_EQ(owner_from("mine"), std::nullopt);
}

TEST(ErrorCode, EveryCodeHasANameOfItsOwn) {
    std::set<std::string_view> names;
    for (unsigned code = 0; code <= static_cast<unsigned>(ErrorCode::io); ++code) {
        names.insert(to_string(static_cast<ErrorCode>(code)));
    }
    EXPECT_EQ(names.size(), static_cast<unsigned>(ErrorCode::io) + 1);
    EXPECT_EQ(to_string(ErrorCode::log_only), "log_only");
}

}  // namespace
}  // namespace mr
