#include "mrd/providers/sim/simulator.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <chrono>

#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/report.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::sim {
namespace {

constexpr RegisterIndex first_rtmr = 5;
constexpr RegisterIndex reportdata = 9;
constexpr RegisterIndex report0 = 10;

mr::Digest digest_of(std::string_view text) { return mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes(text)).value(); }

mr::ReportData report_data_of(std::uint8_t byte) {
    mr::ReportData data{};
    data.fill(byte);
    return data;
}

const mr::Bytes zeros(max_report_data);

class SimulatorTest : public ::testing::Test {
protected:
    [[nodiscard]] Options options() const { return {.state_file = state_file(folder_.path(), "tdx"), .boot_id = "boot 1"}; }

    [[nodiscard]] std::unique_ptr<Provider> opened(const Options &options) const {
        auto provider = open(options);
        EXPECT_TRUE(provider.has_value()) << provider.error();
        return std::move(provider.value());
    }
    [[nodiscard]] std::unique_ptr<Provider> opened() const { return opened(options()); }

    static std::vector<mr::Bytes> refreshed(Provider &provider) {
        std::vector<mr::Bytes> values(provider.registers()->list().size());
        const auto done = provider.registers()->refresh(0, values);
        EXPECT_TRUE(done.has_value()) << done.error().reason;
        return values;
    }

    static mr::TdReport decoded(mr::ByteView report) {
        const auto hashes = mr::check_tdreport_hashes(report);
        EXPECT_TRUE(hashes && hashes->tcb_info_matches && hashes->td_info_matches);
        return mr::decode_tdreport(report).value();
    }

    static std::string reason_of(Provider &provider, mr::ByteView report) {
        const auto verdict = provider.report_verifier()->verify(report);
        EXPECT_TRUE(verdict.has_value());
        EXPECT_EQ(verdict->genuine, verdict->reason.empty());
        return verdict->reason;
    }

    TemporaryFolder folder_;
};

TEST_F(SimulatorTest, ItsRegistersAreExactlyTheTableOfTheDesign) {
    const auto provider = opened();
    EXPECT_EQ(provider->name(), "tdx");
    EXPECT_TRUE(provider->simulated());
    EXPECT_FALSE(provider->may_wait());
    std::string table;
    for (const RegisterSpec &spec : provider->registers()->list()) {
        EXPECT_EQ(spec.owner, mr::Owner::owned);
        EXPECT_EQ(spec.refresh_set, 0U);
        table += spec.name + " " + spec.flags.to_string() + " " + std::string(spec.hash ? mr::to_string(*spec.hash) : "-") + " " +
                 std::to_string(spec.size) + (spec.carries_generation ? " generation\n" : "\n");
    }
    EXPECT_EQ(table,
              "mrtd R sha384 48\n"
              "mrconfigid R - 48\n"
              "mrowner R - 48\n"
              "mrownerconfig R - 48\n"
              "servtd_hash R sha384 48\n"
              "rtmr0 XWRL sha384 48\n"
              "rtmr1 XWRL sha384 48\n"
              "rtmr2 XWRL sha384 48\n"
              "rtmr3 XWRL sha384 48\n"
              "reportdata WRF - 64 generation\n"
              "report0 RLF - 1024 generation\n");
    const auto can = provider->registers()->abilities();
    EXPECT_TRUE(can.refresh && can.extend && can.write);
    EXPECT_TRUE(provider->reporter() != nullptr && provider->report_verifier() != nullptr);
    EXPECT_TRUE(provider->quoter() == nullptr && provider->collateral() == nullptr) << "it was given no file for quoting keys";
}

TEST_F(SimulatorTest, CollateralIsSignedOnceAndGivenAgain) {
    auto quoting = options();
    quoting.quoting_file = quoting_file(folder_.path(), "tdx");
    const auto collateral = [](Provider &provider) { return provider.collateral()->read_collateral().value().json; };
    std::string first;
    {
        const auto provider = opened(quoting);
        first = collateral(*provider);
        EXPECT_EQ(collateral(*provider), first);
    }
    EXPECT_NE(collateral(*opened(quoting)), first) << "a signature is never the same twice";
}

TEST_F(SimulatorTest, ARefreshGivesEveryRegisterItsSize) {
    const auto provider = opened();
    const auto values = refreshed(*provider);
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(values[i].size(), provider->registers()->list()[i].size) << provider->registers()->list()[i].name;
    }
}

TEST_F(SimulatorTest, Report0SaysWhatTheRegistersSay) {
    Options asked = options();
    Value filled{};
    asked.mrtd = (filled.fill(1), filled);
    asked.mrconfigid = (filled.fill(2), filled);
    asked.mrowner = (filled.fill(3), filled);
    asked.mrownerconfig = (filled.fill(4), filled);
    asked.attributes = mr::td_attribute_debug;
    const auto provider = opened(asked);
    for (RegisterIndex i = 0; i < 4; ++i) {
        ASSERT_TRUE(provider->registers()->extend(first_rtmr + i, digest_of(std::to_string(i))));
    }
    ASSERT_TRUE(provider->registers()->write(reportdata, report_data_of(9)));
    const auto values = refreshed(*provider);
    const mr::TdReport report = decoded(values[report0]);
    const auto same = [](mr::ByteView a, mr::ByteView b) { return std::ranges::equal(a, b); };
    EXPECT_TRUE(same(report.td_info.mrtd, *asked.mrtd) && same(values[0], *asked.mrtd));
    EXPECT_TRUE(same(report.td_info.mrconfigid, *asked.mrconfigid) && same(values[1], *asked.mrconfigid));
    EXPECT_TRUE(same(report.td_info.mrowner, *asked.mrowner) && same(values[2], *asked.mrowner));
    EXPECT_TRUE(same(report.td_info.mrownerconfig, *asked.mrownerconfig) && same(values[3], *asked.mrownerconfig));
    EXPECT_TRUE(same(report.td_info.servtd_hash, values[4]) && same(values[4], Value{}));
    for (std::size_t i = 0; i < 4; ++i) {
        const auto expected = mr::extend(mr::HashAlgorithm::sha384, mr::Digest::zero(mr::HashAlgorithm::sha384).bytes(),
                                         digest_of(std::to_string(i)).bytes());
        EXPECT_TRUE(same(values[first_rtmr + i], expected->bytes()));
        EXPECT_TRUE(same(report.td_info.rtmr[i], expected->bytes()));
    }
    EXPECT_EQ(report.report_data, report_data_of(9));
    EXPECT_TRUE(same(values[reportdata], report_data_of(9)));
    EXPECT_EQ(report.td_info.attributes, mr::td_attribute_debug);
    EXPECT_EQ(mr::to_hex(report.report_type), "81000100");
    EXPECT_EQ(report.tcb_info.valid, 0x301FFU);
    EXPECT_EQ(reason_of(*provider, values[report0]), "");
}

TEST_F(SimulatorTest, ANewTdHasSeptVeDisableAndNoServiceTd) {
    const auto provider = opened();
    const mr::TdReport report = decoded(provider->reporter()->report(zeros).value());
    EXPECT_EQ(report.td_info.attributes, 0x10000000U);
    EXPECT_EQ(report.td_info.xfam, simulated_xfam);
    EXPECT_EQ(report.td_info.servtd_hash, Value{});
    EXPECT_TRUE(std::ranges::equal(report.td_info.mrtd, digest_of("mrd simulated TD").bytes()));
    EXPECT_TRUE(std::ranges::equal(report.tcb_info.mr_seam, digest_of("mrd simulated TDX module").bytes()));
    EXPECT_EQ(report.report_data, mr::ReportData{});
}

TEST_F(SimulatorTest, AReportLeavesTheSharedReportDataAlone) {
    const auto provider = opened();
    ASSERT_TRUE(provider->registers()->write(reportdata, report_data_of(1)));
    const auto report = provider->reporter()->report(report_data_of(2));
    ASSERT_TRUE(report);
    EXPECT_EQ(decoded(*report).report_data, report_data_of(2));
    const auto values = refreshed(*provider);
    EXPECT_TRUE(std::ranges::equal(values[reportdata], report_data_of(1)));
    EXPECT_EQ(decoded(values[report0]).report_data, report_data_of(1));
}

TEST_F(SimulatorTest, ReportDataIsZeroAfterARestartAndRegistersAreNot) {
    {
        const auto provider = opened();
        ASSERT_TRUE(provider->registers()->write(reportdata, report_data_of(1)));
        ASSERT_TRUE(provider->registers()->extend(first_rtmr + 3, digest_of("event")));
    }
    const auto values = refreshed(*opened());
    EXPECT_TRUE(std::ranges::equal(values[reportdata], mr::ReportData{}));
    EXPECT_NE(values[first_rtmr + 3], mr::Bytes(48, 0));
}

TEST_F(SimulatorTest, WhatAnotherProgramExtendsIsInTheNextRefreshAndReport) {
    const auto provider = opened();
    auto other = State::attach(options().state_file);
    ASSERT_TRUE(other) << other.error();
    const Value value = other->extend(2, digest_of("behind mrd's back").bytes()).value();
    EXPECT_TRUE(std::ranges::equal(refreshed(*provider)[first_rtmr + 2], value));
    EXPECT_EQ(decoded(provider->reporter()->report(zeros).value()).td_info.rtmr[2], value);
}

TEST_F(SimulatorTest, WhatCannotBeExtendedOrWrittenIsRefusedWithoutEffect) {
    const auto provider = opened();
    const auto before = refreshed(*provider);
    const auto refused = [](const std::expected<void, ProviderError> &result) { return !result && result.error().applied == Applied::no; };
    for (RegisterIndex i = 0; i < before.size() + 2; ++i) {
        if (i < first_rtmr || i > first_rtmr + 3) {
            EXPECT_TRUE(refused(provider->registers()->extend(i, digest_of("x")))) << i;
        }
        if (i != reportdata) {
            EXPECT_TRUE(refused(provider->registers()->write(i, mr::Bytes(i < before.size() ? before[i].size() : 48, 1)))) << i;
        }
    }
    EXPECT_TRUE(refused(provider->registers()->extend(first_rtmr, mr::Digest::zero(mr::HashAlgorithm::sha256))));
    EXPECT_TRUE(refused(provider->registers()->write(reportdata, mr::Bytes(63, 1))));
    EXPECT_TRUE(refused(provider->registers()->write(reportdata, mr::Bytes(65, 1))));
    std::vector<mr::Bytes> values(before.size());
    EXPECT_FALSE(provider->registers()->refresh(1, values));
    EXPECT_EQ(refreshed(*provider), before);
}

TEST_F(SimulatorTest, OpeningFailsWithTheReasonOfTheStateFile) {
    {
        const auto provider = opened();
    }
    Options asked = options();
    asked.mrtd = Value{1};
    const auto provider = open(asked);
    ASSERT_FALSE(provider);
    EXPECT_NE(provider.error().find("--sim-mrtd"), std::string::npos);
}

// --- VerifyReport ---

// The MAC computed once more, by other code and with the key from the file.
TEST_F(SimulatorTest, TheMacIsHmacSha256OverTheFirst224Bytes) {
    const auto provider = opened();
    const ReportKey key = State::attach(options().state_file).value().report_key();
    for (int i = 0; i < 3; ++i) {  // the context is used again: the second must be as right as the first
        const mr::Bytes report = provider->reporter()->report(report_data_of(static_cast<std::uint8_t>(i))).value();
        std::array<std::uint8_t, 32> mac{};
        unsigned size = 0;
        ASSERT_NE(::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), report.data(), 224, mac.data(), &size), nullptr);
        EXPECT_EQ(mr::to_hex(mac), mr::to_hex(mr::ByteView(report).subspan(224, 32)));
    }
}

// Bytes 495..511 are reserved and covered by neither MAC nor hash, in the hardware's format as here: changing them changes nothing
// that a report says.
TEST_F(SimulatorTest, VerifyReportRejectsEveryFlippedByteButTheReservedOnesThatNothingCovers) {
    const auto provider = opened();
    const mr::Bytes genuine = provider->reporter()->report(report_data_of(5)).value();
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        for (const unsigned bits : {0x01U, 0x80U}) {
            mr::Bytes report = genuine;
            report[i] ^= static_cast<std::uint8_t>(bits);
            const std::string reason = reason_of(*provider, report);
            const bool covered = i < 495 || i >= 512;
            const std::string_view expected = i < 4 ? "report type" : i < 256 ? "MAC does not hold" : i < 495 ? "TEE_TCB_INFO" : "TDINFO";
            EXPECT_EQ(!reason.empty(), covered) << i;
            if (covered) {
                EXPECT_NE(reason.find(expected), std::string::npos) << i << ": " << reason;
            }
        }
    }
    EXPECT_EQ(reason_of(*provider, genuine), "");
}

TEST_F(SimulatorTest, VerifyReportRejectsAnotherLength) {
    const auto provider = opened();
    mr::Bytes report = provider->reporter()->report(zeros).value();
    EXPECT_NE(reason_of(*provider, {}), "");
    EXPECT_NE(reason_of(*provider, mr::ByteView(report).first(1023)), "");
    report.push_back(0);
    EXPECT_NE(reason_of(*provider, report), "");
}

TEST_F(SimulatorTest, AReportOfAnotherInstanceIsNotGenuine) {
    const auto provider = opened();
    Options asked = options();
    asked.name = "other";
    asked.state_file = state_file(folder_.path(), "other");
    const auto other = opened(asked);
    const mr::Bytes report = other->reporter()->report(zeros).value();
    EXPECT_EQ(reason_of(*other, report), "");
    EXPECT_NE(reason_of(*provider, report).find("MAC"), std::string::npos);
}

TEST_F(SimulatorTest, AReportStaysGenuineOverARestartAndNotOverAReset) {
    const mr::Bytes report = opened()->reporter()->report(zeros).value();
    EXPECT_EQ(reason_of(*opened(), report), "");
    Options asked = options();
    asked.reset = true;
    EXPECT_NE(reason_of(*opened(asked), report), "");
}

}  // namespace
}  // namespace mrd::sim
