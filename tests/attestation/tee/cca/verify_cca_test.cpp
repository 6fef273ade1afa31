// What a token of Arm's CCA comes to: the real ones, one change at a time, and the log that leads to its REMs.
#include "mr/verify_cca.h"

#include <gmock/gmock.h>

#include <functional>

#include "mr/appraiser.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/tee/cca/cca_samples.h"
#include "tests/attestation/tee/cca/test_realm.h"
#include "tests/attestation/tee/cca/test_token.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace cca_test;  // NOLINT(google-build-using-namespace)

VerifyOptions options_for(TrustAnchors anchors, ByteView challenge) {
    VerifyOptions options;
    options.anchors = std::move(anchors);
    options.report_data = Bytes(challenge.begin(), challenge.end());
    options.waived = {.reference = true, .tcb = true};
    options.time = test_now;
    return options;
}
VerifyOptions options_for(const TestCcaToken &made) { return options_for(made.anchors(), TestCcaToken::challenge()); }

ReferenceValues reference(const nlohmann::json &more) {
    nlohmann::json file{{"format", "mrd-reference-values"}, {"version", 1}};
    file.update(more);
    auto values = parse_reference_values(file.dump());
    EXPECT_TRUE(values) << values.error().message;
    return values ? std::move(*values) : ReferenceValues();
}

TEST(CcaSampleVerdicts, AreThoseOfTheirDescriptions) {
    const auto samples = cca_samples();
    if (samples.empty()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto &sample : samples) {
        SCOPED_TRACE(sample.folder);
        const auto anchors = parse_trust_anchors(sample_bytes(sample.key));
        ASSERT_TRUE(anchors) << anchors.error().message;
        const auto bytes = sample_bytes(sample.token);
        const auto token = decode_cca_token(bytes);
        ASSERT_TRUE(token) << token.error().message;
        const auto verdict = verify(bytes, {}, options_for(*anchors, token->realm.challenge));
        if (!sample.expected.contains("platform")) {
            EXPECT_TRUE(verdict.verified()) << reasons(verdict);
            continue;
        }
        const auto holds = [&](std::string_view name) { return result_of(verdict, name) == Judgement::holds; };
        EXPECT_EQ(holds(platform_signature), sample.expected.at("platform").at("signature_verifies"));
        EXPECT_EQ(holds(quote_signature), sample.expected.at("realm").at("signature_verifies_with_own_rak"));
        EXPECT_EQ(holds(realm_binding), sample.expected.at("binding_holds"));
        const auto &accept = sample.expected.at("must_accept");
        EXPECT_EQ(verdict.verified(), accept != false) << reasons(verdict);
        // RIM and REMs of another size than the realm's hash are told, and no more.
        EXPECT_EQ(holds(measurement_sizes), accept == true) << reasons(verdict);
        if (accept == false) {
            EXPECT_THAT(refusing(verdict), ElementsAre("realm_binding"));
        }
    }
}

TEST(CcaVerdict, OfEveryProfileAndFormIsPositive) {
    for (const auto platform_profile : {cca_early_profile, cca_platform_profile, cca_platform_profile_2}) {
        for (const auto profile :
             {std::optional<std::string_view>(), std::optional(cca_realm_profile), std::optional(cca_realm_profile_2)}) {
            if (platform_profile == cca_platform_profile_2 && !profile) continue;
            for (const auto tag : {cca_token_tag, cca_records_tag}) {
                TestCcaToken made(profile);
                set(made.platform, 265, text(platform_profile));
                if (platform_profile == cca_platform_profile_2) set(made.platform, 2394, number(cca_client_rmsd));
                made.outer_tag = tag;
                const auto verdict = verify(made.encode(), {}, options_for(made));
                EXPECT_TRUE(verdict.verified()) << reasons(verdict);
                EXPECT_THAT(false_ones(verdict), IsEmpty());
                EXPECT_EQ(result_of(verdict, root_is_hardware), Judgement::not_judged);
            }
        }
    }
}

struct Change {
    std::string name;
    std::function<void(TestCcaToken &)> apply;
    std::string refused_by;  // the one statement that is false; empty: it is accepted
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
void PrintTo(const Change &change, std::ostream *out) { *out << change.name; }

std::function<void(TestCcaToken &)> platform_claim(std::int64_t claim, Bytes value) {
    return [=](TestCcaToken &t) { set(t.platform, claim, value); };
}
std::function<void(TestCcaToken &)> realm_claim(std::int64_t claim, Bytes value) {
    return [=](TestCcaToken &t) { set(t.realm, claim, value); };
}

const std::vector<Change> &changes() {
    static const std::vector<Change> all = {
        {"nothing", [](TestCcaToken &) {}, ""},
        {"ES256 of a platform with such a key",
         [](TestCcaToken &t) { t.platform_key = TestKey(TestCurve::p256), t.platform_algorithm = cose_es256; }, ""},
        {"ES256 of a platform with a key of P-384", [](TestCcaToken &t) { t.platform_algorithm = cose_es256; }, "platform_signature"},
        {"ES384 of a platform with a key of P-256", [](TestCcaToken &t) { t.platform_key = TestKey(TestCurve::p256); },
         "platform_signature"},
        {"ES512", [](TestCcaToken &t) { t.realm_algorithm = -36; }, "quote_format"},
        {"ES256 of a realm", [](TestCcaToken &t) { t.realm_algorithm = cose_es256; }, "quote_signature"},
        {"platform profile", platform_claim(265, text("tag:arm.com,2024:cca_platform#1.0.0")), "token_profiles"},
        {"realm profile", realm_claim(265, text("tag:arm.com,2023:realm#1.0.1")), "token_profiles"},
        {"realm profile 2 without its claims", realm_claim(265, text(cca_realm_profile_2)), "token_profiles"},
        {"realm profile 2 as the draft has it",
         [](TestCcaToken &t) { set(t.realm, 265, text(cca_realm_profile_2)), set(t.realm, 44243, text("private")); }, ""},
        {"realm profile 2 with an unknown MEC policy",
         [](TestCcaToken &t) { set(t.realm, 265, text(cca_realm_profile_2)), set(t.realm, 44243, number(2)); }, "token_profiles"},
        {"platform profile 2 without a client", platform_claim(265, text(cca_platform_profile_2)), "token_profiles"},
        {"platform profile 2 for another client than the RMM",
         [](TestCcaToken &t) { set(t.platform, 265, text(cca_platform_profile_2)), set(t.platform, 2394, integer(-1)); }, "token_profiles"},
        {"platform profile 1 for another client than the RMM", platform_claim(2394, integer(-1)), "token_profiles"},
        {"platform profile 1 for the RMM", platform_claim(2394, number(cca_client_rmsd)), ""},
        {"a key's id and a content type in the headers",
         [](TestCcaToken &t) {
             t.protected_parts = {{3, text("application/eat+cwt")}};
             t.unprotected_parts = {{4, bytes(Bytes{7})}};
         },
         ""},
        {"a header of which something is critical", [](TestCcaToken &t) { t.protected_parts = {{2, array({number(4)})}}; }, "quote_format"},
        {"a raw key under a realm profile",
         [](TestCcaToken &t) {
             t.raw_key = {0x04};
             t.raw_key.insert(t.raw_key.end(), t.realm_key.public_key().begin(), t.realm_key.public_key().end());
             set(t.realm, 44237, bytes(t.raw_key));
         },
         "realm_key"},
        {"a key off the curve",
         [](TestCcaToken &t) {
             t.raw_key.back() ^= 1;
             set(t.realm, 44237, bytes(t.raw_key));
         },
         "realm_key"},
        {"another key than the one that signs",
         [](TestCcaToken &t) {
             t.raw_key = cose_key(TestKey(TestCurve::p384).public_key());
             set(t.realm, 44237, bytes(t.raw_key));
         },
         "quote_signature"},
        {"the platform's nonce", [](TestCcaToken &t) { t.nonce = Bytes(32, 0x12); }, "realm_binding"},
        {"the nonce is the hash of the point, not of the claim's bytes",
         [](TestCcaToken &t) {
             const auto digest = hash(HashAlgorithm::sha256, t.realm_key.public_key());
             t.nonce = Bytes(digest->bytes().begin(), digest->bytes().end());
         },
         "realm_binding"},
        {"the hash of the key", realm_claim(44240, text("sha-512")), "realm_binding"},
        {"an unknown hash of the key", realm_claim(44240, text("md5")), "realm_binding"},
        {"an unknown hash of the realm", realm_claim(44236, text("md5")), "quote_format"},
        {"another instance", platform_claim(256, bytes(Bytes(33, 0x01))), "certificate_chain"},
        {"another implementation than its key is for", platform_claim(2396, bytes(Bytes(32, 0x12))), "certificate_chain"},
        {"lifecycle 0x30FF", platform_claim(2395, number(0x30FF)), ""},
        {"lifecycle 0x2000", platform_claim(2395, number(0x2000)), "platform_lifecycle"},
        {"lifecycle 0x6000", platform_claim(2395, number(0x6000)), "platform_lifecycle"},
        {"lifecycle 0x3100", platform_claim(2395, number(0x3100)), "platform_lifecycle"},
        {"challenge", realm_claim(10, bytes(Bytes(64, 0x33))), "report_data"},
    };
    return all;
}

class CcaSingleChange : public ::testing::TestWithParam<Change> {};

TEST_P(CcaSingleChange, IsRefusedByItsOwnStatement) {
    TestCcaToken made;
    GetParam().apply(made);
    const auto verdict = verify(made.encode(), {}, options_for(made));
    if (GetParam().refused_by.empty()) {
        EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    } else {
        EXPECT_THAT(false_ones(verdict), ElementsAre(GetParam().refused_by)) << reasons(verdict);
        EXPECT_FALSE(verdict.verified());
    }
}

INSTANTIATE_TEST_SUITE_P(Cca, CcaSingleChange, ::testing::ValuesIn(changes()));

// Nothing says which form the key of such a realm has.
TEST(CcaVerdict, OfTheSecondPlatformProfileWantsARealmThatHasOne) {
    TestCcaToken made(std::nullopt);
    set(made.platform, 265, text(cca_platform_profile_2));
    set(made.platform, 2394, number(cca_client_rmsd));
    EXPECT_THAT(false_ones(verify(made.encode(), {}, options_for(made))), ElementsAre("token_profiles"));
}

TEST(CcaVerdict, OfAPlatformUnderDebugIsNegativeUnlessThatIsAccepted) {
    for (const auto lifecycle : {0x4000U, 0x5001U}) {
        TestCcaToken made;
        set(made.platform, 2395, number(lifecycle));
        auto options = options_for(made);
        EXPECT_THAT(refusing(verify(made.encode(), {}, options)), ElementsAre("platform_lifecycle", "not_debug"));
        options.reference = reference({{"debug", "accept"}});
        EXPECT_TRUE(verify(made.encode(), {}, options).verified());
    }
}

TEST(CcaVerdict, RestsOnTheKeyOfTheInstance) {
    const TestCcaToken made;
    const TestCcaToken other;
    auto options = options_for(other);
    EXPECT_THAT(refusing(verify(made.encode(), {}, options)), ElementsAre("platform_signature", "platform_lifecycle", "not_debug"))
        << "another's";
    // A key without an instance is good for any, but not where there is one of the instance.
    options.anchors->platform_keys = {{.key = made.platform_key.public_key()}};
    EXPECT_TRUE(verify(made.encode(), {}, options).verified());
    options.anchors->platform_keys.push_back(other.anchors().platform_keys.front());
    EXPECT_FALSE(verify(made.encode(), {}, options).verified());
    options.anchors->platform_keys = {};
    EXPECT_THAT(false_ones(verify(made.encode(), {}, options)), ElementsAre("certificate_chain"));
    options.anchors.reset();
    EXPECT_THAT(false_ones(verify(made.encode(), {}, options)), ElementsAre("certificate_chain"));
}

TEST(CcaVerdict, RefusesEveryTokenInWhichOneBitIsChanged) {
    TestCcaToken made;
    set(made.platform, 2399, array({TestCcaToken::component("B", 0x21)}));
    remove(made.platform, 2400);
    const auto token = made.encode();
    Appraiser appraiser(options_for(made));
    const Question question{.report_data = TestCcaToken::challenge(), .time = test_now};
    EXPECT_TRUE(appraiser.appraise(token, {}, question).verified());
    for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
        auto changed = token;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        ASSERT_FALSE(appraiser.appraise(changed, {}, question).verified()) << "bit " << bit;
    }
}

TEST(CcaVerdict, OfAHostileFileOf16MebibytesEndsWithItsSize) {
    Bytes file(std::size_t{16} << 20, 0x9B);
    std::ranges::copy(Bytes{0xD9, 0x01, 0x8F}, file.begin());
    const TestCcaToken made;
    const auto verdict = verify(file, {}, options_for(made));
    EXPECT_THAT(reason_of(verdict, quote_format), HasSubstr("more than 65536 bytes"));
    EXPECT_THAT(false_ones(verdict), ElementsAre("quote_format"));
}

TEST(CcaReferenceValues, JudgeThePlatformsComponents) {
    const TestCcaToken made;
    const auto token = made.encode();
    auto options = options_for(made);
    options.waived.tcb = false;
    const auto judged = [&](const nlohmann::json &components) {
        options.reference = reference({{"cca", {{"components", components}}}});
        return verify(token, {}, options);
    };
    const auto bl1 = to_hex(Bytes(32, 0x21));
    const auto bl2 = to_hex(Bytes(32, 0x22));
    const auto signer = to_hex(Bytes(32, 0x99));
    const auto good = judged({{{"measurement", bl1}, {"type", "BL1"}, {"signerId", signer}, {"version", "1.0"}}, {{"measurement", bl2}}});
    EXPECT_TRUE(good.verified()) << reasons(good);
    ASSERT_EQ(good.platforms().size(), 1U);
    EXPECT_EQ(good.platforms()[0].tcb_status, "Endorsed");
    EXPECT_THAT(reason_of(judged({{{"measurement", bl1}}}), tcb), HasSubstr("BL2 1.0 with the measurement " + bl2));
    EXPECT_THAT(refusing(judged({{{"measurement", bl1}}, {{"measurement", bl2}, {"version", "1.1"}}})), ElementsAre("tcb"));
    EXPECT_THAT(refusing(judged({{{"measurement", bl1}}, {{"measurement", bl2}, {"signerId", bl1}}})), ElementsAre("tcb"));
    EXPECT_THAT(refusing(judged({{{"measurement", bl1}}, {{"measurement", bl2}, {"type", "BL3"}}})), ElementsAre("tcb"));
    EXPECT_THAT(reason_of(judged({{{"measurement", bl1}}, {{"measurement", bl2}}, {{"measurement", bl2}, {"type", "BL3"}}}), tcb),
                HasSubstr("the platform has no BL3"));
    // Naming them makes the TCB required, and without them it is asked for in vain.
    options.reference = {};
    EXPECT_THAT(refusing(verify(token, {}, options)), ElementsAre("tcb"));
    options.waived.tcb = true;
    EXPECT_TRUE(verify(token, {}, options).verified());
    EXPECT_THAT(refusing(judged({{{"measurement", bl1}}})), ElementsAre("tcb"));
}

// What the components do not speak for is endorsed by nobody.
TEST(CcaReferenceValues, DoNotEndorseDevicesAndOtherRootsOfTrust) {
    const auto digest = bytes(Bytes(32, 4));
    const auto device = map({{2, digest}, {3, digest}, {4, boolean(true)}, {5, text("other")}});
    for (const auto &[claim, value, reason] : {std::tuple<std::int64_t, Bytes, std::string>{2394, number(1), ""},
                                               {2404, array({device}), "(1, claim 2404)"},
                                               {2406, bytes(Bytes{1}), "(claim 2406)"}}) {
        TestCcaToken made;
        set(made.platform, claim, value);
        auto options = options_for(made);
        EXPECT_TRUE(verify(made.encode(), {}, options).verified());
        options.reference = reference(
            {{"cca", {{"components", {{{"measurement", to_hex(Bytes(32, 0x21))}}, {{"measurement", to_hex(Bytes(32, 0x22))}}}}}}});
        const auto verdict = verify(made.encode(), {}, options);
        EXPECT_EQ(verdict.verified(), reason.empty()) << reasons(verdict);
        EXPECT_THAT(reason_of(verdict, tcb), HasSubstr(reason));
    }
}

TEST(CcaReferenceValues, AreRefusedWithTheMemberThatIsWrong) {
    const auto error = [](const std::string &json) {
        const auto policy = parse_cca_policy(json);
        return policy ? "" : policy.error().message;
    };
    EXPECT_EQ(error("{}"), "");
    EXPECT_EQ(error(R"({"remExtend":"tf-rmm"})"), "");
    EXPECT_EQ(parse_cca_policy(R"({"remExtend":"specification"})")->rem_extend, ExtendRule::padded_digest);
    EXPECT_THAT(error(R"({"remExtend":"digest"})"), HasSubstr("binds only its last event"));
    EXPECT_THAT(error(R"({"remExtend":null})"), HasSubstr("null"));
    EXPECT_THAT(error(R"({"rem":"tf-rmm"})"), HasSubstr("rem is unknown"));
    EXPECT_THAT(error(R"({"instanceIds":[]})"), HasSubstr("instanceIds is empty"));
    EXPECT_THAT(error(R"({"instanceIds":["01"]})"), HasSubstr("33 bytes"));
    EXPECT_THAT(error(R"({"components":[]})"), HasSubstr("components"));
    EXPECT_THAT(error(R"({"components":[{"type":"BL1"}]})"), HasSubstr("each has measurement"));
    EXPECT_THAT(error(R"({"components":[{"measurement":"00"}]})"), HasSubstr("32, 48 or 64 bytes"));
}

// Lists have the RIM padded to 64 bytes, tokens have it in its hash's length, and both mean one value.
TEST(CcaReferenceValues, MeanTheRimWithAndWithoutItsPadding) {
    TestCcaToken made;
    auto options = options_for(made);
    options.waived.reference = false;
    const auto rim = to_hex(Bytes(32, 0x61));
    const auto refused = [&](const std::string &value) {
        options.reference = reference({{"registers", {{"cca/rim", {value}}}}});
        return refusing(verify(made.encode(), {}, options));
    };
    EXPECT_THAT(refused(rim), IsEmpty());
    EXPECT_THAT(refused(rim + std::string(64, '0')), IsEmpty());
    EXPECT_THAT(refused(rim + std::string(63, '0') + "1"), ElementsAre("register_values"));
    EXPECT_THAT(refused(rim + std::string(32, '0')), ElementsAre("register_values"));
    set(made.realm, 44238, bytes([] {
            Bytes padded(64);
            std::fill_n(padded.begin(), 32, 0x61);
            return padded;
        }()));
    EXPECT_THAT(refused(rim), IsEmpty());
}

// ---- The log

class CcaLog : public ::testing::Test {
protected:
    void make(HashAlgorithm algorithm, bool padded) { realm_.emplace(algorithm, padded ? rem_by_padded_digest : rem_by_digest); }

    Verdict judged(const std::string &rule) {
        auto options = options_for(realm_->token);
        if (!rule.empty()) options.reference = reference({{"cca", {{"remExtend", rule}}}});
        const auto log = json_log(realm_->events, realm_->registers);
        const std::vector<ByteView> logs{as_bytes(log)};
        return verify(realm_->token.encode(), logs, options);
    }

    Evidence evidence() {
        Evidence whole{.report_data = {},
                       .parts = {{.name = "cca", .kind = "cca", .quote = realm_->token.encode(), .quote_format = "cca_token"}},
                       .time = test_now * 1'000'000,
                       .sequence = static_cast<std::int64_t>(realm_->events.size()),
                       .registers = {},
                       .log = bytes_of(json_log(realm_->events, realm_->registers))};
        std::ranges::copy(TestCcaToken::challenge(), whole.report_data.begin());
        for (const auto &known : realm_->registers) {
            const auto value = known.name == "cca/rem1" ? realm_->rem1 : known.initial;
            whole.registers.push_back({known.name, Owner::owned, value, value});
        }
        return whole;
    }

    std::optional<TestRealm> realm_;
};

TEST_F(CcaLog, LeadsToTheRemsByTheRuleOfThePlatformAndByNoOther) {
    for (const bool padded : {false, true}) {
        make(HashAlgorithm::sha256, padded);
        const std::string rule = padded ? "specification" : "tf-rmm";
        const std::string other = padded ? "tf-rmm" : "specification";
        EXPECT_TRUE(judged(rule).verified()) << reasons(judged(rule));
        EXPECT_THAT(refusing(judged(other)), ElementsAre("log_replay"));
        EXPECT_EQ(result_of(judged(other), log_replay), Judgement::fails);
    }
}

TEST_F(CcaLog, IsNotJudgedWhereTheRuleIsNotNamed) {
    make(HashAlgorithm::sha256, false);
    const auto verdict = judged("");
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::not_judged);
    EXPECT_THAT(reason_of(verdict, log_replay), HasSubstr("by which rule its platform extends rem1"));
    EXPECT_FALSE(verdict.verified());
    // Registers that were never extended hold what they began with, by any rule.
    realm_->events.clear();
    set(realm_->token.realm, 44239, array(std::vector<Bytes>(4, bytes(Bytes(32)))));
    EXPECT_TRUE(judged("").verified()) << reasons(judged(""));
}

TEST_F(CcaLog, OfSha512IsTheSameByBothRules) {
    make(HashAlgorithm::sha512, false);
    EXPECT_TRUE(judged("tf-rmm").verified());
    EXPECT_TRUE(judged("specification").verified());
}

TEST_F(CcaLog, ThatLeavesOutAnEventOrAddsOneDoesNotLeadThere) {
    make(HashAlgorithm::sha256, false);
    realm_->events.pop_back();
    EXPECT_EQ(result_of(judged("tf-rmm"), log_replay), Judgement::fails);
    make(HashAlgorithm::sha256, false);
    realm_->events.push_back(measured("cca/rem2", "third", {HashAlgorithm::sha256}));
    realm_->events.back().origin = EventOrigin::service;
    realm_->events.back().sequence = 3;
    EXPECT_EQ(result_of(judged("tf-rmm"), log_replay), Judgement::fails);
}

TEST_F(CcaLog, AndTokenAreEvidence) {
    make(HashAlgorithm::sha256, false);
    auto options = options_for(realm_->token);
    options.reference = reference({{"cca", {{"remExtend", "tf-rmm"}}},
                                   {"parts", {{{"name", "cca"}, {"kind", "cca"}}}},
                                   {"requiredEvents", {{{"name", "the second"}, {"register", "rem1"}, {"text", "second"}}}}});
    const auto verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
}

}  // namespace
}  // namespace mr
