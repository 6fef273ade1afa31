// What carries SPDM messages, as bytes without I/O: MCTP's message type, PCIe's data objects (DOE), and the frames of DMTF's emulator over a socket. In mr::verify.
//
// Sources: DMTF DSP0275, "SPDM over MCTP Binding"; PCI Express Base Specification 6.0, section 6.30, "Data Object Exchange"; DMTF spdm-emu, doc/spdm_emu.md.
//
//   MCTP    0x05, message
//   DOE     vendor u16 (1: PCI-SIG), type u8 (0 discovery, 1 SPDM, 2 secured SPDM), reserved u8, length u32 in units of 4 bytes and with these 8 bytes, message,
//           up to 3 zero bytes; little-endian
//   frame   command u32, transport u32, payload size u32, payload; big-endian
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "mr/bytes.h"
#include "mr/spdm.h"

namespace mr {

enum class SpdmTransport : std::uint8_t { none = 0, mctp = 1, doe = 2 };  // numbers as in frames

// A message as payload. Precondition of DOE: it is at most max_spdm_message long.
Bytes wrap_spdm(SpdmTransport transport, ByteView message);
// The message in a payload; of DOE with its padding, which only who reads the message can tell from it (SpdmOptions::is_padded).
// Error: transport. A view into the payload.
std::expected<ByteView, SpdmError> unwrap_spdm(SpdmTransport transport, ByteView payload);

inline constexpr std::uint16_t doe_vendor_pci_sig = 1;
inline constexpr std::uint8_t doe_discovery = 0;
inline constexpr std::uint8_t doe_spdm = 1;
inline constexpr std::uint8_t doe_secured_spdm = 2;

struct DoeObject {
    std::uint16_t vendor = doe_vendor_pci_sig;
    std::uint8_t type = doe_spdm;
    ByteView content;  // with padding
};
Bytes write_doe_object(const DoeObject &object);
// Error: transport. A view into the bytes.
std::expected<DoeObject, SpdmError> parse_doe_object(ByteView bytes);

// Discovery: which objects a mailbox takes, one by index.
struct DoeProtocol {
    std::uint16_t vendor = 0;
    std::uint8_t type = 0;
    std::uint8_t next_index = 0;  // 0: this is the last
};
Bytes doe_discovery_request(std::uint8_t index);
// Error: transport.
std::expected<DoeProtocol, SpdmError> parse_doe_discovery_response(ByteView object);

inline constexpr std::size_t spdm_frame_header_size = 12;
inline constexpr std::size_t max_spdm_frame_payload = max_spdm_message + 16;
enum class SpdmCommand : std::uint32_t {
    normal = 0x0001,
    close = 0xFFFD,     // this client ends; the server takes the next one
    shutdown = 0xFFFE,  // the server ends
    test = 0xDEAD,      // "Client Hello!" and NUL, answered "Server Hello!" and NUL
};

struct SpdmFrame {
    std::uint32_t command = 0;
    SpdmTransport transport = SpdmTransport::none;
    Bytes payload;
};
Bytes write_spdm_frame(SpdmCommand command, SpdmTransport transport, ByteView payload);

// Frames out of a stream, in whatever pieces it comes.
class SpdmFrameReader {
public:
    // Bytes that came.
    void add(ByteView bytes);
    // The next whole frame; nothing: more bytes are needed. Error: transport, for a payload above the limit or a transport that is not known; nothing comes after it.
    std::expected<std::optional<SpdmFrame>, SpdmError> next();
    // The stream may end here: not inside a frame.
    [[nodiscard]] bool is_empty() const { return buffer_.empty(); }

private:
    Bytes buffer_;
};

}  // namespace mr
