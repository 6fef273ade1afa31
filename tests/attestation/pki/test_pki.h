// Keys, certificates and CRLs of the tests' own, every field of which can be set to something wrong.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/digest.h"
#include "tests/attestation/pki/der_writer.h"

namespace mr {

inline void expect_openssl(bool good) {
    if (!good) throw std::runtime_error("OpenSSL refused what the tests need");
}

enum class TestCurve : std::uint8_t { p256, p384 };

class TestKey {
public:
    explicit TestKey(TestCurve curve = TestCurve::p256)
        : curve_(curve), key_(EVP_EC_gen(curve == TestCurve::p256 ? "P-256" : "P-384"), EVP_PKEY_free) {
        expect_openssl(key_ != nullptr);
        Bytes point(1 + 2 * coordinate());
        std::size_t size = 0;
        expect_openssl(EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size) == 1 &&
                       size == point.size());
        public_key_.assign(point.begin() + 1, point.end());
    }

    // x || y
    [[nodiscard]] const Bytes &public_key() const { return public_key_; }

    // SEQUENCE { r, s }
    [[nodiscard]] Bytes sign_der(ByteView message) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        Bytes signature(2 + 2 * (3 + coordinate()));
        std::size_t size = signature.size();
        const auto *const digest = curve_ == TestCurve::p256 ? EVP_sha256() : EVP_sha384();
        expect_openssl(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
                       EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
        signature.resize(size);
        return signature;
    }

    // r || s
    [[nodiscard]] Bytes sign(ByteView message) const {
        const auto der = sign_der(message);
        Bytes raw(2 * coordinate());
        std::size_t at = 2;
        for (std::size_t end : {coordinate(), raw.size()}) {
            const std::size_t size = der.at(at + 1);
            const auto digits = std::min(size, coordinate());
            std::copy_n(der.begin() + static_cast<std::ptrdiff_t>(at + 2 + size - digits), digits,
                        raw.begin() + static_cast<std::ptrdiff_t>(end - digits));
            at += 2 + size;
        }
        return raw;
    }

    [[nodiscard]] Bytes id() const {
        const auto digest = hash(HashAlgorithm::sha256, public_key_);
        return Bytes(digest->bytes().begin(), digest->bytes().begin() + 20);
    }

private:
    [[nodiscard]] std::size_t coordinate() const { return curve_ == TestCurve::p256 ? 32 : 48; }

    TestCurve curve_;
    std::shared_ptr<EVP_PKEY> key_;  // a copy is the same key
    Bytes public_key_;
};

inline Bytes test_name(const std::string &common_name) {
    const auto attribute = [](const std::string &identifier, const std::string &value) {
        return der::element(0x31, der::sequence({der::object_identifier(identifier), der::text(value)}));
    };
    return der::sequence({attribute("2.5.4.3", common_name), attribute("2.5.4.10", "Simulation of the tests")});
}

inline Bytes ecdsa_sha256() { return der::sequence({der::object_identifier("1.2.840.10045.4.3.2")}); }

inline std::string pem_of(ByteView certificate) {
    const auto digits = to_base64(certificate);
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t i = 0; i < digits.size(); i += 64) text += digits.substr(i, 64) + "\n";
    return text + "-----END CERTIFICATE-----\n";
}

struct TestCertificate {
    std::string common_name;
    std::string issuer;
    std::uint32_t serial = 0;
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    bool is_authority = false;
    std::optional<PckExtension> pck = {};
    std::vector<std::string> left_out = {};      // identifiers of extensions that should be there
    std::vector<Bytes> more = {};                // extensions that should not
    std::optional<Bytes> authority_key_id = {};  // instead of the issuer's
    bool flip_signature = false;
    std::optional<Bytes> subject_key_id = {};  // instead of the key's

    [[nodiscard]] Bytes encode(const TestKey &key, const TestKey &issuer_key) const {
        std::vector<Bytes> extensions;
        const auto add = [&](const std::string &identifier, bool critical, const Bytes &value) {
            if (std::ranges::find(left_out, identifier) == left_out.end())
                extensions.push_back(der::extension(identifier, critical, value));
        };
        add("2.5.29.35", false, der::sequence({der::element(0x80, authority_key_id.value_or(issuer_key.id()))}));
        const auto url = der::element(0x86, as_bytes("https://crl.invalid/test.der"));
        add("2.5.29.31", false, der::sequence({der::sequence({der::element(0xA0, der::element(0xA0, url))})}));
        add("2.5.29.14", false, der::octets(subject_key_id.value_or(key.id())));
        // keyCertSign and cRLSign; digitalSignature and nonRepudiation.
        add("2.5.29.15", true, is_authority ? der::element(0x03, Bytes{1, 0x06}) : der::element(0x03, Bytes{6, 0xC0}));
        add("2.5.29.19", true, is_authority ? der::sequence({der::boolean(true), der::integer(1)}) : der::sequence({}));
        if (pck) add("1.2.840.113741.1.13.1", false, der::pck_extension(*pck));
        extensions.insert(extensions.end(), more.begin(), more.end());

        Bytes point{4};
        point.insert(point.end(), key.public_key().begin(), key.public_key().end());
        const auto key_info =
            der::sequence({der::sequence({der::object_identifier("1.2.840.10045.2.1"), der::object_identifier("1.2.840.10045.3.1.7")}),
                           der::bits(point)});
        const auto signed_part = der::sequence({der::element(0xA0, der::integer(2)), der::integer(serial), ecdsa_sha256(),
                                                test_name(issuer), der::sequence({der::time(not_before), der::time(not_after)}),
                                                test_name(common_name), key_info, der::element(0xA3, der::sequence(extensions))});
        auto signature = issuer_key.sign_der(signed_part);
        if (flip_signature) signature.back() ^= 1;
        return der::sequence({signed_part, ecdsa_sha256(), der::bits(signature)});
    }
};

struct TestCrl {
    std::string issuer;
    UnixTime this_update = 0;
    UnixTime next_update = 0;
    std::vector<std::uint32_t> revoked = {};
    bool has_number = true;
    bool has_authority_key_id = true;
    std::vector<Bytes> more = {};  // extensions that should not be there
    bool flip_signature = false;

    [[nodiscard]] Bytes encode(const TestKey &issuer_key) const {
        std::vector<Bytes> parts = {der::integer(1), ecdsa_sha256(), test_name(issuer), der::time(this_update), der::time(next_update)};
        std::vector<Bytes> entries;
        for (const auto serial : revoked) {
            const auto reason = der::extension("2.5.29.21", false, der::enumerated(1));
            entries.push_back(der::sequence({der::integer(serial), der::time(this_update), der::sequence({reason})}));
        }
        if (!entries.empty()) parts.push_back(der::sequence(entries));
        std::vector<Bytes> extensions = more;
        if (has_number) extensions.push_back(der::extension("2.5.29.20", false, der::integer(1)));
        if (has_authority_key_id) {
            extensions.push_back(der::extension("2.5.29.35", false, der::sequence({der::element(0x80, issuer_key.id())})));
        }
        parts.push_back(der::element(0xA0, der::sequence(extensions)));
        const auto signed_part = der::sequence(parts);
        auto signature = issuer_key.sign_der(signed_part);
        if (flip_signature) signature.back() ^= 1;
        return der::sequence({signed_part, ecdsa_sha256(), der::bits(signature)});
    }
};

}  // namespace mr
