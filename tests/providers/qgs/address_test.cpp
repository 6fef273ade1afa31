#include "mrd/providers/qgs/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mrd::qgs {
namespace {

using ::testing::HasSubstr;

TEST(QgsAddress, IsAVsocksOrAPath) {
    EXPECT_EQ(Address::parse("vsock:2:4050").value(), (Address{.cid = 2, .port = 4050, .path = {}}));
    EXPECT_EQ(Address::parse("/var/run/tdx-qgs/qgs.socket").value().path, "/var/run/tdx-qgs/qgs.socket");
    for (const auto *const text : {"vsock:2:4050", "/run/qgs.socket"}) EXPECT_EQ(Address::parse(text).value().text(), text);
    for (const auto *const text : {"", "vsock:", "vsock:2", "vsock:2:", "vsock::4050", "vsock:2:4050:1", "vsock:-1:4050",
                                   "vsock:2:4294967296", "qgs.socket", "tcp:1:2"})
        EXPECT_THAT(Address::parse(text).error(), HasSubstr("vsock:2:4050")) << text;
    EXPECT_FALSE(Address::parse("/" + std::string(200, 'a')));
}

TEST(QgsAddress, OfWhoListensMayBeOnAllCids) {
    EXPECT_EQ(Address::parse_listening("vsock:4050").value(), (Address{.cid = 0xFFFFFFFF, .port = 4050}));
    EXPECT_EQ(Address::parse_listening("vsock:1:4050").value(), (Address{.cid = 1, .port = 4050}));
    for (const auto *const text : {"vsock:4050", "vsock:1:4050", "/run/qgs.socket"})
        EXPECT_EQ(Address::parse_listening(text).value().text(), text);
    for (const auto *const text : {"", "vsock:", "vsock::4050", "vsock:1:", "vsock:1:2:3", "4050", "qgs.socket"})
        EXPECT_THAT(Address::parse_listening(text).error(), HasSubstr("vsock:4050")) << text;
}

}  // namespace
}  // namespace mrd::qgs
