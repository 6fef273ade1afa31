#include "mr/cmw.h"

#include <gmock/gmock.h>

#include "tests/attestation/tee/tdx/sample_quotes.h"

namespace mr {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const CmwRecord *record_of(const Cmw &message, const std::variant<std::string, std::int64_t> &label) {
    const auto *const collection = std::get_if<CmwCollection>(&message.form);
    if (collection == nullptr) return nullptr;
    const auto found = std::ranges::find(collection->members, label, &CmwMember::label);
    return found == collection->members.end() ? nullptr : std::get_if<CmwRecord>(&found->message.form);
}

std::string cmw_error(ByteView file) {
    const auto read = parse_cmw(file);
    return read ? "" : read.error().message;
}
std::string cmw_error(std::string_view text) { return cmw_error(as_bytes(text)); }
std::string cmw_error_of_hex(std::string_view hex) { return cmw_error(*from_hex(hex)); }

class CmwSamples : public ::testing::Test {
protected:
    void SetUp() override {
        if (!exists(sample_path("envelope"))) GTEST_SKIP() << "there are no samples on this machine";
    }
    static Bytes sample(const std::string &name) { return sample_bytes("envelope/cmw/" + name); }
};

TEST_F(CmwSamples, OfACollectionInCborHaveRecordsAndTagsUnderBothKindsOfLabels) {
    const auto file = sample("collection-cbor-ok.cbor");
    const auto message = parse_cmw(file);
    ASSERT_TRUE(message) << message.error().message;
    const auto *const corim = record_of(*message, 1);
    ASSERT_NE(corim, nullptr);
    EXPECT_EQ(std::get<std::string>(corim->type), "application/signed-corim+cbor");
    EXPECT_EQ(to_hex(corim->value), "d28443a10126a1");
    EXPECT_EQ(corim->indicator, cmw_reference_values | cmw_endorsements);
    const auto *const tagged = record_of(*message, 2);
    ASSERT_NE(tagged, nullptr);
    EXPECT_TRUE(tagged->is_tag);
    EXPECT_EQ(cmw_tag_of(std::get<std::uint16_t>(tagged->type)), 1668576818U);
    EXPECT_EQ(to_hex(tagged->value), "2347da55");
    const auto *const numbered = record_of(*message, "s");
    ASSERT_NE(numbered, nullptr);
    EXPECT_EQ(std::get<std::uint16_t>(numbered->type), 30001);
    EXPECT_EQ(to_hex(numbered->value), "2347da55");
    EXPECT_EQ(std::get<CmwCollection>(message->form).members.size(), 3U);
    // It was in the deterministic order.
    EXPECT_EQ(write_cmw_cbor(*message), file);
    EXPECT_TRUE(begins_cmw(file));
}

TEST_F(CmwSamples, ThatAreSmallAreReadToo) {
    const auto one = parse_cmw(sample("collection-cbor-ok-2.cbor"));
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(std::get<std::string>(record_of(*one, 1)->type), "application/vnd.1");
    EXPECT_EQ(to_hex(record_of(*one, 1)->value), "deadbeef");

    const auto mixed = parse_cmw(sample("collection-cbor-mixed-keys.cbor"));
    ASSERT_TRUE(mixed) << mixed.error().message;
    EXPECT_EQ(std::get<std::uint16_t>(record_of(*mixed, "string")->type), 0);
    EXPECT_FALSE(record_of(*mixed, "string")->is_tag);
    EXPECT_EQ(to_hex(record_of(*mixed, "string")->value), "ff");
    EXPECT_EQ(cmw_tag_of(std::get<std::uint16_t>(record_of(*mixed, 1024)->type)), 1668546817U);
    EXPECT_EQ(to_hex(record_of(*mixed, 1024)->value), "aa");
    EXPECT_TRUE(begins_cmw(sample("collection-cbor-mixed-keys.cbor")));

    const auto json = parse_cmw(sample("collection-ok.json"));
    ASSERT_TRUE(json) << json.error().message;
    EXPECT_EQ(std::get<std::string>(record_of(*json, "a")->type), "application/vnd.a");
    EXPECT_EQ(to_hex(record_of(*json, "a")->value), "61");
    EXPECT_EQ(write_cmw_json(*json), R"({"a":["application/vnd.a","YQ"],"b":["application/vnd.b","Yg"]})");
    EXPECT_TRUE(begins_cmw(sample("collection-ok.json")));
}

TEST_F(CmwSamples, InCertificatesAreFoundInBothForms) {
    const auto cbor = cmw_in_certificate(sample("x509-cert+cbor-cmw.der"));
    ASSERT_TRUE(cbor && *cbor) << (cbor ? "there is none" : cbor.error().message);
    EXPECT_EQ(to_hex(write_cmw_cbor(**cbor)),
              "a30183746170706c69636174696f6e2f72696d2b636f736547d28443a10126a10302da63747632442347da55617382197531442347da55");
    const auto json = cmw_in_certificate(sample("x509-cert+json-cmw.der"));
    ASSERT_TRUE(json && *json) << (json ? "there is none" : json.error().message);
    EXPECT_EQ(write_cmw_json(**json), R"({"a":["application/vnd.a","YQ"],"b":["application/vnd.b","Yg"]})");
    const auto none = cmw_in_certificate(sample("collection-ok.json"));
    EXPECT_TRUE(none && !*none);
}

TEST(Cmw, ThatAreWrittenComeBackFromBothForms) {
    const Cmw message{CmwCollection{
        .type = "tag:example.org,2026:x",
        .members = {{"quote", {CmwRecord{.type = std::string("application/vnd.x"), .value = {1, 2}, .indicator = cmw_evidence}}},
                    {"inner", {CmwCollection{.members = {{"token", {CmwRecord{.type = std::uint16_t{263}, .value = {0xFB, 0xFF}}}}}}}}}}};
    const auto json = write_cmw_json(message);
    ASSERT_TRUE(json);
    EXPECT_EQ(*json, R"({"__cmwc_t":"tag:example.org,2026:x","quote":["application/vnd.x","AQI",4],"inner":{"token":[263,"-_8"]}})");
    const auto from_json = parse_cmw(as_bytes(*json));
    ASSERT_TRUE(from_json) << from_json.error().message;
    EXPECT_EQ(write_cmw_json(*from_json), *json);
    const auto cbor = write_cmw_cbor(*from_json);
    const auto from_cbor = parse_cmw(cbor);
    ASSERT_TRUE(from_cbor) << from_cbor.error().message;
    EXPECT_EQ(write_cmw_cbor(*from_cbor), cbor);
    EXPECT_TRUE(begins_cmw(as_bytes(*json)));
    EXPECT_TRUE(begins_cmw(cbor));
}

// A parameter of a media type has quotes around it, which JSON escapes.
TEST(Cmw, OfAMediaTypeWithAParameterAreSeen) {
    const std::string_view record = R"([ "application/eat+cwt; eat_profile=\"tag:example.org,2026:x\"", "AQI" ])";
    EXPECT_TRUE(begins_cmw(as_bytes(record)));
    const auto message = parse_cmw(as_bytes(record));
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(std::get<CmwRecord>(message->form).type,
              (std::variant<std::string, std::uint16_t>(R"(application/eat+cwt; eat_profile="tag:example.org,2026:x")")));
    EXPECT_TRUE(begins_cmw(as_bytes(R"({"a \"label\"":["x/y\\","AQI"]})")));
    for (const std::string_view text : {R"(["x\", "AQI"])", R"(["x\)", R"(["x\")", R"(["\\" 7])"})
        EXPECT_FALSE(begins_cmw(as_bytes(text))) << text;
}

TEST(Cmw, WithIntegerLabelsAreNoJson) {
    const auto message =
        parse_cmw(*from_hex("a12082190107"
                            "40"));
    ASSERT_TRUE(message) << message.error().message;
    const auto json = write_cmw_json(*message);
    ASSERT_FALSE(json);
    EXPECT_THAT(json.error().message, HasSubstr("the label -1 is an integer"));
    EXPECT_EQ(to_hex(write_cmw_cbor(*message)), "a1208219010740");
}

TEST(Cmw, OfEveryContentFormatWithATagHaveAnother) {
    std::uint64_t last = 0;
    for (std::uint32_t format = 0; format <= max_tagged_content_format; ++format) {
        const auto tag = cmw_tag_of(static_cast<std::uint16_t>(format));
        ASSERT_GT(tag, last);
        ASSERT_NE(tag & 0xFF, 0U);
        last = tag;
    }
    EXPECT_EQ(last, 0x63740101U + 65024 / 255 * 256 + 65024 % 255);
    EXPECT_THAT(cmw_error_of_hex("da6374010040"), HasSubstr("none of a content format"));
    EXPECT_THAT(cmw_error_of_hex("da6374020040"), HasSubstr("none of a content format"));
    EXPECT_EQ(cmw_error_of_hex("da6374020140"), "");
}

TEST(Cmw, ThatAreMalformedAreRefusedWithWhatIsWrong) {
    EXPECT_THAT(cmw_error(R"(["application/x"])"), HasSubstr("[type, value, indicator]"));
    EXPECT_THAT(cmw_error(R"(["application/x","YQ=="])"), HasSubstr("not base64url without padding"));
    EXPECT_THAT(cmw_error(R"(["application/x","YQ",-1])"), HasSubstr("its indicator is no number"));
    EXPECT_THAT(cmw_error_of_hex("8300401b0000000100000000"), HasSubstr("an indicator has 32 bits"));
    EXPECT_THAT(cmw_error(R"([65536,"YQ"])"), HasSubstr("neither a media type nor a content format"));
    EXPECT_THAT(cmw_error(R"(["","YQ"])"), HasSubstr("1 to 1024 bytes"));
    EXPECT_THAT(cmw_error(R"({"a":["x/y","YQ"],"a":["x/y","YQ"]})"), HasSubstr("a label is there twice"));
    EXPECT_THAT(cmw_error(R"({"__cmwc_t":"x:y"})"), HasSubstr("a message at least"));
    EXPECT_THAT(cmw_error(R"({"a":["x/y","YQ"],"__cmwc_t":7})"), HasSubstr("1 to 1024 bytes"));
    EXPECT_THAT(cmw_error(R"({"a":{"b":7}})"), HasSubstr("the member b: is neither"));
    EXPECT_THAT(cmw_error("["), HasSubstr("not one JSON value"));
    EXPECT_THAT(cmw_error_of_hex("8119010740"), HasSubstr("[type, value, indicator]"));
    EXPECT_THAT(cmw_error_of_hex("821a0001000040"), HasSubstr("16 bits"));
    EXPECT_THAT(cmw_error_of_hex("821901076161"), HasSubstr("a byte string is wanted here"));
    EXPECT_THAT(cmw_error_of_hex("821901074000"), HasSubstr("bytes follow the message"));
    EXPECT_THAT(cmw_error_of_hex("a201820040"
                                 "01820040"),
                HasSubstr("a label is there twice"));
    EXPECT_THAT(cmw_error_of_hex(""), StartsWith("CMW: byte 0"));
}

TEST(Cmw, BeyondTheLimitsAreRefused) {
    std::string deep = R"(["x/y","YQ"])";
    for (std::size_t i = 0; i + 1 < max_cmw_depth; ++i) deep = R"({"a":)" + deep + "}";
    EXPECT_EQ(cmw_error(deep), "");
    EXPECT_TRUE(begins_cmw(as_bytes(deep)));
    EXPECT_THAT(cmw_error(R"({"a":)" + deep + "}"), HasSubstr("nested more deeply"));

    std::string wide = "{";
    for (std::size_t i = 0; i <= max_cmw_members; ++i)
        wide.append(i == 0 ? "" : ",").append("\"").append(std::to_string(i)).append(R"(":["x/y",""])");
    EXPECT_THAT(cmw_error(wide + "}"), HasSubstr("more than 64 messages"));
    EXPECT_THAT(cmw_error(R"({")" + std::string(max_cmw_text + 1, 'a') + R"(":["x/y",""]})"), HasSubstr("a label has more than"));
    EXPECT_THAT(cmw_error(Bytes(max_cmw_size + 1, '[')), HasSubstr("more than"));
}

TEST(Cmw, AreNotSeenInOtherFiles) {
    for (const std::string_view text :
         {"", "{", "[", R"({"format":"mrd-evidence"})", R"({"token":[1,2,3]})", R"([{"a":1}])", R"({"quote":"AA"})"})
        EXPECT_FALSE(begins_cmw(as_bytes(text))) << text;
    EXPECT_FALSE(begins_cmw(*from_hex("d9018fa2")));
    EXPECT_FALSE(begins_cmw(*from_hex("04000200810000000000000093")));
}

}  // namespace
}  // namespace mr
