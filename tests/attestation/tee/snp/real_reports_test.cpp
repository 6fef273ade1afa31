// The statements of the real reports, and of what is made of them that must be refused.
#include <gmock/gmock.h>

#include <algorithm>

#include "mr/verify.h"
#include "mr/verify_snp.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

constexpr UnixTime in_2027 = 1'800'000'000;
constexpr UnixTime in_2025 = 1'750'000'000;
constexpr auto takes_vlek = R"({"vlek": "accept", "vmpls": [0, 1]})";

Bytes joined(const std::vector<Bytes> &ders) {
    Bytes all;
    for (const auto &der : ders) all.insert(all.end(), der.begin(), der.end());
    return all;
}
Bytes root(const std::string &name) { return sample_bytes("snp/roots/" + name + ".der"); }

class RealReports : public ::testing::Test {
protected:
    void SetUp() override {
        if (!exists(sample_path("snp"))) GTEST_SKIP() << "there are no samples on this machine";
    }

    // AMD publishes no TCB and the samples have no CRL.
    static Verdict judged(ByteView report, ByteView beside, UnixTime time = in_2027, const std::string &policy = "",
                          const std::optional<TrustAnchors> &anchors = {}) {
        VerifyOptions options{};
        options.anchors = anchors;
        options.waived = {.nonce = true, .reference = true, .tcb = true};
        options.time = time;
        if (!policy.empty()) options.reference.platform.of_kind.emplace(snp_kind, policy);
        return verify(TeeEvidence{.quote = report, .auxiliary = beside}, {}, options);
    }
    static Bytes report_of(const std::string &set) { return sample_bytes("snp/" + set + "/report.bin"); }
    static Bytes key_of(const std::string &set) {
        if (set == "genoa-v3-tsm-report") return sample_bytes("snp/" + set + "/auxblob.bin");
        return sample_bytes("snp/" + set + (set == "milan-v3-vlek" ? "/vlek.der" : "/vcek.der"));
    }
    static std::string result(const Verdict &verdict, std::string_view name) { return std::string(to_string(verdict.find(name)->result)); }
};

TEST_F(RealReports, LeadToAmdsRootsByTheKeysCertificateAlone) {
    for (const auto *const set : {"coco-milan-v2", "genoa-v3-tsm-report", "genoa-v5", "turin-v5"}) {
        SCOPED_TRACE(set);
        const auto verdict = judged(report_of(set), key_of(set));
        EXPECT_TRUE(verdict.verified()) << reasons(verdict);
        EXPECT_THAT(false_ones(verdict), IsEmpty()) << reasons(verdict);
        EXPECT_EQ(result(verdict, statement::root_is_hardware), "true");
        EXPECT_EQ(result(verdict, statement::hardware_id), "true");
    }
}

TEST_F(RealReports, OfADebugGuestOnlyDebugIsFalse) {
    const auto verdict = judged(report_of("google-milan"), key_of("google-milan"));
    EXPECT_THAT(false_ones(verdict), ElementsAre("not_debug")) << reasons(verdict);
}

TEST_F(RealReports, OfAVlekAreTakenByWhoTakesVleksAndItsLevelAtItsTime) {
    const auto report = report_of("milan-v3-vlek");
    const auto key = key_of("milan-v3-vlek");
    const auto good = judged(report, key, in_2025, takes_vlek);
    EXPECT_TRUE(good.verified()) << reasons(good);
    EXPECT_THAT(good.find(statement::hardware_id)->reason, HasSubstr("names no chip"));
    EXPECT_THAT(false_ones(judged(report, key, in_2025)), ElementsAre("signing_key", "vmpl"));
    EXPECT_THAT(false_ones(judged(report, key, in_2027, takes_vlek)), ElementsAre("certificates_valid"));
}

// The minimum is of the reported TCB, by component: the microcode that runs is a higher one.
TEST_F(RealReports, AreJudgedByTheReportedTcb) {
    const auto status = [&](int microcode) {
        const auto policy =
            R"({"vlek": "accept", "vmpls": [1], "minimumTcb": {"Milan": {"microcode": )" + std::to_string(microcode) + "}}}";
        return result(judged(report_of("milan-v3-vlek"), key_of("milan-v3-vlek"), in_2025, policy), statement::tcb);
    };
    EXPECT_EQ(status(217), "true");
    EXPECT_EQ(status(218), "false");
}

TEST_F(RealReports, WithWhatBelongsToAnotherAreRefusedByTheStatementThatIsMeant) {
    const auto expect_false = [](const Verdict &verdict, const std::vector<std::string> &names) {
        EXPECT_FALSE(verdict.verified()) << reasons(verdict);
        EXPECT_THAT(false_ones(verdict), IsSupersetOf(names)) << reasons(verdict);
    };
    const auto change = [](const std::string &set, std::size_t at, std::uint8_t by) {
        auto report = report_of(set);
        report[at] = static_cast<std::uint8_t>(report[at] + by);
        return report;
    };
    expect_false(judged(change("coco-milan-v2", 42, 1), key_of("coco-milan-v2")), {"quote_signature"});
    expect_false(judged(change("coco-milan-v2", 0x180, 1), key_of("coco-milan-v2")), {"quote_signature", "certificate_tcb"});
    expect_false(judged(change("turin-v5", 0x90, 1), key_of("turin-v5")), {"quote_signature"});
    // Its TCB read in the other products' order.
    auto turin = report_of("turin-v5");
    turin[0x188] = 0x19;
    expect_false(judged(turin, key_of("turin-v5")), {"certificate_tcb", "cpu_product"});
    for (const auto *const other : {"raw", "octet"}) {
        const auto key = sample_bytes(std::string("snp/negative-vceks/vcek-") + other + "-hwid.der");
        expect_false(judged(report_of("coco-milan-v2"), key), {"certificate_chain", "hardware_id", "quote_signature"});
        const auto described = describe_certificate(key);
        ASSERT_TRUE(described && described->snp);
        const auto expectations = sample_expectations("snp/negative-vceks");
        EXPECT_EQ(to_hex(described->snp->hardware_id),
                  expectations.at(std::string("vcek-") + other + "-hwid.der").at("hwid_must_read_as").get<std::string>());
    }
    const auto with_another = judged(report_of("turin-v5"), sample_bytes("snp/negative-vceks/vcek-turin-other.der"));
    expect_false(with_another, {"quote_signature", "hardware_id", "certificate_tcb"});
    EXPECT_EQ(result(with_another, statement::certificate_chain), "true");
    const auto vlek = key_of("milan-v3-vlek");
    expect_false(judged(report_of("milan-v3-vlek"), joined({vlek, root("milan-ask"), root("milan-ark")}), in_2025, takes_vlek),
                 {"certificate_chain"});
    expect_false(judged(report_of("coco-milan-v2"), vlek, in_2025, takes_vlek), {"signing_key", "quote_signature"});
    expect_false(judged(report_of("milan-v3-vlek"), key_of("coco-milan-v2"), in_2025, takes_vlek), {"signing_key", "quote_signature"});
    // Another product's root, beside the report and as the anchor.
    const auto milan = key_of("coco-milan-v2");
    expect_false(judged(report_of("coco-milan-v2"), joined({milan, root("milan-ask"), root("genoa-ark")})), {"certificate_chain"});
    expect_false(
        judged(report_of("coco-milan-v2"), joined({milan, root("milan-ask")}), in_2027, "", TrustAnchors{.roots = {root("genoa-ark")}}),
        {"certificate_chain"});
    auto damaged = milan;
    ++damaged[42];
    expect_false(judged(report_of("coco-milan-v2"), damaged), {"certificate_chain"});
    auto reversed = report_of("genoa-v5");
    std::reverse(reversed.begin() + 0x2A0, reversed.begin() + 0x330);
    expect_false(judged(reversed, key_of("genoa-v5")), {"quote_signature"});
    auto behind = report_of("genoa-v5");
    behind[0x330] = 1;
    expect_false(judged(behind, key_of("genoa-v5")), {"reserved_fields"});
    for (const std::size_t size : {1183U, 1185U}) {
        auto other = report_of("genoa-v5");
        other.resize(size);
        expect_false(judged(other, key_of("genoa-v5")), {"quote_format"});
    }
}

// Whatever bit of it changes: its own signature or the chain does not hold, or it cannot be read.
TEST_F(RealReports, EverySingleBitOfTheCertificateIsVouchedFor) {
    const auto report = report_of("turin-v5");
    const auto key = key_of("turin-v5");
    AppraiserOptions options{.waived = {.nonce = true, .reference = true, .tcb = true}};
    Appraiser appraiser(options);
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < key.size() * 8; bit += 7) {
        auto changed = key;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto verdict = appraiser.appraise(TeeEvidence{.quote = report, .auxiliary = changed}, {}, {.time = in_2027});
        if (verdict.find(statement::certificate_chain)->result == Judgement::holds) ++accepted;
    }
    EXPECT_EQ(accepted, 0U);
}

TEST_F(RealReports, TheRootsThatAreEmbeddedAreTheSamples) {
    for (const auto *const product : {"milan", "genoa", "turin"})
        EXPECT_THAT(amd_trust_anchors().roots, Contains(root(std::string(product) + "-ark")));
    EXPECT_EQ(amd_trust_anchors().roots.size(), 3U);
}

}  // namespace
}  // namespace mr
