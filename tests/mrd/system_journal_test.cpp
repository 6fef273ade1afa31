#include "mrd/system_journal.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/mrd/datagram_socket.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

TEST(SystemJournal, GetsAnEntryAsOneDatagram) {
    const TemporaryFolder folder;
    const DatagramSocket journald((folder.path() / "socket").native());
    auto journal = SystemJournal::open(journald.path());
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->send("MESSAGE=x\n"), SystemJournal::Sent::sent);
    EXPECT_EQ(journald.next(), "MESSAGE=x\n");
}

TEST(SystemJournal, IsNotWaitedForWhereItDoesNotRead) {
    const TemporaryFolder folder;
    const DatagramSocket journald((folder.path() / "socket").native());
    auto journal = SystemJournal::open(journald.path());
    ASSERT_TRUE(journal);
    constexpr int more_than_wait = 100'000;
    auto sent = SystemJournal::Sent::sent;
    for (int i = 0; i < more_than_wait && sent == SystemJournal::Sent::sent; ++i) sent = journal->send("MESSAGE=x\n");
    EXPECT_EQ(sent, SystemJournal::Sent::lost);
    EXPECT_EQ(journal->lost(), 1U);
    EXPECT_EQ(journal->send("MESSAGE=y\n"), SystemJournal::Sent::lost);
    EXPECT_EQ(journal->lost(), 2U);
    EXPECT_EQ(journald.next(), "MESSAGE=x\n");
    EXPECT_EQ(journal->send("MESSAGE=z\n"), SystemJournal::Sent::sent);
}

TEST(SystemJournal, MayEndAndBeStartedAgain) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "socket").native();
    auto journal = SystemJournal::open(path);
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->send("MESSAGE=x\n"), SystemJournal::Sent::nobody_there);
    const DatagramSocket journald(path);
    EXPECT_EQ(journal->send("MESSAGE=y\n"), SystemJournal::Sent::sent);
    EXPECT_EQ(journald.next(), "MESSAGE=y\n");
    EXPECT_FALSE(SystemJournal::open(""));
    EXPECT_FALSE(SystemJournal::open(std::string(200, 'x')));
}

}  // namespace
}  // namespace mrd
