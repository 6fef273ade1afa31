#include "mrd/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "mr/bytes.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Log, APlainValueIsWrittenAsItIs) {
    EXPECT_EQ(log::format("ready", {{"socket", "/run/mrd/io.mrd"}, {"version", "0.1.0"}}), "ready socket=/run/mrd/io.mrd version=0.1.0");
    EXPECT_EQ(log::format("ready", {}), "ready");
}

TEST(Log, AFieldValueCannotForgeARecordOrAnotherField) {
    const auto forged = log::format("extended", {{"description", "x\n2026-01-01T00:00:00 error all is lost"}});
    EXPECT_EQ(forged, R"(extended description="x\n2026-01-01T00:00:00 error all is lost")");
    EXPECT_EQ(log::format("a", {{"k", "v other=1"}}), R"(a k="v other=1")");
    EXPECT_EQ(log::format("a", {{"k", "v=1"}}), R"(a k="v=1")");
    EXPECT_EQ(log::format("a", {{"k", "\" x=\"1"}}), R"(a k="\" x=\"1")");
    EXPECT_EQ(log::format("a", {{"k", "\\"}}), R"(a k="\\")");
    EXPECT_EQ(log::format("a", {{"k", ""}}), R"(a k="")");
    EXPECT_EQ(log::format("a", {{"k", "\x1b[2J\r"}}), R"(a k="\u001b[2J\r")");
}

TEST(Log, NoControlCharacterOfAnyValueReachesTheRecord) {
    for (int byte = 0; byte < 0x20; ++byte) {
        const auto record = log::format("a", {{"k", std::string(1, static_cast<char>(byte))}});
        for (const char c : record) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << byte;
    }
}

TEST(Log, NothingInvisibleReachesTheRecordNotEvenInTheMessage) {
    EXPECT_EQ(log::format("a\x1b[2J\xC2\x9B\nb", {{"k", "\x7F"}, {"l", "\xC2\x9B\xE2\x80\xAE"}, {"m", "\x9B\xFF"}}),
              R"(a\x1b[2J\u{9b}\nb k="\u007f" l="\u009b\u202e" m="\\x9b\\xff")");
}

TEST(Log, WhatIsLongIsCutBetweenTwoCharacters) {
    const std::string at_most(log::max_value, 'a');
    EXPECT_EQ(log::format("m", {{"k", at_most}}), "m k=" + at_most);
    EXPECT_EQ(log::format("m", {{"k", at_most + "b"}}), "m k=" + at_most + "...");
    EXPECT_EQ(log::format(at_most + "b", {}), at_most + "...");
    const std::string most(log::max_value - 1, 'a');
    EXPECT_EQ(log::format("m", {{"k", most + "\xC3\xA9"}}), "m k=" + most + "...");
}

// ---- As the system's journal takes it

TEST(Log, AnEntryHasTheLineAndItsValuesAsFields) {
    const std::vector<log::Field> fields{{"register", "tdx/rtmr3"}, {"id", "a b"}};
    EXPECT_EQ(log::journal_entry(log::Level::warning, log::Kind::gap, "a gap", fields),
              "MESSAGE=a gap register=tdx/rtmr3 id=\"a b\"\nPRIORITY=4\nSYSLOG_IDENTIFIER=mrd\n"
              "MESSAGE_ID=e61357b9d7ce4defadd223a6fefda265\nMRD_REGISTER=tdx/rtmr3\nMRD_ID=a b\n");
    EXPECT_THAT(log::journal_entry(log::Level::info, log::Kind::other, "x", {}), Not(HasSubstr("MESSAGE_ID")));
}

TEST(Log, NoValueForgesAFieldOfAnEntry) {
    const std::vector<log::Field> fields{{"description", "x\nMRD_UID=0\n\x01"}};
    const auto entry = log::journal_entry(log::Level::info, log::Kind::extend, "m\nMESSAGE_ID=0", fields);
    EXPECT_EQ(std::ranges::count(entry, '\n'), 5) << entry;
    EXPECT_THAT(entry, HasSubstr("\nMRD_DESCRIPTION=x\\nMRD_UID=0\\n\\x01\n"));
}

TEST(Log, EveryKindHasAnIdOfItsOwn) {
    std::set<std::string_view> ids;
    std::set<std::string_view> names;
    for (std::size_t kind = 0; kind < log::kinds; ++kind) {
        const auto id = log::message_id(static_cast<log::Kind>(kind));
        EXPECT_TRUE(ids.insert(id).second) << id;
        EXPECT_TRUE(names.insert(log::to_string(static_cast<log::Kind>(kind))).second);
        EXPECT_EQ(mr::from_hex(id).value_or(mr::Bytes()).size(), kind == 0 ? 0U : 16U) << id;
    }
}

TEST(Log, OnlyTheFourLevelsAreKnown) {
    for (const auto *level : {"debug", "info", "warning", "error"}) {
        EXPECT_TRUE(log::set_level(level)) << level;
        EXPECT_EQ(log::level(), level);
    }
    for (const auto *level : {"", "warn", "trace", "INFO", "off"}) EXPECT_FALSE(log::set_level(level)) << level;
    EXPECT_TRUE(log::set_level("info"));
}

}  // namespace
}  // namespace mrd
