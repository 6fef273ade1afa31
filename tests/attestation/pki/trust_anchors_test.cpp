// What a file of trust anchors may have beside certificates: keys of platforms.
#include <gmock/gmock.h>

#include "libmr/src/base64url.h"
#include "mr/certificate.h"
#include "tests/attestation/tee/cca/cca_samples.h"
#include "tests/attestation/tee/cca/test_token.h"

namespace mr {
namespace {

using ::testing::HasSubstr;

std::string jwk_of(const TestKey &key, const std::string &curve) {
    const ByteView point = key.public_key();
    std::string x;
    std::string y;
    append_base64url(x, point.first(point.size() / 2));
    append_base64url(y, point.last(point.size() / 2));
    return R"({"kty":"EC","crv":")" + curve + R"(","x":")" + x + R"(","y":")" + y + R"(","use":"sig","kid":"1"})";
}

std::string error_of(const std::string &text) {
    const auto anchors = parse_trust_anchors(as_bytes(text));
    return anchors ? "" : anchors.error().message;
}

TEST(TrustAnchorFile, HasPlatformKeysByInstanceOrOneKeyForAny) {
    const TestKey small;
    const TestKey large(TestCurve::p384);
    const auto one = parse_trust_anchors(as_bytes("\xEF\xBB\xBF " + jwk_of(small, "P-256")));
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(one->platform_keys, (std::vector<PlatformKey>{{.key = small.public_key()}}));
    const auto several =
        parse_trust_anchors(as_bytes(R"([{"pkey":)" + jwk_of(large, "P-384") +
                                     R"(,"instance-id":"01AA","implementation-id":"0bcd"},{"pkey":)" + jwk_of(small, "P-256") + "}]"));
    ASSERT_TRUE(several) << several.error().message;
    EXPECT_EQ(several->platform_keys,
              (std::vector<PlatformKey>{{.key = large.public_key(), .instance_id = Bytes{1, 0xAA}, .implementation_id = Bytes{0x0B, 0xCD}},
                                        {.key = small.public_key()}}));
    EXPECT_TRUE(several->roots.empty());
}

TEST(TrustAnchorFile, IsRefusedWithWhatIsWrong) {
    const TestKey key;
    const auto jwk = jwk_of(key, "P-256");
    auto off = jwk;
    const auto y = off.find("\"y\":\"") + 5;
    off[y] = off[y] == 'A' ? 'B' : 'A';
    EXPECT_THAT(error_of(off), HasSubstr("no point of its curve"));
    EXPECT_THAT(error_of(R"([{"pkey":)" + off + "}]"), HasSubstr("platform key 1: its x and y are no point of its curve"));
    EXPECT_THAT(error_of(jwk_of(key, "P-384")), HasSubstr("x is not 48 bytes"));
    EXPECT_THAT(error_of(jwk_of(key, "P-521")), HasSubstr("neither P-256 nor P-384"));
    EXPECT_THAT(error_of(R"({"kty":"RSA"})"), HasSubstr("kty"));
    EXPECT_THAT(error_of(R"([{"instance-id":"01"}])"), HasSubstr("platform key 1 has no pkey"));
    EXPECT_THAT(error_of(R"([{"pkey":)" + jwk + R"(,"instanceId":"01"}])"), HasSubstr("instanceId is unknown"));
    EXPECT_THAT(error_of(R"([{"pkey":)" + jwk + R"(,"instance-id":"0x1"}])"), HasSubstr("instance-id is not hexadecimal"));
    EXPECT_THAT(error_of("[]"), HasSubstr("no platform key"));
    EXPECT_THAT(error_of("[{}"), HasSubstr("begins as JSON"));
}

TEST(TrustAnchorFile, HasPublicKeysInPemBesideCertificates) {
    if (!exists(sample_path("cca/tf-rmm"))) GTEST_SKIP() << "there are no samples on this machine";
    const auto pem = sample_text("cca/tf-rmm/cca_platform.pub");
    const auto keys = parse_trust_anchors(as_bytes(pem));
    ASSERT_TRUE(keys) << keys.error().message;
    const auto same = parse_trust_anchors(as_bytes(sample_text("cca/legacy-sha512/platform-key.jwk")));
    ASSERT_TRUE(same) << same.error().message;
    EXPECT_EQ(keys->platform_keys, same->platform_keys);
    EXPECT_THAT(error_of(pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), HasSubstr("root certificate 1"));
    EXPECT_THAT(error_of("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), HasSubstr("public key 1 of the file"));
}

TEST(TrustAnchorFile, OfAKeyOffTheCurveIsRefused) {
    if (!exists(sample_path("cca/bad-trust-anchor"))) GTEST_SKIP() << "there are no samples on this machine";
    EXPECT_THAT(error_of(sample_text("cca/bad-trust-anchor/ta-bad.json")), HasSubstr("no point of its curve"));
}

}  // namespace
}  // namespace mr
