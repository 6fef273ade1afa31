// What is remembered of certificates from one verification to the next is true of the next one too.
#include "libmr/src/attestation/pki/certificate_chain.h"

#include <gtest/gtest.h>

#include "tests/attestation/tee/tdx/test_platform.h"

namespace mr::attestation {
namespace {

TEST(CertificatePool, ASignatureThatWasCheckedIsThatOfItsIssuerAlone) {
    TestPlatform platform;
    const auto leaf = pem_of(platform.pck.encode(platform.pck_key, platform.authority_key));
    // Another's, by the same name and key identifier.
    auto forged = platform.authority;
    forged.subject_key_id = platform.authority_key.id();
    const TestKey other;
    CertificatePool pool;
    pool.begin();
    const auto good = pool.read_chain(leaf + pem_of(platform.authority_der()), 2);
    const auto bad = pool.read_chain(leaf + pem_of(forged.encode(other, platform.root_key)), 2);
    ASSERT_TRUE(good) << good.error();
    ASSERT_TRUE(bad) << bad.error();
    ASSERT_EQ(good->front(), bad->front()) << "one certificate is read once";
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(pool.is_issued_by(*good->front(), *good->back()));
        EXPECT_FALSE(pool.is_issued_by(*bad->front(), *bad->back()));
    }
}

TEST(CertificatePool, OfEachVerificationItHasTheCertificatesOfThatOneAlone) {
    TestPlatform platform;
    TestPlatform other;
    CertificatePool pool;
    for (int i = 0; i < 2; ++i) {
        for (auto *each : {&platform, &other}) {
            pool.begin();
            ASSERT_TRUE(pool.read_chain(pem_of(each->authority_der()) + pem_of(each->root_der()), 2));
            EXPECT_EQ(pool.certificates().size(), 2U);
        }
    }
}

}  // namespace
}  // namespace mr::attestation
