#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/event_log/event_bytes.h"
#include "tests/event_log/text_log.h"

namespace mr {
namespace {

using test::ev_unused;
using test::read_log;
using ::testing::HasSubstr;

const std::string sha256_hex(64, '1');
const std::string sha384_of_twos(96, '2');
const std::string no_digests = R"("digests":[],"content_type":"pcclient_std","content":{"event_type":1,"event_data":""})";

std::string sequence_record(std::string_view json) { return "\x1E" + std::string(json) + "\n"; }

std::string written(const Event &event) {
    std::string text;
    append_cel_json(text, event);
    return text;
}

test::ReadLog read_cel(std::string_view text) { return read_log(text, LogFormat::cel_json); }

TEST(CelJson, AnEventOfAnRtmrIsOneRecordOfThisForm) {
    const Bytes digest(48, 0x22);
    const Bytes data{'h', 'i'};
    Event event;
    event.sequence = 17;
    event.name = "tdx/rtmr3";
    event.index = 4;
    event.type = ev_ipl;
    event.digests = {{0x000C, digest}};
    event.data = data;
    EXPECT_EQ(written(event),
              sequence_record(R"({"recnum":17,"rtmr":3,"digests":[{"hashAlg":"sha384","digest":")" + sha384_of_twos +
                              R"("}],"content_type":"pcclient_std","content":{"event_type":"EV_IPL","event_data":"6869"}})"));
}

TEST(CelJson, RecordsMayBeOneArray) {
    const std::string first = R"({"recnum":0,"pcr":7,"digests":[{"hashAlg":"sha256","digest":")" + sha256_hex +
                              R"("}],"content_type":"pcclient_std","content":{"event_type":13,"event_data":"6869"}})";
    const std::string second = R"({"pcr":8,)" + no_digests + "}";
    const auto array = "[ " + first + ",\n" + second + " ]\n";
    const auto log = read_cel(array);
    ASSERT_EQ(log.error, "");
    EXPECT_TRUE(log.events == read_cel(sequence_record(first) + sequence_record(second)).events);
    EXPECT_EQ(log.events.size(), 2U);
    EXPECT_EQ(log.offsets, (std::vector<std::size_t>{2, 2 + first.size() + 2, array.size()}));
    EXPECT_EQ(EventLogReader::open(as_bytes(array))->format(), LogFormat::cel_json);
    EXPECT_TRUE(read_cel("\xEF\xBB\xBF" + array).events == log.events);
    EXPECT_EQ(read_cel("[]").error, "");
    EXPECT_THAT(read_cel("[" + first + ",{}]").error, HasSubstr("event log, byte " + std::to_string(first.size() + 2)));
    EXPECT_THAT(read_cel("[" + first + ",1]").error, HasSubstr("event log, byte"));
    EXPECT_THAT(read_cel("[" + first).error, HasSubstr("not one JSON array"));
}

TEST(CelJson, ATypeWithoutATcgNameIsWrittenAsANumber) {
    Event event;
    event.name = "pcr7";
    event.index = 7;
    event.type = 0x80000099;
    EXPECT_EQ(written(event), sequence_record(R"({"recnum":0,"pcr":7,"digests":[],"content_type":"pcclient_std","content":)"
                                              R"({"event_type":2147483801,"event_data":""}})"));
}

TEST(CelJson, EachRegisterIsNamedAsItsKindIs) {
    const auto member_of = [](std::string_view name, std::uint32_t index) {
        Event event;
        event.name = name;
        event.index = index;
        const auto text = written(event);
        const auto begin = text.find(',') + 1;
        return text.substr(begin, text.find(R"(,"digests")") - begin);
    };
    EXPECT_EQ(member_of("rtmr0", 1), R"("rtmr":0)");
    EXPECT_EQ(member_of("pcr0", 0), R"("pcr":0)");
    EXPECT_EQ(member_of("tpm/pcr23:sha256", 23), R"("pcr":23)");
    EXPECT_EQ(member_of("", no_index), R"("pcr":4294967295)");
    EXPECT_EQ(member_of("nv0x01d10200", 0x01d10200), R"("nv_index":30474752)");
    EXPECT_EQ(member_of("mrtd", 0), R"("register":"mrtd","index":0)");
    EXPECT_EQ(member_of("sim/a\"b", no_index), R"("register":"sim/a\"b")");
    // Where name and index contradict each other, both are kept.
    EXPECT_EQ(member_of("rtmr3", 3), R"("register":"rtmr3","index":3)");
    EXPECT_EQ(member_of("pcr3", no_index), R"("register":"pcr3")");
}

TEST(CelJson, EachRegisterIsReadAsItWasWritten) {
    const std::pair<std::string, std::uint32_t> registers[] = {{"rtmr0", 1},
                                                               {"rtmr3", 4},
                                                               {"pcr0", 0},
                                                               {"pcr10", 10},
                                                               {"", no_index},
                                                               {"nv0x01d10200", 0x01d10200},
                                                               {"mrtd", 0},
                                                               {"sim/any", no_index},
                                                               {"rtmr3", 3},
                                                               {"rtmr3", no_index},
                                                               {"pcr4294967294", no_index - 1},
                                                               {"rtmr4294967293", no_index - 1}};
    for (const auto &[name, index] : registers) {
        Event event;
        event.name = name;
        event.index = index;
        const auto log = read_cel(written(event));
        ASSERT_EQ(log.error, "") << name;
        EXPECT_EQ(log.events.at(0).name, name);
        EXPECT_EQ(log.events.at(0).index, index);
    }
}

TEST(CelJson, WhatTheFormatCarriesIsReadAsItWasWritten) {
    const Bytes sha1(20, 1);
    const Bytes sha384(48, 2);
    const Bytes unknown{3, 4};
    const Bytes data{0, 0xFF};
    std::string text;
    std::vector<test::OwnedEvent> expected;
    for (const auto with_data : {0, 1, 2}) {
        for (const auto type : {ev_unused, ev_no_action, ev_separator, 0x08000001U}) {
            for (const bool described : {false, true}) {
                Event event;
                event.sequence = 100 + expected.size();
                event.name = "tpm/pcr10";
                event.index = 10;
                event.type = type;
                event.digests = {{0x0004, sha1}, {0x000C, sha384}, {0x1234, unknown}};
                if (with_data == 1) event.data = ByteView();
                if (with_data == 2) event.data = data;
                if (described) event.description = "of \"it\"";
                event.time = 1;
                event.caller = EventCaller{};
                event.id = "x";
                event.origin = EventOrigin::service;
                expected.push_back(test::carried_by_cel_json(event));
                append_cel_json(text, event);
            }
        }
    }
    const auto log = read_cel(text);
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(log.events[i] == expected[i]) << i;
}

TEST(CelJson, ADescriptionIsWrittenAsSystemdDoesWhereThereIsNeitherTypeNorData) {
    Event event;
    event.name = "pcr11";
    event.index = 11;
    event.type = ev_unused;
    event.description = "enter-initrd";
    EXPECT_THAT(written(event), HasSubstr(R"("content_type":"systemd","content":{"string":"enter-initrd"}})"));
}

TEST(CelJson, ARecordOfSystemdsTpmLogIsReadWithAllItsDigestsAndItsTextAsDescription) {
    // The timestamp counts from the boot, so it is no time of day.
    const auto log = read_cel(sequence_record(R"({"pcr":11,"digests":[{"hashAlg":"sha384","digest":")" + sha384_of_twos +
                                              R"("},{"hashAlg":"sha256","digest":")" + sha256_hex +
                                              R"("}],"content_type":"systemd","content":{"string":"enter-initrd","bootId":)"
                                              R"("c0ffee00c0ffee00c0ffee00c0ffee00","timestamp":1234567,"eventType":"phase"}})"));
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_TRUE(log.events[0] == (test::OwnedEvent{.sequence = 1,
                                                   .index = 11,
                                                   .name = "pcr11",
                                                   .type = ev_unused,
                                                   .digests = {{0x000C, sha384_of_twos}, {0x000B, sha256_hex}},
                                                   .description = "enter-initrd"}));
}

TEST(CelJson, ARecordOfSystemdsRtmrLogIsOfTheRtmrAndNotOfThePcrThatItStandsFor) {
    const auto log =
        read_cel(sequence_record(R"({"rtmr":2,"mapped_pcr":11,"digests":[{"hashAlg":"sha384","digest":")" + sha384_of_twos +
                                 R"("}],"content_type":"systemd","content":{"nvIndexName":"x","bootId":"00","timestamp":5}})"));
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_TRUE(log.events[0] ==
                (test::OwnedEvent{.sequence = 1, .index = 3, .name = "rtmr2", .type = ev_unused, .digests = {{0x000C, sha384_of_twos}}}));
}

TEST(CelJson, RecordsWithoutANumberAreCountedFromOne) {
    const auto log = read_cel(sequence_record(R"({"pcr":1,)" + no_digests + "}") + sequence_record(R"({"pcr":1,)" + no_digests + "}") +
                              sequence_record(R"({"pcr":1,"recnum":0,)" + no_digests + "}"));
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), 3U);
    EXPECT_EQ(log.events[0].sequence, 1U);
    EXPECT_EQ(log.events[1].sequence, 2U);
    EXPECT_EQ(log.events[2].sequence, 0U);
}

TEST(CelJson, AContentThatIsNotUnderstoodLeavesTheDigestsToBeReplayed) {
    for (const std::string content :
         {R"("content_type":"cel","content":{"type":"firmware_end"})", R"("content_type":"ima_template","content":{"template_name":"ima"})",
          R"("content_type":"other")", R"("content":7)"}) {
        const auto log =
            read_cel(sequence_record(R"({"pcr":1,"digests":[{"hashAlg":"0x000B","digest":")" + sha256_hex + R"("}],)" + content + "}"));
        ASSERT_EQ(log.error, "");
        EXPECT_TRUE(log.events.at(0) ==
                    (test::OwnedEvent{.sequence = 1, .index = 1, .name = "pcr1", .type = ev_unused, .digests = {{0x000B, sha256_hex}}}));
    }
}

TEST(CelJson, EventTypesAreReadAsNumbersAndAsNames) {
    for (const std::string type : {"13", "\"EV_IPL\""}) {
        const auto log =
            read_cel(sequence_record(R"({"pcr":1,"digests":[],"content_type":"pcclient_std","content":{"event_type":)" + type + "}}"));
        ASSERT_EQ(log.error, "");
        EXPECT_EQ(log.events.at(0).type, ev_ipl);
        EXPECT_EQ(log.events.at(0).data, std::nullopt);
    }
}

TEST(CelJson, ARecordWithAMistakeIsAnErrorThatNamesTheByteAndTheField) {
    const auto good = sequence_record(R"({"pcr":1,)" + no_digests + "}");
    const auto at = "event log, byte " + std::to_string(good.size() + 1) + ": ";
    const auto error_of = [&](std::string_view json) {
        const auto log = read_cel(good + sequence_record(json));
        EXPECT_EQ(log.events.size(), 1U);
        return log.error;
    };
    const auto not_right = [&](std::string_view name) {
        return at + "the field " + std::string(name) + " is missing, is there twice or has a value of another type";
    };
    const std::string one_register = "the record has not exactly one of the fields pcr, nv_index, rtmr, register";
    const std::string not_within = "the field pcr, nv_index or rtmr is not within its 32 bits";
    EXPECT_EQ(error_of("{\"pcr\":1"), at + "the record is not one JSON object in UTF-8");
    EXPECT_EQ(error_of("[]"), at + "the record is not one JSON object in UTF-8");
    EXPECT_EQ(error_of("{" + no_digests + "}"), at + one_register);
    EXPECT_EQ(error_of(R"({"pcr":1,"rtmr":1,)" + no_digests + "}"), at + one_register);
    EXPECT_EQ(error_of(R"({"register":"x","nv_index":1,)" + no_digests + "}"), at + one_register);
    EXPECT_EQ(error_of(R"({"pcr":-1,)" + no_digests + "}"), at + not_within);
    EXPECT_EQ(error_of(R"({"pcr":4294967296,)" + no_digests + "}"), at + not_within);
    EXPECT_EQ(error_of(R"({"rtmr":4294967294,)" + no_digests + "}"), at + not_within);
    EXPECT_EQ(error_of(R"({"nv_index":4294967295,)" + no_digests + "}"), at + not_within);
    EXPECT_EQ(error_of(R"({"register":"x","index":-1,)" + no_digests + "}"), at + "the field index is not within 32 bits");
    EXPECT_EQ(error_of(R"({"pcr":"1",)" + no_digests + "}"), not_right("pcr"));
    EXPECT_EQ(error_of(R"({"recnum":-1,"pcr":1,)" + no_digests + "}"), at + "the field recnum is negative");
    EXPECT_EQ(error_of(R"({"pcr":1})"), not_right("digests"));
    EXPECT_EQ(error_of(R"({"pcr":1,"digests":[{"hashAlg":"sha256"}]})"), not_right("digests"));
    EXPECT_EQ(error_of(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":"00"}]})"), at + "the digest sha256 has 1 bytes instead of 32");
    const auto content = [&](std::string_view type, std::string_view members) {
        return error_of(R"({"pcr":1,"digests":[],"content_type":")" + std::string(type) + "\"" + std::string(members) + "}");
    };
    EXPECT_EQ(content("pcclient_std", ""), at + "the field content is missing or is not an object");
    EXPECT_EQ(content("systemd", R"(,"content":[])"), at + "the field content is missing or is not an object");
    EXPECT_EQ(content("systemd", R"(,"content":{},"content":{})"), at + "the field content is there twice");
    EXPECT_EQ(content("systemd", R"(,"content":{"string":1})"), not_right("string"));
    const std::string no_type = "the field event_type is missing, or is no number within 32 bits and no name of the TCG";
    EXPECT_EQ(content("pcclient_std", R"(,"content":{"event_data":""})"), at + no_type);
    EXPECT_EQ(content("pcclient_std", R"(,"content":{"event_type":4294967296,"event_data":""})"), at + no_type);
    EXPECT_EQ(content("pcclient_std", R"(,"content":{"event_type":"NONSENSE","event_data":""})"), at + no_type);
    EXPECT_EQ(content("pcclient_std", R"(,"content":{"event_type":1,"event_type":3})"), at + "the field event_type is there twice");
    EXPECT_EQ(content("pcclient_std", R"(,"content":{"event_type":1,"event_data":"0g"})"), at + "the event's data is not hex");
    EXPECT_EQ(content("pcclient_std", R"(,"content":{"event_type":1,"event_data":1})"), at + "the field event_data is not text");
}

TEST(CelJson, SeparatorsMayBeRepeatedAndTheLastLineFeedMayBeMissing) {
    const std::string json = R"({"pcr":1,)" + no_digests + "}";
    const auto log = read_cel("\x1E\x1E\n" + sequence_record(json) + "\n\x1E" + json);
    EXPECT_EQ(log.error, "");
    EXPECT_EQ(log.events.size(), 2U);
    EXPECT_EQ(log.offsets, (std::vector<std::size_t>{4, 4 + json.size() + 3, 4 + 2 * json.size() + 3}));
}

TEST(CelJson, AnEmptyFileIsALogWithoutEvents) {
    EXPECT_EQ(read_cel("").error, "");
    EXPECT_EQ(read_cel("\n").error, "");
    EXPECT_EQ(read_cel("\n").events.size(), 0U);
}

TEST(CelJson, ASeparatorAloneIsALogWithoutEventsWithoutBeingToldTheFormat) {
    for (const auto *text : {"\x1E", "\x1E\n"}) {
        EXPECT_EQ(EventLogReader::open(as_bytes(text))->format(), LogFormat::cel_json);
        const auto log = read_cel(text);
        EXPECT_EQ(log.error, "");
        EXPECT_EQ(log.events.size(), 0U);
    }
}

TEST(CelJson, AFileThatDoesNotBeginWithASeparatorIsNotThisFormat) {
    EXPECT_EQ(
        read_cel("\n{}").error,
        "event log, byte 1: a record of a JSON text sequence begins with the byte 0x1E, and records that are one document are an array");
}

TEST(CelJson, ARecordLongerThanTheLimitIsAnError) {
    const auto of_size = [](std::size_t size) {
        std::string json = R"({"pcr":1,)" + no_digests + "}";
        json.resize(size, ' ');
        return "\x1E" + json;
    };
    EXPECT_EQ(read_cel(of_size(max_log_record)).error, "");
    EXPECT_EQ(read_cel(of_size(max_log_record + 1)).error, "event log, byte 1: the record is longer than 16777216 bytes");
}

TEST(CelJson, OneAlgorithmThatIsNotKnownLosesNoOtherBank) {
    const auto log = read_cel(sequence_record(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":")" + sha256_hex +
                                              R"("},{"hashAlg":"blake7","digest":"?"},{"hashAlg":"0x0027","digest":"00"}]})"));
    ASSERT_EQ(log.error, "");
    EXPECT_EQ(log.events.at(0).digests, (decltype(test::OwnedEvent::digests){{0x000B, sha256_hex}, {0x0027, "00"}}));
}

TEST(CelJson, AnAlgorithmIsKnownByTheNamesThatOtherToolsWrite) {
    const auto with = [](const std::string &name, const std::string &digest) {
        return read_cel(sequence_record(R"({"pcr":1,"digests":[{"hashAlg":")" + name + R"(","digest":")" + digest + R"("}]})"));
    };
    for (const std::string name : {"sha256", "SHA256", "TPM2_ALG_SHA256", "TPM_ALG_SHA256", "0x000B", "0x000b"}) {
        const auto log = with(name, sha256_hex);
        ASSERT_EQ(log.error, "") << name;
        EXPECT_EQ(log.events.at(0).digests, (decltype(log.events[0].digests){{0x000B, sha256_hex}})) << name;
    }
    EXPECT_EQ(with("TPM2_ALG_SM3_256", sha256_hex).events.at(0).digests.at(0).first, 0x0012);
    EXPECT_EQ(with("sha3_384", sha384_of_twos).events.at(0).digests.at(0).first, 0x0028);
    EXPECT_THAT(with("SHA256", "00").error, HasSubstr("the digest sha256 has 1 bytes instead of 32"));
    // By whatever names: twice would be extended twice.
    EXPECT_THAT(read_cel(sequence_record(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":")" + sha256_hex +
                                         R"("},{"hashAlg":"TPM_ALG_SHA256","digest":")" + sha256_hex + R"("}]})"))
                    .error,
                HasSubstr("the digest sha256 is there twice"));
    EXPECT_THAT(with("blake7", "00").error, HasSubstr("no hashAlg of the record is known: \"blake7\""));
}

TEST(CelJson, ATypeOfAMakersOwnLeavesDigestsAndData) {
    const auto log =
        read_cel(sequence_record(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":")" + sha256_hex +
                                 R"("}],"content_type":"pcclient_std","content":{"event_type":"EV_NONSENSE","event_data":"00"}})"));
    ASSERT_EQ(log.error, "");
    EXPECT_TRUE(
        log.events.at(0) ==
        (test::OwnedEvent{.sequence = 1, .index = 1, .name = "pcr1", .type = ev_unused, .digests = {{0x000B, sha256_hex}}, .data = "00"}));
    // Of any other form, the digests.
    for (const std::string data : {R"({"what":"it says"})", R"("text")", "7"}) {
        const auto other = read_cel(
            sequence_record(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":")" + sha256_hex +
                            R"("}],"content_type":"pcclient_std","content":{"event_type":"EV_NONSENSE","event_data":)" + data + "}}"));
        ASSERT_EQ(other.error, "") << data;
        EXPECT_EQ(other.events.at(0).data, std::nullopt) << data;
        EXPECT_EQ(other.events.at(0).digests.size(), 1U) << data;
    }
}

TEST(CelJson, PcrZeroBehindAHardwareCoreRootOfTrustStartsWithFour) {
    const auto event = [](std::string_view type, char digit) {
        return sequence_record(R"({"recnum":0,"pcr":0,"digests":[{"hashAlg":"sha256","digest":")" + std::string(64, digit) +
                               R"("}],"content_type":"pcclient_std","content":{"event_type":)" + std::string(type) +
                               R"(,"event_data":""}})");
    };
    Bytes start(32, 0);
    start.back() = 4;
    Bytes first(32, 0x11);
    const auto expected = extend(HashAlgorithm::sha256, extend(HashAlgorithm::sha256, start, first)->bytes(), Bytes(32, 0x22));
    for (const auto *type : {R"("EV_EFI_HCRTM_EVENT")", "2147483664"}) {
        const auto log = event(type, '1') + event(R"("EV_SEPARATOR")", '2');
        auto reader = EventLogReader::open(as_bytes(log));
        ASSERT_TRUE(reader);
        Replay replay;
        Event each;
        while (*reader->next(each)) ASSERT_TRUE(replay.apply(each));
        const auto *pcr0 = replay.find("pcr0:sha256");
        ASSERT_NE(pcr0, nullptr);
        EXPECT_EQ(pcr0->value, *expected);
    }
}

}  // namespace
}  // namespace mr
