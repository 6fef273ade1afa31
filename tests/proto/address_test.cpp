#include "proto/varlink/address.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace varlink {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t room = sizeof(sockaddr_un::sun_path);

// The bytes of the name as bind(2) gets them.
std::string name(const Address &address) {
    const auto *whole = reinterpret_cast<const char *>(address.data());
    return {whole + path_offset, address.size() - path_offset};
}

TEST(Address, APathEndsWithANulByte) {
    for (const std::string text : {"unix:/run/mrd/io.mrd", "/run/mrd/io.mrd"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << address.error();
        EXPECT_EQ(address->data()->sa_family, AF_UNIX);
        EXPECT_EQ(address->path(), "/run/mrd/io.mrd");
        EXPECT_EQ(name(*address), std::string("/run/mrd/io.mrd") + '\0');
    }
}

TEST(Address, AnAbstractNameBeginsWithANulByteAndHasNoPath) {
    const auto address = Address::parse("unix:@mrd test");
    ASSERT_TRUE(address) << address.error();
    EXPECT_EQ(address->path(), "");
    EXPECT_EQ(name(*address), '\0' + std::string("mrd test"));
}

TEST(Address, APlainRelativePathIsOneForTheCommandLine) {
    const auto address = Address::parse("socket");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->path(), "socket");
}

TEST(Address, OptionsAfterASemicolonAreLeftOut) {
    EXPECT_EQ(Address::parse("unix:/run/a;mode=0666")->path(), "/run/a");
    EXPECT_EQ(name(*Address::parse("unix:@a;x=y")), '\0' + std::string("a"));
}

TEST(Address, WhatIsNoAddressIsQuotedInTheReason) {
    for (const std::string text : {"", "unix:", "unix:relative", "unix:;mode=0666", ";", "unix: /run/a", "tcp:localhost:1", "vsock:3"}) {
        const auto address = Address::parse(text);
        ASSERT_FALSE(address) << text;
        EXPECT_NE(address.error().find("\"" + text + "\""), std::string::npos) << address.error();
    }
}

TEST(Address, ANameWithANulByteIsNotTakenForWhatIsBeforeIt) {
    for (const std::string before : {"/run/a", "unix:/run/a", "unix:@a"})
        EXPECT_NE(Address::parse(before + '\0' + "b").error().find("NUL"), std::string::npos) << before;
}

TEST(Address, TheLongestPathFitsAndOneByteMoreDoesNot) {
    const auto path = "/" + std::string(room - 2, 'p');
    ASSERT_TRUE(Address::parse("unix:" + path));
    EXPECT_EQ(Address::parse("unix:" + path)->path(), path);
    EXPECT_FALSE(Address::parse("unix:" + path + "p"));
    const auto abstract = "@" + std::string(room - 1, 'a');
    ASSERT_TRUE(Address::parse("unix:" + abstract));
    EXPECT_EQ(Address::parse("unix:" + abstract)->size(), sizeof(sockaddr_un));
    EXPECT_FALSE(Address::parse("unix:" + abstract + "a"));
}

}  // namespace
}  // namespace varlink
