// The statements of the real quotes.
#include <gmock/gmock.h>

#include "mr/quote.h"
#include "mr/verify_quote.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

class RealQuotes : public ::testing::Test {
protected:
    void SetUp() override {
        if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    }

    void verify(const std::string &folder, UnixTime time, const TrustAnchors &anchors = intel_trust_anchors()) {
        const auto quote = sample_bytes(folder + "/quote.bin");
        std::optional<Collateral> collateral;
        if (exists(sample_path(folder + "/collateral.json"))) {
            auto parsed = parse_collateral(sample_text(folder + "/collateral.json"));
            ASSERT_TRUE(parsed) << parsed.error().message;
            collateral = std::move(*parsed);
        }
        judgement_ = verify_quote(quote, collateral ? &*collateral : nullptr, anchors, time, {.tcb_required = false}, verdict_);
    }

    static std::vector<std::string> without_collateral() {
        return {"tcb_info_signature: not_judged",
                "tcb_info_current: not_judged",
                "qe_identity_signature: not_judged",
                "qe_identity_current: not_judged",
                "crl_signatures: not_judged",
                "crls_current: not_judged",
                "not_revoked: not_judged",
                "qe_identity: not_judged",
                "qe_tcb: not_judged",
                "tdx_module: not_judged",
                "tcb: not_judged"};
    }

    Verdict verdict_;
    QuoteJudgement judgement_;
};

TEST_F(RealQuotes, OfAnUpToDatePlatformEveryStatementHolds) {
    for (const auto &[folder, time] :
         {std::pair("quote/google-v5-body3", UnixTime{1771588800}), std::pair("quote/phala-v4", UnixTime{1750852800}),
          std::pair("jsonlog/near-dstack", UnixTime{1786708800})}) {
        SCOPED_TRACE(folder);
        verdict_ = {};
        verify(folder, time);
        EXPECT_THAT(not_true(verdict_), IsEmpty()) << reasons(verdict_);
        EXPECT_EQ(verdict_.statements().size(), 21U);
        EXPECT_TRUE(verdict_.verified());
        EXPECT_TRUE(judgement_.tcb_judged);
        EXPECT_EQ(judgement_.tcb_status, TcbStatus::up_to_date);
        EXPECT_THAT(judgement_.advisories, IsEmpty());
    }
}

TEST_F(RealQuotes, OfADebugTdOnlyDebugIsFalse) {
    verify("quote/coco-v4-debug", 1687262400);
    EXPECT_THAT(not_true(verdict_), ElementsAre("not_debug: false")) << reasons(verdict_);
    EXPECT_FALSE(verdict_.verified());
}

// One verifier calls it out of date: it counts the first TDX component, 4 of 5, twice, as the platform's too.
TEST_F(RealQuotes, TheModulesOwnComponentsDoNotCountForThePlatform) {
    verify("quote/gcp-cos113", 1737806400);
    EXPECT_THAT(not_true(verdict_), IsEmpty()) << reasons(verdict_);
    EXPECT_TRUE(verdict_.verified());
    EXPECT_EQ(judgement_.tcb_status, TcbStatus::up_to_date);
    EXPECT_THAT(verdict_.find(statement::tcb)->reason, HasSubstr("from the third on"));
}

TEST_F(RealQuotes, OfAPlatformBelowEveryLevelOnlyTheTcbIsFalse) {
    verify("quote/phala-v5-tcb-not-supported", 1771588800);
    EXPECT_THAT(not_true(verdict_), ElementsAre("tcb: false")) << reasons(verdict_);
    EXPECT_TRUE(judgement_.tcb_judged);
    EXPECT_EQ(judgement_.tcb_status, TcbStatus::not_supported);
    EXPECT_THAT(verdict_.find(statement::tcb)->reason, HasSubstr("no level fits"));
}

TEST_F(RealQuotes, WithoutCollateralThePlatformIsNotJudged) {
    verify("jsonlog/dstack-sdk", 1771588800);
    EXPECT_THAT(not_true(verdict_), UnorderedElementsAreArray(without_collateral())) << reasons(verdict_);
    EXPECT_TRUE(verdict_.verified());
    EXPECT_FALSE(judgement_.tcb_judged);
}

TEST_F(RealQuotes, ATdThatTheHostCanInterruptIsRefused) {
    verify("quote/google-spr-e4", 1700000000);
    auto expected = without_collateral();
    expected.emplace_back("sept_ve_disable: false");
    EXPECT_THAT(not_true(verdict_), UnorderedElementsAreArray(expected)) << reasons(verdict_);
    EXPECT_FALSE(verdict_.verified());
}

}  // namespace
}  // namespace mr
