// Manifests of devices' makers: what is read of them, who has to have signed them, and how they stand beside a recorded device.
#include "mr/corim.h"

#include <gmock/gmock.h>

#include "tests/attestation/tee/spdm/device_sample.h"
#include "tests/attestation/tee/spdm/test_corim.h"

namespace mr {
namespace {

using namespace cca_test;    // NOLINT(google-build-using-namespace): writers of CBOR
using namespace corim_test;  // NOLINT(google-build-using-namespace)
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string corim_error(const Bytes &file) {
    const auto read = decode_corim(file);
    return read ? "none" : read.error().message;
}

const Bytes one_measurement = measurement(1, {{2, array({digest_value(7, Bytes(48, 0xA1))})}});

TEST(Corim, EachValueIsReadByItsBlocksNumber) {
    const auto file =
        manifest({comid({measurement(1, {{2, array({digest_value(7, Bytes(48, 0xA1)), digest_value(1, Bytes(32, 0xA2))})}}),
                         measurement(2, {{0, map({{0, text("1.2.3")}})}, {11, text("a name")}}),
                         measurement(3, {{1, tagged(553, number(7))}}), measurement(4, {{1, number(8)}}),
                         measurement(7, {{1, tagged(552, number(9))}}), measurement(5, {{4, tagged(560, bytes(Bytes{1, 2}))}}),
                         measurement(6, {{4, tagged(563, array({bytes(Bytes{1, 2}), bytes(Bytes{0xFF, 0})}))}})})});
    ASSERT_TRUE(begins_corim(file));
    const auto read = decode_corim(file);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->id, "acme-widget-1");
    EXPECT_FALSE(read->is_signed);
    ASSERT_EQ(read->sets.size(), 1U);
    EXPECT_EQ(read->sets.front().name, "ACME WIDGET (tag-WIDGET)");
    EXPECT_THAT(read->sets.front().blocks,
                ElementsAre(BlockReference{.index = 1,
                                           .digests = {{HashAlgorithm::sha384, Digest(Bytes(48, 0xA1))},
                                                       {HashAlgorithm::sha256, Digest(Bytes(32, 0xA2))}}},
                            BlockReference{.index = 2, .versions = {"1.2.3"}}, BlockReference{.index = 3, .minimum_svn = 7},
                            BlockReference{.index = 4, .svn = 8}, BlockReference{.index = 7, .svn = 9},
                            BlockReference{.index = 5, .raw = {{.value = {1, 2}}}},
                            BlockReference{.index = 6, .raw = {{.value = {1, 2}, .mask = {0xFF, 0}}}}));
}

TEST(Corim, EnvironmentsAndCoMidsAreDevicesOfTheirOwn) {
    const auto read = decode_corim(manifest({comid({one_measurement}), comid({one_measurement}, "GADGET"), tagged(505, bytes(Bytes{1}))}));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->sets.size(), 2U);
    EXPECT_EQ(read->sets[1].name, "ACME GADGET (tag-GADGET)");
}

TEST(Corim, HasOneOfItsTags) {
    const auto content = manifest({comid({one_measurement})});
    const TestSigner signer;
    const auto signed_file = signer.sign(content);
    const Bytes untagged(signed_file.begin() + 1, signed_file.end());
    EXPECT_EQ(corim_error(content), "none");
    EXPECT_EQ(corim_error(tagged(500, content)), "none");
    EXPECT_EQ(corim_error(signed_file), "none");
    EXPECT_EQ(corim_error(tagged(502, signed_file)), "none");
    EXPECT_EQ(corim_error(tagged(502, untagged)), "none");
    EXPECT_EQ(corim_error(tagged(500, tagged(502, signed_file))), "none");
    EXPECT_THAT(corim_error(tagged(503, content)), HasSubstr("none of the tags"));
    EXPECT_THAT(corim_error(untagged), HasSubstr("none of the tags"));
}

TEST(Corim, WhatIsNotKnownIsNotPassedOver) {
    const auto of = [](const Bytes &each) { return manifest({comid({each})}); };
    EXPECT_THAT(corim_error(of(measurement(1, {{3, map({})}}))), HasSubstr("measured value 3 is not known"));
    EXPECT_THAT(corim_error(of(measurement(1, {{14, map({})}}))), HasSubstr("measured value 14 is not known"));
    EXPECT_THAT(corim_error(of(measurement(1, {{11, text("name")}}))), HasSubstr("has no digest, value, version or security version"));
    EXPECT_THAT(corim_error(of(map({{1, map({{1, number(1)}})}}))), HasSubstr("has no key"));
    EXPECT_THAT(corim_error(of(measurement(255, {{1, number(1)}}))), HasSubstr("1 to 254"));
    EXPECT_THAT(corim_error(of(map({{0, text("fw")}, {1, map({{1, number(1)}})}}))), HasSubstr("no number of a block"));
    EXPECT_THAT(corim_error(of(measurement(1, {{2, array({digest_value(2, Bytes(16))})}}))), HasSubstr("algorithm is not known"));
    EXPECT_THAT(corim_error(of(measurement(1, {{2, array({digest_value(7, Bytes(32))})}}))), HasSubstr("32 bytes"));
    EXPECT_THAT(corim_error(of(measurement(1, {{4, tagged(563, array({bytes(Bytes{1}), bytes(Bytes{1, 2})}))}}))),
                HasSubstr("mask of another size"));
    EXPECT_THAT(corim_error(of(measurement(1, {{4, tagged(563, array({bytes(Bytes{1, 2}), bytes(Bytes{0, 0})}))}}))),
                HasSubstr("without any bit that counts"));
    EXPECT_THAT(corim_error(of(measurement(1, {{4, tagged(560, bytes(Bytes{}))}}))), HasSubstr("without any bit that counts"));
    EXPECT_THAT(corim_error(manifest({comid({})})), HasSubstr("no measurements"));
    EXPECT_THAT(corim_error(manifest({})), HasSubstr("no reference values"));
    auto longer = of(one_measurement);
    longer.push_back(0);
    EXPECT_THAT(corim_error(longer), HasSubstr("something follows"));
    for (std::size_t size = 0; size + 1 < longer.size(); ++size)
        EXPECT_NE(corim_error(Bytes(longer.begin(), longer.begin() + static_cast<std::ptrdiff_t>(size))), "none") << size;
}

TEST(Corim, OnlyItsSignersKeyChecks) {
    const TestSigner signer;
    const TestSigner other;
    const auto content = manifest({comid({one_measurement})});
    const auto read = decode_corim(signer.sign(content));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->signer, "ACME");
    EXPECT_TRUE(check_corim_signature(*read, signer.key.public_key()));
    EXPECT_FALSE(check_corim_signature(*read, other.key.public_key()));
    EXPECT_FALSE(check_corim_signature(decode_corim(content).value(), signer.key.public_key()));
    EXPECT_EQ(check_corim_signature(decode_corim(signer.sign(content, -36)).value(), signer.key.public_key()).error().code,
              ErrorCode::not_supported);
    auto changed = *read;
    changed.signed_bytes.back() ^= 1;
    EXPECT_FALSE(check_corim_signature(changed, signer.key.public_key()));
}

// ---- Beside a device

class DeviceManifest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
        sample_.emplace("doe-p384-12-all-signed");
        values_ = sample_->reference_values();
        values_["spdm"].erase("blocks");
        values_["spdm"]["manifestKeys"] = {signer_.pem()};
        measurements_ = measurements_of(*sample_);
    }

    [[nodiscard]] Verdict verify(const Bytes &file) const {
        auto options = sample_->options(values_);
        const std::vector<Bytes> manifests{file};
        options.collateral.emplace(spdm_kind, write_spdm_collateral(manifests));
        return sample_->verify(options);
    }
    static std::string failing(const Verdict &verdict) {
        std::string names;
        for (const auto &each : verdict.statements()) {
            if (each.required && each.result == Judgement::fails) names += (names.empty() ? "" : " ") + each.name;
        }
        return names.empty() && !verdict.verified() ? "not judged" : names;
    }

    TestSigner signer_;
    std::optional<DeviceSample> sample_;
    Json values_;
    std::vector<Bytes> measurements_;
};

TEST_F(DeviceManifest, OfItsMakerVerifiesTheDevice) {
    const auto verdict = verify(signer_.sign(manifest({comid(measurements_)})));
    EXPECT_TRUE(verdict.verified()) << write_verdict(verdict, 0);
    EXPECT_THAT(verdict.find(statement::measurement_blocks)->reason, HasSubstr("ACME WIDGET (tag-WIDGET)"));
}

TEST_F(DeviceManifest, OfSomebodyElseOrNobodyIsRefused) {
    const auto content = manifest({comid(measurements_)});
    const TestSigner other;
    EXPECT_EQ(failing(verify(other.sign(content))), "reference_manifest");
    EXPECT_EQ(failing(verify(content)), "reference_manifest");
    values_["spdm"].erase("manifestKeys");
    EXPECT_EQ(failing(verify(signer_.sign(content))), "reference_manifest");
    values_["spdm"]["unsignedManifests"] = "accept";
    EXPECT_EQ(failing(verify(content)), "");
    EXPECT_EQ(failing(verify(signer_.sign(content))), "");
    // A key that is named is asked for all the same.
    values_["spdm"]["manifestKeys"] = {signer_.pem()};
    EXPECT_EQ(failing(verify(other.sign(content))), "reference_manifest");
}

TEST_F(DeviceManifest, IsTakenWithinItsTimeOnly) {
    const auto at = [&](std::int64_t begin, std::int64_t end) {
        return verify(
            signer_.sign(manifest({comid(measurements_)}, {{4, map({{0, tagged(1, integer(begin))}, {1, tagged(1, integer(end))}})}})));
    };
    EXPECT_EQ(failing(at(1'700'000'000, 1'900'000'000)), "");
    EXPECT_EQ(failing(at(1'700'000'000, 1'790'000'000)), "reference_manifest");
    EXPECT_EQ(failing(at(1'800'000'000, 1'900'000'000)), "reference_manifest");
    // The newer form: CWT claims in the header.
    const auto in_claims = [&](std::int64_t begin, std::int64_t end) {
        return verify(
            signer_.sign(manifest({comid(measurements_)}), cose_es384, map({{1, text("ACME")}, {4, integer(end)}, {5, integer(begin)}})));
    };
    EXPECT_EQ(failing(in_claims(1'700'000'000, 1'900'000'000)), "");
    EXPECT_EQ(failing(in_claims(1'700'000'000, 1'790'000'000)), "reference_manifest");
    EXPECT_EQ(failing(in_claims(1'800'000'000, 1'900'000'000)), "reference_manifest");
}

// Whoever carries the evidence chooses the manifest: an older one, which its maker has signed, too.
TEST_F(DeviceManifest, UndoesNothingThatTheReferenceValuesPin) {
    values_["spdm"]["unlistedBlocks"] = "accept";
    const auto svn = sample_->blocks.at(4);
    ASSERT_TRUE(svn.contains("minimumSvn")) << svn;
    const auto pin = [&](std::uint64_t minimum) {
        auto pinned = svn;
        pinned["minimumSvn"] = minimum;
        values_["spdm"]["blocks"] = Json::array({pinned});
    };
    const auto file = signer_.sign(manifest({comid(measurements_)}));
    pin(svn.at("minimumSvn").get<std::uint64_t>());
    EXPECT_EQ(failing(verify(file)), "");
    pin(svn.at("minimumSvn").get<std::uint64_t>() + 1);
    EXPECT_EQ(failing(verify(file)), "tcb");
    auto other = sample_->blocks.at(0);
    other["digests"] = Json::array({"sha384:" + std::string(96, '0')});
    values_["spdm"]["blocks"] = Json::array({other});
    EXPECT_EQ(failing(verify(file)), "measurement_blocks");
    // Nor the other way: what the manifest names has to be there, too.
    values_["spdm"]["blocks"] = sample_->blocks;
    auto wrong = measurements_;
    wrong[0] = measurement(1, {{2, array({digest_value(7, Bytes(48, 0xEE))})}});
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(wrong)})))), "measurement_blocks");
}

TEST_F(DeviceManifest, SwappedBlocksAndALowerSecurityVersionAreTheirOwnStatements) {
    auto swapped = measurements_;
    swapped[0] = measurement(1, {{2, array({digest_value(7, sample_->evidence.blocks->at(1).value)})}});
    swapped[1] = measurement(2, {{2, array({digest_value(7, sample_->evidence.blocks->at(0).value)})}});
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(swapped)})))), "measurement_blocks");
    auto newer = measurements_;
    newer[4] = measurement(16, {{1, tagged(553, number(8))}});
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(newer)})))), "tcb");
    auto fewer = measurements_;
    fewer.erase(fewer.begin());
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(fewer)})))), "unlisted_blocks");
    // What is a digest is no raw value, whatever its bytes.
    auto raw = measurements_;
    raw[0] = measurement(1, {{4, tagged(560, bytes(sample_->evidence.blocks->at(0).value))}});
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(raw)})))), "measurement_blocks");
}

TEST_F(DeviceManifest, OfSeveralDevicesOneIsTheDevicesAsAWhole) {
    auto half = measurements_;
    half[0] = measurement(1, {{2, array({digest_value(7, Bytes(48, 1))})}});
    auto other_half = measurements_;
    other_half[1] = measurement(2, {{2, array({digest_value(7, Bytes(48, 1))})}});
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(half), comid(measurements_, "GADGET")})))), "");
    EXPECT_EQ(failing(verify(signer_.sign(manifest({comid(half), comid(other_half, "GADGET")})))), "measurement_blocks");
}

}  // namespace
}  // namespace mr
