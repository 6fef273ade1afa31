// mrctl on reports of AMD SEV-SNP: the real ones, where they are beside the repository.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto in_2027 = "1800000000";

class MrctlSnp : public MrctlTest {
protected:
    void SetUp() override {
        MrctlTest::SetUp();
        if (!exists(places::shared_data() / "snp")) GTEST_SKIP() << "there are no samples on this machine";
    }

    static std::string sample(const std::string &name) { return (places::shared_data() / "snp" / name).native(); }
    static Json expected(const std::string &set) { return Json::parse(contents(sample(set + "/info.json")))["expected"]; }

    std::string reference(const std::string &measurement) {
        const auto file = (folder() / "values.json").native();
        std::ofstream(file) << R"({"format":"mrd-reference-values","version":1,"registers":{"measurement":[")" << measurement << R"("]}})";
        return file;
    }
};

TEST_F(MrctlSnp, VerifiesAReportWithTheCertificateOfItsKey) {
    for (const std::string set : {"coco-milan-v2", "genoa-v5"}) {
        SCOPED_TRACE(set);
        const auto facts = expected(set);
        const auto nonce = facts["report_data"].get<std::string>();
        const std::vector<std::string> command{"verify",         sample(set + "/report.bin"),
                                               "--certificates", sample(set + "/vcek.der"),
                                               "--nonce",        nonce,
                                               "--without",      "tcb",
                                               "--time",         in_2027,
                                               "--reference"};
        auto good = command;
        good.push_back(reference(facts["measurement"]));
        EXPECT_THAT(output(good), EndsWith("\nverified, but not the platform's TCB and revocation (--without tcb)\n"));
        auto bad = command;
        bad.push_back(reference(std::string(96, 'a')));
        const auto refused = mrctl(bad);
        EXPECT_EQ(refused.exit_code, 1);
        EXPECT_THAT(refused.out, EndsWith("\nREFUSED: register_values\n"));
    }
}

TEST_F(MrctlSnp, TakesTheTableThatTheKernelGives) {
    const auto said = output({"verify", sample("genoa-v3-tsm-report/report.bin"), "--certificates",
                              sample("genoa-v3-tsm-report/auxblob.bin"), "--without", "nonce,reference,tcb", "--time", in_2027});
    EXPECT_THAT(said, HasSubstr("\ncertificate_chain true required"));
    EXPECT_THAT(said, HasSubstr("\nverified, but not "));
}

TEST_F(MrctlSnp, SaysWhatIsMissingWhereThereIsNoCertificate) {
    const auto refused = mrctl({"verify", sample("turin-v5/report.bin"), "--without", "nonce,reference,tcb", "--time", in_2027});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, HasSubstr("certificate_chain (no --certificates)"));
    const auto other = mrctl({"verify", sample("turin-v5/report.bin"), "--certificates", sample("genoa-v5/vcek.der"), "--without",
                              "nonce,reference,tcb", "--time", in_2027});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.out, HasSubstr("quote_signature"));
}

// Of SEV-SNP the TCB rests on reference values: statements about CRLs are no part of it.
TEST_F(MrctlSnp, NamesEveryStatementThatDoesNotHoldWithoutACrl) {
    const auto set = std::string("turin-v5");
    const auto values = (folder() / "tcb.json").native();
    std::ofstream(values) << R"({"format":"mrd-reference-values","version":1,"registers":{"measurement":[")"
                          << expected(set)["measurement"].get<std::string>() << R"("]},"snp":{"minimumTcb":{"Turin":{"microcode":255}}}})";
    const std::vector<std::string> command{"verify",         sample(set + "/report.bin"),
                                           "--certificates", sample(set + "/vcek.der"),
                                           "--without",      "nonce",
                                           "--time",         in_2027,
                                           "--reference",    values};
    const auto refused = mrctl(command);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, EndsWith("\nREFUSED: crl_signatures, crls_current, not_revoked (no --collateral), tcb\n"));
    EXPECT_THAT(refused.out, HasSubstr("there is no CRL by ARK-Turin, neither as collateral nor beside the certificates"));
}

TEST_F(MrctlSnp, AReportThatIsCutIsNoEventLog) {
    const auto cut = (folder() / "cut.bin").native();
    std::ofstream(cut, std::ios::binary) << contents(sample("turin-v5/report.bin")).substr(0, 1180);
    EXPECT_THAT(failure(1, {"inspect", cut}), HasSubstr("a report of SEV-SNP has 1184 bytes, this has 1180"));
}

TEST_F(MrctlSnp, ExplainsAReport) {
    EXPECT_THAT(output({"inspect", sample("turin-v5/report.bin")}),
                AllOf(StartsWith("Report of an AMD SEV-SNP guest, version 5"), HasSubstr("\nmeasurement 6d6c3545"),
                      HasSubstr("\nreported_tcb.bootloader "), HasSubstr("\nreported_tcb.microcode ")));
}

}  // namespace
}  // namespace mrd
