// In mr::verify. What a device and a TEE security manager (TSM) say to each other about giving the device to a guest: TDISP and IDE_KM, messages of the PCI-SIG inside of SPDM's
// vendor defined ones. Formats only: a device answers these within a secured session, and that is the TSM's.
//
// Sources: PCI Express Base Specification 6.0, section 6.33.3 (IDE_KM) and chapter 11 (TDISP); DMTF DSP0274, VENDOR_DEFINED_REQUEST; PCI Express DOE, section 6.30.
// Numbers are little-endian. What decodes has exactly the bytes it says, and zeros where the specification reserves something.
//
// Views point into the bytes that were decoded, which must outlive them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"
#include "mr/named_bits.h"
#include "mr/verdict.h"

namespace mr {

// ---- Around them: SPDM

enum class PciProtocol : std::uint8_t { ide_km = 0, tdisp = 1 };

struct PciMessage {
    std::uint8_t spdm_version = 0;  // 0x12 is 1.2
    bool is_response = false;
    PciProtocol protocol = PciProtocol::tdisp;
    ByteView payload = {};
};
// A VENDOR_DEFINED_REQUEST or _RESPONSE of the PCI-SIG; also as a DOE data object of SPDM, whose padding is zero. Error: malformed; not_supported, of another
// standard, vendor or protocol.
std::expected<PciMessage, Error> decode_pci_message(ByteView message);
// Does it begin as one of some protocol, or as the data object of one? Cheap.
bool begins_pci_message(ByteView bytes);

// ---- TDISP, version 1.0

inline constexpr std::uint8_t tdisp_version = 0x10;
inline constexpr std::size_t tdisp_nonce_size = 32;

enum class TdispType : std::uint8_t {
    version = 0x01,
    capabilities = 0x02,
    lock_response = 0x03,
    report = 0x04,
    state = 0x05,
    start_response = 0x06,
    stop_response = 0x07,
    bind_p2p_response = 0x08,
    unbind_p2p_response = 0x09,
    set_mmio_attribute_response = 0x0A,
    vdm_response = 0x0B,
    error = 0x7F,
    get_version = 0x81,
    get_capabilities = 0x82,
    lock = 0x83,
    get_report = 0x84,
    get_state = 0x85,
    start = 0x86,
    stop = 0x87,
    bind_p2p = 0x88,
    unbind_p2p = 0x89,
    set_mmio_attribute = 0x8A,
    vdm = 0x8B,
};
std::string_view to_string(TdispType type);  // "LOCK_INTERFACE_REQUEST"

enum class TdispState : std::uint8_t { config_unlocked = 0, config_locked = 1, run = 2, error = 3 };
std::string_view to_string(TdispState state);  // "CONFIG_UNLOCKED", in policies too
std::optional<TdispState> tdisp_state_from(std::string_view name);

// Which PCI function it is about.
struct TdispInterface {
    std::uint16_t requester_id = 0;  // bus 15:8, device 7:3, function 2:0
    std::optional<std::uint8_t> segment = {};
    friend bool operator==(const TdispInterface &, const TdispInterface &) = default;
};
std::string to_string(const TdispInterface &interface);  // "01:00.0", "0002:01:00.0"

// What the device does from LOCK on, in a request and in what a device can do.
std::span<const NamedBit> tdisp_lock_flags();

struct TdispNothing {};
struct TdispVersions {
    ByteView versions = {};  // one each, 0x10 is 1.0
};
struct TdispGetCapabilities {
    std::uint32_t tsm_capabilities = 0;
};
struct TdispCapabilities {
    std::uint32_t dsm_capabilities = 0;
    std::array<std::uint8_t, 16> requests{};  // bit n: the request 0x80 + n
    std::uint16_t lock_flags = 0;
    std::uint8_t address_width = 0;  // bits
    std::uint8_t requests_this = 0;  // how many the interface takes at once, beyond one
    std::uint8_t requests_all = 0;   // and all of the device together
    [[nodiscard]] bool takes(TdispType request) const;
};
struct TdispLock {
    std::uint16_t flags = 0;
    std::uint8_t stream = 0;          // of IDE, the default one
    std::uint64_t report_offset = 0;  // added to the addresses of the report
    std::uint64_t p2p_mask = 0;
};
struct TdispNonce {  // of LOCK's answer, and START gives it back
    std::array<std::uint8_t, tdisp_nonce_size> nonce{};
};
struct TdispGetReport {
    std::uint16_t offset = 0;
    std::uint16_t length = 0;
};
struct TdispReportPortion {
    std::uint16_t remainder = 0;  // bytes behind it
    ByteView bytes = {};
};
struct TdispError {
    std::uint32_t code = 0;
    std::uint32_t data = 0;  // of "unsupported": the request's type
    ByteView more = {};
};
std::string tdisp_error_text(std::uint32_t code);  // "INVALID_NONCE", or "0x9"
struct TdispOther {                                // of requests whose content this library does not read
    ByteView content = {};
};
using TdispBody = std::variant<TdispNothing, TdispVersions, TdispGetCapabilities, TdispCapabilities, TdispLock, TdispNonce, TdispGetReport,
                               TdispReportPortion, TdispState, TdispError, TdispOther>;

struct TdispMessage {
    std::uint8_t version = tdisp_version;  // of an error any: it is the request's
    TdispType type = TdispType::error;
    TdispInterface interface = {};
    TdispBody body = {};
};
// Error: malformed, naming the field; not_supported, another version.
std::expected<TdispMessage, Error> decode_tdisp_message(ByteView message);

// ---- The report of a device interface

inline constexpr std::size_t max_tdisp_report_size = 0xFFFF;  // bytes: offsets have 16 bits
inline constexpr std::size_t max_tdisp_ranges = 1024;         // of MMIO; a function has six BARs
inline constexpr std::uint64_t tdisp_page_size = 4096;

// Its bits' names: no_update_after_lock, dma_without_pasid, ...
std::span<const NamedBit> tdisp_interface_bits();
std::span<const NamedBit> tdisp_range_bits();
inline constexpr std::uint16_t tdisp_no_update_after_lock = 0x01;
inline constexpr std::uint16_t tdisp_ats = 0x08;
inline constexpr std::uint16_t tdisp_prs = 0x10;
inline constexpr std::uint16_t tdisp_range_non_tee = 0x04;
inline constexpr std::uint16_t tdisp_range_updatable = 0x08;

struct TdispRange {
    std::uint64_t first_page = 0;  // with LOCK's offset added
    std::uint32_t pages = 0;
    std::uint16_t attributes = 0;
    std::uint16_t id = 0;  // 0 to 7: the BAR
    friend bool operator==(const TdispRange &, const TdispRange &) = default;
};

struct TdispReport {
    std::uint16_t interface_info = 0;
    std::uint16_t msix_control = 0;
    std::uint16_t lnr_control = 0;
    std::uint32_t tph_control = 0;
    std::vector<TdispRange> ranges = {};
    ByteView device_information = {};  // the device's own
};
// Error: malformed, naming the field: also for ranges of no pages, beyond the last address, that overlap, or that ascend neither by their addresses nor within
// their BARs.
std::expected<TdispReport, Error> decode_tdisp_report(ByteView report);

// The portions of one report, in their order from offset 0 on, put together. Error: malformed; what a portion says of the rest is not what the next one has.
std::expected<Bytes, Error> join_tdisp_report(std::span<const TdispReportPortion> portions);

// What an interface may be. By default nothing that leaves a way in: a guest's memory is what its devices reach.
struct TdispPolicy {
    bool accept_non_tee_ranges = false;    // MMIO that others than the guest reach, too
    bool accept_updatable_ranges = false;  // MMIO that may become such
    bool accept_update_after_lock = false;
    bool accept_ats = false;  // the device translates addresses itself
    bool accept_prs = false;
    std::vector<TdispState> states = {TdispState::run};
    // Nothing signs a report. SHA-384, as the TSM says it to the guest; nothing: the report is refused, unless it came from the TSM itself, which the
    // caller knows.
    std::optional<std::array<std::uint8_t, 48>> digest = {};
    bool from_tsm = false;
};

// As a relying party writes it: a JSON object of nonTeeRanges, updatableRanges, updateAfterLock, ats, prs, each "accept" or "refuse" ["refuse"], states, an array
// of what tdisp_state_from() takes [["RUN"]], and digest, "sha384:HEX". That a report came from the TSM no file can say: from_tsm stays the caller's. Error:
// malformed, naming the member; unknown members are refused.
std::expected<TdispPolicy, Error> parse_tdisp_policy(std::string_view json);

// In a verdict. What each rests on: docs/verification.md.
namespace statement {

inline constexpr std::string_view interface_report = "interface_report";  // is one
inline constexpr std::string_view interface_origin = "interface_origin";  // the TSM vouches for it
inline constexpr std::string_view interface_ranges = "interface_ranges";  // only attributes that are accepted
inline constexpr std::string_view interface_update = "interface_update";  // no new firmware while it is locked
inline constexpr std::string_view interface_dma = "interface_dma";        // no address services that are not accepted
inline constexpr std::string_view interface_state = "interface_state";    // one that is accepted

}  // namespace statement

// Adds those statements. `state`: nothing where nobody has asked the device, and then the statement does not hold.
void judge_tdisp_report(ByteView report, std::optional<TdispState> state, const TdispPolicy &policy, Verdict &verdict);

// ---- IDE_KM: the keys of a link, which only TSM and device know

enum class IdeKmType : std::uint8_t {
    query = 0,
    query_response = 1,
    key_program = 2,
    key_acknowledge = 3,
    set_go = 4,
    set_stop = 5,
    go_stop_acknowledge = 6
};
std::string_view to_string(IdeKmType type);  // "KEY_PROG"

enum class IdeSubStream : std::uint8_t { posted = 0, non_posted = 1, completion = 2 };
std::string_view to_string(IdeSubStream sub_stream);  // "PR", "NPR", "CPL"

inline constexpr std::size_t ide_key_size = 32;
inline constexpr std::size_t ide_iv_size = 8;
inline constexpr std::size_t max_ide_registers = 1024;  // of 4 bytes

// Which of a stream's six keys.
struct IdeKey {
    std::uint8_t stream = 0;
    std::uint8_t key_set = 0;  // 0 or 1
    bool is_transmit = false;
    IdeSubStream sub_stream = IdeSubStream::posted;
    std::uint8_t port = 0;
    friend bool operator==(const IdeKey &, const IdeKey &) = default;
};

struct IdeQuery {
    std::uint8_t port = 0;
};
struct IdeQueryResponse {
    std::uint8_t port = 0;
    std::uint8_t device_function = 0;
    std::uint8_t bus = 0;
    std::uint8_t segment = 0;
    std::uint8_t max_port = 0;
    std::vector<std::uint32_t> registers = {};  // the IDE capability's
};
struct IdeKeyProgram {
    IdeKey which = {};
    ByteView key = {};  // secret
    ByteView iv = {};
};
struct IdeKeyAcknowledge {
    IdeKey which = {};
    std::uint8_t status = 0;  // 0: done
};
std::string ide_key_status_text(std::uint8_t status);  // "done", "length", "status 9"
struct IdeGoStop {                                     // of the two requests, and of their answer
    IdeKey which = {};
};
struct IdeKmMessage {
    IdeKmType type = IdeKmType::query;
    std::variant<IdeQuery, IdeQueryResponse, IdeKeyProgram, IdeKeyAcknowledge, IdeGoStop> body;
};
// Error: malformed, naming the field.
std::expected<IdeKmMessage, Error> decode_ide_km_message(ByteView message);

}  // namespace mr
