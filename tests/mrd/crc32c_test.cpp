#include "mrd/crc32c.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

constexpr std::uint32_t check_value = 0xE3069283;  // of "123456789"

mr::Bytes pattern(std::size_t size) {
    mr::Bytes bytes(size);
    std::uint32_t next = 1;
    for (auto &byte : bytes) {
        next = next * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(next >> 24);
    }
    return bytes;
}

TEST(Crc32c, TheKnownVectorHoldsBothWays) {
    EXPECT_EQ(crc32c(mr::as_bytes("123456789")), check_value);
    EXPECT_EQ(crc32c_ways::portable(mr::as_bytes("123456789")), check_value);
    if (crc32c_ways::hardware_available()) {
        EXPECT_EQ(crc32c_ways::hardware(mr::as_bytes("123456789")), check_value);
    }
}

// RFC 3720, appendix B.4.
TEST(Crc32c, TheVectorsOfRfc3720Hold) {
    EXPECT_EQ(crc32c(mr::Bytes(32, 0x00)), 0x8A9136AAU);
    EXPECT_EQ(crc32c(mr::Bytes(32, 0xff)), 0x62A8AB43U);
    EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, HardwareAndTableAgreeForEveryLengthAndAlignment) {
    if (!crc32c_ways::hardware_available()) {
        GTEST_SKIP() << "this processor has no CRC-32C instruction";
    }
    const mr::Bytes bytes = pattern(300);
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
            const auto part = mr::ByteView(bytes).subspan(from, size);
            ASSERT_EQ(crc32c_ways::hardware(part, 0x12345678), crc32c_ways::portable(part, 0x12345678)) << from << " " << size;
        }
    }
}

TEST(Crc32c, PiecesGiveTheChecksumOfTheWhole) {
    const mr::Bytes bytes = pattern(100);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const auto view = mr::ByteView(bytes);
        EXPECT_EQ(crc32c(view.subspan(cut), crc32c(view.first(cut))), crc32c(view)) << cut;
    }
}

}  // namespace
}  // namespace mrd
