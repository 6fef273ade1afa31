#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/event_log/event_bytes.h"
#include "tests/event_log/text_log.h"

namespace mr {
namespace {

using test::own;
using test::read_log;
using test::repeated;
using ::testing::HasSubstr;

std::string header(const std::vector<LogRegister> &registers = {}) {
    std::string text;
    append_json_header(text, registers);
    return text;
}

// Makes events with every field, each present and absent, of every kind of value.
class EventMaker {
    template <class Choices>
    const auto &pick(const Choices &choices) {
        return choices.at(random_() % choices.size());
    }
    bool half() { return random_() % 2 == 0; }

    Bytes bytes(std::size_t size) {
        Bytes made(size);
        for (auto &byte : made) byte = static_cast<std::uint8_t>(random_());
        return made;
    }

    std::string text() {
        static constexpr std::array<std::string_view, 12> pieces{
            "a", " ", "\"", "\\", "/", "\n", "\x01", "\x7F", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x94\x92", "tdx/rtmr3"};
        std::string made;
        for (auto left = random_() % 20; left > 0; --left) made += pick(pieces);
        return made;
    }

    void add_digest(Event &event) {
        const auto slot = event.digests.size();
        // Four known algorithms, then ones that are not.
        static constexpr std::array<std::uint16_t, 4> known{0x0004, 0x000B, 0x000C, 0x000D};
        static constexpr std::array<std::size_t, 4> sizes{20, 32, 48, 64};
        const auto id = slot < known.size() ? known.at(slot) : static_cast<std::uint16_t>(0x1000 * (slot - 3) + 0xAB);
        digests_.at(slot) = bytes(slot < sizes.size() ? sizes.at(slot) : random_() % 100);
        event.digests.push_back({id, digests_.at(slot)});
    }

    EventCaller caller() {
        EventCaller made{.uid = static_cast<std::int64_t>(random_() >> 1U), .gid = 0, .pid = -1};
        if (half()) made.executable = text();
        if (half()) made.unit = text();
        if (half()) made.rule = text();
        if (half()) made.on_behalf_of = OnBehalfOf{.uid = static_cast<std::int64_t>(random_()), .gid = 0, .pid = -1};
        return made;
    }

public:
    Event make() {
        Event event;
        event.sequence = random_() >> 1U;
        names_.at(0) = text();
        event.name = pick(names_);
        event.index = pick(std::array{tcg_index(event.name).value_or(no_index), no_index, 0U, 4U, static_cast<std::uint32_t>(random_())});
        event.type = static_cast<std::uint32_t>(random_());
        const auto banks = pick(std::array<std::size_t, 4>{0, 1, 2, max_log_banks});
        for (std::size_t i = 0; i < banks; ++i) add_digest(event);
        if (half()) event.data = (data_ = bytes(pick(std::array<std::size_t, 6>{0, 1, 2, 3, 48, 5000})));
        if (half()) event.description = (description_ = text());
        if (half()) event.time = static_cast<std::int64_t>(random_());
        if (half()) event.caller = caller();
        if (half()) event.id = (id_ = text());
        event.origin = pick(std::array{EventOrigin::firmware, EventOrigin::service, EventOrigin::resync});
        return event;
    }

private:
    std::mt19937_64 random_{17};
    std::array<std::string, 8> names_{"", "", "tdx/rtmr3", "rtmr0", "pcr10", "tpm/pcr7:sha256", "mrtd", "sim/anything"};
    std::array<Bytes, max_log_banks> digests_;
    Bytes data_;
    std::string description_;
    std::string id_;
};

TEST(JsonLog, WhateverAnEventSaysIsReadAsItWasWritten) {
    constexpr int count = 2000;
    EventMaker maker;
    std::string text = header();
    std::vector<test::OwnedEvent> written;
    for (int i = 0; i < count; ++i) {
        const Event event = maker.make();
        written.push_back(own(event));
        append_json_event(text, event);
    }
    const auto log = read_log(text, LogFormat::json);
    ASSERT_EQ(log.error, "");
    ASSERT_EQ(log.events.size(), written.size());
    for (std::size_t i = 0; i < written.size(); ++i) EXPECT_TRUE(log.events[i] == written[i]) << i;
}

TEST(JsonLog, AnEventIsOneLineOfThisForm) {
    const Bytes sha384(48, 0xAB);
    const Bytes unknown{1, 2, 3};
    const Bytes data{'h', 'i'};
    Event event;
    event.sequence = 17;
    event.index = 4;
    event.name = "tdx/rtmr3";
    event.type = ev_ipl;
    event.digests = {{0x000C, sha384}, {0x1234, unknown}};
    event.data = data;
    event.description = "a \"name\"";
    event.time = 1700000000000000;
    event.caller = EventCaller{.uid = 0, .gid = 1, .pid = 2, .executable = "/bin/x", .unit = "x.service", .rule = "agents"};
    event.caller->on_behalf_of = OnBehalfOf{.uid = 3, .gid = 4, .pid = 5};
    event.id = "first";
    event.origin = EventOrigin::service;
    std::string text;
    append_json_event(text, event);
    EXPECT_EQ(text, R"({"sequence":17,"name":"tdx/rtmr3","eventType":13,"digests":{"sha384":")" + repeated("ab", 48) +
                        R"(","0x1234":"010203"},"description":"a \"name\"","data":"aGk=","time":1700000000000000,)" +
                        R"("caller":{"uid":0,"gid":1,"pid":2,"executable":"/bin/x","unit":"x.service","rule":"agents",)" +
                        R"("onBehalfOf":{"uid":3,"gid":4,"pid":5}},"id":"first","origin":"service"})"
                        "\n");
}

TEST(JsonLog, WhatIsAbsentIsLeftOut) {
    Event event;
    event.index = 4;
    event.name = "rtmr3";
    std::string text;
    append_json_event(text, event);
    EXPECT_EQ(text, R"({"sequence":0,"name":"rtmr3","eventType":0,"digests":{},"origin":"firmware"})"
                    "\n");
}

TEST(JsonLog, AnIndexThatDoesNotFollowFromTheNameIsWritten) {
    const auto line_of = [](std::string_view name, std::uint32_t index) {
        Event event;
        event.name = name;
        event.index = index;
        std::string text;
        append_json_event(text, event);
        return text;
    };
    EXPECT_THAT(line_of("mrtd", 0), HasSubstr(R"("name":"mrtd","index":0,)"));
    EXPECT_THAT(line_of("rtmr3", no_index), HasSubstr(R"("name":"rtmr3","index":4294967295,)"));
    EXPECT_THAT(line_of("", no_index), HasSubstr(R"("name":"","eventType")"));
    EXPECT_THAT(line_of("pcr10", 10), HasSubstr(R"("name":"pcr10","eventType")"));
}

TEST(JsonLog, TheFirstLineSaysWhatIsKnownOfTheRegisters) {
    const std::vector<LogRegister> registers{
        {"tdx/rtmr3", HashAlgorithm::sha384, Digest::zero(HashAlgorithm::sha384), Digest(Bytes(48, 0x11))},
        {"tpm/pcr17:sha1", HashAlgorithm::sha1, Digest(Bytes(20, 0xFF)), Digest(Bytes(20, 0x22))}};
    const auto text = header(registers);
    EXPECT_EQ(text, R"({"format":"mrd-event-log","version":1,"registers":[{"name":"tdx/rtmr3","hash":"sha384","initial":")" +
                        repeated("00", 48) + R"(","start":")" + repeated("11", 48) +
                        R"("},{"name":"tpm/pcr17:sha1","hash":"sha1","initial":")" + repeated("ff", 20) + R"(","start":")" +
                        repeated("22", 20) +
                        R"("}]})"
                        "\n");
    const auto log = read_log(text, LogFormat::json);
    EXPECT_EQ(log.error, "");
    EXPECT_EQ(log.events.size(), 0U);
    ASSERT_EQ(log.registers.size(), 2U);
    for (std::size_t i = 0; i < registers.size(); ++i) {
        EXPECT_EQ(log.registers[i].name, registers[i].name);
        EXPECT_EQ(log.registers[i].algorithm, registers[i].algorithm);
        EXPECT_EQ(log.registers[i].initial, registers[i].initial);
        EXPECT_EQ(log.registers[i].start, registers[i].start);
    }
}

TEST(JsonLog, AFirstLineThatIsNotThisFormatsIsAnErrorThatSaysWhatIsWrong) {
    const auto error_of = [](std::string_view text) { return read_log(text, LogFormat::json).error; };
    EXPECT_EQ(error_of(""), "event log, byte 0: the first line, with the format's name, is missing");
    EXPECT_EQ(error_of(" \n\n"), "event log, byte 3: the first line, with the format's name, is missing");
    EXPECT_EQ(error_of("[]\n"), "event log, byte 0: the line is not one JSON object in UTF-8");
    EXPECT_EQ(error_of("\n{}\n"), "event log, byte 1: the first line has no format mrd-event-log with a version");
    EXPECT_EQ(error_of(R"({"format":"other","version":1,"registers":[]})"),
              "event log, byte 0: the first line has no format mrd-event-log with a version");
    EXPECT_EQ(error_of(R"({"format":"mrd-event-log","version":1})"),
              "event log, byte 0: the field registers is missing, is there twice or has a value of another type");
    const auto with = [&](std::string_view fields) {
        return error_of(R"({"format":"mrd-event-log","version":1,"registers":[{"name":"x",)" + std::string(fields) + "}]}");
    };
    EXPECT_THAT(with(R"("hash":"md5","initial":"","start":"")"), HasSubstr("the field hash of a register"));
    EXPECT_THAT(with(R"("hash":"sha1","initial":"00","start":")" + repeated("00", 20) + "\""),
                HasSubstr("the field initial of a register"));
    EXPECT_THAT(with(R"("hash":"sha1","initial":")" + repeated("00", 20) + R"(","start":"xy")"),
                HasSubstr("the field start of a register"));
}

TEST(JsonLog, ALaterVersionIsAnErrorThatNamesIt) {
    EXPECT_EQ(read_log(R"({"format":"mrd-event-log","version":2,"entries":[]})", LogFormat::json).error,
              "event log, byte 0: the version is 2, this library reads version 1: use one that is as new as the log");
}

TEST(JsonLog, MembersThatAreNotKnownAreIgnored) {
    const auto log =
        read_log(R"({"format":"mrd-event-log","made":"later","version":1,"registers":[{"name":"x","hash":"sha1","more":{},"initial":")" +
                     repeated("00", 20) + R"(","start":")" + repeated("00", 20) +
                     R"("}]})"
                     "\n"
                     R"({"sequence":1,"binding":"bound","name":"x","eventType":1,"digests":{},)"
                     R"("caller":{"uid":1,"gid":2,"pid":3,"tid":4},"origin":"service"})",
                 LogFormat::json);
    EXPECT_EQ(log.error, "");
    EXPECT_EQ(log.registers.size(), 1U);
    ASSERT_EQ(log.events.size(), 1U);
    EXPECT_EQ(log.events[0].caller->pid, 3);
}

TEST(JsonLog, AnEventWithAMistakeIsAnErrorThatNamesTheByteAndTheField) {
    const std::string start = header() + "\n";
    const auto at = "event log, byte " + std::to_string(start.size()) + ": ";
    const auto error_of = [&](std::string_view line) { return read_log(start + std::string(line) + "\n", LogFormat::json).error; };
    const auto not_right = [&](std::string_view name) {
        return at + "the field " + std::string(name) + " is missing, is there twice or has a value of another type";
    };
    const std::string name = R"({"name":"x",)";
    const std::string most = R"({"sequence":1,"name":"x","eventType":1,"origin":"firmware",)";

    EXPECT_EQ(error_of(most + R"("digests":{}})"), "");
    EXPECT_EQ(error_of("{"), at + "the line is not one JSON object in UTF-8");
    EXPECT_EQ(error_of("7"), at + "the line is not one JSON object in UTF-8");
    EXPECT_EQ(error_of(most + "\"description\":\"\xFF\",\"digests\":{}}"), at + "the line is not one JSON object in UTF-8");
    EXPECT_EQ(error_of(name + R"("eventType":1,"origin":"firmware","digests":{}})"), not_right("sequence"));
    EXPECT_EQ(error_of(R"({"sequence":1,"eventType":1,"origin":"firmware","digests":{}})"), not_right("name"));
    EXPECT_EQ(error_of(name + R"("sequence":1,"origin":"firmware","digests":{}})"), not_right("eventType"));
    EXPECT_EQ(error_of(name + R"("sequence":1,"eventType":1,"digests":{}})"), not_right("origin"));
    EXPECT_EQ(error_of(most + R"("name":"y","digests":{}})"), not_right("name"));
    EXPECT_EQ(error_of(most + R"("time":1.5,"digests":{}})"), not_right("time"));
    EXPECT_EQ(error_of(most + R"("caller":{"uid":1,"gid":1},"digests":{}})"), not_right("caller"));
    EXPECT_EQ(error_of(name + R"("sequence":-1,"eventType":1,"origin":"firmware","digests":{}})"), at + "the field sequence is negative");
    EXPECT_EQ(error_of(name + R"("sequence":1,"eventType":4294967296,"origin":"firmware","digests":{}})"),
              at + "the field eventType is not within 32 bits");
    EXPECT_EQ(error_of(most + R"("index":-1,"digests":{}})"), at + "the field index is not within 32 bits");
    EXPECT_EQ(error_of(name + R"("sequence":1,"eventType":1,"origin":"nobody","digests":{}})"),
              at + "the field origin is none of firmware, service, resync");
    EXPECT_EQ(error_of(most + R"("data":"aGk","digests":{}})"), at + "the event's data is not base64");

    EXPECT_EQ(error_of(most + R"("digests":[]})"), at + "the field digests is missing or is not an object");
    EXPECT_EQ(error_of(R"({"sequence":1,"name":"x","eventType":1,"origin":"firmware"})"),
              at + "the field digests is missing or is not an object");
    EXPECT_EQ(error_of(most + R"("digests":{},"digests":{}})"), at + "the field digests is there twice");
    EXPECT_EQ(error_of(most + R"("digests":{"sha384":"00"}})"), at + "the digest sha384 has 1 bytes instead of 48");
    EXPECT_EQ(error_of(most + R"("digests":{"0x1234":"0"}})"), at + "the digest 0x1234 is not hex");
    EXPECT_EQ(error_of(most + R"("digests":{"0x1234":"00","0x1234":"01"}})"), at + "the digest 0x1234 is there twice");
    // One algorithm, under both of its names.
    EXPECT_EQ(error_of(most + R"("digests":{"sha1":")" + repeated("00", 20) + R"(","0x0004":")" + repeated("00", 20) + R"("}})"),
              at + "the digest sha1 is there twice");
    for (const auto *key : {"md5", "0x123", "0x12345", "0x12g4", ""}) {
        EXPECT_EQ(error_of(most + R"("digests":{")" + key + R"(":"00"}})"), at + "the field digests has an algorithm that is not known");
    }
    EXPECT_EQ(error_of(most + R"("digests":{"sha1":1}})"), at + "the field digests has a value that is not text");
    std::string many = R"("digests":{"0x1000":"")";
    for (std::size_t i = 1; i <= max_log_banks; ++i) many += ",\"0x10" + to_hex(Bytes{static_cast<std::uint8_t>(i)}) + "\":\"\"";
    EXPECT_EQ(error_of(most + many + "}}"), at + "the digest 0x1010 is one more than the 16 that an event may have");
}

TEST(JsonLog, BlankLinesAndAMissingLastLineFeedDoNoHarmAndOffsetsAreThoseOfTheLines) {
    const std::string event = R"({"sequence":5,"name":"x","eventType":1,"digests":{},"origin":"service"})";
    const auto start = "\r\n" + header() + "\n\n";
    const auto text = start + event + "\r\n \n" + event;
    const auto log = read_log(text, LogFormat::json);
    EXPECT_EQ(log.error, "");
    EXPECT_EQ(log.events.size(), 2U);
    EXPECT_EQ(log.offsets, (std::vector<std::size_t>{start.size(), start.size() + event.size() + 4, text.size()}));
}

TEST(JsonLog, ALogThatEndsInsideALineIsAnErrorThatNamesTheLinesFirstByte) {
    const Bytes digest(48, 1);
    Event event;
    event.name = "rtmr3";
    event.digests = {{0x000C, digest}};
    std::string text = header();
    append_json_event(text, event);
    const auto border = text.size();
    append_json_event(text, event);
    for (std::size_t size = border + 1; size < text.size() - 1; ++size) {
        const auto log = read_log(text.substr(0, size), LogFormat::json);
        EXPECT_EQ(log.events.size(), 1U) << size;
        EXPECT_EQ(log.error, "event log, byte " + std::to_string(border) + ": the line is not one JSON object in UTF-8");
    }
}

TEST(JsonLog, ALineLongerThanTheLimitIsAnError) {
    const auto start = header();
    const std::string before = R"({"sequence":1,"name":"x","eventType":1,"digests":{},"origin":"service","description":")";
    const auto line = [&](std::size_t size) { return start + before + std::string(size - before.size() - 2, 'a') + "\"}\n"; };
    EXPECT_EQ(read_log(line(max_log_record), LogFormat::json).error, "");
    EXPECT_EQ(read_log(line(max_log_record + 1), LogFormat::json).error,
              "event log, byte " + std::to_string(start.size()) + ": the record is longer than 16777216 bytes");
}

TEST(JsonLog, TextThatIsNotUtf8IsRepairedSoThatTheLogStaysReadable) {
    Event event;
    event.name = "x";
    event.caller = EventCaller{.executable = "/bin/\xFF\xC3\xA4"};
    event.description = std::string_view("a\0b", 3);
    std::string text = header();
    append_json_event(text, event);
    const auto log = read_log(text, LogFormat::json);
    ASSERT_EQ(log.error, "");
    EXPECT_EQ(log.events.at(0).caller->executable, "/bin/\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(log.events.at(0).description,
              "a\xEF\xBF\xBD"
              "b");
}

TEST(JsonLog, NothingOfTheEventBeforeIsLeftInTheNext) {
    EventMaker maker;
    Event full = maker.make();
    full.caller = EventCaller{.executable = "/bin/x", .unit = "u"};
    full.id = "id";
    Event bare;
    bare.name = "x";
    bare.index = no_index;
    bare.caller = EventCaller{.uid = 1};
    std::string text = header();
    append_json_event(text, full);
    append_json_event(text, bare);
    const auto log = read_log(text, LogFormat::json);
    ASSERT_EQ(log.events.size(), 2U);
    EXPECT_TRUE(log.events[1] == (test::OwnedEvent{.index = no_index, .name = "x", .caller = EventCaller{.uid = 1}}));
}

}  // namespace
}  // namespace mr
