#include <gtest/gtest.h>

#include <set>

#include "mr/event_content.h"

namespace mr {
namespace {

TEST(EventType, KnownTypesHaveTheSpecificationsNames) {
    EXPECT_EQ(event_type_name(0), "EV_PREBOOT_CERT");
    EXPECT_EQ(event_type_name(ev_no_action), "EV_NO_ACTION");
    EXPECT_EQ(event_type_name(ev_separator), "EV_SEPARATOR");
    EXPECT_EQ(event_type_name(ev_event_tag), "EV_EVENT_TAG");
    EXPECT_EQ(event_type_name(ev_ipl), "EV_IPL");
    EXPECT_EQ(event_type_name(0x13), "EV_POST_CODE2");
    EXPECT_EQ(event_type_name(0x80000002), "EV_EFI_VARIABLE_BOOT");
    EXPECT_EQ(event_type_name(0x8000000A), "EV_EFI_PLATFORM_FIRMWARE_BLOB2");
    EXPECT_EQ(event_type_name(0x800000E4), "EV_EFI_SPDM_DEVICE_AUTHORITY");
    EXPECT_EQ(event_type_name(0x08000001), "DSTACK_RUNTIME_EVENT");
}

TEST(EventType, OneWithoutANameIsItsEightHexadecimalDigits) {
    EXPECT_EQ(event_type_name(0x14), "0x00000014");
    EXPECT_EQ(event_type_name(0x80000099), "0x80000099");
    EXPECT_EQ(event_type_name(0xFFFFFFFF), "0xffffffff");
}

TEST(EventType, EveryNameLeadsBackToItsType) {
    std::set<std::string> names;
    int named = 0;
    for (const std::uint32_t base : {0x00000000U, 0x08000000U, 0x80000000U}) {
        for (std::uint32_t type = base; type < base + 0x200; ++type) {
            const auto name = event_type_name(type);
            EXPECT_EQ(event_type_from(name), type) << name;
            EXPECT_TRUE(names.insert(name).second) << name;
            if (name.starts_with("EV_") || name.starts_with("DSTACK_")) ++named;
        }
    }
    EXPECT_EQ(named, 41);
}

TEST(EventType, NumbersAreReadInBothForms) {
    EXPECT_EQ(event_type_from("13"), 13U);
    EXPECT_EQ(event_type_from("0xD"), 13U);
    EXPECT_EQ(event_type_from("0X80000099"), 0x80000099U);
    EXPECT_EQ(event_type_from("4294967295"), 0xFFFFFFFFU);
}

TEST(EventType, AnythingElseIsNone) {
    for (const std::string_view name :
         {"", "0x", "-1", "+1", " 1", "1 ", "4294967296", "0x100000000", "EV_", "ev_ipl", "0x1g", "EV_IPL "}) {
        EXPECT_EQ(event_type_from(name), std::nullopt) << name;
    }
}

}  // namespace
}  // namespace mr
