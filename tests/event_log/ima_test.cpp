#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/event_log/event_bytes.h"
#include "tests/event_log/text_log.h"
#include "tests/places.h"

namespace mr {
namespace {

using test::ev_unused;

test::ReadLog read_ima(std::string_view text) { return test::read_log(text, LogFormat::ima); }

std::string hex_digits(std::size_t bytes, char digit = '7') { return std::string(2 * bytes, digit); }

TEST(ImaLog, ALineIsAnEventWithItsTemplateAsDescription) {
    const auto log = read_ima("10 " + hex_digits(20) + " ima-ng sha256:" + hex_digits(32) + " /usr/bin/a b\n");
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_TRUE(log.events[0] == (test::OwnedEvent{.sequence = 1,
                                                   .index = 10,
                                                   .name = "pcr10",
                                                   .type = ev_unused,
                                                   .digests = {{0x0004, hex_digits(20)}},
                                                   .description = "ima-ng sha256:" + hex_digits(32) + " /usr/bin/a b"}));
}

TEST(ImaLog, TheDigestsLengthIsItsAlgorithm) {
    const std::pair<std::size_t, std::uint16_t> algorithms[] = {{20, 0x0004}, {32, 0x000B}, {48, 0x000C}, {64, 0x000D}};
    for (const auto &[size, id] : algorithms) {
        const auto log = read_ima("10 " + hex_digits(size) + " ima-ng x");
        ASSERT_EQ(log.error, "");
        EXPECT_EQ(log.events.at(0).digests, (std::vector{std::pair{id, hex_digits(size)}}));
    }
}

TEST(ImaLog, AnRtmrIsASingleDigitUpTo3BeforeASha384Digest) {
    const auto register_of = [](std::string_view number, std::size_t size) {
        const auto log = read_ima(std::string(number) + " " + hex_digits(size) + " ima-ng x");
        EXPECT_EQ(log.error, "");
        return std::pair(log.events.at(0).name, log.events.at(0).index);
    };
    EXPECT_EQ(register_of(" 2", 48), (std::pair<std::string, std::uint32_t>("rtmr2", 3)));
    EXPECT_EQ(register_of("0", 48), (std::pair<std::string, std::uint32_t>("rtmr0", 1)));
    EXPECT_EQ(register_of(" 3", 48), (std::pair<std::string, std::uint32_t>("rtmr3", 4)));
    EXPECT_EQ(register_of(" 4", 48), (std::pair<std::string, std::uint32_t>("pcr4", 4)));
    EXPECT_EQ(register_of("02", 48), (std::pair<std::string, std::uint32_t>("pcr2", 2)));
    EXPECT_EQ(register_of(" 2", 32), (std::pair<std::string, std::uint32_t>("pcr2", 2)));
    EXPECT_EQ(register_of("10", 48), (std::pair<std::string, std::uint32_t>("pcr10", 10)));
    EXPECT_EQ(register_of("31", 20), (std::pair<std::string, std::uint32_t>("pcr31", 31)));
}

TEST(ImaLog, AViolationExtendsOnesAsTheKernelDoes) {
    for (const std::size_t size : {20U, 32U, 48U, 64U}) {
        const auto log = read_ima("10 " + hex_digits(size, '0') + " ima-ng sha1:" + hex_digits(20, '0') + " /etc/x\n");
        ASSERT_EQ(log.error, "");
        EXPECT_EQ(log.events.at(0).digests.at(0).second, hex_digits(size, 'f'));
    }
    EXPECT_EQ(read_ima("10 01" + hex_digits(19, '0') + " ima x").events.at(0).digests.at(0).second, "01" + hex_digits(19, '0'));
}

TEST(ImaLog, ALineWithAMistakeIsAnErrorThatNamesTheByteAndTheField) {
    const auto good = "10 " + hex_digits(20) + " ima-ng x\n";
    const auto at = "event log, byte " + std::to_string(good.size()) + ": ";
    const auto error_of = [&](std::string_view line) {
        const auto log = read_ima(good + std::string(line) + "\n" + good);
        EXPECT_EQ(log.events.size(), 1U);
        return log.error;
    };
    const std::string no_number = "the line does not begin with the number of a PCR, 0 to 31";
    const std::string no_length = "the template hash has not the length of SHA-1, SHA-256, SHA-384 or SHA-512";
    for (const auto *number : {"32", "-1", "x", "1x", "0x1", "99999999999999999999"}) {
        EXPECT_EQ(error_of(std::string(number) + " " + hex_digits(20) + " ima-ng x"), at + no_number);
    }
    EXPECT_EQ(error_of("10"), at + no_length);
    EXPECT_EQ(error_of("10 " + hex_digits(21) + " ima-ng x"), at + no_length);
    EXPECT_EQ(error_of("10 " + hex_digits(20) + "7 ima-ng x"), at + no_length);
    EXPECT_EQ(error_of("10 " + hex_digits(20, 'g') + " ima-ng x"), at + "the digest sha1 is not hex");
    EXPECT_EQ(error_of("10 " + hex_digits(20)), at + "the template's name is missing");
    EXPECT_EQ(error_of("10 " + hex_digits(20) + " "), at + "the template's name is missing");
}

TEST(ImaLog, AFileNameThatIsNotUtf8IsRepaired) {
    const auto log = read_ima("10 " + hex_digits(20) + " ima-ng /tmp/\xFF\n10 " + hex_digits(20) + " ima-ng /tmp/\xC3\xA4\n");
    ASSERT_EQ(log.error, "");
    EXPECT_EQ(log.events.at(0).description, "ima-ng /tmp/\xEF\xBF\xBD");
    EXPECT_EQ(log.events.at(1).description, "ima-ng /tmp/\xC3\xA4");
}

TEST(ImaLog, OffsetsAreThoseOfTheLines) {
    const auto line = "10 " + hex_digits(20) + " ima-ng x";
    const auto log = read_ima(line + "\n\n " + line);
    EXPECT_EQ(log.error, "");
    EXPECT_EQ(log.offsets, (std::vector<std::size_t>{0, line.size() + 2, 2 * line.size() + 3}));
    EXPECT_EQ(log.events.at(1).sequence, 2U);
}

TEST(ImaLog, ARealLogLeadsFromTheFirmwareLogsRtmr2ToTheQuotes) {
    const auto folder = places::shared_data() / "ccel/cctrusted-grub-ima";
    if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not here";
    const auto expected = nlohmann::json::parse(test::text_of(folder / "info.json")).at("expected");
    const auto log = read_ima(test::text_of(folder / "ima_ascii_runtime_measurements.txt"));
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_EQ(log.events[0].index, 3U);
    const auto before = from_hex(expected.at("replayed_from_log").at("rtmr2").get<std::string>());
    ASSERT_TRUE(before);
    EXPECT_EQ(test::replayed(log.events, "rtmr2", HashAlgorithm::sha384, Digest(*before)),
              expected.at("rtmr2_after_ima_boot_aggregate").get<std::string>());
}

}  // namespace
}  // namespace mr
