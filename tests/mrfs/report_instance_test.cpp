#include "mrfs/report_instance.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace mrfs {
namespace {

mr::Bytes bytes(std::size_t size, std::uint8_t value = 7) { return mr::Bytes(size, value); }

// As a client does it: what was written, and the descriptor's end.
void write_inblob(ReportInstance &report, const mr::Bytes &blob) {
    InblobBuffer buffer;
    ASSERT_TRUE(buffer.write(0, blob));
    report.commit(*buffer.take_written());
}

TEST(InblobBuffer, JoinsWhatIsWrittenAndIsCommittedOnlyWhereSomethingWas) {
    InblobBuffer buffer;
    EXPECT_EQ(buffer.take_written(), std::nullopt);
    EXPECT_EQ(buffer.write(0, bytes(32, 1)), 32U);
    EXPECT_EQ(buffer.write(32, bytes(32, 2)), 32U);
    auto both = bytes(32, 1);
    both.resize(64, 2);
    EXPECT_EQ(buffer.take_written(), both);
    EXPECT_EQ(buffer.take_written(), std::nullopt);
}

TEST(InblobBuffer, GoesOnWhereItWasAfterAnotherDescriptorOfItWasClosed) {
    InblobBuffer buffer;
    ASSERT_TRUE(buffer.write(0, bytes(32, 1)));
    EXPECT_EQ(buffer.take_written()->size(), 32U);
    ASSERT_TRUE(buffer.write(32, bytes(32, 2)));
    EXPECT_EQ(buffer.take_written()->size(), 64U);
}

TEST(InblobBuffer, RefusesMoreThan64BytesAndIsCommittedAsItIsThen) {
    InblobBuffer buffer;
    EXPECT_EQ(buffer.write(0, bytes(65)), std::unexpected(EFBIG));
    EXPECT_EQ(buffer.take_written(), mr::Bytes());
    ASSERT_TRUE(buffer.write(0, bytes(32)));
    EXPECT_EQ(buffer.write(32, bytes(33)), std::unexpected(EFBIG));
    EXPECT_EQ(buffer.write(~std::uint64_t{0}, bytes(1)), std::unexpected(EFBIG));
    EXPECT_EQ(buffer.take_written(), bytes(32));
}

TEST(ReportInstance, CountsEachCommitAlsoOneOfTheSameValue) {
    ReportInstance report;
    EXPECT_EQ(report.generation(), 0U);
    write_inblob(report, bytes(64));
    write_inblob(report, bytes(64));
    EXPECT_EQ(report.generation(), 2U);
}

TEST(ReportInstance, HasNoQuoteBefore64BytesWereCommitted) {
    ReportInstance report;
    const auto refused = [&report] { return !report.wanted() && report.wanted().error() == EINVAL; };
    EXPECT_TRUE(refused());
    for (const std::size_t size : {0U, 10U, 63U}) {
        write_inblob(report, bytes(size));
        EXPECT_TRUE(refused()) << size;
    }
    write_inblob(report, bytes(64, 9));
    ASSERT_TRUE(report.wanted());
    EXPECT_EQ(report.wanted()->report_data[63], 9);
}

TEST(ReportInstance, LeavesNothingOfALongerInblobInAShorterOne) {
    ReportInstance report;
    write_inblob(report, bytes(64));
    write_inblob(report, bytes(10));
    EXPECT_FALSE(report.wanted());
}

TEST(ReportInstance, KeepsAQuoteUntilSomethingIsCommittedOrExtended) {
    ReportInstance report;
    write_inblob(report, bytes(64));
    const auto generation = report.generation();
    const ReportInstance::Moment before{.service = 1, .sequence = 5};
    report.made(generation, before, bytes(100));
    EXPECT_EQ(report.kept(generation, before), bytes(100));
    EXPECT_EQ(report.kept(generation, {.service = 1, .sequence = 6}), std::nullopt);
    EXPECT_EQ(report.kept(generation, {.service = 2, .sequence = 5}), std::nullopt);
    write_inblob(report, bytes(64));
    EXPECT_EQ(report.kept(report.generation(), before), std::nullopt);
}

TEST(ReportInstance, KeepsNoQuoteOverWhatWasReplacedMeanwhileNorOneOfNoKnownMoment) {
    ReportInstance report;
    write_inblob(report, bytes(64));
    const auto generation = report.generation();
    const ReportInstance::Moment before{.service = 1, .sequence = 5};
    write_inblob(report, bytes(64, 8));
    report.made(generation, before, bytes(100));
    EXPECT_EQ(report.kept(report.generation(), before), std::nullopt);
    report.made(report.generation(), before, bytes(100));
    report.made(report.generation(), std::nullopt, bytes(101));
    EXPECT_EQ(report.kept(report.generation(), before), std::nullopt);
}

}  // namespace
}  // namespace mrfs
