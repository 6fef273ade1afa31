// Trust anchors, policies, and what happens to the statements behind one that does not hold.
#include "mr/verify_quote.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <string>

#include "mr/appraiser.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/attestation/verdict_text.h"
#include "tests/every_bit.h"
#include "tests/sanitized.h"

namespace mr {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

struct Judged {
    Verdict verdict;
    QuoteJudgement judgement;

    [[nodiscard]] Judgement of(std::string_view name) const { return verdict.find(name)->result; }
    [[nodiscard]] bool required(std::string_view name) const { return verdict.find(name)->required; }
};

Judged judge(TestPlatform &platform, const PlatformPolicy &policy = {}) {
    Judged judged;
    const auto collateral = platform.collateral();
    judged.judgement = verify_quote(platform.quote(), &collateral, platform.anchors(), test_now, policy, judged.verdict);
    return judged;
}

// ---- The order and number of statements

TEST(VerifyQuote, AlwaysStatesTheSameTwentyOneThings) {
    TestPlatform platform;
    const auto collateral = platform.collateral();
    const auto quote = platform.quote();
    for (const Bytes &bytes : {quote, Bytes(), Bytes(700, 0xFF)}) {
        for (const Collateral *given : {&collateral, static_cast<const Collateral *>(nullptr)}) {
            Verdict verdict;
            verify_quote(bytes, given, platform.anchors(), test_now, {}, verdict);
            std::vector<std::string> names;
            for (const auto &each : verdict.statements()) {
                names.push_back(each.name);
                EXPECT_THAT(each.reason, Not(IsEmpty()));
            }
            ASSERT_EQ(names.size(), 21U);
            EXPECT_EQ(names.front(), statement::quote_format);
            EXPECT_EQ(names.back(), statement::not_debug);
            EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
        }
    }
}

TEST(VerifyQuote, OfWhatIsNoQuoteOnlyTheFormatIsFalse) {
    TestPlatform platform;
    const auto collateral = platform.collateral();
    for (const Bytes &bytes : {Bytes(), Bytes(10, 0), Bytes(6000, 0xFF)}) {
        Verdict verdict;
        const auto judgement = verify_quote(bytes, &collateral, platform.anchors(), test_now, {}, verdict);
        EXPECT_THAT(false_ones(verdict), UnorderedElementsAre("quote_format"));
        EXPECT_EQ(not_true(verdict).size(), 21U);
        EXPECT_FALSE(verdict.verified());
        EXPECT_FALSE(judgement.tcb_judged);
    }
}

TEST(VerifyQuote, ReportsTheBytesBehindTheSignatureData) {
    TestPlatform platform;
    platform.trailing = 3065;
    EXPECT_THAT(judge(platform).verdict.find(statement::quote_format)->reason, HasSubstr("3065 bytes"));
}

// ---- Every bit that is signed

// A quote of the tests' own, in the hands of who flips its bits. What its certificates are worth is kept from one question to the next.
class FlippedQuote : public ::testing::Test {
protected:
    // By whoever has no collateral: nothing is judged then but the quote.
    static AppraiserOptions options_for(TestPlatform &platform) {
        AppraiserOptions options;
        options.anchors = platform.anchors();
        options.waived = {.nonce = true, .reference = true, .tcb = true};
        return options;
    }

    Verdict with_bit(std::size_t bit) {
        const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
        quote_[bit / 8] ^= mask;
        auto verdict = appraiser_.appraise(quote_, {}, {.time = test_now});
        quote_[bit / 8] ^= mask;
        return verdict;
    }

    [[nodiscard]] std::size_t certificates_at() const {
        const auto *const certificates = decode_quote(quote_)->inner_certification_data.data();
        return static_cast<std::size_t>(certificates - quote_.data());
    }

    static constexpr std::size_t signed_size = 632;
    // With a sanitizer, which makes it ten times as slow, every seventh bit: each of a byte in turn.
    static constexpr std::size_t step = mrd::is_sanitized ? 7 : 1;

    TestPlatform platform_;
    Bytes quote_ = platform_.quote();
    Appraiser appraiser_{options_for(platform_)};
};

// Real registers and claims are in every one of them.
TEST_F(FlippedQuote, InAnyBitOfItsSignedPartHasNoSignatureThatHolds) {
    ASSERT_EQ(decode_quote(quote_)->signed_part.size(), signed_size);
    ASSERT_TRUE(appraiser_.appraise(quote_, {}, {.time = test_now}).verified());
    for (std::size_t bit = 0; bit < signed_size * 8; bit += step) {
        const auto verdict = with_bit(bit);
        ASSERT_FALSE(verdict.verified()) << "bit " << bit;
        // The first eight bytes say what it is: with another type or version it is no quote that is read.
        const auto *const signature = verdict.find(statement::quote_signature);
        EXPECT_TRUE(bit < 8U * 8 || (signature != nullptr && signature->result == Judgement::fails)) << "bit " << bit;
    }
}

// Signature, attestation key, the quoting enclave's report, its signature and its authentication data, and the sizes between them.
TEST_F(FlippedQuote, InAnyBitBetweenItsSignedPartAndItsCertificatesIsRefused) {
    ASSERT_GT(certificates_at(), signed_size + 64 + 64 + 384 + 64);
    for (std::size_t bit = signed_size * 8; bit < certificates_at() * 8; bit += step)
        ASSERT_FALSE(with_bit(bit).verified()) << "bit " << bit;
}

// One bit of each byte: every changed certificate is read anew. Of a PEM text only the line ends can change without its meaning, and this bit makes none of them another blank.
TEST_F(FlippedQuote, InTheFirstBitOfAnyByteOfItsCertificatesIsRefused) {
    for (std::size_t byte = certificates_at(); byte < quote_.size(); ++byte) ASSERT_FALSE(with_bit(byte * 8).verified()) << "byte " << byte;
}

// Each bit of the certificates themselves: PCK leaf, CA and root, which a bit of the text around them changes in other ways.
TEST_F(FlippedQuote, InAnyBitOfACertificateInItIsRefused) {
    constexpr std::size_t usual_stride = 29;
    const auto stride = mrd::bit_stride(usual_stride);
    auto certificates = find_certificates(ByteView(quote_).subspan(certificates_at())).value();
    ASSERT_EQ(certificates.size(), 3U);
    const auto is_accepted = [&] {
        std::string text;
        for (const auto &der : certificates) text += pem_of(der);
        EXPECT_EQ(text.size(), quote_.size() - certificates_at());
        auto quote = quote_;
        std::ranges::copy(text, quote.begin() + static_cast<std::ptrdiff_t>(certificates_at()));
        return appraiser_.appraise(quote, {}, {.time = test_now}).verified();
    };
    ASSERT_TRUE(is_accepted());
    std::size_t first = 0;
    for (auto &der : certificates) {
        for (std::size_t bit = first; bit < der.size() * 8; bit += stride) {
            const auto flip = [&] { der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8); };
            flip();
            EXPECT_FALSE(is_accepted()) << "bit " << bit << " of a certificate of " << der.size() << " bytes";
            flip();
        }
        first = (first + 1) % stride;
    }
    EXPECT_TRUE(is_accepted());
}

TEST(VerifyQuote, WithAnyByteOfARealQuotesSignedPartFlippedTheSignatureDoesNotHold) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto *const folder : {"ccel/gcp-cos113", "quote/google-v5-body3"}) {
        auto quote = sample_bytes(std::string(folder) + "/quote.bin");
        const auto size = decode_quote(quote)->signed_part.size();
        for (std::size_t i = 0; i < size; ++i) {
            quote[i] ^= 1;
            Verdict verdict;
            verify_quote(quote, nullptr, intel_trust_anchors(), 1771588800, {.tcb_required = false}, verdict);
            EXPECT_FALSE(verdict.verified()) << i;
            if (decode_quote(quote)) {
                EXPECT_EQ(verdict.find(statement::quote_signature)->result, Judgement::fails) << i;
            } else {
                EXPECT_TRUE(i < 8 || (i >= 48 && i < 54)) << i;
            }
            quote[i] ^= 1;
        }
    }
}

// ---- Trust anchors

TEST(VerifyQuote, UnderAnotherRootNothingVouchesForTheQuote) {
    TestPlatform platform;
    const auto collateral = platform.collateral();
    Verdict verdict;
    verify_quote(platform.quote(), &collateral, intel_trust_anchors(), test_now, {}, verdict);
    EXPECT_THAT(false_ones(verdict), UnorderedElementsAre("certificate_chain", "root_is_hardware", "tcb_info_signature",
                                                          "qe_identity_signature", "crl_signatures"));
    EXPECT_EQ(verdict.find(statement::quote_signature)->result, Judgement::holds);
    EXPECT_EQ(verdict.find(statement::not_debug)->result, Judgement::not_judged);
    EXPECT_EQ(verdict.find(statement::tcb)->result, Judgement::not_judged);
    EXPECT_FALSE(verdict.verified());
}

TEST(VerifyQuote, WithoutTrustAnchorsIsRefused) {
    TestPlatform platform;
    Verdict verdict;
    verify_quote(platform.quote(), nullptr, {}, test_now, {.tcb_required = false}, verdict);
    EXPECT_THAT(false_ones(verdict), Contains("certificate_chain"));
    EXPECT_FALSE(verdict.verified());
}

// Who trusts two roots does not let one of them say what the other's platforms are worth.
TEST(VerifyQuote, TakesNoCollateralFromAnotherTrustAnchor) {
    TestPlatform platform;
    TestPlatform other;
    TrustAnchors both = platform.anchors();
    both.roots.push_back(other.anchors().roots.front());
    const auto own = platform.collateral();
    const auto foreign = other.collateral();

    Verdict good;
    verify_quote(platform.quote(), &own, both, test_now, {}, good);
    EXPECT_TRUE(good.verified()) << reasons(good);

    Verdict bad;
    verify_quote(platform.quote(), &foreign, both, test_now, {}, bad);
    EXPECT_THAT(false_ones(bad), UnorderedElementsAre("root_is_hardware", "tcb_info_signature", "qe_identity_signature", "crl_signatures"));
    EXPECT_FALSE(bad.verified());
}

TEST(VerifyQuote, TakesNoCrlOfAnotherCaOfTheSameRoot) {
    TestPlatform platform;
    const auto quote = platform.quote();
    auto collateral = platform.collateral();
    // A second CA, of the same name, under the same root.
    const TestKey second;
    collateral.pck_crl_issuer_chain =
        pem_of(platform.authority.encode(second, platform.root_key)) + pem_of(platform.anchors().roots.front());
    collateral.pck_crl = platform.pck_crl.encode(second);
    Verdict verdict;
    verify_quote(quote, &collateral, platform.anchors(), test_now, {}, verdict);
    EXPECT_THAT(false_ones(verdict), UnorderedElementsAre("root_is_hardware", "crl_signatures")) << reasons(verdict);
}

TEST(VerifyQuote, TakesACrlUnderANewCertificateOfTheSameCa) {
    TestPlatform platform;
    const auto quote = platform.quote();
    auto collateral = platform.collateral();
    platform.authority.serial = 77;
    collateral.pck_crl_issuer_chain =
        pem_of(platform.authority.encode(platform.authority_key, platform.root_key)) + pem_of(platform.anchors().roots.front());
    Verdict verdict;
    verify_quote(quote, &collateral, platform.anchors(), test_now, {}, verdict);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    // And that certificate counts as one that is used.
    platform.authority.not_after = test_now - 1;
    collateral.pck_crl_issuer_chain =
        pem_of(platform.authority.encode(platform.authority_key, platform.root_key)) + pem_of(platform.anchors().roots.front());
    Verdict expired;
    verify_quote(quote, &collateral, platform.anchors(), test_now, {}, expired);
    EXPECT_THAT(false_ones(expired), UnorderedElementsAre("certificates_valid", "root_is_hardware")) << reasons(expired);
}

TEST(VerifyQuote, RequiresHardwareOnlyIfThePolicySaysSo) {
    TestPlatform platform;
    for (const auto &[accept, verified] :
         {std::pair(std::optional<bool>(), true), std::pair(std::optional(true), true), std::pair(std::optional(false), false)}) {
        const auto judged = judge(platform, {.accept_simulated_roots = accept});
        EXPECT_EQ(judged.of(statement::root_is_hardware), Judgement::fails);
        EXPECT_EQ(judged.required(statement::root_is_hardware), !verified);
        EXPECT_EQ(judged.verdict.verified(), verified);
    }
}

TEST(TrustAnchors, OfIntelAreTheRootOfTheRealQuotes) {
    const auto &anchors = intel_trust_anchors();
    ASSERT_EQ(anchors.roots.size(), 1U);
    const auto root = describe_certificate(anchors.roots.front());
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_EQ(to_hex(root->fingerprint.bytes()), "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
    EXPECT_EQ(root->subject, "CN=Intel SGX Root CA, O=Intel Corporation, L=Santa Clara, ST=CA, C=US");
    EXPECT_EQ(root->not_after, 2524607999);
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    for (const auto &folder : sample_quotes()) {
        const auto bytes = sample_bytes(folder + "/quote.bin");
        std::string pem(reinterpret_cast<const char *>(decode_quote(bytes)->inner_certification_data.data()),
                        decode_quote(bytes)->inner_certification_data.size());
        if (pem.ends_with('\0')) pem.pop_back();
        const auto chain = decode_pem_certificates(pem);
        ASSERT_TRUE(chain) << folder << ": " << chain.error().message;
        // One is of a development machine, under another root of the same name.
        EXPECT_EQ(chain->back() == anchors.roots.front(), folder != "ccel/cctrusted-grub-ima") << folder;
    }
}

TEST(TrustAnchors, AreReadFromPemAndFromDer) {
    TestPlatform platform;
    const auto der = platform.anchors().roots.front();
    EXPECT_EQ(parse_trust_anchors(der)->roots, std::vector<Bytes>{der});
    const auto pem = pem_of(der) + "\r\n" + pem_of(intel_trust_anchors().roots.front());
    EXPECT_EQ(parse_trust_anchors(as_bytes(pem))->roots, (std::vector<Bytes>{der, intel_trust_anchors().roots.front()}));
}

TEST(TrustAnchors, ThatAreNoCertificatesAreMalformed) {
    for (const std::string text : {"", "text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "0", "0\x80"}) {
        const auto anchors = parse_trust_anchors(as_bytes(text));
        ASSERT_FALSE(anchors) << text;
        EXPECT_EQ(anchors.error().code, ErrorCode::malformed);
    }
    EXPECT_FALSE(parse_trust_anchors(Bytes(max_pem_size + 1, 0x30)));
}

TEST(VerifyQuote, OfADevelopmentMachineHoldsUnderItsOwnRootAndNotUnderIntels) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const auto quote = sample_bytes("ccel/cctrusted-grub-ima/quote.bin");
    const auto decoded = decode_quote(quote);
    std::string pem(reinterpret_cast<const char *>(decoded->inner_certification_data.data()), decoded->inner_certification_data.size());
    while (pem.ends_with('\0')) pem.pop_back();
    const auto own = TrustAnchors{{decode_pem_certificates(pem)->back()}};
    const auto time = describe_certificate(decode_pem_certificates(pem)->front())->not_before + test_day;

    Verdict under_own;
    verify_quote(quote, nullptr, own, time, {.tcb_required = false}, under_own);
    EXPECT_THAT(false_ones(under_own), UnorderedElementsAre("root_is_hardware")) << reasons(under_own);
    EXPECT_TRUE(under_own.verified());

    Verdict under_intels;
    verify_quote(quote, nullptr, intel_trust_anchors(), time, {.tcb_required = false}, under_intels);
    EXPECT_THAT(false_ones(under_intels), UnorderedElementsAre("certificate_chain", "root_is_hardware"));
    EXPECT_FALSE(under_intels.verified());
}

// Intel's own sample: random values under a root of its own, older than the check of TDX modules.
TEST(VerifyQuote, OfIntelsSimulatedSampleTheChainHoldsAndTheModuleDoesNot) {
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const std::string folder = "quote/intel-qvl-simulated-root/";
    const auto quote = sample_bytes(folder + "quote.dat");
    const auto root = sample_text(folder + "trustedRootCaCert.pem");
    const auto authorities = decode_pem_certificates(sample_text(folder + "pckSignChain.pem"));
    ASSERT_TRUE(authorities);
    // The chain comes in files of its own, root first; nothing signs the place where a quote has it.
    std::string chain = sample_text(folder + "pckCert.pem");
    for (const auto &der : {authorities->at(1), authorities->at(0)}) chain += "\n" + pem_of(der);
    auto parts = *decode_quote(quote);
    parts.inner_certification_data = as_bytes(chain);

    const auto signed_json = [&](const std::string &file, std::string &text, Bytes &signature) {
        const auto json = sample_text(folder + file);
        const auto begin = json.find(":{") + 1;
        const auto end = json.find(",\"signature\":\"");
        text = json.substr(begin, end - begin);
        signature = from_hex(json.substr(end + 14, 128)).value();
    };
    Collateral collateral;
    signed_json("tcbInfo.json", collateral.tcb_info, collateral.tcb_info_signature);
    signed_json("qeIdentity.json", collateral.qe_identity, collateral.qe_identity_signature);
    const auto signers = decode_pem_certificates(sample_text(folder + "tcbSignChain.pem"));
    collateral.tcb_info_issuer_chain = pem_of(signers->at(1)) + pem_of(signers->at(0));
    collateral.qe_identity_issuer_chain = collateral.tcb_info_issuer_chain;
    collateral.pck_crl_issuer_chain = pem_of(authorities->at(1)) + pem_of(authorities->at(0));
    collateral.root_ca_crl = sample_bytes(folder + "rootCaCrl.der");
    collateral.pck_crl = sample_bytes(folder + "intermediateCaCrl.der");

    Verdict verdict;
    verify_quote(encode_quote(parts), &collateral, *parse_trust_anchors(as_bytes(root)), 1640000000, {}, verdict);
    EXPECT_EQ(verdict.find(statement::certificate_chain)->result, Judgement::holds) << reasons(verdict);
    EXPECT_EQ(verdict.find(statement::tcb_info_signature)->result, Judgement::holds) << reasons(verdict);
    EXPECT_EQ(verdict.find(statement::crl_signatures)->result, Judgement::holds) << reasons(verdict);
    EXPECT_EQ(verdict.find(statement::tdx_module)->result, Judgement::fails) << reasons(verdict);
    EXPECT_FALSE(verdict.verified());
}

// ---- Policies

TEST(VerifyQuote, AcceptsWhatThePolicyAcceptsAndStatesItNonetheless) {
    struct Case {
        std::function<void(TestPlatform &)> change;
        std::string_view name;
        PlatformPolicy policy;
    };
    const std::vector<Case> cases = {
        {[](TestPlatform &p) { p.body.td_attributes |= td_attribute_debug; }, statement::not_debug, {.accept_debug = true}},
        {[](TestPlatform &p) { p.body.td_attributes = 0; },
         statement::sept_ve_disable,
         {.of_kind = {{"tdx", R"({"septVeDisableUnset":"accept"})"}}}},
    };
    for (const auto &[change, name, policy] : cases) {
        auto platform = TestPlatform::td15();
        change(platform);
        EXPECT_FALSE(judge(platform).verdict.verified());
        const auto judged = judge(platform, policy);
        EXPECT_TRUE(judged.verdict.verified()) << reasons(judged.verdict);
        EXPECT_EQ(judged.of(name), Judgement::fails);
        EXPECT_FALSE(judged.required(name));
    }
}

// What is said for TDs alone.
PlatformPolicy for_tds(const std::string &json) { return {.of_kind = {{std::string(tdx_kind), json}}}; }
PlatformPolicy accepting(ByteView service_td) { return for_tds(R"({"serviceTds":[")" + to_hex(service_td) + R"("]})"); }

TEST(VerifyQuote, AcceptsAServiceTdThatThePolicyNamesAndThenThatTheTdCanBeMigrated) {
    auto platform = TestPlatform::td15();
    platform.body.mr_servicetd.fill(0xAB);
    platform.body.td_attributes |= 1U << 29;
    EXPECT_THAT(false_ones(judge(platform).verdict), UnorderedElementsAre("root_is_hardware", "td_attributes", "service_td"));
    EXPECT_TRUE(judge(platform, accepting(platform.body.mr_servicetd)).verdict.verified());
    auto other = platform.body.mr_servicetd;
    other[0] = 0;
    EXPECT_FALSE(judge(platform, accepting(other)).verdict.verified());
}

TEST(VerifyQuote, StatesThePlatformsIdentityWhereThePolicyNamesPlatforms) {
    TestPlatform platform;
    EXPECT_EQ(judge(platform).verdict.find(statement::platform_identity), nullptr);
    const auto own = for_tds(R"({"ppids":[")" + std::string(32, '1') + R"("]})");
    auto judged = judge(platform, own);
    EXPECT_TRUE(judged.verdict.verified()) << reasons(judged.verdict);
    EXPECT_EQ(judged.of(statement::platform_identity), Judgement::holds);
    judged = judge(platform, for_tds(R"({"ppids":[")" + std::string(31, '1') + R"(2"]})"));
    EXPECT_FALSE(judged.verdict.verified());
    EXPECT_EQ(judged.of(statement::platform_identity), Judgement::fails);
    // Whose signature does not hold may be any platform's.
    TestPlatform unvouched;
    unvouched.authority.is_authority = false;
    judged = judge(unvouched, own);
    EXPECT_EQ(judged.of(statement::platform_identity), Judgement::not_judged);
    EXPECT_TRUE(judged.required(statement::platform_identity));
    Verdict unreadable;
    verify_quote(Bytes(100), nullptr, platform.anchors(), test_now, own, unreadable);
    EXPECT_EQ(unreadable.find(statement::platform_identity)->result, Judgement::not_judged);
}

TEST(VerifyQuote, AcceptsTheTcbStatusesThatThePolicyNamesAndNoOthers) {
    using enum TcbStatus;
    struct Case {
        const char *level;
        const char *module;
        TcbStatus status;
    };
    for (const auto &[level, module, status] :
         {Case{"UpToDate", "UpToDate", up_to_date}, Case{"SWHardeningNeeded", "UpToDate", sw_hardening_needed},
          Case{"ConfigurationNeeded", "UpToDate", configuration_needed},
          Case{"ConfigurationAndSWHardeningNeeded", "UpToDate", configuration_and_sw_hardening_needed},
          Case{"OutOfDate", "UpToDate", out_of_date}, Case{"OutOfDateConfigurationNeeded", "UpToDate", out_of_date_configuration_needed},
          Case{"Revoked", "UpToDate", revoked}, Case{"UpToDate", "OutOfDate", out_of_date}, Case{"UpToDate", "Revoked", revoked},
          Case{"SWHardeningNeeded", "OutOfDate", out_of_date}, Case{"ConfigurationNeeded", "OutOfDate", out_of_date_configuration_needed},
          Case{"ConfigurationAndSWHardeningNeeded", "OutOfDate", out_of_date_configuration_needed},
          Case{"OutOfDateConfigurationNeeded", "OutOfDate", out_of_date_configuration_needed}}) {
        SCOPED_TRACE(std::string(level) + " and " + module);
        TestPlatform platform;
        platform.tcb_info["tcbLevels"][0]["tcbStatus"] = level;
        platform.tcb_info["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = module;
        for (const auto accepted : {up_to_date, sw_hardening_needed, configuration_needed, configuration_and_sw_hardening_needed,
                                    out_of_date, out_of_date_configuration_needed, revoked, not_supported}) {
            const auto judged = judge(platform, {.accepted_tcb = {std::string(to_string(accepted))}});
            EXPECT_EQ(judged.judgement.tcb_status, status);
            EXPECT_TRUE(judged.judgement.tcb_judged);
            EXPECT_EQ(judged.verdict.verified(), status == accepted && status != not_supported) << to_string(accepted);
            EXPECT_THAT(judged.verdict.find(statement::tcb)->reason, HasSubstr(std::string(to_string(status)) + ": "));
        }
    }
}

TEST(VerifyQuote, TakesNoCollateralOfAnEarlierTcbRecoveryThanThePolicyAsksFor) {
    for (const auto &[tcb_info, qe_identity, fails] :
         {std::tuple(18, 18, ""), {19, 18, ""}, {17, 18, "tcb_info_current"}, {18, 17, "qe_identity_current"}}) {
        SCOPED_TRACE(std::to_string(tcb_info) + " and " + std::to_string(qe_identity));
        TestPlatform platform;
        platform.tcb_info["tcbEvaluationDataNumber"] = tcb_info;
        platform.qe_identity["tcbEvaluationDataNumber"] = qe_identity;
        EXPECT_TRUE(judge(platform).verdict.verified());
        const auto judged = judge(platform, for_tds(R"({"minimumTcbEvaluationDataNumber":18})"));
        EXPECT_EQ(judged.verdict.verified(), std::string_view(fails).empty());
        // The root is a test's own, which is not required to be hardware.
        auto expected = std::vector<std::string>{"root_is_hardware"};
        if (*fails != 0) expected.emplace_back(fails);
        EXPECT_THAT(false_ones(judged.verdict), UnorderedElementsAreArray(expected));
    }
}

TEST(VerifyQuote, SaysWhichTcbRecoveryTheCollateralIsOf) {
    TestPlatform platform;
    EXPECT_THAT(judge(platform, for_tds(R"({"minimumTcbEvaluationDataNumber":20})")).verdict.find(statement::tcb_info_current)->reason,
                HasSubstr("tcbEvaluationDataNumber is 18, and at least 20"));
}

TEST(VerifyQuote, NeverAcceptsAPlatformThatNoLevelFits) {
    TestPlatform platform;
    platform.body.tee_tcb_svn[2] = 0;
    EXPECT_FALSE(judge(platform, {.accepted_tcb = {"OutOfDate"}}).verdict.verified());
    EXPECT_EQ(judge(platform).judgement.tcb_status, TcbStatus::not_supported);
}

TEST(VerifyQuote, ReachesALevelOnlyWithItsPceSvn) {
    TestPlatform platform;
    ASSERT_EQ(judge(platform).judgement.tcb_status, TcbStatus::up_to_date);
    platform.tcb_info["tcbLevels"][0]["tcb"]["pcesvn"] = 14;
    EXPECT_EQ(judge(platform).judgement.tcb_status, TcbStatus::out_of_date);
}

TEST(VerifyQuote, CountsTheQesLevelInTheStatusOfTheWhole) {
    TestPlatform platform;
    platform.qe_report.isv_svn = 5;
    const auto judged = judge(platform, {.accepted_tcb = {"OutOfDate"}});
    EXPECT_TRUE(judged.verdict.verified()) << reasons(judged.verdict);
    EXPECT_EQ(judged.judgement.tcb_status, TcbStatus::out_of_date);
    platform.qe_report.isv_svn = 1;
    EXPECT_EQ(judge(platform).judgement.tcb_status, TcbStatus::not_supported);
}

TEST(VerifyQuote, NamesTheAdvisoriesOfTheMatchingLevelsOnce) {
    TestPlatform platform;
    platform.body.tee_tcb_svn = {5, 1, 3};
    const auto judged = judge(platform);
    EXPECT_EQ(judged.judgement.tcb_status, TcbStatus::out_of_date);
    EXPECT_THAT(judged.judgement.advisories, ElementsAre("INTEL-SA-00001", "INTEL-SA-00002", "INTEL-SA-00003"));
}

TEST(VerifyQuote, OfATdThatRunsOnANewerModuleThanItsLaunchIsWorthItsLaunch) {
    auto platform = TestPlatform::td15();
    platform.body.tee_tcb_svn[0] = 4;
    const auto judged = judge(platform);
    EXPECT_EQ(judged.judgement.tcb_status, TcbStatus::td_relaunch_advised);
    EXPECT_FALSE(judged.verdict.verified());
    EXPECT_THAT(judged.verdict.find(statement::tcb)->reason, HasSubstr("relaunching"));
    // A status of its own: who accepts it accepts no module that runs out of date, nor the other way round.
    EXPECT_TRUE(judge(platform, {.accepted_tcb = {"TDRelaunchAdvised"}}).verdict.verified());
    EXPECT_FALSE(judge(platform, {.accepted_tcb = {"OutOfDate"}}).verdict.verified());
    EXPECT_EQ(to_string(TcbStatus::td_relaunch_advised), "TDRelaunchAdvised");
    const auto svn2 = platform.body.tee_tcb_svn2;
    platform.body.tee_tcb_svn2 = platform.body.tee_tcb_svn;
    EXPECT_EQ(judge(platform).judgement.tcb_status, TcbStatus::out_of_date);
    platform.body.tee_tcb_svn2 = svn2;
    platform.body.tee_tcb_svn2[2] = 0;
    EXPECT_EQ(judge(platform).judgement.tcb_status, TcbStatus::not_supported);
}

TEST(VerifyQuote, WithoutCollateralTheTcbIsRequiredOnlyIfThePolicySaysSo) {
    TestPlatform platform;
    for (const bool required : {false, true}) {
        Verdict verdict;
        const auto judgement = verify_quote(platform.quote(), nullptr, platform.anchors(), test_now, {.tcb_required = required}, verdict);
        EXPECT_EQ(verdict.verified(), !required);
        EXPECT_FALSE(judgement.tcb_judged);
        // What was asked for and is lacking is false, not a consequence of anything.
        const auto result = required ? Judgement::fails : Judgement::not_judged;
        for (const auto name : {statement::tcb_info_signature, statement::qe_identity_signature, statement::crls_current,
                                statement::not_revoked, statement::qe_identity, statement::tcb})
            EXPECT_EQ(verdict.find(name)->result, result) << name;
        EXPECT_EQ(verdict.find(statement::tcb)->required, required);
        EXPECT_EQ(verdict.find(statement::not_revoked)->required, required);
    }
}

// Whoever has a PCK key at hand through an enclave of his own could have it vouch for a key of his; a waived TCB does not waive whose enclave it is.
TEST(VerifyQuote, WhatCannotBeIntelsEnclaveOrModuleIsRefusedWithoutCollateralToo) {
    struct Change {
        std::string_view statement;
        void (*make)(TestPlatform &);
    };
    const std::vector<Change> changes{
        {statement::qe_identity, [](TestPlatform &p) { p.qe_report.mr_signer[31] ^= 1; }},
        {statement::qe_identity, [](TestPlatform &p) { p.qe_report.isv_prod_id = 1; }},
        {statement::qe_identity, [](TestPlatform &p) { p.qe_report.attributes[0] |= 2; }},
        // The simulator's own, under a root that is not the simulator's.
        {statement::qe_identity,
         [](TestPlatform &p) {
             const auto signer = hash(HashAlgorithm::sha256, as_bytes("mrd simulated quoting enclave's signer")).value();
             std::ranges::copy(signer.bytes(), p.qe_report.mr_signer.begin());
         }},
        {statement::tdx_module, [](TestPlatform &p) { p.body.mr_signer_seam[0] = 1; }},
        {statement::tdx_module, [](TestPlatform &p) { p.body.seam_attributes = 1; }},
    };
    for (const auto &[name, make] : changes) {
        TestPlatform platform;
        make(platform);
        const auto collateral = platform.collateral();
        for (const auto *given : {static_cast<const Collateral *>(nullptr), &collateral}) {
            Verdict verdict;
            verify_quote(platform.quote(), given, platform.anchors(), test_now, {}, verdict);
            EXPECT_EQ(verdict.find(name)->result, Judgement::fails) << name;
            EXPECT_TRUE(verdict.find(name)->required) << name;
            EXPECT_FALSE(verdict.verified()) << name;
        }
    }
}

// Trust anchors are of all kinds of hardware: that of a device's maker is one of them.
TEST(VerifyQuote, ARootOfAnotherNameThanIntelsCertifiesNoPlatform) {
    TestPlatform platform;
    platform.root.common_name = platform.root.issuer = platform.authority.issuer = "Example Device Maker Root";
    Verdict verdict;
    verify_quote(platform.quote(), nullptr, platform.anchors(), test_now, {}, verdict);
    EXPECT_EQ(verdict.find(statement::certificate_chain)->result, Judgement::fails);
    EXPECT_THAT(verdict.find(statement::certificate_chain)->reason, testing::HasSubstr("stands where Intel SGX Root CA should"));
    EXPECT_FALSE(verdict.verified());
}

// ---- What rests on what

TEST(VerifyQuote, BelievesNothingThatIsNotVouchedFor) {
    TestPlatform platform;
    const auto collateral = platform.collateral();
    auto quote = platform.quote();
    quote.at(48 + 136) ^= 1;
    Verdict verdict;
    const auto judgement = verify_quote(quote, &collateral, platform.anchors(), test_now, {}, verdict);
    EXPECT_THAT(not_true(verdict), UnorderedElementsAre("quote_signature: false", "root_is_hardware: false", "tdx_module: not_judged",
                                                        "tcb: not_judged", "not_debug: not_judged", "sept_ve_disable: not_judged",
                                                        "td_attributes: not_judged", "service_td: not_judged"));
    EXPECT_FALSE(judgement.tcb_judged);

    auto forged = platform.collateral();
    forged.tcb_info_signature[0] ^= 1;
    Verdict of_forged;
    verify_quote(platform.quote(), &forged, platform.anchors(), test_now, {}, of_forged);
    EXPECT_THAT(not_true(of_forged), UnorderedElementsAre("root_is_hardware: false", "tcb_info_signature: false",
                                                          "tcb_info_current: not_judged", "tdx_module: not_judged", "tcb: not_judged"));
}

TEST(VerifyQuote, JudgesAtTheTimeItIsGiven) {
    TestPlatform platform;
    const auto quote = platform.quote();
    const auto collateral = platform.collateral();
    const auto at = [&](UnixTime time) {
        Verdict verdict;
        verify_quote(quote, &collateral, platform.anchors(), time, {}, verdict);
        return false_ones(verdict);
    };
    EXPECT_THAT(at(test_now + 27 * test_day), UnorderedElementsAre("root_is_hardware"));
    EXPECT_THAT(at(test_now + 27 * test_day + 1), UnorderedElementsAre("root_is_hardware", "qe_identity_current"));
    EXPECT_THAT(at(test_now + 60 * test_day),
                UnorderedElementsAre("root_is_hardware", "tcb_info_current", "qe_identity_current", "crls_current"));
    for (const auto time : {std::numeric_limits<UnixTime>::min(), UnixTime{0}, std::numeric_limits<UnixTime>::max()}) {
        EXPECT_THAT(at(time), UnorderedElementsAre("certificates_valid", "root_is_hardware", "tcb_info_current", "qe_identity_current",
                                                   "crls_current"));
    }
}

TEST(TcbStatus, HasANameThatLeadsBackToIt) {
    for (int i = 0; i <= static_cast<int>(TcbStatus::not_supported); ++i) {
        const auto status = static_cast<TcbStatus>(i);
        EXPECT_EQ(tcb_status_from(to_string(status)), status);
    }
    EXPECT_EQ(to_string(TcbStatus::up_to_date), "UpToDate");
    EXPECT_FALSE(tcb_status_from("uptodate"));
    EXPECT_FALSE(tcb_status_from(""));
}

}  // namespace
}  // namespace mr
