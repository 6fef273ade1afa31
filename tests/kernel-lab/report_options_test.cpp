// mrd's provider on the reports of hardware other than a TD's, all options in one call: SEV-SNP's, and Arm CCA's. Each group wants the module loaded as its own
// (tests/kernel-lab/boots/report-options).
#include <algorithm>

#include <gmock/gmock.h>

#include "mrd/providers/tsm/tsm.h"
#include "tests/kernel-lab/machine.h"

namespace mrd::lab {
namespace {

using testing::HasSubstr;
using Cause = QuoteFailure::Cause;

constexpr auto guid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";

class ReportOptionsTest : public testing::Test {
protected:
    // Registers and device are a TD's, which this is not.
    std::unique_ptr<Provider> provider_ =
        tsm::open({.name = "other", .paths = {.measurements = "/nonexistent", .guest_device = "/nonexistent"}}).value();

    std::expected<Quoted, QuoteFailure> quote(const mr::ReportOptions &options = {}, std::uint8_t fill = 1) {
        return provider_->quoter()->quote(mr::Bytes(64, fill), options, {});
    }
    void expect_refused(const mr::ReportOptions &options, const std::string &what) {
        const auto made = quote(options);
        ASSERT_FALSE(made) << what;
        EXPECT_EQ(made.error().cause, Cause::not_supported) << what;
        EXPECT_EQ(made.error().reason, what);
        EXPECT_TRUE(std::filesystem::is_empty(reports));
    }
    static std::uint8_t vmpl_of(const Quoted &quoted) { return quoted.quote.at(0x30); }
    static std::string text(const std::optional<mr::Bytes> &bytes) { return bytes ? std::string(bytes->begin(), bytes->end()) : "none"; }
};

// ---- provider=sev_guest svsm=1 privlevel_floor=1

using OfSnp = ReportOptionsTest;

TEST_F(OfSnp, AreOfAProviderThatIsOpenedWithoutOne) {
    EXPECT_EQ(provider_->kind(), "snp");
    ASSERT_NE(provider_->registers(), nullptr);
    EXPECT_TRUE(provider_->registers()->abilities().by_report);
    EXPECT_EQ(provider_->reporter(), nullptr);
}

TEST_F(OfSnp, WithoutALevelTheMachinesOwnIsAskedFor) {
    const auto quoted = quote().value();
    EXPECT_EQ(quoted.format, "snp_report");
    EXPECT_EQ(quoted.says.report_data, mr::Bytes(64, 1));
    EXPECT_EQ(vmpl_of(quoted), 1);
    EXPECT_EQ(text(quoted.auxiliary), "mrd_lab's certificates");
    EXPECT_FALSE(quoted.manifest);
    EXPECT_TRUE(std::filesystem::is_empty(reports));
}

TEST_F(OfSnp, ALevelIsTheReportsOrRefusedWithThoseThatThereAre) {
    EXPECT_EQ(vmpl_of(quote({.privilege_level = 3}).value()), 3);
    const auto calls = parameter("quote_calls");
    for (const auto *const level : {"0", "4"})
        expect_refused({.privilege_level = std::stoi(level)}, std::string("privilegeLevel ") + level + ": this machine takes 1 to 3");
    EXPECT_EQ(parameter("quote_calls"), calls) << "nothing was asked for";
}

TEST_F(OfSnp, AReportForAnotherLevelThanAskedForIsInvalid) {
    const Parameter ignored("ignore_privlevel", 1);
    const auto made = quote({.privilege_level = 2});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().cause, Cause::invalid);
    EXPECT_EQ(made.error().reason, "the report is for VMPL 1, not for 2");
}

TEST_F(OfSnp, ServicesComeWithTheirManifestAllOrOne) {
    const auto all = quote({.service_provider = "svsm"}).value();
    EXPECT_EQ(text(all.manifest), "mrd_lab's services");
    EXPECT_EQ(all.says.report_data, mr::Bytes(64, 1)) << "which the report has in a hash, with the manifest";
    EXPECT_NE(part(all.quote, 0x50, 64), mr::Bytes(64, 1));
    const auto one = quote({.service_provider = "svsm", .service_guid = guid, .service_manifest_version = 7, .certificates = true}).value();
    EXPECT_EQ(text(one.manifest), std::string("mrd_lab's service ") + guid + ", version 7");
    EXPECT_EQ(text(one.auxiliary), "mrd_lab's certificates");
    EXPECT_TRUE(std::filesystem::is_empty(reports));
}

TEST_F(OfSnp, WhatTheDriverWouldPassOverIsRefusedByItsName) {
    expect_refused({.privilege_level = 1, .service_provider = "svsm"}, "privilegeLevel of a report of services");
    expect_refused({.service_guid = guid}, "serviceGuid without serviceProvider");
    expect_refused({.service_provider = "svsm", .service_manifest_version = 1}, "serviceManifestVersion without serviceGuid");
}

// Who calls mrd does not get so far. The kernel counts it although it refuses it: what is written next in that folder would be somebody else's.
TEST_F(OfSnp, AGuidThatIsNoneIsTheKernelsErrorAndTheNextQuoteHasAFolderWithoutIt) {
    const auto made = quote({.service_provider = "svsm", .service_guid = "nope"});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().cause, Cause::failed);
    EXPECT_THAT(made.error().reason, HasSubstr("service_guid: Invalid argument"));
    EXPECT_TRUE(std::filesystem::is_empty(reports));
    EXPECT_EQ(text(quote({.service_provider = "svsm", .service_guid = guid}).value().manifest),
              std::string("mrd_lab's service ") + guid + ", version 0");
}

TEST_F(OfSnp, WhatTheDriverRefusesIsItsError) {
    const auto made = quote({.service_provider = "other"});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().cause, Cause::failed);
    EXPECT_THAT(made.error().reason, HasSubstr("outblob: Invalid argument"));
    EXPECT_TRUE(std::filesystem::is_empty(reports));
}

TEST_F(OfSnp, CertificatesThatAreAskedForAndMissingAreAnError) {
    const Parameter none("no_certificates", 1);
    EXPECT_FALSE(quote().value().auxiliary);
    const auto made = quote({.certificates = true});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().cause, Cause::invalid);
    EXPECT_THAT(made.error().reason, HasSubstr("no certificates"));
}

TEST_F(OfSnp, AreNotSetByWhoeverElseWritesToTheFolder) {
    // While it is made: the kernel's lock keeps the write until then.
    set_parameter("quote_hold", "1");
    std::expected<Quoted, QuoteFailure> made;
    std::jthread asks([&] { made = quote({.privilege_level = 3}); });
    wait_until_held("quote", 1);
    const auto folder = std::filesystem::directory_iterator(reports)->path();
    const File attribute(folder / "privlevel", O_WRONLY);
    Waiting other(SYS_write, [&] { return ::write(attribute.get(), "1", 1); });
    ASSERT_TRUE(other.sleeps());
    set_parameter("quote_hold", "0");
    asks.join();
    EXPECT_EQ(other.outcome(), "1");
    // Either the writer came after all of it was read, or it is told.
    if (made) {
        EXPECT_EQ(vmpl_of(*made), 3);
    } else {
        EXPECT_THAT(made.error().reason, HasSubstr("somebody else wrote to"));
    }
}

// ---- provider=sev_guest: nobody keeps services

using OfSnpAlone = ReportOptionsTest;

TEST_F(OfSnpAlone, WhatTheKernelDoesNotShowIsRefusedByItsName) {
    EXPECT_EQ(vmpl_of(quote().value()), 0);
    expect_refused({.service_provider = "svsm"}, "serviceProvider");
    expect_refused({.service_provider = "svsm", .service_guid = guid}, "serviceProvider");
}

// ---- provider=arm_cca_guest

using OfCca = ReportOptionsTest;

TEST_F(OfCca, ATokenIsOverItsChallenge) {
    EXPECT_EQ(provider_->kind(), "cca");
    // Here a token by its shape alone: nothing of it can be read.
    std::vector<mr::Bytes> values(provider_->registers()->list().size());
    EXPECT_FALSE(provider_->registers()->refresh(0, values));
    const auto quoted = quote({}, 9).value();
    EXPECT_EQ(quoted.format, "cca_token");
    EXPECT_EQ(quoted.says.report_data, mr::Bytes(64, 9));
    EXPECT_FALSE(quoted.auxiliary);
    EXPECT_TRUE(std::filesystem::is_empty(reports));
}

TEST_F(OfCca, WhatTheKernelShowsAndTheDriverPassesOverIsRefusedByItsName) {
    ASSERT_EQ(::mkdir((reports / "look").c_str(), 0755), 0);
    for (const auto *const shown : {"privlevel", "service_provider", "auxblob"}) EXPECT_TRUE(exists(reports / "look" / shown));
    ASSERT_EQ(::rmdir((reports / "look").c_str()), 0);
    expect_refused({.privilege_level = 0}, "privilegeLevel");
    expect_refused({.service_provider = "svsm"}, "serviceProvider");
    expect_refused({.certificates = true}, "certificates");
}

}  // namespace
}  // namespace mrd::lab
