#include "mrd/journal/format.h"

#include <gtest/gtest.h>

#include <string>

#include "mrd/crc32c.h"
#include "mrd/journal/firmware.h"

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
            .origin = Origin::cap,
            .type = 0xFFFFFFFE,
            .time = -1,
            .targets = {{0x1122, filled(1), filled(2), filled(3)}},
            .uid = 4294967295,
            .gid = 100,
            .pid = 7,
            .executable = "/usr/bin/x",
            .unit = "x.service",
            .rule = "agents",
            .id = "",
            .description = "what",
            .data = data,
            .on_behalf_of = mr::OnBehalfOf{.uid = 1000, .gid = -2, .pid = 0x0102030405060708}};
}

TEST(JournalFormat, ABootRoundTrips) {
    const auto bytes = encoded(Boot{-5, "boot"});
    const auto record = std::get<Boot>(*decoded(bytes));
    EXPECT_EQ(record.time, -5);
    EXPECT_EQ(record.boot_id, "boot");
}

TEST(JournalFormat, ARepairRoundTrips) {
    const auto bytes = encoded(Repair{1, 2, 0xFFFFFFFFFFFFFFFF, 9, "journal.3", {{7, 4}, {8, 5}}});
    const auto record = std::get<Repair>(*decoded(bytes));
    EXPECT_EQ(record.time, 1);
    EXPECT_EQ(record.offset, 2U);
    EXPECT_EQ(record.dropped, 0xFFFFFFFFFFFFFFFFU);
    EXPECT_EQ(record.kept_as, "journal.3");
    EXPECT_EQ(record.next_intent, 9U);
    EXPECT_EQ(record.caps, (std::vector<Cap>{{7, 4}, {8, 5}}));
}

TEST(JournalFormat, ARegisterRoundTrips) {
    const auto bytes = encoded(Register{mr::HashAlgorithm::sha256, filled(1, 32), filled(2, 32), "tpm", "pcr7"});
    const auto record = std::get<Register>(*decoded(bytes));
    EXPECT_EQ(record.algorithm, mr::HashAlgorithm::sha256);
    EXPECT_EQ(record.initial, filled(1, 32));
    EXPECT_EQ(record.start, filled(2, 32));
    EXPECT_EQ(record.provider, "tpm");
    EXPECT_EQ(record.name, "pcr7");
    EXPECT_EQ(record.carrier, std::nullopt);
}

TEST(JournalFormat, AVirtualRegisterNamesItsCarrierItsIdAndItsOwner) {
    const mr::VirtualRegisterId id{1, 2, 3};
    const auto bytes = encoded(Register{mr::HashAlgorithm::sha384, filled(0), filled(0), "virtual", "build", 0x1234, id, 1000});
    const auto record = std::get<Register>(*decoded(bytes));
    EXPECT_EQ(record.carrier, 0x1234);
    EXPECT_EQ(record.id, id);
    EXPECT_EQ(record.owner, 1000);
    auto body = body_of(Register{mr::HashAlgorithm::sha384, filled(0), filled(0), "virtual", "build"});
    for (const auto byte : {1, 1, 0, 0, 0, 7}) body.push_back(static_cast<std::uint8_t>(byte));
    EXPECT_FALSE(decoded(made_up(3, body))) << "a number of one byte";
}

TEST(JournalFormat, AFirmwareLogRoundTripsInItsFourForms) {
    const mr::Bytes log(max_firmware_log, 0xAB);
    for (const auto format : {mr::LogFormat::tcg, mr::LogFormat::tcg_sha1}) {
        for (const auto registers : {mr::LogRegisters::rtmr, mr::LogRegisters::pcr}) {
            const auto bytes = encoded(FirmwareLog{format, registers, 9, "tdx", log});
            const auto record = std::get<FirmwareLog>(*decoded(bytes));
            EXPECT_EQ(record.format, format);
            EXPECT_EQ(record.registers, registers);
            EXPECT_EQ(record.sequence, 9U);
            EXPECT_EQ(record.provider, "tdx");
            EXPECT_TRUE(std::ranges::equal(record.bytes, log));
        }
    }
}

TEST(JournalFormat, AnEarlierLogRoundTrips) {
    const mr::Bytes log(1000, 'x');
    const auto bytes = encoded(EarlierLog{9, "tdx", log});
    const auto record = std::get<EarlierLog>(*decoded(bytes));
    EXPECT_EQ(record.sequence, 9U);
    EXPECT_EQ(record.provider, "tdx");
    EXPECT_TRUE(std::ranges::equal(record.bytes, log));
}

TEST(JournalFormat, AnIntentRoundTripsWithAllItsFields) {
    const mr::Bytes data{0, 1, 0xFF};
    const auto bytes = encoded(full_intent(data));
    const auto record = std::get<Intent>(*decoded(bytes));
    EXPECT_EQ(record.number, 0x0102030405060708U);
    EXPECT_EQ(record.origin, Origin::cap);
    EXPECT_EQ(record.type, 0xFFFFFFFE);
    EXPECT_EQ(record.time, -1);
    EXPECT_EQ(record.targets, (Targets{{0x1122, filled(1), filled(2), filled(3)}}));
    EXPECT_EQ(record.uid, 4294967295);
    EXPECT_EQ(record.gid, 100);
    EXPECT_EQ(record.pid, 7);
    EXPECT_EQ(record.executable, "/usr/bin/x");
    EXPECT_EQ(record.unit, "x.service");
    EXPECT_EQ(record.rule, "agents");
    EXPECT_EQ(record.on_behalf_of, (mr::OnBehalfOf{.uid = 1000, .gid = -2, .pid = 0x0102030405060708}));
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
    append_record(file, file.size(), Register{mr::HashAlgorithm::sha1, filled(0, 20), filled(0, 20), "sim", "r0"});
    Intent intent;
    intent.number = 1;
    intent.type = 13;
    intent.time = 1'700'000'000'000'001;
    const auto zero = filled(0, 20);
    const auto digest = filled(0x11, 20);
    intent.targets = {{0, zero, *mr::extend(mr::HashAlgorithm::sha1, zero.bytes(), digest.bytes()), digest}};
    intent.uid = 1000;
    intent.gid = 100;
    intent.pid = 42;
    intent.id = "a";
    append_record(file, file.size(), intent);
    append_record(file, file.size(), Settled{1, 1, Outcome::done});
    EXPECT_EQ(mr::to_hex(file),
              "6d72646a726e6c0a030000004840cf24"
              "000000000000000000000000000000000000000000000000"
              "000000000000000000000000000000000000000000000000"
              "0e0000000100000098ed46de8bfe9b40"
              "00401e18240a06000200000062310000"
              "39000000030000000040afdf9c40b4e9"
              "04001400000000000000000000000000000000000000001400000000000000000000000000000000000000000300000073696d0200000072"
              "3000000000000000"
              "75000000060000000ed6025db7e1ef97"
              "010000000000000001401e18240a0600e80300000000000064000000000000002a000000000000000d000000000100001400000000000000"
              "0000000000000000000000000014b3e26c6ca6785f04dd7187293d802d5b16dad8c114111111111111111111111111111111111111111103"
              "0100000061000000"
              "1800000007000000b95e848579a15378"
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

TEST(JournalFormat, ACheckpointRoundTrips) {
    const mr::Bytes state{1, 2, 3};
    const auto bytes = encoded(Checkpoint{7, state});
    const auto record = std::get<Checkpoint>(*decoded(bytes));
    EXPECT_EQ(record.number, 7U);
    EXPECT_TRUE(std::ranges::equal(record.state, state));
}

TEST(JournalFormat, ASlotThatIsEmptyOrDamagedNamesNothing) {
    mr::Bytes header;
    append_file_header(header);
    ASSERT_EQ(header.size(), file_header_size);
    EXPECT_FALSE(read_slot(header, 0));
    EXPECT_FALSE(read_slot(header, 1));
    mr::Bytes slot;
    append_slot(slot, {.number = 3, .offset = 4096, .is_durable = true});
    ASSERT_EQ(slot.size(), slot_size);
    std::ranges::copy(slot, header.begin() + first_slot + slot_size);
    EXPECT_FALSE(read_slot(header, 0));
    const auto read = read_slot(header, 1);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 3U);
    EXPECT_EQ(read->offset, 4096U);
    EXPECT_TRUE(read->is_durable);
    for (std::size_t bit = 0; bit < slot_size * 8; ++bit) {
        auto flipped = header;
        flipped[first_slot + slot_size + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_FALSE(read_slot(flipped, 1)) << bit;
    }
}

TEST(JournalFormat, ARecordOfAKindThatIsNotKnownIsARecordAllTheSame) {
    // Were it none, the record of a newer mrd at the end would be taken for a torn one and cut.
    const auto bytes = made_up(9, {1, 2, 3});
    EXPECT_EQ(decoded(bytes).error(), "a record of the unknown kind 9");
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
    const Register reg{mr::HashAlgorithm::sha1, filled(0, 20), filled(0, 20), "p", "r"};
    EXPECT_TRUE(refused(3, body_of(reg), 0, 0xEE)) << "algorithm";
    EXPECT_TRUE(refused(3, body_of(reg), 0, 0x0B)) << "SHA-256 with the digests of SHA-1";
    const auto log = body_of(FirmwareLog{mr::LogFormat::tcg, mr::LogRegisters::rtmr, 1, "tdx", {}});
    EXPECT_TRUE(refused(4, log, 0, 2)) << "log format";
    EXPECT_TRUE(refused(4, log, 1, 2)) << "log registers";
    const auto intent = body_of(full_intent({}));
    EXPECT_TRUE(refused(6, intent, 44, origins)) << "origin";
    EXPECT_TRUE(refused(6, intent, 45, 0)) << "no target";
    EXPECT_TRUE(refused(6, intent, 45, max_targets + 1)) << "more targets than there may be";
    EXPECT_TRUE(refused(6, intent, 48, 65)) << "a digest longer than any";
    const auto settled = body_of(Settled{1, 1, Outcome::done});
    EXPECT_TRUE(refused(7, settled, 16, 3)) << "outcome";
    EXPECT_TRUE(refused(7, settled, 23, 1)) << "outcome, high byte";
}

// Behind what an intent always has: fields of these tags.
mr::Bytes with_fields(const std::vector<std::uint8_t> &tags) {
    auto body = body_of(Intent{.targets = {{0, filled(1), filled(2), filled(3)}}});
    for (const auto tag : tags) {
        const mr::Bytes field{tag, 2, 0, 0, 0, 'o', 'k'};
        body.insert(body.end(), field.begin(), field.end());
    }
    return body;
}

TEST(JournalFormat, AFieldOfALaterMrdIsPassedOverOnlyWhereItMayBe) {
    const auto bytes = made_up(6, with_fields({3, 0x80, 0xFF}));
    const auto record = decoded(bytes);
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(std::get<Intent>(*record).id, "ok");
    const std::string sentence = "a record of kind 6 that does not hold what its kind does";
    EXPECT_EQ(decoded(made_up(6, with_fields({6}))).error(), sentence) << "one that has to be understood";
    EXPECT_EQ(decoded(made_up(6, with_fields({0x7F}))).error(), sentence);
    const std::vector<std::pair<std::uint8_t, mr::Bytes>> others{
        {1, body_of(Boot{0, "b"})},
        {2, body_of(Repair{})},
        {3, body_of(Register{mr::HashAlgorithm::sha1, filled(0, 20), filled(0, 20), "p", "r"})},
        {4, body_of(FirmwareLog{})},
        {5, body_of(EarlierLog{})}};
    for (auto [kind, body] : others) {
        const mr::Bytes field{0x80, 1, 0, 0, 0, 'x'};
        body.insert(body.end(), field.begin(), field.end());
        EXPECT_TRUE(decoded(made_up(kind, body))) << int{kind};
    }
}

TEST(JournalFormat, FieldsAreInTheOrderOfTheirTagsEachOnce) {
    EXPECT_TRUE(decoded(made_up(6, with_fields({1, 2, 3, 4, 5}))));
    EXPECT_FALSE(decoded(made_up(6, with_fields({1, 1}))));
    EXPECT_FALSE(decoded(made_up(6, with_fields({4, 3}))));
    EXPECT_FALSE(decoded(made_up(6, with_fields({0x80, 0x80}))));
    EXPECT_FALSE(decoded(made_up(6, with_fields({0}))));
}

TEST(JournalFormat, ACopyOfARecordKeepsWhatThisMrdDoesNotKnow) {
    const auto body = with_fields({3, 0x90});
    mr::Bytes copy;
    const auto size = append_copy(copy, 4096, 6, body);
    EXPECT_EQ(size, copy.size());
    EXPECT_EQ(copy, made_up(6, body, 4096));
}

TEST(JournalFormat, AnEventOfSeveralBanksRoundTrips) {
    Intent intent{.targets = {{1, filled(1, 32), filled(2, 32), filled(3, 32)},
                              {2, filled(4), filled(5), filled(6)},
                              {3, filled(7), filled(8), filled(9)}}};
    const auto bytes = encoded(intent);
    EXPECT_EQ(bytes.size(), size_of(intent));
    EXPECT_EQ(std::get<Intent>(*decoded(bytes)).targets, intent.targets);
}

TEST(JournalFormat, AnEmptyBodyAndOneBeyondTheLimitAreNoRecords) {
    EXPECT_FALSE(decode_head(made_up(1, {}), file_header_size));
    EXPECT_TRUE(decode_head(made_up(1, mr::Bytes(max_body)), file_header_size));
    EXPECT_FALSE(decode_head(made_up(1, mr::Bytes(max_body + 1)), file_header_size));
    EXPECT_TRUE(decode_head(made_up(8, mr::Bytes(max_body + 1)), file_header_size)) << "a checkpoint";
}

TEST(JournalFormat, AFileHeaderIsCheckedBeforeAnythingElse) {
    mr::Bytes header;
    append_file_header(header);
    EXPECT_EQ(read_version(header), format_version);
    EXPECT_EQ(read_version(mr::ByteView(header).first(15)).error(), "it is shorter than a journal's header");
    for (std::size_t at = 0; at < first_slot; ++at) {
        auto damaged = header;
        damaged[at] ^= 0x20;
        EXPECT_EQ(read_version(damaged).error(), at < 8 ? "it does not begin as a journal does" : "its header is damaged") << at;
    }
}

TEST(JournalFormat, TheVersionOfAFileIsRead) {
    mr::Bytes header;
    append_file_header(header);
    header[8] = 1;
    const auto crc = crc32c(mr::ByteView(header).first(12));
    for (std::size_t i = 0; i < 4; ++i) header[12 + i] = static_cast<std::uint8_t>(crc >> 8 * i);
    EXPECT_EQ(read_version(header), 1U);
}

}  // namespace
}  // namespace mrd::journal
