#include "mrfs/shown_registers.h"

#include <gtest/gtest.h>

#include "tests/mrfs/shown.h"

namespace mrfs {
namespace {

using mr::Flag;

mr::Register register_of(const std::string &name, mr::Flags flags, std::optional<mr::HashAlgorithm> hash = mr::HashAlgorithm::sha384) {
    return {.name = name, .hash = hash, .size = 48, .flags = flags};
}

TEST(ShownRegisters, AMeasurementIsCalledAsLinuxCallsIt) {
    EXPECT_EQ(measurement_name(register_of("tdx/rtmr3", Flag::readable)), "rtmr3:sha384");
    EXPECT_EQ(measurement_name(register_of("tdx/mrowner", Flag::readable, std::nullopt)), "mrowner");
    EXPECT_EQ(measurement_name(register_of("tpm/pcr10:sha256", Flag::readable, mr::HashAlgorithm::sha256)), "pcr10:sha256");
    EXPECT_EQ(measurement_name(register_of("tdx/report0", Flag::readable | Flag::file, std::nullopt)), std::nullopt);
    EXPECT_EQ(measurement_name(register_of("tdx/servtd_hash", Flag::readable)), std::nullopt);
}

TEST(ShownRegisters, OnlyWhatABareDigestOrAValueCanBeWrittenToHasAModeThatSaysSo) {
    EXPECT_EQ(mode_of(register_of("a", Flag::readable)), 0444U);
    EXPECT_EQ(mode_of(register_of("a", mr::flags_rtmr | Flag::writable)), 0644U);
    EXPECT_EQ(mode_of(register_of("a", mr::flags_rtmr)), 0444U);  // extended through the log alone
    EXPECT_EQ(mode_of(register_of("a", Flag::extensible | Flag::writable)), 0200U);
}

TEST(ShownRegisters, TheMeasurementsAreTheTdsUnlessAnotherIsNamed) {
    auto all = td_registers("td");
    all.insert(all.begin(), register_of("tpm/pcr0:sha256", mr::flags_rtmr, mr::HashAlgorithm::sha256));
    EXPECT_EQ(ShownRegisters(all, "").provider(), "td");
    EXPECT_EQ(ShownRegisters(all, "tpm").provider(), "tpm");
    EXPECT_EQ(ShownRegisters({all.front()}, "").provider(), "tpm");
    EXPECT_EQ(ShownRegisters({}, "").provider(), "");
    EXPECT_EQ(ShownRegisters(all, "").measurement("rtmr0:sha384")->name, "td/rtmr0");
    EXPECT_EQ(ShownRegisters(all, "").measurement("pcr0:sha256"), nullptr);
}

TEST(ShownRegisters, WhoMakesReportsIsCalledAsTheKernelsDriver) {
    const auto driver_of = [](const std::vector<mr::Register> &all) { return ShownRegisters(all, "").report_driver()->name; };
    EXPECT_EQ(driver_of(td_registers()), "tdx_guest");
    EXPECT_EQ(driver_of(snp_registers()), "sev_guest");
    EXPECT_EQ(driver_of(cca_registers("realm")), "arm_cca_guest");
    EXPECT_EQ(ShownRegisters({register_of("tpm/pcr0:sha256", mr::flags_rtmr)}, "").report_driver(), nullptr);
}

TEST(ShownRegisters, WhatHasReportsIsChosenBeforeWhatHasNone) {
    auto all = snp_registers();
    all.insert(all.begin(), register_of("tpm/pcr0:sha256", mr::flags_rtmr, mr::HashAlgorithm::sha256));
    EXPECT_EQ(ShownRegisters(all, "").provider(), "snp");
    EXPECT_EQ(ShownRegisters(all, "tpm").report_driver(), nullptr);
    const auto td = td_registers();
    all.insert(all.end(), td.begin(), td.end());
    EXPECT_EQ(ShownRegisters(all, "").provider(), "tdx");
    EXPECT_EQ(ShownRegisters(all, "snp").report_driver()->name, "sev_guest");
}

TEST(ShownRegisters, OnlyWhatNothingExtendsOrWritesIsFixed) {
    EXPECT_TRUE(ShownRegisters(snp_registers(), "").are_fixed());
    EXPECT_FALSE(ShownRegisters(cca_registers(), "").are_fixed());
    EXPECT_FALSE(ShownRegisters(td_registers(), "").are_fixed());
}

TEST(ShownRegisters, MrdsLogTellsOfAllChangesOnlyWhereNobodyElseExtendsThem) {
    auto all = td_registers();
    EXPECT_TRUE(ShownRegisters(all, "").are_mrds_alone());
    std::ranges::find(all, "tdx/rtmr2", &mr::Register::name)->owner = mr::Owner::shared;
    EXPECT_FALSE(ShownRegisters(all, "").are_mrds_alone());
}

TEST(ShownRegisters, VirtualOnesAreEachOnesOwn) {
    EXPECT_TRUE(ShownRegisters({register_of("virtual/build", mr::flags_rtmr)}, "").all().empty());
}

}  // namespace
}  // namespace mrfs
