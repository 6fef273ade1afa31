#include <gtest/gtest.h>

#include <string>

#include "mr/event_log.h"

namespace mr {
namespace {

TEST(RegisterNames, RtmrsAndPcrsLoseTheirProviderAndTheirBank) {
    EXPECT_EQ(common_name("rtmr3"), "rtmr3");
    EXPECT_EQ(common_name("tdx/rtmr3"), "rtmr3");
    EXPECT_EQ(common_name("tdx/rtmr3:sha384"), "rtmr3");
    EXPECT_EQ(common_name("rtmr3:sha384"), "rtmr3");
    EXPECT_EQ(common_name("tpm/pcr7:sha256"), "pcr7");
    EXPECT_EQ(common_name("pcr23"), "pcr23");
    EXPECT_EQ(common_name("tpm/pcr0:sm3_256"), "pcr0");
}

TEST(RegisterNames, OtherNamesAreLeftWhole) {
    for (const std::string name : {"",
                                   "/",
                                   "mrtd",
                                   "tdx/mrtd",
                                   "cca/rem0",
                                   "rtmr",
                                   "pcr",
                                   "tpm/pcr",
                                   "rtmr3x",
                                   "xrtmr3",
                                   "rtmr03",
                                   "rtmr-1",
                                   "rtmr+1",
                                   "RTMR3",
                                   "/rtmr3",
                                   "a/b/rtmr3",
                                   "rtmr3:",
                                   "rtmr3:md5",
                                   "tpm/pcr7:sha256:sha1",
                                   "pcr4294967296",
                                   "pcr4294967295",
                                   "rtmr3/x"}) {
        EXPECT_EQ(common_name(name), name);
        EXPECT_EQ(tcg_index(name), std::nullopt) << name;
    }
}

TEST(RegisterNames, ATcgIndexIsThePcrsNumberAndOneMoreThanTheRtmrs) {
    EXPECT_EQ(tcg_index("rtmr0"), 1);
    EXPECT_EQ(tcg_index("tdx/rtmr3"), 4);
    EXPECT_EQ(tcg_index("pcr0"), 0);
    EXPECT_EQ(tcg_index("tpm/pcr23:sha1"), 23);
}

TEST(TcgAlgorithms, EachKnownNumberIsThatOfTheRegistry) {
    EXPECT_EQ(tcg_id(HashAlgorithm::sha1), 0x0004);
    EXPECT_EQ(tcg_id(HashAlgorithm::sha256), 0x000B);
    EXPECT_EQ(tcg_id(HashAlgorithm::sha384), 0x000C);
    EXPECT_EQ(tcg_id(HashAlgorithm::sha512), 0x000D);
    EXPECT_EQ(tcg_id(HashAlgorithm::sm3_256), 0x0012);
}

TEST(TcgAlgorithms, ANumberIsKnownIfItIsThatOfAnAlgorithm) {
    std::size_t known = 0;
    for (std::uint32_t id = 0; id <= 0xFFFF; ++id) {
        const auto algorithm = hash_algorithm_from_tcg(static_cast<std::uint16_t>(id));
        if (!algorithm) continue;
        ++known;
        EXPECT_EQ(tcg_id(*algorithm), id);
    }
    EXPECT_EQ(known, 5);
}

TEST(EventOrigins, ANameGivesBackItsOrigin) {
    for (const auto &[origin, name] : {std::pair(EventOrigin::firmware, "firmware"), std::pair(EventOrigin::service, "service"),
                                       std::pair(EventOrigin::resync, "resync")}) {
        EXPECT_EQ(to_string(origin), name);
        EXPECT_EQ(event_origin_from(name), origin);
    }
    EXPECT_EQ(event_origin_from(""), std::nullopt);
    EXPECT_EQ(event_origin_from("Firmware"), std::nullopt);
}

TEST(LogFormats, EachHasAName) {
    EXPECT_EQ(to_string(LogFormat::tcg), "tcg");
    EXPECT_EQ(to_string(LogFormat::tcg_sha1), "tcg_sha1");
    EXPECT_EQ(to_string(LogFormat::cel_json), "cel_json");
    EXPECT_EQ(to_string(LogFormat::json), "json");
    EXPECT_EQ(to_string(LogFormat::dstack), "dstack");
    EXPECT_EQ(to_string(LogFormat::ima), "ima");
}

TEST(MeasuredEvents, NoActionAndAnEventOfNoRegisterAreNotMeasured) {
    Event event;
    event.name = "rtmr3";
    event.index = 4;
    EXPECT_TRUE(is_measured(event));
    event.index = no_index;  // of a register that TCG formats have no number for
    event.name = "cca/rem0";
    EXPECT_TRUE(is_measured(event));
    event.name = "";
    EXPECT_FALSE(is_measured(event));
    event.name = "rtmr3";
    event.index = 4;
    event.type = ev_no_action;
    EXPECT_FALSE(is_measured(event));
}

}  // namespace
}  // namespace mr
