// What mrd asks of a provider that is a device which proves itself: certificates of its own, and measurements that it signs. One device is one provider; that it is
// plugged and unplugged, reset, or given other keys shows in its registers, which come and go, and in its generation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mrd {

// A number that rises whenever what was known of the device has ended: it has come, was reset, has another certificate, a block holds something else than before, or the report of
// its interface is another one. It begins where no earlier start of mrd can have been.
using DeviceGeneration = std::int64_t;

inline constexpr std::size_t device_nonce_size = 32;
using DeviceNonce = std::array<std::uint8_t, device_nonce_size>;

struct DeviceBlock {
    std::uint8_t index = 0;
    std::string type = {};  // "fw", as io.mrd.Devices has it
    bool is_raw = false;
    mr::Bytes value = {};
    std::optional<std::string> reg = {};  // the register that shows it, without the provider: "fw2"
};

// Of the log of what its hash-extend blocks were extended with (MEL).
struct DeviceLog {
    std::size_t entries = 0;
    std::string defect = {};  // why it does not lead to the blocks; empty: it does
};

// The report of its interface (TDISP) that somebody put into a file for mrd. Nothing signs it.
struct DeviceInterface {
    std::string digest = {};                // of the file, "sha384:HEX"; empty: it cannot be read
    std::size_t ranges = 0;                 // of MMIO
    std::vector<std::string> refused = {};  // the statements about it (mr/tdisp.h) that do not hold under the strictest policy
    std::string defect = {};                // why it is no report; empty: it is one
    friend bool operator==(const DeviceInterface &, const DeviceInterface &) = default;
};

// What is known of a device that is there: its signature and its certificates hold.
struct DeviceFacts {
    DeviceGeneration generation = 0;
    std::int64_t since = 0;     // when it began, microseconds since the epoch
    std::string identity = {};  // subject of the leaf certificate
    std::optional<std::string> pci = {};
    std::optional<std::string> dmtf = {};
    std::string leaf = {};  // digest of the leaf certificate, "sha384:HEX"
    std::size_t certificates = 0;
    std::string root = {};  // likewise of the trusted root
    std::vector<std::uint8_t> slots = {};
    std::string version = {};  // "1.2"
    std::string signature_algorithm = {};
    mr::HashAlgorithm hash = mr::HashAlgorithm::sha384;
    std::optional<mr::HashAlgorithm> measurement_hash = {};  // nothing: all blocks are raw
    // Of the last signature.
    DeviceNonce nonce{};
    std::int64_t signed_at = 0;
    bool measures_anew = false;  // else a value is of the last reset, whenever it was signed
    std::vector<DeviceBlock> blocks = {};
    std::optional<DeviceLog> log = {};              // nothing: it has none
    std::optional<DeviceInterface> interface = {};  // as it was when the device signed; nothing: no file is configured
};

struct DeviceState {
    std::string address = {};
    std::string_view transport = {};
    std::string pci_function = {};  // as configured; empty: not known
    std::uint8_t slot = 0;
    std::optional<DeviceFacts> facts = {};
    std::string absence = {};  // why there are none
    // What is known of the link's encryption, and of the interface that is assigned.
    std::string_view link = {};
    std::string_view tdi = {};
};

// All that a verifier needs.
struct DeviceEvidence {
    DeviceFacts facts = {};
    mr::Bytes transcript = {};  // what is signed, the last message without its signature
    mr::Bytes signature = {};   // r || s
    mr::Bytes chain = {};       // as the device gives it
    std::uint8_t slot = 0;
    std::optional<mr::Bytes> log = {};  // likewise
};

struct DeviceFailure {
    enum class Cause : std::uint8_t {
        absent,     // it is not there, or what it says does not hold
        timed_out,  // no answer before the deadline
        failed,     // it answered, and gave nothing
    };
    Cause cause = Cause::failed;
    std::string reason = {};
};

class Device {
public:
    virtual ~Device() = default;

    // As it is known; on any thread, and waits for nothing.
    [[nodiscard]] virtual DeviceState state() const = 0;

    // Asks the device for all blocks, signed over this nonce. Called from the provider's queue. The device has the time that is its own, however little who asks has:
    // one that is slower than that is not there.
    virtual std::expected<DeviceEvidence, DeviceFailure> evidence(const DeviceNonce &nonce) = 0;
};

}  // namespace mrd
