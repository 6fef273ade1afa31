#include "mr/ear.h"

#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "libmr/src/base64url.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"
#include "mr/verify_spdm.h"
#include "tests/attestation/machine.h"

namespace mr {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

struct TestKey {
    std::string private_pem;
    std::string public_pem;
};

std::string written(const EVP_PKEY *key, int (*write)(BIO *, const EVP_PKEY *)) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    EXPECT_EQ(write(bio.get(), key), 1);
    const char *text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

TestKey make_key(const char *curve) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen(curve), EVP_PKEY_free);
    const auto write_private = [](BIO *bio, const EVP_PKEY *pkey) {
        return PEM_write_bio_PrivateKey(bio, pkey, nullptr, nullptr, 0, nullptr, nullptr);
    };
    return {written(key.get(), write_private), written(key.get(), PEM_write_bio_PUBKEY)};
}

const TestKey &test_key() {
    static const auto key = make_key("P-256");
    return key;
}
ByteView private_key() { return as_bytes(test_key().private_pem); }
Bytes point() { return parse_trust_anchors(as_bytes(test_key().public_pem))->platform_keys.front().key; }

Verdict verdict_of(const std::vector<std::tuple<std::string_view, Judgement, bool>> &statements) {
    Verdict verdict;
    for (const auto &[name, result, required] : statements) verdict.add({std::string(name), result, required, "a reason"});
    return verdict;
}

constexpr auto holds = Judgement::holds;
constexpr auto fails = Judgement::fails;
constexpr auto open = Judgement::not_judged;

// Of a machine that is as it should be.
Verdict good(const std::vector<std::tuple<std::string_view, Judgement, bool>> &others = {}, const std::string &tcb_status = "UpToDate") {
    std::vector<std::tuple<std::string_view, Judgement, bool>> all = others;
    for (const auto name : {quote_format, quote_signature, certificate_chain, certificates_valid, root_is_hardware, tcb, not_debug,
                            report_data, reference_values, register_values, log_replay}) {
        if (std::ranges::none_of(others, [&](const auto &each) { return std::get<0>(each) == name; })) all.emplace_back(name, holds, true);
    }
    auto verdict = verdict_of(all);
    verdict.add(JudgedPlatform{.part = "tdx", .kind = "tdx", .tcb_status = tcb_status, .advisories = {}});
    return verdict;
}

const EarAppraisal &appraisal_of(const Ear &ear) { return ear.appraisals.at("cpu0"); }
EarAppraisal appraised(const Verdict &verdict) { return appraisal_of(ear_of(verdict, {})); }

std::string token_of(const json &claims, const std::string &header = R"({"alg":"ES256"})") {
    std::string token;
    append_base64url(token, as_bytes(header));
    token += '.';
    append_base64url(token, as_bytes(claims.dump()));
    return token + ".AAAA";
}
std::string error_of(const std::string &token) {
    const auto read = parse_ear(as_bytes(token));
    return read ? "" : read.error().message;
}

json some_claims() {
    return {{"eat_profile", std::string(ear_profile)},
            {"iat", 1'700'000'000},
            {"ear_verifier_id", {{"developer", "somebody"}, {"build", "1"}}},
            {"submods", {{"cpu0", {{"ear_status", "affirming"}}}}}};
}

TEST(Ear, OfAGoodMachineIsAffirming) {
    const auto appraisal = appraised(good());
    EXPECT_EQ(appraisal.status, EarTier::affirming);
    EXPECT_THAT(appraisal.vector, ElementsAre(Pair("configuration", 2), Pair("executables", 3), Pair("hardware", 2)));
    EXPECT_EQ(appraised(good({{closed_registers, holds, true}})).vector.at("executables"), 2);
    EXPECT_EQ(appraised(good({{platform_identity, holds, true}})).vector.at("instance-identity"), 2);
}

TEST(Ear, OfASimulatedRootIsHardwareThatIsNotRecognised) {
    // Whoever names the root accepts it: the verdict is positive, the result is not.
    const auto appraisal = appraised(good({{root_is_hardware, fails, false}}));
    EXPECT_EQ(appraisal.vector.at("hardware"), 97);
    EXPECT_EQ(appraisal.status, EarTier::contraindicated);
    EXPECT_EQ(appraised(good({{certificate_chain, fails, true}, {root_is_hardware, open, false}})).vector.at("hardware"), 97);
}

TEST(Ear, OfABadSignatureClaimsNothingElse) {
    for (const auto name : {quote_signature, qe_report_signature, quote_format}) {
        const auto appraisal = appraised(good({{name, fails, true}}));
        EXPECT_EQ(appraisal.status, EarTier::contraindicated);
        EXPECT_THAT(appraisal.vector,
                    ElementsAre(Pair("configuration", 99), Pair("executables", 99), Pair("hardware", 99), Pair("instance-identity", 99)));
    }
}

TEST(Ear, SaysWhatIsWrongWithADevice) {
    EXPECT_EQ(appraised(good({{device_identity, fails, true}})).vector.at("hardware"), 97);
    for (const auto name : {device_mode, signed_algorithms})
        EXPECT_EQ(appraised(good({{name, fails, true}})).vector.at("configuration"), 96);
    for (const auto name : {device_claims, value_freshness, measurement_log, reference_manifest, measurement_blocks})
        EXPECT_EQ(appraised(good({{name, fails, true}})).vector.at("executables"), 96) << name;
    EXPECT_EQ(appraised(good({{unlisted_blocks, fails, true}})).vector.at("executables"), 33);
    // Of the machine nothing else ran, and of its device nobody knows.
    EXPECT_EQ(appraised(good({{closed_registers, holds, true}, {unlisted_blocks, open, false}})).vector.at("executables"), 3);
    EXPECT_EQ(appraised(good({{closed_registers, holds, true}, {unlisted_blocks, holds, true}})).vector.at("executables"), 2);
}

TEST(Ear, LeavesOutWhatWasNotJudged) {
    const auto waived = appraised(good({{tcb, open, false}, {reference_values, open, false}, {not_debug, open, false}}));
    EXPECT_THAT(waived.vector, IsEmpty());
    EXPECT_EQ(waived.status, EarTier::none);
    // Of a platform's key that was given no root says that it is hardware.
    EXPECT_FALSE(appraised(good({{root_is_hardware, open, false}})).vector.contains("hardware"));
    // The status alone says yes only where all was looked at.
    for (const auto name : {root_is_hardware, tcb, reference_values, not_debug, report_data})
        EXPECT_EQ(appraised(good({{name, open, false}})).status, EarTier::none) << name;
    EXPECT_EQ(appraised(good({{not_debug, fails, false}, {tcb, open, false}})).status, EarTier::warning);
}

// As of a report of SEV-SNP without the certificate of its key: nothing vouches for what it says, and nothing of that is known to be wrong.
TEST(Ear, LeavesOutAConfigurationThatIsAskedForAndWasNotJudged) {
    const auto unjudged = appraised(good({{not_debug, open, true}, {statement::guest_policy, open, true}, {statement::vmpl, open, true}}));
    EXPECT_FALSE(unjudged.vector.contains("configuration"));
    EXPECT_EQ(unjudged.status, EarTier::contraindicated);
    EXPECT_FALSE(appraised(good({{not_debug, fails, false}, {statement::vmpl, open, true}})).vector.contains("configuration"));
    EXPECT_EQ(appraised(good({{not_debug, fails, true}, {statement::vmpl, open, true}})).vector.at("configuration"), 96);
}

TEST(Ear, TellsHowFarAPlatformIsFromWhatItShouldBe) {
    EXPECT_EQ(appraised(good({}, "SWHardeningNeeded")).vector.at("hardware"), 32);
    EXPECT_EQ(appraised(good({}, "SWHardeningNeeded")).status, EarTier::warning);
    EXPECT_EQ(appraised(good({{tcb, fails, true}}, "OutOfDate")).vector.at("hardware"), 96);
    EXPECT_EQ(appraised(good({{not_revoked, fails, true}})).vector.at("hardware"), 96);
    EXPECT_EQ(appraised(good({{not_debug, fails, true}})).vector.at("configuration"), 96);
    EXPECT_EQ(appraised(good({{not_debug, fails, false}})).vector.at("configuration"), 32);
    EXPECT_EQ(appraised(good({{platform_identity, fails, true}})).vector.at("instance-identity"), 97);
    EXPECT_EQ(appraised(good({{required_events, fails, true}})).vector.at("executables"), 96);
    EXPECT_EQ(appraised(good({{forbidden_events, open, true}})).vector.at("executables"), 96);
    EXPECT_EQ(appraised(good({{closed_registers, fails, true}})).vector.at("executables"), 33);
    EXPECT_EQ(appraised(good({{history_complete, fails, false}})).vector.at("executables"), 32);
}

TEST(Ear, OfANegativeVerdictIsContraindicatedWhateverTheVectorSays) {
    const auto ear = ear_of(good({{report_data, fails, true}}), {.nonce = Bytes(16, 7)});
    EXPECT_EQ(appraisal_of(ear).vector.at("hardware"), 2);
    EXPECT_EQ(appraisal_of(ear).status, EarTier::contraindicated);
    // It is no answer to that nonce.
    EXPECT_THAT(ear.nonces, IsEmpty());
}

TEST(Ear, ANonceHasTheLengthsOfEat) {
    const auto sign_with_nonce = [](std::size_t size) { return sign_ear(ear_of(good(), {.nonce = Bytes(size, 1)}), private_key()); };
    for (const std::size_t size : {8U, 64U}) EXPECT_TRUE(sign_with_nonce(size)) << size;
    for (const std::size_t size : {0U, 7U, 65U}) {
        const auto refused = sign_with_nonce(size);
        ASSERT_FALSE(refused) << size;
        EXPECT_EQ(refused.error().code, ErrorCode::malformed);
        EXPECT_THAT(refused.error().message, HasSubstr("eat_nonce")) << size;
    }
}

TEST(Ear, ThatIsSignedComesBackAndIsSignedByThatKeyAlone) {
    const auto ear = ear_of(good(), {.time = 1'800'000'000, .build = "mrctl 1", .nonce = Bytes(16, 0xFB), .reference = Bytes{'x'}});
    const auto token = sign_ear(ear, private_key());
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_TRUE(begins_ear(as_bytes(*token)));
    const auto read = parse_ear(as_bytes(*token + "\n"));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->algorithm, "ES256");
    EXPECT_EQ(read->ear.profile, ear_profile);
    EXPECT_EQ(read->ear.issued_at, 1'800'000'000);
    EXPECT_EQ(read->ear.developer, "mrd");
    EXPECT_EQ(read->ear.build, "mrctl 1");
    EXPECT_THAT(read->ear.nonces, ElementsAre("-_v7-_v7-_v7-_v7-_v7-w"));
    EXPECT_EQ(appraisal_of(read->ear).status, EarTier::affirming);
    EXPECT_EQ(appraisal_of(read->ear).vector, appraisal_of(ear).vector);
    // printf x | openssl dgst -sha256
    EXPECT_THAT(appraisal_of(read->ear).policy_ids, ElementsAre("ni:///sha-256;LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE"));
    EXPECT_TRUE(is_signed_by(*read, point()));

    auto other = point();
    other.back() ^= 1;
    EXPECT_FALSE(is_signed_by(*read, other));
    for (std::size_t i = 0; i < token->size(); i += 7) {
        auto changed = *token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        const auto reread = parse_ear(as_bytes(changed));
        EXPECT_TRUE(!reread || changed == *token || !is_signed_by(*reread, point())) << i;
    }
}

TEST(Ear, NamesTheRegistersThatNothingBindsToHardware) {
    auto verdict = good();
    verdict.add(JudgedRegister{.part = "tdx", .name = "rtmr3", .unbound = false});
    EXPECT_THAT(appraised(verdict).unbound_registers, IsEmpty());
    verdict.add(JudgedRegister{.part = "gpu0", .name = "fw\x1b[31m1", .unbound = true});
    verdict.add(JudgedRegister{.part = "", .name = "tpm/pcr14", .unbound = true});
    const auto token = sign_ear(ear_of(verdict, {}), private_key());
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_THAT(appraisal_of(parse_ear(as_bytes(*token))->ear).unbound_registers, ElementsAre("gpu0/fw\\x1b[31m1", "tpm/pcr14"));
    EXPECT_EQ(appraised(verdict).status, EarTier::affirming) << "no statement rests on it";
    // However many there are, the result can be signed, and says that there are more.
    for (std::size_t i = 0; i < 10'000; ++i)
        verdict.add(JudgedRegister{.part = "tdx", .name = "virtual/" + std::string(60, 'x') + std::to_string(i), .unbound = true});
    const auto many = appraised(verdict).unbound_registers;
    EXPECT_EQ(many.back(), more_unbound_registers);
    EXPECT_LT(many.size(), 1'100U);
    EXPECT_TRUE(sign_ear(ear_of(verdict, {}), private_key()));
}

TEST(Ear, OfAnotherAlgorithmIsSignedByNobody) {
    auto read = parse_ear(as_bytes(token_of(some_claims(), R"({"alg":"none"})")));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->algorithm, "none");
    EXPECT_FALSE(is_signed_by(*read, point()));
    const auto token = sign_ear(ear_of(good(), {}), private_key());
    auto renamed = parse_ear(as_bytes(*token));
    ASSERT_TRUE(renamed && is_signed_by(*renamed, point()));
    renamed->algorithm = "HS256";
    EXPECT_FALSE(is_signed_by(*renamed, point()));
}

TEST(Ear, IsSignedByAKeyOfP256Alone) {
    for (const auto *const key : {"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
        const auto token = sign_ear({}, as_bytes(key));
        ASSERT_FALSE(token);
        EXPECT_THAT(token.error().message, HasSubstr("no private key of P-256"));
    }
    EXPECT_FALSE(sign_ear({}, as_bytes(test_key().public_pem)));
    EXPECT_FALSE(sign_ear({}, as_bytes(make_key("P-384").private_pem)));
}

TEST(Ear, OfTheEarlyProfilesIsReadToo) {
    for (const auto profile : {early_ear_profile, trustee_ear_profile}) {
        const auto read = parse_ear(as_bytes(token_of({{"eat_profile", std::string(profile)},
                                                       {"iat", 1'666'091'373},
                                                       {"exp", 1'666'091'999},
                                                       {"eat_nonce", {"AAAAAAAAAAA", "BBBBBBBBBBB"}},
                                                       {"ear.verifier-id", {{"build", "b"}, {"developer", "Acme Inc."}}},
                                                       {"submods",
                                                        {{"test",
                                                          {{"ear.status", "affirming"},
                                                           {"ear.trustworthiness-vector", {{"hardware", 2}, {"storage-opaque", -5}}},
                                                           {"ear.appraisal-policy-id", "policy://psa/1"}}},
                                                         {"other", {{"ear.status", 96}}}}}})));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->ear.developer, "Acme Inc.");
        EXPECT_EQ(read->ear.expires, 1'666'091'999);
        EXPECT_EQ(read->ear.nonces.size(), 2U);
        EXPECT_EQ(read->ear.appraisals.at("test").vector.at("storage-opaque"), -5);
        EXPECT_THAT(read->ear.appraisals.at("test").policy_ids, ElementsAre("policy://psa/1"));
        EXPECT_EQ(read->ear.appraisals.at("other").status, EarTier::contraindicated);
    }
}

// As JavaScript and Go write dates that they have as floating-point numbers.
TEST(Ear, HasDatesInAnyFormOfANumber) {
    for (const auto &[written, date] :
         {std::pair(1.7e9, 1'700'000'000), std::pair(1'700'000'000.999, 1'700'000'000), std::pair(-0.5, -1)}) {
        auto claims = some_claims();
        claims["iat"] = written;
        claims["exp"] = written;
        const auto read = parse_ear(as_bytes(token_of(claims)));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->ear.issued_at, date) << written;
        EXPECT_EQ(read->ear.expires, date) << written;
    }
}

TEST(Ear, ThatIsMalformedIsRefusedByTheClaim) {
    EXPECT_EQ(error_of(token_of(some_claims())), "");
    EXPECT_THAT(error_of("e30.e30"), HasSubstr("compact form"));
    EXPECT_THAT(error_of("e30.e30.AA.AA"), HasSubstr("compact form"));
    EXPECT_THAT(error_of("!.e30.AA"), HasSubstr("not base64url"));
    EXPECT_THAT(error_of("e30.e30.AA"), HasSubstr("no alg"));
    EXPECT_THAT(error_of(token_of(some_claims(), R"({"alg":"ES256","crit":["x"]})")), HasSubstr("crit"));
    const auto with = [](const std::string &claim, const json &value) {
        auto claims = some_claims();
        claims[claim] = value;
        return error_of(token_of(claims));
    };
    EXPECT_THAT(with("eat_profile", "tag:other"), HasSubstr("the profile tag:other"));
    EXPECT_THAT(with("iat", "now"), HasSubstr("iat is no number of seconds"));
    EXPECT_THAT(with("iat", 1e30), HasSubstr("iat is no number of seconds"));
    EXPECT_THAT(with("exp", -1e30), HasSubstr("exp is no number of seconds"));
    EXPECT_THAT(with("ear_verifier_id", {{"build", "b"}}), HasSubstr("ear_verifier_id"));
    EXPECT_THAT(with("eat_nonce", 7), HasSubstr("eat_nonce"));
    EXPECT_THAT(with("submods", json::object()), HasSubstr("submods is no object of 1 to 64"));
    EXPECT_THAT(with("submods", {{"a", {{"ear_status", "fine"}}}}), HasSubstr("the appraisal a: ear_status"));
    EXPECT_THAT(with("submods", {{"a", {{"ear_status", 2}, {"ear_trustworthiness_vector", {{"hardware", 128}}}}}}),
                HasSubstr("-128 to 127"));
    json many;
    for (std::size_t i = 0; i <= max_ear_appraisals; ++i) many[std::to_string(i)] = {{"ear_status", "none"}};
    EXPECT_THAT(with("submods", many), HasSubstr("submods is no object of 1 to 64"));
    EXPECT_THAT(error_of(std::string(max_ear_size + 1, 'e')), HasSubstr("more than"));
}

TEST(Ear, TiersHaveTheBoundsOfAr4si) {
    for (const auto &[value, tier] :
         {std::pair{-128, EarTier::contraindicated}, std::pair{-97, EarTier::contraindicated}, std::pair{-96, EarTier::warning},
          std::pair{-33, EarTier::warning}, std::pair{-32, EarTier::affirming}, std::pair{-2, EarTier::affirming},
          std::pair{-1, EarTier::none}, std::pair{0, EarTier::none}, std::pair{1, EarTier::none}, std::pair{2, EarTier::affirming},
          std::pair{31, EarTier::affirming}, std::pair{32, EarTier::warning}, std::pair{95, EarTier::warning},
          std::pair{96, EarTier::contraindicated}, std::pair{127, EarTier::contraindicated}, std::pair{128, EarTier::none}})
        EXPECT_EQ(ear_tier_of(value), tier) << value;
    EXPECT_EQ(ear_value_text("hardware", 97), "contraindicated: hardware that is not recognised");
    EXPECT_EQ(ear_value_text("storage-opaque", 32), "warning");
    EXPECT_EQ(ear_value_text("anything", 99), "contraindicated: a signature does not hold");
}

class EarOfAMachine : public MachineTest {};

TEST_F(EarOfAMachine, OnTheSimulatorIsNotRecognisedAsHardware) {
    options.report_data = Bytes(platform.body.report_data.begin(), platform.body.report_data.end());
    const auto verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified());
    const auto ear = ear_of(verdict, {.nonce = options.report_data});
    EXPECT_EQ(appraisal_of(ear).vector.at("hardware"), 97);
    EXPECT_EQ(appraisal_of(ear).vector.at("configuration"), 2);
    EXPECT_FALSE(appraisal_of(ear).vector.contains("executables"));
    EXPECT_EQ(ear.nonces.size(), 1U);
    EXPECT_THAT(appraisal_of(ear).unbound_registers, testing::Contains("tdx/rtmr3"));
}

}  // namespace
}  // namespace mr
