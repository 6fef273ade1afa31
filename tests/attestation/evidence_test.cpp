#include "mr/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mr {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Digest value_of(std::uint8_t byte) { return Digest(Bytes(48, byte)); }

Evidence example_evidence() {
    Evidence evidence{.parts = {{.name = "tdx", .kind = "tdx", .simulated = true, .quote = {1, 2, 3}, .quote_format = "tdx_v4"}},
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
    auto evidence = example_evidence();
    evidence.parts.push_back({.name = "gpu",
                              .kind = "other",
                              .quote = {9},
                              .quote_format = "other_v1",
                              .sequence = 299,
                              .auxiliary = Bytes{9},
                              .collateral = R"({"a":"\"1","b":[1,{"c":null}]})"});
    evidence.cut = EvidenceCutContent{.events = 7, .bytes = 70'000};
    return evidence;
}

std::string evidence_error(const json &document) {
    const auto parsed = parse_evidence(as_bytes(document.dump()));
    return parsed ? "" : parsed.error().message;
}

TEST(Evidence, ComesBackFromJsonAndFromCborAsItWas) {
    for (const auto &evidence : {example_evidence(), full_example()}) {
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
    ASSERT_EQ(from_json["parts"].size(), from_cbor["parts"].size());
    for (std::size_t i = 0; i < from_json["parts"].size(); ++i) EXPECT_EQ(from_json["parts"][i].size(), from_cbor["parts"][i].size());
    EXPECT_EQ(from_json["parts"][1]["collateral"], json::parse(from_cbor["parts"][1]["collateral"].get<std::string>()));
    EXPECT_EQ(from_json["parts"][1]["quote"].get<std::string>(), to_base64(from_cbor["parts"][1]["quote"].get_binary()));
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
        if (key == "cut") continue;
        auto without = whole;
        without.erase(key);
        EXPECT_THAT(evidence_error(without), HasSubstr("the member " + key)) << key;
    }
    auto changed = whole;
    changed["extra"] = 1;
    EXPECT_THAT(evidence_error(changed), HasSubstr("extra"));
    for (const auto *key : {"/log", "/parts/1/quote", "/parts/1/auxiliary"}) {
        changed = whole;
        changed[json::json_pointer(key)] = "!";
        EXPECT_THAT(evidence_error(changed), HasSubstr("is not base64")) << key;
    }
    changed = whole;
    changed["reportData"] = "00";
    EXPECT_THAT(evidence_error(changed), HasSubstr("reportData"));
    changed = whole;
    changed["version"] = 3;
    EXPECT_THAT(evidence_error(changed), HasSubstr("version"));
    changed = whole;
    changed["registers"][0]["signed"] = std::string(130, '0');
    EXPECT_THAT(evidence_error(changed), HasSubstr("signed"));
    for (const auto *key : {"events", "bytes"}) {
        changed = whole;
        changed["cut"].erase(key);
        EXPECT_THAT(evidence_error(changed), HasSubstr("cut"));
        changed["cut"][key] = 0;
        EXPECT_THAT(evidence_error(changed), HasSubstr("cut"));
    }
    changed = whole;
    changed["cut"]["more"] = 1;
    EXPECT_THAT(evidence_error(changed), HasSubstr("more of cut"));
    changed = whole;
    changed["registers"][1]["more"] = 1;
    EXPECT_THAT(evidence_error(changed), HasSubstr("more of a register"));
    changed = whole;
    changed["parts"][1]["more"] = 1;
    EXPECT_THAT(evidence_error(changed), HasSubstr("more of a part"));
    for (const auto *key : {"name", "kind", "simulated", "quote", "quoteFormat"}) {
        changed = whole;
        changed["parts"][1].erase(key);
        EXPECT_THAT(evidence_error(changed), HasSubstr("parts")) << key;
    }
    const auto virtual_name = std::string("virtual");
    for (const auto &name : {std::string(), std::string("tdx/a"), std::string("tdx, none"), std::string("Tdx"), virtual_name,
                             std::string(max_part_name + 1, 'a')}) {
        changed = whole;
        changed["parts"][1]["name"] = name;
        EXPECT_THAT(evidence_error(changed), HasSubstr("the member name of a part")) << name;
    }
    changed = whole;
    changed["parts"][1]["sequence"] = -1;
    EXPECT_THAT(evidence_error(changed), HasSubstr("sequence of a part"));
    changed = whole;
    changed["parts"][1]["name"] = "tdx";
    EXPECT_THAT(evidence_error(changed), HasSubstr("two parts have the name tdx"));
    for (const auto *name : {"", "a/b"}) {
        changed["parts"][1]["name"] = name;
        EXPECT_THAT(evidence_error(changed), HasSubstr("name of a part"));
    }
    changed["parts"] = json::array();
    EXPECT_THAT(evidence_error(changed), HasSubstr("0 parts"));
    for (std::size_t i = 0; i <= max_evidence_parts; ++i) {
        changed["parts"].push_back(whole["parts"][0]);
        changed["parts"].back()["name"] = std::to_string(i);
    }
    EXPECT_THAT(evidence_error(changed), HasSubstr("17 parts"));
    changed = whole;
    for (std::size_t i = 0; i <= max_evidence_registers; ++i) changed["registers"].push_back(whole["registers"][0]);
    EXPECT_THAT(evidence_error(changed), HasSubstr("256 registers"));
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
    auto evidence = example_evidence();
    EXPECT_TRUE(evidence.coherent());
    evidence.registers[0].logged = value_of(7);
    EXPECT_FALSE(evidence.coherent());
    evidence.registers[0].logged.reset();
    EXPECT_FALSE(evidence.coherent());
}

// That of the simulator before there were parts: its only part is at the top.
TEST(Evidence, OfVersion1IsReadAsJsonOnlyAndWrittenAsVersion2) {
    auto old = json::parse(write_evidence_json(example_evidence()));
    const auto part = old["parts"][0];
    old.erase("parts");
    old["version"] = 1;
    old["provider"] = part["name"];
    for (const auto *key : {"simulated", "quote", "quoteFormat"}) old[key] = part[key];
    const auto parsed = parse_evidence(as_bytes(old.dump()));
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, example_evidence());
    old["parts"] = json::array({part});
    EXPECT_THAT(evidence_error(old), HasSubstr("parts"));
    old.erase("parts");
    // Keys in CBOR's order: the shortest first.
    Bytes cbor{0xA2, 0x63, 'l', 'o', 'g', 0x40, 0x65, 'q', 'u', 'o', 't', 'e', 0x40};
    const auto from_cbor = parse_evidence(cbor);
    ASSERT_FALSE(from_cbor);
    EXPECT_THAT(from_cbor.error().message, HasSubstr("version 1"));
}

// What a part is over, so that no quote of the one is the other's; recomputed here by other means.
TEST(Evidence, APartThatTakes32BytesIsOverItsKindAndNameToo) {
    ReportData report_data{};
    report_data[0] = 7;
    EXPECT_EQ(part_report_data("tdx", "tdx", report_data, 64).value(), Bytes(report_data.begin(), report_data.end()));
    std::string text = "mrd report data";
    text += '\0';
    text += "spdm";
    text += '\0';
    text += "gpu0";
    text += '\0';
    text.append(report_data.begin(), report_data.end());
    const auto expected = hash(HashAlgorithm::sha256, as_bytes(text)).value();
    EXPECT_EQ(part_report_data("spdm", "gpu0", report_data, 32).value(), Bytes(expected.bytes().begin(), expected.bytes().end()));
    EXPECT_NE(part_report_data("spdm", "gpu1", report_data, 32).value(), part_report_data("spdm", "gpu0", report_data, 32).value());
    EXPECT_FALSE(part_report_data("spdm", "gpu0", report_data, 48));
}

TEST(Evidence, OtherFilesAreNotTakenForIt) {
    EXPECT_FALSE(is_evidence({}));
    EXPECT_FALSE(is_evidence(as_bytes(R"({"format":"mrd-event-log","version":1})")));
    EXPECT_FALSE(is_evidence(Bytes{0xA1, 0x63, 'l', 'o'}));
    EXPECT_FALSE(is_evidence(Bytes(1024, 0x81)));
}

}  // namespace
}  // namespace mr
