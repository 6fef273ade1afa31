// The verdict over recorded devices: what is good is verified, and each thing that is nearly good is refused by its own statement. What reference values say by one
// member: device_policies_test.cpp.
#include "mr/verify_spdm.h"

#include <gmock/gmock.h>

#include "tests/attestation/tee/spdm/device_sample.h"
#include "tests/sanitized.h"

namespace mr {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

// Required statements that do not hold, in their order; those that nobody could judge, since another one fails, only if there is no other.
std::string names_refusing(const Verdict &verdict) {
    std::string failing;
    std::string unjudged;
    for (const auto &each : verdict.statements()) {
        if (!each.required || each.result == Judgement::holds) continue;
        auto &to = each.result == Judgement::fails ? failing : unjudged;
        to += (to.empty() ? "" : " ") + each.name;
    }
    return failing.empty() ? unjudged : failing;
}

std::string reason(const Verdict &verdict, std::string_view name) {
    const auto *const statement = verdict.find(name);
    return statement == nullptr ? "(none)" : statement->reason;
}

std::string index_of(const Json &blocks, int index) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (blocks[i].at("index") == index) return "/spdm/blocks/" + std::to_string(i);
    }
    return {};
}

class VerifySpdm : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
        sample_.emplace("doe-p384-12-all-signed");
        values_ = sample_->reference_values();
    }

    // The reference values' block of that index.
    Json &block(int index) { return values_.at(Json::json_pointer(index_of(sample_->blocks, index))); }

    std::optional<DeviceSample> sample_;
    Json values_;
};

TEST_F(VerifySpdm, RecordedDevicesAreVerified) {
    for (const auto *name :
         {"doe-p384-12-all-signed", "doe-p256-12-all-signed", "doe-p384-12-alias", "doe-p384-12-raw", "doe-p384-12-long-chain",
          "doe-p384-12-meas512", "doe-p384-12-slot1", "doe-p384-12-opaque", "doe-p384-12-one-by-one", "doe-p384-13-all-signed",
          "doe-p384-13-new-measurement", "mctp-p256-12-all-signed"}) {
        const DeviceSample sample(name);
        auto values = sample.reference_values();
        // Its nonce stands beside the last block alone.
        if (name == std::string_view("doe-p384-12-one-by-one")) values["spdm"]["valuesSinceReset"] = "accept";
        const auto verdict = sample.verify(values);
        EXPECT_TRUE(verdict.verified()) << name << ": " << names_refusing(verdict) << " " << write_verdict(verdict, 0);
    }
}

// No root of all devices is known, and that it is in this machine nothing says.
TEST_F(VerifySpdm, EachOfItsRegistersIsUnbound) {
    const auto verdict = sample_->verify(values_);
    EXPECT_TRUE(verdict.verified()) << names_refusing(verdict);
    EXPECT_FALSE(verdict.registers().empty());
    EXPECT_TRUE(std::ranges::all_of(verdict.registers(), &JudgedRegister::unbound));
}

TEST_F(VerifySpdm, EveryStatementIsThereAndSaysWhatWasFound) {
    const auto verdict = sample_->verify(values_);
    EXPECT_THAT(reason(verdict, statement::quote_format), HasSubstr("SPDM 1.2, 8 blocks"));
    EXPECT_THAT(reason(verdict, statement::device_identity), HasSubstr("ACME:WIDGET:1234567890"));
    EXPECT_THAT(reason(verdict, statement::device_mode), HasSubstr("normal"));
    EXPECT_THAT(reason(verdict, statement::not_debug), HasSubstr("noninvasive, since_manufacture"));
    for (const auto &each : verdict.statements()) EXPECT_THAT(each.reason, ::testing::Not(IsEmpty())) << each.name;
}

TEST_F(VerifySpdm, AnotherRootIsTheChainsStatement) {
    auto options = sample_->options(values_);
    options.anchors = TrustAnchors{.roots = {sample_bytes("spdm/doe-p384-12-slot1/root-slot1.der")}};
    EXPECT_EQ(names_refusing(sample_->verify(options)), "certificate_chain");
    options.anchors.reset();
    EXPECT_EQ(names_refusing(sample_->verify(options)), "certificate_chain");
}

TEST_F(VerifySpdm, AnotherNonceIsTheReportDatasStatement) {
    auto options = sample_->options(values_);
    options.report_data->back() ^= 1;
    EXPECT_EQ(names_refusing(sample_->verify(options)), "report_data");
    options.report_data.reset();
    EXPECT_EQ(names_refusing(sample_->verify(options)), "report_data");
}

TEST_F(VerifySpdm, AFlippedBitIsTheSignaturesStatement) {
    sample_->evidence.spdm.signature.back() ^= 1;
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "quote_signature");
}

TEST_F(VerifySpdm, NoFlippedBitOfATranscriptIsVerified) {
    auto &transcript = sample_->evidence.spdm.transcript;
    sample_->evidence.blocks.reset();
    for (std::size_t i = 0; i < transcript.size(); i += 7) {
        transcript[i] ^= 0x10;
        EXPECT_FALSE(sample_->verify(values_).verified()) << i;
        transcript[i] ^= 0x10;
    }
    EXPECT_TRUE(sample_->verify(values_).verified());
}

// By the signature alone, which all else rests on: the chain is not read anew for each.
TEST_F(VerifySpdm, WithAnyBitOfTheTranscriptOrTheSignatureFlippedTheSignatureDoesNotHold) {
    auto &evidence = sample_->evidence.spdm;
    const auto is_signed = [&] {
        const auto read = read_spdm_transcript(evidence);
        return read && check_spdm_signature(evidence, *read);
    };
    ASSERT_TRUE(is_signed());
    // With a sanitizer, which makes it ten times as slow, every seventh bit: each of a byte in turn.
    for (auto *const bytes : {&evidence.transcript, &evidence.signature}) {
        for (std::size_t bit = 0; bit < bytes->size() * 8; bit += mrd::is_sanitized ? 7 : 1) {
            const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
            bytes->at(bit / 8) ^= mask;
            ASSERT_FALSE(is_signed()) << "bit " << bit;
            bytes->at(bit / 8) ^= mask;
        }
    }
    EXPECT_TRUE(is_signed());
}

TEST_F(VerifySpdm, ACertificateThatHasEndedIsAStatementOfItsOwn) {
    auto options = sample_->options(values_);
    options.time = 4'000'000'000;
    EXPECT_EQ(names_refusing(sample_->verify(options)), "certificates_valid");
}

TEST_F(VerifySpdm, SwappedBlocksAreOtherBlocksThoughTheSetOfDigestsIsTheSame) {
    std::swap(block(1).at("digests"), block(2).at("digests"));
    const auto verdict = sample_->verify(values_);
    EXPECT_EQ(names_refusing(verdict), "measurement_blocks");
    EXPECT_THAT(reason(verdict, statement::measurement_blocks), HasSubstr("block 1 (immutable_rom, as a digest) is a1d6755d"));
    EXPECT_THAT(reason(verdict, statement::measurement_blocks), HasSubstr("block 2"));
}

TEST_F(VerifySpdm, DebugBitsAndModeAreStatementsOfTheirOwn) {
    values_.erase("debug");
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "not_debug");
    values_["spdm"]["debug"] = {"since_manufacture"};
    const auto verdict = sample_->verify(values_);
    EXPECT_EQ(names_refusing(verdict), "not_debug");
    EXPECT_EQ(reason(verdict, statement::not_debug), "the device is, or was, under debug: noninvasive");
    values_["spdm"]["debug"] = {"since_manufacture", "noninvasive"};
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "");
    values_["spdm"].erase("debug");
    values_["debug"] = "accept";
    values_["spdm"]["modes"] = {"recovery", "rma"};
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "device_mode");
}

TEST_F(VerifySpdm, WhatWasNotAskedForMayBeThere) {
    const DeviceSample one("doe-p256-12-one-index");
    auto values = one.reference_values();
    values["spdm"]["noMode"] = "accept";
    const auto verdict = one.verify(values);
    EXPECT_EQ(names_refusing(verdict), "unlisted_blocks");
    EXPECT_THAT(reason(verdict, statement::unlisted_blocks), HasSubstr("not asked for all"));
    values["spdm"].erase("noMode");
    EXPECT_EQ(names_refusing(one.verify(values)), "device_mode unlisted_blocks");
}

TEST_F(VerifySpdm, WhatVersion11DoesNotSignIsAStatementOfItsOwn) {
    const DeviceSample sample("doe-p384-11-all-signed");
    auto values = sample.reference_values();
    EXPECT_THAT(names_refusing(sample.verify(values)), HasSubstr("signed_algorithms"));
    values["spdm"]["unsignedAlgorithms"] = "accept";
    values["spdm"]["valuesSinceReset"] = "accept";  // its capabilities are not signed, either
    EXPECT_EQ(names_refusing(sample.verify(values)), "");
}

TEST_F(VerifySpdm, WhatTheFileSaysForPeopleIsWhatIsSigned) {
    sample_->evidence.blocks->front().value.front() ^= 1;
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "device_claims");
    sample_->evidence.blocks.reset();
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "");
    sample_->evidence.spdm.slot = 1;
    EXPECT_FALSE(sample_->verify(values_).verified());
}

TEST_F(VerifySpdm, NorDoesItSayAnotherVersionOrHashThanWasAgreedOn) {
    ASSERT_EQ(sample_->evidence.spdm.version, SpdmVersion::v1_2);
    sample_->evidence.spdm.version = SpdmVersion::v1_3;
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "device_claims");
    sample_->evidence.spdm.version = SpdmVersion::v1_2;
    ASSERT_NE(sample_->evidence.spdm.algorithms.measurement_hash, spdm_measurement_sha512);
    sample_->evidence.spdm.algorithms.measurement_hash = spdm_measurement_sha512;
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "device_claims");
}

TEST_F(VerifySpdm, WhatElseTheFileSaysForPeopleIsComparedToo) {
    const auto said = nlohmann::json::parse(write_device_evidence(sample_->evidence));
    const auto judged = [&](const char *member, const nlohmann::json &value) {
        auto file = said;
        file[member] = value;
        const auto text = file.dump();
        auto read = parse_device_evidence(as_bytes(text));
        if (!read) return read.error().message;
        sample_->evidence = std::move(*read);
        return names_refusing(sample_->verify(values_));
    };
    const auto &algorithms = sample_->evidence.spdm.algorithms;
    const std::string asym(spdm_asym_name(algorithms.base_asym));
    const std::string hash(to_string(*spdm_base_hash(algorithms.base_hash)));
    EXPECT_EQ(judged("signatureAlgorithm", asym), "");
    EXPECT_EQ(judged("signatureAlgorithm", asym == "ecdsa-p256" ? "ecdsa-p384" : "ecdsa-p256"), "device_claims");
    EXPECT_EQ(judged("hash", hash), "");
    EXPECT_EQ(judged("hash", hash == "sha256" ? "sha384" : "sha256"), "device_claims");
    EXPECT_NE(judged("valueFresh", true), judged("valueFresh", false));
    // Zeros are a nonce like another, and not this one.
    EXPECT_THAT(judged("nonce", std::string(2 * spdm_nonce_size, '0')), HasSubstr("device_claims"));
}

TEST_F(VerifySpdm, ABlockOfTheFileHasTheHashThatTheFileSays) {
    auto file = nlohmann::json::parse(write_device_evidence(sample_->evidence));
    auto &block = file["blocks"][0];
    ASSERT_FALSE(block["raw"].get<bool>());
    block["algorithm"] = "sha256";
    const auto text = file.dump();
    const auto read = parse_device_evidence(as_bytes(text));
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("algorithm"));
}

// Over 1.1 nothing says the base hash: P-384 goes with SHA-256 too.
TEST_F(VerifySpdm, TheHashOfAVersion11ChainIsThatOfItsForm) {
    DeviceSample sample("doe-p384-11-all-signed");
    auto &chain = sample.evidence.spdm.chain;
    const auto hash_of = [](const DeviceSample &each) {
        const auto file = write_device_evidence(each.evidence);
        return parse_device_evidence(as_bytes(file)).value().spdm.algorithms.base_hash;
    };
    EXPECT_EQ(hash_of(sample), spdm_hash_sha384);
    constexpr std::ptrdiff_t head = 4;  // and a third of the digest behind it
    chain.erase(chain.begin() + head, chain.begin() + head + 16);
    chain[0] = static_cast<std::uint8_t>(chain.size());
    chain[1] = static_cast<std::uint8_t>(chain.size() >> 8U);
    EXPECT_EQ(hash_of(sample), spdm_hash_sha256);
}

// What must run is said of what runs: a mode or a version number leaves it open, by whatever kind of value.
TEST_F(VerifySpdm, AReferenceToNoFirmwareSaysNothingOfWhatRuns) {
    const auto raw_of = [this](SpdmBlockType type) {
        const auto &blocks = *sample_->evidence.blocks;
        const auto found = std::ranges::find(blocks, std::to_underlying(type), &SpdmBlock::type);
        return nlohmann::json{{"index", found->index}, {"type", spdm_block_type_text(found->type)}, {"raw", {to_hex(found->value)}}};
    };
    values_["spdm"]["unlistedBlocks"] = "accept";
    for (const auto type : {SpdmBlockType::device_mode, SpdmBlockType::security_version}) {
        values_["spdm"]["blocks"] = nlohmann::json::array({raw_of(type)});
        EXPECT_EQ(names_refusing(sample_->verify(values_)), "reference_values") << spdm_block_type_text(std::to_underlying(type));
    }
}

// Whoever reads that nothing but what is listed runs (an attestation result says so) must not read it of what is only accepted.
TEST_F(VerifySpdm, BlocksThatAreOnlyAcceptedAreSaidAndNotRequiredToBeMissing) {
    const auto state = [&] {
        const auto verdict = sample_->verify(values_);
        EXPECT_TRUE(verdict.verified()) << names_refusing(verdict);
        const auto *found = verdict.find(statement::unlisted_blocks);
        return std::pair(found->result, found->required);
    };
    EXPECT_EQ(state(), std::pair(Judgement::holds, true));
    auto &blocks = values_["spdm"]["blocks"];
    std::erase_if(blocks.get_ref<Json::array_t &>(), [](const Json &each) { return each["index"] == 2; });
    values_["spdm"]["acceptedBlocks"] = {2};
    EXPECT_EQ(state(), std::pair(Judgement::fails, false));
    EXPECT_THAT(reason(sample_->verify(values_), statement::unlisted_blocks), HasSubstr("2 (mutable_firmware), which is accepted"));
    values_["spdm"].erase("acceptedBlocks");
    values_["spdm"]["unlistedBlocks"] = "accept";
    EXPECT_EQ(state(), std::pair(Judgement::fails, false));
}

TEST_F(VerifySpdm, WithoutReferenceValuesNothingSaysWhatRuns) {
    values_.erase("spdm");
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "tcb");
    auto options = sample_->options(values_);
    options.waived = {.nonce = false, .reference = false, .tcb = true};
    EXPECT_EQ(names_refusing(sample_->verify(options)), "reference_values");
    EXPECT_THAT(reason(sample_->verify(options), statement::reference_values), HasSubstr("of a device, spdm.blocks"));
    options.waived.reference = true;
    EXPECT_EQ(names_refusing(sample_->verify(options)), "");
}

TEST_F(VerifySpdm, ReferenceValuesOfWhatNothingVouchesForAreNotSaidToBeMissing) {
    auto options = sample_->options(values_);
    options.anchors = TrustAnchors();
    EXPECT_EQ(reason(sample_->verify(options), statement::reference_values), "nothing vouches for what the device says");
}

TEST_F(VerifySpdm, ASecurityVersionAloneLeavesOpenWhatRuns) {
    values_["spdm"]["blocks"] = Json::array({block(16)});
    values_["spdm"]["unlistedBlocks"] = "accept";
    EXPECT_EQ(names_refusing(sample_->verify(values_)), "reference_values");
}

TEST_F(VerifySpdm, RegistersOfADeviceAreNamedByTypeAndIndex) {
    values_.erase("spdm");
    values_["registers"] = {{"fw2", {to_hex(sample_->evidence.blocks->at(1).value)}}};
    auto options = sample_->options(values_);
    options.waived.tcb = true;
    EXPECT_EQ(names_refusing(sample_->verify(options)), "");
    values_["registers"] = {{"fw2", {to_hex(sample_->evidence.blocks->at(0).value)}}};
    options.reference = parse_reference_values(values_.dump()).value();
    EXPECT_EQ(names_refusing(sample_->verify(options)), "register_values");
}

// ---- Reference values

std::string policy_error(const std::string &json) {
    const auto policy = parse_spdm_policy(json);
    return policy ? "none" : policy.error().message;
}

TEST(SpdmPolicy, WhatIsWrongIsNamed) {
    EXPECT_EQ(policy_error("{}"), "none");
    EXPECT_THAT(policy_error("[]"), HasSubstr("one JSON object"));
    EXPECT_THAT(policy_error(R"({"block":[]})"), HasSubstr("the member block is unknown"));
    EXPECT_THAT(policy_error(R"({"pci":null})"), HasSubstr("null"));
    EXPECT_THAT(policy_error(R"({"pci":""})"), HasSubstr("the member pci"));
    EXPECT_THAT(policy_error(R"({"dmtf":[]})"), HasSubstr("the member dmtf"));
    EXPECT_THAT(policy_error(R"({"dmtf":"a","dmtf":"b"})"), HasSubstr("given twice"));
    EXPECT_THAT(policy_error(R"({"blocks":[]})"), HasSubstr("blocks is empty"));
    EXPECT_THAT(policy_error(R"({"sets":[]})"), HasSubstr("sets is empty"));
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":1,"type":"version"}]})"), HasSubstr("any value would do"));
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":0,"type":"version","versions":["1"]}]})"), HasSubstr("1 to 254"));
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":1,"type":"firmware","versions":["1"]}]})"), HasSubstr("is no type"));
    EXPECT_EQ(policy_error(R"({"blocks":[{"index":1,"type":"svn","minimumSvn":1},{"index":2,"type":"42","raw":["00"]}]})"), "none");
    EXPECT_EQ(policy_error(R"({"blocks":[{"index":1,"type":"version","versions":["1"]},{"index":2,"type":"svn","minimumSVN":1}]})"),
              "the member blocks[1].minimumSVN is unknown; there are index, type, digests, raw, versions, minimumSvn");
    EXPECT_THAT(policy_error(R"({"sets":[{"name":"a","blocks":[{"index":1,"type":"version","versions":["1"],"minimumSVN":1}]}]})"),
                HasSubstr("the member sets[0].blocks[0].minimumSVN is unknown"));
    EXPECT_EQ(policy_error(R"({"blocks":[{"index":1}]})"), "the member blocks[0].type is missing");
    EXPECT_EQ(policy_error(R"({"blocks":{}})"), "the member blocks is not an array");
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":1,"type":"version","versions":[]}]})"), HasSubstr("versions is empty"));
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":1,"type":"manifest","raw":["0"]}]})"), HasSubstr("not hexadecimal"));
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":1,"type":"immutable_rom","digests":["sha384:00"]}]})"), HasSubstr("is no digest"));
    EXPECT_THAT(policy_error(R"({"blocks":[{"index":1,"type":"version","versions":["1"]},{"index":1,"type":"version","versions":["2"]}]})"),
                HasSubstr("1 is given twice"));
    EXPECT_THAT(policy_error(R"({"modes":["normal","fast"]})"),
                HasSubstr("fast is not known; there are manufacturing, validation, normal"));
    EXPECT_THAT(policy_error(R"({"modes":[]})"), HasSubstr("modes is empty"));
    EXPECT_THAT(policy_error(R"({"manifestKeys":["none"]})"), HasSubstr("manifestKeys"));
    EXPECT_THAT(policy_error(R"({"unlistedBlocks":"allow"})"), HasSubstr("\"accept\" or \"refuse\""));
}

TEST(DeviceEvidenceFile, WhatIsWrongIsNamed) {
    const auto error = [](const std::string &text) {
        const auto read = parse_device_evidence(as_bytes(text));
        return read ? "none" : read.error().message;
    };
    EXPECT_TRUE(is_device_evidence(as_bytes(R"({"transcript":"AA==","chain":"AA=="})")));
    EXPECT_FALSE(is_device_evidence(as_bytes(R"({"format":"mrd-evidence","log":"\"transcript\" \"chain\""})")));
    // What an event or another object says is no member.
    EXPECT_TRUE(is_device_evidence(as_bytes(R"( {"a":["]}\"",{"b":1}],"chain":"AA==","transcript":"AA==")")));
    for (const std::string text :
         {R"({"format":"mrd-event-log"}
{"description":"transcript"}
{"description":"chain"})",
          R"({"parts":[{"name":"transcript"},{"name":"chain"}]})", R"({"inner":{"transcript":"AA==","chain":"AA=="}})",
          R"({"chain":"transcript","a":"chain"})", R"({"chain":"AA==","inner":{"transcript":1}})", R"({}]}{"transcript":1,"chain":1})",
          R"({"chain")", R"({"transcript"}"chain")"})
        EXPECT_FALSE(is_device_evidence(as_bytes(text))) << text;
    EXPECT_EQ(error(R"({"transcript":"AA==","signature":"AA==","chain":"AA==","more":1})"), "none");
    EXPECT_THAT(error(R"({"transcript":"AA==","chain":"AA=="})"), HasSubstr("signature is missing"));
    EXPECT_THAT(error(R"({"transcript":"","signature":"AA==","chain":"AA=="})"), HasSubstr("transcript is empty"));
    EXPECT_THAT(error(R"({"transcript":"AA==","signature":"AA==","chain":"AA==","nonce":"00"})"), HasSubstr("nonce"));
    EXPECT_THAT(error(R"({"transcript":"AA==","signature":"AA==","chain":"AA==","slot":8})"), HasSubstr("slot"));
    EXPECT_THAT(error(R"({"transcript":"AA==","signature":"AA==","chain":"AA==","version":"2.0"})"), HasSubstr("version"));
    EXPECT_THAT(error(R"({"transcript":"AA==","signature":"AA==","chain":"AA==","measurementHash":"md5"})"), HasSubstr("measurementHash"));
    EXPECT_THAT(error("{"), HasSubstr("one JSON object"));
}

TEST(DeviceEvidenceFile, IsReadAsItIsWritten) {
    DeviceEvidence evidence{.device = "spdm0", .generation = 3};
    evidence.spdm.transcript = {1, 2, 3};
    evidence.spdm.signature = Bytes(96, 4);
    evidence.spdm.chain = {5};
    evidence.spdm.slot = 4;
    evidence.spdm.version = SpdmVersion::v1_3;
    evidence.spdm.nonce.front() = 9;
    evidence.spdm.algorithms.measurement_hash = spdm_measurement_sha512;
    evidence.blocks = {{.index = 1, .type = 0, .is_raw = false, .value = {6}}, {.index = 2, .type = 42, .is_raw = true, .value = {}}};
    const auto text = write_device_evidence(evidence);
    const auto read = parse_device_evidence(as_bytes(text));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(write_device_evidence(*read), text);
    EXPECT_EQ(read->blocks, evidence.blocks);
    EXPECT_EQ(read->spdm.algorithms.measurement_hash, spdm_measurement_sha512);
}

}  // namespace
}  // namespace mr
