#include "mr/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mr {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Digest value_of(std::uint8_t byte) { return Digest(Bytes(48, byte)); }

Evidence example() {
    Evidence evidence{.provider = "tdx",
                      .simulated = true,
                      .quote = {1, 2, 3},
                      .quote_format = "tdx_v4",
                      .time = 1'700'000'000'000'000,
                      .sequence = 300,
                      .registers = {{"tdx/rtmr0", Owner::owned, value_of(1), value_of(1)},
                                    {"tdx/rtmr2", Owner::shared, value_of(2), value_of(3)},
                                    {"tdx/rtmr3", Owner::observed, value_of(4), std::nullopt}},
                      .log = Bytes(70'000, 'x')};
    evidence.report_data.fill(0x5A);
    return evidence;
}

Evidence full_example() {
    auto evidence = example();
    evidence.auxiliary = Bytes{9};
    evidence.cut = EvidenceCutContent{.events = 7, .bytes = 70'000};
    evidence.collateral = Collateral{.tcb_info = R"({"a": "\"1"})",
                                     .tcb_info_signature = Bytes(64, 1),
                                     .tcb_info_issuer_chain = "pem\n",
                                     .qe_identity = "{}",
                                     .qe_identity_signature = Bytes(64, 2),
                                     .qe_identity_issuer_chain = "pem\n",
                                     .root_ca_crl = {3},
                                     .pck_crl = {4},
                                     .pck_crl_issuer_chain = "pem\n"};
    return evidence;
}

std::string error_of(const json &document) {
    const auto parsed = parse_evidence(as_bytes(document.dump()));
    return parsed ? "" : parsed.error().message;
}

TEST(Evidence, ComesBackFromJsonAndFromCborAsItWas) {
    for (const auto &evidence : {example(), full_example()}) {
        const auto text = write_evidence_json(evidence);
        const auto from_json = parse_evidence(as_bytes(text));
        ASSERT_TRUE(from_json) << from_json.error().message;
        EXPECT_EQ(*from_json, evidence);
        const auto bytes = write_evidence_cbor(evidence);
        const auto from_cbor = parse_evidence(bytes);
        ASSERT_TRUE(from_cbor) << from_cbor.error().message;
        EXPECT_EQ(*from_cbor, evidence);
        EXPECT_TRUE(is_evidence(as_bytes(text)));
        EXPECT_TRUE(is_evidence(bytes));
    }
}

// An independent reader sees the same members in both.
TEST(Evidence, IsTheSameObjectInBothForms) {
    const auto from_json = json::parse(write_evidence_json(full_example()));
    const auto from_cbor = json::from_cbor(write_evidence_cbor(full_example()));
    for (const auto &[key, value] : from_json.items()) EXPECT_TRUE(from_cbor.contains(key)) << key;
    EXPECT_EQ(from_json.size(), from_cbor.size());
    EXPECT_EQ(from_json["collateral"].size(), from_cbor["collateral"].size());
    EXPECT_EQ(from_json["sequence"], from_cbor["sequence"]);
    EXPECT_EQ(from_json["reportData"].get<std::string>(), to_hex(from_cbor["reportData"].get_binary()));
    EXPECT_EQ(from_json["log"].get<std::string>(), to_base64(from_cbor["log"].get_binary()));
    EXPECT_EQ(from_json["registers"][0]["signed"].get<std::string>(), to_hex(from_cbor["registers"][0]["signed"].get_binary()));
}

TEST(Evidence, MayBePrettyPrintedAndItsMembersComeInAnyOrder) {
    const auto text = json::parse(write_evidence_json(full_example())).dump(4);  // sorted by name
    EXPECT_TRUE(parse_evidence(as_bytes(text)));
}

TEST(Evidence, AMemberThatIsMissingUnknownOrMalformedIsNamed) {
    const auto whole = json::parse(write_evidence_json(full_example()));
    for (const auto &[key, value] : whole.items()) {
        if (key == "auxiliary" || key == "cut" || key == "collateral") continue;
        auto without = whole;
        without.erase(key);
        EXPECT_THAT(error_of(without), HasSubstr("the member " + key)) << key;
    }
    auto changed = whole;
    changed["extra"] = 1;
    EXPECT_THAT(error_of(changed), HasSubstr("extra"));
    for (const auto *key : {"quote", "log", "auxiliary"}) {
        changed = whole;
        changed[key] = "!";
        EXPECT_THAT(error_of(changed), HasSubstr(key));
    }
    changed = whole;
    changed["reportData"] = "00";
    EXPECT_THAT(error_of(changed), HasSubstr("reportData"));
    changed = whole;
    changed["version"] = 2;
    EXPECT_THAT(error_of(changed), HasSubstr("version"));
    changed = whole;
    changed["registers"][0]["signed"] = std::string(130, '0');
    EXPECT_THAT(error_of(changed), HasSubstr("signed"));
    for (const auto *key : {"events", "bytes"}) {
        changed = whole;
        changed["cut"].erase(key);
        EXPECT_THAT(error_of(changed), HasSubstr("cut"));
        changed["cut"][key] = 0;
        EXPECT_THAT(error_of(changed), HasSubstr("cut"));
    }
    changed = whole;
    changed["cut"]["more"] = 1;
    EXPECT_THAT(error_of(changed), HasSubstr("more of cut"));
    changed = whole;
    changed["registers"][1]["more"] = 1;
    EXPECT_THAT(error_of(changed), HasSubstr("more of a register"));
    changed = whole;
    changed["collateral"].erase("pck_crl");
    EXPECT_THAT(error_of(changed), HasSubstr("pck_crl"));
    changed = whole;
    for (std::size_t i = 0; i <= max_evidence_registers; ++i) changed["registers"].push_back(whole["registers"][0]);
    EXPECT_THAT(error_of(changed), HasSubstr("64 registers"));
}

TEST(Evidence, CborThatIsCutOffOrChangedIsMalformedOrOtherEvidence) {
    auto evidence = full_example();
    evidence.log = {1, 2, 3};
    const auto whole = write_evidence_cbor(evidence);
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_evidence(ByteView(whole).first(size))) << size;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto changed = whole;
        changed[at] ^= 1;
        const auto parsed = parse_evidence(changed);
        if (!parsed) continue;
        EXPECT_NE(*parsed, evidence) << at;
        // What is accepted is deterministic: written again it is the same.
        EXPECT_EQ(write_evidence_cbor(*parsed), changed) << at;
    }
}

TEST(Evidence, IsCoherentIfTheLogLeadsToEveryOwnedRegister) {
    auto evidence = example();
    EXPECT_TRUE(evidence.coherent());
    evidence.registers[0].logged = value_of(7);
    EXPECT_FALSE(evidence.coherent());
    evidence.registers[0].logged.reset();
    EXPECT_FALSE(evidence.coherent());
}

TEST(Evidence, OtherFilesAreNotTakenForIt) {
    EXPECT_FALSE(is_evidence({}));
    EXPECT_FALSE(is_evidence(as_bytes(R"({"format":"mrd-event-log","version":1})")));
    EXPECT_FALSE(is_evidence(Bytes{0xA1, 0x63, 'l', 'o'}));
    EXPECT_FALSE(is_evidence(Bytes(1024, 0x81)));
}

}  // namespace
}  // namespace mr
