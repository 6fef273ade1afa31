// A device as a part of evidence beside the TD that it is given to: both are over one nonce.
#include <gmock/gmock.h>

#include "mr/ear.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/tee/spdm/device_sample.h"

namespace mr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DevicePart : public MachineTest {
protected:
    void SetUp() override {
        if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
        MachineTest::SetUp();
        const auto &nonce = sample().evidence.spdm.nonce;
        platform.body.report_data = {};
        std::ranges::copy(nonce, platform.body.report_data.begin());
        options.report_data = Bytes(nonce.begin(), nonce.end());
        options.anchors->roots.push_back(sample().root);
        values_ = sample().reference_values();
        values_["spdm"]["debug"] = {"noninvasive", "since_manufacture"};
        values_.erase("debug");
        values_["parts"] = {{{"name", "spdm0"}, {"kind", "spdm"}}};
    }

    static DeviceSample &sample() {
        static DeviceSample known("doe-p384-12-all-signed");
        return known;
    }

    Evidence both() {
        auto made = evidence();
        const auto file = write_device_evidence(sample().evidence);
        made.parts.push_back({.name = "spdm0", .kind = "spdm", .quote = Bytes(file.begin(), file.end()), .quote_format = "spdm"});
        return made;
    }

    std::vector<std::string> refused_by(const Evidence &made) {
        options.reference = parse_reference_values(values_.dump()).value();
        return refusing(verify(made, options));
    }

    nlohmann::json values_;
};

TEST_F(DevicePart, IsJudgedBesideTheTd) {
    const auto made = both();
    EXPECT_THAT(refused_by(made), IsEmpty());
    EXPECT_EQ(parse_evidence(as_bytes(write_evidence_json(made))).value(), made);
    EXPECT_THAT(reason_of(verify(made, options), statement::device_identity), HasSubstr("spdm0: the certificate is of ACME:WIDGET"));
}

// Its root was given, and none is that of all devices.
TEST_F(DevicePart, IsNoHardwareThatAnAttestationResultVouchesFor) {
    EXPECT_THAT(refused_by(both()), IsEmpty());
    const auto file = write_device_evidence(sample().evidence);
    const Evidence alone{.parts = {{.name = "spdm0", .kind = "spdm", .quote = Bytes(file.begin(), file.end()), .quote_format = "spdm"}},
                         .registers = {},
                         .log = {}};
    EXPECT_EQ(result_of(verify(alone, options), statement::root_is_hardware), Judgement::not_judged);
    const auto ear = ear_of(verify(alone, options), {});
    EXPECT_FALSE(ear.appraisals.at("cpu0").vector.contains("hardware"));
    for (const auto &made : {both(), alone}) EXPECT_NE(ear_of(verify(made, options), {}).appraisals.at("cpu0").status, EarTier::affirming);
}

TEST_F(DevicePart, ThatIsLeftOutIsMissed) { EXPECT_THAT(refused_by(evidence()), ElementsAre("parts_present")); }

TEST_F(DevicePart, OverAnotherNonceThanTheTdIsRefused) {
    platform.body.report_data.front() ^= 1;
    EXPECT_THAT(refused_by(both()), ::testing::Contains("report_data"));
    options.report_data = Bytes(platform.body.report_data.begin(), platform.body.report_data.end());
    EXPECT_THAT(refused_by(both()), ::testing::Contains("report_data"));
}

TEST_F(DevicePart, ThatIsAnotherDeviceIsRefused) {
    values_["spdm"]["dmtf"] = "ACME:GADGET";
    EXPECT_THAT(refused_by(both()), ElementsAre("device_identity"));
}

// Each slot has a key of its own, and the device one name with a serial number.
TEST_F(DevicePart, DoesNotStandForTwoByTwoOfItsSlots) {
    const DeviceSample other("doe-p384-12-slot1");
    ASSERT_EQ(other.evidence.spdm.slot, 1);
    options.anchors->roots.push_back(other.root);
    auto made = both();
    EXPECT_EQ(result_of(verify(made, options), statement::parts_distinct), Judgement::holds);
    const auto file = write_device_evidence(other.evidence);
    made.parts.push_back({.name = "spdm1", .kind = "spdm", .quote = Bytes(file.begin(), file.end()), .quote_format = "spdm"});
    EXPECT_THAT(refused_by(made), ::testing::Contains("parts_distinct"));
}

TEST_F(DevicePart, ThatIsBelowItsMinimumIsNotTakenBecauseATdMayBeOutOfDate) {
    for (auto &block : values_["spdm"]["blocks"]) {
        if (block.contains("minimumSvn")) block["minimumSvn"] = 1000;
    }
    values_["tcb"] = {"UpToDate", "OutOfDate", "Endorsed"};
    EXPECT_THAT(refused_by(both()), ElementsAre("tcb"));
    values_["tcb"].push_back("BelowMinimumSvn");
    EXPECT_THAT(refused_by(both()), IsEmpty());
}

// What is accepted of the device is not accepted of the TD.
TEST_F(DevicePart, ThatIsUnderDebugDoesNotMakeTheTdOneThatMayBe) {
    platform.body.td_attributes |= td_attribute_debug;
    EXPECT_THAT(refused_by(both()), ::testing::Contains("not_debug"));
}

}  // namespace
}  // namespace mr
