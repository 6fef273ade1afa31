#include "mrd/providers/sim/pki.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "mrd/providers/sim/pck_extension.h"
#include "mrd/providers/sim/platform.h"
#include "mrd/providers/sim/report.h"

namespace mrd::sim {
namespace {

constexpr const char *organisation = "mrd simulation";
constexpr const char *organisational_unit = "proves nothing: not Intel hardware";
// Verifiers demand a distribution point and fetch nothing from it. RFC 2606: this name never resolves.
constexpr const char *crl_distribution_point = "URI:https://mrd-simulation.invalid/crl.der";

constexpr auto lifetime = std::chrono::days{20 * 365};

constexpr int serial_bits = 159;  // 20 octets and positive (RFC 5280, section 4.1.2.2)

template <auto free>
struct Free {
    template <typename T>
    void operator()(T *object) const noexcept {
        free(object);
    }
};
template <typename T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;

using Time = Owned<ASN1_TIME, ASN1_STRING_free>;
using Integer = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Number = Owned<BIGNUM, BN_free>;
using EcdsaSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

[[noreturn]] void refused() { throw std::runtime_error("OpenSSL refused to make the simulator's keys and certificates"); }

void need(int result) {
    if (result <= 0) {
        refused();
    }
}

template <typename T>
T *need(T *object) {
    if (object == nullptr) {
        refused();
    }
    return object;
}

Key new_key() { return Key(need(EVP_EC_gen("P-256"))); }

Time asn1_time(std::chrono::sys_seconds time) { return Time(need(ASN1_TIME_set(nullptr, time.time_since_epoch().count()))); }

Integer random_serial() {
    const Number number(need(BN_new()));
    need(BN_rand(number.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
    return Integer(need(BN_to_ASN1_INTEGER(number.get(), nullptr)));
}

template <std::size_t size>
std::array<std::uint8_t, size> random_bytes() {
    std::array<std::uint8_t, size> bytes{};
    need(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())));
    return bytes;
}

// Order and criticality are those of Intel's certificates.
struct Profile {
    const char *common_name;
    const char *key_usage;
    const char *basic_constraints;
    std::optional<mr::Bytes> pck_extension = {};
};

void set_names(X509 *certificate, X509 *issuer, const char *common_name) {
    X509_NAME *name = X509_get_subject_name(certificate);
    const auto add = [&](const char *field, const char *value) {
        need(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char *>(value), -1, -1, 0));
    };
    add("CN", common_name);
    add("O", organisation);
    add("OU", organisational_unit);
    need(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)));
}

void add_pck_extension(X509 *certificate, const mr::Bytes &der) {
    const Owned<ASN1_OBJECT, ASN1_OBJECT_free> identifier(need(OBJ_txt2obj(pck_extension_identifier, 1)));
    const Owned<ASN1_OCTET_STRING, ASN1_STRING_free> value(need(ASN1_OCTET_STRING_new()));
    need(ASN1_OCTET_STRING_set(value.get(), der.data(), static_cast<int>(der.size())));
    const Extension extension(need(X509_EXTENSION_create_by_OBJ(nullptr, identifier.get(), 0, value.get())));
    need(X509_add_ext(certificate, extension.get(), -1));
}

// Without an issuer it signs itself.
CertifiedKey certify(const Profile &profile, const CertifiedKey *issuer, std::chrono::sys_seconds now) {
    CertifiedKey made{.certificate = Certificate(need(X509_new())), .key = new_key()};
    X509 *certificate = made.certificate.get();
    X509 *issuer_certificate = issuer != nullptr ? issuer->certificate.get() : certificate;

    need(X509_set_version(certificate, X509_VERSION_3));
    need(X509_set_serialNumber(certificate, random_serial().get()));
    set_names(certificate, issuer_certificate, profile.common_name);
    need(X509_set1_notBefore(certificate, asn1_time(now - clock_skew).get()));
    need(X509_set1_notAfter(certificate, asn1_time(now + lifetime).get()));
    need(X509_set_pubkey(certificate, made.key.get()));

    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer_certificate, certificate, nullptr, nullptr, 0);
    X509V3_set_ctx_nodb(&context);
    const auto extension_of = [&](int identifier, const char *value) {
        return Extension(need(X509V3_EXT_conf_nid(nullptr, &context, identifier, value)));
    };
    const auto add = [&](const Extension &extension) { need(X509_add_ext(certificate, extension.get(), -1)); };
    // The root's authority key is its own subject key, which must be there first; yet the other comes first in the certificate.
    const Extension subject_key = extension_of(NID_subject_key_identifier, "hash");
    if (issuer == nullptr) {
        add(subject_key);
    }
    const Extension authority_key = extension_of(NID_authority_key_identifier, "keyid:always");
    if (issuer == nullptr) {
        X509_EXTENSION_free(X509_delete_ext(certificate, 0));
    }
    add(authority_key);
    add(extension_of(NID_crl_distribution_points, crl_distribution_point));
    add(subject_key);
    add(extension_of(NID_key_usage, profile.key_usage));
    add(extension_of(NID_basic_constraints, profile.basic_constraints));
    if (profile.pck_extension) {
        add_pck_extension(certificate, *profile.pck_extension);
    }
    need(X509_sign(certificate, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256()));
    return made;
}

}  // namespace

void OpenSslFree::operator()(evp_pkey_st *key) const noexcept { EVP_PKEY_free(key); }
void OpenSslFree::operator()(evp_pkey_ctx_st *context) const noexcept { EVP_PKEY_CTX_free(context); }
void OpenSslFree::operator()(x509_st *certificate) const noexcept { X509_free(certificate); }

Pki make_pki(std::chrono::sys_seconds now) {
    constexpr const char *of_ca = "critical,keyCertSign,cRLSign";
    constexpr const char *of_signer = "critical,digitalSignature,nonRepudiation";
    constexpr const char *no_ca = "critical,CA:FALSE";
    const PckExtension platform = {.ppid = random_bytes<16>(),
                                   .cpu_svn = simulated_cpu_svn,
                                   .pce_svn = simulated_pce_svn,
                                   .pce_id = simulated_pce_id,
                                   .fmspc = simulated_fmspc,
                                   .platform_instance_id = random_bytes<16>()};
    Pki pki;
    pki.root = certify({"Intel SGX Root CA", of_ca, "critical,CA:TRUE,pathlen:1"}, nullptr, now);
    pki.platform_ca = certify({"Intel SGX PCK Platform CA", of_ca, "critical,CA:TRUE,pathlen:0"}, &pki.root, now);
    pki.pck = certify({"Intel SGX PCK Certificate", of_signer, no_ca, encode_pck_extension(platform)}, &pki.platform_ca, now);
    pki.tcb_signing = certify({"Intel SGX TCB Signing", of_signer, no_ca}, &pki.root, now);
    pki.attestation_key = new_key();
    return pki;
}

std::string to_pem(const Certificate &certificate) {
    const Owned<BIO, BIO_free_all> out(need(BIO_new(BIO_s_mem())));
    need(PEM_write_bio_X509(out.get(), certificate.get()));
    char *text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

mr::Bytes make_crl(const CertifiedKey &ca, std::chrono::sys_seconds issued, std::chrono::sys_seconds next_update) {
    const Owned<X509_CRL, X509_CRL_free> crl(need(X509_CRL_new()));
    need(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2));
    need(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(ca.certificate.get())));
    need(X509_CRL_set1_lastUpdate(crl.get(), asn1_time(issued).get()));
    need(X509_CRL_set1_nextUpdate(crl.get(), asn1_time(next_update).get()));

    const Integer number(need(ASN1_INTEGER_new()));
    need(ASN1_INTEGER_set_int64(number.get(), issued.time_since_epoch().count()));
    need(X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number.get(), 0, 0));
    X509V3_CTX context;
    X509V3_set_ctx(&context, ca.certificate.get(), nullptr, nullptr, crl.get(), 0);
    X509V3_set_ctx_nodb(&context);
    const Extension authority_key(need(X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always")));
    need(X509_CRL_add_ext(crl.get(), authority_key.get(), -1));
    need(X509_CRL_sign(crl.get(), ca.key.get(), EVP_sha256()));

    unsigned char *der = nullptr;
    const int size = i2d_X509_CRL(crl.get(), &der);
    need(size);
    mr::Bytes bytes(der, der + size);
    OPENSSL_free(der);
    return bytes;
}

PublicKey public_key_of(const Key &key) {
    std::array<std::uint8_t, 65> point{};  // uncompressed: 4, x, y
    std::size_t size = 0;
    need(EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size));
    if (size != point.size() || point[0] != POINT_CONVERSION_UNCOMPRESSED) {
        refused();
    }
    PublicKey value{};
    std::copy(point.begin() + 1, point.end(), value.begin());
    return value;
}

Signer::Signer(const Key &key)
    : hasher_(mr::Hasher::open(mr::HashAlgorithm::sha256).value()),
      context_(need(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr))) {
    need(EVP_PKEY_sign_init(context_.get()));
    need(EVP_PKEY_CTX_set_signature_md(context_.get(), EVP_sha256()));
}

Signature Signer::sign(mr::ByteView message) {
    const mr::Digest digest = hasher_.hash(message);
    std::array<std::uint8_t, 80> der{};  // at most 72 are used
    std::size_t size = der.size();
    need(EVP_PKEY_sign(context_.get(), der.data(), &size, digest.bytes().data(), digest.size()));
    const std::uint8_t *in = der.data();
    const EcdsaSignature parsed(need(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(size))));
    Signature signature{};
    need(BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), signature.data(), 32));
    need(BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), signature.data() + 32, 32));
    return signature;
}

}  // namespace mrd::sim
