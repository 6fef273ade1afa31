// A device for tests: what answers SPDM requests over the framing of DMTF's emulator, on a thread of its own. Its blocks are data, it can be plugged and unplugged,
// reset and given other keys, and a table says which request it answers how wrongly.
//
// It is a responder of SPDM 1.1 to 1.4 without sessions: versions, capabilities, algorithms, digests, certificates, CHALLENGE, measurements, the measurement extension
// log, chunks, busy, not ready, resynch. It is lenient: what a requester must not do is the requester's tests' to see.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "proto/varlink/file_descriptor.h"
#include "tests/spdm/device_pki.h"

namespace mr::spdm_test {

enum class Framing : std::uint32_t { mctp = 1, doe = 2 };

// As SPDM numbers them.
enum class BlockType : std::uint8_t {
    rom = 0,
    firmware = 1,
    hardware_configuration = 2,
    firmware_configuration = 3,
    manifest = 4,
    device_mode = 5,
    version = 6,
    svn = 7,
    hash_extend = 8
};

inline constexpr std::size_t max_block_file_size = 1U << 20U;

struct Block {
    std::uint8_t index = 0;
    BlockType type = BlockType::firmware;
    bool is_raw = false;
    Bytes content;                    // not raw: what its digest is of
    std::filesystem::path file = {};  // not empty: it is read for the content, each time that the device measures
};

// What becomes of one request.
enum class Fault : std::uint8_t {
    hang,               // no answer, until the client has gone
    close_mid_message,  // half of an answer, and the end of the connection
    wrong_signature,
    stale_nonce,     // the whole answer to the request of that kind before
    says_unchanged,  // "no change" (content_changed = 2), whatever has changed
    busy,
    not_ready,  // and ready at the first RESPOND_IF_READY
    resynch,
    unexpected,
    hold,   // no answer before release()
    extend  // the log gets one entry more, first
};

struct DeviceOptions {
    Framing framing = Framing::mctp;
    std::uint8_t version = 0x12;
    bool is_p256 = false;  // with SHA-256; otherwise P-384 and SHA-384
    HashAlgorithm measurement_hash = HashAlgorithm::sha384;
    bool measures_anew = true;                   // MEAS_FRESH: what was changed is seen at once, and not at the next reset
    std::uint32_t measurements = 2;              // MEAS_CAP: 0 none, 1 without signature, 2 with
    std::uint32_t transfer_size = 4608;          // of one message; longer ones go in chunks
    std::uint8_t crypto_time_exponent = 0;       // what it asks for to sign: 2^this microseconds
    std::map<std::uint8_t, SlotPki> slots = {};  // none: slot 0, with keys of its own
    std::vector<Block> blocks = {};
    std::vector<Bytes> extension_log =
        {};  // values of MEL entries: block 0x11, informational; a block of the type hash_extend holds what they lead to
};

class Responder {
public:
    // Listens on a port of 127.0.0.1 that the kernel chooses, unless it is unplugged from the start.
    explicit Responder(DeviceOptions options, bool is_plugged = true);
    // `listener`: a socket of whatever kind that listens already.
    Responder(DeviceOptions options, varlink::FileDescriptor listener, bool is_plugged = true);
    Responder(const Responder &) = delete;
    Responder &operator=(const Responder &) = delete;
    ~Responder();

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] const SlotPki &slot(std::uint8_t number) const { return options_.slots.at(number); }

    void plug();
    void unplug();
    // Forgets what was negotiated, and shows what has changed: the next request is answered with a resynch.
    void reset();
    void change(const Block &block);  // or adds it
    void give_slot(std::uint8_t number, const SlotPki &pki);

    // ---- The table of faults

    // Of the next request of that code.
    void fault_next(std::uint8_t code, Fault fault);
    // What is held is answered, and nothing is held any more.
    void release();

    [[nodiscard]] std::size_t requests() const;
    [[nodiscard]] std::size_t requests_of(std::uint8_t code) const;
    // Waits until so many requests of that code have come. False: they do not come in a minute.
    [[nodiscard]] bool wait_for(std::uint8_t code, std::size_t count);

private:
    struct Negotiated {
        std::uint32_t requester_size = 0;
        Bytes vca;                                                 // A
        Bytes exchange;                                            // B
        Bytes measured;                                            // L, behind A
        std::optional<std::pair<std::uint8_t, Bytes>> large = {};  // handle and what is left of it in chunks
        std::size_t chunks_given = 0;
        std::size_t large_given = 0;
        std::uint8_t last_handle = 0;
        std::optional<Bytes> late = {};  // the answer that was not ready
        std::uint8_t late_code = 0;
        bool is_negotiated = false;
    };

    void measure();
    void serve();
    void serve_client(int client);
    // Nothing: the connection ends.
    std::optional<Bytes> answer(const Bytes &request);
    Bytes answer_well(const Bytes &request, std::optional<Fault> fault);
    Bytes in_pieces(Bytes response);
    std::optional<Fault> take_fault(std::uint8_t code);

    Bytes error(std::uint8_t code, std::uint8_t data = 0) const;
    Bytes versions(const Bytes &request);
    Bytes capabilities(const Bytes &request);
    Bytes algorithms(const Bytes &request);
    Bytes digests(const Bytes &request);
    Bytes certificate(const Bytes &request);
    Bytes challenge(const Bytes &request, std::optional<Fault> fault);
    Bytes measurements(const Bytes &request, std::optional<Fault> fault);
    Bytes extension_log(const Bytes &request) const;
    [[nodiscard]] std::vector<Bytes> log_entries() const;
    [[nodiscard]] Bytes extended() const;
    Bytes chunk(const Bytes &request);

    [[nodiscard]] HashAlgorithm base_hash() const { return options_.is_p256 ? HashAlgorithm::sha256 : HashAlgorithm::sha384; }
    [[nodiscard]] Bytes hash_of(ByteView bytes) const;
    [[nodiscard]] Bytes chain_of(std::uint8_t slot) const;
    [[nodiscard]] Bytes record(const std::vector<const Block *> &blocks, bool wants_raw) const;
    [[nodiscard]] Bytes signature(std::uint8_t slot, const char *context, ByteView transcript, std::optional<Fault> fault) const;

    DeviceOptions options_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Block> shown_;  // as they were measured last
    std::map<std::uint8_t, Fault> faults_of_code_;
    std::map<std::uint8_t, std::size_t> counts_;
    std::map<std::uint8_t, Bytes> last_answers_;
    std::size_t requests_ = 0;
    Negotiated state_;

    varlink::FileDescriptor listener_;
    int client_ = -1;
    bool is_plugged_ = false;
    bool is_released_ = false;
    bool is_ending_ = false;
    std::thread thread_;
};

}  // namespace mr::spdm_test
