// A platform of the tests' own, with a quoting enclave: quotes and collateral that are good as they are made, and any field of which can be set to
// something else before it is signed.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "mr/collateral.h"
#include "mr/quote.h"
#include "mr/verify_quote.h"
#include "tests/attestation/pki/test_pki.h"

namespace mr {

inline constexpr UnixTime test_day = 24 * 60 * 60;
inline constexpr UnixTime test_now = 1'800'000'000;  // 2027-01-15

inline std::string iso_time(UnixTime time) {
    const auto d = der::time_digits(time);
    return d.substr(0, 4) + "-" + d.substr(4, 2) + "-" + d.substr(6, 2) + "T" + d.substr(8, 2) + ":" + d.substr(10, 2) + ":" +
           d.substr(12, 2) + "Z";
}

struct TestPlatform {
    using Json = nlohmann::ordered_json;

    TestKey root_key;
    TestKey authority_key;
    TestKey pck_key;
    TestKey tcb_key;
    TestKey attestation_key;

    TestCertificate root = certificate("Intel SGX Root CA", "Intel SGX Root CA", 1, true);
    TestCertificate authority = certificate("Intel SGX PCK Platform CA", "Intel SGX Root CA", 2, true);
    TestCertificate pck = pck_certificate();
    TestCertificate tcb_signing = certificate("Intel SGX TCB Signing", "Intel SGX Root CA", 4, false);

    QuoteHeader header;
    QuoteBodyType type = QuoteBodyType::td10;
    TdQuoteBody body = good_body();
    QeReport qe_report = good_qe_report();
    std::optional<ReportData> qe_report_data;  // instead of the one that names the attestation key
    Bytes authentication_data = Bytes(32, 0x5A);
    std::uint16_t inner_certification_type = 5;
    std::string after_pem;
    std::size_t trailing = 0;
    std::function<void(Bytes &)> before_signing = [](Bytes &) {};  // on what the attestation key signs

    TestCrl root_crl = crl("Intel SGX Root CA");
    TestCrl pck_crl = crl("Intel SGX PCK Platform CA");
    Json tcb_info = good_tcb_info();
    Json qe_identity = good_qe_identity();

    // A version 5 quote of a TD 1.5.
    static TestPlatform td15() {
        TestPlatform platform;
        platform.header.version = 5;
        platform.type = QuoteBodyType::td15;
        platform.body.tee_tcb_svn2 = platform.body.tee_tcb_svn;
        return platform;
    }

    [[nodiscard]] Bytes root_der() const { return root.encode(root_key, root_key); }
    [[nodiscard]] Bytes authority_der() const { return authority.encode(authority_key, root_key); }
    [[nodiscard]] TrustAnchors anchors() { return {{root_der_once()}}; }

    [[nodiscard]] Bytes quote() {
        auto signed_part = encode_quote_signed_part(header, type, body);
        before_signing(signed_part);
        auto report = qe_report;
        Bytes named = attestation_key.public_key();
        named.insert(named.end(), authentication_data.begin(), authentication_data.end());
        const auto digest = hash(HashAlgorithm::sha256, named);
        std::ranges::copy(digest->bytes(), report.report_data.begin());
        if (qe_report_data) report.report_data = *qe_report_data;

        const auto signature = attestation_key.sign(signed_part);
        const auto report_bytes = encode_qe_report(report);
        const auto report_signature = pck_key.sign(report_bytes);
        const auto pem = pem_of(pck.encode(pck_key, authority_key)) + pem_of(authority_der_once()) + pem_of(root_der_once()) + after_pem;
        Quote parts;
        parts.signed_part = signed_part;
        parts.signature = signature;
        parts.attestation_key = attestation_key.public_key();
        parts.qe_report_bytes = report_bytes;
        parts.qe_report_signature = report_signature;
        parts.qe_authentication_data = authentication_data;
        parts.inner_certification_type = inner_certification_type;
        parts.inner_certification_data = as_bytes(pem);
        auto quote = encode_quote(parts);
        quote.resize(quote.size() + trailing, 0xFF);
        return quote;
    }

    [[nodiscard]] Collateral collateral() {
        const auto signers = pem_of(tcb_signing.encode(tcb_key, root_key)) + pem_of(root_der_once());
        Collateral made;
        made.tcb_info = tcb_info.dump();
        made.tcb_info_signature = tcb_key.sign(as_bytes(made.tcb_info));
        made.tcb_info_issuer_chain = signers;
        made.qe_identity = qe_identity.dump();
        made.qe_identity_signature = tcb_key.sign(as_bytes(made.qe_identity));
        made.qe_identity_issuer_chain = signers;
        made.root_ca_crl = root_crl.encode(root_key);
        made.pck_crl = pck_crl.encode(authority_key);
        made.pck_crl_issuer_chain = pem_of(authority_der_once()) + pem_of(root_der_once());
        return made;
    }

private:
    // A signature has randomness in it: an anchor is only one certificate.
    Bytes root_der_once() {
        if (root_der_.empty()) root_der_ = root_der();
        return root_der_;
    }
    Bytes authority_der_once() {
        if (authority_der_.empty()) authority_der_ = authority_der();
        return authority_der_;
    }

    static TestCertificate certificate(const std::string &name, const std::string &issuer, std::uint32_t serial, bool is_authority) {
        return {.common_name = name,
                .issuer = issuer,
                .serial = serial,
                .not_before = test_now - 365 * test_day,
                .not_after = test_now + 3650 * test_day,
                .is_authority = is_authority};
    }
    static TestCertificate pck_certificate() {
        auto made = certificate("Intel SGX PCK Certificate", "Intel SGX PCK Platform CA", 3, false);
        auto &extension = made.pck.emplace();
        extension.ppid.fill(0x11);
        extension.tcb_components = {5, 5, 2, 2, 4, 1, 0, 5};
        extension.pce_svn = 13;
        extension.cpu_svn = extension.tcb_components;
        extension.fmspc = {0x90, 0xC0, 0x6F, 0, 0, 0};
        extension.sgx_type = 1;
        extension.platform_instance_id.emplace().fill(0x22);
        extension.configuration.emplace().smt_enabled = true;
        return made;
    }
    static TestCrl crl(const std::string &issuer) {
        return {
            .issuer = issuer, .this_update = test_now - test_day, .next_update = test_now + 29 * test_day, .revoked = {0xABCDEF, 0x1234}};
    }
    static TdQuoteBody good_body() {
        TdQuoteBody body;
        body.tee_tcb_svn = {6, 1, 4};
        body.mr_seam.fill(0x33);
        body.td_attributes = td_attribute_sept_ve_disable;
        body.xfam = 0x61AE7;
        body.mrtd.fill(0x44);
        for (std::size_t i = 0; i < body.rtmr.size(); ++i) body.rtmr.at(i).fill(static_cast<std::uint8_t>(0x50 + i));
        body.report_data.fill(0x66);
        return body;
    }
    static constexpr std::string_view intel_qe_signer = "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5";
    static QeReport good_qe_report() {
        QeReport report;
        report.cpu_svn.fill(0x05);
        report.attributes = {0x15, 0, 0, 0, 0, 0, 0, 0, 0xE7};
        report.mr_enclave.fill(0x77);
        // Intel's, as each quote of hardware has it.
        const auto signer = from_hex(std::string(intel_qe_signer)).value();
        std::ranges::copy(signer, report.mr_signer.begin());
        report.isv_prod_id = 2;
        report.isv_svn = 7;
        return report;
    }

    static Json component_list(const std::vector<int> &svns) {
        Json list = Json::array();
        for (std::size_t i = 0; i < tcb_component_count; ++i)
            list.push_back({{"svn", i < svns.size() ? svns[i] : 0}, {"category", "BIOS"}});
        return list;
    }
    static Json level(const std::vector<int> &sgx, int pce_svn, const std::vector<int> &tdx, const char *status) {
        return {{"tcb", {{"sgxtcbcomponents", component_list(sgx)}, {"pcesvn", pce_svn}, {"tdxtcbcomponents", component_list(tdx)}}},
                {"tcbDate", "2026-05-13T00:00:00Z"},
                {"tcbStatus", status}};
    }
    static Json svn_level(int svn, const char *status) {
        return {{"tcb", {{"isvsvn", svn}}}, {"tcbDate", "2026-05-13T00:00:00Z"}, {"tcbStatus", status}};
    }
    static Json good_tcb_info() {
        const std::string zeros(96, '0');
        auto outdated = level({4, 4, 2, 2, 3, 1, 0, 5}, 13, {5, 0, 3}, "OutOfDate");
        outdated["advisoryIDs"] = {"INTEL-SA-00001", "INTEL-SA-00002"};
        auto outdated_module = svn_level(4, "OutOfDate");
        outdated_module["advisoryIDs"] = {"INTEL-SA-00002", "INTEL-SA-00003"};
        return {{"id", "TDX"},
                {"version", 3},
                {"issueDate", iso_time(test_now - 2 * test_day)},
                {"nextUpdate", iso_time(test_now + 28 * test_day)},
                {"fmspc", "90c06f000000"},
                {"pceId", "0000"},
                {"tcbType", 0},
                {"tcbEvaluationDataNumber", 18},
                {"tdxModule", {{"mrsigner", zeros}, {"attributes", "0000000000000000"}, {"attributesMask", "FFFFFFFFFFFFFFFF"}}},
                {"tdxModuleIdentities", Json::array({{{"id", "TDX_01"},
                                                      {"mrsigner", zeros},
                                                      {"attributes", "0000000000000000"},
                                                      {"attributesMask", "FFFFFFFFFFFFFFFF"},
                                                      {"tcbLevels", Json::array({svn_level(6, "UpToDate"), outdated_module})}}})},
                {"tcbLevels", Json::array({level({5, 5, 2, 2, 4, 1, 0, 5}, 13, {6, 0, 4}, "UpToDate"), outdated})}};
    }
    static Json good_qe_identity() {
        return {{"id", "TD_QE"},
                {"version", 2},
                {"issueDate", iso_time(test_now - 3 * test_day)},
                {"nextUpdate", iso_time(test_now + 27 * test_day)},
                {"tcbEvaluationDataNumber", 18},
                {"miscselect", "00000000"},
                {"miscselectMask", "FFFFFFFF"},
                {"attributes", "11000000000000000000000000000000"},
                {"attributesMask", "FBFFFFFFFFFFFFFF0000000000000000"},
                {"mrsigner", std::string(intel_qe_signer)},
                {"isvprodid", 2},
                {"tcbLevels", Json::array({svn_level(6, "UpToDate"), svn_level(4, "OutOfDate")})}};
    }

    Bytes root_der_;
    Bytes authority_der_;
};

}  // namespace mr
