#include "mrd/daemon/socket_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/vm_sockets.h>

#include <array>

#include "mrd/daemon/metrics_socket.h"

namespace mrd {
namespace {

using ::testing::StartsWith;

TEST(ClientOf, IsAnAddressOrAUserAndAllOfLoopbackAreOne) {
    const auto listening = listen_for_metrics("127.0.0.1", 0);
    ASSERT_TRUE(listening);
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ASSERT_EQ(::getsockname(listening->get(), reinterpret_cast<sockaddr *>(&address), &size), 0);
    for (const std::uint32_t from : {0x7F00'0001U, 0x7F01'0203U}) {
        const varlink::FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in own{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(from)}, .sin_zero = {}};
        ASSERT_EQ(::bind(client.get(), reinterpret_cast<const sockaddr *>(&own), sizeof(own)), 0);
        ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
        const varlink::FileDescriptor connected(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
        for (int waited = 0; !connected && waited < 1; ++waited) FAIL() << "a connection that is made is there";
        EXPECT_EQ(client_of(connected.get()), "loopback");
    }
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    EXPECT_THAT(client_of(pair[0]), StartsWith("uid"));
    EXPECT_EQ(client_of(pair[0]), client_of(pair[1]));
    for (const int fd : pair) ::close(fd);
    EXPECT_EQ(client_of(-1), "");
}

// By loopback, where this kernel has it.
TEST(ClientOf, AVsockIsItsCid) {
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = VMADDR_CID_LOCAL;
    address.svm_port = VMADDR_PORT_ANY;
    const varlink::FileDescriptor listening(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listening || ::bind(listening.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0)
        GTEST_SKIP() << "this kernel has no vsock loopback";
    ASSERT_EQ(::listen(listening.get(), 1), 0);
    EXPECT_THAT(name_of_socket(listening), StartsWith("vsock:1:"));
    socklen_t size = sizeof(address);
    ASSERT_EQ(::getsockname(listening.get(), reinterpret_cast<sockaddr *>(&address), &size), 0);
    const varlink::FileDescriptor client(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
    const varlink::FileDescriptor connected(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(client_of(connected.get()), std::string("cid") + std::string("\1\0\0\0", 4));
}

}  // namespace
}  // namespace mrd
