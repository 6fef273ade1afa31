// A device's keys and certificates, made when the test starts: a root and a leaf for each slot, with the device's identity in the leaf's subject alternative names.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "mr/bytes.h"

namespace mr::spdm_test {

inline void expect_openssl(bool good) {
    if (!good) throw std::runtime_error("OpenSSL refused what the tests need");
}

using Key = std::shared_ptr<EVP_PKEY>;
using X509Pointer = std::shared_ptr<X509>;

inline Key new_key(bool is_p256) {
    Key key(EVP_EC_gen(is_p256 ? "P-256" : "P-384"), EVP_PKEY_free);
    expect_openssl(key != nullptr);
    return key;
}

inline Bytes der_of(X509 *certificate) {
    unsigned char *out = nullptr;
    const int size = i2d_X509(certificate, &out);
    expect_openssl(size > 0);
    Bytes der(out, out + size);
    OPENSSL_free(out);
    return der;
}

struct Identity {
    std::string common_name;
    std::string pci = {};  // OtherName 2.23.147: "Vendor=...:Device=..."; empty: none
};

// `issuer` null: signed by itself.
inline X509Pointer new_certificate(const Identity &identity, const Key &key, X509 *issuer, const Key &signer, bool is_p256) {
    static long serial = 0;
    X509Pointer certificate(X509_new(), X509_free);
    expect_openssl(certificate != nullptr);
    auto *made = certificate.get();
    auto *name = X509_get_subject_name(made);
    const auto *const text = reinterpret_cast<const unsigned char *>(identity.common_name.c_str());
    expect_openssl(X509_set_version(made, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial) == 1 &&
                   X509_gmtime_adj(X509_getm_notBefore(made), -24L * 3600) != nullptr &&
                   X509_gmtime_adj(X509_getm_notAfter(made), 365L * 24 * 3600) != nullptr && X509_set_pubkey(made, key.get()) == 1 &&
                   X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
                   X509_set_issuer_name(made, issuer == nullptr ? name : X509_get_subject_name(issuer)) == 1);
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer == nullptr ? made : issuer, made, nullptr, nullptr, 0);
    const auto add = [&](int kind, const std::string &value) {
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
            X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
        expect_openssl(extension != nullptr && X509_add_ext(made, extension.get(), -1) == 1);
    };
    const bool is_authority = issuer == nullptr;
    add(NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add(NID_key_usage, is_authority ? "critical,keyCertSign" : "critical,digitalSignature");
    add(NID_subject_key_identifier, "hash");
    if (!is_authority) add(NID_authority_key_identifier, "keyid");
    if (!identity.pci.empty()) add(NID_subject_alt_name, "otherName:2.23.147;UTF8:" + identity.pci);
    expect_openssl(X509_sign(made, signer.get(), is_p256 ? EVP_sha256() : EVP_sha384()) > 0);
    return certificate;
}

// One slot's: what a verifier trusts, and what the device has.
struct SlotPki {
    explicit SlotPki(const std::string &name, bool is_p256 = false,
                     std::string pci = "Vendor=1234:Device=5678:CC=030200:REV=01:SSVID=1AF4:SSID=1100")
        : root_key(new_key(is_p256)),
          root(new_certificate({name + " root"}, root_key, nullptr, root_key, is_p256)),
          key(new_key(is_p256)),
          leaf(new_certificate({name, std::move(pci)}, key, root.get(), root_key, is_p256)) {}

    [[nodiscard]] Bytes root_der() const { return der_of(root.get()); }
    [[nodiscard]] Bytes leaf_der() const { return der_of(leaf.get()); }
    [[nodiscard]] std::string root_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
        expect_openssl(PEM_write_bio_X509(out.get(), root.get()) == 1);
        char *text = nullptr;
        const auto size = BIO_get_mem_data(out.get(), &text);
        return {text, static_cast<std::size_t>(size)};
    }

    Key root_key;
    X509Pointer root;
    Key key;
    X509Pointer leaf;
};

}  // namespace mr::spdm_test
