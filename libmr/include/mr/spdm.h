// In mr::verify. SPDM, by which a device shows its certificates and signed measurements: algorithms, capabilities, measurement blocks, certificate chains and the measurement
// extension log. The flow is in mr/spdm_requester.h, what is kept of it in mr/spdm_evidence.h, what carries it in mr/spdm_transport.h.
//
// Sources: DMTF DSP0274, Security Protocol and Data Model Specification, versions 1.1.3 to 1.4.0 ("Messages" and "Message details"); integers are little-endian,
// and so is nothing of a signature: r || s, big-endian.
//
//   message   version u8 (0x12: 1.2), code u8, param1 u8, param2 u8, more
//   chain     length u16 (of all of it), reserved u16, RootHash[H], certificates in DER, root or what it issued first, leaf last
//   block     index u8, specification u8 (1: DMTF), size u16; type u8 (bit 7: raw bit stream), value size u16, value
//   log       entries u32, length u32 (of them), reserved u64; entry: number u32, block index u8, reserved u24, type u8, value size u16, value
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/named_bits.h"

namespace mr {

// What a device controls, and how much of it is taken.
inline constexpr std::size_t max_spdm_message = std::size_t{64} * 1024;          // bytes of one message, put together of chunks
inline constexpr std::size_t max_spdm_opaque = 1024;                             // bytes of opaque data in one message
inline constexpr std::size_t max_spdm_certificates = 16;                         // of one chain; those of devices have three to nine
inline constexpr std::size_t max_spdm_measurement_log = std::size_t{64} * 1024;  // bytes of a measurement extension log
inline constexpr std::size_t max_spdm_log_entries = 1024;

inline constexpr std::size_t spdm_slots = 8;
inline constexpr std::size_t spdm_nonce_size = 32;
inline constexpr std::size_t spdm_context_size = 8;  // requester context, from 1.3 on
using SpdmNonce = std::array<std::uint8_t, spdm_nonce_size>;
using SpdmContext = std::array<std::uint8_t, spdm_context_size>;

// The closed list of what can end an exchange with a device, or the check of what it signed.
enum class SpdmFault : std::uint8_t {
    // The device's own error replies (DSP0274, "Error code and error data").
    invalid_request,      // 01: it refuses the request's content, as an index that it does not have
    busy,                 // 03, more often than the limit: try again later
    unexpected_request,   // 04: not in this state of the connection
    unspecified,          // 05
    unsupported_request,  // 07: error data names the request
    session_required,     // 0B: it answers this in a secured session only
    reset_required,       // 0C
    response_too_large,   // 0D: longer than what was said can be taken
    request_too_large,    // 0E
    message_lost,         // 10: a chunked answer is no longer there
    version_mismatch,     // 41
    response_not_ready,   // 42, more often than the limit, or later than the limit
    request_resynch,      // 43: the device has forgotten the connection; begin with connect()
    operation_failed,     // 44
    vendor_error,         // FF, of the vendor's or a standards body's own
    other_error,          // a code that this library does not know, or that may not come here; the message has it
    // The way to it.
    timed_out,     // no answer within the deadline
    disconnected,  // the peer went away
    transport,     // what came is not in the transport's form
    // What it answered.
    malformed,            // the message names the field
    unexpected_response,  // of another request, slot, or header version than was asked
    too_large,            // a size or count above its named limit
    no_common_version,
    illegal_capabilities,  // flags that exclude each other
    no_common_algorithm,
    not_capable,         // the device's capabilities lack what is asked: measurements, signatures, ...
    no_such_slot,        // no certificates are in the slot
    wrong_chunk,         // of another handle or number, or of a size that does not fit
    no_progress,         // a portion without bytes, or more portions than the limit
    wrong_measurements,  // other blocks than were asked for
    wrong_context,       // the answer has another requester context than the request
    wrong_nonce,         // what is signed has another nonce: it is of another request, or kept from one
    bad_signature,       // the slot's leaf did not sign these bytes
    log_mismatch,        // the extension log does not lead to its block
    // Certificates.
    malformed_chain,     // no certificate chain of this form
    wrong_chain_digest,  // DIGESTS or CHALLENGE_AUTH have another digest than that of the chain
    wrong_root_hash,     // the chain's RootHash is not that of its root
    broken_chain,        // a certificate was not issued by the one before it, or may not be where it is
    untrusted_root,      // no given root
    not_in_validity,     // a certificate has not begun, or has ended
    // This side.
    no_chain,  // what is signed cannot be checked: get_certificate() first
    no_randomness,
    misuse,  // of the call, in this state; the message says what instead
};
std::string_view to_string(SpdmFault fault);  // "invalid_request"

struct SpdmError {
    SpdmFault fault;
    std::string message;  // one sentence that names the field and says what to do
};

enum class SpdmVersion : std::uint8_t { v1_1 = 0x11, v1_2 = 0x12, v1_3 = 0x13, v1_4 = 0x14 };
std::string_view to_string(SpdmVersion version);                       // "1.2"
std::optional<SpdmVersion> spdm_version_from(std::string_view text);   // of "1.2"
std::optional<SpdmVersion> spdm_version_of(std::uint8_t header_byte);  // of 0x12

// Capabilities, of requester and responder. Fields of two bits are named by their mask.
inline constexpr std::uint32_t spdm_cap_cert = 0x2;
inline constexpr std::uint32_t spdm_cap_chal = 0x4;
inline constexpr std::uint32_t spdm_cap_meas = 0x18;  // 0x08 without signature, 0x10 with
inline constexpr std::uint32_t spdm_cap_meas_signed = 0x10;
inline constexpr std::uint32_t spdm_cap_meas_fresh = 0x20;  // measures when asked; without it values are of the last reset
inline constexpr std::uint32_t spdm_cap_encrypt = 0x40;
inline constexpr std::uint32_t spdm_cap_mac = 0x80;
inline constexpr std::uint32_t spdm_cap_mut_auth = 0x100;
inline constexpr std::uint32_t spdm_cap_key_ex = 0x200;
inline constexpr std::uint32_t spdm_cap_psk = 0xC00;
inline constexpr std::uint32_t spdm_cap_encap = 0x1000;
inline constexpr std::uint32_t spdm_cap_heartbeat = 0x2000;
inline constexpr std::uint32_t spdm_cap_key_update = 0x4000;
inline constexpr std::uint32_t spdm_cap_handshake_in_clear = 0x8000;
inline constexpr std::uint32_t spdm_cap_public_key_id = 0x10000;
inline constexpr std::uint32_t spdm_cap_chunk = 0x20000;
inline constexpr std::uint32_t spdm_cap_alias_cert = 0x40000;
inline constexpr std::uint32_t spdm_cap_set_certificate = 0x80000;
inline constexpr std::uint32_t spdm_cap_csr = 0x100000;
inline constexpr std::uint32_t spdm_cap_install_reset = 0x200000;
inline constexpr std::uint32_t spdm_cap_endpoint_info = 0xC00000;
inline constexpr std::uint32_t spdm_cap_measurement_log = 0x1000000;
inline constexpr std::uint32_t spdm_cap_event = 0x2000000;
inline constexpr std::uint32_t spdm_cap_multi_key = 0xC000000;
inline constexpr std::uint32_t spdm_cap_multi_key_negotiable = 0x8000000;
inline constexpr std::uint32_t spdm_cap_get_key_pair_info = 0x10000000;
inline constexpr std::uint32_t spdm_cap_set_key_pair_info = 0x20000000;

inline constexpr std::uint32_t min_spdm_transfer_size = 42;  // bytes

struct SpdmCapabilities {
    std::uint8_t crypto_time_exponent = 0;  // an answer that needs cryptography takes at most 2^this microseconds
    std::uint32_t flags = 0;
    std::uint32_t data_transfer_size = 0;  // bytes of one message on the transport; 1.1 does not say
    std::uint32_t max_message_size = 0;    // bytes of one message, put together of chunks; likewise
    friend bool operator==(const SpdmCapabilities &, const SpdmCapabilities &) = default;

    [[nodiscard]] bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
    [[nodiscard]] bool signs_measurements() const { return (flags & spdm_cap_meas) == spdm_cap_meas_signed; }
};
// The flags by their names. Each bit of a field of two has one: what it stands for alone.
std::span<const NamedBit> spdm_capability_bits();
// What makes a device's capabilities illegal in that version; nothing: they are not.
std::optional<std::string> spdm_capabilities_defect(const SpdmCapabilities &capabilities, SpdmVersion version);

// Base asymmetric algorithm, base hash: those of them that this library checks.
inline constexpr std::uint32_t spdm_asym_p256 = 0x10;
inline constexpr std::uint32_t spdm_asym_p384 = 0x80;
inline constexpr std::uint32_t spdm_hash_sha256 = 0x1;
inline constexpr std::uint32_t spdm_hash_sha384 = 0x2;
inline constexpr std::uint32_t spdm_hash_sha512 = 0x4;
// Measurement hash.
inline constexpr std::uint32_t spdm_measurement_raw = 0x1;
inline constexpr std::uint32_t spdm_measurement_sha256 = 0x2;
inline constexpr std::uint32_t spdm_measurement_sha384 = 0x4;
inline constexpr std::uint32_t spdm_measurement_sha512 = 0x8;
// Other parameters.
inline constexpr std::uint8_t spdm_opaque_format_1 = 0x2;
inline constexpr std::uint8_t spdm_multi_key_connection = 0x10;

// What was negotiated.
struct SpdmAlgorithms {
    std::uint8_t measurement_specification = 0;  // 1: DMTF; 0: the device has no measurements
    std::uint8_t other_parameters = 0;
    std::uint32_t measurement_hash = 0;
    std::uint32_t base_asym = 0;
    std::uint32_t base_hash = 0;
    std::uint8_t log_specification = 0;  // 1: DMTF's measurement extension log
    // Of secured sessions, which this library opens none of.
    std::uint16_t dhe = 0;
    std::uint16_t aead = 0;
    std::uint16_t requester_asym = 0;
    std::uint16_t key_schedule = 0;
    friend bool operator==(const SpdmAlgorithms &, const SpdmAlgorithms &) = default;

    [[nodiscard]] bool is_multi_key() const { return (other_parameters & spdm_multi_key_connection) != 0; }
};
std::optional<HashAlgorithm> spdm_base_hash(std::uint32_t bit);         // of exactly one bit that is known
std::optional<HashAlgorithm> spdm_measurement_hash(std::uint32_t bit);  // likewise; nothing for raw
std::string_view spdm_asym_name(std::uint32_t base_asym);               // "ecdsa-p256", "ecdsa-p384"; empty: not known
std::size_t spdm_signature_size(std::uint32_t base_asym);               // 64, 96; 0: not known

// Types of blocks, without the bit for raw (DSP0274, "DMTF specification for the Measurement field of a measurement block").
enum class SpdmBlockType : std::uint8_t {
    immutable_rom,
    mutable_firmware,
    hardware_configuration,
    firmware_configuration,
    manifest,
    device_mode,
    version,
    security_version,
    hash_extend,
    informational,
    structured_manifest,
};
std::string spdm_block_type_text(std::uint8_t type);  // "mutable_firmware", "type 42"
// As io.mrd.Devices and evidence have it, and registers are called: "fw", "42".
std::string spdm_block_type_name(std::uint8_t type);
// Either of both. Nothing: there is no such type.
std::optional<std::uint8_t> spdm_block_type_from(std::string_view text);
// Of a spdm_block_type_name(): "fw2"; "type42-7".
std::string spdm_register_name(std::string_view type, std::uint8_t index);

struct SpdmBlock {
    std::uint8_t index = 0;
    std::uint8_t type = 0;  // SpdmBlockType, or another number
    bool is_raw = false;    // the value itself; else its digest
    Bytes value = {};
    friend bool operator==(const SpdmBlock &, const SpdmBlock &) = default;
};
// A measurement record. Error: malformed; too_large; also for an index that is there twice or is 0 or 0xFF, and for a specification other than DMTF's.
std::expected<std::vector<SpdmBlock>, SpdmError> parse_spdm_blocks(ByteView record);
void append_spdm_block(Bytes &record, const SpdmBlock &block);

// Of a block of the type device_mode, 16 bytes.
struct SpdmDeviceMode {
    std::uint32_t modes_possible = 0;
    std::uint32_t mode = 0;  // 4: normal
    std::uint32_t debug_possible = 0;
    std::uint32_t debug = 0;  // 1 and 2: non-invasive and invasive, now; 4 and 8: since the last reset; 16: since manufacture
};
std::optional<SpdmDeviceMode> spdm_device_mode(const SpdmBlock &block);
// Of a block of the type security_version, 8 bytes.
std::optional<std::uint64_t> spdm_security_version(const SpdmBlock &block);

// Views point into the chain's bytes, which must outlive them.
struct SpdmChain {
    ByteView root_hash;
    std::vector<ByteView> certificates = {};  // DER; root or what it issued first, leaf last
};
// Error: malformed_chain, too_large. Says nothing of who issued what: check_spdm_chain() in mr/spdm_evidence.h does.
std::expected<SpdmChain, SpdmError> parse_spdm_chain(ByteView chain, HashAlgorithm base_hash);

struct SpdmLogEntry {
    std::uint32_t number = 0;
    std::uint8_t index = 0;  // of the block that was extended
    std::uint8_t type = 0;   // without the bit for raw
    bool is_raw = false;
    ByteView value;
    ByteView whole;  // what is hashed
};
// Entries point into the log. Error: malformed, too_large.
std::expected<std::vector<SpdmLogEntry>, SpdmError> parse_spdm_measurement_log(ByteView log);
// What the block of that index holds after the log: v = H(v || entry) from zeros on.
Digest replay_spdm_measurement_log(const std::vector<SpdmLogEntry> &entries, std::uint8_t index, HashAlgorithm measurement_hash);
// Every hash-extend block that the log extends holds what the log leads to, and there is one. Error: log_mismatch, malformed, too_large.
std::expected<void, SpdmError> check_spdm_measurement_log(ByteView log, const std::vector<SpdmBlock> &blocks,
                                                          HashAlgorithm measurement_hash);

}  // namespace mr
