#include "mrd/providers/cca/cca_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "mr/bytes.h"
#include "tests/places.h"

namespace mrd {
namespace {

using ::testing::HasSubstr;

// Head and bytes of a byte string of less than 256 bytes.
mr::Bytes string_of(const mr::Bytes &bytes) {
    mr::Bytes out{0x58, static_cast<std::uint8_t>(bytes.size())};
    out.insert(out.end(), bytes.begin(), bytes.end());
    return out;
}
mr::Bytes joined(std::initializer_list<mr::Bytes> parts) {
    mr::Bytes out;
    for (const auto &part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

// A COSE_Sign1 over these claims.
mr::Bytes signed_claims(const mr::Bytes &claims) {
    return joined({{0xD2, 0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA0}, string_of(claims), string_of(mr::Bytes(96))});
}
// {a text, an array of byte strings and a number before it}
mr::Bytes claims_with(const mr::Bytes &challenge) {
    return joined(
        {{0xA4, 0x19, 0x01, 0x09, 0x61, 'p', 0x19, 0xAC, 0xCF, 0x82, 0x41, 1, 0x41, 2, 0x19, 0xAC, 0xD3, 1, 0x0A}, string_of(challenge)});
}
const mr::Bytes platform = {0x19, 0xAC, 0xCA, 0x41, 0};
const mr::Bytes realm_key = {0x19, 0xAC, 0xD1};
mr::Bytes token(const mr::Bytes &realm) { return joined({{0xD9, 0x01, 0x8F, 0xA2}, platform, realm_key, string_of(realm)}); }

std::string why_not(const mr::Bytes &bytes) {
    const auto read = read_cca_challenge(bytes);
    return read ? "a challenge" : read.error();
}

TEST(CcaToken, SaysTheRealmsChallenge) {
    const auto read = read_cca_challenge(token(signed_claims(claims_with(mr::Bytes(64, 7)))));
    ASSERT_TRUE(read) << read.error();
    EXPECT_THAT(*read, testing::Each(7));
}

TEST(CcaToken, OfRecordsWithAMediaTypeSaysTheSame) {
    const mr::Bytes record = {0x82, 0x19, 0x01, 0x07};
    const auto realm = signed_claims(claims_with(mr::Bytes(64, 8)));
    const auto read =
        read_cca_challenge(joined({{0xD9, 0x03, 0x8B, 0xA2, 0x19, 0xAC, 0xCA}, record, {0x41, 0}, realm_key, record, string_of(realm)}));
    ASSERT_TRUE(read) << read.error();
    EXPECT_THAT(*read, testing::Each(8));
}

// A key's id in the header that nobody signs, as COSE allows and verifiers pass over.
TEST(CcaToken, WithAnUnprotectedHeaderSaysTheSame) {
    const auto realm = joined({{0xD2, 0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA1, 0x04, 0x42, 1, 2},
                               string_of(claims_with(mr::Bytes(64, 9))),
                               string_of(mr::Bytes(96))});
    const auto read = read_cca_challenge(token(realm));
    ASSERT_TRUE(read) << read.error();
    EXPECT_THAT(*read, testing::Each(9));
    auto no_header = realm;
    no_header[7] = 0x01;
    EXPECT_THAT(why_not(token(no_header)), HasSubstr("no challenge"));
}

TEST(CcaToken, WithClaimsWhoseKeysAreNoNumbersBeforeTheChallengeSaysTheSame) {
    const mr::Bytes key_of_challenge{0x0A};
    const auto challenge = string_of(mr::Bytes(64, 6));
    // -1, -75000 and "x", each with a value that has a byte string in it; and a byte string for a key.
    for (const auto &before : {mr::Bytes{0x20, 0x41, 1}, mr::Bytes{0x3A, 0x00, 0x01, 0x24, 0xF7, 0x81, 0x41, 1},
                               mr::Bytes{0x61, 'x', 0xA1, 0x0A, 0x41, 1}, mr::Bytes{0x41, 0x0A, 0x41, 1}}) {
        const auto read = read_cca_challenge(token(signed_claims(joined({{0xA2}, before, key_of_challenge, challenge}))));
        ASSERT_TRUE(read) << mr::to_hex(before) << ": " << read.error();
        EXPECT_THAT(*read, testing::Each(6)) << mr::to_hex(before);
    }
    // The outer map likewise.
    const auto outer = joined({{0xD9, 0x01, 0x8F, 0xA3, 0x61, 'x', 0x01},
                               platform,
                               realm_key,
                               string_of(signed_claims(joined({{0xA1}, key_of_challenge, challenge})))});
    EXPECT_TRUE(read_cca_challenge(outer));
}

TEST(CcaToken, WithoutARealmOrAChallengeOf64BytesIsNone) {
    EXPECT_THAT(why_not({}), HasSubstr("no token"));
    EXPECT_THAT(why_not(joined({{0xD9, 0x01, 0x8F, 0xA1}, platform})), HasSubstr("no realm token"));
    EXPECT_THAT(why_not(token(mr::Bytes(30, 1))), HasSubstr("no challenge"));
    EXPECT_THAT(why_not(token(signed_claims(claims_with(mr::Bytes(63))))), HasSubstr("no challenge"));
    EXPECT_THAT(why_not(token(signed_claims({0xA0}))), HasSubstr("no challenge"));
}

TEST(CcaToken, CutAnywhereIsNone) {
    const auto whole = token(signed_claims(claims_with(mr::Bytes(64, 7))));
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read_cca_challenge(mr::ByteView(whole).first(size))) << size;
}

TEST(CcaToken, OfRealAndTestRealmsAreRead) {
    const std::filesystem::path data = places::shared_data() / "cca";
    if (!exists(data)) GTEST_SKIP() << "the samples are not beside the repository";
    for (const auto *const name : {"tf-rmm/cca_token.cbor", "cmw-907/token.cbor", "draft-ffm-00/token.cbor"}) {
        std::ifstream file(data / name, std::ios::binary);
        const mr::Bytes bytes(std::istreambuf_iterator<char>(file), {});
        const auto read = read_cca_challenge(bytes);
        EXPECT_TRUE(read) << name << ": " << read.error();
    }
}

}  // namespace
}  // namespace mrd
