// The journal's bytes: its records as structs, encoded and decoded. docs/journal-format.md is the specification: grammar, a worked example, the
// reason for each field. Integers are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/event_log.h"
#include "mr/on_behalf_of.h"
#include "mrd/journal/one_or_more.h"

namespace mrd::journal {

inline constexpr std::string_view magic = "mrdjrnl\n";
inline constexpr std::uint32_t format_version = 3;
inline constexpr std::size_t slot_size = 24;
inline constexpr std::size_t first_slot = 16;  // behind magic, version and checksum
inline constexpr std::size_t slots = 2;
inline constexpr std::size_t file_header_size = first_slot + slots * slot_size;
inline constexpr std::size_t record_head_size = 16;
inline constexpr std::size_t record_alignment = 8;

// Bytes of one record's body. The largest are firmware logs, whose size firmware decides.
inline constexpr std::size_t max_body = std::size_t{4} << 20;
// Of a checkpoint's, which grows with the state: more than its limits allow (mrd/journal/checkpoint.cpp).
inline constexpr std::size_t max_checkpoint_body = std::size_t{128} << 20;
inline constexpr std::size_t max_virtual_registers = 16'384;  // of one boot, those that were closed and those that were never made too
inline constexpr std::size_t max_registers = 4096 + max_virtual_registers;
inline constexpr std::size_t max_targets = 8;  // of one event: more than there are hash algorithms

using RegisterNumber = std::uint16_t;

inline constexpr std::string_view virtual_provider = "virtual";  // of registers that no hardware holds

// ---- Records. Views point into the bytes they were decoded from, or belong to whoever encodes.

// The log goes on in this boot: the first record of every journal, and one more after a kexec.
struct Boot {
    std::int64_t time = 0;  // microseconds since the epoch, here and below
    std::string_view boot_id;
};

// A register takes no event any more since this one.
struct Cap {
    RegisterNumber reg = 0;
    std::uint64_t event = 0;
    friend bool operator==(const Cap &, const Cap &) = default;
};

// The journal before this one was damaged; what stands before this record was taken over from it.
struct Repair {
    std::int64_t time = 0;
    std::uint64_t offset = 0;       // of the damage in that file
    std::uint64_t dropped = 0;      // bytes of it from there on
    std::uint64_t next_intent = 0;  // numbers that an intent had there are not given again
    std::string_view kept_as;       // that file's name now
    std::vector<Cap> caps = {};     // whose events may be among what is missing; of a virtual register: its close
};

// A register that events may follow for. Its number is its position among these records: 0, 1, ... Provider, name and algorithm tell it from all others: never
// what it is called in a listing, which changes when another bank appears. A virtual register is in no hardware: each of its events extends its carrier too. Its
// first event makes it: before that there is none. Another of its name may follow when it was closed, or was never made.
struct Register {
    mr::HashAlgorithm algorithm = mr::HashAlgorithm::sha384;
    mr::Digest initial;                          // at the hardware's reset
    mr::Digest start;                            // when this record was written
    std::string_view provider;                   // "tdx"
    std::string_view name;                       // "rtmr3"
    std::optional<RegisterNumber> carrier = {};  // of a virtual register: a bank of the register that carries it
    mr::VirtualRegisterId id = {};               // by which its events name it
    std::int64_t owner = 0;                      // uid
};

// The firmware's log: in one record, so that it is there whole or not at all, wherever a write of it ends.
struct FirmwareLog {
    mr::LogFormat format = mr::LogFormat::tcg;
    mr::LogRegisters registers = mr::LogRegisters::rtmr;
    std::uint64_t sequence = 0;  // of its first event
    std::string_view provider;   // whose registers its indices are
    mr::ByteView bytes;          // as the firmware wrote it, without what pads it
};

// What was extended into the provider's registers behind the firmware's log and before mrd came, by the logs that the configuration names: in one record too.
struct EarlierLog {
    std::uint64_t sequence = 0;  // of its first event
    std::string_view provider;
    mr::ByteView bytes;  // mrd's JSON, whatever form it had
};

enum class Origin : std::uint8_t { service = 0, resync = 1, cap = 2, close = 3 };
inline constexpr std::uint8_t origins = 4;
// A client asked for it, and what it takes counts for his share.
constexpr bool is_for_client(Origin origin) { return origin == Origin::service || origin == Origin::close; }

// A register that an event extends: the event has one for each bank, and of a virtual register it has that one first and then its carrier's banks.
struct Target {
    RegisterNumber reg = 0;
    mr::Digest before = {};
    mr::Digest after = {};
    mr::Digest digest = {};
    friend bool operator==(const Target &, const Target &) = default;
};
using Targets = OneOrMore<Target>;

// An extend is about to be asked of the hardware.
struct Intent {
    std::uint64_t number = 0;  // counts intents
    Origin origin = Origin::service;
    std::uint32_t type = 0;
    std::int64_t time = 0;
    Targets targets = {};  // 1 to max_targets
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::int64_t pid = 0;
    std::optional<std::string_view> executable = {};
    std::optional<std::string_view> unit = {};
    std::optional<std::string_view> rule = {};  // that allowed it
    std::optional<std::string_view> id = {};
    std::optional<std::string_view> description = {};
    std::optional<mr::ByteView> data = {};
    std::optional<mr::OnBehalfOf> on_behalf_of = {};  // by the caller's word, which the rule lets him give

    // Whose share of the journal it takes, and whose the id is.
    [[nodiscard]] std::int64_t counts_for() const { return on_behalf_of ? on_behalf_of->uid : uid; }
};

enum class Outcome : std::uint8_t {
    undone = 0,         // the hardware did not extend
    done = 1,           // it did: the event is in the log
    indeterminate = 2,  // nobody can tell: the register holds neither value
};

// What became of an intent.
struct Settled {
    std::uint64_t number = 0;    // of the intent
    std::uint64_t sequence = 0;  // of the event in the log; 0 unless done
    Outcome outcome = Outcome::undone;
};

// What all records before this one add up to (mrd/journal/checkpoint.h).
struct Checkpoint {
    std::uint64_t number = 0;  // counts checkpoints
    mr::ByteView state;
};

using Record = std::variant<Boot, Repair, Register, FirmwareLog, EarlierLog, Intent, Settled, Checkpoint>;

// Every Settled takes this much of the file: it is reserved before the intent is written.
inline constexpr std::size_t settled_size = record_head_size + 24;

// Where a checkpoint stands: in the header, in the slot number % slots, so that a write which is cut off leaves the one before.
struct Slot {
    std::uint64_t number = 0;  // of the checkpoint
    std::uint64_t offset = 0;
    bool is_durable = false;  // all of the file up to the checkpoint's end had been synced, and no sync had failed since
};

// ---- Encoding

void append_file_header(mr::Bytes &out);
// `offset`: where the record will stand in the file; it is part of the checksum, so that a record found elsewhere is not taken for one.
// Returns the bytes appended.
std::size_t append_record(mr::Bytes &out, std::uint64_t offset, const Record &record);
// The same of a record as it stands somewhere else, with the fields that this mrd does not know.
std::size_t append_copy(mr::Bytes &out, std::uint64_t offset, std::uint8_t kind, mr::ByteView body);

void append_slot(mr::Bytes &out, const Slot &slot);

// Bytes that append_record() appends for it.
std::size_t size_of(const Intent &record);
std::size_t size_of(const Register &record);

// ---- Decoding

// The version of the format that the file has. Error: it is no journal, or its header is damaged.
std::expected<std::uint32_t, std::string> read_version(mr::ByteView file);

// Nothing: the slot is empty, or damaged. `header`: file_header_size bytes.
std::optional<Slot> read_slot(mr::ByteView header, std::size_t number);

struct Head {
    std::uint32_t body_size = 0;
    std::uint8_t kind = 0;
    std::uint32_t body_crc = 0;
    [[nodiscard]] bool is_checkpoint() const;
    [[nodiscard]] mr::ByteView body(mr::ByteView record) const { return record.subspan(record_head_size, body_size); }
    [[nodiscard]] std::size_t record_size() const {
        return (record_head_size + body_size + record_alignment - 1) / record_alignment * record_alignment;
    }
};
// Nothing: no record begins here; one of an unknown kind is a record. Precondition: record_head_size bytes.
std::optional<Head> decode_head(mr::ByteView bytes, std::uint64_t offset);
// `record`: head.record_size() bytes.
bool body_is_intact(const Head &head, mr::ByteView record);
// Error: what is wrong with a body whose checksum holds: it was written by another version, or by nobody.
std::expected<Record, std::string> decode_record(const Head &head, mr::ByteView record);

}  // namespace mrd::journal
