#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "mr/event_log.h"
#include "tests/event_log/built_log.h"

namespace mr {
namespace {

using test::joined;

Bytes u16(std::uint16_t value) { return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8)}; }
Bytes u32(std::uint32_t value) { return joined({u16(static_cast<std::uint16_t>(value)), u16(static_cast<std::uint16_t>(value >> 16))}); }

// Independent of the writer: 65 bytes for one bank.
Bytes header_record(std::uint32_t index, const std::vector<std::pair<std::uint16_t, std::uint16_t>> &algorithms,
                    const Bytes &vendor_info = {}) {
    auto spec_id = joined({bytes_of("Spec ID Event03"), {0}, u32(0), {0, 2, 0, 2}, u32(static_cast<std::uint32_t>(algorithms.size()))});
    for (const auto &[id, size] : algorithms) {
        spec_id = joined({spec_id, u16(id), u16(size)});
    }
    spec_id = joined({spec_id, {static_cast<std::uint8_t>(vendor_info.size())}, vendor_info});
    return joined({u32(index), u32(3), Bytes(20, 0), u32(static_cast<std::uint32_t>(spec_id.size())), spec_id});
}
const Bytes ccel_header = header_record(1, {{0x000C, 48}});
constexpr std::size_t ccel_header_size = 65;

Bytes record(std::uint32_t index, std::uint32_t type, const std::vector<std::pair<std::uint16_t, Bytes>> &digests, const Bytes &data) {
    auto bytes = joined({u32(index), u32(type), u32(static_cast<std::uint32_t>(digests.size()))});
    for (const auto &[id, value] : digests) {
        bytes = joined({bytes, u16(id), value});
    }
    return joined({bytes, u32(static_cast<std::uint32_t>(data.size())), data});
}
Bytes sha384_record(std::uint32_t index, std::uint8_t filler, const Bytes &data) {
    return record(index, ev_ipl, {{0x000C, Bytes(48, filler)}}, data);
}
Bytes sha1_record(std::uint32_t index, std::uint32_t type, const Bytes &digest, const Bytes &data) {
    return joined({u32(index), u32(type), digest, u32(static_cast<std::uint32_t>(data.size())), data});
}

EventLogReader opened(ByteView file, const ReaderOptions &options = {}) {
    auto reader = EventLogReader::open(file, options);
    if (!reader) throw std::runtime_error(reader.error().message);
    return std::move(*reader);
}

// What is said of a log that begins well; how many events came before is checked too.
std::string error_of(const Bytes &log, std::size_t good_events, const ReaderOptions &options = {}) {
    auto reader = EventLogReader::open(log, options);
    if (!reader) return reader.error().message;
    Event event;
    for (std::size_t i = 0;; ++i) {
        const auto more = reader->next(event);
        if (more && *more) continue;
        if (more) return "no error";
        EXPECT_EQ(i, good_events);
        EXPECT_EQ(more.error().code, ErrorCode::malformed);
        // It stays so.
        const auto again = reader->next(event);
        EXPECT_EQ(again.has_value() ? "no error" : again.error().message, more.error().message);
        return more.error().message;
    }
}

TEST(TcgReader, EachFieldOfAnEventIsRead) {
    const auto log = joined({ccel_header, record(4, 0x8000000A, {{0x000C, Bytes(48, 0x11)}}, {1, 2, 3}), sha384_record(2, 0x22, {})});
    auto reader = opened(log);
    EXPECT_EQ(reader.format(), LogFormat::tcg);
    EXPECT_TRUE(reader.registers().empty());

    Event event;
    event.description = "of another log";
    event.time = 1;
    event.caller.emplace();
    event.id = "id";
    event.origin = EventOrigin::resync;
    ASSERT_TRUE(*reader.next(event));
    EXPECT_EQ(reader.offset(), ccel_header_size);
    EXPECT_EQ(event.sequence, 1);
    EXPECT_EQ(event.index, 4);
    EXPECT_EQ(event.name, "rtmr3");
    EXPECT_EQ(event.type, 0x8000000A);
    ASSERT_EQ(event.digests.size(), 1);
    EXPECT_EQ(event.digests[0].algorithm_id, 0x000C);
    EXPECT_EQ(to_hex(event.digests[0].value), to_hex(Bytes(48, 0x11)));
    ASSERT_TRUE(event.data);
    EXPECT_EQ(to_hex(*event.data), "010203");
    EXPECT_EQ(event.description, std::nullopt);
    EXPECT_EQ(event.time, std::nullopt);
    EXPECT_EQ(event.caller, std::nullopt);
    EXPECT_EQ(event.id, std::nullopt);
    EXPECT_EQ(event.origin, EventOrigin::firmware);

    ASSERT_TRUE(*reader.next(event));
    EXPECT_EQ(reader.offset(), ccel_header_size + 12 + 50 + 4 + 3);
    EXPECT_EQ(event.sequence, 2);
    EXPECT_EQ(event.name, "rtmr1");
    ASSERT_TRUE(event.data);
    EXPECT_TRUE(event.data->empty());

    for (int i = 0; i < 2; ++i) {
        const auto more = reader.next(event);
        ASSERT_TRUE(more);
        EXPECT_FALSE(*more);
        EXPECT_EQ(reader.offset(), log.size());
    }
}

TEST(TcgReader, AnEventsBytesAreThoseOfTheFile) {
    const auto log = joined({ccel_header, sha384_record(1, 0x11, {1, 2, 3})});
    auto reader = opened(log);
    Event event;
    ASSERT_TRUE(*reader.next(event));
    EXPECT_EQ(event.digests[0].value.data(), log.data() + ccel_header_size + 14);
    EXPECT_EQ(event.data->data(), log.data() + log.size() - 3);
}

TEST(TcgReader, ATcg12LogHasOneSha1DigestAnEventAndNoHeader) {
    const auto log =
        joined({sha1_record(0, 8, Bytes(20, 0x11), {1, 2}), sha1_record(0, ev_no_action, Bytes(20, 0), bytes_of("Spec ID Event02")),
                sha1_record(7, 4, Bytes(20, 0x22), {})});
    auto reader = opened(log);
    EXPECT_EQ(reader.format(), LogFormat::tcg_sha1);
    const auto events = read_all(reader);
    ASSERT_EQ(events.size(), 3);
    EXPECT_EQ(events[0].name, "pcr0");
    EXPECT_EQ(events[0].type, 8);
    ASSERT_EQ(events[0].digests.size(), 1);
    EXPECT_EQ(events[0].digests[0], std::pair(std::uint16_t{0x0004}, Bytes(20, 0x11)));
    EXPECT_EQ(events[0].data, (Bytes{1, 2}));
    EXPECT_EQ(events[1].type, ev_no_action);
    EXPECT_EQ(events[2].sequence, 3);
    EXPECT_EQ(events[2].name, "pcr7");
    EXPECT_EQ(reader.offset(), log.size());
}

TEST(TcgReader, ABankOfAnUnknownAlgorithmHasTheHeadersSize) {
    const auto log = joined({header_record(0, {{0x0004, 20}, {0x1234, 5}, {0x000B, 32}}),
                             record(7, 1, {{0x000B, Bytes(32, 0x11)}, {0x1234, Bytes(5, 0x22)}}, {9})});
    auto reader = opened(log);
    const auto events = read_all(reader);
    ASSERT_EQ(events.size(), 1);
    ASSERT_EQ(events[0].digests.size(), 2);
    EXPECT_EQ(events[0].digests[0], std::pair(std::uint16_t{0x000B}, Bytes(32, 0x11)));
    EXPECT_EQ(events[0].digests[1], std::pair(std::uint16_t{0x1234}, Bytes(5, 0x22)));
    EXPECT_EQ(events[0].data, Bytes{9});
}

TEST(TcgReader, PaddingOfOnesOfZerosAndNoneEndTheLogAtTheSameByte) {
    const auto log = joined({ccel_header, sha384_record(1, 0x11, {1})});
    for (const auto &padding : {Bytes(), Bytes(1, 0xFF), Bytes(7, 0xFF), Bytes(1000, 0xFF), Bytes(1, 0), Bytes(16, 0), Bytes(1000, 0)}) {
        const auto padded = joined({log, padding});
        auto reader = opened(padded);
        EXPECT_EQ(read_all(reader).size(), 1);
        EXPECT_EQ(reader.offset(), log.size());
    }
}

TEST(TcgReader, ALogOfAHeaderAloneHasNoEvents) {
    for (const auto &log : {ccel_header, joined({ccel_header, Bytes(100, 0xFF)}), joined({ccel_header, Bytes(100, 0)})}) {
        auto reader = opened(log);
        EXPECT_TRUE(read_all(reader).empty());
        EXPECT_EQ(reader.offset(), ccel_header_size);
    }
}

TEST(TcgReader, FillersThatSomethingFollowsAreMalformedWhereTheyBegin) {
    const auto log = joined({ccel_header, sha384_record(1, 0x11, {1})});
    const auto at = std::to_string(log.size());
    const auto count_at = std::to_string(log.size() + 8);
    EXPECT_EQ(error_of(joined({log, Bytes(1000, 0), {1}}), 1), "event log, byte " + count_at + ": the event has no digest");
    EXPECT_EQ(error_of(joined({log, Bytes(1000, 0), Bytes(1000, 0xFF)}), 1), "event log, byte " + count_at + ": the event has no digest");
    EXPECT_EQ(error_of(joined({log, Bytes(1000, 0xFF), {1}}), 1),
              "event log, byte " + count_at + ": the event has 4294967295 digests, but the log's header has 1 algorithms");
    EXPECT_EQ(error_of(joined({log, {0, 0, 1}}), 1),
              "event log, byte " + at + ": the file ends inside this record: at least 1 more bytes belong to it");
}

TEST(TcgReader, ZerosThatSomethingFollowsAreNoEventOfATcg12Log) {
    const auto log = sha1_record(7, 4, Bytes(20, 0x11), {});
    EXPECT_EQ(error_of(joined({log, Bytes(32, 0), log}), 1, {.format = LogFormat::tcg_sha1}),
              "event log, byte 32: zeros stand here as if the log had ended, but something else follows them");
    EXPECT_EQ(error_of(joined({log, Bytes(64, 0)}), 1), "no error");
}

TEST(TcgReader, NoActionMayBelongToNoRegisterAndHaveNoDigest) {
    const auto log =
        joined({header_record(0, {{0x000B, 32}}), record(no_index, ev_no_action, {{0x000B, Bytes(32, 0)}}, bytes_of("SP800-155 Event")),
                record(0, ev_no_action, {}, {}), record(7, 1, {{0x000B, Bytes(32, 0x11)}}, {})});
    auto reader = opened(log);
    const auto events = read_all(reader);
    ASSERT_EQ(events.size(), 3);
    EXPECT_EQ(events[0].index, no_index);
    EXPECT_EQ(events[0].name, "");
    EXPECT_EQ(events[1].name, "pcr0");
    EXPECT_TRUE(events[1].digests.empty());
    EXPECT_EQ(events[2].name, "pcr7");
}

// Every log below begins with the 65 bytes of ccel_header and one good event of 66 bytes.
TEST(TcgReader, WhatIsWrongInAnEventIsNamedWithItsByte) {
    const auto good = joined({ccel_header, sha384_record(1, 0x11, {})});
    ASSERT_EQ(good.size(), 131);
    const auto error = [&](const Bytes &event) { return error_of(joined({good, event}), 1); };

    EXPECT_EQ(error(record(1, 1, {}, {})), "event log, byte 139: the event has no digest");
    EXPECT_EQ(error(record(1, 1, {{0x000C, Bytes(48, 1)}, {0x000C, Bytes(48, 1)}}, {})),
              "event log, byte 139: the event has 2 digests, but the log's header has 1 algorithms");
    EXPECT_EQ(error(joined({u32(1), u32(1), u32(0xFFFFFFFF), Bytes(100, 1)})),
              "event log, byte 139: the event has 4294967295 digests, but the log's header has 1 algorithms");
    EXPECT_EQ(error(record(1, 1, {{0x000B, Bytes(32, 1)}}, {})),
              "event log, byte 143: the event has a digest of the algorithm 0x000b, which the log's header does not have");
    EXPECT_EQ(error(joined({u32(1), u32(1), u32(1), u16(0x000C), Bytes(48, 1), u32(0x40000000), Bytes(100, 1)})),
              "event log, byte 131: the file ends inside this record: at least 1073741724 more bytes belong to it");
    EXPECT_EQ(error(joined({u32(1), u32(1), u32(1), u16(0x000C), Bytes(48, 1), u32(0xFFFFFFFF), Bytes(100, 1)})),
              "event log, byte 131: the file ends inside this record: at least 4294967195 more bytes belong to it");
    EXPECT_EQ(error(joined({u32(1), u32(1), u32(1), u16(0x000C), Bytes(47, 1)})),
              "event log, byte 131: the file ends inside this record: at least 1 more bytes belong to it");
}

TEST(TcgReader, TwoDigestsOfOneAlgorithmAreMalformed) {
    const auto header = header_record(0, {{0x0004, 20}, {0x000B, 32}});
    const auto log = joined({header, record(7, 1, {{0x0004, Bytes(20, 1)}, {0x0004, Bytes(20, 2)}}, {})});
    EXPECT_EQ(error_of(log, 0),
              "event log, byte " + std::to_string(header.size() + 12 + 22) + ": the event has two digests of the algorithm 0x0004");
}

TEST(TcgReader, AnEventIsReadUpToTheLargestRecord) {
    constexpr std::size_t rest = 12 + 50 + 4;
    const auto largest = joined({ccel_header, sha384_record(1, 0x11, Bytes(max_log_record - rest, 0x77))});
    auto reader = opened(largest);
    Event event;
    ASSERT_TRUE(*reader.next(event));
    EXPECT_EQ(event.data->size(), max_log_record - rest);
    EXPECT_EQ(error_of(joined({ccel_header, sha384_record(1, 0x11, Bytes(max_log_record - rest + 1, 0x77))}), 0),
              "event log, byte 65: the event takes 16777217 bytes: at most 16777216 are read");
}

// No event of this log begins with a byte that could be padding.
TEST(TcgReader, ALogCutAtAnyByteIsMalformedOrEndsWithAnEvent) {
    auto log = header_record(1, {{0x000C, 48}, {0x000B, 32}});
    std::vector<std::size_t> ends = {log.size()};
    for (const auto &event : {record(1, 1, {{0x000C, Bytes(48, 1)}, {0x000B, Bytes(32, 2)}}, {1, 2, 3}),
                              record(2, 4, {{0x000B, Bytes(32, 3)}}, {}), record(4, 6, {{0x000C, Bytes(48, 4)}}, Bytes(300, 5))}) {
        log = joined({log, event});
        ends.push_back(log.size());
    }
    for (std::size_t size = 0; size < log.size(); ++size) {
        const Bytes cut(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size));
        const auto whole = static_cast<std::size_t>(std::ranges::count_if(ends, [&](std::size_t end) { return end <= size; }));
        auto reader = EventLogReader::open(cut, {.format = LogFormat::tcg});
        EXPECT_EQ(reader.has_value(), whole > 0) << size;
        if (!reader) {
            EXPECT_EQ(reader.error().code, ErrorCode::malformed);
            continue;
        }
        Event event;
        for (std::size_t i = 1; i < whole; ++i) {
            const auto more = reader->next(event);
            ASSERT_TRUE(more && *more) << size;
        }
        const auto last = reader->next(event);
        EXPECT_EQ(reader->offset(), ends[whole - 1]) << size;
        if (std::ranges::find(ends, size) != ends.end()) {
            ASSERT_TRUE(last) << size;
            EXPECT_FALSE(*last) << size;
        } else {
            ASSERT_FALSE(last) << size;
            EXPECT_TRUE(last.error().message.starts_with("event log, byte " + std::to_string(ends[whole - 1]) +
                                                         ": the file ends inside this record"))
                << size;
        }
    }
}

TEST(TcgReader, ATcg12LogCutAtAnyByteIsMalformedOrEndsWithAnEvent) {
    const auto first = sha1_record(7, 1, Bytes(20, 1), {1, 2, 3});
    const auto log = joined({first, sha1_record(8, 1, Bytes(20, 2), Bytes(40, 9))});
    for (std::size_t size = 0; size < log.size(); ++size) {
        const Bytes cut(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size));
        auto reader = opened(cut, {.format = LogFormat::tcg_sha1});
        Event event;
        if (size >= first.size()) {
            ASSERT_TRUE(*reader.next(event)) << size;
        }
        const auto last = reader.next(event);
        EXPECT_EQ(last.has_value(), size == 0 || size == first.size()) << size;
    }
}

TEST(TcgHeaderReader, EachFieldIsRead) {
    const auto bytes = joined({test::unhex("0100000003000000"), Bytes(20, 0), u32(39), bytes_of("Spec ID Event03"),
                               test::unhex("00"
                                           "04030201"
                                           "05060708"
                                           "02000000"
                                           "0c003000"
                                           "34120201"
                                           "02aabb"),
                               Bytes(10, 0xFF)});
    const auto read = read_tcg_header(bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->size, 71);
    EXPECT_EQ(read->header.index, 1);
    EXPECT_EQ(read->header.platform_class, 0x01020304);
    EXPECT_EQ(read->header.minor, 5);
    EXPECT_EQ(read->header.major, 6);
    EXPECT_EQ(read->header.errata, 7);
    EXPECT_EQ(read->header.uintn_size, 8);
    EXPECT_EQ(read->header.algorithms, (std::vector<TcgHeader::Algorithm>{{0x000C, 48}, {0x1234, 0x0102}}));
    EXPECT_EQ(to_hex(read->header.vendor_info), "aabb");
}

TEST(TcgHeaderReader, WhatIsWrongIsNamedWithItsByte) {
    const auto error = [](const Bytes &bytes) {
        const auto read = read_tcg_header(bytes);
        return read ? "no error" : read.error().message;
    };
    const auto changed = [&](std::size_t at, std::uint8_t value) {
        auto bytes = ccel_header;
        bytes[at] = value;
        return error(bytes);
    };
    EXPECT_EQ(error(ccel_header), "no error");
    EXPECT_EQ(error({}), "event log, byte 0: the file ends inside this record: at least 4 more bytes belong to it");
    EXPECT_EQ(changed(0, 2), "event log, byte 0: the header has the index 2: 0 or 1 is right");
    EXPECT_EQ(changed(4, 4), "event log, byte 0: the log does not begin with an EV_NO_ACTION record \"Spec ID Event03\"");
    EXPECT_EQ(changed(8, 1), "event log, byte 8: the header's digest is not all zeros");
    EXPECT_EQ(changed(46, '2'), "event log, byte 0: the log does not begin with an EV_NO_ACTION record \"Spec ID Event03\"");
    EXPECT_EQ(changed(56, 0), "event log, byte 56: the header has 0 algorithms: 1 to 16 are read");
    EXPECT_EQ(changed(56, 17), "event log, byte 56: the header has 17 algorithms: 1 to 16 are read");
    EXPECT_EQ(changed(59, 0x80), "event log, byte 56: the header has 2147483649 algorithms: 1 to 16 are read");
    EXPECT_EQ(changed(62, 32), "event log, byte 62: the header gives digests of the algorithm 0x000c a size of 32");
    EXPECT_EQ(changed(64, 1), "event log, byte 48: the header ends inside this record: at least 1 more bytes belong to it");
    EXPECT_EQ(error(header_record(0, {{0x000C, 48}, {0x000B, 32}, {0x000C, 48}})),
              "event log, byte 68: the header has the algorithm 0x000c twice");
    EXPECT_EQ(error(header_record(0, {{0x1234, 0}})), "event log, byte 62: the header gives digests of the algorithm 0x1234 a size of 0");
    // The record ends before the signature that the file goes on with.
    EXPECT_EQ(changed(28, 0), "event log, byte 0: the log does not begin with an EV_NO_ACTION record \"Spec ID Event03\"");
    EXPECT_EQ(changed(28, 15), "event log, byte 0: the log does not begin with an EV_NO_ACTION record \"Spec ID Event03\"");
    auto longer = joined({ccel_header, {7}});
    longer[28] = 34;
    EXPECT_EQ(error(longer), "event log, byte 65: bytes follow the header's vendor information");
    for (std::size_t size = 0; size < ccel_header.size(); ++size) {
        EXPECT_NE(error(Bytes(ccel_header.begin(), ccel_header.begin() + static_cast<std::ptrdiff_t>(size))), "no error") << size;
    }
}

// ---- Whose numbers the indices are

std::vector<std::string> names_of_events(const Bytes &log, const ReaderOptions &options = {}) {
    auto reader = opened(log, options);
    std::vector<std::string> names;
    for (const auto &event : read_all(reader)) {
        names.push_back(event.name);
    }
    return names;
}

Bytes log_of_indices(const Bytes &header, std::uint16_t algorithm, std::size_t size, const std::vector<std::uint32_t> &indices) {
    auto log = header;
    for (const auto index : indices) {
        log = joined({log, record(index, index == no_index ? ev_no_action : ev_ipl, {{algorithm, Bytes(size, 1)}}, {})});
    }
    return log;
}

using Names = std::vector<std::string>;

TEST(TcgRegisterNames, AHeaderWithIndexOneIsThatOfALogOfRtmrs) {
    EXPECT_EQ(names_of_events(log_of_indices(ccel_header, 0x000C, 48, {0, 1, 2, 3, 4, 5, 12, no_index})),
              (Names{"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "rtmr4", "rtmr11", ""}));
    EXPECT_EQ(names_of_events(log_of_indices(header_record(1, {{0x000B, 32}}), 0x000B, 32, {1, 7})), (Names{"rtmr0", "rtmr6"}));
}

TEST(TcgRegisterNames, WithIndexZeroALogOfSha384AndOfNoIndexAboveFourIsOfRtmrs) {
    const auto header = header_record(0, {{0x000C, 48}});
    EXPECT_EQ(names_of_events(log_of_indices(header, 0x000C, 48, {1, 4, no_index})), (Names{"rtmr0", "rtmr3", ""}));
    EXPECT_EQ(names_of_events(log_of_indices(header, 0x000C, 48, {1, 4, 5})), (Names{"pcr1", "pcr4", "pcr5"}));
    EXPECT_EQ(names_of_events(log_of_indices(header_record(0, {{0x000B, 32}}), 0x000B, 32, {1, 4})), (Names{"pcr1", "pcr4"}));
    EXPECT_EQ(names_of_events(log_of_indices(header_record(0, {{0x000C, 48}, {0x000B, 32}}), 0x000C, 48, {1, 4})), (Names{"pcr1", "pcr4"}));
    // An EV_NO_ACTION event extends nothing: its index decides nothing.
    EXPECT_EQ(names_of_events(joined({header, record(7, ev_no_action, {}, {}), sha384_record(1, 1, {})})), (Names{"rtmr6", "rtmr0"}));
}

TEST(TcgRegisterNames, WhoOpensTheLogMaySayWhoseTheIndicesAre) {
    const auto log = log_of_indices(ccel_header, 0x000C, 48, {1, 4});
    EXPECT_EQ(names_of_events(log, {.registers = LogRegisters::pcr}), (Names{"pcr1", "pcr4"}));
    EXPECT_EQ(names_of_events(log_of_indices(header_record(0, {{0x000B, 32}}), 0x000B, 32, {1, 4}), {.registers = LogRegisters::rtmr}),
              (Names{"rtmr0", "rtmr3"}));
}

TEST(TcgRegisterNames, AMalformedLogIsOpenedAndNamedByWhatComesBefore) {
    const auto log = joined({header_record(0, {{0x000C, 48}}), sha384_record(1, 1, {}), {1, 0, 0}});
    auto reader = opened(log);
    Event event;
    ASSERT_TRUE(*reader.next(event));
    EXPECT_EQ(event.name, "rtmr0");
    EXPECT_FALSE(reader.next(event));
}

}  // namespace
}  // namespace mr
