// What an Appraiser keeps from one piece of evidence to the next changes no verdict: each is that of one that has seen nothing before.
#include "mr/appraiser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <thread>
#include <vector>

#include "libmr/src/attestation/pki/certificate_chain.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

class AppraiserTest : public MachineTest {
protected:
    void SetUp() override {
        MachineTest::SetUp();
        expect_nonce();
    }

    // Both judge it; the verdict of the one that keeps things.
    Verdict judged(Appraiser &appraiser, const Evidence &made, UnixTime time = test_now) {
        auto question = static_cast<const Question &>(options);
        question.time = time;
        auto verdict = appraiser.appraise(made, question);
        EXPECT_EQ(reasons(verdict), reasons(Appraiser(options).appraise(made, question)));
        return verdict;
    }
};

TEST_F(AppraiserTest, CollateralOfAKindThatNothingReadsIsNotPassedOver) {
    options.collateral["snp"] = "{}";  // of other machines that it judges
    EXPECT_TRUE(Appraiser(options).appraise(evidence(), options).verified());
    options.collateral["zzz"] = "{}";
    for (const bool is_waived : {false, true}) {
        options.waived.tcb = is_waived;
        const auto verdict = Appraiser(options).appraise(evidence(), options);
        EXPECT_FALSE(verdict.verified());
        const auto *const tcb = verdict.find(statement::tcb);
        ASSERT_NE(tcb, nullptr);
        EXPECT_EQ(tcb->result, Judgement::fails);
        EXPECT_TRUE(tcb->required);
        EXPECT_THAT(tcb->reason, ::testing::HasSubstr("collateral was given of the kind zzz"));
    }
}

TEST_F(AppraiserTest, JudgesEachPieceAsIfItWereTheFirst) {
    Appraiser appraiser(options);
    const auto good = evidence();
    const std::vector<std::function<void(Evidence &)>> changes{
        [](Evidence &e) { e.parts[0].quote[100] ^= 1; },                            // what is signed
        [](Evidence &e) { e.parts[0].quote[640] ^= 1; },                            // the signature
        [](Evidence &e) { e.parts[0].quote[710] ^= 1; },                            // the attestation key
        [](Evidence &e) { e.parts[0].quote[e.parts[0].quote.size() - 200] ^= 1; },  // the certificates
        [this](Evidence &e) { e.parts[0].collateral = forged_collateral(); },       // the collateral's signature
        [](Evidence &e) { e.parts[0].collateral->replace(e.parts[0].collateral->find("UpToDate"), 8, "UpToDatE"); },  // and its text
        [](Evidence &e) { e.parts[0].collateral.reset(); },
        [](Evidence &e) { e.parts[0].collateral = "{}"; },
        [](Evidence &e) { e.log.clear(); },
        [](Evidence &e) { e.report_data[0] ^= 1; },
    };
    options.waived.tcb = false;
    Appraiser strict(options);
    for (const auto &change : changes) {
        EXPECT_TRUE(judged(strict, good).verified());
        auto changed = good;
        change(changed);
        EXPECT_FALSE(judged(strict, changed).verified());
        EXPECT_FALSE(judged(strict, changed).verified()) << "the second time too";
    }
    EXPECT_TRUE(judged(strict, good).verified());
    EXPECT_TRUE(judged(appraiser, good).verified());
}

// Of certificates and texts that are kept the dates are looked at each time.
TEST_F(AppraiserTest, JudgesAtTheTimeOfTheQuestion) {
    Appraiser appraiser(options);
    const auto good = evidence();
    for (const auto time : {test_now, test_now + 365 * test_day, test_now, test_now - 10 * 365 * test_day, test_now})
        EXPECT_EQ(judged(appraiser, good, time).verified(), time == test_now) << time;
}

// Another machine's certificates and revocation lists, under the same anchors or others.
TEST_F(AppraiserTest, TakesNoMachinesEvidenceForAnothers) {
    TestPlatform other;
    options.anchors->roots.push_back(other.anchors().roots.front());
    Appraiser appraiser(options);
    const auto good = evidence();
    auto mixed = good;
    mixed.parts[0].collateral = compact(write_collateral(other.collateral()));
    platform.pck_crl.revoked.push_back(platform.pck.serial);
    auto taken_back = good;
    taken_back.parts[0].collateral = compact(write_collateral(platform.collateral()));
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(judged(appraiser, good).verified());
        EXPECT_FALSE(judged(appraiser, mixed).verified());
        EXPECT_FALSE(judged(appraiser, taken_back).verified());
    }
}

TEST_F(AppraiserTest, ForgetsWhereItWouldKeepTooMuch) {
    std::vector<Evidence> fleet;
    TrustAnchors anchors;
    constexpr std::size_t certificates_of_one = 4;
    for (std::size_t i = 0; i < attestation::max_kept_certificates / certificates_of_one + 10; ++i) {
        platform = TestPlatform();
        events.clear();
        MachineTest::SetUp();
        fleet.push_back(evidence());
        anchors.roots.push_back(platform.anchors().roots.front());
    }
    options.anchors = anchors;
    options.report_data.reset();
    Appraiser appraiser(options);
    for (int round = 0; round < 2; ++round) {
        for (const auto &one : fleet) {
            const auto verdict = appraiser.appraise(one, {.report_data = {}, .time = test_now});
            EXPECT_TRUE(verdict.verified()) << reasons(verdict);
        }
    }
}

TEST_F(AppraiserTest, OfSeveralThreadsEachHasItsOwn) {
    const auto good = evidence();
    auto bad = good;
    bad.parts[0].quote[100] ^= 1;
    std::vector<std::thread> threads;
    std::array<int, 4> right{};
    for (auto &count : right) {
        threads.emplace_back([&] {
            Appraiser appraiser(options);
            for (int i = 0; i < 20; ++i) {
                if (appraiser.appraise(good, options).verified() && !appraiser.appraise(bad, options).verified()) ++count;
            }
        });
    }
    for (auto &thread : threads) thread.join();
    EXPECT_THAT(right, testing::Each(20));
}

}  // namespace
}  // namespace mr
