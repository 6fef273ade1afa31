// The mount itself: its begin and its end, and what becomes of it while mrd is away.
#include <pwd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <future>

#include <gmock/gmock.h>

#include "mrfs/service.h"
#include "tests/integration/as_user.h"
#include "tests/mrfs/mounted.h"

namespace mrfs {
namespace {

TEST_F(MountTest, EndsBySigtermAndLeavesNoMount) {
    EXPECT_TRUE(is_mounted());
    EXPECT_EQ(stop_mrfs(), 0);
    EXPECT_FALSE(is_mounted());
}

TEST_F(MountTest, EndsWithFilesOpen) {
    const File file(measurement("rtmr3:sha384"), O_RDWR);
    EXPECT_EQ(stop_mrfs(), 0);
    EXPECT_FALSE(is_mounted());
    EXPECT_EQ(file.write(digest_bytes("one")), -ENOTCONN);
}

TEST_F(MountTest, EndsWhereSomebodyElseUnmountsIt) {
    EXPECT_EQ(shell("cd /; umount " + mountpoint().native()).exit_code, 0);
    EXPECT_EQ(mrfs_.wait(), 0);
}

TEST_F(MountTest, OfAServingProcessThatIsKilledIsEnded) {
    for (const int signal : {SIGABRT, SIGKILL}) {
        ASSERT_GT(serving(), 0);
        ::kill(serving(), signal);
        EXPECT_EQ(mrfs_.wait(), 1) << signal;
        EXPECT_FALSE(is_mounted());
        EXPECT_THAT(mrd::contents(log()), testing::HasSubstr("was ended by the signal " + std::to_string(signal)));
        ASSERT_TRUE(start_mrfs()) << mrd::contents(log());
    }
}

TEST_F(MountTest, ThatWasLeftBehindIsReplaced) {
    const int gone = static_cast<int>(::syscall(SYS_pidfd_open, serving(), 0));
    mrfs_ = {};  // killed, and with it goes the other
    pollfd ended{gone, POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
    ::close(gone);
    EXPECT_EQ(File(measurement("rtmr3:sha384"), O_RDONLY).opened(), -ENOTCONN);
    ASSERT_TRUE(start_mrfs()) << mrd::contents(log());
    EXPECT_TRUE(read_file(measurement("rtmr3:sha384")));
}

TEST_F(MountTest, AnyUserMountsForHimselfAndRootDoesNotLookIn) {
    if (::access("/usr/bin/fusermount3", X_OK) != 0) GTEST_SKIP() << "fusermount3 is not installed here";
    (void)stop_mrfs();
    const auto *account = ::getpwnam("games");  // NOLINT(concurrency-mt-unsafe): there is one thread
    if (account == nullptr) GTEST_SKIP() << "there is no user games here";
    const mrd::OtherUser user{.uid = account->pw_uid};
    ::chmod(folder().c_str(), 0755);
    ASSERT_EQ(::chown(mountpoint().c_str(), user.uid, user.uid), 0);
    ASSERT_TRUE(start_mrfs([&user] { mrd::become(user); })) << mrd::contents(log());
    EXPECT_EQ(mrd::as_user(user, [this] { return std::to_string(read_file(measurement("rtmr3:sha384")).value_or(mr::Bytes()).size()); }),
              "48");
    EXPECT_EQ(File(measurement("rtmr3:sha384"), O_RDONLY).opened(), -EACCES);
    EXPECT_EQ(stop_mrfs(), 0);
    EXPECT_FALSE(is_mounted());
}

TEST_F(MountTest, WithoutAnMrdOrWithAnUnknownProviderThereIsNone) {
    (void)stop_mrfs();
    const auto run = [this](const std::string &socket, const std::string &provider) {
        return mrd::run_program({places::mrfs(), "--socket", (folder() / socket).native(), "--provider", provider, mountpoint()}, folder());
    };
    EXPECT_EQ(run("nobody", "tdx").exit_code, 3);
    const auto unknown = run("io.mrd", "tpm");
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_EQ(unknown.err, "mrfs: mrd has no provider \"tpm\"; it has: tdx\n");
    EXPECT_EQ(mrd::run_program({places::mrfs()}, folder()).exit_code, 2);
    EXPECT_FALSE(is_mounted());
}

TEST_F(MountTest, GoesOnWhenMrdIsStartedAnew) {
    const File file(measurement("rtmr3:sha384"), O_RDWR);
    EXPECT_EQ(file.write_at(digest_bytes("one"), 0), 48);
    daemon_->stop();
    daemon_.emplace(started());
    EXPECT_EQ(file.write_at(digest_bytes("two"), 0), 48);
    EXPECT_EQ(read_file(measurement("rtmr3:sha384")),
              mrd::extended(mrd::extended(mrd::zero(), mrd::digest_of("one")), mrd::digest_of("two")));
}

TEST_F(MountTest, WhoAsksWhileMrdIsStartedAnewWaitsForIt) {
    daemon_->stop();
    auto reading = std::async(std::launch::async, [this] { return read_file(measurement("rtmr3:sha384")); });
    auto writing = std::async(std::launch::async, [this] { return write_file(measurement("rtmr3:sha384"), digest_bytes("one")); });
    daemon_.emplace(started());
    EXPECT_TRUE(reading.get());
    EXPECT_EQ(writing.get(), 48);
    EXPECT_EQ(register_value("tdx/rtmr3"), mrd::extended(mrd::zero(), mrd::digest_of("one")));
}

TEST_F(MountTest, WhileMrdIsAwayEverythingIsAnErrorInTime) {
    const File file(measurement("rtmr3:sha384"), O_RDWR);
    ASSERT_EQ(::mkdir(report().c_str(), 0700), 0);
    ASSERT_EQ(write_file(report() / "inblob", filled(64, 1)), 64);
    EXPECT_TRUE(read_file(measurement("rtmr3:sha384")));
    daemon_->stop();
    // Its connection ended with mrd: nobody can tell.
    EXPECT_EQ(file.write_at(digest_bytes("one"), 0), -EIO);
    // Later it is known that nothing was sent.
    EXPECT_EQ(file.write_at(digest_bytes("one"), 0), -ENODEV);
    EXPECT_EQ(file.read(), std::unexpected(ENODEV));
    EXPECT_EQ(read_file(measurement("mrtd:sha384")), std::unexpected(ENODEV));
    EXPECT_EQ(read_file(report() / "outblob"), std::unexpected(ENODEV));
    EXPECT_EQ(read_file(report() / "provider"), std::unexpected(ENXIO));
    EXPECT_EQ(result_of(::mkdir(report("more").c_str(), 0700)), -ENXIO);
    EXPECT_EQ(result_of(::rmdir(report().c_str())), 0);
    EXPECT_EQ(shell("ls measurements | wc -l").out, "8\n");
    daemon_.emplace(started());
    EXPECT_EQ(result_of(::mkdir(report().c_str(), 0700)), 0);
    EXPECT_EQ(read_text(report() / "provider"), "tdx_guest\n");
}

// Stops what serves, and waits until no thread of it goes on.
void stop_and_wait(pid_t process) {
    ::kill(process, SIGSTOP);
    const auto threads = std::filesystem::path("/proc") / std::to_string(process) / "task";
    const auto have_stopped = [&threads] {
        return std::ranges::all_of(std::filesystem::directory_iterator(threads),
                                   [](const auto &thread) { return mrd::contents(thread.path() / "stat").contains(") T "); });
    };
    while (!have_stopped()) ::usleep(1000);
}

TEST_F(MountTest, NobodyIsAskedForTheWayToAFileNorAtTheCloseOfOneThatKeepsNothing) {
    const auto reports = mountpoint() / "config/tsm/report";
    File file(measurement("rtmr3:sha384"), O_RDONLY);
    ASSERT_EQ(file.opened(), 0);
    ASSERT_EQ(File(reports, O_PATH).opened(), 0);
    const auto asked = serving();
    stop_and_wait(asked);
    auto done = std::async(std::launch::async, [&] {
        file.close();
        return File(reports, O_PATH).opened();
    });
    const bool waits = done.wait_for(std::chrono::seconds(10)) != std::future_status::ready;
    ::kill(asked, SIGCONT);
    EXPECT_FALSE(waits);
    EXPECT_EQ(done.get(), 0);
}

// Wherever mrd dies on the way.
TEST_F(MountTest, AnExtendWhoseAnswerWasLostHappensOnce) {
    auto value = mrd::zero();
    for (const char *point : {"intent-begins", "intent-written", "provider-begins", "provider-ended", "settled-torn", "settled-written"}) {
        (void)stop_mrfs();
        daemon_->stop();
        daemon_.emplace(started({.kill = point}));
        ASSERT_TRUE(start_mrfs());
        auto writing = std::async(std::launch::async, [&] { return write_file(measurement("rtmr3:sha384"), digest_bytes(point)); });
        EXPECT_EQ(daemon_->process().wait(), 1000 + SIGKILL) << point;
        daemon_.emplace(started());
        EXPECT_EQ(writing.get(), 48) << point;
        value = mrd::extended(value, mrd::digest_of(point));
        EXPECT_EQ(register_value("tdx/rtmr3"), value) << point;
    }
}

class SlowQuoteTest : public MountTest {
protected:
    [[nodiscard]] mrd::Daemon::Options mrd_options() const override { return {.faults = "quote:never"}; }
};

// A process that reads a quote, and is sent this signal until it ends: its exit code, or 1000 and the signal that ended it.
int read_and_be_sent(const std::filesystem::path &outblob, int signal) {
    struct sigaction handled{};
    handled.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &handled, nullptr);
    const pid_t reader = ::fork();
    if (reader == 0) {
        const auto quote = read_file(outblob);
        ::_exit(quote ? 200 : quote.error());
    }
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, reader, 0));
    pollfd waited{ended, POLLIN, 0};
    // Whether it reads already, nobody tells.
    do {
        ::kill(reader, signal);
    } while (::poll(&waited, 1, 20) == 0);
    ::close(ended);
    int status = 0;
    ::waitpid(reader, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_F(SlowQuoteTest, WhoIsInterruptedIsToldSoAndWhoIsKilledIsGoneAndOthersGoOn) {
    ASSERT_EQ(::mkdir(report().c_str(), 0700), 0);
    ASSERT_EQ(write_file(report() / "inblob", filled(64, 1)), 64);
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(read_and_be_sent(report() / "outblob", SIGUSR1), EINTR);
    EXPECT_EQ(read_and_be_sent(report() / "outblob", SIGKILL), 1000 + SIGKILL);
    // While mrfs waits for these quotes.
    EXPECT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("one")), 48);
    EXPECT_TRUE(read_file(measurement("rtmr3:sha384")));
    EXPECT_EQ(read_text(report() / "generation"), "1\n");
    EXPECT_EQ(::rmdir(report().c_str()), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - began, quote_deadline);
    EXPECT_EQ(stop_mrfs(), 0);
    EXPECT_FALSE(is_mounted());
}

}  // namespace
}  // namespace mrfs
