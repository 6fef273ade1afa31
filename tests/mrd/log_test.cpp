#include "mrd/log.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

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

TEST(Log, OnlyTheFourLevelsAreKnown) {
    for (const auto *level : {"debug", "info", "warning", "error"}) EXPECT_TRUE(log::set_level(level)) << level;
    for (const auto *level : {"", "warn", "trace", "INFO", "off"}) EXPECT_FALSE(log::set_level(level)) << level;
    EXPECT_TRUE(log::set_level("info"));
}

}  // namespace
}  // namespace mrd
