#include "mrd/system_journal.h"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <span>
#include <string>
#include <utility>

#include "tests/mrd/datagram_socket.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

varlink::FileDescriptor connect(std::span<const std::uint8_t> address) {
    varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto *to = reinterpret_cast<const sockaddr *>(address.data());
    return ::connect(socket.get(), to, static_cast<socklen_t>(address.size())) == 0 ? std::move(socket) : varlink::FileDescriptor();
}

TEST(SystemJournal, GetsAnEntryAsOneDatagram) {
    const TemporaryFolder folder;
    const DatagramSocket journald((folder.path() / "socket").native());
    auto journal = SystemJournal::open(journald.path(), &connect);
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->send("MESSAGE=x\n"), SystemJournal::Sent::sent);
    EXPECT_EQ(journald.next(), "MESSAGE=x\n");
}

TEST(SystemJournal, IsNotWaitedForWhereItDoesNotRead) {
    const TemporaryFolder folder;
    const DatagramSocket journald((folder.path() / "socket").native());
    auto journal = SystemJournal::open(journald.path(), &connect);
    ASSERT_TRUE(journal);
    constexpr int more_than_wait = 100'000;
    auto sent = SystemJournal::Sent::sent;
    for (int i = 0; i < more_than_wait && sent == SystemJournal::Sent::sent; ++i) sent = journal->send("MESSAGE=x\n");
    EXPECT_EQ(sent, SystemJournal::Sent::lost);
    EXPECT_EQ(journal->lost(), 1U);
    EXPECT_EQ(journal->send("MESSAGE=y\n"), SystemJournal::Sent::lost);
    EXPECT_EQ(journal->lost(), 2U);
    // It is waited for once: all of these together would take longer than a test may.
    constexpr int many = 3000;
    for (int i = 0; i < many; ++i) EXPECT_EQ(journal->send("MESSAGE=y\n"), SystemJournal::Sent::lost);
    EXPECT_EQ(journald.next(), "MESSAGE=x\n");
    EXPECT_EQ(journal->send("MESSAGE=z\n"), SystemJournal::Sent::sent);
}

TEST(SystemJournal, MayEndAndBeStartedAgain) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "socket").native();
    auto journal = SystemJournal::open(path, &connect);
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->send("MESSAGE=x\n"), SystemJournal::Sent::nobody_there);
    for (const std::string entry : {"MESSAGE=y\n", "MESSAGE=z\n"}) {
        const DatagramSocket journald(path);
        EXPECT_EQ(journal->send(entry), SystemJournal::Sent::sent);
        EXPECT_EQ(journald.next(), entry);
    }
    EXPECT_EQ(journal->send("MESSAGE=x\n"), SystemJournal::Sent::nobody_there);
    EXPECT_FALSE(SystemJournal::open("", &connect));
    EXPECT_FALSE(SystemJournal::open(std::string(200, 'x'), &connect));
}

}  // namespace
}  // namespace mrd
