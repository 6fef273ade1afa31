// How a log's format is found; each format's own reader has its own test.
#include <gtest/gtest.h>

#include <string>

#include "mr/event_log.h"
#include "tests/event_log/built_log.h"

namespace mr {
namespace {

const std::string sha384_hex(96, 'a');
const std::string own_json = R"({"format":"mrd-event-log","version":1,"registers":[]})"
                             "\n";
const std::string dstack_log_event = R"({"imr":0,"event_type":1,"digest":")" + sha384_hex + R"(","event":"","event_payload":""})";
const std::string cel_record =
    "\x1E"
    R"({"pcr":11,"digests":[{"hashAlg":"sha256","digest":")" +
    std::string(64, 'b') +
    R"("}],"content_type":"systemd","content":{"string":"x","eventType":"phase"}})"
    "\n";

LogFormat format_of(std::string_view file) {
    const auto reader = EventLogReader::open(as_bytes(file));
    if (!reader) throw std::runtime_error(reader.error().message);
    return reader->format();
}

TEST(LogDetection, ARecordSeparatorBeginsCelJson) { EXPECT_EQ(format_of(cel_record), LogFormat::cel_json); }

TEST(LogDetection, AnObjectWhoseFirstLineNamesTheFormatIsOurOwnJson) {
    EXPECT_EQ(format_of(own_json), LogFormat::json);
    EXPECT_EQ(format_of(R"({"version":1, "format" : "mrd-event-log","registers":[]})"), LogFormat::json);
}

TEST(LogDetection, AnyOtherObjectAndAnArrayAreDstacks) {
    EXPECT_EQ(format_of("[" + dstack_log_event + "]"), LogFormat::dstack);
    EXPECT_EQ(format_of(R"({"mrtd":"","event_log":[)" + dstack_log_event + "]}"), LogFormat::dstack);
    // Our mark on another line than the first is not ours.
    EXPECT_EQ(format_of("{\n\"format\":\"mrd-event-log\",\"event_log\":[" + dstack_log_event + "]}"), LogFormat::dstack);
    EXPECT_EQ(format_of(R"({"format":"another","x":"mrd-event-log","event_log":[)" + dstack_log_event + "]}"), LogFormat::dstack);
}

TEST(LogDetection, JsonOfAnotherToolIsSaidToBeThat) {
    for (const std::string text : {R"({"events":[{"pcr":0,"digest":"00"}]})", R"([{"PCRIndex":0,"EventType":"EV_SEPARATOR"}])",
                                   R"({"recnum":0,"pcr":4,"digests":[]})"}) {
        const auto reader = EventLogReader::open(as_bytes(text));
        ASSERT_FALSE(reader) << text;
        EXPECT_TRUE(reader.error().message.starts_with("event log, byte 0: this is JSON, but not of a kind that is read"))
            << reader.error().message;
        EXPECT_EQ(reader.error().message.find("imr"), std::string::npos);
        EXPECT_EQ(reader.error().message.find("event_log"), std::string::npos);
    }
    EXPECT_EQ(format_of(" [ ] "), LogFormat::dstack);
}

TEST(LogDetection, AByteOrderMarkBeforeATextChangesNothing) {
    const std::string mark = "\xEF\xBB\xBF";
    const std::string ima = "10 " + std::string(40, '0') + " ima-ng sha1:" + std::string(40, '1') + " boot_aggregate\n";
    for (const auto &text : {own_json, std::string(cel_record), "[" + dstack_log_event + "]", ima}) {
        const auto marked = mark + text;
        EXPECT_EQ(format_of(marked), format_of(text));
        auto reader = EventLogReader::open(as_bytes(marked));
        ASSERT_TRUE(reader) << reader.error().message;
        Event event;
        const auto more = reader->next(event);
        EXPECT_TRUE(more) << more.error().message;
    }
}

TEST(LogDetection, WhiteSpaceBeforeJsonChangesNothing) {
    EXPECT_EQ(format_of(" \r\n\t[" + dstack_log_event + "]"), LogFormat::dstack);
    EXPECT_EQ(format_of("\n " + own_json), LogFormat::json);
}

TEST(LogDetection, ANumberAndADigestBeginImasText) {
    EXPECT_EQ(format_of("10 " + std::string(40, '0') + " ima-ng sha1:" + std::string(40, '1') + " boot_aggregate\n"), LogFormat::ima);
    EXPECT_EQ(format_of(" 2 " + sha384_hex + " ima-ng sha384:" + sha384_hex + " boot_aggregate\n"), LogFormat::ima);
}

TEST(LogDetection, TheSpecIdBeginsACryptoAgileLog) {
    auto log = tcg_log(header_of({HashAlgorithm::sha256}), {});
    const auto reader = EventLogReader::open(log);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->format(), LogFormat::tcg);
    // Then an error in its header is that log's, not that of one without a header.
    log[0] = 7;
    const auto wrong = EventLogReader::open(log);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message, "event log, byte 0: the header has the index 7: 0 or 1 is right");
}

Bytes tcg12_log(std::uint32_t index, std::uint32_t claimed_size) {
    Bytes log;
    append_tcg_sha1_event(log, OwnedEvent{.index = index, .type = 1, .digests = {{0x0004, Bytes(20, 1)}}, .data = Bytes(4, 2)}.view());
    log[28] = static_cast<std::uint8_t>(claimed_size);
    return log;
}

TEST(LogDetection, APlausibleFirstRecordBeginsATcg12Log) {
    // Among them the indices 9, 10, 13: white space in text.
    for (std::uint32_t index = 0; index <= 24; ++index) {
        const auto log = tcg12_log(index, 4);
        const auto reader = EventLogReader::open(log);
        ASSERT_TRUE(reader) << index;
        EXPECT_EQ(reader->format(), LogFormat::tcg_sha1);
    }
}

Bytes tcg12_records(std::initializer_list<std::uint32_t> types) {
    Bytes log;
    for (const auto type : types)
        append_tcg_sha1_event(log, OwnedEvent{.index = 7, .type = type, .digests = {{0x0004, Bytes(20, 1)}}, .data = Bytes(4, 2)}.view());
    return log;
}

TEST(LogDetection, ATcg12LogEndsWithItsRecordsOrWhatFillsItUp) {
    const auto format_of_bytes = [](const Bytes &file) {
        const auto reader = EventLogReader::open(file);
        return reader ? std::optional(reader->format()) : std::nullopt;
    };
    constexpr std::uint32_t of_a_maker = 0x00010001;
    auto log = tcg12_records({8, of_a_maker});
    EXPECT_EQ(format_of_bytes(log), LogFormat::tcg_sha1);
    for (const auto filler : {std::uint8_t{0x00}, std::uint8_t{0xFF}}) {
        auto padded = log;
        padded.insert(padded.end(), 1000, filler);
        EXPECT_EQ(format_of_bytes(padded), LogFormat::tcg_sha1);
        padded.back() = 1;
        EXPECT_EQ(format_of_bytes(padded), std::nullopt);
    }
    log.pop_back();
    EXPECT_EQ(format_of_bytes(log), std::nullopt);
    EXPECT_EQ(format_of_bytes(tcg12_records({of_a_maker, 8})), std::nullopt);
    // Of one that breaks off the reader says where.
    auto long_one = tcg12_records({8, 1, of_a_maker, 4, 13, 13});
    long_one.pop_back();
    EXPECT_EQ(format_of_bytes(long_one), LogFormat::tcg_sha1);
}

// Small numbers at their beginning make them look like a record.
TEST(LogDetection, AReportAndABufferOfTheKernelAreNoTcg12Log) {
    Bytes report(1184, 0x5A);
    std::fill_n(report.begin(), 0x38, std::uint8_t{0});
    report[0] = 6;
    report[0x34] = 1;
    EXPECT_FALSE(EventLogReader::open(report));
    report.resize(4096);
    EXPECT_FALSE(EventLogReader::open(report));
    Bytes buffer(16384);
    buffer[0] = 1;
    buffer[16] = 0x40;
    std::fill_n(buffer.begin() + 24, 1000, std::uint8_t{4});
    std::fill_n(buffer.begin() + 26, 30, std::uint8_t{0});
    EXPECT_FALSE(EventLogReader::open(buffer));
}

TEST(LogDetection, AnythingElseIsAnErrorThatListsTheFormats) {
    const std::string formats = ": tcg, tcg_sha1, cel_json, json, dstack, ima";
    const auto error = [](ByteView file) {
        const auto reader = EventLogReader::open(file);
        if (reader) return std::string("no error");
        EXPECT_EQ(reader.error().code, ErrorCode::malformed);
        return reader.error().message;
    };
    EXPECT_EQ(error({}), "event log, byte 0: the file is empty" + formats);
    const std::string unknown = "event log, byte 0: this begins like none of the formats that are read" + formats;
    EXPECT_EQ(error(tcg12_log(25, 4)), unknown);
    EXPECT_EQ(error(tcg12_log(0, 5)), unknown);
    EXPECT_EQ(error(Bytes(1000, 0)), unknown);
    EXPECT_EQ(error(Bytes(1000, 0xFF)), unknown);
    EXPECT_EQ(error(as_bytes("hello, this is a text and no log at all")), unknown);
    EXPECT_EQ(error(as_bytes("10 " + std::string(39, '0') + " ima-ng x")), unknown);
    EXPECT_EQ(error(as_bytes("100 " + std::string(40, '0') + " ima-ng x")), unknown);
    EXPECT_EQ(error(as_bytes("   \n")), unknown);
}

TEST(LogDetection, AFormatThatIsAskedForIsNotDoubted) {
    const auto log = tcg_log(header_of({HashAlgorithm::sha256}), {});
    const auto reader = EventLogReader::open(log, {.format = LogFormat::tcg_sha1});
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->format(), LogFormat::tcg_sha1);
    EXPECT_FALSE(EventLogReader::open(as_bytes(own_json), {.format = LogFormat::tcg}));
    const auto empty = EventLogReader::open({}, {.format = LogFormat::tcg_sha1});
    EXPECT_TRUE(empty);
}

}  // namespace
}  // namespace mr
