#include "mrfs/report_instance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "tests/mrfs/shown.h"

namespace mrfs {
namespace {

mr::Bytes bytes(std::size_t size, std::uint8_t value = 7) { return mr::Bytes(size, value); }

// A quote with nothing beside it.
ReportBlobs blobs(std::size_t size) { return {.outblob = bytes(size), .auxblob = {}, .manifestblob = {}}; }

// As a client does it: what was written, and the descriptor's end.
void write_inblob(ReportInstance &report, const mr::Bytes &blob) {
    InblobBuffer buffer;
    ASSERT_TRUE(buffer.write(0, blob));
    buffer.commit_to(report);
}

// What a quote would be over.
std::optional<mr::ReportData> report_data(ReportInstance &report) {
    const auto wanted = report.wanted();
    return wanted ? std::optional(wanted->report_data) : std::nullopt;
}
mr::ReportData halves(std::uint8_t first, std::uint8_t second) {
    mr::ReportData data{};
    std::ranges::fill_n(data.begin(), 32, first);
    std::ranges::fill(data.begin() + 32, data.end(), second);
    return data;
}

TEST(InblobBuffer, JoinsWhatIsWrittenAndIsCommittedOnlyWhereSomethingWas) {
    ReportInstance report;
    InblobBuffer buffer;
    buffer.commit_to(report);
    EXPECT_EQ(report.generation(), 0U);
    EXPECT_EQ(buffer.write(0, bytes(32, 1)), 32U);
    EXPECT_EQ(buffer.write(32, bytes(32, 2)), 32U);
    EXPECT_EQ(report_data(report), std::nullopt);
    buffer.commit_to(report);
    EXPECT_EQ(report_data(report), halves(1, 2));
    buffer.commit_to(report);
    EXPECT_EQ(report.generation(), 1U);
}

TEST(InblobBuffer, GoesOnWhereItWasAfterAnotherDescriptorOfItWasClosedAsOneCommitWhereNobodyHasLooked) {
    ReportInstance report;
    InblobBuffer buffer;
    ASSERT_TRUE(buffer.write(0, bytes(32, 1)));
    buffer.commit_to(report);
    ASSERT_TRUE(buffer.write(32, bytes(32, 2)));
    buffer.commit_to(report);
    EXPECT_EQ(report.generation(), 1U);
    EXPECT_EQ(report_data(report), halves(1, 2));
    // Now somebody has.
    ASSERT_TRUE(buffer.write(0, bytes(64, 3)));
    buffer.commit_to(report);
    EXPECT_EQ(report.generation(), 2U);
}

TEST(InblobBuffer, OfAnotherOpenFileIsAnotherCommit) {
    ReportInstance report;
    InblobBuffer first;
    InblobBuffer second;
    ASSERT_TRUE(first.write(0, bytes(64, 1)));
    first.commit_to(report);
    ASSERT_TRUE(second.write(0, bytes(64, 2)));
    second.commit_to(report);
    ASSERT_TRUE(first.write(0, bytes(64, 3)));
    first.commit_to(report);
    EXPECT_EQ(report.generation(), 3U);
    EXPECT_EQ(report_data(report), halves(3, 3));
}

TEST(InblobBuffer, RefusesMoreThan64BytesAndIsCommittedAsItIsThen) {
    ReportInstance report;
    InblobBuffer buffer;
    EXPECT_EQ(buffer.write(0, bytes(65)), std::unexpected(EFBIG));
    buffer.commit_to(report);
    EXPECT_EQ(report.generation(), 1U);
    EXPECT_EQ(report_data(report), std::nullopt);
    ASSERT_TRUE(buffer.write(0, bytes(64, 1)));
    EXPECT_EQ(buffer.write(32, bytes(33)), std::unexpected(EFBIG));
    EXPECT_EQ(buffer.write(~std::uint64_t{0}, bytes(1)), std::unexpected(EFBIG));
    buffer.commit_to(report);
    EXPECT_EQ(report_data(report), halves(1, 1));
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
    report.made(generation, before, blobs(100));
    EXPECT_EQ(report.kept(generation, before), blobs(100));
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
    report.made(generation, before, blobs(100));
    EXPECT_EQ(report.kept(report.generation(), before), std::nullopt);
    report.made(report.generation(), before, blobs(100));
    report.made(report.generation(), std::nullopt, blobs(101));
    EXPECT_EQ(report.kept(report.generation(), before), std::nullopt);
}

// What is read one by one of one report is of one report.
TEST(ReportInstance, KeepsTheFirstOfTwoThatWereMadeAtOnce) {
    ReportInstance report;
    write_inblob(report, bytes(64));
    const auto generation = report.generation();
    const ReportInstance::Moment before{.service = 1, .sequence = 5};
    EXPECT_EQ(report.made(generation, before, blobs(100)), blobs(100));
    EXPECT_EQ(report.made(generation, before, blobs(101)), blobs(100));
    EXPECT_EQ(report.kept(generation, before), blobs(100));
    // Later ones say something else.
    const ReportInstance::Moment later{.service = 1, .sequence = 6};
    EXPECT_EQ(report.made(generation, later, blobs(102)), blobs(102));
    EXPECT_EQ(report.kept(generation, later), blobs(102));
}

// ---- Options

class ReportOptionsTest : public ::testing::Test {
protected:
    ReportOptionsTest() { write_inblob(report, bytes(64)); }
    mr::ReportOptions wanted() { return report.wanted().value().options; }

    ReportInstance report{maker_of(snp_registers(), 1)};
};

TEST_F(ReportOptionsTest, ALevelIsFromTheMachinesOwnTo3AndAnotherChangesNothing) {
    EXPECT_EQ(wanted(), mr::ReportOptions());
    EXPECT_EQ(report.generation(), 1U);
    for (const auto *const level : {"0", "4", "x", "", "-1"})
        EXPECT_EQ(report.set(ReportOption::privlevel, level), std::unexpected(EINVAL)) << level;
    EXPECT_EQ(report.set(ReportOption::privlevel, "4294967296"), std::unexpected(ERANGE));
    EXPECT_EQ(report.generation(), 1U);
    EXPECT_TRUE(report.set(ReportOption::privlevel, "2\n"));
    EXPECT_EQ(report.generation(), 2U);
    EXPECT_EQ(wanted(), mr::ReportOptions{.privilege_level = 2});
    EXPECT_TRUE(report.set(ReportOption::privlevel, "0x1"));
    EXPECT_EQ(wanted(), mr::ReportOptions{.privilege_level = 1});
}

TEST_F(ReportOptionsTest, EachWriteCountsAlsoOneOfTheSameValueAndAGuidThatIsNone) {
    EXPECT_TRUE(report.set(ReportOption::service_guid, some_guid));
    EXPECT_TRUE(report.set(ReportOption::service_guid, some_guid));
    EXPECT_TRUE(report.set(ReportOption::service_provider, "svsm\n"));
    EXPECT_EQ(report.generation(), 4U);
    EXPECT_EQ(wanted().service_guid, some_guid);
    EXPECT_EQ(report.set(ReportOption::service_guid, "nope"), std::unexpected(EINVAL));
    EXPECT_EQ(report.generation(), 5U);
    EXPECT_EQ(wanted().service_guid, std::nullopt) << "it is forgotten";
    EXPECT_EQ(report.set(ReportOption::service_manifest_version, "x"), std::unexpected(EINVAL));
    EXPECT_EQ(report.generation(), 5U);
}

TEST_F(ReportOptionsTest, WhatTheDriverPassesOverIsNotAskedFor) {
    ASSERT_TRUE(report.set(ReportOption::privlevel, "3"));
    ASSERT_TRUE(report.set(ReportOption::service_manifest_version, "7"));
    ASSERT_TRUE(report.set(ReportOption::service_guid, some_guid));
    EXPECT_EQ(wanted(), mr::ReportOptions{.privilege_level = 3});
    ASSERT_TRUE(report.set(ReportOption::service_provider, "svsm"));
    const mr::ReportOptions with_service{.service_provider = "svsm", .service_guid = std::string(some_guid), .service_manifest_version = 7};
    EXPECT_EQ(wanted(), with_service);
    ASSERT_TRUE(report.set(ReportOption::service_guid, "00000000-0000-0000-0000-000000000000"));
    EXPECT_EQ(wanted(), mr::ReportOptions{.service_provider = "svsm"});
    ASSERT_TRUE(report.set(ReportOption::service_provider, "other"));
    EXPECT_FALSE(report.wanted());
    EXPECT_EQ(report.wanted().error(), EINVAL);
}

TEST_F(ReportOptionsTest, ForgetTheReportThatWasMadeWithoutThem) {
    const ReportInstance::Moment fixed;
    report.made(report.generation(), fixed, blobs(100));
    ASSERT_TRUE(report.set(ReportOption::privlevel, "2"));
    EXPECT_EQ(report.kept(report.generation(), fixed), std::nullopt);
}

TEST_F(ReportOptionsTest, BetweenTwoCommitsOfAnOpenInblobMakeThemTwo) {
    InblobBuffer buffer;
    ASSERT_TRUE(buffer.write(0, bytes(64)));
    buffer.commit_to(report);
    ASSERT_TRUE(report.set(ReportOption::privlevel, "2"));
    ASSERT_TRUE(buffer.write(0, bytes(64, 2)));
    buffer.commit_to(report);
    EXPECT_EQ(report.generation(), 4U);
}

TEST(ReportInstance, OfArmTakesFewerBytesAndPassesOverAllOptions) {
    ReportInstance report(maker_of(cca_registers()));
    write_inblob(report, bytes(31));
    EXPECT_FALSE(report.wanted());
    write_inblob(report, bytes(32));
    EXPECT_EQ(report_data(report), halves(7, 0));
    EXPECT_TRUE(report.set(ReportOption::privlevel, "0"));
    EXPECT_TRUE(report.set(ReportOption::service_provider, "other"));
    EXPECT_EQ(report.generation(), 4U);
    EXPECT_EQ(report.wanted()->options, mr::ReportOptions());
}

}  // namespace
}  // namespace mrfs
