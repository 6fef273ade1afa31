// A platform of the tests' own with keys of AMD's kinds: reports, certificates and a CRL that are good as they are made, and any field of which can be set to
// something else before it is signed.
#pragma once

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mr/verify_snp.h"
#include "tests/attestation/pki/test_pki.h"
#include "tests/attestation/tee/tdx/test_platform.h"

namespace mr {

// Made once for a test program: that takes long.
class TestRsaKey {
public:
    TestRsaKey() : key_(EVP_RSA_gen(2048), EVP_PKEY_free) { expect_openssl(key_ != nullptr); }

    // SubjectPublicKeyInfo.
    [[nodiscard]] Bytes key_info() const {
        Bytes der(static_cast<std::size_t>(i2d_PUBKEY(key_.get(), nullptr)));
        auto *at = der.data();
        i2d_PUBKEY(key_.get(), &at);
        return der;
    }
    [[nodiscard]] Bytes id() const {
        const auto digest = hash(HashAlgorithm::sha256, key_info());
        return Bytes(digest->bytes().begin(), digest->bytes().begin() + 20);
    }
    [[nodiscard]] Bytes sign(ByteView message, int salt_size = 48) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        EVP_PKEY_CTX *parameters = nullptr;
        Bytes signature(256);
        std::size_t size = signature.size();
        expect_openssl(EVP_DigestSignInit(context.get(), &parameters, EVP_sha384(), nullptr, key_.get()) == 1 &&
                       EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt_size) == 1 &&
                       EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
        return signature;
    }

private:
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

inline Bytes rsa_pss_sha384(bool with_trailer = true) {
    const auto sha384 = der::sequence({der::object_identifier("2.16.840.1.101.3.4.2.2"), Bytes{5, 0}});
    const auto mgf1 = der::sequence({der::object_identifier("1.2.840.113549.1.1.8"), sha384});
    std::vector<Bytes> parameters{der::element(0xA0, sha384), der::element(0xA1, mgf1), der::element(0xA2, der::integer(48))};
    if (with_trailer) parameters.push_back(der::element(0xA3, der::integer(1)));
    return der::sequence({der::object_identifier("1.2.840.113549.1.1.10"), der::sequence(parameters)});
}

inline Bytes ia5(std::string_view text) { return der::element(0x16, as_bytes(text)); }

struct TestAmdCertificate {
    std::string common_name;
    std::string issuer;
    std::uint32_t serial = 0;
    UnixTime not_before = test_now - 365 * test_day;
    UnixTime not_after = test_now + 365 * test_day;
    bool is_authority = true;
    bool may_sign_certificates = true;
    bool may_sign_crls = false;
    std::vector<std::pair<std::string, Bytes>> extensions = {};  // below AMD's arc
    std::optional<Bytes> authority_key_id = {};
    int salt_size = 48;
    bool with_trailer = true;

    // `id`: of the key, for authorities.
    [[nodiscard]] Bytes encode(const Bytes &key_info, const Bytes &id, const TestRsaKey &issuer_key) const {
        std::vector<Bytes> all;
        if (is_authority) {
            const auto usage = static_cast<std::uint8_t>((may_sign_certificates ? 4 : 0x80) | (may_sign_crls ? 2 : 0));
            all.push_back(der::extension("2.5.29.15", true,
                                         der::element(0x03, Bytes{static_cast<std::uint8_t>(may_sign_crls           ? 1
                                                                                            : may_sign_certificates ? 2
                                                                                                                    : 7),
                                                                  usage})));
            all.push_back(der::extension("2.5.29.14", false, der::octets(id)));
            all.push_back(der::extension("2.5.29.19", true, der::sequence({der::boolean(true)})));
        }
        if (authority_key_id) all.push_back(der::extension("2.5.29.35", false, der::sequence({der::element(0x80, *authority_key_id)})));
        for (const auto &[path, value] : extensions) all.push_back(der::extension("1.3.6.1.4.1.3704.1." + path, false, value));
        const auto algorithm = rsa_pss_sha384(with_trailer);
        const auto signed_part = der::sequence({der::element(0xA0, der::integer(2)), der::integer(serial), algorithm, test_name(issuer),
                                                der::sequence({der::time(not_before), der::time(not_after)}), test_name(common_name),
                                                key_info, der::element(0xA3, der::sequence(all))});
        return der::sequence({signed_part, algorithm, der::bits(issuer_key.sign(signed_part, salt_size))});
    }
};

struct TestAmdCrl {
    std::string issuer = "ARK-Milan";
    UnixTime this_update = test_now - test_day;
    UnixTime next_update = test_now + test_day;
    std::vector<std::uint32_t> revoked = {99};
    std::optional<Bytes> authority_key_id = {};

    [[nodiscard]] Bytes encode(const TestRsaKey &issuer_key) const {
        std::vector<Bytes> entries;
        for (const auto serial : revoked) entries.push_back(der::sequence({der::integer(serial), der::time(this_update)}));
        std::vector<Bytes> extensions{der::extension("2.5.29.20", false, der::integer(1))};
        if (authority_key_id)
            extensions.push_back(der::extension("2.5.29.35", false, der::sequence({der::element(0x80, *authority_key_id)})));
        std::vector<Bytes> parts{der::integer(1), rsa_pss_sha384(), test_name(issuer), der::time(this_update), der::time(next_update)};
        if (!entries.empty()) parts.push_back(der::sequence(entries));
        parts.push_back(der::element(0xA0, der::sequence(extensions)));
        const auto signed_part = der::sequence(parts);
        return der::sequence({signed_part, rsa_pss_sha384(), der::bits(issuer_key.sign(signed_part))});
    }
};

class TestSnp {
public:
    explicit TestSnp(SnpProduct of = SnpProduct::milan, bool with_vlek = false) : product(to_string(of)), is_vlek(with_vlek) {
        ark = {.common_name = "ARK-" + product, .issuer = "ARK-" + product, .serial = 1, .may_sign_crls = true};
        ask = {.common_name = (is_vlek ? "SEV-VLEK-" : "SEV-") + product, .issuer = "ARK-" + product, .serial = 2};
        ask.authority_key_id = ark_key().id();
        key = {.common_name = is_vlek ? "SEV-VLEK" : "SEV-VCEK", .issuer = ask.common_name, .is_authority = false};
        crl.issuer = ark.common_name;
        const bool is_turin = of == SnpProduct::turin;
        report.version = is_turin ? 5 : 3;
        report.signature_algorithm = snp_ecdsa_p384_sha384;
        report.policy = 0x30000;
        report.platform_info = 0x25;
        report.key_info = is_vlek ? 4 : 0;
        report.report_data.fill(0x66);
        report.measurement.fill(0x77);
        report.report_id.fill(0x88);
        report.report_id_ma.fill(0xFF);
        report.family = is_turin ? 0x1A : 0x19;
        report.model = is_turin ? 2 : of == SnpProduct::genoa ? 0xA0 : 1;
        if (!is_vlek) std::fill_n(report.chip_id.begin(), is_turin ? 8 : 64, std::uint8_t{0x99});
        report.reported_tcb = is_turin ? SnpTcbBytes{1, 4, 1, 24, 0, 0, 0, 217} : SnpTcbBytes{4, 1, 0, 0, 0, 0, 24, 217};
        report.committed_tcb = report.current_tcb = report.launch_tcb = report.reported_tcb;
        key.extensions = {{"1", der::integer(is_turin ? 1 : 0)}, {"2", ia5(of == SnpProduct::milan && !is_vlek ? "Milan-B0" : product)}};
        if (is_turin) key.extensions.emplace_back("3.9", der::integer(1));
        for (const auto &[path, value] :
             {std::pair{"3.1", 4U}, std::pair{"3.2", 1U}, std::pair{"3.5", 0U}, std::pair{"3.3", 24U}, std::pair{"3.8", 217U}})
            key.extensions.emplace_back(path, der::integer(value));
        if (is_vlek) {
            key.extensions.emplace_back("5", ia5("CN=cloud.example"));
        } else {
            key.extensions.emplace_back("4", Bytes(is_turin ? 8 : 64, 0x99));
        }
    }

    static const TestRsaKey &ark_key() { return key_number<0>(); }
    static const TestRsaKey &ask_key() { return key_number<1>(); }
    static const TestRsaKey &another_key() { return key_number<2>(); }

    Bytes &extension(const std::string &path) {
        return std::ranges::find(key.extensions, path, [](const auto &each) { return each.first; })->second;
    }
    void leave_out(const std::string &path) {
        std::erase_if(key.extensions, [&](const auto &each) { return each.first == path; });
    }

    [[nodiscard]] Bytes ark_der() {
        if (ark_der_.empty()) ark_der_ = ark.encode(ark_key().key_info(), ark_key().id(), ark_key());
        return ark_der_;
    }
    [[nodiscard]] Bytes ask_der() const { return ask.encode(ask_key().key_info(), ask_key().id(), ark_key()); }
    [[nodiscard]] Bytes key_der() const {
        Bytes point{4};
        point.insert(point.end(), report_key.public_key().begin(), report_key.public_key().end());
        const auto info = der::sequence(
            {der::sequence({der::object_identifier("1.2.840.10045.2.1"), der::object_identifier("1.3.132.0.34")}), der::bits(point)});
        return key.encode(info, {}, ask_key());
    }
    [[nodiscard]] TrustAnchors anchors() { return {.roots = {ark_der()}}; }

    [[nodiscard]] Bytes signed_report() const {
        auto bytes = encode_snp_report(report);
        before_signing(bytes);
        const auto signature = report_key.sign(ByteView(bytes).first(snp_signed_size));
        std::reverse_copy(signature.begin(), signature.begin() + 48, bytes.begin() + snp_signed_size);
        std::reverse_copy(signature.begin() + 48, signature.end(), bytes.begin() + snp_signed_size + 72);
        return bytes;
    }
    [[nodiscard]] SnpCertificates certificates() {
        SnpCertificates made{.certificates = {key_der(), ask_der(), ark_der()}, .crls = {}};
        if (has_crl) made.crls.push_back(crl.encode(ark_key()));
        return made;
    }

    std::string product;
    bool is_vlek;
    TestAmdCertificate ark;
    TestAmdCertificate ask;
    TestAmdCertificate key;
    TestAmdCrl crl;
    bool has_crl = true;
    TestKey report_key{TestCurve::p384};
    SnpReport report;
    std::function<void(Bytes &)> before_signing = [](Bytes &) {};

private:
    template <int number>
    static const TestRsaKey &key_number() {
        static const TestRsaKey key;
        return key;
    }

    Bytes ark_der_;
};

// A change that changes nothing.
inline void keep(TestSnp & /*platform*/) {}

}  // namespace mr
