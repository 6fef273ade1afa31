// Event logs: what was extended into which measurement register, in which order. One model for all formats; a reader that pulls one event after
// the other out of a file in memory, and writers that append one event after the other. These, and Replay, are in mr::verify.
//
//     auto reader = mr::EventLogReader::open(bytes);
//     mr::Replay replay;
//     mr::Event event;
//     for (;;) {
//         const auto more = reader->next(event);
//         if (!more) return complain(more.error());
//         if (!*more) break;
//         if (auto done = replay.apply(event); !done) return complain(done.error());
//     }
//
// Formats: TCG crypto-agile and TCG 1.2 (TCG PC Client Platform Firmware Profile 1.06, section 10; UEFI 2.10, section 38.4 for the log of a
// confidential VM, CCEL), CEL-JSON (TCG Canonical Event Log 1.0 as RFC 7464 text sequences, as systemd writes it), mrd's own JSON
// (docs/log-formats.md), dstack's JSON, Linux IMA's ascii_runtime_measurements. A new format has its reader in libmr/src/event_log/.
//
// Memory: a reader holds one event, whatever the file's size (max_log_record); dstack's JSON is one document and limited to max_json_document.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"
#include "mr/extend_rule.h"
#include "mr/on_behalf_of.h"

namespace mr {

inline constexpr std::size_t max_log_record = std::size_t{16} << 20;    // bytes of one event in its file
inline constexpr std::size_t max_json_document = std::size_t{4} << 20;  // bytes of a format that is one JSON document
inline constexpr std::size_t max_log_banks = 16;                        // digests of one event
inline constexpr std::size_t max_event_description = 4096;              // bytes of what mrd takes with an extend; logs may have more

// ---- TCG numbers (TCG Algorithm Registry; PC Client Platform Firmware Profile, section 10.4.1)

inline constexpr std::uint32_t ev_no_action = 3;  // never extended
inline constexpr std::uint32_t ev_separator = 4;
inline constexpr std::uint32_t ev_event_tag = 6;
inline constexpr std::uint32_t ev_ipl = 0xD;
inline constexpr std::uint32_t ev_efi_hcrtm_event = 0x80000010;  // of a hardware core root of trust, in PCR 0

// 0x0004 is SHA-1, and so on; nothing for one this library does not know.
std::optional<HashAlgorithm> hash_algorithm_from_tcg(std::uint16_t id);
std::uint16_t tcg_id(HashAlgorithm algorithm);

// ---- The model

struct EventDigest {
    std::uint16_t algorithm_id = 0;  // of the TCG registry
    ByteView value;
};

// Who asked for the event, as the kernel told mrd. executable and unit as far as they could be known: for people, never for decisions. rule: the name of mrd's
// access rule that allowed it, if mrd says so. on_behalf_of: for whom he asked, by his own word, which mrd took because of that rule.
struct EventCaller {
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::int64_t pid = 0;
    std::optional<std::string> executable = {};
    std::optional<std::string> unit = {};
    std::optional<std::string> rule = {};
    std::optional<OnBehalfOf> on_behalf_of = {};
    // Of whom the event counts as: for whom it was made, or who made it.
    [[nodiscard]] std::int64_t counts_for() const { return on_behalf_of ? on_behalf_of->uid : uid; }
    friend bool operator==(const EventCaller &, const EventCaller &) = default;
};

enum class EventOrigin : std::uint8_t {
    firmware,  // of the firmware's log
    service,   // extended by mrd for a caller
    resync,    // extended by mrd where somebody else had extended the register: expected and found (mr/envelope.h)
};
std::string_view to_string(EventOrigin origin);
std::optional<EventOrigin> event_origin_from(std::string_view name);

// One event. Only the digests are bound by the register; all else is what the log says. Views point into the file or into the reader, and are valid
// until the reader's next next().
struct Event {
    std::uint64_t sequence = 0;  // its number in the log; counted from 1 where the format has none
    std::uint32_t index = 0;     // the register's number in TCG formats: PCR, or RTMR + 1; elsewhere derived from the name, or no_index
    std::string_view name;       // "rtmr3", "pcr7" (with all its banks), or as the log names it: "tdx/rtmr3"
    std::uint32_t type = 0;
    std::vector<EventDigest> digests;  // at most max_log_banks
    std::optional<ByteView> data;      // absent where the format or the log keeps none

    std::optional<std::string_view> description;
    std::optional<std::int64_t> time;  // microseconds since the epoch
    std::optional<EventCaller> caller;
    std::optional<std::string_view> id;
    EventOrigin origin = EventOrigin::firmware;
};
inline constexpr std::uint32_t no_index = 0xFFFFFFFF;

// Was a register extended by it? By EV_NO_ACTION never, whatever its index. A register that TCG formats have no number for has a name.
inline bool is_measured(const Event &event) { return event.type != ev_no_action && (event.index != no_index || !event.name.empty()); }

// "rtmr3" of "tdx/rtmr3", "pcr7" of "tpm/pcr7:sha256": what logs of other formats call the register. Other names are left whole: only of RTMRs and
// PCRs a machine has one set.
std::string_view common_name(std::string_view name);
// The TCG index of a name: RTMR + 1, or the PCR's number. Nothing for any other register.
std::optional<std::uint32_t> tcg_index(std::string_view name);

// The locality (0, 3 or 4) that this event says the TPM was started from: PCR 0 then begins as zeros with it as the last byte, in every bank. Said by
// the firmware's StartupLocality event, and by EV_EFI_HCRTM_EVENT, which is 4 whatever a StartupLocality said before it: a hardware core root of trust
// has measured into PCR 0 before the TPM was started. Either counts only before the first extend of PCR 0. Nothing for any other event. Source: PC
// Client Platform Firmware Profile, section 10.4.5.3; TPM 2.0 Library, part 1, section 34.3 (H-CRTM event sequence).
std::optional<std::uint8_t> pcr0_startup_locality(const Event &event);

// ---- Reading

enum class LogFormat : std::uint8_t { tcg, tcg_sha1, cel_json, json, dstack, ima };
std::string_view to_string(LogFormat format);

// Whose numbers a TCG log's indices are.
enum class LogRegisters : std::uint8_t { rtmr, pcr };

// What a log says of a register beside its events; only mrd's own JSON does.
struct LogRegister {
    std::string name;
    HashAlgorithm algorithm = HashAlgorithm::sha384;
    Digest initial;  // the hardware's value at its reset
    Digest start;    // what it held when mrd's journal began
};

struct ReaderOptions {
    // Not given: a TCG log whose header has index 1, or whose only bank is SHA-384 and whose indices are all at most 4, is one of RTMRs.
    std::optional<LogRegisters> registers = {};
    // Not given: what the first bytes say.
    std::optional<LogFormat> format = {};
};

class EventLogReader {
public:
    // `file` must outlive the reader and all events. Error: malformed, naming what is wrong and at which byte.
    static std::expected<EventLogReader, Error> open(ByteView file, const ReaderOptions &options = {});

    EventLogReader(EventLogReader &&) noexcept;
    EventLogReader &operator=(EventLogReader &&) noexcept;
    ~EventLogReader();

    [[nodiscard]] LogFormat format() const;

    // Of mrd's own JSON; empty for others.
    [[nodiscard]] const std::vector<LogRegister> &registers() const;

    // False: the log has ended, and `event` is unspecified. Error: malformed; every further call then gives the same.
    std::expected<bool, Error> next(Event &event);

    // Where in the file the event of the last next() began, or where the log ended: there padding begins.
    [[nodiscard]] std::size_t offset() const;

    // A format's implementation.
    class Source;

private:
    explicit EventLogReader(std::unique_ptr<Source> source);
    std::unique_ptr<Source> source_;
};

// ---- Writing. Each appends one piece; pieces in order make a whole log.

// The first record of a TCG crypto-agile log: TCG_EfiSpecIDEvent.
struct TcgHeader {
    std::uint32_t index = 0;  // 0 as the specification says and tpm2_eventlog wants, 1 as CCELs have it
    std::uint32_t platform_class = 0;
    std::uint8_t minor = 0;
    std::uint8_t major = 2;
    std::uint8_t errata = 0;
    std::uint8_t uintn_size = 2;  // in units of 4 bytes
    struct Algorithm {
        std::uint16_t id = 0;
        std::uint16_t size = 0;
        friend bool operator==(const Algorithm &, const Algorithm &) = default;
    };
    std::vector<Algorithm> algorithms;
    Bytes vendor_info;
    friend bool operator==(const TcgHeader &, const TcgHeader &) = default;
};
struct TcgHeaderRead {
    TcgHeader header;
    std::size_t size = 0;  // bytes it takes in the file
};
// Of a file that begins with it. Error: malformed, naming the byte: also for a log of TCG 1.2, which has no such record.
std::expected<TcgHeaderRead, Error> read_tcg_header(ByteView file);
void append_tcg_header(Bytes &out, const TcgHeader &header);

// Uses index, type, digests and data. Preconditions: index is set; at most max_log_banks digests, in the order and of the sizes of the header.
void append_tcg_event(Bytes &out, const Event &event);
// Of a TCG 1.2 log. Precondition: one digest, SHA-1.
void append_tcg_sha1_event(Bytes &out, const Event &event);

// 0x1E, the record, a line feed.
void append_cel_json(std::string &out, const Event &event);

// mrd's own: a first line with the registers, then a line an event, with everything that is known.
void append_json_header(std::string &out, const std::vector<LogRegister> &registers);
void append_json_event(std::string &out, const Event &event);

// ---- Replay

// A place where somebody else extended the register, as a resync event says: the log explains `expected`, the register held `found`.
struct LogGap {
    std::uint64_t sequence = 0;  // of the resync; 0: what the register held when the journal began is not explained
    Digest expected;
    Digest found;
    bool joins = false;  // the events before it do lead to `expected`
    std::uint64_t events =
        0;  // of the register, before it: nothing binds that they happened, for whoever extends a register can write a resync too
};

struct ReplayedRegister {
    std::string name;  // common_name(); of a PCR with its bank: "pcr7:sha256"
    HashAlgorithm algorithm = HashAlgorithm::sha384;
    Digest value;
    std::uint64_t events = 0;
    std::vector<LogGap> gaps;
    // The events lead from the initial value to `value`, over its gaps: every gap joins.
    [[nodiscard]] bool consistent() const;
};

// common: by common_name(), so that logs of several formats go on from one another. as_logged: by the logs' own names, for machines with two sets of
// registers of the same names.
enum class ReplayNames : std::uint8_t { common, as_logged };

// Computes what registers hold after the events of one log or of several, one after the other. Starts from zero, from 0xFF for PCRs 17 to 22 unless one
// of them is extended (then there was a dynamic launch, which sets all of them to zero), for PCR 0 from what pcr0_startup_locality() says, and from what
// declare() says. Digests of algorithms that this library or this OpenSSL does not know are passed over: a register exists for each known bank. Memory: one
// entry for each register and bank, one for each gap.
class Replay {
public:
    explicit Replay(ReplayNames names = ReplayNames::common);
    Replay(Replay &&) noexcept;
    Replay &operator=(Replay &&) noexcept;
    ~Replay();

    // What the hardware of a register is known to begin with, whatever a log says of it, and how it is extended: before the first event. Of a value that has not the algorithm's length,
    // or an algorithm that this OpenSSL does not offer, nothing is kept.
    void begin_at(std::string_view name, HashAlgorithm algorithm, const Digest &initial, ExtendRule rule = ExtendRule::digest);

    // What a log says of a register: before that log's events. Of RTMRs and PCRs `initial` is passed over: how their hardware begins is known. A `start` that
    // the events up to the journal's begin do not lead to is gap 0; the next events go on from `start`, unless a resync says the same. It is a claim like
    // the rest of the log: a verifier that knows the hardware's initial values compares `initial` with them. A digest of another length than the
    // algorithm's says nothing.
    void declare(const LogRegister &known);

    // Error: malformed, naming the event: a digest whose length is not its algorithm's, two digests of one algorithm, a measured event without a name;
    // not_supported: more registers or gaps than max_replayed_registers, max_replayed_gaps. After an error nothing of the event is applied.
    std::expected<void, Error> apply(const Event &event);

    // In the order of their first event; those that were only declared come last. Valid until the next declare() or apply().
    [[nodiscard]] const std::vector<ReplayedRegister> &registers() const;
    [[nodiscard]] const ReplayedRegister *find(std::string_view name) const;  // by any form of the name; a PCR with its bank
    [[nodiscard]] const ReplayedRegister *find(std::string_view name, HashAlgorithm algorithm) const;  // by the name without its bank

    [[nodiscard]] std::uint64_t events() const;  // applied, those that extend nothing included

private:
    struct State;
    std::unique_ptr<State> state_;
};
inline constexpr std::size_t max_replayed_registers = 4096;
inline constexpr std::size_t max_replayed_gaps = 16'384;  // of all registers

}  // namespace mr
