// Certificates, CRLs and PEM: what is read, and what is not taken for one. OpenSSL's reader is the second opinion.
#include "mr/certificate.h"

#include <gmock/gmock.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/x509.h"
#include "mr/quote.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/tee/tdx/test_platform.h"

namespace mr {
namespace {

using attestation::parse_certificate;
using attestation::parse_crl;
using ::testing::HasSubstr;

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

UnixTime openssl_time(const ASN1_TIME *time) {
    std::tm broken{};
    EXPECT_EQ(ASN1_TIME_to_tm(time, &broken), 1);
    return timegm(&broken);
}

void expect_as_openssl_reads_it(const Bytes &der) {
    const auto *at = der.data();
    const X509Ptr other(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
    ASSERT_TRUE(other);
    const auto own = describe_certificate(der);
    ASSERT_TRUE(own) << own.error().message;
    EXPECT_EQ(own->not_before, openssl_time(X509_get0_notBefore(other.get())));
    EXPECT_EQ(own->not_after, openssl_time(X509_get0_notAfter(other.get())));
    const auto *const serial = X509_get0_serialNumber(other.get());
    EXPECT_EQ(to_hex(own->serial), to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))}));
    std::array<char, 256> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(other.get()), NID_commonName, name.data(), name.size());
    EXPECT_THAT(own->subject, HasSubstr(std::string("CN=") + name.data()));
    X509_NAME_get_text_by_NID(X509_get_issuer_name(other.get()), NID_commonName, name.data(), name.size());
    EXPECT_THAT(own->issuer, HasSubstr(std::string("CN=") + name.data()));
    EXPECT_EQ(own->is_authority, X509_check_ca(other.get()) == 1);
    std::array<std::uint8_t, 32> fingerprint{};
    X509_digest(other.get(), EVP_sha256(), fingerprint.data(), nullptr);
    EXPECT_EQ(to_hex(own->fingerprint.bytes()), to_hex(fingerprint));
}

TEST(Certificate, IsReadAsOpensslReadsIt) {
    TestPlatform platform;
    platform.root.not_after = 2'600'000'000;  // beyond 2050: the other form of a time
    platform.pck.serial = 0xFEDCBA98;
    for (const auto &der : {platform.root_der(), platform.authority_der(), platform.pck.encode(platform.pck_key, platform.authority_key),
                            platform.tcb_signing.encode(platform.tcb_key, platform.root_key)}) {
        expect_as_openssl_reads_it(der);
    }
}

TEST(Certificate, OfEverySampleIsReadAsOpensslReadsIt) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto &folder : sample_quotes()) {
        SCOPED_TRACE(folder);
        const auto bytes = sample_bytes(folder + "/quote.bin");
        const auto inner = decode_quote(bytes)->inner_certification_data;
        std::string pem(inner.begin(), inner.end());
        if (pem.ends_with('\0')) pem.pop_back();
        const auto chain = decode_pem_certificates(pem);
        ASSERT_TRUE(chain) << chain.error().message;
        ASSERT_EQ(chain->size(), 3U);
        for (const auto &der : *chain) expect_as_openssl_reads_it(der);
        // What the writer of the tests makes of the extension is what Intel made of it.
        const auto leaf = parse_certificate(chain->front());
        ASSERT_TRUE(leaf && leaf->pck_extension);
        const auto extension = decode_pck_extension(*leaf->pck_extension);
        ASSERT_TRUE(extension) << extension.error().message;
        EXPECT_EQ(to_hex(der::pck_extension(*extension)), to_hex(*leaf->pck_extension));
    }
}

TEST(Certificate, OfASampleNamesThePlatform) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const auto bytes = sample_bytes("quote/google-v5-body3/quote.bin");
    const auto inner = decode_quote(bytes)->inner_certification_data;
    const std::string pem(inner.begin(), inner.end() - 1);
    const auto leaf = describe_certificate(decode_pem_certificates(pem)->front());
    ASSERT_TRUE(leaf && leaf->pck);
    EXPECT_EQ(leaf->subject, "CN=Intel SGX PCK Certificate, O=Intel Corporation, L=Santa Clara, ST=CA, C=US");
    EXPECT_EQ(to_hex(leaf->pck->fmspc), "90c06f000000");
    EXPECT_EQ(to_hex(leaf->pck->pce_id), "0000");
    EXPECT_EQ(leaf->pck->pce_svn, 13);
    EXPECT_EQ(leaf->pck->sgx_type, 1);
    EXPECT_EQ(to_hex(leaf->pck->ppid), "2734b654f553596897eaadfb5667a954");
    EXPECT_THAT(leaf->pck->tcb_components, testing::ElementsAre(4, 4, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0));
    EXPECT_TRUE(leaf->pck->configuration->smt_enabled);
}

// Whatever byte changes: what OpenSSL refuses is refused here, and nothing that is read is beyond the end.
TEST(Certificate, WithAnyByteChangedIsNeverTakenForOneThatOpensslRefuses) {
    TestPlatform platform;
    const auto good = platform.pck.encode(platform.pck_key, platform.authority_key);
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
            auto der = good;
            der[i] = static_cast<std::uint8_t>(der[i] ^ flip);
            if (!parse_certificate(der)) continue;
            const auto *at = der.data();
            const X509Ptr other(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
            EXPECT_TRUE(other) << i;
        }
    }
}

TEST(Certificate, ThatEndsAnywhereTooEarlyOrTooLateIsMalformed) {
    TestPlatform platform;
    const auto certificate = platform.pck.encode(platform.pck_key, platform.authority_key);
    const auto crl = platform.pck_crl.encode(platform.authority_key);
    EXPECT_TRUE(parse_certificate(certificate));
    EXPECT_TRUE(parse_crl(crl));
    for (std::size_t size = 0; size < certificate.size(); ++size) {
        EXPECT_FALSE(parse_certificate(Bytes(certificate.begin(), certificate.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    }
    for (std::size_t size = 0; size < crl.size(); ++size) {
        EXPECT_FALSE(parse_crl(Bytes(crl.begin(), crl.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    }
    for (auto der : {certificate, crl}) {
        der.push_back(0);
        EXPECT_FALSE(parse_certificate(der));
        EXPECT_FALSE(parse_crl(der));
    }
}

TEST(Crl, RevokesTheSerialNumbersThatItNamesAndNoOthers) {
    TestPlatform platform;
    platform.pck_crl.revoked = {1, 0x80, 0xFFFFFFFF};
    const auto der = platform.pck_crl.encode(platform.authority_key);
    const auto crl = parse_crl(der);
    ASSERT_TRUE(crl) << crl.error();
    for (const auto &serial : {Bytes{1}, Bytes{0x80}, Bytes{0xFF, 0xFF, 0xFF, 0xFF}}) EXPECT_TRUE(crl->revokes(serial));
    for (const auto &serial : {Bytes{2}, Bytes{0}, Bytes{0xFF}, Bytes{0, 1}, Bytes()}) EXPECT_FALSE(crl->revokes(serial));
}

TEST(Crl, IsDescribedAndFoundInAFile) {
    TestPlatform platform;
    platform.pck_crl.revoked = {1, 0x80, 0xFFFFFFFF};
    const auto der = platform.pck_crl.encode(platform.authority_key);
    const auto crl = describe_crl(der);
    ASSERT_TRUE(crl) << crl.error().message;
    EXPECT_EQ(crl->issuer, attestation::name_text(parse_crl(der)->issuer));
    EXPECT_EQ(crl->this_update, platform.pck_crl.this_update);
    EXPECT_EQ(crl->next_update, platform.pck_crl.next_update);
    EXPECT_EQ(crl->revoked, (std::vector{Bytes{1}, Bytes{0x80}, Bytes{0xFF, 0xFF, 0xFF, 0xFF}}));
    platform.pck_crl.revoked.clear();
    EXPECT_TRUE(describe_crl(platform.pck_crl.encode(platform.authority_key))->revoked.empty());
    EXPECT_EQ(describe_crl(as_bytes("none")).error().code, ErrorCode::malformed);

    const auto pem = "kept here\n-----BEGIN X509 CRL-----\n" + to_base64(der) + "\n-----END X509 CRL-----\n";
    const auto found = std::vector<Bytes>{der};
    EXPECT_EQ(*find_crls(der), found);
    EXPECT_EQ(*find_crls(as_bytes(pem)), found);
    EXPECT_TRUE(find_crls(as_bytes("none"))->empty());
    EXPECT_FALSE(find_crls(as_bytes("-----BEGIN X509 CRL-----\n")));
}

TEST(Crl, WithoutItsNumberOrItsIssuersKeyIsMalformed) {
    TestPlatform platform;
    auto crl = platform.pck_crl;
    crl.has_number = false;
    EXPECT_FALSE(parse_crl(crl.encode(platform.authority_key)));
    crl = platform.pck_crl;
    crl.has_authority_key_id = false;
    EXPECT_FALSE(parse_crl(crl.encode(platform.authority_key)));
}

// ---- The PCK certificate's extension

TEST(PckExtension, WrittenAndReadIsTheSame) {
    auto extension = *TestPlatform().pck.pck;
    EXPECT_EQ(decode_pck_extension(der::pck_extension(extension)), extension);
    extension.tcb_components.fill(0xFF);
    extension.pce_svn = 0xFFFF;
    EXPECT_EQ(decode_pck_extension(der::pck_extension(extension)), extension);
    extension.platform_instance_id.reset();
    extension.configuration.reset();
    EXPECT_EQ(decode_pck_extension(der::pck_extension(extension)), extension);
}

TEST(PckExtension, WithAnyBitChangedIsMalformedOrSaysSomethingElse) {
    const auto extension = *TestPlatform().pck.pck;
    const auto good = der::pck_extension(extension);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto der = good;
        der[bit / 8] = static_cast<std::uint8_t>(der[bit / 8] ^ 1U << bit % 8);
        const auto read = decode_pck_extension(der);
        if (!read) continue;
        EXPECT_FALSE(*read == extension) << bit;
        // One encoding for each value.
        EXPECT_EQ(der::pck_extension(*read), der) << bit;
    }
}

TEST(PckExtension, WithAMemberMissingOrOutOfPlaceIsMalformed) {
    const auto extension = *TestPlatform().pck.pck;
    const auto der = der::pck_extension(extension);
    attestation::DerReader document(der);
    auto members = document.inside(attestation::DerTag::sequence);
    std::vector<Bytes> parts;
    while (members.more()) {
        const auto whole = members.any().whole;
        parts.emplace_back(whole.begin(), whole.end());
    }
    ASSERT_EQ(parts.size(), 7U);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto fewer = parts;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(decode_pck_extension(der::sequence(fewer))) << i;
        auto more = parts;
        more.push_back(parts[i]);
        EXPECT_FALSE(decode_pck_extension(der::sequence(more))) << i;
        if (i > 0) {
            auto swapped = parts;
            std::swap(swapped[i], swapped[i - 1]);
            EXPECT_FALSE(decode_pck_extension(der::sequence(swapped))) << i;
        }
    }
}

// ---- PEM

TEST(Pem, OfCertificatesIsReadWithAnyLineEnds) {
    const Bytes first(50, 1);
    const Bytes second(100, 2);
    auto text = pem_of(first) + "\n" + pem_of(second);
    EXPECT_EQ(*decode_pem_certificates(text), (std::vector{first, second}));
    std::string windows;
    for (const char c : text) windows += c == '\n' ? "\r\n" : std::string(1, c);
    EXPECT_EQ(*decode_pem_certificates(windows), (std::vector{first, second}));
}

TEST(Pem, WithAnythingElseInItIsMalformed) {
    const auto good = pem_of(Bytes(50, 1));
    for (const auto &text :
         {std::string(), std::string("\n"), std::string(1, '\0') + good, good + std::string(1, '\0'), "text " + good, good + "text",
          good.substr(1), good.substr(0, good.size() - 5), std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
          std::string("-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n"),
          std::string("-----BEGIN CERTIFICATE-----\nAA AA\n-----END CERTIFICATE-----\n"),
          std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "-----BEGIN CERTIFICATE-----\n" + good}) {
        const auto certificates = decode_pem_certificates(text);
        ASSERT_FALSE(certificates) << text;
        EXPECT_EQ(certificates.error().code, ErrorCode::malformed);
    }
}

TEST(Pem, HasALimitOfCertificatesAndOfSize) {
    std::string text;
    for (std::size_t i = 0; i < max_pem_certificates; ++i) text += pem_of(Bytes(3, 1));
    EXPECT_TRUE(decode_pem_certificates(text));
    EXPECT_FALSE(decode_pem_certificates(text + pem_of(Bytes(3, 1))));
    EXPECT_TRUE(decode_pem_certificates(text + std::string(max_pem_size - text.size(), '\n')));
    EXPECT_FALSE(decode_pem_certificates(text + std::string(max_pem_size + 1 - text.size(), '\n')));
}

}  // namespace
}  // namespace mr
