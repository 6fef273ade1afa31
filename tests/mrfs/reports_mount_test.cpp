// The rows of configfs-tsm that were observed in a kernel, on a mount; and what is another rule here, on purpose.
#include <signal.h>

#include <algorithm>
#include <future>
#include <latch>

#include "mr/bound_report_data.h"
#include "tests/integration/as_user.h"
#include "tests/mrfs/mounted.h"

namespace mrfs {
namespace {

class ReportsMountTest : public MountTest {
protected:
    void SetUp() override {
        MountTest::SetUp();
        if (mrfs_.pid() > 0) make("r");
    }
    void make(const std::string &name) { ASSERT_EQ(::mkdir(report(name).c_str(), 0700), 0) << errno; }
    long ask(const mr::Bytes &data, const std::string &name = "r") { return write_file(report(name) / "inblob", data, O_TRUNC | O_CREAT); }
    std::string generation(const std::string &name = "r") { return read_text(report(name) / "generation"); }
    std::expected<mr::Bytes, int> quote(const std::string &name = "r") { return read_file(report(name) / "outblob"); }
    // Where a quote of version 4 has the TD's report data and RTMR3: Intel TDX DCAP, "TD Quote Body".
    static mr::Bytes part(const mr::Bytes &quote, std::size_t offset, std::size_t size) {
        const auto bytes = mr::ByteView(quote).subspan(48 + offset, size);
        return {bytes.begin(), bytes.end()};
    }
    static mr::Bytes report_data_in(const mr::Bytes &quote) { return part(quote, 520, 64); }
    static mr::Bytes rtmr3_in(const mr::Bytes &quote) { return part(quote, 472, 48); }
};

TEST_F(ReportsMountTest, TheKernelsRecipeMakesAQuoteOverInblob) {
    const auto done = shell(
        "set -e; r=config/tsm/report/report0; mkdir $r; cat $r/generation; dd if=/dev/urandom bs=64 count=1 2>/dev/null | tee ../in > "
        "$r/inblob; "
        "cat $r/generation $r/provider; cat $r/outblob > ../out; rmdir $r");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out, "0\n1\ntdx_guest\n");
    const auto given = mrd::contents(folder() / "in");
    const auto made = mrd::contents(folder() / "out");
    const auto bytes = mr::as_bytes(made);
    EXPECT_EQ(report_data_in({bytes.begin(), bytes.end()}), mr::Bytes(given.begin(), given.end()));
}

TEST_F(ReportsMountTest, InblobIsCommittedWhenItsDescriptorIsClosed) {
    File file(report() / "inblob", O_WRONLY);
    EXPECT_EQ(file.write(filled(32, 1)), 32);
    EXPECT_EQ(file.write(filled(32, 2)), 32);
    EXPECT_EQ(generation(), "0\n");
    EXPECT_EQ(quote(), std::unexpected(EINVAL));
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(generation(), "1\n");
    auto both = filled(32, 1);
    both.resize(64, 2);
    EXPECT_EQ(report_data_in(*quote()), both);
}

TEST_F(ReportsMountTest, OpeningAndClosingWithoutAWriteCommitsNothing) {
    {
        const File file(report() / "inblob", O_WRONLY | O_TRUNC);
    }
    EXPECT_EQ(generation(), "0\n");
    const auto done = shell(": > config/tsm/report/r/inblob");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(generation(), "0\n");
}

TEST_F(ReportsMountTest, MoreThan64BytesAreTooBigAndEmptyInblob) {
    ASSERT_EQ(ask(filled(64, 1)), 64);
    EXPECT_EQ(ask(filled(65, 1)), -EFBIG);
    EXPECT_EQ(generation(), "2\n");
    EXPECT_EQ(quote(), std::unexpected(EINVAL));
}

TEST_F(ReportsMountTest, AnInblobOfAnotherLengthIsTakenAndHasNoQuote) {
    EXPECT_EQ(ask(filled(10, 1)), 10);
    EXPECT_EQ(generation(), "1\n");
    EXPECT_EQ(quote(), std::unexpected(EINVAL));
}

// A binding would be anybody's word otherwise (docs/verification.md).
TEST_F(ReportsMountTest, BytesInTheFormThatBindsAKeyHaveNeitherAQuoteNorAReport) {
    const auto tdx = mountpoint() / "registers/tdx";
    auto data = filled(64, 1);
    std::ranges::copy_backward(mr::bound_report_data_tag, data.end());
    EXPECT_EQ(ask(data), 64);
    EXPECT_EQ(quote(), std::unexpected(EINVAL));
    EXPECT_EQ(write_file(tdx / "reportdata", data), 64);
    EXPECT_EQ(read_file(tdx / "report0"), std::unexpected(EINVAL));
    // By the tag alone.
    data.back() ^= 1;
    EXPECT_EQ(ask(data), 64);
    EXPECT_EQ(report_data_in(quote().value()), data);
    EXPECT_EQ(write_file(tdx / "reportdata", data), 64);
    EXPECT_TRUE(read_file(tdx / "report0"));
}

TEST_F(ReportsMountTest, ModesHoldForRootToo) {
    EXPECT_EQ(File(report() / "inblob", O_RDONLY).opened(), -EACCES);
    EXPECT_EQ(File(report() / "inblob", O_RDWR).opened(), -EACCES);
    for (const char *name : {"outblob", "generation", "provider"}) EXPECT_EQ(File(report() / name, O_WRONLY).opened(), -EACCES) << name;
    for (const char *name : {"privlevel", "auxblob", "service_provider"}) {
        EXPECT_EQ(File(report() / name, O_RDONLY).opened(), -ENOENT) << name;
        EXPECT_EQ(File(report() / name, O_WRONLY | O_CREAT).opened(), -EACCES) << name;
    }
}

TEST_F(ReportsMountTest, FoldersAreMadeInReportAloneAndRemovedWhole) {
    EXPECT_EQ(result_of(::mkdir(report().c_str(), 0700)), -EEXIST);
    EXPECT_EQ(result_of(::mkdir((report() / "x").c_str(), 0700)), -EPERM);
    EXPECT_EQ(result_of(::mkdir((mountpoint() / "config/tsm/x").c_str(), 0700)), -EPERM);
    EXPECT_EQ(result_of(::rmdir((mountpoint() / "config/tsm/report").c_str())), -EPERM);
    EXPECT_EQ(result_of(::unlink((report() / "inblob").c_str())), -EPERM);
    EXPECT_EQ(result_of(::unlink(report().c_str())), -EISDIR);
    EXPECT_EQ(result_of(::rename(report().c_str(), report("other").c_str())), -EPERM);
    EXPECT_EQ(result_of(::mkdir(report(std::string(256, 'n')).c_str(), 0700)), -ENAMETOOLONG);
    EXPECT_EQ(result_of(::rmdir(report().c_str())), 0);
    EXPECT_EQ(result_of(::rmdir(report().c_str())), -ENOENT);
}

TEST_F(ReportsMountTest, AnOpenFileOfARemovedFolderGoesOnWithWhatItHasReadAndReadsNothingOfASuccessor) {
    ASSERT_EQ(ask(filled(64, 1)), 64);
    const File outblob(report() / "outblob", O_RDONLY);
    const File unread(report() / "outblob", O_RDONLY);
    const File unread_provider(report() / "provider", O_RDONLY);
    const File inblob(report() / "inblob", O_WRONLY);
    const auto made = outblob.read();
    ASSERT_TRUE(made);
    ASSERT_EQ(::rmdir(report().c_str()), 0);
    make("r");
    EXPECT_EQ(::lseek(outblob.get(), 0, SEEK_SET), 0);
    EXPECT_EQ(outblob.read(), made);
    EXPECT_EQ(unread.read(), std::unexpected(ENOENT));
    EXPECT_EQ(unread_provider.read(), std::unexpected(ENOENT));
    EXPECT_EQ(inblob.write(filled(64, 2)), -ENOENT);
    EXPECT_EQ(generation(), "0\n");
}

TEST_F(ReportsMountTest, TwoHalvesThroughOneRedirectionAreOneCommit) {
    const auto done = shell("r=config/tsm/report/r; { printf %32s a; printf %32s b; } > $r/inblob; cat $r/generation; wc -c < $r/outblob");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out, "1\n" + std::to_string(quote()->size()) + "\n");
}

TEST_F(ReportsMountTest, WhatConfigfsDoesNotKnowIsInvalid) {
    const File inblob(report() / "inblob", O_WRONLY);
    EXPECT_EQ(result_of(::fsync(inblob.get())), -EINVAL);
    EXPECT_EQ(File(report() / "outblob", O_RDONLY | O_DIRECT).opened(), -EINVAL);
}

TEST_F(ReportsMountTest, AnOpenFileKeepsTheQuoteThatItBeganToRead) {
    ASSERT_EQ(ask(filled(64, 1)), 64);
    const File opened(report() / "outblob", O_RDONLY);
    const auto first = opened.read(512);
    ASSERT_TRUE(first);
    ASSERT_EQ(ask(filled(64, 2)), 64);
    EXPECT_EQ(::lseek(opened.get(), 0, SEEK_SET), 0);
    EXPECT_EQ(opened.read(), first);
    EXPECT_EQ(report_data_in(*quote()), filled(64, 2));
}

TEST_F(ReportsMountTest, AQuoteIsKeptUntilARegisterIsExtended) {
    ASSERT_EQ(ask(filled(64, 1)), 64);
    const auto first = quote();
    EXPECT_EQ(quote(), first);
    EXPECT_EQ(rtmr3_in(*first), mrd::zero());
    ASSERT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("one")), 48);
    EXPECT_EQ(rtmr3_in(*quote()), mrd::extended(mrd::zero(), mrd::digest_of("one")));
    EXPECT_EQ(generation(), "1\n");
    // And by whoever extends it.
    ASSERT_TRUE(daemon_->client().extend("tdx/rtmr3", mrd::digest_of("two")));
    EXPECT_EQ(rtmr3_in(*quote()), register_value("tdx/rtmr3"));
    // And by whoever does so behind mrd, once mrd knows.
    const auto before = quote();
    extend_behind("rtmr1", mr::to_hex(mrd::digest_of("three").bytes()));
    ASSERT_TRUE(daemon_->client().read("tdx/rtmr1", {.fresh = true}));
    EXPECT_NE(quote(), before);
}

// A repair gives the numbers of what is missing again.
TEST_F(ReportsMountTest, AQuoteIsNotKeptOverARepairOfTheJournal) {
    ASSERT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("one")), 48);
    ASSERT_EQ(write_file(measurement("rtmr3:sha384"), digest_bytes("two")), 48);
    ASSERT_EQ(ask(filled(64, 1)), 64);
    const auto first = quote();
    const auto journal = folder() / "state/journal";
    std::filesystem::resize_file(journal, mrd::contents(journal).find_last_not_of('\0') - 3);
    EXPECT_FALSE(daemon_->client().extend("tdx/rtmr3", mrd::digest_of("three")));
    ASSERT_TRUE(daemon_->client().repair());
    ASSERT_TRUE(daemon_->client().extend("tdx/rtmr3", mrd::digest_of("three")));
    const auto now = quote();
    EXPECT_NE(now, first);
    EXPECT_EQ(rtmr3_in(*now), register_value("tdx/rtmr3"));
}

TEST_F(ReportsMountTest, SendfileReadsAQuoteToItsEnd) {
    ASSERT_EQ(ask(filled(64, 1)), 64);
    const auto copy = folder() / "copy";
    EXPECT_EQ(shell("cp config/tsm/report/r/outblob ../copy && wc -c < config/tsm/report/r/outblob").exit_code, 0);
    EXPECT_EQ(read_file(copy), quote());
    EXPECT_EQ(shell("wc -c < config/tsm/report/r/outblob").out, std::to_string(quote()->size()) + "\n");
    EXPECT_EQ(shell("tail -c 10 config/tsm/report/r/outblob | wc -c").out, "10\n");
}

TEST_F(ReportsMountTest, ManyAskAtOnceAndEachHasTheQuoteOverHisOwnBytes) {
    constexpr int clients = 24;
    std::vector<std::future<void>> running;
    running.reserve(clients);
    for (int i = 0; i < clients; ++i) {
        running.push_back(std::async(std::launch::async, [this, i] {
            const auto name = "client" + std::to_string(i);
            make(name);
            for (int n = 0; n < 4; ++n) {
                const auto data = filled(64, static_cast<std::uint8_t>(1 + i * 4 + n));
                ASSERT_EQ(ask(data, name), 64);
                const auto made = quote(name);
                ASSERT_TRUE(made) << made.error();
                EXPECT_EQ(report_data_in(*made), data);
            }
            EXPECT_EQ(generation(name), "4\n");
            EXPECT_EQ(::rmdir(report(name).c_str()), 0);
        }));
    }
    for (auto &each : running) each.wait();
}

TEST_F(ReportsMountTest, OthersAreNotServed) {
    const auto said = mrd::as_user({.uid = 1000}, [this]() -> std::string {
        return std::to_string(File(measurement("rtmr3:sha384"), O_RDONLY).opened()) + " " +
               std::to_string(result_of(::mkdir(report("other").c_str(), 0700)));
    });
    EXPECT_EQ(said, std::to_string(-EACCES) + " " + std::to_string(-EACCES));
}

// The host gives an error for the first quote.
class FailingReportsMountTest : public ReportsMountTest {
protected:
    [[nodiscard]] mrd::Daemon::Options mrd_options() const override { return {.faults = "quote:error@1"}; }
};

TEST_F(FailingReportsMountTest, TheDriversErrorIsTheReadsAndTheNextReadTriesAgain) {
    ASSERT_EQ(ask(filled(64, 1)), 64);
    const File outblob(report() / "outblob", O_RDONLY);
    EXPECT_EQ(outblob.read(), std::unexpected(EIO));
    const auto made = outblob.read();
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(report_data_in(*made), filled(64, 1));
    EXPECT_EQ(quote(), made);
    EXPECT_EQ(generation(), "1\n");
}

}  // namespace
}  // namespace mrfs
