// Tokens of Arm's CCA taken apart: the real ones, and what no token may be.
#include "mr/cca_token.h"

#include <gmock/gmock.h>

#include <array>

#include "tests/attestation/tee/cca/cca_samples.h"
#include "tests/attestation/tee/cca/test_token.h"

namespace mr {
namespace {

using ::testing::HasSubstr;
using namespace cca_test;  // NOLINT(google-build-using-namespace)

std::string algorithm_name(std::int64_t algorithm) { return algorithm == cose_es256 ? "ES256" : algorithm == cose_es384 ? "ES384" : "?"; }

std::string error_of(ByteView token) {
    const auto decoded = decode_cca_token(token);
    return decoded ? "" : decoded.error().message;
}

// A description that names the realm's hash and REMs alone.
void expect_realm(const CcaToken &token, const nlohmann::json &expected) {
    for (const auto &[member, value] : expected.items()) {
        if (member == "realm_hash_alg") {
            EXPECT_EQ(token.realm.hash_algorithm, value.get<std::string>());
        } else if (member == "rem") {
            ASSERT_EQ(value, "four 32-byte zero values");
            for (const auto &rem : token.realm.rem) EXPECT_EQ(to_hex(rem), std::string(64, '0'));
        } else {
            EXPECT_EQ(member, "cose_signatures") << "nothing compares it";
        }
    }
}

TEST(CcaSamples, AreWhatTheirDescriptionsSay) {
    const auto samples = cca_samples();
    if (samples.empty()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto &sample : samples) {
        SCOPED_TRACE(sample.folder);
        const auto bytes = sample_bytes(sample.token);
        EXPECT_TRUE(begins_cca_token(bytes));
        const auto token = decode_cca_token(bytes);
        ASSERT_TRUE(token) << token.error().message;
        if (!sample.expected.contains("platform")) {
            expect_realm(*token, sample.expected);
            continue;
        }
        EXPECT_EQ(token->outer_tag, sample.expected.at("outer_tag"));
        const auto &platform = sample.expected.at("platform");
        EXPECT_EQ(token->has_records(), platform.at("cmw_record"));
        EXPECT_EQ(algorithm_name(token->platform_token.algorithm), platform.at("alg").get<std::string>());
        EXPECT_EQ(token->platform.profile, platform.at("profile").get<std::string>());
        EXPECT_EQ(to_hex(token->platform.nonce), platform.at("nonce").get<std::string>());
        EXPECT_EQ(to_hex(token->platform.implementation_id), platform.at("implementation_id").get<std::string>());
        EXPECT_EQ(to_hex(token->platform.instance_id), platform.at("instance_id").get<std::string>());
        EXPECT_EQ(to_hex(token->platform.config), platform.at("config").get<std::string>());
        EXPECT_EQ(token->platform.lifecycle, platform.at("lifecycle"));
        EXPECT_EQ(token->platform.components.size(), platform.at("sw_components"));
        EXPECT_EQ(token->platform.hash_algorithm, platform.at("hash_alg").get<std::string>());
        EXPECT_EQ(token->platform.service.value_or(""), platform.at("service").get<std::string>());
        const auto &realm = sample.expected.at("realm");
        EXPECT_EQ(algorithm_name(token->realm_token.algorithm), realm.at("alg").get<std::string>());
        EXPECT_EQ(token->realm.profile ? nlohmann::json(*token->realm.profile) : nlohmann::json(), realm.at("profile"));
        EXPECT_EQ(to_hex(token->realm.challenge), realm.at("challenge").get<std::string>());
        EXPECT_EQ(to_hex(token->realm.personalization), realm.at("rpv").get<std::string>());
        EXPECT_EQ(token->realm.hash_algorithm, realm.at("hash_alg").get<std::string>());
        EXPECT_EQ(token->realm.profile ? "COSE_Key" : "raw point 0x04||x||y", realm.at("rak_form").get<std::string>());
        EXPECT_EQ(to_hex(token->realm.key), realm.at("rak").get<std::string>());
        EXPECT_TRUE(cca_realm_key(token->realm));
        EXPECT_EQ(token->realm.key_hash_algorithm, realm.at("rak_hash_alg").get<std::string>());
        EXPECT_EQ(to_hex(token->realm.rim), realm.at("rim").get<std::string>());
        for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(to_hex(token->realm.rem.at(i)), realm.at("rem").at(i).get<std::string>());
    }
}

// The one that a real RMM made (TF-RMM): its description leaves to the reader what these are.
TEST(CcaSamples, OfARealMonitorHasItsPlatformAndRealm) {
    if (!exists(sample_path("cca/tf-rmm"))) GTEST_SKIP() << "there are no samples on this machine";
    const auto bytes = sample_bytes("cca/tf-rmm/cca_token.cbor");
    const auto token = decode_cca_token(bytes);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->outer_tag, cca_token_tag);
    EXPECT_EQ(algorithm_name(token->platform_token.algorithm), "ES384");
    EXPECT_EQ(token->platform.profile, cca_early_profile);
    EXPECT_EQ(to_hex(token->platform.nonce), "b5973cb68baa9fc55558786b7ec67f69e40df5ba5aa921cd0c27f40587a011ea");
    EXPECT_EQ(to_hex(token->platform.implementation_id), "7f454c4602010100000000000000000003003e00010000005058000000000000");
    EXPECT_EQ(to_hex(token->platform.instance_id), "0107060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918");
    EXPECT_EQ(token->platform.config.size(), 33U);
    EXPECT_EQ(token->platform.lifecycle, 0x3003U);
    EXPECT_EQ(token->platform.hash_algorithm, "sha-256");
    EXPECT_EQ(token->platform.service, "whatever.com");
    ASSERT_EQ(token->platform.components.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        constexpr std::array types{"BL", "M1", "M2", "M3"};
        EXPECT_EQ(token->platform.components[i].type, types.at(i));
    }
    EXPECT_EQ(token->platform.components[0].version, "3.4.2");
    EXPECT_EQ(algorithm_name(token->realm_token.algorithm), "ES384");
    EXPECT_FALSE(token->realm.profile);
    EXPECT_EQ(to_hex(token->realm.challenge), to_hex(Bytes(64, 0xAB)));
    EXPECT_EQ(to_hex(token->realm.personalization).substr(0, 32), "54686520717569636b2062726f776e20");
    EXPECT_EQ(token->realm.hash_algorithm, "sha-256");
    EXPECT_EQ(token->realm.key_hash_algorithm, "sha-256");
    EXPECT_EQ(token->realm.key.size(), 97U);
    EXPECT_TRUE(cca_realm_key(token->realm));
    // The emulator measures nothing before the realm runs.
    EXPECT_EQ(to_hex(token->realm.rim), std::string(64, '0'));
}

// Which claims have to be there, and that others are passed over.
TEST(CcaSamples, OfClaimsWithoutASignatureAreTakenOrRefused) {
    if (!exists(sample_path("cca/realm-claims"))) GTEST_SKIP() << "there are no samples on this machine";
    const auto expectations = sample_expectations("cca/realm-claims");
    for (const auto &[file, expected] : expectations.items()) {
        SCOPED_TRACE(file);
        const auto bytes = sample_bytes("cca/realm-claims/" + file);
        const auto claims = decode_cca_realm_claims(bytes);
        const bool is_refused = expected.at("must").get<std::string>().starts_with("refuse");
        EXPECT_EQ(claims.has_value(), !is_refused) << (claims ? "" : claims.error().message);
        if (is_refused) {
            EXPECT_EQ(claims.error().message, "realm claims: claim 10 of the realm is missing");
        }
    }
    const auto bytes = sample_bytes("cca/realm-claims/platform-claims.cbor");
    const auto platform = decode_cca_platform_claims(bytes);
    ASSERT_TRUE(platform) << platform.error().message;
    EXPECT_EQ(platform->lifecycle, 0x3000U);
}

TEST(CcaToken, HasItsPartsInEitherFormAndEveryProfile) {
    for (const auto tag : {cca_token_tag, cca_records_tag}) {
        for (const auto profile :
             {std::optional<std::string_view>(), std::optional(cca_realm_profile), std::optional(cca_realm_profile_2)}) {
            TestCcaToken made(profile);
            made.outer_tag = tag;
            const auto bytes = made.encode();
            const auto token = decode_cca_token(bytes);
            ASSERT_TRUE(token) << token.error().message;
            EXPECT_EQ(token->outer_tag, tag);
            EXPECT_EQ(token->realm.profile, profile);
            EXPECT_EQ(cca_realm_key(token->realm).value_or(Bytes()), made.realm_key.public_key());
            EXPECT_EQ(token->realm.mec_policy.has_value(), profile == cca_realm_profile_2);
            ASSERT_EQ(token->platform.components.size(), 2U);
            EXPECT_EQ(token->platform.components[1].type, "BL2");
            EXPECT_EQ(token->platform.components[1].measurement[0], 0x22);
        }
    }
}

TEST(CcaToken, OfTheSecondPlatformProfileHasItsClaims) {
    TestCcaToken made(cca_realm_profile_2);
    const auto digest = [](std::uint8_t byte) { return bytes(Bytes(48, byte)); };
    set(made.platform, 265, text(cca_platform_profile_2));
    set(made.platform, 2394, number(cca_client_rmsd));
    set(made.platform, 2403, bytes(Bytes{0xAB}));
    const auto spdm = map({{1, text("sha-384")},
                           {2, digest(1)},
                           {3, digest(2)},
                           {4, boolean(true)},
                           {5, text("spdm-1.3.1")},
                           {6, digest(3)},
                           {7, text("cxl-type-3")},
                           {8, number(1)}});
    set(made.platform, 2404, array({spdm, map({{2, digest(4)}, {3, digest(5)}, {4, boolean(false)}, {5, text("other")}})}));
    set(made.platform, 2405, array({map({{1, text("DM")}, {2, number(0)}, {3, integer(-1)}, {4, digest(6)}})}));
    set(made.platform, 2406, bytes(Bytes{0xCD}));
    const auto token_bytes = made.encode();
    const auto token = decode_cca_token(token_bytes);
    ASSERT_TRUE(token) << token.error().message;
    const auto &platform = token->platform;
    EXPECT_EQ(platform.client_id, 1);
    EXPECT_EQ(to_hex(platform.manufacturing_config.value()), "ab");
    EXPECT_EQ(to_hex(platform.peer_signers.value()), "cd");
    ASSERT_EQ(platform.devices.size(), 2U);
    EXPECT_EQ(platform.devices[0].hash_algorithm, "sha-384");
    EXPECT_EQ(platform.devices[0].measurements[0], 1);
    EXPECT_EQ(platform.devices[0].certificate_chain[0], 2);
    EXPECT_TRUE(platform.devices[0].uses_ide);
    EXPECT_EQ(platform.devices[0].protocol, "spdm-1.3.1");
    EXPECT_EQ(platform.devices[0].vca.value()[0], 3);
    EXPECT_EQ(platform.devices[0].type, "cxl-type-3");
    EXPECT_EQ(platform.devices[0].encryption, 1U);
    EXPECT_FALSE(platform.devices[1].vca || platform.devices[1].type || platform.devices[1].encryption || platform.devices[1].uses_ide);
    ASSERT_EQ(platform.boot_keys.size(), 1U);
    EXPECT_EQ(platform.boot_keys[0].name, "DM");
    EXPECT_EQ(platform.boot_keys[0].index, -1);
    EXPECT_EQ(platform.boot_keys[0].hash[0], 6);

    const auto error_with = [](std::int64_t claim, const Bytes &value) {
        TestCcaToken other;
        set(other.platform, claim, value);
        return error_of(other.encode());
    };
    EXPECT_THAT(error_with(2394, text("1")), HasSubstr("claim 2394"));
    EXPECT_THAT(error_with(2404, array({map({{2, digest(4)}, {3, digest(5)}, {5, text("other")}})})), HasSubstr("claim 4 of device 1"));
    EXPECT_THAT(error_with(2405, array({map({{1, text("DM")}})})), HasSubstr("claim 2 of boot key 1"));
    EXPECT_THAT(error_with(2404, array(std::vector<Bytes>(max_cca_components + 1, spdm))), HasSubstr("more than 128 devices"));
}

TEST(CcaToken, NamesTheMecPolicyByNumberOrWord) {
    const auto policy = [](const Bytes &value) {
        TestCcaToken made(cca_realm_profile_2);
        set(made.realm, 44243, value);
        const auto token_bytes = made.encode();
        const auto token = decode_cca_token(token_bytes);
        return token ? std::to_string(token->realm.mec_policy.value()) : token.error().message;
    };
    EXPECT_EQ(policy(number(0)), "0");
    EXPECT_EQ(policy(text("shared")), "0");
    EXPECT_EQ(policy(text("private")), "1");
    EXPECT_THAT(policy(text("Private")), HasSubstr("claim 44243"));
    EXPECT_THAT(policy(bytes(Bytes{1})), HasSubstr("claim 44243"));
}

TEST(CcaToken, HasInItsHeadersNothingThatCouldChangeWhatIsSigned) {
    const auto error_with = [](const ClaimList &protected_parts, const ClaimList &unprotected_parts) {
        TestCcaToken made;
        made.protected_parts = protected_parts;
        made.unprotected_parts = unprotected_parts;
        return error_of(made.encode());
    };
    const ClaimList passed_over{{3, number(263)}, {4, bytes(Bytes{7})}};
    EXPECT_EQ(error_with(passed_over, {}), "");
    EXPECT_EQ(error_with({}, passed_over), "");
    EXPECT_EQ(error_with({{3, text("application/eat+cwt")}}, {}), "");
    const ClaimList critical{{2, array({number(4)})}};
    const ClaimList claims{{15, map({{10, bytes(Bytes(64))}})}};
    for (const auto &refused : {critical, claims, ClaimList{{4, text("7")}}, ClaimList{{3, bytes(Bytes{7})}}}) {
        EXPECT_THAT(error_with(refused, {}), HasSubstr("protected header: "));
        EXPECT_THAT(error_with({}, refused), HasSubstr("unprotected header: "));
    }
    EXPECT_THAT(error_with({{1, integer(cose_es256)}}, {}), HasSubstr("this key is there twice"));
    EXPECT_THAT(error_with({}, {{1, integer(cose_es384)}}), HasSubstr("an algorithm has to be protected"));
}

TEST(CcaToken, LacksNoClaimThatHasToBeThere) {
    for (const std::int64_t claim : {265, 2396, 256, 2401, 2395, 2402, 2399}) {
        TestCcaToken made;
        remove(made.platform, claim);
        EXPECT_THAT(error_of(made.encode()), HasSubstr("claim " + std::to_string(claim) + " of the platform is missing"));
    }
    for (const std::int64_t claim : {10, 44235, 44236, 44237, 44238, 44239, 44240}) {
        TestCcaToken made;
        remove(made.realm, claim);
        EXPECT_THAT(error_of(made.encode()), HasSubstr("claim " + std::to_string(claim) + " of the realm is missing"));
    }
    TestCcaToken without_service;
    remove(without_service.platform, 2400);
    EXPECT_EQ(error_of(without_service.encode()), "");
}

TEST(CcaToken, HasEachClaimInItsSize) {
    const auto refused = [](std::int64_t claim, const Bytes &value, bool of_realm = true) {
        TestCcaToken made;
        set(of_realm ? made.realm : made.platform, claim, value);
        return error_of(made.encode());
    };
    EXPECT_THAT(refused(10, bytes(Bytes(32))), HasSubstr("claim 10"));
    EXPECT_THAT(refused(44235, bytes(Bytes(63))), HasSubstr("claim 44235"));
    EXPECT_THAT(refused(44238, bytes(Bytes(33))), HasSubstr("claim 44238"));
    EXPECT_THAT(refused(44239, array(std::vector<Bytes>(3, bytes(Bytes(32))))), HasSubstr("there are 3 of it"));
    EXPECT_THAT(refused(44238, text("x")), HasSubstr("a byte string is wanted"));
    EXPECT_THAT(refused(2396, bytes(Bytes(31)), false), HasSubstr("claim 2396"));
    EXPECT_THAT(refused(256, bytes(Bytes(33, 2)), false), HasSubstr("does not begin with 0x01"));
    EXPECT_THAT(refused(2395, text("secured"), false), HasSubstr("an unsigned integer is wanted"));
    EXPECT_THAT(refused(2399, array({map({{2, bytes(Bytes(32))}})}), false), HasSubstr("claim 5 of component 1 is missing"));
    EXPECT_THAT(refused(2399, array(std::vector<Bytes>(max_cca_components + 1, TestCcaToken::component("a", 1))), false),
                HasSubstr("more than 128 components"));
}

TEST(CcaToken, PassesOverWhatItDoesNotKnowButTakesNothingTwice) {
    TestCcaToken made;
    made.realm.emplace_back(1234567, array({map({{-1, text("x")}}), number(7)}));
    made.platform.emplace_back(-75000, Bytes{0xFB, 0, 0, 0, 0, 0, 0, 0, 0});  // a floating-point number
    EXPECT_EQ(error_of(made.encode()), "");
    made.realm.emplace_back(1234567, number(1));
    EXPECT_THAT(error_of(made.encode()), HasSubstr("this key is there twice"));
    TestCcaToken twice;
    twice.realm.emplace_back(44238, bytes(Bytes(32, 9)));
    EXPECT_THAT(error_of(twice.encode()), HasSubstr("this key is there twice"));
    TestCcaToken many;
    for (std::int64_t key = 100000; key < 100064; ++key) many.realm.emplace_back(key, number(1));
    EXPECT_THAT(error_of(many.encode()), HasSubstr("more than 64 keys"));
}

TEST(CcaToken, IsNotNestedDeeply) {
    const auto nested = [](std::size_t depth) {
        TestCcaToken made;
        Bytes value(depth, 0x81);
        value.push_back(0);
        made.realm.emplace_back(1234567, value);
        return error_of(made.encode());
    };
    EXPECT_EQ(nested(cbor::max_depth - 1), "");
    EXPECT_THAT(nested(cbor::max_depth), HasSubstr("nested more deeply"));
    EXPECT_THAT(nested(60000), HasSubstr("nested more deeply"));
}

TEST(CcaToken, CutAnywhereOrFollowedByAnythingIsNone) {
    auto token = TestCcaToken().encode();
    for (std::size_t size = 0; size < token.size(); ++size) EXPECT_FALSE(decode_cca_token(ByteView(token).first(size))) << size;
    token.push_back(0);
    EXPECT_THAT(error_of(token), HasSubstr("something follows the token"));
    TestCcaToken records;
    records.outer_tag = cca_records_tag;
    records.content_format = 262;
    EXPECT_THAT(error_of(records.encode()), HasSubstr("content format 263"));
    EXPECT_THAT(error_of(Bytes(max_cca_token_size + 1, 0xD9)), HasSubstr("more than 65536 bytes"));
    EXPECT_THAT(error_of(Bytes{0xD9, 0x01, 0x90, 0xA0}), HasSubstr("neither of the tags"));
}

// Of a mebibyte that says it is an array of four thousand million, nothing is set aside for.
TEST(CcaToken, SizesThatItCannotHaveAreRefusedBeforeTheyCost) {
    Bytes token{0xD9, 0x01, 0x8F, 0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    EXPECT_THAT(error_of(token), HasSubstr("more pairs than the bytes that remain could hold"));
}

TEST(CcaLifecycleTest, IsTheSecondByte) {
    EXPECT_EQ(cca_lifecycle(0x3000), CcaLifecycle::secured);
    EXPECT_EQ(cca_lifecycle(0x30FF), CcaLifecycle::secured);
    EXPECT_EQ(cca_lifecycle(0x3100), CcaLifecycle::unknown);
    EXPECT_EQ(cca_lifecycle(0x2FFF), CcaLifecycle::unknown);
    EXPECT_EQ(cca_lifecycle(0x4001), CcaLifecycle::platform_debug);
    EXPECT_EQ(cca_lifecycle(0x5000), CcaLifecycle::recoverable_platform_debug);
    EXPECT_EQ(cca_lifecycle(0x6000), CcaLifecycle::decommissioned);
    EXPECT_EQ(cca_lifecycle(0x0000), CcaLifecycle::unknown);
    EXPECT_EQ(cca_lifecycle(0x13000), CcaLifecycle::unknown);
}

TEST(CcaRealmKey, IsOfTheFormThatTheProfileSays) {
    const auto fails_with = [](std::optional<std::string_view> profile, const Bytes &key) {
        TestCcaToken made(profile);
        set(made.realm, 44237, bytes(key));
        const auto bytes = made.encode();
        const auto token = decode_cca_token(bytes);
        const auto read = token ? cca_realm_key(token->realm) : std::unexpected(token.error());
        return read ? std::string() : read.error().message;
    };
    const TestCcaToken early(std::nullopt);
    const TestCcaToken draft;
    EXPECT_EQ(fails_with(std::nullopt, early.raw_key), "");
    EXPECT_EQ(fails_with(cca_realm_profile, draft.raw_key), "");
    EXPECT_THAT(fails_with(cca_realm_profile, early.raw_key), HasSubstr("no COSE_Key"));
    EXPECT_THAT(fails_with(std::nullopt, draft.raw_key), HasSubstr("no uncompressed point"));
    const auto key = draft.realm_key.public_key();
    const auto x = bytes(ByteView(key).first(48));
    const auto y = bytes(ByteView(key).last(48));
    for (const auto &other :
         {map({{1, number(1)}, {-1, number(2)}, {-2, x}, {-3, y}}), map({{1, number(2)}, {-1, number(1)}, {-2, x}, {-3, y}}),
          map({{1, number(2)}, {-1, number(2)}, {-2, x}}), map({{1, number(2)}, {-1, number(2)}, {-2, x}, {-3, Bytes{0xF5}}}),
          map({{1, number(2)}, {-1, number(2)}, {-2, x}, {-3, y}, {-4, x}}),
          map({{1, number(2)}, {3, integer(cose_es256)}, {-1, number(2)}, {-2, x}, {-3, y}}),
          map({{1, number(2)}, {2, number(7)}, {-1, number(2)}, {-2, x}, {-3, y}})})
        EXPECT_THAT(fails_with(cca_realm_profile, other), HasSubstr("no COSE_Key"));
    EXPECT_EQ(fails_with(cca_realm_profile,
                         map({{1, number(2)}, {2, bytes(Bytes{7})}, {3, integer(cose_es384)}, {-1, number(2)}, {-2, x}, {-3, y}})),
              "");
}

}  // namespace
}  // namespace mr
