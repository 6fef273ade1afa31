#include "mrd/daemon/start_progress.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/mrd/datagram_socket.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd {
namespace {

using namespace std::chrono_literals;

TEST(StartProgress, IsToldOncePerIntervalAsLongAsTheStartGoesOn) {
    const TemporaryFolder folder;
    const DatagramSocket socket((folder.path() / "notify").native());
    ::setenv("NOTIFY_SOCKET", socket.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    const auto manager = ServiceManager::from_environment();
    ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    const auto begin = StartProgress::TimePoint() + 1h;
    StartProgress progress(manager, begin);
    progress.went_on(begin + 999ms);
    EXPECT_EQ(socket.next(0ms), "") << "a start that is fast tells nothing";
    progress.went_on(begin + 1s);
    EXPECT_EQ(socket.next(0ms), "EXTEND_TIMEOUT_USEC=30000000");
    progress.went_on(begin + 1999ms);
    EXPECT_EQ(socket.next(0ms), "");
    progress.went_on(begin + 10s);
    EXPECT_EQ(socket.next(0ms), "EXTEND_TIMEOUT_USEC=30000000");
    progress.end();
    progress.went_on(begin + 20s);
    EXPECT_EQ(socket.next(0ms), "");
}

}  // namespace
}  // namespace mrd
