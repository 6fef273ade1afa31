// Certificates in files that people keep. What a peer sends is read strictly: certificate_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mr/certificate.h"
#include "mr/verify_quote.h"
#include "tests/attestation/pki/test_pki.h"

namespace mr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::expected<std::vector<Bytes>, Error> found_in(std::string_view file) { return find_certificates(as_bytes(file)); }

// DER to the eye: a SEQUENCE of that many bytes.
Bytes sequence(std::uint8_t size, std::uint8_t byte) {
    Bytes der{0x30, size};
    der.resize(2U + size, byte);
    return der;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return text;
}

TEST(CertificateFile, TextAroundCertificatesIsPassedOver) {
    const auto first = sequence(60, 1);
    const auto second = sequence(100, 2);
    const auto one = pem_of(first);
    const auto two = pem_of(second);
    const auto file = "Certificate:\n    Data:\n        Version: 3 (0x2)\n" + one +
                      "\n# -----BEGIN CERTIFICATE-----\n# a comment: AAAA\n\n" + two + " the end, without a line end";
    for (const auto &text : {file, "\xEF\xBB\xBF" + file, "\xEF\xBB\xBF" + one + two, replaced(file, "\n", "\r\n"),
                             replaced(file, "\n", "\r"), replaced(file, "\n", " \t\n"), replaced(file, "\n", "\n\n"),
                             replaced(one + two, "\n", "\n  "), replaced(file, "CERTIFICATE-----\nM", "X509 CERTIFICATE-----\nM")}) {
        const auto found = found_in(text);
        ASSERT_TRUE(found) << found.error().message << text;
        EXPECT_THAT(*found, ElementsAre(first, second)) << text;
    }
}

TEST(CertificateFile, BlocksOfOtherKindsAreNoCertificates) {
    const auto der = sequence(60, 1);
    const std::string key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    EXPECT_THAT(*found_in(key + pem_of(der) + key), ElementsAre(der));
    EXPECT_THAT(found_in(key).error().message, HasSubstr("no certificate"));
}

TEST(CertificateFile, OldNamesOfTheLabelMeanTheSame) {
    const auto der = sequence(60, 1);
    for (const auto *label : {"X509 CERTIFICATE-----", "X.509 CERTIFICATE-----"})
        EXPECT_THAT(*found_in(replaced(pem_of(der), "CERTIFICATE-----", label)), ElementsAre(der));
}

TEST(CertificateFile, DerIsOneCertificateOrSeveralWithBlanksBehind) {
    const auto first = sequence(60, 1);
    const auto second = sequence(100, 2);
    const std::string one(first.begin(), first.end());
    const std::string two(second.begin(), second.end());
    EXPECT_THAT(*found_in(one), ElementsAre(first));
    EXPECT_THAT(*found_in(one + "\r\n"), ElementsAre(first));
    EXPECT_THAT(*found_in(one + two + "\n"), ElementsAre(first, second));
    EXPECT_THAT(found_in(one + "x").error().message, HasSubstr("behind 1 certificates"));
    EXPECT_FALSE(found_in(one.substr(0, one.size() - 1)));
}

TEST(CertificateFile, WhatIsNotWholeIsAnErrorThatSaysWhich) {
    const auto good = pem_of(sequence(60, 1));
    const auto error_of = [](std::string_view text) {
        const auto found = found_in(text);
        if (found) return std::string("no error");
        EXPECT_EQ(found.error().code, ErrorCode::malformed);
        return found.error().message;
    };
    EXPECT_THAT(error_of(""), HasSubstr("no certificate"));
    EXPECT_THAT(error_of("text\n"), HasSubstr("no certificate"));
    EXPECT_THAT(error_of(good + good.substr(0, good.size() - 10)), HasSubstr("certificate 2 of the file has no end"));
    EXPECT_THAT(error_of("-----BEGIN CERTIFICATE-----\n" + good), HasSubstr("certificate 1 of the file has no end"));
    EXPECT_THAT(error_of("-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n"),
                HasSubstr("certificate 1 of the file is not base64"));
    EXPECT_THAT(error_of("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), HasSubstr("certificate 1 of the file is not base64"));
    EXPECT_THAT(error_of(std::string("\xFF\xFE-\0-\0", 6)), HasSubstr("neither DER nor text in UTF-8"));
    std::string many;
    for (std::size_t i = 0; i < max_certificates_in_file; ++i) many += pem_of(sequence(3, 1));
    EXPECT_EQ(error_of(many), "no error");
    EXPECT_THAT(error_of(many + good), HasSubstr("more than 256 certificates"));
    EXPECT_THAT(error_of(good + std::string(max_certificate_file_size, '\n')), HasSubstr("are the most that are read"));
}

TEST(CertificateFile, TrustAnchorsAreReadOutOfSuchAFile) {
    const auto root = intel_trust_anchors().roots.front();
    const auto text = "\xEF\xBB\xBF# Intel SGX Root CA\n" + pem_of(root) + "\n\n";
    const auto anchors = parse_trust_anchors(as_bytes(text));
    ASSERT_TRUE(anchors) << anchors.error().message;
    EXPECT_THAT(anchors->roots, ElementsAre(root));
    auto der = root;
    der.push_back('\n');
    EXPECT_THAT(parse_trust_anchors(der)->roots, ElementsAre(root));
    EXPECT_THAT(parse_trust_anchors(as_bytes(pem_of(root) + pem_of(sequence(60, 1)))).error().message,
                HasSubstr("root certificate 2 of the file"));
}

}  // namespace
}  // namespace mr
