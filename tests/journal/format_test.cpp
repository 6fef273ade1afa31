#include "mrd/journal/format.h"

#include <gtest/gtest.h>

#include <string>

#include "mrd/crc32c.h"

namespace mrd::journal {
namespace {

mr::Digest filled(std::uint8_t byte, std::size_t size = 48) { return mr::Digest(mr::Bytes(size, byte)); }

mr::Bytes encoded(const Record &record, std::uint64_t offset = file_header_size) {
    mr::Bytes bytes;
    const auto size = append_record(bytes, offset, record);
    EXPECT_EQ(size, bytes.size());
    return bytes;
}

// The record that stands there. `bytes` must outlive it.
std::expected<Record, std::string> decoded(const mr::Bytes &bytes, std::uint64_t offset = file_header_size) {
    const auto head = decode_head(bytes, offset);
    if (!head) return std::unexpected("no head");
    if (head->record_size() != bytes.size()) return std::unexpected("another size");
    if (!body_is_intact(*head, bytes)) return std::unexpected("the body is damaged");
    return decode_record(*head, bytes);
}

// A record whose checksums hold, with this kind and this body.
mr::Bytes made_up(std::uint8_t kind, const mr::Bytes &body, std::uint64_t offset = file_header_size) {
    mr::Bytes bytes;
    const auto put = [&bytes](std::uint64_t value, int size) {
        for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    put(body.size(), 4);
    put(kind, 4);
    put(crc32c(body), 4);
    mr::Bytes position;
    for (int i = 0; i < 8; ++i) position.push_back(static_cast<std::uint8_t>(offset >> 8 * i));
    put(crc32c(position, crc32c(bytes)), 4);
    bytes.insert(bytes.end(), body.begin(), body.end());
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes;
}

// Of a record's encoding: its kind and its body alone.
mr::Bytes body_of(const Record &record) {
    const auto bytes = encoded(record);
    const auto size = decode_head(bytes, file_header_size)->body_size;
    return {bytes.begin() + record_head_size, bytes.begin() + static_cast<std::ptrdiff_t>(record_head_size + size)};
}

Intent full_intent(mr::ByteView data) {
    return {.number = 0x0102030405060708,
            .reg = 0x1122,
            .origin = Origin::cap,
            .type = 0xFFFFFFFE,
            .time = -1,
            .before = filled(1),
            .after = filled(2),
            .digest = filled(3),
            .uid = 4294967295,
            .gid = 100,
            .pid = 7,
            .executable = "/usr/bin/x",
            .unit = "x.service",
            .id = "",
            .description = "what",
            .data = data};
}

TEST(JournalFormat, ABootRoundTrips) {
    const auto bytes = encoded(Boot{-5, "boot"});
    const auto record = std::get<Boot>(*decoded(bytes));
    EXPECT_EQ(record.time, -5);
    EXPECT_EQ(record.boot_id, "boot");
}

TEST(JournalFormat, ARepairRoundTrips) {
    const auto bytes = encoded(Repair{1, 2, 0xFFFFFFFFFFFFFFFF, "journal.3"});
    const auto record = std::get<Repair>(*decoded(bytes));
    EXPECT_EQ(record.time, 1);
    EXPECT_EQ(record.offset, 2U);
    EXPECT_EQ(record.dropped, 0xFFFFFFFFFFFFFFFFU);
    EXPECT_EQ(record.kept_as, "journal.3");
}

TEST(JournalFormat, ARegisterRoundTrips) {
    const auto bytes = encoded(Register{mr::HashAlgorithm::sha256, filled(1, 32), filled(2, 32), "tpm/pcr7:sha256"});
    const auto record = std::get<Register>(*decoded(bytes));
    EXPECT_EQ(record.algorithm, mr::HashAlgorithm::sha256);
    EXPECT_EQ(record.initial, filled(1, 32));
    EXPECT_EQ(record.start, filled(2, 32));
    EXPECT_EQ(record.name, "tpm/pcr7:sha256");
}

TEST(JournalFormat, AFirmwareLogRoundTripsInItsFourForms) {
    const mr::Bytes header{1, 2, 3};
    for (const auto format : {mr::LogFormat::tcg, mr::LogFormat::tcg_sha1}) {
        for (const auto registers : {mr::LogRegisters::rtmr, mr::LogRegisters::pcr}) {
            const auto bytes = encoded(FirmwareLog{format, registers, "tdx", header});
            const auto record = std::get<FirmwareLog>(*decoded(bytes));
            EXPECT_EQ(record.format, format);
            EXPECT_EQ(record.registers, registers);
            EXPECT_EQ(record.provider, "tdx");
            EXPECT_TRUE(std::ranges::equal(record.header, header));
        }
    }
}

TEST(JournalFormat, AFirmwareEventRoundTrips) {
    const mr::Bytes event(100'000, 0xAB);
    const auto bytes = encoded(FirmwareEvent{9, event});
    const auto record = std::get<FirmwareEvent>(*decoded(bytes));
    EXPECT_EQ(record.sequence, 9U);
    EXPECT_TRUE(std::ranges::equal(record.bytes, event));
}

TEST(JournalFormat, AnIntentRoundTripsWithAllItsFields) {
    const mr::Bytes data{0, 1, 0xFF};
    const auto bytes = encoded(full_intent(data));
    const auto record = std::get<Intent>(*decoded(bytes));
    EXPECT_EQ(record.number, 0x0102030405060708U);
    EXPECT_EQ(record.reg, 0x1122);
    EXPECT_EQ(record.origin, Origin::cap);
    EXPECT_EQ(record.type, 0xFFFFFFFE);
    EXPECT_EQ(record.time, -1);
    EXPECT_EQ(record.before, filled(1));
    EXPECT_EQ(record.after, filled(2));
    EXPECT_EQ(record.digest, filled(3));
    EXPECT_EQ(record.uid, 4294967295);
    EXPECT_EQ(record.gid, 100);
    EXPECT_EQ(record.pid, 7);
    EXPECT_EQ(record.executable, "/usr/bin/x");
    EXPECT_EQ(record.unit, "x.service");
    EXPECT_EQ(record.id, "");
    EXPECT_EQ(record.description, "what");
    EXPECT_TRUE(record.data && std::ranges::equal(*record.data, data));
}

TEST(JournalFormat, WhatAnIntentDoesNotHaveStaysAbsentAndIsNotEmpty) {
    for (const bool id : {false, true}) {
        for (const bool description : {false, true}) {
            for (const bool data : {false, true}) {
                auto intent = full_intent({});
                if (!id) intent.id.reset();
                if (!description) intent.description.reset();
                if (!data) intent.data.reset();
                const auto bytes = encoded(intent);
                const auto record = std::get<Intent>(*decoded(bytes));
                EXPECT_EQ(record.id.has_value(), id);
                EXPECT_EQ(record.description.has_value(), description);
                EXPECT_EQ(record.data.has_value(), data);
            }
        }
    }
}

TEST(JournalFormat, EveryOutcomeRoundTripsInTheSpaceThatIsReservedForIt) {
    for (const auto outcome : {Outcome::undone, Outcome::done, Outcome::indeterminate}) {
        const auto bytes = encoded(Settled{3, 4, outcome});
        EXPECT_EQ(bytes.size(), settled_size);
        const auto record = std::get<Settled>(*decoded(bytes));
        EXPECT_EQ(record.number, 3U);
        EXPECT_EQ(record.sequence, 4U);
        EXPECT_EQ(record.outcome, outcome);
    }
}

// docs/journal-format.md explains these bytes.
TEST(JournalFormat, TheWorkedExampleIsWrittenInTheseBytes) {
    mr::Bytes file;
    append_file_header(file);
    append_record(file, file.size(), Boot{1'700'000'000'000'000, "b1"});
    append_record(file, file.size(), Register{mr::HashAlgorithm::sha1, filled(0, 20), filled(0, 20), "sim/r0"});
    Intent intent;
    intent.number = 1;
    intent.type = 13;
    intent.time = 1'700'000'000'000'001;
    intent.before = filled(0, 20);
    intent.digest = filled(0x11, 20);
    intent.after = *mr::extend(mr::HashAlgorithm::sha1, intent.before.bytes(), intent.digest.bytes());
    intent.uid = 1000;
    intent.gid = 100;
    intent.pid = 42;
    intent.id = "a";
    append_record(file, file.size(), intent);
    append_record(file, file.size(), Settled{1, 1, Outcome::done});
    EXPECT_EQ(mr::to_hex(file),
              "6d72646a726e6c0a01000000c963a89b"
              "0e0000000100000098ed46de0d3cedde"
              "00401e18240a06000200000062310000"
              "360000000300000062cfab368882722b"
              "04001400000000000000000000000000000000000000001400000000000000000000000000000000000000000600000073696d2f72300000"
              "7c00000006000000f17b92639088763f"
              "010000000000000001401e18240a0600e80300000000000064000000000000002a000000000000000d000000000000011400000000000000"
              "0000000000000000000000000014b3e26c6ca6785f04dd7187293d802d5b16dad8c114111111111111111111111111111111111111111100"
              "00000000000000010000006100000000"
              "1800000007000000b95e848554cd25f1"
              "010000000000000001000000000000000100000000000000");
}

TEST(JournalFormat, EveryRecordEndsAtAMultipleOfEightBytes) {
    const std::string name(20, 'x');
    for (std::size_t size = 0; size < 17; ++size)
        EXPECT_EQ(encoded(Boot{0, std::string_view(name).substr(0, size)}).size(), (16 + 12 + size + 7) / 8 * 8) << size;
}

TEST(JournalFormat, ARecordFoundAtAnotherOffsetIsNone) {
    const auto bytes = encoded(Boot{0, "boot"}, 1024);
    EXPECT_TRUE(decode_head(bytes, 1024));
    EXPECT_FALSE(decode_head(bytes, 1032));
    EXPECT_FALSE(decode_head(bytes, 1024 + (std::uint64_t{1} << 40U)));
}

TEST(JournalFormat, AFlippedBitAnywhereInARecordIsFound) {
    const auto bytes = encoded(full_intent(mr::Bytes(5, 9)));
    ASSERT_TRUE(decoded(bytes));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_FALSE(decoded(flipped)) << "bit " << bit;
    }
}

TEST(JournalFormat, PaddingThatIsNotZeroIsDamage) {
    auto bytes = encoded(Boot{0, "b"});
    const auto head = decode_head(bytes, file_header_size);
    ASSERT_EQ(head->record_size() - record_head_size - head->body_size, 3U);
    ASSERT_TRUE(body_is_intact(*head, bytes));
    bytes.back() = 1;
    EXPECT_FALSE(body_is_intact(*head, bytes));
}

TEST(JournalFormat, ARecordOfAKindThatIsNotKnownIsARecordAllTheSame) {
    // Were it none, the record of a newer mrd at the end would be taken for a torn one and cut.
    const auto bytes = made_up(8, {1, 2, 3});
    EXPECT_EQ(decoded(bytes).error(), "a record of the unknown kind 8");
    const auto none = made_up(0, {1, 2, 3});
    EXPECT_EQ(decoded(none).error(), "a record of the unknown kind 0");
}

TEST(JournalFormat, ABodyOfAnotherFormIsRefused) {
    auto longer = body_of(Boot{0, "b"});
    EXPECT_TRUE(decoded(made_up(1, longer)));
    longer.push_back(0);
    EXPECT_EQ(decoded(made_up(1, longer)).error(), "a record of kind 1 that does not hold what its kind does");
    auto shorter = body_of(Boot{0, "b"});
    shorter.pop_back();
    EXPECT_EQ(decoded(made_up(1, shorter)).error(), "a record of kind 1 that does not hold what its kind does");
}

TEST(JournalFormat, AValueThatAnEnumerationDoesNotHaveIsRefused) {
    const auto refused = [](std::uint8_t kind, mr::Bytes body, std::size_t at, std::uint8_t value) {
        body.at(at) = value;
        return !decoded(made_up(kind, body));
    };
    const Register reg{mr::HashAlgorithm::sha1, filled(0, 20), filled(0, 20), "r"};
    EXPECT_TRUE(refused(3, body_of(reg), 0, 0xEE)) << "algorithm";
    EXPECT_TRUE(refused(3, body_of(reg), 0, 0x0B)) << "SHA-256 with the digests of SHA-1";
    const auto log = body_of(FirmwareLog{mr::LogFormat::tcg, mr::LogRegisters::rtmr, "tdx", {}});
    EXPECT_TRUE(refused(4, log, 0, 2)) << "log format";
    EXPECT_TRUE(refused(4, log, 1, 2)) << "log registers";
    const auto intent = body_of(full_intent({}));
    EXPECT_TRUE(refused(6, intent, 46, 3)) << "origin";
    EXPECT_TRUE(refused(6, intent, 47, 0x0F)) << "a field that is present, but unknown";
    EXPECT_TRUE(refused(6, intent, 48, 65)) << "a digest longer than any";
    const auto settled = body_of(Settled{1, 1, Outcome::done});
    EXPECT_TRUE(refused(7, settled, 16, 3)) << "outcome";
    EXPECT_TRUE(refused(7, settled, 23, 1)) << "outcome, high byte";
}

TEST(JournalFormat, AnEmptyBodyAndOneBeyondTheLimitAreNoRecords) {
    EXPECT_FALSE(decode_head(made_up(1, {}), file_header_size));
    EXPECT_TRUE(decode_head(made_up(1, mr::Bytes(max_body)), file_header_size));
    EXPECT_FALSE(decode_head(made_up(1, mr::Bytes(max_body + 1)), file_header_size));
}

TEST(JournalFormat, AFileHeaderIsCheckedBeforeAnythingElse) {
    mr::Bytes header;
    append_file_header(header);
    EXPECT_TRUE(check_file_header(header));
    EXPECT_EQ(check_file_header(mr::ByteView(header).first(15)).error(), "it is shorter than a journal's header");
    for (std::size_t at = 0; at < header.size(); ++at) {
        auto damaged = header;
        damaged[at] ^= 0x20;
        EXPECT_EQ(check_file_header(damaged).error(), at < 8 ? "it does not begin as a journal does" : "its header is damaged") << at;
    }
}

TEST(JournalFormat, AFileOfAnotherVersionIsNotRead) {
    mr::Bytes header;
    append_file_header(header);
    header[8] = 2;
    const auto crc = crc32c(mr::ByteView(header).first(12));
    for (std::size_t i = 0; i < 4; ++i) header[12 + i] = static_cast<std::uint8_t>(crc >> 8 * i);
    EXPECT_EQ(check_file_header(header).error(), "it is of format version 2, which this mrd does not know");
}

}  // namespace
}  // namespace mrd::journal
