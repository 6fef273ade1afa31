// In mr::verify. A requester of SPDM 1.1 to 1.4 as a stepped machine: it says what to send, how long to wait for the answer, or for how long to wait before the next step; it does no
// I/O and keeps no time. Whoever has the transport and the timer drives it:
//
//   auto step = requester.connect();
//   while (step.kind != SpdmStep::Kind::done && step.kind != SpdmStep::Kind::failed)
//       step = step.kind == SpdmStep::Kind::wait ? (sleep(step.time), requester.resume()) : requester.reply(exchange(step.message, step.time));
//
// Sources: DMTF DSP0274, "SPDM messaging protocol", "Timing requirements".
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "mr/bytes.h"
#include "mr/spdm.h"
#include "mr/spdm_evidence.h"

namespace mr {

inline constexpr std::size_t max_spdm_portions = 1024;  // of one certificate chain or log
inline constexpr std::size_t max_spdm_chunks = 4096;    // of one message
inline constexpr unsigned max_spdm_busy = 8;            // answers BUSY to one request
inline constexpr unsigned max_spdm_not_ready = 8;       // answers RESPONSE_NOT_READY to one request
// The longest that a device can ask for: for cryptography, and until it is ready.
inline constexpr std::chrono::microseconds max_spdm_crypto_time = std::chrono::seconds(10);
inline constexpr std::chrono::microseconds max_spdm_ready_time = std::chrono::seconds(10);
inline constexpr std::chrono::microseconds spdm_response_time = std::chrono::milliseconds(100);  // ST1, of what needs no cryptography

struct SpdmOptions {
    std::vector<SpdmVersion> versions = {SpdmVersion::v1_1, SpdmVersion::v1_2, SpdmVersion::v1_3,
                                         SpdmVersion::v1_4};  // the highest that both have is taken
    std::uint32_t flags = spdm_cap_cert | spdm_cap_chal;      // with spdm_cap_chunk, max_message_size may be larger
    std::uint32_t data_transfer_size = 4096;
    std::uint32_t max_message_size = 4096;
    std::uint32_t base_asym = spdm_asym_p256 | spdm_asym_p384;
    std::uint32_t base_hash = spdm_hash_sha256 | spdm_hash_sha384;
    std::uint8_t other_parameters = spdm_opaque_format_1;  // not said in 1.1
    std::uint8_t log_specification = 0;                    // 1: ask for the measurement extension log (1.3)
    // Of secured sessions, which this library opens none of: asked for where it is not 0.
    std::uint16_t dhe = 0;
    std::uint16_t aead = 0;
    std::uint16_t requester_asym = 0;
    std::uint16_t key_schedule = 0;
    std::uint16_t certificate_portion = 0xFFFF;                            // bytes of the chain that are asked for at once
    std::uint32_t log_portion = 0xFFFF;                                    // likewise of the log
    bool is_padded = false;                                                // answers may have up to 3 zero bytes behind them, as DOE's do
    std::chrono::microseconds round_trip = std::chrono::seconds(2);        // of the transport, added to what the device is given
    std::chrono::microseconds busy_time = std::chrono::milliseconds(100);  // before a request that met BUSY goes out again
};

// Fills the bytes; false: it cannot. Without one OpenSSL's is used.
using SpdmRandom = std::function<bool(std::span<std::uint8_t>)>;

struct SpdmStep {
    enum class Kind : std::uint8_t {
        send,    // message out, then reply(), timed_out() or disconnected()
        wait,    // resume() after `time`
        done,    // the operation has its result
        failed,  // error() says why
    };
    Kind kind = Kind::failed;
    ByteView message = {};                // of send, until the next call
    std::chrono::microseconds time = {};  // of send: the deadline for the answer; of wait: how long
};

// CHALLENGE: what the device's summary hash is to cover.
enum class SpdmSummary : std::uint8_t { none = 0x00, tcb = 0x01, all = 0xFF };

inline constexpr std::uint8_t spdm_measurement_count = 0x00;  // operations of GET_MEASUREMENTS; any other is an index
inline constexpr std::uint8_t spdm_measurement_all = 0xFF;

struct SpdmMeasurementRequest {
    std::uint8_t operation = spdm_measurement_all;
    bool is_signed = true;
    bool is_raw = false;                  // ask for raw bit streams where the device has them (1.2)
    bool is_anew = false;                 // ask to measure anew (1.3)
    std::uint8_t slot = 0;                // that signs
    std::optional<SpdmNonce> nonce = {};  // of signed ones; nothing: a random one
};

struct SpdmMeasurements {
    std::uint8_t count = 0;  // of blocks there are, where it was asked for; else 0
    std::vector<SpdmBlock> blocks = {};
    std::optional<std::uint8_t> content_changed = {};
    std::optional<SpdmNonce> nonce = {};  // of a signed one
    SpdmNonce responder_nonce{};
    Bytes opaque = {};
    bool is_signed = false;
};

struct SpdmKeyInfo {  // of a multi-key connection (1.3)
    std::uint8_t key_pair = 0;
    std::uint8_t certificate_info = 0;
    std::uint16_t usage = 0;
};
struct SpdmSlot {
    std::uint8_t number = 0;
    Digest digest;  // of its chain
    std::optional<SpdmKeyInfo> key = {};
};
struct SpdmDigests {
    std::uint8_t mask = 0;            // of slots with certificates
    std::uint8_t supported_mask = 0;  // of slots there are (1.3); else as mask
    std::vector<SpdmSlot> slots = {};
};

struct SpdmChallenge {
    Bytes chain_digest = {};
    SpdmNonce nonce{};
    SpdmNonce responder_nonce{};
    std::uint8_t slot_mask = 0;
    Bytes summary = {};
    Bytes opaque = {};
};

// What connect() agreed on.
struct SpdmConnection {
    std::vector<std::uint16_t> offered;  // version numbers as the device gives them
    SpdmVersion version = SpdmVersion::v1_2;
    SpdmCapabilities capabilities = {};
    SpdmAlgorithms algorithms = {};
    Bytes vca = {};  // exact bytes
};

// One device. Not for use by two threads at once. An answer that is not in order ends the connection, too: what the two sides hold for their transcript may differ
// from there on. An operation begins where no other is in the way: one that has not ended ends there, and what the device may still
// answer to it is the caller's to throw away.
class SpdmRequester {
public:
    explicit SpdmRequester(SpdmOptions options = {}, SpdmRandom random = {});
    SpdmRequester(SpdmRequester &&) noexcept;
    SpdmRequester &operator=(SpdmRequester &&) noexcept;
    ~SpdmRequester();

    // GET_VERSION, GET_CAPABILITIES, NEGOTIATE_ALGORITHMS. Chains that were read stay known: a signature by another key is bad_signature.
    SpdmStep connect();
    SpdmStep get_digests();
    // All of the chain, in portions of that many bytes (nothing: as the options say). What DIGESTS has must be its digest.
    SpdmStep get_certificate(std::uint8_t slot, std::optional<std::uint16_t> portion = {});
    // The signature is checked against the slot's leaf.
    SpdmStep challenge(std::uint8_t slot, SpdmSummary summary, std::optional<SpdmNonce> nonce = {});
    // Likewise, if it is signed. Of one that is not, nothing is vouched for until one that is follows.
    SpdmStep get_measurements(const SpdmMeasurementRequest &request);
    // The measurement extension log, likewise in portions.
    SpdmStep get_measurement_log(std::optional<std::uint32_t> portion = {});
    // A message of the caller's own, VENDOR_DEFINED_REQUEST for one, whose answer() is not looked into except for errors.
    SpdmStep exchange(Bytes request);

    SpdmStep reply(ByteView message);
    SpdmStep timed_out();     // the connection is over
    SpdmStep disconnected();  // likewise
    SpdmStep resume();

    // The connection is over, and nothing is known of chains: the device was reset, or another one is there.
    void forget();

    // Of the last operation that failed. Precondition: one has.
    [[nodiscard]] const SpdmError &error() const;
    // What is known; each until the next call that is not const.
    [[nodiscard]] const SpdmConnection *connection() const;
    [[nodiscard]] const SpdmDigests *digests() const;
    [[nodiscard]] const Bytes *chain(std::uint8_t slot) const;
    [[nodiscard]] const SpdmChallenge *challenge_result() const;
    [[nodiscard]] const SpdmMeasurements *measurements() const;
    [[nodiscard]] const Bytes *measurement_log() const;
    [[nodiscard]] ByteView answer() const;  // of exchange()
    // Of the last signed operation that was done: checked, except for the chain.
    [[nodiscard]] const SpdmEvidence *evidence() const;

private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

// Everything at once: connect, digests, the chain, the measurements over a nonce, and the log where the device has one. A device that has forgotten the connection is
// connected once more. The same steps as above; `reply` and the others are the requester's, called through this.
struct SpdmCollectOptions {
    std::uint8_t slot = 0;
    bool is_raw = false;
    bool is_anew = false;
    bool with_challenge = false;
    bool with_log = true;  // where log_specification was asked for, and the device has it
    std::optional<SpdmNonce> nonce = {};
};
class SpdmCollection {
public:
    // The requester must outlive it. A connection that there is is used; a chain that is known is not read again unless its digest is another.
    SpdmCollection(SpdmRequester &requester, SpdmCollectOptions options);

    SpdmStep begin();
    SpdmStep reply(ByteView message) { return next(requester_->reply(message)); }
    SpdmStep timed_out() { return requester_->timed_out(); }
    SpdmStep disconnected() { return requester_->disconnected(); }
    SpdmStep resume() { return next(requester_->resume()); }

private:
    enum class Stage : std::uint8_t { connect, digests, certificate, challenge, measurements, log, done };
    SpdmStep next(SpdmStep step);
    SpdmStep enter(Stage stage);
    Stage following() const;

    SpdmRequester *requester_;
    SpdmCollectOptions options_;
    Stage stage_ = Stage::connect;
    bool has_reconnected_ = false;
};

}  // namespace mr
