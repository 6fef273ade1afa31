// Reports of SEV-SNP with one field of report or certificate changed and signed again: the statement that this is about is false, and no other.
#include "mr/verify_snp.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "mr/verify.h"
#include "tests/attestation/tee/snp/test_snp.h"
#include "tests/attestation/verdict_text.h"
#include "tests/every_bit.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto all_products = R"({"minimumTcb": {"Milan": {"bootloader": 4, "tee": 1, "snp": 24, "microcode": 217}, "Genoa": {"snp": 24},
                                                 "Turin": {"fmc": 1, "bootloader": 4, "microcode": 217}}, "vlek": "accept"})";

VerifyOptions options_with(TrustAnchors anchors, const std::string &policy = all_products) {
    VerifyOptions options;
    options.anchors = std::move(anchors);
    options.waived = {.nonce = true, .reference = true};
    options.time = test_now;
    if (!policy.empty()) options.reference.platform.of_kind.emplace(snp_kind, policy);
    return options;
}

struct Change {
    std::string name;
    std::function<void(TestSnp &)> apply;
    std::vector<std::string> refused_by = {};  // empty: it is accepted
    SnpProduct product = SnpProduct::milan;
    bool vlek = false;
    std::function<void(Bytes &)> to_report = [](Bytes &) {};
    std::function<void(SnpCertificates &)> to_certificates = [](SnpCertificates &) {};
    std::string policy = all_products;
};
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
void PrintTo(const Change &change, std::ostream *out) { *out << change.name; }

Change of(SnpProduct product, bool vlek, const std::string &name, std::function<void(TestSnp &)> apply,
          std::vector<std::string> refused_by) {
    return {.name = name, .apply = std::move(apply), .refused_by = std::move(refused_by), .product = product, .vlek = vlek};
}
Change with_policy(const std::string &name, const std::string &policy, std::vector<std::string> refused_by) {
    return {.name = name, .apply = [](TestSnp &) {}, .refused_by = std::move(refused_by), .policy = policy};
}
Change after(const std::string &name, std::function<void(Bytes &)> to_report, std::vector<std::string> refused_by) {
    return {.name = name, .apply = [](TestSnp &) {}, .refused_by = std::move(refused_by), .to_report = std::move(to_report)};
}
Change certificates(const std::string &name, std::function<void(SnpCertificates &)> to_certificates, std::vector<std::string> refused_by) {
    return {.name = name, .apply = [](TestSnp &) {}, .refused_by = std::move(refused_by), .to_certificates = std::move(to_certificates)};
}
std::function<void(TestSnp &)> set_byte(std::size_t at, std::uint8_t value) {
    return [=](TestSnp &p) { p.before_signing = [=](Bytes &bytes) { bytes.at(at) = value; }; };
}
std::vector<Change> changes() {
    using enum SnpProduct;
    std::vector<Change> all = {
        {"nothing", keep},
        of(genoa, false, "nothing of Genoa", keep, {}),
        of(turin, false, "nothing of Turin", keep, {}),
        of(milan, true, "nothing of a VLEK", keep, {}),
        of(turin, true, "nothing of a VLEK on Turin", keep, {}),
        // Report and certificate.
        {"version 2, whose product the certificate says", [](TestSnp &p) { p.report.version = 2, p.report.family = p.report.model = 0; }},
        {"version 4", [](TestSnp &p) { p.report.version = 4; }},
        {"version 6", [](TestSnp &p) { p.report.version = 6; }, {"quote_format"}},
        {"version 1", [](TestSnp &p) { p.report.version = 1; }, {"quote_format"}},
        {"signature algorithm 2", [](TestSnp &p) { p.report.signature_algorithm = 2; }, {"quote_format"}},
        {"signed by a VLEK, it says", [](TestSnp &p) { p.report.key_info = 4; }, {"signing_key"}},
        {"signed by no key, it says", [](TestSnp &p) { p.report.key_info = 7U << 2U; }, {"signing_key"}},
        {"masked key", [](TestSnp &p) { p.report.key_info = 2; }, {"quote_signature"}},
        {"author key", [](TestSnp &p) { p.report.key_info = 1; }},
        of(milan, true, "signed by a VCEK, a VLEK's says", [](TestSnp &p) { p.report.key_info = 0; }, {"signing_key"}),
        {"chip id", [](TestSnp &p) { p.report.chip_id[63] ^= 1; }, {"hardware_id"}},
        {"chip id masked", [](TestSnp &p) { p.report.chip_id = {}; }},
        {"hardware id", [](TestSnp &p) { p.extension("4")[0] ^= 1; }, {"hardware_id"}},
        {"hardware id as an octet string", [](TestSnp &p) { p.extension("4") = der::octets(Bytes(64, 0x99)); }},
        {"hardware id that begins as an octet string",
         [](TestSnp &p) {
             p.extension("4")[0] = p.report.chip_id[0] = 4;
             p.extension("4")[1] = p.report.chip_id[1] = 62;
         }},
        {"hardware id of 8 bytes", [](TestSnp &p) { p.extension("4").resize(8); }, {"hardware_id"}},
        {"hardware id of 63 bytes", [](TestSnp &p) { p.extension("4").resize(63); }, {"certificate_chain"}},
        of(turin, false, "chip id beyond its 8 bytes", [](TestSnp &p) { p.report.chip_id[8] = 1; }, {"hardware_id"}),
        of(turin, false, "chip id of Turin", [](TestSnp &p) { p.report.chip_id[7] ^= 1; }, {"hardware_id"}),
        of(turin, false, "hardware id of 64 bytes on Turin",
           [](TestSnp &p) { p.extension("4") = Bytes(p.report.chip_id.begin(), p.report.chip_id.end()); }, {"hardware_id"}),
        {"processor of Genoa", [](TestSnp &p) { p.report.model = 0x11; }, {"cpu_product"}},
        {"processor of Turin",
         [](TestSnp &p) {
             p.report.family = 0x1A;
             p.report.reported_tcb = p.report.committed_tcb = p.report.current_tcb = p.report.launch_tcb = {4, 1, 24, 0, 0, 0, 0, 217};
         },
         {"cpu_product", "hardware_id", "certificate_tcb", "tcb"}},
        {"unknown processor", [](TestSnp &p) { p.report.model = 0x20; }, {"cpu_product"}},
        {"version 3 without a processor", [](TestSnp &p) { p.report.family = p.report.model = 0; }, {"cpu_product"}},
        {"product name", [](TestSnp &p) { p.extension("2") = ia5("Genoa"); }, {"cpu_product"}},
        {"product name without a stepping", [](TestSnp &p) { p.extension("2") = ia5("Milan"); }},
        {"product name with another stepping", [](TestSnp &p) { p.extension("2") = ia5("Milan-C7"); }},
        {"issuer of another product",
         [](TestSnp &p) {
             p.key.issuer = p.ask.common_name = "SEV-Genoa";
             p.ask.issuer = p.ark.issuer = p.ark.common_name = p.crl.issuer = "ARK-Genoa";
         },
         {"cpu_product"}},
        {"reported TCB's reserved byte", set_byte(0x182, 1), {"reserved_fields"}},
        {"CPUID's reserved byte", set_byte(0x18B, 1), {"reserved_fields"}},
        {"mitigation vector of version 3", set_byte(0x1F8, 1), {"reserved_fields"}},
        of(turin, false, "mitigation vector of version 5", set_byte(0x1F8, 1), {}),
        {"reserved bit of key info", [](TestSnp &p) { p.report.key_info = 0x20; }, {"reserved_fields"}},
        {"committed TCB below the reported one", [](TestSnp &p) { --p.report.committed_tcb[7]; }, {"tcb_order"}},
        {"current TCB below the committed one", [](TestSnp &p) { --p.report.current_tcb[6]; }, {"tcb_order"}},
        {"current TCB above", [](TestSnp &p) { ++p.report.current_tcb[0]; }},
        {"launched under a lower TCB", [](TestSnp &p) { --p.report.launch_tcb[7]; }, {"tcb"}},
        // What the guest is.
        {"debug", [](TestSnp &p) { p.report.policy |= 1U << 19U; }, {"not_debug"}},
        {"policy without its bit 17", [](TestSnp &p) { p.report.policy = 0x10000; }, {"guest_policy"}},
        {"policy with bit 26", [](TestSnp &p) { p.report.policy |= 1U << 26U; }, {"guest_policy"}},
        {"policy with bit 63", [](TestSnp &p) { p.report.policy |= 1ULL << 63U; }, {"guest_policy"}},
        {"policy with all that is harmless", [](TestSnp &p) { p.report.policy = 0x3F31FFF; }},
        {"migration agent that may be", [](TestSnp &p) { p.report.policy |= 1U << 18U; }, {"migration_agent"}},
        {"migration agent", [](TestSnp &p) { p.report.report_id_ma[31] = 0; }, {"migration_agent"}},
        {"platform info with bit 8", [](TestSnp &p) { p.report.platform_info |= 1U << 8U; }, {"platform_info"}},
        {"platform info with bits 6 and 7", [](TestSnp &p) { p.report.platform_info = 0xFF; }},
        {"VMPL 1", [](TestSnp &p) { p.report.vmpl = 1; }, {"vmpl"}},
        {"VMPL 4", [](TestSnp &p) { p.report.vmpl = 4; }, {"vmpl"}},
        {"VMPL of the host", [](TestSnp &p) { p.report.vmpl = 0xFFFFFFFF; }, {"vmpl"}},
        // After signing.
        after("measurement after signing", [](Bytes &bytes) { bytes[0x90] ^= 1; }, {"quote_signature"}),
        after("signature", [](Bytes &bytes) { bytes[0x2A0] ^= 1; }, {"quote_signature"}),
        after("signature of zeros", [](Bytes &bytes) { std::fill_n(bytes.begin() + 0x2A0, 144, std::uint8_t{0}); }, {"quote_signature"}),
        after("signature reversed as one number", [](Bytes &bytes) { std::reverse(bytes.begin() + 0x2A0, bytes.begin() + 0x330); },
              {"quote_signature"}),
        after("signature big-endian",
              [](Bytes &bytes) {
                  std::reverse(bytes.begin() + 0x2A0, bytes.begin() + 0x2E8), std::reverse(bytes.begin() + 0x2E8, bytes.begin() + 0x330);
              },
              {"quote_signature"}),
        after("byte above r", [](Bytes &bytes) { bytes[0x2A0 + 48] = 1; }, {"quote_signature"}),
        after("byte above s", [](Bytes &bytes) { bytes[0x32F] = 1; }, {"quote_signature"}),
        after("byte behind the signature", [](Bytes &bytes) { bytes[0x330] = 1; }, {"reserved_fields"}),
        after("last byte", [](Bytes &bytes) { bytes[0x49F] = 1; }, {"reserved_fields"}),
        // Certificates.
        {"certificate without its trailer field", [](TestSnp &p) { p.key.with_trailer = false; }},
        {"certificate with another salt", [](TestSnp &p) { p.key.salt_size = 20; }, {"certificate_chain"}},
        {"certificate that is an authority", [](TestSnp &p) { p.key.is_authority = true; }, {"certificate_chain"}},
        {"certificate of another name", [](TestSnp &p) { p.key.common_name = "VCEK"; }, {"certificate_chain"}},
        {"certificate of the other kind's name", [](TestSnp &p) { p.key.common_name = "SEV-VLEK"; }, {"certificate_chain"}},
        {"certificate by another issuer", [](TestSnp &p) { p.key.issuer = "SEV-Genoa"; }, {"certificate_chain"}},
        {"certificate that names another key", [](TestSnp &p) { p.key.authority_key_id = Bytes(20, 1); }, {"certificate_chain"}},
        {"certificate with a security version twice",
         [](TestSnp &p) { p.key.extensions.emplace_back("3.8", der::integer(217)); },
         {"certificate_chain"}},
        {"certificate with a security version of 256", [](TestSnp &p) { p.extension("3.8") = der::integer(256); }, {"certificate_chain"}},
        {"certificate with chip and provider", [](TestSnp &p) { p.key.extensions.emplace_back("5", ia5("CN=x")); }, {"certificate_chain"}},
        of(milan, true, "VLEK with a hardware id", [](TestSnp &p) { p.key.extensions.emplace_back("4", Bytes(64, 0x99)); },
           {"certificate_chain"}),
        of(milan, true, "VLEK issued by an ASK", [](TestSnp &p) { p.key.issuer = p.ask.common_name = "SEV-Milan"; }, {"certificate_chain"}),
        {"VCEK issued by an ASVK", [](TestSnp &p) { p.key.issuer = p.ask.common_name = "SEV-VLEK-Milan"; }, {"certificate_chain"}},
        {"authority by another name", [](TestSnp &p) { p.key.issuer = p.ask.common_name = "SEV-Milano"; }, {"certificate_chain"}},
        {"authority that may not sign certificates", [](TestSnp &p) { p.ask.may_sign_certificates = false; }, {"certificate_chain"}},
        {"authority that names another key", [](TestSnp &p) { p.ask.authority_key_id = Bytes(20, 1); }, {"certificate_chain"}},
        {"root by another name",
         [](TestSnp &p) { p.ask.issuer = p.ark.common_name = p.ark.issuer = p.crl.issuer = "ARK-Genoa"; },
         {"certificate_chain"}},
        certificates("without the key's certificate", [](SnpCertificates &c) { c.certificates.erase(c.certificates.begin()); },
                     {"certificate_chain"}),
        certificates("without the authority's certificate", [](SnpCertificates &c) { c.certificates.erase(c.certificates.begin() + 1); },
                     {"certificate_chain"}),
        certificates("without the root's certificate, which is an anchor", [](SnpCertificates &c) { c.certificates.pop_back(); }, {}),
        certificates("with AMD's root instead", [](SnpCertificates &c) { c.certificates.back() = amd_trust_anchors().roots.front(); },
                     {"certificate_chain"}),
        certificates("with a certificate that cannot be read", [](SnpCertificates &c) { c.certificates.push_back(Bytes{0x30, 0}); },
                     {"certificate_chain"}),
        certificates("in another order", [](SnpCertificates &c) { std::ranges::reverse(c.certificates); }, {}),
        {"certificate not yet valid", [](TestSnp &p) { p.key.not_before = test_now + 1; }, {"certificates_valid"}},
        {"certificate expired", [](TestSnp &p) { p.key.not_after = test_now - 1; }, {"certificates_valid"}},
        {"authority not yet valid", [](TestSnp &p) { p.ask.not_before = test_now + 1; }, {"certificates_valid"}},
        {"authority expired", [](TestSnp &p) { p.ask.not_after = test_now - 1; }, {"certificates_valid"}},
        {"root not yet valid", [](TestSnp &p) { p.ark.not_before = test_now + 1; }, {"certificates_valid"}},
        {"root expired", [](TestSnp &p) { p.ark.not_after = test_now - 1; }, {"certificates_valid"}},
        // The CRL.
        {"CRL that revokes the authority", [](TestSnp &p) { p.crl.revoked = {7, 2}; }, {"not_revoked"}},
        {"CRL that revokes the root", [](TestSnp &p) { p.crl.revoked = {1}; }, {"not_revoked"}},
        {"CRL of nothing", [](TestSnp &p) { p.crl.revoked = {}; }},
        {"CRL that names its key", [](TestSnp &p) { p.crl.authority_key_id = TestSnp::ark_key().id(); }},
        {"CRL that names another key", [](TestSnp &p) { p.crl.authority_key_id = Bytes(20, 1); }, {"crl_signatures"}},
        {"CRL of a root that may sign none", [](TestSnp &p) { p.ark.may_sign_crls = false; }, {"crl_signatures"}},
        {"CRL of the future", [](TestSnp &p) { p.crl.this_update = test_now + 1; }, {"crls_current"}},
        {"CRL that is out of date", [](TestSnp &p) { p.crl.next_update = test_now - 1; }, {"crls_current"}},
        {"CRL by another", [](TestSnp &p) { p.crl.issuer = "ARK-Genoa"; }, {"crl_signatures", "crls_current", "not_revoked"}},
        {"no CRL", [](TestSnp &p) { p.has_crl = false; }, {"crl_signatures", "crls_current", "not_revoked"}},
        certificates("CRL by another key", [](SnpCertificates &c) { c.crls = {TestAmdCrl().encode(TestSnp::another_key())}; },
                     {"crl_signatures"}),
        certificates("CRL signed by the authority", [](SnpCertificates &c) { c.crls = {TestAmdCrl().encode(TestSnp::ask_key())}; },
                     {"crl_signatures"}),
        certificates("CRL that cannot be read", [](SnpCertificates &c) { c.crls = {Bytes{0x30, 0}}; },
                     {"crl_signatures", "crls_current", "not_revoked"}),
        certificates("CRLs of several roots",
                     [](SnpCertificates &c) { c.crls.push_back(TestAmdCrl{.issuer = "ARK-Genoa"}.encode(TestSnp::another_key())); }, {}),
        // What the reference values do not say; what they do is in snp_policies_test.cpp.
        with_policy("no minimum", "{}", {"tcb"}),
        with_policy("a minimum of another product", R"({"minimumTcb": {"Genoa": {"snp": 1}}})", {"tcb"})};
    for (const auto *const path : {"1", "2", "3.1", "3.2", "3.3", "3.8", "4"})
        all.push_back(
            {std::string("certificate without the extension ") + path, [=](TestSnp &p) { p.leave_out(path); }, {"certificate_chain"}});
    for (const auto *const path : {"3.1", "3.2", "3.3", "3.8"}) {
        all.push_back({std::string("certificate's security version ") + path,
                       [=](TestSnp &p) { p.extension(path).back() ^= 1; },
                       {"certificate_tcb"}});
        auto turin_change = all.back();
        turin_change.product = turin;
        turin_change.name += " of Turin";
        all.push_back(turin_change);
    }
    all.push_back(of(turin, false, "certificate's FMC", [](TestSnp &p) { p.extension("3.9") = der::integer(2); }, {"certificate_tcb"}));
    all.push_back(of(turin, false, "certificate without FMC", [](TestSnp &p) { p.leave_out("3.9"); }, {"certificate_tcb"}));
    all.push_back({"certificate with FMC", [](TestSnp &p) { p.key.extensions.emplace_back("3.9", der::integer(4)); }, {"certificate_tcb"}});
    for (const std::size_t byte : {0U, 1U, 6U, 7U})
        all.push_back({"reported TCB's byte " + std::to_string(byte),
                       [=](TestSnp &p) { --p.report.reported_tcb[byte]; },
                       {"certificate_tcb", "tcb"}});
    return all;
}

class SnpChange : public ::testing::TestWithParam<Change> {};

// What rests on what fails is not judged; nothing else is false.
TEST_P(SnpChange, IsRefusedByItsStatementAndNoOther) {
    TestSnp platform(GetParam().product, GetParam().vlek);
    GetParam().apply(platform);
    auto report = platform.signed_report();
    GetParam().to_report(report);
    auto beside = platform.certificates();
    GetParam().to_certificates(beside);
    const auto pem = write_snp_certificates(beside);
    auto options = options_with(platform.anchors(), GetParam().policy);
    ASSERT_TRUE(parse_snp_policy(GetParam().policy)) << parse_snp_policy(GetParam().policy).error().message;
    const auto verdict = verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, options);
    auto found = false_ones(verdict);
    std::erase(found, "root_is_hardware");
    EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(GetParam().refused_by)) << reasons(verdict);
    EXPECT_EQ(verdict.verified(), GetParam().refused_by.empty()) << reasons(verdict);
}

INSTANTIATE_TEST_SUITE_P(Each, SnpChange, ::testing::ValuesIn(changes()));

Verdict judged(TestSnp &platform, ByteView report, const std::string &policy = all_products) {
    const auto pem = write_snp_certificates(platform.certificates());
    return verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, options_with(platform.anchors(), policy));
}

TEST(SnpVerdict, HasTheStatementsOfItsKindAndTheNamesOfAll) {
    TestSnp platform;
    const auto verdict = judged(platform, platform.signed_report());
    std::vector<std::string> names;
    for (const auto &statement : verdict.statements()) {
        EXPECT_FALSE(statement.reason.empty()) << statement.name;
        names.push_back(statement.name);
    }
    names.resize(20);
    EXPECT_THAT(names,
                ElementsAre("quote_format", "quote_signature", "certificate_chain", "certificates_valid", "crl_signatures", "crls_current",
                            "not_revoked", "signing_key", "cpu_product", "hardware_id", "certificate_tcb", "tcb_order", "guest_policy",
                            "migration_agent", "platform_info", "vmpl", "reserved_fields", "root_is_hardware", "tcb", "not_debug"));
    ASSERT_EQ(verdict.platforms().size(), 1U);
    EXPECT_EQ(verdict.platforms().front().kind, "snp");
    EXPECT_EQ(verdict.platforms().front().tcb_status, "UpToDate");
}

TEST(SnpVerdict, WhatIsNotAskedForIsNotRequired) {
    TestSnp platform;
    platform.has_crl = false;
    const auto pem = write_snp_certificates(platform.certificates());
    auto options = options_with(platform.anchors(), "");
    options.waived.tcb = true;
    const auto report = platform.signed_report();
    const auto verdict = verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    for (const auto name : {statement::crl_signatures, statement::crls_current, statement::not_revoked, statement::tcb}) {
        EXPECT_EQ(verdict.find(name)->result, Judgement::not_judged) << name;
        EXPECT_FALSE(verdict.find(name)->required) << name;
    }
}

// Whoever carries the report could have written it.
TEST(SnpVerdict, NoLogLeadsToWhatIsNeverExtended) {
    TestSnp platform;
    const auto report = platform.signed_report();
    EXPECT_TRUE(judged(platform, report).verified());
    const auto pem = write_snp_certificates(platform.certificates());
    const std::string log = R"({"recnum":0,"pcr":7,"digests":[{"hashAlg":"sha384","digest":")" + std::string(96, 'a') + R"("}]})";
    const std::array logs{as_bytes(log)};
    const auto verdict =
        verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, logs, options_with(platform.anchors(), all_products));
    EXPECT_FALSE(verdict.verified());
    for (const auto name : {statement::log_well_formed, statement::log_replay, statement::history_complete, statement::registers_covered}) {
        EXPECT_EQ(verdict.find(name)->result, Judgement::not_judged) << name;
        EXPECT_TRUE(verdict.find(name)->required) << name;
        EXPECT_THAT(verdict.find(name)->reason, HasSubstr("no log leads to it")) << name;
    }
}

// A chip has one for each TCB that it had, and whoever keeps those of many chips gives all.
TEST(SnpVerdict, OfSeveralVceksTheOneThatSignedCounts) {
    TestSnp platform;
    const auto report = platform.signed_report();
    auto all = platform.certificates();
    TestSnp other;
    all.certificates.insert(all.certificates.begin(), other.key_der());
    const auto judge = [&] {
        const auto pem = write_snp_certificates(all);
        return verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, options_with(platform.anchors()));
    };
    EXPECT_TRUE(judge().verified()) << reasons(judge());
    all.certificates.erase(all.certificates.begin() + 1);
    EXPECT_FALSE(judge().verified());
}

TEST(SnpVerdict, WithoutCertificatesNothingVouchesForTheReport) {
    TestSnp platform;
    const auto report = platform.signed_report();
    const auto verdict = verify(report, {}, options_with(platform.anchors()));
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(verdict.find(statement::certificate_chain)->reason, HasSubstr("neither VCEK nor VLEK"));
    for (const auto name : {statement::quote_signature, statement::not_debug, statement::guest_policy, statement::vmpl, statement::tcb})
        EXPECT_EQ(verdict.find(name)->result, Judgement::not_judged) << name;
}

TEST(SnpVerdict, TheCrlMayComeAsCollateral) {
    TestSnp platform;
    auto all = platform.certificates();
    SnpCertificates crl{.certificates = {}, .crls = std::exchange(all.crls, {})};
    const auto pem = write_snp_certificates(all);
    auto options = options_with(platform.anchors());
    const auto report = platform.signed_report();
    const TeeEvidence evidence{.quote = report, .auxiliary = as_bytes(pem)};
    EXPECT_FALSE(verify(evidence, {}, options).verified());
    options.collateral.emplace(snp_kind, write_snp_collateral(crl));
    const auto verdict = verify(evidence, {}, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
}

// As Azure's hosts answer for the machine that they are.
TEST(SnpVerdict, CertificatesMayStandAsPemInJson) {
    TestSnp platform;
    const auto report = platform.signed_report();
    const auto all = platform.certificates();
    const auto in_json = [](const std::vector<Bytes> &certificates) {
        std::string text;
        for (const char c : write_snp_certificates({.certificates = certificates, .crls = {}})) {
            if (c == '\n') {
                text += "\\n";
            } else {
                text += c;
            }
        }
        return text;
    };
    auto options = options_with(platform.anchors());
    options.collateral.emplace(snp_kind, write_snp_collateral({.certificates = {}, .crls = all.crls}));
    const auto judge_with = [&](const std::string &beside) {
        return verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(beside)}, {}, options);
    };
    const auto key = R"({"vcekCert":")" + in_json({all.certificates.at(0)}) + R"(","tcbm":"D918000000000104")";
    const auto chain =
        R"(,"certificateChain":")" + in_json({all.certificates.at(1), all.certificates.at(2)}) + R"(","cacheControl":"86400"})";
    const auto verdict = judge_with(key + chain);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_THAT(false_ones(judge_with(key + "}")), ::testing::Contains("certificate_chain"));
    for (const auto *const other : {R"({"tcbm":"D918000000000104"})", R"({"vcekCert":7})", R"({"vcekCert":)"})
        EXPECT_THAT(judge_with(other).find(statement::certificate_chain)->reason, HasSubstr("no certificate and no CRL")) << other;
}

TEST(SnpVerdict, AReportOfAGuestSvnLikeATdsTeeTypeIsAReport) {
    TestSnp platform(SnpProduct::turin);
    platform.report.guest_svn = 0x81;
    const auto verdict = judged(platform, platform.signed_report());
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
}

// How many of a report's bits from one byte on up to another can change without that it is refused.
std::size_t accepted_changes(std::size_t begin, std::size_t end) {
    TestSnp platform;
    const auto good = platform.signed_report();
    const auto pem = write_snp_certificates(platform.certificates());
    Appraiser appraiser(static_cast<AppraiserOptions>(options_with(platform.anchors())));
    const auto is_accepted = [&](const Bytes &report) {
        return appraiser.appraise(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, {.time = test_now}).verified();
    };
    EXPECT_TRUE(is_accepted(good));
    std::size_t accepted = 0;
    for (std::size_t bit = begin * 8; bit < end * 8; ++bit) {
        auto report = good;
        report[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        if (is_accepted(report)) ++accepted;
    }
    return accepted;
}

TEST(SnpVerdict, EverySingleBitOfWhatIsSignedThatChangesIsRefused) { EXPECT_EQ(accepted_changes(0, snp_signed_size), 0U); }

TEST(SnpVerdict, EverySingleBitOfTheSignatureAndBehindItThatChangesIsRefused) {
    EXPECT_EQ(accepted_changes(snp_signed_size, snp_report_size), 0U);
}

// What vouches for the report: VCEK or VLEK, ASK or ASVK, and the CRL. The ARK is an anchor byte for byte, and no signature makes it one.
TEST(SnpVerdict, EverySingleBitOfACertificateOrCrlThatChangesIsRefused) {
    constexpr std::size_t usual_stride = 37;
    const auto stride = mrd::bit_stride(usual_stride);
    for (const bool with_vlek : {false, true}) {
        TestSnp platform(SnpProduct::milan, with_vlek);
        const auto report = platform.signed_report();
        auto certificates = platform.certificates();
        Appraiser appraiser(static_cast<AppraiserOptions>(options_with(platform.anchors())));
        const auto is_accepted = [&] {
            const auto pem = write_snp_certificates(certificates);
            return appraiser.appraise(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, {.time = test_now}).verified();
        };
        ASSERT_TRUE(is_accepted());
        std::size_t first = 0;
        for (auto *const der : {&certificates.certificates.at(0), &certificates.certificates.at(1), &certificates.crls.at(0)}) {
            for (std::size_t bit = first; bit < der->size() * 8; bit += stride) {
                const auto flip = [&] { (*der)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8); };
                flip();
                EXPECT_FALSE(is_accepted()) << platform.key.common_name << ", bit " << bit << " of " << der->size() << " bytes";
                flip();
            }
            first = (first + 1) % stride;
        }
        EXPECT_TRUE(is_accepted());
    }
}

// docs/verification.md, "What no signature covers".
TEST(SnpVerdict, WhatNoSignatureCoversBesideTheReportChangesNoStatement) {
    TestSnp platform;
    const auto report = platform.signed_report();
    const auto given = platform.certificates();
    const auto pem = write_snp_certificates(given);
    const auto judge = [&](const std::string &beside) {
        return verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(beside)}, {}, options_with(platform.anchors()));
    };
    ASSERT_TRUE(judge(pem).verified());
    const auto expected = reasons(judge(pem));
    EXPECT_EQ(reasons(judge("a word\n" + pem)), expected);
    auto blanks = pem;
    blanks.at(pem.find('\n', pem.find('\n') + 1)) = '\v';
    EXPECT_EQ(reasons(judge(blanks)), expected);
    // Who issued it is no longer its own name, so that it is no root, and issued nothing: the chain leads to the anchor as if it were not there.
    auto changed = given;
    auto &root = changed.certificates.at(2);
    const auto issuer = std::ranges::search(root, as_bytes("ARK-"));
    ASSERT_FALSE(issuer.empty());
    issuer.front() ^= 1;
    EXPECT_EQ(reasons(judge(write_snp_certificates(changed))), expected);
}

TEST(SnpVerdict, AHostileFileCostsNoMoreThanItsLimits) {
    TestSnp platform;
    const auto report = platform.signed_report();
    const auto options = options_with(platform.anchors());
    const auto reason = [&](const Bytes &beside) {
        return verify(TeeEvidence{.quote = report, .auxiliary = beside}, {}, options).find(statement::certificate_chain)->reason;
    };
    EXPECT_THAT(reason(Bytes(16U << 20U, 0x30)), HasSubstr("are the most that are read"));
    const auto key = platform.key_der();
    Bytes many;
    for (std::size_t i = 0; i <= max_snp_certificates; ++i) many.insert(many.end(), key.begin(), key.end());
    EXPECT_THAT(reason(many), HasSubstr("more than 16 certificates"));
    const Bytes large(16U << 20U, 3);
    EXPECT_FALSE(verify(large, {}, options).verified());
}

TEST(SnpPolicy, RefusesWhatItDoesNotKnow) {
    const auto error = [](const std::string &json) {
        const auto policy = parse_snp_policy(json);
        return policy ? "accepted" : policy.error().message;
    };
    EXPECT_EQ(error("{}"), "accepted");
    for (const auto &[json, message] :
         {std::pair{"[]", "one JSON object"},
          std::pair{R"({"vmpl": [0]})", "vmpl is unknown"},
          std::pair{R"({"vmpls": null})", "vmpls is null"},
          std::pair{R"({"vmpls": []})", "vmpls is empty"},
          std::pair{R"({"vmpls": [4]})", "0 to 3"},
          std::pair{R"({"vmpls": [-1]})", "0 to 3"},
          std::pair{R"({"vlek": true})", "\"accept\" or \"refuse\""},
          std::pair{R"({"minimumTcb": {}})", "minimumTcb is empty"},
          std::pair{R"({"minimumTcb": {"Rome": {"snp": 1}}})", "Rome is no product"},
          std::pair{R"({"minimumTcb": {"Milan-B0": {"snp": 1}}})", "Milan-B0 is no product"},
          std::pair{R"({"minimumTcb": {"Milan": {}}})", "Milan has no component"},
          std::pair{R"({"minimumTcb": {"Milan": {"fmc": 1}}})", "only Turin has fmc"},
          std::pair{R"({"minimumTcb": {"Milan": {"snp": 256}}})", "0 to 255"},
          std::pair{R"({"minimumTcb": {"Milan": {"snp": 1, "ucode": 1}}})",
                    "the member minimumTcb.Milan.ucode is unknown; there are fmc, bootloader, tee, snp, microcode"},
          std::pair{R"({"minimumTcb": {"Milan": {"snp": 1, "tee": null}}})", "minimumTcb.Milan.tee is null"},
          std::pair{R"({"minimumTcb": {"Milan": {"snp": "1"}}})", "minimumTcb.Milan.snp is not of the form"},
          std::pair{R"({"minimumTcb": {"Milan": {"snp": 1, "snp": 2}}})", "minimumTcb.Milan.snp is given twice"},
          std::pair{R"({"minimumTcb": {"Milan": 1}})", "minimumTcb.Milan is not an object"},
          std::pair{R"({"policySet": ["smt", "abc"]})", "abc is no bit; there are smt"},
          std::pair{R"({"chipIds": []})", "chipIds is empty"},
          std::pair{R"({"chipIds": ["00"]})", "64 bytes in hex"},
          std::pair{R"({"minimumGuestSvn": -1})", "32 bits"}}) {
        EXPECT_THAT(error(json), HasSubstr(message)) << json;
    }
}

}  // namespace
}  // namespace mr
