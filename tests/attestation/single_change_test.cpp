// Quotes and collateral with one field changed and signed again: the statement that this is about is false, and no other.
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

enum class Kind : std::uint8_t { td10, td15 };

struct Change {
    std::string name;
    std::function<void(TestPlatform &)> apply;
    // The one statement that is false; two for a defect of the CA, which the PCK CRL's issuer chain has too. Empty: it is accepted.
    std::string refused_by;
    Kind kind = Kind::td10;
    // Done to the quote and to the collateral after they are signed.
    std::function<void(Bytes &)> to_quote = [](Bytes &) {};
    std::function<void(Collateral &)> to_collateral = [](Collateral &) {};
};

// How a failed test names it.
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
void PrintTo(const Change &change, std::ostream *out) { *out << change.name; }

void keep_platform(TestPlatform &) {}

// Where the parts of a quote begin.
std::size_t offset_of(const Bytes &quote, ByteView Quote::*part) {
    const auto decoded = decode_quote(quote);
    return static_cast<std::size_t>(((*decoded).*part).data() - quote.data());
}
std::function<void(Bytes &)> flip(ByteView Quote::*part, std::size_t byte) {
    return [=](Bytes &quote) { quote.at(offset_of(quote, part) + byte) ^= 1; };
}
std::function<void(TestPlatform &)> set_signed_byte(std::size_t at, std::uint8_t value) {
    return [=](TestPlatform &p) { p.before_signing = [=](Bytes &signed_part) { signed_part.at(at) = value; }; };
}
std::function<void(TestPlatform &)> set_attributes(std::uint64_t attributes) {
    return [=](TestPlatform &p) { p.body.td_attributes = attributes; };
}
std::function<void(TestPlatform &)> authenticate_with(std::size_t size) {
    return [=](TestPlatform &p) { p.authentication_data.assign(size, 0x12); };
}

const std::vector<Change> &changes() {
    static const std::vector<Change> all = {
        // The quote.
        {"nothing", keep_platform, ""},
        {"nothing of a TD 1.5", keep_platform, "", Kind::td15},
        {"nothing of a TD 1.0 in version 5", [](TestPlatform &p) { p.header.version = 5; }, ""},
        {"header QE SVN", [](TestPlatform &p) { p.header.qe_svn = 7; }, ""},
        {"header PCE SVN", [](TestPlatform &p) { p.header.pce_svn = 9; }, ""},
        {"version 6", set_signed_byte(0, 6), "quote_format"},
        {"version 3", set_signed_byte(0, 3), "quote_format"},
        {"attestation key type 3", set_signed_byte(2, 3), "quote_format"},
        {"TEE type 0", set_signed_byte(4, 0), "quote_format"},
        {"QE vendor id", [](TestPlatform &p) { p.header.qe_vendor_id[3] ^= 1; }, "quote_format"},
        {"tee_tcb_svn[2] below every level", [](TestPlatform &p) { p.body.tee_tcb_svn[2] = 2; }, "tcb"},
        {"tee_tcb_svn[2] of an outdated level", [](TestPlatform &p) { p.body.tee_tcb_svn[2] = 3; }, "tcb"},
        {"module minor SVN below every level", [](TestPlatform &p) { p.body.tee_tcb_svn[0] = 3; }, "tcb"},
        {"module minor SVN of an outdated level", [](TestPlatform &p) { p.body.tee_tcb_svn[0] = 5; }, "tcb"},
        {"unknown module version", [](TestPlatform &p) { p.body.tee_tcb_svn[1] = 2; }, "tdx_module"},
        {"module version 0, which the platform levels judge", [](TestPlatform &p) { p.body.tee_tcb_svn[1] = 0; }, ""},
        {"module version 0 with its SVN below",
         [](TestPlatform &p) {
             p.body.tee_tcb_svn[1] = 0;
             p.body.tee_tcb_svn[0] = 5;
         },
         "tcb"},
        {"mr_seam", [](TestPlatform &p) { p.body.mr_seam.fill(0xEE); }, ""},
        {"mr_signer_seam", [](TestPlatform &p) { p.body.mr_signer_seam[47] = 1; }, "tdx_module"},
        {"seam_attributes", [](TestPlatform &p) { p.body.seam_attributes = 1; }, "tdx_module"},
        {"seam_attributes that the TCB info does not look at",
         [](TestPlatform &p) {
             p.body.seam_attributes = 1;
             p.tcb_info["tdxModuleIdentities"][0]["attributesMask"] = "0000000000000000";
         },
         "tdx_module"},
        {"TD debug", set_attributes(td_attribute_sept_ve_disable | td_attribute_debug), "not_debug"},
        {"TD under another debug bit", set_attributes(td_attribute_sept_ve_disable | 1U << 4), "not_debug"},
        {"SEPT_VE_DISABLE not set", set_attributes(0), "sept_ve_disable"},
        {"reserved TD attribute bit 8", set_attributes(td_attribute_sept_ve_disable | 1U << 8), "td_attributes"},
        {"reserved TD attribute bit 40", set_attributes(td_attribute_sept_ve_disable | 1ULL << 40), "td_attributes"},
        {"migratable TD", set_attributes(td_attribute_sept_ve_disable | 1U << 29), "td_attributes"},
        {"PKS and PERFMON", set_attributes(td_attribute_sept_ve_disable | td_attribute_pks | 1ULL << 63), ""},
        {"xfam zero", [](TestPlatform &p) { p.body.xfam = 0; }, ""},
        {"QE debug", [](TestPlatform &p) { p.qe_report.attributes[0] |= 2; }, "qe_identity"},
        {"QE MISCSELECT", [](TestPlatform &p) { p.qe_report.misc_select = 1; }, "qe_identity"},
        {"QE MRSIGNER", [](TestPlatform &p) { p.qe_report.mr_signer[0] ^= 1; }, "qe_identity"},
        {"QE ISVPRODID 1", [](TestPlatform &p) { p.qe_report.isv_prod_id = 1; }, "qe_identity"},
        {"QE ISVSVN below every level", [](TestPlatform &p) { p.qe_report.isv_svn = 3; }, "qe_tcb"},
        {"QE ISVSVN of an outdated level", [](TestPlatform &p) { p.qe_report.isv_svn = 5; }, "qe_tcb"},
        {"QE report data's tail",
         [](TestPlatform &p) {
             auto named = p.attestation_key.public_key();
             named.insert(named.end(), p.authentication_data.begin(), p.authentication_data.end());
             auto &data = p.qe_report_data.emplace();
             std::ranges::copy(hash(HashAlgorithm::sha256, named)->bytes(), data.begin());
             data.back() = 1;
         },
         "qe_report_signature"},
        {"QE report data of another key", [](TestPlatform &p) { p.qe_report_data.emplace().fill(0x11); }, "qe_report_signature"},
        {"QE authentication data of 0 bytes", authenticate_with(0), ""},
        {"QE authentication data of 20 bytes", authenticate_with(20), ""},
        {"QE authentication data of 64 bytes", authenticate_with(64), ""},
        {"inner certification data of type 4", [](TestPlatform &p) { p.inner_certification_type = 4; }, "quote_format"},
        {"one NUL after the certificates", [](TestPlatform &p) { p.after_pem = std::string(1, '\0'); }, ""},
        {"two NUL after the certificates", [](TestPlatform &p) { p.after_pem = std::string(2, '\0'); }, "certificate_chain"},
        {"text after the certificates", [](TestPlatform &p) { p.after_pem = "and so on"; }, "certificate_chain"},
        {"100 trailing bytes", [](TestPlatform &p) { p.trailing = 100; }, ""},
        {"RTMR0 after signing", keep_platform, "quote_signature", Kind::td10, flip(&Quote::signed_part, 48 + 328)},
        {"quote signature", keep_platform, "quote_signature", Kind::td10, flip(&Quote::signature, 63)},
        {"quote signature of zeros", keep_platform, "quote_signature", Kind::td10,
         [](Bytes &quote) { std::fill_n(quote.begin() + 636, 64, std::uint8_t{0}); }},
        {"QE report after signing", keep_platform, "qe_report_signature", Kind::td10, flip(&Quote::qe_report_bytes, 258)},
        {"QE report's signature", keep_platform, "qe_report_signature", Kind::td10, flip(&Quote::qe_report_signature, 0)},
        {"QE authentication data after signing", keep_platform, "qe_report_signature", Kind::td10, flip(&Quote::qe_authentication_data, 31)},
        // Version 5.
        {"mr_servicetd", [](TestPlatform &p) { p.body.mr_servicetd[0] = 1; }, "service_td", Kind::td15},
        {"tee_tcb_svn2 below every level", [](TestPlatform &p) { p.body.tee_tcb_svn2[2] = 2; }, "tcb", Kind::td15},
        {"tee_tcb_svn2 of an outdated level", [](TestPlatform &p) { p.body.tee_tcb_svn2[2] = 3; }, "tcb", Kind::td15},
        {"tee_tcb_svn2 zero", [](TestPlatform &p) { p.body.tee_tcb_svn2 = {}; }, "tcb", Kind::td15},
        {"tee_tcb_svn2 of an outdated module", [](TestPlatform &p) { p.body.tee_tcb_svn2[0] = 4; }, "tcb", Kind::td15},
        {"tee_tcb_svn2 of an unknown module", [](TestPlatform &p) { p.body.tee_tcb_svn2[1] = 9; }, "tcb", Kind::td15},
        {"tee_tcb_svn2 higher", [](TestPlatform &p) { p.body.tee_tcb_svn2[0] = 9; }, "", Kind::td15},
        {"body size 584 for type 3", set_signed_byte(50, 0x48), "quote_format", Kind::td15},
        {"body type 1", set_signed_byte(48, 1), "quote_format", Kind::td15},
        {"100 trailing bytes of a TD 1.5", [](TestPlatform &p) { p.trailing = 100; }, "", Kind::td15},
        // Certificates.
        {"PCK certificate's signature", [](TestPlatform &p) { p.pck.flip_signature = true; }, "certificate_chain"},
        {"another CRL's critical extension",
         [](TestPlatform &p) { p.pck_crl.more.push_back(der::extension("2.5.29.28", true, der::sequence({}))); }, "crl_signatures"},
        {"PCK certificate's name", [](TestPlatform &p) { p.pck.common_name = "Intel SGX PCK Certificates"; }, "certificate_chain"},
        {"PCK certificate's issuer", [](TestPlatform &p) { p.pck.issuer = "Intel SGX PCK Processor CA"; }, "certificate_chain"},
        {"PCK certificate without key usage", [](TestPlatform &p) { p.pck.left_out = {"2.5.29.15"}; }, "certificate_chain"},
        {"PCK certificate without basic constraints", [](TestPlatform &p) { p.pck.left_out = {"2.5.29.19"}; }, "certificate_chain"},
        {"PCK certificate without authority key identifier", [](TestPlatform &p) { p.pck.left_out = {"2.5.29.35"}; }, "certificate_chain"},
        {"PCK certificate without subject key identifier", [](TestPlatform &p) { p.pck.left_out = {"2.5.29.14"}; }, "certificate_chain"},
        {"PCK certificate without CRL distribution points", [](TestPlatform &p) { p.pck.left_out = {"2.5.29.31"}; }, "certificate_chain"},
        {"PCK certificate without SGX extension", [](TestPlatform &p) { p.pck.pck.reset(); }, "certificate_chain"},
        {"PCK certificate that is an authority", [](TestPlatform &p) { p.pck.is_authority = true; }, "certificate_chain"},
        {"PCK certificate with a seventh extension",
         [](TestPlatform &p) { p.pck.more.push_back(der::extension("2.5.29.18", false, der::sequence({}))); }, "certificate_chain"},
        {"PCK certificate with a critical unknown extension",
         [](TestPlatform &p) { p.pck.more.push_back(der::extension("1.2.3.4", true, der::sequence({}))); }, "certificate_chain"},
        {"PCK certificate that names another key of its issuer",
         [](TestPlatform &p) { p.pck.authority_key_id = Bytes(20, 0x99); }, "certificate_chain"},
        {"CA with a critical unknown extension",
         [](TestPlatform &p) { p.authority.more.push_back(der::extension("1.2.3.4", true, der::sequence({}))); }, "certificate_chain crl_signatures"},
        {"CA with an unknown extension",
         [](TestPlatform &p) { p.authority.more.push_back(der::extension("1.2.3.4", false, der::sequence({}))); }, ""},
        {"CA with an extension twice",
         [](TestPlatform &p) { p.authority.more.push_back(der::extension("2.5.29.14", false, der::octets(Bytes(20, 1)))); },
         "certificate_chain crl_signatures"},
        {"CA that may not sign CRLs and certificates", [](TestPlatform &p) { p.authority.is_authority = false; }, "certificate_chain crl_signatures"},
        {"CA by another name", [](TestPlatform &p) { p.authority.common_name = "Intel SGX PCK Platform"; }, "certificate_chain crl_signatures"},
        {"PCK extension that cannot be read", [](TestPlatform &p) { p.pck.pck->sgx_type = 3; }, "certificate_chain"},
        {"PCK extension of the Processor CA's kind",
         [](TestPlatform &p) {
             p.pck.pck->platform_instance_id.reset();
             p.pck.pck->configuration.reset();
         },
         ""},
        {"FMSPC", [](TestPlatform &p) { p.pck.pck->fmspc[0] = 0; }, "tcb"},
        {"PCEID", [](TestPlatform &p) { p.pck.pck->pce_id[0] = 1; }, "tcb"},
        {"PCK TCB component below", [](TestPlatform &p) { p.pck.pck->tcb_components[7] = 4; }, "tcb"},
        {"PCK TCB component of an outdated level", [](TestPlatform &p) { p.pck.pck->tcb_components[0] = 4; }, "tcb"},
        {"PCESVN below", [](TestPlatform &p) { p.pck.pck->pce_svn = 12; }, "tcb"},
        // Validity: each certificate too early and too late.
        {"PCK certificate not yet valid", [](TestPlatform &p) { p.pck.not_before = test_now + 1; }, "certificates_valid"},
        {"PCK certificate valid since this second", [](TestPlatform &p) { p.pck.not_before = test_now; }, ""},
        {"PCK certificate expired", [](TestPlatform &p) { p.pck.not_after = test_now - 1; }, "certificates_valid"},
        {"PCK certificate valid until this second", [](TestPlatform &p) { p.pck.not_after = test_now; }, ""},
        {"CA not yet valid", [](TestPlatform &p) { p.authority.not_before = test_now + 1; }, "certificates_valid"},
        {"CA expired", [](TestPlatform &p) { p.authority.not_after = test_now - 1; }, "certificates_valid"},
        {"root not yet valid", [](TestPlatform &p) { p.root.not_before = test_now + 1; }, "certificates_valid"},
        {"root expired", [](TestPlatform &p) { p.root.not_after = test_now - 1; }, "certificates_valid"},
        {"TCB signing not yet valid", [](TestPlatform &p) { p.tcb_signing.not_before = test_now + 1; }, "certificates_valid"},
        {"TCB signing expired", [](TestPlatform &p) { p.tcb_signing.not_after = test_now - 1; }, "certificates_valid"},
        // Collateral: signatures.
        {"TCB info's signature", keep_platform, "tcb_info_signature", Kind::td10, [](Bytes &) {},
         [](Collateral &c) { c.tcb_info_signature.back() ^= 1; }},
        {"TCB info's text", keep_platform, "tcb_info_signature", Kind::td10, [](Bytes &) {}, [](Collateral &c) { c.tcb_info += " "; }},
        {"QE identity's signature", keep_platform, "qe_identity_signature", Kind::td10, [](Bytes &) {},
         [](Collateral &c) { c.qe_identity_signature.front() ^= 1; }},
        {"QE identity's text", keep_platform, "qe_identity_signature", Kind::td10, [](Bytes &) {}, [](Collateral &c) { c.qe_identity += "\n"; }},
        {"PCK CRL's signature", [](TestPlatform &p) { p.pck_crl.flip_signature = true; }, "crl_signatures"},
        {"root CRL's signature", [](TestPlatform &p) { p.root_crl.flip_signature = true; }, "crl_signatures"},
        {"PCK CRL by another name", [](TestPlatform &p) { p.pck_crl.issuer = "Intel SGX PCK Processor CA"; }, "crl_signatures"},
        {"root CRL by another name", [](TestPlatform &p) { p.root_crl.issuer = "Intel SGX PCK Platform CA"; }, "crl_signatures"},
        {"PCK CRL instead of the root's", keep_platform, "crl_signatures", Kind::td10, [](Bytes &) {},
         [](Collateral &c) { c.root_ca_crl = c.pck_crl; }},
        {"root CRL instead of the CA's", keep_platform, "crl_signatures", Kind::td10, [](Bytes &) {},
         [](Collateral &c) { c.pck_crl = c.root_ca_crl; }},
        {"PCK CRL without number", [](TestPlatform &p) { p.pck_crl.has_number = false; }, "crl_signatures"},
        {"root CRL without authority key identifier", [](TestPlatform &p) { p.root_crl.has_authority_key_id = false; }, "crl_signatures"},
        {"PCK CRL that is not one", keep_platform, "crl_signatures", Kind::td10, [](Bytes &) {}, [](Collateral &c) { c.pck_crl = {0x30, 0x00}; }},
        // Collateral: dates.
        {"TCB info of tomorrow", [](TestPlatform &p) { p.tcb_info["issueDate"] = iso_time(test_now + 1); }, "tcb_info_current"},
        {"TCB info out of date", [](TestPlatform &p) { p.tcb_info["nextUpdate"] = iso_time(test_now - 1); }, "tcb_info_current"},
        {"QE identity of tomorrow", [](TestPlatform &p) { p.qe_identity["issueDate"] = iso_time(test_now + 1); }, "qe_identity_current"},
        {"QE identity out of date", [](TestPlatform &p) { p.qe_identity["nextUpdate"] = iso_time(test_now - 1); }, "qe_identity_current"},
        {"PCK CRL of tomorrow", [](TestPlatform &p) { p.pck_crl.this_update = test_now + 1; }, "crls_current"},
        {"PCK CRL out of date", [](TestPlatform &p) { p.pck_crl.next_update = test_now - 1; }, "crls_current"},
        {"root CRL of tomorrow", [](TestPlatform &p) { p.root_crl.this_update = test_now + 1; }, "crls_current"},
        {"root CRL out of date", [](TestPlatform &p) { p.root_crl.next_update = test_now - 1; }, "crls_current"},
        // Collateral: revocation.
        {"PCK revoked", [](TestPlatform &p) { p.pck_crl.revoked.push_back(p.pck.serial); }, "not_revoked"},
        {"CA revoked", [](TestPlatform &p) { p.root_crl.revoked.push_back(p.authority.serial); }, "not_revoked"},
        {"root revoked", [](TestPlatform &p) { p.root_crl.revoked.push_back(p.root.serial); }, "not_revoked"},
        {"TCB signing revoked", [](TestPlatform &p) { p.root_crl.revoked.push_back(p.tcb_signing.serial); }, "not_revoked"},
        {"PCK's serial in the root CRL", [](TestPlatform &p) { p.root_crl.revoked.push_back(p.pck.serial); }, ""},
        {"CA's serial in the PCK CRL", [](TestPlatform &p) { p.pck_crl.revoked.push_back(p.authority.serial); }, ""},
        {"nothing revoked at all",
         [](TestPlatform &p) {
             p.root_crl.revoked.clear();
             p.pck_crl.revoked.clear();
         },
         ""},
        // Collateral: what it says.
        {"TCB info of SGX", [](TestPlatform &p) { p.tcb_info["id"] = "SGX"; }, "tcb"},
        {"TCB info of version 2", [](TestPlatform &p) { p.tcb_info["version"] = 2; }, "tcb"},
        {"TCB info without levels", [](TestPlatform &p) { p.tcb_info["tcbLevels"] = TestPlatform::Json::array(); }, "tcb"},
        {"TCB info with a status of its own", [](TestPlatform &p) { p.tcb_info["tcbLevels"][0]["tcbStatus"] = "NotSupported"; }, "tcb"},
        {"TCB level that is revoked", [](TestPlatform &p) { p.tcb_info["tcbLevels"][0]["tcbStatus"] = "Revoked"; }, "tcb"},
        {"TDX module that is revoked",
         [](TestPlatform &p) { p.tcb_info["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = "Revoked"; }, "tcb"},
        {"TDX module identity in small letters", [](TestPlatform &p) { p.tcb_info["tdxModuleIdentities"][0]["id"] = "tdx_01"; }, ""},
        {"TDX module of another signer",
         [](TestPlatform &p) { p.tcb_info["tdxModuleIdentities"][0]["mrsigner"] = std::string(96, '1'); }, "tdx_module"},
        {"no TDX module identities", [](TestPlatform &p) { p.tcb_info.erase("tdxModuleIdentities"); }, "tdx_module"},
        {"QE identity of SGX", [](TestPlatform &p) { p.qe_identity["id"] = "QE"; }, "qe_identity"},
        {"QE that is revoked", [](TestPlatform &p) { p.qe_identity["tcbLevels"][0]["tcbStatus"] = "Revoked"; }, "qe_tcb"},
    };
    return all;
}

class SingleChange : public ::testing::TestWithParam<Change> {};

TEST_P(SingleChange, IsRefusedByTheStatementThatItIsAbout) {
    const auto &change = GetParam();
    TestPlatform platform = change.kind == Kind::td15 ? TestPlatform::td15() : TestPlatform();
    change.apply(platform);
    auto quote = platform.quote();
    auto collateral = platform.collateral();
    change.to_quote(quote);
    change.to_collateral(collateral);
    Verdict verdict;
    verify_quote(quote, &collateral, platform.anchors(), test_now, {}, verdict);

    std::vector<std::string> expected;
    std::istringstream names(change.refused_by);
    for (std::string name; names >> name;) expected.push_back(name);
    // The test's root never is Intel's; where the certificates cannot be read there is none.
    const auto *const hardware = verdict.find(statement::root_is_hardware);
    EXPECT_FALSE(hardware->required);
    EXPECT_NE(hardware->result, Judgement::holds);
    if (hardware->result == Judgement::fails) expected.emplace_back("root_is_hardware");
    EXPECT_THAT(false_ones(verdict), UnorderedElementsAreArray(expected)) << reasons(verdict);
    EXPECT_EQ(verdict.verified(), change.refused_by.empty()) << reasons(verdict);
    if (change.refused_by.empty()) {
        EXPECT_THAT(not_true(verdict), ElementsAre("root_is_hardware: false")) << reasons(verdict);
    }
}

INSTANTIATE_TEST_SUITE_P(Of, SingleChange, ::testing::ValuesIn(changes()), [](const auto &instance) {
    std::string name = instance.param.name;
    std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
    return name;
});

}  // namespace
}  // namespace mr
