#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libmr/src/event_log/dstack_event.h"
#include "tests/event_log/event_bytes.h"
#include "tests/event_log/text_log.h"
#include "tests/places.h"

namespace mr {
namespace {

using test::bytes_of;
using test::dstack_event;
using ::testing::HasSubstr;

const std::string digest_hex(96, '3');

test::ReadLog read_dstack(std::string_view text) { return test::read_log(text, LogFormat::dstack); }

std::string event_text(std::string_view event, std::string_view payload, std::uint32_t type = dstack_event, int imr = 3) {
    return R"({"imr":)" + std::to_string(imr) + R"(,"event_type":)" + std::to_string(type) + R"(,"digest":")" + digest_hex +
           R"(","event":")" + std::string(event) + R"(","event_payload":")" + std::string(payload) + "\"}";
}

TEST(DstackLog, AnEventOfTheRunTimeHasItsNameAsDescriptionAndItsPayloadAsData) {
    const auto log = read_dstack("[" + event_text("app-id", "00ff") + "]");
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_TRUE(log.events[0] == (test::OwnedEvent{.sequence = 1,
                                                   .index = 4,
                                                   .name = "rtmr3",
                                                   .type = dstack_event,
                                                   .digests = {{0x000C, digest_hex}},
                                                   .data = "00ff",
                                                   .description = "app-id"}));
}

TEST(DstackLog, AnEmptyPayloadIsDataOfTheRunTimeButLeftOutDataOfTheFirmware) {
    const auto log =
        read_dstack("[" + event_text("system-ready", "") + "," + event_text("", "", ev_separator, 0) + "," +
                    event_text("", "00", ev_separator, 1) + R"(,{"imr":2,"event_type":4,"digest":")" + digest_hex + R"(","event":""}])");
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 4U);
    EXPECT_EQ(log.events[0].data, "");
    EXPECT_EQ(log.events[1].data, std::nullopt);
    EXPECT_EQ(log.events[1].description, std::nullopt);
    EXPECT_EQ(log.events[1].name, "rtmr0");
    EXPECT_EQ(log.events[2].data, "00");
    EXPECT_EQ(log.events[3].data, std::nullopt);
    EXPECT_EQ(log.events[3].index, 3U);
}

TEST(DstackLog, TheLogIsAnArrayOrAFieldThatIsOneOrTheTextOfOne) {
    const auto array = "[" + event_text("app-id", "00") + ", " + event_text("key \\\"provider\\\"", "01") + "]";
    const auto expected = read_dstack(array).events;
    ASSERT_EQ(expected.size(), 2U);
    EXPECT_EQ(expected[1].description, "key \"provider\"");
    const auto as_object = R"({"rtmr0":"]}\"","nested":{"event_log":[1,{}]},"number":-1.5e3 ,"event_log":)" + array + "}";
    EXPECT_EQ(read_dstack(as_object).error, "");
    EXPECT_TRUE(read_dstack(as_object).events == expected);
    const auto as_string = R"({"quote":"00","event_log":)" + nlohmann::json(array).dump() + R"(,"report_data":""})";
    EXPECT_EQ(read_dstack(as_string).error, "");
    EXPECT_TRUE(read_dstack(as_string).events == expected);
}

TEST(DstackLog, TheReplyToInfoHasTheLogInTheMemberTcbInfoOrItsText) {
    const auto array = "[" + event_text("app-id", "00") + ", " + event_text("key \\\"provider\\\"", "01") + "]";
    const auto expected = read_dstack(array).events;
    ASSERT_EQ(expected.size(), 2U);
    const auto text_of = [](const std::string &json) { return nlohmann::json(json).dump(); };
    for (const auto &log : {array, text_of(array)}) {
        const auto info = R"({"mrtd":"]}","event_log":)" + log + R"(,"more":[1]})";
        for (const auto &member : {info, text_of(info)}) {
            const auto reply = R"({"app_id":"{\"","tcb_info":)" + member + R"(,"app_name":"x"})";
            SCOPED_TRACE(reply);
            const auto found = read_dstack(reply);
            EXPECT_EQ(found.error, "");
            EXPECT_TRUE(found.events == expected);
            const auto reader = EventLogReader::open(as_bytes(reply));
            ASSERT_TRUE(reader) << reader.error().message;
            EXPECT_EQ(reader->format(), LogFormat::dstack);
        }
    }
    const std::string before = R"({"tcb_info":{"event_log":)";
    EXPECT_EQ(read_dstack(before + array + "}}").offsets.at(0), before.size() + 1);
    // The log that stands in the document itself is the one that counts.
    EXPECT_TRUE(read_dstack(R"({"tcb_info":{"event_log":[]},"event_log":)" + array + "}").events == expected);
    EXPECT_EQ(read_dstack(R"({"tcb_info":{}})").error, "event log, byte 0: the document has no field event_log");
    EXPECT_EQ(read_dstack(R"({"tcb_info":7})").error, "event log, byte 0: the document has no field event_log");
    EXPECT_EQ(read_dstack(R"({"tcb_info":{},"tcb_info":{}})").error, "event log, byte 0: the field tcb_info is there twice");
    EXPECT_THAT(read_dstack(R"({"tcb_info":"{"})").error, HasSubstr("byte 12: the text of the field tcb_info: this is not JSON"));
    EXPECT_THAT(read_dstack(R"({"tcb_info":"{\"event_log\":\"[\"}"})").error,
                HasSubstr("byte 12: the text of the field event_log: this is not JSON"));
    EXPECT_THAT(read_dstack(R"({"tcb_info":{"event_log":[],"event_log":[]}})").error, HasSubstr("the field event_log is there twice"));
}

TEST(DstackLog, TheGuestsOwnFileHasALineForEachEventOfRtmr3WhoseDigestFollows) {
    const std::string first = R"({"event":"app-id","payload":"3q2+7w=="})";
    const std::string second = R"({"event":"compose-hash","payload":"q80=","version":2})";
    const auto text = first + "\n\n" + second + "\n";
    const auto log = read_dstack(text);
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 2U);
    const auto digest_of = [](const Bytes &bytes) { return to_hex(hash(HashAlgorithm::sha384, bytes)->bytes()); };
    const auto preimage_1 = *from_hex("010000083a6170702d69643adeadbeef");
    const std::string preimage_2 = R"({"name":"compose-hash","payload":"abcd","type":134217729})";
    EXPECT_TRUE(log.events[0] == (test::OwnedEvent{.sequence = 1,
                                                   .index = 4,
                                                   .name = "rtmr3",
                                                   .type = dstack_event,
                                                   .digests = {{0x000C, digest_of(preimage_1)}},
                                                   .data = "deadbeef",
                                                   .description = "app-id"}));
    EXPECT_EQ(log.events[1].digests, (decltype(log.events[1].digests){{0x000C, digest_of(Bytes(preimage_2.begin(), preimage_2.end()))}}));
    EXPECT_EQ(log.events[1].data, "abcd");
    EXPECT_EQ(EventLogReader::open(as_bytes(text))->format(), LogFormat::dstack);
    EXPECT_EQ(log.offsets, (std::vector<std::size_t>{0, first.size() + 2, text.size()}));
    EXPECT_THAT(read_dstack(first + "\n{\"event\":\"a\"}\n").error, HasSubstr("payload"));
    EXPECT_THAT(read_dstack(first + "\n" + R"({"event":"a","payload":"","version":3})").error, HasSubstr("version 3"));
    EXPECT_THAT(read_dstack(R"({"event":"a","payload":"!"})").error, HasSubstr("base64"));
}

TEST(DstackLog, OffsetsAreThoseOfTheEventsOrOfTheTextThatHoldsThem) {
    const auto event = event_text("a\\\\\\\"]}", "00");
    const auto array = " [ " + event + " ,\n" + event + " ] ";
    EXPECT_EQ(read_dstack(array).offsets, (std::vector<std::size_t>{3, 3 + event.size() + 3, array.size()}));
    const std::string before = R"( { "a" : [ { } ] , "b":-12, "c" : true,"event_log" :)";
    EXPECT_EQ(read_dstack(before + array + "}").offsets,
              (std::vector<std::size_t>{before.size() + 3, before.size() + 3 + event.size() + 3, before.size() + array.size() + 1}));
    const auto text = nlohmann::json(array).dump();
    EXPECT_EQ(read_dstack(before + text + "}").offsets,
              (std::vector<std::size_t>{before.size(), before.size(), before.size() + text.size() + 1}));
}

TEST(DstackLog, AMarkOfTheByteOrderBeforeTheDocumentDoesNoHarm) {
    const auto log = read_dstack("\xEF\xBB\xBF[" + event_text("x", "") + "]");
    EXPECT_EQ(log.error, "");
    EXPECT_EQ(log.offsets.at(0), 4U);
}

TEST(DstackLog, ADocumentThatHoldsNoLogIsAnErrorThatSaysWhy) {
    EXPECT_THAT(read_dstack("").error, HasSubstr("byte 0: this is not JSON in UTF-8"));
    EXPECT_THAT(read_dstack("[").error, HasSubstr("byte 0: this is not JSON in UTF-8"));
    EXPECT_EQ(read_dstack("7").error, "event log, byte 0: the event log is not an array");
    EXPECT_EQ(read_dstack("\"[]\"").error, "event log, byte 0: the event log is not an array");
    EXPECT_EQ(read_dstack("{}").error, "event log, byte 0: the document has no field event_log");
    EXPECT_EQ(read_dstack(R"({"event_log":[],"event_log":[]})").error, "event log, byte 0: the field event_log is there twice");
    EXPECT_EQ(read_dstack(R"({"event_log":{}})").error, "event log, byte 13: the event log is not an array");
    EXPECT_THAT(read_dstack(R"({"event_log":"["})").error, HasSubstr("byte 13: the text of the field event_log: this is not JSON"));
    EXPECT_EQ(read_dstack("[]").error, "");
}

TEST(DstackLog, AnEventWithAMistakeIsAnErrorThatNamesTheByteAndTheField) {
    const auto good = event_text("x", "");
    const auto at = "event log, byte " + std::to_string(good.size() + 2) + ": event 2: ";
    const auto error_of = [&](std::string_view event) {
        const auto log = read_dstack("[" + good + "," + std::string(event) + "]");
        EXPECT_EQ(log.events.size(), 1U);
        return log.error;
    };
    const auto not_right = [&](std::string_view name) {
        return at + "the field " + std::string(name) + " is missing, is there twice or has a value of another type";
    };
    const auto with = [&](std::string_view from, std::string_view to) {
        auto text = good;
        return error_of(text.replace(text.find(from), from.size(), to));
    };
    EXPECT_EQ(error_of("1"), at + "this is not an object");
    EXPECT_EQ(with("\"imr\":3", "\"imr\":4"), at + "the field imr is not 0 to 3");
    EXPECT_EQ(with("\"imr\":3", "\"imr\":-1"), at + "the field imr is not 0 to 3");
    EXPECT_EQ(with("\"imr\":3", "\"imr\":\"3\""), not_right("imr"));
    EXPECT_EQ(with("\"imr\":3,", ""), not_right("imr"));
    EXPECT_EQ(with("\"imr\":3", "\"imr\":3,\"imr\":2"), not_right("imr"));
    EXPECT_EQ(with("134217729", "4294967296"), at + "the field event_type is not within 32 bits");
    EXPECT_EQ(with(digest_hex, "33"), at + "the digest sha384 has 1 bytes instead of 48");
    EXPECT_EQ(with("\"event\":\"x\"", "\"event\":null"), not_right("event"));
    EXPECT_EQ(with("\"event_payload\":\"\"", "\"event_payload\":\"0\""), at + "the event's data is not hex");
}

// By the rules' own words: what is hashed of any event with that payload, compared as a whole.
TEST(DstackEvent, APayloadIsFoundInWhatIsHashedByEitherRuleAndInNothingThatIsNearlySo) {
    using event_log::dstack_preimage_1;
    using event_log::dstack_preimage_2;
    using event_log::is_of_dstack_payload;
    const std::vector<Bytes> payloads{{}, bytes_of("a"), bytes_of(":"), bytes_of("a:b"), {0x00, 0xFF, 0x0A}, bytes_of("61")};
    for (const auto &payload : payloads) {
        for (const auto &other : payloads) {
            for (const std::string_view name : {"n", "a:b", "a\"b", "61"}) {
                for (const bool first : {true, false}) {
                    const auto hashed = first ? dstack_preimage_1(name, payload) : dstack_preimage_2(name, payload);
                    const auto text = std::string(hashed.begin(), hashed.end());
                    // By the first rule names may have colons: any end behind a colon is a payload.
                    const bool ends_so =
                        first && text.ends_with(":" + std::string(other.begin(), other.end())) && hashed.size() > 6 + other.size();
                    EXPECT_EQ(is_of_dstack_payload(hashed, other), other == payload || ends_so) << text << " / " << to_hex(other);
                    for (std::size_t at = 0; at < hashed.size(); ++at) {
                        const bool is_name = at >= (first ? 5U : 9U) && at < (first ? 5U : 9U) + name.size();
                        if (is_name || name == "a\"b") continue;
                        auto changed = hashed;
                        changed[at] ^= 0x01U;
                        EXPECT_FALSE(is_of_dstack_payload(changed, payload)) << text << " at " << at;
                        changed.resize(at);
                        if (!first) {
                            EXPECT_FALSE(is_of_dstack_payload(changed, payload)) << text << " until " << at;
                        }
                    }
                }
            }
        }
    }
    for (const auto &nameless : {dstack_preimage_1("", bytes_of("x")), dstack_preimage_2("", bytes_of("x"))})
        EXPECT_FALSE(is_of_dstack_payload(nameless, bytes_of("x")));
}

// An event of version 2, and others whose digest is left out. The digests are of hashlib's, over what dstack's tests say is hashed.
TEST(DstackLog, ADigestThatIsLeftOutIsComputedByTheRuleOfItsVersion) {
    const std::string name = R"("event_type":134217729,"event":"app-id","event_payload":"deadbeef")";
    const std::string odd = R"("event_type":134217729,"event":"a\"\\\n\b\f\u0001\u6d4b:z","event_payload":"")";
    const auto version1 = "67b4be4efed0893cfa2bb1d35dca209ad8348b4c97f980807bcde8b9a0f26398dd0923d6eccb5aa2096d98046da8740f";
    const auto version2 = "baf3bcd15a9ffbd5d96a054080db0d029d44a88cdb7ea9f9ca5953bf7a1d8d91f9a16c6de05de1034f41295e8cec53dc";
    const std::vector<std::pair<std::string, std::string>> expected{
        {name, version1},
        {name + R"(,"digest":"")", version1},
        {name + R"(,"digest":null,"version":1)", version1},
        {name + R"(,"version":2)", version2},
        {name + R"(,"digest":"","version":2,"preimage":"00")", version2},
        {odd, "4c03f3f1f3d943520d83deec5ddbb635f2d84bade12ac712e676900ac9b96771cb6e36eb18f8f8280e62f1a376d89cab"},
        {odd + R"(,"version":2)", "db1a9fbbcdbdfb4a7ec4aefd7af6340fef4757976335573f7c0bf2e60ef4f9b527bb68a5c91de9bf39541986b7d76827"},
        // What is given is not judged here: a register, and recompute_binding(), say whether it is right.
        {name + R"(,"digest":")" + digest_hex + R"(","version":3)", digest_hex},
    };
    for (const auto &[members, digest] : expected) {
        const auto log = read_dstack(R"([{"imr":3,)" + members + "}]");
        ASSERT_EQ(log.error, "") << members;
        EXPECT_EQ(log.events.at(0).digests, (decltype(test::OwnedEvent::digests){{0x000C, digest}})) << members;
    }
}

TEST(DstackLog, ADigestThatFollowsFromNothingIsAnError) {
    const auto error_of = [](const std::string &members) { return read_dstack(R"([{"imr":3,"event":"x",)" + members + "}]").error; };
    const std::string missing = "event log, byte 1: event 1: the field digest is missing or empty, and ";
    EXPECT_EQ(error_of(R"("event_type":4,"event_payload":"00000000")"),
              missing + "only of dstack's own events does it follow from name and payload");
    EXPECT_EQ(error_of(R"("event_type":134217729,"digest":"")"),
              missing + "the field event_payload, from which it would follow, is missing too");
    EXPECT_EQ(error_of(R"("event_type":134217729,"event_payload":"","version":3)"),
              missing + "of the version 3 this library does not know what is hashed");
    EXPECT_EQ(error_of(R"("event_type":134217729,"event_payload":"","version":"2")"),
              "event log, byte 1: event 1: the field version is missing, is there twice or has a value of another type");
}

TEST(DstackLog, ADocumentLongerThanTheLimitIsAnError) {
    auto text = "[" + event_text("x", "") + "]";
    text.resize(max_json_document, ' ');
    EXPECT_EQ(read_dstack(text).error, "");
    EXPECT_EQ(read_dstack(text + " ").error, "event log, byte 0: the document is longer than 4194304 bytes");
}

class DstackSample : public ::testing::TestWithParam<std::pair<const char *, const char *>> {};

TEST_P(DstackSample, ReplaysToTheQuotesRegistersAndItsRtmr3DigestsFollowTheRule) {
    const auto [name, file] = GetParam();
    const auto folder = places::shared_data() / "jsonlog" / name;
    if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not here";
    const auto expected = nlohmann::json::parse(test::text_of(folder / "info.json")).at("expected");
    const auto log = read_dstack(test::text_of(folder / file));
    ASSERT_EQ(log.error, "");
    for (std::size_t i = 0; i < 4; ++i) {
        const auto rtmr = "rtmr" + std::to_string(i);
        EXPECT_EQ(test::replayed(log.events, rtmr, HashAlgorithm::sha384), expected.at(rtmr).get<std::string>());
        EXPECT_EQ(std::ranges::count(log.events, i + 1, &test::OwnedEvent::index), expected.at("events_per_rtmr").at(i).get<int>());
    }
    for (const auto &event : log.events) {
        if (event.name != "rtmr3") continue;
        Bytes hashed{0x01, 0x00, 0x00, 0x08, ':'};
        EXPECT_EQ(event.type, dstack_event);
        for (const char c : event.description.value_or("") + ":") hashed.push_back(static_cast<std::uint8_t>(c));
        const auto payload = from_hex(event.data.value_or("no data"));
        ASSERT_TRUE(payload);
        hashed.insert(hashed.end(), payload->begin(), payload->end());
        EXPECT_EQ(to_hex(hash(HashAlgorithm::sha384, hashed)->bytes()), event.digests.at(0).second);
    }
}

INSTANTIATE_TEST_SUITE_P(All, DstackSample,
                         ::testing::Values(std::pair{"dstack-sdk", "eventlog.json"}, std::pair{"near-dstack", "tcb_info.json"}),
                         [](const auto &sample) { return std::string(sample.param.first).substr(0, 4); });

}  // namespace
}  // namespace mr
