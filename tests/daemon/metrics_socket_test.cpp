#include "mrd/daemon/metrics_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "mrd/daemon/socket_address.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(MetricsAddress, IsInNumbers) {
    for (const auto *good : {"127.0.0.1", "0.0.0.0", "::1", "::", "fe80::1", "::ffff:10.0.0.1"})
        EXPECT_TRUE(is_numeric_address(good)) << good;
    for (const auto *wrong : {"", "localhost", "127.0.0.1:80", "[::1]", "127.1", "256.0.0.1", ":::"})
        EXPECT_FALSE(is_numeric_address(wrong)) << wrong;
}

TEST(MetricsAddress, IsWarnedOfWhereOthersThanThisMachineReachIt) {
    for (const auto *own : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
        EXPECT_EQ(warning_of({.port = 9469, .address = own}), std::nullopt) << own;
    for (const auto *open : {"0.0.0.0", "::", "10.0.0.1", "fe80::1", "128.0.0.1", "::ffff:10.0.0.1"}) {
        const auto warning = warning_of({.port = 9469, .address = open});
        ASSERT_TRUE(warning) << open;
        EXPECT_THAT(*warning, HasSubstr("metrics.address = \"" + std::string(open) + "\" is none of loopback's"));
    }
    EXPECT_EQ(warning_of({.address = "0.0.0.0"}), std::nullopt) << "nothing listens there";
}

TEST(MetricsSockets, AreTakenFromThoseThatArePassed) {
    std::vector<PassedSocket> passed;
    for (const auto *name : {"metrics", "log", "metrics", "varlink"}) passed.push_back({varlink::FileDescriptor(), name, true});
    const auto taken = take_metrics_sockets(passed);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->size(), 2U);
    ASSERT_EQ(passed.size(), 2U);
    EXPECT_EQ(passed[0].name, "log");
    EXPECT_EQ(passed[1].name, "varlink");
    passed.push_back({varlink::FileDescriptor(), "metrics", false});
    EXPECT_EQ(take_metrics_sockets(passed).error(), "the passed socket \"metrics\" is connected: it has to listen (Accept=no)");
}

TEST(MetricsPort, IsListenedOnAndNamedWhereItCannotBe) {
    for (const auto *address : {"127.0.0.1", "::1"}) {
        const auto socket = listen_for_metrics(address, 0);
        if (!socket && socket.error().contains("Cannot assign requested address")) continue;  // a machine without IPv6
        ASSERT_TRUE(socket) << socket.error();
        const auto name = name_of_socket(*socket);
        EXPECT_THAT(name, StartsWith(std::string(address) == "::1" ? "[::1]:" : "127.0.0.1:"));
        const auto port = static_cast<std::uint16_t>(std::stoi(name.substr(name.rfind(':') + 1)));
        EXPECT_EQ(listen_for_metrics(address, port).error(),
                  "cannot listen on port " + std::to_string(port) + " of " + address + " for metrics: Address already in use");
    }
}

}  // namespace
}  // namespace mrd
